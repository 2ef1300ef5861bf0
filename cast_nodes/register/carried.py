"""What stands on what, among placed objects, and the plane that each stands on.

The first solve knows one contact only, the floor's. Once everything is placed, the top of a table
is as good a floor to what stands on it: its plane takes the floor's place in that object's problem.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..errors import CastError
from ..frames import Sim3
from ..raster import rasterize
from ..stretched import posed_mesh
from ..types import Placement
from .judging import STANDING
from .problem import Problem
from .sampling import Surface, surface_of

FOOT = 0.06
"""The lowest part of an object that is its foot, share of its size."""
REACH = (0.15, 0.02)
"""A surface carries an object when it is no farther from its foot than this share of its size plus
this share of its distance."""
LOWEST = 0.06
"""The lower end of a mask, share of its height."""
UNDERNEATH = 0.5
"""Share of that end at which a level surface must be seen, to carry what is seen above it."""
LEVEL = 0.85
"""Least cosine to gravity of a surface that carries."""
COVERED = 0.3
"""Share of an object's foot that must lie over what carries it."""
FINEST = 400
"""Cells of a body's samples: an area of one cell holds a sample or more."""
LEVELS = 3
"""How high things may be piled."""
MOST_PULLED = 0.06
"""A contact moves an object by at most this share of its measured distance: depth maps bend by a few
per cent, so what wants to go farther stands on something else."""

Again = Callable[[list[Problem], list[Placement]], "list[Placement]"]


@dataclass(frozen=True, eq=False)
class Posed:
    """Samples of a placed mesh.

    Attributes:
        points: (n, 3) camera frame.
        height: (n,) along gravity's up, from the camera.
        across: (n, 2) in two level directions.
        level: (n,) bool, whether the surface is level there.
        size: diagonal of its box, camera units.
        surface, pose: the mesh and its pose.
    """

    points: np.ndarray
    height: np.ndarray
    across: np.ndarray
    level: np.ndarray
    size: float
    surface: Surface
    pose: Sim3


def posed(problem: Problem, placement: Placement, up: np.ndarray) -> Posed | None:
    """The samples of a placement; None where there is no pose or no mesh to sample."""
    pose = placement.camera_from_object
    if pose is None or not 0 <= placement.candidate < len(problem.candidates):
        return None
    try:
        surface = surface_of(posed_mesh(problem.candidates[placement.candidate], placement))
    except CastError:
        return None
    points = pose.apply(surface.spread.astype(np.float64) * surface.size + surface.centre)
    normals = pose.rotate(surface.spread_normals)
    level = np.linalg.svd(up[None])[2][1:]
    return Posed(
        points,
        points @ up,
        points @ level.T,
        np.abs(normals @ up) > LEVEL,
        pose.scale * surface.size,
        surface,
        pose,
    )


def carrier(body: Posed, others: Mapping[int, Posed]) -> tuple[int, float] | None:
    """Which of the others an object stands on: its id and the height of its top there.

    Of several the one whose surface is nearest to the object's foot.
    """
    bottom = float(body.height.min())
    reach = REACH[0] * body.size + REACH[1] * float(np.linalg.norm(body.points.mean(0)))
    foot = body.across[body.height <= bottom + FOOT * body.size]
    found: list[tuple[float, int, float]] = []
    for other_id, other in others.items():
        near = other.level & (np.abs(other.height - bottom) <= reach)
        near &= ((other.across >= foot.min(0)) & (other.across <= foot.max(0))).all(1)
        if not near.any():
            continue
        # Cells as coarse as the other's samples lie apart, or holes in the sampling become holes.
        pitch = max(other.size / np.sqrt(FINEST), 1e-12)
        cells = _cells(foot, pitch)
        covered = np.isin(cells, _cells(other.across[near], pitch)).mean()
        if covered < COVERED:
            continue
        top = float(np.quantile(other.height[near], 0.9))
        found.append((abs(top - bottom), other_id, top))
    if not found:
        return None
    _, other_id, top = min(found)
    return other_id, top


def _cells(across: np.ndarray, pitch: float) -> np.ndarray:
    """One number a cell of (n, 2) places."""
    cell = np.floor(across / pitch).astype(np.int64)
    return cell[:, 0] + (cell[:, 1] << 24)


def seen_under(problem: Problem, other: Posed, up: np.ndarray) -> float | None:
    """The height of a level surface of another object where the picture shows an object's lower end.

    It asks nothing of the object's own distance, so it serves where that is a guess.
    """
    rows, columns = np.nonzero(problem.mask)
    end = rows >= rows.max() - LOWEST * (np.ptp(rows) + 1)
    rows, columns = rows[end], columns[end]
    height, width = problem.mask.shape
    vertices = other.pose.apply(other.surface.vertices * other.surface.size + other.surface.centre)
    near = 1e-3 * other.size
    seen = rasterize(vertices, other.surface.faces, problem.intrinsics, width, height, near)
    there = seen.mask[rows, columns]
    rows, columns = rows[there], columns[there]
    if not len(rows):
        return None
    corners = vertices[other.surface.faces[seen.face[rows, columns]]]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(normal, axis=1)
    level = np.abs(normal @ up) > LEVEL * np.maximum(length, 1e-30)
    if level.sum() < UNDERNEATH * end.sum():
        return None
    return float(np.median(corners[level].mean(1) @ up))


def on_floor(problem: Problem, body: Posed) -> bool:
    """Whether an object that was placed on the floor stands there for all that is known."""
    if problem.floor is None:
        return False
    if problem.approximate and not np.isfinite(problem.base):
        return False  # where its end is not seen, a guessed distance is no witness
    bottom = float(body.height.min()) + float(problem.floor[3])
    distance = float(np.linalg.norm(body.points.mean(0)))
    return bottom < STANDING[0] * body.size + STANDING[1] * distance


def rested(
    problems: Mapping[int, Problem],
    placements: Mapping[int, Placement],
    again: Again,
    fixed: Collection[int] = (),
) -> dict[int, Placement]:
    """The placements of what stands on other objects, found anew with that contact.

    Args:
        problems: of all placed objects.
        placements: of the same ids, as found without.
        again: makes better placements of some problems, whose ``floor`` is the plane that they
            stand on and whose ``given`` poses are those found before, from these problems and their
            placements so far.
        fixed: ids of those that stay where they are; they may carry others.

    Returns:
        Those that were found anew; what carries something is settled before what it carries.
    """
    ups = [p.up for p in problems.values() if p.up is not None]
    if not ups:
        return {}
    up = np.asarray(ups[0], np.float64)
    now = dict(placements)
    bodies = {i: body for i in problems if (body := posed(problems[i], now[i], up)) is not None}
    anew: dict[int, Placement] = {}
    stood: dict[int, tuple[int, Placement]] = {}  # on which placement of what, the last time
    for _ in range(LEVELS):
        by = _carriers(problems, bodies, up)
        due = {i: k for i, k in by.items() if i not in fixed and stood.get(i) != (k, now[k])}
        standing: list[Problem] = []
        for i, k in due.items():
            top = None if k in due else _top(problems[i], bodies[i], bodies[k], up)
            if top is not None:
                standing.append(_standing(problems[i], now[i], up, top))
        if not standing:
            break
        for placement in again(standing, [now[p.id] for p in standing]):
            i = placement.id
            stood[i] = due[i], now[due[i]]
            body = posed(problems[i], placement, up)
            if body is None or carrier(body, {due[i]: bodies[due[i]]}) is None:
                continue  # from there it would fall
            if not problems[i].approximate and _pulled(problems[i], body, up, placements[i]):
                continue
            anew[i], bodies[i] = placement, body
        now |= anew
    return anew


def _pulled(problem: Problem, body: Posed, up: np.ndarray, measured: Placement) -> bool:
    """Whether an object was brought farther along its view ray than a depth map errs."""
    before = posed(problem, measured, up)
    if before is None:
        return False
    ratio = np.linalg.norm(body.points.mean(0)) / np.linalg.norm(before.points.mean(0))
    return bool(abs(np.log(ratio)) > MOST_PULLED)


def _carriers(
    problems: Mapping[int, Problem], bodies: Mapping[int, Posed], up: np.ndarray
) -> dict[int, int]:
    """What carries each object that stands on no floor, by id."""
    out: dict[int, int] = {}
    for i, body in bodies.items():
        problem = problems[i]
        if not problem.candidates[0].upright or on_floor(problem, body):
            continue
        # A thing is carried by what reaches lower than itself.
        bottom = body.height.min() + REACH[0] * body.size
        below = {k: b for k, b in bodies.items() if k != i and b.height.min() < bottom}
        if problem.approximate:
            seen = {k: seen_under(problem, b, up) for k, b in below.items()}
            tops = {k: top for k, top in seen.items() if top is not None}
            if tops:
                out[i] = max(tops, key=lambda k: tops[k])
                continue
        found = carrier(body, below)
        if found is not None:
            out[i] = found[0]
    return _without_rings(out)


def _without_rings(by: dict[int, int]) -> dict[int, int]:
    """Things cannot carry each other: such are left to stand where they stood."""

    def ends(i: int) -> bool:
        seen = set()
        while i in by:
            if i in seen:
                return False
            seen.add(i)
            i = by[i]
        return True

    return {i: k for i, k in by.items() if ends(i)}


def _top(problem: Problem, body: Posed, other: Posed, up: np.ndarray) -> float | None:
    """The height at which an object stands on another one."""
    seen = seen_under(problem, other, up) if problem.approximate else None
    if seen is not None:
        return seen
    found = carrier(body, {problem.id: other})
    return None if found is None else found[1]


def _standing(problem: Problem, placement: Placement, up: np.ndarray, top: float) -> Problem:
    """The problem of an object on a level plane of that height, starting from its placement."""
    assert placement.camera_from_object is not None
    return replace(
        problem,
        floor=np.array([*up, -top]),
        base=0.0,
        carried=True,
        given=(placement.camera_from_object, *placement.alternatives),
        given_candidate=placement.candidate,
    )
