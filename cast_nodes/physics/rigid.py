"""A mesh as a rigid body: convex parts for contacts, and what its motion is measured on."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ..errors import CastError
from ..mesh_data import Material, MeshData
from ..simplify import clustered
from .convex import Hull, convex_split
from .distance import SignedDistance, make_distance
from .hulls import convex_hull

MANY_FACES = 20_000
CELLS = 96
"""Larger meshes are thinned to so many cells along their longest side first."""
SAMPLES = 4096


@dataclass(frozen=True, eq=False)
class RigidShape:
    """In the object frame.

    Attributes:
        parts: convex parts, as :func:`~.convex.convex_split` gives them.
        corners: (k, 3) corners of the hull, of which some point moves farthest in any rigid motion.
        points: (n, 3) on the surface.
        centre: (3,) middle of the box.
        size: diagonal of the box.
        vertices, faces: of the mesh, thinned where it had many.
    """

    parts: tuple[Hull, ...]
    corners: np.ndarray
    points: np.ndarray
    centre: np.ndarray
    size: float
    vertices: np.ndarray = field(repr=False)
    faces: np.ndarray = field(repr=False)

    @cached_property
    def distance(self) -> SignedDistance | None:
        """The signed distance to the mesh; None when no face has an area."""
        try:
            return make_distance(self.vertices, self.faces)
        except ValueError:
            return None


def rigid_shape(vertices: np.ndarray, faces: np.ndarray, most: int) -> RigidShape:
    """The rigid shape of a mesh of any kind: open, thin, with holes, NaN or millions of faces.

    Args:
        most: convex parts at most.

    Raises:
        CastError: nothing of it has any extent.
    """
    sound = np.isfinite(vertices).all(axis=1)
    faces = faces[np.take(sound, faces).all(axis=1)]
    if not len(faces):
        raise CastError("it has no faces")
    used, renumbered = np.unique(faces, return_inverse=True)
    vertices, faces = vertices[used], renumbered.reshape(-1, 3)
    corners, _ = convex_hull(vertices, 256, 1e-6)
    low, high = vertices.min(0), vertices.max(0)
    if len(faces) > MANY_FACES:
        none = np.zeros(len(faces), np.int64)
        thin = clustered(MeshData(vertices, faces, none, (Material(),)), CELLS)
        vertices, faces = thin.vertices, thin.faces
    parts = tuple(convex_split(vertices, faces, most))
    return RigidShape(
        parts,
        corners,
        _samples(vertices, faces),
        (low + high) / 2,
        float(np.linalg.norm(high - low)),
        vertices,
        faces,
    )


def _samples(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(n, 3) points spread by area, and some of the corners."""
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    rng = np.random.default_rng(0)
    if not area.sum() > 0:
        return vertices[:SAMPLES]
    which = rng.choice(len(faces), SAMPLES, p=area / area.sum())
    u, v = rng.random((2, SAMPLES))
    over = u + v > 1
    u, v = np.where(over, 1 - u, u)[:, None], np.where(over, 1 - v, v)[:, None]
    inner = a[which] + u * (b - a)[which] + v * (c - a)[which]
    return np.concatenate([inner, vertices[:: max(1, len(vertices) // SAMPLES)]])
