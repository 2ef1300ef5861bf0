"""A body as the search for relations sees it: where it ends below, what lies on a plumb line.

Poses are known far better across the view than along it, so what a body is moved by is mostly a
scaling about the camera's centre: its picture stays, its distance, height and size change together.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..crossings import crossings
from ..frames import Sim3
from ..physics.bodies import Body
from ..register.sampling import surface_of

UP = np.array([0.0, 1.0, 0.0])
CELLS = 12
"""Cells along each side of a footprint; the lowest point of each is asked about."""
CONTACT = 0.012
"""Surfaces this near to each other touch, share of the body's size."""
SAME = 1e-9


@dataclass(frozen=True, eq=False)
class Standing:
    """One body, moved by a scaling about the eye and a shift upwards.

    Attributes:
        body: at the pose it was given.
        triangles: (m, 3, 3) of its thinned mesh there, world.
        feet: (k, 3) the lowest points of the cells of its footprint there, world.
        reach: (k,) how high the body goes over each of them.
        centre: (3,) middle of its surface, taken for its centre of mass.
        spread: (n, 3) samples spread evenly in space.
        eye: (3,) what it is scaled about.
        factor, lift: the scaling and the shift upwards after it.
    """

    body: Body
    triangles: np.ndarray
    feet: np.ndarray
    reach: np.ndarray
    centre: np.ndarray
    spread: np.ndarray
    eye: np.ndarray
    factor: float = 1.0
    lift: float = 0.0

    @property
    def id(self) -> int:
        return self.body.id

    @property
    def size(self) -> float:
        return self.body.size * self.factor

    @property
    def tall(self) -> float:
        return self.body.tall * self.factor

    def moved(self, factor: float, lift: float) -> Standing:
        """The body as given, moved so."""
        return replace(self, factor=factor, lift=lift)

    def to_there(self, points: np.ndarray) -> np.ndarray:
        """Where (..., 3) points of the body as given are now."""
        return self.eye + self.factor * (points - self.eye) + self.lift * UP

    def from_there(self, points: np.ndarray) -> np.ndarray:
        """Where (..., 3) points were when the body was as given."""
        return self.eye + (points - self.eye - self.lift * UP) / self.factor

    @property
    def pose(self) -> Sim3:
        """world_from_object now."""
        given = self.body.world_from_object
        place = self.to_there(given.translation)
        return Sim3(given.rotation, place, given.scale * self.factor)

    @cached_property
    def bounds(self) -> np.ndarray:
        """(2, 3) lowest and highest corner now."""
        return self.to_there(self.body.bounds)


def standing(body: Body, eye: np.ndarray) -> Standing:
    """The body as it was given."""
    surface = surface_of(body.mesh)
    vertices = body.world_from_object.apply(surface.vertices * surface.size + surface.centre)
    count = min(1200, len(surface.spread))
    spread = surface.spread[:count].astype(np.float64) * surface.size + surface.centre
    points = np.concatenate([body.points, vertices])
    low, size = points.min(0), np.maximum(np.ptp(points, axis=0), 1e-12)
    cell = np.minimum((points - low) / size * CELLS, CELLS - 1).astype(np.int64)
    key = cell[:, 0] * CELLS + cell[:, 2]
    order = np.lexsort((points[:, 1], key))
    first = np.flatnonzero(np.diff(key[order], prepend=-1))
    last = np.append(first[1:], len(order)) - 1
    feet = points[order[first]]
    reach = points[order[last], 1] - feet[:, 1]
    # Thin legs share a cell with nothing lower; the very lowest points must be among the feet.
    bottom = points[points[:, 1] <= low[1] + 0.01 * size[1]]
    if len(bottom) > CELLS * 4:
        bottom = bottom[np.linspace(0, len(bottom) - 1, CELLS * 4).astype(int)]
    feet = np.concatenate([feet, bottom])
    reach = np.concatenate([reach, np.full(len(bottom), 0.02 * size[1])])
    return Standing(
        body,
        vertices[surface.faces],
        feet,
        reach,
        body.points.mean(0),
        body.world_from_object.apply(spread),
        np.asarray(eye, np.float64),
    )


@dataclass(frozen=True, eq=False)
class Spaces:
    """The free stretches of plumb lines through a body, from below to above.

    Attributes:
        line: (k,) which line.
        floor: (k,) where the stretch begins, -inf below all matter.
        roof: (k,) where it ends, inf above all matter.
    """

    line: np.ndarray
    floor: np.ndarray
    roof: np.ndarray


def spaces(on: Standing, points: np.ndarray) -> Spaces:
    """The free stretches of the plumb lines through (n, 3) points; none for lines that miss.

    Matter is where the winding number of the faces is not 0; of lines that enter and leave
    unequally often (sheets, open meshes) each crossing is a thin sheet.
    """
    asked = on.from_there(points)
    low, high = asked[:, [0, 2]].min(0), asked[:, [0, 2]].max(0)
    flat = on.triangles[:, :, [0, 2]]
    near = ((flat.max(1) >= low) & (flat.min(1) <= high)).all(1)
    if not near.any():
        return Spaces(*(np.zeros(0) for _ in range(3)))  # type: ignore[arg-type]
    line, height, sense = crossings(on.triangles[near], asked, 1)
    if not len(line):
        return Spaces(*(np.zeros(0) for _ in range(3)))  # type: ignore[arg-type]
    height = on.eye[1] + on.factor * (height - on.eye[1]) + on.lift
    order = np.lexsort((height, line))
    line, height, sense = line[order], height[order], sense[order]
    start = np.flatnonzero(np.diff(line, prepend=-1))
    count = np.diff(np.append(start, len(line)))
    before = np.concatenate([[0.0], np.cumsum(-sense)])
    total = before[start + count] - before[start]
    depth = before[1:] - np.repeat(before[start], count)
    even = np.repeat(total == 0, count)
    inverted = np.repeat(np.add.reduceat(depth, start) < 0, count)  # all faces turned
    depth = np.where(inverted, -depth, depth)
    leaves = np.where(even, depth <= 0, True)
    entered = np.where(inverted, sense > 0, sense < 0)
    enters = np.where(even, entered & (depth == 1), True)
    floors_line, floors = line[leaves], height[leaves]
    roofs_line, roofs = line[enters], height[enters]
    hit = line[start]
    all_line = np.concatenate([hit, floors_line])
    all_floor = np.concatenate([np.full(len(hit), -np.inf), floors])
    # The roof of a stretch is the first entry at or above its floor on the same line.
    span = float(np.ptp(height)) * 4 + 1.0
    base = height.min() - 1.0
    key = roofs_line * span + (roofs - base)
    order = np.argsort(key)
    key, roofs, roofs_line = key[order], roofs[order], roofs_line[order]
    asked_key = all_line * span + np.where(np.isfinite(all_floor), all_floor - base + SAME, 0.0)
    at = np.searchsorted(key, asked_key, "left")
    inside = np.minimum(at, len(key) - 1)
    there = (at < len(key)) & (roofs_line[inside] == all_line)
    roof = np.where(there, roofs[inside], np.inf)
    return Spaces(all_line, all_floor, roof)


def tops_below(on: Standing, points: np.ndarray, reach: np.ndarray, slack: float) -> np.ndarray:
    """(n,) height of the surface of ``on`` that would carry a thing with these feet.

    Of each plumb line's free stretches the one that holds most of the thing counts. The thing may
    have sunk, so it is taken ``slack`` taller. -inf where there is nothing below it.

    Args:
        points: (n, 3) feet.
        reach: (n,) how high the thing goes over each.
    """
    out = np.full(len(points), -np.inf)
    found = spaces(on, points)
    if not len(found.line):
        return out
    line = found.line.astype(np.int64)
    low, high = points[line, 1], points[line, 1] + reach[line] + slack
    held = np.minimum(high, found.roof) - np.maximum(low, found.floor)
    order = np.lexsort((held, line))
    last = np.flatnonzero(np.diff(np.append(line[order], -1)))
    best = order[last]
    out[line[best]] = found.floor[best]
    return out
