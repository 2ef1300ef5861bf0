"""A texture carried on where nobody saw it: its colours smoothly, its grain as noise.

Colours alone would end a wooden floor in a blur, the nearest pixels in streaks, a mirror shows
things twice. So the texture is split in two. Its slow colours go on by pull-push from what is
usual on the plane, so that a picture cut by the photo's edge does not glow over the wall. Its fine
residual goes on as noise of the same kind.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .grain import TILE, grain_like
from .smooth import fill_smoothly, resize_float

SLOW = 1 / 24
"""Details finer than this share of the texture's longer side are grain."""
SEAM, FINER = 1.5, 4
"""Shades fade within so many of the slow colours' cells; they are seen so many times finer."""
FADING = 0.25
"""Beyond this share of the known area's width all colours become the most usual one."""
BESIDE, LEAST_BESIDE = 0.2, 0.1
"""Only what lies within this share of the known area's width from its border goes on beyond it,
where that is at least so much of all."""
SHADE = 24.0
"""Differences of so many levels (of 255) at the border are shades, which fade out beyond it."""
LEAST_SPREAD = 10.0
"""Colours that differ by less than this many levels are always alike."""
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
    source = _beside(source, known)
    side = max(1, round(SLOW * max(height, width)))
    size = max(1, round(width / side)), max(1, round(height / side))
    weight = _usual(picture, source)
    own, beyond = _slow_colours(picture, source, weight, size)
    slow = resize_float(beyond, width, height)
    slow += resize_float(_shades(picture, source, beyond, size), width, height)
    out = np.where(known[..., None], picture, slow)
    if max(height, width) < SMALLEST:
        return out
    inside, usual = (
        ndimage.uniform_filter(a.astype(np.float32), side, mode="constant")
        for a in (source, weight)
    )
    source = source & (usual > 0.5 * inside)
    if not source.any():
        return out
    residual = np.where(source[..., None], picture - resize_float(own, width, height), 0)
    grain = grain_like(residual, source, side)
    rows, columns = np.nonzero(~known)
    out[rows, columns] += grain[rows % TILE, columns % TILE]
    return out


def _beside(source: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(H, W) bool, the source near what is not known: a rug in the middle does not go on there."""
    coarse = max(1, round(max(known.shape) / 256))
    away = np.asarray(ndimage.distance_transform_edt(known[::coarse, ::coarse]))
    near = away <= BESIDE * np.sqrt(known.mean() * away.size)
    near = near.repeat(coarse, 0).repeat(coarse, 1)[: known.shape[0], : known.shape[1]]
    beside = source & near
    return beside if beside.sum() > LEAST_BESIDE * source.sum() else source


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

    The first is the mean of usual colours. The second is for beyond the border: far away it is the
    most usual colour.
    """
    usual = np.median(picture[source], axis=0)
    means, share = _means(picture, weight, size)
    there = share > 0
    if not there.any():
        plain = np.broadcast_to(usual, means.shape).astype(np.float32)
        return plain, plain
    lasting = fill_smoothly(means, share)
    away = np.asarray(ndimage.distance_transform_edt(~there))[..., None]
    near = np.exp(-((away / max(FADING * float(np.sqrt(there.sum())), 1.0)) ** 2))
    return lasting, (near * lasting + (1 - near) * usual).astype(np.float32)


def _shades(
    picture: np.ndarray, source: np.ndarray, beyond: np.ndarray, size: tuple[int, int]
) -> np.ndarray:
    """(h, w, C) what to add to the colours beyond the border so that no seam shows."""
    size = size[0] * FINER, size[1] * FINER
    means, share = _means(picture, source.astype(np.float32), size)
    off = np.clip(means - resize_float(beyond, *size), -SHADE, SHADE)
    away = np.asarray(ndimage.distance_transform_edt(share == 0))[..., None]
    return fill_smoothly(off, share > 0) * np.exp(-((away / (SEAM * FINER)) ** 2))


def _means(
    picture: np.ndarray, weight: np.ndarray, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """(h, w, C) weighted means of cells and (h, w) their weights, 0 where there is hardly any."""
    share = resize_float(weight[..., None], *size)[..., 0]
    total = resize_float(picture * weight[..., None], *size)
    share = np.where(share > 0.02, np.clip(share, 0, 1), 0)
    return total / np.maximum(share, 1e-6)[..., None], share
