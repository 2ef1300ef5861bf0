"""MOGE_GEOMETRY of ComfyUI core as CAST_GEOMETRY.

A dict of tensors, absent keys allowed: points (B, H, W, 3) in the OpenCV camera frame, depth
(B, H, W), intrinsics (B, 3, 3) divided by the picture's width and height, mask (B, H, W), normal
(B, H, W, 3) toward the camera, image (B, H, W, 3). Masked pixels are inf. A panorama has no
intrinsics, and its points are in a spherical frame of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..backends import Options, option
from ..depth.measured import Measured, clean_depth, geometry_of, require_usable
from ..errors import BadInput
from ..frames import denormalise_intrinsics
from ..types import Geometry
from .arrays import array_of

WHAT = "moge_geometry"


@dataclass(frozen=True)
class MogeOptions(Options):
    """What the packet does not say."""

    metric: Literal["auto", "yes", "no"] = option(
        "auto", "lengths are metres; auto: they are when there are normals, which only MoGe-2 gives"
    )


def geometry_from_moge(packet: Any, height: int, width: int, options: MogeOptions) -> Geometry:
    """The geometry of the photo that MoGe saw.

    Args:
        height, width: the photo's; the packet may be of another size of the same shape.

    Raises:
        BadInput: a batch, a panorama, nothing valid, or of another shape than the photo.
    """
    if not isinstance(packet, Mapping):
        raise BadInput(f"{WHAT}: {type(packet).__name__} is no MoGe geometry")
    if packet.get("intrinsics") is None:
        raise BadInput(
            f"{WHAT}: it has no intrinsics, as of a panorama; use Run MoGe Inference on an ordinary"
            " photo (cut a perspective view out of a panorama first)"
        )
    points, depth = _single(packet, "points", 4), _single(packet, "depth", 3)
    if points is None and depth is None:
        raise BadInput(f"{WHAT}: it holds neither points nor depth")
    matrix = _single(packet, "intrinsics", 3)
    assert matrix is not None
    if points is not None:
        z = clean_depth(points[..., 2])
        z[~np.isfinite(points).all(-1)] = np.nan
    else:
        assert depth is not None
        z = clean_depth(depth)
    mask = _single(packet, "mask", 3)
    if mask is not None:
        z[~(mask > 0.5)] = np.nan
    require_usable(WHAT, z, height, width)
    if matrix.shape != (3, 3) or not (
        np.isfinite(matrix).all() and matrix[0, 0] > 0 < matrix[1, 1]
    ):
        raise BadInput(f"{WHAT}: its intrinsics are no (3, 3) camera matrix with a positive focal")
    normals = _single(packet, "normal", 4)
    metric = {"yes": True, "no": False, "auto": normals is not None}[options.metric]
    h, w = z.shape
    measured = Measured(
        z,
        None if points is None else points.astype(np.float64),
        denormalise_intrinsics(matrix, w, h),
        None if normals is None else normals.astype(np.float64),
        metric=metric,
    )
    return geometry_of(measured, height, width, "moge_geometry")


def _single(packet: Mapping[str, Any], name: str, dimensions: int) -> np.ndarray | None:
    """The one entry of a batched key, or None when the key is absent."""
    value = packet.get(name)
    if value is None:
        return None
    array = array_of(value, f"{WHAT}: {name}")
    if array.ndim == dimensions - 1:
        return array
    if array.ndim != dimensions:
        raise BadInput(f"{WHAT}: {name} has shape {array.shape}")
    if len(array) != 1:
        raise BadInput(
            f"{WHAT}: it holds {len(array)} pictures, and a scene has one photo; run MoGe on one "
            "('Get Image from Batch' takes one out)"
        )
    return array[0]
