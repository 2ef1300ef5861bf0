"""A depth IMAGE of any depth node as CAST_GEOMETRY.

A grey picture says nothing of its meaning: whether its values grow with depth or with inverse depth
(disparity), and which depths black and white are, is stated by the user.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..backends import Options, option
from ..depth.measured import Measured, clean_depth, geometry_of, require_usable
from ..errors import BadInput
from ..frames import intrinsics_from_fov
from ..types import Geometry
from .arrays import array_of
from .camera import KnownCamera, load3d_camera, typed_intrinsics

WHAT = "depth"
GREY = 0.02
"""Difference between colour channels above which a picture is no grey one."""

Reading = Literal[
    "inverse depth from near to far", "depth from near to far",
    "inverse depth by scale and offset", "depth by scale and offset",
]  # fmt: skip


@dataclass(frozen=True)
class DepthImageOptions(Options):
    """What the picture's values mean, and the camera it was taken with."""

    reading: Reading = option(
        "inverse depth from near to far",
        "what grows evenly with the picture's values: inverse depth (disparity; Depth Anything, "
        "MiDaS, MoGe renders) or depth; told by the depths at both ends, or by numbers",
    )
    white_is: Literal["near", "far"] = option(
        "near", "which end white is, in the readings from near to far"
    )
    near: float = option(1.0, "depth at the near end", low=1e-6, high=1e9, step=0.01)
    far: float = option(
        10.0, "depth at the far end; 0: infinitely far (inverse depth only)", low=0.0, high=1e9,
        step=0.01,
    )  # fmt: skip
    scale: float = option(
        1.0, "value times this plus offset is the depth or inverse depth", low=-1e9, high=1e9,
        step=0.001,
    )  # fmt: skip
    offset: float = option(0.0, "added after scale", low=-1e9, high=1e9, step=0.001)
    metric: bool = option(False, "these depths are metres")
    fov_deg: float = option(
        55.0, "horizontal angle of view; used when neither a camera nor intrinsics are given",
        low=1.0, high=170.0, step=0.5, unit="degrees",
    )  # fmt: skip
    intrinsics: str = option(
        "", "fx, fy, cx, cy in pixels of the depth picture; used when no camera is connected"
    )


def geometry_from_depth_image(
    image: Any,
    height: int,
    width: int,
    options: DepthImageOptions,
    camera: Any = None,
    mask: Any = None,
) -> Geometry:
    """The geometry of the photo whose depth the picture shows.

    Args:
        image: (1, h, w, C) floats, grey.
        height, width: the photo's; the picture may be of another size of the same shape.
        camera: LOAD3D_CAMERA, or None.
        mask: (1, h, w), white where the depth counts, or None.

    Raises:
        BadInput: a batch, a coloured picture, ends that are no depths, nothing valid, a mask of
            another size, or another shape than the photo's.
    """
    values = _grey(array_of(image, WHAT))
    h, w = values.shape
    depth = depth_of(values, options)
    if mask is not None:
        depth[~_mask(array_of(mask, "mask"), h, w)] = np.nan
    require_usable(WHAT, depth, height, width)
    known = _camera(options, camera, h, w)
    notes = (*known.notes, *_terraces(values))
    measured = Measured(
        depth, None, known.intrinsics, up=known.up, metric=options.metric, notes=notes
    )
    return geometry_of(measured, height, width, "depth_image")


def depth_of(values: np.ndarray, options: DepthImageOptions) -> np.ndarray:
    """(h, w) float64 depth of the picture's values, NaN where there is none.

    Raises:
        BadInput: near and far are no depths in this order.
    """
    inverse = options.reading.startswith("inverse")
    values = values.astype(np.float64)
    if options.reading.endswith("offset"):
        quantity = options.scale * values + options.offset
    else:
        near, far = options.near, options.far
        if not (far > near or (inverse and far == 0)):
            raise BadInput(
                f"far: {far:g} is not beyond near ({near:g})"
                + ("; only inverse depth can reach infinity (0)" if far == 0 else "")
            )
        toward = values if (options.white_is == "near") == inverse else 1 - values
        first, last = (1 / far if far else 0.0, 1 / near) if inverse else (near, far)
        quantity = first + toward * (last - first)
    with np.errstate(divide="ignore", invalid="ignore"):
        depth = clean_depth(1 / quantity if inverse else quantity)
    depth[~np.isfinite(values)] = np.nan
    return depth


def _grey(image: np.ndarray) -> np.ndarray:
    """(h, w) of the one picture."""
    if image.ndim == 4:
        if len(image) != 1:
            raise BadInput(
                f"{WHAT}: one picture is needed, this batch holds {len(image)}; take one out with "
                "'Get Image from Batch'"
            )
        image = image[0]
    if image.ndim != 3 or 0 in image.shape:
        raise BadInput(f"{WHAT}: an array of shape {image.shape} is no picture")
    colour = image[..., :3].astype(np.float64)
    apart = np.nan_to_num(colour.max(-1) - colour.min(-1))
    if colour.shape[-1] == 3 and (apart > GREY).mean() > 0.01:
        raise BadInput(
            f"{WHAT}: it is a coloured picture, whose colours are no depths; connect the grey one "
            "(output or style 'depth', not 'colored')"
        )
    return colour[..., 0]


def _mask(mask: np.ndarray, h: int, w: int) -> np.ndarray:
    mask = mask[0] if mask.ndim == 3 and len(mask) == 1 else mask
    if mask.shape != (h, w):
        raise BadInput(
            f"mask: its shape is {mask.shape}, the depth picture is {w}x{h}; make it from the same "
            "picture"
        )
    return mask > 0.5


def _camera(options: DepthImageOptions, camera: Any, h: int, w: int) -> KnownCamera:
    if camera is not None:
        return load3d_camera(camera, h, w)
    typed = typed_intrinsics(options.intrinsics)
    if typed is not None:
        return KnownCamera(typed)
    return KnownCamera(intrinsics_from_fov(w, h, np.radians(options.fov_deg)))


def _terraces(values: np.ndarray) -> tuple[str, ...]:
    steps = values[np.isfinite(values)] * 255
    if len(steps) and np.abs(steps - np.rint(steps)).max() < 1e-3:
        return ("The depth image has only 256 steps, so surfaces come out in terraces.",)
    return ()
