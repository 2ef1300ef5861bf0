"""Poses from elsewhere: those to start from as well, and those that stay as they are."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..backends import Backend
from ..context import Context
from ..stretched import posed_mesh
from ..types import Meshes, Objects, Placement, Placements
from .problem import Problem


@dataclass(frozen=True, eq=False)
class Given:
    """Given placements by object id, all of them with a pose.

    Attributes:
        locked: to be kept as they are.
        starts: to start from; their candidate mesh is there.
    """

    locked: dict[int, Placement]
    starts: dict[int, Placement]


def sorted_out(
    given: Placements | None, objects: Objects, meshes: Meshes, backend: Backend, context: Context
) -> Given:
    """What of the given placements is of use; a warning names each kept object whose is not.

    A placement without a pose that is not locked is a failure of another run: it says nothing.
    """
    locked: dict[int, Placement] = {}
    starts: dict[int, Placement] = {}
    unused: list[str] = []
    for item in objects.kept:
        placement, entry = given.get(item.id) if given else None, meshes.get(item.id)
        name, count = f"{item.label} {item.id}", len(entry.candidates) if entry else 0
        if placement is None:
            continue
        if placement.camera_from_object is None:
            if placement.locked:
                context.warn(f"{name} is locked without a pose to keep; it is placed anew")
        elif placement.locked:
            locked[item.id] = placement
        elif not backend.info.takes_given:
            unused.append(name)
        elif 0 <= placement.candidate < count:
            starts[item.id] = placement
        elif count:
            context.warn(
                f"the given pose of {name} is for candidate mesh {placement.candidate}, but they "
                f"are counted from 0 and there are {count}; it is placed without"
            )
    if unused:
        context.warn(
            f"register backend {backend.info.name!r} does not start from given poses; those of "
            f"{', '.join(unused)} are left aside (hybrid takes them)"
        )
    return Given(locked, starts)


def with_fit(placement: Placement, problem: Problem | None) -> Placement:
    """The same placement with the fit that its pose has in the photo.

    "iou", "depth_residual", "visible" and "colour" are measured as ``hybrid`` measures its own;
    where that cannot be (no mesh, no mask) the fit stays what it was.
    """
    if problem is None or not 0 <= placement.candidate < len(problem.candidates):
        return placement
    try:
        fit = _fit(placement, problem)
    except Exception:  # the pose is to stay, whatever is wrong with its mesh
        return placement
    return replace(placement, fit={k: v for k, v in fit.items() if np.isfinite(v)})


def _fit(placement: Placement, problem: Problem) -> dict[str, float]:
    from .batch import unit_of
    from .sampling import surface_of
    from .scoring import fit_of
    from .setting import APPROXIMATE_TRUST

    pose, surface = (
        placement.camera_from_object,
        surface_of(posed_mesh(problem.candidates[placement.candidate], placement)),
    )
    assert pose is not None
    trust = APPROXIMATE_TRUST if problem.approximate else 1.0
    centre, size = pose.apply(surface.centre), pose.scale * surface.size
    fit = fit_of(problem, surface, pose.rotation, centre, size, unit_of(problem), trust)
    return {
        "iou": float(fit.iou),
        "depth_residual": float(fit.depth_residual),
        "visible": float(fit.visible),
        "colour": float(fit.colour),
    }
