"""How a thing can lie: the flat sides of its convex hull, and which of them carry its weight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import ConvexHull, QhullError

from ..frames import Sim3
from ..register.sampling import surface_of
from ..types import Mesh
from .distance import distance_of
from .memory import Memory

TOGETHER = 0.003
"""Corners this near to a side's plane belong to it, share of the size."""
BROAD = 0.3
"""Least share of an outline that a flush back takes."""
ROUND = 0.85
"""Distance of the nearest side of the hull from the mass, over that of the farthest corner."""
UPRIGHT_RAD = float(np.radians(4.0))
"""A thing is laid on a side of its hull that is at most so far from the plane it rests on."""


@dataclass(frozen=True, eq=False)
class Shape:
    """A mesh's convex hull, in its object frame.

    Attributes:
        corners: (k, 3) of the hull; of a flat mesh those that reach farthest.
        normals: (s, 3) unit outward normals of the hull's sides; none for flat meshes.
        mass_centre: (3,) of the matter, of the hull where the mesh has no inside.
        middle: (3,) of the box.
        size: diagonal of the box.
    """

    corners: np.ndarray
    normals: np.ndarray
    mass_centre: np.ndarray
    middle: np.ndarray
    size: float

    def stable_turn(
        self, pose: Sim3, down: np.ndarray, most: float = UPRIGHT_RAD, balanced: bool = True
    ) -> np.ndarray | None:
        """(3,) rotation vector, world, that lays the thing flat in a direction.

        Args:
            pose: world from object.
            down: (3,) unit world direction of what it rests on.
            most: largest angle, rad.
            balanced: its mass must lie over the side it is laid on; else, this side must be a
                broad one: a back that is flush to a wall, not a bulge of it.

        Returns:
            The smallest such turn, None when no side of the hull is near enough.
        """
        normals = pose.rotate(self.normals)
        cosine = normals @ down
        for side in np.argsort(-cosine):
            if cosine[side] < np.cos(most):
                return None
            if not (self._balanced if balanced else self._broad)(self.normals[side]):
                continue
            axis = np.cross(normals[side], down)
            sine = np.linalg.norm(axis)
            angle = np.arctan2(sine, cosine[side])
            return axis / sine * angle if sine > 1e-12 else np.zeros(3)
        return None

    def _balanced(self, normal: np.ndarray) -> bool:
        """Does the mass lie over the side of this normal (object frame)?"""
        side = self._side(normal)
        if side is None:
            return False
        hull, across = side
        point = self.mass_centre @ across.T
        return bool((hull.equations[:, :2] @ point + hull.equations[:, 2] <= 1e-9).all())

    def _broad(self, normal: np.ndarray) -> bool:
        """Is the side of this normal a good part of what is seen from there?"""
        return self.share(normal) > BROAD

    def share(self, normal: np.ndarray) -> float:
        """The area of the side of a normal (object frame) over that of the outline from there."""
        side = self._side(normal)
        if side is None:
            return 0.0
        hull, across = side
        return float(hull.volume / ConvexHull(self.corners @ across.T).volume)  # of 2D: areas

    @property
    def round(self) -> bool:
        """Is it about a ball, so that it rolls?"""
        away = self.corners - self.mass_centre
        if not len(self.normals):
            return False
        sides = (away @ self.normals.T).max(0)
        return bool(sides.min() > ROUND * np.linalg.norm(away, axis=1).max())

    def _side(self, normal: np.ndarray) -> tuple[ConvexHull, np.ndarray] | None:
        """The outline of the side of a normal, and the (2, 3) axes along it."""
        reach = self.corners @ normal
        foot = self.corners[reach >= reach.max() - TOGETHER * self.size]
        across = np.linalg.svd(normal[None])[2][1:]
        try:
            return ConvexHull(foot @ across.T), across
        except (QhullError, ValueError):
            return None


_shapes: Memory[Shape] = Memory(64)


def shape_of(mesh: Mesh) -> Shape:
    """The hull of a mesh, kept in memory by its content."""
    return _shapes.get(mesh.key, lambda: _make(mesh))


def _make(mesh: Mesh) -> Shape:
    surface = surface_of(mesh)
    vertices = surface.vertices
    centre, size = surface.centre, surface.size
    try:
        hull = ConvexHull(vertices)
        corners = vertices[hull.vertices]
        normals = np.unique(np.round(hull.equations[:, :3], 6), axis=0)
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        mass = corners.mean(0)
    except (QhullError, ValueError):
        ways = np.random.default_rng(0).normal(size=(256, 3))
        corners = vertices[np.unique((vertices @ ways.T).argmax(0))]
        normals, mass = np.zeros((0, 3)), vertices.mean(0)
    distance = distance_of(mesh)
    cells = np.argwhere(distance.matter)
    if len(cells) > 30:
        mass_centre = distance.low + distance.pitch * (cells.mean(0) + 0.5)
    else:  # a thing of sheets: its surface is its mass
        mass_centre = surface.dense[len(surface.spread) :].mean(0) * size + centre
        if not np.isfinite(mass_centre).all():
            mass_centre = mass * size + centre
    return Shape(corners * size + centre, normals, mass_centre, centre, size)
