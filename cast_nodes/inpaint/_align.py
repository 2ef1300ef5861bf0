"""Where an editor has put the object: scale and shift that lay its answer over what was seen.

Editors redraw: the object comes back a little larger, smaller or to the side. The visible part
is known, and so is the ground beside it where the photo shows that the object is not; the
answer is laid so that both fit best.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .masks import blur

COARSE_SIDE, FINE_SIDE = 96, 256  # px at which the fit is searched and refined
MOST_SCALE = 1.6
MOST_SHIFT = 0.4  # share of the square's side
FREE_WEIGHT = 0.35  # ground beside the object, against the object's own pixels
CLIP = 60.0  # grey levels; larger differences are redrawn things, not misplaced ones
IN_PLACE = 1.2  # grey levels: an answer that differs by no more needs no search
GAIN = 0.85  # a fit must reach this share of the unmoved answer's error to be taken


@dataclass(frozen=True)
class Placed:
    """``p_square = scale * p_answer + (x, y)``, both squares of side 1.

    Attributes:
        error: mean clipped colour difference over what is known, grey levels.
    """

    scale: float
    x: float
    y: float
    error: float


def align(answer: np.ndarray, shown: np.ndarray, seen: np.ndarray, free: np.ndarray) -> Placed:
    """The similarity without rotation that lays the answer over what was shown.

    Args:
        answer: (n, n, 3) uint8, square.
        shown: (m, m, 3) uint8, square: what the editor was shown.
        seen: (m, m) float coverage 0..1, the object's visible pixels.
        free: (m, m) float 0..1, where the object is known not to be.
    """
    weight = np.clip(seen + FREE_WEIGHT * free * (1 - seen), 0, 1).astype(np.float32)
    ground = np.median(answer[:2].reshape(-1, 3), 0).astype(np.float32)
    unmoved = Placed(1.0, 0.0, 0.0, 0.0)
    fine = _Level(answer, shown, weight, ground, FINE_SIDE)
    still = fine.error(unmoved.scale, unmoved.x, unmoved.y)
    if still < IN_PLACE:
        return Placed(1.0, 0.0, 0.0, still)
    start = _searched(_Level(answer, shown, weight, ground, COARSE_SIDE))
    best = Placed(1.0, 0.0, 0.0, still)
    for guess in (unmoved, start):
        found = _refined(fine, guess)
        if found.error < GAIN * still and found.error < best.error:
            best = found
    return best


def moved(answer: np.ndarray, placed: Placed, size_px: int, ground: np.ndarray) -> np.ndarray:
    """(size_px, size_px, C) float32: the answer laid over the square; ground beyond it."""
    from PIL import Image

    x0, y0 = -placed.x / placed.scale, -placed.y / placed.scale
    side = 1 / placed.scale
    n = answer.shape[0]
    pad = int(np.ceil(n * max(0.0, -x0, -y0, x0 + side - 1, y0 + side - 1))) + 2
    box = tuple(v * n + pad for v in (x0, y0, x0 + side, y0 + side))
    shrinks = side * n > size_px
    mode = Image.Resampling.BOX if side * n > 2 * size_px else Image.Resampling.BICUBIC
    mode = mode if shrinks else Image.Resampling.BICUBIC
    planes = []
    for c in range(answer.shape[2]):
        plane = np.full((n + 2 * pad, n + 2 * pad), float(ground[c]), np.float32)
        plane[pad : pad + n, pad : pad + n] = answer[..., c]
        planes.append(np.asarray(Image.fromarray(plane).resize((size_px, size_px), mode, box)))
    return np.dstack(planes)


class _Level:
    """The two pictures at one resolution."""

    def __init__(
        self,
        answer: np.ndarray,
        shown: np.ndarray,
        weight: np.ndarray,
        ground: np.ndarray,
        side: int,
    ) -> None:
        self.side = side
        self.ground = ground
        # Reduced once: every trial would else go through all of its pixels.
        self.answer = _sized(answer, 2 * side) if answer.shape[0] > 2 * side else answer
        self.shown = blur(_sized(shown, side), 0.7)
        self.weight = _sized(weight[..., None], side)[..., 0]
        self.total = max(float(self.weight.sum()), 1e-6)

    def picture(self, scale: float, x: float, y: float) -> np.ndarray:
        return blur(moved(self.answer, Placed(scale, x, y, 0), self.side, self.ground), 0.7)

    def error(self, scale: float, x: float, y: float) -> float:
        away = np.abs(self.picture(scale, x, y) - self.shown).max(-1)
        return float((np.minimum(away, CLIP) * self.weight).sum() / self.total)


def _sized(image: np.ndarray, side: int) -> np.ndarray:
    whole = Placed(1.0, 0.0, 0.0, 0.0)
    return moved(image, whole, side, np.zeros(image.shape[2]))


def _searched(level: _Level) -> Placed:
    """The best of all shifts at each of a row of scales (squared differences by FFT)."""
    n = level.side
    size = 2 * n
    weight = np.fft.rfft2(level.weight, (size, size))
    shown = level.shown - level.ground
    template = [np.fft.rfft2(level.weight * shown[..., c], (size, size)) for c in range(3)]
    reach = int(MOST_SHIFT * n)
    best, least = Placed(1.0, 0.0, 0.0, np.inf), np.inf
    for scale in np.geomspace(1 / MOST_SCALE, MOST_SCALE, 25):
        # About the middle, so that shifts stay small.
        middle = (1 - scale) / 2
        picture = level.picture(scale, middle, middle) - level.ground
        square = np.fft.rfft2((picture**2).sum(-1), (size, size))
        cross = sum(
            np.fft.rfft2(picture[..., c], (size, size)) * np.conj(template[c]) for c in range(3)
        )
        # cost(d) = sum w(p) |picture(p + d) - shown(p)|^2, less a constant
        cost = np.fft.irfft2(square * np.conj(weight) - 2 * cross, (size, size))
        rolled = np.roll(cost, (reach, reach), (0, 1))[: 2 * reach + 1, : 2 * reach + 1]
        row, column = np.unravel_index(int(rolled.argmin()), rolled.shape)
        if rolled[row, column] < least:
            least = float(rolled[row, column])
            x, y = (reach - column) / n, (reach - row) / n
            best = Placed(float(scale), middle + x, middle + y, least)
    return best


def _refined(level: _Level, start: Placed) -> Placed:
    """Gauss-Newton on scale and shift, with weights that fall for redrawn pixels."""
    n = level.side
    scale, x, y = start.scale, start.x, start.y
    error = level.error(scale, x, y)
    grid = (np.arange(n) + 0.5) / n
    for _ in range(30):
        picture = level.picture(scale, x, y)
        away = picture - level.shown
        robust = level.weight / (1 + (np.abs(away).max(-1) / 25.0) ** 2)
        down, across = (np.gradient(picture, axis=a) * n for a in (0, 1))
        # The picture's content at p comes from (p - t) / s: dp/ds = -(p - t) / s, dp/dt = -1.
        u, v = (grid[None, :, None] - x) / scale, (grid[:, None, None] - y) / scale
        columns = (-(across * u + down * v), -across, -down)
        weight = np.repeat(robust[..., None], 3, -1)
        normal = np.array([[float((a * b * weight).sum()) for b in columns] for a in columns])
        right = np.array([float((a * away * weight).sum()) for a in columns])
        normal += np.diag(np.diag(normal)) * 1e-3 + np.eye(3) * 1e-6
        step = -np.linalg.solve(normal, right)
        step *= min(1.0, 0.05 / max(float(np.abs(step).max()), 1e-9))
        while np.abs(step).max() > 1e-5:
            trial = scale + step[0], x + step[1], y + step[2]
            if 1 / MOST_SCALE / 1.05 < trial[0] < MOST_SCALE * 1.05:
                value = level.error(*trial)
                if value < error:
                    (scale, x, y), error = trial, value
                    break
            step = step / 2
        else:
            break
    return Placed(float(scale), float(x), float(y), error)
