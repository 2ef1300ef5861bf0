"""Boxes of a picture: x0, y0, x1, y1 in pixels, half-open."""

from __future__ import annotations

import numpy as np

Box = tuple[float, float, float, float]


def as_box(values: np.ndarray) -> Box:
    """A (4,) array as plain numbers."""
    x0, y0, x1, y1 = (float(v) for v in values)
    return (x0, y0, x1, y1)


def box_iou(a: Box, b: Box) -> float:
    """Intersection over union of two boxes."""
    shared = intersection(a, b)
    union = box_area(a) + box_area(b) - shared
    return shared / union if union > 0 else 0.0


def intersection(a: Box, b: Box) -> float:
    """Area two boxes share."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return max(0.0, width) * max(0.0, height)


def box_area(box: Box) -> float:
    """Area of a box, 0 when it is turned inside out."""
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def mask_box(mask: np.ndarray) -> Box:
    """(x0, y0, x1, y1) px, half-open, of a (H, W) bool mask; zeros when it is empty."""
    rows, columns = np.nonzero(mask.any(1))[0], np.nonzero(mask.any(0))[0]
    if not len(rows):
        return (0.0, 0.0, 0.0, 0.0)
    return (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))
