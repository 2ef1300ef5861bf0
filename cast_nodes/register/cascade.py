"""The rounds of ``hybrid``: hypotheses in, one placement an object out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..context import Context
from ..errors import CastError
from ..frames import CAMERA_UP, Sim3
from ..raster import Raster
from ..types import Mesh, Placement
from . import hypotheses
from .batch import SAMPLES, Batch, Poses, make_batch, stack_samples, unit_of
from .choose import distinct, same_shape
from .distance import Fields
from .problem import Problem
from .residuals import Effort, Evidence
from .sampling import Surface, surface_of
from .outline import Outlined, borders_of, make_pairs
from .scoring import Fit, Pictures, fit_seen, see, snapped, splat, splat_scores
from .solver import descend, solve

if TYPE_CHECKING:
    from .hybrid import HybridOptions

ROUNDS = (
    Effort(points=192, samples=256, contour=40, kernel=0.2, iterations=8),
    Effort(points=500, samples=768, contour=80, kernel=0.12, iterations=10),
    Effort(points=1500, samples=2048, contour=160, kernel=0.08, iterations=12),
)
KEPT = (8, 4)
"""Hypotheses of an object that enter the second and third round."""

POLISH = Effort(points=500, samples=1, contour=1, kernel=0.08, iterations=4)
POLISHED = 3
SPLATS, FEW_SPLATS = 10_000, 4096
FAR, NEAR = 1.0, 0.15
"""How far, as log, poses are moved along their rays to the observed depth: at the start, later."""
OUTLINE_SCALES = (6.0, 3.0, 2.0)

APPROXIMATE_TRUST = 0.02
CONTACT = 0.1
APPROXIMATE_CONTACT = 3.0
TILT = 0.5
APPROXIMATE_TILT = 3.0
STANDING = (0.1, 0.02)
"""An object stands on the floor when its lower end is no higher than this share of
its size plus this share of its distance (floors are estimates)."""
TIE = 0.02
"""Scores closer than this are told apart by colour, or are ambiguous."""
COLOUR_TELLS = 0.15
FALLBACK_HANDICAP = 0.4
"""A mesh made from the very mask fits its outline by construction: as a fallback, behind models
that know nothing of the mask, it must fit better by this much to be the better explanation."""
GROUND_ERROR = 0.015
"""How well a floor's height is known, share of the distance."""
STANDS, SUNK = 0.06, 0.3
"""Score for standing on the floor, and lost by sinking into it."""
FACING = 0.08
"""Score that turning its front to the camera is worth for a thing rarely seen from behind, where
the geometry is a guess."""


@dataclass(frozen=True, eq=False)
class Finalist:
    """A refined pose with its fit; ``rotation`` etc. in camera units, mesh normalised."""

    problem: int
    surface: int
    rotation: np.ndarray
    translation: np.ndarray
    size: float
    fit: Fit
    row: int
    seen: Raster


def register_batch(
    problems: Sequence[Problem], options: HybridOptions, context: Context
) -> list[Placement]:
    """Solves some problems together; those without a usable mesh fail with the reason."""

    def starts(setting: Setting, index: int) -> list[Poses]:
        rows = setting.rows[index]
        return [
            poses
            for candidate, row in rows.items()
            for poses in _starts(setting, index, candidate, row, options)
        ]

    return _each(problems, options, context, starts, first=0)


def refine(
    problems: Sequence[Problem],
    given: Sequence[Sequence[Sim3]],
    options: HybridOptions,
    context: Context,
) -> list[Placement]:
    """Refines poses from elsewhere, of each problem's first usable candidate mesh.

    Args:
        given: for each problem its ``T_camera_from_object`` to start from, at least one.
    """
    position = {id(problem): i for i, problem in enumerate(problems)}

    def starts(setting: Setting, index: int) -> list[Poses]:
        row = next(iter(setting.rows[index].values()))
        poses = given[position[id(setting.problems[index])]]
        return [_from_outside(setting, index, row, poses, options)]

    return _each(problems, options, context, starts, first=1)


@dataclass(frozen=True, eq=False)
class Setting:
    """Problems and meshes packed for solving; ``rows`` maps candidates to rows of surfaces."""

    problems: Sequence[Problem]
    surfaces: Sequence[Surface]
    rows: Sequence[dict[int, int]]
    trust: Sequence[float]
    batch: Batch
    fields: Fields
    samples: torch.Tensor
    splats: torch.Tensor
    lowest: torch.Tensor


def _each(
    problems: Sequence[Problem],
    options: HybridOptions,
    context: Context,
    starts: Callable[[Setting, int], list[Poses]],
    first: int,
) -> list[Placement]:
    """A placement a problem: failures for those without a mesh, the others solved together."""
    surfaces, candidate_rows, reasons = _surfaces(problems)
    solvable = [i for i, rows in enumerate(candidate_rows) if rows]
    placements: dict[int, Placement] = {
        i: Placement(problems[i].id, None, failure=reasons[i])
        for i in range(len(problems))
        if not candidate_rows[i]
    }
    if solvable:
        chosen = [problems[i] for i in solvable]
        device = torch.device(options.device)
        trust = [APPROXIMATE_TRUST if problem.approximate else 1.0 for problem in chosen]
        setting = Setting(
            problems=chosen,
            surfaces=surfaces,
            rows=[candidate_rows[i] for i in solvable],
            trust=trust,
            batch=make_batch(chosen, trust, device),
            fields=Fields(surfaces, device),
            samples=stack_samples(surfaces, SAMPLES, device),
            splats=stack_samples(surfaces, SPLATS, device),
            lowest=torch.tensor([-float(s.half[1]) for s in surfaces], device=device),
        )
        with torch.no_grad(), calm_threads():
            parts = [poses for i in range(len(chosen)) for poses in starts(setting, i)]
            solved = _rounds(setting, Poses.joined(parts), first, context)
        placements |= dict(zip(solvable, solved, strict=True))
    return [placements[i] for i in range(len(problems))]


@contextmanager
def calm_threads() -> Iterator[None]:
    """Lets torch use half of the cores for a while.

    The tensors are small: on a busy machine more threads mostly wait for each other (measured:
    thirty times slower with as many threads as cores and another process beside).
    """
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, min(before, (os.cpu_count() or 2) // 2)))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _surfaces(
    problems: Sequence[Problem],
) -> tuple[list[Surface], list[dict[int, int]], list[str]]:
    """The different meshes, for each problem {candidate: row of its mesh}, and why not."""
    surfaces: list[Surface] = []
    row_of: dict[str, int] = {}
    rows: list[dict[int, int]] = []
    reasons: list[str] = []
    for problem in problems:
        mine, reason = {}, ""
        for candidate, mesh in enumerate(problem.candidates):
            if mesh.key not in row_of:
                try:
                    surfaces.append(surface_of(mesh))
                except CastError as error:
                    reason = f"{problem.label} {problem.id}: {error}"
                    continue
                row_of[mesh.key] = len(surfaces) - 1
            mine[candidate] = row_of[mesh.key]
        rows.append(mine)
        reasons.append(reason)
    return surfaces, rows, reasons


def _rounds(setting: Setting, poses: Poses, first: int, context: Context) -> list[Placement]:
    """The cascade from round ``first`` on, and the decision."""
    batch, samples, count = setting.batch, setting.samples, len(setting.problems)
    evidence = Evidence(batch, setting.fields, samples, setting.lowest)
    pictures = Pictures.of(setting.problems, batch, samples.device)
    if first == 0:
        poses = snapped(poses, splat(batch, samples, poses), pictures, FAR)
        poses, _ = solve(evidence, poses, ROUNDS[0])
        context.cancel.check()
        poses = snapped(poses, splat(batch, samples, poses), pictures, NEAR)
        few = setting.splats[:, :FEW_SPLATS]
        poses = _keep(poses, -_coarse_scores(setting, pictures, poses, few), KEPT[0], count, True)
    poses, _ = solve(evidence, poses, ROUNDS[1])
    context.cancel.check()
    poses = snapped(poses, splat(batch, samples, poses), pictures, NEAR)
    score = _coarse_scores(setting, pictures, poses, setting.splats)
    poses = _keep(poses, -score, KEPT[1], count, False)
    poses = Poses.joined([poses, *_turned(setting, poses)])
    poses, _ = solve(evidence, poses, ROUNDS[2])
    context.cancel.check()
    finalists = _polished(setting, evidence, poses, context)
    return [_decide(setting, index, finalists) for index in range(count)]


def _coarse_scores(
    setting: Setting, pictures: Pictures, poses: Poses, splats: torch.Tensor
) -> np.ndarray:
    seen = splat(setting.batch, splats, poses)
    scores = splat_scores(setting.batch, pictures, seen, poses)
    return scores.cpu().numpy() + _priors(setting, poses)


def _keep(poses: Poses, cost: np.ndarray, count: int, problems: int, every: bool) -> Poses:
    index = distinct(poses, cost, count, problems, every)
    return poses[torch.from_numpy(index).to(poses.log_size.device)]


# --- before ----------------------------------------------------------------------------------


def standing(problem: Problem, options: HybridOptions) -> bool | None:
    """Whether the object stands on the floor; None when that cannot be told."""
    if problem.floor is None or options.floor_contact == "off":
        return False
    if options.floor_contact == "on":
        return True
    if not np.isfinite(problem.base):
        return None
    near = STANDING[0] * unit_of(problem) + STANDING[1] * float(np.median(problem.points[:, 2]))
    return problem.base < near


def _starts(
    setting: Setting, index: int, candidate: int, row: int, options: HybridOptions
) -> list[Poses]:
    """The hypotheses of one problem with one candidate mesh."""
    problem, batch = setting.problems[index], setting.batch
    mesh = problem.candidates[candidate]
    cloud = setting.samples[row, : ROUNDS[0].samples]
    forward = problem.points.astype(np.float64).mean(0)
    forward /= np.linalg.norm(forward)
    upright = stands_upright(mesh, options)
    up = problem.up
    count = max(1, options.hypotheses // 3)
    groups: list[tuple[np.ndarray, float]] = []
    if upright and up is not None:
        tilt = _tilt(problem)
        groups.append((hypotheses.yaw_rotations(up, count, forward), tilt))
    else:
        groups.append((hypotheses.all_rotations(2 * count), 0.0))
        if upright:  # gravity unknown, but cameras are mostly held level or a little down
            down = np.array([0.0, -np.cos(0.35), -np.sin(0.35)])
            for guess in (CAMERA_UP, down):
                groups.append((hypotheses.yaw_rotations(guess, count // 2, forward), 0.0))
        if mesh.view_aligned:
            groups.append((hypotheses.facing_rotation(forward)[None], 0.0))
    out = []
    for rotations, tilt in groups:
        start = hypotheses.place(batch, problem, index, row, cloud, rotations, tilt)
        stands = standing(problem, options) if tilt > 0 else False
        if tilt > 0 and problem.approximate:
            # Depth is a guess, so standing on the floor or not makes different starts.
            if stands is not False:
                out.append(_onto_floor(setting, start))
            if stands:
                continue
            out.append(start)
            continue
        if stands:
            start = replace(start, contact=torch.full_like(start.tilt, CONTACT))
        out.append(start)
        if tilt == 0:
            continue
        high = _height(problem, batch.unit[index]) if options.floor_contact != "off" else None
        if high is not None:
            size = high / (2 * float(setting.surfaces[row].half[1]))
            start = hypotheses.place(batch, problem, index, row, cloud, rotations, tilt, size=size)
            out.append(replace(start, contact=torch.full_like(start.tilt, CONTACT)))
        # Of what is partly hidden the box shows too little; of the rest it may show too much.
        grow = 0.85 if hypotheses.free_sides(problem).all() else 1.4
        out.append(hypotheses.place(batch, problem, index, row, cloud, rotations, tilt, grow=grow))
    return out


def _height(problem: Problem, unit: float) -> float | None:
    """Height over the floor of the object's highest points, in units; None where it says nothing."""
    if problem.floor is None:
        return None
    height = problem.points @ problem.floor[:3] + problem.floor[3]
    top = float(np.percentile(height, 98)) / unit
    return top if 0.05 < top < 10 else None


def stands_upright(mesh: Mesh, options: HybridOptions) -> bool:
    """Whether a mesh's y axis is to be kept along gravity."""
    return options.upright == "on" or (options.upright == "auto" and mesh.upright)


def _tilt(problem: Problem) -> float:
    return APPROXIMATE_TILT if problem.approximate else TILT


def _from_outside(
    setting: Setting, index: int, row: int, given: Sequence[Sim3], options: HybridOptions
) -> Poses:
    """Given poses of one problem, in its unit and for the normalised mesh."""
    problem, surface = setting.problems[index], setting.surfaces[row]
    unit, device = setting.batch.unit[index], setting.samples.device
    mesh = problem.candidates[next(iter(setting.rows[index]))]
    upright = problem.up is not None and stands_upright(mesh, options)

    def tensor(array) -> torch.Tensor:
        return torch.from_numpy(np.asarray(array, np.float32)).to(device)

    held = APPROXIMATE_CONTACT if problem.approximate else CONTACT
    contact = held if upright and standing(problem, options) else 0.0
    log_size = tensor(np.log([pose.scale * surface.size / unit for pose in given]))
    ones = torch.ones(len(given), dtype=torch.long, device=device)
    return Poses(
        rotation=tensor([pose.rotation for pose in given]),
        translation=tensor([pose.apply(surface.centre) / unit for pose in given]),
        log_size=log_size,
        problem=index * ones,
        surface=row * ones,
        tilt=torch.full_like(log_size, _tilt(problem) if upright else 0.0),
        contact=torch.full_like(log_size, contact),
        start=log_size,
        warp=torch.zeros(len(given), 3, device=device),
    )


def _onto_floor(setting: Setting, poses: Poses) -> Poses:
    """Moves upright poses along the view rays until they stand on the floor, and holds them.

    Scaling size and place together about the camera leaves the picture as it is.
    """
    normal = setting.batch.floor[poses.problem]
    height = _foot_height(setting, poses)
    along = height - normal[:, 3]
    factor = -normal[:, 3] / torch.where(along < -1e-6, along, -torch.ones_like(along))
    factor = torch.where(along < -1e-6, factor, torch.ones_like(factor)).clamp(0.4, 2.5)
    log_size = poses.log_size + factor.log()
    return replace(
        poses,
        translation=poses.translation * factor[:, None],
        log_size=log_size,
        start=log_size,
        contact=torch.full_like(poses.contact, APPROXIMATE_CONTACT),
    )


def _foot_height(setting: Setting, poses: Poses) -> torch.Tensor:
    """(B,) height over the floor of the middle of the mesh's underside, in units."""
    floor = setting.batch.floor[poses.problem]
    foot = torch.zeros(len(poses), 1, 3, device=floor.device)
    foot[:, 0, 1] = setting.lowest[poses.surface]
    _, p = poses.apply(foot)
    return (p[:, 0] * floor[:, :3]).sum(1) + floor[:, 3]


# --- after -----------------------------------------------------------------------------------


def _polished(
    setting: Setting, evidence: Evidence, poses: Poses, context: Context
) -> list[Finalist]:
    """The last poses, the best of each problem aligned to the mask's outline, with their fits."""
    borders = [borders_of(problem) for problem in setting.problems]
    finalists = _finalists(setting, poses)
    for scale in OUTLINE_SCALES:
        context.cancel.check()
        chosen = _best_of_each(finalists, POLISHED)
        rows = torch.tensor([f.row for f in chosen], device=poses.log_size.device)
        rendered = [
            (setting.problems[f.problem], borders[f.problem], f.seen, setting.batch.unit[f.problem])
            for f in chosen
        ]
        poses = poses[rows]
        pairs = make_pairs(rendered, poses, scale)
        moved, _ = descend(Outlined(evidence, pairs), poses, POLISH)
        finalists, poses = _better(setting, chosen, poses, moved)
    return finalists


def _better(
    setting: Setting, before: Sequence[Finalist], poses: Poses, moved: Poses
) -> tuple[list[Finalist], Poses]:
    """Of each pose the one with the better score, before or after it was moved."""
    after = {f.row: f for f in _finalists(setting, moved)}
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


def _finalists(setting: Setting, poses: Poses) -> list[Finalist]:
    """Poses with their renderings and exact fits."""
    problems, surfaces = setting.problems, setting.surfaces
    batch, trust = setting.batch, setting.trust
    priors = _priors(setting, poses)
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
        out.append(Finalist(p, s, rotation[i], centre, size, fit, i, seen))
    return out


def _turned(setting: Setting, poses: Poses) -> list[Poses]:
    """What is rarely seen from behind but ended so, turned about its own vertical axis.

    Front and back have the same outline more often than any two other views.
    """
    behind = [
        i
        for i in range(len(poses))
        if _mesh(setting, int(poses.problem[i]), int(poses.surface[i])).faces_viewer
        and float(poses.rotation[i, :, 2] @ poses.translation[i]) > 0
    ]
    if not behind:
        return []
    chosen = poses[torch.tensor(behind, device=poses.log_size.device)]
    half_turn = torch.diag(torch.tensor([-1.0, 1.0, -1.0])).to(chosen.rotation)
    return [replace(chosen, rotation=chosen.rotation @ half_turn)]


def _mesh(setting: Setting, p: int, s: int) -> Mesh:
    candidate = next(c for c, row in setting.rows[p].items() if row == s)
    return setting.problems[p].candidates[candidate]


def _priors(setting: Setting, poses: Poses) -> np.ndarray:
    """(B,) what speaks for each pose before the photo is asked, in units of the score."""
    rotation, translation = poses.rotation.cpu().numpy(), poses.translation.cpu().numpy()
    direction = translation / np.maximum(np.linalg.norm(translation, axis=1, keepdims=True), 1e-9)
    facing = -(rotation[:, :, 2] * direction).sum(1)
    priors = np.zeros(len(poses))
    height = _foot_height(setting, poses).cpu().numpy()
    reach = GROUND_ERROR * setting.batch.distance.cpu().numpy()[poses.problem.cpu().numpy()]
    for i in range(len(poses)):
        problem = setting.problems[int(poses.problem[i])]
        if problem.floor is not None and poses.tilt[i] > 0:
            above = height[i] / reach[i]
            priors[i] += STANDS * np.exp(-(above**2) / 2)
            priors[i] -= SUNK * min(1.0, max(0.0, -above / 2 - 1))
        row = int(poses.surface[i])
        candidate = next(c for c, r in setting.rows[int(poses.problem[i])].items() if r == row)
        mesh = problem.candidates[candidate]
        if mesh.view_aligned and candidate > 0:
            priors[i] -= FALLBACK_HANDICAP
        if problem.approximate and mesh.faces_viewer:
            priors[i] += FACING * facing[i]
    return priors


def _decide(setting: Setting, index: int, finalists: Sequence[Finalist]) -> Placement:
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
    if rivals:
        fit["margin"] = best.fit.score - max(f.fit.score for f in rivals)
    candidate_of = {row: candidate for candidate, row in setting.rows[index].items()}
    return Placement(
        id=problem.id,
        camera_from_object=_pose(best, surfaces),
        candidate=candidate_of[best.surface],
        fit={k: float(v) for k, v in fit.items() if np.isfinite(v)},
        ambiguous=ambiguous,
        alternatives=tuple(_pose(f, surfaces) for f in rivals if f.surface == best.surface),
    )


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
