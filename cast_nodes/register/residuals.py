"""The evidence of one photo about a pose, linearised for many poses at once.

Every residual is a length in units of the object's size, and every one depends on the pose
through one point of the mesh: with lever ``a = s R x`` and gradient ``g`` towards that point,
its Jacobian for (rotation, translation, log size) is ``[a x g, g, g . a]``. So all terms are
gathered as (residual, gradient, lever, weight) and become normal equations in one product.

Terms, after the scheme of the design notes: observed points lie on the mesh, mesh samples do not project outside the mask unless something
hides them there, the mask's border is reached by the mesh, no mesh lies in front of the
observed surface, gravity, floor contact, a weak prior on size. Hidden mesh is never drawn to
observed points.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .batch import Batch, Poses
from .distance import CELL, Fields

SILHOUETTE = 6.0
COVERAGE = 4.2
FREE_SPACE = 0.5
SIZE_PRIOR = 0.0005
FEW_PIXELS = 40
"""A mask of fewer pixels says little of a size, so the start's counts for more."""
WARP_PRIOR = (0.2, 0.8, 0.8)
"""Weights of a pose's warp: depth is off by 2 % over an object, by 1 % more at its ends."""
WALL, WALL_SAMPLES = 0.1, 256
SPACING = 1.25 * CELL
"""How far along the surface the found sample may lie from the nearest one."""


@dataclass(frozen=True)
class Effort:
    """How finely one round of the cascade looks.

    Attributes:
        points, samples, contour: how many of each are used.
        kernel: scale of the robust kernel of points, in units of the object.
        iterations: Levenberg-Marquardt steps.
    """

    points: int
    samples: int
    contour: int
    kernel: float
    iterations: int


@dataclass(frozen=True, eq=False)
class Normal:
    """Cost (B,) and normal equations (B, 10, 10), (B, 10) of B poses."""

    cost: torch.Tensor
    hessian: torch.Tensor
    gradient: torch.Tensor


class Evidence:
    """All terms for a batch of problems and meshes.

    Args:
        batch: the problems.
        fields: nearest-surface structures of the meshes.
        samples: (M, k, 3) samples of the meshes.
        lowest: (M,) lowest y of each normalised mesh.
    """

    def __init__(
        self, batch: Batch, fields: Fields, samples: torch.Tensor, lowest: torch.Tensor
    ) -> None:
        self.batch, self.fields, self.samples, self.lowest = batch, fields, samples, lowest

    def linearise(self, poses: Poses, effort: Effort) -> Normal:
        """The normal equations at some poses."""
        rows = self.rows(poses, effort)
        a, g = rows.lever, rows.gradient
        turn, size = torch.linalg.cross(a, g), (g * a).sum(-1, keepdim=True)
        hessian, gradient = rows.normal(torch.cat([turn, g, size, rows.nuisance], 2))
        tilt_cost = self.add_tilt(poses, hessian, gradient)
        drift = poses.log_size - poses.start
        firm = SIZE_PRIOR * (1 + FEW_PIXELS / self.batch.pixels[poses.problem]) ** 2
        hessian[:, 6, 6] += firm
        gradient[:, 6] += firm * drift
        warp_cost = add_warp(poses, hessian, gradient)
        return Normal(rows.cost + tilt_cost + firm * drift**2 + warp_cost, hessian, gradient)

    def rows(self, poses: Poses, effort: Effort) -> Rows:
        """All terms at some poses, side by side."""
        terms = [
            *self._points(poses, effort),
            *self._silhouette(poses, effort),
            self._contact(poses),
            self._wall_contact(poses),
        ]
        names = ("residual", "gradient", "lever", "weight", "nuisance")
        joined = {name: torch.cat([getattr(t, name) for t in terms], 1) for name in names}
        return Rows(**joined, cost=torch.stack([term.cost for term in terms]).sum(0))

    def _points(self, poses: Poses, effort: Effort) -> list[Rows]:
        """Observed points to the mesh: to its tangent plane, and beyond an edge back to it.

        Along the surface nothing is felt up to the spacing of the samples, so points slide
        freely on faces, yet a point off the end of a face is drawn in (LM-ICP on a distance
        field, Fitzgibbon 2003, for a sampled surface).
        """
        ramp = self.batch.ramp[poses.problem, : effort.points]
        seen = self.batch.points[poses.problem, : effort.points]
        bend = 1 + (ramp * poses.warp[:, None]).sum(-1, keepdim=True)
        seen = seen * bend
        size = poses.log_size.exp()[:, None, None]
        offset = seen - poses.translation[:, None]
        inside = torch.bmm(offset, poses.rotation) / size
        nearest, normal = self.fields.query(inside, poses.surface)
        turn = poses.rotation.transpose(1, 2)
        lever = torch.bmm(nearest * size, turn)
        normal = torch.bmm(normal, turn)
        gap = offset - lever
        plane = (normal * gap).sum(-1)
        across = gap - plane[..., None] * normal
        length = across.norm(dim=-1)
        beyond = (length - SPACING * size[..., 0]).clamp(min=0)
        joint = plane**2 + beyond**2
        # One robust weight for both (Geman and McClure 1985).
        share = 1 / (1 + joint / effort.kernel**2)
        trust = (self.batch.trust[poses.problem] / effort.points)[:, None]
        weight = trust * share**2
        cost = (trust * joint * share).sum(1)
        towards = -across / length.clamp(min=1e-6)[..., None]
        ramp = ramp / bend
        return [
            Rows(plane, -normal, lever, weight, cost, (normal * seen).sum(-1, True) * ramp),
            Rows(
                beyond, towards, lever, weight, torch.zeros_like(cost),
                -(towards * seen).sum(-1, True) * ramp,
            ),
        ]  # fmt: skip

    def _silhouette(self, poses: Poses, effort: Effort) -> list[Rows]:
        """Mesh samples outside the mask, mask border out of reach, mesh in front of the depth."""
        batch = self.batch
        lever, p = poses.apply(self.samples[poses.surface, : effort.samples])
        z = p[..., 2].clamp(min=0.05)
        ray = p[..., :2] / z[..., None]
        focal = batch.focal[poses.problem][:, None]
        pixel = ray * focal + batch.principal[poses.problem][:, None]
        distance = batch.distance[poses.problem][:, None]
        reach, slope = self._reach(pixel, poses.problem)
        per_px = distance / focal.mean(-1)
        residual = reach * per_px
        # Pinhole derivative of the pixel by the point, at the object's typical distance.
        gx = slope[..., 0] * focal[..., 0] * per_px / z
        gy = slope[..., 1] * focal[..., 1] * per_px / z
        gradient = torch.stack([gx, gy, -(gx * ray[..., 0] + gy * ray[..., 1])], -1)
        outside = _huber(residual, gradient, lever, SILHOUETTE, 0.05)

        seen = self._pixel_value(batch.front, pixel, poses.problem)
        front = seen[..., 0] * (1 + poses.warp[:, :1])
        ahead = torch.where(front > 0, front - p[..., 2] - 0.01, torch.zeros_like(front)).clamp(0)
        # Moving sideways changes what is observed there: the surface's slant.
        tx, ty = seen[..., 1], seen[..., 2]
        towards = torch.stack([tx, ty, -(tx * ray[..., 0] + ty * ray[..., 1]) - 1], -1)
        trust = batch.trust[poses.problem]
        free = _huber(ahead, towards, lever, FREE_SPACE, 0.05, trust)
        return [outside, free, self._coverage(poses, lever, z, ray, effort)]

    def _coverage(
        self, poses: Poses, lever: torch.Tensor, z: torch.Tensor, ray: torch.Tensor, effort: Effort
    ) -> Rows:
        """Border pixels of the mask to the nearest projected sample, beyond the samples' gaps."""
        batch = self.batch
        step = self.batch.contour.shape[1] // effort.contour
        border = batch.contour[poses.problem, ::step]
        distance = batch.distance[poses.problem][:, None]
        apart = torch.cdist(border, ray, compute_mode="use_mm_for_euclid_dist")
        near = apart.argmin(2)
        pick = near[..., None]
        lever = lever.gather(1, pick.expand(-1, -1, 3))
        at = ray.gather(1, pick.expand(-1, -1, 2))
        depth = z.gather(1, near)
        gap = (border - at) * distance[..., None]
        length = gap.norm(dim=-1)
        # About half of the samples face the camera and share the mask's area.
        slack = 0.6 * batch.spacing[poses.problem][:, None] * (2.0 / effort.samples) ** 0.5
        excess = (length - slack).clamp(min=0)
        direction = gap / length.clamp(min=1e-6)[..., None]
        gx, gy = (-direction * (distance / depth)[..., None]).unbind(-1)
        gradient = torch.stack([gx, gy, -(gx * at[..., 0] + gy * at[..., 1])], -1)
        return _huber(excess, gradient, lever, COVERAGE, 0.05, batch.has_contour[poses.problem])

    def _contact(self, poses: Poses) -> Rows:
        """The lowest point of an upright mesh lies on the floor."""
        batch = self.batch
        floor = batch.floor[poses.problem]
        foot = torch.zeros(len(poses), 1, 3, device=floor.device)
        foot[:, 0, 1] = self.lowest[poses.surface]
        lever, p = poses.apply(foot)
        height = (p * floor[:, None, :3]).sum(-1) + floor[:, 3:]
        weight = poses.contact[:, None]
        gradient = floor[:, None, :3]
        return Rows(
            height, gradient, lever, weight, (weight * height**2).sum(1), torch.zeros_like(lever)
        )

    def _wall_contact(self, poses: Poses) -> Rows:
        """The sample deepest in the direction of the wall lies on it."""
        wall = self.batch.wall[poses.problem]
        lever, p = poses.apply(self.samples[poses.surface, :WALL_SAMPLES])
        apart, deepest = ((p * wall[:, None, :3]).sum(-1) + wall[:, 3:]).min(1, keepdim=True)
        lever = lever.gather(1, deepest[..., None].expand(-1, -1, 3))
        weight = WALL * wall[:, :3].norm(dim=1, keepdim=True)  # no wall, no weight
        cost = (weight * apart**2).sum(1)
        return Rows(apart, wall[:, None, :3], lever, weight, cost, torch.zeros_like(lever))

    def add_tilt(self, poses: Poses, hessian: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
        """Adds the gravity prior |R y x up|^2; returns its cost."""
        up = self.batch.up[poses.problem]
        error = torch.linalg.cross(poses.rotation[:, :, 1], up)
        weight = poses.tilt
        across = torch.eye(3, device=up.device) - up[:, :, None] * up[:, None]
        hessian[:, :3, :3] += weight[:, None, None] * across
        gradient[:, :3] -= weight[:, None] * error
        return weight * (error**2).sum(1)

    def _reach(
        self, pixel: torch.Tensor, problem: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Bilinear (B, k) value and (B, k, 2) slope of ``reach``; it goes on beyond the crop."""
        image = self.batch.reach
        size = self.batch.size[problem][:, None]
        centre = pixel - 0.5
        held = torch.minimum(centre.clamp(min=0), size - 1.001)
        beyond = centre - held
        low = held.long()
        fx, fy = (held - low).unbind(-1)
        side = image.shape[1]
        flat = (problem[:, None] * side + low[..., 1]) * side + low[..., 0]
        values = image.view(-1)
        a, b = values[flat], values[flat + 1]
        c, d = values[flat + side], values[flat + side + 1]
        top, bottom = a + fx * (b - a), c + fx * (d - c)
        value = top + fy * (bottom - top)
        slope = torch.stack([(1 - fy) * (b - a) + fy * (d - c), bottom - top], -1)
        # Beyond the crop the distance grows on, unless the crop's border there is free.
        past = beyond.norm(dim=-1)
        on = ((past > 0) & (value > 0)).float()
        slope = slope + on[..., None] * beyond / past.clamp(min=1e-6)[..., None]
        return value + on * past, slope

    def _pixel_value(
        self, image: torch.Tensor, pixel: torch.Tensor, problem: torch.Tensor
    ) -> torch.Tensor:
        """(B, k, c) values at the pixel that holds each position, 0 outside the crop."""
        size = self.batch.size[problem][:, None]
        inside = ((pixel >= 0) & (pixel < size)).all(-1)
        at = torch.minimum(pixel.clamp(min=0), size - 1).long()
        side = image.shape[1]
        flat = (problem[:, None] * side + at[..., 1]) * side + at[..., 0]
        return image.flatten(0, 2)[flat] * inside[..., None]


@dataclass(frozen=True, eq=False)
class Rows:
    """One term: (B, n) residual, (B, n, 3) gradient and lever, (B, n) weight, (B,) cost, and
    (B, n, 3) derivative of the residual by the warp."""

    residual: torch.Tensor
    gradient: torch.Tensor
    lever: torch.Tensor
    weight: torch.Tensor
    cost: torch.Tensor
    nuisance: torch.Tensor

    def normal(self, jacobian: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, k, k) and (B, k) of a (B, n, k) Jacobian."""
        weighted = (jacobian * self.weight[..., None]).transpose(1, 2)
        return torch.bmm(weighted, jacobian), torch.bmm(weighted, self.residual[..., None])[..., 0]


def add_warp(poses: Poses, hessian: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    """Adds the prior of the warp, the last three unknowns; returns its cost."""
    stiff = torch.tensor(WARP_PRIOR, device=hessian.device)
    hessian[:, -3:, -3:] += torch.diag(stiff)
    gradient[:, -3:] += stiff * poses.warp
    return (stiff * poses.warp**2).sum(1)


def _huber(
    residual: torch.Tensor,
    gradient: torch.Tensor,
    lever: torch.Tensor,
    weight: float,
    scale: float,
    factor: torch.Tensor | None = None,
) -> Rows:
    """A term under the pseudo-Huber kernel, averaged over its rows."""
    root = (1 + (residual / scale) ** 2).sqrt()
    each = weight / residual.shape[1] * (1.0 if factor is None else factor[:, None])
    cost = (2 * scale**2 * each * (root - 1)).sum(1)
    return Rows(residual, gradient, lever, each / root, cost, torch.zeros_like(lever))
