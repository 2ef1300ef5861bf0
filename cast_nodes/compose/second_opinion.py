"""The room's composition with a second opinion on its relations, shared by the backends that differ
in whom they ask."""

from __future__ import annotations

from dataclasses import dataclass

from ..backends import option
from ..context import Context
from ..relations.by_looking import relations_by_looking
from ..relations.graph import Relations
from ..services.vision_chat import Vision
from ..types import Objects, Scene
from . import ComposeInputs
from .room import RoomOptions, compose_room


@dataclass(frozen=True)
class LookingRoomOptions(RoomOptions):
    """What these backends have in common. Their own options come after these."""

    samples: int = option(5, "ask so many times; what more than half say counts", low=1, high=15)
    retry: int = option(
        0, "raise it to ask anew (what costs is paid for again)", low=0, high=10_000
    )


def compose_with(
    inputs: ComposeInputs,
    options: LookingRoomOptions,
    vision: Vision,
    source: str,
    context: Context,
) -> Scene:
    """The scene of the backend ``room``, its relations merged with what a model says.

    Without an answer the scene is that of ``room``, and a note says why.

    Args:
        source: who is asked, as it is told in the scene.
    """

    def asked(objects: Objects) -> Relations:
        return relations_by_looking(
            objects, options.samples, vision, source, context, options.retry
        )

    return compose_room(inputs, options, context, asked)
