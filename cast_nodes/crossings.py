"""Where lines along the axes meet triangles, for many lines and triangles at once."""

from __future__ import annotations

import numpy as np

SIDE_AXES = ((1, 2), (2, 0), (0, 1))
"""The two axes across each axis, so that (side, side, axis) is right-handed."""


def crossings(
    triangles: np.ndarray, origins: np.ndarray, axis: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where lines along an axis meet triangles.

    Lines that pass through an edge or a corner shared by triangles meet exactly one of those on
    each side, as edges are tested half-open and from the same end.

    Args:
        triangles: (m, 3, 3) corners.
        origins: (n, 3); a line goes through each, the coordinate along the axis does not matter.
        axis: 0, 1 or 2.

    Returns:
        (k,) index of the line, (k,) coordinate along the axis, (k,) +1 where the face's normal
        points along the axis, -1 where against.
    """
    if not len(origins):
        return np.zeros(0, np.int64), np.zeros(0), np.zeros(0)
    u, v = SIDE_AXES[axis]
    flat = np.ascontiguousarray(triangles[..., [u, v]])
    rays = origins[:, [u, v]]
    a, b, c = flat[:, 0], flat[:, 1], flat[:, 2]
    low, high = np.minimum(np.minimum(a, b), c), np.maximum(np.maximum(a, b), c)
    near = np.flatnonzero(((low <= rays.max(0)) & (high >= rays.min(0))).all(1))
    triangles, flat, low, high = triangles[near], flat[near], low[near], high[near]
    line, face = _candidates(low, high, rays)
    there = ((rays[line] >= low[face]) & (rays[line] <= high[face])).all(1)
    line, face = line[there], face[there]
    inside = np.zeros(len(line), bool)
    for i in range(3):
        inside ^= _edge_crossed(flat[face, i], flat[face, (i + 1) % 3], rays[line])
    line, face = line[inside], face[inside]
    a, b, c = (triangles[face, i] for i in range(3))
    x, y, z = (b - a).T
    p, q, r = (c - a).T
    normal = np.stack([y * r - z * q, z * p - x * r, x * q - y * p], 1)
    steep = np.abs(normal[:, axis]) > 1e-12 * np.linalg.norm(normal, axis=1)
    line, a, normal = line[steep], a[steep], normal[steep]
    offset = normal[:, u] * (a[:, u] - rays[line, 0]) + normal[:, v] * (a[:, v] - rays[line, 1])
    height = a[:, axis] + offset / normal[:, axis]
    return line, height, np.sign(normal[:, axis])


def _edge_crossed(a: np.ndarray, b: np.ndarray, at: np.ndarray) -> np.ndarray:
    """(k,) does the ray from (k, 2) points towards +u meet the edges; ends are taken half-open."""
    swap = (a[:, 1] > b[:, 1]) | ((a[:, 1] == b[:, 1]) & (a[:, 0] > b[:, 0]))
    low = np.where(swap[:, None], b, a)  # the same arithmetic for both faces of an edge
    high = np.where(swap[:, None], a, b)
    spans = (low[:, 1] <= at[:, 1]) & (at[:, 1] < high[:, 1])
    side = (high[:, 0] - low[:, 0]) * (at[:, 1] - low[:, 1]) - (at[:, 0] - low[:, 0]) * (
        high[:, 1] - low[:, 1]
    )
    return spans & (side > 0)


def _candidates(
    low: np.ndarray, high: np.ndarray, rays: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (ray, triangle) whose cells of a grid over the rays meet: (k,), (k,).

    Args:
        low, high: (m, 2) corners of the triangles' boxes, all of which meet that of the rays.
    """
    cells = int(np.clip(np.sqrt(len(rays)), 1, 128))
    begin = rays.min(0)
    step = np.maximum(np.ptp(rays, axis=0), 1e-300) / cells
    own = np.clip(np.floor((rays - begin) / step), 0, cells - 1).astype(np.int64)
    key = own[:, 0] * cells + own[:, 1]
    order = np.argsort(key, kind="stable")
    start = np.searchsorted(key[order], np.arange(cells * cells + 1))
    reach = np.stack([low, high])
    first, last = np.clip(np.floor((reach - begin) / step), 0, cells - 1).astype(np.int64)
    # Each triangle covers some rows of cells; the rays of a row's cells lie side by side.
    rows = last[:, 0] - first[:, 0] + 1
    which = np.repeat(np.arange(len(low)), rows)
    row = first[which, 0] + _counted(rows)
    begins = start[row * cells + first[which, 1]]
    count = start[row * cells + last[which, 1] + 1] - begins
    pick = np.repeat(begins, count) + _counted(count)
    return order[pick], np.repeat(which, count)


def _counted(lengths: np.ndarray) -> np.ndarray:
    """0, 1, …, n - 1 for each n of (k,) lengths, one after the other."""
    total = int(lengths.sum())
    return np.arange(total) - np.repeat(np.cumsum(lengths) - lengths, lengths)
