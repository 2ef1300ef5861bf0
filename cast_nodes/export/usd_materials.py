"""glTF materials as UsdPreviewSurface (the UsdPreviewSurface proposal, version 2.6).

A texture's coordinates are a primvar of the mesh: ``st`` for the first set of coordinates that a
material asks for, ``st1``, … for further ones, KHR_texture_transform already applied.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .primitives import UvSource
from .usd_library import pxr
from .usd_textures import TextureFiles

_WRAP = {33071: "clamp", 33648: "mirror", 10497: "repeat"}
_UNLIT = "KHR_materials_unlit"


@dataclass(frozen=True, eq=False)
class PbrMaterial:
    """What a USD material is made from.

    Attributes:
        entry: the glTF material.
        coloured: vertex colours take the base texture's place (a primvar cannot multiply it).
    """

    entry: Mapping[str, Any]
    coloured: bool = False

    @property
    def _old(self) -> Mapping[str, Any]:
        return self.entry.get("extensions", {}).get("KHR_materials_pbrSpecularGlossiness", {})

    @property
    def _pbr(self) -> Mapping[str, Any]:
        return self.entry.get("pbrMetallicRoughness", {})

    @property
    def base(self) -> Mapping[str, Any] | None:
        return self._pbr.get("baseColorTexture") or self._old.get("diffuseTexture")

    @property
    def factor(self) -> tuple[float, float, float, float]:
        given = self._pbr.get("baseColorFactor") or self._old.get("diffuseFactor") or (1, 1, 1, 1)
        r, g, b, a = (float(v) for v in (*given, 1.0)[:4])
        return r, g, b, a

    @property
    def metallic(self) -> float:
        return 0.0 if self._old else float(self._pbr.get("metallicFactor", 1.0))

    @property
    def roughness(self) -> float:
        if self._old:
            return 1.0 - float(self._old.get("glossinessFactor", 1.0))
        return float(self._pbr.get("roughnessFactor", 1.0))

    @property
    def unlit(self) -> bool:
        return _UNLIT in self.entry.get("extensions", {})

    @property
    def emission(self) -> tuple[float, float, float]:
        extension = self.entry.get("extensions", {}).get("KHR_materials_emissive_strength", {})
        strength = float(extension.get("emissiveStrength", 1.0))
        r, g, b = (float(v) * strength for v in self.entry.get("emissiveFactor", (0, 0, 0)))
        return r, g, b

    def textures(self) -> dict[str, Mapping[str, Any]]:
        """The textureInfos that matter, by what they are for."""
        found = {
            "base": self.base,
            "metal_rough": self._pbr.get("metallicRoughnessTexture"),
            "normal": self.entry.get("normalTexture"),
            "occlusion": self.entry.get("occlusionTexture"),
            "emissive": self.entry.get("emissiveTexture") if any(self.emission) else None,
        }
        if self.unlit:
            found = {"base": found["base"]}
        return {name: info for name, info in found.items() if info and "index" in info}

    def uv_names(self) -> dict[UvSource, str]:
        """The primvar of each source of texture coordinates."""
        sources = dict.fromkeys(UvSource.of(info) for info in self.textures().values())
        return {source: f"st{i or ''}" for i, source in enumerate(sources)}


def write_material(
    stage: Any, path: str, material: PbrMaterial, files: TextureFiles, samplers: Mapping[int, Any]
) -> Any:
    """A UsdShade.Material at ``path``.

    Args:
        stage: the UsdStage.
        files: takes the pictures.
        samplers: the glTF sampler of each texture, by the texture's index.
    """
    UsdShade = pxr("UsdShade")

    made = UsdShade.Material.Define(stage, path)
    writer = _Writer(stage, path, material, files, samplers)
    surface = writer.shader("surface", "UsdPreviewSurface")
    made.CreateSurfaceOutput().ConnectToSource(surface.ConnectableAPI(), "surface")
    (writer.unlit if material.unlit else writer.lit)(surface)
    writer.opacity(surface)
    return made


class _Writer:
    def __init__(self, stage: Any, path: str, material: PbrMaterial, files: Any, samplers: Any):
        Gf = pxr("Gf")
        Sdf = pxr("Sdf")
        UsdShade = pxr("UsdShade")

        self.Gf, self.Sdf, self.UsdShade = Gf, Sdf, UsdShade
        self.stage, self.path, self.material = stage, path, material
        self.files, self.samplers = files, samplers
        self.infos, self.uv = material.textures(), material.uv_names()
        self.known: dict[str, Any] = {}

    def shader(self, name: str, kind: str) -> Any:
        made = self.UsdShade.Shader.Define(self.stage, f"{self.path}/{name}")
        made.CreateIdAttr(kind)
        return made

    def set(self, shader: Any, name: str, kind: str, value: Any) -> None:
        shader.CreateInput(name, getattr(self.Sdf.ValueTypeNames, kind)).Set(value)

    def link(self, shader: Any, name: str, kind: str, source: Any, output: str) -> None:
        kinds = self.Sdf.ValueTypeNames
        out = source.CreateOutput(output, kinds.Float if len(output) == 1 else kinds.Float3)
        shader.CreateInput(name, getattr(kinds, kind)).ConnectToSource(out)

    def reader(self, source: UvSource) -> Any:
        name = self.uv[source]
        if name not in self.known:
            made = self.shader(f"read_{name}", "UsdPrimvarReader_float2")
            self.set(made, "varname", "String", name)
            made.CreateOutput("result", self.Sdf.ValueTypeNames.Float2)
            self.known[name] = made
        return self.known[name]

    def texture(
        self, name: str, scale: tuple[float, ...], bias: tuple[float, ...] | None, space: str
    ) -> Any | None:
        """The UsdUVTexture of one use, or None when the material has no such picture."""
        if name in self.known:
            return self.known[name]
        info = self.infos.get(name)
        path = self.files.path(int(info["index"])) if info else None
        if info is None or path is None:
            return None
        made = self.shader(f"{name}_texture", "UsdUVTexture")
        self.set(made, "file", "Asset", f"./{path}")
        self.set(made, "sourceColorSpace", "Token", space)
        sampler = self.samplers.get(int(info["index"]), {})
        for side in ("wrapS", "wrapT"):
            self.set(made, side, "Token", _WRAP.get(sampler.get(side, 10497), "repeat"))
        self.set(made, "scale", "Float4", self.Gf.Vec4f(*scale))
        if bias is not None:
            self.set(made, "bias", "Float4", self.Gf.Vec4f(*bias))
        uv = self.reader(UvSource.of(info)).GetOutput("result")
        made.CreateInput("st", self.Sdf.ValueTypeNames.Float2).ConnectToSource(uv)
        self.known[name] = made
        return made

    def colour(self, surface: Any, name: str) -> None:
        """The base colour, from texture, vertex colours or the factor."""
        factor = self.material.factor
        texture = self.texture("base", factor, None, "sRGB")
        if texture is not None:
            self.link(surface, name, "Color3f", texture, "rgb")
        elif self.material.coloured:
            reader = self.shader("read_colour", "UsdPrimvarReader_float3")
            self.set(reader, "varname", "String", "displayColor")
            self.link(surface, name, "Color3f", reader, "result")
        else:
            self.set(surface, name, "Color3f", self.Gf.Vec3f(*factor[:3]))

    def unlit(self, surface: Any) -> None:
        """The colour shines as it is, and nothing is reflected."""
        black = self.Gf.Vec3f(0)
        self.set(surface, "diffuseColor", "Color3f", black)
        self.set(surface, "useSpecularWorkflow", "Int", 1)
        self.set(surface, "specularColor", "Color3f", black)
        self.set(surface, "roughness", "Float", 1.0)
        self.colour(surface, "emissiveColor")

    def lit(self, surface: Any) -> None:
        material = self.material
        self.colour(surface, "diffuseColor")
        metal, rough = material.metallic, material.roughness
        texture = self.texture("metal_rough", (1.0, rough, metal, 1.0), None, "raw")
        if texture is not None:
            self.link(surface, "roughness", "Float", texture, "g")
            self.link(surface, "metallic", "Float", texture, "b")
        else:
            self.set(surface, "roughness", "Float", rough)
            self.set(surface, "metallic", "Float", metal)
        normal = self.texture("normal", (2.0, 2.0, 2.0, 1.0), (-1.0, -1.0, -1.0, 0.0), "raw")
        if normal is not None:
            self.link(surface, "normal", "Normal3f", normal, "rgb")
        occlusion = self.texture("occlusion", (1.0, 1.0, 1.0, 1.0), None, "raw")
        if occlusion is not None:
            self.link(surface, "occlusion", "Float", occlusion, "r")
        emission = material.emission
        if any(emission):
            emissive = self.texture("emissive", (*emission, 1.0), None, "sRGB")
            if emissive is not None:
                self.link(surface, "emissiveColor", "Color3f", emissive, "rgb")
            else:
                self.set(surface, "emissiveColor", "Color3f", self.Gf.Vec3f(*emission))
        extensions = material.entry.get("extensions", {})
        coat = extensions.get("KHR_materials_clearcoat", {})
        if coat.get("clearcoatFactor"):
            self.set(surface, "clearcoat", "Float", float(coat["clearcoatFactor"]))
            gloss = float(coat.get("clearcoatRoughnessFactor", 0.0))
            self.set(surface, "clearcoatRoughness", "Float", gloss)
        if "KHR_materials_ior" in extensions:
            ior = float(extensions["KHR_materials_ior"].get("ior", 1.5))
            self.set(surface, "ior", "Float", ior)

    def opacity(self, surface: Any) -> None:
        mode = self.material.entry.get("alphaMode", "OPAQUE")
        if mode not in ("MASK", "BLEND"):
            return
        texture = self.known.get("base")
        if texture is not None:
            self.link(surface, "opacity", "Float", texture, "a")
        else:
            self.set(surface, "opacity", "Float", self.material.factor[3])
        if mode == "MASK":
            cutoff = float(self.material.entry.get("alphaCutoff", 0.5))
            self.set(surface, "opacityThreshold", "Float", cutoff)
