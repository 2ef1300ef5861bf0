"""The answer of RAM-Grounded-SAM: a list of what was recognised, and one index mask.

The list is that of the model's own prediction interface (Grounded-Segment-Anything, predict.py):
``{"tags": …, "mask": [{"value": 0, "label": "background"}, {"value": 1, "label": "chair",
"logit": 0.71, "box": [x0, y0, x1, y1]}, …]}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

import numpy as np
from PIL import Image

from ..boxes import Box, box_area, mask_box
from ..types import Photo, SceneObject
from .index_mask import read_index_mask
from .mask_tools import drop_specks

LEAST_AREA_PX = 4
UNSAID = 0.5
"""Score of what the service gives none for."""

SPECK_SHARE = 0.005
"""Parts of a mask below this share of it are dropped: the service's masks have stray pixels."""

HIDDEN_SHARE = 0.02
"""A region that covers less of its box has been painted over by objects drawn later."""


@dataclass(frozen=True)
class Recognised:
    """One entry of the list. ``box`` is clipped to the photo, None where there is no usable one."""

    value: int
    label: str
    score: float
    box: Box | None


def read_list(
    document: Any, width: int, height: int
) -> tuple[tuple[Recognised, ...], tuple[str, ...]]:
    """The recognised objects in the order of their values, and sentences about odd entries.

    Args:
        document: the JSON document, or its "mask" list.
        width, height: of the photo that was sent.

    Raises:
        ValueError: it is no such list at all.
    """
    entries = document.get("mask") if isinstance(document, Mapping) else document
    if not isinstance(entries, list):
        raise ValueError("it has no list under 'mask'")
    found: dict[int, Recognised] = {}
    notes: list[str] = []
    for place, entry in enumerate(entries):
        if not isinstance(entry, Mapping) or not _is_number(entry.get("value")):
            notes.append(f"entry {place} of the service's list has no value and was left out")
            continue
        value = int(entry["value"])
        label = " ".join(str(entry.get("label") or "object").lower().split())
        if value <= 0:
            continue  # the background
        if value in found:
            notes.append(f"the service's list has value {value} twice; the first one counts")
            continue
        box = _box(entry.get("box"), width, height)
        if box is None and entry.get("box") is not None:
            notes.append(f"the service's box of {label} {value} lies outside the photo")
        logit = entry.get("logit")
        score = min(1.0, max(0.0, float(logit))) if _is_number(logit) else UNSAID
        found[value] = Recognised(value, label, score, box)
    return tuple(found[v] for v in sorted(found)), tuple(notes)


def objects_from_answer(
    recognised: tuple[Recognised, ...], mask: Image.Image | None, photo: Photo
) -> tuple[tuple[SceneObject, ...], tuple[str, ...]]:
    """One object for each entry that has a region or a box; ids count from 0.

    An object without a region (another one was drawn over it) has ``mask`` None: its box is all
    that is known. One with neither is left out, with a sentence.
    """
    boxes = {r.value: r.box for r in recognised if r.box is not None}
    labels = np.zeros((photo.height, photo.width), np.int32)
    notes: list[str] = []
    if mask is not None and recognised:
        expected = {r.value: r.box for r in recognised}
        labels, found = read_index_mask(mask, expected, photo.width, photo.height)
        notes += found
    elif recognised:
        notes.append("the service sent no mask; masks are made from its boxes")
    out: list[SceneObject] = []
    hidden: list[str] = []
    for item in recognised:
        region = labels == item.value
        box = boxes.get(item.value)
        area = np.count_nonzero(region)
        enough = area >= LEAST_AREA_PX and (box is None or area >= HIDDEN_SHARE * box_area(box))
        if enough:
            region = drop_specks(region, SPECK_SHARE)
            out.append(SceneObject(len(out), item.label, item.score, mask_box(region), region))
        elif box is not None:
            hidden.append(f"{item.label} {len(out)}")
            out.append(SceneObject(len(out), item.label, item.score, box))
        else:
            notes.append(
                f"the service names {item.label} {item.value} but neither its mask nor a box shows"
                " where it is; it was left out"
            )
    if hidden and mask is not None:
        notes.append(
            f"the service's mask does not show {', '.join(hidden)}; made from the boxes instead"
        )
    return tuple(out), tuple(notes)


def _box(value: Any, width: int, height: int) -> Box | None:
    """(x0, y0, x1, y1) px inside the photo, or None when it is no box or outside."""
    if not isinstance(value, (list, tuple)) or len(value) != 4 or not all(map(_is_number, value)):
        return None
    x0, x1 = sorted((float(value[0]), float(value[2])))
    y0, y1 = sorted((float(value[1]), float(value[3])))
    x0, x1 = (min(max(x, 0.0), float(width)) for x in (x0, x1))
    y0, y1 = (min(max(y, 0.0), float(height)) for y in (y0, y1))
    box = (x0, y0, x1, y1)
    return box if box[2] - box[0] >= 1 and box[3] - box[1] >= 1 else None


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e9
