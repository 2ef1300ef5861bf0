"""Binary glTF 2.0 as a container: JSON and one block of bytes, and the arrays inside.

Covers what mesh generators and model libraries write: sparse and normalised accessors, the node
tree, data URIs. Compressed geometry (Draco, meshopt) is refused by name. Specification: Khronos
glTF 2.0, chapters 3.6 (binary data) and 4 (GLB).
"""

from __future__ import annotations

import base64
import binascii
import json
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import CastError

MAGIC = b"glTF"
_COMPONENT = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTH = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}
_REFUSED = {
    "KHR_draco_mesh_compression": "Draco",
    "EXT_meshopt_compression": "meshopt",
}


@dataclass(frozen=True, eq=False)
class Gltf:
    """A glTF document: its JSON and the content of its buffers."""

    document: dict[str, Any]
    buffers: tuple[bytes, ...]


def split_glb(data: bytes, name: str = "mesh") -> tuple[dict[str, Any], bytes]:
    """The JSON and the binary chunk (b"" when absent) of a GLB.

    Raises:
        CastError: not a GLB, of another version, or cut short; the message starts with ``name``.
    """
    if data[:4] != MAGIC:
        raise CastError(f"{name} is not a binary glTF file (GLB); export it as .glb")
    if len(data) < 20:
        raise CastError(f"{name} is cut short; export or download it again")
    version, total = struct.unpack_from("<II", data, 4)
    if version != 2:
        raise CastError(f"{name} is glTF version {version}; only version 2 can be read")
    if total > len(data):
        raise CastError(
            f"{name} is cut short ({len(data)} of {total} bytes); export or download it again"
        )
    chunks: dict[bytes, bytes] = {}
    at = 12
    while at + 8 <= total:
        length, kind = struct.unpack_from("<I4s", data, at)
        if at + 8 + length > total:
            raise CastError(f"{name} is damaged: a chunk reaches past its end")
        chunks.setdefault(kind, data[at + 8 : at + 8 + length])
        at += 8 + length
    try:
        document = json.loads(chunks[b"JSON"])
    except (KeyError, ValueError) as error:
        raise CastError(f"{name} is damaged: its JSON cannot be read") from error
    if not isinstance(document, dict):
        raise CastError(f"{name} is damaged: its JSON is no glTF document")
    return document, chunks.get(b"BIN\0", b"")


def join_glb(document: dict[str, Any], binary: bytes) -> bytes:
    """The inverse of :func:`split_glb`; chunks are padded to four bytes as the format asks."""
    text = json.dumps(document, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    binary += b"\0" * (-len(binary) % 4)
    body = struct.pack("<I4s", len(text), b"JSON") + text
    if binary:
        body += struct.pack("<I4s", len(binary), b"BIN\0") + binary
    return struct.pack("<4sII", MAGIC, 2, 12 + len(body)) + body


def decode_data_uri(uri: str, name: str = "mesh") -> bytes:
    """The bytes of a ``data:`` URI in base64.

    Raises:
        CastError: another kind of URI, or no base64.
    """
    head, _, body = uri.partition(",")
    if not head.startswith("data:") or not head.endswith(";base64"):
        raise CastError(f"{name} refers to another file ({uri[:60]}); make it self-contained")
    try:
        return base64.b64decode(body, validate=False)
    except (binascii.Error, ValueError) as error:
        raise CastError(f"{name} is damaged: a data URI cannot be read") from error


def open_glb(data: bytes, name: str = "mesh") -> Gltf:
    """A self-contained GLB with its buffers loaded.

    Raises:
        CastError: unreadable, compressed in a way that is not supported, or not self-contained.
    """
    document, binary = split_glb(data, name)
    refuse_compressed(document, name)
    buffers = []
    for index, buffer in enumerate(document.get("buffers", [])):
        uri = buffer.get("uri")
        buffers.append(binary if uri is None and index == 0 else decode_data_uri(uri or "", name))
    return Gltf(document, tuple(buffers))


def refuse_compressed(document: dict[str, Any], name: str) -> None:
    """Raises :class:`CastError` when the geometry is compressed by an extension."""
    for extension in document.get("extensionsRequired", []):
        if extension in _REFUSED:
            raise CastError(
                f"{name} is compressed with {_REFUSED[extension]}; export it without compression"
            )


def view_bytes(gltf: Gltf, index: int) -> bytes:
    """The bytes of a buffer view. IndexError, KeyError or ValueError when it does not exist."""
    view = gltf.document["bufferViews"][index]
    start = view.get("byteOffset", 0)
    data = gltf.buffers[view["buffer"]][start : start + view["byteLength"]]
    if len(data) < view["byteLength"]:
        raise ValueError("a buffer view reaches past its buffer")
    return data


def read_accessor(gltf: Gltf, index: int) -> np.ndarray:
    """An accessor's values, (count, components), de-normalised to float64 where it says so.

    Raises:
        ValueError, KeyError, IndexError: the accessor is damaged.
    """
    accessor = gltf.document["accessors"][index]
    count, width = int(accessor["count"]), _WIDTH[accessor["type"]]
    dtype = np.dtype(_COMPONENT[accessor["componentType"]])
    if "bufferView" in accessor:
        view = gltf.document["bufferViews"][accessor["bufferView"]]
        data = view_bytes(gltf, accessor["bufferView"])
        offset, size = accessor.get("byteOffset", 0), dtype.itemsize * width
        stride = view.get("byteStride") or size
        if count and (offset < 0 or offset + stride * (count - 1) + size > len(data)):
            raise ValueError("an accessor reaches past its buffer view")
        values = np.ndarray((count, width), dtype, data, offset, (stride, dtype.itemsize)).copy()
    else:
        if count > 10_000_000:
            raise ValueError("an accessor without data is too large")
        values = np.zeros((count, width), dtype)
    if "sparse" in accessor:
        sparse = accessor["sparse"]
        indices, replaced = sparse["indices"], sparse["values"]
        n = int(sparse["count"])
        at = np.frombuffer(
            view_bytes(gltf, indices["bufferView"]),
            _COMPONENT[indices["componentType"]], n, indices.get("byteOffset", 0),
        )  # fmt: skip
        new = np.frombuffer(
            view_bytes(gltf, replaced["bufferView"]),
            dtype,
            n * width,
            replaced.get("byteOffset", 0),
        )
        values[at] = new.reshape(n, width)
    if accessor.get("normalized") and dtype.kind in "iu":
        return np.maximum(values / float(np.iinfo(dtype).max), -1.0)
    return values


def node_matrix(node: dict[str, Any]) -> np.ndarray:
    """(4, 4) parent-from-node, row-major (glTF writes matrices column by column)."""
    if "matrix" in node:
        return np.asarray(node["matrix"], np.float64).reshape(4, 4).T
    matrix = np.eye(4)
    x, y, z, w = np.asarray(node.get("rotation", [0, 0, 0, 1]), np.float64)
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    matrix[:3, :3] = rotation * np.asarray(node.get("scale", [1, 1, 1]), np.float64)
    matrix[:3, 3] = node.get("translation", [0, 0, 0])
    return matrix


def placed_meshes(document: dict[str, Any]) -> Iterator[tuple[dict[str, Any], np.ndarray]]:
    """Each mesh of the default scene with its (4, 4) scene-from-mesh, once per node.

    A document without scenes counts all nodes that are nobody's child. A cycle ends quietly.
    """
    nodes: Sequence[dict[str, Any]] = document.get("nodes", [])
    scenes = document.get("scenes", [])
    if scenes:
        roots = scenes[document.get("scene", 0)].get("nodes", [])
    else:
        children = {c for node in nodes for c in node.get("children", [])}
        roots = [i for i in range(len(nodes)) if i not in children]
    visited: set[int] = set()  # the format has a tree: a node met twice is damage
    stack = [(int(root), np.eye(4)) for root in reversed(roots)]
    while stack:
        index, parent = stack.pop()
        if index in visited:
            continue
        visited.add(index)
        node = nodes[index]
        matrix = parent @ node_matrix(node)
        if "mesh" in node:
            yield document["meshes"][node["mesh"]], matrix
        stack.extend((int(child), matrix) for child in reversed(node.get("children", [])))


def under_new_root(data: bytes, matrix: np.ndarray, name: str = "mesh") -> bytes:
    """The same GLB with a (4, 4) transform above each scene's nodes; all else stays.

    Raises:
        CastError: as :func:`split_glb`.
    """
    document, binary = split_glb(data, name)
    nodes = document.setdefault("nodes", [])
    for scene in document.get("scenes", []):
        root = {"name": "root", "matrix": [float(v) for v in np.asarray(matrix).T.ravel()]}
        if scene.get("nodes"):
            root["children"] = scene["nodes"]
            nodes.append(root)
            scene["nodes"] = [len(nodes) - 1]
    return join_glb(document, binary)
