"""The room's parts as textured meshes in the world frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image
from scipy import ndimage

from ..mesh_data import Material, MeshData, vertex_normals
from ..planes import Plane
from ..types import Geometry
from .enclosure import Enclosure
from .lattice import Lattice, make_lattice
from .openings import triangles_of
from .planes import bounded_polygon, polygon_area, view_sides
from .relief import make_relief
from .textures import rectified_texture, without_dark_rim

Background = Literal["planes", "mixed", "relief", "floor", "none"]

TINY = 1e-4
"""Planes of which less than this share (of the squared reach) is left are not worth a node."""
DOUBTFUL = 0.006
"""Beside what stands before a plane its colours are not carried on, share of the longer side."""


@dataclass(frozen=True, eq=False)
class RoomPart:
    """One named piece of the room; its node is "room/<name>"."""

    name: str
    data: MeshData


def fitting_background(geometry: Geometry) -> Background:
    """Planes alone where the points are a guess, else planes and what departs from them."""
    return "planes" if geometry.approximate else "mixed"


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
    """Floor, walls, ceiling, backdrop and relief.

    Args:
        room: the planes.
        geometry: camera and points.
        plate: (H, W, 3) uint8, the photo without its objects.
        objects: (H, W) bool, pixels of objects.
        standing: per object (n, 3) world points; the floor reaches below each.
        background: which parts. "mixed" is planes, open where the room goes on behind them, and a
            relief of what departs from them; "relief" is the same with floor and backdrop alone.
        margin: how far the parts reach beyond the picture, share of its size.
        texture_size: longest side of a texture.
    """
    if background == "none":
        return []
    height, width = plate.shape[:2]
    plate = without_dark_rim(plate)
    pose, size = room.world_from_camera, (width, height)
    planes = list(room.planes)
    if background == "floor":
        planes = [p for p in (room.floor,) if p]
    elif background == "relief":
        planes = [p for p in (room.floor, room.backdrop) if p]
    lattice = relief = None
    openings, before = None, np.zeros((height, width), bool)
    if background in ("mixed", "relief"):
        lattice = make_lattice(
            geometry, objects, pose, planes, room.found(planes), room.others, room.reach, standing
        )
    parts = []
    if lattice is not None:
        relief, openings, front = make_relief(lattice, geometry.intrinsics, pose, size)
        before = _pixels_of(front, lattice, height, width)
    if relief is not None:
        material = Material.textured(_shrunk(plate, texture_size), "room/relief", 1.0)
        parts.append(RoomPart("relief", _mesh(relief.vertices, relief.faces, relief.uv, material)))
    beside = before
    if before.any():
        reach = max(2, round(DOUBTFUL * max(size)))
        beside = np.asarray(ndimage.binary_dilation(before, iterations=reach), bool)
    sides = view_sides(geometry.intrinsics, width, height, margin, pose)
    for plane in planes:
        cover = np.zeros((0, 3))
        if plane is room.floor and standing:
            cover = np.concatenate([_footprint(points, plane) for points in standing])
        walls = room.planes if background == "floor" else planes  # what ends it, drawn or not
        others = [p for p in walls if p is not plane]
        polygon = bounded_polygon(plane, others, sides, room.reach, cover)
        if polygon_area(polygon) <= TINY * room.reach**2:
            continue
        vertices = polygon
        corner = np.arange(1, len(polygon) - 1)
        faces = np.stack([np.zeros_like(corner), corner, corner + 1], 1)
        if lattice is not None and openings is not None and openings.any:
            vertices, faces = triangles_of(
                plane, polygon, lattice, openings, geometry.intrinsics, pose, size
            )
        if not len(faces):
            continue
        texture, uv = rectified_texture(
            plane, polygon, vertices, plate, ~before, ~beside, geometry.intrinsics,
            pose.inverse(), texture_size,
        )  # fmt: skip
        material = Material.textured(texture, f"room/{plane.name}", 1.0)
        parts.append(RoomPart(plane.name, _mesh(vertices, faces, uv, material, plane.normal)))
    order = ["floor", *sorted(p.name for p in parts if p.name != "floor")]
    return sorted(parts, key=lambda p: order.index(p.name))


def _pixels_of(cells: np.ndarray, lattice: Lattice, height: int, width: int) -> np.ndarray:
    """(H, W) bool, pixels whose centre lies in one of the (R, C) cells."""
    row = np.searchsorted(lattice.y, np.arange(height) + 0.5, "right") - 1
    column = np.searchsorted(lattice.x, np.arange(width) + 0.5, "right") - 1
    rows, columns = cells.shape
    return cells[np.ix_(np.clip(row, 0, rows - 1), np.clip(column, 0, columns - 1))]


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
