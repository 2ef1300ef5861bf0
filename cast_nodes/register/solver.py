"""Levenberg-Marquardt on similarities, all hypotheses of all objects at once."""

from __future__ import annotations

import torch

from .batch import Poses
from .residuals import Effort, Evidence

LARGEST_STEP = torch.tensor([0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.3])
CHUNK = 384
"""Hypotheses worked on at once: bounds memory and keeps a CPU's cache warm."""


def solve(evidence: Evidence, poses: Poses, effort: Effort) -> tuple[Poses, torch.Tensor]:
    """Refined poses and their (B,) cost; a pose never gets worse."""
    parts, costs = [], []
    for chunk in torch.arange(len(poses), device=poses.log_size.device).split(CHUNK):
        refined, cost = _solve(evidence, poses[chunk], effort)
        parts.append(refined)
        costs.append(cost)
    return Poses.joined(parts), torch.cat(costs)


def _solve(evidence: Evidence, poses: Poses, effort: Effort) -> tuple[Poses, torch.Tensor]:
    limit = LARGEST_STEP.to(poses.log_size.device)
    damping = torch.full_like(poses.log_size, 1e-3)
    now = evidence.linearise(poses, effort)
    cost, hessian, gradient = now.cost, now.hessian, now.gradient
    for _ in range(effort.iterations):
        diagonal = hessian.diagonal(dim1=1, dim2=2)
        ridge = damping[:, None] * diagonal + 1e-7
        step, _ = torch.linalg.solve_ex(hessian + torch.diag_embed(ridge), -gradient)
        step = torch.nan_to_num(step, 0.0, 0.0, 0.0).clamp(-limit, limit)
        trial = poses.moved(step)
        then = evidence.linearise(trial, effort)
        better = then.cost < cost
        poses = poses.where(better, trial)
        cost = torch.where(better, then.cost, cost)
        hessian = torch.where(better[:, None, None], then.hessian, hessian)
        gradient = torch.where(better[:, None], then.gradient, gradient)
        damping = torch.where(better, damping * 0.3, damping * 6).clamp(1e-7, 1e3)
    return poses, cost
