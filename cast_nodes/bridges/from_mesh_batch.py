"""MESH of ComfyUI core: a padded batch of triangle meshes without names.

vertices (B, N, 3), faces (B, M, 3); uvs (B, N, 2) with (0, 0) the texture's top left;
vertex_colors (B, N, 3 | 4) linear; normals (B, N, 3); texture and other maps (B, H, W, 3) in 0..1;
``vertex_counts`` and ``face_counts`` (B,) where items differ in length, both or neither.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import BadInput, CastError
from ..mesh_data import Material, MeshData, encode_texture
from ..mesh_files import MAX_FACES
from ..pictures import png_bytes
from ..types import Mesh
from .arrays import array_of, eight_bit
from .came_meshes import Came, CameMeshOptions, came, mesh_of_data
from .maps import Maps, three

NEUTRAL = (0.6, 0.6, 0.6, 1.0)
WHITE = np.full((4, 4, 3), 255, np.uint8)


def meshes_of_batch(mesh: Any, options: CameMeshOptions, first: int = 0) -> list[Came]:
    """Each item of a MESH; one without faces is a failure of its own.

    Args:
        first: number of the first item, for names.

    Raises:
        BadInput: no MESH, or its arrays do not fit together.
    """
    if not hasattr(mesh, "vertices") or not hasattr(mesh, "faces"):
        raise BadInput(f"mesh: {type(mesh).__name__} is no MESH")
    vertices = array_of(mesh.vertices, "mesh: vertices")
    faces = array_of(mesh.faces, "mesh: faces")
    if vertices.ndim == 2 and faces.ndim == 2:
        vertices, faces = vertices[None], faces[None]
    if vertices.ndim != 3 or faces.ndim != 3 or vertices.shape[2] != 3 or faces.shape[2] != 3:
        raise BadInput(
            f"mesh: vertices {vertices.shape} and faces {faces.shape} are no (B, N, 3) and (B, M, 3)"
        )
    if len(vertices) != len(faces):
        raise BadInput(f"mesh: {len(vertices)} sets of vertices for {len(faces)} of faces")
    batch = _Batch(mesh, vertices, faces)
    return [
        came(lambda i=i: _item(batch, i, options, f"mesh {first + i}"))
        for i in range(len(vertices))
    ]


class _Batch:
    """A MESH as arrays, cut to each item's own length."""

    def __init__(self, mesh: Any, vertices: np.ndarray, faces: np.ndarray) -> None:
        self.mesh, self.vertices, self.faces = mesh, vertices, faces
        counts = [getattr(mesh, n, None) for n in ("vertex_counts", "face_counts")]
        if (counts[0] is None) != (counts[1] is None):
            raise BadInput("mesh: vertex_counts and face_counts come together or not at all")
        self.counts: list[np.ndarray] | None = None
        if counts[0] is not None:
            self.counts = [array_of(c, "mesh: counts").astype(int).ravel() for c in counts]
            most = vertices.shape[1], faces.shape[1]
            for name, count, limit in zip(("vertex", "face"), self.counts, most, strict=True):
                if len(count) != len(vertices) or (count < 0).any() or (count > limit).any():
                    raise BadInput(
                        f"mesh: its {name}_counts {count.tolist()} do not fit its "
                        f"{len(vertices)} items of at most {limit}"
                    )

    def length(self, index: int, which: int) -> int:
        """Vertices (0) or faces (1) of an item."""
        if self.counts is not None:
            return int(self.counts[which][index])
        return (self.vertices, self.faces)[which].shape[1]

    def per_vertex(self, name: str, index: int, widths: tuple[int, ...]) -> np.ndarray | None:
        value = getattr(self.mesh, name, None)
        if value is None:
            return None
        array = array_of(value, f"mesh: {name}")
        array = array[None] if array.ndim == 2 else array
        count = self.length(index, 0)
        if array.ndim != 3 or len(array) <= index or array.shape[1] < count:
            raise BadInput(f"mesh: {name} of shape {array.shape} are not one for each vertex")
        if array.shape[2] not in widths:
            raise BadInput(
                f"mesh: {name} of shape {array.shape} have {array.shape[2]} numbers each"
            )
        return array[index, :count].astype(np.float64)

    def picture(self, name: str, index: int) -> np.ndarray | None:
        """(h, w, C) uint8; one picture may serve the whole batch."""
        value = getattr(self.mesh, name, None)
        if value is None:
            return None
        array = array_of(value, f"mesh: {name}")
        array = array[None] if array.ndim == 3 else array
        if array.ndim != 4 or array.shape[-1] not in (3, 4) or len(array) not in (
            1, len(self.vertices),
        ):  # fmt: skip
            raise BadInput(
                f"mesh: {name} of shape {array.shape} is neither one picture nor one for each item"
            )
        return eight_bit(array[index if len(array) > 1 else 0])


def _item(batch: _Batch, index: int, options: CameMeshOptions, name: str) -> Mesh:
    vertices = batch.vertices[index, : batch.length(index, 0)].astype(np.float64)
    faces = batch.faces[index, : batch.length(index, 1)].astype(np.int64)
    if not len(vertices) or not len(faces):
        raise CastError(f"{name} is empty; its generator made no surface")
    if len(faces) > MAX_FACES:
        raise CastError(f"{name} has {len(faces)} faces, the limit is {MAX_FACES}; reduce it")
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise CastError(f"{name} is damaged: a face names a vertex that is not there")
    uv = batch.per_vertex("uvs", index, (2,))
    colours = batch.per_vertex("vertex_colors", index, (3, 4))
    if colours is not None and colours.shape[1] == 3:
        colours = np.concatenate([colours, np.ones((len(colours), 1))], 1)
    texture = batch.picture("texture", index) if uv is not None else None
    maps = _maps(batch, index, uv is not None)
    material = _material(batch.mesh, texture, colours is not None, maps)
    data = MeshData(
        vertices, faces, np.zeros(len(faces), np.int64), (material,), uv,
        batch.per_vertex("normals", index, (3,)), colours,
    )  # fmt: skip
    return mesh_of_data(data, {material.name: maps}, options, name, "MESH")


def _maps(batch: _Batch, index: int, with_uv: bool) -> Maps:
    given = _overrides(batch.mesh)

    def png(name: str) -> bytes | None:
        pixels = batch.picture(name, index) if with_uv else None
        return None if pixels is None else png_bytes(pixels[..., :3])

    rough = png("metallic_roughness")
    return Maps(
        metallic_roughness=rough,
        normal=png("normal_map"),
        emissive=png("emissive"),
        occlusion=rough if getattr(batch.mesh, "occlusion_in_mr", False) else None,
        emissive_factor=three(given.get("emissive_factor")),
        emissive_strength=float(given.get("emissive_strength") or 1.0),
        normal_scale=float(given.get("normal_scale") or 1.0),
        occlusion_strength=float(given.get("occlusion_strength") or 1.0),
        unlit=bool(getattr(batch.mesh, "unlit", False)) and not with_uv,
    )


def _overrides(mesh: Any) -> dict[str, Any]:
    """Values of SetMeshMaterial; negative factors mean that they are left to the mesh."""
    given = getattr(mesh, "material", None)
    return dict(given) if isinstance(given, dict) else {}


def _material(mesh: Any, texture: np.ndarray | None, coloured: bool, maps: Maps) -> Material:
    given = _overrides(mesh)
    if texture is None and maps.pictures:
        texture = WHITE  # maps need the texture coordinates that only a texture brings along
    image = None if texture is None else encode_texture(texture)
    base = (1.0, 1.0, 1.0, 1.0) if texture is not None or coloured else NEUTRAL
    if given.get("base_color_factor") is not None:
        r, g, b, a = (*(float(v) for v in given["base_color_factor"]), 1.0)[:4]
        base = (r, g, b, a)
    mapped = maps.metallic_roughness is not None
    metallic, roughness = given.get("metallic_factor"), given.get("roughness_factor")
    fourth = texture is not None and texture.shape[-1] == 4
    return Material(
        "material",
        base,
        image,
        metallic=float(metallic) if metallic is not None and metallic >= 0 else float(mapped),
        roughness=float(roughness) if roughness is not None and roughness >= 0 else 1.0,
        double_sided=bool(given.get("double_sided", True)),
        alpha_mode="MASK" if fourth else "OPAQUE",
    )
