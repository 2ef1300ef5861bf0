"""What the photo forbids: mesh beside the mask, and mesh in front of the surface that is seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from .problem import Problem

SLACK = 0.02
"""Masks are off by this share of their longest side."""
IN_FRONT = 0.08
"""Nearer than the seen surface by this, in units of the object's rough size, is in front of it."""


@dataclass(frozen=True, eq=False)
class Outline:
    """An object's mask and depth as a check of many poses at once.

    Attributes:
        intrinsics: (3, 3) of the pictures.
        allowed: (h, w) bool, pixels where the object may be: its mask, a little around it, and
            what is hidden.
        front: (h, w) depth of the seen surface in units, NaN where it is not trusted.
    """

    intrinsics: np.ndarray
    allowed: np.ndarray
    front: np.ndarray

    @staticmethod
    def of(problem: Problem, unit: float) -> Outline:
        slack = max(1, round(SLACK * max(problem.mask.shape)))
        allowed = ndimage.maximum_filter(problem.mask | problem.unknown, 2 * slack + 1)
        front = np.full(problem.depth.shape, np.nan) if problem.approximate else problem.depth
        return Outline(problem.intrinsics, allowed, front / unit)

    def violated(
        self, rotation: np.ndarray, translation: np.ndarray, size: np.ndarray, samples: np.ndarray
    ) -> np.ndarray:
        """(n,) share of the (k, 3) samples of the normalised mesh that are where they must not
        be, 0..1, for n poses. Beyond the pictures counts as at their border."""
        p = np.einsum("nij,kj->nki", rotation * size[:, None, None], samples)
        p += translation[:, None]
        depth = np.maximum(p[..., 2], 1e-6)
        k, (height, width) = self.intrinsics, self.allowed.shape
        column = p[..., 0] / depth * k[0, 0] + k[0, 2]
        row = p[..., 1] / depth * k[1, 1] + k[1, 2]
        at = (
            row.clip(0, height - 1).astype(np.int64),
            column.clip(0, width - 1).astype(np.int64),
        )
        with np.errstate(invalid="ignore"):
            before = depth < self.front[at] - IN_FRONT
        return (~self.allowed[at] | before | (p[..., 2] <= 0)).mean(1)
