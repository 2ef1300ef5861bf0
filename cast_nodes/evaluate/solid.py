"""What is inside a mesh, and how far two insides overlap.

A point is inside where most of six rays from it (along ±x, ±y, ±z) leave more surface than they
enter: the signed count of crossings, a winding number, is not zero. So solids that overlap in one
mesh (a chair's legs in its seat) count once, a sheet drawn from both sides counts as no solid,
and holes that only some of the rays meet do no harm. An open sheet has no inside. Meshes of which
nothing is inside have no volume IoU; callers say so instead of giving a number.
"""

from __future__ import annotations

import numpy as np

CELLS = 96
"""Cells along the longest side of the grid that both solids are compared on."""
SAM3D_CELLS = 64
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
    u, v = SIDE_AXES[axis]
    flat = np.ascontiguousarray(triangles[..., [u, v]])
    rays = origins[:, [u, v]]
    line, face = _candidates(flat, rays)
    inside = np.zeros(len(line), bool)
    for i in range(3):
        inside ^= _edge_crossed(flat[face, i], flat[face, (i + 1) % 3], rays[line])
    line, face = line[inside], face[inside]
    a, b, c = (triangles[face, i] for i in range(3))
    normal = np.cross(b - a, c - a)
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


def _candidates(flat: np.ndarray, rays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (ray, triangle) whose cells of a grid over the rays meet: (k,), (k,)."""
    cells = int(np.clip(np.sqrt(len(rays)), 1, 128))
    low = rays.min(0)
    step = np.maximum(np.ptp(rays, axis=0), 1e-300) / cells
    own = np.clip(np.floor((rays - low) / step), 0, cells - 1).astype(np.int64)
    key = own[:, 0] * cells + own[:, 1]
    order = np.argsort(key, kind="stable")
    start = np.searchsorted(key[order], np.arange(cells * cells + 1))
    index = np.flatnonzero((flat.min(1) <= rays.max(0)).all(1) & (flat.max(1) >= low).all(1))
    reach = np.stack([flat[index].min(1), flat[index].max(1)])
    first, last = np.clip(np.floor((reach - low) / step), 0, cells - 1).astype(np.int64)
    # Each triangle covers some rows of cells; the rays of a row's cells lie side by side.
    rows = last[:, 0] - first[:, 0] + 1
    which = np.repeat(np.arange(len(index)), rows)
    row = first[which, 0] + _counted(rows)
    begin = start[row * cells + first[which, 1]]
    end = start[row * cells + last[which, 1] + 1]
    count = end - begin
    pick = np.repeat(begin, count) + _counted(count)
    return order[pick], index[np.repeat(which, count)]


def _counted(lengths: np.ndarray) -> np.ndarray:
    """0, 1, …, n - 1 for each n of (k,) lengths, one after the other."""
    total = int(lengths.sum())
    return np.arange(total) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def inside(triangles: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(n,) bool, which of (n, 3) points lie inside (m, 3, 3) triangles; see the module."""
    votes = np.zeros(len(points), np.int64)
    low, high = triangles.min((0, 1)), triangles.max((0, 1))
    near = np.flatnonzero(((points >= low) & (points <= high)).all(1))
    if not len(near):
        return votes > 3
    here = points[near]
    for axis in range(3):
        line, height, sign = crossings(triangles, here, axis)
        ahead = height > here[line, axis]
        for side in (ahead, ~ahead):
            winding = np.bincount(line[side], sign[side], len(here))
            votes[near] += np.abs(winding) > 0.5
    return votes > 3


def solid_cells(
    triangles: np.ndarray, low: np.ndarray, pitch: float, counts: np.ndarray
) -> np.ndarray:
    """(a, b, c) bool, which cells of a grid have their centres inside (m, 3, 3) triangles.

    The same six rays as :func:`inside`, of which all cells of a column share two.

    Args:
        low: (3,) corner of cell (0, 0, 0).
        pitch: edge of a cell.
        counts: (3,) cells along x, y, z.
    """
    votes = np.zeros(tuple(counts), np.int8)
    centres = [low[i] + pitch * (np.arange(counts[i]) + 0.5) for i in range(3)]
    for axis in range(3):
        u, v = SIDE_AXES[axis]
        columns = np.zeros((counts[u] * counts[v], 3))
        columns[:, u] = np.repeat(centres[u], counts[v])
        columns[:, v] = np.tile(centres[v], counts[u])
        line, height, sign = crossings(triangles, columns, axis)
        # A crossing lies ahead of the cells below it and behind the cells above it.
        step = np.zeros((len(columns), counts[axis] + 1))
        np.add.at(step, (line, np.searchsorted(centres[axis], height)), sign)
        behind = np.cumsum(step, 1)[:, :-1]
        ahead = step.sum(1, keepdims=True) - behind
        found = (np.abs(behind) > 0.5).astype(np.int8) + (np.abs(ahead) > 0.5)
        grid = found.reshape(counts[u], counts[v], counts[axis])
        votes += np.moveaxis(grid, (0, 1, 2), (u, v, axis))
    return votes > 3


def volume_iou(one: np.ndarray, other: np.ndarray, cells: int = CELLS) -> float | None:
    """IoU of the insides of two meshes of (m, 3, 3) triangles, by the cells of a common grid.

    None when one of them has no inside (open sheets, or parts thinner than a cell).
    """
    both = np.concatenate([one.reshape(-1, 3), other.reshape(-1, 3)])
    low, high = both.min(0), both.max(0)
    pitch = float((high - low).max()) / cells
    if not pitch > 0:
        return None
    counts = np.maximum(1, np.ceil((high - low) / pitch - 1e-9)).astype(int)
    first = solid_cells(one, low, pitch, counts)
    second = solid_cells(other, low, pitch, counts)
    if not first.any() or not second.any():
        return None
    return float((first & second).sum() / (first | second).sum())


def surface_voxel_iou(
    one: np.ndarray,
    other: np.ndarray,
    cells: int = SAM3D_CELLS,
    low: float = -1.0,
    high: float = 1.0,
) -> float:
    """IoU of the cells of a cube that (n, 3) and (m, 3) samples of two surfaces fall into.

    SAM 3D's "vIoU" (Chen et al., 2025, appendix): clouds of normalised meshes in 64³ voxels of
    [-1, 1]³. Points outside fall into the nearest cell of the rim.
    """
    occupied = []
    for points in (one, other):
        cell = np.clip(((points - low) / (high - low) * cells).astype(np.int64), 0, cells - 1)
        grid = np.zeros((cells, cells, cells), bool)
        grid[tuple(cell.T)] = True
        occupied.append(grid)
    return float((occupied[0] & occupied[1]).sum() / (occupied[0] | occupied[1]).sum())


def is_watertight(faces: np.ndarray, vertices: np.ndarray) -> bool:
    """Every edge of (m, 3) faces has two faces, corners at equal places of (n, 3) being one."""
    place = np.unique(np.round(vertices, 9), axis=0, return_inverse=True)[1].reshape(-1)
    joined = place[faces]
    edges = np.sort(np.concatenate([joined[:, [0, 1]], joined[:, [1, 2]], joined[:, [2, 0]]]), 1)
    edges = edges[edges[:, 0] != edges[:, 1]]
    count = np.unique(edges, axis=0, return_counts=True)[1]
    return bool(len(count)) and bool((count % 2 == 0).all())
