"""What users may set of ``icp``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..backends import Options, option


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
