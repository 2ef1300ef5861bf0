"""The photo's camera in USD, principal point included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .usd_library import pxr

FILM_MM = 36.0
"""Width of the film the focal length is told for: that of 35 mm film."""


@dataclass(frozen=True)
class Lens:
    """A USD camera's numbers, in tenths of a scene unit as its schema has them.

    The view at distance ``focal`` spans ``aperture``, shifted by ``offset`` (right, up).
    """

    focal: float
    aperture: tuple[float, float]
    offset: tuple[float, float]


def lens(intrinsics: np.ndarray, width: int, height: int, metres_per_unit: float) -> Lens:
    """The lens that sees what a pinhole of (3, 3) pixel intrinsics sees.

    Column 0's edge lies at -cx/fx on the plane at distance 1 and must be at
    (offset - aperture/2) / focal; likewise row 0's edge at cy/fy above the axis.
    """
    fx, fy, cx, cy = (float(intrinsics[i]) for i in ((0, 0), (1, 1), (0, 2), (1, 2)))
    across = FILM_MM / 1000 / metres_per_unit * 10
    focal = across * fx / width
    down = focal * height / fy
    return Lens(focal, (across, down), (across * (0.5 - cx / width), down * (cy / height - 0.5)))


def write_camera(stage: Any, path: str, made: Lens, clip: tuple[float, float]) -> Any:
    """A UsdGeom.Camera at ``path`` (its pose is still to be set)."""
    Gf = pxr("Gf")
    UsdGeom = pxr("UsdGeom")

    camera = UsdGeom.Camera.Define(stage, path)
    camera.CreateProjectionAttr(UsdGeom.Tokens.perspective)
    camera.CreateFocalLengthAttr(made.focal)
    camera.CreateHorizontalApertureAttr(made.aperture[0])
    camera.CreateVerticalApertureAttr(made.aperture[1])
    camera.CreateHorizontalApertureOffsetAttr(made.offset[0])
    camera.CreateVerticalApertureOffsetAttr(made.offset[1])
    camera.CreateClippingRangeAttr(Gf.Vec2f(*clip))
    camera.CreateFStopAttr(0.0)  # no depth of field
    return camera
