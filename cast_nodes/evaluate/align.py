"""Bringing two clouds together before they are compared, and saying exactly how.

A normalisation brings each cloud into a frame of its own; ICP then moves the predicted cloud onto
the true one. Both return new points; nothing is aligned unless a protocol asks for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..frames import Sim3
from .distances import tree_of

Normalise = Literal["none", "centroid and farthest", "box", "box per axis"]
"""How one cloud is normalised:

- ``none``: as it is;
- ``centroid and farthest``: centred on its samples' mean, farthest sample at distance 1;
- ``box``: its box centred on 0, longest side from -1 to 1;
- ``box per axis``: each axis alone from -.95 to .95, so proportions are lost (MIDI's objects).
"""


@dataclass(frozen=True)
class Icp:
    """Iterative closest points (Besl & McKay, 1992), point to point, from where the clouds lie.

    Attributes:
        iterations: at most so many.
        scale: estimate the scale too.
        tolerance: stop when the root mean square distance changes by less than this share.
        points: at most so many of the predicted samples look for their partners, among at most
            ``partners`` of the true ones: more change the transform in the third or fourth digit
            and take most of the time.
    """

    iterations: int
    scale: bool = False
    tolerance: float = 1e-6
    points: int = 10_000
    partners: int = 40_000


def normalised(points: np.ndarray, how: Normalise) -> np.ndarray:
    """(n, 3) points in their own normal frame."""
    if how == "none":
        return points
    if how == "centroid and farthest":
        centred = points - points.mean(0)
        return centred / _or_one(np.linalg.norm(centred, axis=1).max())
    low, high = points.min(0), points.max(0)
    if how == "box":
        return (points - (low + high) / 2) / _or_one((high - low).max() / 2)
    if how == "box per axis":
        sides = high - low
        return 1.9 * (points - low) / np.where(sides > 0, sides, 1) - 0.95
    raise ValueError(f"unknown normalisation {how!r}")


def _or_one(length: float) -> float:
    return float(length) if length > 0 else 1.0


def best_similarity(source: np.ndarray, target: np.ndarray, scale: bool) -> Sim3:
    """The least-squares transform of (n, 3) points onto their partners (Umeyama, 1991).

    Args:
        scale: also estimate a scale; otherwise it is 1.
    """
    middle, goal = source.mean(0), target.mean(0)
    a, b = source - middle, target - goal
    u, strength, vt = np.linalg.svd(b.T @ a)
    mirror = np.array([1, 1, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    rotation = (u * mirror) @ vt
    spread = float(np.square(a).sum())
    size = float((strength * mirror).sum() / spread) if scale and spread > 0 else 1.0
    size = size if size > 0 else 1.0
    return Sim3(rotation, goal - size * rotation @ middle, size)


def icp(source: np.ndarray, target: np.ndarray, how: Icp, seed: int = 0) -> Sim3:
    """``T_target_from_source`` of (n, 3) onto (m, 3) samples; see :class:`Icp`."""
    rng = np.random.default_rng(seed)
    source, target = _some(source, how.points, rng), _some(target, how.partners, rng)
    tree = tree_of(target)
    source = source[tree_of(source).indices]  # neighbours ask one after the other
    pose, before = Sim3.identity(), np.inf
    for _ in range(how.iterations):
        moved = pose.apply(source)
        distance, partner = tree.query(moved, workers=-1)
        error = float(np.sqrt(np.square(distance).mean()))
        if abs(before - error) <= how.tolerance * max(error, 1e-300) or error == 0:
            break
        before = error
        pose = best_similarity(source, target[partner], how.scale)
    return pose


def _some(points: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    return points if len(points) <= most else points[rng.choice(len(points), most, replace=False)]
