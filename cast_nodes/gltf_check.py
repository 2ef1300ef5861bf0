"""What is wrong with a GLB: the faults that viewers trip over, found without outside tools.

A small part of what the Khronos validator checks: references, alignment, bounds, values that
are not finite, normals that are not unit, names. An empty answer is no certificate.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from .errors import CastError
from .gltf import Gltf, open_glb, read_accessor, view_bytes

_SIZE = {5120: 1, 5121: 1, 5122: 2, 5123: 2, 5125: 4, 5126: 4}
_DAMAGE = (KeyError, IndexError, ValueError, TypeError, AttributeError, OverflowError)


def faults(data: bytes) -> list[str]:
    """Sentences, most basic first; empty when nothing was found."""
    try:
        gltf = open_glb(data, "the file")
    except CastError as error:
        return [str(error)]
    try:
        found = [*_references(gltf.document), *_accessors(gltf), *_meshes(gltf), *_tree(gltf)]
        return [*found, *_pictures(gltf)]
    except _DAMAGE as error:
        return [f"its structure is damaged: {type(error).__name__}: {error}"]


def _references(document: dict[str, Any]) -> list[str]:
    """Indices that point at nothing."""
    found = []

    def check(kind: str, index: Any, where: str) -> None:
        if not (isinstance(index, int) and 0 <= index < len(document.get(kind, []))):
            found.append(f"{where} refers to {kind}[{index}], which is not there")

    for i, view in enumerate(document.get("bufferViews", [])):
        check("buffers", view.get("buffer"), f"bufferViews[{i}]")
    for i, image in enumerate(document.get("images", [])):
        if "bufferView" in image:
            check("bufferViews", image["bufferView"], f"images[{i}]")
    for i, texture in enumerate(document.get("textures", [])):
        for name, kind in (("source", "images"), ("sampler", "samplers")):
            if name in texture:
                check(kind, texture[name], f"textures[{i}]")
    for i, material in enumerate(document.get("materials", [])):
        for info in _texture_infos(material):
            check("textures", info["index"], f"materials[{i}]")
    for i, mesh in enumerate(document.get("meshes", [])):
        for primitive in mesh["primitives"]:
            if "material" in primitive:
                check("materials", primitive["material"], f"meshes[{i}]")
    for i, node in enumerate(document.get("nodes", [])):
        for name, kind in (("mesh", "meshes"), ("camera", "cameras"), ("skin", "skins")):
            if name in node:
                check(kind, node[name], f"nodes[{i}]")
        for child in node.get("children", []):
            check("nodes", child, f"nodes[{i}]")
    for i, scene in enumerate(document.get("scenes", [])):
        for root in scene.get("nodes", []):
            check("nodes", root, f"scenes[{i}]")
    return found


def _texture_infos(item: Any) -> list[dict[str, Any]]:
    if not isinstance(item, dict):
        return []
    found = []
    for name, part in item.items():
        if name == "extras":
            continue
        if name.lower().endswith("texture") and isinstance(part, dict) and "index" in part:
            found.append(part)
        found.extend(_texture_infos(part))
    return found


def _accessors(gltf: Gltf) -> list[str]:
    """Alignment, and values that are not finite."""
    found = []
    views = gltf.document.get("bufferViews", [])
    for i, accessor in enumerate(gltf.document.get("accessors", [])):
        if "bufferView" in accessor:
            view = views[accessor["bufferView"]]
            size = _SIZE[accessor["componentType"]]
            start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
            if start % size or view.get("byteStride", 4) % 4:
                found.append(f"accessors[{i}] is not aligned")
        values = read_accessor(gltf, i)
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            found.append(f"accessors[{i}] holds values that are not finite")
    return found


def _meshes(gltf: Gltf) -> list[str]:
    found = []
    accessors = gltf.document.get("accessors", [])
    for i, mesh in enumerate(gltf.document.get("meshes", [])):
        for primitive in mesh["primitives"]:
            where, attributes = f"meshes[{i}]", primitive["attributes"]
            if "POSITION" not in attributes:
                found.append(f"{where} has a part without positions")
                continue
            position = read_accessor(gltf, attributes["POSITION"])
            declared = accessors[attributes["POSITION"]]
            if "min" not in declared or "max" not in declared:
                found.append(f"{where} does not tell the bounds of its positions")
            elif len(position):
                bounds = np.array([declared["min"], declared["max"]], np.float32)
                if (np.array([position.min(0), position.max(0)], np.float32) != bounds).any():
                    found.append(f"{where} tells wrong bounds of its positions")
            found += _without_coordinates(gltf.document, primitive, where)
            counts = {accessors[a]["count"] for a in attributes.values()}
            if len(counts) > 1:
                found.append(f"{where} has attributes of different lengths")
            if "indices" in primitive:
                indices = read_accessor(gltf, primitive["indices"])
                if len(indices) and int(indices.max()) >= len(position):
                    found.append(f"{where} has an index past its vertices")
            if "NORMAL" in attributes:
                normals = read_accessor(gltf, attributes["NORMAL"]).astype(np.float64)
                length = np.linalg.norm(normals, axis=1)
                if len(length) and not (np.abs(length - 1) < 6e-3).all():
                    found.append(f"{where} has normals that are not of length 1")
    return found


def _without_coordinates(
    document: dict[str, Any], primitive: dict[str, Any], where: str
) -> list[str]:
    """Textures whose coordinates a primitive lacks."""
    if primitive.get("material", -1) not in range(len(document.get("materials", []))):
        return []
    material = document["materials"][primitive["material"]]
    wanted = set()
    for info in _texture_infos(material):
        moved = info.get("extensions", {}).get("KHR_texture_transform", {})
        wanted.add(f"TEXCOORD_{moved.get('texCoord', info.get('texCoord', 0))}")
    lacking = sorted(wanted - set(primitive["attributes"]))
    return [f"{where} has a texture but no {name}" for name in lacking]


def _pictures(gltf: Gltf) -> list[str]:
    """Pictures of core glTF's two kinds that cannot be opened."""
    found = []
    for i, image in enumerate(gltf.document.get("images", [])):
        if "bufferView" not in image or image.get("mimeType") not in ("image/png", "image/jpeg"):
            continue
        try:
            with Image.open(io.BytesIO(view_bytes(gltf, image["bufferView"]))) as picture:
                picture.verify()
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            found.append(f"images[{i}] cannot be opened ({type(error).__name__})")
    return found


def _tree(gltf: Gltf) -> list[str]:
    """Each node has one parent at most, and no node is its own ancestor."""
    found = []
    nodes = gltf.document.get("nodes", [])
    parents = [child for node in nodes for child in node.get("children", [])]
    if len(parents) != len(set(parents)):
        found.append("a node has two parents")
    scenes = gltf.document.get("scenes", [])
    reached: set[int] = set()
    stack = [root for scene in scenes for root in scene.get("nodes", [])]
    while stack:
        index = stack.pop()
        if index in reached:
            continue
        reached.add(index)
        stack.extend(nodes[index].get("children", []))
    if scenes and set(parents) - reached:
        found.append("nodes hang in a circle or below no scene")
    for i, node in enumerate(nodes):
        rotation = node.get("rotation")
        if rotation is not None and abs(float(np.linalg.norm(rotation)) - 1) > 5e-4:
            found.append(f"nodes[{i}] has a rotation that is no unit quaternion")
    return found
