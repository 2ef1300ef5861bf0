"""A mesh as ComfyUI's MESH holds it: one set of vertices with at most one texture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..mesh_data import MeshData, linear_from_srgb, sample_texture, srgb_from_linear


@dataclass(frozen=True, eq=False)
class MeshArrays:
    """One item of a MESH.

    Attributes:
        vertices: (n, 3) float32.
        faces: (m, 3) int64.
        uvs: (n, 2) float32, (0, 0) the texture's top left, or None.
        texture: (h, w, 3) float32 sRGB in 0..1, or None.
        colours: (n, 4) float32 linear, or None.
        normals: (n, 3) float32 unit, or None.
    """

    vertices: np.ndarray
    faces: np.ndarray
    uvs: np.ndarray | None = None
    texture: np.ndarray | None = None
    colours: np.ndarray | None = None
    normals: np.ndarray | None = None


def mesh_arrays(data: MeshData) -> MeshArrays:
    """A mesh with one material keeps its texture; one with several gets coloured vertices.

    Materials' metal, roughness and transparency do not come along: MESH has no place for those
    of several materials. A GLB keeps them.
    """
    normals = None if data.normals is None else data.normals.astype(np.float32)
    vertices, faces = data.vertices.astype(np.float32), data.faces.astype(np.int64)
    used = np.unique(data.face_material)
    material = data.materials[int(used[0])]
    if len(used) == 1 and data.uv is not None and material.texture is not None:
        # What the colour does to the texture is done to it here.
        tint = np.asarray(material.base_colour[:3])
        pixels = material.texture[..., :3] / 255.0
        if not np.allclose(tint, 1):
            pixels = srgb_from_linear(linear_from_srgb(pixels) * tint)
        colours = None if data.colours is None else data.colours.astype(np.float32)
        return MeshArrays(
            vertices, faces, data.uv.astype(np.float32), pixels.astype(np.float32), colours, normals
        )
    return _coloured(data)


def _coloured(data: MeshData) -> MeshArrays:
    """Corners with a colour each: a vertex that two materials share has two."""
    corners = np.stack([data.faces.ravel(), np.repeat(data.face_material, 3)], 1)
    pairs, inverse = np.unique(corners, axis=0, return_inverse=True)
    vertex, material = pairs.T
    colours = np.array([m.base_colour for m in data.materials], np.float64)[material]
    if data.colours is not None:
        colours = colours * data.colours[vertex]
    if data.uv is not None:
        for index, kind in enumerate(data.materials):
            mine = material == index
            if kind.texture is not None and mine.any():
                colours[mine] *= sample_texture(kind.texture, data.uv[vertex[mine]])
    normals = None if data.normals is None else data.normals[vertex].astype(np.float32)
    return MeshArrays(
        data.vertices[vertex].astype(np.float32),
        inverse.reshape(-1, 3).astype(np.int64),
        colours=np.clip(colours, 0, 1).astype(np.float32),
        normals=normals,
    )
