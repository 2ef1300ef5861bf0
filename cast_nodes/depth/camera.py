"""The camera of single-view metrology: focal length, attitude and height above the floor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class RoomCamera:
    """A pinhole camera with square pixels and central principal point over a floor.

    Attributes:
        width, height: picture size, px.
        focal_px: focal length.
        pitch_rad: how far the camera looks down, > 0 below the horizontal.
        roll_rad: > 0 when the picture's up tilts to the right.
        yaw_rad: from the picture's right to the room's first horizontal axis, in (-45°, 45°].
        camera_height: above the floor; metres wherever sizes of things are used.
    """

    width: int
    height: int
    focal_px: float
    pitch_rad: float = 0.0
    roll_rad: float = 0.0
    yaw_rad: float = 0.0
    camera_height: float = 1.5

    @property
    def intrinsics(self) -> np.ndarray:
        """(3, 3) pixels."""
        f = self.focal_px
        return np.array([[f, 0, self.width / 2], [0, f, self.height / 2], [0, 0, 1.0]])

    @property
    def up(self) -> np.ndarray:
        """(3,) unit, against gravity, camera frame."""
        return up_direction(np.asarray(self.pitch_rad), np.asarray(self.roll_rad))

    @property
    def level_axes(self) -> np.ndarray:
        """(3, 3) rows: right, up, ahead of the levelled camera, in the camera frame."""
        up = self.up
        ahead = np.array([0, 0, 1.0]) - up[2] * up
        if np.linalg.norm(ahead) < 1e-6:
            ahead = np.array([0, -1.0, 0]) + up[1] * up
        ahead /= np.linalg.norm(ahead)
        return np.stack([np.cross(ahead, up), up, ahead])

    @property
    def room_axes(self) -> np.ndarray:
        """(3, 3) rows: the room's two horizontal axes with up between them, camera frame."""
        right, up, ahead = self.level_axes
        c, s = np.cos(self.yaw_rad), np.sin(self.yaw_rad)
        return np.stack([c * right + s * ahead, up, -s * right + c * ahead])

    @property
    def floor(self) -> np.ndarray:
        """(4,) plane n.p + d = 0 with n = up, so d is the camera's height."""
        return np.append(self.up, self.camera_height)

    def rays(self, pixels: np.ndarray) -> np.ndarray:
        """(..., 2) pixels to (..., 3) rays with z = 1, camera frame."""
        pixels = np.asarray(pixels, np.float64)
        x = (pixels[..., 0] - self.width / 2) / self.focal_px
        y = (pixels[..., 1] - self.height / 2) / self.focal_px
        return np.stack([x, y, np.ones_like(x)], -1)

    def resized(self, width: int, height: int) -> RoomCamera:
        """The same view on a picture of another size (the focal length follows the width)."""
        return RoomCamera(
            width, height, self.focal_px * width / self.width, self.pitch_rad, self.roll_rad,
            self.yaw_rad, self.camera_height,
        )  # fmt: skip


def up_direction(pitch_rad: np.ndarray, roll_rad: np.ndarray) -> np.ndarray:
    """(..., 3) unit up in the camera frame, from pitch and roll of :class:`RoomCamera`."""
    c = np.cos(pitch_rad)
    return np.stack(
        np.broadcast_arrays(c * np.sin(roll_rad), -c * np.cos(roll_rad), -np.sin(pitch_rad)), -1
    )


def plane_depth(rays: np.ndarray, plane: np.ndarray) -> np.ndarray:
    """(...) depth z at which rays (z = 1) meet a plane n.p + d = 0; inf where they never do."""
    along = rays @ plane[:3]
    with np.errstate(divide="ignore", invalid="ignore"):
        depth = -plane[3] / along
    return np.where(np.isfinite(depth) & (depth > 0), depth, np.inf)
