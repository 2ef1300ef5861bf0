"""Pictures of numbered objects for models that look: outlines, and Set-of-Mark.

Set-of-Mark (Yang et al. 2023, arXiv 2310.11441) tints each object, draws its edge and writes its
number on it, so that a model can speak of objects by number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .mark_places import Plate, place_plates
from .types import SceneObject

Colour = tuple[int, int, int]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

LEAST_SIDE_PX, MOST_SIDE_PX = 1024, 1280
"""Longer side of the drawn picture: large enough for numbers, small enough to be sent."""

TINT = 0.35
"""Share of the mark's colour in a Set-of-Mark picture's objects."""

LETTER = 0.024
"""Height of the digits in longer sides of the picture."""

SMALLEST_LETTER_PX = 9


@dataclass(frozen=True, eq=False)
class Mark:
    """One object to be numbered.

    Attributes:
        number: what is written.
        mask: (H, W) bool, not empty.
    """

    number: int
    mask: np.ndarray


def marks_of(objects: Sequence[SceneObject], height: int, width: int) -> tuple[Mark, ...]:
    """Marks of objects under their ids; an object without a mask is marked by its box.

    An object with neither (an empty mask, a box outside the picture) has no mark.
    """
    found = []
    for item in objects:
        mask = item.mask
        if mask is None or not mask.any():
            mask = np.zeros((height, width), bool)
            x0, y0, x1, y1 = (round(v) for v in item.bbox)
            mask[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)] = True
        if mask.any():
            found.append(Mark(item.id, mask))
    return tuple(found)


def outlined(rgb: np.ndarray, marks: Sequence[Mark], most: int = MOST_SIDE_PX) -> np.ndarray:
    """(h, w, 3) uint8: the picture with each object's outline and number, otherwise untouched.

    Args:
        rgb: (H, W, 3) uint8. Enlarged or reduced so that numbers can be read.
        most: longer side of the result at most, in pixels.
    """
    return _draw(fitted(rgb, most), marks, 0.0)


def set_of_mark(rgb: np.ndarray, marks: Sequence[Mark], most: int = MOST_SIDE_PX) -> np.ndarray:
    """(h, w, 3) uint8: the picture with each object tinted, outlined and numbered."""
    return _draw(fitted(rgb, most), marks, TINT)


def fitted(rgb: np.ndarray, most: int = MOST_SIDE_PX) -> np.ndarray:
    """The (H, W, 3) picture at the size in which marked pictures are drawn."""
    height, width = rgb.shape[:2]
    longer = max(height, width)
    factor = min(max(longer, LEAST_SIDE_PX), most) / longer
    width, height = max(1, round(width * factor)), max(1, round(height * factor))
    if (height, width) == rgb.shape[:2]:
        return rgb
    image = Image.fromarray(rgb).resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(image)


@cache
def distinct_colours(count: int) -> tuple[Colour, ...]:
    """So many strong colours, each as unlike those before it as can be (distance in CIELAB)."""
    from skimage.color import hsv2rgb, rgb2lab

    hue, saturation, value = np.meshgrid(
        np.arange(0, 1, 1 / 36), (0.55, 0.8, 1.0), (0.55, 0.8, 1.0), indexing="ij"
    )
    candidates = hsv2rgb(np.stack([hue, saturation, value], -1).reshape(-1, 1, 3))[:, 0]
    lab = rgb2lab(candidates)
    seen = (lab[:, 0] > 45) & (lab[:, 0] < 92)  # neither dark nor nearly white
    candidates, lab = candidates[seen], lab[seen]
    chosen = [int(np.argmin(((candidates - (1.0, 0.1, 0.1)) ** 2).sum(1)))]
    nearest = np.full(len(lab), np.inf)
    while len(chosen) < min(count, len(lab)):
        nearest = np.minimum(nearest, ((lab - lab[chosen[-1]]) ** 2).sum(1))
        chosen.append(int(nearest.argmax()))
    colours = np.round(candidates[chosen] * 255).astype(int)
    return tuple(tuple(int(v) for v in colours[i % len(colours)]) for i in range(count))  # type: ignore[misc]


def plates_for(
    marks: Sequence[Mark], masks: Sequence[np.ndarray]
) -> tuple[tuple[Plate, ...], Font]:
    """Places of the numbers and the font they are written in: smaller where there are many.

    Args:
        masks: (h, w) bool of the marks, at the drawn picture's size.
    """
    height, width = masks[0].shape
    letter = max(SMALLEST_LETTER_PX, round(LETTER * max(height, width)))
    while True:
        font = ImageFont.load_default(letter)
        sizes = [_plate_size(str(mark.number), font, letter) for mark in marks]
        plates = place_plates(masks, sizes)
        if plates is not None:
            return plates, font
        if letter <= SMALLEST_LETTER_PX // 2:
            raise ValueError(f"{len(marks)} numbers do not fit on {width}x{height} pixels")
        letter = round(0.8 * letter)


def _draw(picture: np.ndarray, marks: Sequence[Mark], tint: float) -> np.ndarray:
    if not marks:
        return picture
    height, width = picture.shape[:2]
    masks = [_resized(mark.mask, width, height) for mark in marks]
    colours = distinct_colours(len(marks))
    line = max(2, round(max(height, width) / 350))
    out = picture.astype(np.float32)
    # Large objects first, so that the outline of what lies on them stays whole.
    order = sorted(range(len(marks)), key=lambda i: -np.count_nonzero(masks[i]))
    for i in order:
        if tint:
            out[masks[i]] += tint * (np.array(colours[i], np.float32) - out[masks[i]])
    for i in order:
        _outline(out, masks[i], colours[i], line)
    image = Image.fromarray(np.clip(out + 0.5, 0, 255).astype(np.uint8))
    plates, font = plates_for(marks, masks)
    draw = ImageDraw.Draw(image)
    for plate, colour in zip(plates, colours, strict=True):
        if not plate.inside:
            _leader(draw, plate, colour, line)
    for mark, plate, colour in zip(marks, plates, colours, strict=True):
        _plate(draw, plate, str(mark.number), colour, font)
    return np.asarray(image)


def _resized(mask: np.ndarray, width: int, height: int) -> np.ndarray:
    """(height, width) bool; a mask that would vanish keeps the pixels it touches."""
    if mask.shape == (height, width):
        return mask
    image = Image.fromarray(mask.astype(np.uint8) * 255)
    soft = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))
    return soft > min(127, 0.5 * float(soft.max()))


def _outline(out: np.ndarray, mask: np.ndarray, colour: Colour, line: int) -> None:
    """Draws the mask's edge into ``out``: the colour inside, a dark seam around it."""
    from scipy.ndimage import distance_transform_edt

    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    reach = line + 2
    y0, x0 = max(0, rows[0] - reach), max(0, columns[0] - reach)
    window = (slice(y0, rows[-1] + 1 + reach), slice(x0, columns[-1] + 1 + reach))
    part = mask[window]
    inner = np.asarray(distance_transform_edt(part))
    outer = np.asarray(distance_transform_edt(~part))
    view = out[window]
    view[~part & (outer <= max(1, line // 2))] = (20, 20, 20)
    view[part & (inner <= line)] = colour


def _plate_size(text: str, font: Font, letter: int) -> tuple[int, int]:
    x0, _, x1, _ = font.getbbox(text)
    return round(x1 - x0 + 0.7 * letter), round(1.35 * letter)


def _leader(draw: ImageDraw.ImageDraw, plate: Plate, colour: Colour, line: int) -> None:
    x0, y0, x1, y1 = plate.box
    ends = [((x0 + x1) / 2, (y0 + y1) / 2), plate.point]
    draw.line(ends, fill=(20, 20, 20), width=line + 2)
    draw.line(ends, fill=colour, width=line)


def _plate(
    draw: ImageDraw.ImageDraw,
    plate: Plate,
    text: str,
    colour: Colour,
    font: Font,
) -> None:
    x0, y0, x1, y1 = plate.box
    bright = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2] > 128
    ink = (0, 0, 0) if bright else (255, 255, 255)
    box = (x0, y0, x1 - 1, y1 - 1)
    draw.rounded_rectangle(box, radius=(y1 - y0) // 4, fill=colour, outline=ink, width=1)
    draw.text(((x0 + x1) / 2, (y0 + y1) / 2), text, fill=ink, font=font, anchor="mm")
