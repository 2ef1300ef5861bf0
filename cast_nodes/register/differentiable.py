"""Register backend ``differentiable``: descent through a differentiable renderer.

The pose models and the loss are 3D-RE-GEN's (arXiv 2512.17459): what stands on the floor moves on
it and turns (4 DoF), everything else moves freely and turns about the vertical (5 DoF, about the
camera's up where gravity is unknown). Both take a mesh to be upright by nature; one that lies or
leans needs ``hybrid``. It is the slow, independent check on ``hybrid``: no
correspondences and no linearisation, only pictures and their derivatives.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..backends import Backend, BackendInfo, Need
from ..context import Context
from ..types import Placement
from ._diff_ready import (
    INSTALL_MITSUBA,
    LLVM_MEND,
    can_compile,
    can_render,
    pick_renderer,
)
from .differentiable_options import DifferentiableOptions

if TYPE_CHECKING:
    from .problem import Problem


def run(
    problems: Sequence[Problem], options: DifferentiableOptions, context: Context
) -> list[Placement]:
    """One placement a problem, in order; one that cannot be solved has a ``failure``.

    Raises:
        BackendNotReady: the chosen renderer, or what it needs, is missing.
        Cancelled: the run was stopped.
    """
    from ._diff_solve import place
    from .one_by_one import one_by_one

    renderer = pick_renderer(options.renderer, options.device)
    if any(problem.up is None for problem in problems):
        context.warn(
            "gravity is not known, so register backend 'differentiable' turns objects about the "
            "camera's up direction; a Depth backend that finds the floor does better"
        )
    return one_by_one(problems, lambda one: place(one, options, renderer, context), context)


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
