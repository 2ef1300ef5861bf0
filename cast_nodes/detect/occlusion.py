"""How much of each object others hide: an estimate from the masks, shared by all backends.

An object's whole outline is guessed as the convex hull of what is seen of it, of its mirror
image when one side abuts something nearer, and of a stretch further down when its lower edge
does (legs behind a table). What of this lies under nearer objects is hidden.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..boxes import mask_box
from ..types import SceneObject
from .mask_tools import resize_map
from .overlaps import in_front

SIDE_PX = 240
STRETCH = 0.4
"""How far down a thing may go on behind another, in heights of what is seen of it."""

TOUCH_PX = 2
SHOWN = 0.15
"""Share of an edge that must show freely for it to count as the thing's real end."""

LEAST_SHARE = 0.01


def with_occlusion(objects: Sequence[SceneObject]) -> tuple[SceneObject, ...]:
    """The same objects with ``occlusion`` and ``occluded_by`` filled in.

    Objects without a mask stay as they are, and so does an occlusion that is known (> 0).
    """
    known = [o for o in objects if o.mask is not None and o.mask.any()]
    if not known:
        return tuple(objects)
    masks = _small([o.mask for o in known if o.mask is not None])
    boxes = [mask_box(m) for m in masks]
    found: dict[int, tuple[float, tuple[int, ...]]] = {}
    for i, item in enumerate(known):
        if not masks[i].any():
            continue
        nearer = [
            j
            for j in range(len(known))
            if j != i
            and known[j].keep
            and np.count_nonzero(masks[j] & masks[i]) < 0.5 * np.count_nonzero(masks[i])
            and _before(masks, boxes, j, i)
        ]
        whole = amodal_outline(masks[i], [masks[j] for j in nearer])
        seen = np.count_nonzero(masks[i])
        hidden = np.zeros(masks[i].shape, bool)
        by = []
        for j in nearer:
            share = whole & masks[j] & ~masks[i]
            if np.count_nonzero(share) > LEAST_SHARE * seen:
                by.append(known[j].id)
                hidden |= share
        found[id(item)] = (hidden.sum() / (hidden.sum() + seen), tuple(by))
    out = []
    for item in objects:
        ratio, by = found.get(id(item), (item.occlusion, item.occluded_by))
        ratio = item.occlusion if item.occlusion > 0 else round(float(ratio), 4)
        out.append(replace(item, occlusion=ratio, occluded_by=by))
    return tuple(out)


def amodal_outline(mask: np.ndarray, nearer: Sequence[np.ndarray]) -> np.ndarray:
    """(h, w) bool, the object's likely whole extent, hull-filled.

    Args:
        mask: (h, w) bool, what is seen.
        nearer: masks of objects before it.
    """
    from scipy.ndimage import binary_dilation

    front = np.zeros(mask.shape, bool)
    for other in nearer:
        front |= other
    touching = np.asarray(binary_dilation(front, iterations=TOUCH_PX), bool)
    x0, y0, x1, y1 = (int(v) for v in mask_box(mask))
    extent = mask.copy()
    columns = np.arange(x0, x1)[mask[:, x0:x1].any(0)]
    lowest = mask.shape[0] - 1 - mask[::-1, columns].argmax(0)
    covered = touching[lowest, columns]
    if covered.any():
        # Where a free part of the lower edge shows, the thing ends there; else it goes on.
        ends = np.mean(~covered & (lowest >= y1 - 1 - 0.1 * (y1 - y0))) > SHOWN
        goes_on = 0 if ends or covered.mean() < 0.4 else STRETCH * (y1 - y0) * covered.mean()
        bottom = min(mask.shape[0], y1 + round(float(goes_on)))
        for column, row in zip(columns[covered], lowest[covered], strict=True):
            extent[row:bottom, column] |= front[row:bottom, column]
    rows = np.arange(y0, y1)[mask[y0:y1].any(1)]
    first, last = mask[rows].argmax(1), mask.shape[1] - 1 - mask[rows, ::-1].argmax(1)
    left = _goes_on(touching[rows, first], first <= x0 + 0.1 * (x1 - x0))
    right = _goes_on(touching[rows, last], last >= x1 - 1 - 0.1 * (x1 - x0))
    if left != right:
        extent |= _mirrored(mask, right) & front
    return _hull(extent)


def _goes_on(covered: np.ndarray, extreme: np.ndarray) -> bool:
    """Whether a side goes on behind what covers it: much covered, its end nowhere free.

    Args:
        covered: (n,) bool, rows whose end abuts something nearer.
        extreme: (n,) bool, rows that reach to that side's end.
    """
    return bool(covered.mean() > 0.25 and np.mean(~covered & extreme) <= SHOWN)


def _mirrored(mask: np.ndarray, to_right: bool) -> np.ndarray:
    """The mask reflected about the vertical line through the middle of its widest part."""
    x0, _, x1, _ = (int(v) for v in mask_box(mask))
    # Half hidden things show at most a little more than one half: reflect about 60 % of it.
    axis = x0 + 0.6 * (x1 - x0) if to_right else x1 - 0.6 * (x1 - x0)
    x = np.arange(mask.shape[1])
    source = np.round(2 * axis - 1 - x).astype(int)
    valid = (source >= 0) & (source < mask.shape[1])
    out = np.zeros(mask.shape, bool)
    out[:, x[valid]] = mask[:, source[valid]]
    return out


def _before(
    masks: Sequence[np.ndarray], boxes: Sequence[tuple[float, float, float, float]], j: int, i: int
) -> bool:
    """Whether object j is likely nearer than i."""
    return in_front(boxes[j], boxes[i], masks[i].shape[0])


def _hull(mask: np.ndarray) -> np.ndarray:
    from skimage.morphology import convex_hull_image

    if np.count_nonzero(mask) < 3:
        return mask
    return np.asarray(convex_hull_image(mask, offset_coordinates=False)) | mask


def _small(masks: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The masks at a size at which hulls cost little."""
    height, width = masks[0].shape
    factor = min(1.0, SIDE_PX / max(height, width))
    if factor == 1.0:
        return [np.asarray(m, bool) for m in masks]
    w, h = max(1, round(width * factor)), max(1, round(height * factor))
    out = []
    for mask in masks:
        small = resize_map(mask.astype(np.float32), w, h)
        # A thin thing must not vanish: its densest pixels stand for it.
        out.append(small > min(0.5, 0.7 * float(small.max())))
    return out
