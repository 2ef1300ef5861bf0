"""Colours of the photo for a model's parts.

The model is drawn from its best matching view, fitted to the view's outline, and each material
takes the dominant colour of the photo's pixels that fall on it. Flat things whose picture is
what they are (paintings, rugs) take the photo itself, rectified.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from ..mesh_data import Material, MeshData, linear_from_srgb, srgb_from_linear
from ..raster import rasterize
from ._silhouettes import DISTANCE, Match, rotation

SIDE_PX = 144
"""Longer side of the picture in which parts and photo are compared."""
SHADE = 0.94
"""Linear light that reaches a camera from a white surface in a usual room, of the whole: photos
hold shaded colours, materials unshaded ones."""
MIN_PIXELS = 14


@dataclass(frozen=True, eq=False)
class PhotoColours:
    """What the photo shows of an object, on the comparison grid.

    Attributes:
        lab: (h, w, 3) float64 CIE Lab.
        seen: (h, w) bool, pixels that belong to the object and are visible in the photo.
    """

    lab: np.ndarray
    seen: np.ndarray


def prepare(
    mask: np.ndarray, rgba: np.ndarray, crop: np.ndarray, aspect: float
) -> PhotoColours | None:
    """The object cut to its outline and scaled; None when nothing of it is visible.

    Args:
        mask: (h, w) bool, the outline that the model fills.
        rgba: (h, w, 4) uint8, the completed view.
        crop: (h, w, 4) uint8, what the photo shows: its colours.
        aspect: width / height of a pixel.
    """
    from skimage.color import rgb2lab

    rows, columns = np.nonzero(mask)
    box = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    # Completed colours are guesses: the photo's own count wherever there are enough of them.
    visible = mask & (crop[..., 3] >= 128)
    source, mask = (crop, visible) if visible.sum() >= 60 else (rgba, mask)
    mask = _eroded(mask)
    tall, wide = mask[box].shape[0], mask[box].shape[1] * aspect
    scale = SIDE_PX / max(tall, wide)
    size = (max(2, round(wide * scale)), max(2, round(tall * scale)))
    y = np.minimum(
        (np.arange(size[1]) + 0.5) / size[1] * mask[box].shape[0], mask[box].shape[0] - 1
    )
    x = np.minimum(
        (np.arange(size[0]) + 0.5) / size[0] * mask[box].shape[1], mask[box].shape[1] - 1
    )
    at = np.ix_(y.astype(np.int64), x.astype(np.int64))
    seen = mask[box][at]
    if not seen.any():
        return None
    return PhotoColours(rgb2lab(source[box][..., :3][at]), seen)


def _eroded(mask: np.ndarray) -> np.ndarray:
    """Without its outermost pixels, which mix with the background; limbs keep their middle."""
    reach = np.asarray(ndimage.distance_transform_edt(mask))
    middle = reach >= ndimage.maximum_filter(reach, size=3)
    return mask & ((reach > 2) | (middle & (reach >= 1)))


def part_map(data: MeshData, match: Match, shape: tuple[int, int]) -> np.ndarray:
    """(h, w) int64 material seen at each pixel when the model's outline fills the picture, or -1."""
    height, width = shape
    low, high = data.bounds
    radius = max(float(np.linalg.norm(high - low)) / 2, 1e-12)
    points = (
        (data.vertices - (low + high) / 2) / radius @ rotation(match.yaw_deg, match.pitch_deg).T
    )
    points[:, 2] += DISTANCE
    flat = points[:, :2] / points[:, 2:]
    corner, extent = flat.min(0), np.maximum(np.ptp(flat, axis=0), 1e-9)
    fx, fy = width / extent[0], height / extent[1]
    intrinsics = np.array([[fx, 0, -corner[0] * fx], [0, fy, -corner[1] * fy], [0, 0, 1.0]])
    face = rasterize(points, data.faces, intrinsics, width, height).face
    return np.where(face >= 0, data.face_material[np.maximum(face, 0)], -1)


CARRIERS = frozenset({"legs", "frame", "base", "stand", "brackets"})
"""Parts that are thin and often of another material than what they carry."""


def recoloured(data: MeshData, match: Match, photo: PhotoColours) -> MeshData:
    """The mesh with each plain material in the photo's colour; textured ones stay."""
    parts = part_map(data, match, photo.seen.shape)
    overall = dominant_colours(photo.lab[photo.seen])
    area = np.bincount(parts[parts >= 0], minlength=len(data.materials))
    chosen: dict[int, np.ndarray | None] = {}
    for index in np.argsort(-area):  # large parts first: small ones are set off against them
        material = data.materials[index]
        # Away from the part's border where it is large enough: outlines never match exactly.
        core = ndimage.binary_erosion(parts == index, iterations=2) & photo.seen
        use = core if core.sum() >= MIN_PIXELS else (parts == index) & photo.seen
        if use.sum() < MIN_PIXELS:
            chosen[int(index)] = _closest(material, overall)
            continue
        found = dominant_colours(photo.lab[use])
        if material.name == "leaves":
            found = [_greenest(found, overall), *found]
        if material.name in CARRIERS:
            found = _set_off(found, [c for c in chosen.values() if c is not None])
        chosen[int(index)] = found[0][0]
    materials = []
    for index, material in enumerate(data.materials):
        lab = chosen[index]
        plain = material.texture is None and lab is not None
        materials.append(_with_colour(material, lab) if plain and lab is not None else material)
    return replace(data, materials=tuple(materials))


def _set_off(
    found: list[tuple[np.ndarray, float]], taken: list[np.ndarray]
) -> list[tuple[np.ndarray, float]]:
    """A thin part's colours with one first that no larger part has, if it is frequent enough.

    Where thin parts are slightly out of place they fall on what they carry.
    """
    for position, (colour, share) in enumerate(found):
        if share >= 0.2 and all(np.linalg.norm(colour - other) > 20 for other in taken):
            return [found[position], *found[:position], *found[position + 1 :]]
    return found


def _greenest(
    found: list[tuple[np.ndarray, float]], overall: list[tuple[np.ndarray, float]]
) -> tuple[np.ndarray, float]:
    """Foliage is sparse, so what shows between it must not colour it: the greenest of the
    plant's colours when there is a green one, else the part's own."""
    green = min((*found, *overall), key=lambda item: float(item[0][1]))
    return green if green[0][1] < -2 else found[0]


def dominant_colours(lab: np.ndarray, count: int = 3) -> list[tuple[np.ndarray, float]]:
    """Up to ``count`` colours of (n, 3) Lab pixels with their shares, largest first.

    K-means (Lloyd), started from spread quantiles of lightness; a cluster's colour is the
    median of its members, so outliers do not tint it.
    """
    if len(lab) > 4000:
        lab = lab[:: len(lab) // 4000 + 1]
    order = np.argsort(lab[:, 0], kind="stable")
    count = min(count, len(lab))
    starts = ((np.arange(count) + 0.5) / count * len(lab)).astype(np.int64)
    centres = lab[order[starts]].copy()
    # Lightness varies with shading on one material, so it counts half.
    weight = np.array([0.5, 1.0, 1.0])
    member = np.zeros(len(lab), np.int64)
    for _ in range(12):
        distance = (((lab[:, None] - centres[None]) * weight) ** 2).sum(2)
        member = distance.argmin(1)
        for i in range(count):
            if (member == i).any():
                centres[i] = lab[member == i].mean(0)
    # Clusters that are one colour in light and shade belong together.
    for i in range(count):
        for j in range(i):
            if np.linalg.norm((centres[i] - centres[j]) * weight) < 9:
                member[member == i] = j
                break
    found = [
        (np.median(lab[member == i], 0), float((member == i).mean())) for i in np.unique(member)
    ]
    return sorted(found, key=lambda item: -item[1])


def _closest(
    material: Material, colours: list[tuple[np.ndarray, float]], limit: float = 32.0
) -> np.ndarray | None:
    """The object's colour nearest to the material's usual one, or None when none is near."""
    from skimage.color import rgb2lab

    usual = rgb2lab(srgb_from_linear(np.array(material.base_colour[:3]))[None, None])[0, 0]
    best = min(colours, key=lambda item: float(np.linalg.norm(item[0] - usual)))[0]
    return best if np.linalg.norm(best - usual) < limit else None


def _with_colour(material: Material, lab: np.ndarray) -> Material:
    from skimage.color import lab2rgb

    linear = linear_from_srgb(np.clip(lab2rgb(lab[None, None])[0, 0], 0, 1))
    r, g, b = (float(v) for v in np.clip(linear / SHADE, 0.0, 0.95))
    return replace(material, base_colour=(r, g, b, material.base_colour[3]))


def outline_corners(mask: np.ndarray) -> np.ndarray | None:
    """(4, 2) corners (x, y) of the quadrilateral that best encloses a mask, or None.

    They run clockwise on the screen from the top-left one. The hull loses its least important
    corner, by area, until four are left.
    """
    from scipy.spatial import ConvexHull, QhullError

    rows, columns = np.nonzero(mask)
    if len(rows) < 16:
        return None
    pixels = np.stack([columns, rows], 1)
    corners = np.concatenate([pixels + d for d in ((0, 0), (1, 0), (0, 1), (1, 1))]).astype(float)
    try:
        hull = corners[ConvexHull(corners).vertices]
    except QhullError:
        return None
    hull_area = _area(hull)
    while len(hull) > 4:
        before, after = np.roll(hull, 1, 0), np.roll(hull, -1, 0)
        a, b = hull - before, after - hull
        hull = np.delete(hull, int(np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).argmin()), 0)
    if len(hull) < 4 or _area(hull) < 0.8 * hull_area or mask.sum() < 0.7 * hull_area:
        return None
    if _area(hull, signed=True) < 0:
        hull = hull[::-1]
    return np.roll(hull, -int((hull @ [1.0, 1.0]).argmin()), 0)


def _area(polygon: np.ndarray, signed: bool = False) -> float:
    x, y = polygon.T
    area = 0.5 * float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())
    return area if signed else abs(area)


def rectified(rgba: np.ndarray, corners: np.ndarray, width: int, height: int) -> np.ndarray:
    """(height, width, 3) uint8: the quadrilateral's content through its homography."""
    square = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    rows = []
    for (x, y), (u, v) in zip(square, corners, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y, -u], [0, 0, 0, x, y, 1, -v * x, -v * y, -v]]
    matrix = np.linalg.svd(np.array(rows))[2][-1].reshape(3, 3)
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    mapped = np.stack([x, y, np.ones_like(x)], -1) @ matrix.T
    u, v = mapped[..., 0] / mapped[..., 2] - 0.5, mapped[..., 1] / mapped[..., 2] - 0.5
    out = [
        ndimage.map_coordinates(rgba[..., c].astype(np.float32), [v, u], order=1, mode="nearest")
        for c in range(3)
    ]
    return np.clip(np.stack(out, -1), 0, 255).astype(np.uint8)


def with_picture(data: MeshData, colour_rgba: np.ndarray, corners: np.ndarray) -> MeshData:
    """The material named "canvas" shows the photo, rectified; its plane is x-y or x-z."""
    index = next((i for i, m in enumerate(data.materials) if m.name == "canvas"), None)
    if index is None:
        return data
    low, high = data.bounds
    extent = high - low
    lying = extent[1] < min(extent[0], extent[2])
    across, along = extent[0], extent[2] if lying else extent[1]
    longer = int(np.clip(np.linalg.norm(np.diff(corners, axis=0), axis=1).max(), 32, 512))
    scale = longer / max(across, along)
    width, height = max(8, round(across * scale)), max(8, round(along * scale))
    picture = rectified(colour_rgba, corners, width, height)
    u = (data.vertices[:, 0] - low[0]) / across
    v = (data.vertices[:, 2] - low[2]) / along if lying else (high[1] - data.vertices[:, 1]) / along
    old = data.materials[index]
    linear = replace(Material.textured(picture, "canvas", old.roughness), base_colour=(1, 1, 1, 1))
    materials = (*data.materials[:index], linear, *data.materials[index + 1 :])
    return replace(data, materials=materials, uv=np.stack([u, v], 1))
