"""What an image editor is shown of one object, and the way back from its answer.

One picture in two kinds: the cut-out object alone on a plain ground, or the drawn window with the
whole photo and the object on a card. Paid services and graphs of the user's own are asked alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..types import View
from . import InpaintItem, InpaintOptions
from ._canvas import Layout, cropped, cut_back, draw_canvas, layout_for
from ._completed import completed_view
from ._frame import Frame, drawn, frame_of, ground_for, mask_in_frame, unknown_part
from ._prompts import CANVAS, PLAIN, filled

PLAIN_SIDE = 1024  # px, side of the square that plain mode sends: what editors work at
PLAIN_MARGIN = 0.08  # free ground round the object, share of that side


@dataclass(frozen=True, eq=False)
class Place:
    """How what an editor is shown lies over the photo.

    Attributes:
        frame: the square of the object's window that is shown.
        ground: the colour it is shown on.
        layout: where the square lies in the picture; None when it is the whole picture.
    """

    frame: Frame
    ground: tuple[int, int, int]
    layout: Layout | None = None


@dataclass(frozen=True, eq=False)
class Request:
    """A picture to be edited.

    Attributes:
        picture: (h, w, 3) uint8.
        prompt: what is asked for.
        place: how it lies over the photo.
    """

    picture: np.ndarray
    prompt: str
    place: Place


def plain_place(item: InpaintItem) -> Place:
    """The place of the cut-out object alone."""
    return Place(frame_of(item, PLAIN_MARGIN), ground_for(item))


def canvas_place(item: InpaintItem) -> Place:
    """The place of the object on the card; the item must hold the whole photo."""
    assert item.photo is not None, "the stage gives the photo to this mode"
    layout = layout_for(item.photo.shape[1], item.photo.shape[0])
    return Place(frame_of(item, layout.margin), ground_for(item), layout)


def plain_request(item: InpaintItem, template: str = "", side: int = PLAIN_SIDE) -> Request:
    """The cut-out object on a plain ground.

    Args:
        template: prompt with ``{label}``; "" takes the built-in one.
        side: of the square, px.
    """
    place = plain_place(item)
    shown, _ = drawn(item, place.frame, side, place.ground)
    return Request(shown, filled(template.strip() or PLAIN, item.label), place)


def canvas_request(item: InpaintItem, template: str = "") -> Request:
    """The object on the card of the drawn window; the item must hold the whole photo."""
    place = canvas_place(item)
    assert item.photo is not None and place.layout is not None
    height, width = item.photo.shape[:2]
    shown, _ = drawn(item, place.frame, place.layout.inner_side, place.ground)
    mask = _in_photo(item, height, width)
    canvas = draw_canvas(place.layout, item.photo, mask, shown, place.ground)
    return Request(canvas, filled(template.strip() or CANVAS, item.label), place)


def masks_of(item: InpaintItem, request: Request) -> tuple[np.ndarray, np.ndarray]:
    """Two (h, w) float32 masks in 0..1 of the request's size: what is seen of the object, and
    where it may go on unseen (behind things in front of it, and beyond the photo's edge)."""
    height, width = request.picture.shape[:2]
    place = request.place
    box = (0, 0, width, height) if place.layout is None else place.layout.inner
    side = box[2] - box[0]
    _, seen = drawn(item, place.frame, side, place.ground)
    unknown = mask_in_frame(unknown_part(item), place.frame, side)
    out = []
    for mask in (seen, np.clip(unknown, 0, 1 - seen)):
        whole = np.zeros((height, width), np.float32)
        whole[box[1] : box[3], box[0] : box[2]] = mask
        out.append(whole)
    return out[0], out[1]


def view_from_answer(
    item: InpaintItem,
    place: Place,
    answer: np.ndarray,
    options: InpaintOptions,
    keep_visible: bool,
    cover: np.ndarray | None = None,
) -> View:
    """The object's view from an editor's answer of any size.

    Args:
        answer: (h, w, 3) uint8.
        cover: (m, n) float in 0..1, what of the answer is the object, where the editor's graph
            tells; stretched to the answer's size. None cuts it from the plain ground.

    Raises:
        ObjectFailure: the answer shows another object, or none on a plain ground.
    """
    if cover is not None and cover.shape != answer.shape[:2]:
        cover = _resized_mask(cover, answer.shape[1], answer.shape[0])
    if place.layout is None:
        answer, cover = _square(answer), None if cover is None else _square_mask(cover)
    else:
        cut = cut_back(answer, place.layout)
        if cover is not None:
            grey = np.repeat(np.rint(cover[..., None] * 255).astype(np.uint8), 3, -1)
            cover = cropped(grey, cut.box)[..., 0] / 255
        answer = cut.rgb
    return completed_view(item, place.frame, answer, place.ground, options, keep_visible, cover)


def _in_photo(item: InpaintItem, height: int, width: int) -> np.ndarray:
    """(H, W) bool: the visible pixels at their place in the photo."""
    mask = np.zeros((height, width), bool)
    rows, columns = np.nonzero(item.visible)
    mask[rows + item.origin[1], columns + item.origin[0]] = True
    return mask


def _square(answer: np.ndarray) -> np.ndarray:
    """The answer at the square's proportions: editors round sizes to steps of their own."""
    from PIL import Image

    height, width = answer.shape[:2]
    if height == width:
        return answer
    side = max(height, width)
    return np.asarray(Image.fromarray(answer).resize((side, side), Image.Resampling.BICUBIC))


def _square_mask(cover: np.ndarray) -> np.ndarray:
    return _square(np.rint(np.clip(cover, 0, 1) * 255).astype(np.uint8)) / 255


def _resized_mask(cover: np.ndarray, width: int, height: int) -> np.ndarray:
    from PIL import Image

    picture = Image.fromarray(np.asarray(cover, np.float32))
    return np.clip(np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR)), 0, 1)
