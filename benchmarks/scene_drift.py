"""How far a simulator moves the things of a scene in one second (an optional package)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cast_nodes.errors import CastError
from cast_nodes.evaluate.scenes import EvalScene
from cast_nodes.planes import Plane
from cast_nodes.types import Geometry

from .scene_measures import planes_of
from .scene_rooms import Room

_UP = np.array([0.0, 1.0, 0.0])


@dataclass(frozen=True)
class Drifted:
    """What a simulation found.

    Attributes:
        free: how many things were free to move.
        calm: how many of those moved by at most 2 % of their size.
        far: (id, share of its size) of the others.
    """

    free: int
    calm: int
    far: tuple[tuple[int, float], ...]


def can_simulate() -> str:
    """ "" when a simulator is there, else what is missing."""
    try:
        from cast_nodes.physics.simulate import require_mujoco

        require_mujoco()
    except (ImportError, CastError) as error:
        return str(error)
    return ""


def drifted(scene: EvalScene, room: Room, geometry: Geometry) -> Drifted:
    """Lets the scene's things settle; what truly hangs is held."""
    from cast_nodes.physics.simulate import SimObject, simulate

    assert scene.camera is not None
    planes = planes_of(geometry, scene.camera.world_from_camera)
    walls = [Plane(f"wall_{n}", *wall) for n, wall in enumerate(planes.walls)]
    floor = Plane("floor", _UP, -(scene.floor or 0.0))
    hangs = {s for s, kind, _ in room.relations if kind == "hanging"}
    objects = [
        SimObject(item.id, item.data.vertices, item.data.faces, item.pose, item.id in hangs)
        for item in scene.placed
        if item.id is not None and item.data is not None and item.pose is not None
    ]
    found = simulate(objects, [floor, *walls], metric=True)
    free = [d for d in found.drifts if not d.fixed]
    far = tuple((d.id, float(d.share)) for d in free if d.share > 0.02)
    return Drifted(len(free), len(free) - len(far), far)
