"""The room's parts as textured meshes in the world frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from ..mesh_data import Material, MeshData, vertex_normals
from ..planes import Plane
from ..types import Geometry
from .enclosure import Enclosure
from .planes import bounded_polygon, polygon_area, view_sides
from .relief import background_relief
from .textures import rectified_texture

Background = Literal["planes", "relief", "floor", "none"]

OVERLAP = 0.02
"""Behind a relief the floor goes on by this share of the wall's distance, so that no gap shows."""
TINY = 1e-4
"""Planes of which less than this share (of the squared reach) is left are not worth a node."""


@dataclass(frozen=True, eq=False)
class RoomPart:
    """One named piece of the room; its node is "room/<name>"."""

    name: str
    data: MeshData


def fitting_background(geometry: Geometry) -> Background:
    """Planes where walls are known or the points are a guess, else the measured relief."""
    if len(geometry.walls) or geometry.approximate:
        return "planes"
    return "relief"


def room_parts(
    room: Enclosure,
    geometry: Geometry,
    plate: np.ndarray,
    objects: np.ndarray,
    standing: Sequence[np.ndarray],
    background: Background,
    margin: float,
    texture_size: int,
) -> list[RoomPart]:
    """Floor, walls, ceiling, backdrop or relief.

    Args:
        room: the planes.
        geometry: camera and points.
        plate: (H, W, 3) uint8, the photo without its objects.
        objects: (H, W) bool, pixels of objects.
        standing: per object (n, 3) world points; the floor reaches below each.
        background: which parts.
        margin: how far the parts reach beyond the picture, share of its size.
        texture_size: longest side of a texture.
    """
    if background == "none":
        return []
    height, width = plate.shape[:2]
    pose = room.world_from_camera
    sides = view_sides(geometry.intrinsics, width, height, margin, pose)
    parts = []
    planes = [p for p in (room.floor,) if p] if background == "floor" else list(room.planes)
    if background == "relief":
        planes = [p for p in (room.floor, room.backdrop) if p]
        relief = background_relief(geometry, objects, pose, room.floor)
        if relief is not None:
            material = Material.textured(_shrunk(plate, texture_size), "room/relief", 1.0)
            parts.append(
                RoomPart("relief", _mesh(relief.vertices, relief.faces, relief.uv, material))
            )
    for plane in planes:
        cover = np.zeros((0, 3))
        if plane is room.floor and standing:
            cover = np.concatenate([_footprint(points, plane) for points in standing])
        others = [p for p in room.planes if p is not plane]  # those that are not drawn, too
        if background == "relief":  # the relief is not exactly where the planes are
            others = [p.pushed(OVERLAP * float(p.height(pose.translation))) for p in others]
        polygon = bounded_polygon(plane, others, sides, room.reach, cover)
        if polygon_area(polygon) > TINY * room.reach**2:
            texture, uv = rectified_texture(
                plane, polygon, plate, geometry.intrinsics, pose.inverse(), texture_size
            )
            material = Material.textured(texture, f"room/{plane.name}", 1.0)
            corner = np.arange(1, len(polygon) - 1)
            fan = np.stack([np.zeros_like(corner), corner, corner + 1], 1)
            parts.append(RoomPart(plane.name, _mesh(polygon, fan, uv, material, plane.normal)))
    order = ["floor", *sorted(p.name for p in parts if p.name != "floor")]
    return sorted(parts, key=lambda p: order.index(p.name))


def _footprint(points: np.ndarray, floor: Plane) -> np.ndarray:
    """The corners of the box of (n, 3) points seen from above, a tenth wider, on the floor."""
    low, high = points.min(0), points.max(0)
    wider = 0.05 * (high - low)
    (x0, _, z0), (x1, _, z1) = low - wider, high + wider
    corners = np.array([[x0, 0, z0], [x1, 0, z0], [x1, 0, z1], [x0, 0, z1]])
    corners[:, 1] = -(corners @ floor.normal + floor.offset) / floor.normal[1]
    return corners


def _mesh(
    vertices: np.ndarray,
    faces: np.ndarray,
    uv: np.ndarray,
    material: Material,
    normal: np.ndarray | None = None,
) -> MeshData:
    if normal is None:
        normals = vertex_normals(vertices, faces)
    else:
        normals = np.broadcast_to(normal, vertices.shape).copy()
    none = np.zeros(len(faces), np.int64)
    return MeshData(vertices, faces.astype(np.int64), none, (material,), uv, normals)


def _shrunk(picture: np.ndarray, limit: int) -> np.ndarray:
    longest = max(picture.shape[:2])
    if longest <= limit:
        return picture
    factor = limit / longest
    size = (max(1, round(picture.shape[1] * factor)), max(1, round(picture.shape[0] * factor)))
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))
