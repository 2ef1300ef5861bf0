"""Keeping a scene small: textures scaled down, then triangles thinned, the largest meshes first."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from PIL import Image

from ..errors import CastError
from ..gltf import join_glb, open_glb, view_bytes
from ..mesh_data import make_glb, read_glb
from ..simplify import thinned

TEXTURE_SIDES = (2048, 1024, 512)
LAST_SIDES = (256, 128)
FEWEST = 1_000
"""Triangles that a mesh keeps in any case."""
TRIES = 4
LOOKED_AT = ("baseColorTexture", "diffuseTexture", "emissiveTexture")
_UNREADABLE = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)


def within_budget(
    glbs: Mapping[int, bytes], budget: int
) -> tuple[dict[int, bytes], dict[int, str]]:
    """The meshes, made small enough to fit ``budget`` bytes together, and what was done to which.

    Small meshes stay as they are; the large ones share what is left evenly. A mesh that is used
    twice counts once, as it is stored once.
    """
    distinct = {glb: len(glb) for glb in glbs.values()}
    share = _fair_share(sorted(distinct.values()), max(budget, 0))
    smaller: dict[bytes, tuple[bytes, str]] = {}
    for glb, size in distinct.items():
        if size > share:
            smaller[glb] = reduced(glb, share)
    done = {i: smaller.get(glb, (glb, "")) for i, glb in glbs.items()}
    return {i: glb for i, (glb, _) in done.items()}, {i: w for i, (_, w) in done.items() if w}


def _fair_share(sizes: list[int], budget: int) -> float:
    """The size above which meshes must shrink so that all fit (sizes ascending)."""
    left = float(budget)
    for index, size in enumerate(sizes):
        fair = left / (len(sizes) - index)
        if size > fair:
            return fair
        left -= size
    return float("inf")


def reduced(glb: bytes, target: float) -> tuple[bytes, str]:
    """A smaller GLB of the same mesh, and what was done; as small as it sensibly gets.

    Colour textures become JPEG first, then smaller; then there are fewer triangles, and the
    textures become smaller still where that was not enough.
    """
    best, done = glb, {}

    def take(candidate: bytes, kind: str, what: str) -> bool:
        """Keeps a candidate that is smaller; tells whether it is small enough."""
        nonlocal best
        if len(candidate) < len(best):
            best = candidate
            done[kind] = what
        return len(best) <= target

    def words() -> str:
        return "; ".join(done.values())

    if take(with_jpeg_colours(best), "kind", "colour textures written as JPEG"):
        return best, words()
    for side in TEXTURE_SIDES:
        if take(with_textures_up_to(best, side), "side", f"textures reduced to {side} px"):
            return best, words()
    try:
        data = read_glb(best)
    except CastError:
        return best, words()
    pictures = sum(map(len, {m.image for m in data.materials if m.image is not None}))
    geometry, wanted = len(make_glb(data)) - pictures, len(data.faces)
    for _ in range(TRIES):
        share = min(max(target - pictures, 0.0) / max(geometry, 1), 1.0)
        wanted = max(FEWEST, int(0.9 * wanted * share))
        thin = thinned(data, wanted)
        made = make_glb(thin)
        faces = f"{len(data.faces)} triangles reduced to {len(thin.faces)}"
        if take(made, "faces", faces) or wanted == FEWEST:
            break
        geometry = len(made) - pictures
    for side in LAST_SIDES:
        if len(best) <= target:
            break
        take(with_textures_up_to(best, side), "side", f"textures reduced to {side} px")
    return best, words()


def with_textures_up_to(glb: bytes, side: int) -> bytes:
    """The same GLB with larger pictures scaled down to this longest side; all else stays."""
    return _with_pictures(glb, lambda index, content: _smaller_picture(content, side))


def with_jpeg_colours(glb: bytes) -> bytes:
    """The same GLB with PNGs as JPEG where those are smaller, hold no transparency and are only
    looked at (colour, emission), not calculated with (normals, roughness)."""
    gltf = open_glb(glb)
    seen, used = set[int](), set[int]()
    for material in gltf.document.get("materials", []):
        for path, info in _texture_infos(material):
            image = gltf.document["textures"][info["index"]].get("source")
            (seen if path in LOOKED_AT else used).add(image)
    return _with_pictures(
        glb, lambda index, content: _as_jpeg(content) if index in seen - used else None
    )


def _texture_infos(entry: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """All texture infos below a material, with the name of their slot."""
    if isinstance(entry, dict):
        for name, value in entry.items():
            if name.endswith("Texture") and isinstance(value, dict) and "index" in value:
                yield name, value
            else:
                yield from _texture_infos(value, name)


def _with_pictures(glb: bytes, make: Callable[[int, bytes], tuple[bytes, str] | None]) -> bytes:
    """The same GLB with some pictures replaced.

    Args:
        make: from an image's index and its content to its new content and media type, or None.
    """
    gltf = open_glb(glb)
    document = gltf.document
    if len(document.get("buffers", [])) != 1:
        return glb
    replaced: dict[int, bytes] = {}
    for index, image in enumerate(document.get("images", [])):
        if "bufferView" not in image or image["bufferView"] in replaced:
            continue
        made = make(index, view_bytes(gltf, image["bufferView"]))
        if made is not None:
            replaced[image["bufferView"]], image["mimeType"] = made
    if not replaced:
        return glb
    binary = bytearray()
    for index, view in enumerate(document["bufferViews"]):
        content = replaced.get(index) or view_bytes(gltf, index)
        binary.extend(b"\0" * (-len(binary) % 4))
        view |= {"byteOffset": len(binary), "byteLength": len(content)}
        binary.extend(content)
    document["buffers"] = [{"byteLength": len(binary)}]
    return join_glb(document, bytes(binary))


def _as_jpeg(content: bytes) -> tuple[bytes, str] | None:
    """An opaque PNG as JPEG, where that is smaller."""
    try:
        with Image.open(io.BytesIO(content)) as picture:
            if picture.format != "PNG":
                return None
            opaque = picture.convert("RGBA")
            if opaque.getextrema()[3] != (255, 255):
                return None
            out = io.BytesIO()
            opaque.convert("RGB").save(out, "JPEG", quality=92, subsampling=0)
    except _UNREADABLE:
        return None
    return (out.getvalue(), "image/jpeg") if len(out.getvalue()) < len(content) else None


def _smaller_picture(content: bytes, side: int) -> tuple[bytes, str] | None:
    """The picture scaled down and its media type, or None when it is small enough or unreadable."""
    try:
        with Image.open(io.BytesIO(content)) as picture:
            kind = picture.format
            if max(picture.size) <= side or kind not in ("PNG", "JPEG"):
                return None
            if picture.mode not in ("L", "RGB", "RGBA"):
                picture = picture.convert("RGBA" if "transparency" in picture.info else "RGB")
            factor = side / max(picture.size)
            size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
            small = picture.resize(size, Image.Resampling.LANCZOS)
    except _UNREADABLE:
        return None
    out = io.BytesIO()
    if kind == "JPEG":
        small.save(out, "JPEG", quality=92)
    else:
        small.save(out, "PNG", optimize=True)
    return out.getvalue(), f"image/{kind.lower()}"
