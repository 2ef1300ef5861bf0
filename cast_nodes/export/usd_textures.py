"""The pictures beside a USD file, each once whatever number of materials shows it."""

from __future__ import annotations

import hashlib
import io
from typing import Any

from PIL import Image

from ..errors import CastError
from ..gltf import Gltf, decode_data_uri, view_bytes
from ..mesh_data import portable_image

FOLDER = "textures"
_DAMAGE = (KeyError, IndexError, ValueError, TypeError, AttributeError, OSError, SyntaxError)


class TextureFiles:
    """Pictures of one glTF document on their way into files.

    Attributes:
        files: content by path ("textures/<hash>.png").
        notes: sentences about pictures that could not be taken along.
    """

    def __init__(self, gltf: Gltf) -> None:
        self.files: dict[str, bytes] = {}
        self.notes: list[str] = []
        self._gltf = gltf
        self._paths: dict[int, str | None] = {}

    def path(self, texture: int) -> str | None:
        """Where the picture of a glTF texture lies; None when it cannot be shown."""
        document = self._gltf.document
        try:
            entry = document["textures"][texture]
            webp = entry.get("extensions", {}).get("EXT_texture_webp", {})
            image = int(webp.get("source", entry.get("source")))
        except _DAMAGE:
            return None
        if image not in self._paths:
            self._paths[image] = self._add(image)
        return self._paths[image]

    def _add(self, index: int) -> str | None:
        try:
            entry: dict[str, Any] = self._gltf.document["images"][index]
            if "bufferView" in entry:
                content = view_bytes(self._gltf, entry["bufferView"])
            else:
                content = decode_data_uri(entry["uri"])
            with Image.open(io.BytesIO(content)) as picture:
                picture.verify()
            content, kind = portable_image(content)
        except (*_DAMAGE, CastError, Image.DecompressionBombError) as error:
            self.notes.append(
                f"Picture {index} of the scene cannot be read and is left out: {error}."
            )
            return None
        ending = "png" if kind == "image/png" else "jpg"
        path = f"{FOLDER}/{hashlib.sha256(content).hexdigest()[:16]}.{ending}"
        self.files[path] = content
        return path
