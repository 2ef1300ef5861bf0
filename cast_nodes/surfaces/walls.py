"""Walls: large planes that are no floor, at any angle to each other."""

from __future__ import annotations

import numpy as np

from ..frames import CAMERA_UP
from .fitting import JUDGES, TOLERANCE, directions, held_level, polished, trial_forms
from .samples import Samples, plane_of

LEAST_WALL = 0.08
"""A wall covers at least this share of the picture."""


def find_walls(samples: Samples, floor: np.ndarray | None) -> np.ndarray:
    """(N, 4) at most three large planes that are no floor, largest first, n towards the camera."""
    rng = np.random.default_rng(0)
    left = np.arange(len(samples.points))
    if floor is not None:
        form = -floor[:3] * samples.unit / floor[3]
        left = left[np.abs(samples.points @ form - 1) > 2 * TOLERANCE]
    found: list[np.ndarray] = []
    for _ in range(3):
        if len(left) < max(50, LEAST_WALL * samples.total):
            break
        points = samples.points[left]
        forms = trial_forms(points, rng)
        forms = forms[np.abs(directions(forms) @ CAMERA_UP) < np.sin(np.radians(50.0))]
        if not len(forms):
            break
        judges = points[rng.permutation(len(points))[:JUDGES]]
        on = np.maximum(1 - ((judges @ forms.T - 1) / TOLERANCE) ** 2, 0).mean(0)
        form = polished(points, forms[on.argmax()])
        if form is None:
            break
        mine = np.abs(points @ form - 1) < TOLERANCE
        if (mine & samples.free[left]).sum() < LEAST_WALL * samples.total:
            break
        found.append(plane_of(form, samples.unit))
        left = left[np.abs(points @ form - 1) > 2 * TOLERANCE]
    return np.array(found).reshape(-1, 4)


def up_from_walls(walls: np.ndarray) -> np.ndarray | None:
    """(3,) up, from two walls that meet at an angle: it runs along both. None without such.

    One wall alone leaves a direction open, and a frontal one may as well be a table top seen
    from above, so it tells nothing.
    """
    for i in range(len(walls)):
        for j in range(i + 1, len(walls)):
            along = np.cross(walls[i, :3], walls[j, :3])
            length = float(np.linalg.norm(along))
            if length < np.sin(np.radians(35.0)):
                continue
            up = along / length * np.sign(along @ CAMERA_UP)
            if held_level(up[None], None)[0]:
                return up
    return None
