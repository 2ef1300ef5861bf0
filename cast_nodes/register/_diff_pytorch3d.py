"""Silhouettes by PyTorch3D's soft rasteriser (Liu et al. 2019, "Soft Rasterizer").

An edge is blurred over about a pixel, narrow enough for the picture to reach 0 and 1; nothing is
applied to the shader's alpha.
"""

from __future__ import annotations

import importlib
import math
from typing import Any

import numpy as np
import torch

from ._diff_ready import Device

EDGE_PX = 0.5
"""Blur of an edge: coverage falls from .5 to .02 over twice this."""
LEAST = 1e-4
"""Coverage that is not worth a triangle."""
FACES_PER_PIXEL = 24
NEAR = 1e-2


class PyTorch3DSilhouettes:
    """See :class:`._diff_render.Silhouettes`."""

    def __init__(self, faces: np.ndarray, side: int, device: Device = "cpu") -> None:
        parts: Any = importlib.import_module("pytorch3d.renderer")
        sigma = (EDGE_PX * 2 / side) ** 2  # of squared distances in a picture 2 wide
        cameras = parts.FoVPerspectiveCameras(znear=NEAR, fov=90.0, device=device)
        settings = parts.RasterizationSettings(
            image_size=side,
            blur_radius=math.log(1 / LEAST - 1) * sigma,
            faces_per_pixel=FACES_PER_PIXEL,
            cull_to_frustum=False,
        )
        self._renderer = parts.MeshRenderer(
            parts.MeshRasterizer(cameras, settings),
            parts.SoftSilhouetteShader(parts.BlendParams(sigma=sigma)),
        )
        self._faces = torch.from_numpy(np.asarray(faces, np.int64)).to(device)
        # PyTorch3D's camera: x left, y up.
        self._flip = torch.tensor([-1.0, -1.0, 1.0], device=device)

    def __call__(self, vertices: torch.Tensor, seed: int) -> torch.Tensor:
        structures: Any = importlib.import_module("pytorch3d.structures")
        mesh = structures.Meshes([vertices * self._flip], [self._faces])
        return self._renderer(mesh)[0, ..., 3]
