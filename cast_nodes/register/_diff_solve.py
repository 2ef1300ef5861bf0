"""One object of ``differentiable``: starts, descent, and the pose that explains the photo best."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.spatial import KDTree

from ..context import Context
from ..errors import CastError
from ..frames import Sim3
from ..types import Placement
from ._diff_loss import Body, Evidence, make_evidence, total_loss
from ._diff_pose import Pose
from ._diff_ready import Renderer
from ._diff_render import Silhouettes, make_silhouettes, welded
from ._diff_starts import Start, make_starts
from .batch import unit_of
from .judging import COLOUR_TELLS, FALLBACK_HANDICAP, TIE
from .problem import Problem
from .sampling import Surface, surface_of
from .scoring import Fit, fit_of

if TYPE_CHECKING:
    from .differentiable_options import DifferentiableOptions

CLIP = 1.0
BLURS = ((0.15, 0.06), (0.25, 0.03))
"""Up to this share of the steps, pictures are compared averaged over this share of their side:
seen sharp, slats and legs would lock one place off."""
PATIENCE = 40
"""Steps without progress after which a descent ends."""
PROGRESS = 0.005
"""Progress is a loss lower by this share; less is the renderer's noise."""
SAME = 0.03
"""Poses whose surfaces lie this close (share of the size) are one."""

Watch = Callable[[int, float, torch.Tensor], None]
"""Called after each step with its number, loss and silhouette; for tests and pictures."""


@dataclass(frozen=True, eq=False)
class Descent:
    """Where a start ended: pose in units, its loss, and how many steps it took."""

    start: Start
    pose: Pose
    loss: float
    steps: int


def place(
    problem: Problem,
    options: DifferentiableOptions,
    renderer: Renderer,
    context: Context,
) -> Placement:
    """The placement of one object, or the reason why there is none."""
    name = f"{problem.label} {problem.id}"
    bodies, reason = _bodies(problem)
    if not bodies:
        return Placement(problem.id, None, failure=f"{name}: {reason}")
    unit = unit_of(problem)
    evidence = make_evidence(problem, unit).to(options.device)
    starts: list[Start] = []
    for candidate, body in bodies.items():
        starts += make_starts(problem, unit, candidate, body)
        context.cancel.check()
    starts.sort(key=lambda s: s.chamfer + _handicap(problem, s.candidate))
    models: dict[int, tuple[torch.Tensor, Silhouettes]] = {}
    descents = []
    for start in starts[: options.starts]:
        body = bodies[start.candidate]
        vertices, faces = welded(body.surface.vertices, body.surface.faces)
        if not len(faces):
            reason = "its mesh has no face with an area"
            continue
        if start.candidate not in models:
            moving = torch.from_numpy(vertices.astype(np.float32)).to(options.device)
            draw = make_silhouettes(renderer, vertices, faces, evidence.side, options.device)
            models[start.candidate] = moving, draw
        descents.append(descend(start, *models[start.candidate], body, evidence, options, context))
    return _decide(problem, bodies, unit, evidence, descents, reason)


def descend(
    start: Start,
    vertices: torch.Tensor,
    draw: Silhouettes,
    body: Body,
    evidence: Evidence,
    options: DifferentiableOptions,
    context: Context,
    watch: Watch | None = None,
) -> Descent:
    """Adam from one start; the pose with the lowest loss met on the way.

    Args:
        vertices: (v, 3) float32 normalised, those that ``draw`` was made with.

    Raises:
        Cancelled: asked before every step.
    """
    theta = torch.from_numpy(start.theta.copy()).requires_grad_()
    adam = torch.optim.Adam([theta], lr=options.rate)
    best, best_theta = float("inf"), theta.detach().clone()
    mark, since, step, width = float("inf"), 0, 0, 0
    for step in range(1, options.steps + 1):
        context.cancel.check()
        adam.zero_grad()
        pose = start.model.pose(theta)
        here = Pose(*(part.to(evidence.points) for part in pose))
        silhouette = draw(here.apply(vertices) @ evidence.canonical.T, step)
        if _blur_px(step / options.steps, evidence.side) != width:
            # Losses of different pictures are not to be compared.
            width = _blur_px(step / options.steps, evidence.side)
            best, mark, since = float("inf"), float("inf"), 0
        loss = total_loss(here, silhouette, body, evidence, width)
        loss.backward()
        value = float(loss.detach())
        if watch is not None:
            watch(step, value, silhouette.detach())
        if not np.isfinite(value) or theta.grad is None or not theta.grad.isfinite().all():
            break
        if value < best:
            best, best_theta = value, theta.detach().clone()
        if value < mark * (1 - PROGRESS):
            mark, since = value, 0
        else:
            since += 1
            if since >= PATIENCE and width == 1:
                break
        torch.nn.utils.clip_grad_norm_([theta], CLIP)
        adam.step()
    with torch.no_grad():
        return Descent(start, start.model.pose(best_theta), best, step)


def _blur_px(share: float, side: int) -> int:
    """Odd width in px over which pictures are averaged after a share of the steps."""
    for until, width in BLURS:
        if share <= until:
            return 2 * round(width * side / 2) + 1
    return 1


def _bodies(problem: Problem) -> tuple[dict[int, Body], str]:
    """The usable candidates' bodies, and why the last unusable one is not."""
    bodies, reason = {}, "it has no mesh"
    for candidate, mesh in enumerate(problem.candidates):
        try:
            bodies[candidate] = Body(surface_of(mesh))
        except CastError as error:
            reason = str(error)
    return bodies, reason


def _handicap(problem: Problem, candidate: int) -> float:
    return FALLBACK_HANDICAP if candidate > 0 and problem.candidates[candidate].view_aligned else 0


@dataclass(frozen=True, eq=False)
class _Result:
    descent: Descent
    fit: Fit
    score: float
    pose: Sim3
    surface: Surface


def _decide(
    problem: Problem,
    bodies: dict[int, Body],
    unit: float,
    evidence: Evidence,
    descents: Sequence[Descent],
    reason: str,
) -> Placement:
    """The best of the descents by the z-buffer's score, the others as alternatives."""
    name = f"{problem.label} {problem.id}"
    results = []
    for descent in descents:
        surface = bodies[descent.start.candidate].surface
        rotation, centre, size = (part.numpy() for part in descent.pose)
        size, centre = float(size) * unit, centre * unit
        if not (np.isfinite(size) and size > 0 and np.isfinite(centre).all()):
            continue
        fit = fit_of(problem, surface, rotation, centre, size, unit, evidence.trust)
        score = fit.score - _handicap(problem, descent.start.candidate)
        pose = surface.object_pose(rotation, centre, size)
        results.append(_Result(descent, fit, score, pose, surface))
    results.sort(key=lambda r: -r.score)
    if not descents:
        return Placement(problem.id, None, failure=f"{name}: {reason}")
    if not results or results[0].fit.iou <= 0:
        return Placement(problem.id, None, failure=f"{name}: no pose brings its mesh into its mask")
    rivals = [r for r in results[1:] if not _same(results[0], r)]
    tied = [r for r in rivals if results[0].score - r.score < TIE]
    told = max([results[0], *tied], key=lambda r: r.fit.colour)
    best = told if told.fit.colour > results[0].fit.colour + COLOUR_TELLS else results[0]
    rivals = [r for r in results if r is not best and not _same(best, r)]
    ambiguous = any(
        abs(best.score - r.score) < TIE and r.fit.colour > best.fit.colour - COLOUR_TELLS
        for r in rivals
    )
    numbers = {
        "iou": best.fit.iou,
        "depth_residual": best.fit.depth_residual,
        "visible": best.fit.visible,
        "score": best.fit.score,
        "colour": best.fit.colour,
        "loss": best.descent.loss,
        "freedoms": best.descent.start.model.freedoms,
        "steps": best.descent.steps,
    }
    if rivals:
        numbers["margin"] = best.score - max(r.score for r in rivals)
    candidate = best.descent.start.candidate
    return Placement(
        id=problem.id,
        camera_from_object=best.pose,
        candidate=candidate,
        fit={k: float(v) for k, v in numbers.items() if np.isfinite(v)},
        ambiguous=ambiguous,
        alternatives=tuple(r.pose for r in rivals if r.descent.start.candidate == candidate),
    )


def _same(a: _Result, b: _Result) -> bool:
    """Whether two poses of one mesh put the same surface in the same place."""
    if a.surface is not b.surface:
        return False
    points = a.surface.spread[:500].astype(np.float64) * a.surface.size + a.surface.centre
    there, here = a.pose.apply(points), b.pose.apply(points)
    apart = KDTree(here).query(there)[0].mean(), KDTree(there).query(here)[0].mean()
    # Samples of one surface lie this far apart even when they tell of the same one.
    between = KDTree(there).query(there, k=2)[0][:, 1].mean()
    return max(apart) < SAME * a.pose.scale * a.surface.size + between
