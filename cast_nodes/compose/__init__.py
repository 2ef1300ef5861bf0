"""ComposeScene: posed meshes, the room behind them and the photo's camera become one scene.

A backend's ``run(inputs, options, context) -> Scene``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ..backends import Choice
from ..context import Context
from ..frames import Sim3
from ..types import Geometry, Meshes, Objects, Placements, Scene, Views
from .edits import Edits, edited_placements, edits_text, unknown_objects


@dataclass(frozen=True, eq=False)
class ComposeInputs:
    """All that the stages before found, and what the user set.

    Attributes:
        edits: a backend takes them in with :func:`with_edits` as soon as it knows the world.
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
    scene = choice.backend.run(inputs, choice.options, context)
    return replace(scene, edits=edits_text(inputs.edits))


def with_edits(inputs: ComposeInputs, world_from_camera: Sim3, context: Context) -> ComposeInputs:
    """With the edited poses as locked placements; what cannot be done is a warning and a note.

    Args:
        world_from_camera: of the world that the scene will have.
    """
    if not inputs.edits:
        return inputs
    labels = {item.id: item.label for item in inputs.objects.objects}
    dropped = frozenset(item.id for item in inputs.objects.objects if not item.keep)
    notes = unknown_objects(inputs.edits, labels, dropped)
    known = Edits({i: e for i, e in inputs.edits.objects.items() if i in labels})
    placements, failed = edited_placements(inputs.placements, known, world_from_camera)
    notes += failed
    for note in notes:
        context.warn(note)
    return replace(
        inputs,
        placements=replace(placements, notes=(*placements.notes, *notes)),
        edits=known,
    )


__all__ = ["ComposeInputs", "Edits", "compose", "with_edits"]
