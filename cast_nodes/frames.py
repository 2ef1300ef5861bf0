"""Coordinate frames, and every change between them.

- **camera**: OpenCV. x right, y down, z forward. Pixel (0, 0) is the top-left corner of the
  top-left pixel, whose centre is (0.5, 0.5). ``intrinsics`` is the 3x3 matrix in pixels.
- **object**: glTF. y up, as the mesh's generator made it.
- **world**: glTF. y up, floor at y = 0, origin below the camera, camera looking along -z.
- **glTF camera**: x right, y up, looks along -z.

A transform is named ``T_target_from_source`` and maps ``p_target = T @ p_source``. Only a
:class:`Sim3` carries a scale.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CAMERA_FROM_GLTF_CAMERA = np.diag([1.0, -1.0, -1.0])
"""(3, 3) rotation between the glTF camera and the OpenCV camera; it is its own inverse."""

CAMERA_UP = np.array([0.0, -1.0, 0.0])
"""(3,) the up direction of a level camera, in the camera frame."""


@dataclass(frozen=True, eq=False)
class Sim3:
    """A similarity ``p_target = scale * rotation @ p_source + translation``.

    Attributes:
        rotation: (3, 3) float64, orthonormal, determinant +1.
        translation: (3,) float64, in the target's unit.
        scale: target units per source unit, > 0.
    """

    rotation: np.ndarray
    translation: np.ndarray
    scale: float = 1.0

    def __post_init__(self) -> None:
        rotation = np.asarray(self.rotation, np.float64)
        translation = np.asarray(self.translation, np.float64)
        if rotation.shape != (3, 3) or translation.shape != (3,):
            raise ValueError("Sim3 needs a (3, 3) rotation and a (3,) translation")
        if not (np.isfinite(rotation).all() and np.isfinite(translation).all()):
            raise ValueError("Sim3 holds a value that is not finite")
        if not (np.isfinite(self.scale) and self.scale > 0):
            raise ValueError(f"Sim3 needs a positive scale, got {self.scale}")
        if not np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-4):
            raise ValueError("Sim3's rotation is not orthonormal; the scale is a field of its own")
        if np.linalg.det(rotation) < 0:
            raise ValueError("Sim3's rotation mirrors (determinant -1)")
        object.__setattr__(self, "rotation", rotation)
        object.__setattr__(self, "translation", translation)
        object.__setattr__(self, "scale", float(self.scale))

    @staticmethod
    def identity() -> Sim3:
        """The transform that changes nothing."""
        return Sim3(np.eye(3), np.zeros(3), 1.0)

    @staticmethod
    def from_matrix(matrix: np.ndarray) -> Sim3:
        """From a (4, 4) similarity matrix.

        Raises:
            ValueError: the linear part is not a positive scale times a rotation.
        """
        matrix = np.asarray(matrix, np.float64)
        if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
            raise ValueError("a similarity needs a finite 4x4 matrix")
        if not np.allclose(matrix[3], [0, 0, 0, 1], atol=1e-9):
            raise ValueError("the last row of a similarity is 0 0 0 1 (row-major, column vectors)")
        determinant = np.linalg.det(matrix[:3, :3])
        if determinant <= 0:
            raise ValueError("the matrix mirrors or is singular, so it is no similarity")
        scale = float(np.cbrt(determinant))
        return Sim3(matrix[:3, :3] / scale, matrix[:3, 3], scale)

    def matrix(self) -> np.ndarray:
        """(4, 4) float64, row-major, for column vectors."""
        out = np.eye(4)
        out[:3, :3] = self.scale * self.rotation
        out[:3, 3] = self.translation
        return out

    def inverse(self) -> Sim3:
        """The transform back."""
        rotation = self.rotation.T
        return Sim3(rotation, -(rotation @ self.translation) / self.scale, 1.0 / self.scale)

    def __matmul__(self, other: Sim3) -> Sim3:
        """``T_a_from_b @ T_b_from_c -> T_a_from_c``."""
        return Sim3(
            self.rotation @ other.rotation,
            self.scale * (self.rotation @ other.translation) + self.translation,
            self.scale * other.scale,
        )

    def apply(self, points: np.ndarray) -> np.ndarray:
        """Maps (..., 3) points."""
        return self.scale * (np.asarray(points) @ self.rotation.T) + self.translation

    def rotate(self, directions: np.ndarray) -> np.ndarray:
        """Maps (..., 3) directions or normals; lengths stay."""
        return np.asarray(directions) @ self.rotation.T


def project(points_camera: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    """(..., 3) camera points to (..., 2) pixels. Points at or behind the camera give NaN."""
    points_camera = np.asarray(points_camera, np.float64)
    z = points_camera[..., 2:3]
    with np.errstate(divide="ignore", invalid="ignore"):
        uv = points_camera[..., :2] / np.where(z > 0, z, np.nan)
    return uv * [intrinsics[0, 0], intrinsics[1, 1]] + [intrinsics[0, 2], intrinsics[1, 2]]


def unproject(pixels: np.ndarray, depth: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    """(..., 2) pixels and (...) depths along z to (..., 3) camera points."""
    pixels = np.asarray(pixels, np.float64)
    depth = np.asarray(depth, np.float64)
    x = (pixels[..., 0] - intrinsics[0, 2]) / intrinsics[0, 0]
    y = (pixels[..., 1] - intrinsics[1, 2]) / intrinsics[1, 1]
    return np.stack([x * depth, y * depth, depth], -1)


def pixel_centres(height: int, width: int) -> np.ndarray:
    """(H, W, 2) float64, the centre (x, y) of each pixel."""
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    return np.stack([x, y], -1)


def intrinsics_from_fov(width: int, height: int, fov_x_rad: float) -> np.ndarray:
    """(3, 3) square-pixel intrinsics, principal point in the middle, from the horizontal view."""
    focal = 0.5 * width / np.tan(0.5 * fov_x_rad)
    return np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1.0]])


def resize_intrinsics(intrinsics: np.ndarray, scale_x: float, scale_y: float) -> np.ndarray:
    """Intrinsics of the picture resized by the two factors (corner-based pixels, so exact)."""
    return np.diag([scale_x, scale_y, 1.0]) @ intrinsics


def crop_intrinsics(intrinsics: np.ndarray, x0: float, y0: float) -> np.ndarray:
    """Intrinsics of the picture cropped so that pixel corner (x0, y0) becomes (0, 0)."""
    out = np.array(intrinsics, np.float64)
    out[0, 2] -= x0
    out[1, 2] -= y0
    return out


def denormalise_intrinsics(intrinsics: np.ndarray, width: int, height: int) -> np.ndarray:
    """Pixel intrinsics from those divided by width and height (MoGe's convention)."""
    return np.diag([width, height, 1.0]) @ np.asarray(intrinsics, np.float64)


def world_from_camera(up: np.ndarray, floor: np.ndarray | None) -> Sim3:
    """The world of the scene: y up, floor at y = 0, origin below the camera, view along -z.

    Args:
        up: (3,) up direction in the camera frame.
        floor: (4,) plane ``n . p + d = 0`` in the camera frame or None; only its distance to
            the camera is used, so that the world's y stays along ``up``.

    Returns:
        A rigid transform (scale 1). Without a floor the camera is at the origin's height 0.
    """
    up = np.asarray(up, np.float64)
    up = up / np.linalg.norm(up)
    forward = np.array([0.0, 0.0, 1.0])
    back = -(forward - (forward @ up) * up)
    if np.linalg.norm(back) < 1e-6:  # looking straight up or down: the picture's top is "ahead"
        back = np.array([0.0, 1.0, 0.0]) - up[1] * up
    back /= np.linalg.norm(back)
    rotation = np.stack([np.cross(up, back), up, back])
    height = 0.0
    if floor is not None:
        normal, offset = np.asarray(floor[:3], np.float64), float(floor[3])
        along = float(normal @ up)
        # Where the vertical through the camera meets the plane: n.(-h up) + d = 0.
        height = offset / along if abs(along) > 1e-6 else 0.0
    return Sim3(rotation, np.array([0.0, height, 0.0]), 1.0)


def gltf_camera_pose(world_from_cam: Sim3) -> np.ndarray:
    """(4, 4) pose of a glTF camera node (looks along -z, y up) for an OpenCV camera pose."""
    matrix = world_from_cam.matrix()
    matrix[:3, :3] = matrix[:3, :3] @ CAMERA_FROM_GLTF_CAMERA
    return matrix
