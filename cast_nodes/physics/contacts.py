"""Where things meet: signed distances and how they change as the things move.

Each :class:`Rows` is a linear piece of a constraint, ``value`` plus the jacobians times the
changes, in world units: zero where things rest or touch, not negative where they must
not be inside each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import ConvexHull, QhullError

from ..crossings import crossings
from ..planes import Plane
from .pieces import Piece, View

UP = np.array([0.0, 1.0, 0.0])
CELLS = 20
"""Columns along each side in which an underside is compared with what lies below it."""
KEPT = 24
"""Rows that a pair of things has about, each way."""
NEAR = 0.05
"""Samples closer than this share of the smaller thing's size may meet in the next step."""
TOUCHES = 0.007
"""What stands and is against something may be this far from it, share of its size."""
TRIFLE = 1e-3
"""Depth, share of the smaller one's size, of which it does not matter how it came about."""
SQUARE = 0.3
"""Least |cosine| of two normals that look at each other, or the same way."""
ASTRAY = 0.2
"""Cosine to the other way than the thing's middle, from which on a way out is the wrong one."""
WITHIN = 0.01
"""How far within the outline of its carrier a thing's mass is kept, share of its size."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Linear pieces of a constraint between two things, or a thing and what does not move.

    Attributes:
        pieces: those whose change matters, one or two.
        jacobians: one (k, 7) for each of these.
        value: (k,) world units.
        equal: must be zero; else must not be negative.
        size: what deviations are compared with, world units.
    """

    pieces: tuple[Piece, ...]
    jacobians: tuple[np.ndarray, ...]
    value: np.ndarray
    equal: bool
    size: float

    @property
    def wrong(self) -> float:
        """The largest deviation, share of the size."""
        return float(np.max(np.abs(self.value) if self.equal else -self.value)) / self.size


def plane_rows(piece: Piece, plane: Plane, within: float | None = None) -> list[Rows]:
    """A thing does not go through a plane.

    Args:
        within: it comes up to the plane, to this share of its size.
    """
    corners = piece.now.corners
    height = plane.height(corners)
    low = np.argsort(height)[:8]
    normals = np.broadcast_to(plane.normal, (len(low), 3))
    jacobian = piece.now.jacobian(corners[low], normals)
    rows = []
    if height[low[0]] < NEAR * piece.size:
        rows.append(Rows((piece,), (jacobian,), height[low], False, piece.size))
    if within is not None:
        rows.append(
            _near_rows((piece,), (jacobian[:1],), float(height[low[0]]), within, piece.size)
        )
    return rows


def _near_rows(
    pieces: tuple[Piece, ...],
    jacobians: tuple[np.ndarray, ...],
    gap: float,
    within: float,
    size: float,
) -> Rows:
    """A gap is no larger than a share of a size; is closed where this is 0."""
    if within == 0:
        return Rows(pieces, jacobians, np.array([gap]), True, size)
    return Rows(pieces, tuple(-j for j in jacobians), np.array([within * size - gap]), False, size)


@dataclass(frozen=True, eq=False)
class Clearance:
    """How high an underside is over what lies below it.

    Attributes:
        points: (k, 3) world, where the two come nearest, column by column.
        fall: (k,) free height there, negative where one is in the other; ascending.
    """

    points: np.ndarray
    fall: np.ndarray

    @property
    def gap(self) -> float:
        return float(self.fall[0])


def clearance(upper: View, lower: View, reach: float) -> Clearance | None:
    """The free heights between two things; None where neither is above the other.

    Lines go down from the lowest samples of the one to the other's tops, and up from the
    other's highest samples to the one's undersides.

    Args:
        reach: something that lies lower than a top by no more than this still stands on it.
    """
    low = np.maximum(upper.bounds[0, [0, 2]], lower.bounds[0, [0, 2]])
    high = np.minimum(upper.bounds[1, [0, 2]], lower.bounds[1, [0, 2]])
    if (low >= high).any():
        return None
    feet = _undersides(upper, _extreme(upper.points, low, high, -1.0))
    at, fall = _falls(feet, lower.tops, -1.0, reach)
    heads = lower.points[lower.upward]
    heads = heads[np.abs(heads[:, 1] - upper.bounds[0, 1]) <= reach]
    at_heads, fall_heads = _falls(_extreme(heads, low, high, 1.0), upper.undersides, 1.0, reach)
    points, fall = np.concatenate([at, at_heads]), np.concatenate([fall, fall_heads])
    if not len(fall):
        return None
    order = np.argsort(fall)
    return Clearance(points[order], fall[order])


def _undersides(view: View, points: np.ndarray) -> np.ndarray:
    """The lowest points of a thing in the columns of (n, 3) of its samples."""
    line, height, _ = crossings(view.undersides, points, 1)
    lowest = np.full(len(points), np.inf)
    np.minimum.at(lowest, line, height)
    found = np.isfinite(lowest)
    out = points[found].copy()
    out[:, 1] = np.minimum(out[:, 1], lowest[found])
    return out


def _extreme(points: np.ndarray, low: np.ndarray, high: np.ndarray, way: float) -> np.ndarray:
    """The lowest (way -1) or highest (1) of (n, 3) points in each cell of a level rectangle."""
    flat = points[:, [0, 2]]
    points = points[((flat >= low) & (flat <= high)).all(1)]
    if not len(points):
        return points
    cell = np.minimum((points[:, [0, 2]] - low) / (high - low) * CELLS, CELLS - 1).astype(np.int64)
    code = cell[:, 0] * CELLS + cell[:, 1]
    order = np.lexsort((-way * points[:, 1], code))
    return points[order[np.unique(code[order], return_index=True)[1]]]


def _falls(
    points: np.ndarray, triangles: np.ndarray, way: float, reach: float
) -> tuple[np.ndarray, np.ndarray]:
    """The free height down (way -1) or up (1) from (n, 3) points to the nearest triangle there."""
    if not len(points) or not len(triangles):
        return points[:0], np.zeros(0)
    line, height, _ = crossings(triangles, points, 1)
    fall = way * (height - points[line, 1])
    near = fall >= -reach
    best = np.full(len(points), np.inf)
    np.minimum.at(best, line[near], fall[near])
    found = np.isfinite(best)
    return points[found], best[found]


def rest_rows(upper: Piece, lower: Piece, reach: float) -> list[Rows]:
    """A thing comes down, or up, onto another one, which stays where it is."""
    found = clearance(upper.now, lower.now, reach)
    if found is None:
        return []
    count = 12
    points = found.points[:count]
    jacobian = upper.now.jacobian(points, np.broadcast_to(UP, points.shape))
    fall = found.fall[:count]
    return [
        Rows((upper,), (jacobian[:1],), fall[:1], True, upper.size),
        Rows((upper,), (jacobian,), fall, False, upper.size),
    ]


def apart(one: View, other: View, margin: float) -> bool:
    """Their boxes are farther from each other than a margin."""
    (a, b), (c, d) = one.bounds, other.bounds
    return bool((a > d + margin).any() or (b + margin < c).any())


def over_rows(upper: Piece, lowers: Sequence[Piece]) -> list[Rows]:
    """The mass of a thing is above what carries it: within the outline that this has from above."""
    corners = np.concatenate([p.now.corners for p in lowers])[:, [0, 2]]
    try:
        sides = ConvexHull(corners).equations
    except (QhullError, ValueError):
        return []
    mass = upper.now.mass_centre
    within = -(sides[:, :2] @ mass[[0, 2]] + sides[:, 2]) - WITHIN * upper.size
    near = np.argsort(within)[:2]
    if within[near[0]] > NEAR * upper.size:
        return []
    inwards = np.zeros((len(near), 3))
    inwards[:, [0, 2]] = -sides[near, :2]
    jacobian = upper.now.jacobian(np.broadcast_to(mass, inwards.shape), inwards)
    return [Rows((upper,), (jacobian,), within[near], False, upper.size)]


def inside_rows(one: Piece, other: Piece) -> list[Rows]:
    """Samples of a thing do not go into another one; both may give way.

    The nearest face is the wrong way out where one thing has gone more than half through the
    other. So faces that look at each other count; where none do, samples that look the same way as
    the nearest face go back to where they came from.
    """
    size = min(one.size, other.size)
    index, value, normals = one.now.near(other.now, NEAR * size)
    if not len(index):
        return []
    points, own = one.now.points[index], one.now.outwards(index)
    facing = np.einsum("ij,ij->i", own, normals)
    deep = value < -TRIFLE * size
    if (deep & (facing < -SQUARE)).any():
        keep = np.flatnonzero(~deep | (facing < -SQUARE))
    else:
        turned = _some(np.flatnonzero(deep & (facing > SQUARE)))
        normals[turned] = -own[turned]
        value[turned] = -other.now.way_out(points[turned], normals[turned])
        keep = np.flatnonzero(~deep | (facing <= SQUARE)) if not len(turned) else turned
    return _apart_rows((one, other), points[keep], value[keep], normals[keep])


def held_rows(load: Piece, carrier: Piece) -> list[Rows]:
    """A thing does not go into what carries it, which stays.

    It stays on the side of each board on which its middle is, be the board thin and the thing half
    through.
    """
    size = min(load.size, carrier.size)
    index, value, normals = load.now.near(carrier.now, NEAR * size)
    points = load.now.points[index]
    astray = np.einsum("ij,ij->i", normals, _towards(load, points)) < -ASTRAY
    turned = _some(np.flatnonzero((value < 0) & astray))
    normals[turned] *= -1
    value[turned] = -carrier.now.way_out(points[turned], normals[turned])
    keep = (value >= 0) | ~astray
    keep[turned] = True
    rows = _apart_rows((load,), points[keep], value[keep], normals[keep])

    index, value, normals = carrier.now.near(load.now, NEAR * size)
    points, own = carrier.now.points[index], carrier.now.outwards(index)
    square = np.einsum("ij,ij->i", own, normals) < -SQUARE
    towards = _towards(load, points)
    turned = np.flatnonzero((value < 0) & ~square & (np.einsum("ij,ij->i", own, towards) > ASTRAY))
    turned = _some(turned)
    normals[turned] = -own[turned]
    value[turned] = -load.now.way_out(points[turned], normals[turned])
    keep = (value >= 0) | (square & (np.einsum("ij,ij->i", normals, towards) < ASTRAY))
    keep[turned] = True
    return rows + _apart_rows((None, load), points[keep], value[keep], normals[keep])


def _towards(piece: Piece, points: np.ndarray) -> np.ndarray:
    """(n, 3) unit, from (n, 3) points to the thing's middle."""
    away = piece.now.middle - points
    return away / np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-12)


def _some(index: np.ndarray) -> np.ndarray:
    """At most ``KEPT`` of an index, evenly."""
    return index[:: max(1, -(-len(index) // KEPT))]


def _apart_rows(
    pieces: tuple[Piece | None, ...], points: np.ndarray, value: np.ndarray, normals: np.ndarray
) -> list[Rows]:
    """The deepest samples and some of the others: the first piece moves along the normals, the
    second against them; None stays."""
    if not len(value):
        return []
    order = _chosen(value, normals)
    points, value, normals = points[order], value[order], normals[order]
    there, ways = [], []
    for piece, sense in zip(pieces, (1.0, -1.0), strict=False):
        if piece is not None:
            there.append(piece)
            ways.append(piece.now.jacobian(points, sense * normals))
    return [Rows(tuple(there), tuple(ways), value, False, min(p.size for p in there))]


def _chosen(value: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Of the samples with each of six main directions the deepest, and some of the others."""
    axis = np.abs(normals).argmax(1)
    side = 2 * axis + (normals[np.arange(len(axis)), axis] > 0)
    out = []
    for n in range(6):
        here = np.flatnonzero(side == n)
        here = here[np.argsort(value[here])]
        half = KEPT // 4
        out += [here[:half], here[half :: max(1, -(-len(here[half:]) // half))]]
    return np.concatenate(out)


def touch_rows(one: Piece, other: Piece, mutual: bool, within: float) -> list[Rows]:
    """The surfaces of two things meet where they are nearest, but for a share of their size."""
    best: tuple[float, np.ndarray, np.ndarray, bool] | None = None
    for a, b, turned in ((one, other, False), (other, one, True)):
        points = a.now.points
        # The nearest of all lies near the nearest of a few.
        value, _ = b.now.distance_to(points[::8])
        near = np.linalg.norm(points - points[::8][value.argmin()], axis=1) < 0.15 * a.size
        value, normals = b.now.distance_to(points[near])
        at = int(value.argmin())
        if best is None or value[at] < best[0]:
            sign = -1.0 if turned else 1.0
            best = (float(value[at]), points[near][at], sign * normals[at], turned)
    assert best is not None
    if best[0] <= within * min(one.size, other.size):
        return []
    point, normal = best[1][None], best[2][None]
    pieces, jacobians = (one,), (one.now.jacobian(point, normal),)
    if mutual:
        pieces, jacobians = (one, other), (*jacobians, -other.now.jacobian(point, normal))
    return [_near_rows(pieces, jacobians, best[0], within, min(one.size, other.size))]
