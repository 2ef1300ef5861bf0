"""What users may set of ``differentiable``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..backends import Options, option


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
