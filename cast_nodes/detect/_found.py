"""What a detector found: labelled boxes, and which of them are the same thing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..boxes import Box, box_area, box_iou, intersection
from .ssd import Found

LEAST_SIDE_PX = 2.0
"""Boxes narrower than this show nothing that could be cut out."""

GROUP_SHARE = 0.85
"""Share of a box inside another from which it counts as one of the things that one encloses."""


def box_in_photo(values: np.ndarray, width: int, height: int) -> Box | None:
    """A (4,) box (x0, y0, x1, y1) px clipped to the photo; None when nothing of it is left."""
    if not np.isfinite(values).all():
        return None
    x0, x1 = (float(v) for v in np.clip(values[[0, 2]], 0.0, width))
    y0, y1 = (float(v) for v in np.clip(values[[1, 3]], 0.0, height))
    if x1 - x0 < LEAST_SIDE_PX or y1 - y0 < LEAST_SIDE_PX:
        return None
    return (x0, y0, x1, y1)


def suppress(found: Sequence[Found], iou_threshold: float) -> list[Found]:
    """The surest of each set of overlapping boxes, whatever their labels, best first.

    Greedy non-maximum suppression; equal scores go by the order in which they were found.
    """
    kept: list[Found] = []
    for item in sorted(found, key=lambda f: -f.score):
        if all(box_iou(item.box, other.box) <= iou_threshold for other in kept):
            kept.append(item)
    return kept


def without_groups(found: Sequence[Found]) -> list[Found]:
    """The same without boxes around several things of their own label.

    Detectors that are asked for "chair" also mark a row of chairs as one. Such a box goes when
    it encloses two or more of its label that lie apart and fill most of its width or height;
    it stays when they are only parts of it.
    """
    out = []
    for item in found:
        members = [
            f
            for f in found
            if f is not item
            and f.label == item.label
            and box_area(f.box) < 0.7 * box_area(item.box)
            and intersection(f.box, item.box) > GROUP_SHARE * box_area(f.box)
        ]
        if not _spans(item.box, members):
            out.append(item)
    return out


def _spans(box: Box, members: Sequence[Found]) -> bool:
    """Whether at least two of the members lie apart and together reach across the box."""
    apart: list[Found] = []
    for item in sorted(members, key=lambda f: -box_area(f.box)):
        if all(box_iou(item.box, other.box) < 0.3 for other in apart):
            apart.append(item)
    if len(apart) < 2:
        return False
    corners = np.array([f.box for f in apart])
    low, high = corners[:, :2].min(0), corners[:, 2:].max(0)
    reach = (high - low) / np.maximum(np.array(box[2:]) - np.array(box[:2]), 1e-9)
    filled = sum(box_area(f.box) for f in apart) / max(box_area(box), 1e-9)
    return bool(reach.min() > 0.6 and reach.max() > 0.85 and filled > 0.5)
