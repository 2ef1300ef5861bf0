"""A photo's camera from what users and other nodes say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import BadInput
from ..frames import CAMERA_FROM_GLTF_CAMERA

ASPECT_TOLERANCE = 0.02


@dataclass(frozen=True, eq=False)
class KnownCamera:
    """Attributes:
    intrinsics: (3, 3) pixels.
    up: (3,) unit, against gravity, camera frame, or None when it is not told.
    """

    intrinsics: np.ndarray
    up: np.ndarray | None = None
    notes: tuple[str, ...] = ()


def load3d_camera(camera: Any, height: int, width: int) -> KnownCamera:
    """Core's LOAD3D_CAMERA: y up, looking down its -z, vertical angle of view in degrees.

    Its principal point is the middle of the picture and its pixels are square; its attitude tells
    gravity.

    Raises:
        BadInput: it is orthographic, has no angle of view, or of another aspect than the picture.
    """
    if not isinstance(camera, Mapping):
        raise BadInput(f"camera: {type(camera).__name__} is no LOAD3D_CAMERA")
    if camera.get("cameraType", "perspective") != "perspective":
        raise BadInput("camera: it is orthographic; switch the 3D view to perspective")
    try:
        fov, zoom = float(camera["fov"]), float(camera.get("zoom") or 1)
        aspect = float(camera.get("aspect") or 0)
    except (KeyError, TypeError, ValueError):
        raise BadInput("camera: it has no angle of view (fov)") from None
    if not (0 < fov < 180 and zoom > 0):
        raise BadInput(f"camera: its angle of view of {fov:g} degrees cannot be")
    if aspect > 0 and abs(np.log(aspect * height / width)) > ASPECT_TOLERANCE + 1 / min(
        height, width
    ):
        raise BadInput(
            f"camera: its aspect is {aspect:.3f}, the picture's {width / height:.3f}; set the 3D "
            "view's width and height to the picture's"
        )
    focal = 0.5 * height / np.tan(0.5 * np.radians(fov)) * zoom
    intrinsics = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1.0]])
    up = _up(camera)
    notes = () if up is None else ("Gravity is that of the connected camera.",)
    return KnownCamera(intrinsics, up, notes)


def _up(camera: Mapping[str, Any]) -> np.ndarray | None:
    """(3,) the world's y in the camera frame."""
    from scipy.spatial.transform import Rotation

    try:
        if camera.get("quaternion"):
            quaternion = np.array([float(camera["quaternion"][a]) for a in "xyzw"])
            world_from_gl = Rotation.from_quat(quaternion).as_matrix()
        else:
            position, target = (
                np.array([float(camera[k][a]) for a in "xyz"]) for k in ("position", "target")
            )
            back = (position - target) / np.linalg.norm(position - target)
            right = np.cross([0, 1, 0], back)
            right /= np.linalg.norm(right)
            world_from_gl = np.stack([right, np.cross(back, right), back], 1)
    except (KeyError, TypeError, ValueError):
        return None
    if not np.isfinite(world_from_gl).all():
        return None  # it looks straight up or down, from its own target
    return CAMERA_FROM_GLTF_CAMERA @ world_from_gl[1]


def typed_intrinsics(text: str, name: str = "intrinsics") -> np.ndarray | None:
    """(3, 3) from ``fx, fy, cx, cy``; None for an empty text.

    Raises:
        BadInput: it cannot be read.
    """
    parts = text.replace(",", " ").replace(";", " ").split()
    if not parts:
        return None
    try:
        fx, fy, cx, cy = (float(p) for p in parts)
    except ValueError:
        raise BadInput(f"{name}: {text!r} cannot be read; write fx, fy, cx, cy in pixels") from None
    if not (np.isfinite([fx, fy, cx, cy]).all() and min(fx, fy) > 0):
        raise BadInput(f"{name}: the focal lengths fx and fy must be positive numbers of pixels")
    return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]])
