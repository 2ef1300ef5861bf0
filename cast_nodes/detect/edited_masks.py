"""Masks of edited objects: from boxes and clicks by the mask network, and from strokes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ..boxes import Box, mask_box
from ..content import content_key
from ..context import Context
from ..per_object import Task, run_tasks
from ..types import SceneObject
from .box_objects import Clicks, whole_masks_from_boxes
from .mask_tools import components
from .object_edits import ObjectEdit, Point
from .point_box import VERSION as BOX_VERSION
from .point_box import box_from_points
from .strokes import painted

STAMP = 0.012
"""Radius of what a click decides by itself, in longest sides of the object's box."""


def edited_masks(
    rgb: np.ndarray,
    items: Mapping[int, SceneObject],
    edits: Mapping[int, ObjectEdit],
    before: Mapping[int, SceneObject],
    context: Context,
) -> dict[int, SceneObject]:
    """The edited objects with their masks, which may still share pixels.

    Args:
        rgb: (H, W, 3) uint8.
        items: the objects to be, by id.
        edits: what changes their masks, by the same ids.
        before: the objects as they were found.
    """
    derived = _boxes_from_points(rgb, items, edits, before, context)
    asked: list[SceneObject] = []
    clicks: dict[int, Clicks] = {}
    for number, edit in edits.items():
        box = edit.box or _own_box(before.get(number)) or derived.get(number)
        if isinstance(box, SceneObject):  # it has no box, but the reason why
            asked.append(box)
        elif box and (edit.box or edit.positive or edit.negative):
            asked.append(replace(items[number], bbox=_round(box, edit.positive), mask=None))
            clicks[number] = (edit.positive, edit.negative)
    tried = [o for o in asked if o.keep]
    made = {o.id: o for o in whole_masks_from_boxes(rgb, tried, context, clicks=clicks)}
    made |= {o.id: o for o in asked if not o.keep}
    return {i: _shaped(items[i], made.get(i), edits[i], before.get(i), rgb.shape) for i in edits}


def _own_box(item: SceneObject | None) -> Box | None:
    return None if item is None or item.bbox[2] <= item.bbox[0] else item.bbox


def _round(box: Box, points: Sequence[Point]) -> Box:
    """The box, grown so that it holds the points."""
    corners = np.array([box[:2], box[2:], *points])
    (x0, y0), (x1, y1) = corners.min(0), corners.max(0)
    return (float(x0), float(y0), float(x1), float(y1))


def _boxes_from_points(
    rgb: np.ndarray,
    items: Mapping[int, SceneObject],
    edits: Mapping[int, ObjectEdit],
    before: Mapping[int, SceneObject],
    context: Context,
) -> dict[int, Box | SceneObject]:
    """Boxes of things that were not found and have points alone; the object with its reason where
    there is none."""
    tasks = []
    for number, edit in edits.items():
        if not edit.positive or edit.box or _own_box(before.get(number)):
            continue

        def compute(item: SceneObject = items[number], edit: ObjectEdit = edit) -> SceneObject:
            context.cancel.check()
            return replace(item, bbox=box_from_points(rgb, edit.positive, edit.negative))

        def failed(reason: str, item: SceneObject = items[number]) -> SceneObject:
            return replace(item, keep=False, reason=reason)

        item = items[number]
        key = content_key(
            "box from points", BOX_VERSION, rgb, edit.positive, edit.negative, number, item.label
        )
        tasks.append(Task(f"{item.label} {number}", key, compute, failed))
    found = run_tasks("detect", tasks, context)
    return {o.id: o.bbox if o.keep else o for o in found}


def _shaped(
    item: SceneObject,
    made: SceneObject | None,
    edit: ObjectEdit,
    old: SceneObject | None,
    shape: tuple[int, ...],
) -> SceneObject:
    """The object with its mask from what the network made, what was found, and the strokes."""
    height, width = shape[:2]
    found = None if old is None or edit.box else old.mask
    new = None if made is None else made.mask
    if found is None and new is None and (made is not None or not edit.strokes):
        return replace(item, keep=False, reason=made.reason if made else "it has no mask")
    if found is None:
        mask = np.zeros((height, width), bool) if new is None else new
    else:
        mask = found if new is None else _corrected(found, new, edit)
    mask = _stamped(mask, edit, item.bbox if made is None else made.bbox)
    added, erased = painted(edit.strokes, height, width)
    mask = (mask | added) & ~erased
    if not mask.any():
        return replace(item, mask=mask, keep=False, reason="nothing of it is left after the edits")
    return replace(
        item,
        mask=mask,
        bbox=mask_box(mask),
        occlusion=0.0,
        occluded_by=(),
        mask_confidence=None,
    )


def _corrected(found: np.ndarray, made: np.ndarray, edit: ObjectEdit) -> np.ndarray:
    """(H, W) bool: the found mask where only the regions change that were clicked.

    A mask that some better network or a person made must not be lost to a click: what comes in
    is the part of the new mask under a positive point, what goes is the part that it lacks under
    a negative one.
    """
    out = found.copy()
    for wrong, points, value in (
        (made & ~found, edit.positive, True),
        (found & ~made, edit.negative, False),
    ):
        parts, _ = components(wrong)
        hit = {int(parts[row, column]) for row, column in _pixels(points, parts.shape)} - {0}
        out[np.isin(parts, list(hit))] = value
    return out


def _stamped(mask: np.ndarray, edit: ObjectEdit, box: Box) -> np.ndarray:
    """The mask, in which every click is obeyed at least where it is."""
    radius = max(1.5, STAMP * max(box[2] - box[0], box[3] - box[1]))
    y, x = np.ogrid[0.5 : mask.shape[0], 0.5 : mask.shape[1]]
    out = mask.copy()
    for points, value in ((edit.positive, True), (edit.negative, False)):
        for px, py in points:
            out[(x - px) ** 2 + (y - py) ** 2 <= radius**2] = value
    return out


def _pixels(points: Sequence[Point], shape: tuple[int, ...]) -> list[tuple[int, int]]:
    """(row, column) of the points inside the photo."""
    found = [(int(np.floor(y)), int(np.floor(x))) for x, y in points]
    return [(r, c) for r, c in found if 0 <= r < shape[0] and 0 <= c < shape[1]]


def claimed(shared: np.ndarray, edit: ObjectEdit | None, own: np.ndarray | None) -> np.ndarray:
    """(H, W) bool, the part of the shared pixels that a person gave to this object.

    Args:
        shared: (H, W) bool, pixels that another object has as well.
        own: (H, W) bool, painted for it.
    """
    if edit is None:
        return np.zeros_like(shared)
    parts, _ = components(shared)
    hit = {int(parts[p]) for p in _pixels(edit.positive, parts.shape)} - {0}
    clicked = np.isin(parts, list(hit))
    return clicked if own is None else clicked | (shared & own)
