"""Boxes, with or without masks, as things that were found.

Two socket types look alike and are not: core's BOUNDING_BOX holds {x, y, width, height} by name,
the BBOX of other packs four numbers whose meaning each pack decides. Each has a reader of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from ..errors import BadInput
from .arrays import array_of
from .found import Box, Found, Picture, flat_masks, names_for

WITHIN = 0.1
"""Share of a mask that lies in its box, grown by a tenth, in any answer that belongs together."""

Order = Literal["x, y, width, height", "x0, y0, x1, y1"]


def found_in_bounding_boxes(value: Any) -> list[Found]:
    """Core's BOUNDING_BOX: one box, the boxes of a picture, or one such list per picture.

    ``label`` (RT-DETR) and ``score`` of a box are taken over.

    Raises:
        BadInput: boxes of several pictures, or something that is no box.
    """
    found = []
    for entry in _one_frame(value, "bboxes"):
        if not isinstance(entry, Mapping) or not {"x", "y", "width", "height"} <= set(entry):
            raise BadInput(
                f"bboxes: {entry!r} is no box of core's; needed are x, y, width and height (boxes "
                "of four bare numbers go to CAST Objects from BBOX)"
            )
        x, y, width, height = (_number(entry[k], k) for k in ("x", "y", "width", "height"))
        score = float(entry.get("score", 1.0))
        label = str(entry.get("label") or "object")
        found.append(Found(None, (x, y, x + width, y + height), label, score))
    return found


def found_in_bbox(value: Any, order: Order) -> list[Found]:
    """Other packs' BBOX: four numbers, a list of such, or one such list per picture.

    Args:
        order: what the four numbers are.

    Raises:
        BadInput: boxes of several pictures, not four numbers, or corners in the wrong order.
    """
    found = []
    for entry in _one_frame(value, "bbox"):
        numbers = array_of(entry, "bbox").astype(float).ravel()
        if len(numbers) != 4 or not np.isfinite(numbers).all():
            raise BadInput(
                f"bbox: {entry!r} is no box of four numbers ({order}); boxes with named "
                "sides go to CAST Objects from Bounding Boxes"
            )
        x0, y0, x1, y1 = (float(v) for v in numbers)
        if order == "x, y, width, height":
            x1, y1 = x0 + x1, y0 + y1
        if x1 < x0 or y1 < y0:
            raise BadInput(
                f"bbox: box {len(found)} ({', '.join(f'{v:g}' for v in numbers)}) ends before it "
                f"begins when read as {order}; set order to what the other pack writes"
            )
        found.append(Found(None, (x0, y0, x1, y1)))
    return found


def with_masks(boxes: Sequence[Found], masks: Sequence[Any], picture: Picture) -> list[Found]:
    """The boxes with their masks, joined by order.

    Segmenters also give masks without boxes (core SAM3 prompted by points or boxes), and one black
    mask where they found nothing; both are understood.

    Raises:
        BadInput: another number of masks than boxes, or a mask that lies elsewhere than its box.
    """
    single = flat_masks(masks, picture)
    if not boxes:
        return [Found(m) for m in single if np.any(np.nan_to_num(m) > 0.5)]
    if len(single) != len(boxes):
        merged = len(single) == 1
        mend = (
            "switch individual_masks on in SAM3 Detect" if merged
            else "connect masks and boxes of the same run"
        )  # fmt: skip
        raise BadInput(f"masks: {len(single)} came for {len(boxes)} boxes; {mend}")
    joined = []
    for number, (item, mask) in enumerate(zip(boxes, single, strict=True)):
        assert item.box is not None
        if _elsewhere(mask, item.box):
            raise BadInput(
                f"masks: mask {number} lies outside box {number} ({item.label}); connect masks "
                "and boxes of the same run, in the same order"
            )
        joined.append(Found(mask, item.box, item.label, item.score))
    return joined


def named(found: Sequence[Found], labels: Sequence[str]) -> list[Found]:
    """The same with names; those that a detector gave stay where the text is empty."""
    if not any(t.strip() for t in labels):
        return list(found)
    names = names_for(labels, len(found))
    return [Found(f.mask, f.box, n, f.score) for f, n in zip(found, names, strict=True)]


def _one_frame(value: Any, what: str) -> list[Any]:
    """The boxes of the one picture that there may be."""
    if isinstance(value, Mapping) or _is_box(value):
        return [value]
    value = list(value) if value is not None else []
    if not value or not _is_frame(value[0]):
        return value
    if len(value) > 1:
        raise BadInput(
            f"{what}: they are of {len(value)} pictures, and a scene has one photo; run the "
            "detector on one image"
        )
    return list(value[0])


def _is_box(value: Any) -> bool:
    """Four bare numbers."""
    return _is_sequence(value) and len(value) == 4 and all(_is_number(v) for v in value)


def _is_frame(value: Any) -> bool:
    """A list of boxes, or an empty one."""
    return _is_sequence(value) and (not len(value) or not _is_number(value[0]))


def _is_sequence(value: Any) -> bool:
    return hasattr(value, "__len__") and not isinstance(value, (Mapping, str)) and (
        getattr(value, "ndim", 1) > 0
    )  # fmt: skip


def _is_number(value: Any) -> bool:
    return not isinstance(value, Mapping) and not _is_sequence(value)


def _number(value: Any, side: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    if not np.isfinite(number) or (side in ("width", "height") and number < 0):
        raise BadInput(f"bboxes: {side} {value!r} is no number of pixels")
    return number


def _elsewhere(mask: np.ndarray, box: Box) -> bool:
    on = np.nan_to_num(mask) > 0.5
    area = np.count_nonzero(on)
    if not area:
        return False
    x0, y0, x1, y1 = box
    beyond_x, beyond_y = 1 + 0.1 * (x1 - x0), 1 + 0.1 * (y1 - y0)
    rows = slice(max(0, int(y0 - beyond_y)), max(0, int(np.ceil(y1 + beyond_y))))
    columns = slice(max(0, int(x0 - beyond_x)), max(0, int(np.ceil(x1 + beyond_x))))
    return bool(np.count_nonzero(on[rows, columns]) < WITHIN * area)
