"""The inflated solid: front, back and wall put together, with their texture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image
from scipy import ndimage
from scipy.spatial import KDTree

from ..errors import ObjectFailure
from ..mesh_data import Material, MeshData, encode_texture, vertex_normals
from . import MeshItem
from ._inflation import Outline, prepare_field, rim_radius, smooth_along, solve_height, trace

RIM = 0.55
"""Half height of the wall, as a share of the limb's half width."""
BACK = 0.8
"""Depth of the back relative to the front: most things are flatter behind."""
GUTTER_PX = 8
MAX_TEXTURE_PX = 1024


def inflated(item: MeshItem, thickness: float, faces: int) -> MeshData:
    """The solid of ``item.rgba``; see :func:`cast_nodes.mesh.inflate.inflated_mesh`."""
    alpha = item.rgba[..., 3].astype(np.float64) / 255
    # Front and back each have two faces a grid point; walls take about a tenth.
    field, step = prepare_field(alpha, item.pixel_aspect, max(60, int(faces / 4.4)))
    outline = trace(field)
    if outline.inner < 4 or len(outline.edges) < 3:
        raise ObjectFailure(
            f"{item.name} is too small in the photo to be inflated; use a larger crop"
        )
    u = solve_height(field, outline)
    radius = rim_radius(outline, u)
    front, wall = _levelled(outline, u, radius, thickness)

    grid_px = outline.points * step - 2 * step  # grid point (2, 2) is the picture's corner
    flat = np.stack([grid_px[:, 0], -grid_px[:, 1]], 1) / step
    inward = _inward(field, outline)
    texture_px = grid_px / [item.pixel_aspect, 1.0]
    data = _assemble(outline, flat, front, wall, texture_px, inward, step, item)
    return _framed(data)


def _levelled(
    outline: Outline, u: np.ndarray, radius: np.ndarray, thickness: float
) -> tuple[np.ndarray, np.ndarray]:
    """Front height of all points and half wall height of the outline's, in grid steps.

    Large areas level off smoothly at a share of the silhouette's size (h -> T tanh(h / T)).
    """
    rim = RIM * radius
    # The wall's height is carried inwards as far as it matters: u grows quickly past it.
    nearest = _nearest_border(outline)
    inner = np.sqrt(u + rim[nearest] ** 2)
    height = np.concatenate([inner, rim])
    limit = 0.42 * np.sqrt(outline.inner)
    return thickness * limit * np.tanh(height / limit), thickness * limit * np.tanh(rim / limit)


def _nearest_border(outline: Outline) -> np.ndarray:
    tree = KDTree(outline.points[outline.inner :])
    return np.asarray(tree.query(outline.points[: outline.inner])[1])


def _inward(field: np.ndarray, outline: Outline) -> np.ndarray:
    """(b, 2) unit directions (x, y down, grid) from the outline into the silhouette."""
    soft = ndimage.gaussian_filter(field, 1.5)
    rows, columns = np.gradient(soft)
    at = outline.points[outline.inner :, ::-1].T
    direction = np.stack([ndimage.map_coordinates(g, at, order=1) for g in (columns, rows)], 1)
    direction = smooth_along(outline, direction, rounds=3)
    return direction / np.maximum(np.linalg.norm(direction, axis=1, keepdims=True), 1e-9)


def _assemble(
    outline: Outline,
    flat: np.ndarray,
    front: np.ndarray,
    wall: np.ndarray,
    texture_px: np.ndarray,
    inward: np.ndarray,
    step: float,
    item: MeshItem,
) -> MeshData:
    """Front, back and wall. The wall's picture is the front's, mirrored at the outline.

    Vertices along the seam halfway round the wall exist twice, with the front's and the back's
    texture coordinates; the surface itself is closed.
    """
    n, g = len(flat), outline.inner
    border = np.arange(g, n)
    reach_px = np.stack([np.full(len(wall), step / item.pixel_aspect), np.full(len(wall), step)], 1)
    middle_px = texture_px[border] + inward * reach_px * np.minimum(wall, 24)[:, None]
    inset_px = inward * reach_px * 0.35  # keeps the mixed pixels of the outline out
    front_px = np.concatenate([texture_px[:g], texture_px[border] + inset_px])

    rear = -BACK * front
    z_middle = 0.5 * (front[border] + rear[border])
    vertices = np.concatenate(
        [
            np.column_stack([flat, front]),
            np.column_stack([flat, rear]),
            np.column_stack([flat[border], z_middle]),
            np.column_stack([flat[border], z_middle]),
        ]
    )
    across = np.full(len(vertices), False)
    across[n : 2 * n] = True
    across[2 * n + len(border) :] = True
    atlas, uv = _texture(item, np.concatenate([front_px, front_px, middle_px, middle_px]), across)

    a, b = outline.edges.T
    middle_front = 2 * n - g  # + border index gives the seam's front copy
    middle_back = 2 * n + len(border) - g
    faces = np.concatenate(
        [
            outline.faces[:, ::-1],
            outline.faces + n,
            np.stack([a, b, middle_front + b], 1),
            np.stack([a, middle_front + b, middle_front + a], 1),
            np.stack([middle_back + a, middle_back + b, n + b], 1),
            np.stack([middle_back + a, n + b, n + a], 1),
        ]
    )
    material = Material("photo", image=encode_texture(atlas), roughness=0.9)
    count = len(faces)
    data = MeshData(vertices, faces, np.zeros(count, np.int64), (material,), uv)
    return _with_normals(data, n, g)


def _with_normals(data: MeshData, n: int, g: int) -> MeshData:
    """Smooth normals that take no notice of the texture's seam."""
    same = np.arange(len(data.vertices))
    border = n - g
    same[2 * n + border :] = same[2 * n : 2 * n + border]
    normals = vertex_normals(data.vertices, same[data.faces])
    return replace(data, normals=normals[same])


def _texture(
    item: MeshItem, at_px: np.ndarray, on_back: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The atlas (front left, back right) and the coordinates of (n, 2) view pixels in it."""
    front = filled_colour(item.rgba)
    height, width = front.shape[:2]
    shrink = min(1.0, MAX_TEXTURE_PX / max(height, width))
    if shrink < 1.0:
        size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
        front = np.asarray(Image.fromarray(front).resize(size, Image.Resampling.LANCZOS))
    scale = np.array([front.shape[1] / width, front.shape[0] / height])
    # What is behind is not known: the front's colours, without its details.
    blur = 0.035 * max(front.shape[:2])
    back = ndimage.gaussian_filter(front.astype(np.float32), (blur, blur, 0), mode="nearest")
    halves = [np.pad(h, ((GUTTER_PX, GUTTER_PX), (GUTTER_PX, GUTTER_PX), (0, 0)), mode="edge")
              for h in (front, np.clip(0.92 * back, 0, 255).astype(np.uint8))]  # fmt: skip
    atlas = np.concatenate(halves, 1)
    inside = np.clip(at_px * scale, 0.5, np.array(front.shape[1::-1]) - 0.5) + GUTTER_PX
    inside[:, 0] += np.where(on_back, halves[0].shape[1], 0)
    return atlas, inside / [atlas.shape[1], atlas.shape[0]]


def filled_colour(rgba: np.ndarray) -> np.ndarray:
    """(h, w, 3) uint8: colours of the solid inside, carried outwards over edge and background.

    The outermost pixels of a silhouette are mixed with what lies behind it; they are replaced
    by the nearest ones further inside, except on limbs that have none.
    """
    alpha = rgba[..., 3]
    inside = alpha >= 250 if (alpha >= 250).any() else alpha >= 128
    reach = ndimage.distance_transform_edt(inside)
    margin = float(np.clip(0.012 * np.sqrt(inside.sum()), 1.0, 3.0))
    local = ndimage.maximum_filter(reach, size=2 * int(margin) + 3)
    sure = inside & (reach > np.minimum(margin, np.maximum(local - 1.0, 0.0)))
    nearest = np.asarray(
        ndimage.distance_transform_edt(~sure, return_distances=False, return_indices=True)
    )
    return np.ascontiguousarray(rgba[nearest[0], nearest[1], :3])


def _framed(data: MeshData) -> MeshData:
    """Centred at the origin, one unit high."""
    low, high = data.bounds
    matrix = np.eye(4)
    scale = 1.0 / max(float(high[1] - low[1]), 1e-9)
    matrix[:3, :3] *= scale
    matrix[:3, 3] = -scale * 0.5 * (low + high)
    return data.moved(matrix)
