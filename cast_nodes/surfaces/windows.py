"""The plane of each small window of a point map.

On a plane inverse depth is linear over the picture, so a window's plane is a least-squares fit of
three numbers, made for all windows at once.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

WINDOW = 7
"""Side of a window, grid cells."""
ROUGH = 0.025
"""Windows whose pixels lie farther than this share of the depth from their plane have none."""
TURNED_RAD = np.radians(15.0)
"""A pixel whose window faces elsewhere than a plane does not lie on it."""


def window_forms(points: np.ndarray, free: np.ndarray) -> np.ndarray:
    """(h, w, 3) least-squares planes ``a . p = 1`` of the windows about each free pixel."""
    weight = free.astype(np.float64)
    safe = np.where(free[..., None], points, 1.0)
    x, y, q = safe[..., 0] / safe[..., 2], safe[..., 1] / safe[..., 2], 1 / safe[..., 2]

    def total(values: np.ndarray) -> np.ndarray:
        out = ndimage.uniform_filter(weight * values, WINDOW, mode="constant")
        return np.asarray(out) * WINDOW**2

    basis = (x, y, np.ones_like(x))
    matrix = np.empty((*x.shape, 3, 3))
    right = np.empty((*x.shape, 3))
    for i in range(3):
        right[..., i] = total(basis[i] * q)
        for j in range(i, 3):
            matrix[..., i, j] = matrix[..., j, i] = total(basis[i] * basis[j])
    count = total(np.ones_like(x))
    sound = free & (count >= 0.5 * WINDOW**2) & (min(x.shape) >= 3)
    matrix[~sound] = np.eye(3)
    matrix += 1e-12 * np.eye(3)
    form = np.linalg.solve(matrix, right[..., None])[..., 0]
    # The mean square of q - a.(x, y, 1), relative to q.
    square = total(q * q) - (form * right).sum(-1)
    rough = np.sqrt(np.maximum(square, 0) / np.maximum(count, 1)) / q
    sound &= (rough < ROUGH) & (np.linalg.norm(form, axis=-1) > 1e-6)
    return np.where(sound[..., None], form, np.nan)
