"""The outline of a rendered pose against the outline of the mask, as linear evidence.

The cascade's silhouette terms know samples of a mesh; near the end they are too coarse. Here the
mesh is rendered, each border pixel of its silhouette is paired with the nearest border of the
mask and each border pixel of the mask with the nearest border of the silhouette (point to line,
as in contour tracking: Drummond and Cipolla 2002), and the pose is solved for with these pairs
until the next rendering. Borders beside something that hides the object say nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage

from ..raster import Raster
from .batch import Poses
from .problem import Problem, distance_to
from .remembered import remembered
from .residuals import Evidence, Rows

PAIRS = 160
"""Pairs of each direction that are used."""
WEIGHT = 40.0
"""Of each direction, where all observed points together weigh 1: a border is right to a pixel, a
depth to some per cent, and more border pixels are independent of each other than depths."""


@dataclass(frozen=True, eq=False)
class Borders:
    """What one mask says of outlines; pictures of the problem's crop.

    Attributes:
        apart: (h, w) float32 px, signed distance to the mask's border pixels, > 0 outside.
        slope: (h, w, 2) float32, unit direction (right, down) in which ``apart`` grows.
        tells: (h, w) bool, pixels at which the nearest border is one of the object itself.
        edge: (n, 2) int64, rows and columns of the mask's border pixels beside known background.
    """

    apart: np.ndarray
    slope: np.ndarray
    tells: np.ndarray
    edge: np.ndarray


@remembered
def borders_of(problem: Problem) -> Borders:
    """The borders of a problem's mask."""
    mask, unknown = problem.mask, problem.unknown
    background = ~mask & ~unknown
    to_mask, to_background = distance_to(mask), _distance(background)
    to_unknown = _distance(unknown)
    apart = np.where(mask, 1 - to_background, to_mask)
    # Bounded where there is no background at all.
    apart = np.clip(apart, -max(mask.shape), max(mask.shape)).astype(np.float32)
    smooth = ndimage.gaussian_filter(apart, 1.0)
    down, right = np.gradient(smooth) if min(mask.shape) > 1 else (0 * smooth, 0 * smooth)
    slope = np.stack([right, down], -1)
    slope /= np.maximum(np.linalg.norm(slope, axis=-1, keepdims=True), 1e-6)
    # Inside, the border to an occluder is none of the object's; outside, beyond one, likewise.
    tells = np.where(mask, to_background <= to_unknown + 1, (to_mask <= to_unknown) & ~unknown)
    edge = _rim(mask) & (to_background < 1.5) & (to_unknown > 2.5)
    return Borders(apart, slope.astype(np.float32), tells, np.argwhere(edge))


def _distance(mask: np.ndarray) -> np.ndarray:
    """As ``distance_to``, far away from everything where the mask is empty."""
    return distance_to(mask) if mask.any() else np.full(mask.shape, 1e4, np.float32)


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of B poses, n each, for one rendering.

    Attributes:
        points: (B, n, 3) float32 on the normalised mesh.
        line: (B, n, 3) float32: unit normal (right, down) and the pixel offset along it at which
            the point should be seen.
        weight: (B, n) float32, shares that sum to at most 1 for each pose and direction.
        scale: px, of the robust kernel.
    """

    points: torch.Tensor
    line: torch.Tensor
    weight: torch.Tensor
    scale: float


def make_pairs(
    rendered: Sequence[tuple[Problem, Raster, float]], poses: Poses, scale: float
) -> Pairs:
    """Pairs of poses, each with its problem, its rendering and its unit."""
    count = len(rendered)
    points = np.zeros((count, 2 * PAIRS, 3), np.float32)
    line = np.zeros((count, 2 * PAIRS, 3), np.float32)
    weight = np.zeros((count, 2 * PAIRS), np.float32)
    rotation, centre = poses.rotation.cpu().numpy(), poses.translation.cpu().numpy()
    size = poses.log_size.exp().cpu().numpy()
    for i, (problem, seen, unit) in enumerate(rendered):
        shown = seen.mask
        rim = _rim(shown)
        if not rim.any():
            continue
        found = _pairs(rim, borders_of(problem))
        for part, (pixel, normal, offset) in enumerate(found):
            if not len(pixel):
                continue
            chosen = np.arange(len(pixel)) * 7919 % len(pixel)  # spread over rows
            chosen = chosen[:PAIRS] if len(pixel) > PAIRS else np.arange(len(pixel))
            at = np.s_[i, part * PAIRS : part * PAIRS + len(chosen)]
            pixel = pixel[chosen]
            # The point that the pixel's centre sees, back on the normalised mesh.
            depth = seen.depth[pixel[:, 0], pixel[:, 1]].astype(np.float64) / unit
            k = problem.intrinsics
            ray = (pixel[:, ::-1] + 0.5 - k[:2, 2]) / k[[0, 1], [0, 1]]
            camera = np.concatenate([ray, np.ones((len(ray), 1))], 1) * depth[:, None]
            points[at] = (camera - centre[i]) @ rotation[i] / size[i]
            line[at] = np.concatenate([normal[chosen], offset[chosen, None]], 1)
            weight[at] = 1 / len(chosen)
    device = poses.log_size.device

    def tensor(array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(array).to(device)

    return Pairs(tensor(points), tensor(line), tensor(weight), scale)


def _rim(mask: np.ndarray) -> np.ndarray:
    """(h, w) bool, pixels of a mask with a neighbour outside it; the picture's end is no border."""
    return mask & ~np.asarray(ndimage.binary_erosion(mask, border_value=1), bool)


def _pairs(rim: np.ndarray, borders: Borders):
    """(pixels (n, 2), normals (n, 2), offsets (n,)) of silhouette → mask and mask → silhouette."""
    rim_at = np.argwhere(rim)
    tells = borders.tells[rim_at[:, 0], rim_at[:, 1]]
    # The picture's own border cuts silhouettes.
    tells &= (rim_at > 0).all(1) & (rim_at < np.array(rim.shape) - 1).all(1)
    own = rim_at[tells]
    normal = borders.slope[own[:, 0], own[:, 1]]
    centre = own[:, ::-1] + 0.5
    yield own, normal, (centre * normal).sum(1) - borders.apart[own[:, 0], own[:, 1]]
    edge = borders.edge
    if not len(edge):
        return
    nearest = np.asarray(
        ndimage.distance_transform_edt(~rim, return_distances=False, return_indices=True)
    )
    normal = borders.slope[edge[:, 0], edge[:, 1]]
    target = ((edge[:, ::-1] + 0.5) * normal).sum(1)
    yield nearest[:, edge[:, 0], edge[:, 1]].T, normal, target


class Outlined(Evidence):
    """The same evidence with the outline's pairs in place of the silhouette's samples.

    Args:
        base: the evidence of the cascade.
        pairs: of the poses that are asked about, in their order.
    """

    def __init__(self, base: Evidence, pairs: Pairs) -> None:
        super().__init__(base.batch, base.fields, base.samples, base.lowest)
        self.pairs = pairs

    def _silhouette(self, poses: Poses, effort) -> list[Rows]:
        batch, pairs = self.batch, self.pairs
        lever, p = poses.apply(pairs.points)
        z = p[..., 2].clamp(min=0.05)
        ray = p[..., :2] / z[..., None]
        focal = batch.focal[poses.problem][:, None]
        pixel = ray * focal + batch.principal[poses.problem][:, None]
        normal = pairs.line[..., :2]
        off = (pixel * normal).sum(-1) - pairs.line[..., 2]
        distance = batch.distance[poses.problem][:, None]
        unit_per_px = distance / focal.mean(-1)
        gx, gy = (normal * focal / z[..., None]).unbind(-1)
        gradient = torch.stack([gx, gy, -(gx * ray[..., 0] + gy * ray[..., 1])], -1)
        gradient = gradient * unit_per_px[..., None]
        residual = off * unit_per_px
        share = 1 / (1 + (off / pairs.scale) ** 2)  # Geman and McClure 1985
        each = WEIGHT * pairs.weight
        cost = (each * residual**2 * share).sum(1)
        outline = Rows(residual, gradient, lever, each * share**2, cost, torch.zeros_like(lever))
        return [outline]
