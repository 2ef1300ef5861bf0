"""What of a room's planes nobody gave, found in the point map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..types import Geometry, SceneObject
from .ground import ground_of
from .patches import Grid, Patch, find_patches
from .samples import Samples, unit_plane

UPRIGHT_RAD = np.radians(12.0)
"""A wall stands within this of upright; within :data:`SNAP_RAD` it is upright."""
LEVEL_RAD = np.radians(8.0)
"""Ground and ceilings lie within this of level."""
SNAP_RAD = np.radians(5.0)
LEAST_WALL = 0.03
"""Share of the picture that a wall covers at least; other planes are believed from …"""
LEAST_LEVEL = 0.015
MOST_BEYOND = 0.3
"""A plane that bounds the room has less than this share of its own pixels seen behind it."""
NEXT_LEVEL = 0.08
"""Levels differ by at least this share of the camera's height."""


@dataclass(frozen=True, eq=False)
class RoomPlanes:
    """Planes n.p + d = 0 in the camera frame, n unit.

    Attributes:
        up: (3,) unit, or None when nothing tells gravity.
        floor: (4,), n up; None where none is seen.
        levels: (N, 4) further level ground, n up: steps, a terrace, a table nobody masked.
        walls: (N, 4) that bound the room, n into it, upright where they nearly are.
        ceiling: (4,), n down; or None.
        others: (N, 4) large planes that bound nothing: roofs, ramps, fronts of furniture.
        notes: sentences for the report.
    """

    up: np.ndarray | None
    floor: np.ndarray | None
    levels: np.ndarray
    walls: np.ndarray
    ceiling: np.ndarray | None
    others: np.ndarray
    notes: tuple[str, ...]

    def completed(self, geometry: Geometry) -> Geometry:
        """The geometry with these planes."""
        return replace(
            geometry, up=self.up, floor=self.floor, walls=self.walls, ceiling=self.ceiling
        )


def room_planes(geometry: Geometry, objects: Sequence[SceneObject]) -> RoomPlanes:
    """The room's planes: those of the geometry as they are, the others out of its points.

    A guessed geometry (``approximate``) holds no planes but its own.

    Args:
        objects: all objects of the photo; their pixels are no room.
    """
    own = [p for p in map(unit_plane, np.asarray(geometry.walls).reshape(-1, 4)) if p is not None]
    given_floor, given_ceiling = unit_plane(geometry.floor), unit_plane(geometry.ceiling)
    none = np.zeros((0, 4))
    if geometry.approximate:
        up = geometry.up if geometry.up is not None or given_floor is None else given_floor[:3]
        return RoomPlanes(up, given_floor, none, _stacked(own), given_ceiling, none, ())
    notes: list[str] = []
    ground = ground_of(replace(geometry, floor=given_floor), Samples.of(geometry, objects))
    floor = given_floor if given_floor is not None else ground.floor
    up = ground.up if geometry.up is None else np.asarray(geometry.up, np.float64)
    if given_floor is None and floor is not None:
        notes.append(
            f"The floor was found in the points (confidence {100 * ground.confidence:.0f} %)."
        )
    elif geometry.up is None and ground.source == "walls":
        notes.append("Gravity was found from two walls; no floor is seen.")
    grid = Grid.of(geometry, objects)
    if not np.isfinite(grid.points[..., 2]).any():
        notes.append("The point map holds no depth; the room is a backdrop.")
    elif grid.free.mean() < 0.02:
        notes.append("Objects cover nearly the whole photo; hardly any of the room is seen.")
    known = [p for p in (floor, given_ceiling, *own) if p is not None]
    patches = find_patches(grid, LEAST_LEVEL, known)
    if up is None:
        walls = own or [p.plane for p in patches if _bounds(p, LEAST_WALL)]
        return RoomPlanes(
            None, floor, none, _stacked(walls), given_ceiling,
            _stacked([p.plane for p in patches if not _bounds(p, LEAST_WALL)]), tuple(notes),
        )  # fmt: skip
    up = up / np.linalg.norm(up)
    levels, walls, ceiling, others = [], list(own), given_ceiling, []
    for patch in patches:
        along = float(patch.plane[:3] @ up)
        if along > np.cos(LEVEL_RAD):
            # Level ground is seen from above: its normal points towards the camera and up.
            level = _turned(patch, up)
            heights = [floor[3]] if floor is not None else []
            heights += [other[3] for other in levels]
            if all(abs(level[3] - h) > NEXT_LEVEL * abs(h) for h in heights):
                levels.append(level)
        elif along < -np.cos(LEVEL_RAD) and ceiling is None and _bounds(patch, LEAST_LEVEL):
            ceiling = _turned(patch, -up)
        elif abs(along) < np.sin(UPRIGHT_RAD) and not own and _bounds(patch, LEAST_WALL):
            upright = patch.plane[:3] - along * up
            near = abs(along) < np.sin(SNAP_RAD)
            walls.append(_turned(patch, upright) if near else patch.plane)
        else:
            others.append(patch.plane)
    if floor is None and levels:
        # A close-up: the table top that fills the picture carries what is there.
        lowest = max(levels, key=lambda level: level[3])
        if any(
            abs(p.plane[3] / lowest[3] - 1) < NEXT_LEVEL and _bounds(p, LEAST_WALL) for p in patches
        ):
            floor = lowest
            levels = [level for level in levels if level is not lowest]
            notes.append("No floor is seen; the lowest level surface carries the objects.")
    if len(walls) > len(own) or (ceiling is not None and given_ceiling is None):
        number = len(walls) - len(own)
        found = [f"{number} {'wall' if number == 1 else 'walls'}"] if number else []
        found += ["a ceiling"] if ceiling is not None and given_ceiling is None else []
        notes.append(f"Found in the points: {' and '.join(found)}.")
    if levels and floor is not None:
        notes.append(
            f"The ground has {len(levels)} more level{'s' if len(levels) > 1 else ''} than the "
            "floor."
        )
    return RoomPlanes(
        up, floor, _stacked(levels), _stacked(walls), ceiling, _stacked(others), tuple(notes)
    )


def _bounds(patch: Patch, least: float) -> bool:
    return patch.share >= least and patch.beyond <= MOST_BEYOND * patch.share


def _turned(patch: Patch, normal: np.ndarray) -> np.ndarray:
    """The plane of another normal through the middle of the patch."""
    normal = normal / np.linalg.norm(normal)
    return np.append(normal, -(normal @ patch.centre))


def _stacked(planes: Sequence[np.ndarray]) -> np.ndarray:
    return np.array(planes, np.float64).reshape(-1, 4)
