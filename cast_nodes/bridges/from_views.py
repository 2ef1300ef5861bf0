"""Completed pictures of single objects, from anywhere, as CAST_VIEWS.

Each is laid over what the photo shows of its object, as the answers of image services are: brought
to size, moved and scaled until the visible part fits, cut out by its mask or from its plain ground.
(Answers to CAST Objects to Images go through CAST Gather Views, whose token tells all of this.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from PIL import Image

from ..backends import option
from ..content import content_key
from ..context import Context
from ..errors import BadInput, ObjectFailure
from ..inpaint import InpaintItem, InpaintOptions, Wants, make_item, plate_of_patches
from ..inpaint._completed import completed_view
from ..inpaint._frame import Frame
from ..inpaint._request import plain_place
from ..inpaint._service import BEYOND
from ..inpaint.cutout import make_view
from ..per_object import Task, run_tasks
from ..types import Objects, SceneObject, View, Views
from .arrays import array_of, eight_bit
from .joining import joined_ids

VERSION = 1
MOST_SIDE_PX = 2048


@dataclass(frozen=True)
class CameViewOptions(InpaintOptions):
    """How pictures become views."""

    area: Literal["square", "box", "photo"] = option(
        "square",
        "what of the photo a picture covers. square: the one that CAST shows editors, round the "
        "object and the room for its hidden parts; box: the object's box with the margin below; "
        "photo: all of it",
    )
    margin: float = option(
        0.0, "how far the box was widened on all sides", low=0.0, high=2.0, step=0.01,
        unit="share of its longer side",
    )  # fmt: skip
    keep_visible: bool = option(
        True, "visible pixels stay the photo's own (off: all pixels are the picture's)"
    )
    fallback: Literal["fail", "matte"] = option(
        "fail",
        "when a picture cannot be used: the object fails, or what the photo shows of it is used",
    )

    def wants(self) -> Wants:
        return Wants(beyond=BEYOND, every_object=True)


@dataclass(frozen=True, eq=False)
class CamePicture:
    """One picture.

    Attributes:
        rgb: (h, w, 3) uint8.
        cover: (h, w) float32 in 0..1, what of it is the object; None where nothing tells.
    """

    rgb: np.ndarray
    cover: np.ndarray | None = None


def came_pictures(images: Sequence[Any], masks: Sequence[Any]) -> list[CamePicture]:
    """Lists of IMAGE and MASK batches as single pictures; a fourth channel is the mask too.

    Raises:
        BadInput: no pictures, another number of masks, or a mask of another shape.
    """
    pictures: list[np.ndarray] = []
    for value in images:
        batch = array_of(value, "images")
        batch = batch[None] if batch.ndim == 3 else batch
        if batch.ndim != 4 or batch.shape[-1] not in (1, 3, 4) or 0 in batch.shape[1:]:
            raise BadInput(f"images: an array of shape {batch.shape} is no picture")
        pictures += list(batch)
    covers: list[np.ndarray | None] = []
    for value in masks:
        batch = array_of(value, "masks").astype(np.float32)
        covers += list(np.clip(np.nan_to_num(batch.reshape(-1, *batch.shape[-2:])), 0, 1))
    if covers and len(covers) != len(pictures):
        raise BadInput(
            f"masks: {len(covers)} came for {len(pictures)} images; connect one for each, or none"
        )
    if not covers:
        covers = [None] * len(pictures)
    return [_picture(p, c, i) for i, (p, c) in enumerate(zip(pictures, covers, strict=True))]


def _picture(pixels: np.ndarray, cover: np.ndarray | None, number: int) -> CamePicture:
    height, width = pixels.shape[:2]
    if cover is None and pixels.shape[-1] == 4:
        cover = np.clip(np.nan_to_num(pixels[..., 3].astype(np.float32)), 0, 1)
    if cover is not None and cover.shape != (height, width):
        if abs(np.log(cover.shape[1] / cover.shape[0] * height / width)) > 0.02:
            raise BadInput(
                f"masks: mask {number} is {cover.shape[1]}x{cover.shape[0]} pixels, its image "
                f"{width}x{height}; make it from the same image"
            )
        small = Image.fromarray(np.ascontiguousarray(cover))
        cover = np.asarray(small.resize((width, height), Image.Resampling.BILINEAR))
    rgb = eight_bit(pixels[..., :3] if pixels.shape[-1] > 1 else np.repeat(pixels, 3, -1))
    return CamePicture(rgb, cover)


def views_of(
    pictures: Sequence[CamePicture],
    objects: Objects,
    ids: str,
    options: CameViewOptions,
    context: Context,
) -> Views:
    """One view for each kept object; one whose picture cannot be used fails alone.

    Args:
        ids: see :func:`joined_ids`; an object that is not named fails for want of a picture.

    Raises:
        BadInput: counts do not match, or an object is named twice.
        Cancelled: the run was stopped.
    """
    named = joined_ids(len(pictures), objects, ids, "images")
    twice = sorted({i for i in named if named.count(i) > 1})
    if twice:
        raise BadInput(f"ids: object {twice[0]} is named twice; a view is one picture")
    by_id = dict(zip(named, pictures, strict=True))
    kept = objects.kept
    tasks = [_task(objects, item, by_id.get(item.id), options, context) for item in kept]
    made = run_tasks("inpaint", tasks, context)
    views = tuple(replace(v, id=o.id) for v, o in zip(made, kept, strict=True))
    background, notes = None, ()
    if options.background:
        background, notes = plate_of_patches(objects, options, context)
    return Views(views, background, "images", notes)


def _task(
    objects: Objects,
    item: SceneObject,
    picture: CamePicture | None,
    options: CameViewOptions,
    context: Context,
) -> Task[View]:
    name = f"{item.label} {item.id}"

    def failed(reason: str) -> View:
        nothing = np.zeros((1, 1, 4), np.uint8)
        return View(item.id, nothing, nothing, item.bbox, reason)

    def refused(reason: str) -> Task[View]:
        def refuse() -> View:
            raise ObjectFailure(reason)

        return Task(name, content_key("view came", "nothing", item.id), refuse, failed)

    if picture is None:
        return refused(f"{name}: no picture was given; name it in ids, or drop it")
    try:
        window = make_item(objects, item, options)
    except ObjectFailure as error:
        return refused(str(error))

    def matte(reason: str) -> View:
        context.warn(f"{reason} (what the photo shows of {name} is used instead)")
        plain = replace(window, complete=False)
        return make_view(plain, plain.rgb, np.zeros_like(plain.visible), options)

    area = _area(item, objects, options)

    def complete() -> View:
        place = plain_place(window)
        square, cover = in_square(picture, area, window, place.frame, place.ground)
        return completed_view(
            window, place.frame, square, place.ground, options, options.keep_visible, cover
        )

    own = replace(options.of_views(), fallback="fail")
    key = content_key("view came", VERSION, own, window, area, picture.rgb, picture.cover)
    return Task(name, key, complete, matte if options.fallback == "matte" else failed)


Area = tuple[float, float, float, float]


def _area(item: SceneObject, objects: Objects, options: CameViewOptions) -> Area | None:
    """(x0, y0, x1, y1) px of the photo that the picture covers; None for the square."""
    if options.area == "square":
        return None
    if options.area == "photo":
        return 0.0, 0.0, float(objects.photo.width), float(objects.photo.height)
    x0, y0, x1, y1 = item.bbox
    by = options.margin * max(x1 - x0, y1 - y0)
    return x0 - by, y0 - by, x1 + by, y1 + by


def in_square(
    picture: CamePicture,
    area: Area | None,
    window: InpaintItem,
    frame: Frame,
    ground: tuple[int, int, int],
) -> tuple[np.ndarray, np.ndarray | None]:
    """The picture as the square that an editor would have answered.

    Args:
        area: photo pixels that the picture covers; None where it is the square itself.
        frame: the square, in pixels of the object's window.

    Returns:
        (n, n, 3) uint8, on the ground beside the object where a mask tells it and beyond the
        picture, and (n, n) float32 cover or None.
    """
    height, width = picture.rgb.shape[:2]
    left, top = window.origin[0] + frame.x, window.origin[1] + frame.y
    x0, y0, x1, y1 = area or (left, top, left + frame.side, top + frame.side)
    # The side at which the picture keeps its resolution.
    finest = max(width / max(x1 - x0, 1e-6), height / max(y1 - y0, 1e-6))
    n = int(np.clip(round(frame.side * finest), 16, MOST_SIDE_PX))
    step = frame.side / n  # photo pixels per pixel of the square
    across, down = width / (x1 - x0), height / (y1 - y0)
    matrix = (across * step, 0, across * (left - x0), 0, down * step, down * (top - y0))
    rgb = picture.rgb.astype(np.float32)
    shrink = max(1.0, across * step, down * step)
    inside = np.ones((height, width), np.float32)
    planes = [*np.moveaxis(rgb, -1, 0), inside]
    if picture.cover is not None:
        planes.append(picture.cover.astype(np.float32))
    laid = [_laid(p, matrix, n, shrink) for p in planes]
    on = laid[3] if picture.cover is None else np.minimum(laid[3], laid[4])
    on = np.clip(on, 0, 1)[..., None]
    colours = np.dstack(laid[:3]) / np.maximum(laid[3], 1e-3)[..., None]
    mixed = np.clip(colours, 0, 255) * on + np.array(ground, np.float32) * (1 - on)
    cover = None if picture.cover is None else on[..., 0].astype(np.float32)
    return np.rint(mixed).astype(np.uint8), cover


def _laid(plane: np.ndarray, matrix: tuple[float, ...], n: int, shrink: float) -> np.ndarray:
    """(n, n) float32 through an affine map from the new pixels to the old; zero beyond."""
    from scipy.ndimage import gaussian_filter

    if shrink > 1.5:  # an affine map does not average what it leaves out
        plane = np.asarray(gaussian_filter(plane, 0.4 * shrink, mode="nearest"))
    image = Image.fromarray(np.ascontiguousarray(plane, np.float32), "F")
    return np.asarray(
        image.transform((n, n), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    )
