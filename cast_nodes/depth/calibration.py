"""Focal length, attitude, height and room direction of the camera, maximum a posteriori.

Evidence: straight segments point at the vertical or at one of two horizontal vanishing points
(inlier mixture as in Coughlan & Yuille, "Manhattan World", 1999), and things of known class
have their usual heights where they stand (Hoiem et al., "Putting Objects in Perspective",
2006). Priors say how rooms are usually photographed; of several sets (:data:`HABITS`) the one
with the largest posterior wins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from .camera import RoomCamera, up_direction
from .outlines import Outline
from .segments import Segments


@dataclass(frozen=True)
class Habit:
    """A way in which pictures are taken: Gaussian priors (mean, standard deviation).

    Attributes:
        share: how usual it is.
        fov_deg: angle of view over the longer side.
        pitch_deg: downwards.
        height_m, height_log: camera's height above what carries the things; std of its log.
        distance_log: std of the log of things' distances.
        distance_heights: usual distance of things in camera heights.
        table_top: the things stand on a table, small ones directly on the ground plane.
    """

    name: str
    share: float
    fov_deg: tuple[float, float]
    pitch_deg: tuple[float, float]
    height_m: float
    height_log: float
    distance_log: float = 0.5
    distance_heights: float = 2.0
    table_top: bool = False


HABITS = (
    Habit("standing", 0.67, (55, 8), (12, 9), 1.5, 0.22),
    Habit("low", 0.23, (50, 9), (3, 3.5), 0.95, 0.28, 0.5, 3.2),
    Habit("table top", 0.10, (45, 9), (20, 12), 0.35, 0.5, 0.5, 1.8, True),
)

ROLL_DEG = 0.8
FOV_RANGE_DEG = (25.0, 95.0)
PITCH_RANGE_DEG = (-12.0, 55.0)
SEGMENT_TRUST = 0.6
"""Segments are not independent; their log likelihood counts this much."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """The most probable camera and how it was found.

    Attributes:
        camera: of the working picture.
        habit: which set of priors fitted.
        support: weighted number of segments that agree with the room's directions.
        yaw_known: the segments tell the room's horizontal directions.
        scored: number of things whose class size was used.
    """

    camera: RoomCamera
    habit: Habit
    support: float
    yaw_known: bool
    scored: int
    log_posterior: float


def calibrate(
    width: int,
    height: int,
    segments: Segments,
    outlines: Sequence[Outline] = (),
    focal_px: float | None = None,
    habits: Sequence[Habit] = HABITS,
) -> Calibration:
    """The most probable camera.

    Args:
        focal_px: known focal length of this picture; then it is kept.
    """
    problem = _Problem(width, height, segments, outlines, focal_px)
    best: tuple[float, np.ndarray, Habit] | None = None
    for habit in habits:
        starts = problem.grid(habit)
        for start in starts:
            result = optimize.minimize(
                problem.cost, start, args=(habit,), method="Nelder-Mead",
                options={
                    "initial_simplex": problem.simplex(start), "maxfev": 170,
                    "xatol": 1e-3, "fatol": 1e-2,
                },
            )  # fmt: skip
            if best is None or result.fun < best[0]:
                best = (float(result.fun), result.x, habit)
    assert best is not None
    cost, x, habit = best
    camera = problem.camera(x)
    weight, yaw_weight = problem.agreement(x)
    return Calibration(camera, habit, weight, yaw_weight > 2.0, problem.scored, -cost)


def segment_axes(segments: Segments, camera: RoomCamera) -> np.ndarray:
    """(n,) the room axis each segment follows: 0 and 2 horizontal, 1 vertical, -1 none."""
    if not len(segments):
        return np.zeros(0, int)
    problem = _Problem(camera.width, camera.height, segments, (), camera.focal_px)
    x = np.array([0.0, camera.pitch_rad, camera.roll_rad, camera.yaw_rad, 0.0])
    angle, trust = problem.residuals(x)
    angle = np.where(trust > 0.15, angle, np.inf)
    best = angle.argmin(0)
    axis = np.array([1, 0, 2])[best]
    return np.where(angle.min(0) < 2.5 * problem.sigma, axis, -1)


class _Problem:
    """The posterior over x = (log focal/size, pitch, roll, yaw, log height), radians."""

    def __init__(
        self,
        width: int,
        height: int,
        segments: Segments,
        outlines: Sequence[Outline],
        focal_px: float | None,
    ) -> None:
        self.width, self.height = width, height
        self.size = max(width, height)
        self.focal_px = focal_px
        centre = np.array([width / 2, height / 2])
        self.middle = segments.middle - centre
        self.direction = segments.direction
        self.sigma = np.radians(0.8) + 1.0 / np.maximum(segments.length, 1.0)
        longish = np.sqrt(segments.length / (0.1 * self.size))
        self.weight = SEGMENT_TRUST * segments.weight * np.clip(longish, 0.4, 2.5)
        # More lines than this tell nothing new about the camera.
        total = self.weight.sum()
        if total > 60:
            self.weight = self.weight * (60 / total)
        self._take_things(outlines, centre)

    def _take_things(self, outlines: Sequence[Outline], centre: np.ndarray) -> None:
        floor = [
            o for o in outlines
            if o.foot_seen and o.size_prior.rest in ("floor", "any", "surface")
            and not (o.size_prior.known and o.below and max(o.below.values()) > 0.5 and -1 not in o.below)
        ]  # fmt: skip
        self.foot = np.array([o.foot - centre for o in floor]).reshape(-1, 2)
        tall = [o.top_seen and o.size_prior.known for o in floor]
        self.tall = np.array(tall, bool)
        self.top_y = np.array([o.box[1] - centre[1] for o in floor])
        sizes = np.array([o.size_prior.size_m for o in floor]).reshape(-1, 3)
        self.class_height = sizes[:, 1]
        self.radius = 0.2 * (sizes[:, 0] + sizes[:, 2])
        self.class_sigma = np.array(
            [np.hypot(o.size_prior.log_sigma[1], 0.12) for o in floor]
        )  # fmt: skip
        self.seldom = np.array([o.size_prior.rest != "floor" for o in floor], bool)
        self.scored = int(self.tall.sum())
        # What things there are tells rooms from table tops (log odds per thing, capped).
        known = [o.size_prior for o in outlines if o.size_prior.known]
        small = sum(p.rest == "surface" for p in known)
        large = sum(p.rest == "floor" for p in known)
        self.table_odds = float(np.clip(0.9 * small - 2.5 * large, -8.0, 4.0))

    def focal(self, x: np.ndarray) -> float:
        return self.focal_px if self.focal_px else float(self.size * np.exp(x[0]))

    def camera(self, x: np.ndarray) -> RoomCamera:
        yaw = (x[3] + np.pi / 4) % (np.pi / 2) - np.pi / 4
        return RoomCamera(
            self.width, self.height, self.focal(x), float(x[1]), float(x[2]), float(yaw),
            float(np.exp(x[4])),
        )  # fmt: skip

    def prior(self, x: np.ndarray, habit: Habit) -> float:
        """Log density of the habit, in the same coordinates for all habits."""
        fov = np.degrees(2 * np.arctan(0.5 * self.size / self.focal(x)))
        pitch, roll = np.degrees(x[1]), np.degrees(x[2])
        total = np.log(habit.share) + (self.table_odds if habit.table_top else 0.0)
        if not self.focal_px:
            total += _gauss(fov, *habit.fov_deg)
        total += _gauss(pitch, *habit.pitch_deg) + _gauss(roll, 0.0, ROLL_DEG)
        total += _gauss(x[4], np.log(habit.height_m), habit.height_log)
        # Many photos face a wall squarely; the others know no preferred turn.
        turn = np.degrees(_turn(x[3]))
        total += np.log(0.6 / 90 + 0.4 * np.exp(_gauss(turn, 0.0, 4.0)))
        for value, (low, high) in ((fov, FOV_RANGE_DEG), (pitch, PITCH_RANGE_DEG)):
            total -= 4.0 * (max(0.0, low - value) + max(0.0, value - high)) ** 2
        return total

    def cost(self, x: np.ndarray, habit: Habit) -> float:
        """Minus the log posterior."""
        if abs(x[1]) > 1.4 or abs(x[2]) > 0.6 or abs(x[4]) > 4 or abs(x[0]) > 3:
            return 1e6
        score = self.prior(x, habit) + self.things(x, habit)
        if len(self.weight):
            score += float(self.segment_likelihood(x) @ self.weight)
        return -score

    def residuals(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(3, n) angles between segments and the vanishing directions, and their trust (3, n).

        Rows: vertical, first and second horizontal axis.
        """
        camera = self.camera(x)
        axes = camera.room_axes[[1, 0, 2]]
        f = camera.focal_px
        toward = f * axes[:, None, :2] - self.middle[None] * axes[:, None, 2:]
        length = np.maximum(np.linalg.norm(toward, axis=-1), 1e-9)
        d = self.direction
        sine = np.abs(d[None, :, 0] * toward[..., 1] - d[None, :, 1] * toward[..., 0]) / length
        angle = np.arcsin(np.clip(sine, 0, 1))
        # A segment near the horizon points at a horizontal vanishing point whatever the yaw.
        up = camera.up
        horizon = np.abs(self.middle @ up[:2] + f * up[2]) / max(np.hypot(*up[:2]), 1e-6)
        trust = np.ones_like(angle)
        trust[1:] = np.minimum(1.0, horizon / (0.12 * f))
        return angle, trust

    def segment_likelihood(self, x: np.ndarray) -> np.ndarray:
        """(n,) log density of each segment's angle under the mixture."""
        angle, trust = self.residuals(x)
        inlier = np.exp(-0.5 * (angle / self.sigma) ** 2) / (self.sigma * np.sqrt(2 * np.pi))
        share = np.array([0.25, 0.2, 0.2])[:, None] * trust
        rest = 1.0 - share.sum(0)
        # What an untrusted segment loses as an inlier it gets back as uniform background.
        return np.log((share * inlier).sum(0) + rest / np.pi) + np.log(np.pi)

    def agreement(self, x: np.ndarray) -> tuple[float, float]:
        """Weighted number of inlier segments: of all directions, and of the horizontal ones."""
        if not len(self.weight):
            return 0.0, 0.0
        angle, trust = self.residuals(x)
        inlier = (angle < 2.5 * self.sigma) * trust * self.weight
        return float(inlier.max(0).sum()), float(inlier[1:].max(0).sum())

    def things(self, x: np.ndarray, habit: Habit) -> float:
        """Log likelihood of where the things touch the floor and of how high they are."""
        if not len(self.foot):
            return 0.0
        f, height = self.focal(x), float(np.exp(x[4]))
        up = up_direction(np.asarray(x[1]), np.asarray(x[2]))
        rays = np.concatenate([self.foot / f, np.ones((len(self.foot), 1))], 1)
        fall = -(rays @ up)
        seen = fall > 1e-3
        depth = height / np.where(seen, fall, 1.0)
        near = rays * depth[:, None]
        flat = near + height * up  # relative to the point below the camera
        distance = np.maximum(np.linalg.norm(flat, axis=1), 1e-6)
        away = flat / distance[:, None]
        score = np.where(
            seen,
            np.logaddexp(
                np.log(0.9) + _gauss(
                    np.log(distance / (habit.distance_heights * height)), 0, habit.distance_log
                ),
                np.log(0.1) - 3.0,
            ),
            np.log(0.1) - 5.0,
        )  # fmt: skip
        scale = 2.0 / max(2.0, len(self.foot))  # distances of neighbours are not independent
        total = float(score.sum()) * scale
        if self.tall.any():
            class_height = self.class_height
            far = np.where(class_height < height, 2.0, 0.0) * self.radius
            top = near + far[:, None] * away + class_height[:, None] * up
            z = np.maximum(top[:, 2], 0.05 * np.maximum(depth, 1e-6))
            expected = self.foot[:, 1] - f * top[:, 1] / z
            observed = self.foot[:, 1] - self.top_y
            ratio = np.log(np.maximum(observed, 1.0) / np.maximum(expected, 1e-3))
            # Small things mostly stand on others: then they say nothing here.
            good = np.where(self.seldom & (not habit.table_top), 0.15, 0.9)
            like = np.logaddexp(
                np.log(good) + _gauss(ratio, 0, self.class_sigma), np.log(1 - good) - 1.8
            )
            total += float(np.where(seen, like, -6.0)[self.tall].sum())
        return total

    def grid(self, habit: Habit, keep: int = 3) -> list[np.ndarray]:
        """Good and different starts of the search."""
        fov_mean, fov_sd = habit.fov_deg
        fovs = [fov_mean + k * fov_sd for k in (-1.2, 0, 1.2)]
        pitches = np.linspace(-1.6, 2.0, 7) * habit.pitch_deg[1] + habit.pitch_deg[0]
        yaws = np.arange(-42, 45, 6.0)
        heights = [np.log(habit.height_m) + k * habit.height_log for k in (-0.8, 0.4)]
        if self.focal_px:
            fovs = fovs[:1]
        found = []
        for fov in fovs:
            focal = 0.5 / np.tan(np.radians(fov) / 2)
            for pitch in pitches:
                x = np.array([np.log(focal), np.radians(pitch), 0.0, 0.0, heights[0]])
                base = max(
                    self.prior(y, habit) + self.things(y, habit)
                    for y in (x, np.append(x[:4], heights[1]))
                )
                scores = self._over_yaw(x, np.radians(yaws))
                for yaw, score in zip(yaws, scores, strict=True):
                    found.append((base + score, np.append(x[:3], [np.radians(yaw), heights[0]])))
        found.sort(key=lambda item: -item[0])
        chosen: list[np.ndarray] = []
        for _, x in found:
            apart = [
                abs(x[0] - c[0]) / 0.15 + abs(x[1] - c[1]) / 0.12 + abs(_turn(x[3] - c[3])) / 0.2
                for c in chosen
            ]
            if all(a > 1.0 for a in apart):
                chosen.append(x)
            if len(chosen) == keep:
                break
        return chosen

    def _over_yaw(self, x: np.ndarray, yaws: np.ndarray) -> list[float]:
        if not len(self.weight):
            return [0.0] * len(yaws)
        return [
            float(self.segment_likelihood(np.array([x[0], x[1], x[2], yaw, x[4]])) @ self.weight)
            for yaw in yaws
        ]

    def simplex(self, x: np.ndarray) -> np.ndarray:
        """(6, 5) start simplex."""
        steps = np.array([0.08, np.radians(3), np.radians(0.7), np.radians(3), 0.1])
        return np.concatenate([x[None], x[None] + np.diag(steps)])


def _turn(angle: float) -> float:
    """A yaw difference, modulo a right angle."""
    return (angle + np.pi / 4) % (np.pi / 2) - np.pi / 4


def _gauss(value, mean, sd):
    """Log density of a normal distribution."""
    return -0.5 * ((value - mean) / sd) ** 2 - np.log(sd) - 0.919
