"""Register backend ``icp``: the established recipe, with Open3D.

FPFH features and sample consensus find where a mesh may stand; ICP, observed points onto the
mesh, refines each of several poses; the size is part of both. The rendered poses are compared
with the photo and the one that explains it best is kept. It knows points only: silhouettes
choose between poses, but do not pull. Needs a measured point map; guessed ones suit ``hybrid``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ..backends import Backend, BackendInfo, Need, Options, option
from ..context import Context
from ..errors import BackendNotReady, BadInput, Cancelled, CastError
from ..types import Placement

if TYPE_CHECKING:
    from .problem import Problem


@dataclass(frozen=True)
class IcpOptions(Options):
    upright: Literal["auto", "on", "off"] = option(
        "auto",
        "Keep each mesh's y axis along gravity. auto: when gravity is known and the mesh is upright by nature",
    )
    starts: int = option(
        12, "Poses per object and candidate mesh that features may propose", low=1, high=64, step=1
    )
    voxel: float = option(
        0.05, "Grid of the features, share of the object's size", low=0.02, high=0.15, step=0.005
    )
    reach: float = option(
        0.03,
        "Farthest a point may lie from the mesh in the last round, share of the mesh's diagonal",
        low=0.005,
        high=0.2,
        step=0.005,
    )
    min_fitness: float = option(
        0.1, "Share of the points that must end up that close", low=0.0, high=1.0, step=0.05
    )


def run(problems: Sequence[Problem], options: IcpOptions, context: Context) -> list[Placement]:
    """One placement a problem, in order; one that cannot be solved has a ``failure``."""
    from ._icp_clouds import open3d, silenced
    from ._icp_solve import solve

    o3d = open3d()
    if any(problem.approximate for problem in problems):
        context.warn(
            "register backend icp trusts the point map, which is a guess here; use hybrid, or a "
            "depth backend that measures"
        )
    placements = []
    for problem in problems:
        context.cancel.check()
        try:
            with silenced(o3d):
                placements.append(solve(o3d, problem, options, context))
        except (Cancelled, BackendNotReady, BadInput):
            raise
        except CastError as error:
            placements.append(Placement(problem.id, None, failure=str(error)))
        except Exception as error:  # one object's surprise must not end the others
            why = f"{problem.label} {problem.id}: {type(error).__name__}: {error}"
            placements.append(Placement(problem.id, None, failure=why))
    return placements


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
