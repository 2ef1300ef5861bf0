"""How far a posed mesh is from the true posed mesh.

- **ADD-S**: mean distance from points of the true posed mesh to the nearest point of the found
  one, over the true mesh's diameter; S for symmetric objects, as the nearest point counts and not
  the same one (Hinterstoisser et al., "Model Based Training, Detection and Pose Estimation", 2012;
  Xiang et al., "PoseCNN", 2018). One way with the box's diagonal as diameter in the registration
  benchmark; both ways and with the largest distance of two points in SAM 3D.
- **rotation**: smallest angle to the true rotation over the rotations that leave the mesh as it is.
- **|log s|**: of the ratio of the two posed sizes.

Points are samples: ``QUERIES`` of one surface against ``SAMPLES`` of the other, so a perfect pose
has an ADD-S of about .003, not 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from scipy.spatial import ConvexHull, KDTree, QhullError
from scipy.spatial.distance import pdist
from scipy.spatial.transform import Rotation

from ..frames import Sim3
from ..mesh_data import MeshData, read_mesh
from ..types import Mesh
from .samples import surface_samples

SAMPLES = 40_000
QUERIES = 2000
SYMMETRY_QUERIES = 400
SYMMETRIC = 0.01
"""A rotation leaves a mesh as it is when its ADD-S to itself is below this share of its diameter."""
FOLDS = (2, 3, 4, 5, 6, 7, 8)
ODD_DEG = (11.0, 23.0, 37.0, 53.0, 79.0, 101.0, 139.0, 163.0)
"""An axis about which all of these and all folds are symmetries is one of revolution."""
FAR_CORNERS = 600
"""Corners of the convex hull among which the farthest two are searched, at most."""


@dataclass(frozen=True, eq=False)
class Body:
    """A mesh's surface as points, and what turns it into itself."""

    data: MeshData

    @cached_property
    def points(self) -> np.ndarray:
        """(QUERIES, 3) of the surface."""
        return surface_samples(self.data, QUERIES, 0)[0]

    @cached_property
    def tree(self) -> KDTree:
        """Of other points of the surface, ``SAMPLES``."""
        return KDTree(surface_samples(self.data, SAMPLES, 1)[0])

    @cached_property
    def diameter(self) -> float:
        """Diagonal of the box round it."""
        return float(np.linalg.norm(np.ptp(self.data.vertices, axis=0)))

    @cached_property
    def largest_distance(self) -> float:
        """Of any two of its points."""
        return largest_distance(self.data.vertices)

    @cached_property
    def symmetries(self) -> Symmetries:
        return find_symmetries(self)


@dataclass(frozen=True, eq=False)
class Symmetries:
    """Rotations that leave a mesh as it is.

    Attributes:
        rotations: (k, 3, 3), the first is the identity.
        axes: (a, 3) axes of revolution, unit; none, one, or all three of a ball.
    """

    rotations: np.ndarray
    axes: np.ndarray


def largest_distance(points: np.ndarray) -> float:
    """The largest distance of two of (n, 3) points; of round things with many corners, of
    ``FAR_CORNERS`` of those spread over the hull."""
    try:
        corners = points[ConvexHull(points).vertices]
    except QhullError:  # flat: its box's diagonal is never too small
        return float(np.linalg.norm(np.ptp(points, axis=0)))
    if len(corners) > FAR_CORNERS:
        corners = corners[np.linspace(0, len(corners) - 1, FAR_CORNERS).astype(int)]
    return float(pdist(corners).max())


def find_symmetries(body: Body) -> Symmetries:
    """Tries rotations about x, y and z through the surface's centre, and their products."""
    centre = np.asarray(body.tree.data).mean(0)
    local = body.points[:SYMMETRY_QUERIES] - centre
    folds = sorted({360.0 * k / n for n in FOLDS for k in range(1, n)})
    angles = np.deg2rad(np.array([*folds, *ODD_DEG]))
    alone, revolved = [np.eye(3)[None]], []
    for axis in np.eye(3):
        rotations = Rotation.from_rotvec(angles[:, None] * axis).as_matrix()
        turned = np.einsum("kij,nj->kni", rotations, local) + centre
        error = body.tree.query(turned)[0].mean(1) / body.diameter
        same = error < SYMMETRIC
        if same.all():
            revolved.append(axis)
        alone.append(np.concatenate([np.eye(3)[None], rotations[: len(folds)][same[: len(folds)]]]))
    x, y, z = alone[1:]
    # A product of rotations about two axes reaches each element of the groups things have.
    both = [np.einsum("aij,bjk->abik", y, other).reshape(-1, 3, 3) for other in (x, z)]
    return Symmetries(np.concatenate(both), np.array(revolved).reshape(-1, 3))


def rotation_error_deg(found: np.ndarray, true: np.ndarray, symmetries: Symmetries) -> float:
    """Smallest angle between the found rotation and the true one after any symmetry."""
    if len(symmetries.axes) > 1:
        return 0.0  # a ball
    if len(symmetries.axes) == 1:
        axis = symmetries.axes[0]
        targets = (true @ symmetries.rotations) @ axis
        return float(np.rad2deg(np.arccos(np.clip((targets @ (found @ axis)).max(), -1, 1))))
    relative = found.T @ (true @ symmetries.rotations)
    cosine = (np.trace(relative, axis1=1, axis2=2).max() - 1) / 2
    return float(np.rad2deg(np.arccos(np.clip(cosine, -1, 1))))


def angle_deg(rotation: np.ndarray) -> float:
    """Of a (3, 3) rotation."""
    return float(np.rad2deg(Rotation.from_matrix(rotation).magnitude()))


def add_s(true: Body, true_pose: Sim3, found: Body, found_pose: Sim3) -> float:
    """ADD-S from the true to the found posed mesh, over the true one's box diagonal."""
    inside = (found_pose.inverse() @ true_pose).apply(true.points)
    distance = found.tree.query(inside)[0].mean() * found_pose.scale
    return float(distance / (true.diameter * true_pose.scale))


def add_s_both_ways(true: Body, true_pose: Sim3, found: Body, found_pose: Sim3) -> float:
    """(ADD(found, true) + ADD(true, found)) / 2 d, with d the largest distance of two points of
    the true posed mesh (Chen et al., "SAM 3D: 3Dfy Anything in Images", 2025, appendix)."""
    there = (found_pose.inverse() @ true_pose).apply(true.points)
    back = (true_pose.inverse() @ found_pose).apply(found.points)
    total = found.tree.query(there)[0].mean() * found_pose.scale
    total += true.tree.query(back)[0].mean() * true_pose.scale
    return float(total / (2 * true.largest_distance * true_pose.scale))


def log_scale_error(true: Body, true_pose: Sim3, found: Body, found_pose: Sim3) -> float:
    """|log| of the ratio of the posed box diagonals, taken in the meshes' own frames: the ratio of
    the scales where both are the same mesh."""
    return float(abs(np.log(found_pose.scale * found.diameter / (true_pose.scale * true.diameter))))


def same_frame(true: Body, found: Body, tolerance: float = 0.025) -> bool:
    """Are the two meshes alike in their own frames, so that their rotations can be compared?

    Both are centred and brought to one size; then their one-way distances, either way, must be
    below a share of the diameter.
    """

    def placed(body: Body) -> Sim3:
        middle = (body.data.vertices.min(0) + body.data.vertices.max(0)) / 2
        return Sim3(np.eye(3), -middle / body.diameter, 1 / body.diameter)

    apart = max(
        add_s(true, placed(true), found, placed(found)),
        add_s(found, placed(found), true, placed(true)),
    )
    return apart < tolerance


@lru_cache(maxsize=256)
def _body_of_key(key: str, holder: _Holder) -> Body:
    return Body(read_mesh(holder.mesh))


@dataclass(frozen=True)
class _Holder:
    """Carries a mesh into the cache, whose key is the content alone."""

    mesh: Mesh

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Holder)


def body_of(mesh: Mesh) -> Body:
    """The body of a mesh, kept by the mesh's content."""
    return _body_of_key(mesh.key, _Holder(mesh))
