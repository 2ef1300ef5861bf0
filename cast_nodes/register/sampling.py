"""A mesh as registration sees it: centred, of unit size, as samples and a light triangle soup.

All poses are solved for this normalised mesh, so a mesh of any unit (1e-6 or 1e6) is the same
to the solver; :meth:`Surface.object_pose` puts the mesh's own frame back.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace

import numpy as np

from ..errors import CastError
from ..frames import Sim3
from ..mesh_data import MeshData, read_mesh
from ..types import Mesh

SPREAD = 4096
"""At most so many samples are spread over the mesh."""
DENSE = 32768
"""Samples of the nearest-surface structure."""
MAX_FACES = 40_000
"""Heavier meshes are thinned by vertex clustering for the z-buffer."""


@dataclass(frozen=True, eq=False)
class Surface:
    """A mesh normalised to centre 0 and bounding-box diagonal 1 (its axes stay).

    Attributes:
        centre: (3,) object frame, middle of the bounding box.
        size: diagonal of the bounding box, object units.
        half: (3,) half extents, normalised.
        spread: (k, 3) float32, samples spread evenly in space, so that thin parts have
            their share; in random order, so that any first part of them is spread as well.
        spread_normals: (k, 3) float32 unit.
        dense: (n, 3) float32, samples even by area, preceded by ``spread``.
        dense_normals: (n, 3) float32 unit.
        vertices: (v, 3) float64 normalised, of the (thinned) triangles.
        faces: (m, 3) int64.
        colours: (m, 3) float32 sRGB 0..1 per face.
    """

    centre: np.ndarray
    size: float
    half: np.ndarray
    spread: np.ndarray
    spread_normals: np.ndarray
    dense: np.ndarray
    dense_normals: np.ndarray
    vertices: np.ndarray
    faces: np.ndarray
    colours: np.ndarray

    def object_pose(self, rotation: np.ndarray, translation: np.ndarray, size: float) -> Sim3:
        """``T_camera_from_object`` of a mesh whose centre lies at ``translation`` with diagonal
        ``size`` (camera units)."""
        scale = size / self.size
        rotation = nearest_rotation(rotation)
        return Sim3(rotation, translation - scale * (rotation @ self.centre), scale)

    def stretched(self, factors: np.ndarray) -> Surface:
        """The surface of the mesh stretched by (3,) factors along its own axes."""
        factors = np.asarray(factors, np.float64)
        size = float(2 * np.linalg.norm(self.half * factors))  # of the old diagonal
        along, normal = factors / size, (size / factors).astype(np.float32)

        def turned(normals: np.ndarray) -> np.ndarray:
            out = normals * normal
            return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-12)

        near = along.astype(np.float32)
        return replace(
            self,
            centre=self.centre * factors,
            size=self.size * size,
            half=self.half * along,
            spread=self.spread * near,
            spread_normals=turned(self.spread_normals),
            dense=self.dense * near,
            dense_normals=turned(self.dense_normals),
            vertices=self.vertices * along,
        )


def nearest_rotation(matrix: np.ndarray) -> np.ndarray:
    """The (3, 3) rotation nearest to a matrix (orthogonal Procrustes)."""
    u, _, vt = np.linalg.svd(np.asarray(matrix, np.float64))
    return u @ np.diag([1.0, 1.0, np.linalg.det(u @ vt)]) @ vt


_cache: OrderedDict[str, Surface] = OrderedDict()
_cache_lock = threading.Lock()
_CACHE_ITEMS = 64


def surface_of(mesh: Mesh) -> Surface:
    """The surface of a mesh, kept in memory by its content.

    Raises:
        CastError: it cannot be read, or it has no extent.
    """
    with _cache_lock:
        if mesh.key in _cache:
            _cache.move_to_end(mesh.key)
            return _cache[mesh.key]
    surface = make_surface(read_mesh(mesh), mesh.name or "mesh")
    with _cache_lock:
        _cache[mesh.key] = surface
        while len(_cache) > _CACHE_ITEMS:
            _cache.popitem(last=False)
    return surface


def make_surface(data: MeshData, name: str = "mesh") -> Surface:
    """Normalises and samples a mesh; the samples depend on the mesh alone.

    Raises:
        CastError: all its vertices coincide.
    """
    low, high = data.bounds
    with np.errstate(over="ignore"):
        size = float(np.linalg.norm(high - low))
    if not (np.isfinite(size) and size > 0):
        raise CastError(f"mesh {name!r} has no extent, so it cannot be placed")
    centre = (low + high) / 2
    vertices = (data.vertices - centre) / size
    rng = np.random.default_rng(0)
    dense, normals = _by_area(vertices, data.faces, DENSE, rng)
    chosen = _spread(dense, SPREAD, rng)
    rest = np.ones(len(dense), bool)
    rest[chosen] = False
    order = np.concatenate([chosen, np.flatnonzero(rest)])
    dense, normals = dense[order].astype(np.float32), normals[order].astype(np.float32)
    light_vertices, light_faces, source = _thinned(vertices, data.faces, MAX_FACES)
    linear = np.clip(data.face_colours[source, :3], 0, 1)
    return Surface(
        centre=centre,
        size=size,
        half=(high - low) / (2 * size),
        spread=dense[: len(chosen)],
        spread_normals=normals[: len(chosen)],
        dense=dense,
        dense_normals=normals,
        vertices=light_vertices,
        faces=light_faces,
        colours=(linear ** (1 / 2.2)).astype(np.float32),
    )


def _by_area(
    vertices: np.ndarray, faces: np.ndarray, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """(n, 3) points even by area, the vertices of small meshes among them, and unit normals."""
    triangles = vertices[faces]
    cross = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    double_area = np.linalg.norm(cross, axis=1)
    unit = cross / np.maximum(double_area, 1e-300)[:, None]
    unit[double_area < 1e-30] = [0.0, 1.0, 0.0]
    total = double_area.sum()
    weight = double_area / total if total > 0 else np.full(len(faces), 1 / len(faces))
    # Systematic sampling: no face of an average share is missed by chance.
    marks = (np.arange(count) + rng.random()) / count
    picked = np.minimum(np.searchsorted(np.cumsum(weight), marks), len(faces) - 1)
    # Uniform in a triangle, Osada et al. 2002, "Shape distributions".
    a, b = np.sqrt(rng.random((count, 1))), rng.random((count, 1))
    corner = triangles[picked]
    points = (1 - a) * corner[:, 0] + a * (1 - b) * corner[:, 1] + a * b * corner[:, 2]
    normals = unit[picked]
    # Corners make the silhouette; the faces' corners stand for the vertices with a normal.
    which = np.arange(len(faces)) if len(faces) <= count // 3 else rng.permutation(len(faces))
    which = which[: count // 3]
    points = np.concatenate([points, triangles[which].reshape(-1, 3)])
    return points, np.concatenate([normals, np.repeat(unit[which], 3, 0)])


def _spread(points: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Indices of at most ``count`` points, one a voxel, voxels as small as the number allows."""
    chosen = np.arange(0)
    low = points.min(0)
    for cells in (24, 32, 44, 60, 84, 116, 160, 224):
        voxel = ((points - low) * cells).astype(np.int64)
        code = (voxel[:, 0] * (cells + 1) + voxel[:, 1]) * (cells + 1) + voxel[:, 2]
        order = rng.permutation(len(points))
        # Written back to front, so each voxel keeps its first point: cheaper than sorting.
        holder = np.full((cells + 1) ** 3, -1, np.int32)
        holder[code[order[::-1]]] = order[::-1]
        finer = holder[holder >= 0].astype(np.int64)
        if len(chosen) and len(finer) > count:
            break
        chosen = finer
    return rng.permutation(chosen)[:count]


def _thinned(
    vertices: np.ndarray, faces: np.ndarray, limit: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices, faces and the face each came from, at most about ``limit`` faces.

    Vertex clustering (Rossignac and Borrel 1993): the vertices of one cell become one; faces
    that collapse or coincide go.
    """
    source = np.arange(len(faces))
    if len(faces) <= limit:
        return vertices, faces, source
    for cells in (512, 256, 160, 100):
        cell = np.floor((vertices + 0.5) * cells).astype(np.int64)
        code = (cell[:, 0] * 1024 + cell[:, 1]) * 1024 + cell[:, 2]
        _, first, group = np.unique(code, return_index=True, return_inverse=True)
        merged = group.reshape(-1)[faces]
        alive = (
            (merged[:, 0] != merged[:, 1])
            & (merged[:, 1] != merged[:, 2])
            & (merged[:, 2] != merged[:, 0])
        )
        source = np.flatnonzero(alive)
        corners, count = np.sort(merged[source], 1), len(first)
        same = (corners[:, 0] * count + corners[:, 1]) * count + corners[:, 2]
        _, unique = np.unique(same, return_index=True)
        source = source[np.sort(unique)]
        if 0 < len(source) <= limit:
            return vertices[first], merged[source], source
    source = source if len(source) else np.arange(len(faces))
    keep = source[:: -(-len(source) // limit)]
    return vertices, faces[keep], keep
