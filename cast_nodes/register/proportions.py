"""Placed meshes of wrong proportions: lengths along each axis of the mesh as the photo has them.

Only on request, for a stretch explains whatever else is off, too. It starts from a finished
placement, where every other unknown is near its place: Gauss and Newton's steps on rotation,
translation, three lengths and the point map's warp, on the evidence of the last round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from ..context import Context
from ..frames import Sim3
from ..types import Placement
from .batch import Poses
from .finals import PASSES, POLISH, PRECISION, decide, outlines, polished, rendered
from .hybrid_options import HybridOptions
from .outline import Outlined
from .problem import Problem
from .residuals import Evidence, Rows, add_warp
from .sampling import Surface, surface_of
from .setting import Setting, Surfaces, make_setting
from .starts import given_starts, wall_of

STEPS = 6
DAMPING = 1e-3
LARGEST = torch.tensor([0.1] * 6 + [0.06] * 3 + [0.03] * 3)
BETTER = 0.002
"""Score by which a stretched mesh must explain the photo better."""


@dataclass(frozen=True, eq=False)
class State:
    """One object while it is stretched.

    Attributes:
        surface: of its mesh as it was.
        logs: (3,) log factors along its axes, of mean 0.
        pose: of the mesh stretched by them.
    """

    problem: Problem
    placement: Placement
    surface: Surface
    logs: np.ndarray
    pose: Sim3

    @property
    def now(self) -> Surface:
        """The surface of the stretched mesh."""
        return self.surface.stretched(np.exp(self.logs))


def proportioned(
    problems: Sequence[Problem],
    placements: Sequence[Placement],
    options: HybridOptions,
    context: Context,
) -> list[Placement]:
    """Placements with the stretch that the photo asks for; the same where it asks for none.

    ``options.stretch`` bounds each axis's factor against their mean; half of it is the standard
    deviation that is expected.
    """
    states = {
        p.id: State(problem, p, surface_of(problem.candidates[p.candidate]), np.zeros(3), pose)
        for problem, p in zip(problems, placements, strict=True)
        if (pose := p.camera_from_object) is not None
    }
    if not states:
        return list(placements)
    device = torch.device(options.device)
    now = list(states.values())
    with torch.no_grad():
        for _ in range(STEPS):
            context.cancel.check()
            now = _step(now, options, device)
        found = {
            s.problem.id: p
            for s, p in zip(now, _decided(now, options, context, device), strict=True)
        }
    return [found.get(p.id, p) for p in placements]


def _setting(states: Sequence[State], options: HybridOptions, device: torch.device):
    """The states' problems with their stretched meshes, the evidence and their poses."""
    problems = [s.problem for s in states]
    rows = [{s.placement.candidate: i} for i, s in enumerate(states)]
    meshes = Surfaces([s.now for s in states], rows, [""] * len(states))
    walls = [wall_of(problem, options) for problem in problems]
    setting = make_setting(problems, meshes, walls, device)
    evidence = Evidence(setting.batch, setting.fields, setting.samples, setting.lowest)
    poses = Poses.joined(
        [given_starts(setting, i, i, [s.pose], options) for i, s in enumerate(states)]
    )
    return setting, evidence, poses


def _step(states: list[State], options: HybridOptions, device: torch.device) -> list[State]:
    """All of them one step further; what cannot be rendered stays."""
    setting, evidence, poses = _setting(states, options, device)
    seen = rendered(setting, poses)
    if not seen:
        return states
    poses = poses[torch.tensor([f.row for f in seen], device=device)]
    pairs = outlines(setting, seen, poses, PASSES[-1][1])
    rows = Outlined(evidence, pairs).rows(poses, POLISH)
    hessian, gradient = rows.normal(_jacobian(rows, poses))
    evidence.add_tilt(poses, hessian, gradient)
    add_warp(poses, hessian, gradient)
    logs = torch.tensor(
        np.stack([states[f.problem].logs for f in seen]), dtype=torch.float32, device=device
    )
    firm = 1 / (PRECISION * (options.stretch / 2) ** 2)
    apart = torch.eye(3, device=device) - 1 / 3
    hessian[:, 6:9, 6:9] += firm * apart
    gradient[:, 6:9] += firm * logs
    ridge = DAMPING * hessian.diagonal(dim1=1, dim2=2) + 1e-7
    step, _ = torch.linalg.solve_ex(hessian + torch.diag_embed(ridge), -gradient)
    limit = LARGEST.to(device)
    step = torch.nan_to_num(step, 0.0, 0.0, 0.0).clamp(-limit, limit)
    size = step[:, 6:9].mean(1, keepdim=True)
    moved = poses.moved(torch.cat([step[:, :6], size, step[:, 9:]], 1))
    logs = (logs + step[:, 6:9] - size).clamp(-options.stretch, options.stretch)
    out = list(states)
    for k, finalist in enumerate(seen):
        out[finalist.problem] = _moved(states[finalist.problem], setting, moved, logs, k)
    return out


def _jacobian(rows: Rows, poses: Poses) -> torch.Tensor:
    """(B, n, 12) by rotation, translation, the three log lengths, warp.

    A point at lever ``a`` moves by ``r_k (r_k . a)`` with the log length along axis ``r_k``; the
    three together are the ``a`` of the log size.
    """
    a, g = rows.lever, rows.gradient
    along = torch.bmm(g, poses.rotation) * torch.bmm(a, poses.rotation)
    return torch.cat([torch.linalg.cross(a, g), g, along, rows.nuisance], 2)


def _moved(state: State, setting: Setting, poses: Poses, logs: torch.Tensor, k: int) -> State:
    """A state with the k-th of the moved poses and log factors."""
    unit = float(setting.batch.unit[int(poses.problem[k])])
    logs_k = logs[k].double().cpu().numpy()
    stretched = replace(state, logs=logs_k - logs_k.mean())
    before, now = state.now, stretched.now
    # The diagonal changes with the stretch; lengths are the mesh's scale times the factors.
    scale = float(poses.log_size[k].double().exp()) * unit / before.size
    pose = now.object_pose(
        poses.rotation[k].double().cpu().numpy(),
        poses.translation[k].double().cpu().numpy() * unit,
        scale * now.size,
    )
    return replace(stretched, pose=pose)


def _decided(
    states: Sequence[State], options: HybridOptions, context: Context, device: torch.device
) -> list[Placement]:
    """The stretched placements that explain the photo better, the others as they were."""
    setting, evidence, poses = _setting(states, options, device)
    finalists = polished(setting, evidence, poses, context)
    out = []
    for i, state in enumerate(states):
        before, after = state.placement, decide(setting, evidence, i, finalists)
        if after.failure or after.fit["score"] < before.fit["score"] + BETTER:
            out.append(before)
            continue
        kept = {name: before.fit[name] for name in ("margin",) if name in before.fit}
        x, y, z = (float(f) for f in np.exp(state.logs))
        out.append(
            replace(
                after,
                stretch=(x, y, z),
                fit={**after.fit, **kept},
                ambiguous=before.ambiguous,
                alternatives=before.alternatives,
            )
        )
    return out
