"""ICP rounds of ``icp``: observed points onto the mesh, never hidden mesh onto points.

Point-to-plane under Tukey's kernel turns and moves; between, point-to-point estimates the size,
which a rigid fit of two clouds would keep wrong for ever. Lengths are shares of the mesh's
diagonal, so nothing depends on anybody's unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._icp_clouds import cloud
from ._icp_consensus import Pose
from .sampling import Surface

LEAST_CHANGE = 1e-5
TURNS = 12
"""Iterations of point-to-plane a round …"""
SIZINGS = 4
"""… and of point-to-point with scale."""


@dataclass(frozen=True, eq=False)
class Target:
    """A mesh as Open3D clouds of the normalised surface, with normals."""

    coarse: Any
    fine: Any

    @staticmethod
    def of(o3d: Any, surface: Surface) -> Target:
        return Target(
            cloud(o3d, surface.spread, surface.spread_normals),
            cloud(o3d, surface.dense[::3], surface.dense_normals[::3]),
        )


@dataclass(frozen=True, eq=False)
class Refined:
    """A pose after ICP.

    Attributes:
        fitness: share of the observed points within the last round's distance of the mesh.
        inlier_rmse: their root mean square distance, share of the mesh's diagonal.
    """

    pose: Pose
    fitness: float
    inlier_rmse: float


def refine(
    o3d: Any,
    source: Any,
    target: Any,
    start: Pose,
    distances: Sequence[float],
    up: np.ndarray | None,
    bounds: tuple[float, float],
    sizing: bool,
) -> Refined | None:
    """ICP in rounds of shrinking reach; None when it loses the object.

    All points in one spot of a huge mesh are a perfect fit, too: poses that drift there, or to
    any size out of bounds, are lost.

    Args:
        source, target: Open3D clouds, observed (in units) and normalised mesh (with normals).
        distances: reach of each round, in diagonals.
        up: (3,) to keep the mesh's y axis along, or None.
        bounds: least and greatest size.
        sizing: estimate the size as well.
    """
    registration = o3d.pipelines.registration
    middle = np.asarray(source.points).mean(0)
    matrix = stood_up(start.matrix_mesh_from_camera(), up, middle)
    for distance in distances:
        plane = registration.TransformationEstimationPointToPlane(registration.TukeyLoss(distance))
        steps = [(plane, TURNS)]
        if sizing:
            point = registration.TransformationEstimationPointToPoint(with_scaling=True)
            steps.append((point, SIZINGS))
        for estimation, iterations in steps:
            stop = registration.ICPConvergenceCriteria(LEAST_CHANGE, LEAST_CHANGE, iterations)
            found = registration.registration_icp(
                source, target, distance, matrix, estimation, stop
            )
            matrix = np.array(found.transformation)
        pose = Pose.from_matrix(matrix)
        if pose is None or not bounds[0] <= pose.size <= bounds[1]:
            return None
        matrix = stood_up(matrix, up, middle)
    result = registration.evaluate_registration(source, target, distances[-1], matrix)
    pose = Pose.from_matrix(matrix)
    if pose is None or not result.fitness > 0:
        return None
    return Refined(pose, float(result.fitness), float(result.inlier_rmse))


def stood_up(matrix: np.ndarray, up: np.ndarray | None, middle: np.ndarray) -> np.ndarray:
    """The (4, 4) mesh-from-camera similarity turned about ``middle`` (camera) so that up is y."""
    if up is None:
        return matrix
    linear = matrix[:3, :3]
    leaning = linear @ up / np.linalg.norm(linear @ up)
    y = np.array([0.0, 1.0, 0.0])
    axis, cosine = np.cross(leaning, y), float(leaning @ y)
    if cosine < -0.99:  # upside down is no lean to be mended
        return matrix
    skew = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    turn = np.eye(3) + skew + skew @ skew / (1 + cosine)
    out = np.eye(4)
    out[:3, :3] = turn @ linear
    out[:3, 3] = linear @ middle + matrix[:3, 3] - out[:3, :3] @ middle
    return out
