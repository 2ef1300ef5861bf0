"""SEGS of the Impact Pack as things that were found.

SEGS is ``((h, w), [SEG, …])``. Of a SEG the crop region and box are x1, y1, x2, y2 in pixels of the
whole picture; the mask is that of the crop region alone (an array, a tensor, or None); the
confidence is a number or an array of one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import BadInput
from .arrays import array_of
from .found import Found, Picture

MEND = "connect SEGS as the Impact Pack's detectors make them"


def found_in_segs(segs: Any, picture: Picture) -> list[Found]:
    """One thing for each SEG; without a mask its box counts.

    Raises:
        BadInput: no SEGS, of a picture of another size, or a mask that does not fit its region.
    """
    try:
        (height, width), items = segs
        height, width, items = int(height), int(width), list(items)
    except (TypeError, ValueError):
        raise BadInput(f"segs: {type(segs).__name__} is no ((h, w), [SEG]) pair; {MEND}") from None
    if items and (height, width) != (picture.height, picture.width):
        raise BadInput(
            f"segs: they are of a picture of {width}x{height} pixels, the image is "
            f"{picture.width}x{picture.height}; make them from the same image"
        )
    return [_found(number, item, picture) for number, item in enumerate(items)]


def _found(number: int, seg: Any, picture: Picture) -> Found:
    label = str(getattr(seg, "label", None) or "object")
    what = f"segs: SEG {number} ({label})"
    if not hasattr(seg, "crop_region") or not hasattr(seg, "bbox"):
        raise BadInput(f"{what} has no crop_region or bbox; {MEND}")
    region, box = _corners(seg.crop_region, what), _corners(seg.bbox, what)
    confidence = getattr(seg, "confidence", None)
    score = 1.0
    if confidence is not None:
        numbers = array_of(confidence, what).astype(float).ravel()
        score = float(numbers[0]) if len(numbers) else 1.0
    mask = getattr(seg, "cropped_mask", None)
    if mask is None:
        return Found(None, box, label, score)
    return Found(_whole(mask, region, picture, what), box, label, score)


def _corners(value: Any, what: str) -> tuple[float, float, float, float]:
    numbers = array_of(value, what).astype(float).ravel()
    if len(numbers) != 4 or not np.isfinite(numbers).all():
        raise BadInput(f"{what}: {value!r} is no box x1, y1, x2, y2; {MEND}")
    x0, y0, x1, y1 = (float(v) for v in numbers)
    return x0, y0, x1, y1


def _whole(
    mask: Any, region: tuple[float, float, float, float], picture: Picture, what: str
) -> np.ndarray:
    """(height, width) float32 0..1: the crop's mask at its place in the picture."""
    crop = array_of(mask, what)
    while crop.ndim > 2 and 1 in crop.shape:  # a batch or channel of one
        crop = np.squeeze(crop, crop.shape.index(1))
    x0, y0, x1, y1 = (round(v) for v in region)
    if crop.shape != (y1 - y0, x1 - x0):
        raise BadInput(
            f"{what}: its mask has shape {crop.shape}, its crop region is {x1 - x0}x{y1 - y0} "
            f"pixels; {MEND}"
        )
    values = crop.astype(np.float32)
    if crop.dtype.kind in "ui" and values.max(initial=0) > 1:
        values /= 255
    out = np.zeros((picture.height, picture.width), np.float32)
    left, top = max(0, x0), max(0, y0)
    inside = values[top - y0 : picture.height - y0, left - x0 : picture.width - x0]
    out[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
    return out
