"""What image editors are asked for. ``{label}`` stands for the object's name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from string import Formatter

from ..errors import BadInput

LONGEST = 800  # characters that every service reads to the end
LONGEST_LABEL = 60

PLAIN = (
    "The picture shows the visible part of a {label}, cut out of a photo, on a plain background. "
    "Parts are missing where other things stood in front of it or where the photo ended. Complete "
    "the {label}: draw the hidden parts so that one whole, intact {label} is seen. Keep the visible "
    "part exactly as it is: same place, size, viewing angle, colours, materials and light. Keep the "
    "background plain and of the same colour: no floor, no shadow, no other things, no text."
)

CANVAS = (
    "This is the window of a program that extracts objects from photos. Left: the photo, with one "
    '{label} outlined in red. Right: a card captioned "Extracted Object" with the visible part of '
    "that {label} on a plain background. Replace what is on the card by the complete {label}: one "
    "whole, intact object, its hidden parts drawn in, nothing in front of it. Keep its visible part "
    "in place on the card: same size, viewing angle, colours, materials and light. Keep the card's "
    "background plain: no shadow, no other things. Leave the rest of the window exactly as it is: "
    "photo, grey panel, the card's black border, caption."
)

ROOM = (
    "Remove these things with their shadows and reflections: {label}. Show the same room empty, as "
    "if they had never been there; continue floor, walls and what is behind them. Keep all else "
    "exactly as it is: same camera, perspective, framing, colours and light. Add nothing."
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
    return template.format(label=label[:LONGEST_LABEL] or "object")


def room_prompt(template: str, labels: Sequence[str]) -> str:
    """The empty room's prompt with the things' names, each once and with its number.

    Names that would make it longer than services read are summed up.

    Raises:
        BadInput: as :func:`filled`.
    """
    counts = Counter(label[:LONGEST_LABEL] or "object" for label in labels)
    names = [f"{n} × {label}" if n > 1 else label for label, n in counts.items()]
    room = LONGEST - len(filled(template, "x")) - 30
    said: list[str] = []
    while names and len(", ".join([*said, names[0]])) <= room:
        said.append(names.pop(0))
    if names:
        said.append("all other furniture and things")
    return template.format(label=", ".join(said))
