"""Gravity and floor out of the point map: found when nobody gave them, made better when they are off.

All work is on a grid of at most :data:`SAMPLES` pixels, so it costs the same at 12 megapixels.
Planes are fitted to the points alone; masks only have a say in which plane is the floor. So a
change of one mask does not move the floor by a hair and with it the problems of all other objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..types import Geometry, SceneObject
from .fitting import BENEATH, TOLERANCE, candidates, directions, fitted, held_level
from .samples import Samples, plane_of, unit_plane, unit_vector
from .walls import find_walls, up_from_walls

LEAST_SUPPORT = 0.035
"""A floor covers at least this share of the picture …"""
LEAST_LOW = 0.3
"""… and this share of what is no object in the lower third of the picture, …"""
MOST_BENEATH = 0.08
"""… and no more than this share of the picture lies beneath it."""
LEVEL_ROLL_RAD = np.radians(3.0)
"""How askew people hold cameras, one standard deviation."""
TILT_RAD = np.radians(1.0)
"""How far a given floor may be off, one standard deviation: its normal …"""
HEIGHT = 0.015
"""… and its distance, as a share."""
MOST_TILT_RAD, MOST_HEIGHT = np.radians(4.0), 0.08
"""A refit that goes farther than this from the given plane has found something else."""


@dataclass(frozen=True, eq=False)
class Ground:
    """What is known of gravity and floor.

    Attributes:
        up: (3,) unit, camera frame, or None.
        floor: (4,) plane n.p + d = 0, n unit and up, d > 0; or None.
        walls: (N, 4) planes found on the way, n unit and towards the camera.
        source: "given", "refitted" (given, then fitted to the points), "floor" (found),
            "walls" (gravity alone, from two walls) or "none".
        confidence: 0..1, how convincing; 1 for what was given.
    """

    up: np.ndarray | None
    floor: np.ndarray | None
    walls: np.ndarray
    source: str
    confidence: float


def find_ground(geometry: Geometry, objects: Sequence[SceneObject]) -> Ground:
    """Gravity and floor: as given, refitted where the points say so, or found in the points.

    Args:
        objects: all objects of the photo, dropped ones too; their pixels are no floor.

    A plane is only believed when it is large, low in the picture, nearly nothing lies beneath
    it, and a camera held as people hold cameras would see it as a floor. What is given with
    ``geometry.approximate`` stays as it is: its points were made from its floor.
    """
    return ground_of(geometry, Samples.of(geometry, objects))


def ground_of(geometry: Geometry, samples: Samples) -> Ground:
    """As :func:`find_ground`, from the samples of geometry and objects."""
    up, floor = unit_vector(geometry.up), unit_plane(geometry.floor)
    no_walls = np.zeros((0, 4))
    if up is None and floor is not None:
        up = floor[:3]
    if geometry.approximate and up is not None:
        return Ground(up, floor, no_walls, "given", 1.0)
    if floor is not None:
        assert up is not None
        moved = refitted(samples, floor)
        if moved is None:
            return Ground(up, floor, no_walls, "given", 1.0)
        # Gravity that was one with the floor's normal stays so; a slope stays a slope.
        level = float(up @ floor[:3]) > np.cos(np.radians(0.5))
        walls = find_walls(samples, moved)
        return Ground(moved[:3] if level else up, moved, walls, "refitted", 1.0)
    found = _find_floor(samples, up)
    walls = find_walls(samples, None if found is None else found[0])
    if found is not None:
        plane, sure = found
        return Ground(plane[:3] if up is None else up, plane, walls, "floor", sure)
    if up is not None:
        return Ground(up, None, walls, "given", 1.0)
    up = up_from_walls(walls)
    return Ground(up, None, walls, "none" if up is None else "walls", 0.0 if up is None else 0.6)


def refitted(samples: Samples, floor: np.ndarray) -> np.ndarray | None:
    """(4,) the given floor moved to where the points say, or None where they do not say.

    The given plane is a measurement with the errors :data:`TILT_RAD` and :data:`HEIGHT`, so
    little floor in view moves it little.
    """
    if not len(samples.points) or floor[3] <= 0:
        return None
    height = floor[3] / samples.unit
    start = -floor[:3] / height
    sides = np.linalg.svd(floor[None, :3])[2][1:]
    prior = np.concatenate([sides * height / TILT_RAD, floor[None, :3] * height / HEIGHT])
    # What a tilt of two deviations can do grows with the distance.
    distance = np.linalg.norm(samples.points, axis=1)
    reach = TOLERANCE + 2 * HEIGHT + 2 * TILT_RAD * distance / height
    near = np.abs(samples.points @ start - 1) < np.minimum(reach, 0.5)
    form = fitted(samples, np.flatnonzero(near), start, prior)
    if form is None:
        return None
    if (np.abs(samples.points @ form - 1) < TOLERANCE).sum() < LEAST_SUPPORT * samples.total:
        return None
    plane = plane_of(form, samples.unit)
    turn = np.arccos(np.clip(plane[:3] @ floor[:3], -1, 1))
    if turn > MOST_TILT_RAD or abs(np.log(plane[3] / floor[3])) > MOST_HEIGHT:
        return None
    return plane


def _find_floor(samples: Samples, up: np.ndarray | None) -> tuple[np.ndarray, float] | None:
    """The floor (4,) and its confidence, or None."""
    best: tuple[np.ndarray, float] | None = None
    highest = -np.inf
    for form in candidates(samples, up):
        error = samples.points @ form - 1
        on = (np.abs(error) < TOLERANCE) & samples.facing(form[None])[:, 0]
        support = float((on & samples.free).sum() / samples.total)
        beneath = float((error > BENEATH).mean())
        low = samples.free & samples.low
        low_share = float(on[low].mean()) if low.any() else support
        if support < LEAST_SUPPORT or beneath > MOST_BENEATH or low_share < LEAST_LOW:
            continue
        if support - 2 * beneath > highest:
            highest = support - 2 * beneath
            sure = min(1.0, support / 0.15) * (1 - beneath / MOST_BENEATH)
            best = form, float(sure * min(1.0, low_share / 0.8))
    if best is None:
        return None
    form, sure = best
    # Askew is unlikely; how far the camera looks down and its height are free.
    side = np.array([[1.0, 0.0, 0.0]]) / (np.linalg.norm(form) * LEVEL_ROLL_RAD)
    level = form * [0.0, 1.0, 1.0]
    near = np.abs(samples.points @ form - 1) < 2 * TOLERANCE
    better = fitted(samples, np.flatnonzero(near), level, side) if up is None else None
    if better is not None and held_level(-directions(better[None]), up)[0]:
        form = better
    return plane_of(form, samples.unit), sure
