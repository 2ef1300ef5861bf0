"""The background as a depth relief: the point map as a mesh, cut at depth jumps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..frames import Sim3, unproject
from ..planes import Plane
from ..types import Geometry
from .textures import fill_smoothly

CELLS = 200
"""Grid cells along the picture's longer side."""
JUMP = 0.08
"""A triangle may span at most this share of its depth, and of the depth it has head-on."""
NEAR_FLOOR = 0.04
"""What lies within this share of the camera's height of the floor is left to the floor."""


@dataclass(frozen=True, eq=False)
class Relief:
    """A mesh in the world frame, textured with the plate.

    Attributes:
        vertices: (n, 3) world.
        faces: (m, 3) int64, facing the camera.
        uv: (n, 2); (0, 0) is the plate's top-left corner.
    """

    vertices: np.ndarray
    faces: np.ndarray
    uv: np.ndarray


def background_relief(
    geometry: Geometry, objects: np.ndarray, pose: Sim3, floor: Plane | None
) -> Relief | None:
    """The background's surface as the camera sees it.

    Behind the objects, where nothing was seen, inverse depth is carried on smoothly from around
    them (a plane stays a plane). Triangles across depth jumps are left out: no rubber sheets.

    Args:
        geometry: the point map.
        objects: (H, W) bool, pixels of objects.
        pose: world from camera.
        floor: what lies on it is left out, for the floor is a polygon of its own.

    Returns:
        None when no background was seen.
    """
    height, width = objects.shape
    grown = ndimage.binary_dilation(objects, iterations=max(1, width // 200)) > 0
    known = geometry.valid & ~grown
    known &= geometry.depth > 0
    if known.mean() < 0.01:
        return None
    step = max(1.0, max(height, width) / CELLS)
    rows, columns = max(2, round(height / step)), max(2, round(width / step))
    y, x = np.linspace(0, height, rows + 1), np.linspace(0, width, columns + 1)
    pixels = np.stack(np.meshgrid(x, y), -1)
    inverse = np.where(known, 1 / np.where(known, geometry.depth, 1), 0)[..., None]
    nearest = np.clip(np.floor(pixels).astype(int), 0, [width - 1, height - 1])
    at = nearest[..., 1], nearest[..., 0]
    # The depths are those of pixel centres; only the outermost lines go to the picture's edge.
    pixels[:, 1:-1, 0] = nearest[:, 1:-1, 0] + 0.5
    pixels[1:-1, :, 1] = nearest[1:-1, :, 1] + 0.5
    sampled, there = inverse[at], known[at]
    inverse = fill_smoothly(sampled, there)[..., 0].astype(np.float64)
    if not (inverse > 0).any():
        return None
    inverse = np.maximum(inverse, 1e-3 * float(np.median(inverse[inverse > 0])))
    depth = 1 / inverse
    world = pose.apply(unproject(pixels, depth, geometry.intrinsics))

    index = np.arange(depth.size).reshape(depth.shape)
    a, b = index[:-1, :-1].ravel(), index[:-1, 1:].ravel()
    c, d = index[1:, 1:].ravel(), index[1:, :-1].ravel()
    flat = depth.ravel()
    # The diagonal that spans less depth keeps edges straight.
    along = np.abs(flat[a] - flat[c]) <= np.abs(flat[b] - flat[d])
    first = np.where(along[:, None], np.stack([a, d, c], 1), np.stack([a, d, b], 1))
    second = np.where(along[:, None], np.stack([a, c, b], 1), np.stack([b, d, c], 1))
    faces = np.concatenate([first, second])
    # Inverse depth is linear on planes, so a plane seen at a grazing angle passes this test by
    # its curvature (second difference) and only true jumps fail.
    spread = np.ptp(flat[faces], axis=1) / flat[faces].min(1)
    bend = _bend(inverse).ravel()[faces].max(1) * flat[faces].min(1)
    keep = (spread < JUMP) | (bend < JUMP / 4)
    if floor is not None:
        low = floor.height(world.reshape(-1, 3)[faces])
        keep &= ~(low < NEAR_FLOOR * abs(floor.height(pose.translation))).all(1)
    faces = faces[keep]
    if not len(faces):
        return None
    used, inverse_index = np.unique(faces, return_inverse=True)
    uv = pixels.reshape(-1, 2)[used] / [width, height]
    return Relief(world.reshape(-1, 3)[used], inverse_index.reshape(-1, 3), uv)


def _bend(inverse: np.ndarray) -> np.ndarray:
    """Largest second difference of inverse depth along rows and columns; 0 on planes."""
    padded = np.pad(inverse, 1, mode="reflect", reflect_type="odd")
    across = np.abs(padded[1:-1, 2:] - 2 * inverse + padded[1:-1, :-2])
    down = np.abs(padded[2:, 1:-1] - 2 * inverse + padded[:-2, 1:-1])
    return np.maximum(across, down)
