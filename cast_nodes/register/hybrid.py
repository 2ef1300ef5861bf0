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
from ..errors import BackendNotReady, BadInput, Cancelled
from ..types import Placement
from .hybrid_options import HybridOptions

if TYPE_CHECKING:
    from .problem import Problem


def run(problems: Sequence[Problem], options: HybridOptions, context: Context) -> list[Placement]:
    """One placement a problem, in order; one that cannot be solved has a ``failure``."""
    from .one_by_one import one_by_one

    if options.device == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise BadInput("register option device is cuda, but torch sees no GPU; choose cpu")
    try:
        return _placed(problems, options, context)
    except (Cancelled, BackendNotReady, BadInput):
        raise
    except Exception:  # one object's surprise must not end the others: try each alone
        return one_by_one(problems, lambda one: _placed([one], options, context)[0], context)


def _placed(
    problems: Sequence[Problem], options: HybridOptions, context: Context
) -> list[Placement]:
    from .cascade import register_batch

    return _proportioned(problems, register_batch(problems, options, context), options, context)


def _proportioned(
    problems: Sequence[Problem],
    placements: list[Placement],
    options: HybridOptions,
    context: Context,
) -> list[Placement]:
    """The placements, stretched where that is asked for."""
    from .proportions import proportioned

    if not options.stretch:
        return placements
    return proportioned(problems, placements, options, context)


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
    found = _proportioned(problems, found, options, context)
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
