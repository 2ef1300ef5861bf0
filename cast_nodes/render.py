"""Pictures of posed meshes: textured, softly lit, without a graphics card.

For looking at results (the scene beside the photo, a turntable), not for realism: light is a
sky above, a darker ground below and two broad lamps that move with the camera; no shadows.
Shading is computed in linear light and written as sRGB.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from .frames import CAMERA_UP, Sim3, crop_intrinsics, resize_intrinsics
from .mesh_data import Material, MeshData, linear_from_srgb, read_mesh, srgb_from_linear
from .raster import Raster, rasterize
from .types import Mesh

BAND_PIXELS = 1 << 20
"""Bound of the samples shaded at a time; it bounds memory at a few hundred MB."""

MAX_LAYERS = 4
"""See-through layers that are followed before the rest is left out."""

_LINEAR = linear_from_srgb(np.arange(256) / 255).astype(np.float32)
_PAPER = np.array([236, 236, 234], np.uint8)


@dataclass(frozen=True)
class Lighting:
    """Where light comes from.

    Attributes:
        sky, ground: ambient strength on surfaces that face up and down.
        lamps: (direction towards the lamp in the camera frame, strength) each. Lamps wrap
            around (half-Lambert squared), so nothing is black.
    """

    sky: float = 0.54
    ground: float = 0.24
    lamps: tuple[tuple[tuple[float, float, float], float], ...] = (
        ((-0.55, -0.65, -0.52), 0.54),
        ((0.80, -0.15, -0.58), 0.14),
    )


STUDIO = Lighting()


@dataclass(frozen=True, eq=False)
class Rendered:
    """A picture and what it shows.

    Attributes:
        rgb: (H, W, 3) uint8 sRGB.
        depth: (H, W) float32, z at the pixel's centre, NaN where nothing is hit.
        ids: (H, W) int64, index of the item seen at the pixel's centre, -1 for the background.
    """

    rgb: np.ndarray
    depth: np.ndarray
    ids: np.ndarray


def render(
    items: Sequence[tuple[Mesh | MeshData, Sim3]],
    intrinsics: np.ndarray,
    width: int,
    height: int,
    background: np.ndarray | None = None,
    *,
    supersample: int = 2,
    up: np.ndarray | None = None,
    lighting: Lighting = STUDIO,
    unlit: Collection[int] = (),
    near: float = 1e-3,
) -> Rendered:
    """Draws meshes at their poses.

    Args:
        items: (mesh, camera_from_object) each.
        intrinsics: (3, 3) pixels of the picture.
        background: (H, W, 3) uint8, or (3,) uint8 for one colour; None is paper white.
        supersample: samples per pixel along each side; 1 has jagged edges.
        up: (3,) in the camera frame, where the sky is; None is a level camera's.
        unlit: indices of the items whose textures hold their light already (photographed walls).
        near: smallest depth that is seen.

    Raises:
        CastError: a mesh cannot be read.
        ValueError: a background of another size, no pixels, supersample < 1.
    """
    if supersample < 1:
        raise ValueError(f"supersample must be at least 1, got {supersample}")
    ground = np.broadcast_to(_PAPER if background is None else background, (height, width, 3))
    soup = gather_triangles(items, unlit)
    sky = np.asarray(CAMERA_UP if up is None else up, np.float64)
    sky = sky / np.linalg.norm(sky)

    rgb = np.empty((height, width, 3), np.uint8)
    depth = np.empty((height, width), np.float32)
    ids = np.empty((height, width), np.int64)
    rows = max(1, BAND_PIXELS // (width * supersample**2))
    for top in range(0, height, rows):
        band = slice(top, min(height, top + rows))
        tall = band.stop - top
        camera = crop_intrinsics(intrinsics, 0, top)
        behind = _LINEAR[ground[band]]
        fine = resize_intrinsics(camera, supersample, supersample)
        colour, *centre = _draw(
            soup, fine, width * supersample, tall * supersample, near, sky, lighting
        )
        if supersample > 1:
            colour = colour.reshape(tall, supersample, width, supersample, 4).mean((1, 3))
            centre = _draw(soup, camera, width, tall, near, sky, None)[1:]
        depth[band], ids[band] = centre
        # Averaging in linear light would thin dark edges to the eye; coverage is what counts.
        with np.errstate(divide="ignore", invalid="ignore"):
            own = srgb_from_linear(colour[..., :3] / np.maximum(colour[..., 3:], 1e-6))
        seen = colour[..., 3:]
        mixed = own * seen + srgb_from_linear(behind) * (1 - seen)
        rgb[band] = np.round(255 * np.clip(mixed, 0, 1)).astype(np.uint8)
    return Rendered(rgb, depth, ids)


@dataclass(frozen=True, eq=False)
class Soup:
    """All items' triangles in the camera frame, as one mesh.

    Attributes:
        item, material: (m,) per face.
        see_through, unlit: (m,) bool per face.
    """

    vertices: np.ndarray
    faces: np.ndarray
    item: np.ndarray
    material: np.ndarray
    see_through: np.ndarray
    unlit: np.ndarray
    uv: np.ndarray
    normals: np.ndarray
    colours: np.ndarray
    materials: tuple[Material, ...]


def gather_triangles(
    items: Sequence[tuple[Mesh | MeshData, Sim3]], unlit: Collection[int] = ()
) -> Soup:
    """All items as one mesh in the camera frame."""
    vertices, faces, item, material, uv, normals, colours = ([] for _ in range(7))
    materials: list[Material] = []
    count = 0
    for index, (mesh, camera_from_object) in enumerate(items):
        data = read_mesh(mesh) if isinstance(mesh, Mesh) else mesh
        n = len(data.vertices)
        vertices.append(camera_from_object.apply(data.vertices))
        faces.append(data.faces + count)
        item.append(np.full(len(data.faces), index))
        material.append(data.face_material + len(materials))
        uv.append(np.zeros((n, 2)) if data.uv is None else data.uv)
        # Zero stands for "flat": the face's own normal is taken there.
        own = np.zeros((n, 3)) if data.normals is None else data.normals
        normals.append(camera_from_object.rotate(own))
        colours.append(np.ones((n, 4)) if data.colours is None else data.colours)
        materials.extend(data.materials)
        count += n
    if not items:
        vertices, faces, uv = [np.zeros((0, 3))], [np.zeros((0, 3), np.int64)], [np.zeros((0, 2))]
        item = material = [np.zeros(0, np.int64)]
        normals, colours = [np.zeros((0, 3))], [np.zeros((0, 4))]
    all_materials = np.concatenate(material)
    glassy = np.array([m.alpha_mode != "OPAQUE" for m in materials], bool)
    items_of = np.concatenate(item)
    return Soup(
        np.concatenate(vertices),
        np.concatenate(faces),
        items_of,
        all_materials,
        glassy[all_materials],
        np.isin(items_of, list(unlit)),
        np.concatenate(uv).astype(np.float32),
        np.concatenate(normals).astype(np.float32),
        np.concatenate(colours).astype(np.float32),
        tuple(materials),
    )


def _draw(
    soup: Soup,
    intrinsics: np.ndarray,
    width: int,
    height: int,
    near: float,
    sky: np.ndarray,
    lighting: Lighting | None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Colour (H, W, 4) float32 linear, premultiplied; depth; item. No lighting, no colour."""
    colour = np.zeros((height, width, 4), np.float32)
    depth = np.full((height, width), np.nan, np.float32)
    item = np.full((height, width), -1, np.int64)

    def add(raster: Raster, index: np.ndarray) -> None:
        """Puts a layer behind what is there."""
        where = np.nonzero(raster.mask)
        face = index[raster.face[where]]
        bary = raster.bary[where].astype(np.float32)
        rgba = _shade(soup, face, bary, sky, lighting)
        left = 1 - colour[where][:, 3:]
        rgba[:, :3] *= rgba[:, 3:]
        before = colour[where][:, 3] < 0.5
        colour[where] += left * rgba
        # The pixel belongs to the layer that makes it more than half opaque.
        first = before & (colour[where][:, 3] >= 0.5)
        spot = where[0][first], where[1][first]
        depth[spot], item[spot] = raster.depth[spot], soup.item[face[first]]

    solid = np.flatnonzero(~soup.see_through)
    back = rasterize(soup.vertices, soup.faces[solid], intrinsics, width, height, near)
    glassy = np.flatnonzero(soup.see_through)
    if len(glassy):
        in_front = None
        for _ in range(MAX_LAYERS):
            layer = rasterize(
                soup.vertices, soup.faces[glassy], intrinsics, width, height, near, in_front
            )
            if not layer.mask.any():
                break
            in_front = layer.depth
            hidden = layer.depth >= back.depth  # NaN compares false: nothing solid there
            shown = np.where(hidden, -1, layer.face)
            add(Raster(layer.depth, shown, layer.bary), glassy)
    add(back, solid)
    return colour, depth, item


def _shade(
    soup: Soup, face: np.ndarray, bary: np.ndarray, sky: np.ndarray, lighting: Lighting | None
) -> np.ndarray:
    """(k, 4) float32 linear straight RGBA of k surface points, lit where there is lighting."""
    rgba = surface_colour(soup, face, bary)
    if lighting is not None:
        light = _light(facing_normals(soup, face, bary), sky, lighting)
        rgba[:, :3] *= np.where(soup.unlit[face], np.float32(1), light)[:, None]
    return rgba


def surface_colour(soup: Soup, face: np.ndarray, bary: np.ndarray) -> np.ndarray:
    """(k, 4) float32 linear straight RGBA, before any light, of k points on faces (k,) at
    weights (k, 3): base colour x vertex colour x texture, alpha by the material's mode."""
    corners = soup.faces[face]
    rgba = _mix(soup.colours, corners, bary)
    material = soup.material[face]
    uv = _mix(soup.uv, corners, bary)
    for number in np.unique(material):
        mine = np.flatnonzero(material == number)
        kind = soup.materials[number]
        rgba[mine] *= np.asarray(kind.base_colour, np.float32)
        if kind.texture is not None:
            rgba[mine] *= sample_bilinear(kind.texture, uv[mine])
        if kind.alpha_mode == "MASK":
            rgba[mine, 3] = rgba[mine, 3] >= kind.alpha_cutoff
        elif kind.alpha_mode == "OPAQUE":
            rgba[mine, 3] = 1
    rgba[:, 3] = np.clip(rgba[:, 3], 0, 1)
    return rgba


def _mix(values: np.ndarray, corners: np.ndarray, bary: np.ndarray) -> np.ndarray:
    """(k, d) attributes of points from those of their faces' corners."""
    out = values[corners[:, 0]] * bary[:, :1]
    out += values[corners[:, 1]] * bary[:, 1:2]
    out += values[corners[:, 2]] * bary[:, 2:]
    return out


def facing_normals(soup: Soup, face: np.ndarray, bary: np.ndarray) -> np.ndarray:
    """(k, 3) float32 unit normals, smooth where the mesh is, of the side that faces the camera."""
    used, inverse = np.unique(face, return_inverse=True)
    a, b, c = (soup.vertices[soup.faces[used, i]] for i in range(3))
    flat = np.cross(b - a, c - a)
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-30)
    flat *= np.where((flat * a).sum(1, keepdims=True) > 0, -1, 1)
    flat = flat.astype(np.float32)[inverse.reshape(-1)]
    smooth = _mix(soup.normals, soup.faces[face], bary)
    length = np.linalg.norm(smooth, axis=1, keepdims=True)
    smooth *= np.where((smooth * flat).sum(1, keepdims=True) < 0, np.float32(-1), np.float32(1))
    return np.where(length > 0.1, smooth / np.maximum(length, np.float32(1e-6)), flat)


def _light(normals: np.ndarray, sky: np.ndarray, lighting: Lighting) -> np.ndarray:
    """(k,) float32 strength of the light that each normal sees."""
    upness = 0.5 + 0.5 * (normals @ sky.astype(np.float32))
    light = lighting.ground + (lighting.sky - lighting.ground) * upness
    for direction, strength in lighting.lamps:
        towards = np.asarray(direction, np.float32)
        towards /= np.linalg.norm(towards)
        light += strength * np.square(0.5 + 0.5 * (normals @ towards))
    return light.astype(np.float32)


def sample_bilinear(texture: np.ndarray, uv: np.ndarray) -> np.ndarray:
    """(k, 4) float32 linear RGBA of (h, w, 4) uint8 sRGB at (k, 2) uv: bilinear, repeating."""
    height, width = texture.shape[:2]
    finite = np.nan_to_num(uv, nan=0.0, posinf=0.0, neginf=0.0)
    x = np.mod(finite[:, 0], 1.0) * width - 0.5
    y = np.mod(finite[:, 1], 1.0) * height - 0.5
    x0, y0 = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    fx, fy = (x - x0)[:, None].astype(np.float32), (y - y0)[:, None].astype(np.float32)

    def texel(column: np.ndarray, row: np.ndarray) -> np.ndarray:
        picked = texture[row % height, column % width]
        out = np.empty((len(picked), 4), np.float32)
        out[:, :3] = _LINEAR[picked[:, :3]]
        out[:, 3] = picked[:, 3] / np.float32(255)
        return out

    upper = texel(x0, y0) * (1 - fx) + texel(x0 + 1, y0) * fx
    lower = texel(x0, y0 + 1) * (1 - fx) + texel(x0 + 1, y0 + 1) * fx
    return upper * (1 - fy) + lower * fy


def camera_looking_at(eye: np.ndarray, target: np.ndarray, up: np.ndarray) -> Sim3:
    """``camera_from_world`` of a camera at ``eye`` that looks at ``target``, in any world frame.

    Args:
        eye, target, up: (3,) in the world; up need not be orthogonal to the view.

    Raises:
        ValueError: eye and target coincide.
    """
    eye = np.asarray(eye, np.float64)
    forward = np.asarray(target, np.float64) - eye
    if not np.linalg.norm(forward) > 0:
        raise ValueError("a camera cannot look at the point it stands on")
    forward = forward / np.linalg.norm(forward)
    right = np.cross(forward, up)
    if np.linalg.norm(right) < 1e-9:  # looking along up: any right will do
        right = np.cross(forward, [1.0, 0.0, 0.0] if abs(forward[0]) < 0.9 else [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    return Sim3(rotation, -rotation @ eye)
