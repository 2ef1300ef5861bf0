"""A texture carried on where nobody saw it: its colours smoothly, its grain mirrored.

Colours alone would end a wooden floor in a blur, the nearest pixels in streaks. So the texture is
split in two. Its slow colours go on by pull-push from what is usual on the plane, so that a
picture cut by the photo's edge does not glow over the wall. Its fine residual is mirrored at the
border, and clipped to what is usual, so that grain goes on and things do not.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .smooth import fill_smoothly, resize_float

SLOW = 1 / 24
"""Details finer than this share of the texture's longer side are grain."""
SEAM = 1.5
"""Colours that are not usual on the plane fade within so many of the slow colours' cells, …"""
FADING = 0.25
"""… all others within this share of the known area's width."""
USUAL = 2.0
"""Grain goes as far as this many of its deviations."""
LEAST_SPREAD = 10.0
"""Colours that differ by less than this many levels are always alike."""
DEEPEST = 0.3
"""The mirror is folded so that it reaches no deeper than this share of the known area's width."""
SMALLEST = 48


def carried_on(picture: np.ndarray, known: np.ndarray, source: np.ndarray) -> np.ndarray:
    """(H, W, C) float32, the picture where known, carried on elsewhere.

    Args:
        picture: (H, W, C) float, anything where not known.
        known: (H, W) bool.
        source: (H, W) bool, part of known that may be carried on; not empty.
    """
    picture = np.asarray(picture, np.float32)
    height, width = known.shape
    side = max(1, round(SLOW * max(height, width)))
    size = max(1, round(width / side)), max(1, round(height / side))
    weight = _usual(picture, source)
    own, beyond = _slow_colours(picture, source, weight, size)
    slow = resize_float(beyond, width, height)
    out = np.where(known[..., None], picture, slow)
    if max(height, width) < SMALLEST:
        return out
    source = source & (weight > 0.3)
    if not source.any():
        return out
    grain = np.where(source[..., None], picture - resize_float(own, width, height), 0)
    spread = 1.4826 * np.median(np.abs(grain[source]), axis=0) + 0.5
    grain = np.clip(grain, -USUAL * spread, USUAL * spread)
    rows, columns = np.nonzero(~known)
    out[rows, columns] += grain[_grain_of(source, rows, columns)]
    return out


def _usual(picture: np.ndarray, source: np.ndarray) -> np.ndarray:
    """(H, W) float32, near 1 where the colour is one that the source has much of, else near 0."""
    usual = np.median(picture[source], axis=0)
    off = np.abs(picture - usual).max(-1)
    typical = max(LEAST_SPREAD, 2.0 * float(np.median(off[source])))
    return (source / (1 + (off / typical) ** 4)).astype(np.float32)


def _slow_colours(
    picture: np.ndarray, source: np.ndarray, weight: np.ndarray, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Two (h, w, C) at the coarse ``size`` (width, height), filled all over.

    The first is the mean of usual colours. The second is for beyond the border: there all colours
    count, so that no seam shows; soon the usual ones alone; far away it is the most usual colour.
    """
    usual = np.median(picture[source], axis=0)

    def means(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        share = resize_float(weights[..., None], *size)
        total = resize_float(picture * weights[..., None], *size)
        there = share[..., 0] > 0.02
        return fill_smoothly(total / np.maximum(share, 1e-6), there), there

    seen, there = means(source.astype(np.float32))
    lasting, some = means(weight)
    if not some.any():
        lasting = np.broadcast_to(usual, seen.shape)
    if not there.any():
        plain = np.broadcast_to(usual, seen.shape).astype(np.float32)
        return plain, plain
    away = np.asarray(ndimage.distance_transform_edt(~there))[..., None]
    beside = np.exp(-((away / SEAM) ** 2))
    near = np.exp(-((away / max(FADING * float(np.sqrt(there.sum())), 1.0)) ** 2))
    beyond = beside * seen + (1 - beside) * (near * lasting + (1 - near) * usual)
    return lasting.astype(np.float32), beyond.astype(np.float32)


def _grain_of(
    source: np.ndarray, rows: np.ndarray, columns: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Row and column in the source whose grain the given places take.

    Each takes what lies as deep in the source as it lies outside, folded back again and again
    where that is too deep; where that is no source, its place in a mirrored tiling of the largest
    square of source.
    """
    height, width = source.shape
    coarse = max(1, round(max(height, width) / 512))
    small = np.pad(source[::coarse, ::coarse], 1)
    depth = np.asarray(ndimage.distance_transform_edt(small))[1:-1, 1:-1]
    nearest = ndimage.distance_transform_edt(
        ~small[1:-1, 1:-1], return_distances=False, return_indices=True
    )
    index = np.asarray(nearest, np.float32)
    # Full-resolution border points from the coarse ones, smoothly between them.
    border = [resize_float(index[k][..., None], width, height)[..., 0] * coarse for k in range(2)]
    down, across = border[0][rows, columns] - rows, border[1][rows, columns] - columns
    distance = np.maximum(np.hypot(down, across), 1e-6)
    deepest = max(4.0, DEEPEST * float(np.sqrt(source.sum())))
    factor = 1 + _folded(distance, deepest) / distance
    row = np.clip(np.rint(rows + factor * down), 0, height - 1).astype(np.int64)
    column = np.clip(np.rint(columns + factor * across), 0, width - 1).astype(np.int64)
    # The square about the place that lies deepest in the source.
    middle = np.array(np.unravel_index(depth.argmax(), depth.shape)) * coarse
    half = max(1.0, (float(depth.max()) - 1) * coarse / np.sqrt(2))
    tile_row = middle[0] - half + _folded(rows - middle[0] + half, 2 * half)
    tile_column = middle[1] - half + _folded(columns - middle[1] + half, 2 * half)
    there = source[row, column]
    row = np.where(there, row, np.clip(np.rint(tile_row), 0, height - 1)).astype(np.int64)
    column = np.where(there, column, np.clip(np.rint(tile_column), 0, width - 1)).astype(np.int64)
    return row, column


def _folded(distance: np.ndarray, size: float) -> np.ndarray:
    """A way to and fro between 0 and ``size``."""
    return size - np.abs(size - np.mod(distance, 2 * size))
