"""Strokes of a round brush on a mask, exactly: a pixel is painted when its centre is covered."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .object_edits import Stroke


def covered(stroke: Stroke, height: int, width: int) -> np.ndarray:
    """(H, W) bool, pixels whose centre is within the radius of the stroke's line."""
    out = np.zeros((height, width), bool)
    path = np.asarray(stroke.path, np.float64)
    starts, ends = (path, path) if len(path) == 1 else (path[:-1], path[1:])
    reach = max(stroke.radius, 0.5)  # a hair's breadth still hits the pixel under it
    for start, end in zip(starts, ends, strict=True):
        low = np.floor(np.minimum(start, end) - reach).astype(int)
        high = np.ceil(np.maximum(start, end) + reach).astype(int) + 1
        x0, y0 = np.clip(low, 0, [width, height])
        x1, y1 = np.clip(high, 0, [width, height])
        if x1 <= x0 or y1 <= y0:
            continue
        x, y = np.arange(x0, x1) + 0.5 - start[0], np.arange(y0, y1)[:, None] + 0.5 - start[1]
        along = end - start
        length = float(along @ along)
        share = np.clip((x * along[0] + y * along[1]) / length, 0, 1) if length else 0.0
        square = (x - share * along[0]) ** 2 + (y - share * along[1]) ** 2
        out[y0:y1, x0:x1] |= square <= reach**2
    return out


def painted(strokes: Sequence[Stroke], height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """(H, W) bool each: what the strokes in their order make the object's, and what not."""
    added, erased = np.zeros((height, width), bool), np.zeros((height, width), bool)
    for stroke in strokes:
        touched = covered(stroke, height, width)
        hit, missed = (added, erased) if stroke.adds else (erased, added)
        hit |= touched
        missed &= ~touched
    return added, erased
