"""Upright boxes fitted to the outlines of objects.

Each object is a box with six free parameters (place, turn, three sizes) and a base whose
height is known up to ``base_sigma``. Its projected corners' support function in
:data:`~.outlines.DIRECTIONS` directions is fitted to that of the mask, with the class's size as
prior, by Levenberg-Marquardt from several turns; all objects and starts run in one batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .camera import RoomCamera
from .outlines import DIRECTIONS, Outline, unit_directions

PARAMETERS = 7
"""Sideways (X / Z), log distance Z, turn, log width, log height, log depth, base height."""

CORNERS = np.array(
    [[x, y, z] for x in (-0.5, 0.5) for y in (0.0, 1.0) for z in (-0.5, 0.5)]
)  # fmt: skip

_TURN = np.arange(8) * (np.pi / 4) + np.pi / 8
_RIM = 0.5 * np.stack([np.cos(_TURN), np.sin(_TURN)], -1)
HULL_BOX = np.concatenate([CORNERS, CORNERS])
HULL_ROUND = np.array([[x, y, z] for y in (0.0, 1.0) for x, z in _RIM])
"""(16, 3) points that span the unit box and the unit cylinder."""

ITERATIONS = 25


@dataclass(frozen=True, eq=False)
class Box:
    """An upright box in the levelled frame (right, up, ahead; origin at the camera).

    Attributes:
        index: of its :class:`Outline`.
        base: (3,) centre of its bottom.
        yaw_rad: from right to its width axis, counter-clockwise seen from below (right → ahead).
        size: (3,) width, height, depth.
        cost: half the squared residuals of the fit, priors included.
        supported_by: index of the outline that carries it, -1 the floor, -2 something unseen.
    """

    index: int
    base: np.ndarray
    yaw_rad: float
    size: np.ndarray
    cost: float = 0.0
    supported_by: int = -1

    @property
    def centre(self) -> np.ndarray:
        """(3,) levelled frame."""
        return self.base + np.array([0.0, 0.5 * self.size[1], 0.0])

    @property
    def axes(self) -> np.ndarray:
        """(3, 3) rows: width, up and depth axis in the levelled frame."""
        c, s = np.cos(self.yaw_rad), np.sin(self.yaw_rad)
        return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])

    @property
    def corners(self) -> np.ndarray:
        """(8, 3) levelled frame."""
        return self.base + (CORNERS * self.size) @ self.axes

    @property
    def footprint(self) -> np.ndarray:
        """(4, 2) right and ahead of the bottom's corners."""
        return self.corners[[0, 1, 5, 4]][:, [0, 2]]

    def scaled(self, factor: float) -> Box:
        """The same picture with everything ``factor`` times as large and far."""
        return replace(self, base=self.base * factor, size=self.size * factor)


@dataclass(frozen=True)
class Task:
    """One object to fit.

    Attributes:
        base_height: height of what carries it above the floor.
        base_sigma: how well that is known.
        near: (right, ahead) where it stands about, or None.
        near_sigma: of ``near``.
    """

    outline: Outline
    base_height: float = 0.0
    base_sigma: float = 0.01
    near: tuple[float, float] | None = None
    near_sigma: float = 0.3


def fit_boxes(tasks: Sequence[Task], camera: RoomCamera, yaw_known: bool) -> list[Box]:
    """The best box of each task (``supported_by`` stays -1)."""
    if not tasks:
        return []
    problem = _Batch(tasks, camera, yaw_known)
    x = problem.starts()
    x, cost = problem.solve(x)
    boxes = []
    for index, task in enumerate(tasks):
        mine = np.flatnonzero(problem.owner == index)
        best = int(mine[np.argmin(cost[mine])])
        p = np.asarray(x[best])
        z = float(np.exp(p[1]))
        base = np.array([p[0] * z, p[6] - camera.camera_height, z])
        boxes.append(
            Box(task.outline.index, base, float(p[2]), np.exp(p[3:6]), float(cost[best]))
        )  # fmt: skip
    return boxes


class _Batch:
    def __init__(self, tasks: Sequence[Task], camera: RoomCamera, yaw_known: bool) -> None:
        self.tasks, self.camera, self.yaw_known = tasks, camera, yaw_known
        turns = camera.yaw_rad + np.radians([0.0, 90.0, 45.0, -45.0])
        self.turn0 = np.tile(turns, len(tasks))
        self.owner = np.repeat(np.arange(len(tasks)), len(turns))
        outlines = [t.outline for t in tasks]
        self.centre = np.array([camera.width / 2, camera.height / 2])
        directions = unit_directions()
        self.directions = directions
        self.observed = np.array([o.support for o in outlines]) - directions @ self.centre
        extent = np.array([max(o.box[2] - o.box[0], o.box[3] - o.box[1]) for o in outlines])
        self.sigma = np.hypot(1.5 * camera.width / 640, 0.025 * extent)[:, None]
        self.cut = np.array([o.cut for o in outlines])
        # A hull fills its box's outline badly at the upper corners (chair backs, plants).
        upward = np.clip(-directions[:, 1], 0, 1) * np.abs(directions[:, 0]) * 2
        self.slack = np.repeat(1.0 + 1.5 * upward[None], len(tasks), 0)
        priors = [o.size_prior for o in outlines]
        self.log_size = np.array([p.log_size for p in priors])
        self.size_sigma = np.array([p.log_sigma for p in priors])
        self.round = np.array([p.round for p in priors])
        hulls = np.stack([HULL_BOX, HULL_ROUND])
        self.hull = hulls[self.round.astype(int)]
        # Round things often have a foot narrower than their widest part.
        downward = np.clip(directions[:, 1], 0, 1) * np.abs(directions[:, 0]) * 2
        self.slack = self.slack + np.where(self.round[:, None], 1.5 * downward[None], 0.0)
        self.base = np.array([t.base_height for t in tasks])
        self.base_sigma = np.array([t.base_sigma for t in tasks])
        self.near = np.array([t.near or (np.nan, np.nan) for t in tasks], float)
        self.near_sigma = np.array([t.near_sigma for t in tasks])

    def starts(self) -> np.ndarray:
        """(B, PARAMETERS) start of each task and turn."""
        camera, out = self.camera, np.zeros((len(self.owner), PARAMETERS))
        level = camera.level_axes
        for row, (owner, turn) in enumerate(zip(self.owner, self.turn0, strict=True)):
            outline = self.tasks[int(owner)].outline
            size = np.exp(self.log_size[owner])
            drop = camera.camera_height - self.base[owner]
            ray = level @ camera.rays(outline.foot)
            pixels = max(outline.box[3] - outline.box[1], 2.0)
            by_size = camera.focal_px * size[1] / pixels
            distance = by_size
            if self.base_sigma[owner] < 0.1 and outline.foot_seen:
                fall = -ray[1] / max(ray[2], 1e-6)
                if fall > 1e-3 and drop > 0:
                    distance = np.clip(drop / fall, 0.3 * by_size, 4 * by_size)
            distance += 0.25 * (size[0] + size[2])
            bearing = ray[0] / max(ray[2], 1e-6)
            if np.isfinite(self.near[owner, 0]):
                distance = max(self.near[owner, 1], 0.1)
                bearing = self.near[owner, 0] / distance
            out[row] = [bearing, np.log(distance), turn, *self.log_size[owner], self.base[owner]]
        return out

    def residuals(self, x: np.ndarray, owner: np.ndarray, turn0: np.ndarray) -> np.ndarray:
        """(B, R) weighted residuals of parameters x (B, PARAMETERS)."""
        camera = self.camera
        size = np.exp(np.clip(x[:, 3:6], -6, 4))
        local = self.hull[owner] * size[:, None]
        c, s = np.cos(x[:, 2])[:, None], np.sin(x[:, 2])[:, None]
        z = np.exp(np.clip(x[:, 1], -4, 5))
        right = (x[:, 0] * z)[:, None] + c * local[..., 0] - s * local[..., 2]
        ahead = z[:, None] + s * local[..., 0] + c * local[..., 2]
        up = (x[:, 6] - camera.camera_height)[:, None] + local[..., 1]
        points = np.stack([right, up, ahead], -1) @ camera.level_axes
        depth = np.maximum(points[..., 2], 0.08)
        pixels = camera.focal_px * points[..., :2] / depth[..., None]
        support = (pixels @ self.directions.T).max(1)
        gap = (support - self.observed[owner]) / self.sigma[owner]
        outside = gap > 0
        cut = self.cut[owner]
        gap = np.where(outside, gap * (1 - 0.95 * cut) / self.slack[owner], gap)
        gap = np.sign(gap) * np.minimum(np.abs(gap), 4 + 0.25 * np.abs(gap))
        prior = (x[:, 3:6] - self.log_size[owner]) / self.size_sigma[owner]
        room = 0.7 if self.yaw_known else 0.15
        turn = room * np.sin(2 * (x[:, 2] - camera.yaw_rad)) + 0.1 * np.sin(x[:, 2] - turn0)
        is_round = self.round[owner]
        equal = np.where(is_round, (x[:, 3] - x[:, 5]) / 0.1, 0.0)
        turn = np.where(is_round, x[:, 2] - camera.yaw_rad, turn)
        base = (x[:, 6] - self.base[owner]) / self.base_sigma[owner]
        near = self.near[owner]
        place = np.stack([x[:, 0] * z, z], -1)
        place = np.where(np.isfinite(near), (place - near) / self.near_sigma[owner][:, None], 0.0)
        return np.concatenate(
            [gap * np.sqrt(8 / DIRECTIONS), prior, turn[:, None], equal[:, None], base[:, None],
             place], 1,
        )  # fmt: skip

    def solve(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Levenberg-Marquardt with numerical Jacobians; returns x and the costs (B,)."""
        owner, turn0 = self.owner, self.turn0
        count = len(x)
        steps = np.array([1e-3, 1e-3, 2e-3, 1e-3, 1e-3, 1e-3, 1e-3])
        residual = self.residuals(x, owner, turn0)
        cost = 0.5 * (residual**2).sum(1)
        damping = np.full(count, 1e-2)
        many_owner, many_turn = np.repeat(owner, PARAMETERS), np.repeat(turn0, PARAMETERS)
        for _ in range(ITERATIONS):
            moved = (x[:, None] + np.diag(steps)[None]).reshape(-1, PARAMETERS)
            shifted = self.residuals(moved, many_owner, many_turn)
            jacobian = (shifted.reshape(count, PARAMETERS, -1) - residual[:, None]) / steps[:, None]
            normal = np.einsum("bpr,bqr->bpq", jacobian, jacobian)
            gradient = np.einsum("bpr,br->bp", jacobian, residual)
            diagonal = np.einsum("bpp->bp", normal)
            lift = damping[:, None] * (diagonal + 1e-3)
            system = normal + lift[:, :, None] * np.eye(PARAMETERS)
            step = -np.linalg.solve(system, gradient[..., None])[..., 0]
            step = np.clip(step, -0.5, 0.5)
            trial = x + step
            trial_residual = self.residuals(trial, owner, turn0)
            trial_cost = 0.5 * (trial_residual**2).sum(1)
            better = trial_cost < cost
            gain = np.where(better, cost - trial_cost, 0.0)
            x = np.where(better[:, None], trial, x)
            residual = np.where(better[:, None], trial_residual, residual)
            cost = np.where(better, trial_cost, cost)
            damping = np.clip(np.where(better, damping * 0.3, damping * 5), 1e-6, 1e6)
            if not (gain > 1e-3).any() and not (damping < 10).any():
                break
        return x, cost
