"""What is inside a mesh, and how far two insides overlap.

A point is inside where most of six rays from it (along ±x, ±y, ±z) leave more surface than they
enter: the signed count of crossings, a winding number, is not zero. So solids that overlap in one
mesh (a chair's legs in its seat) count once, a sheet drawn from both sides counts as no solid,
and holes that only some of the rays meet do no harm. An open sheet has no inside. Meshes of which
nothing is inside have no volume IoU; callers say so instead of giving a number.
"""

from __future__ import annotations

import numpy as np

from ..crossings import SIDE_AXES, crossings

CELLS = 96
"""Cells along the longest side of the grid that both solids are compared on."""
SAM3D_CELLS = 64


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
