"""Floor plane and gravity from a point map.

The floor is the largest plane that is roughly level and lies below the rest: RANSAC
(Fischler & Bolles, 1981) over local triples, refined by total least squares on its inliers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..frames import CAMERA_UP

MAX_TILT_RAD = np.radians(50.0)
"""A floor's normal is at most this far from the picture's own up."""


@dataclass(frozen=True, eq=False)
class Ground:
    """A floor found in points.

    Attributes:
        floor: (4,) plane n.p + d = 0, n unit and up, d > 0 the camera's height.
        inliers: share of the sampled points that lie on it.
    """

    floor: np.ndarray
    inliers: float

    @property
    def up(self) -> np.ndarray:
        """(3,) unit, against gravity: the floor's normal."""
        return self.floor[:3]


def find_ground(
    points: np.ndarray,
    up: np.ndarray | None = None,
    seed: int = 0,
    samples: int = 4000,
    trials: int = 400,
    tolerance: float = 0.012,
) -> Ground | None:
    """The floor plane of a point map, or None when there is no plausible one.

    Args:
        points: (H, W, 3) camera frame, NaN where invalid.
        up: (3,) known up direction; then the plane stays within 10 degrees of level.
        tolerance: inlier distance as a share of a point's depth.

    Candidates must lie below the camera and have little beneath them: a table top or a bed may
    be larger than the floor that is seen, but has the floor under it.
    """
    flat = np.asarray(points, np.float64).reshape(-1, 3)
    valid = np.flatnonzero(np.isfinite(flat).all(1) & (flat[:, 2] > 0))
    if len(valid) < 50:
        return None
    rng = np.random.default_rng(seed)
    cloud = flat[np.sort(rng.choice(valid, min(samples, len(valid)), replace=False))]
    level = CAMERA_UP if up is None else np.asarray(up, np.float64) / np.linalg.norm(up)
    max_tilt = MAX_TILT_RAD if up is None else np.radians(10.0)

    # Triples from the lower half (along up) where floors are; the rest cannot vote a floor in.
    height = cloud @ level / np.maximum(np.linalg.norm(cloud, axis=1), 1e-9)
    low = np.flatnonzero(height < np.median(height) + 1e-9)
    if len(low) < 3:
        return None
    triple = cloud[low[rng.integers(0, len(low), (trials, 3))]]
    normal = np.cross(triple[:, 1] - triple[:, 0], triple[:, 2] - triple[:, 0])
    length = np.linalg.norm(normal, axis=1)
    good = length > 1e-12
    normal, anchor = normal[good] / length[good, None], triple[good, 0]
    normal *= np.where(normal @ level < 0, -1.0, 1.0)[:, None]
    offset = -(normal * anchor).sum(1)
    fine = (normal @ level > np.cos(max_tilt)) & (offset > 0)
    planes = np.concatenate([normal, offset[:, None]], 1)[fine]
    if not len(planes):
        return None
    band = tolerance * cloud[:, 2]
    distance = cloud @ planes[:, :3].T + planes[:, 3]
    on = np.abs(distance) < band[:, None]
    beneath = distance < -4 * band[:, None]
    # A tilted plane must earn its tilt with inliers.
    score = on.mean(0) - 2.0 * beneath.mean(0) - 0.05 * (1 - planes[:, :3] @ level)
    best = planes[score.argmax()]
    for _ in range(3):
        inlier = np.abs(cloud @ best[:3] + best[3]) < band
        if inlier.sum() < 12:
            return None
        best = _fit_plane(cloud[inlier], 1.0 / cloud[inlier, 2], level)
    share = float((np.abs(cloud @ best[:3] + best[3]) < band).mean())
    below = float((cloud @ best[:3] + best[3] < -4 * band).mean())
    if share < 0.03 or below > 0.25 or best[3] <= 0 or best[:3] @ level < np.cos(max_tilt):
        return None
    return Ground(best, share)


def _fit_plane(points: np.ndarray, weight: np.ndarray, level: np.ndarray) -> np.ndarray:
    """(4,) weighted total least squares plane, its normal toward ``level``."""
    weight = weight / weight.sum()
    centre = weight @ points
    spread = (points - centre) * np.sqrt(weight)[:, None]
    normal = np.linalg.svd(spread, full_matrices=False)[2][2]
    if normal @ level < 0:
        normal = -normal
    return np.append(normal, -(normal @ centre))
