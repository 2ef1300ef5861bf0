"""Meshes that the doubles hand out."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Iterator

import numpy as np
from PIL import Image


def small_glb(seed: int = 0) -> bytes:
    """A textured pyramid as a GLB of a few kilobytes; another one for each seed."""
    rng = np.random.default_rng(seed)
    points = np.array(
        [[-0.5, 0, -0.5], [0.5, 0, -0.5], [0.5, 0, 0.5], [-0.5, 0, 0.5], [0, 1, 0]], np.float32
    )
    points[4, 1] += rng.random()
    faces = np.array([[0, 1, 2], [0, 2, 3], [0, 4, 1], [1, 4, 2], [2, 4, 3], [3, 4, 0]], np.uint16)
    uv = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0.5, 0.5]], np.float32)
    out = io.BytesIO()
    Image.fromarray(rng.integers(0, 255, (8, 8, 3), np.uint8)).save(out, "PNG")
    parts, views = b"", []
    for data in (points.tobytes(), faces.tobytes(), uv.tobytes(), out.getvalue()):
        views.append({"buffer": 0, "byteOffset": len(parts), "byteLength": len(data)})
        parts += data + b"\0" * (-len(data) % 4)
    document = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [
            {
                "primitives": [
                    {"attributes": {"POSITION": 0, "TEXCOORD_0": 2}, "indices": 1, "material": 0}
                ]
            }
        ],
        "materials": [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}],
        "textures": [{"source": 0}],
        "images": [{"bufferView": 3, "mimeType": "image/png"}],
        "accessors": [
            {
                "bufferView": 0, "componentType": 5126, "count": 5, "type": "VEC3",
                "min": points.min(0).tolist(), "max": points.max(0).tolist(),
            },
            {"bufferView": 1, "componentType": 5123, "count": faces.size, "type": "SCALAR"},
            {"bufferView": 2, "componentType": 5126, "count": 5, "type": "VEC2"},
        ],
        "bufferViews": views,
        "buffers": [{"byteLength": len(parts)}],
    }  # fmt: skip
    return _join(document, parts)


def _join(document: dict, binary: bytes) -> bytes:
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text
    chunks += struct.pack("<I4s", len(binary), b"BIN\0") + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def padded_glb(size: int) -> tuple[Iterator[bytes], int]:
    """A good GLB blown up to ``size`` bytes by a chunk of zeros, made while it is sent."""
    small = small_glb()
    extra = size - len(small) - 8
    head = struct.pack("<4sII", b"glTF", 2, size) + small[12:]
    head += struct.pack("<I4s", extra, b"PADS")

    def pieces() -> Iterator[bytes]:
        yield head
        left, block = extra, bytes(1 << 20)
        while left > 0:
            yield block[:left]
            left -= len(block)

    return pieces(), size
