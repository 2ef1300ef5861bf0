"""Inpaint: each object's whole view, and the room without any of them.

A backend's ``run(item: InpaintItem, options, context) -> View`` completes one object; its
options derive from :class:`InpaintOptions`, which every backend shares. The background plate is
an entry of its own in the store, made once for the photo and the objects' common mask, so
redoing one object's view leaves it alone. Backends that bring their own plate wrap the two in a
:class:`Painter`; the plate of patches stands in for theirs when it fails.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from ..backends import Choice, Options, option
from ..content import content_key
from ..context import Context
from ..errors import BackendNotReady, BadInput, Cancelled, CastError, ObjectFailure
from ..locks import locked_result
from ..per_object import Task, run_tasks
from ..types import Objects, Photo, SceneObject, View, Views
from .masks import grow

__all__ = ["InpaintItem", "InpaintOptions", "Painter", "RoomItem", "Wants", "inpaint"]

PLATE_VERSION = 1  # raise it when plates change
SURROUNDINGS = 0.75  # how far hidden parts are looked for, share of the visible part's size


@dataclass(frozen=True)
class Wants:
    """What a backend, with the options at hand, wants of the stage.

    Attributes:
        photo: the item holds the whole photo (its result then depends on all of it).
        beyond: how far the window of an object to be completed reaches over it on all sides,
            also over the photo's edge; share of the visible part's size.
        every_object: objects that nothing hides are to be completed too.
        matte_on_failure: what the photo shows stands in for a view that failed, with a warning.
        room: it is asked for the background plate.
    """

    photo: bool = False
    beyond: float = 0.0
    every_object: bool = False
    matte_on_failure: bool = False
    room: bool = False


@dataclass(frozen=True)
class InpaintOptions(Options):
    """What every inpaint backend offers."""

    complete: bool = option(True, "complete the parts that others hide (off: cut out what is seen)")
    ground: Literal["transparent", "white"] = option(
        "transparent", "colour under the view's transparent pixels: the object's own, or white"
    )
    padding: float = option(
        0.08, "margin round the object", low=0.0, high=0.5, step=0.01,
        unit="share of its longer side",
    )  # fmt: skip
    max_size: int = option(1024, "longer side of a view at most", low=32, high=4096, unit="px")
    background: bool = option(True, "paint the background plate")
    background_margin: float = option(
        0.006, "how far round the objects the plate is painted", low=0.0, high=0.1, step=0.002,
        unit="share of the photo's longer side",
    )  # fmt: skip
    background_shadows: bool = option(True, "paint contact shadows away too")

    def wants(self) -> Wants:
        """What the backend wants of the stage with these options."""
        return Wants()

    def of_views(self) -> InpaintOptions:
        """The same with all options reset that do not change a view that succeeds."""
        return replace(self, background=True, background_margin=0.0, background_shadows=True)


@dataclass(frozen=True, eq=False)
class InpaintItem:
    """All that one object's view depends on: a window of the photo round the object.

    Attributes:
        rgb: (h, w, 3) uint8, the photo's colours of the visible pixels, black elsewhere.
        visible: (h, w) bool, what the photo shows of the object.
        hidden: (h, w) bool, pixels of things in front of it: it may go on there, nowhere else.
        inside: (h, w) bool, the window's pixels that lie in the photo.
        origin: (x, y) photo pixel of the window's top-left corner.
        complete: whether hidden parts are wanted.
        retry: raised by the user; a backend should then come to another result.
        photo: (H, W, 3) uint8, the whole photo for backends that want it, else None.
    """

    id: int
    label: str
    rgb: np.ndarray
    visible: np.ndarray
    hidden: np.ndarray
    inside: np.ndarray
    origin: tuple[int, int]
    complete: bool = False
    retry: int = 0
    photo: np.ndarray | None = None

    @property
    def name(self) -> str:
        """As people know it ("chair 3")."""
        return f"{self.label} {self.id}"

    @cached_property
    def key(self) -> str:
        """Content key; the id does not matter to the result."""
        around = () if self.photo is None else (self.photo,)
        return content_key(
            self.label, self.rgb, self.visible, self.hidden, self.inside, self.origin,
            self.complete, self.retry, *around,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class RoomItem:
    """All that a backend's own background plate depends on.

    Attributes:
        rgb: (H, W, 3) uint8, the photo.
        mask: (H, W) bool, all kept objects.
        labels: what they are, in the order of their ids.
    """

    rgb: np.ndarray
    mask: np.ndarray
    labels: tuple[str, ...]

    @cached_property
    def key(self) -> str:
        return content_key(self.rgb, self.mask, self.labels)


@dataclass(frozen=True)
class Painter:
    """A backend's ``run`` that can also paint the empty room.

    Attributes:
        view: completes one object.
        room: (H, W, 3) uint8, the background plate; raises CastError with the reason when it
            cannot. It is asked for when the options want it (:attr:`Wants.room`).
    """

    view: Callable[[InpaintItem, Any, Context], View]
    room: Callable[[RoomItem, Any, Context], np.ndarray]

    def __call__(self, item: InpaintItem, options: Any, context: Context) -> View:
        return self.view(item, options, context)


def inpaint(objects: Objects, choice: Choice, context: Context) -> Views:
    """One view per kept object, and the background plate.

    An object that fails is an entry with its reason. With no object kept the plate is the photo.

    Raises:
        BackendNotReady: something the backend needs is missing.
        Cancelled: the run was stopped.
    """
    choice.backend.require(context)
    options = choice.options
    assert isinstance(options, InpaintOptions)
    tasks = [
        replace(
            _task(objects, o, choice, context),
            locked=locked_result(o, objects.photo, View, context),
        )
        for o in objects.kept
    ]
    views = run_tasks("inpaint", tasks, context, choice.backend.workers())
    views = tuple(replace(v, id=o.id) for v, o in zip(views, objects.kept, strict=True))
    background, notes = None, ()
    if options.background:
        background, notes = _background(objects, choice, options, context)
    return Views(views, background, choice.backend.info.name, notes)


def make_item(objects: Objects, item: SceneObject, options: InpaintOptions) -> InpaintItem:
    """The window of one object.

    Raises:
        ObjectFailure: no pixel of it is visible.
    """
    photo = objects.photo
    mask = pixels_of(item, photo.height, photo.width)
    if not mask.any():
        raise ObjectFailure(
            f"{item.label} {item.id} has no visible pixel; give it a mask, or drop it in Filter"
        )
    wants = options.wants()
    complete = options.complete and (item.needs_completion or wants.every_object)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    x0, y0, x1, y1 = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    front = np.zeros_like(mask)
    if complete:
        for other in _in_front(objects, item, mask):
            front |= other
        front &= ~mask
        reach = int(SURROUNDINGS * max(x1 - x0, y1 - y0)) + 1
        near = np.zeros_like(mask)
        near[max(0, y0 - reach) : y1 + reach, max(0, x0 - reach) : x1 + reach] = True
        front &= near
        if front.any():
            rows, columns = np.flatnonzero(front.any(1)), np.flatnonzero(front.any(0))
            x0, y0 = min(x0, int(columns[0])), min(y0, int(rows[0]))
            x1, y1 = max(x1, int(columns[-1]) + 1), max(y1, int(rows[-1]) + 1)
    window = InpaintItem(
        id=item.id,
        label=item.label,
        rgb=np.where(mask[y0:y1, x0:x1, None], photo.rgb[y0:y1, x0:x1], 0).astype(np.uint8),
        visible=mask[y0:y1, x0:x1].copy(),
        hidden=front[y0:y1, x0:x1].copy(),
        inside=np.ones((y1 - y0, x1 - x0), bool),
        origin=(x0, y0),
        complete=complete,
        retry=item.retry,
        photo=photo.rgb if wants.photo and complete else None,
    )
    return _widened(window, photo, wants.beyond) if complete and wants.beyond else window


def _widened(window: InpaintItem, photo: Photo, beyond: float) -> InpaintItem:
    """The window with a margin on all sides, also over the photo's edge."""
    rows, columns = np.nonzero(window.visible)
    margin = int(np.ceil(beyond * (max(np.ptp(rows), np.ptp(columns)) + 1)))
    x0, y0 = window.origin[0] - margin, window.origin[1] - margin
    height, width = (side + 2 * margin for side in window.visible.shape)
    around = ((margin, margin), (margin, margin))
    down, across = y0 + np.arange(height), x0 + np.arange(width)
    inside = ((down >= 0) & (down < photo.height))[:, None] & (
        (across >= 0) & (across < photo.width)
    )
    return replace(
        window,
        rgb=np.pad(window.rgb, (*around, (0, 0))),
        visible=np.pad(window.visible, around),
        hidden=np.pad(window.hidden, around),
        inside=inside,
        origin=(x0, y0),
    )


def pixels_of(item: SceneObject, height: int, width: int) -> np.ndarray:
    """(H, W) bool: the mask, or the box's pixels while there is no mask."""
    if item.mask is not None:
        return np.asarray(item.mask, bool)
    mask = np.zeros((height, width), bool)
    x0, y0, x1, y1 = item.bbox
    mask[max(0, round(y0)) : max(0, round(y1)), max(0, round(x0)) : max(0, round(x1))] = True
    return mask


def _in_front(objects: Objects, item: SceneObject, mask: np.ndarray) -> list[np.ndarray]:
    """Masks of what hides the object: those named, else all that touch it."""
    height, width = mask.shape
    others = [o for o in objects.objects if o.id != item.id and o.mask is not None]
    named = [o for o in others if o.id in item.occluded_by]
    if named:
        return [pixels_of(o, height, width) for o in named]
    touching = grow(mask, 2.5)
    return [m for o in others if (m := pixels_of(o, height, width))[touching].any()]


def _task(objects: Objects, item: SceneObject, choice: Choice, context: Context) -> Task[View]:
    name = f"{item.label} {item.id}"
    options = choice.options
    assert isinstance(options, InpaintOptions)

    def failed(reason: str) -> View:
        nothing = np.zeros((1, 1, 4), np.uint8)
        return View(item.id, nothing, nothing, item.bbox, reason)

    wants = options.wants()

    def matte(reason: str) -> View:
        """What the photo shows, instead of the view that failed; it is not stored."""
        from .cutout import make_view

        context.warn(f"{reason} (what the photo shows of {name} is used instead)")
        plain = replace(window, complete=False)
        return make_view(plain, plain.rgb, np.zeros_like(plain.visible), options)

    try:
        window = make_item(objects, item, options)
    except ObjectFailure as error:
        reason = str(error)

        def refuse() -> View:
            raise ObjectFailure(reason)

        return Task(name, content_key("inpaint", "nothing", item.id), refuse, failed)
    own = replace(choice, options=options.of_views())
    key = content_key("inpaint", own.identity, context.seed, window)
    instead = matte if wants.matte_on_failure else failed
    return Task(name, key, lambda: choice.backend.run(window, options, context), instead)


def _background(
    objects: Objects, choice: Choice, options: InpaintOptions, context: Context
) -> tuple[np.ndarray, tuple[str, ...]]:
    """The backend's own plate where it brings one, else the plate of patches."""
    photo, painter = objects.photo, choice.backend.run
    if not isinstance(painter, Painter) or not options.wants().room or not objects.kept:
        return plate_of_patches(objects, options, context)
    union = np.zeros((photo.height, photo.width), bool)
    for item in objects.kept:
        union |= pixels_of(item, photo.height, photo.width)
    room = RoomItem(photo.rgb, union, tuple(o.label for o in objects.kept))
    key = content_key("inpaint", "room", choice.identity, context.seed, room)
    stored = context.store.get(key)
    if stored is None:
        context.cancel.check()
        try:
            stored = {"background": painter.room(room, options, context)}
        except (Cancelled, BackendNotReady, BadInput):
            raise
        except CastError as error:
            warning = f"the background plate is painted from the photo alone: {error}"
            context.warn(warning)
            plate, notes = plate_of_patches(objects, options, context)
            return plate, (*notes, warning)
        context.store.put(key, stored)
    return stored["background"], ()


def plate_of_patches(
    objects: Objects, options: InpaintOptions, context: Context
) -> tuple[np.ndarray, tuple[str, ...]]:
    """The photo without its kept objects, from the store or made anew."""
    photo = objects.photo
    union = np.zeros((photo.height, photo.width), bool)
    for item in objects.kept:
        union |= pixels_of(item, photo.height, photo.width)
    if not union.any():
        return photo.rgb, ()
    margin, shadows = options.background_margin, options.background_shadows
    key = content_key(
        "inpaint", "plate", PLATE_VERSION, photo.rgb, union, margin, shadows, context.seed
    )
    stored = context.store.get(key)
    if stored is None:
        from .plate import make_plate

        made = make_plate(
            photo.rgb, union, margin, shadows, context.seed, check=context.cancel.check
        )
        stored = {"background": made.rgb, "notes": list(made.notes)}
        context.store.put(key, stored)
    return stored["background"], tuple(stored["notes"])
