"""A point map on a coarse grid, and planes as ``a . p = 1``.

A plane is written with ``a = -n / d``, so that ``a . p - 1`` is the relative depth error along the
pixel's own ray. That is the error point maps have, it is linear in ``a``, and a floor seen at a
grazing angle is judged as fairly as the strip before one's feet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..types import Geometry, SceneObject
from .windows import TURNED_RAD, window_forms

SAMPLES = 12_000
"""At most so many pixels are looked at."""
BLOCKS = 10
"""Blocks along the picture's longer side, in which a point map's errors are alike."""


def thinned_out(
    geometry: Geometry, objects: Sequence[SceneObject]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """A point map on every k-th row and column, so that it costs the same at 12 megapixels.

    Returns:
        (h, w, 3) float64 points, at most about :data:`SAMPLES`; (h, w) bool, which are valid, and
        which lie on or close to an object; k.
    """
    height, width = geometry.points.shape[:2]
    step = max(1, int(np.ceil(np.sqrt(height * width / SAMPLES))))
    grid = np.s_[step // 2 :: step, step // 2 :: step]
    points = geometry.points[grid].astype(np.float64)
    taken = np.zeros(points.shape[:2], bool)
    for item in objects:
        if item.mask is not None and item.mask.shape == (height, width):
            taken |= item.mask[grid]
    # Masks end a little early and depth bleeds.
    taken = np.asarray(ndimage.binary_dilation(taken, iterations=1 if step > 1 else 3), bool)
    with np.errstate(invalid="ignore"):
        valid = np.isfinite(points).all(-1) & (points[..., 2] > 0)
    return points, valid, taken, step


@dataclass(frozen=True, eq=False)
class Samples:
    """The valid pixels of a coarse grid.

    Attributes:
        points: (n, 3) float64 camera frame, divided by ``unit``.
        pixels: (n, 2) float64, (x, y) over the picture's longer side.
        at: (n, 2) int64, row and column in the photo.
        side: px, the picture's longer side.
        free: (n,) bool, away from all objects.
        low: (n,) bool, in the lower third of the picture.
        total: pixels of the grid, invalid ones included.
        unit: median depth, camera units.
        forms: (n, 3) the plane of the window about each, NaN where that is no plane.
    """

    points: np.ndarray
    pixels: np.ndarray
    at: np.ndarray
    side: int
    free: np.ndarray
    low: np.ndarray
    total: int
    unit: float
    forms: np.ndarray

    @staticmethod
    def of(geometry: Geometry, objects: Sequence[SceneObject]) -> Samples:
        """Looks at every k-th row and column."""
        height, width = geometry.points.shape[:2]
        points, valid, taken, step = thinned_out(geometry, objects)
        rows, columns = np.nonzero(valid)
        kept = points[valid]
        unit = float(np.median(kept[:, 2])) if len(kept) else 1.0
        at = np.stack([rows, columns], 1) * step + step // 2
        return Samples(
            points=kept / unit,
            pixels=(at[:, ::-1] + 0.5) / max(height, width),
            at=at,
            side=max(height, width),
            free=~taken[valid],
            low=rows >= points.shape[0] * 2 / 3,
            total=taken.size,
            unit=unit,
            forms=window_forms(points / unit, valid)[valid],
        )

    def facing(self, forms: np.ndarray, chosen: np.ndarray | slice = slice(None)) -> np.ndarray:
        """(n, m) bool: whether the chosen windows face as planes (m, 3) do.

        Where a window shows no plane it does not speak against any.
        """
        own = self.forms[chosen]
        own = own / np.linalg.norm(own, axis=1, keepdims=True)
        cosine = own @ (forms / np.linalg.norm(forms, axis=1, keepdims=True)).T
        return ~(cosine < np.cos(TURNED_RAD))

    def blocks(self, chosen: np.ndarray) -> np.ndarray:
        """(n,) int, block of each chosen sample, numbered from 0 without gaps."""
        cell = np.floor(self.pixels[chosen] * BLOCKS).astype(int)
        return np.unique(cell[:, 1] * (BLOCKS + 1) + cell[:, 0], return_inverse=True)[1].ravel()


def unit_plane(plane: np.ndarray | None) -> np.ndarray | None:
    """(4,) with a unit normal, or None when it is no plane."""
    if plane is None or not np.isfinite(plane).all():
        return None
    plane = np.asarray(plane, np.float64)
    length = np.linalg.norm(plane[:3])
    return plane / length if length > 1e-9 else None


def unit_vector(vector: np.ndarray | None) -> np.ndarray | None:
    """(3,) unit, or None."""
    if vector is None:
        return None
    vector = np.asarray(vector, np.float64)
    length = np.linalg.norm(vector)
    return vector / length if np.isfinite(length) and length > 1e-9 else None


def plane_of(form: np.ndarray, unit: float) -> np.ndarray:
    """(4,) plane in camera units from ``a`` (3,) in samples' units; n faces the camera."""
    length = np.linalg.norm(form)
    return np.append(-form / length, unit / length)
