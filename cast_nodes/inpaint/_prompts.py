"""What image editors are asked for. ``{label}`` stands for the object's name."""

from __future__ import annotations

from string import Formatter

from ..errors import BadInput

PLAIN = (
    "This picture shows the visible part of a {label}, cut out of a photo, on a plain background. "
    "Parts of it are missing because other things stood in front of it or because the photo ended "
    "there. Complete the {label}: draw its hidden parts so that one whole, intact {label} is seen. "
    "Keep the visible part exactly as it is: same position, same size, same viewing angle, same "
    "colours, materials and light. Keep the background plain and of the same colour: no floor, no "
    "shadow, no other things, no text."
)

CANVAS = (
    "This is the window of a program that extracts objects from photos. On the left is the photo, "
    'in which a {label} is outlined in red. On the right is a card captioned "Extracted Object" '
    "that shows the visible part of this {label} on a plain background. Replace what the card "
    "shows by the complete {label}: one whole, intact object with the parts that are hidden in the "
    "photo drawn in, without the things in front of it. Keep its visible part where it is on the "
    "card, with the same size, viewing angle, colours, materials and light. Keep the card's plain "
    "background: no shadow, no other things. Leave all the rest of the window exactly as it is: "
    "photo, grey panel, the card's black border and caption."
)

ROOM = (
    "Remove these things and their shadows and reflections from the photo: {label}. Show the same "
    "room empty, as if they had never been there: continue floor, walls and what lies behind them "
    "naturally. Keep everything else exactly as it is: same camera, same perspective, same framing, "
    "same colours, same light, same resolution. Add nothing."
)


def filled(template: str, label: str) -> str:
    """The prompt with the label in it.

    Raises:
        BadInput: the template holds a field other than ``{label}``, or a stray brace.
    """
    try:
        fields = {name for _, name, _, _ in Formatter().parse(template) if name is not None}
    except ValueError:
        fields = {"?"}
    if fields - {"label"}:
        raise BadInput(
            f"the prompt {template[:60]!r} may hold {{label}} and no other braces; "
            "write {{ and }} for braces that are meant"
        )
    return template.format(label=label)


def listed(labels: list[str], most: int = 40) -> str:
    """Names for the empty room's prompt: each once, with its number ("2 chairs" is "chair (2)")."""
    counts: dict[str, int] = {}
    for label in labels:
        counts[label] = counts.get(label, 0) + 1
    names = [f"{label} ({n})" if n > 1 else label for label, n in counts.items()]
    return ", ".join(names[:most])
