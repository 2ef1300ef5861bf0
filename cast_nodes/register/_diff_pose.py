"""The two pose models of ``differentiable``, after 3D-RE-GEN (arXiv 2512.17459, section 3.4).

What stands on the floor has four degrees of freedom (two on the floor, yaw, uniform size),
everything else five (place, yaw, uniform size). Both map the normalised mesh of :mod:`.sampling`
into camera space with lengths in the problem's unit, and both start at ``theta = 0``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import torch

from .judging import STANDING
from .problem import Problem


class Pose(NamedTuple):
    """``p = size * rotation @ x + translation``: (3, 3), (3,) and () tensors, in units."""

    rotation: torch.Tensor
    translation: torch.Tensor
    size: torch.Tensor

    def apply(self, points: torch.Tensor) -> torch.Tensor:
        """(n, 3) points of the normalised mesh to camera space."""
        return points @ (self.size * self.rotation).T + self.translation


class PoseModel(Protocol):
    """A family of poses with ``freedoms`` parameters; ``pose`` is differentiable."""

    @property
    def freedoms(self) -> int: ...

    def pose(self, theta: torch.Tensor) -> Pose:
        """The pose at (freedoms,) ``theta``."""
        ...


@dataclass(frozen=True, eq=False)
class Planar:
    """4 DoF: theta = (along, across, yaw, log size); the lowest vertex stays on the floor.

    Attributes:
        start: (3, 3) rotation at theta = 0. size: diagonal at theta = 0.
        normal: (3,) of the floor, up. foot: (3,) point of the floor below the mesh's centre.
        along, across: (3,) unit, in the floor.
        lowest: height of the centre over the lowest vertex, for size 1.
    """

    start: torch.Tensor
    size: float
    normal: torch.Tensor
    foot: torch.Tensor
    along: torch.Tensor
    across: torch.Tensor
    lowest: float
    freedoms: int = 4

    def pose(self, theta: torch.Tensor) -> Pose:
        size = self.size * theta[3].exp()
        foot = self.foot + theta[0] * self.along + theta[1] * self.across
        rotation = turn_about(self.normal, theta[2]) @ self.start
        return Pose(rotation, foot + size * self.lowest * self.normal, size)


@dataclass(frozen=True, eq=False)
class Free:
    """5 DoF: theta = (x, y, z, yaw, log size) about ``axis``.

    Attributes:
        start: (3, 3), translation: (3,), size: the pose at theta = 0.
        axis: (3,) unit, against gravity, or the camera's up where gravity is unknown.
    """

    start: torch.Tensor
    translation: torch.Tensor
    size: float
    axis: torch.Tensor
    freedoms: int = 5

    def pose(self, theta: torch.Tensor) -> Pose:
        size = self.size * theta[4].exp()
        rotation = turn_about(self.axis, theta[3]) @ self.start
        return Pose(rotation, self.translation + theta[:3], size)


def stands_on_floor(problem: Problem, unit: float) -> bool:
    """Whether the mask's lower end meets the floor; False when that end is hidden."""
    if problem.floor is None or not np.isfinite(problem.base):
        return False
    near = STANDING[0] * unit + STANDING[1] * float(np.median(problem.points[:, 2]))
    return problem.base < near


def planar_model(
    rotation: np.ndarray, centre: np.ndarray, size: float, floor: np.ndarray, vertices: np.ndarray
) -> Planar:
    """The 4-DoF model that starts at a rotation and size, its foot below ``centre``.

    Args:
        centre: (3,) in units. floor: (4,) with d in units. vertices: (v, 3) normalised.
    """
    normal = np.asarray(floor[:3], np.float64)
    lowest = -float((vertices @ (rotation.T @ normal)).min())
    foot = centre - (normal @ centre + floor[3]) * normal
    # Any direction of the floor will do; the one nearest to the line of sight is well defined.
    ahead = centre - (normal @ centre) * normal
    if np.linalg.norm(ahead) < 1e-6:
        ahead = np.eye(3)[np.argmin(np.abs(normal))]
        ahead = ahead - (normal @ ahead) * normal
    ahead = ahead / np.linalg.norm(ahead)
    return Planar(
        start=_tensor(rotation),
        size=size,
        normal=_tensor(normal),
        foot=_tensor(foot),
        along=_tensor(ahead),
        across=_tensor(np.cross(normal, ahead)),
        lowest=lowest,
    )


def free_model(rotation: np.ndarray, centre: np.ndarray, size: float, axis: np.ndarray) -> Free:
    """The 5-DoF model that starts at a pose."""
    return Free(_tensor(rotation), _tensor(centre), size, _tensor(axis))


def turn_about(axis: torch.Tensor, angle: torch.Tensor) -> torch.Tensor:
    """(3, 3) rotation by ``angle`` (radians, ()) about a (3,) unit axis (Rodrigues)."""
    x, y, z = axis.unbind()
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero]).view(3, 3)
    eye = torch.eye(3, dtype=axis.dtype, device=axis.device)
    return eye + angle.sin() * cross + (1 - angle.cos()) * (cross @ cross)


def _tensor(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, np.float64))
