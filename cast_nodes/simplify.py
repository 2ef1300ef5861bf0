"""Fewer triangles for the same shape."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .decimate import can_decimate, decimated, faithful
from .errors import CastError
from .mesh_data import MeshData, cleaned

UV_CELLS = 8
CELLS = (512, 384, 256, 192, 144, 108, 80, 60)


def thinned(data: MeshData, faces: int) -> MeshData:
    """The mesh with about so many faces: by collapsing edges where fast-simplification is
    installed and keeps the surface, else by clustering vertices.

    Clustering goes no coarser than :data:`CELLS`, so more faces may stay. A mesh that has no more
    comes back as it is.
    """
    if len(data.faces) <= faces:
        return data
    if can_decimate():
        thin = decimated(data, faces)
        if len(thin.faces) <= 1.5 * faces and faithful(data, thin):
            return thin
    thin = data
    for cells in CELLS:
        thin = clustered(data, cells)
        if len(thin.faces) <= faces:
            break
    return thin


def clustered(data: MeshData, cells: int) -> MeshData:
    """Fewer triangles by vertex clustering (Rossignac & Borrel, 1993).

    The vertices of one cell become one of them, but only those of one material, of like texture
    coordinates and of like normals, so seams and creases stay where they are.
    """
    low, high = data.bounds
    pitch = float((high - low).max()) / cells
    key = [np.floor((data.vertices - low) / pitch).astype(np.int64)]
    if data.uv is not None:
        key.append(np.floor(data.uv * UV_CELLS).astype(np.int64))
    if data.normals is not None:
        key.append(np.rint(data.normals).astype(np.int64))
    material = np.zeros(len(data.vertices), np.int64)
    material[data.faces] = data.face_material[:, None]
    key.append(material[:, None])
    _, first, group = np.unique(
        np.concatenate(key, 1), axis=0, return_index=True, return_inverse=True
    )
    faces = first[group.reshape(-1)][data.faces]
    alive = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2])
    alive &= faces[:, 2] != faces[:, 0]
    faces, face_material = faces[alive], data.face_material[alive]
    _, unique = np.unique(np.sort(faces, 1), axis=0, return_index=True)
    unique = np.sort(unique)
    if not len(unique):
        return data
    thin = replace(data, faces=faces[unique], face_material=face_material[unique])
    try:
        return cleaned(thin)
    except CastError:
        return data
