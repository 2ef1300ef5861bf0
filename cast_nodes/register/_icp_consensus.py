"""Sample consensus of ``icp``: from matches, most of them wrong, to a few poses with a size.

The checks are those of Open3D's RANSAC (edge lengths, distances, number of draws from a
confidence), but all draws are checked at once, the size is solved for, several poses come out
instead of one, and the draws have a generator of their own: Open3D's is shared by the process.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree
from scipy.spatial.transform import Rotation

from ._icp_clouds import Matches
from ._icp_outline import Outline
from .problem import Problem
from .sampling import Surface

CONFIDENCE = 0.999
RIGHT_MATCHES = 0.025
"""Share of matches that are right, at least, for the confidence to hold: features of a noisy
partial view are poor."""
EDGE_RATIO = 1.15
"""The three edges of a draw may differ in size by this factor."""
SHORTEST_EDGE = 0.15
APART = 0.1
"""A draw's own points must meet this closely; lengths in units of the object's rough size."""
STEEPEST = np.deg2rad(15.0)
"""An upright mesh may lean this much after a draw."""
NEAR = 0.08
"""An observed point this close to the mesh, in diagonals, supports a pose."""
MOST_CHECKED = 6000
CHECKED_POINTS = (16, 100)
"""Observed points that support a pose, in the first check and in that of the shortlist …"""
CHECKED_SAMPLES = (64, 300)
"""… and samples of the mesh that must not be where the photo shows something else."""
FORBIDDEN = 2.0
"""Weight of such samples beside the support."""
SHORTLIST = 400
SAME_ANGLE = np.deg2rad(20.0)
SAME_SIZE = 0.1
SAME_PLACE = 0.15
VIEWS = 64


@dataclass(frozen=True, eq=False)
class Pose:
    """The normalised mesh in the observed cloud's unit: ``p = size R x + t``."""

    rotation: np.ndarray
    translation: np.ndarray
    size: float

    def matrix_mesh_from_camera(self) -> np.ndarray:
        """(4, 4) similarity that takes observed points onto the normalised mesh."""
        out = np.eye(4)
        out[:3, :3] = self.rotation.T / self.size
        out[:3, 3] = -out[:3, :3] @ self.translation
        return out

    @staticmethod
    def from_matrix(mesh_from_camera: np.ndarray) -> Pose | None:
        """From that matrix; None when it has shrunk to nothing or is not finite."""
        linear = mesh_from_camera[:3, :3]
        if not np.isfinite(mesh_from_camera).all():
            return None
        determinant = np.linalg.det(linear)
        if not determinant > 1e-12:
            return None
        scale = float(np.cbrt(determinant))
        rotation = linear.T / scale
        return Pose(rotation, -rotation @ mesh_from_camera[:3, 3] / scale, 1 / scale)


def likely_sizes(
    problem: Problem, surface: Surface, upright: bool
) -> tuple[list[float], tuple[float, float]]:
    """Sizes at which to describe the mesh, and (least, greatest) credible one.

    Turned some way and seen from afar, the mesh must fill the mask's box; the turns leave a
    range. What is hidden or cut off can only make it larger.
    """
    rows, columns = np.nonzero(problem.mask)
    sides = np.array([np.ptp(columns) + 1, np.ptp(rows) + 1], np.float64)
    sides /= sides.max()
    extent = np.ptp(surface.spread[:800] @ _views(problem, upright).transpose(0, 2, 1), axis=1)
    ratio = sides / np.maximum(extent[:, :2], 1e-3)
    # A thin mesh never fills a broad mask: its length, not its thickness, bounds the size.
    fitting = np.minimum(np.sqrt(ratio.prod(1)), 2 * ratio.min(1))
    low, middle, high = np.quantile(fitting, [0.1, 0.5, 0.9])
    sizes = [low, middle, high]
    if _is_cut(problem):
        sizes.append(1.5 * high)
    distinct = [float(s) for i, s in enumerate(sizes) if i == 0 or s > 1.1 * sizes[i - 1]]
    return distinct, (0.7 * sizes[0], 1.4 * sizes[-1])


def _views(problem: Problem, upright: bool) -> np.ndarray:
    """(n, 3, 3) ``R_camera_from_object``: turns about gravity, else all over."""
    if not (upright and problem.up is not None):
        return Rotation.from_quat(np.random.default_rng(0).normal(size=(VIEWS, 4))).as_matrix()
    stand = Rotation.align_vectors(problem.up[None], [[0.0, 1.0, 0.0]])[0]
    turns = Rotation.from_rotvec(np.linspace(0, 2 * np.pi, 16, False)[:, None] * problem.up)
    return (turns * stand).as_matrix()


def _is_cut(problem: Problem) -> bool:
    """Whether something unknown adjoins the mask: the object may go on there."""
    unknown = np.pad(problem.unknown, 1, mode="edge")
    beside = unknown[:-2, 1:-1] | unknown[2:, 1:-1] | unknown[1:-1, :-2] | unknown[1:-1, 2:]
    return bool((beside & problem.mask).sum() > 0.02 * np.sqrt(problem.mask.sum()) * 4)


def consensus(
    matches: Sequence[Matches],
    observed: np.ndarray,
    surface: Surface,
    up: np.ndarray | None,
    bounds: tuple[float, float],
    outline: Outline,
    count: int,
    seed: int,
) -> list[Pose]:
    """The ``count`` poses that differ from each other and agree best with points and mask.

    Args:
        matches: one a size.
        observed: (n, 3) points that may support a pose.
        up: (3,) against gravity when the mesh is to stand upright, else None.
        bounds: least and greatest size.
    """
    rng = np.random.default_rng(seed)
    found = [_draws(part, up, bounds, rng) for part in matches]
    rotation, translation, size = (np.concatenate(parts) for parts in zip(*found, strict=True))
    if not len(size):
        return []
    chosen = rng.permutation(len(size))[:MOST_CHECKED]
    tree = KDTree(surface.spread)
    points = observed[rng.permutation(len(observed))]
    kept = (SHORTLIST, len(chosen))
    for number, samples, left in zip(CHECKED_POINTS, CHECKED_SAMPLES, kept, strict=True):
        poses = rotation[chosen], translation[chosen], size[chosen]
        merit = _support(*poses, points[:number], tree)
        merit -= FORBIDDEN * outline.violated(*poses, surface.spread[:samples])
        chosen = chosen[np.argsort(-merit, kind="stable")[:left]]
    return _distinct(rotation[chosen], translation[chosen], size[chosen], count)


def draws_for(points: int) -> int:
    """Draws of so many matches that find one all right draw with the confidence
    (Fischler and Bolles 1981)."""
    return int(np.ceil(np.log(1 - CONFIDENCE) / np.log1p(-(RIGHT_MATCHES**points))))


def _draws(
    matches: Matches, up: np.ndarray | None, bounds: tuple[float, float], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rotations, translations and sizes of the draws that pass the checks."""
    number = 3 if up is None else 2
    draws = min(draws_for(number), 300_000)
    pick = rng.integers(0, len(matches.observed), (draws, number))
    a, b = matches.mesh[pick], matches.observed[pick]
    if up is not None:  # gravity is the third match: a point above the middle, one edge away
        a, b = _with_top(a, np.array([0.0, 1.0, 0.0])), _with_top(b, up)
    long_a, long_b = _edges(a), _edges(b)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = long_b / long_a
        sound = ratio.max(1) < EDGE_RATIO * ratio.min(1)
        sound &= (long_b.min(1) > SHORTEST_EDGE) & (_height(b) > SHORTEST_EDGE / 2)
        sound &= (ratio.mean(1) > bounds[0]) & (ratio.mean(1) < bounds[1])
    a, b = a[sound], b[sound]
    rotation, translation, size = similarities(a, b)
    placed = size[:, None, None] * np.einsum("nij,nkj->nki", rotation, a) + translation[:, None]
    sound = np.linalg.norm(placed - b, axis=2).max(1) < APART
    if up is not None:
        sound &= rotation[:, :, 1] @ up > np.cos(STEEPEST)
    return rotation[sound], translation[sound], size[sound]


def _with_top(pairs: np.ndarray, up: np.ndarray) -> np.ndarray:
    """(n, 3, 3): (n, 2, 3) pairs and a point above their middle, as high as they are apart."""
    apart = np.linalg.norm(pairs[:, 0] - pairs[:, 1], axis=1)
    return np.concatenate([pairs, (pairs.mean(1) + apart[:, None] * up)[:, None]], 1)


def _edges(triangles: np.ndarray) -> np.ndarray:
    """(n, 3) lengths of the edges of (n, 3, 3) triangles."""
    return np.linalg.norm(triangles - np.roll(triangles, -1, 1), axis=2)


def _height(triangles: np.ndarray) -> np.ndarray:
    """(n,) smallest height of (n, 3, 3) triangles: points in a line fix no rotation."""
    cross = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    return np.linalg.norm(cross, axis=1) / np.maximum(_edges(triangles).max(1), 1e-12)


def similarities(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Batched ``b = s R a + t`` of (n, k, 3) points: (n, 3, 3), (n, 3), (n,).

    Rotation by SVD (Umeyama 1991); the scale is the ratio of the spreads (Horn 1987), which
    favours neither side, while the least-squares scale shrinks with noise.
    """
    middle_a, middle_b = a.mean(1), b.mean(1)
    a, b = a - middle_a[:, None], b - middle_b[:, None]
    u, _, vt = np.linalg.svd(np.einsum("nki,nkj->nij", b, a))
    u[:, :, 2] *= np.sign(np.linalg.det(u @ vt))[:, None]
    rotation = u @ vt
    size = np.sqrt((b**2).sum((1, 2)) / np.maximum((a**2).sum((1, 2)), 1e-30))
    return rotation, middle_b - size[:, None] * np.einsum("nij,nj->ni", rotation, middle_a), size


def _support(
    rotation: np.ndarray,
    translation: np.ndarray,
    size: np.ndarray,
    points: np.ndarray,
    tree: KDTree,
) -> np.ndarray:
    """(n,) how many of the points lie near the mesh, the nearer the more, 0..1."""
    on_mesh = np.einsum("nij,nki->nkj", rotation, points[None] - translation[:, None])
    on_mesh /= size[:, None, None]
    distance, _ = tree.query(on_mesh.reshape(-1, 3), distance_upper_bound=NEAR)
    inside = 1 - np.minimum(distance / NEAR, 1) ** 2
    return inside.reshape(len(size), -1).mean(1)


def _distinct(
    rotation: np.ndarray, translation: np.ndarray, size: np.ndarray, count: int
) -> list[Pose]:
    """The first poses that are not alike."""
    kept: list[int] = []
    for i in range(len(size)):
        if len(kept) == count:
            break
        near = np.array(kept, int)
        trace = np.einsum("nij,ij->n", rotation[near], rotation[i])
        alike = (trace - 1) / 2 > np.cos(SAME_ANGLE)
        alike &= np.abs(np.log(size[near] / size[i])) < SAME_SIZE
        alike &= np.linalg.norm(translation[near] - translation[i], axis=1) < SAME_PLACE
        if not alike.any():
            kept.append(i)
    return [Pose(rotation[i], translation[i], float(size[i])) for i in kept]
