"""Clouds, features and matches of ``icp``; everything here is Open3D's.

The observed cloud is in units of the object's rough size, camera frame; the mesh's is its
normalised surface (centre 0, diagonal 1). Radii are given in the observed cloud's unit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import BackendNotReady
from .sampling import Surface

if TYPE_CHECKING:
    from .problem import Problem

MIN_POINTS = 20
"""Fewer points have no neighbourhoods that features could describe."""
NORMAL_RADIUS = 2.0
FEATURE_RADIUS = 5.0
"""… in voxels, as Open3D's own recipe has them."""
NORMAL_NEIGHBOURS = 30
FEATURE_NEIGHBOURS = 200
OUTLIER_NEIGHBOURS = 20
OUTLIER_SPREAD = 2.0


def open3d() -> Any:
    """The package.

    Raises:
        BackendNotReady: it is installed, but a system library that it needs is not.
    """
    try:
        import open3d as package
    except (ImportError, OSError) as error:
        raise BackendNotReady(
            f"register backend 'icp' cannot load open3d: {error}; reinstall it with "
            "pip install --force-reinstall open3d, or install the system library it names"
        ) from error
    return package


@contextmanager
def silenced(o3d: Any) -> Iterator[None]:
    """Open3D's notes about small clouds and empty results stay out of the user's console."""
    with o3d.utility.VerbosityContextManager(o3d.utility.VerbosityLevel.Error):
        yield


def cloud(o3d: Any, points: np.ndarray, normals: np.ndarray | None = None) -> Any:
    """An Open3D cloud of (n, 3) points."""
    made = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(np.asarray(points, np.float64)))
    if normals is not None:
        made.normals = o3d.utility.Vector3dVector(np.asarray(normals, np.float64))
    return made


@dataclass(frozen=True, eq=False)
class Observed:
    """The visible points of an object, cleaned, in units of its rough size.

    Attributes:
        full: Open3D cloud of all of them, with normals that face the camera.
        thin: one point a voxel of it.
        points: (n, 3) of ``thin``.
        feature: Open3D feature of ``thin``.
    """

    full: Any
    thin: Any
    points: np.ndarray
    feature: Any


def observe(o3d: Any, problem: Problem, unit: float, voxel: float) -> Observed | None:
    """The observed cloud, or None where too few points are left to have features."""
    points = np.asarray(problem.points, np.float64) / unit
    points = points[np.isfinite(points).all(1)]
    if len(points) < MIN_POINTS:
        return None
    full, _ = cloud(o3d, points).remove_statistical_outlier(OUTLIER_NEIGHBOURS, OUTLIER_SPREAD)
    if len(full.points) < MIN_POINTS:
        return None
    hybrid = o3d.geometry.KDTreeSearchParamHybrid
    full.estimate_normals(hybrid(NORMAL_RADIUS * voxel, NORMAL_NEIGHBOURS))
    full.orient_normals_towards_camera_location(np.zeros(3))
    thin = full.voxel_down_sample(voxel)
    if len(thin.points) < MIN_POINTS:
        thin = full
    feature = _fpfh(o3d, thin, voxel)
    return Observed(full, thin, np.asarray(thin.points), feature)


@dataclass(frozen=True, eq=False)
class Matches:
    """Pairs of points whose surroundings look alike.

    Attributes:
        observed: (n, 3) in units of the object's rough size.
        mesh: (n, 3) on the normalised mesh.
        size: the diagonal in units at which the mesh's surroundings were described.
    """

    observed: np.ndarray
    mesh: np.ndarray
    size: float


def match(o3d: Any, observed: Observed, surface: Surface, size: float, voxel: float) -> Matches:
    """Each observed point's likest mesh point, the mesh taken to have a diagonal of ``size``.

    Features are no better than their radius, which is a length: so a mesh of unknown size is
    described once for each size in question.
    """
    thin = cloud(o3d, surface.spread * size, surface.spread_normals).voxel_down_sample(voxel)
    thin.normalize_normals()
    feature = _fpfh(o3d, thin, voxel)
    find = o3d.pipelines.registration.correspondences_from_features
    pairs = np.asarray(find(observed.feature, feature, False)).reshape(-1, 2)
    on_mesh = np.asarray(thin.points) / size
    return Matches(observed.points[pairs[:, 0]], on_mesh[pairs[:, 1]], size)


def _fpfh(o3d: Any, points: Any, voxel: float) -> Any:
    """Rusu et al. 2009, "Fast point feature histograms (FPFH) for 3D registration"."""
    reach = o3d.geometry.KDTreeSearchParamHybrid(FEATURE_RADIUS * voxel, FEATURE_NEIGHBOURS)
    return o3d.pipelines.registration.compute_fpfh_feature(points, reach)
