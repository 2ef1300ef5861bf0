"""Who is in front: the depth order of objects in one photo, from boxes and masks alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..boxes import Box, box_area, intersection, mask_box
from .mask_tools import drop_specks

CONTAINED = 0.8
"""Share of a box inside another from which it counts as standing on it or before it."""

LEVEL = 0.03
"""Difference of the boxes' lower edges, in picture heights, that decides the order."""

DUPLICATE_IOU = 0.8


def rests_on(a: Box, b: Box) -> bool:
    """Whether ``a`` looks like a small thing on ``b`` (a vase on a table), or like a thing on
    something flat (a chair on a rug)."""
    width = a[2] - a[0]
    shared_width = min(a[2], b[2]) - max(a[0], b[0])
    foot_within = b[1] < a[3] <= b[3] and a[1] < b[1] + 0.5 * (b[3] - b[1])
    if not foot_within or width <= 0:
        return False
    flat = (b[3] - b[1]) < 0.35 * (b[2] - b[0]) and shared_width > 0.5 * width
    small = box_area(a) < 0.35 * box_area(b) and shared_width > 0.9 * width
    return flat or small


def _smaller_on_larger(a: Box, b: Box) -> int | None:
    """0 or 1 for the box that is much smaller and inside or on the other, else None."""
    boxes = (a, b)
    small = 0 if box_area(a) < box_area(b) else 1
    x, y = boxes[small], boxes[1 - small]
    if box_area(x) >= 0.5 * box_area(y):
        return None
    within = intersection(x, y) >= CONTAINED * box_area(x)
    return small if within or rests_on(x, y) else None


def in_front(a: Box, b: Box, picture_height: int) -> bool:
    """Whether box ``a`` is likely nearer than ``b``.

    A small box inside a larger one, or resting on it, is before it; otherwise what reaches
    lower in the picture stands nearer; level ones go by size, the smaller first.
    """
    small = _smaller_on_larger(a, b)
    if small is not None:
        return small == 0
    a_on, b_on = rests_on(a, b), rests_on(b, a)
    if a_on != b_on:
        return a_on
    if abs(a[3] - b[3]) > LEVEL * picture_height:
        return a[3] > b[3]
    return box_area(a) < box_area(b)


def separate(masks: Sequence[np.ndarray | None], rgb: np.ndarray) -> list[np.ndarray | None]:
    """The same masks where no pixel belongs to two objects.

    A contested pixel goes to the object whose undisputed part it can be reached from without
    crossing an edge of the picture; where one of the two has hardly an undisputed part, to the
    nearer one. Near duplicates (IoU of 0.8 and more) keep their shared pixels: which of them
    goes is Filter's business.

    Args:
        masks: (H, W) bool each, or None for an object without one.
        rgb: (H, W, 3) uint8.
    """
    out = list(masks)
    boxes = [None if m is None else mask_box(m) for m in masks]
    for i in range(len(masks)):
        for j in range(i + 1, len(masks)):
            first, second, box_i, box_j = out[i], out[j], boxes[i], boxes[j]
            if first is None or second is None or box_i is None or box_j is None:
                continue
            if not intersection(box_i, box_j):
                continue
            shared = first & second
            count = np.count_nonzero(shared)
            area_i, area_j = np.count_nonzero(first), np.count_nonzero(second)
            if not count or count >= DUPLICATE_IOU * (area_i + area_j - count):
                continue
            small = _smaller_on_larger(box_i, box_j)
            if small is not None:
                to_first = np.full(shared.shape, small == 0)
            elif count > UNDISPUTED * min(area_i, area_j):
                # What would lose nearly everything lies on the other, whatever their boxes say.
                to_first = np.full(shared.shape, area_i < area_j)
            else:
                to_first = _flood(first & ~shared, second & ~shared, shared, rgb)
            out[i] = first & ~(shared & ~to_first)
            out[j] = second & ~(shared & to_first)
    return [m if m is None or m is masks[k] else drop_specks(m, 0.03) for k, m in enumerate(out)]


UNDISPUTED = 0.85


def _flood(
    first: np.ndarray, second: np.ndarray, shared: np.ndarray, rgb: np.ndarray
) -> np.ndarray:
    """(H, W) bool: the shared pixels that belong to ``first`` (Meyer's watershed, 1994)."""
    from scipy.ndimage import gaussian_gradient_magnitude
    from skimage.segmentation import watershed

    height, width = shared.shape
    x0, y0, x1, y1 = (int(v) for v in mask_box(shared))
    reach = 3 + round(0.02 * max(height, width))
    window = (
        slice(max(0, y0 - reach), min(height, y1 + reach)),
        slice(max(0, x0 - reach), min(width, x1 + reach)),
    )
    markers = first[window].astype(np.int32) + 2 * second[window].astype(np.int32)
    out = np.zeros(shared.shape, bool)
    if not ((markers == 1).any() and (markers == 2).any()):
        out[window] = (markers == 1).any()
        return out
    picture = rgb[window].astype(np.float32)
    edges = sum(gaussian_gradient_magnitude(picture[..., c], 1.0) for c in range(3))
    basins = watershed(edges, markers, mask=(markers > 0) | shared[window])
    out[window] = basins == 1
    return out
