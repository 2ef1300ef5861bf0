"""What carries each object, from geometry alone: the floor, another object, a wall, the ceiling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..physics.bodies import Body
from ..planes import Plane
from .enclosure import Enclosure

UP = np.array([0.0, 1.0, 0.0])
REACH = 0.2
"""A support counts when the gap to it is at most this share of the object's height."""
COVERED = 0.2
"""Share of an object's footprint that must lie over a supporting object."""
FLAT = 0.7
"""Least |cosine| to up of a surface that carries."""
CLOSE = 0.04
"""Against a wall: at most this share of the object's size away."""
FOOT = 0.12
"""The lowest part of an object that is its foot, share of its height."""
CELLS = 10


@dataclass(frozen=True)
class Support:
    """What carries an object.

    Attributes:
        by: another object's id, "floor", "wall", "ceiling", or None when it hangs in the air.
        gap: how far its bottom (or its side, its top) is from there; negative when inside.
        surface: height of the carrying surface in the world's y; None for wall, ceiling, air.
        confidence: 0..1.
    """

    by: int | str | None
    gap: float
    surface: float | None
    confidence: float


def surface_below(body: Body, other: Body, reach: float) -> tuple[float, float] | None:
    """Where ``other`` could carry ``body``: (height of its surface, share of the foot over it).

    Only surfaces within ``reach`` of the foot's height count. None when there is none.
    """
    if (body.bounds[0, [0, 2]] > other.bounds[1, [0, 2]]).any():
        return None
    if (body.bounds[1, [0, 2]] < other.bounds[0, [0, 2]]).any():
        return None
    bottom = body.lowest(UP)
    foot = body.points[body.points[:, 1] <= bottom + FOOT * body.tall]
    carrying = np.abs(other.normals[:, 1]) > FLAT
    carrying &= np.abs(other.points[:, 1] - bottom) <= reach
    surface = other.points[carrying]
    if not len(surface) or not len(foot):
        return None
    low = foot[:, [0, 2]].min(0)
    # Cells no finer than the other's samples lie apart, or holes in the sampling become holes.
    apart = 2.5 * other.size / np.sqrt(len(other.points))
    pitch = max(float(np.ptp(foot[:, [0, 2]], axis=0).max()) / CELLS, apart, 1e-9)

    def cells(points: np.ndarray) -> np.ndarray:
        return np.floor((points[:, [0, 2]] - low) / pitch).astype(np.int64) @ [1, 1 << 20]

    foot_cells = np.unique(cells(foot))
    surface_cells = cells(surface)
    shared = np.isin(surface_cells, foot_cells)
    if not shared.any():
        return None
    covered = len(np.unique(surface_cells[shared])) / len(foot_cells)
    return float(np.quantile(surface[shared, 1], 0.9)), covered


def find_support(body: Body, below: Sequence[Body], room: Enclosure) -> Support:
    """What carries one object.

    Args:
        body: the object.
        below: the objects that may carry it.
        room: floor, walls, ceiling.
    """
    reach = REACH * body.tall
    bottom = body.lowest(UP)
    found: list[tuple[float, Support]] = []
    if room.floor is not None:
        gap = body.lowest(room.floor.normal, room.floor.offset)
        if gap <= reach:
            closeness = min(1.0, max(gap, -reach) / reach if reach > 0 else 0.0)
            support = Support("floor", gap, bottom - gap, float(1 - 0.5 * abs(closeness)))
            found.append((abs(gap), support))
    for other in below:
        there = surface_below(body, other, max(reach, 0.02 * other.size))
        if there is None or there[1] < COVERED:
            continue
        surface, covered = there
        gap = bottom - surface
        support = Support(other.id, gap, surface, float(min(1.0, 0.5 + 0.5 * covered)))
        # What lies on a rug lies on the floor nearly as well: the object is meant then.
        found.append((abs(gap) - 0.25 * reach * covered, support))
    if found:
        return min(found, key=lambda f: f[0])[1]
    if room.ceiling is not None:
        gap = float(room.ceiling.height(body.points).min())
        if gap <= reach:
            return Support("ceiling", gap, None, 0.7)
    wall = nearest_wall(body, room.walls)
    if wall is not None:
        return Support("wall", wall, None, 0.7)
    gap = bottom if room.floor is None else body.lowest(room.floor.normal, room.floor.offset)
    return Support(None, gap, None, 0.5)


def nearest_wall(body: Body, walls: Sequence[Plane]) -> float | None:
    """Distance to the wall that the body is close to, or None when it is close to none."""
    gaps = [float(np.quantile(w.height(body.points), 0.02)) for w in walls]
    close = [g for g in gaps if abs(g) <= CLOSE * body.size]
    return min(close, key=abs) if close else None


def is_inside(body: Body, other: Body) -> bool:
    """Whether ``body`` is contained by ``other``: within its box, with some of it overhead."""
    local = other.world_from_object.inverse().apply(body.points)
    reference = other.at(type(other.world_from_object).identity())
    low, high = reference.bounds
    margin = 0.02 * (high - low)
    share = ((local >= low - margin) & (local <= high + margin)).all(1).mean()
    if share < 0.9 or body.size > 0.8 * other.size:
        return False
    (x0, _, z0), (x1, top, z1) = body.bounds
    over = other.points[other.points[:, 1] > top - 0.02 * body.tall]
    over = over[(over[:, 0] > x0) & (over[:, 0] < x1) & (over[:, 2] > z0) & (over[:, 2] < z1)]
    if not len(over):
        return False
    pitch = max(x1 - x0, z1 - z0) / 6 + 1e-12
    covered = len(np.unique(np.floor((over[:, [0, 2]] - [x0, z0]) / pitch), axis=0))
    return covered * pitch * pitch >= 0.4 * (x1 - x0) * (z1 - z0)
