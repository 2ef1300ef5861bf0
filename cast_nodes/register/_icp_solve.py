"""One object's way through ``icp``: features, consensus, ICP, and the choice by z-buffer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial import KDTree

from ..context import Context
from ..errors import BadInput, CastError, ObjectFailure
from ..frames import Sim3
from ..types import Mesh, Placement
from ._icp_clouds import MIN_POINTS, Observed, match, observe
from ._icp_consensus import Pose, consensus, likely_sizes
from ._icp_outline import Outline
from ._icp_refine import Refined, Target, refine
from .batch import unit_of
from .judging import APPROXIMATE_TRUST, COLOUR_TELLS, FALLBACK_HANDICAP, SYMMETRIC_GAP, TIE
from .sampling import Surface, surface_of
from .scoring import Fit, fit_of

if TYPE_CHECKING:
    from .icp_options import IcpOptions
    from .problem import Problem

COARSE = (0.08, 0.05)
"""Reaches of the first rounds, in diagonals; the last is the option's."""
FINALISTS = 3
SIZE_STEPS = (0.1, 0.05, 0.025)
"""Changes of log size that the z-buffer is asked about."""
WORTH_SIZING = 0.15
"""A finalist farther behind the best does not get its size mended."""


@dataclass(frozen=True, eq=False)
class Finalist:
    """A refined pose of one candidate mesh with its fit to the photo."""

    candidate: int
    surface: Surface
    refined: Refined
    fit: Fit

    @property
    def pose(self) -> Pose:
        return self.refined.pose


def solve(o3d: Any, problem: Problem, options: IcpOptions, context: Context) -> Placement:
    """The placement of one object.

    Raises:
        ObjectFailure: too few points, or nothing was found; the message says which.
        Cancelled: the run was stopped.
    """
    name = f"{problem.label} {problem.id}"
    unit = unit_of(problem)
    observed = observe(o3d, problem, unit, options.voxel)
    if observed is None:
        raise ObjectFailure(
            f"{name} shows {len(problem.points)} points of the point map, too few for icp (it "
            f"needs {MIN_POINTS} that hang together); use hybrid"
        )
    finalists: list[Finalist] = []
    reason = ""
    for index, mesh in enumerate(problem.candidates):
        context.cancel.check()
        try:
            surface = surface_of(mesh)
        except BadInput:
            raise
        except CastError as error:
            reason = f"{name}: {error}"
            continue
        judge = Judge(problem, index, surface, unit)
        finalists += _finalists(o3d, observed, judge, options, context)
    if not finalists:
        raise ObjectFailure(
            reason or f"{name}: no features of its points match its mesh; use hybrid"
        )
    fitting = [f for f in finalists if f.refined.fitness >= options.min_fitness]
    if not fitting:
        best = max(f.refined.fitness for f in finalists)
        raise ObjectFailure(
            f"{name}: only {best:.0%} of its points come near its mesh, icp wants "
            f"{options.min_fitness:.0%} (option min_fitness); use hybrid"
        )
    return _decide(problem, fitting, unit)


@dataclass(frozen=True, eq=False)
class Judge:
    """Compares poses of one candidate mesh with the photo."""

    problem: Problem
    candidate: int
    surface: Surface
    unit: float

    @property
    def mesh(self) -> Mesh:
        return self.problem.candidates[self.candidate]

    def finalist(self, refined: Refined) -> Finalist:
        pose, unit = refined.pose, self.unit
        trust = APPROXIMATE_TRUST if self.problem.approximate else 1.0
        fit = fit_of(
            self.problem,
            self.surface,
            pose.rotation,
            pose.translation * unit,
            pose.size * unit,
            unit,
            trust,
        )
        if self.mesh.view_aligned and self.candidate > 0:
            fit = replace(fit, score=fit.score - FALLBACK_HANDICAP)
        return Finalist(self.candidate, self.surface, refined, fit)


def _finalists(
    o3d: Any, observed: Observed, judge: Judge, options: IcpOptions, context: Context
) -> list[Finalist]:
    """The best poses of one candidate mesh, refined."""
    problem, surface = judge.problem, judge.surface
    upright = options.upright == "on" or (options.upright == "auto" and judge.mesh.upright)
    up = problem.up if upright else None
    sizes, bounds = likely_sizes(problem, surface, upright)
    matches = [match(o3d, observed, surface, size, options.voxel) for size in sizes]
    poses = consensus(
        matches,
        observed.points,
        surface,
        up,
        bounds,
        Outline.of(problem, judge.unit),
        options.starts,
        context.seed,
    )
    target = Target.of(o3d, surface)
    coarse: list[Finalist] = []
    for pose in poses:
        refined = refine(o3d, observed.thin, target.coarse, pose, COARSE, up, bounds, sizing=True)
        if refined is not None:
            coarse.append(judge.finalist(refined))
    context.cancel.check()
    coarse = _different(sorted(coarse, key=lambda f: -f.fit.score))[:FINALISTS]
    reaches = (max(COARSE[-1], options.reach), options.reach)
    fine = []
    for finalist in coarse:
        refined = refine(
            o3d, observed.full, target.fine, finalist.pose, reaches, up, bounds, sizing=True
        )
        if refined is not None:
            fine.append(judge.finalist(refined))
    behind = max((f.fit.score for f in fine), default=0.0) - WORTH_SIZING
    return [
        _sized(o3d, observed, target, judge, f, reaches[-1], up, bounds)
        if f.fit.score > behind
        else f
        for f in fine
    ]


def _sized(
    o3d: Any,
    observed: Observed,
    target: Target,
    judge: Judge,
    best: Finalist,
    reach: float,
    up: np.ndarray | None,
    bounds: tuple[float, float],
) -> Finalist:
    """The pose with its size mended by the photo.

    Points on a smooth front leave the size open; the outline does not. Sizes nearby are tried,
    each with a rigid ICP, and the z-buffer says which is better.
    """
    middle = observed.points.mean(0)
    for step in SIZE_STEPS:
        for sign in (1, -1):
            start = _resized(best.pose, float(np.exp(sign * step)), middle)
            other = refine(
                o3d, observed.thin, target.coarse, start, (reach,), up, bounds, sizing=False
            )
            if other is None:
                continue
            rival = judge.finalist(other)
            if rival.fit.score > best.fit.score:
                best = rival
                break
    return best


def _resized(pose: Pose, factor: float, middle: np.ndarray) -> Pose:
    """The pose ``factor`` larger, what lies at ``middle`` staying there."""
    translation = middle + factor * (pose.translation - middle)
    return Pose(pose.rotation, translation, pose.size * factor)


def _decide(problem: Problem, finalists: Sequence[Finalist], unit: float) -> Placement:
    """The best finalist, its rivals, and whether the photo can tell them apart."""
    ranked = sorted(finalists, key=lambda f: -f.fit.score)
    best = ranked[0]
    if best.fit.iou <= 0:
        raise ObjectFailure(f"{problem.label} {problem.id}: no pose brings its mesh into its mask")
    rivals = [f for f in ranked[1:] if not _same(best, f)]
    tied = [f for f in rivals if best.fit.score - f.fit.score < TIE]
    told = max([best, *tied], key=lambda f: f.fit.colour)
    if told.fit.colour > best.fit.colour + COLOUR_TELLS:
        rivals = [best, *(f for f in rivals if f is not told)]
        tied = [best, *(f for f in tied if f is not told)]
        best = told
    fit = {
        "iou": best.fit.iou,
        "depth_residual": best.fit.depth_residual,
        "visible": best.fit.visible,
        "score": best.fit.score,
        "colour": best.fit.colour,
        "fitness": best.refined.fitness,
        "inlier_rmse": best.refined.inlier_rmse,
    }
    if rivals:
        fit["margin"] = best.fit.score - max(f.fit.score for f in rivals)
    return Placement(
        id=problem.id,
        camera_from_object=_object_pose(best, unit),
        candidate=best.candidate,
        fit={k: float(v) for k, v in fit.items() if np.isfinite(v)},
        ambiguous=any(f.fit.colour > best.fit.colour - COLOUR_TELLS for f in tied),
        alternatives=tuple(_object_pose(f, unit) for f in rivals if f.candidate == best.candidate),
    )


def _object_pose(finalist: Finalist, unit: float) -> Sim3:
    pose = finalist.pose
    return finalist.surface.object_pose(pose.rotation, pose.translation * unit, pose.size * unit)


def _different(ranked: Sequence[Finalist]) -> list[Finalist]:
    """The best of each group of like poses."""
    kept: list[Finalist] = []
    for finalist in ranked:
        if not any(_same(finalist, other) for other in kept):
            kept.append(finalist)
    return kept


def _same(a: Finalist, b: Finalist) -> bool:
    """Whether two finalists put the same body in the same place, symmetries included."""
    if a.candidate != b.candidate or abs(np.log(a.pose.size / b.pose.size)) > 0.08:
        return False
    if np.linalg.norm(a.pose.translation - b.pose.translation) > 0.1 * a.pose.size:
        return False
    samples = a.surface.spread[:512].astype(np.float64)
    turned = samples @ (a.pose.rotation.T @ b.pose.rotation).T
    gap, _ = KDTree(a.surface.spread).query(turned)
    return bool(gap.mean() < SYMMETRIC_GAP)
