"""Levenberg-Marquardt on similarities, all hypotheses of all objects at once."""

from __future__ import annotations

import torch

from .batch import Poses
from .residuals import Effort, Evidence

LARGEST_STEP = torch.tensor([0.5] * 6 + [0.3] + [0.03] * 3)
GROWTH, LONGEST = 1.6, 8.0
"""Over-relaxation: how fast steps that succeed get longer, and the longest."""
CHUNK = 384
"""Hypotheses worked on at once: bounds memory and keeps a CPU's cache warm."""


def solve(evidence: Evidence, poses: Poses, effort: Effort) -> tuple[Poses, torch.Tensor]:
    """Refined poses and their (B,) cost; a pose never gets worse."""
    parts, costs = [], []
    for chunk in torch.arange(len(poses), device=poses.log_size.device).split(CHUNK):
        refined, cost = descend(evidence, poses[chunk], effort)
        parts.append(refined)
        costs.append(cost)
    return Poses.joined(parts), torch.cat(costs)


def descend(evidence: Evidence, poses: Poses, effort: Effort) -> tuple[Poses, torch.Tensor]:
    """As :func:`solve`, all poses at once."""
    limit = LARGEST_STEP.to(poses.log_size.device)
    damping = torch.full_like(poses.log_size, 1e-3)
    stride = torch.ones_like(poses.log_size)
    now = evidence.linearise(poses, effort)
    cost, hessian, gradient = now.cost, now.hessian, now.gradient
    for _ in range(effort.iterations):
        diagonal = hessian.diagonal(dim1=1, dim2=2)
        ridge = damping[:, None] * diagonal + 1e-7
        step, _ = torch.linalg.solve_ex(hessian + torch.diag_embed(ridge), -gradient)
        step = torch.nan_to_num(step, 0.0, 0.0, 0.0)
        trial = poses.moved((stride[:, None] * step).clamp(-limit, limit))
        then = evidence.linearise(trial, effort)
        better = then.cost < cost
        poses = poses.where(better, trial)
        cost = torch.where(better, then.cost, cost)
        hessian = torch.where(better[:, None, None], then.hessian, hessian)
        gradient = torch.where(better[:, None], then.gradient, gradient)
        damping = torch.where(better, damping * 0.3, damping * 6)
        # Correspondences move along with the mesh, so plain steps are too short.
        damping = torch.where(~better & (stride > 1), damping / 6, damping).clamp(1e-7, 1e3)
        stride = torch.where(better, (stride * GROWTH).clamp(max=LONGEST), torch.ones_like(stride))
    return poses, cost
