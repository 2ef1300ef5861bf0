"""Triangles and materials out of a :class:`~cast_nodes.types.Mesh`, and a GLB out of those.

Conventions are glTF's: y up; texture coordinate (0, 0) is the top-left corner of the picture,
which repeats; ``base_colour`` and vertex colours are linear, pictures are sRGB.
"""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from PIL import Image

from . import gltf as container
from .errors import CastError
from .types import Mesh

_CACHE_BYTES = 256 << 20
_WHITE = (1.0, 1.0, 1.0, 1.0)
_READ_ERRORS = (ValueError, KeyError, IndexError, TypeError, OverflowError, AttributeError)


def srgb_from_linear(linear: np.ndarray) -> np.ndarray:
    """0..1 linear light to 0..1 sRGB (IEC 61966-2-1)."""
    linear = np.clip(linear, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def linear_from_srgb(srgb: np.ndarray) -> np.ndarray:
    """0..1 sRGB to 0..1 linear light (IEC 61966-2-1)."""
    srgb = np.clip(srgb, 0, 1)
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


@dataclass(frozen=True, eq=False)
class Material:
    """What a part is made of.

    Attributes:
        base_colour: linear RGBA in 0..1; multiplies the texture.
        image: the texture's file (PNG, JPEG, WebP), or None.
        alpha_mode: "OPAQUE", "MASK" (alpha below ``alpha_cutoff`` is a hole) or "BLEND".
    """

    name: str = ""
    base_colour: tuple[float, float, float, float] = _WHITE
    image: bytes | None = None
    metallic: float = 0.0
    roughness: float = 0.8
    double_sided: bool = False
    alpha_mode: str = "OPAQUE"
    alpha_cutoff: float = 0.5

    @cached_property
    def texture(self) -> np.ndarray | None:
        """(h, w, 4) uint8 sRGB, or None without a picture or when it cannot be decoded."""
        if self.image is None:
            return None
        try:
            with Image.open(io.BytesIO(self.image)) as picture:
                return np.asarray(picture.convert("RGBA"))
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            return None

    @staticmethod
    def coloured(srgb: Sequence[float], name: str = "", roughness: float = 0.8) -> Material:
        """A plain material from an sRGB colour in 0..255."""
        r, g, b = (float(c) for c in linear_from_srgb(np.asarray(srgb[:3], np.float64) / 255))
        return Material(name, (r, g, b, 1.0), roughness=roughness)

    @staticmethod
    def textured(pixels: np.ndarray, name: str = "", roughness: float = 0.9) -> Material:
        """A material from (h, w, 3 | 4) uint8 sRGB pixels; with an alpha channel it is MASK."""
        mode = "MASK" if pixels.shape[2] == 4 else "OPAQUE"
        image = encode_texture(pixels)
        return Material(name, image=image, roughness=roughness, alpha_mode=mode)


@dataclass(frozen=True, eq=False)
class MeshData:
    """A mesh in its object frame.

    Attributes:
        vertices: (n, 3) float64, all finite, each used by a face.
        faces: (m, 3) int64, m > 0, none degenerate, counter-clockwise from outside.
        face_material: (m,) int64, index into ``materials``.
        materials: at least one.
        uv: (n, 2) float64 or None when no part has texture coordinates.
        normals: (n, 3) float64 unit, or None (then shade flat or take geometric normals).
        colours: (n, 4) float64 linear RGBA that multiply the material's, or None.
    """

    vertices: np.ndarray
    faces: np.ndarray
    face_material: np.ndarray
    materials: tuple[Material, ...]
    uv: np.ndarray | None = None
    normals: np.ndarray | None = None
    colours: np.ndarray | None = None

    @property
    def bounds(self) -> np.ndarray:
        """(2, 3) float64: lowest and highest corner."""
        return np.stack([self.vertices.min(0), self.vertices.max(0)])

    @property
    def triangles(self) -> np.ndarray:
        """(m, 3, 3) float64 corner positions."""
        return self.vertices[self.faces]

    @cached_property
    def face_colours(self) -> np.ndarray:
        """(m, 4) float64 linear RGBA at each face's centre: material, vertex colour, texture."""
        out = np.array([m.base_colour for m in self.materials], np.float64)[self.face_material]
        if self.colours is not None:
            out = out * self.colours[self.faces].mean(1)
        if self.uv is not None:
            centre = self.uv[self.faces].mean(1)
            for index, material in enumerate(self.materials):
                mine = self.face_material == index
                if material.texture is not None and mine.any():
                    out[mine] *= sample_texture(material.texture, centre[mine])
        return out

    def moved(self, matrix: np.ndarray) -> MeshData:
        """The same mesh through a (4, 4) affine; one that mirrors turns the faces round."""
        linear = matrix[:3, :3]
        normals = None
        if self.normals is not None:
            normals = _unit(self.normals @ np.linalg.inv(linear))
        faces = self.faces if np.linalg.det(linear) > 0 else self.faces[:, ::-1]
        vertices = self.vertices @ linear.T + matrix[:3, 3]
        return replace(self, vertices=vertices, faces=faces, normals=normals)


def sample_texture(texture: np.ndarray, uv: np.ndarray) -> np.ndarray:
    """(k, 4) float64 linear RGBA of (h, w, 4) uint8 sRGB at (k, 2) uv: nearest, repeating."""
    height, width = texture.shape[:2]
    x = np.minimum((np.mod(uv[:, 0], 1.0) * width).astype(np.int64), width - 1)
    y = np.minimum((np.mod(uv[:, 1], 1.0) * height).astype(np.int64), height - 1)
    picked = texture[y, x] / 255.0
    return np.concatenate([linear_from_srgb(picked[:, :3]), picked[:, 3:]], 1)


def encode_texture(pixels: np.ndarray) -> bytes:
    """(h, w, 3 | 4) uint8 as a file: PNG when small or with alpha, else JPEG of high quality."""
    out = io.BytesIO()
    picture = Image.fromarray(np.ascontiguousarray(pixels, np.uint8))
    if picture.mode == "RGB" and picture.width * picture.height > 256 * 256:
        picture.save(out, "JPEG", quality=95, subsampling=0)
    else:
        picture.save(out, "PNG")
    return out.getvalue()


# --- reading ---------------------------------------------------------------------------------

_cache: OrderedDict[str, tuple[MeshData, int]] = OrderedDict()
_cache_lock = threading.Lock()


def read_mesh(mesh: Mesh) -> MeshData:
    """The triangles of a mesh, scene-graph transforms applied. Kept in memory by ``mesh.key``.

    Raises:
        CastError: it cannot be read or holds no face; the message names the mesh.
    """
    with _cache_lock:
        if mesh.key in _cache:
            _cache.move_to_end(mesh.key)
            return _cache[mesh.key][0]
    data = read_glb(mesh.glb, f"mesh {mesh.name!r}" if mesh.name else "mesh")
    arrays = (data.vertices, data.faces, data.uv, data.normals, data.colours)
    size = len(mesh.glb) + sum(a.nbytes for a in arrays if a is not None)
    with _cache_lock:
        _cache[mesh.key] = (data, size)
        while sum(s for _, s in _cache.values()) > _CACHE_BYTES and len(_cache) > 1:
            _cache.popitem(last=False)
    return data


def read_glb(glb: bytes, name: str = "mesh") -> MeshData:
    """The triangles of a self-contained GLB in its scene's frame.

    Vertices that are not finite go with their faces, as do degenerate faces and unused vertices.

    Raises:
        CastError: it cannot be read or holds no face; the message starts with ``name``.
    """
    try:
        return _read(container.open_glb(glb, name), name)
    except _READ_ERRORS as error:
        raise CastError(f"{name} is damaged ({error}); export it again") from error


def _read(source: container.Gltf, name: str) -> MeshData:
    materials = [_read_material(source, m) for m in source.document.get("materials", [])]
    blocks: list[dict[str, Any]] = []
    with np.errstate(invalid="ignore", over="ignore"):
        for mesh, matrix in container.placed_meshes(source.document):
            for primitive in mesh.get("primitives", []):
                block = _read_primitive(source, primitive, matrix, len(materials))
                if block is not None:
                    blocks.append(block)
    if any(b["material"] == len(materials) for b in blocks):
        materials.append(Material("default"))
    if not blocks:
        raise CastError(f"{name} has no faces, so there is nothing to place")
    counts = [len(b["vertices"]) for b in blocks]
    starts = np.cumsum([0, *counts[:-1]])
    data = MeshData(
        vertices=np.concatenate([b["vertices"] for b in blocks]),
        faces=np.concatenate([b["faces"] + s for b, s in zip(blocks, starts, strict=True)]),
        face_material=np.concatenate([np.full(len(b["faces"]), b["material"]) for b in blocks]),
        materials=tuple(materials),
        uv=_gather(blocks, "uv", counts, 0.0),
        normals=_gather(blocks, "normals", counts, np.nan),
        colours=_gather(blocks, "colours", counts, 1.0),
    )
    return cleaned(data, name)


def _gather(
    blocks: list[dict[str, Any]], name: str, counts: list[int], missing: float
) -> np.ndarray | None:
    """One array per vertex from the parts' own; parts without get ``missing``."""
    known = next((b[name] for b in blocks if b[name] is not None), None)
    if known is None:
        return None
    return np.concatenate(
        [
            np.full((n, known.shape[1]), missing) if b[name] is None else b[name]
            for b, n in zip(blocks, counts, strict=True)
        ]
    )


def _read_primitive(
    source: container.Gltf, primitive: dict[str, Any], matrix: np.ndarray, default_material: int
) -> dict[str, Any] | None:
    """One primitive in the scene's frame, or None when it has no triangles."""
    mode = primitive.get("mode", 4)
    attributes = primitive.get("attributes", {})
    if mode not in (4, 5, 6) or "POSITION" not in attributes:
        return None
    vertices = container.read_accessor(source, attributes["POSITION"]).astype(np.float64)
    if "indices" in primitive:
        indices = container.read_accessor(source, primitive["indices"])[:, 0].astype(np.int64)
    else:
        indices = np.arange(len(vertices))
    faces = triangle_corners(indices, mode)
    if not len(faces) or not len(vertices):
        return None
    linear = matrix[:3, :3]
    if np.linalg.det(linear) < 0:
        faces = faces[:, ::-1]
    normals = None
    if "NORMAL" in attributes and abs(np.linalg.det(linear)) > 1e-30:
        raw = container.read_accessor(source, attributes["NORMAL"]).astype(np.float64)
        normals = _unit(raw @ np.linalg.inv(linear))
    colours = None
    if "COLOR_0" in attributes:
        colours = container.read_accessor(source, attributes["COLOR_0"]).astype(np.float64)
        if colours.shape[1] == 3:
            colours = np.concatenate([colours, np.ones((len(colours), 1))], 1)
    material = primitive.get("material", default_material)
    document_materials = source.document.get("materials", [])
    info = _texture_info(document_materials[material]) if material < default_material else None
    uv = None
    name = f"TEXCOORD_{_uv_set(info)}"
    if name in attributes:
        uv = _transform_uv(container.read_accessor(source, attributes[name]), info)
    for extra in (uv, normals, colours):
        if extra is not None and len(extra) != len(vertices):
            raise ValueError("its vertex attributes differ in length")
    return {
        "vertices": vertices @ linear.T + matrix[:3, 3],
        "faces": faces,
        "material": material,
        "uv": uv,
        "normals": normals,
        "colours": colours,
    }


def triangle_corners(indices: np.ndarray, mode: int) -> np.ndarray:
    """(m, 3) from a triangle list (4), strip (5) or fan (6)."""
    if mode == 4:
        return indices[: len(indices) // 3 * 3].reshape(-1, 3)
    if len(indices) < 3:
        return np.zeros((0, 3), np.int64)
    if mode == 6:
        return np.stack(
            [np.broadcast_to(indices[0], len(indices) - 2), indices[1:-1], indices[2:]], 1
        )
    faces = np.stack([indices[:-2], indices[1:-1], indices[2:]], 1)
    faces[1::2] = faces[1::2, [0, 2, 1]]
    return faces


def _texture_info(material: dict[str, Any]) -> dict[str, Any] | None:
    """The base colour's textureInfo, also of the old specular-glossiness extension."""
    old = material.get("extensions", {}).get("KHR_materials_pbrSpecularGlossiness", {})
    return material.get("pbrMetallicRoughness", {}).get("baseColorTexture") or old.get(
        "diffuseTexture"
    )


def _uv_set(info: dict[str, Any] | None) -> int:
    if info is None:
        return 0
    moved = info.get("extensions", {}).get("KHR_texture_transform", {})
    return int(moved.get("texCoord", info.get("texCoord", 0)))


def _transform_uv(uv: np.ndarray, info: dict[str, Any] | None) -> np.ndarray:
    """KHR_texture_transform: scale, then rotation, then offset."""
    uv = np.nan_to_num(uv.astype(np.float64), posinf=0.0, neginf=0.0)
    moved = (info or {}).get("extensions", {}).get("KHR_texture_transform")
    if not moved:
        return uv
    angle = float(moved.get("rotation", 0.0))
    cos, sin = np.cos(angle), np.sin(angle)
    rotation = np.array([[cos, sin], [-sin, cos]])
    return (uv * moved.get("scale", [1, 1])) @ rotation.T + moved.get("offset", [0, 0])


def _read_material(source: container.Gltf, material: dict[str, Any]) -> Material:
    pbr = material.get("pbrMetallicRoughness", {})
    old = material.get("extensions", {}).get("KHR_materials_pbrSpecularGlossiness", {})
    factor = pbr.get("baseColorFactor") or old.get("diffuseFactor") or _WHITE
    info = _texture_info(material)
    return Material(
        name=str(material.get("name", "")),
        base_colour=tuple(float(v) for v in (*factor, 1.0, 1.0, 1.0, 1.0)[:4]),  # type: ignore
        image=None if info is None else _image_bytes(source, int(info["index"])),
        metallic=float(pbr.get("metallicFactor", 1.0)) if not old else 0.0,
        roughness=float(pbr.get("roughnessFactor", 1.0)),
        double_sided=bool(material.get("doubleSided", False)),
        alpha_mode=str(material.get("alphaMode", "OPAQUE")),
        alpha_cutoff=float(material.get("alphaCutoff", 0.5)),
    )


def _image_bytes(source: container.Gltf, texture: int) -> bytes | None:
    """The picture of a texture; None when it is of a kind that cannot be read here."""
    try:
        entry = source.document["textures"][texture]
        webp = entry.get("extensions", {}).get("EXT_texture_webp", {})
        image = source.document["images"][webp.get("source", entry.get("source"))]
        if "bufferView" in image:
            return container.view_bytes(source, image["bufferView"])
        return container.decode_data_uri(image["uri"])
    except (*_READ_ERRORS, CastError):
        return None  # a missing texture leaves the base colour; the shape is still good


def cleaned(data: MeshData, name: str = "mesh") -> MeshData:
    """Without faces that are degenerate, not finite or out of range, and unused vertices.

    Raises:
        CastError: nothing is left.
    """
    faces, vertices, face_material = data.faces, data.vertices, data.face_material
    low, high = (faces.min(), faces.max()) if faces.size else (0, -1)
    # Most meshes are sound, and telling so is cheaper than asking each face.
    if low < 0 or high >= len(vertices) or not np.abs(vertices).max(initial=0.0) < 1e12:
        keep = np.all((faces >= 0) & (faces < len(vertices)), axis=1)
        finite = np.all(np.isfinite(vertices) & (np.abs(vertices) < 1e12), axis=1)
        keep &= finite[np.where(keep[:, None], faces, 0)].all(1)
        faces, face_material = faces[keep], face_material[keep]
    if len(faces):
        a, b, c = (vertices[faces[:, i]] for i in range(3))
        double_area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
        used, _ = _compact(faces, len(vertices))
        extent = float(np.ptp(vertices[used], axis=0).max())
        solid = np.asarray(double_area > 1e-12 * extent * extent)
        if not solid.all():
            faces, face_material = faces[solid], face_material[solid]
    if not len(faces):
        raise CastError(f"{name} has no faces, so there is nothing to place")
    used, faces = _compact(faces, len(vertices))
    normals = None if data.normals is None else data.normals[used]
    vertices = np.ascontiguousarray(vertices[used])
    if normals is not None:
        bad = ~np.isfinite(normals).all(1) | (np.abs(np.linalg.norm(normals, axis=1) - 1) > 1e-3)
        if bad.any():
            normals = np.where(bad[:, None], vertex_normals(vertices, faces), normals)
    return replace(
        data,
        vertices=vertices,
        faces=faces,
        face_material=face_material.astype(np.int64),
        uv=None if data.uv is None else data.uv[used],
        normals=normals,
        colours=None if data.colours is None else np.nan_to_num(data.colours[used], nan=1.0),
    )


def _compact(faces: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The vertices (k,) of ``count`` that (m, 3) faces use, ascending, and the faces in those."""
    used = np.zeros(count, bool)
    used[faces.reshape(-1)] = True
    number = np.cumsum(used, dtype=np.int64) - 1
    return np.flatnonzero(used), number[faces]


def _unit(vectors: np.ndarray) -> np.ndarray:
    """(k, 3) scaled to length 1; zero stays zero."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length > 0, length, 1.0)


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(n, 3) unit normals, area-weighted; +y where a vertex has no area around it."""
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    weighted = np.cross(b - a, c - a)
    out = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(out, faces[:, corner], weighted)
    length = np.linalg.norm(out, axis=1, keepdims=True)
    return np.where(length > 1e-300, out / np.where(length > 0, length, 1), [0.0, 1.0, 0.0])


# --- writing ---------------------------------------------------------------------------------


def make_glb(data: MeshData, name: str = "object") -> bytes:
    """A self-contained GLB with one node, one mesh and one primitive per material.

    Raises:
        CastError: there is no face to write.
    """
    data = cleaned(data, name)
    binary = bytearray()
    views: list[dict[str, Any]] = []
    accessors: list[dict[str, Any]] = []

    def add_view(content: bytes, target: int | None = None) -> int:
        binary.extend(b"\0" * (-len(binary) % 4))
        view = {"buffer": 0, "byteOffset": len(binary), "byteLength": len(content)}
        views.append(view if target is None else view | {"target": target})
        binary.extend(content)
        return len(views) - 1

    def add_array(values: np.ndarray, kind: str, bounded: bool = False) -> int:
        values = np.ascontiguousarray(values, "<f4")
        entry = {"bufferView": add_view(values.tobytes(), 34962), "componentType": 5126}
        entry |= {"count": len(values), "type": kind}
        if bounded:
            entry |= {"min": values.min(0).tolist(), "max": values.max(0).tolist()}
        accessors.append(entry)
        return len(accessors) - 1

    def add_indices(faces: np.ndarray, count: int) -> int:
        code, dtype = (5123, "<u2") if count < 65535 else (5125, "<u4")
        at = add_view(faces.astype(dtype).tobytes(), 34963)
        entry = {"bufferView": at, "componentType": code, "count": faces.size, "type": "SCALAR"}
        accessors.append(entry)
        return len(accessors) - 1

    materials: list[dict[str, Any]] = []
    images: list[bytes] = []
    primitives = []
    for index, material in enumerate(data.materials):
        mine = data.faces[data.face_material == index]
        if not len(mine):
            continue
        used, compact = _compact(mine, len(data.vertices))
        attributes = {"POSITION": add_array(data.vertices[used], "VEC3", bounded=True)}
        if data.normals is not None:
            attributes["NORMAL"] = add_array(data.normals[used], "VEC3")
        textured = material.texture is not None and data.uv is not None
        if textured and data.uv is not None:
            attributes["TEXCOORD_0"] = add_array(data.uv[used], "VEC2")
        if data.colours is not None:
            attributes["COLOR_0"] = add_array(np.clip(data.colours[used], 0, 1), "VEC4")
        texture = None
        if textured and material.image is not None:
            if material.image not in images:
                images.append(material.image)
            texture = images.index(material.image)
        primitives.append(
            {
                "attributes": attributes,
                "indices": add_indices(compact, len(used)),
                "material": len(materials),
            }
        )
        materials.append(_material_json(material, texture))
    document: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": "CAST for ComfyUI"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"name": name, "mesh": 0}],
        "meshes": [{"name": name, "primitives": primitives}],
        "materials": materials,
    }
    if images:
        stored = [portable_image(image) for image in images]
        document["images"] = [
            {"bufferView": add_view(content), "mimeType": kind} for content, kind in stored
        ]
        document["samplers"] = [{"magFilter": 9729, "minFilter": 9987}]
        document["textures"] = [{"source": i, "sampler": 0} for i in range(len(images))]
    document |= {
        "accessors": accessors,
        "bufferViews": views,
        "buffers": [{"byteLength": len(binary)}],
    }
    return container.join_glb(document, bytes(binary))


def _material_json(material: Material, texture: int | None) -> dict[str, Any]:
    pbr: dict[str, Any] = {
        "baseColorFactor": [float(np.clip(v, 0, 1)) for v in material.base_colour],
        "metallicFactor": float(np.clip(material.metallic, 0, 1)),
        "roughnessFactor": float(np.clip(material.roughness, 0, 1)),
    }
    if texture is not None:
        pbr["baseColorTexture"] = {"index": texture}
    out: dict[str, Any] = {"pbrMetallicRoughness": pbr}
    if material.name:
        out["name"] = material.name
    if material.double_sided:
        out["doubleSided"] = True
    if material.alpha_mode in ("MASK", "BLEND"):
        out["alphaMode"] = material.alpha_mode
        if material.alpha_mode == "MASK":
            out["alphaCutoff"] = max(0.0, float(material.alpha_cutoff))
    return out


def portable_image(image: bytes) -> tuple[bytes, str]:
    """The picture as PNG or JPEG (all that core glTF allows), and its media type."""
    if image.startswith(b"\x89PNG\r\n\x1a\n"):
        return image, "image/png"
    if image.startswith(b"\xff\xd8\xff"):
        return image, "image/jpeg"
    out = io.BytesIO()
    with Image.open(io.BytesIO(image)) as picture:
        picture.convert("RGBA").save(out, "PNG")
    return out.getvalue(), "image/png"
