"""Filter by rules: size, class, duplicates and parts, border, occlusion, number.

Area bounds and occlusion levels are those of the unofficial CAST.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ..backends import Backend, BackendInfo, Options, option
from ..context import Context
from ..types import Objects, SceneObject

Level = Literal["none", "some", "severe", "never"]
UNNAMED = "object"
"""Label of a thing that was found without knowing what it is."""

RANK = {"none": 0, "some": 1, "severe": 2, "never": 3}


@dataclass(frozen=True)
class RulesOptions(Options):
    min_area: float = option(
        0.001, "drop objects that cover less of the photo", low=0.0, high=1.0, step=0.001
    )
    max_area: float = option(
        0.8, "drop objects that cover more of the photo", low=0.0, high=1.0, step=0.01
    )
    ignored: str = option(
        "wall, floor, ceiling, door, window", "labels that are part of the room, not objects"
    )
    duplicate_iou: float = option(
        0.7, "two masks that overlap this much are one object", low=0.1, high=1.0, step=0.05
    )
    part_containment: float = option(
        0.9,
        "share of an object inside another of the same label that makes it a part of it",
        low=0.5,
        high=1.0,
        step=0.05,
    )
    max_border: float = option(
        0.5,
        "drop objects with more of their outline on the picture's border",
        low=0.0,
        high=1.0,
        step=0.05,
    )
    discard_from: Level = option("severe", "drop objects hidden this much (never: keep all)")
    complete_from: Level = option("some", "complete the hidden parts from this level on")
    max_objects: int = option(20, "keep at most so many, the largest and surest", low=1, high=500)
    min_mask_confidence: float = option(
        0.0,
        "drop objects whose mask is expected to fit worse (as IoU); masks that come without such a"
        " number stay",
        low=0.0,
        high=1.0,
        step=0.05,
    )


def run(objects: Objects, options: RulesOptions, context: Context) -> Objects:
    """Applies the rules in order; the first that hits gives the reason."""
    photo_area = objects.photo.width * objects.photo.height
    ignored = {_normal(label) for label in options.ignored.split(",") if label.strip()}
    rules: list[Callable[[SceneObject], str]] = [
        lambda o: _ignored(o, ignored),
        lambda o: _area(o, photo_area, options),
        lambda o: _border(o, options.max_border),
        lambda o: _occluded(o, options.discard_from),
        lambda o: _doubtful(o, options.min_mask_confidence),
    ]
    decided = [_first_reason(item, rules) for item in objects.objects]
    decided = _drop_duplicates(decided, options)
    decided = drop_surplus(decided, options.max_objects)
    complete = RANK[options.complete_from]
    decided = [
        replace(o, needs_completion=o.keep and RANK[o.occlusion_level] >= complete) for o in decided
    ]
    return replace(objects, objects=tuple(decided))


def _first_reason(item: SceneObject, rules: list[Callable[[SceneObject], str]]) -> SceneObject:
    if not item.keep:
        return item
    for rule in rules:
        if reason := rule(item):
            return replace(item, keep=False, reason=reason)
    return replace(item, reason="")


def _normal(label: str) -> str:
    return " ".join(label.lower().split())


def _ignored(item: SceneObject, ignored: set[str]) -> str:
    label = _normal(item.label)
    return f"{label!r} belongs to the room, not to the objects" if label in ignored else ""


def _area(item: SceneObject, photo_area: int, options: RulesOptions) -> str:
    share = item.area_px / photo_area
    if share < options.min_area:
        return f"covers {share:.2%} of the photo, less than {options.min_area:.2%}"
    if share > options.max_area:
        return f"covers {share:.0%} of the photo, more than {options.max_area:.0%}"
    return ""


def _border(item: SceneObject, most: float) -> str:
    share = border_share(item)
    return f"{share:.0%} of its outline lies on the picture's border" if share > most else ""


def _occluded(item: SceneObject, discard_from: Level) -> str:
    if item.occlusion > 0 and RANK[item.occlusion_level] >= RANK[discard_from]:
        return f"{item.occlusion:.0%} of it is hidden ({item.occlusion_level})"
    return ""


def _doubtful(item: SceneObject, least: float) -> str:
    sure = item.mask_confidence
    if sure is None or sure >= least:
        return ""
    return f"its mask is expected to fit by {sure:.0%} only, less than {least:.0%}"


def border_share(item: SceneObject) -> float:
    """Share of a mask's outline pixels that lie on the picture's border; 0 without a mask."""
    if item.mask is None or not item.mask.any():
        return 0.0
    mask = item.mask
    padded = np.pad(mask, 1)
    inside = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    outline = mask & ~inside
    border = np.zeros_like(mask)
    border[[0, -1]] = True
    border[:, [0, -1]] = True
    return float((outline & border).sum() / outline.sum())


def overlap(a: SceneObject, b: SceneObject) -> tuple[float, float, float]:
    """IoU, share of ``a`` inside ``b``, share of ``b`` inside ``a``; of masks, else of boxes."""
    if a.mask is not None and b.mask is not None:
        common = float(np.count_nonzero(a.mask & b.mask))
    else:
        width = min(a.bbox[2], b.bbox[2]) - max(a.bbox[0], b.bbox[0])
        height = min(a.bbox[3], b.bbox[3]) - max(a.bbox[1], b.bbox[1])
        common = max(0.0, width) * max(0.0, height)
        a, b = replace(a, mask=None), replace(b, mask=None)
    area_a, area_b = max(a.area_px, 1), max(b.area_px, 1)
    return common / max(area_a + area_b - common, 1.0), common / area_a, common / area_b


def _drop_duplicates(items: list[SceneObject], options: RulesOptions) -> list[SceneObject]:
    """Of two that are one, the surer stays; a part goes with the whole.

    A part has the whole's label or none of its own. A cushion inside a sofa's mask has a label of its own and stays: people want it apart.
    A box without a mask says too little about parts, so there only duplicates are dropped.
    """
    out = list(items)
    order = sorted(
        (i for i, o in enumerate(items) if o.keep),
        key=lambda i: (-items[i].score, -items[i].area_px, items[i].id),
    )
    for place, first in enumerate(order):
        for second in order[place + 1 :]:
            if not (out[first].keep and out[second].keep):
                continue
            iou, first_in, second_in = overlap(items[first], items[second])
            if iou >= options.duplicate_iou:
                out[second] = _dropped(out[second], f"duplicate of {_name(items[first])}", iou)
                continue
            masked = items[first].mask is not None and items[second].mask is not None
            share, part, whole = max((first_in, first, second), (second_in, second, first))
            alike = _normal(items[part].label) in (_normal(items[whole].label), UNNAMED)
            if masked and alike and share >= options.part_containment:
                out[part] = _dropped(out[part], f"part of {_name(items[whole])}", share)
    return out


def _dropped(item: SceneObject, what: str, share: float) -> SceneObject:
    return replace(item, keep=False, reason=f"{what} ({share:.0%} overlap)")


def _name(item: SceneObject) -> str:
    return f"{item.label} {item.id}"


def drop_surplus(items: list[SceneObject], most: int) -> list[SceneObject]:
    """The same objects with no more than ``most`` kept, the largest and surest of them."""
    kept = [o for o in items if o.keep]
    ranked = sorted(kept, key=lambda o: (-o.score * o.area_px**0.5, o.id))
    surplus = {o.id for o in ranked[most:]}
    reason = f"more than {most} objects; larger and surer ones were kept"
    return [replace(o, keep=False, reason=reason) if o.id in surplus else o for o in items]


BACKEND = Backend(
    BackendInfo(
        "rules",
        "Rules",
        "embedded",
        "Area, class, duplicates and parts, border contact, occlusion, sureness of masks, number",
    ),
    RulesOptions,
    run,
    default=True,
)
