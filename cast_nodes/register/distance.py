"""Static nearest-surface structure: a grid that knows the nearest surface sample of each cell.

Built once a mesh; observations are moved into the mesh's frame and looked up, so a query is
one gather, the same on CPU and GPU. In a plane the answer is exact whatever the cell's size,
because the residual is measured to the sample's tangent plane.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage

from .remembered import remembered
from .sampling import Surface

CELL = 1 / 72
"""Edge of a cell, in mesh diagonals."""
MARGIN = 6
"""Cells around the mesh's box."""


@dataclass(frozen=True, eq=False)
class Field:
    """One mesh's grid.

    Attributes:
        nearest: (X, Y, Z) int32, index into the surface's ``dense`` samples.
        origin: (3,) float32, normalised mesh frame, the grid's lowest corner.
    """

    nearest: np.ndarray
    origin: np.ndarray


@remembered
def field_of(surface: Surface) -> Field:
    """The grid of a surface."""
    origin = -surface.half - MARGIN * CELL
    shape = np.ceil(2 * surface.half / CELL).astype(int) + 2 * MARGIN + 1
    cell = ((surface.dense - origin) / CELL).astype(np.int64)
    cell = np.minimum(cell, shape - 1)
    sample = np.full(shape, -1, np.int32)
    # Written back to front, so the evenly spread samples that come first win their cells.
    sample[tuple(cell[::-1].T)] = np.arange(len(cell), dtype=np.int32)[::-1]
    empty = sample < 0
    at = ndimage.distance_transform_edt(empty, return_distances=False, return_indices=True)
    return Field(sample[tuple(np.asarray(at))], origin.astype(np.float32))


class Fields:
    """The grids and samples of several meshes as tensors, looked up in one go.

    Args:
        surfaces: M meshes.
        device: where the tensors live.
    """

    def __init__(self, surfaces: Sequence[Surface], device: torch.device) -> None:
        fields = [field_of(s) for s in surfaces]
        sample_start = np.cumsum([0, *[len(s.dense) for s in surfaces]])
        cell_start = np.cumsum([0, *[f.nearest.size for f in fields]])
        flat = [f.nearest.reshape(-1) + s for f, s in zip(fields, sample_start, strict=False)]
        self.nearest = torch.from_numpy(np.concatenate(flat).astype(np.int32)).to(device)
        both = [np.concatenate([s.dense, s.dense_normals], 1) for s in surfaces]
        self.samples = torch.from_numpy(np.concatenate(both)).to(device)
        self.origin = torch.from_numpy(np.stack([f.origin for f in fields])).to(device)
        self.shape = torch.tensor([f.nearest.shape for f in fields], device=device)
        self.start = torch.from_numpy(cell_start[:-1]).to(device)

    def query(self, points: torch.Tensor, mesh: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Nearest surface sample and its normal.

        Args:
            points: (B, n, 3) in the normalised mesh frame.
            mesh: (B,) int64, which mesh.

        Returns:
            Two (B, n, 3) tensors. Outside the grid the answer is that of the nearest cell.
        """
        shape = self.shape[mesh][:, None]
        cell = ((points - self.origin[mesh][:, None]) / CELL).long()
        cell = torch.minimum(cell.clamp_(min=0), shape - 1)
        flat = (cell[..., 0] * shape[..., 1] + cell[..., 1]) * shape[..., 2] + cell[..., 2]
        index = self.nearest[flat + self.start[mesh][:, None]].long()
        found = self.samples[index]
        return found[..., :3], found[..., 3:]
