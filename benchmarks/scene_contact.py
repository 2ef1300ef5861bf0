"""Where things first touch: how far one triangle mesh can go along an axis until it meets another.

Two triangle meshes that move towards each other first touch at a corner of the one on a face of
the other, or where two edges cross. All such meetings along the axis are tried, so the distance
is exact but for rounding; nothing is sampled.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import ConvexHull, QhullError

from cast_nodes.crossings import SIDE_AXES, crossings

CELLS = 96
"""Cells along each side of the grid in which edges look for edges that may cross them."""
NEAR_M = 0.004
"""What lies this near to the lowest point carries the thing when its stability is judged."""


def travel(moving: np.ndarray, fixed: np.ndarray, axis: int, sign: int) -> float:
    """How far ``moving`` can go along ``sign`` times an axis before it touches ``fixed``.

    Args:
        moving, fixed: (m, 3, 3) and (n, 3, 3) corners; they do not intersect.

    Returns:
        The distance, >= 0; infinity when they never meet.
    """
    if sign > 0:
        mirror = np.ones(3)
        mirror[axis] = -1
        return travel(moving * mirror, fixed * mirror, axis, -1)
    moving, fixed = _in_each_others_shade(moving, fixed, axis)
    if not len(moving) or not len(fixed):
        return np.inf
    nearest = np.inf
    points = np.unique(moving.reshape(-1, 3), axis=0)
    line, height, _ = crossings(fixed, points, axis)
    nearest = min(nearest, _least(points[line, axis] - height))
    points = np.unique(fixed.reshape(-1, 3), axis=0)
    line, height, _ = crossings(moving, points, axis)
    nearest = min(nearest, _least(height - points[line, axis]))
    return min(nearest, _edges(moving, fixed, axis, nearest))


def _least(gaps: np.ndarray) -> float:
    gaps = gaps[gaps >= 0]
    return float(gaps.min()) if len(gaps) else np.inf


def _in_each_others_shade(moving: np.ndarray, fixed: np.ndarray, axis: int):
    """The triangles within the part that the boxes share, seen along the axis."""
    across = list(SIDE_AXES[axis])
    for _ in range(2):
        low, high = fixed[..., across].min((0, 1)), fixed[..., across].max((0, 1))
        span = moving[..., across]
        moving = moving[((span.max(1) >= low) & (span.min(1) <= high)).all(1)]
        moving, fixed = fixed, moving
        if not len(fixed) or not len(moving):
            break
    return moving, fixed


def _edges(moving: np.ndarray, fixed: np.ndarray, axis: int, most: float) -> float:
    """The least gap along the axis where an edge of the one passes over an edge of the other."""
    across = list(SIDE_AXES[axis])
    one, other = _edge_list(moving), _edge_list(fixed)
    low = np.maximum(one[..., across].min((0, 1)), other[..., across].min((0, 1)))
    high = np.minimum(one[..., across].max((0, 1)), other[..., across].max((0, 1)))
    step = np.maximum((high - low) / CELLS, 1e-12)
    if (high < low).any():
        return np.inf
    if np.isfinite(most):  # an edge that stays above all that is there cannot touch
        one = one[one[..., axis].min(1) - most <= other[..., axis].max()]
        other = other[other[..., axis].max(1) >= one[..., axis].min() - most] if len(one) else other
    key_a, edge_a = _cells(one[..., across], low, step)
    key_b, edge_b = _cells(other[..., across], low, step)
    order = np.argsort(key_b, kind="stable")
    key_b, edge_b = key_b[order], edge_b[order]
    first, last = np.searchsorted(key_b, key_a), np.searchsorted(key_b, key_a, "right")
    nearest = most
    count = last - first
    ends = np.cumsum(count)
    start = 0
    while start < len(count):
        done = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + 2_000_000, "right")))
        n = count[start:stop]
        within = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n)
        b = edge_b[np.repeat(first[start:stop], n) + within]
        a = np.repeat(edge_a[start:stop], n)
        over = one[a, :, axis].max(1) >= other[b, :, axis].min(1)
        over &= one[a, :, axis].min(1) - other[b, :, axis].max(1) <= nearest
        gap = _passing(one[a[over]], other[b[over]], axis)
        nearest = min(nearest, _least(gap))
        start = stop
    return nearest


def _edge_list(triangles: np.ndarray) -> np.ndarray:
    """(k, 2, 3) the edges, each once."""
    pairs = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    pairs = np.where(_greater(pairs)[:, None, None], pairs[:, ::-1], pairs)
    return np.unique(pairs.reshape(-1, 6), axis=0).reshape(-1, 2, 3)


def _greater(pairs: np.ndarray) -> np.ndarray:
    """(k,) bool, the first end is greater than the second in the order of x, y, z."""
    a, b = pairs[:, 0], pairs[:, 1]
    out, equal = np.zeros(len(a), bool), np.ones(len(a), bool)
    for i in range(3):
        out |= equal & (a[:, i] > b[:, i])
        equal &= a[:, i] == b[:, i]
    return out


def _cells(flat: np.ndarray, low: np.ndarray, step: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(cell, edge) of all cells that the boxes of (k, 2, 2) edges cover within the grid."""
    first = np.floor((flat.min(1) - low) / step).astype(np.int64)
    last = np.floor((flat.max(1) - low) / step).astype(np.int64)
    index = np.flatnonzero((last >= 0).all(1) & (first <= CELLS).all(1))
    first, last = np.clip(first[index], 0, CELLS), np.clip(last[index], 0, CELLS)
    size = last - first + 1
    count = size.prod(1)
    which = np.repeat(np.arange(len(index)), count)
    within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    u = first[which, 0] + within // size[which, 1]
    v = first[which, 1] + within % size[which, 1]
    return u * (CELLS + 1) + v, index[which]


def _passing(one: np.ndarray, other: np.ndarray, axis: int) -> np.ndarray:
    """Gaps along the axis of those pairs of (k, 2, 3) edges that cross when seen along it."""
    u, v = SIDE_AXES[axis]
    p, r = one[:, 0], one[:, 1] - one[:, 0]
    q, s = other[:, 0], other[:, 1] - other[:, 0]
    cross = r[:, u] * s[:, v] - r[:, v] * s[:, u]
    length = np.hypot(r[:, u], r[:, v]) * np.hypot(s[:, u], s[:, v])
    d = q - p
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (d[:, u] * s[:, v] - d[:, v] * s[:, u]) / cross
        w = (d[:, u] * r[:, v] - d[:, v] * r[:, u]) / cross
        meets = (np.abs(cross) > 1e-12 * length) & (t >= 0) & (t <= 1) & (w >= 0) & (w <= 1)
        gap = p[:, axis] + t * r[:, axis] - q[:, axis] - w * s[:, axis]
    return gap[meets]


def rests_stably(vertices: np.ndarray, centre: np.ndarray, surface: float, margin: float) -> bool:
    """Whether a thing on level ground at height ``surface`` does not tip over.

    Args:
        vertices: (n, 3) of the thing; those near the ground carry it.
        centre: (3,) its centre of mass.
        margin: the centre must lie this far within what carries it.
    """
    foot = vertices[vertices[:, 1] <= surface + NEAR_M][:, [0, 2]]
    if len(foot) < 3:
        return False
    try:
        hull = ConvexHull(foot)
    except QhullError:
        return False
    return bool((hull.equations[:, :2] @ centre[[0, 2]] + hull.equations[:, 2] <= -margin).all())
