"""The rounds of ``hybrid``: hypotheses in, one placement an object out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch

from ..context import Context
from ..frames import Sim3
from ..types import Placement
from .batch import Poses
from .choose import distinct
from .finals import decide, polished
from .hybrid_options import HybridOptions
from .priors import priors_of
from .problem import Problem
from .residuals import Effort, Evidence
from .scoring import Pictures, snapped, splat, splat_scores
from .setting import Setting, make_setting, surfaces_of
from .solver import solve
from .starts import given_starts, starts_of, wall_of

ROUNDS = (
    Effort(points=192, samples=256, contour=40, kernel=0.2, iterations=8),
    Effort(points=500, samples=768, contour=80, kernel=0.12, iterations=10),
    Effort(points=1500, samples=2048, contour=160, kernel=0.08, iterations=12),
)
KEPT = (8, 4)
"""Hypotheses of an object that enter the second and third round."""
FEW_SPLATS = 4096
FAR, NEAR = 1.0, 0.15
"""How far, as log, poses are moved along their rays to the observed depth: at the start, later."""
AT_LEAST = 3
"""Problems that are worth a thread."""

Starts = Callable[[Setting, int], "list[Poses]"]


def register_batch(
    problems: Sequence[Problem], options: HybridOptions, context: Context
) -> list[Placement]:
    """Solves some problems together; those without a usable mesh fail with the reason.

    Poses that a problem was given enter the last round beside what the search found.
    """

    def starts(setting: Setting, index: int) -> list[Poses]:
        return [
            poses
            for candidate, row in setting.rows[index].items()
            for poses in starts_of(setting, index, candidate, row, options)
        ]

    def extra(setting: Setting, index: int) -> list[Poses]:
        problem = setting.problems[index]
        row = setting.rows[index].get(problem.given_candidate)
        if row is None or not problem.given:
            return []
        return [given_starts(setting, index, row, problem.given, options)]

    return _each(problems, options, context, starts, extra)


def refine(
    problems: Sequence[Problem],
    given: Sequence[Sequence[Sim3]],
    options: HybridOptions,
    context: Context,
) -> list[Placement]:
    """Refines poses from elsewhere alone, of each problem's ``given_candidate`` if that is usable,
    else of the first that is.

    Args:
        given: for each problem its ``T_camera_from_object`` to start from, at least one.
    """
    known = [
        replace(problem, given=tuple(poses)) for problem, poses in zip(problems, given, strict=True)
    ]

    def extra(setting: Setting, index: int) -> list[Poses]:
        problem, rows = setting.problems[index], setting.rows[index]
        row = rows.get(problem.given_candidate, next(iter(rows.values())))
        return [given_starts(setting, index, row, problem.given, options)]

    return _each(known, options, context, lambda setting, index: [], extra)


def _each(
    problems: Sequence[Problem],
    options: HybridOptions,
    context: Context,
    starts: Starts,
    extra: Starts,
) -> list[Placement]:
    """A placement a problem: failures for those without a mesh, the others solved together."""
    meshes = surfaces_of(problems)
    placements: dict[int, Placement] = {
        i: Placement(problems[i].id, None, failure=meshes.reasons[i])
        for i in range(len(problems))
        if not meshes.rows[i]
    }
    solvable = [i for i, rows in enumerate(meshes.rows) if rows]
    if not solvable:
        return [placements[i] for i in range(len(problems))]

    def solve_part(part: list[int]) -> list[Placement]:
        chosen = replace(meshes, rows=[meshes.rows[i] for i in part])
        device = torch.device(options.device)
        mine = [problems[i] for i in part]
        walls = [wall_of(problem, options) for problem in mine]
        setting = make_setting(mine, chosen, walls, device)
        with torch.no_grad():
            return _rounds(setting, starts, extra, context)

    # A GPU takes all at once; a CPU's cores take a share each, since the tensors are small.
    threads = (os.cpu_count() or 1) if options.device == "cpu" else 1
    count = max(1, min(threads, context.workers, len(solvable) // AT_LEAST))
    parts = [solvable[k::count] for k in range(count)]
    with calm_threads(), ThreadPoolExecutor(count) as pool:
        for part, solved in zip(parts, pool.map(solve_part, parts), strict=True):
            placements |= dict(zip(part, solved, strict=True))
    return [placements[i] for i in range(len(problems))]


@contextmanager
def calm_threads() -> Iterator[None]:
    """Lets each of torch's operations use one core for a while.

    The tensors are small: on a busy machine more threads mostly wait for each other (measured:
    thirty times slower with as many threads as cores and another process beside).
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _rounds(setting: Setting, starts: Starts, extra: Starts, context: Context) -> list[Placement]:
    """The rounds over some problems, and the decisions."""
    batch, samples, count = setting.batch, setting.samples, len(setting.problems)
    evidence = Evidence(batch, setting.fields, samples, setting.lowest)
    last = [poses for index in range(count) for poses in extra(setting, index)]
    first = [poses for index in range(count) for poses in starts(setting, index)]
    if first:
        last.append(_searched(setting, evidence, Poses.joined(first), context))
    poses = Poses.joined(last)
    poses, _ = solve(evidence, poses, ROUNDS[2])
    context.cancel.check()
    finalists = polished(setting, evidence, poses, context)
    return [decide(setting, evidence, index, finalists) for index in range(count)]


def _searched(setting: Setting, evidence: Evidence, poses: Poses, context: Context) -> Poses:
    """The hypotheses that survive the first two rounds."""
    batch, samples, count = setting.batch, setting.samples, len(setting.problems)
    pictures = Pictures.of(setting.problems, batch, samples.device)
    poses = snapped(batch, poses, splat(batch, samples, poses), pictures, FAR)
    poses, _ = solve(evidence, poses, ROUNDS[0])
    context.cancel.check()
    poses = snapped(batch, poses, splat(batch, samples, poses), pictures, NEAR)
    few = setting.splats[:, :FEW_SPLATS]
    poses = _keep(poses, -_coarse_scores(setting, pictures, poses, few), KEPT[0], count, True)
    poses, _ = solve(evidence, poses, ROUNDS[1])
    context.cancel.check()
    poses = snapped(batch, poses, splat(batch, samples, poses), pictures, NEAR)
    score = _coarse_scores(setting, pictures, poses, setting.splats)
    kept = _keep(poses, -score, KEPT[1], count, False)
    return Poses.joined([kept, *_turned(setting, kept), *_fallbacks(setting, poses, kept, score)])


def _fallbacks(setting: Setting, poses: Poses, kept: Poses, score: np.ndarray) -> list[Poses]:
    """The best pose of each fallback mesh that was not kept.

    Coarse pictures flatter models; whether a fallback is the better explanation is for exact ones.
    """
    there = {(int(p), int(s)) for p, s in zip(kept.problem, kept.surface, strict=True)}
    best: dict[tuple[int, int], int] = {}
    for i in range(len(poses)):
        place = int(poses.problem[i]), int(poses.surface[i])
        if place in there or not setting.is_fallback(*place):
            continue
        if place not in best or score[i] > score[best[place]]:
            best[place] = i
    rows = torch.tensor(sorted(best.values()), dtype=torch.long, device=poses.log_size.device)
    return [poses[rows]] if len(rows) else []


def _coarse_scores(
    setting: Setting, pictures: Pictures, poses: Poses, splats: torch.Tensor
) -> np.ndarray:
    seen = splat(setting.batch, splats, poses)
    scores = splat_scores(setting.batch, pictures, seen, poses)
    return scores.cpu().numpy() + priors_of(setting, poses)


def _keep(poses: Poses, cost: np.ndarray, count: int, problems: int, every: bool) -> Poses:
    index = distinct(poses, cost, count, problems, every)
    return poses[torch.from_numpy(index).to(poses.log_size.device)]


def _turned(setting: Setting, poses: Poses) -> list[Poses]:
    """What is rarely seen from behind but ended so, turned about its own vertical axis.

    Front and back have the same outline more often than any two other views.
    """
    behind = [
        i
        for i in range(len(poses))
        if setting.mesh(int(poses.problem[i]), int(poses.surface[i])).faces_viewer
        and float(poses.rotation[i, :, 2] @ poses.translation[i]) > 0
    ]
    if not behind:
        return []
    chosen = poses[torch.tensor(behind, device=poses.log_size.device)]
    half_turn = torch.diag(torch.tensor([-1.0, 1.0, -1.0])).to(chosen.rotation)
    return [replace(chosen, rotation=chosen.rotation @ half_turn)]
