"""ComposeScene: posed meshes, the room behind them and the photo's camera become one scene.

A backend's ``run(inputs, options, context) -> Scene``.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..backends import Choice
from ..context import Context
from ..types import Geometry, Meshes, Objects, Placements, Scene, Views


@dataclass(frozen=True, eq=False)
class ComposeInputs:
    """All that the stages before found."""

    objects: Objects
    geometry: Geometry
    views: Views
    meshes: Meshes
    placements: Placements


def compose(inputs: ComposeInputs, choice: Choice, context: Context) -> Scene:
    """The scene. Objects without a mesh or a pose are named in its description with the reason.

    Raises:
        BackendNotReady: the backend lacks something.
        Cancelled: the run was stopped.
    """
    choice.backend.require(context)
    return choice.backend.run(inputs, choice.options, context)


__all__ = ["ComposeInputs", "compose"]
