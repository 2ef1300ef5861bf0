"""Several problems as tensors of one unit, and poses as rows of tensors.

Each problem gets its own unit of length, its object's rough size, so that every residual of
every object is a share of the object and one set of tolerances serves a cup and a cathedral.
Poses map the normalised mesh (see :mod:`.sampling`) into that unit: ``p = s R x + t``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy import ndimage

from .problem import Problem, distance_to, nearest_set
from .sampling import Surface

POINTS = 1500
CONTOUR = 160
SAMPLES = 2048
STEEPEST = 3.0
"""Bound of an observed surface's slant."""


@dataclass(frozen=True, eq=False)
class Poses:
    """B hypotheses.

    Attributes:
        rotation: (B, 3, 3). translation: (B, 3). log_size: (B,), log of the diagonal.
        problem, surface: (B,) int64, which problem and which mesh of the batch.
        tilt: (B,) weight of the gravity prior: > 0 for hypotheses that stand upright.
        contact: (B,) weight of standing on the floor, 0 = free.
        start: (B,) log_size at the start, which the weak size prior refers to.
        warp: (B, 3) relative depth error of the point map over the object: offset and slopes to
            the right and down (see ``Batch.ramp``). Networks' maps are smoothly warped.
    """

    rotation: torch.Tensor
    translation: torch.Tensor
    log_size: torch.Tensor
    problem: torch.Tensor
    surface: torch.Tensor
    tilt: torch.Tensor
    contact: torch.Tensor
    start: torch.Tensor
    warp: torch.Tensor

    def __len__(self) -> int:
        return len(self.log_size)

    def __getitem__(self, index: torch.Tensor) -> Poses:
        return Poses(*(getattr(self, name)[index] for name in self.__dataclass_fields__))

    @staticmethod
    def joined(parts: Sequence[Poses]) -> Poses:
        """All rows of several."""
        names = Poses.__dataclass_fields__
        return Poses(*(torch.cat([getattr(p, name) for p in parts]) for name in names))

    def apply(self, points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, k, 3) mesh points to (lever ``s R x``, camera point), both (B, k, 3)."""
        matrix = self.rotation * self.log_size.exp()[:, None, None]
        lever = torch.bmm(points, matrix.transpose(1, 2))
        return lever, lever + self.translation[:, None]

    def moved(self, step: torch.Tensor) -> Poses:
        """After a (B, 10) step: rotation vector about the centre, translation, log size, warp."""
        return replace(
            self,
            rotation=torch.bmm(rotation_exp(step[:, :3]), self.rotation),
            translation=self.translation + step[:, 3:6],
            log_size=self.log_size + step[:, 6],
            warp=self.warp + step[:, 7:],
        )

    def nearer(self, log_factor: torch.Tensor) -> Poses:
        """Scaled about the camera by exp of (B,): each looks the same, but lies elsewhere."""
        log_size = self.log_size + log_factor
        return replace(
            self,
            translation=self.translation * log_factor.exp()[:, None],
            log_size=log_size,
            start=log_size,
        )

    def where(self, better: torch.Tensor, other: Poses) -> Poses:
        """``other``'s rows where ``better`` (B,), else one's own."""
        return replace(
            self,
            rotation=torch.where(better[:, None, None], other.rotation, self.rotation),
            translation=torch.where(better[:, None], other.translation, self.translation),
            log_size=torch.where(better, other.log_size, self.log_size),
            warp=torch.where(better[:, None], other.warp, self.warp),
        )


def rotation_exp(vector: torch.Tensor) -> torch.Tensor:
    """(B, 3) rotation vectors to (B, 3, 3) matrices (Rodrigues)."""
    angle = vector.norm(dim=1).clamp(min=1e-9)[:, None, None]
    x, y, z = (vector / angle[:, :, 0]).unbind(1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], 1).view(-1, 3, 3)
    eye = torch.eye(3, dtype=vector.dtype, device=vector.device)
    return eye + angle.sin() * cross + (1 - angle.cos()) * torch.bmm(cross, cross)


@dataclass(frozen=True, eq=False)
class Batch:
    """O problems as tensors (float32), lengths in each problem's own unit.

    Attributes:
        unit: (O,) float64 numpy, camera units of one unit.
        points: (O, POINTS, 3), repeated where there are fewer.
        ramp: (O, POINTS, 3) 1 and each point's place in the object's picture (right, down), about
            -1..1: what a pose's ``warp`` is multiplied with.
        reach: (O, S, S) px from each pixel to the nearest one the object may cover.
        front: (O, S, S, 3) observed depth at trusted pixels and its slant (dz/dx, dz/dy, lengths
            over lengths), 0 elsewhere.
        contour: (O, CONTOUR, 2) rays (x/z, y/z) through mask pixels beside known background.
        has_contour: (O,) 0 or 1.
        focal: (O, 2) px. principal: (O, 2) px. size: (O, 2) px, width and height of the crop.
        distance: (O,) typical depth.
        spacing: (O,) square root of the mask's area, in units. pixels: (O,) its area, px.
        up: (O, 3) or zeros. floor: (O, 4) plane or zeros.
        wall: (O, 4) plane that the object is to touch, or zeros.
        trust: (O,) weight of the observed points.
    """

    unit: np.ndarray
    points: torch.Tensor
    ramp: torch.Tensor
    reach: torch.Tensor
    front: torch.Tensor
    contour: torch.Tensor
    has_contour: torch.Tensor
    focal: torch.Tensor
    principal: torch.Tensor
    size: torch.Tensor
    distance: torch.Tensor
    spacing: torch.Tensor
    pixels: torch.Tensor
    up: torch.Tensor
    floor: torch.Tensor
    wall: torch.Tensor
    trust: torch.Tensor


def unit_of(problem: Problem) -> float:
    """The object's rough size: its picture's longer side at its typical depth."""
    rows, columns = np.nonzero(problem.mask)
    focal = (problem.intrinsics[0, 0] + problem.intrinsics[1, 1]) / 2
    side = max(np.ptp(rows), np.ptp(columns)) + 1
    return float(np.median(problem.points[:, 2]) * side / focal)


def make_batch(
    problems: Sequence[Problem],
    trust: Sequence[float],
    walls: Sequence[np.ndarray],
    device: torch.device,
) -> Batch:
    """Packs problems; pictures are padded to one size."""
    side = max(max(p.mask.shape) for p in problems)
    count = len(problems)
    unit = np.array([unit_of(p) for p in problems])
    reach = np.zeros((count, side, side), np.float32)
    front = np.zeros((count, side, side, 3), np.float32)
    points = np.zeros((count, POINTS, 3), np.float32)
    ramp = np.zeros((count, POINTS, 3), np.float32)
    contour = np.zeros((count, CONTOUR, 2), np.float32)
    has_contour = np.zeros(count, np.float32)
    up, floor, wall = np.zeros((count, 3)), np.zeros((count, 4)), np.zeros((count, 4))
    for i, problem in enumerate(problems):
        height, width = problem.mask.shape
        allowed = distance_to(problem.mask | problem.unknown)
        reach[i, :height, :width] = np.maximum(allowed - 0.5, 0)
        front[i, :height, :width] = _front(problem, unit[i])
        points[i] = problem.points[np.arange(POINTS) % len(problem.points)] / unit[i]
        ramp[i] = ramp_of(problem, points[i])
        rays = _contour_rays(problem)
        if len(rays):
            contour[i] = rays[np.arange(CONTOUR) * len(rays) // CONTOUR]
            has_contour[i] = 1
        if problem.up is not None:
            up[i] = problem.up
        if problem.floor is not None:
            floor[i] = [*problem.floor[:3], problem.floor[3] / unit[i]]
        wall[i] = [*walls[i][:3], walls[i][3] / unit[i]]
    k = np.stack([p.intrinsics for p in problems])
    distance = np.array([np.median(p.points[:, 2]) for p in problems]) / unit
    area = np.array([p.mask.sum() for p in problems])

    def tensor(array) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array, np.float32)).to(device)

    return Batch(
        unit=unit,
        points=tensor(points),
        ramp=tensor(ramp),
        reach=tensor(reach),
        front=tensor(front),
        contour=tensor(contour),
        has_contour=tensor(has_contour),
        focal=tensor(k[:, [0, 1], [0, 1]]),
        principal=tensor(k[:, :2, 2]),
        size=tensor([[p.mask.shape[1], p.mask.shape[0]] for p in problems]),
        distance=tensor(distance),
        spacing=tensor(np.sqrt(area) * distance / k[:, 0, 0]),
        pixels=tensor(area),
        up=tensor(up),
        floor=tensor(floor),
        wall=tensor(wall),
        trust=tensor(trust),
    )


def ramp_of(problem: Problem, points: np.ndarray) -> np.ndarray:
    """(…, 3) values 1, right, down of (…, 3) camera points of any unit, about -1..1 on the mask."""
    middle, half = _picture(problem)
    ray = points[..., :2] / points[..., 2:]
    return np.concatenate([np.ones_like(ray[..., :1]), (ray - middle) / half], -1)


def ramp_picture(problem: Problem) -> np.ndarray:
    """(h, w, 3) :func:`ramp_of` of each pixel."""
    height, width = problem.mask.shape
    k = problem.intrinsics
    x = (np.arange(width) + 0.5 - k[0, 2]) / k[0, 0]
    y = (np.arange(height) + 0.5 - k[1, 2]) / k[1, 1]
    rays = np.stack([*np.meshgrid(x, y), np.ones((height, width))], -1)
    return ramp_of(problem, rays)


def _picture(problem: Problem) -> tuple[np.ndarray, float]:
    """Middle ray (2,) of the object's points and half of its picture's longer side, as rays."""
    rays = problem.points[:, :2] / problem.points[:, 2:]
    rows, columns = np.nonzero(problem.mask)
    side = max(np.ptp(rows), np.ptp(columns)) + 1
    focal = (problem.intrinsics[0, 0] + problem.intrinsics[1, 1]) / 2
    return np.median(rays, 0), float(side / focal / 2)


def _front(problem: Problem, unit: float) -> np.ndarray:
    """(h, w, 3) float32 depth and slant of the observed surface; 0 where it is not trusted."""
    depth = problem.depth / unit
    known = np.isfinite(depth)
    smooth = ndimage.gaussian_filter(depth[nearest_set(known)], 2.0)
    slope_y, slope_x = np.gradient(smooth) if min(depth.shape) > 1 else (0 * depth, 0 * depth)
    focal = problem.intrinsics[[0, 1], [0, 1]]
    slant = np.stack([slope_x, slope_y], -1) * focal / np.maximum(smooth, 1e-6)[..., None]
    picture = np.concatenate([depth[..., None], slant.clip(-STEEPEST, STEEPEST)], 2)
    return np.where(known[..., None], picture, 0).astype(np.float32)


def _contour_rays(problem: Problem) -> np.ndarray:
    """(n, 2) rays through the mask's border pixels, those beside unknown pixels left out."""
    mask = problem.mask
    inside = distance_to(np.pad(~mask, 1, mode="edge"))[1:-1, 1:-1]
    edge = mask & (inside < 1.2)
    if problem.unknown.any():
        edge &= distance_to(problem.unknown) > 2.5
    rows, columns = np.nonzero(edge)
    # Ordered by angle about the middle, so that any even choice goes round the object.
    order = (
        np.argsort(np.arctan2(rows - rows.mean(), columns - columns.mean())) if len(rows) else []
    )
    pixels = np.stack([columns, rows], 1)[order] + 0.5
    k = problem.intrinsics
    return (pixels - k[:2, 2]) / [k[0, 0], k[1, 1]]


def stack_samples(surfaces: Sequence[Surface], count: int, device: torch.device) -> torch.Tensor:
    """(M, count, 3) float32 samples of each mesh, evenly spread ones first, repeated where there
    are fewer."""
    rows = []
    for s in surfaces:
        pool = s.spread if count <= len(s.spread) else s.dense
        rows.append(pool[np.arange(count) % len(pool)])
    return torch.from_numpy(np.stack(rows)).to(device)
