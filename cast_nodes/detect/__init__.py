"""Detect: the objects of a photo, each with its label, box, mask and hidden share.

A backend's ``run(inputs: DetectInputs, options, context) -> Objects``. Backends ask the store
themselves: each knows what its result depends on (files of masks, a fetched model).
"""

from __future__ import annotations

from dataclasses import dataclass

from ..backends import Choice
from ..context import Context
from ..types import Objects, Photo, SceneObject
from .occlusion import with_occlusion

NOTHING_FOUND = (
    "no object was found in the photo; give boxes or masks of your own "
    "(Detect 'boxes' or 'masks') or lower the detector's threshold"
)


@dataclass(frozen=True, eq=False)
class DetectInputs:
    """What Detect looks at.

    Attributes:
        photo: the picture.
        given: the user's own objects, with boxes (``boxes``) or masks (``masks``).
    """

    photo: Photo
    given: tuple[SceneObject, ...] = ()


def detect(inputs: DetectInputs, choice: Choice, context: Context) -> Objects:
    """Finds the photo's objects; no object is a legal answer, with a note.

    Raises:
        BadInput: what the user gave cannot be used.
        BackendNotReady: the backend lacks something it cannot do without.
        Cancelled: the user stopped the run.
    """
    choice.require(context)
    context.cancel.check()
    found = choice.backend.run(inputs, choice.options, context)
    notes = found.notes if found.objects else (*found.notes, NOTHING_FOUND)
    name = choice.backend.info.name
    objects = Objects(inputs.photo, with_occlusion(found.objects), name, notes)
    for note in objects.notes:
        context.warn(note)
    return objects
