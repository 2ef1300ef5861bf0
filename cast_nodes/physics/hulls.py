"""Convex hulls as physics engines take them: closed, few vertices, never flat."""

from __future__ import annotations

import numpy as np
from scipy.spatial import ConvexHull, QhullError

from ..errors import CastError

MAX_VERTICES = 64
"""What GPU rigid bodies of PhysX allow; every other engine takes as many."""
THINNEST = 0.005
"""A hull is made at least this thick, share of its longest extent."""


def convex_hull(
    points: np.ndarray, most: int = MAX_VERTICES, thinnest: float = THINNEST
) -> tuple[np.ndarray, np.ndarray]:
    """The convex hull of (n, 3) points.

    Of more than ``most`` corners only the farthest ones along evenly spread directions stay, so
    the hull then lies slightly inside the exact one. Flat or line-like points are thickened to
    ``thinnest``, a share of their longest extent.

    Returns:
        (k, 3) float64 vertices and (m, 3) int64 faces, counter-clockwise from outside.

    Raises:
        CastError: fewer than two different points.
    """
    points = np.unique(np.asarray(points, np.float64), axis=0)
    centre = points.mean(0) if len(points) else np.zeros(3)
    size = float(np.ptp(points, axis=0).max()) if len(points) else 0.0
    if not size > 0 or not np.isfinite(size):
        raise CastError("a hull needs at least two different points")
    local = _thickened((points - centre) / size, thinnest)
    try:
        hull = ConvexHull(local)
        if len(hull.vertices) > most:
            corners = local[hull.vertices]
            chosen = np.unique((corners @ _directions(most).T).argmax(0))
            hull = ConvexHull(_thickened(corners[chosen], thinnest))
    except QhullError as error:
        raise CastError(f"no hull can be made: {str(error).splitlines()[0]}") from None
    used, faces = np.unique(hull.simplices, return_inverse=True)
    faces = faces.reshape(-1, 3)
    vertices = np.asarray(hull.points)[used]
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    inwards = (np.cross(b - a, c - a) * hull.equations[:, :3]).sum(1) < 0
    faces[inwards] = faces[inwards][:, ::-1]
    return vertices * size + centre, faces.astype(np.int64)


def _thickened(points: np.ndarray, thinnest: float) -> np.ndarray:
    """Points of size 1, copied to both sides along each principal axis they hardly reach along."""
    centred = points - points.mean(0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    for axis in axes.T:
        along = points @ axis
        lacking = thinnest - float(np.ptp(along))
        if lacking > 0:
            # The far and the near side move apart; what lies between is inside anyway.
            points = np.concatenate([points - axis * lacking / 2, points + axis * lacking / 2])
    return points


def _directions(count: int) -> np.ndarray:
    """(count, 3) unit vectors spread evenly (Fibonacci sphere), the six axes among them."""
    axes = np.concatenate([np.eye(3), -np.eye(3)])
    n = count - len(axes)
    index = np.arange(n) + 0.5
    z = 1 - 2 * index / n
    angle = np.pi * (1 + 5**0.5) * index
    ring = np.sqrt(1 - z**2)
    return np.concatenate([axes, np.stack([ring * np.cos(angle), ring * np.sin(angle), z], 1)])
