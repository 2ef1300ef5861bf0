"""Objects out to any image graph, and its answers back as views.

What goes out is what the paid editors are shown (``inpaint/_request.py``), and what comes back is
read as theirs is: brought to size, laid over what the photo shows, cut from its ground.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import Any, Literal

import numpy as np
from PIL import Image

from ..backends import Options, option
from ..content import content_key
from ..context import Context
from ..errors import BadInput, ObjectFailure
from ..inpaint import InpaintItem, InpaintOptions, Wants, make_item, plate_of_patches
from ..inpaint._request import (
    Place,
    Request,
    canvas_place,
    canvas_request,
    masks_of,
    plain_place,
    plain_request,
    view_from_answer,
)
from ..inpaint._service import BEYOND
from ..inpaint.cutout import make_view
from ..per_object import Task, run_tasks
from ..pictures import png_bytes
from ..store import Store
from ..types import Objects, SceneObject, View, Views
from .handout import Decisions, HandedOut, hand_out, take_back
from .looks import missing_by_looks

VERSION = 1  # raise it when pictures that go out, or views that come back, change
PLACEHOLDER_PX = 64
"""Side of the picture that goes out when no object does: samplers take no less."""


@dataclass(frozen=True)
class CropOptions(Options):
    """What of each object goes out."""

    mode: Literal["plain", "application_querying"] = option(
        "plain",
        "plain: the cut-out object alone on a plain ground; application_querying: a drawn program"
        " window with the whole photo and the object on a card",
    )
    every_object: bool = option(
        False, "send every object, not only those that Filter marked as partly hidden"
    )
    only_new: bool = option(
        False, "send only objects whose answer is not kept yet from an earlier run"
    )
    side: int = option(
        1024, "side of the square that is sent in plain mode", low=64, high=4096, step=64, unit="px"
    )
    answers: str = option(
        "", "name under which this graph's answers are kept; another name starts afresh"
    )
    prompt: str = option(
        "", "what is asked for; {label} is the object's name; empty: the mode's own prompt",
        multiline=True,
    )  # fmt: skip

    def windows(self) -> InpaintOptions:
        """The same as the inpaint stage understands it."""
        return _Windows(of_photo=self.mode != "plain", every_object=self.every_object)

    def request(self, item: InpaintItem) -> Request:
        """The picture and words for one object."""
        if self.mode == "plain":
            return plain_request(item, self.prompt, self.side)
        return canvas_request(item, self.prompt)

    def place(self, item: InpaintItem) -> Place:
        """How that picture lies over the photo."""
        return plain_place(item) if self.mode == "plain" else canvas_place(item)


@dataclass(frozen=True)
class _Windows(InpaintOptions):
    """Which part of the photo belongs to an object that goes out."""

    of_photo: bool = option(False, "the item holds the whole photo")
    every_object: bool = option(False, "objects that nothing hides are sent, too")

    def wants(self) -> Wants:
        return Wants(photo=self.of_photo, beyond=BEYOND, every_object=self.every_object)


@dataclass(frozen=True, eq=False)
class CropsOut(HandedOut):
    """The token of a list of crops, with the options they were made with."""

    options: CropOptions = field(default_factory=CropOptions)


@dataclass(frozen=True, eq=False)
class Crop:
    """One item of the list.

    Attributes:
        picture: (h, w, 3) uint8.
        visible: (h, w) float32 in 0..1, what is seen of the object.
        unknown: (h, w) float32 in 0..1, where it may go on unseen: what is to be painted.
        prompt: what is asked for.
    """

    picture: np.ndarray
    visible: np.ndarray
    unknown: np.ndarray
    prompt: str


def crops_out(
    objects: Objects, options: CropOptions, store: Store, decisions: Decisions | None = None
) -> CropsOut:
    """Which of the kept objects go out.

    Raises:
        BadInput: the prompt holds a field other than ``{label}``.
    """
    requests: dict[int, str] = {}
    left_out: dict[int, str] = {}
    asked = replace(options, only_new=False, every_object=False)
    for item in objects.kept:
        try:
            window = make_item(objects, item, options.windows())
        except ObjectFailure as error:
            left_out[item.id] = str(error)
            continue
        if window.complete:
            requests[item.id] = content_key("crop", VERSION, asked, window)
        else:
            left_out[item.id] = ""
    order = hand_out(objects, requests, left_out, store, options.only_new, decisions)
    return CropsOut(
        order.objects, order.sent, order.kept, order.left_out, order.keys, order.earlier, options
    )


def crops_of(order: CropsOut) -> list[Crop]:
    """The list that goes out, in the order of the token; a placeholder when no object does.

    An empty list would break every node that is run per item.
    """
    return [_crop(order, i) for i in order.sent] or [placeholder()]


def placeholder() -> Crop:
    """A small grey picture of nothing, that the gathering node drops."""
    nothing = np.zeros((PLACEHOLDER_PX, PLACEHOLDER_PX), np.float32)
    grey = np.full((PLACEHOLDER_PX, PLACEHOLDER_PX, 3), 128, np.uint8)
    return Crop(grey, nothing, nothing, "")


def _window(order: CropsOut, object_id: int) -> InpaintItem:
    return make_item(order.objects, order.objects.by_id(object_id), order.options.windows())


def _crop(order: CropsOut, object_id: int) -> Crop:
    window = _window(order, object_id)
    request = order.options.request(window)
    visible, unknown = masks_of(window, request)
    return Crop(request.picture, visible, unknown, request.prompt)


@dataclass(frozen=True)
class GatherOptions(InpaintOptions):
    """How answers become views."""

    keep_visible: bool = option(
        True, "visible pixels stay the photo's own (off: all pixels are the answer's)"
    )
    fallback: Literal["fail", "matte"] = option(
        "fail",
        "when an answer cannot be used: the object fails, or what the photo shows of it is used",
    )


@dataclass(frozen=True, eq=False)
class Answer:
    """What came back for one object.

    Attributes:
        picture: (h, w, 3) uint8, of any size.
        cover: (m, n) float32 in 0..1, what of it is the object; None where nothing tells.
    """

    picture: np.ndarray
    cover: np.ndarray | None = None


def gather_views(
    order: HandedOut, answers: Sequence[Answer], options: GatherOptions, context: Context
) -> Views:
    """The views of all kept objects: completed from the answers, or as the photo shows them.

    Args:
        answers: in the order of the list that went out; whatever it is when nothing went out.

    Raises:
        BadInput: the token is of another list, or answers are missing.
        Cancelled: the run was stopped.
    """
    if not isinstance(order, CropsOut):
        raise BadInput("order: connect the order of CAST Objects to Images")
    back = take_back(
        order, answers if order.sent else (), context.store, "images", _packed, _unpacked,
        lambda ids, items: missing_by_looks(
            [(c.picture, c.visible) for c in (_crop(order, i) for i in ids)],
            [a.picture for a in items], ids,
        ),
    )  # fmt: skip
    kept = order.objects.kept
    tasks = [_task(order, item, back.get(item.id), options, context) for item in kept]
    made = run_tasks("inpaint", tasks, context)
    views = tuple(replace(v, id=o.id) for v, o in zip(made, kept, strict=True))
    background, notes = None, ()
    if options.background:
        background, notes = plate_of_patches(order.objects, options, context)
    return Views(views, background, "graph", notes)


def _task(
    order: CropsOut,
    item: SceneObject,
    answer: Answer | None,
    options: GatherOptions,
    context: Context,
) -> Task[View]:
    name = f"{item.label} {item.id}"

    def failed(reason: str) -> View:
        nothing = np.zeros((1, 1, 4), np.uint8)
        return View(item.id, nothing, nothing, item.bbox, reason)

    reason = order.left_out.get(item.id, "")
    if reason:

        def refuse() -> View:
            raise ObjectFailure(reason)

        return Task(name, content_key("crop", "nothing", item.id), refuse, failed)
    window = _window(order, item.id)

    def cut_out() -> View:
        plain = replace(window, complete=False)
        return make_view(plain, plain.rgb, np.zeros_like(plain.visible), options)

    def matte(reason: str) -> View:
        context.warn(f"{reason} (what the photo shows of {name} is used instead)")
        return cut_out()

    own = options.of_views()
    if answer is None:
        return Task(name, content_key("gather views", VERSION, own, window), cut_out, failed)

    def complete() -> View:
        return view_from_answer(
            window,
            order.options.place(window),
            answer.picture,
            options,
            options.keep_visible,
            answer.cover,
        )

    asked = replace(order.options, only_new=False, every_object=False, answers="")
    shown = (answer.picture, answer.cover)
    key = content_key("gather views", VERSION, replace(own, fallback="fail"), asked, window, *shown)
    return Task(name, key, complete, matte if options.fallback == "matte" else failed)


def _packed(answer: Answer) -> dict[str, bytes]:
    cover = b"" if answer.cover is None else png_bytes(_grey(answer.cover))
    return {"picture": png_bytes(answer.picture), "cover": cover}


def _unpacked(stored: Any) -> Answer:
    with Image.open(BytesIO(stored["picture"])) as picture:
        rgb = np.asarray(picture.convert("RGB"))
    if not stored["cover"]:
        return Answer(rgb)
    with Image.open(BytesIO(stored["cover"])) as picture:
        return Answer(rgb, np.asarray(picture.convert("L"), np.float32) / 255)


def _grey(cover: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(cover, 0, 1) * 255).astype(np.uint8)
