"""All large planes of a point map, at any angle to each other.

Windows propose planes, pixels whose depth and direction agree vote, the winner is polished and its
pixels leave (sequential RANSAC, Fischler and Bolles 1981, with windows instead of random triples).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..types import Geometry, SceneObject
from .fitting import TOLERANCE, directions, polished
from .samples import plane_of, thinned_out
from .windows import TURNED_RAD, window_forms

PROPOSALS = 400
MOST_PLANES = 8


@dataclass(frozen=True, eq=False)
class Patch:
    """One plane and the pixels that show it.

    Attributes:
        plane: (4,) n.p + d = 0, camera frame, n unit and towards the camera (d > 0).
        centre: (3,) mean of its points, camera frame.
        share: of the picture that lies on it.
        beyond: share of the picture that is seen behind it.
    """

    plane: np.ndarray
    centre: np.ndarray
    share: float
    beyond: float


@dataclass(frozen=True, eq=False)
class Grid:
    """A point map on every k-th row and column.

    Attributes:
        points: (h, w, 3) float64, divided by ``unit``, NaN where invalid.
        free: (h, w) bool, valid and away from all objects.
        forms: (h, w, 3) the window's plane ``a . p = 1``, NaN where it is no plane.
        unit: median depth, camera units.
    """

    points: np.ndarray
    free: np.ndarray
    forms: np.ndarray
    unit: float

    @staticmethod
    def of(geometry: Geometry, objects: Sequence[SceneObject]) -> Grid:
        """The geometry's, see :func:`.samples.thinned_out`."""
        points, valid, taken, _ = thinned_out(geometry, objects)
        unit = float(np.median(points[valid][:, 2])) if valid.any() else 1.0
        points = np.where(valid[..., None], points, np.nan) / unit
        free = valid & ~taken
        return Grid(points, free, window_forms(points, free), unit)


def find_patches(grid: Grid, least: float, taken: Sequence[np.ndarray] = ()) -> list[Patch]:
    """The large planes, largest first.

    Args:
        least: share of the picture that a plane covers at least.
        taken: (4,) planes that are known already; what lies on them is not looked at.
    """
    shape = grid.free.shape
    rng = np.random.default_rng(0)
    facing = directions(grid.forms.reshape(-1, 3))
    points = grid.points.reshape(-1, 3)
    proposing = np.isfinite(facing).all(1)
    left = grid.free.ravel() & proposing
    all_free = grid.free.ravel()
    for plane in taken:
        form = -plane[:3] * grid.unit / plane[3] if plane[3] > 0 else None
        if form is not None:
            left &= ~(np.abs(points @ form - 1) < TOLERANCE)
    found: list[Patch] = []
    needed = max(20.0, least * all_free.size)
    for _ in range(MOST_PLANES):
        index = np.flatnonzero(left)
        if len(index) < needed:
            break
        trials = grid.forms.reshape(-1, 3)[rng.choice(index, min(PROPOSALS, len(index)), False)]
        judges = index if len(index) <= 3000 else rng.choice(index, 3000, False)
        near = 1 - ((points[judges] @ trials.T - 1) / TOLERANCE) ** 2
        alike = facing[judges] @ directions(trials).T > np.cos(TURNED_RAD)
        votes = (np.maximum(near, 0) * alike).sum(0)
        form = polished(points[index], trials[votes.argmax()])
        if form is None:
            break
        error = np.abs(points @ form - 1)
        alike = facing @ directions(form[None])[0] > np.cos(TURNED_RAD)
        mine = left & (error < TOLERANCE) & alike
        if mine.sum() < needed:
            # What voted for it is no plane; others may still be.
            left[index[np.abs(points[index] @ trials[votes.argmax()] - 1) < TOLERANCE]] = False
            continue
        form = polished(points[mine], form)
        if form is None:
            break
        mine = left & (np.abs(points @ form - 1) < TOLERANCE) & alike
        with np.errstate(invalid="ignore"):
            beyond = all_free & (points @ form - 1 > 3 * TOLERANCE)
        size = shape[0] * shape[1]
        centre = points[mine].mean(0) * grid.unit
        share, behind = float(mine.sum() / size), float(beyond.sum() / size)
        found.append(Patch(plane_of(form, grid.unit), centre, share, behind))
        left &= ~(np.abs(points @ form - 1) < 1.5 * TOLERANCE)
    return sorted(found, key=lambda patch: -patch.share)
