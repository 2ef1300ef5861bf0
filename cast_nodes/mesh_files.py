"""Model files of the user: GLB, glTF, OBJ with MTL and textures, PLY, STL.

A file only ever reads others that lie in its own folder or below it.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Literal
from urllib.parse import unquote

import numpy as np

from . import gltf as container
from .errors import CastError
from .mesh_data import Material, MeshData, cleaned, linear_from_srgb, make_glb, read_glb
from .types import Mesh

MAX_FILE_BYTES = 150 << 20
MAX_FACES = 2_000_000
SUFFIXES = (".glb", ".gltf", ".obj", ".ply", ".stl")

Unit = Literal["m", "cm", "mm", "inch", "unknown"]
METRES = {"m": 1.0, "cm": 0.01, "mm": 0.001, "inch": 0.0254, "unknown": 1.0}
"""Metres per unit; of an unknown unit the numbers stay as they are."""

Fetch = Callable[[str], bytes]
"""Gives a file named inside another one; raises :class:`CastError` when it may not or cannot."""

_UP = {
    "y": np.eye(4),
    "z": np.array([[1, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]], np.float64),
}
"""(4, 4) y-up-from-file by the axis that is up in the file."""


def load_mesh_file(path: Path, unit: Unit = "m", up: Literal["y", "z"] = "y") -> Mesh:
    """A model file as a mesh in metres, y up (of an unknown unit: as it is, not metric).

    A GLB keeps its bytes (below a new root where unit or axis ask for it), so that all of its
    materials survive; the others become one.

    Raises:
        CastError: missing, too large, not what its name says, damaged, or without faces; the
            message names the file.
    """
    data = read_file(path)
    matrix = _UP[up] @ np.diag([METRES[unit]] * 3 + [1.0])
    glb = glb_of_file(data, path.suffix.lower(), folder_fetch(path.parent), path.name, matrix)
    return Mesh(glb, name=path.stem, source=path.name, metric=unit != "unknown")


def glb_of_file(data: bytes, kind: str, fetch: Fetch, name: str, matrix: np.ndarray) -> bytes:
    """A model file's content as one GLB, y up.

    Args:
        kind: one of :data:`SUFFIXES`.
        fetch: gives the files that it names.
        name: for messages.
        matrix: (4, 4) y-up-from-file.

    Raises:
        CastError: as :func:`load_mesh_file`.
    """
    if kind in (".glb", ".gltf"):
        glb = data if kind == ".glb" else pack_gltf(data, fetch, name)
        document, _ = container.split_glb(glb, name)
        if any("uri" in item for k in ("buffers", "images") for item in document.get(k, [])):
            glb = pack_gltf_document(document, container.split_glb(glb, name)[1], fetch, name)
        check_size(read_glb(glb, name), name)
        return (
            glb if np.allclose(matrix, np.eye(4)) else container.under_new_root(glb, matrix, name)
        )
    if kind not in SUFFIXES:
        raise CastError(f"{name} is of no known kind; use one of {', '.join(SUFFIXES)}")
    mesh = parse_with_trimesh(data, kind[1:], fetch, name)
    check_size(mesh, name)
    return make_glb(mesh.moved(matrix), PurePosixPath(name).stem)


def read_file(path: Path, limit: int = MAX_FILE_BYTES) -> bytes:
    """The bytes of a file.

    Raises:
        CastError: it is missing, no file, unreadable, empty or larger than ``limit``.
    """
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise CastError(f"{path} is not a file")
        if size > limit:
            raise CastError(
                f"{path.name} has {size / 2**20:.0f} MB, the limit is {limit / 2**20:.0f} MB; "
                "reduce its faces or textures"
            )
        data = path.read_bytes()
    except OSError as error:
        raise CastError(f"{path} cannot be read: {error.strerror or error}") from error
    if not data:
        raise CastError(f"{path.name} is empty")
    return data


def check_size(mesh: MeshData, name: str) -> None:
    """Raises :class:`CastError` for more faces than a scene can bear."""
    if len(mesh.faces) > MAX_FACES:
        raise CastError(f"{name} has {len(mesh.faces)} faces, the limit is {MAX_FACES}; reduce it")


def inner_path(name: str) -> PurePosixPath | None:
    """A name written inside a model file as a relative path that stays below its folder."""
    path = PurePosixPath(unquote(name.strip()).replace("\\", "/"))
    parts = [p for p in path.parts if p != "."]
    bad = path.is_absolute() or ".." in parts or not parts or ":" in parts[0]
    return None if bad else PurePosixPath(*parts)


def folder_fetch(folder: Path) -> Fetch:
    """Reads files named inside a model that lies in ``folder``, only from there or below."""

    def fetch(name: str) -> bytes:
        inner = inner_path(name)
        path = folder / inner if inner is not None else None
        if path is None or not path.resolve().is_relative_to(folder.resolve()):
            raise CastError(f"{name!r} lies outside the model's folder, so it is not read")
        return read_file(path)

    return fetch


def pack_gltf(data: bytes, fetch: Fetch, name: str) -> bytes:
    """A ``.gltf`` with its buffers and pictures in one GLB.

    Raises:
        CastError: no glTF, or a file that belongs to it is missing.
    """
    import json

    try:
        document = json.loads(data)
        assert isinstance(document, dict) and "asset" in document
    except (ValueError, AssertionError) as error:
        raise CastError(f"{name} is not a glTF file; export it as .glb") from error
    return pack_gltf_document(document, b"", fetch, name)


def pack_gltf_document(document: dict[str, Any], binary: bytes, fetch: Fetch, name: str) -> bytes:
    """A glTF document with all outside buffers and pictures brought into its binary chunk."""

    def load(uri: str) -> bytes:
        if uri.startswith("data:"):
            return container.decode_data_uri(uri, name)
        try:
            return fetch(uri)
        except CastError as error:
            raise CastError(f"{name} needs {uri!r}: {error}") from error

    container.refuse_compressed(document, name)
    try:
        joined, starts = bytearray(), []
        for buffer in document.get("buffers", []):
            content = load(buffer["uri"]) if "uri" in buffer else binary
            joined.extend(b"\0" * (-len(joined) % 4))
            starts.append(len(joined))
            joined.extend(content)
        views = document.setdefault("bufferViews", [])
        for view in views:
            view["byteOffset"] = starts[view["buffer"]] + view.get("byteOffset", 0)
            view["buffer"] = 0
        for image in document.get("images", []):
            if "uri" not in image:
                continue
            content = load(image.pop("uri"))
            joined.extend(b"\0" * (-len(joined) % 4))
            views.append({"buffer": 0, "byteOffset": len(joined), "byteLength": len(content)})
            joined.extend(content)
            png = content.startswith(b"\x89PNG")
            image |= {"bufferView": len(views) - 1}
            image["mimeType"] = "image/png" if png else "image/jpeg"
        document["buffers"] = [{"byteLength": len(joined)}]
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise CastError(f"{name} is damaged ({error!r}); export it again") from error
    return container.join_glb(document, bytes(joined))


def parse_with_trimesh(data: bytes, kind: str, fetch: Fetch, name: str) -> MeshData:
    """OBJ, PLY or STL as they are in the file (no unit or axis change).

    Raises:
        CastError: it cannot be read or holds no face.
    """
    import trimesh

    try:
        loaded = trimesh.load(
            io.BytesIO(data),
            file_type=kind,
            resolver=_make_resolver(fetch),
            process=False,
            force="scene",
            split_object=False,
            group_material=True,
        )
        parts = [
            g
            for g in loaded.dump()  # type: ignore[union-attr]
            if isinstance(g, trimesh.Trimesh) and len(g.faces)
        ]
    except CastError:
        raise
    except Exception as error:  # each of its parsers fails in ways of its own
        raise CastError(f"{name} cannot be read as {kind.upper()}; export it again") from error
    if not parts:
        raise CastError(f"{name} holds no faces that can be read as {kind.upper()}")
    return joined([data_from_trimesh(part) for part in parts], name)


def joined(blocks: Sequence[MeshData], name: str) -> MeshData:
    """Several meshes of one material each as one.

    Raises:
        CastError: nothing but degenerate faces.
    """
    starts = np.cumsum([0, *(len(b.vertices) for b in blocks[:-1])])
    with_uv = any(b.uv is not None for b in blocks)
    with_colours = any(b.colours is not None for b in blocks)
    with_normals = any(b.normals is not None for b in blocks)

    def filled(values: np.ndarray | None, count: int, width: int, fill: float) -> np.ndarray:
        return np.full((count, width), fill) if values is None else values

    def gathered(field: str, wanted: bool, width: int, fill: float) -> np.ndarray | None:
        if not wanted:
            return None
        return np.concatenate(
            [filled(getattr(b, field), len(b.vertices), width, fill) for b in blocks]
        )

    return cleaned(
        MeshData(
            np.concatenate([b.vertices for b in blocks]),
            np.concatenate([b.faces + s for b, s in zip(blocks, starts, strict=True)]),
            np.concatenate([np.full(len(b.faces), i) for i, b in enumerate(blocks)]),
            tuple(b.materials[0] for b in blocks),
            gathered("uv", with_uv, 2, 0.0),
            gathered("normals", with_normals, 3, np.nan),
            gathered("colours", with_colours, 4, 1.0),
        ),
        name,
    )


def _make_resolver(fetch: Fetch) -> Any:
    """A trimesh resolver that asks ``fetch``; what is missing counts as absent, as MTLs often are."""
    from trimesh.resolvers import Resolver

    class Inner(Resolver):
        def __init__(self) -> None:
            pass

        def get(self, key: str) -> bytes:
            try:
                return fetch(key)
            except CastError as error:
                raise FileNotFoundError(key) from error

        def keys(self) -> Any:
            return ()

        def namespaced(self, namespace: str) -> Any:
            return self

        def write(self, name: str, data: Any) -> None:
            raise NotImplementedError

    return Inner()


def data_from_trimesh(part: Any) -> MeshData:
    """One trimesh geometry with its one material."""
    visual, colours, uv = part.visual, None, None
    material = Material("default", (0.6, 0.6, 0.6, 1.0))
    if visual.kind == "texture" and visual.material is not None:
        material = _from_trimesh_material(visual.material)
        if visual.uv is not None and len(visual.uv) == len(part.vertices):
            uv = np.nan_to_num(np.asarray(visual.uv, np.float64))
            uv = np.stack([uv[:, 0], 1 - uv[:, 1]], 1)  # trimesh counts v from the bottom
    elif visual.kind == "vertex":
        rgba = np.asarray(visual.vertex_colors, np.float64) / 255
        colours = np.concatenate([linear_from_srgb(rgba[:, :3]), rgba[:, 3:]], 1)
        material = Material("vertex colours")
    return MeshData(
        np.array(part.vertices, np.float64),
        np.array(part.faces, np.int64),
        np.zeros(len(part.faces), np.int64),
        (material,),
        uv,
        None,
        colours,
    )


def _from_trimesh_material(source: Any) -> Material:
    """A material of an MTL; its colours are display values, so they become linear."""
    name = str(getattr(source, "name", "") or "")
    diffuse = getattr(source, "diffuse", None)
    if diffuse is None:
        diffuse = getattr(source, "main_color", None)
    rgba = np.array([153, 153, 153, 255.0]) if diffuse is None else np.array(diffuse, np.float64)
    rgb = linear_from_srgb(rgba[:3] / 255)
    opacity = _opacity(source, float(rgba[3] / 255) if len(rgba) > 3 else 1.0)
    picture = getattr(source, "image", None) or getattr(source, "baseColorTexture", None)
    image, mode = None, "BLEND" if opacity < 0.99 else "OPAQUE"
    if picture is not None:
        out = io.BytesIO()
        if picture.mode not in ("RGB", "RGBA", "L"):
            picture = picture.convert("RGBA" if "transparency" in picture.info else "RGB")
        picture.save(out, "PNG")
        image, rgb = out.getvalue(), np.ones(3)  # a picture replaces Kd in most programs
        if picture.mode == "RGBA" and opacity >= 0.99 and np.asarray(picture)[..., 3].min() < 250:
            mode = "MASK"
    r, g, b = (float(c) for c in rgb)
    return Material(name, (r, g, b, opacity), image, double_sided=True, alpha_mode=mode)


def _opacity(source: Any, default: float) -> float:
    """MTL's ``d``, or 1 - ``Tr``; 0 is taken for a mistake of the exporter."""
    for key, invert in (("d", False), ("tr", True)):
        value = getattr(source, "kwargs", {}).get(key)
        try:
            number = float(value[0] if isinstance(value, (list, tuple)) else value)  # type: ignore
        except (TypeError, ValueError, IndexError):
            continue
        number = 1 - number if invert else number
        return number if 0 < number <= 1 else 1.0
    return default if default > 0 else 1.0
