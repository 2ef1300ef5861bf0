"""Filter by a model that looks: the photo and the photo with numbered outlines go in, and what to
keep and how far it is hidden comes out. Shared by the backends that differ in whom they ask.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from ..backends import Options, option
from ..content import content_key
from ..context import Context
from ..pictures_marks import fitted, marks_of, outlined
from ..services.vision_chat import Question, Vision, ask, example
from ..services.wording import for_photo
from ..types import Objects, OcclusionLevel, SceneObject
from .rules import RANK, Level, RulesOptions, drop_surplus
from .rules import run as by_rules
from .vlm_answer import FilterAnswer, Verdict, read_filter_answer, verdicts

VERSION = 1
"""Raised when the prompt's pictures change; part of what an answer is kept under."""

MIDDLE = {"none": 0.05, "some": 0.3, "severe": 0.7}
"""Hidden share that stands for a level which only the model named."""

PROMPT = """\
You see one scene twice. Picture 1 is the photo. Picture 2 is the same photo in which every \
detected object has a coloured outline and its number on a plate; a line leads from the plate to \
the object where it lies beside it.

The detector calls them:
{names}

Each kept object will be rebuilt as a 3D model of its own. Decide for every number.

Remove
- parts of the room or of the landscape: wall, floor, ceiling, window, door, sky, ground, road;
- the whole room or scene, and one outline around several things that have numbers of their own;
- a part of a thing whose whole has a number (a cushion that can be lifted off is no part);
- the worse of two outlines of the same thing;
- shadows, reflections, prints, and outlines in which no thing can be made out.

For each object you keep, judge how much of the thing is not visible because other things cover it \
or because the picture's border cuts it off: "none" up to 15 %, "some" up to 50 %, "severe" above.

Answer with JSON and nothing else, every number exactly once:
{form}"""

FORM = {
    "keep": [{"id": 0, "occlusion_level": "none"}],
    "remove": [{"id": 1, "reason": "a few words"}],
    "reasoning": "one sentence",
}


@dataclass(frozen=True)
class LookingOptions(Options):
    """What the backends that ask a model have in common. Their own options come after these."""

    samples: int = option(3, "ask so many times and let the majority decide", low=1, high=9)
    discard_threshold: Level = option("severe", "drop objects hidden this much (never: keep all)")
    generation_threshold: Level = option("some", "complete the hidden parts from this level on")
    min_area: float = option(
        0.001,
        "drop objects whose box covers less of the photo, without asking",
        low=0.0,
        high=1.0,
        step=0.001,
    )
    max_area: float = option(
        0.8,
        "drop objects whose box covers more of the photo, without asking",
        low=0.0,
        high=1.0,
        step=0.01,
    )
    max_objects: int = option(20, "keep at most so many, the largest and surest", low=1, high=500)
    retry: int = option(
        0, "raise it to ask anew (what costs is paid for again)", low=0, high=10_000
    )


def filter_by_looking(
    objects: Objects, options: LookingOptions, vision: Vision, name: str, context: Context
) -> Objects:
    """Asks the model; where it cannot be asked or understood, the rules decide and this says so.

    Args:
        name: the backend's, for the notes.
    """
    items = [_by_area(item, objects, options) for item in objects.objects]
    asked = [item for item in items if item.keep]
    if not asked:
        return replace(objects, objects=tuple(items), source=name)
    ids = frozenset(item.id for item in asked)
    samples = ask(
        vision,
        question_about(objects, asked, options.retry),
        lambda value: read_filter_answer(value, ids),
        options.samples,
        "filter",
        context,
    )
    notes = list(objects.notes)
    why = for_photo(samples.failures[0], "filter.retry") if samples.failures else "no answer"
    if not samples.answers:
        notes.append(f"Filter {name!r} could not decide, so its rules did: {why}")
        decided = by_rules(objects, _as_rules(options), context)
        return replace(decided, source="rules", notes=tuple(notes))
    if samples.failures:
        notes.append(
            f"Filter {name!r}: {len(samples.failures)} of {options.samples} answers are missing: "
            f"{why}"
        )
    notes += _odd(name, samples.answers)
    said = verdicts(samples.answers, ids)
    items = [_decided(o, said[o.id], options) if o.id in said else o for o in items]
    items = drop_surplus(items, options.max_objects)
    items = [o if o.keep else replace(o, needs_completion=False) for o in items]
    return replace(objects, objects=tuple(items), source=name, notes=tuple(notes))


def question_about(objects: Objects, asked: Sequence[SceneObject], retry: int = 0) -> Question:
    """The question about these objects of the photo."""
    photo = objects.photo
    names = "\n".join(f"{item.id}: {item.label}" for item in asked)
    marks = marks_of(asked, photo.height, photo.width)
    shown = [(o.id, o.bbox if o.mask is None else o.mask) for o in asked]
    return Question(
        text=PROMPT.format(names=names, form=example(FORM)),
        pictures=lambda most: (fitted(photo.rgb, most), outlined(photo.rgb, marks, most)),
        key=content_key("filter", VERSION, photo.rgb, shown),
        what="which objects to keep",
        retry=retry,
    )


def _by_area(item: SceneObject, objects: Objects, options: LookingOptions) -> SceneObject:
    """Drops what is far too small or too large by its box, as the unofficial CAST does."""
    if not item.keep:
        return item
    x0, y0, x1, y1 = item.bbox
    share = max(0.0, x1 - x0) * max(0.0, y1 - y0) / (objects.photo.width * objects.photo.height)
    if options.min_area <= share <= options.max_area:
        return replace(item, reason="")
    bound, word = (
        (options.min_area, "less") if share < options.min_area else (options.max_area, "more")
    )
    reason = f"its box covers {share:.2%} of the photo, {word} than {bound:.2%}"
    return replace(item, keep=False, reason=reason, needs_completion=False)


def _decided(item: SceneObject, verdict: Verdict, options: LookingOptions) -> SceneObject:
    if verdict.reason:
        return replace(item, keep=False, reason=verdict.reason)
    item = replace(item, occlusion=_share(item, verdict.level))
    level = item.occlusion_level
    if level != "none" and RANK[level] >= RANK[options.discard_threshold]:
        return replace(item, keep=False, reason=f"{level} occlusion by the model's eye")
    completes = RANK[level] >= RANK[options.generation_threshold]
    return replace(item, needs_completion=completes)


def _share(item: SceneObject, level: OcclusionLevel | None) -> float:
    """The hidden share: Detect's own number where it agrees with the model's level."""
    return item.occlusion if level in (None, item.occlusion_level) else MIDDLE[level]


def _odd(name: str, answers: Collection[FilterAnswer]) -> list[str]:
    notes = dict.fromkeys(note for answer in answers for note in answer.notes)
    return [f"Filter {name!r}: an answer was odd: {note}" for note in notes]


def _as_rules(options: LookingOptions) -> RulesOptions:
    return RulesOptions(
        min_area=options.min_area,
        max_area=options.max_area,
        discard_from=options.discard_threshold,
        complete_from=options.generation_threshold,
        max_objects=options.max_objects,
    )
