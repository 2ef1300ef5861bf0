"""Draco-compressed geometry (KHR_draco_mesh_compression), by DracoPy (Apache-2.0)."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np

from ..errors import BackendNotReady
from ..gltf import Gltf, join_glb, open_glb, read_accessor, view_bytes

EXTENSION = "KHR_draco_mesh_compression"
INSTALL = "pip install DracoPy"
POSITION_BITS = 14
"""Positions within 1/16000 of a mesh's longest side."""
UV_BITS = 14
NORMAL_BITS = 10
_OWN = {"POSITION": "VEC3", "NORMAL": "VEC3", "TEXCOORD_0": "VEC2"}
"""What Draco has kinds of its own for; all else travels as generic attributes, unquantised."""


def load_draco() -> Any:
    """The package. Raises BackendNotReady with its install line when it is absent."""
    try:
        import DracoPy
    except ImportError as error:
        raise BackendNotReady(f"Draco compression needs DracoPy: {INSTALL} ({error})") from None
    return DracoPy


def compressed(glb: bytes, name: str = "scene.glb") -> bytes:
    """The same GLB with its triangles compressed; pictures, nodes and materials stay as they are.

    Meshes that Draco cannot take (strips, morph targets, quantised or sparse positions) stay, too.

    Raises:
        BackendNotReady: DracoPy is not installed.
        CastError: the GLB cannot be read.
    """
    draco = load_draco()
    gltf = open_glb(glb, name)
    document = deepcopy(gltf.document)
    packs: dict[str, tuple[bytes, dict[str, int], int, int]] = {}
    for mesh in document.get("meshes", []):
        for primitive in mesh["primitives"]:
            if _fits(gltf, primitive):
                _compress(draco, gltf, primitive, packs)
    if not packs:
        return glb
    return _packed(gltf, document, packs)


def _fits(gltf: Gltf, primitive: dict[str, Any]) -> bool:
    accessors = gltf.document["accessors"]
    used = [accessors[i] for i in primitive["attributes"].values()]
    return (
        primitive.get("mode", 4) == 4
        and "indices" in primitive
        and "POSITION" in primitive["attributes"]
        and not primitive.get("targets")
        and all(a["componentType"] == 5126 and "sparse" not in a for a in used)
        and accessors[primitive["indices"]]["count"] >= 3
    )


def _compress(draco: Any, gltf: Gltf, primitive: dict[str, Any], packs: dict[str, Any]) -> None:
    """Notes the primitive's Draco block; equal ones are one."""
    attributes = primitive["attributes"]
    key = f"{sorted(attributes.items())}{primitive['indices']}"
    if key not in packs:
        arrays = {k: read_accessor(gltf, i) for k, i in attributes.items()}
        faces = read_accessor(gltf, primitive["indices"])[:, 0].astype(np.uint32)
        rest = sorted(k for k in arrays if k not in _OWN)
        numbers = {k: 100 + i for i, k in enumerate(rest)}
        block = draco.encode(
            arrays["POSITION"].astype(np.float32),
            faces[: len(faces) // 3 * 3].reshape(-1, 3),
            quantization_bits=POSITION_BITS,
            compression_level=7,
            normals=_double(arrays.get("NORMAL")),
            normal_quantization_bits=NORMAL_BITS,
            tex_coord=_double(arrays.get("TEXCOORD_0")),
            tex_coord_quantization_bits=UV_BITS,
            generic_attributes={numbers[k]: arrays[k].astype(np.float32) for k in rest} or None,
        )
        made = draco.decode(block)
        kinds = {0: "POSITION", 1: "NORMAL", 3: "TEXCOORD_0"}  # Draco's GeometryAttribute::Type
        ids = dict(numbers)
        for attribute in made.attributes:
            known = kinds.get(attribute["attribute_type"])
            if known in arrays:
                ids[known] = int(attribute["unique_id"])
        packs[key] = block, ids, len(made.points), int(np.asarray(made.faces).size)
    primitive.setdefault("extensions", {})[EXTENSION] = key  # replaced once the views are laid out


def _double(values: np.ndarray | None) -> np.ndarray | None:
    return None if values is None else values.astype(np.float64)


def _packed(gltf: Gltf, document: dict[str, Any], packs: dict[str, Any]) -> bytes:
    """Lays the buffer out anew: what is still referred to, then the Draco blocks."""
    accessors = document["accessors"]
    old_accessors = gltf.document["accessors"]
    plain = _plain_accessors(document)
    binary, views, moved = bytearray(), [], {}

    def add(content: bytes, rest: dict[str, Any]) -> int:
        binary.extend(b"\0" * (-len(binary) % 4))
        views.append({"buffer": 0, "byteOffset": len(binary), "byteLength": len(content)} | rest)
        binary.extend(content)
        return len(views) - 1

    def keep(index: int) -> int:
        if index not in moved:
            old = gltf.document["bufferViews"][index]
            rest = {k: old[k] for k in ("byteStride", "target") if k in old}
            moved[index] = add(view_bytes(gltf, index), rest)
        return moved[index]

    for image in document.get("images", []):
        if "bufferView" in image:
            image["bufferView"] = keep(image["bufferView"])
    for index in plain:
        entry = accessors[index]
        if "bufferView" in entry:
            entry["bufferView"] = keep(entry["bufferView"])
        for part in ("indices", "values") if "sparse" in entry else ():
            entry["sparse"][part]["bufferView"] = keep(entry["sparse"][part]["bufferView"])
    blocks = {key: add(pack[0], {}) for key, pack in packs.items()}
    for mesh in document["meshes"]:
        for primitive in mesh["primitives"]:
            key = primitive.get("extensions", {}).get(EXTENSION)
            if key is None:
                continue
            _, ids, points, corners = packs[key]
            # Draco welds and reorders vertices, so each compressed primitive describes its own.
            for which, index in primitive["attributes"].items():
                entry = {k: v for k, v in old_accessors[index].items() if k in _DESCRIBE}
                accessors.append(entry | {"count": points})
                primitive["attributes"][which] = len(accessors) - 1
            entry = {"componentType": 5125, "count": corners, "type": "SCALAR"}
            accessors.append(entry)
            primitive["indices"] = len(accessors) - 1
            primitive["extensions"][EXTENSION] = {"bufferView": blocks[key], "attributes": ids}
    _drop_unused(document, plain)
    document["bufferViews"] = views
    document["buffers"] = [{"byteLength": len(binary)}]
    for which in ("extensionsUsed", "extensionsRequired"):
        document[which] = sorted({*document.get(which, []), EXTENSION})
    return join_glb(document, bytes(binary))


_DESCRIBE = ("componentType", "type", "min", "max", "normalized")


def _plain_accessors(document: dict[str, Any]) -> list[int]:
    """Accessors whose data stays: those of primitives left alone, skins, animations, instances."""
    found: set[int] = set()
    for mesh in document.get("meshes", []):
        for primitive in mesh["primitives"]:
            if EXTENSION not in primitive.get("extensions", {}):
                found |= set(primitive["attributes"].values())
                found |= {i for target in primitive.get("targets", []) for i in target.values()}
                found |= {primitive["indices"]} if "indices" in primitive else set()
    for skin in document.get("skins", []):
        found |= {skin["inverseBindMatrices"]} if "inverseBindMatrices" in skin else set()
    for animation in document.get("animations", []):
        found |= {sampler[k] for sampler in animation["samplers"] for k in ("input", "output")}
    for node in document.get("nodes", []):
        instances = node.get("extensions", {}).get("EXT_mesh_gpu_instancing", {})
        found |= set(instances.get("attributes", {}).values())
    return sorted(found)


def _drop_unused(document: dict[str, Any], plain: list[int]) -> None:
    """Accessors that nothing refers to any more go, and the others are numbered anew."""
    described = {
        index
        for mesh in document["meshes"]
        for primitive in mesh["primitives"]
        if EXTENSION in primitive.get("extensions", {})
        for index in (*primitive["attributes"].values(), primitive["indices"])
    }
    used = sorted({*plain, *described})
    new = {old: number for number, old in enumerate(used)}
    document["accessors"] = [document["accessors"][old] for old in used]
    for mesh in document["meshes"]:
        for primitive in mesh["primitives"]:
            for table in (primitive["attributes"], *primitive.get("targets", [])):
                table.update({k: new[v] for k, v in table.items()})
            if "indices" in primitive:
                primitive["indices"] = new[primitive["indices"]]
    for skin in document.get("skins", []):
        if "inverseBindMatrices" in skin:
            skin["inverseBindMatrices"] = new[skin["inverseBindMatrices"]]
    for animation in document.get("animations", []):
        for sampler in animation["samplers"]:
            sampler.update({k: new[sampler[k]] for k in ("input", "output")})
    for node in document.get("nodes", []):
        instances = node.get("extensions", {}).get("EXT_mesh_gpu_instancing", {})
        table = instances.get("attributes", {})
        table.update({k: new[v] for k, v in table.items()})
