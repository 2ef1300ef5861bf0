"""Where ``differentiable`` starts: eight yaws, each put where mask and points want it, ranked by
their Chamfer distance to silhouette and points. Nothing is rendered here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import least_squares
from scipy.spatial import KDTree

from ..frames import CAMERA_UP
from ..types import Mesh
from ._diff_loss import Body
from ._diff_pose import PoseModel, free_model, planar_model, stands_on_floor
from .hypotheses import facing_rotation, yaw_rotations
from .problem import Problem, distance_to

YAWS = 8
SAMPLES = 400
POINTS = 100
FAR = 0.25
"""Distances (units) beyond this count no more than linearly at the start."""
YAW_HOLD = 0.035
"""Units of error that a radian of turning away from a start counts for: eight yaws are to
remain eight starts."""
EVALUATIONS = 12


@dataclass(frozen=True, eq=False)
class Start:
    """A pose model with the parameters to begin at; ``chamfer`` in units, smaller is better."""

    candidate: int
    model: PoseModel
    theta: np.ndarray
    chamfer: float


def start_rotations(problem: Problem, mesh: Mesh) -> tuple[np.ndarray, np.ndarray]:
    """(n, 3, 3) rotations to start from, and the (3,) axis they turn about.

    The axis is gravity's where that is known, else the camera's up. A mesh that is not upright
    by nature but was made from the photo's view starts facing the camera as it was made.
    """
    forward = problem.points.astype(np.float64).mean(0)
    forward /= np.linalg.norm(forward)
    axis = CAMERA_UP if problem.up is None else np.asarray(problem.up, np.float64)
    rotations = yaw_rotations(axis, YAWS, forward)
    if mesh.view_aligned and not mesh.upright:
        turns = rotations @ rotations[0].T
        rotations = turns @ facing_rotation(forward)
    return rotations, axis


def make_starts(problem: Problem, unit: float, candidate: int, body: Body) -> list[Start]:
    """The starts of one candidate mesh, best first."""
    mesh, surface = problem.candidates[candidate], body.surface
    picture = _Picture(problem, unit)
    cloud = surface.spread[:SAMPLES].astype(np.float64)
    rotations, axis = start_rotations(problem, mesh)
    planar = stands_on_floor(problem, unit)
    floor = None
    if planar:
        assert problem.floor is not None
        floor = np.array([*problem.floor[:3], problem.floor[3] / unit])
        # What stands on the floor turns about the floor's normal.
        lean = _between(axis, floor[:3])
        rotations = lean @ rotations
    outline = surface.spread.astype(np.float64)
    starts = []
    for rotation in rotations:
        centre, size = picture.first_guess(cloud @ rotation.T)
        if floor is not None:
            model = planar_model(rotation, centre, size, floor, surface.vertices)
        else:
            model = free_model(rotation, centre, size, axis)
        theta = _settled(model, picture, cloud, body)
        chamfer = picture.chamfer(model, theta, outline, body)
        starts.append(Start(candidate, model, theta, chamfer))
    return sorted(starts, key=lambda s: s.chamfer)


def _settled(model: PoseModel, picture: _Picture, cloud: np.ndarray, body: Body) -> np.ndarray:
    """The parameters near 0 that bring a cloud's box and surface to the mask's box and points."""

    def residuals(theta: np.ndarray) -> np.ndarray:
        rotation, translation, size = _numpy_pose(model, theta)
        posed = size * (cloud @ rotation.T) + translation
        local = (picture.points - translation) @ rotation / size
        apart = size * body.distance(local) / np.sqrt(len(local))
        return np.concatenate([picture.box_errors(posed), apart, [YAW_HOLD * theta[-2]]])

    zero = np.zeros(model.freedoms)
    bound = np.full(model.freedoms, 2.0)
    bound[-2] = 1.5 * np.pi / YAWS  # more than half way to the next yaw
    found = least_squares(
        residuals, zero, bounds=(-bound, bound), loss="soft_l1", f_scale=FAR,
        max_nfev=EVALUATIONS, diff_step=1e-4,
    )  # fmt: skip
    return found.x if np.isfinite(found.x).all() else zero


def _numpy_pose(model: PoseModel, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    with torch.no_grad():
        pose = model.pose(torch.from_numpy(theta))
    return pose.rotation.numpy(), pose.translation.numpy(), float(pose.size)


class _Picture:
    """What the starts are compared with: mask, its box, a few points; lengths in units."""

    def __init__(self, problem: Problem, unit: float) -> None:
        self.mask = problem.mask
        self.intrinsics = np.asarray(problem.intrinsics, np.float64)
        points = problem.points.astype(np.float64) / unit
        self.points = points[:: -(-len(points) // POINTS)]
        self.depth = float(np.median(points[:, 2]))
        self.box, self.seen = _mask_box(problem)
        # px to units at the object's distance
        self.pixel = self.depth * 2 / (self.intrinsics[0, 0] + self.intrinsics[1, 1])
        self.outside = distance_to(problem.mask | problem.unknown)
        rows, columns = np.nonzero(problem.mask)
        step = max(1, len(rows) // 600)
        self.shown = np.stack([columns, rows], 1)[::step] + 0.5

    def first_guess(self, turned: np.ndarray) -> tuple[np.ndarray, float]:
        """Centre and size of a cloud, seen as from afar, that fill the mask's box at its depth."""
        low, high = turned.min(0), turned.max(0)
        extent = np.maximum(high - low, 1e-3)
        wide, tall = (self.box[2:] - self.box[:2]) * self.pixel / extent[:2]
        sees_x, sees_y = self.seen[0] and self.seen[2], self.seen[1] and self.seen[3]
        if sees_x == sees_y:
            # Where no end is seen, what is hidden can only make it larger.
            size = np.sqrt(wide * tall) if sees_x else max(wide, tall)
        else:
            size = wide if sees_x else tall
        middle = (self.box[:2] + self.box[2:]) / 2
        z = self.depth + 0.25 * size * extent[2]
        k = self.intrinsics
        ray = np.array([(middle[0] - k[0, 2]) / k[0, 0], (middle[1] - k[1, 2]) / k[1, 1], 1.0])
        return ray * z, float(size)

    def project(self, posed: np.ndarray) -> np.ndarray:
        """(n, 2) px; what is behind the camera counts as just before it."""
        ray = posed[:, :2] / np.maximum(posed[:, 2:], 0.05)
        return ray * self.intrinsics[[0, 1], [0, 1]] + self.intrinsics[:2, 2]

    def box_errors(self, posed: np.ndarray) -> np.ndarray:
        """(4,) units from the projected box's sides to the mask's; a side whose end is hidden
        only has to reach as far as the mask does."""
        pixels = self.project(posed)
        sides = np.concatenate([pixels.min(0), pixels.max(0)])
        error = (sides - self.box) * self.pixel
        short = np.concatenate([np.maximum(error[:2], 0), np.minimum(error[2:], 0)])
        return np.where(self.seen, error, short)

    def chamfer(self, model: PoseModel, theta: np.ndarray, cloud: np.ndarray, body: Body) -> float:
        """Samples outside the mask, mask not covered, points off the surface: mean units."""
        rotation, translation, size = _numpy_pose(model, theta)
        pixels = self.project(size * (cloud @ rotation.T) + translation)
        height, width = self.mask.shape
        held = np.clip(pixels, 0, [width - 1e-3, height - 1e-3])
        beyond = self.outside[held[:, 1].astype(int), held[:, 0].astype(int)]
        beyond = beyond + np.where(beyond > 0, np.linalg.norm(pixels - held, axis=1), 0)
        uncovered = KDTree(pixels).query(self.shown)[0]
        # Samples lie apart even where they cover: only more than that is a gap.
        apart = np.sqrt(max(1.0, float(self.mask.sum())) / len(cloud))
        uncovered = np.maximum(uncovered - apart, 0)
        local = (self.points - translation) @ rotation / size
        off = size * body.distance(local)
        return float(
            (beyond.mean() + uncovered.mean()) * self.pixel + np.minimum(off, 2 * FAR).mean()
        )


def _mask_box(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """(4,) px left, top, right, bottom of the mask, and which of these ends are seen: those whose
    outermost pixels have known background beside them, not an occluder or the photo's border."""
    mask, unknown = problem.mask, problem.unknown
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float64)
    reach = max(2, round(0.03 * max(len(rows), len(columns))))
    padded = np.pad(unknown, reach, constant_values=True)
    seen = []
    for side in range(4):
        axis, last = (1, 0)[side % 2], side >= 2
        line = (columns, rows)[side % 2][-1 if last else 0]
        edge = np.zeros_like(mask)
        index = [slice(None), slice(None)]
        index[axis] = slice(line, line + 1)
        edge[tuple(index)] = mask[tuple(index)]
        y, x = np.nonzero(edge)
        shift = (reach if last else -reach) * (np.array([1, 0]) if axis == 0 else np.array([0, 1]))
        seen.append(not padded[y + reach + shift[0], x + reach + shift[1]].mean() > 0.5)
    return box, np.array(seen)


def _between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(3, 3) smallest rotation from unit vector ``a`` to ``b`` (not opposite)."""
    v, c = np.cross(a, b), float(a @ b)
    if c < -0.999:
        raise ValueError("the floor's normal points against gravity")
    cross = np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])
    return np.eye(3) + cross + cross @ cross / (1 + c)
