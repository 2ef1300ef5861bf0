"""Fewer triangles by collapsing edges (Garland & Heckbert, 1997), texture coordinates kept.

fast-simplification (an optional package) collapses the welded surface, so that seams do not open;
then each new corner takes coordinates, normal and colour from the old surface at its nearest
point. All corners of a face take them from one chart (faces joined by shared vertices), that of the
old face nearest to its middle, so no face reaches across a seam of the texture.
"""

from __future__ import annotations

import importlib.util
from dataclasses import replace

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from .errors import CastError
from .mesh_data import MeshData, cleaned

PACKAGE = "fast_simplification"
WELD = 1e-7
NEAR = 12
"""Samples of the old surface among which a corner's own point is looked for."""
AT_ONCE = 100_000
JUMP = 3.0
FEW, MANY = 4_000, 60_000
KEPT, STRAYED = 0.99, 0.02
"""This share of the old surface must be no farther from the new one, in diagonals."""


def can_decimate() -> bool:
    """Whether fast-simplification is installed."""
    return importlib.util.find_spec(PACKAGE) is not None


def decimated(data: MeshData, faces: int) -> MeshData:
    """The mesh with about so many faces, or as it is when it has no more or cannot be thinned.

    Args:
        data: any mesh; it need not be closed.
        faces: wanted; a little more stays where borders and creases need it.
    """
    import fast_simplification

    if len(data.faces) <= faces:
        return data
    low, size = data.vertices.min(0), float(np.ptp(data.vertices, axis=0).max()) or 1.0
    place = np.round((data.vertices - low) / (WELD * size)).astype(np.int64)
    _, first, group = np.unique(place, axis=0, return_index=True, return_inverse=True)
    welded = group.reshape(-1)[data.faces]
    sound = (np.diff(np.sort(welded, 1), axis=1) > 0).all(1)
    points = np.ascontiguousarray((data.vertices[first] - low) / size)
    corners, thin, *_ = fast_simplification.simplify(
        points, np.ascontiguousarray(welded[sound], np.int32), target_count=max(faces, 4)
    )
    thin = np.asarray(thin, np.int64)
    if not 0 < len(thin) < len(data.faces):
        return data
    try:
        return cleaned(_dressed(data, np.asarray(corners, np.float64) * size + low, thin))
    except CastError:
        return data


def faithful(data: MeshData, thin: MeshData) -> bool:
    """Whether a thinned mesh still has all of the surface: collapsing may eat a mattress whole to
    reach a number of faces that its springs do not allow."""
    rng = np.random.default_rng(0)
    size = float(np.linalg.norm(np.ptp(data.vertices, axis=0)))
    away = KDTree(_spread(thin, MANY, rng)).query(_spread(data, FEW, rng))[0]
    return float(np.quantile(away, KEPT)) <= STRAYED * size


def _spread(data: MeshData, count: int, rng: np.random.Generator) -> np.ndarray:
    """(count, 3) points on the surface, even by area."""
    triangles = data.triangles
    edges = triangles[:, 1:] - triangles[:, :1]
    area = np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1)
    which = rng.choice(len(area), count, p=area / area.sum())
    u, v = rng.random((2, count, 1))
    over = u + v > 1
    u, v = np.where(over, 1 - u, u), np.where(over, 1 - v, v)
    return triangles[which, 0] + u * edges[which, 0] + v * edges[which, 1]


def _dressed(data: MeshData, points: np.ndarray, faces: np.ndarray) -> MeshData:
    """New faces of (n, 3) points, with materials and vertex attributes of the old surface."""
    triangles = data.vertices[data.faces]
    tree, owner = _samples(triangles)
    middle = points[faces].mean(1)
    home = _nearest_face(triangles, owner[tree.query(middle, k=NEAR)[1]], middle)[0]
    material = data.face_material[home]
    if data.uv is None and data.normals is None and data.colours is None:
        return MeshData(points, faces, material, data.materials)
    chart = _charts(data)
    near = owner[tree.query(points, k=NEAR)[1]]
    corner, face = faces.reshape(-1), np.repeat(home, 3)
    # Faces of other charts are no candidates; where none is left, the face's own old one is.
    candidates = near[corner]
    candidates = np.where(chart[candidates] == chart[face][:, None], candidates, face[:, None])
    source, weight = _nearest_face(triangles, candidates, points[corner])
    at = data.faces[source]

    def taken(values: np.ndarray) -> np.ndarray:
        return np.einsum("ij,ijk->ik", weight, values[at])

    uv = None
    if data.uv is not None:
        uv = _in_one_piece(
            taken(data.uv), data.uv[data.faces[home]], triangles[home], points[faces]
        )
    normals = None if data.normals is None else taken(data.normals)
    colours = None if data.colours is None else taken(data.colours)
    columns = [
        corner[:, None].astype(np.float64),
        chart[face][:, None],
        material.repeat(3)[:, None],
    ]
    columns += [a.round(6) for a in (uv, colours) if a is not None]
    _, kept, group = np.unique(
        np.concatenate(columns, 1), axis=0, return_index=True, return_inverse=True
    )
    if normals is not None:
        length = np.linalg.norm(normals, axis=1, keepdims=True)
        normals = (normals / np.where(length > 0, length, 1))[kept]
    return replace(
        data,
        vertices=points[corner[kept]],
        faces=group.reshape(-1, 3),
        face_material=material,
        uv=None if uv is None else uv[kept],
        normals=normals,
        colours=None if colours is None else colours[kept],
    )


def _in_one_piece(
    uv: np.ndarray, old_uv: np.ndarray, old: np.ndarray, corners: np.ndarray
) -> np.ndarray:
    """Texture coordinates (3 m, 2) of (m, 3, 3) corners, where a face lies across a seam.

    There the coordinates jump, which the old face's own run on (m, 3, 2) ``old_uv`` does not show;
    such faces continue the old face.
    """
    from trimesh.triangles import points_to_barycentric

    weight = np.stack([points_to_barycentric(old, corners[:, i]) for i in range(3)], 1)
    continued = np.einsum("mck,mkj->mcj", weight, old_uv)
    given = uv.reshape(-1, 3, 2)
    jumps = np.ptp(given, axis=1).max(1) > JUMP * np.ptp(continued, axis=1).max(1) + 1e-3
    jumps &= np.isfinite(continued).all((1, 2))
    return np.where(jumps[:, None, None], continued, given).reshape(-1, 2)


def _charts(data: MeshData) -> np.ndarray:
    """(m,) number of the piece that each face belongs to, faces joined by shared vertices."""
    count = len(data.vertices)
    a, b = data.faces[:, [0, 1]].reshape(-1), data.faces[:, [1, 2]].reshape(-1)
    graph = coo_matrix((np.ones(len(a), np.int8), (a, b)), shape=(count, count))
    return connected_components(graph, directed=False)[1][data.faces[:, 0]]


def _samples(triangles: np.ndarray) -> tuple[KDTree, np.ndarray]:
    """A tree over four points of each face, and whose they are."""
    middle = triangles.mean(1, keepdims=True)
    points = np.concatenate([middle, 0.75 * triangles + 0.25 * middle], 1)
    return KDTree(points.reshape(-1, 3)), np.repeat(np.arange(len(triangles)), 4)


def _nearest_face(
    triangles: np.ndarray, candidates: np.ndarray, points: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(n,) nearest of (n, k) candidate faces to (n, 3) points, and (n, 3) weights of its corners
    at the point nearest there."""
    from trimesh.triangles import closest_point, points_to_barycentric

    faces = np.empty(len(points), np.int64)
    weights = np.empty((len(points), 3))
    for start in range(0, len(points), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        asked = candidates[part].reshape(-1)
        asking = np.repeat(points[part], candidates.shape[1], 0)
        found = closest_point(triangles[asked], asking)
        apart = np.linalg.norm(found - asking, axis=1).reshape(candidates[part].shape)
        row = np.arange(len(apart))
        best = apart.argmin(1)
        faces[part] = candidates[part][row, best]
        there = found.reshape(*apart.shape, 3)[row, best]
        weights[part] = points_to_barycentric(triangles[faces[part]], there)
    weights = np.clip(np.nan_to_num(weights, nan=1 / 3), 0, None)
    return faces, weights / weights.sum(1, keepdims=True)
