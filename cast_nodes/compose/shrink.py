"""Keeping a scene small: textures scaled down, then triangles thinned, the largest meshes first."""

from __future__ import annotations

import io
from collections.abc import Mapping

from PIL import Image

from ..errors import CastError
from ..gltf import join_glb, open_glb, view_bytes
from ..mesh_data import make_glb, read_glb
from ..simplify import clustered

TEXTURE_SIDES = (2048, 1024, 512)
CELLS = (512, 384, 256, 192, 144, 108, 80, 60)


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
    """A smaller GLB of the same mesh, and what was done; as small as it sensibly gets."""
    best, what = glb, ""
    for side in TEXTURE_SIDES:
        best_now = with_textures_up_to(best, side)
        if len(best_now) < len(best):
            best, what = best_now, f"textures reduced to {side} px"
        if len(best) <= target:
            return best, what
    try:
        data = read_glb(best)
    except CastError:
        return best, what
    for cells in CELLS:
        thin = clustered(data, cells)
        candidate = make_glb(thin)
        if len(candidate) < len(best):
            best = candidate
            faces = f"{len(data.faces)} triangles reduced to {len(thin.faces)}"
            textures = what.partition("; ")[0] if what.startswith("textures") else ""
            what = f"{textures}; {faces}" if textures else faces
        if len(best) <= target:
            break
    return best, what


def with_textures_up_to(glb: bytes, side: int) -> bytes:
    """The same GLB with larger pictures scaled down to this longest side; all else stays."""
    gltf = open_glb(glb)
    document = gltf.document
    replaced: dict[int, bytes] = {}
    for image in document.get("images", []):
        if "bufferView" not in image:
            continue
        picture = _smaller_picture(view_bytes(gltf, image["bufferView"]), side)
        if picture is not None:
            replaced[image["bufferView"]], image["mimeType"] = picture
    if not replaced or len(document.get("buffers", [])) != 1:
        return glb
    binary = bytearray()
    for index, view in enumerate(document["bufferViews"]):
        content = replaced.get(index) or view_bytes(gltf, index)
        binary.extend(b"\0" * (-len(binary) % 4))
        view |= {"byteOffset": len(binary), "byteLength": len(content)}
        binary.extend(content)
    document["buffers"] = [{"byteLength": len(binary)}]
    return join_glb(document, bytes(binary))


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
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    out = io.BytesIO()
    if kind == "JPEG":
        small.save(out, "JPEG", quality=92)
    else:
        small.save(out, "PNG", optimize=True)
    return out.getvalue(), f"image/{kind.lower()}"
