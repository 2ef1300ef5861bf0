"""What the photo says about where a thing is, as a quadratic form of how far it is moved.

A photo tells well what lies across the view and badly what lies along it: an object moved along
its view ray and scaled with its distance looks the same. So the doubt about a pose is large along
that one direction (distance and size together) and small along the others, and a thing that must
move to stand does so mostly along its rays, where the picture stays.

A change of a pose is (7,): rotation vector (rad) and translation of the mesh's middle along the
world's axes, and the logarithm of the scale's factor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..frames import Sim3
from ..types import Placement

UP = np.array([0.0, 1.0, 0.0])


@dataclass(frozen=True)
class Doubt:
    """Standard deviations of a pose.

    Attributes:
        ray: of the logarithm of distance and size together.
        size: of the logarithm of the size beside that.
        across: sideways, over the distance.
        yaw_rad: about gravity.
        tilt_rad: about each level axis.
    """

    ray: float
    size: float
    across: float
    yaw_rad: float
    tilt_rad: float


LEAST = Doubt(0.008, 0.002, 0.0005, float(np.radians(0.7)), float(np.radians(0.3)))
"""Added to what Register says: its sigmas know noise, not what is wrong in a crowded room."""
MOST = Doubt(0.1, 0.006, 0.0015, float(np.radians(8.0)), float(np.radians(3.0)))
"""However little the evidence says, a pose is no worse than this."""
UNKNOWN = Doubt(0.05, 0.008, 0.002, float(np.radians(3.0)), float(np.radians(0.7)))
"""Where a placement comes without a covariance."""


def covariance_of(middle: np.ndarray, camera: np.ndarray, doubt: Doubt) -> np.ndarray:
    """(7, 7) world axes, of an object whose mesh's middle is at (3,) ``middle``, seen from
    (3,) ``camera``."""
    away = np.asarray(middle, np.float64) - camera
    distance = float(np.linalg.norm(away))
    ray = away / distance if distance > 0 else np.array([0.0, 0.0, -1.0])
    along, upright = np.outer(ray, ray), np.outer(UP, UP)
    out = np.zeros((7, 7))
    out[:3, :3] = doubt.yaw_rad**2 * upright + doubt.tilt_rad**2 * (np.eye(3) - upright)
    # Sideways in the picture; and beside the common factor the distance is as unsure as the size.
    out[3:6, 3:6] = distance**2 * (doubt.ray**2 * along + doubt.across**2 * (np.eye(3) - along))
    out[3:6, 6] = out[6, 3:6] = doubt.ray**2 * distance * ray
    out[6, 6] = doubt.ray**2 + doubt.size**2
    return out


def information_of(
    placement: Placement | None, middle: np.ndarray, world_from_camera: Sim3
) -> np.ndarray:
    """(7, 7) information about a pose: a change ``d`` of it costs ``d @ information @ d``.

    Args:
        placement: its covariance in the camera's axes is used where there is a sound one.
        middle: (3,) world, of the mesh's box.
        world_from_camera: rigid.
    """
    camera = world_from_camera.translation
    least = covariance_of(middle, camera, LEAST)
    told = None if placement is None else placement.covariance
    if told is None or not _sound(told):
        doubt = covariance_of(middle, camera, UNKNOWN)
    else:
        axes = np.zeros((7, 7))
        axes[:3, :3] = axes[3:6, 3:6] = world_from_camera.rotation
        axes[6, 6] = 1.0
        doubt = axes @ np.asarray(told, np.float64) @ axes.T + least
    most = covariance_of(middle, camera, MOST)
    return np.linalg.inv(doubt) + np.linalg.inv(most)


def _sound(covariance: np.ndarray) -> bool:
    """Symmetric, finite, without a negative variance."""
    covariance = np.asarray(covariance)
    if covariance.shape != (7, 7) or not np.isfinite(covariance).all():
        return False
    if not np.allclose(covariance, covariance.T, rtol=1e-6, atol=1e-12):
        return False
    return bool(np.linalg.eigvalsh(covariance).min() > -1e-12)


def moved(pose: Sim3, middle: np.ndarray, change: np.ndarray) -> Sim3:
    """The pose after a (7,) change about a (3,) world point that is the mesh's middle."""
    from scipy.spatial.transform import Rotation

    turn = Rotation.from_rotvec(change[:3]).as_matrix()
    factor = float(np.exp(change[6]))
    translation = middle + change[3:6] + factor * (turn @ (pose.translation - middle))
    return Sim3(turn @ pose.rotation, translation, factor * pose.scale)


def change_between(start: Sim3, now: Sim3, local_middle: np.ndarray) -> np.ndarray:
    """(7,) the change that makes ``now`` of ``start``; :func:`moved` undone."""
    from scipy.spatial.transform import Rotation

    turn = Rotation.from_matrix(now.rotation @ start.rotation.T).as_rotvec()
    shift = now.apply(local_middle) - start.apply(local_middle)
    return np.array([*turn, *shift, np.log(now.scale / start.scale)])
