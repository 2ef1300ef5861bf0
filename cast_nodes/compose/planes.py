"""The planes of a room and what part of each is kept: convex polygons in the world frame.

A room is the set of points on the inner side of all its planes. A plane's polygon is that part
of it which bounds the room and lies in the camera's widened view, so from the camera each
direction meets exactly one polygon and the polygons meet along common edges.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..frames import Sim3, unproject
from ..planes import Plane

EPSILON = 1e-9


def plane_axes(plane: Plane) -> tuple[np.ndarray, np.ndarray]:
    """Unit (right, down) of the plane as seen from inside, right × down = -normal.

    Down is away from up on walls, towards the camera (+z) on floors, away from it on ceilings.
    """
    up = np.array([0.0, 1.0, 0.0])
    if abs(plane.normal[1]) > 0.9:
        up = np.array([0.0, 0.0, -np.sign(plane.normal[1])])
    down = -(up - (up @ plane.normal) * plane.normal)
    down /= np.linalg.norm(down)
    return np.cross(plane.normal, down), down


def clip_polygon(polygon: np.ndarray, normal: np.ndarray, offset: float) -> np.ndarray:
    """The part of a convex (k, 3) polygon where ``normal . p + offset >= 0``.

    Sutherland & Hodgman, "Reentrant polygon clipping", 1974. Empty when nothing is left.
    """
    if len(polygon) < 3:
        return polygon[:0]
    height = polygon @ normal + offset
    after = np.roll(height, -1)
    kept: list[np.ndarray] = []
    for i, point in enumerate(polygon):
        if height[i] >= 0:
            kept.append(point)
        if (height[i] >= 0) != (after[i] >= 0):
            share = height[i] / (height[i] - after[i])
            kept.append(point + share * (polygon[(i + 1) % len(polygon)] - point))
    if len(kept) < 3:
        return polygon[:0]
    out = np.array(kept)
    scale = float(np.abs(out).max()) + 1.0
    distinct = np.linalg.norm(out - np.roll(out, 1, 0), axis=1) > 1e-9 * scale
    return out[distinct] if distinct.sum() >= 3 else out[:0]


def view_sides(
    intrinsics: np.ndarray, width: int, height: int, margin: float, world_from_camera: Sim3
) -> list[tuple[np.ndarray, float]]:
    """The four planes through the camera that hold its view, widened by ``margin`` of the size.

    Returns:
        (normal, offset) in the world frame, inside positive.
    """
    x0, x1 = -margin * width, (1 + margin) * width
    y0, y1 = -margin * height, (1 + margin) * height
    corners = unproject(np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]), np.ones(4), intrinsics)
    sides = []
    for a, b in zip(corners, np.roll(corners, -1, 0), strict=True):
        normal = world_from_camera.rotate(np.cross(a, b))
        normal /= np.linalg.norm(normal)
        sides.append((normal, float(-normal @ world_from_camera.translation)))
    return sides


def convex_hull_on(plane: Plane, points: np.ndarray) -> np.ndarray:
    """The convex hull (k, 3) of points dropped onto the plane, counter-clockwise from inside.

    Empty when they do not span an area.
    """
    from scipy.spatial import ConvexHull, QhullError

    right, down = plane_axes(plane)
    origin = -plane.offset * plane.normal
    flat = np.stack([(points - origin) @ right, (points - origin) @ -down], 1)
    try:
        hull = flat[ConvexHull(flat).vertices]
    except (QhullError, ValueError):
        return np.zeros((0, 3))
    return origin + hull[:, :1] * right + hull[:, 1:] * -down


def bounded_polygon(
    plane: Plane,
    others: Sequence[Plane],
    sides: Sequence[tuple[np.ndarray, float]],
    reach: float,
    cover: np.ndarray,
) -> np.ndarray:
    """The kept part of a plane.

    Args:
        plane: whose part it is.
        others: the room's other planes.
        sides: the widened view, as :func:`view_sides` gives it.
        reach: nothing farther than this from the world's origin is kept.
        cover: (n, 3) world points that the polygon must lie below or behind as well (what
            stands on the floor outside the view), may be empty.

    Returns:
        (k, 3) world, counter-clockwise from inside, empty when none of it is seen.
    """
    right, down = plane_axes(plane)
    origin = -plane.offset * plane.normal
    square = np.array([[-1, 1], [1, 1], [1, -1], [-1, -1]]) * reach
    polygon = origin + square[:, :1] * right + square[:, 1:] * down
    whole = polygon
    for normal, offset in sides:
        polygon = clip_polygon(polygon, normal, offset)
    if len(cover) and len(polygon):
        wider = convex_hull_on(plane, np.concatenate([polygon, cover]))
        polygon = wider if len(wider) else polygon
    elif len(cover):
        polygon = convex_hull_on(plane, cover)
    if not len(polygon):
        return whole[:0]
    for other in others:
        polygon = clip_polygon(polygon, other.normal, other.offset)
    return polygon


def exit_distance(planes: Sequence[Plane], origin: np.ndarray, rays: np.ndarray) -> np.ndarray:
    """(n,) how far along (n, 3) world rays the room ends, inf where it is open."""
    distance = np.full(len(rays), np.inf)
    for plane in planes:
        towards = rays @ plane.normal
        with np.errstate(divide="ignore"):
            hit = np.where(towards < -EPSILON, -float(plane.height(origin)) / towards, np.inf)
        distance = np.minimum(distance, hit)
    return distance


def polygon_area(polygon: np.ndarray) -> float:
    """Area of a planar (k, 3) polygon."""
    if len(polygon) < 3:
        return 0.0
    fan = np.cross(polygon[1:-1] - polygon[0], polygon[2:] - polygon[0])
    return float(0.5 * np.linalg.norm(fan.sum(0)))
