"""Relations from a model that looks at the marked photo: the second opinion beside geometry.

The Set-of-Mark picture is drawn, asked about several times, and what more than half of the answers
say is kept, as CAST (arXiv 2502.12894, section 5.3) does.
"""

from __future__ import annotations

from ..content import content_key
from ..context import Context
from ..pictures_marks import marks_of, set_of_mark
from ..services.vision_chat import Question, Vision, ask
from ..services.wording import for_photo
from ..types import Objects
from .answer import FORM, PROMPT, read_relations, relations_from_answers
from .graph import Relations

VERSION = 1
"""Raised when the picture changes; part of what an answer is kept under."""


def relations_by_looking(
    objects: Objects, samples: int, vision: Vision, source: str, context: Context, retry: int = 0
) -> Relations:
    """Relations of the kept objects by any model that looks.

    Args:
        source: who is asked, as it is told in the graph.

    Without an answer that can be read there are no relations, and a note and a warning say why.
    With fewer than two objects nothing is asked.
    """
    photo = objects.photo
    marks = marks_of(objects.kept, photo.height, photo.width)
    ids = frozenset(mark.number for mark in marks)
    if len(ids) < 2:
        return Relations()
    kept = [o for o in objects.kept if o.id in ids]
    question = Question(
        text=PROMPT.format(names="\n".join(f"{o.id}: {o.label}" for o in kept), form=FORM),
        pictures=lambda most: (set_of_mark(photo.rgb, marks, most),),
        key=content_key(
            "relations",
            VERSION,
            photo.rgb,
            [(o.id, o.bbox if o.mask is None else o.mask) for o in kept],
        ),
        what="how the objects touch",
        retry=retry,
    )
    found = ask(
        vision, question, lambda value: read_relations(value, ids), samples, "relations", context
    )
    notes: list[str] = []
    if found.failures:
        what = "are missing" if found.answers else "all failed, so no relations are known"
        why = for_photo(found.failures[0], "compose.retry")
        notes.append(f"relations: {len(found.failures)} of {samples} answers {what}: {why}")
    made = relations_from_answers(found.answers, source, notes)
    for note in made.notes:
        context.warn(note)
    return made
