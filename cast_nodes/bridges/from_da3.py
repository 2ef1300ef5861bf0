"""DA3_GEOMETRY of ComfyUI core (Depth Anything 3) as CAST_GEOMETRY.

A dict: depth (B, H, W), image, mode ("mono" or "multiview"), maybe sky probability and confidence
(B, H, W). Several views bring intrinsics (1, S, 3, 3) and extrinsics (1, S, 3, 4) world-to-camera.
The intrinsics are in pixels of the picture as the network saw it (its sides multiples of 14), while
the depth has been brought back to the input's size; here they are too.

Each view's depth is along its own camera's axis, so the photo's camera frame needs no extrinsics.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..backends import Options, option
from ..depth.measured import Measured, clean_depth, geometry_of, require_usable
from ..errors import BadInput
from ..frames import intrinsics_from_fov, resize_intrinsics
from ..types import Geometry
from .arrays import array_of

WHAT = "da3_geometry"
SKY = 0.5
CANONICAL_FOCAL_PX = 300.0
"""DA3-Metric's output is depth in metres times this over the focal length (its authors' README)."""
PATCH_PX = 14


@dataclass(frozen=True)
class Da3Options(Options):
    """What the packet does not say."""

    view: int = option(0, "which picture of a batch is the photo, from 0", low=0, high=4096)
    depth_is: Literal["relative", "metres", "DA3-Metric"] = option(
        "relative",
        "unit of the depth. relative: unknown; DA3-Metric: that network's own, which becomes metres "
        "with the focal length",
    )
    fov_deg: float = option(
        55.0, "horizontal angle of view where the geometry has no camera (mono mode)",
        low=1.0, high=170.0, step=0.5, unit="degrees",
    )  # fmt: skip
    resolution: int = option(
        504, "resolution set in Run Depth Anything 3: what its focal length is counted in",
        low=14, high=8192, unit="px",
    )  # fmt: skip
    confidence: float = option(
        0.1,
        "pixels less sure than this are left out, where the geometry tells; 0 is the least sure "
        "pixel, 1 the surest",
        low=0.0, high=1.0, step=0.01,
    )  # fmt: skip


def geometry_from_da3(packet: Any, height: int, width: int, options: Da3Options) -> Geometry:
    """The geometry of the photo, which is one of the pictures that the network saw.

    Args:
        height, width: the photo's; the packet may be of another size of the same shape.

    Raises:
        BadInput: no such view, nothing valid, or of another shape than the photo.
    """
    if not isinstance(packet, Mapping) or packet.get("depth") is None:
        raise BadInput(f"{WHAT}: {type(packet).__name__} is no Depth Anything 3 geometry")
    depth = clean_depth(_view(packet, "depth", options.view))
    if packet.get("sky") is not None:
        depth[_view(packet, "sky", options.view) >= SKY] = np.nan
    if packet.get("confidence") is not None and options.confidence > 0:
        depth[_share(_view(packet, "confidence", options.view)) < options.confidence] = np.nan
    require_usable(WHAT, depth, height, width)
    h, w = depth.shape
    intrinsics, notes = _camera(packet, h, w, options)
    if options.depth_is == "DA3-Metric":
        focal = 0.5 * (intrinsics[0, 0] + intrinsics[1, 1]) * options.resolution / max(h, w)
        depth = depth * (focal / CANONICAL_FOCAL_PX)
    metric = options.depth_is != "relative"
    measured = Measured(depth, None, intrinsics, metric=metric, notes=notes)
    return geometry_of(measured, height, width, "da3_geometry")


def _view(packet: Mapping[str, Any], name: str, view: int) -> np.ndarray:
    """(H, W) of the chosen picture."""
    array = array_of(packet[name], f"{WHAT}: {name}")
    array = array[None] if array.ndim == 2 else array
    if array.ndim != 3:
        raise BadInput(f"{WHAT}: {name} has shape {array.shape}")
    if view >= len(array):
        raise BadInput(
            f"{WHAT}: view {view} is not there; it holds {len(array)} pictures, counted from 0"
        )
    return array[view]


def _share(confidence: np.ndarray) -> np.ndarray:
    """0 for the least sure pixel, 1 for the surest; all 1 when they are alike."""
    low, high = np.nanmin(confidence), np.nanmax(confidence)
    return (confidence - low) / (high - low) if high > low else np.ones_like(confidence)


def _camera(
    packet: Mapping[str, Any], h: int, w: int, options: Da3Options
) -> tuple[np.ndarray, tuple[str, ...]]:
    """(3, 3) in pixels of the depth, from the packet or from the angle of view."""
    value = packet.get("intrinsics")
    matrix = None
    if value is not None:
        matrices = array_of(value, f"{WHAT}: intrinsics").astype(np.float64).reshape(-1, 3, 3)
        matrix = matrices[min(options.view, len(matrices) - 1)]
    # Core writes the identity where the network told no camera.
    if matrix is None or np.allclose(matrix, np.eye(3)):
        note = (
            f"It has no camera; the angle of view is the given {options.fov_deg:g} degrees across."
        )
        return intrinsics_from_fov(w, h, np.radians(options.fov_deg)), (note,)
    if not (np.isfinite(matrix).all() and min(matrix[0, 0], matrix[1, 1]) > 0):
        raise BadInput(
            f"{WHAT}: the camera of view {options.view} is not usable (its estimation failed); run "
            "the other pose_method, or mono mode with an angle of view"
        )
    seen_w, seen_h = _network_size(matrix, h, w, options.resolution)
    return resize_intrinsics(matrix, w / seen_w, h / seen_h), ()


def _network_size(matrix: np.ndarray, h: int, w: int, resolution: int) -> tuple[float, float]:
    """(width, height) of the picture in whose pixels a matrix is."""
    own = 2 * matrix[:2, 2]
    if np.abs(own - np.rint(own)).max() < 1e-3 and abs(np.log(own[0] / own[1] * h / w)) < 0.1:
        return float(own[0]), float(own[1])  # a centred principal point tells it
    scale = resolution / max(h, w)
    across, down = (max(1, round(round(s * scale) / PATCH_PX)) * PATCH_PX for s in (w, h))
    return float(across), float(down)
