"""What ``differentiable`` asks of a renderer, and how one is made.

A renderer draws the silhouette of triangles in front of one fixed camera, the canonical one: at
the origin, looking along +z with x right and y down, 90 degrees of view, a square picture. Any
crop of any photo is brought before it by a (3, 3) matrix (:attr:`._diff_loss.Evidence.canonical`).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch

from ..errors import BackendNotReady
from ._diff_ready import Device, Renderer


class Silhouettes(Protocol):
    """Draws one body over and over, as its vertices move."""

    def __call__(self, vertices: torch.Tensor, seed: int) -> torch.Tensor:
        """(v, 3) float32 canonical-camera vertices to the (side, side) coverage of each pixel:
        0 outside, 1 inside, differentiable by the vertices. ``seed`` varies the noise."""
        ...


def make_silhouettes(
    name: Renderer,
    vertices: np.ndarray,
    faces: np.ndarray,
    side: int,
    device: Device,
) -> Silhouettes:
    """A renderer for one welded body of (v, 3) vertices and (m, 3) faces, pictures of ``side`` px.

    Raises:
        BackendNotReady: the package is there but cannot be loaded.
    """
    try:
        if name == "mitsuba":
            from ._diff_mitsuba import MitsubaSilhouettes

            return MitsubaSilhouettes(vertices, faces, side, device)
        from ._diff_pytorch3d import PyTorch3DSilhouettes

        return PyTorch3DSilhouettes(faces, side, device)
    except (ImportError, OSError) as error:
        raise BackendNotReady(
            f"register backend 'differentiable' cannot load {name} ({error}): reinstall it, "
            "or choose the other renderer"
        ) from error


def welded(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and faces of a normalised body with vertices in one place made one.

    Files split vertices where normals or texture break; an edge that is split looks like the rim
    of a sheet, and a rim is an outline wherever it lies. Faces without area or given twice go.
    """
    cell = np.round(vertices * 1e5).astype(np.int64)
    _, first, group = np.unique(cell, axis=0, return_index=True, return_inverse=True)
    merged = group.reshape(-1)[faces]
    whole = (
        (merged[:, 0] != merged[:, 1])
        & (merged[:, 1] != merged[:, 2])
        & (merged[:, 2] != merged[:, 0])
    )
    merged = merged[whole]
    _, once = np.unique(np.sort(merged, 1), axis=0, return_index=True)
    return vertices[first], merged[np.sort(once)]
