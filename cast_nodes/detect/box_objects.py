"""Boxes to objects with masks: each on its own, stored on its own, then made exclusive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from threading import Lock
from typing import Literal

import numpy as np

from ..boxes import mask_box
from ..content import content_key
from ..context import Context
from ..errors import ObjectFailure
from ..mask_network.predict import Prediction, Query, predict
from ..per_object import Task, run_tasks
from ..types import SceneObject
from .box_mask import Crop, crop_around, mask_in_crop
from .network_masks import fused_mask_in_crop, network_mask_in_crop
from .overlaps import separate

VERSION = 4
"""Raised when masks change; part of each mask's key."""

MaskMethod = Literal["network", "network+colour", "colour"]
"""How a box becomes a mask: by the trained network, by colours and edges, or by both."""

Clicks = tuple[tuple[tuple[float, float], ...], tuple[tuple[float, float], ...]]
"""Points (x, y) px of the photo on an object, and points beside it."""

NO_CLICKS: Clicks = ((), ())

MASKS_HELP = (
    "how a box becomes a mask: by the trained network, by colours and edges, or by both together"
)


def masks_from_boxes(
    rgb: np.ndarray,
    objects: Sequence[SceneObject],
    context: Context,
    log_odds: Mapping[int, np.ndarray] | None = None,
    slack: float = 0.03,
    method: MaskMethod = "network",
) -> tuple[SceneObject, ...]:
    """The objects with masks made from their boxes, each pixel one object's alone.

    Objects that have a mask keep it, but for what they share. The arguments are those of
    :func:`whole_masks_from_boxes`.
    """
    return exclusive(whole_masks_from_boxes(rgb, objects, context, log_odds, slack, method), rgb)


def whole_masks_from_boxes(
    rgb: np.ndarray,
    objects: Sequence[SceneObject],
    context: Context,
    log_odds: Mapping[int, np.ndarray] | None = None,
    slack: float = 0.03,
    method: MaskMethod = "network",
    clicks: Mapping[int, Clicks] | None = None,
) -> list[SceneObject]:
    """The objects with masks made from their boxes, which may overlap.

    An object whose mask cannot be made gets ``keep=False`` and the reason; one that has a mask
    keeps it.

    Args:
        rgb: (H, W, 3) uint8.
        log_odds: by object id, (H, W) evidence from elsewhere (see :func:`mask_in_crop`).
        slack: share of its sides by which a box may be too small.
        method: see :data:`MaskMethod`; ``colour`` knows no clicks.
        clicks: by object id, points on and beside it.
    """
    extra = log_odds or {}
    out: dict[int, SceneObject] = {}
    crops: dict[int, Crop] = {}
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
        order.append(place)
    points = [(clicks or {}).get(objects[place].id, NO_CLICKS) for place in order]
    asked = _Predictions(
        rgb, [Query(objects[p].bbox, *c) for p, c in zip(order, points, strict=True)]
    )
    tasks = [
        _task(
            objects[place], crops[place], extra.get(objects[place].id), asked, number, method,
            points[number],
        )
        for number, place in enumerate(order)
    ]  # fmt: skip
    for place, made in zip(order, run_tasks("detect", tasks, context), strict=True):
        item = objects[place]
        if made.mask is None:
            out[place] = replace(item, keep=False, reason=made.reason)
        else:
            mask = _whole(made.mask, crops[place], rgb.shape[:2])
            out[place] = replace(item, mask=mask, mask_confidence=made.mask_confidence)
    return [out[place] for place in range(len(objects))]


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


class _Predictions:
    """What the network says of all boxes, asked in one batch when the first is wanted."""

    def __init__(self, rgb: np.ndarray, queries: Sequence[Query]) -> None:
        self._rgb, self._queries, self._lock = rgb, queries, Lock()
        self._found: list[Prediction] | None = None

    def __getitem__(self, number: int) -> Prediction:
        with self._lock:
            if self._found is None:
                self._found = predict(self._rgb, self._queries)
        return self._found[number]


def _task(
    item: SceneObject,
    crop: Crop,
    log_odds: np.ndarray | None,
    asked: _Predictions,
    number: int,
    method: MaskMethod,
    clicks: Clicks,
) -> Task[SceneObject]:
    height, width = crop.rgb.shape[:2]
    x, y = crop.origin
    extra = None if log_odds is None else log_odds[y : y + height, x : x + width]

    def compute() -> SceneObject:
        if method == "colour":
            mask = mask_in_crop(crop, item.label, extra)
            return SceneObject(item.id, item.label, item.score, item.bbox, mask)
        found = asked[number]
        make = network_mask_in_crop if method == "network" else fused_mask_in_crop
        mask = make(crop, found, extra)
        sure = round(found.confidence, 4)
        return SceneObject(item.id, item.label, item.score, item.bbox, mask, mask_confidence=sure)

    def failed(reason: str) -> SceneObject:
        return SceneObject(item.id, item.label, item.score, item.bbox, None, 0.0, False, reason)

    key = content_key(
        "mask from box", VERSION, method, crop.rgb, crop.box, crop.slack, crop.origin, item.bbox,
        item.label, extra, item.retry, *(clicks if any(clicks) else ()),
    )  # fmt: skip
    return Task(f"{item.label} {item.id}", key, compute, failed)


def _whole(mask: np.ndarray, crop: Crop, shape: tuple[int, ...]) -> np.ndarray:
    """The crop's mask laid into the photo's."""
    out = np.zeros(shape[:2], bool)
    x, y = crop.origin
    out[y : y + mask.shape[0], x : x + mask.shape[1]] = mask
    return out
