"""Register backend ``hybrid``: many hypotheses, refined together, chosen by z-buffer.

Hypotheses over yaw (or all rotations) and size start where mask and points put them; batched
Levenberg-Marquardt refines them in three rounds, 48 -> 8 -> 4; the finalists are rendered and
the one that explains the photo best wins. Where the geometry is only approximate the masks,
gravity and floor contact decide, and the points set no more than the rough distance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..backends import Backend, BackendInfo
from ..context import Context
from ..errors import BadInput, Cancelled, CastError
from ..types import Placement
from .hybrid_options import HybridOptions

if TYPE_CHECKING:
    from .problem import Problem


def run(problems: Sequence[Problem], options: HybridOptions, context: Context) -> list[Placement]:
    """One placement a problem, in order; one that cannot be solved has a ``failure``."""
    from .cascade import register_batch

    if options.device == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise BadInput("register option device is cuda, but torch sees no GPU; choose cpu")
    try:
        return register_batch(problems, options, context)
    except (Cancelled, CastError):
        raise
    except Exception:  # one object's surprise must not end the others: try each alone
        return [_alone(problem, options, context) for problem in problems]


def _alone(problem: Problem, options: HybridOptions, context: Context) -> Placement:
    from .cascade import register_batch

    try:
        return register_batch([problem], options, context)[0]
    except (Cancelled, CastError):
        raise
    except Exception as error:
        name = f"{problem.label} {problem.id}"
        return Placement(problem.id, None, failure=f"{name}: {type(error).__name__}: {error}")


WORSE = 0.03
"""How much less of the outline a pose may explain that stands where the first one did not."""


def rest(
    problems: Sequence[Problem],
    placements: Sequence[Placement],
    options: HybridOptions,
    context: Context,
) -> list[Placement]:
    """Placements with the contact of ``problems``; the same ones where the photo speaks against it."""
    from .cascade import refine

    if options.floor_contact == "off" or not problems:
        return list(placements)
    found = refine(problems, [p.given for p in problems], options, context)
    return [_held(*pair) for pair in zip(placements, found, strict=True)]


def _held(free: Placement, standing: Placement) -> Placement:
    """The standing one of two placements of an object, unless it explains the photo much worse."""
    if standing.failure or standing.fit["iou"] < free.fit["iou"] - WORSE:
        return free
    return replace(standing, ambiguous=free.ambiguous and standing.ambiguous)


BACKEND = Backend(
    info=BackendInfo(
        name="hybrid",
        label="Hybrid (points, silhouette, gravity)",
        kind="embedded",
        summary="Batched multi-hypothesis registration on points and silhouettes, chosen by z-buffer.",
        version=6,
        takes_given=True,
    ),
    options=HybridOptions,
    run=run,
    rest=rest,
    default=True,
)
