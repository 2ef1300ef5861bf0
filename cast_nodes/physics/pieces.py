"""A thing while it is being moved: its pose so far, and what of it the others must know."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from ..frames import Sim3
from ..register.sampling import surface_of
from .bodies import Body
from .distance import SignedDistance, distance_of
from .evidence import change_between, moved
from .proximity import Proximity
from .rest import Shape, shape_of

SAMPLES = 3000
"""Samples by which a thing meets others."""
LEVEL = 0.2
"""Least |cosine| to up of a surface on which something can stand, or that can stand."""
MARCH = 10
"""Steps, each as long as the nearest face is far, in which a way out is found."""
ALL = np.ones(7, bool)
UPRIGHT = np.array([False, True, False, True, True, True, True])
FLAT = np.array([False, False, False, True, True, True, True])
NONE = np.zeros(7, bool)


class View:
    """One pose of a piece; what is made of it is made once."""

    def __init__(self, piece: Piece, pose: Sim3) -> None:
        self.piece, self.pose = piece, pose

    @cached_property
    def points(self) -> np.ndarray:
        """(n, 3) world samples of the surface, the hull's corners first."""
        return self.pose.apply(self.piece.local)

    @cached_property
    def corners(self) -> np.ndarray:
        """(k, 3) world corners of the hull."""
        return self.points[: len(self.piece.shape.corners)]

    @cached_property
    def bounds(self) -> np.ndarray:
        """(2, 3) world."""
        return np.stack([self.corners.min(0), self.corners.max(0)])

    @cached_property
    def middle(self) -> np.ndarray:
        """(3,) world, of the mesh's box; changes of the pose turn about it."""
        return self.pose.apply(self.piece.shape.middle)

    @cached_property
    def object_from_world(self) -> Sim3:
        return self.pose.inverse()

    @cached_property
    def mass_centre(self) -> np.ndarray:
        """(3,) world."""
        return self.pose.apply(self.piece.shape.mass_centre)

    @cached_property
    def tops(self) -> np.ndarray:
        """(m, 3, 3) world triangles on which something can stand."""
        return self._facing(1.0)

    @cached_property
    def undersides(self) -> np.ndarray:
        """(m, 3, 3) world triangles that can stand on something."""
        return self._facing(-1.0)

    @cached_property
    def upward(self) -> np.ndarray:
        """(n,) bool, samples on whose surface something can stand."""
        cosine = self.piece.outwards @ self.pose.rotation[1]
        return (cosine if self.piece.distance.solid.all() else np.abs(cosine)) > LEVEL

    def _facing(self, way: float) -> np.ndarray:
        distance = self.piece.distance
        cosine = way * (distance.normals @ self.pose.rotation[1])
        facing = np.where(distance.solid, cosine, np.abs(cosine)) > LEVEL
        return self.pose.apply(distance.triangles[facing])

    def distance_to(self, world_points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Signed distance (n,) in world units, and its world gradient (n, 3)."""
        value, gradient = self.piece.distance.with_gradient(
            self.object_from_world.apply(world_points)
        )
        return value * self.pose.scale, self.pose.rotate(gradient)

    def outwards(self, index: np.ndarray) -> np.ndarray:
        """(k, 3) world normals of the surface at some samples; of sheets of either sense."""
        return self.pose.rotate(self.piece.outwards[index])

    def way_out(self, points: np.ndarray, ways: np.ndarray) -> np.ndarray:
        """(n,) how far (n, 3) points that are inside have to go along (n, 3) unit directions."""
        gone = np.zeros(len(points))
        for _ in range(MARCH):
            value, _ = self.distance_to(points + gone[:, None] * ways)
            if (value > -1e-4 * self.piece.size).all():
                break
            gone += np.maximum(-value, 0.0)
        return gone

    def near(self, other: View, margin: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The samples that are in another thing or nearer to it than a margin.

        Returns:
            (k,) which samples, (k,) signed distances in world units, (k, 3) their gradients.
        """
        there, scale = other.object_from_world.apply(self.points), other.pose.scale
        index, value, gradient = self.piece.proximity(other.piece).near(there, margin / scale)
        return index, value * scale, other.pose.rotate(gradient)

    def jacobian(self, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """(n, 7) how (n, 3) points of the piece move along (n, 3) directions, a change's part."""
        out = np.empty((len(points), 7))
        x, y, z = (points - self.middle).T
        u, v, w = normals.T
        out[:, 0], out[:, 1], out[:, 2] = y * w - z * v, z * u - x * w, x * v - y * u
        out[:, 3:6], out[:, 6] = normals, x * u + y * v + z * w
        return out


class Piece:
    """A thing that may be moved.

    Attributes:
        body: as it was placed.
        information: (7, 7) of the photo about its pose.
        free: (7,) bool, which parts of a change it may make.
        now: where it is.
    """

    def __init__(self, body: Body, information: np.ndarray, movable: bool) -> None:
        self.body, self.information, self.movable = body, information, movable
        self.free = ALL if movable else NONE
        self.start = body.world_from_object
        self.now = View(self, self.start)
        self._near: dict[int, Proximity] = {}

    @cached_property
    def shape(self) -> Shape:
        return shape_of(self.body.mesh)

    @cached_property
    def distance(self) -> SignedDistance:
        return distance_of(self.body.mesh)

    @cached_property
    def local(self) -> np.ndarray:
        """(n, 3) object frame: the hull's corners and samples spread over the surface."""
        surface = surface_of(self.body.mesh)
        spread = surface.spread[:SAMPLES].astype(np.float64) * surface.size + surface.centre
        return np.concatenate([self.shape.corners, spread])

    @cached_property
    def outwards(self) -> np.ndarray:
        """(n, 3) object frame, of the samples: the surface's normals, of corners away from the
        middle."""
        corners = self.shape.corners - self.shape.middle
        corners /= np.maximum(np.linalg.norm(corners, axis=1, keepdims=True), 1e-12)
        spread = self.local[len(corners) :]
        return np.concatenate([corners, self.distance.with_gradient(spread)[1]])

    def proximity(self, other: Piece) -> Proximity:
        """What is remembered of how near its samples are to another piece."""
        if other.id not in self._near:
            to = other.distance
            corners = to.triangles.reshape(-1, 3)
            self._near[other.id] = Proximity(
                len(self.local), to.with_gradient, corners.min(0), corners.max(0)
            )
        return self._near[other.id]

    @property
    def id(self) -> int:
        return self.body.id

    @property
    def size(self) -> float:
        """Diagonal of the box, world units, as it was placed."""
        return self.shape.size * self.start.scale

    @property
    def at_start(self) -> np.ndarray:
        """(3,) world, the middle as it was placed."""
        return self.start.apply(self.shape.middle)

    @property
    def tall(self) -> float:
        return float(np.ptp(self.now.bounds[:, 1]))

    @property
    def change(self) -> np.ndarray:
        """(7,) how far it is from where it was placed."""
        return change_between(self.start, self.now.pose, self.shape.middle)

    def move(self, change: np.ndarray) -> None:
        """Changes its pose by a further (7,)."""
        self.now = View(self, moved(self.now.pose, self.now.middle, change))

    def put(self, pose: Sim3) -> None:
        self.now = View(self, pose)
