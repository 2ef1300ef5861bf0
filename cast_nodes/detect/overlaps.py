"""Who is in front: the depth order of objects in one photo, from boxes and masks alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .mask_tools import drop_specks
from .ssd import Box, box_area, intersection

CONTAINED = 0.8
"""Share of a box inside another from which it counts as standing on it or before it."""

LEVEL = 0.03
"""Difference of the boxes' lower edges, in picture heights, that decides the order."""

DUPLICATE_IOU = 0.8


def mask_box(mask: np.ndarray) -> Box:
    """(x0, y0, x1, y1) px, half-open, of a (H, W) bool mask; zeros when it is empty."""
    rows, columns = np.nonzero(mask.any(1))[0], np.nonzero(mask.any(0))[0]
    if not len(rows):
        return (0.0, 0.0, 0.0, 0.0)
    return (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))


def in_front(a: Box, b: Box, picture_height: int) -> bool:
    """Whether box ``a`` is likely nearer than ``b``.

    A small box inside a larger one is a thing on it or before it; otherwise what reaches lower
    in the picture stands nearer; level ones go by size, the smaller first.
    """
    area_a, area_b = box_area(a), box_area(b)
    shared = intersection(a, b)
    a_within, b_within = shared >= CONTAINED * area_a, shared >= CONTAINED * area_b
    if a_within != b_within and min(area_a, area_b) < 0.5 * max(area_a, area_b):
        return a_within
    if abs(a[3] - b[3]) > LEVEL * picture_height:
        return a[3] > b[3]
    return area_a < area_b


def separate(masks: Sequence[np.ndarray | None]) -> list[np.ndarray | None]:
    """The same masks where no pixel belongs to two objects: the nearer one keeps it.

    Near duplicates (IoU of 0.8 and more) keep their shared pixels: which of them goes is
    Filter's business.

    Args:
        masks: (H, W) bool each, or None for an object without one.
    """
    out = list(masks)
    boxes = [None if m is None else mask_box(m) for m in masks]
    for i, first in enumerate(masks):
        for j in range(i + 1, len(masks)):
            second, box_i, box_j = masks[j], boxes[i], boxes[j]
            if first is None or second is None or box_i is None or box_j is None:
                continue
            if not intersection(box_i, box_j):
                continue
            shared = first & second
            count = np.count_nonzero(shared)
            if not count or count >= DUPLICATE_IOU * np.count_nonzero(first | second):
                continue
            front = in_front(box_i, box_j, first.shape[0])
            # What would lose nearly everything lies on the other, whatever their boxes say.
            if count > 0.9 * np.count_nonzero(second) and front:
                front = False
            elif count > 0.9 * np.count_nonzero(first) and not front:
                front = True
            loser = j if front else i
            held = out[loser]
            assert held is not None
            out[loser] = held & ~shared
    return [m if m is None or m is masks[k] else drop_specks(m, 0.03) for k, m in enumerate(out)]
