"""Planes of a room: the side that is inside, heights over them, and their change of frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .frames import Sim3


@dataclass(frozen=True, eq=False)
class Plane:
    """A plane of the room.

    Attributes:
        name: "floor", "wall_0", "ceiling", "backdrop"; the node's name.
        normal: (3,) unit, world frame, pointing into the room.
        offset: ``normal . p + offset = 0`` on the plane, positive inside.
    """

    name: str
    normal: np.ndarray
    offset: float

    def height(self, points: np.ndarray) -> np.ndarray:
        """(...) signed distance of (..., 3) points, positive on the room's side."""
        return np.asarray(points) @ self.normal + self.offset

    def pushed(self, distance: float) -> Plane:
        """The plane moved outwards, so that the room grows."""
        return Plane(self.name, self.normal, self.offset + distance)


def transform_plane(target_from_source: Sim3, plane: np.ndarray) -> tuple[np.ndarray, float]:
    """(4,) plane ``n.p + d = 0`` in the source frame to (unit normal, offset) in the target's.

    Raises:
        ValueError: the plane is not finite or has no normal.
    """
    plane = np.asarray(plane, np.float64)
    length = float(np.linalg.norm(plane[:3]))
    if not np.isfinite(plane).all() or length < 1e-9:
        raise ValueError("a plane needs a finite normal")
    normal = target_from_source.rotate(plane[:3] / length)
    offset = target_from_source.scale * plane[3] / length - normal @ target_from_source.translation
    return normal, float(offset)
