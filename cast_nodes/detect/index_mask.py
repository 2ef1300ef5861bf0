"""Index masks of services: which object each pixel belongs to, however the picture was saved.

The picture should be grey with the object's number as its value and 0 for the background. It
comes scaled to another size, as a palette picture, stretched to 0..255, or as a JPEG whose edges
are blends; which of these it is is told from how well its regions fit the objects' known boxes.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from PIL import Image

from ..boxes import Box, box_area, intersection, mask_box

COLOURED = 24
"""Difference between colour channels above which a pixel is no grey, beyond what JPEG makes."""

BEYOND_BOX = 0.1
"""How far a region of a lossy mask may reach out of its box, in sides of the box."""

LOSSY_SHARE = 1e-3
"""Share of pixels with values of no object from which a mask counts as lossy."""

STRETCHED = 100
"""Brightest grey from which a picture may be one whose numbers were stretched to white."""

LEAST_FIT = 0.2
"""Mean IoU of regions and boxes below which a picture is no index mask of these objects."""


def read_index_mask(
    image: Image.Image, boxes: Mapping[int, Box | None], width: int, height: int
) -> tuple[np.ndarray, tuple[str, ...]]:
    """The object's number for each pixel of the photo, 0 where there is none.

    Args:
        image: the service's picture.
        boxes: (x0, y0, x1, y1) px of the photo by object number (1 or more), None where there
            is no box.
        width, height: the photo's.

    Returns:
        (height, width) int32, and sentences about what had to be mended. All zeros, with a
        sentence, when the picture is no index mask.
    """
    notes: list[str] = []
    if not boxes:
        return np.zeros((height, width), np.int32), ()
    if image.size != (width, height):
        notes.append(
            f"the service's mask is {image.width}x{image.height} pixels and was scaled to the"
            f" photo's {width}x{height}"
        )
    readings = _readings(image, max(boxes))
    if not readings:
        notes.append("the service's mask is a colour picture and not an index mask; not used")
        return np.zeros((height, width), np.int32), tuple(notes)
    known = np.array([0, *sorted(boxes)])
    compressed = image.format in ("JPEG", "WEBP", "MPO")
    found: list[tuple[float, np.ndarray, float]] = []
    for values in readings:
        strange = float(np.mean(~np.isin(values, known)))
        if compressed or strange > LOSSY_SHARE:
            labels = _mended(values, known, boxes, width, height)
        else:
            labels = np.where(np.isin(values, known), values, 0)
        labels = _scaled(labels.astype(np.int32), width, height)
        found.append((_fit(labels, boxes), labels, strange))
    fit, labels, strange = max(found, key=lambda f: f[0])
    if fit < LEAST_FIT:
        notes.append("the regions of the service's mask do not fit its boxes; the mask is not used")
        return np.zeros((height, width), np.int32), tuple(notes)
    if compressed or strange > LOSSY_SHARE:
        notes.append(
            f"the service's mask was compressed or smoothed ({strange:.1%} of it has values of no"
            " object); doubtful pixels were given to the nearest object"
        )
    return labels, tuple(notes)


def _readings(image: Image.Image, highest: int) -> list[np.ndarray]:
    """(h, w) values that the picture may mean: as they are, as palette numbers, stretched."""
    found = []
    if image.mode == "P":
        found.append(np.asarray(image).astype(np.float64))
    if image.mode in ("1", "L", "I", "I;16", "I;16B", "F"):
        grey = np.asarray(image).astype(np.float64)
    else:
        rgb = np.asarray(image.convert("RGB")).astype(np.float64)
        if np.mean(np.ptp(rgb, axis=-1) > COLOURED) > 0.01:
            return found
        grey = np.round(rgb.mean(-1))
    grey = np.nan_to_num(grey)
    found.append(grey)
    top = float(grey.max(initial=0.0))
    if top >= STRETCHED and top > 1.5 * highest:
        found.append(np.round(grey * (highest / top)))
    return found


def _mended(
    values: np.ndarray, known: np.ndarray, boxes: Mapping[int, Box | None], width: int, height: int
) -> np.ndarray:
    """Labels of a lossy mask: the nearest known value, only near its box, edges set straight.

    A blend between background and object 9 passes through all values between; such pixels have
    unlike neighbours. They are given to the nearest pixel that does not.
    """
    from scipy.ndimage import (
        distance_transform_edt,
        maximum_filter,
        median_filter,
        minimum_filter,
    )

    calm = median_filter(values, 3)
    place = np.clip(np.searchsorted(known, calm), 1, len(known) - 1)
    lower, upper = known[place - 1], known[place]
    labels = np.where(calm - lower <= upper - calm, lower, upper)
    rows, columns = labels.shape
    x = (np.arange(columns) + 0.5) * (width / columns)
    y = (np.arange(rows)[:, None] + 0.5) * (height / rows)
    allowed = labels == 0
    for number, box in boxes.items():
        if box is None:
            allowed |= labels == number
            continue
        x0, y0, x1, y1 = box
        reach_x, reach_y = BEYOND_BOX * (x1 - x0), BEYOND_BOX * (y1 - y0)
        near = (x > x0 - reach_x) & (x < x1 + reach_x) & (y > y0 - reach_y) & (y < y1 + reach_y)
        allowed |= (labels == number) & near
    sure = allowed & (maximum_filter(labels, 3) == minimum_filter(labels, 3))
    if not sure.any():
        return np.where(allowed, labels, 0)
    nearest = np.asarray(distance_transform_edt(~sure, return_distances=False, return_indices=True))
    return labels[nearest[0], nearest[1]]


def _scaled(labels: np.ndarray, width: int, height: int) -> np.ndarray:
    if labels.shape == (height, width):
        return labels
    image = Image.fromarray(labels, "I").resize((width, height), Image.Resampling.NEAREST)
    return np.asarray(image).astype(np.int32)


def _fit(labels: np.ndarray, boxes: Mapping[int, Box | None]) -> float:
    """Mean IoU of the boxes of the regions that are there with the known ones; 0 for none.

    Regions that are not there do not count much: later objects hide earlier ones. Without any
    box there is nothing to compare, and every region is taken.
    """
    shares = []
    there = 0
    for number, box in boxes.items():
        region = labels == number
        if not region.any():
            continue
        there += 1
        if box is not None:
            seen = mask_box(region)
            common = intersection(seen, box)
            shares.append(common / max(box_area(seen) + box_area(box) - common, 1e-9))
    mean = float(np.mean(shares)) if shares else 0.0 if any(boxes.values()) else 1.0
    return mean * (0.5 + 0.5 * there / len(boxes)) if there else 0.0
