"""A plane's polygon as triangles, with the openings left out through which the room goes on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..frames import Sim3, project, unproject
from ..planes import Plane
from .lattice import Lattice, ray_depths
from .planes import clip_polygon, view_sides
from .relief import Openings


def triangles_of(
    plane: Plane,
    polygon: np.ndarray,
    lattice: Lattice,
    openings: Openings,
    intrinsics: np.ndarray,
    pose: Sim3,
    size: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (n, 3) world and faces (m, 3), facing as the polygon does.

    Args:
        polygon: (k, 3) world, convex, counter-clockwise from inside.
        openings: in the picture, on the lattice's cells.
        pose: world from camera.
        size: (width, height) of the picture.
    """
    width, height = size
    sides = view_sides(intrinsics, width, height, 0.0, pose)
    inside, pieces = polygon, []
    for normal, offset in sides:
        pieces.append(clip_polygon(inside, -normal, -offset))
        inside = clip_polygon(inside, normal, offset)
    if len(inside) < 3:
        return _fans([polygon])
    flat = project(pose.inverse().apply(inside), intrinsics)
    if not np.isfinite(flat).all() or not _touched(flat, lattice, openings):
        return _fans([polygon])
    vertices, faces = _fans([piece for piece in pieces if len(piece) >= 3])
    pixels, inner = _cut(flat, lattice, openings)
    depth = ray_depths([plane], pose, intrinsics, pixels)
    sound = np.isfinite(depth)
    inner = inner[sound[inner].all(1)]
    world = pose.apply(unproject(pixels, np.where(sound, depth, 1.0), intrinsics))
    return np.concatenate([vertices, world]), np.concatenate([faces, inner + len(vertices)])


def _fans(polygons: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    vertices, faces, count = [np.zeros((0, 3))], [np.zeros((0, 3), np.int64)], 0
    for polygon in polygons:
        corner = np.arange(1, len(polygon) - 1)
        faces.append(count + np.stack([np.zeros_like(corner), corner, corner + 1], 1))
        vertices.append(polygon)
        count += len(polygon)
    return np.concatenate(vertices), np.concatenate(faces)


def _touched(flat: np.ndarray, lattice: Lattice, openings: Openings) -> bool:
    """Whether an opening's middle lies in the (k, 2) px polygon."""
    middles = [
        np.stack(
            [
                (lattice.x[1:] + lattice.x[:-1])[columns] / 2,
                (lattice.y[1:] + lattice.y[:-1])[rows] / 2,
            ],
            1,
        )
        for rows, columns in (np.nonzero(openings.whole),)
    ]
    middles += [part.mean(0)[None] for _, _, part in openings.parts]
    return bool(within(np.concatenate(middles), flat).any())


def within(points: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """(n,) bool, whether (n, 2) points lie in a convex (k, 2) polygon of either sense."""
    along = np.roll(polygon, -1, 0) - polygon
    offset = points[:, None] - polygon
    side = along[:, 0] * offset[..., 1] - along[:, 1] * offset[..., 0]
    return np.asarray((side >= 0).all(1) | (side <= 0).all(1))


def _cut(flat: np.ndarray, lattice: Lattice, openings: Openings) -> tuple[np.ndarray, np.ndarray]:
    """Points (n, 2) px and triangles (m, 3) of the polygon without its openings.

    A Delaunay triangulation holds the openings' outlines by itself: they run along lattice edges
    or cross a single cell, whose corners are points as well.
    """
    from scipy.spatial import Delaunay

    rows, columns = openings.whole.shape
    rim = np.zeros((rows + 1, columns + 1), bool)
    full = np.pad(openings.whole, 1)
    number = (
        full[:-1, :-1].astype(int) + full[:-1, 1:].astype(int)
        + full[1:, :-1].astype(int) + full[1:, 1:].astype(int)
    )  # fmt: skip
    rim |= (number > 0) & (number < 4)
    for row, column, _ in openings.parts:
        rim[row : row + 2, column : column + 2] = True
    points = np.concatenate([lattice.pixels[rim], *(part for _, _, part in openings.parts)])
    points = np.concatenate([flat, points[within(points, flat)]])
    points = points[np.unique(np.round(points, 6), axis=0, return_index=True)[1]]
    triangles = Delaunay(points).simplices
    a, b, c = (points[triangles[:, i]] for i in range(3))
    area = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    # Faces towards the camera run anticlockwise as seen, so clockwise numbers with y down.
    triangles = np.where((area > 0)[:, None], triangles[:, [0, 2, 1]], triangles)
    triangles = triangles[np.abs(area) > 1e-9]
    middle = points[triangles].mean(1)
    column = np.clip(np.searchsorted(lattice.x, middle[:, 0], "right") - 1, 0, columns - 1)
    row = np.clip(np.searchsorted(lattice.y, middle[:, 1], "right") - 1, 0, rows - 1)
    keep = ~openings.whole[row, column]
    by_cell = {(r, c): part for r, c, part in openings.parts}
    partly = np.zeros_like(openings.whole)
    for key in by_cell:
        partly[key] = True
    for index in np.flatnonzero(partly[row, column] & keep):
        part = by_cell[int(row[index]), int(column[index])]
        keep[index] = not within(middle[index][None], part)[0]
    return points, triangles[keep]
