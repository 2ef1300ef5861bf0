"""Meshes of other proportions: what a placement that stretches does to its mesh.

A pose is a similarity. Where Register was asked to mend a mesh's proportions as well, the stretch
belongs to the mesh, below the pose, so everything after Register sees a mesh and its similarity.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .frames import Sim3
from .gltf import under_new_root
from .types import Mesh, Placement

Stretch = tuple[float, float, float] | None
"""Factors along a mesh's own axes, of product 1; None where its proportions are kept."""

ALIKE = 1e-4
"""Factors that differ by no more than this share are one scale."""


def posed_mesh(mesh: Mesh, placement: Placement) -> Mesh:
    """The mesh that a placement poses: the candidate it chose, stretched where it says so."""
    if placement.stretch is None:
        return mesh
    matrix = np.diag([*placement.stretch, 1.0])
    return replace(mesh, glb=under_new_root(mesh.glb, matrix, mesh.name or "mesh"))


def affine(pose: Sim3, stretch: Stretch) -> np.ndarray:
    """(4, 4) of a mesh's own points: the stretch, then the pose."""
    return pose.matrix() @ np.diag([*(stretch or (1.0, 1.0, 1.0)), 1.0])


def pose_and_stretch(matrix: np.ndarray) -> tuple[Sim3, Stretch]:
    """A (4, 4) affine without shear as pose and stretch; a similarity has none.

    Raises:
        ValueError: it shears, mirrors or is singular.
    """
    matrix = np.asarray(matrix, np.float64)
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
        raise ValueError("a pose needs a finite 4x4 matrix")
    length = np.linalg.norm(matrix[:3, :3], axis=0)
    if not length.all() or np.ptp(length) <= ALIKE * length.max():
        return Sim3.from_matrix(matrix), None
    mean = float(np.exp(np.log(length).mean()))
    factors = length / mean
    x, y, z = (float(f) for f in factors)
    return Sim3.from_matrix(matrix / [*factors, 1.0]), (x, y, z)
