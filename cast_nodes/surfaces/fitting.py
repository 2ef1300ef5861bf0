"""Planes through points: trials, polishing, and the fit that believes blocks of pixels.

Planes are forms ``a`` (3,) with ``a . p = 1``, in the unit of the samples.
"""

from __future__ import annotations

import numpy as np

from .samples import Samples

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
CANDIDATES = 5
"""So many different planes are considered."""
ALIKE = 3.0
"""A block's errors are like its neighbours', too, so each counts as if it erred this much more.
(Measured on composed rooms: from 1 to 3 the fitted floor gets better, from 3 to 5 it stays.)"""


def fitted(
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


def candidates(samples: Samples, up: np.ndarray | None) -> list[np.ndarray]:
    """Different well-supported planes ``a`` that may be a floor, best first, by the points alone.

    Trials are random triples and the planes of random windows; what votes must face as they do.
    """
    rng = np.random.default_rng(0)
    points = samples.points
    if len(points) < 50:
        return []
    planar = np.flatnonzero(np.isfinite(samples.forms).all(1))
    windows = samples.forms[rng.choice(planar, min(TRIALS, len(planar)), False)]
    forms = np.concatenate([trial_forms(points, rng), windows])
    forms = forms[held_level(-directions(forms), up)]
    if not len(forms):
        return []
    judges = rng.permutation(len(points))[:JUDGES]
    relative = points[judges] @ forms.T - 1
    on = np.maximum(1 - (relative / TOLERANCE) ** 2, 0)
    on *= samples.facing(forms, judges)
    score = on.mean(0) - 2 * (relative > BENEATH).mean(0)
    found: list[np.ndarray] = []
    for index in np.argsort(-score, kind="stable")[: 6 * CANDIDATES]:
        if any(same_plane(forms[index], other, 2.0) for other in found):
            continue
        form = polished(points[samples.facing(forms[index][None])[:, 0]], forms[index])
        if form is None or not held_level(-directions(form[None]), up)[0]:
            continue
        if not any(same_plane(form, other, 1.0) for other in found):
            found.append(form)
        if len(found) >= CANDIDATES:
            break
    return found


def same_plane(a: np.ndarray, b: np.ndarray, reach: float) -> bool:
    """Whether two planes differ by less than about ``reach`` times 2 degrees and 4 %."""
    cosine = float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))
    ratio = abs(np.log(np.linalg.norm(a) / np.linalg.norm(b)))
    return cosine > np.cos(np.radians(2.0 * reach)) and bool(ratio < 0.04 * reach)


def trial_forms(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(m, 3) planes ``a`` through random triples (RANSAC, Fischler and Bolles 1981)."""
    triple = points[rng.integers(0, len(points), (TRIALS, 3))]
    good = np.abs(np.linalg.det(triple)) > 1e-6
    if not good.any():
        return np.zeros((0, 3))
    return np.linalg.solve(triple[good], np.ones((int(good.sum()), 3, 1)))[..., 0]


def directions(forms: np.ndarray) -> np.ndarray:
    """(m, 3) unit."""
    return forms / np.maximum(np.linalg.norm(forms, axis=1, keepdims=True), 1e-12)


def held_level(normals: np.ndarray, up: np.ndarray | None) -> np.ndarray:
    """(m,) bool, whether (m, 3) normals can be a floor's."""
    if up is not None:
        return normals @ up > np.cos(np.radians(10.0))
    pitch = np.arcsin(np.clip(-normals[:, 2], -1, 1))
    roll = np.arctan2(normals[:, 0], -normals[:, 1])
    return (pitch > PITCH_RAD[0]) & (pitch < PITCH_RAD[1]) & (np.abs(roll) < ROLL_RAD)


def polished(points: np.ndarray, form: np.ndarray) -> np.ndarray | None:
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
