"""Placed objects as physics sees them: surface samples in the world."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..frames import Sim3
from ..mesh_data import read_mesh
from ..register.sampling import surface_of
from ..types import Mesh

SAMPLES = 8192


@dataclass(frozen=True, eq=False)
class Body:
    """One object at its place.

    Attributes:
        id, label: whose body it is.
        mesh: its mesh.
        world_from_object: its pose.
    """

    id: int
    label: str
    mesh: Mesh
    world_from_object: Sim3

    @cached_property
    def points(self) -> np.ndarray:
        """(n, 3) world samples of the surface, the first half spread evenly in space."""
        surface = surface_of(self.mesh)
        local = surface.dense[:SAMPLES].astype(np.float64) * surface.size + surface.centre
        return self.world_from_object.apply(local)

    @cached_property
    def bounds(self) -> np.ndarray:
        """(2, 3) world, lowest and highest corner of the vertices."""
        moved = self.world_from_object.apply(read_mesh(self.mesh).vertices)
        return np.stack([moved.min(0), moved.max(0)])

    @property
    def size(self) -> float:
        """Diagonal of the mesh's box, world units."""
        return surface_of(self.mesh).size * self.world_from_object.scale

    @property
    def tall(self) -> float:
        """Extent along the world's up."""
        return float(self.bounds[1, 1] - self.bounds[0, 1])

    def at(self, world_from_object: Sim3) -> Body:
        """The same body elsewhere."""
        return replace(self, world_from_object=world_from_object)
