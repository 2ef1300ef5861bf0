"""Small closed-form scenes for the depth tests: cameras, lines, boxes, a drawn room."""

from __future__ import annotations

import numpy as np

from cast_nodes.depth.camera import RoomCamera, plane_depth
from cast_nodes.depth.object_boxes import Box
from cast_nodes.depth.segments import Segments
from cast_nodes.frames import pixel_centres, project
from cast_nodes.raster import rasterize

BOX_FACES = np.array(
    [[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1],
     [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]]
)  # fmt: skip


def manhattan_segments(camera: RoomCamera, seed: int, each: int = 25, noise_px: float = 0.3):
    """Segments along the room's three axes at random places in front of the camera, and clutter."""
    rng = np.random.default_rng(seed)
    ends = []
    while len(ends) < 3 * each:
        axis = camera.room_axes[len(ends) % 3]
        pixel = rng.uniform([0, 0], [camera.width, camera.height])
        middle = camera.rays(pixel) * rng.uniform(1.5, 5)
        half = rng.uniform(0.1, 0.6) * axis
        pair = np.stack([middle - half, middle + half])
        if pair[:, 2].min() < 0.3:
            continue
        uv = project(pair, camera.intrinsics) + rng.normal(0, noise_px, (2, 2))
        if np.linalg.norm(uv[1] - uv[0]) > 12:
            ends.append(uv)
    for _ in range(each // 2):
        start = rng.uniform([0, 0], [camera.width, camera.height])
        ends.append(np.stack([start, start + rng.uniform(-60, 60, 2)]))
    return Segments(np.array(ends), np.ones(len(ends)))


def box_mask(camera: RoomCamera, box: Box) -> np.ndarray:
    """(H, W) bool, the box's silhouette."""
    corners = box.corners @ camera.level_axes
    return rasterize(corners, BOX_FACES, camera.intrinsics, camera.width, camera.height).mask


def draw_room(
    camera: RoomCamera, distance: float, half_width: float, boxes: list[Box]
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """A picture of a room with boxes: rgb (H, W, 3) uint8, depth (H, W), visible masks.

    Back wall at ``distance`` and side walls at ± ``half_width`` along the room's axes.
    """
    first, up, second = camera.room_axes
    planes = [
        np.append(up, camera.camera_height), np.append(-second, distance),
        np.append(first, half_width), np.append(-first, half_width),
    ]  # fmt: skip
    rays = camera.rays(pixel_centres(camera.height, camera.width))
    depths = np.stack([plane_depth(rays, p) for p in planes])
    depth, surface = depths.min(0), depths.argmin(0)
    colour = np.array([[120, 85, 60], [205, 205, 215], [180, 182, 190], [190, 190, 196]], float)
    rgb = colour[surface]
    # Planks give the floor its direction.
    points = rays * depth[..., None]
    plank = np.abs((points @ first) / 0.25 % 1.0) < 0.06
    rgb[plank & (surface == 0)] *= 0.7
    owner = np.full(depth.shape, -1)
    for index, box in enumerate(boxes):
        corners = box.corners @ camera.level_axes
        hit = rasterize(corners, BOX_FACES, camera.intrinsics, camera.width, camera.height)
        nearer = hit.mask & ~(hit.depth >= depth)
        depth = np.where(nearer, hit.depth, depth)
        owner[nearer] = index
        shade = np.array([0.6, 0.6, 0.8, 0.8, 0.5, 0.5, 1.0, 1.0, 0.9, 0.9, 0.7, 0.7])
        paint = np.array([[60, 90, 160], [160, 60, 50], [50, 120, 70]], float)[index % 3]
        rgb[nearer] = paint * shade[hit.face[nearer]][:, None]
    rgb = rgb + np.random.default_rng(0).normal(0, 2, rgb.shape)
    masks = [owner == i for i in range(len(boxes))]
    return rgb.clip(0, 255).astype(np.uint8), depth, masks
