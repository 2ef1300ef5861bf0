"""What a detector outside the pack found, as CAST_OBJECTS: the end that all of them share.

Masks are taken as they come; a thing of which only a box is known gets its mask as backend
``boxes`` of Detect makes it. Who hides whom is told as after any Detect.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..boxes import Box, mask_box
from ..context import Context
from ..detect import NOTHING_FOUND
from ..detect.box_objects import exclusive, masks_from_boxes
from ..detect.masks import parse_labels
from ..detect.occlusion import with_occlusion
from ..errors import BadInput
from ..types import Objects, Photo, SceneObject
from .arrays import array_of


@dataclass(frozen=True, eq=False)
class Picture:
    """The picture in which things were found, and the photo that was made of it.

    Attributes:
        photo: the same picture, maybe smaller.
        height, width: of the picture; masks and boxes are in its pixels.
    """

    photo: Photo
    height: int
    width: int


@dataclass(frozen=True, eq=False)
class Found:
    """One thing.

    Attributes:
        mask: (height, width) of the picture, bool or 0..1, or None when only the box is known.
        box: (x0, y0, x1, y1) px of the picture, half-open; None when the mask tells it.
    """

    mask: np.ndarray | None = None
    box: Box | None = None
    label: str = "object"
    score: float = 1.0


def objects_of(
    found: Sequence[Found],
    picture: Picture,
    source: str,
    context: Context,
    separate: bool = True,
    notes: Sequence[str] = (),
) -> Objects:
    """The things as objects 0, 1, … in their order; none at all is a legal answer.

    An empty mask or a box beside the picture becomes an object that is dropped with the reason.

    Args:
        separate: a pixel of two masks goes to one of them (:func:`detect.overlaps.separate`).
    """
    rgb = picture.photo.rgb
    objects = [_object(number, item, picture) for number, item in enumerate(found)]
    boxed = [o for o in objects if o.keep and o.mask is None]
    if boxed:
        made = {o.id: o for o in masks_from_boxes(rgb, boxed, context)}
        objects = [made.get(o.id, o) for o in objects]
    if separate:
        objects = list(exclusive(objects, rgb))
    told = tuple(notes) if objects else (*notes, NOTHING_FOUND)
    for note in told:
        context.warn(note)
    return Objects(picture.photo, with_occlusion(objects), source, told)


def _object(number: int, item: Found, picture: Picture) -> SceneObject:
    label = item.label.strip().lower() or "object"
    score = float(np.clip(item.score, 0, 1)) if np.isfinite(item.score) else 1.0
    if item.mask is not None:
        mask = fitted_mask(item.mask, picture.photo)
        made = SceneObject(number, label, score, mask_box(mask), mask)
        return made if mask.any() else replace(made, keep=False, reason="its mask is empty")
    assert item.box is not None
    across = picture.photo.width / picture.width
    down = picture.photo.height / picture.height
    x0, y0, x1, y1 = item.box
    box = (
        float(np.clip(x0, 0, picture.width)) * across,
        float(np.clip(y0, 0, picture.height)) * down,
        float(np.clip(x1, 0, picture.width)) * across,
        float(np.clip(y1, 0, picture.height)) * down,
    )
    made = SceneObject(number, label, score, box)
    if box[2] - box[0] >= 1 and box[3] - box[1] >= 1:
        return made
    return replace(made, keep=False, reason="its box is empty or lies beside the picture")


def fitted_mask(mask: np.ndarray, photo: Photo) -> np.ndarray:
    """(H, W) bool at the photo's size: pixels of which the mask covers more than half."""
    from PIL import Image

    values = np.nan_to_num(np.asarray(mask, np.float32))
    if values.shape != (photo.height, photo.width):
        picture = Image.fromarray(np.ascontiguousarray(values), "F")
        size = photo.width, photo.height
        values = np.asarray(picture.resize(size, Image.Resampling.BOX))
    return values > 0.5


def flat_masks(masks: Sequence[Any], picture: Picture) -> list[np.ndarray]:
    """A list of MASK batches, (n, h, w) or (h, w) each, as single masks of the picture's size.

    Raises:
        BadInput: one is no mask, or of another size.
    """
    out: list[np.ndarray] = []
    for value in masks:
        batch = array_of(value, "masks")
        batch = batch[None] if batch.ndim == 2 else batch
        if batch.ndim == 4 and 1 in (batch.shape[1], batch.shape[3]):
            batch = batch[:, 0] if batch.shape[1] == 1 else batch[..., 0]
        if batch.ndim != 3:
            raise BadInput(
                f"masks: an array of shape {batch.shape} is no mask; needed is (count, height, "
                "width); 'Convert Image to Mask' makes masks of images"
            )
        if len(batch) and batch.shape[1:] != (picture.height, picture.width):
            raise BadInput(
                f"masks: mask {len(out)} is {batch.shape[2]}x{batch.shape[1]} pixels, the image "
                f"is {picture.width}x{picture.height}; make them from the same image"
            )
        out.extend(batch)
    return out


def names_for(labels: Sequence[str], count: int) -> list[str]:
    """A name for each of ``count`` things.

    Args:
        labels: one text with names by comma or line (one name for all, one for each in order, or
            ``1=chair`` by number), or a list with one text for each.

    Raises:
        BadInput: another number of names than things, or a number that is no thing's.
    """
    texts = [t.strip() for t in labels]
    if count == 0:
        return []
    if len(texts) > 1:
        names = texts
    else:
        text = texts[0] if texts else ""
        named = parse_labels(text, range(count)) if "=" in text else {}
        if named:
            return [named.get(i, "object") for i in range(count)]
        names = [p for p in text.replace("\n", ",").replace(";", ",").split(",") if p.strip()]
    if not any(n.strip() for n in names):
        return ["object"] * count
    if len(names) == 1:
        names = names * count
    if len(names) != count:
        raise BadInput(
            f"labels: {len(names)} names for {count} objects; give one for all, one for each in "
            "their order, or single ones by number (0=chair, 3=table)"
        )
    return [n.strip().lower() or "object" for n in names]


def scores_for(text: str, count: int) -> list[float]:
    """A confidence in 0..1 for each of ``count`` things; an empty text gives 1 to all.

    Raises:
        BadInput: not a number each.
    """
    parts = text.replace("\n", ",").replace(";", ",").split(",")
    parts = [p.strip() for p in parts if p.strip()]
    if not parts or count == 0:
        return [1.0] * count
    try:
        values = [float(p) for p in parts]
    except ValueError:
        raise BadInput(f"scores: {text!r} cannot be read; write numbers: 0.9, 0.7") from None
    if len(values) != count:
        raise BadInput(f"scores: {len(values)} numbers for {count} objects; give one for each")
    if not all(0 <= v <= 1 for v in values):
        raise BadInput(f"scores: {text!r} leaves 0 to 1")
    return values
