"""Telling poses apart: which hypotheses go on, which are the same, which are equally good."""

from __future__ import annotations

import numpy as np
import torch

from .batch import Poses
from .distance import Fields
from .judging import SYMMETRIC_GAP

SAME_ANGLE = np.deg2rad(20.0)
SAME_SIZE = 0.12


def distinct(
    poses: Poses, cost: np.ndarray, count: int, problems: int, every_surface: bool
) -> np.ndarray:
    """Indices of the best ``count`` poses of each problem that differ from each other.

    Args:
        cost: (B,), lower is better; not finite = never chosen.
        every_surface: let the best pose of each mesh through, whatever the others cost.
    """
    rotation = poses.rotation.cpu().numpy()
    size = poses.log_size.cpu().numpy()
    problem, surface = poses.problem.cpu().numpy(), poses.surface.cpu().numpy()
    centre = poses.translation.cpu().numpy()
    chosen: list[int] = []
    for p in range(problems):
        rows = np.flatnonzero((problem == p) & np.isfinite(cost))
        rows = rows[np.argsort(cost[rows], kind="stable")]
        taken: list[int] = []
        if every_surface:
            _, first = np.unique(surface[rows], return_index=True)
            taken = [int(rows[i]) for i in np.sort(first)][:count]
        for row in rows:
            if len(taken) >= count:
                break
            if row in taken:
                continue
            near = np.array(taken, int)
            alike = surface[near] == surface[row]
            alike &= _angles(rotation[near], rotation[row]) < SAME_ANGLE
            alike &= np.abs(size[near] - size[row]) < SAME_SIZE
            alike &= np.linalg.norm(centre[near] - centre[row], axis=1) < SAME_SIZE * 2
            if not alike.any():
                taken.append(int(row))
        chosen += taken
    return np.array(chosen, int)


def _angles(many: np.ndarray, one: np.ndarray) -> np.ndarray:
    """(n,) rad between (n, 3, 3) rotations and a (3, 3) one."""
    trace = np.einsum("nij,ij->n", many, one)
    return np.arccos(np.clip((trace - 1) / 2, -1, 1))


def same_shape(
    fields: Fields, samples: torch.Tensor, surface: int, first: np.ndarray, second: np.ndarray
) -> bool:
    """Whether a mesh turned by either of two rotations is the same body (a symmetry)."""
    relative = torch.from_numpy((first.T @ second).astype(np.float32)).to(samples.device)
    turned = (samples[surface, :512] @ relative.T)[None]
    index = torch.tensor([surface], device=samples.device)
    nearest, _ = fields.query(turned, index)
    gap = (nearest - turned).norm(dim=-1)
    return bool(gap.mean() < SYMMETRIC_GAP)
