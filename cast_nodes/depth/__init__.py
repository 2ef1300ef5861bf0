"""Depth: camera, visible surface, gravity, floor and walls from one photo.

A backend's ``run(inputs: DepthInputs, options, context) -> Geometry`` answers in the photo's size
and in the camera frame, invalid points NaN.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..backends import Choice
from ..content import content_key
from ..context import Context, Progress
from ..types import Geometry, Objects, Photo


@dataclass(frozen=True, eq=False)
class DepthInputs:
    """What Depth sees: the photo and, when there are any, the objects found in it."""

    photo: Photo
    objects: Objects | None = None

    @property
    def key(self) -> str:
        """Photo and the kept objects' masks, labels and boxes; scores do not matter."""
        kept = self.objects.kept if self.objects is not None else ()
        return content_key(self.photo.key, [(o.label, o.mask, o.bbox) for o in kept])


def estimate_geometry(inputs: DepthInputs, choice: Choice, context: Context) -> Geometry:
    """The photo's geometry, from the store when nothing it depends on has changed.

    Raises:
        BadInput: a file or option that cannot be used.
        BackendNotReady: something the backend needs is missing.
    """
    choice.require(context)
    context.cancel.check()
    key = content_key(choice.identity, inputs.key)
    content = getattr(choice.options, "content", None)
    if content is not None:
        # A path is the option; what counts is what lies there now.
        key = content_key(key, content())
    geometry = context.store.get(key)
    reused = geometry is not None
    if geometry is None:
        geometry = choice.backend.run(inputs, choice.options, context)
        context.cancel.check()
        context.store.put(key, geometry)
    context.progress(Progress("depth", 1, 1, choice.backend.info.label, reused))
    return geometry
