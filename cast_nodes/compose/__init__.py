"""ComposeScene: posed meshes, the room behind them and the photo's camera become one scene.

A backend's ``run(inputs, options, context) -> Scene``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ..backends import Choice
from ..context import Context
from ..types import Geometry, Meshes, Objects, Placements, Scene, Views
from .edits import Edits, edited_placements, edits_text, unknown_objects
from .enclosure import world_pose


@dataclass(frozen=True, eq=False)
class ComposeInputs:
    """All that the stages before found, and what the user set.

    Attributes:
        edits: :func:`compose` makes locked placements of their poses, so that a backend finds them
            in ``placements``; their relations it finds here.
    """

    objects: Objects
    geometry: Geometry
    views: Views
    meshes: Meshes
    placements: Placements
    edits: Edits = field(default_factory=Edits)


def compose(inputs: ComposeInputs, choice: Choice, context: Context) -> Scene:
    """The scene. Objects without a mesh or a pose are named in its description with the reason.

    Raises:
        BackendNotReady: the backend lacks something.
        Cancelled: the run was stopped.
    """
    choice.require(context)
    scene = choice.backend.run(_edited(inputs, context), choice.options, context)
    return replace(scene, edits=edits_text(inputs.edits))


def _edited(inputs: ComposeInputs, context: Context) -> ComposeInputs:
    """With the edited poses as placements; what cannot be done is a warning and a note."""
    if not inputs.edits:
        return inputs
    labels = {item.id: item.label for item in inputs.objects.objects}
    dropped = frozenset(item.id for item in inputs.objects.objects if not item.keep)
    notes = unknown_objects(inputs.edits, labels, dropped)
    known = Edits({i: e for i, e in inputs.edits.objects.items() if i in labels})
    pose, _ = world_pose(inputs.geometry)
    placements, failed = edited_placements(inputs.placements, known, pose)
    notes += failed
    for note in notes:
        context.warn(note)
    return replace(
        inputs,
        placements=replace(placements, notes=(*placements.notes, *notes)),
        edits=known,
    )


__all__ = ["ComposeInputs", "Edits", "compose"]
