"""Material maps beyond the base colour, brought into a GLB that was written without them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..gltf import join_glb, split_glb


@dataclass(frozen=True)
class Maps:
    """What a glTF material holds beside colour, metal and roughness factors.

    Attributes:
        metallic_roughness, normal, emissive, occlusion: picture files (PNG or JPEG), or None. The
            occlusion may be the very bytes of metallic_roughness (one picture, channel R).
        unlit: shown without scene lights.
    """

    metallic_roughness: bytes | None = None
    normal: bytes | None = None
    emissive: bytes | None = None
    occlusion: bytes | None = None
    emissive_factor: tuple[float, float, float] | None = None
    emissive_strength: float = 1.0
    normal_scale: float = 1.0
    occlusion_strength: float = 1.0
    unlit: bool = False

    @property
    def pictures(self) -> bool:
        """Whether any of them needs texture coordinates."""
        return any((self.metallic_roughness, self.normal, self.emissive, self.occlusion))


def three(values: Any) -> tuple[float, float, float] | None:
    """The first three numbers, or None for None."""
    if values is None:
        return None
    r, g, b = (float(v) for v in list(values)[:3])
    return r, g, b


def with_maps(glb: bytes, maps: Mapping[str, Maps]) -> bytes:
    """The GLB with the maps of its materials, by the material's name."""
    wanted = {name: m for name, m in maps.items() if m != Maps()}
    if not wanted:
        return glb
    document, binary = split_glb(glb)
    writer = _Writer(document, binary)
    for material in document.get("materials", []):
        entry = wanted.get(material.get("name", ""))
        if entry is not None:
            writer.dress(material, entry)
    document["buffers"] = [{"byteLength": len(writer.binary)}]
    return join_glb(document, bytes(writer.binary))


class _Writer:
    """Appends pictures to a document, each once."""

    def __init__(self, document: dict[str, Any], binary: bytes) -> None:
        self.document, self.binary = document, bytearray(binary)
        self._known: dict[bytes, int] = {}

    def dress(self, material: dict[str, Any], maps: Maps) -> None:
        pbr = material.setdefault("pbrMetallicRoughness", {})
        if maps.metallic_roughness:
            pbr["metallicRoughnessTexture"] = {"index": self._texture(maps.metallic_roughness)}
        if maps.normal:
            material["normalTexture"] = {
                "index": self._texture(maps.normal), "scale": maps.normal_scale,
            }  # fmt: skip
        if maps.occlusion:
            material["occlusionTexture"] = {
                "index": self._texture(maps.occlusion), "strength": maps.occlusion_strength,
            }  # fmt: skip
        factor = maps.emissive_factor
        if maps.emissive:
            material["emissiveTexture"] = {"index": self._texture(maps.emissive)}
            factor = factor or (1.0, 1.0, 1.0)
        if factor and any(factor):
            material["emissiveFactor"] = [min(max(float(v), 0.0), 1.0) for v in factor]
            if maps.emissive_strength != 1.0:
                strength = {"emissiveStrength": float(maps.emissive_strength)}
                self._extend(material, "KHR_materials_emissive_strength", strength)
        if maps.unlit:
            self._extend(material, "KHR_materials_unlit", {})

    def _extend(self, material: dict[str, Any], name: str, content: dict[str, Any]) -> None:
        material.setdefault("extensions", {})[name] = content
        used = self.document.setdefault("extensionsUsed", [])
        if name not in used:
            used.append(name)

    def _texture(self, picture: bytes) -> int:
        if picture not in self._known:
            self.binary.extend(b"\0" * (-len(self.binary) % 4))
            view = {"buffer": 0, "byteOffset": len(self.binary), "byteLength": len(picture)}
            self.binary.extend(picture)
            views = self.document.setdefault("bufferViews", [])
            views.append(view)
            kind = "image/png" if picture.startswith(b"\x89PNG") else "image/jpeg"
            images = self.document.setdefault("images", [])
            images.append({"bufferView": len(views) - 1, "mimeType": kind})
            samplers = self.document.setdefault("samplers", [])
            if not samplers:
                samplers.append({"magFilter": 9729, "minFilter": 9987})
            textures = self.document.setdefault("textures", [])
            textures.append({"source": len(images) - 1, "sampler": 0})
            self._known[picture] = len(textures) - 1
        return self._known[picture]
