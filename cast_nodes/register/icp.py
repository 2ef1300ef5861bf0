"""Register backend ``icp``: the established recipe, with Open3D.

FPFH features and sample consensus find where a mesh may stand; ICP, observed points onto the
mesh, refines each of several poses; the size is part of both. The rendered poses are compared
with the photo and the one that explains it best is kept. It knows points only: silhouettes
choose between poses, but do not pull. Needs a measured point map; guessed ones suit ``hybrid``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..backends import Backend, BackendInfo, Need
from ..context import Context
from ..types import Placement
from .icp_options import IcpOptions

if TYPE_CHECKING:
    from .problem import Problem


def run(problems: Sequence[Problem], options: IcpOptions, context: Context) -> list[Placement]:
    """One placement a problem, in order; one that cannot be solved has a ``failure``."""
    from ._icp_clouds import open3d, silenced
    from ._icp_solve import solve
    from .one_by_one import one_by_one

    o3d = open3d()
    if any(problem.approximate for problem in problems):
        context.warn(
            "register backend icp trusts the point map, which is a guess here; use hybrid, or a "
            "depth backend that measures"
        )

    def place(problem: Problem) -> Placement:
        with silenced(o3d):
            return solve(o3d, problem, options, context)

    return one_by_one(problems, place, context)


BACKEND = Backend(
    info=BackendInfo(
        name="icp",
        label="ICP (FPFH features, Open3D)",
        kind="local",
        summary="Feature matching and point-to-plane ICP with estimated size, chosen by z-buffer.",
        needs=(Need.package("open3d", "open3d"),),
    ),
    options=IcpOptions,
    run=run,
)
