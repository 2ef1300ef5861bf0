"""Placed objects as physics sees them: surface samples in the world, and what is inside."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import ndimage

from ..frames import Sim3
from ..mesh_data import read_mesh
from ..register.sampling import surface_of
from ..types import Mesh

SAMPLES = 8192
STRAY = 0.001
"""Share of the samples that may lie below what counts as an object's bottom."""
SOLID_CELLS = 48


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
    def normals(self) -> np.ndarray:
        """(n, 3) world unit normals of the samples; their sense is not reliable."""
        return self.world_from_object.rotate(surface_of(self.mesh).dense_normals[:SAMPLES])

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

    def lowest(self, normal: np.ndarray, offset: float = 0.0) -> float:
        """Height of its bottom over a plane, a few stray samples aside."""
        return float(np.quantile(self.points @ normal + offset, STRAY, method="lower"))

    def at(self, world_from_object: Sim3) -> Body:
        """The same body elsewhere."""
        return replace(self, world_from_object=world_from_object)

    def depth_inside(self, world_points: np.ndarray) -> np.ndarray:
        """(n,) how deep (n, 3) world points lie inside, world units, 0 outside."""
        solid = solid_of(self.mesh)
        local = self.world_from_object.inverse().apply(world_points)
        return solid.depth_at(local) * self.world_from_object.scale


@dataclass(frozen=True, eq=False)
class Solid:
    """The inside of a mesh as a grid in its object frame.

    Attributes:
        low: (3,) corner of cell (0, 0, 0).
        pitch: edge of a cell.
        depth: (a, b, c) float32 distance to the surface in inner cells, 0 in all others.
    """

    low: np.ndarray
    pitch: float
    depth: np.ndarray

    def depth_at(self, points: np.ndarray) -> np.ndarray:
        """(n,) depth at (n, 3) object points."""
        cell = np.floor((points - self.low) / self.pitch).astype(np.int64)
        inside = ((cell >= 0) & (cell < self.depth.shape)).all(1)
        out = np.zeros(len(points))
        out[inside] = self.depth[tuple(cell[inside].T)]
        return out


_cache: OrderedDict[str, Solid] = OrderedDict()
_cache_lock = threading.Lock()
_CACHE_ITEMS = 64


def solid_of(mesh: Mesh) -> Solid:
    """The inside of a mesh, kept in memory by its content."""
    with _cache_lock:
        if mesh.key in _cache:
            _cache.move_to_end(mesh.key)
            return _cache[mesh.key]
    surface = surface_of(mesh)  # its triangles are few enough for any mesh
    solid = make_solid(surface.vertices * surface.size + surface.centre, surface.faces)
    with _cache_lock:
        _cache[mesh.key] = solid
        while len(_cache) > _CACHE_ITEMS:
            _cache.popitem(last=False)
    return solid


def make_solid(vertices: np.ndarray, faces: np.ndarray) -> Solid:
    """The inside of (m, 3) faces of (n, 3) vertices, which need not be closed or oriented.

    A cell is inside when the surface lies on both sides of it along x and z and above it; below
    it as well unless the mesh is open there, as much furniture is. So a table is not filled
    between its legs, nor a shelf between its boards. Parts thinner than two cells have no inside.
    """
    from trimesh.remesh import subdivide_to_size

    low = vertices.min(0)
    pitch = float(np.ptp(vertices, axis=0).max()) / SOLID_CELLS
    if not pitch > 0:
        return Solid(low, 1.0, np.zeros((1, 1, 1), np.float32))
    # Edges this short leave no square of a cell's size without a corner, so no hole in the shell.
    samples = subdivide_to_size(vertices, faces, 0.7 * pitch, max_iter=16)[0]
    cell = np.floor((samples - low) / pitch).astype(np.int64)
    shell = np.zeros(cell.max(0) + 3, bool)  # an empty rim all round ends the distances
    shell[tuple((cell + 1).T)] = True
    inside = ~shell
    for axis in range(3):
        if axis != 1:
            inside &= np.logical_or.accumulate(shell, axis)
        inside &= np.flip(np.logical_or.accumulate(np.flip(shell, axis), axis), axis)
    depth = ndimage.distance_transform_edt(inside).astype(np.float32) * pitch  # type: ignore
    return Solid(low - pitch, pitch, depth)
