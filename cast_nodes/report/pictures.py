"""Pictures for people: masks, depth, views and fits, for the report and for node previews.

All are (H, W, 3) uint8 sRGB. An object has the same colour in every picture.
"""

from __future__ import annotations

import colorsys
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from ..errors import CastError
from ..frames import Sim3, crop_intrinsics, resize_intrinsics
from ..mesh_data import MeshData, read_mesh
from ..raster import rasterize
from ..render import camera_looking_at, render
from ..stretched import pose_and_stretch, posed_mesh
from ..types import Geometry, Mesh, Meshes, Objects, Photo, Placements, Scene, View, Views

GOLDEN = 0.6180339887498949
DROPPED = (150, 150, 150)
# Near is warm and light, far is cool and dark, so that the picture also reads in grey.
_DEPTH_STOPS = np.array(
    [[24, 18, 58], [44, 62, 132], [40, 124, 142], [74, 178, 118], [202, 212, 84], [252, 246, 190]]
)
_UNKNOWN = np.array([58, 58, 62], np.uint8)
_CHECKER = (228, 244)


def object_colour(object_id: int) -> tuple[int, int, int]:
    """A colour by id; neighbouring ids differ strongly."""
    hue = (0.02 + object_id * GOLDEN) % 1.0
    light = (0.5, 0.6, 0.42)[(object_id // 5) % 3]
    r, g, b = colorsys.hls_to_rgb(hue, light, 0.85)
    return round(255 * r), round(255 * g), round(255 * b)


def fitted(picture: np.ndarray, longest: int) -> np.ndarray:
    """The picture scaled down to a longest side; never enlarged."""
    factor = longest / max(picture.shape[:2])
    if factor >= 1:
        return picture
    size = (max(1, round(picture.shape[1] * factor)), max(1, round(picture.shape[0] * factor)))
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))


def edge_of(mask: np.ndarray, thickness: int = 1) -> np.ndarray:
    """(H, W) bool, the outer line of a (H, W) bool mask; the picture's border is no edge."""
    padded = np.pad(mask, 1, mode="edge")
    inner = ndimage.binary_erosion(padded, iterations=thickness, border_value=1)
    return (padded & ~np.asarray(inner, bool))[1:-1, 1:-1]


def mask_overlay(objects: Objects, longest: int = 1280) -> np.ndarray:
    """The photo with each object's mask tinted and outlined, its label and id written in it.

    Dropped objects are outlined in grey. An object without a mask shows its box.
    """
    photo = fitted(objects.photo.rgb, longest)
    height, width = photo.shape[:2]
    scale = np.array([width / objects.photo.width, height / objects.photo.height])
    canvas = photo.astype(np.float32)
    thick = max(1, round(max(height, width) / 500))
    ordered = sorted(objects.objects, key=lambda o: (o.keep, -o.area_px))
    for item in ordered:
        if item.mask is None:
            continue
        mask = _resized_mask(item.mask, width, height)
        colour = np.array(object_colour(item.id) if item.keep else DROPPED, np.float32)
        if item.keep:
            canvas[mask] = 0.55 * canvas[mask] + 0.45 * colour
        canvas[edge_of(mask, thick)] = colour
    picture = Image.fromarray(canvas.astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    for item in ordered:
        if item.mask is None:
            colour = object_colour(item.id) if item.keep else DROPPED
            box = np.asarray(item.bbox).reshape(2, 2) * scale
            low, high = box.min(0), np.maximum(box.max(0) - 1, box.min(0))
            draw.rectangle([*low, *high], outline=colour, width=thick)
    for item in ordered:
        spot = _label_spot(item.mask, item.bbox) * scale
        colour = object_colour(item.id) if item.keep else DROPPED
        _write(draw, f"{item.label} {item.id}", spot, colour, max(11, height // 28))
    return np.asarray(picture)


def depth_picture(geometry: Geometry, longest: int = 1280) -> np.ndarray:
    """Inverse depth in colour: near is light and warm, far dark and cool, unknown grey."""
    depth = geometry.depth
    step = max(1, -(-max(depth.shape) // longest))
    depth = depth[::step, ::step].astype(np.float64)
    known = np.isfinite(depth) & (depth > 0)
    out = np.broadcast_to(_UNKNOWN, (*depth.shape, 3)).copy()
    if not known.any():
        return out
    inverse = 1 / depth[known]
    low, high = np.quantile(inverse, [0.01, 0.99])
    share = np.clip((inverse - low) / max(high - low, 1e-12), 0, 1)
    stops = np.linspace(0, 1, len(_DEPTH_STOPS))
    colour = np.stack([np.interp(share, stops, _DEPTH_STOPS[:, c]) for c in range(3)], -1)
    out[known] = np.rint(colour).astype(np.uint8)
    return out


def on_checker(rgba: np.ndarray, square: int = 8) -> np.ndarray:
    """(h, w, 4) uint8 straight alpha laid on a light checkerboard."""
    rows, columns = np.indices(rgba.shape[:2]) // square
    board = np.where((rows + columns) % 2, *_CHECKER)[..., None].astype(np.float32)
    alpha = rgba[..., 3:].astype(np.float32) / 255
    return np.rint(rgba[..., :3] * alpha + board * (1 - alpha)).astype(np.uint8)


def views_sheet(views: Views, tile: int = 256) -> np.ndarray:
    """All views as one sheet: on top what the photo shows, below it the completed view."""
    shown = views.views
    if not shown:
        return np.full((tile // 4, tile, 3), 255, np.uint8)
    columns = min(len(shown), 8)
    rows = -(-len(shown) // columns)
    gap = max(2, tile // 32)
    sheet = Image.new(
        "RGB", (columns * (tile + gap) + gap, rows * (2 * tile + 3 * gap) + gap), (255, 255, 255)
    )
    draw = ImageDraw.Draw(sheet)
    for index, view in enumerate(shown):
        left = gap + (index % columns) * (tile + gap)
        top = gap + (index // columns) * (2 * tile + 3 * gap)
        for row, rgba in enumerate((view.crop, view.rgba)):
            picture = Image.fromarray(on_checker(fitted(rgba, tile)))
            at = (left + (tile - picture.width) // 2, top + row * (tile + gap))
            sheet.paste(picture, (at[0], at[1] + (tile - picture.height) // 2))
        spot = np.array([left + 4.0, top + 4.0])
        _write(draw, str(view.id), spot, object_colour(view.id), max(11, tile // 16), centred=False)
    return np.asarray(sheet)


Posed = Mapping[int, tuple[Mesh, Sim3]]
"""Mesh and camera_from_object by object id."""


def posed_by(meshes: Meshes, placements: Placements) -> dict[int, tuple[Mesh, Sim3]]:
    """The placed meshes as Register left them."""
    posed = {}
    for placement in placements.placements:
        entry = meshes.get(placement.id)
        pose = placement.camera_from_object
        if entry is None or pose is None or placement.candidate >= len(entry.candidates):
            continue
        posed[placement.id] = (posed_mesh(entry.candidates[placement.candidate], placement), pose)
    return posed


def posed_in(scene: Scene) -> dict[int, tuple[Mesh, Sim3]]:
    """The placed meshes as they stand in the scene, after settling."""
    before = posed_by(scene.meshes, scene.placements)
    posed = {}
    for entry in scene.description.get("objects", ()):
        matrix = entry.get("camera_from_object")
        if matrix is not None and entry["id"] in before:
            pose, _ = pose_and_stretch(matrix)
            posed[entry["id"]] = (before[entry["id"]][0], pose)
    return posed


def silhouettes(
    posed: Posed, intrinsics: np.ndarray, width: int, height: int
) -> dict[int, np.ndarray]:
    """(H, W) bool per id: where each mesh alone would be seen."""
    found = {}
    for object_id, (mesh, pose) in posed.items():
        try:
            data = read_mesh(mesh)
        except CastError:
            continue
        points = pose.apply(data.vertices)
        found[object_id] = rasterize(points, data.faces, intrinsics, width, height).mask
    return found


def fit_overlay(photo: Photo, intrinsics: np.ndarray, posed: Posed, longest: int = 1280):
    """The photo, dimmed, with the outline of each placed mesh over it. (H, W, 3) uint8."""
    canvas = fitted(photo.rgb, longest)
    height, width = canvas.shape[:2]
    small = resize_intrinsics(intrinsics, width / photo.width, height / photo.height)
    picture = (0.75 * canvas).astype(np.uint8)
    thick = max(1, round(max(height, width) / 450))
    for object_id, mask in silhouettes(posed, small, width, height).items():
        picture[edge_of(mask, thick)] = object_colour(object_id)
    return picture


def fit_close_up(
    photo: Photo,
    intrinsics: np.ndarray,
    mask: np.ndarray | None,
    box: Sequence[float],
    posed: tuple[Mesh, Sim3] | None,
    colour: tuple[int, int, int],
    longest: int = 320,
) -> np.ndarray:
    """One object in the photo: its mask outlined in white, its placed mesh in colour."""
    x0, y0, x1, y1 = (float(v) for v in box)
    pad = 0.15 * max(x1 - x0, y1 - y0, 8.0)
    left, top = int(max(0, x0 - pad)), int(max(0, y0 - pad))
    right = int(min(photo.width, np.ceil(x1 + pad)))
    bottom = int(min(photo.height, np.ceil(y1 + pad)))
    right, bottom = max(right, left + 1), max(bottom, top + 1)
    factor = longest / max(right - left, bottom - top)
    width = max(1, round((right - left) * factor))
    height = max(1, round((bottom - top) * factor))
    crop = Image.fromarray(photo.rgb[top:bottom, left:right])
    canvas = (0.8 * np.asarray(crop.resize((width, height), Image.Resampling.BICUBIC))).astype(
        np.uint8
    )
    if mask is not None:
        cut = _resized_mask(mask[top:bottom, left:right], width, height)
        canvas[edge_of(cut, 1)] = 255
    if posed is not None:
        camera = crop_intrinsics(intrinsics, left, top)
        camera = resize_intrinsics(camera, width / (right - left), height / (bottom - top))
        shape = silhouettes({0: posed}, camera, width, height).get(0)
        if shape is not None:
            canvas[edge_of(shape, 2)] = colour
    return canvas


def mesh_picture(mesh: Mesh | MeshData, longest: int = 240, paper: int = 244) -> np.ndarray:
    """A mesh turned three quarters, seen a little from above, filling a square picture.

    Raises:
        CastError: the mesh cannot be read.
    """
    data = read_mesh(mesh) if isinstance(mesh, Mesh) else mesh
    low, high = data.bounds
    centre, radius = (low + high) / 2, 0.5 * float(np.linalg.norm(high - low))
    if not radius > 0:
        raise CastError("the mesh has no extent")
    # In units of its radius, so that a mesh of any unit gives the same picture.
    unit = Sim3(np.eye(3), -centre / radius, 1 / radius)
    eye = 4.0 * np.array([0.62, 0.42, 1.0]) / np.linalg.norm([0.62, 0.42, 1.0])
    camera = camera_looking_at(eye, np.zeros(3), np.array([0.0, 1, 0]))
    pose = camera @ unit
    # As large as the picture allows: the corners of its box decide.
    corners = np.stack(np.meshgrid(*np.stack([low, high], 1)), -1).reshape(-1, 3)
    seen = pose.apply(corners)
    flat = seen[:, :2] / seen[:, 2:]
    middle, extent = (flat.min(0) + flat.max(0)) / 2, float(np.ptp(flat, axis=0).max())
    focal = 0.9 * longest / max(extent, 1e-9)
    half = longest / 2
    intrinsics = np.array(
        [[focal, 0, half - focal * middle[0]], [0, focal, half - focal * middle[1]], [0, 0, 1]]
    )
    ground = np.full(3, paper, np.uint8)
    up = camera.rotate(np.array([0.0, 1.0, 0.0]))
    return render([(data, pose)], intrinsics, longest, longest, ground, up=up).rgb


def crop_picture(view: View, completed: bool, longest: int = 240) -> np.ndarray:
    """What the photo shows of an object, or its completed view, on a checkerboard."""
    return on_checker(fitted(view.rgba if completed else view.crop, longest))


def _resized_mask(mask: np.ndarray, width: int, height: int) -> np.ndarray:
    picture = Image.fromarray(np.ascontiguousarray(mask).astype(np.uint8) * 255)
    return np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR)) > 127


def _label_spot(mask: np.ndarray | None, box: Sequence[float]) -> np.ndarray:
    """(2,) pixel for the label: deepest inside the mask, else the box's middle."""
    x0, y0, x1, y1 = (float(v) for v in box)
    if mask is None or not mask.any():
        return np.array([(x0 + x1) / 2, (y0 + y1) / 2])
    step = max(1, max(mask.shape) // 240)
    small = np.pad(mask[::step, ::step], 1)
    if not small.any():
        return np.array([(x0 + x1) / 2, (y0 + y1) / 2])
    depth = np.asarray(ndimage.distance_transform_edt(small))
    row, column = np.unravel_index(int(depth.argmax()), depth.shape)
    return np.array([(column - 0.5) * step, (row - 0.5) * step])


def _write(
    draw: ImageDraw.ImageDraw,
    text: str,
    spot: np.ndarray,
    colour: tuple[int, int, int],
    size: int,
    centred: bool = True,
) -> None:
    """A label on a dark tag with a stripe of the object's colour, kept inside the picture.

    Pillow's own font has Latin letters only; of other scripts the id remains.
    """
    words = "".join(c for c in text if 32 <= ord(c) < 0x250).strip() or text.split()[-1]
    font = ImageFont.load_default(size)
    x0, y0, x1, y1 = draw.textbbox((0, 0), words, font=font)
    wide, tall = x1 - x0 + size * 0.7, y1 - y0 + size * 0.5
    x, y = spot - [wide / 2, tall / 2] if centred else spot
    canvas = draw.im.size
    x = float(np.clip(x, 0, max(0, canvas[0] - wide)))
    y = float(np.clip(y, 0, max(0, canvas[1] - tall)))
    draw.rectangle([x, y, x + wide, y + tall], fill=(22, 22, 24))
    draw.rectangle([x, y, x + size * 0.22, y + tall], fill=colour)
    draw.text((x + size * 0.42 - x0, y + size * 0.25 - y0), words, font=font, fill=(255, 255, 255))
