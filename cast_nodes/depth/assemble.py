"""From room and boxes to one depth per pixel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .camera import RoomCamera, plane_depth
from .class_sizes import ClassSize
from .object_boxes import Box


def room_depth(rays: np.ndarray, planes: Sequence[np.ndarray], far: float) -> np.ndarray:
    """(...) depth of the first surface each ray (z = 1) meets, at most ``far``."""
    depth = np.full(rays.shape[:-1], far)
    for plane in planes:
        depth = np.minimum(depth, plane_depth(rays, plane))
    return depth


def box_interval(rays: np.ndarray, box: Box, camera: RoomCamera) -> tuple[np.ndarray, np.ndarray]:
    """(n,) depths where rays (n, 3) enter and leave a box; enter > leave where they miss it."""
    axes = box.axes @ camera.level_axes
    centre = box.centre @ camera.level_axes
    start = -(axes @ centre)
    along = rays @ axes.T
    half = 0.5 * box.size
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b = (-half - start) / along, (half - start) / along
    return np.fmin(a, b).max(1), np.fmax(a, b).min(1)


def cylinder_interval(
    rays: np.ndarray, box: Box, camera: RoomCamera
) -> tuple[np.ndarray, np.ndarray]:
    """Like :func:`box_interval` for the upright elliptic cylinder inside the box."""
    axes = box.axes @ camera.level_axes
    centre = box.centre @ camera.level_axes
    half = 0.5 * box.size
    start, along = -(axes @ centre) / half, rays @ axes.T / half
    a = along[:, 0] ** 2 + along[:, 2] ** 2
    b = along[:, 0] * start[0] + along[:, 2] * start[2]
    c = start[0] ** 2 + start[2] ** 2 - 1
    root = b * b - a * c
    with np.errstate(divide="ignore", invalid="ignore"):
        wide = np.sqrt(np.maximum(root, 0))
        near, far = (-b - wide) / a, (-b + wide) / a
        low, high = (-1 - start[1]) / along[:, 1], (1 - start[1]) / along[:, 1]
    enter = np.fmax(near, np.fmin(low, high))
    leave = np.fmin(far, np.fmax(low, high))
    return np.where(root > 0, enter, np.inf), np.where(root > 0, leave, -np.inf)


def object_depth(
    rays: np.ndarray, box: Box, camera: RoomCamera, prior: ClassSize, behind: np.ndarray
) -> np.ndarray:
    """(n,) depth of one object's visible surface along its pixels' rays.

    The surface lies in its box, ``depth_share`` of the way from the front to the back, and never
    behind what is behind the object: so feet meet the floor without a step. Rays that miss the
    box (masks are not boxes) take the box's middle.

    Args:
        behind: (n,) depth of the floor, wall or carrier there.
    """
    interval = cylinder_interval if prior.round else box_interval
    enter, leave = interval(rays, box, camera)
    hit = (enter <= leave) & (leave > 0) & np.isfinite(enter)
    corners = box.corners @ camera.level_axes
    low, high = corners[:, 2].min(), corners[:, 2].max()
    middle = box.centre @ camera.level_axes
    toward = camera.level_axes[2]
    upright = plane_depth(rays, np.append(toward, -(toward @ middle)))
    enter, leave = np.where(hit, enter, 0.0), np.where(hit, leave, 0.0)
    inside = enter + prior.depth_share * (leave - enter)
    depth = np.where(hit, np.maximum(inside, 0.0), np.clip(upright, low, high))
    floor_scale = 1e-3 * max(high, 1e-3)
    return np.minimum(np.maximum(depth, max(floor_scale, 0.02 * high)), behind)


def assemble_depth(
    camera: RoomCamera,
    planes: Sequence[np.ndarray],
    far: float,
    masks: Sequence[np.ndarray],
    priors: Sequence[ClassSize],
    boxes: Mapping[int, Box],
) -> np.ndarray:
    """(H, W) depth of the whole picture: room, then things from far to near."""
    from ..frames import pixel_centres

    rays = camera.rays(pixel_centres(camera.height, camera.width))
    depth = room_depth(rays, planes, far)
    room = depth.copy()
    floor_only = plane_depth(rays, planes[0])
    for index in sorted(boxes, key=lambda i: -boxes[i].base[2]):
        mask = masks[index]
        if not mask.any():
            continue
        box = boxes[index]
        # Things that are carried may lie before the floor that their rays would meet.
        behind = np.minimum(room[mask], floor_only[mask])
        depth[mask] = object_depth(rays[mask], box, camera, priors[index], behind)
    return depth
