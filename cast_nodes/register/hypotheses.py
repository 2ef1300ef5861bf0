"""Where to start: rotations, and for each the size and place that match mask and points.

A mesh turned some way and seen in the photo must fill the mask's box and show its visible
shell at the observed depth; that fixes size and translation, so only rotations are guessed.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch

from ..frames import CAMERA_UP
from .batch import Batch, Poses
from .problem import Problem

SHELL_CELLS = 16
FITTING_STEPS = 5


def yaw_rotations(up: np.ndarray, count: int, forward: np.ndarray) -> np.ndarray:
    """(count, 3, 3) ``R_camera_from_object`` with y along ``up``; the first one turns the
    object's +z towards the camera.

    Args:
        up: (3,) unit, camera frame.
        forward: (3,) direction from the camera to the object.
    """
    facing = -(forward - (forward @ up) * up)
    if np.linalg.norm(facing) < 1e-6:  # seen from straight above: the picture's bottom is "front"
        towards = np.array([0.0, 1.0, 0.0] if abs(up[1]) < 0.9 else [0.0, 0.0, -1.0])
        facing = towards - (towards @ up) * up
    facing /= np.linalg.norm(facing)
    side = np.cross(up, facing)
    angle = 2 * np.pi * np.arange(count)[:, None] / count
    z = np.cos(angle) * facing + np.sin(angle) * side
    y = np.broadcast_to(up, z.shape)
    return np.stack([np.cross(y, z), y, z], -1)


@cache
def all_rotations(count: int) -> np.ndarray:
    """(count, 3, 3) rotations spread evenly over all (Alexa 2022, "Super-Fibonacci spirals")."""
    phi, psi = np.sqrt(2.0), 1.533751168755204288118041
    s = np.arange(count) + 0.5
    r, big = np.sqrt(s / count), np.sqrt(1 - s / count)
    a, b = 2 * np.pi * s / phi, 2 * np.pi * s / psi
    x, y, z, w = r * np.sin(a), r * np.cos(a), big * np.sin(b), big * np.cos(b)
    return np.stack(
        [
            1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w),
            2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w),
            2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y),
        ],
        -1,
    ).reshape(-1, 3, 3)  # fmt: skip


def facing_rotation(direction: np.ndarray) -> np.ndarray:
    """(3, 3) rotation that shows the object's +z to the camera, its y up in the picture."""
    z = -direction / np.linalg.norm(direction)
    x = np.cross(CAMERA_UP, z)
    x = x / np.linalg.norm(x) if np.linalg.norm(x) > 1e-6 else np.array([1.0, 0, 0])
    return np.stack([x, np.cross(z, x), z], -1)


def free_sides(problem: Problem) -> np.ndarray:
    """(4,) bool, sides (left, top, right, bottom) of the mask's box where its end is seen."""
    rows, columns = np.flatnonzero(problem.mask.any(1)), np.flatnonzero(problem.mask.any(0))
    band = max(1, round(0.04 * max(len(rows), len(columns))))
    unknown, mask = problem.unknown, problem.mask
    height, width = mask.shape

    def seen(rows_in: slice, columns_in: slice, step: tuple[int, int]) -> bool:
        """Whether most of the mask's extreme pixels border on known background."""
        y, x = np.nonzero(mask[rows_in, columns_in])
        y, x = y + (rows_in.start or 0), x + (columns_in.start or 0)
        shown = []
        for reach in range(1, band + 3):
            ahead_y = np.clip(y + step[0] * reach, 0, height - 1)
            ahead_x = np.clip(x + step[1] * reach, 0, width - 1)
            shown.append(~unknown[ahead_y, ahead_x])
        return bool(np.all(shown, 0).mean() > 0.5)

    whole = slice(0, None)
    return np.array(
        [
            seen(whole, slice(columns[0], columns[0] + band), (0, -1)),
            seen(slice(rows[0], rows[0] + band), whole, (-1, 0)),
            seen(whole, slice(max(0, columns[-1] + 1 - band), columns[-1] + 1), (0, 1)),
            seen(slice(max(0, rows[-1] + 1 - band), rows[-1] + 1), whole, (1, 0)),
        ]
    )


def mask_box(problem: Problem) -> np.ndarray:
    """(4,) rays (x/z left, y/z top, right, bottom) of the mask's box."""
    rows, columns = np.flatnonzero(problem.mask.any(1)), np.flatnonzero(problem.mask.any(0))
    box = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float64)
    k = problem.intrinsics
    return (box - k[[0, 1, 0, 1], 2]) / k[[0, 1, 0, 1], [0, 1, 0, 1]]


def place(
    batch: Batch,
    problem: Problem,
    index: int,
    surface: int,
    samples: torch.Tensor,
    rotations: np.ndarray,
    tilt: float,
    grow: float = 1.0,
    size: float | None = None,
) -> Poses:
    """Hypotheses of one problem and mesh, one a rotation, aligned to the seen sides of its mask.

    Args:
        index, surface: the problem's and the mesh's row in the batch.
        samples: (k, 3) of the mesh.
        rotations: (n, 3, 3).
        tilt: weight of the gravity prior.
        grow: factor on the size that fills the mask's box.
        size: the mesh's diagonal, in the problem's unit, where it is known from elsewhere.
    """
    device = samples.device
    turn = torch.from_numpy(np.ascontiguousarray(rotations, np.float32)).to(device)
    cloud = samples @ turn.transpose(1, 2)  # (n, k, 3)
    box = torch.from_numpy(mask_box(problem).astype(np.float32)).to(device)
    free = free_sides(problem)
    depth = float(batch.distance[index])
    shell = _shell(cloud)
    # Start as seen from far away, then correct size and place by the projected box.
    extent = cloud.amax(1) - cloud.amin(1)
    middle = (cloud.amax(1) + cloud.amin(1)) / 2
    centre = ((box[:2] + box[2:]) / 2).expand(len(turn), 2)
    if size is None:
        sizes = _fitting_size(extent[:, :2].clamp(min=1e-3) / depth, box, free)
    else:
        sizes = torch.full_like(shell, size)

    def stand() -> torch.Tensor:
        z = depth - sizes * shell
        translation = torch.cat([centre * z[:, None], z[:, None]], 1)
        translation[:, :2] -= sizes[:, None] * middle[:, :2]
        return translation

    for step in range(FITTING_STEPS):
        p = sizes[:, None, None] * cloud + stand()[:, None]
        ray = p[..., :2] / p[..., 2:].clamp(min=0.05)
        low, high = ray.amin(1), ray.amax(1)
        if step == FITTING_STEPS - 2:
            sizes = sizes * grow
        elif size is None and step < FITTING_STEPS - 2:
            fitting = _fitting_size((high - low).clamp(min=1e-4), box, free)
            sizes = sizes * fitting.clamp(0.5, 2.0)
        centre = centre + _box_shift(low, high, box, free)
    log_size = sizes.clamp(min=1e-4).log()
    ones = torch.ones(len(turn), dtype=torch.long, device=device)
    return Poses(
        rotation=turn,
        translation=stand(),
        log_size=log_size,
        problem=index * ones,
        surface=surface * ones,
        tilt=torch.full_like(log_size, tilt),
        contact=torch.zeros_like(log_size),
        start=log_size,
        warp=torch.zeros(len(turn), 3, device=device),
    )


def _fitting_size(extent: torch.Tensor, box: torch.Tensor, free: np.ndarray) -> torch.Tensor:
    """(n,) factor that makes (n, 2) projected extents fill the box.

    Where both ends of only one axis are seen that axis decides; where neither is, the larger
    factor, because what is hidden can only make the object larger.
    """
    ratio = (box[2:] - box[:2]) / extent
    wide, tall = ratio.unbind(1)
    seen_x, seen_y = bool(free[0] and free[2]), bool(free[1] and free[3])
    if seen_x and seen_y:
        return (wide * tall).sqrt()
    if seen_x or seen_y:
        return wide if seen_x else tall
    return torch.maximum(wide, tall)


def _box_shift(
    low: torch.Tensor, high: torch.Tensor, box: torch.Tensor, free: np.ndarray
) -> torch.Tensor:
    """(n, 2) shift that brings projected boxes onto the mask's: by the sides that are seen."""
    to_low, to_high = box[:2] - low, box[2:] - high
    axes = []
    for axis in range(2):
        first, last = bool(free[axis]), bool(free[axis + 2])
        if first != last:
            axes.append(to_low[:, axis] if first else to_high[:, axis])
        else:
            axes.append((to_low[:, axis] + to_high[:, axis]) / 2)
    return torch.stack(axes, 1)


def _shell(cloud: torch.Tensor) -> torch.Tensor:
    """(n,) mean depth of the side that (n, k, 3) samples show to the camera, from the centre."""
    low, high = cloud[..., :2].amin(1, keepdim=True), cloud[..., :2].amax(1, keepdim=True)
    cell = ((cloud[..., :2] - low) / (high - low).clamp(min=1e-6) * (SHELL_CELLS - 0.01)).long()
    cell = cell[..., 1] * SHELL_CELLS + cell[..., 0]
    nearest = cloud.new_full((len(cloud), SHELL_CELLS**2), torch.inf)
    nearest = nearest.scatter_reduce(1, cell, cloud[..., 2], "amin")
    hit = torch.isfinite(nearest)
    return torch.where(hit, nearest, torch.zeros_like(nearest)).sum(1) / hit.sum(1).clamp(min=1)
