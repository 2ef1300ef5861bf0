"""Register backend ``differentiable``: descent through a differentiable renderer.

The pose models and the loss are 3D-RE-GEN's (arXiv 2512.17459): what stands on the floor moves on
it and turns (4 DoF), everything else moves freely and turns about the vertical (5 DoF, about the
camera's up where gravity is unknown). Both take a mesh to be upright by nature; one that lies or
leans needs ``hybrid``. It is the slow, independent check on ``hybrid``: no
correspondences and no linearisation, only pictures and their derivatives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ..backends import Backend, BackendInfo, Need, Options, option
from ..context import Context
from ..errors import BackendNotReady, Cancelled
from ..types import Placement
from ._diff_ready import (
    INSTALL_MITSUBA,
    LLVM_MEND,
    Renderer,
    can_compile,
    can_render,
    pick_renderer,
)

if TYPE_CHECKING:
    from .problem import Problem


@dataclass(frozen=True)
class DifferentiableOptions(Options):
    renderer: Literal["auto", "mitsuba", "pytorch3d"] = option(
        "auto", "What draws the silhouettes. auto: mitsuba where it can run, else pytorch3d"
    )
    steps: int = option(300, "At most so many steps of descent from each start", low=1, high=5000)
    starts: int = option(2, "How many of the eight yaws are followed to the end", low=1, high=8)
    rate: float = option(
        0.005, "Step size of Adam, in object sizes and radians", low=1e-5, high=0.1, step=0.001
    )
    device: Literal["cpu", "cuda"] = option("cpu", "Where to compute")


def run(
    problems: Sequence[Problem], options: DifferentiableOptions, context: Context
) -> list[Placement]:
    """One placement a problem, in order; one that cannot be solved has a ``failure``.

    Raises:
        BackendNotReady: the chosen renderer, or what it needs, is missing.
        Cancelled: the run was stopped.
    """
    renderer = pick_renderer(options.renderer, options.device)
    if any(problem.up is None for problem in problems):
        context.warn(
            "gravity is not known, so register backend 'differentiable' turns objects about the "
            "camera's up direction; a Depth backend that finds the floor does better"
        )
    return [_alone(problem, options, renderer, context) for problem in problems]


def _alone(
    problem: Problem,
    options: DifferentiableOptions,
    renderer: Renderer,
    context: Context,
) -> Placement:
    """One object; its surprise is its own failure and ends no other."""
    from ._diff_solve import place

    try:
        return place(problem, options, renderer, context)
    except (Cancelled, BackendNotReady):
        raise
    except Exception as error:
        name = f"{problem.label} {problem.id}"
        return Placement(problem.id, None, failure=f"{name}: {type(error).__name__}: {error}")


BACKEND = Backend(
    info=BackendInfo(
        name="differentiable",
        label="Differentiable rendering (planar 4-DoF, free 5-DoF)",
        kind="local",
        summary="Gradient descent on rendered silhouettes and points, after 3D-RE-GEN; slow.",
        needs=(
            Need("package mitsuba (or pytorch3d)", lambda context: can_render(), INSTALL_MITSUBA),
            Need("libLLVM, which mitsuba compiles with", lambda context: can_compile(), LLVM_MEND),
        ),
    ),
    options=DifferentiableOptions,
    run=run,
)
