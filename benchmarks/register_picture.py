"""Pictures of benchmark rooms: the photo itself, and results beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from cast_nodes.frames import Sim3
from cast_nodes.mesh_data import MeshData, srgb_from_linear
from cast_nodes.register import RegisterInputs
from cast_nodes.render import facing_normals, gather_triangles, render, surface_colour
from cast_nodes.stretched import posed_mesh
from cast_nodes.types import Placements

if TYPE_CHECKING:
    from .register_stand import Eye


@dataclass(frozen=True, eq=False)
class Seen:
    """What each pixel's centre sees of a room.

    Attributes:
        depth: (H, W) float32, z.
        ids: (H, W) int, the thing's index, or -1, -2, … for the room's planes in their order.
        faces: (H, W) int, face of the thing's mesh, -1 on planes.
        bary: (H, W, 3) float32, where on that face.
        whole: pixels of each thing's silhouette within the photo when nothing hides it.
    """

    depth: np.ndarray
    ids: np.ndarray
    faces: np.ndarray
    bary: np.ndarray
    whole: tuple[int, ...]


SHADOW_CELL_M = 0.04
SHADOW_M = 0.14
"""Blur of the shadow below things."""
PLANK_M = 0.16
SENSOR_NOISE = 2.5
"""Standard deviation of the photo's noise, of 255."""


def shade(
    seen: Seen,
    items: Sequence[tuple[MeshData, Sim3]],
    eye: Eye,
    planes: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """(H, W, 3) uint8 photo: textured things in soft light, planks, walls, soft shadows below."""
    up = planes[0, :3]
    lamp = _unit(rng.normal(size=3) * [1, 0.3, 0.3] + [0, 0, -1.0] + 0.8 * up)
    linear = np.zeros((*seen.depth.shape, 3), np.float32)
    for number, plane in enumerate(planes):
        mine = seen.ids == -1 - number
        if mine.any():
            linear[mine] = _plane_colour(number, plane, mine, seen, items, eye, up, lamp, rng)
    soup = gather_triangles(list(items))
    starts = np.cumsum([0, *(len(data.faces) for data, _ in items)])
    things = seen.ids >= 0
    if things.any():
        face = seen.faces[things] + starts[seen.ids[things]]
        bary = seen.bary[things]
        colour = surface_colour(soup, face, bary)[:, :3]
        linear[things] = colour * _light(facing_normals(soup, face, bary), up, lamp)[:, None]
    linear *= rng.uniform(0.75, 1.1) * rng.uniform(0.92, 1.08, 3).astype(np.float32)
    pixels = 255 * srgb_from_linear(linear) + rng.normal(size=linear.shape) * SENSOR_NOISE
    return np.round(np.clip(pixels, 0, 255)).astype(np.uint8)


def _light(normals: np.ndarray, up: np.ndarray, lamp: np.ndarray) -> np.ndarray:
    """(k,) float32 brightness of unit normals (camera frame): sky, and one broad lamp."""
    out = 0.42 + 0.2 * (normals @ up) + 0.42 * np.square(0.5 + 0.5 * (normals @ lamp))
    return out.astype(np.float32)


def _plane_colour(number, plane, mine, seen, items, eye, up, lamp, rng) -> np.ndarray:
    """(k, 3) linear colour of the pixels of a plane; the first plane is the floor."""
    base = (rng.uniform(0.12, 0.5) if number == 0 else rng.uniform(0.45, 0.8)) * np.array(
        [1.0, rng.uniform(0.8, 1.0), rng.uniform(0.6, 1.0)]
    )
    light = _light(plane[None, :3], up, lamp)[0]
    if number > 0:
        return np.broadcast_to((base * light).astype(np.float32), (int(mine.sum()), 3))
    rows, columns = np.nonzero(mine)
    focal, centre = eye.intrinsics[[0, 1], [0, 1]], eye.intrinsics[:2, 2]
    rays = np.stack([columns + 0.5, rows + 0.5], 1) - centre
    rays = np.concatenate([rays / focal, np.ones((len(rows), 1))], 1)
    world_from_camera = eye.camera_from_world.inverse()
    spot = world_from_camera.apply(rays * seen.depth[mine][:, None])[:, [0, 2]]
    planks = rng.uniform(0.8, 1.15, 97)[np.floor(spot[:, 0] / PLANK_M).astype(int) % 97]
    shadow = _shadow([world_from_camera @ pose for _, pose in items], items, spot)
    return ((planks * light * (1 - 0.6 * shadow))[:, None] * base).astype(np.float32)


def _shadow(poses, items, spot: np.ndarray) -> np.ndarray:
    """(k,) 0..1 darkness at (k, 2) floor places: what is low above them, blurred."""
    corner, shape = np.array([-8.0, -16.0]), (400, 440)
    low = np.zeros(shape, np.float32)
    for pose, (data, _) in zip(poses, items, strict=True):
        centres = data.triangles.mean(1)
        points = pose.apply(np.concatenate([data.vertices, centres]))
        points = points[points[:, 1] < 0.45]
        cell = ((points[:, [0, 2]] - corner) / SHADOW_CELL_M).astype(int)
        cell = cell[((cell >= 0) & (cell < shape)).all(1)]
        low[cell[:, 0], cell[:, 1]] = 1
    filled = ndimage.gaussian_filter(
        ndimage.grey_closing(low, 5), SHADOW_M / SHADOW_CELL_M, mode="constant"
    )
    cell = ((spot - corner) / SHADOW_CELL_M).astype(int).clip(0, np.array(shape) - 1)
    return np.minimum(1, 1.6 * filled[cell[:, 0], cell[:, 1]])


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


# --- results ---------------------------------------------------------------------------------


def write_overlay(
    inputs: RegisterInputs,
    placements: Placements,
    path: Path,
    notes: dict[int, str] | None = None,
) -> None:
    """The photo beside the placed meshes, mask borders in red on both, notes at the objects."""
    photo = inputs.objects.photo
    posed = []
    for placement in placements.placements:
        entry = inputs.meshes.get(placement.id)
        if placement.camera_from_object is not None and entry is not None:
            mesh = posed_mesh(entry.candidates[placement.candidate], placement)
            posed.append((mesh, placement.camera_from_object))
    grey = np.full_like(photo.rgb, 128)
    drawn = render(posed, inputs.geometry.intrinsics, photo.width, photo.height, grey).rgb.copy()
    left = photo.rgb.copy()
    for item in inputs.objects.kept:
        assert item.mask is not None
        edge = item.mask & ~np.asarray(ndimage.binary_erosion(item.mask), bool)
        left[edge] = drawn[edge] = (255, 0, 0)
    picture = Image.fromarray(np.concatenate([left, drawn], 1))
    draw = ImageDraw.Draw(picture)
    for item in inputs.objects.kept:
        x0, y0, x1, y1 = item.bbox
        text = (notes or {}).get(item.id, item.label)
        draw.text((photo.width + (x0 + x1) / 2 - 20, (y0 + y1) / 2 - 6), text, (255, 255, 0))
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)
