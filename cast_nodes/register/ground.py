"""Gravity and floor out of the point map: found when nobody gave them, made better when they are off.

A plane is written ``a . p = 1`` with ``a = -n / d``, so that ``a . p - 1`` is the relative depth
error along the pixel's own ray. That is the error point maps have, it is linear in ``a``, and a
floor seen at a grazing angle is judged as fairly as the strip before one's feet.

All work is on a grid of at most :data:`SAMPLES` pixels, so it costs the same at 12 megapixels.
Planes are fitted to the points alone; masks only have a say in which plane is the floor. So a
change of one mask does not move the floor by a hair and with it the problems of all other objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..frames import CAMERA_UP
from ..types import Geometry, SceneObject

SAMPLES = 12_000
"""At most so many pixels are looked at."""
TRIALS = 600
JUDGES = 1500
"""Points that vote on each trial."""
TOLERANCE = 0.04
"""Relative depth error up to which a pixel lies on a plane: networks bend rooms by 2 to 3 %."""
PITCH_RAD = (np.radians(-10.0), np.radians(60.0))
"""How far people hold cameras up or down …"""
ROLL_RAD = np.radians(20.0)
"""… and askew."""
BENEATH = 0.12
"""A pixel is seen through a plane when it is farther than it by this share."""
LEAST_SUPPORT = 0.035
"""A floor covers at least this share of the picture …"""
LEAST_LOW = 0.3
"""… and this share of what is no object in the lower third of the picture, …"""
MOST_BENEATH = 0.08
"""… and no more than this share of the picture lies beneath it."""
LEAST_WALL = 0.08
"""A wall covers at least this share of the picture."""
CANDIDATES = 5
"""So many different planes are considered."""
LEVEL_ROLL_RAD = np.radians(3.0)
"""How askew people hold cameras, one standard deviation."""
TILT_RAD = np.radians(1.0)
"""How far a given floor may be off, one standard deviation: its normal …"""
HEIGHT = 0.015
"""… and its distance, as a share."""
MOST_TILT_RAD, MOST_HEIGHT = np.radians(4.0), 0.08
"""A refit that goes farther than this from the given plane has found something else."""
BLOCKS = 10
"""Blocks along the picture's longer side, in which a point map's errors are alike; …"""
ALIKE = 3.0
"""… those of neighbours are, too, so each block counts as if it erred this much more. (Measured on
composed rooms: from 1 to 3 the fitted floor gets better, from 3 to 5 it stays.)"""


@dataclass(frozen=True, eq=False)
class Ground:
    """What is known of gravity and floor.

    Attributes:
        up: (3,) unit, camera frame, or None.
        floor: (4,) plane n.p + d = 0, n unit and up, d > 0; or None.
        walls: (N, 4) planes found on the way, n unit and towards the camera.
        source: "given", "refitted" (given, then fitted to the points), "floor" (found),
            "walls" (gravity alone, from two walls) or "none".
        confidence: 0..1, how convincing; 1 for what was given.
    """

    up: np.ndarray | None
    floor: np.ndarray | None
    walls: np.ndarray
    source: str
    confidence: float


def find_ground(geometry: Geometry, objects: Sequence[SceneObject]) -> Ground:
    """Gravity and floor: as given, refitted where the points say so, or found in the points.

    Args:
        objects: all objects of the photo, dropped ones too; their pixels are no floor.

    A plane is only believed when it is large, low in the picture, nearly nothing lies beneath
    it, and a camera held as people hold cameras would see it as a floor. What is given with
    ``geometry.approximate`` stays as it is: its points were made from its floor.
    """
    return ground_of(geometry, Samples.of(geometry, objects))


def ground_of(geometry: Geometry, samples: Samples) -> Ground:
    """As :func:`find_ground`, from the samples of geometry and objects."""
    up, floor = unit_vector(geometry.up), unit_plane(geometry.floor)
    no_walls = np.zeros((0, 4))
    if up is None and floor is not None:
        up = floor[:3]
    if geometry.approximate and up is not None:
        return Ground(up, floor, no_walls, "given", 1.0)
    if floor is not None:
        assert up is not None
        fitted = refitted(samples, floor)
        if fitted is None:
            return Ground(up, floor, no_walls, "given", 1.0)
        # Gravity that was one with the floor's normal stays so; a slope stays a slope.
        level = float(up @ floor[:3]) > np.cos(np.radians(0.5))
        walls = find_walls(samples, fitted)
        return Ground(fitted[:3] if level else up, fitted, walls, "refitted", 1.0)
    found = _find_floor(samples, up)
    walls = find_walls(samples, None if found is None else found[0])
    if found is not None:
        plane, sure = found
        return Ground(plane[:3] if up is None else up, plane, walls, "floor", sure)
    if up is not None:
        return Ground(up, None, walls, "given", 1.0)
    up = _from_walls(walls)
    return Ground(up, None, walls, "none" if up is None else "walls", 0.0 if up is None else 0.6)


# --- samples ---------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Samples:
    """The valid pixels of a coarse grid.

    Attributes:
        points: (n, 3) float64 camera frame, divided by ``unit``.
        pixels: (n, 2) float64, (x, y) over the picture's longer side.
        at: (n, 2) int64, row and column in the photo.
        side: px, the picture's longer side.
        free: (n,) bool, away from all objects.
        low: (n,) bool, in the lower third of the picture.
        total: pixels of the grid, invalid ones included.
        unit: median depth, camera units.
    """

    points: np.ndarray
    pixels: np.ndarray
    at: np.ndarray
    side: int
    free: np.ndarray
    low: np.ndarray
    total: int
    unit: float

    @staticmethod
    def of(geometry: Geometry, objects: Sequence[SceneObject]) -> Samples:
        """Looks at every k-th row and column."""
        height, width = geometry.points.shape[:2]
        step = max(1, int(np.ceil(np.sqrt(height * width / SAMPLES))))
        grid = np.s_[step // 2 :: step, step // 2 :: step]
        points = geometry.points[grid].astype(np.float64)
        taken = np.zeros(points.shape[:2], bool)
        for item in objects:
            if item.mask is not None and item.mask.shape == (height, width):
                taken |= item.mask[grid]
        # Masks end a little early and depth bleeds.
        taken = np.asarray(ndimage.binary_dilation(taken, iterations=1 if step > 1 else 3), bool)
        with np.errstate(invalid="ignore"):
            valid = np.isfinite(points).all(-1) & (points[..., 2] > 0)
        rows, columns = np.nonzero(valid)
        kept = points[valid]
        unit = float(np.median(kept[:, 2])) if len(kept) else 1.0
        at = np.stack([rows, columns], 1) * step + step // 2
        return Samples(
            points=kept / unit,
            pixels=(at[:, ::-1] + 0.5) / max(height, width),
            at=at,
            side=max(height, width),
            free=~taken[valid],
            low=rows >= points.shape[0] * 2 / 3,
            total=taken.size,
            unit=unit,
        )

    def blocks(self, chosen: np.ndarray) -> np.ndarray:
        """(n,) int, block of each chosen sample, numbered from 0 without gaps."""
        cell = np.floor(self.pixels[chosen] * BLOCKS).astype(int)
        return np.unique(cell[:, 1] * (BLOCKS + 1) + cell[:, 0], return_inverse=True)[1].ravel()


def unit_plane(plane: np.ndarray | None) -> np.ndarray | None:
    """(4,) with a unit normal, or None when it is no plane."""
    if plane is None or not np.isfinite(plane).all():
        return None
    plane = np.asarray(plane, np.float64)
    length = np.linalg.norm(plane[:3])
    return plane / length if length > 1e-9 else None


def unit_vector(vector: np.ndarray | None) -> np.ndarray | None:
    """(3,) unit, or None."""
    if vector is None:
        return None
    vector = np.asarray(vector, np.float64)
    length = np.linalg.norm(vector)
    return vector / length if np.isfinite(length) and length > 1e-9 else None


def _plane_of(form: np.ndarray, unit: float) -> np.ndarray:
    """(4,) plane in camera units from ``a`` (3,) in samples' units; n faces the camera."""
    length = np.linalg.norm(form)
    return np.append(-form / length, unit / length)


# --- a given floor ---------------------------------------------------------------------------


def refitted(samples: Samples, floor: np.ndarray) -> np.ndarray | None:
    """(4,) the given floor moved to where the points say, or None where they do not say.

    The given plane is a measurement with the errors :data:`TILT_RAD` and :data:`HEIGHT`, so
    little floor in view moves it little.
    """
    if not len(samples.points) or floor[3] <= 0:
        return None
    height = floor[3] / samples.unit
    start = -floor[:3] / height
    sides = np.linalg.svd(floor[None, :3])[2][1:]
    prior = np.concatenate([sides * height / TILT_RAD, floor[None, :3] * height / HEIGHT])
    # What a tilt of two deviations can do grows with the distance.
    distance = np.linalg.norm(samples.points, axis=1)
    reach = TOLERANCE + 2 * HEIGHT + 2 * TILT_RAD * distance / height
    near = np.abs(samples.points @ start - 1) < np.minimum(reach, 0.5)
    form = _fitted(samples, np.flatnonzero(near), start, prior)
    if form is None:
        return None
    if (np.abs(samples.points @ form - 1) < TOLERANCE).sum() < LEAST_SUPPORT * samples.total:
        return None
    plane = _plane_of(form, samples.unit)
    turn = np.arccos(np.clip(plane[:3] @ floor[:3], -1, 1))
    if turn > MOST_TILT_RAD or abs(np.log(plane[3] / floor[3])) > MOST_HEIGHT:
        return None
    return plane


def _fitted(
    samples: Samples, chosen: np.ndarray, start: np.ndarray, prior: np.ndarray
) -> np.ndarray | None:
    """The plane ``a`` (3,) that fits blocks of pixels best, None when there are too few.

    Maximum a posteriori with Tukey's biweight on pixels. Each block is one measurement, whose
    error is how much the blocks disagree; ``prior`` (k, 3) are rows that expect
    ``prior @ a == prior @ start`` within 1.
    """
    p = samples.points[chosen]
    if not len(p):
        return None
    block = samples.blocks(chosen)
    form, scale = start, 2 * TOLERANCE
    for _ in range(8):
        error = p @ form - 1
        weight = (1 - np.minimum(np.abs(error) / scale, 1) ** 2) ** 2
        total = np.bincount(block, weight)
        full = total > 3
        if full.sum() < 4:
            return None
        mean = np.stack([np.bincount(block, weight * c) for c in p.T], 1)[full] / total[full, None]
        spread = 1.4826 * float(np.median(np.abs(mean @ form - 1)))
        spread = ALIKE * max(0.003, spread)
        rows = np.concatenate([mean / spread, prior])
        target = np.concatenate([np.full(len(mean), 1 / spread), prior @ start])
        form = np.linalg.lstsq(rows, target, rcond=None)[0]
        inner = np.abs(error)[weight > 0]
        scale = float(np.clip(3 * 1.4826 * np.median(inner), 0.012, 2 * TOLERANCE))
    return form if np.isfinite(form).all() and np.linalg.norm(form) > 1e-9 else None


# --- a floor nobody gave ---------------------------------------------------------------------


def _find_floor(samples: Samples, up: np.ndarray | None) -> tuple[np.ndarray, float] | None:
    """The floor (4,) and its confidence, or None."""
    best: tuple[np.ndarray, float] | None = None
    highest = -np.inf
    for form in _candidates(samples, np.arange(len(samples.points)), up):
        error = samples.points @ form - 1
        on = np.abs(error) < TOLERANCE
        support = float((on & samples.free).sum() / samples.total)
        beneath = float((error > BENEATH).mean())
        low = samples.free & samples.low
        low_share = float(on[low].mean()) if low.any() else support
        if support < LEAST_SUPPORT or beneath > MOST_BENEATH or low_share < LEAST_LOW:
            continue
        if support - 2 * beneath > highest:
            highest = support - 2 * beneath
            sure = min(1.0, support / 0.15) * (1 - beneath / MOST_BENEATH)
            best = form, float(sure * min(1.0, low_share / 0.8))
    if best is None:
        return None
    form, sure = best
    # Askew is unlikely; how far the camera looks down and its height are free.
    side = np.array([[1.0, 0.0, 0.0]]) / (np.linalg.norm(form) * LEVEL_ROLL_RAD)
    level = form * [0.0, 1.0, 1.0]
    near = np.flatnonzero(np.abs(samples.points @ form - 1) < 2 * TOLERANCE)
    fitted = _fitted(samples, near, level, side) if up is None else None
    if fitted is not None and _level(-_directions(fitted[None]), up)[0]:
        form = fitted
    return _plane_of(form, samples.unit), sure


def _candidates(samples: Samples, chosen: np.ndarray, up: np.ndarray | None) -> list[np.ndarray]:
    """Different well-supported planes ``a``, best first, by the points alone."""
    rng = np.random.default_rng(0)
    if len(chosen) < 50:
        return []
    points = samples.points[chosen]
    forms = _trials(points, rng)
    forms = forms[_level(-_directions(forms), up)]
    if not len(forms):
        return []
    judges = points[rng.permutation(len(points))[:JUDGES]]
    relative = judges @ forms.T - 1
    score = np.maximum(1 - (relative / TOLERANCE) ** 2, 0).mean(0) - 2 * (relative > BENEATH).mean(
        0
    )
    found: list[np.ndarray] = []
    for index in np.argsort(-score, kind="stable")[: 6 * CANDIDATES]:
        if any(_same(forms[index], other, 2.0) for other in found):
            continue
        form = _polished(points, forms[index])
        if form is None or not _level(-_directions(form[None]), up)[0]:
            continue
        if not any(_same(form, other, 1.0) for other in found):
            found.append(form)
        if len(found) >= CANDIDATES:
            break
    return found


def _same(a: np.ndarray, b: np.ndarray, reach: float) -> bool:
    """Whether two planes differ by less than about ``reach`` times 2 degrees and 4 %."""
    cosine = float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))
    ratio = abs(np.log(np.linalg.norm(a) / np.linalg.norm(b)))
    return cosine > np.cos(np.radians(2.0 * reach)) and bool(ratio < 0.04 * reach)


def _trials(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(m, 3) planes ``a`` through random triples (RANSAC, Fischler and Bolles 1981)."""
    triple = points[rng.integers(0, len(points), (TRIALS, 3))]
    good = np.abs(np.linalg.det(triple)) > 1e-6
    if not good.any():
        return np.zeros((0, 3))
    return np.linalg.solve(triple[good], np.ones((int(good.sum()), 3, 1)))[..., 0]


def _directions(forms: np.ndarray) -> np.ndarray:
    """(m, 3) unit."""
    return forms / np.maximum(np.linalg.norm(forms, axis=1, keepdims=True), 1e-12)


def _level(normals: np.ndarray, up: np.ndarray | None) -> np.ndarray:
    """(m,) bool, whether (m, 3) normals can be a floor's."""
    if up is not None:
        return normals @ up > np.cos(np.radians(10.0))
    pitch = np.arcsin(np.clip(-normals[:, 2], -1, 1))
    roll = np.arctan2(normals[:, 0], -normals[:, 1])
    return (pitch > PITCH_RAD[0]) & (pitch < PITCH_RAD[1]) & (np.abs(roll) < ROLL_RAD)


def _polished(points: np.ndarray, form: np.ndarray) -> np.ndarray | None:
    """The plane by iteratively reweighted least squares (Tukey's biweight), None when it is lost."""
    scale = 2 * TOLERANCE
    for _ in range(10):
        error = points @ form - 1
        near = np.abs(error) < scale
        if near.sum() < 12:
            return None
        p = points[near]
        weight = (1 - (error[near] / scale) ** 2) ** 2
        matrix = (p * weight[:, None]).T @ p
        try:
            form = np.linalg.solve(matrix + 1e-12 * np.trace(matrix) * np.eye(3), weight @ p)
        except np.linalg.LinAlgError:
            return None
        scale = float(np.clip(4 * 1.4826 * np.median(np.abs(error[near])), 0.015, 2 * TOLERANCE))
    return form if np.isfinite(form).all() and np.linalg.norm(form) > 1e-9 else None


# --- walls -----------------------------------------------------------------------------------


def find_walls(samples: Samples, floor: np.ndarray | None) -> np.ndarray:
    """(N, 4) at most three large planes that are no floor, largest first, n towards the camera."""
    rng = np.random.default_rng(0)
    left = np.arange(len(samples.points))
    if floor is not None:
        form = -floor[:3] * samples.unit / floor[3]
        left = left[np.abs(samples.points @ form - 1) > 2 * TOLERANCE]
    found: list[np.ndarray] = []
    for _ in range(3):
        if len(left) < max(50, LEAST_WALL * samples.total):
            break
        points = samples.points[left]
        forms = _trials(points, rng)
        forms = forms[np.abs(_directions(forms) @ CAMERA_UP) < np.sin(np.radians(50.0))]
        if not len(forms):
            break
        judges = points[rng.permutation(len(points))[:JUDGES]]
        on = np.maximum(1 - ((judges @ forms.T - 1) / TOLERANCE) ** 2, 0).mean(0)
        form = _polished(points, forms[on.argmax()])
        if form is None:
            break
        mine = np.abs(points @ form - 1) < TOLERANCE
        if (mine & samples.free[left]).sum() < LEAST_WALL * samples.total:
            break
        found.append(_plane_of(form, samples.unit))
        left = left[np.abs(points @ form - 1) > 2 * TOLERANCE]
    return np.array(found).reshape(-1, 4)


def _from_walls(walls: np.ndarray) -> np.ndarray | None:
    """(3,) up, from two walls that meet at an angle: it runs along both. None without such.

    One wall alone leaves a direction open, and a frontal one may as well be a table top seen
    from above, so it tells nothing.
    """
    for i in range(len(walls)):
        for j in range(i + 1, len(walls)):
            along = np.cross(walls[i, :3], walls[j, :3])
            length = float(np.linalg.norm(along))
            if length < np.sin(np.radians(35.0)):
                continue
            up = along / length * np.sign(along @ CAMERA_UP)
            if _level(up[None], None)[0]:
                return up
    return None
