"""Points spread evenly over the surface of a mesh, the same in every run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..mesh_data import MeshData


def surface_samples(data: MeshData, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Points drawn uniformly by area, and the normals of the faces that they lie on.

    A point of a triangle is (1 - a) A + a (1 - b) B + a b C with a the root of a uniform number
    and b uniform (Turk, "Generating Random Points in Triangles", Graphics Gems, 1990).

    Args:
        count: how many.
        seed: equal seeds give equal points.

    Returns:
        (count, 3) points and (count, 3) unit normals, both in the mesh's frame.
    """
    return triangle_samples(data.triangles, count, seed)


def triangle_samples(triangles: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """As :func:`surface_samples`, of (m, 3, 3) corner positions."""
    points, chosen = samples_and_faces(triangles, count, seed)
    pick = triangles[chosen]
    normals = np.cross(pick[:, 1] - pick[:, 0], pick[:, 2] - pick[:, 0])
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return points, normals / np.maximum(length, 1e-30)


def samples_and_faces(
    triangles: np.ndarray, count: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """(count, 3) points spread by area over (m, 3, 3) corners, and (count,) the triangle of each."""
    rng = np.random.default_rng(seed)
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    area = np.linalg.norm(normals, axis=1)
    chosen = rng.choice(len(area), count, p=area / area.sum())
    pick = triangles[chosen]
    a, b = np.sqrt(rng.random((count, 1))), rng.random((count, 1))
    return (1 - a) * pick[:, 0] + a * (1 - b) * pick[:, 1] + a * b * pick[:, 2], chosen


def joined_samples(meshes: Sequence[np.ndarray], count: int, seed: int) -> np.ndarray:
    """(count, 3) points spread by area over several meshes of (m, 3, 3) corners as over one."""
    return triangle_samples(np.concatenate(list(meshes)), count, seed)[0]
