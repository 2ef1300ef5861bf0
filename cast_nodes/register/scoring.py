"""How well a posed mesh explains the photo, by z-buffer.

``score = iou - depth_weight * depth error``, both between 0 and 1, pixels that are hidden by
something nearer left out. Colour only decides between poses that shape cannot tell apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ..raster import Raster, rasterize
from .batch import Batch, Poses, ramp_picture
from .problem import Problem
from .sampling import Surface

SPLAT_SIDE = 56
"""Resolution of the coarse z-buffer."""
DEPTH_SCALE = 0.06
"""A depth error of this share of the object's size counts in full."""


@dataclass(frozen=True)
class Fit:
    """One pose against the photo.

    Attributes:
        score: larger is better.
        iou: silhouette against mask where it can be told, 0..1.
        depth_residual: median |error| over the object's depth; NaN when nothing overlaps.
        visible: share of the silhouette that the mask shows.
        colour: correlation of the mesh's colours with the photo's, -1..1; 0 when untold.
    """

    score: float
    iou: float
    depth_residual: float
    visible: float
    colour: float


def depth_weight(trust: float) -> float:
    """Weight of the depth error in the score, from the weight of the points."""
    return 0.6 * min(1.0, trust)


def splat(batch: Batch, samples: torch.Tensor, poses: Poses) -> torch.Tensor:
    """(B, SPLAT_SIDE, SPLAT_SIDE) depth of a coarse z-buffer of splatted samples; inf = empty."""
    side = SPLAT_SIDE
    _, p = poses.apply(samples[poses.surface])
    scale = side / batch.size.amax(1)[poses.problem][:, None, None]
    focal = batch.focal[poses.problem][:, None]
    z = p[..., 2].clamp(min=0.05)
    pixel = (p[..., :2] / z[..., None] * focal + batch.principal[poses.problem][:, None]) * scale
    inside = ((pixel >= 0) & (pixel < side)).all(-1)
    at = pixel.clamp(0, side - 1).long()
    flat = at[..., 1] * side + at[..., 0]
    inverse = torch.where(inside, 1 / z, torch.zeros_like(z))
    buffer = inverse.new_zeros(len(poses), side * side)
    buffer = buffer.scatter_reduce(1, flat, inverse, "amax").view(-1, 1, side, side)
    # Closing fills the gaps between samples: grow, then shrink.
    pool = torch.nn.functional.max_pool2d
    closed = -pool(-pool(buffer, 3, 1, 1), 3, 1, 1)[:, 0]
    return 1 / torch.maximum(closed, buffer[:, 0])


def snapped(
    batch: Batch, poses: Poses, seen: torch.Tensor, pictures: Pictures, most: float
) -> Poses:
    """Poses moved along their view rays until most of what they show lies at the observed depth.

    Scaling size and place together about the camera leaves the picture as it is, so this one
    number is found without a search, where descent would take far points for outliers. Where the
    observed depth is a guess, poses stay.

    Args:
        seen: (B, SPLAT_SIDE, SPLAT_SIDE) of :func:`splat`.
        most: bound of the move's |log|; what would go farther stays.
    """
    front = pictures.front[poses.problem]
    known = torch.isfinite(seen) & (front > 0)
    ratio = torch.where(known, front / seen, torch.full_like(front, torch.nan)).flatten(1)
    move = torch.nan_to_num(ratio.nanmedian(1).values.log(), 0.0)
    trusted = batch.trust[poses.problem] >= 1
    move = torch.where(trusted & (move.abs() < most), move, torch.zeros_like(move))
    return poses.nearer(move)


def splat_scores(
    batch: Batch, pictures: Pictures, seen: torch.Tensor, poses: Poses
) -> torch.Tensor:
    """(B,) scores from coarse z-buffers (see :func:`splat`), all poses at once."""
    shown = torch.isfinite(seen)
    mask, unknown = pictures.mask[poses.problem], pictures.unknown[poses.problem]
    both = (shown & mask).flatten(1).sum(1)
    union = ((shown | mask) & ~unknown).flatten(1).sum(1)
    iou = both / union.clamp(min=1)
    front = pictures.front[poses.problem]
    compared = shown & (front > 0)
    bent = front * (1 + (pictures.ramp[poses.problem] * poses.warp[:, None, None]).sum(-1))
    error = (seen - bent).abs() / DEPTH_SCALE
    error = torch.where(compared, error.clamp(max=1), torch.zeros_like(error))
    total = compared.flatten(1).sum(1)
    mean = error.flatten(1).sum(1) / total.clamp(min=1)
    mean = torch.where(total > 0, mean, torch.ones_like(mean))
    weight = 0.6 * batch.trust[poses.problem].clamp(max=1)
    return iou - weight * mean


@dataclass(frozen=True, eq=False)
class Pictures:
    """Coarse pictures of O problems, (O, SPLAT_SIDE, SPLAT_SIDE, …), for :func:`splat_scores`."""

    mask: torch.Tensor
    unknown: torch.Tensor
    front: torch.Tensor
    ramp: torch.Tensor

    @staticmethod
    def of(problems, batch: Batch, device: torch.device) -> Pictures:
        shape = (len(problems), SPLAT_SIDE, SPLAT_SIDE)
        mask, unknown = np.zeros(shape, bool), np.zeros(shape, bool)
        front = np.zeros(shape, np.float32)
        ramp = np.zeros((*shape, 3), np.float32)
        for i, problem in enumerate(problems):
            height, width = problem.mask.shape
            centre = (np.arange(SPLAT_SIDE) + 0.5) * max(height, width) / SPLAT_SIDE
            at = centre.astype(int)
            rows, columns = at[at < height][:, None], at[at < width][None]
            part = np.s_[i, : rows.size, : columns.size]
            mask[part] = problem.mask[rows, columns]
            unknown[part] = problem.unknown[rows, columns]
            front[part] = np.nan_to_num(problem.depth[rows, columns] / batch.unit[i])
            ramp[part] = ramp_picture(problem)[rows, columns]
        return Pictures(*(torch.from_numpy(a).to(device) for a in (mask, unknown, front, ramp)))


def see(problem: Problem, surface: Surface, rotation, translation, size: float, unit: float):
    """The z-buffer of a pose at the working resolution.

    Args:
        rotation, translation, size: of the normalised mesh, camera units.
        unit: the object's rough size, camera units.
    """
    vertices = size * (surface.vertices @ np.asarray(rotation).T) + translation
    height, width = problem.mask.shape
    return rasterize(vertices, surface.faces, problem.intrinsics, width, height, 1e-4 * unit)


def fit_of(
    problem: Problem,
    surface: Surface,
    rotation,
    translation,
    size: float,
    unit: float,
    trust: float,
) -> Fit:
    """The exact fit at the working resolution; pose in camera units, ``unit`` the object's size."""
    seen = see(problem, surface, rotation, translation, size, unit)
    return fit_seen(problem, surface, seen, unit, trust, np.zeros(3))


def fit_seen(
    problem: Problem, surface: Surface, seen: Raster, unit: float, trust: float, warp: np.ndarray
) -> Fit:
    """The exact fit of a pose that was rendered.

    Args:
        warp: (3,) what the pose says of the depth map's error (see ``Poses.warp``).
    """
    shown, mask = seen.mask, problem.mask
    both = shown & mask
    union = (shown | mask) & ~problem.unknown
    iou = both.sum() / max(1, union.sum())
    compared = both & np.isfinite(problem.depth)
    depth = problem.depth * (1 + ramp_picture(problem) @ warp) if warp.any() else problem.depth
    error = np.abs(seen.depth[compared] - depth[compared])
    mean = float(np.minimum(error / (DEPTH_SCALE * unit), 1).mean()) if error.size else 1.0
    relative = float(np.median(error / depth[compared])) if error.size else float("nan")
    return Fit(
        score=float(iou - depth_weight(trust) * mean),
        iou=float(iou),
        depth_residual=relative,
        visible=float(both.sum() / max(1, shown.sum())),
        colour=_colour(problem.colour[both], surface.colours[seen.face[both]]),
    )


def _colour(photo: np.ndarray, mesh: np.ndarray) -> float:
    """Correlation of (n, 3) colours over the pixels, the light's strength and tint left out."""
    if len(photo) < 30:
        return 0.0
    a = photo.astype(np.float64) / 255
    b = mesh.astype(np.float64)
    a, b = a - a.mean(0), b - b.mean(0)
    norm = np.sqrt((a**2).sum() * (b**2).sum())
    # A mesh of one colour tells nothing.
    return float((a * b).sum() / norm) if (b**2).mean() > 1e-4 and norm > 0 else 0.0
