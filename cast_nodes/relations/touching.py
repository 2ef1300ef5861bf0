"""How two bodies meet: how near, from which side, how much of the one is inside the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..crossings import crossings
from ..errors import CastError
from ..physics.distance import distance_of
from .standing import CONTACT, UP, Standing

HELD = 0.35
"""Share of a thing's samples whose lines of sight must end on what it is in."""
SPREAD, MATTER = 24, 300
"""Samples asked whether they are held, and whether they lie in matter."""


@dataclass(frozen=True, eq=False)
class Touch:
    """Where two bodies are nearest.

    Attributes:
        gap: signed distance there, negative where they are inside each other.
        normal: (3,) unit, towards the first body.
        place: (3,) world.
    """

    gap: float
    normal: np.ndarray
    place: np.ndarray


def fields(of: Standing, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Signed distance (n,) of (n, 3) world points to a body, and its gradient (n, 3), world."""
    pose = of.body.world_from_object
    local = pose.inverse().apply(of.from_there(points))
    distance, gradient = distance_of(of.body.mesh).with_gradient(local)
    return distance * pose.scale * of.factor, pose.rotate(gradient)


def touch(one: Standing, other: Standing, reach: float) -> Touch | None:
    """Where two bodies come nearest; None when that is farther than ``reach``."""
    (a, b), (c, d) = one.bounds, other.bounds
    if (a > d + reach).any() or (b < c - reach).any():
        return None
    best: Touch | None = None
    for moving, fixed, sign in ((one, other, 1.0), (other, one, -1.0)):
        low, high = fixed.bounds
        points = moving.to_there(moving.spread)
        points = points[((points >= low - reach) & (points <= high + reach)).all(1)]
        if not len(points):
            continue
        try:
            distance, gradient = fields(fixed, points)
        except (CastError, ValueError):
            continue
        at = int(distance.argmin())
        if distance[at] <= reach and (best is None or distance[at] < best.gap):
            # Where they are inside each other the side is that of all points near the surface.
            near = distance <= max(float(distance[at]) + reach, 0.0)
            normal = gradient[near].mean(0)
            normal /= np.linalg.norm(normal) or 1.0
            best = Touch(float(distance[at]), sign * normal, points[at])
    return best


def share_of_matter(one: Standing, other: Standing) -> float:
    """Share of a body's samples that lie in another's matter, deeper than what counts as contact."""
    (a, b), (c, d) = one.bounds, other.bounds
    if (a > d).any() or (b < c).any():
        return 0.0
    try:
        field = distance_of(other.body.mesh)
    except (CastError, ValueError):
        return 0.0
    points = one.to_there(one.spread[:: max(1, len(one.spread) // MATTER)])
    local = other.body.world_from_object.inverse().apply(other.from_there(points))
    cell = np.floor((local - field.low) / field.pitch).astype(np.int64)
    held = ((cell >= 0) & (cell < field.matter.shape)).all(1)
    inner = local[held][field.matter[tuple(cell[held].T)]]
    if not len(inner):
        return 0.0
    depth = CONTACT * one.size / (other.factor * other.body.world_from_object.scale)
    return float((field(inner) < -depth).sum() / len(points))


def is_within(one: Standing, other: Standing) -> bool:
    """Whether a body is contained by another: walls on four sides, or a roof and walls on two."""
    (a, b), (c, d) = one.bounds, other.bounds
    overlap = np.minimum(b, d) - np.maximum(a, c)
    if (overlap <= 0).any() or one.size > other.size:
        return False
    samples = one.spread[:: max(1, len(one.spread) // SPREAD)][:SPREAD]
    points = np.concatenate([one.to_there(samples), one.to_there(one.centre)[None]])
    turn = _yaw_frame(other)
    triangles = (other.to_there(other.triangles)) @ turn.T
    points = points @ turn.T
    blocked = np.zeros((len(points), 5), bool)
    for axis, column in ((0, 0), (2, 2), (1, 4)):
        line, height, _ = crossings(triangles, points, axis)
        ahead = height > points[line, axis]
        blocked[np.unique(line[ahead]), column] = True
        if axis != 1:
            blocked[np.unique(line[~ahead]), column + 1] = True
    sides = blocked[:, :4].sum(1)
    held = (sides == 4) | (blocked[:, 4] & (sides >= 2))
    return bool(held.mean() > HELD)


def _yaw_frame(of: Standing) -> np.ndarray:
    """(3, 3) rotation about up that lays the body's own level axes along x and z."""
    axes = of.body.world_from_object.rotation
    level = axes[:, np.argsort(np.abs(UP @ axes))[0]]
    yaw = np.arctan2(level[2], level[0])
    c, s = np.cos(yaw), np.sin(yaw)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
