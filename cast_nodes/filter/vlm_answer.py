"""What a model says about which objects to keep, and what several such answers decide.

The answer's form is that of the unofficial CAST: ``{"keep": [{"id", "occlusion_level"}],
"remove": […], "reasoning"}``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..services.answers import as_number, list_under
from ..types import OcclusionLevel

LEVELS: tuple[OcclusionLevel, ...] = ("none", "some", "severe")


@dataclass(frozen=True)
class FilterAnswer:
    """One answer.

    Attributes:
        keep: kept ids with how far each is hidden; None where the answer does not say it.
        remove: removed ids with the model's reason ("" when it gave none).
        notes: what was odd in it.
    """

    keep: Mapping[int, OcclusionLevel | None]
    remove: Mapping[int, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """What the answers together say of one object.

    Attributes:
        reason: why it goes, with the count of votes; "" when it stays.
        level: how far it is hidden; None when no answer says it.
    """

    reason: str = ""
    level: OcclusionLevel | None = None


def read_filter_answer(value: Any, ids: Collection[int]) -> FilterAnswer:
    """One answer about the objects ``ids``; every one of them is in ``keep`` or in ``remove``.

    What the model forgot is kept: to lose an object is worse than to keep one too many. For the
    same reason an id in both lists is kept.

    Raises:
        ValueError: it is no such answer.
    """
    keep: dict[int, OcclusionLevel | None] = {}
    remove: dict[int, str] = {}
    notes: list[str] = []
    for entry in list_under(value, "keep"):
        number = _id(entry, ids, notes)
        if number is None:
            continue
        level = _level(entry.get("occlusion_level")) if isinstance(entry, Mapping) else None
        if number in keep and keep[number] != level:
            notes.append(f"{number} is kept twice with different occlusion; the lower one counts")
            level = min((keep[number], level), key=_rank)
        elif level is None:
            notes.append(f"{number} has no occlusion level that is known; Detect's estimate counts")
        keep[number] = level
    for entry in list_under(value, "remove"):
        number = _id(entry, ids, notes)
        if number is None:
            continue
        if number in keep:
            notes.append(f"{number} is both kept and removed; it is kept")
        else:
            reason = entry.get("reason", "") if isinstance(entry, Mapping) else ""
            remove[number] = " ".join(str(reason or "").split())[:120]
    forgotten = sorted(set(ids) - keep.keys() - remove.keys())
    if ids and len(forgotten) == len(ids):
        raise ValueError("it speaks of none of the numbered objects")
    if forgotten:
        notes.append(f"{', '.join(map(str, forgotten))} is not mentioned; kept")
    keep |= dict.fromkeys(forgotten)
    return FilterAnswer(keep, remove, tuple(notes))


def verdicts(answers: Sequence[FilterAnswer], ids: Collection[int]) -> dict[int, Verdict]:
    """By id, what the answers together say: more than half must remove it for it to go.

    The level is the middle one of those given; of two in the middle the lower, which loses less.
    """
    out = {}
    for number in ids:
        reasons = [a.remove[number] for a in answers if number in a.remove]
        if 2 * len(reasons) > len(answers):
            said = next((r for r in reasons if r), "no separate object")
            votes = f" ({len(reasons)} of {len(answers)} answers)" if len(answers) > 1 else ""
            out[number] = Verdict(f"the model says: {said}{votes}")
            continue
        levels = sorted(
            (level for a in answers if (level := a.keep.get(number)) is not None), key=_rank
        )
        out[number] = Verdict(level=levels[(len(levels) - 1) // 2] if levels else None)
    return out


def _id(entry: Any, ids: Collection[int], notes: list[str]) -> int | None:
    """The object an entry speaks of, or None with a note."""
    number = as_number(entry.get("id") if isinstance(entry, Mapping) else entry)
    if number is None:
        notes.append("an entry without a number was left out")
    elif number not in ids:
        notes.append(f"there is no object {number}; it was left out")
        return None
    return number


def _level(text: Any) -> OcclusionLevel | None:
    """The level, also in the unofficial CAST's words ("some_occlusion")."""
    word = str(text).strip().lower().removesuffix("occlusion").rstrip("_- ")
    word = {"no": "none"}.get(word, word)
    return next((level for level in LEVELS if level == word), None)


def _rank(level: OcclusionLevel | None) -> int:
    return len(LEVELS) if level is None else LEVELS.index(level)
