"""The last poses of each object: rendered, aligned to the mask's outline, and one of them chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from ..context import Context
from ..frames import CAMERA_UP, Sim3
from ..raster import Raster
from ..types import Placement
from .batch import Poses
from .choose import same_shape
from .judging import COLOUR_TELLS, TIE
from .outline import Outlined, Pairs, borders_of, make_pairs
from .priors import priors_of
from .problem import Problem
from .residuals import Effort, Evidence
from .sampling import Surface
from .scoring import Fit, fit_seen, see
from .setting import Setting
from .solver import descend

POLISH = Effort(points=500, samples=1, contour=1, kernel=0.08, iterations=4)
PASSES = ((3, 6.0), (2, 3.0), (2, 2.0))
"""Alignments to the outline: poses of an object that take part, and the robust kernel's scale, px."""
PRECISION = 2e4
"""Inverse variance, per unit squared, of all observed points together."""
FEWEST_PIXELS = 12
"""An outline of fewer pixels pulls a mesh anywhere."""


@dataclass(frozen=True, eq=False)
class Finalist:
    """A refined pose with its fit; ``rotation`` etc. in camera units, mesh normalised.

    Attributes:
        row: its row among the poses.
        seen: its z-buffer.
        poses: itself, as one row.
    """

    problem: int
    surface: int
    rotation: np.ndarray
    translation: np.ndarray
    size: float
    fit: Fit
    row: int
    seen: Raster
    poses: Poses


def polished(
    setting: Setting, evidence: Evidence, poses: Poses, context: Context
) -> list[Finalist]:
    """The last poses, the best of each problem aligned to the mask's outline, with their fits."""
    finalists = rendered(setting, poses)
    clear = [len(borders_of(problem).edge) >= FEWEST_PIXELS for problem in setting.problems]
    unclear = [f for f in finalists if not clear[f.problem]]
    finalists = [f for f in finalists if clear[f.problem]]
    for count, scale in PASSES:
        context.cancel.check()
        chosen = _best_of_each(finalists, count)
        if not chosen:
            break
        rows = torch.tensor([f.row for f in chosen], device=poses.log_size.device)
        poses = poses[rows]
        pairs = outlines(setting, chosen, poses, scale)
        moved, _ = descend(Outlined(evidence, pairs), poses, POLISH)
        finalists, poses = _better(setting, chosen, poses, moved)
    return [*finalists, *unclear]


def covariances(
    setting: Setting, evidence: Evidence, finalists: Sequence[Finalist]
) -> list[np.ndarray]:
    """(7, 7) of each pose: rotation vector (camera axes, about the mesh's centre), translation of
    the centre (camera units), log scale.

    Laplace's approximation: the inverse of the evidence's second derivative at the pose, with the
    warp of the point map summed out. ``PRECISION`` makes the evidence a likelihood.
    """
    if not finalists:
        return []
    poses = Poses.joined([f.poses for f in finalists])
    pairs = outlines(setting, finalists, poses, PASSES[-1][1])
    hessian = Outlined(evidence, pairs).linearise(poses, POLISH).hessian.double().cpu().numpy()
    out = []
    for finalist, information in zip(finalists, hessian, strict=True):
        unit = setting.batch.unit[finalist.problem]
        scale = np.array([1, 1, 1, unit, unit, unit, 1.0])
        whole = np.linalg.pinv(PRECISION * information, hermitian=True)
        covariance = whole[:7, :7] * scale * scale[:, None]
        out.append((covariance + covariance.T) / 2)
    return out


def outlines(setting: Setting, finalists: Sequence[Finalist], poses: Poses, scale: float) -> Pairs:
    """Pairs of the finalists' silhouettes with the outlines of their masks, for their poses.

    Args:
        scale: px, of the robust kernel.
    """
    seen = [
        (setting.problems[f.problem], f.seen, float(setting.batch.unit[f.problem]))
        for f in finalists
    ]
    return make_pairs(seen, poses, scale)


def _better(
    setting: Setting, before: Sequence[Finalist], poses: Poses, moved: Poses
) -> tuple[list[Finalist], Poses]:
    """Of each pose the one with the better score, before or after it was moved."""
    after = {f.row: f for f in rendered(setting, moved)}
    out, takes = [], torch.zeros(len(poses), dtype=torch.bool)
    for row, old in enumerate(before):
        new = after.get(row)
        takes[row] = new is not None and new.fit.score > old.fit.score
        out.append(new if new is not None and takes[row] else replace(old, row=row))
    return out, poses.where(takes.to(poses.log_size.device), moved)


def _best_of_each(finalists: Sequence[Finalist], count: int) -> list[Finalist]:
    """At most ``count`` finalists of each problem, the best scores first."""
    out = []
    for p in sorted({f.problem for f in finalists}):
        mine = sorted((f for f in finalists if f.problem == p), key=lambda f: -f.fit.score)
        out += mine[:count]
    return out


def rendered(setting: Setting, poses: Poses) -> list[Finalist]:
    """Poses with their renderings and exact fits."""
    problems, surfaces = setting.problems, setting.surfaces
    batch, trust = setting.batch, setting.trust
    priors = priors_of(setting, poses)
    out = []
    rotation = poses.rotation.double().cpu().numpy()
    translation = poses.translation.double().cpu().numpy()
    sizes = poses.log_size.double().exp().cpu().numpy()
    warps = poses.warp.double().cpu().numpy()
    for i in range(len(poses)):
        p, s = int(poses.problem[i]), int(poses.surface[i])
        unit = float(batch.unit[p])
        size, centre = sizes[i] * unit, translation[i] * unit
        if not (np.isfinite(size) and np.isfinite(centre).all() and np.isfinite(rotation[i]).all()):
            continue
        seen = see(problems[p], surfaces[s], rotation[i], centre, size, unit)
        fit = fit_seen(problems[p], surfaces[s], seen, unit, trust[p], warps[i])
        fit = replace(fit, score=fit.score + float(priors[i]))
        row = torch.tensor([i], device=poses.log_size.device)
        out.append(Finalist(p, s, rotation[i], centre, size, fit, i, seen, poses[row]))
    return out


def decide(
    setting: Setting, evidence: Evidence, index: int, finalists: Sequence[Finalist]
) -> Placement:
    """The best finalist, its rivals, and whether the photo can tell them apart."""
    problem, surfaces = setting.problems[index], setting.surfaces
    mine = sorted((f for f in finalists if f.problem == index), key=lambda f: -f.fit.score)
    name = f"{problem.label} {problem.id}"
    if not mine or mine[0].fit.iou <= 0:
        return Placement(problem.id, None, failure=f"{name}: no pose brings its mesh into its mask")
    best = mine[0]
    rivals = [f for f in mine[1:] if not _same(best, f, setting)]
    tied = [f for f in rivals if best.fit.score - f.fit.score < TIE]
    told = max([best, *tied], key=lambda f: f.fit.colour)
    if told is not best and told.fit.colour > best.fit.colour + COLOUR_TELLS:
        rivals = [best, *(f for f in rivals if f is not told)]
        tied = [best, *(f for f in tied if f is not told)]
        best = told
    ambiguous = any(f.fit.colour > best.fit.colour - COLOUR_TELLS for f in tied)
    fit = {
        "iou": best.fit.iou,
        "depth_residual": best.fit.depth_residual,
        "visible": best.fit.visible,
        "score": best.fit.score,
        "colour": best.fit.colour,
    }
    covariance = covariances(setting, evidence, [best])[0]
    fit |= uncertainty(covariance, problem, best.translation)
    fit["symmetry"] = symmetry_of(setting, best.surface)
    if rivals:
        fit["margin"] = best.fit.score - max(f.fit.score for f in rivals)
    return Placement(
        id=problem.id,
        camera_from_object=_pose(best, surfaces),
        candidate=setting.candidate(index, best.surface),
        fit={k: float(v) for k, v in fit.items() if np.isfinite(v)},
        ambiguous=ambiguous,
        covariance=covariance,
        alternatives=tuple(_pose(f, surfaces) for f in rivals if f.surface == best.surface),
    )


def uncertainty(covariance: np.ndarray, problem: Problem, centre: np.ndarray) -> dict[str, float]:
    """One standard deviation of what people ask for: turn about the vertical (degrees), distance
    (share of it), size (share of it)."""
    up = problem.up if problem.up is not None else CAMERA_UP
    distance = float(np.linalg.norm(centre))
    ray = centre / max(distance, 1e-12)
    turn = float(np.sqrt(max(0.0, up @ covariance[:3, :3] @ up)))
    far = float(np.sqrt(max(0.0, ray @ covariance[3:6, 3:6] @ ray)))
    return {
        "sigma_yaw_deg": float(np.degrees(turn)),
        "sigma_distance": far / max(distance, 1e-12),
        "sigma_size": float(np.sqrt(max(0.0, covariance[6, 6]))),
    }


def symmetry_of(setting: Setting, surface: int) -> int:
    """Order of the mesh's symmetry about its y axis: 1 none, 2 a half turn, …, 24 any turn."""
    count = 0
    for step in range(24):
        angle = 2 * np.pi * step / 24
        c, s = np.cos(angle), np.sin(angle)
        turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
        count += same_shape(setting.fields, setting.samples, surface, np.eye(3), turn)
    return max(n for n in (1, 2, 3, 4, 6, 8, 12, 24) if count >= n)


def _pose(finalist: Finalist, surfaces: Sequence[Surface]) -> Sim3:
    surface = surfaces[finalist.surface]
    return surface.object_pose(finalist.rotation, finalist.translation, finalist.size)


def _same(a: Finalist, b: Finalist, setting: Setting) -> bool:
    """Whether two finalists put the same body in the same place."""
    if a.surface != b.surface or abs(np.log(a.size / b.size)) > 0.08:
        return False
    if np.linalg.norm(a.translation - b.translation) > 0.1 * a.size:
        return False
    return same_shape(setting.fields, setting.samples, a.surface, a.rotation, b.rotation)
