"""The photo out to any image graph that empties the room, and its answer back as the clean plate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from ..backends import Options, option
from ..context import Context
from ..errors import BadInput, ObjectFailure
from ..inpaint import InpaintOptions, pixels_of, plate_of_patches
from ..inpaint._prompts import ROOM, room_prompt
from ..inpaint._room import plate_from_answer, shown_room
from ..inpaint.masks import grow
from ..types import Objects, Views

PLACEHOLDER_PX = 64


@dataclass(frozen=True)
class RoomOptions(Options):
    """What goes out."""

    margin: float = option(
        0.012, "how far the mask reaches round the objects", low=0.0, high=0.1, step=0.002,
        unit="share of the photo's longer side",
    )  # fmt: skip
    prompt: str = option(
        "", "what is asked for; {label} lists the objects; empty: the built-in prompt",
        multiline=True,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class RoomRequest:
    """What goes out.

    Attributes:
        picture: (h, w, 3) uint8, the photo, reduced where it is large.
        mask: (h, w) bool, the kept objects with a margin.
        prompt: what is asked for.
    """

    picture: np.ndarray
    mask: np.ndarray
    prompt: str


@dataclass(frozen=True)
class PlateOptions(Options):
    """How the answer becomes the clean plate."""

    background_margin: float = option(
        0.006, "how far round the objects the answer is taken", low=0.0, high=0.1, step=0.002,
        unit="share of the photo's longer side",
    )  # fmt: skip
    background_shadows: bool = option(True, "take the answer where contact shadows were, too")


def room_request(objects: Objects, options: RoomOptions) -> RoomRequest:
    """The photo with what is to be painted away; with no object kept the mask is empty.

    Raises:
        BadInput: the prompt holds a field other than ``{label}``.
    """
    prompt = room_prompt(options.prompt.strip() or ROOM, [o.label for o in objects.kept])
    picture = shown_room(objects.photo.rgb)
    height, width = picture.shape[:2]
    grown = grow(kept_pixels(objects), options.margin * max(objects.photo.rgb.shape[:2]))
    small = Image.fromarray(grown).resize((width, height), Image.Resampling.NEAREST)
    return RoomRequest(picture, np.asarray(small, bool), prompt)


def with_room(
    objects: Objects,
    views: Views,
    answers: Sequence[np.ndarray],
    options: PlateOptions,
    context: Context,
) -> Views:
    """The views with the answer's empty room as their background.

    An answer that shows another room, or the objects still, is left aside with a warning: the
    background stays what it was, or is painted from the photo alone.

    Args:
        answers: (h, w, 3) uint8 of any size, exactly one.

    Raises:
        BadInput: no answer, or several.
    """
    if not objects.kept:
        return replace(views, background=objects.photo.rgb)
    if len(answers) != 1:
        raise BadInput(f"image: one picture of the empty room is needed, {len(answers)} came back")
    try:
        plate = plate_from_answer(
            objects.photo.rgb, kept_pixels(objects), answers[0],
            options.background_margin, options.background_shadows,
        )  # fmt: skip
    except ObjectFailure as error:
        warning = f"{error}; the background plate is not taken from it"
        context.warn(warning)
        plate, notes = views.background, ()
        if plate is None:
            plain = InpaintOptions(
                background_margin=options.background_margin,
                background_shadows=options.background_shadows,
            )
            plate, notes = plate_of_patches(objects, plain, context)
        return replace(views, background=plate, notes=(*views.notes, *notes, warning))
    return replace(views, background=plate)


def kept_pixels(objects: Objects) -> np.ndarray:
    """(H, W) bool: all kept objects."""
    photo = objects.photo
    union = np.zeros((photo.height, photo.width), bool)
    for item in objects.kept:
        union |= pixels_of(item, photo.height, photo.width)
    return union
