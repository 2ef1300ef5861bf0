"""Relations: which object carries or touches which, from a model that looks at the marked photo.

A library for the scene's physics, not yet a stage: ComposeScene finds supports by geometry and
does not ask it. :func:`relations_from_vlm` draws the Set-of-Mark picture, asks several times and
keeps what more than half of the answers say, as CAST (arXiv 2502.12894, section 5.3) does.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..backends import Options, option
from ..content import content_key
from ..context import Context
from ..errors import BackendNotReady
from ..pictures_marks import marks_of, set_of_mark
from ..services.dashscope import NEEDS
from ..services.qwen_vl import MODEL, qwen_vision
from ..services.vision_chat import Question, Vision, ask
from ..services.wording import for_photo
from ..types import Objects
from .answer import FORM, PROMPT, read_relations, relations_from_answers
from .graph import Relation, Relations

VERSION = 1
"""Raised when the picture changes; part of what an answer is kept under."""


@dataclass(frozen=True)
class RelationOptions(Options):
    samples: int = option(5, "ask so many times; what more than half say counts", low=1, high=15)
    model: str = option(MODEL, "name of the model at DashScope")
    retry: int = option(0, "raise it to ask anew (it is paid for again)", low=0, high=10_000)


def relations_from_vlm(objects: Objects, options: RelationOptions, context: Context) -> Relations:
    """Relations of the kept objects by Qwen-VL.

    Raises:
        BackendNotReady: the SDK or the key is missing; nothing was sent.
        Cancelled: the run was stopped.
    """
    missing = [f"{n.what} is missing: {n.mend}" for n in NEEDS if not n.present(context)]
    if missing:
        raise BackendNotReady(f"relations by 'qwen_vl' are not ready: {'; '.join(missing)}")
    vision = qwen_vision(options.model)
    return relations_by_looking(objects, options.samples, vision, context, options.retry)


def relations_by_looking(
    objects: Objects, samples: int, vision: Vision, context: Context, retry: int = 0
) -> Relations:
    """Relations of the kept objects by any model that looks.

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
        why = for_photo(found.failures[0], "retry")
        notes.append(f"relations: {len(found.failures)} of {samples} answers {what}: {why}")
    made = relations_from_answers(found.answers, notes)
    for note in made.notes:
        context.warn(note)
    return made


__all__ = [
    "Relation",
    "RelationOptions",
    "Relations",
    "relations_by_looking",
    "relations_from_vlm",
]
