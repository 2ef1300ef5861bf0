"""Walls that the photo contradicts give way, before anything is moved for them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..physics.bodies import Body
from ..planes import Plane

FAR, DEEP = 0.02, 0.05
"""A thing that reaches further behind a plane than this share of its distance from the camera and
of its size was not merely placed too far: there is no plane."""


def giving_way(walls: Sequence[Plane], bodies: Sequence[Body], eye: np.ndarray) -> list[Plane]:
    """The walls, each moved outwards as far as a thing stands behind it that cannot come forward.

    What stands on the floor stands at the distance that the photo shows, and what hangs was
    brought to its wall already: what is then still deep behind a wall speaks against the wall,
    which in a single view is often no more than a guess.

    Args:
        walls: as they were found.
        bodies: where they rest, world.
        eye: (3,) of the camera, world.
    """
    out = []
    for plane in walls:
        behind = [_behind(plane, body, eye) for body in bodies]
        out.append(plane.pushed(max(behind)) if max(behind, default=0.0) > 0 else plane)
    return out


def _behind(plane: Plane, body: Body, eye: np.ndarray) -> float:
    """How far a thing reaches behind a plane; 0 where it may have been placed too far."""
    depth = -float(plane.height(body.points).min())
    away = float(np.linalg.norm(body.points.mean(0) - eye))
    return depth if depth > max(FAR * away, DEEP * body.size) else 0.0
