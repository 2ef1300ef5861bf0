"""TRIMESH of other packs (GeometryPack, Hunyuan3DWrapper): ``trimesh.Trimesh`` or ``trimesh.Scene``.

trimesh counts texture rows from the bottom and holds colours as display values in bytes; its PBR
factors are linear.
"""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import BadInput, CastError
from ..mesh_data import Material, MeshData, encode_texture, linear_from_srgb
from ..mesh_files import data_from_trimesh, joined
from ..types import Mesh
from .came_meshes import Came, CameMeshOptions, came, mesh_of_data
from .from_mesh_batch import WHITE
from .maps import Maps, three


def mesh_of_trimesh(value: Any, options: CameMeshOptions, number: int = 0) -> Came:
    """A Trimesh, or all meshes of a Scene as one; one without faces is a failure of its own.

    Raises:
        BadInput: it is nothing of trimesh's.
    """
    if type(value).__module__.split(".")[0] != "trimesh":
        raise BadInput(f"trimesh: {type(value).__name__} is no trimesh mesh or scene")
    return came(lambda: _mesh(value, options, f"mesh {number}"))


def _mesh(value: Any, options: CameMeshOptions, name: str) -> Mesh:
    import trimesh

    parts = value.dump() if isinstance(value, trimesh.Scene) else [value]
    parts = [p for p in parts if isinstance(p, trimesh.Trimesh) and len(p.faces)]
    if not parts:
        raise CastError(f"{name} has no faces, so there is nothing to place")
    blocks, maps = [], {}
    for index, part in enumerate(parts):
        block, extra = _part(part)
        material = replace(block.materials[0], name=f"{block.materials[0].name or 'part'} {index}")
        maps[material.name] = extra
        blocks.append(replace(block, materials=(material,)))
    return mesh_of_data(joined(blocks, name), maps, options, name, "TRIMESH")


def _part(part: Any) -> tuple[MeshData, Maps]:
    """One geometry with its one material, in the scene's frame."""
    visual = part.visual
    if visual.kind == "face":
        colours = np.asarray(visual.face_colors, np.float64) / 255
        linear = np.concatenate([linear_from_srgb(colours[:, :3]), colours[:, 3:4]], 1)
        corners = np.asarray(part.triangles, np.float64).reshape(-1, 3)
        faces = np.arange(len(corners)).reshape(-1, 3)
        material = Material("face colours")
        return MeshData(
            corners, faces, np.zeros(len(faces), np.int64), (material,), None, None,
            np.repeat(linear, 3, 0),
        ), Maps()  # fmt: skip
    block, extra = data_from_trimesh(part), Maps()
    # Normals that trimesh would only now compute would smooth over hard edges.
    if "vertex_normals" in part._cache:
        normals = np.asarray(part.vertex_normals, np.float64)
        block = replace(block, normals=normals if normals.shape == block.vertices.shape else None)
    source = getattr(visual, "material", None)
    if visual.kind == "texture" and hasattr(source, "metallicRoughnessTexture"):
        material, extra = _physical(source, block.uv is not None)
        block = replace(block, materials=(material,))
    return block, extra


def _physical(source: Any, with_uv: bool) -> tuple[Material, Maps]:
    """A trimesh PBRMaterial."""

    def picture(name: str) -> bytes | None:
        image = getattr(source, name, None)
        return _file(image) if image is not None and with_uv else None

    factor = source.baseColorFactor
    base = (1.0, 1.0, 1.0, 1.0)
    if factor is not None:
        r, g, b, a = (*(float(v) / 255 for v in np.asarray(factor, np.float64)), 1.0)[:4]
        base = (r, g, b, a)
    emissive = source.emissiveFactor
    maps = Maps(
        metallic_roughness=picture("metallicRoughnessTexture"),
        normal=picture("normalTexture"),
        emissive=picture("emissiveTexture"),
        occlusion=picture("occlusionTexture"),
        emissive_factor=three(emissive),
    )
    image = picture("baseColorTexture")
    if image is None and maps.pictures:
        image = encode_texture(WHITE)
    metallic, roughness = source.metallicFactor, source.roughnessFactor
    return Material(
        str(source.name or ""),
        base,
        image,
        metallic=(1.0 if maps.metallic_roughness else 0.0) if metallic is None else float(metallic),
        roughness=1.0 if roughness is None else float(roughness),
        double_sided=bool(source.doubleSided),
        alpha_mode=str(source.alphaMode or "OPAQUE"),
        alpha_cutoff=0.5 if source.alphaCutoff is None else float(source.alphaCutoff),
    ), maps


def _file(image: Any) -> bytes:
    out = io.BytesIO()
    wanted = image if image.mode in ("RGB", "RGBA", "L") else image.convert("RGBA")
    wanted.save(out, "PNG")
    return out.getvalue()
