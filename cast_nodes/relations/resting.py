"""What a body may rest on: the floor, other bodies, several at once, each way with its cost.

Let down (or lifted) until it rests, a body touches what carries it, sinks into nothing, and does
not tip over. The costs are negative logarithms of likelihoods up to a constant ("nats"): how far
it had to be moved against how far it may be off, how much of it is in the way, how far its weight
lies outside what carries it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..planes import Plane
from .graph import Partner
from .standing import CONTACT, Standing, tops_below

SEEDS = (0.0, -1.5, 1.5)
"""Distances along the view from which the first look is taken, in deviations."""
SURE = 0.4
"""Nats of a rest that is good enough not to look at other distances."""
LOOKED_AT = 4
"""Ways to rest that are looked at closely."""
BLOCKED, UNDERGROUND = 12.0, 60.0
"""Nats where all feet are sunk into another body, which a pose that is off aside may do, or into the
ground, which nothing does."""
TIPPED = 5.0
"""Most nats for a body that would tip over."""
UNSTEADY = 0.025
"""Deviation of how far a weight may lie outside what carries it, share of the size."""
DIRECTIONS = 24
TAILS = 3.0
"""Freedom of Student's distribution of how far off a pose is: now and then one is off by much."""


def moving_cost(squared: float) -> float:
    """Nats for having been off by so many deviations, squared, by Student's distribution."""
    return float(0.5 * (TAILS + 1) * np.log1p(squared / TAILS))


@dataclass(frozen=True)
class Doubt:
    """How far off a pose may be.

    Attributes:
        ray: deviation of the logarithm of distance and size together.
        across: of the place otherwise, world units.
    """

    ray: float
    across: float


@dataclass(frozen=True, eq=False)
class Rest:
    """One way to rest.

    Attributes:
        carriers: what carries, with the share of the touching feet, the largest first.
        factor, lift: how the body as given gets there.
        cost: nats, without what it costs to tip over.
        tips: nats for a weight outside what carries it, 0 where it stands by itself.
        off: (2,) level vector from what carries it to its weight; 0 where it is above it.
    """

    carriers: tuple[tuple[Partner, float], ...]
    factor: float
    lift: float
    cost: float
    tips: float
    off: np.ndarray


def rests(
    body: Standing, others: Sequence[Standing], ground: Plane | None, doubt: Doubt
) -> list[Rest]:
    """Ways for a body to rest, the likeliest first.

    Args:
        body: as given, not moved.
        others: what may carry it, where it is believed to be.
        ground: the floor below it.
    """
    fall = _Fall(body, others, ground, doubt)
    starts: list[tuple[float, float, float, float]] = []
    found: list[Rest] = []
    for seed in SEEDS if doubt.ray > 0 else (0.0,):
        if found and found[0].cost + found[0].tips < SURE:
            break  # it stands well where it is: no need to look for it elsewhere
        starts = sorted([*starts, *fall.starts(float(np.expm1(seed * doubt.ray)))])
        found = fall.ways([s[1:] for s in starts])
    return found


class _Fall:
    """One body let down onto others."""

    def __init__(
        self, body: Standing, others: Sequence[Standing], ground: Plane | None, doubt: Doubt
    ) -> None:
        self.body, self.others, self.ground = body, others, ground
        self.tolerance = CONTACT * body.body.size
        self.bottom = float(body.body.bounds[0, 1])
        self.drop_per_ray = float(body.eye[1]) - self.bottom
        self.ray_variance = doubt.ray**2
        self.lift_variance = doubt.across**2 + (0.3 * self.tolerance) ** 2
        self.variance = self.drop_per_ray**2 * self.ray_variance + self.lift_variance
        self.slack = 2.5 * float(np.sqrt(self.variance)) + self.tolerance

    def likeliest(self, drop: float) -> tuple[float, float]:
        """(along the view, lift) by which the body most likely comes down by a height."""
        ray = drop * self.drop_per_ray * self.ray_variance / self.variance
        return max(-0.8, ray), ray * self.drop_per_ray - drop

    def moved(self, way: tuple[float, float]) -> Standing:
        return self.body.moved(1 + way[0], way[1])

    def cost(self, way: tuple[float, float]) -> float:
        """Nats for having been off so far."""
        along = way[0] ** 2 / self.ray_variance if self.ray_variance > 0 else 0.0
        return moving_cost(along + way[1] ** 2 / self.lift_variance)

    def gaps(self, at: Standing) -> tuple[np.ndarray, list[Partner]]:
        """(feet, carriers) free height below each foot, inf where nothing is."""
        feet, reach = at.to_there(at.feet), at.reach * at.factor
        columns, names = [], list[Partner]()
        if self.ground is not None:
            columns.append(self.ground.height(feet) / max(float(self.ground.normal[1]), 0.2))
            names.append("floor")
        low, high = feet.min(0), feet.max(0)
        for other in self.others:
            (a, b) = other.bounds
            if (low[[0, 2]] > b[[0, 2]]).any() or (high[[0, 2]] < a[[0, 2]]).any():
                continue
            if low[1] - 4 * self.slack > b[1]:
                continue
            tops = tops_below(other, feet, reach, self.slack)
            if np.isfinite(tops).any():
                columns.append(feet[:, 1] - tops)
                names.append(other.id)
        return np.stack(columns, 1) if columns else np.zeros((len(feet), 0)), names

    def starts(self, ray: float) -> list[tuple[float, float, float, float]]:
        """(rough cost, whole drop, along the view, drop from there) of what is met at a distance."""
        moved = self.moved((ray, 0.0))
        table, names = self.gaps(moved)
        before = ray * self.drop_per_ray
        out = []
        for drop in _likely_drops(table, self.tolerance):
            cost = self.cost(self.likeliest(before + drop))
            cost += _blocked(table - drop, self.tolerance, names)
            out.append((cost, before + drop, ray, drop))
        return out

    def ways(self, starts: Sequence[tuple[float, float, float]]) -> list[Rest]:
        """What the best starts come to; each height once."""
        found: list[Rest] = []
        tried: list[float] = []
        for whole, ray, drop in starts:
            if any(abs(whole - t) < 0.7 * self.tolerance for t in tried):
                continue
            tried.append(whole)
            if len(tried) > LOOKED_AT:
                break
            # Where the likeliest way leads past what it should rest on, as far along as it was met.
            rest = self._come_to_rest(self.likeliest(whole)) or self._come_to_rest((ray, -drop))
            if rest is not None:
                found.append(rest)
        return sorted(found, key=lambda r: r.cost + r.tips)

    def _come_to_rest(self, way: tuple[float, float]) -> Rest | None:
        """The body set down exactly, from a place near its rest; None where nothing is below."""
        tolerance, rest = self.tolerance, None
        for _ in range(2):
            table, names = self.gaps(self.moved(way))
            near = [d for d in _likely_drops(table, tolerance) if abs(d) < 2.5 * tolerance]
            if not near:
                return rest
            costs = [_blocked(table - d, tolerance, names) + (d / tolerance) ** 2 for d in near]
            step = near[int(np.argmin(costs))]
            way = (way[0], way[1] - step)
            at = self.moved(way)
            made = _rest(at, table - step, names, tolerance)
            if made is None:
                return rest
            carriers, sunk, tips, off = made
            rest = Rest(carriers, at.factor, at.lift, self.cost(way) + sunk, tips, off)
            if abs(step) < 0.3 * tolerance:
                break
        return rest


def _likely_drops(table: np.ndarray, tolerance: float) -> list[float]:
    """Drops at which a foot comes to rest, one for each step of the tolerance."""
    values = np.sort(table[np.isfinite(table)])
    if not len(values):
        return []
    # The lowest of each run of nearly equal ones: where the first of these feet touches.
    first = np.flatnonzero(np.diff(np.floor(values / tolerance), prepend=-np.inf) > 0)
    count = np.diff(np.append(first, len(values)))
    if len(first) > 48:
        first = first[np.sort(np.argsort(-count, kind="stable")[:48])]
    return [float(values[i]) for i in first]


def _blocked(table: np.ndarray, tolerance: float, names: Sequence[Partner]) -> float:
    """Nats for feet below the surface they should be above."""
    if not table.size:
        return 0.0
    deep = (np.clip(-table / tolerance - 1, 0, 3) / 3).mean(0)
    return sum(
        float(d) * (UNDERGROUND if n == "floor" else BLOCKED)
        for d, n in zip(deep, names, strict=True)
    )


def _rest(
    at: Standing, table: np.ndarray, names: list[Partner], tolerance: float
) -> tuple[tuple[tuple[Partner, float], ...], float, float, np.ndarray] | None:
    """Carriers, nats for what is in the way, nats for tipping over, and to which side."""
    feet = at.to_there(at.feet)
    nearest = table.argmin(1)
    least = table[np.arange(len(table)), nearest]
    touching = np.abs(least) <= tolerance
    if not touching.any():
        return None
    points = feet[touching][:, [0, 2]]
    weight = at.to_there(at.centre)[[0, 2]]
    outside, off = outside_of(points, weight)
    share = np.bincount(nearest[touching], minlength=len(names)) / touching.sum()
    carriers = sorted(((names[i], float(share[i])) for i in np.flatnonzero(share)),
                      key=lambda c: -c[1])  # fmt: skip
    beyond = max(0.0, outside - tolerance) / (UNSTEADY * at.size)
    return tuple(carriers), _blocked(table, tolerance, names), min(TIPPED, 0.5 * beyond**2), off


def outside_of(points: np.ndarray, weight: np.ndarray) -> tuple[float, np.ndarray]:
    """How far (2,) ``weight`` lies outside the convex hull of (n, 2) points, and (2,) whither.

    0 inside. Measured in some directions, so it is a little too small.
    """
    angle = np.arange(DIRECTIONS) * 2 * np.pi / DIRECTIONS
    ways = np.stack([np.cos(angle), np.sin(angle)], 1)
    beyond = ways @ weight - (points @ ways.T).max(0)
    worst = int(beyond.argmax())
    if beyond[worst] <= 0:
        return 0.0, np.zeros(2)
    return float(beyond[worst]), ways[worst] * beyond[worst]
