"""Some problems and their meshes, packed for solving together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..errors import CastError
from ..types import Mesh
from .batch import SAMPLES, Batch, make_batch, stack_samples
from .distance import Fields
from .judging import APPROXIMATE_TRUST
from .problem import Problem
from .sampling import Surface, surface_of

SPLATS = 10_000
"""Samples of a mesh for coarse z-buffers."""


@dataclass(frozen=True, eq=False)
class Setting:
    """Problems and meshes as tensors.

    Attributes:
        rows: per problem {index of a candidate: its row of ``surfaces``}.
        trust: per problem the weight of its points.
        samples: (M, SAMPLES, 3) of the normalised meshes, spread evenly.
        splats: (M, SPLATS, 3), more of them.
        lowest: (M,) lowest y of each normalised mesh.
    """

    problems: Sequence[Problem]
    surfaces: Sequence[Surface]
    rows: Sequence[dict[int, int]]
    trust: Sequence[float]
    batch: Batch
    fields: Fields
    samples: torch.Tensor
    splats: torch.Tensor
    lowest: torch.Tensor

    def candidate(self, problem: int, surface: int) -> int:
        """Index of the candidate of a problem that a row of ``surfaces`` is."""
        return next(c for c, row in self.rows[problem].items() if row == surface)

    def is_fallback(self, problem: int, surface: int) -> bool:
        """Whether a mesh was made from the object's very mask and stands behind others."""
        candidate = self.candidate(problem, surface)
        return candidate > 0 and self.problems[problem].candidates[candidate].view_aligned

    def mesh(self, problem: int, surface: int) -> Mesh:
        """The candidate mesh of a problem that a row of ``surfaces`` was made from."""
        return self.problems[problem].candidates[self.candidate(problem, surface)]


def make_setting(
    problems: Sequence[Problem],
    meshes: Surfaces,
    walls: Sequence[np.ndarray],
    device: torch.device,
) -> Setting:
    """Packs problems that have a usable mesh each, with the wall each is to touch (or zeros)."""
    trust = [APPROXIMATE_TRUST if problem.approximate else 1.0 for problem in problems]
    surfaces = meshes.surfaces
    return Setting(
        problems=problems,
        surfaces=surfaces,
        rows=meshes.rows,
        trust=trust,
        batch=make_batch(problems, trust, walls, device),
        fields=Fields(surfaces, device),
        samples=stack_samples(surfaces, SAMPLES, device),
        splats=stack_samples(surfaces, SPLATS, device),
        lowest=torch.tensor([-float(s.half[1]) for s in surfaces], device=device),
    )


@dataclass(frozen=True, eq=False)
class Surfaces:
    """The different meshes of some problems.

    Attributes:
        rows: per problem {index of a candidate: its row of ``surfaces``}; empty without a usable one.
        reasons: per problem why a candidate cannot be used, "" when all can.
    """

    surfaces: Sequence[Surface]
    rows: Sequence[dict[int, int]]
    reasons: Sequence[str]


def surfaces_of(problems: Sequence[Problem]) -> Surfaces:
    """Samples each different mesh once."""
    surfaces: list[Surface] = []
    row_of: dict[str, int] = {}
    rows: list[dict[int, int]] = []
    reasons: list[str] = []
    for problem in problems:
        mine, reason = {}, ""
        for candidate, mesh in enumerate(problem.candidates):
            if mesh.key not in row_of:
                try:
                    surfaces.append(surface_of(mesh))
                except CastError as error:
                    reason = f"{problem.label} {problem.id}: {error}"
                    continue
                row_of[mesh.key] = len(surfaces) - 1
            mine[candidate] = row_of[mesh.key]
        rows.append(mine)
        reasons.append(reason)
    return Surfaces(surfaces, rows, reasons)
