"""Boxes to objects with masks: each on its own, stored on its own, then made exclusive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ..content import content_key
from ..context import Context
from ..errors import ObjectFailure
from ..per_object import Task, run_tasks
from ..types import SceneObject
from .box_mask import Crop, crop_around, mask_in_crop
from .overlaps import mask_box, separate

VERSION = 1
"""Raised when masks change; part of each mask's key."""


def masks_from_boxes(
    rgb: np.ndarray,
    objects: Sequence[SceneObject],
    context: Context,
    log_odds: Mapping[int, np.ndarray] | None = None,
    slack: float = 0.03,
) -> tuple[SceneObject, ...]:
    """The objects with masks made from their boxes; those that have a mask keep it.

    An object whose mask cannot be made gets ``keep=False`` and the reason.

    Args:
        rgb: (H, W, 3) uint8.
        log_odds: by object id, (H, W) evidence from elsewhere (see :func:`mask_in_crop`).
        slack: share of its sides by which a box may be too small.
    """
    extra = log_odds or {}
    out: dict[int, SceneObject] = {}
    crops: dict[int, Crop] = {}
    tasks: list[Task[SceneObject]] = []
    order: list[int] = []
    for place, item in enumerate(objects):
        if item.mask is not None:
            out[place] = item
            continue
        try:
            crops[place] = crop_around(rgb, item.bbox, slack)
        except ObjectFailure as error:
            out[place] = replace(item, keep=False, reason=str(error))
            continue
        tasks.append(_task(item, crops[place], extra.get(item.id)))
        order.append(place)
    for place, made in zip(order, run_tasks("detect", tasks, context), strict=True):
        item = objects[place]
        if made.mask is None:
            out[place] = replace(item, keep=False, reason=made.reason)
        else:
            out[place] = replace(item, mask=_whole(made.mask, crops[place], rgb.shape[:2]))
    return exclusive([out[place] for place in range(len(objects))], rgb)


def exclusive(objects: Sequence[SceneObject], rgb: np.ndarray) -> tuple[SceneObject, ...]:
    """The objects with each pixel of overlaps given to one, and boxes drawn tight again."""
    masks = separate([o.mask if o.keep else None for o in objects], rgb)
    out = []
    for item, mask in zip(objects, masks, strict=True):
        if mask is None:
            out.append(item)
        elif not mask.any():
            reason = "nothing of it is left beside the objects in front of it"
            out.append(replace(item, keep=False, reason=reason))
        else:
            out.append(replace(item, mask=mask, bbox=mask_box(mask)))
    return tuple(out)


def _task(item: SceneObject, crop: Crop, log_odds: np.ndarray | None) -> Task[SceneObject]:
    height, width = crop.rgb.shape[:2]
    x, y = crop.origin
    extra = None if log_odds is None else log_odds[y : y + height, x : x + width]

    def compute() -> SceneObject:
        mask = mask_in_crop(crop, item.label, extra)
        return SceneObject(item.id, item.label, item.score, item.bbox, mask)

    def failed(reason: str) -> SceneObject:
        return SceneObject(item.id, item.label, item.score, item.bbox, None, 0.0, False, reason)

    key = content_key(
        "mask from box", VERSION, crop.rgb, crop.box, crop.slack, item.label, extra, item.retry
    )
    return Task(f"{item.label} {item.id}", key, compute, failed)


def _whole(mask: np.ndarray, crop: Crop, shape: tuple[int, ...]) -> np.ndarray:
    """The crop's mask laid into the photo's."""
    out = np.zeros(shape[:2], bool)
    x, y = crop.origin
    out[y : y + mask.shape[0], x : x + mask.shape[1]] = mask
    return out
