"""What the paid image editors share: their options, what they are shown, how answers are read.

A backend gives one function that has a picture edited; :func:`painter` makes the stage's ``run``
of it. What a request is paid for depends on the object, the mode and the prompt alone, so
options that only change how the answer is used (padding, size, ground) never pay again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from ..backends import option
from ..content import content_key
from ..context import Context, Usage
from ..errors import ObjectFailure, StorageError
from ..pictures import png_bytes, to_srgb
from ..services.download import checked_picture, download
from ..services.journal import Journal
from ..services.policy import Service
from ..services.troubles import Expired, ServiceFailure
from ..services.wording import for_photo
from ..types import View
from . import InpaintItem, InpaintOptions, Painter, RoomItem, Wants
from ._prompts import ROOM, room_prompt
from ._request import Request, canvas_request, plain_request, view_from_answer
from ._room import plate_from_answer, shown_room
from .cutout import make_view

ROOM_RETRY = "inpaint.room_retry"
BEYOND = 0.4  # how far the window reaches over the visible part, share of its size


@dataclass(frozen=True)
class ServiceOptions(InpaintOptions):
    """What every paid image editor offers."""

    mode: Literal["plain", "application_querying"] = option(
        "plain",
        "what the service is shown: the cut-out object alone, or a drawn program window with the "
        "whole photo and the object on a card",
    )
    prompt: str = option(
        "", "what is asked for; {label} is the object's name; empty: the mode's own prompt",
        multiline=True,
    )  # fmt: skip
    every_object: bool = option(
        False, "pay for every object, not only for those that Filter marked as partly hidden"
    )
    keep_visible: bool = option(
        True, "visible pixels stay the photo's own (off: all pixels are the service's)"
    )
    fallback: Literal["fail", "matte"] = option(
        "fail",
        "when the service fails for an object: it fails, or what the photo shows of it is used",
    )
    empty_room: bool = option(
        True, "have the service paint the background plate (one paid picture a photo)"
    )
    room_prompt: str = option(
        "", "what is asked for the plate; {label} lists the objects; empty: the built-in prompt",
        multiline=True,
    )  # fmt: skip
    room_retry: int = option(0, "raise it to have another plate made (paid again)", low=0)

    def wants(self) -> Wants:
        return Wants(
            photo=self.mode == "application_querying",
            beyond=BEYOND,
            every_object=self.every_object,
            matte_on_failure=self.fallback == "matte",
            room=self.empty_room and self.background,
        )

    def of_views(self) -> InpaintOptions:
        return replace(
            super().of_views(), fallback="fail", empty_room=True, room_prompt="", room_retry=0
        )


@dataclass(frozen=True, eq=False)
class EditRequest:
    """A picture to be edited.

    Attributes:
        picture: (h, w, 3) uint8.
        seed: >= 0, for services that take one.
        retry: raised by the user; part of the key, so that another answer is asked for.
        what: for messages and the bill ("chair 3").
    """

    picture: np.ndarray
    prompt: str
    seed: int
    retry: int
    what: str

    @property
    def png(self) -> bytes:
        return png_bytes(self.picture)

    def key(self, *model: Any) -> str:
        """Content key of the request to a model with its settings."""
        return content_key("edit", self.picture, self.prompt, self.seed, self.retry, *model)


Edit = Callable[[EditRequest, Any, Context], np.ndarray]
"""Has a picture edited: (h, w, 3) uint8 of any size. Raises CastError with the reason."""


def painter(edit: Edit) -> Painter:
    """The stage's ``run`` on top of a service."""

    def view(item: InpaintItem, options: ServiceOptions, context: Context) -> View:
        if not (item.complete and options.complete):
            return make_view(item, item.rgb, np.zeros_like(item.visible), options)
        plain = options.mode == "plain"
        request = (plain_request if plain else canvas_request)(item, options.prompt)
        return _asked(edit, item, request, options, context)

    def room(item: RoomItem, options: ServiceOptions, context: Context) -> np.ndarray:
        return _room(edit, item, options, context)

    return Painter(view, room)


def _asked(
    edit: Edit, item: InpaintItem, request: Request, options: ServiceOptions, context: Context
) -> View:
    """The view that the service's answer to a request makes."""
    answer = edit(_request(request.picture, request.prompt, item, context), options, context)
    context.cancel.check()
    return view_from_answer(item, request.place, answer, options, options.keep_visible)


def _room(edit: Edit, item: RoomItem, options: ServiceOptions, context: Context) -> np.ndarray:
    """The photo with the service's empty room where the objects stood."""
    small = shown_room(item.rgb)
    prompt = room_prompt(options.room_prompt.strip() or ROOM, item.labels)
    retry = options.room_retry
    request = EditRequest(small, prompt, _seed(context.seed + retry), retry, "the empty room")
    try:
        answer = edit(request, options, context)
    except ServiceFailure as error:
        raise ServiceFailure(for_photo(str(error), ROOM_RETRY), error.trouble) from None
    context.cancel.check()
    try:
        return plate_from_answer(
            item.rgb, item.mask, answer, options.background_margin, options.background_shadows
        )
    except ObjectFailure as error:
        raise ObjectFailure(f"{error}; raise {ROOM_RETRY} for another one") from None


def _request(picture: np.ndarray, prompt: str, item: InpaintItem, context: Context) -> EditRequest:
    return EditRequest(picture, prompt, _seed(context.seed + item.retry), item.retry, item.name)


def _seed(value: int) -> int:
    return value % 2**31


# What comes back.


def picture_from(data: bytes, what: str) -> np.ndarray:
    """(h, w, 3) uint8 of a picture file that a service sent.

    Raises:
        ServiceFailure: it cannot be read.
    """
    return np.asarray(to_srgb(checked_picture(data, what)))


def no_picture(service: Service, what: str, said: str) -> ServiceFailure:
    """The failure of an answer that holds no picture."""
    words = " ".join(said.split())
    quoted = f": {words[:200]!r}" if words else ""
    return ServiceFailure(
        f"{what}: {service.title} answered without a picture{quoted}; the answer is kept and not "
        "paid for again: raise this object's retry for another one, or change the prompt"
    )


def kept_picture(
    service: Service, request_key: str, address: str, context: Context, what: str
) -> bytes:
    """The picture at an address that is good for a while: downloaded once, then kept.

    Raises:
        ServiceFailure: it cannot be had any more.
    """
    journal = Journal.of(service, content_key(request_key, "picture"), context)
    with journal.locked(context):
        kept = journal.result()
        if kept is not None:
            return kept
        try:
            data = download(address, service, context, "picture", what)
        except Expired:
            raise ServiceFailure(
                f"{what}: {service.title} has removed the picture it made; raise this object's "
                "retry to have a new one made"
            ) from None
        try:
            journal.keep(data)
        except StorageError as error:
            context.warn(f"{what}: {error}")
    return data


def spent(service: Service, model: str, usd: float, what: str, seconds: float = 0.0) -> Usage:
    """One picture on the bill."""
    return Usage(service.title, model, 1, 1, "pictures", seconds, usd, what)
