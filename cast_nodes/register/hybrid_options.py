"""What users may set of ``hybrid``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..backends import Options, option

Switch = Literal["auto", "on", "off"]


@dataclass(frozen=True)
class HybridOptions(Options):
    upright: Switch = option(
        "auto",
        "Keep each mesh's y axis along gravity. auto: when gravity is known and the mesh is upright by nature",
    )
    floor_contact: Switch = option(
        "auto", "Stand objects on the floor. auto: those whose lowest points are near it"
    )
    hypotheses: int = option(
        48, "Start poses per object and candidate mesh", low=8, high=512, step=8
    )
    device: Literal["cpu", "cuda"] = option("cpu", "Where to compute")
    wall_contact: Switch = option(
        "off",
        "Push objects against the wall beside them. auto: those whose seen points are near it",
    )
    stretch: float = option(
        0.0,
        "How much an object may be longer or shorter along each axis of its mesh than the mesh is, for meshes of wrong proportions; 0 keeps proportions",
        low=0.0,
        high=0.5,
        step=0.05,
    )
