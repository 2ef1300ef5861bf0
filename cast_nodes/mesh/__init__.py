"""Mesh: each object's completed view to one or more candidate meshes.

A backend's ``run(item: MeshItem, options, context) -> MeshEntry`` makes the candidates of one
object, best guess first; Register keeps the best fitting one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..backends import Choice
from ..content import content_key
from ..context import Context
from ..errors import ObjectFailure
from ..locks import locked_result
from ..per_object import Task, run_tasks
from ..types import MeshEntry, Meshes, Objects, SceneObject, View, Views

__all__ = ["MeshInputs", "MeshItem", "make_meshes"]


@dataclass(frozen=True, eq=False)
class MeshInputs:
    """What the stage works on: the objects and their completed views."""

    objects: Objects
    views: Views


@dataclass(frozen=True, eq=False)
class MeshItem:
    """All that one object's mesh depends on.

    Attributes:
        rgba: (h, w, 4) uint8, the completed view, straight alpha.
        crop: (h, w, 4) uint8, what the photo shows of it.
        label: free text in lower case; "object" when unknown.
        pixel_aspect: width / height of one of the view's pixels, in photo pixels.
        occlusion: share of the object hidden by others, 0..1.
        retry: raised by the user; a backend should then come to another result.
    """

    id: int
    label: str
    rgba: np.ndarray
    crop: np.ndarray
    pixel_aspect: float = 1.0
    occlusion: float = 0.0
    retry: int = 0

    @property
    def name(self) -> str:
        """As people know it ("chair 3")."""
        return f"{self.label} {self.id}"

    @cached_property
    def key(self) -> str:
        """Content key; the id does not matter to the result."""
        return content_key(
            self.label, self.rgba, self.crop, round(self.pixel_aspect, 3),
            round(self.occlusion, 3), self.retry,
        )  # fmt: skip


def make_meshes(inputs: MeshInputs, choice: Choice, context: Context) -> Meshes:
    """The candidate meshes of every kept object; one that fails is an entry with its reason.

    Raises:
        BackendNotReady: something the backend needs is missing.
        Cancelled: the run was stopped.
    """
    choice.require(context)
    photo = inputs.objects.photo
    tasks = [
        replace(
            _task(o, inputs.views.get(o.id), choice, context),
            locked=locked_result(o, photo, MeshEntry, context),
        )
        for o in inputs.objects.kept
    ]
    entries = run_tasks("mesh", tasks, context, choice.backend.workers())
    return Meshes(
        tuple(_with_id(e, o.id) for e, o in zip(entries, inputs.objects.kept, strict=True)),
        source=choice.backend.info.name,
    )


def _with_id(entry: MeshEntry, object_id: int) -> MeshEntry:
    """Equal objects share a stored result, which bears the id of the first of them."""
    return MeshEntry(object_id, entry.candidates, entry.failure)


def _task(
    item: SceneObject, view: View | None, choice: Choice, context: Context
) -> Task[MeshEntry]:
    name = f"{item.label} {item.id}"

    def failed(reason: str) -> MeshEntry:
        return MeshEntry(item.id, failure=reason)

    if view is None or not (view.rgba[..., 3] >= 128).any():
        reason = "has no view" if view is None else "has an empty view (its mask holds no pixel)"

        def fail() -> MeshEntry:
            raise ObjectFailure(f"{name} {reason}; run Inpaint for it or drop it")

        # Never computed into the store: the compute always raises.
        return Task(name, content_key("mesh has no view", item.id), fail, failed)
    ready = make_item(item, view)
    key = content_key("mesh", choice.identity, context.seed, ready)
    return Task(name, key, _computation(ready, choice, context), failed)


def _computation(item: MeshItem, choice: Choice, context: Context) -> Callable[[], MeshEntry]:
    def compute() -> MeshEntry:
        entry: MeshEntry = choice.backend.run(item, choice.options, context)
        if entry.failure or not entry.candidates:
            raise ObjectFailure(entry.failure or f"{item.name}: no mesh came out")
        return entry

    return compute


def make_item(item: SceneObject, view: View) -> MeshItem:
    """What a backend is given for one object."""
    height, width = view.rgba.shape[:2]
    x0, y0, x1, y1 = view.box
    across, down = (x1 - x0) / width, (y1 - y0) / height
    aspect = across / down if across > 0 and down > 0 else 1.0
    return MeshItem(item.id, item.label, view.rgba, view.crop, aspect, item.occlusion, item.retry)
