"""The hypotheses of one object with one mesh: which rotations, sizes and places are tried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from ..frames import CAMERA_UP, Sim3
from ..types import Mesh
from . import hypotheses
from .batch import Poses, unit_of
from .hybrid_options import HybridOptions
from .judging import STANDING
from .problem import Problem
from .setting import Setting

START_SAMPLES = 256
CONTACT, APPROXIMATE_CONTACT = 0.1, 3.0
"""Weight of standing on the floor, where all observed points together weigh 1."""
CARRIED = 0.03
"""Likewise of standing on another object, which may itself be off."""
TILT, APPROXIMATE_TILT = 0.5, 3.0
"""Weight of standing upright."""

AGAINST = (0.3, 0.02)
"""An object may stand against a wall when its seen points come as near, likewise."""


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


def wall_of(problem: Problem, options: HybridOptions) -> np.ndarray:
    """(4,) the wall that the object stands against, zeros where there is none."""
    if options.wall_contact == "off" or not len(problem.walls):
        return np.zeros(4)
    apart = problem.points @ problem.walls[:, :3].T + problem.walls[:, 3]
    nearest = np.percentile(apart, 5, axis=0)
    wall = int(np.abs(nearest).argmin())
    near = AGAINST[0] * unit_of(problem) + AGAINST[1] * float(np.median(problem.points[:, 2]))
    if options.wall_contact == "auto" and abs(nearest[wall]) > near:
        return np.zeros(4)
    return problem.walls[wall]


def starts_of(
    setting: Setting, index: int, candidate: int, row: int, options: HybridOptions
) -> list[Poses]:
    """The hypotheses of one problem with one candidate mesh."""
    problem, batch = setting.problems[index], setting.batch
    mesh = problem.candidates[candidate]
    cloud = setting.samples[row, :START_SAMPLES]
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
        groups.append((hypotheses.all_rotations(options.hypotheses), 0.0))
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


def _contact(problem: Problem) -> float:
    if problem.approximate:
        return APPROXIMATE_CONTACT
    return CARRIED if problem.carried else CONTACT


def _tilt(problem: Problem) -> float:
    return APPROXIMATE_TILT if problem.approximate else TILT


def given_starts(
    setting: Setting, index: int, row: int, given: Sequence[Sim3], options: HybridOptions
) -> Poses:
    """Given poses of one problem, in its unit and for the normalised mesh."""
    problem, surface = setting.problems[index], setting.surfaces[row]
    unit, device = setting.batch.unit[index], setting.samples.device
    upright = problem.up is not None and stands_upright(setting.mesh(index, row), options)

    def tensor(array) -> torch.Tensor:
        return torch.from_numpy(np.asarray(array, np.float32)).to(device)

    contact = _contact(problem) if upright and standing(problem, options) else 0.0
    log_size = tensor(np.log([pose.scale * surface.size / unit for pose in given]))
    ones = torch.ones(len(given), dtype=torch.long, device=device)
    poses = Poses(
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
    return _onto_floor(setting, poses) if problem.carried and problem.approximate else poses


def _onto_floor(setting: Setting, poses: Poses) -> Poses:
    """Moves upright poses along the view rays until they stand on the floor, and holds them.

    Scaling size and place together about the camera leaves the picture as it is.
    """
    normal = setting.batch.floor[poses.problem]
    height = foot_height(setting, poses)
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


def foot_height(setting: Setting, poses: Poses) -> torch.Tensor:
    """(B,) height over the floor of the middle of the mesh's underside, in units."""
    floor = setting.batch.floor[poses.problem]
    foot = torch.zeros(len(poses), 1, 3, device=floor.device)
    foot[:, 0, 1] = setting.lowest[poses.surface]
    _, p = poses.apply(foot)
    return (p[:, 0] * floor[:, :3]).sum(1) + floor[:, 3]
