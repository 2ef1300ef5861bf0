"""Which part of a photo the mask network sees for a box, and the way there and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..boxes import Box

REACH = 1.45
"""The window's sides as multiples of the box's."""

STRETCH = 2.0
"""Windows are square pictures: a long thin box is widened at most this much against its height."""


@dataclass(frozen=True)
class Window:
    """A rectangle of a photo that becomes a square crop; it may reach over the photo's border.

    Attributes:
        x0, y0, x1, y1: px in the photo, not rounded.
    """

    x0: float
    y0: float
    x1: float
    y1: float

    def to_crop(self, points: np.ndarray, side: int) -> np.ndarray:
        """(k, 2) photo px to (k, 2) crop px."""
        scale = np.array([side / (self.x1 - self.x0), side / (self.y1 - self.y0)])
        return (np.asarray(points, np.float64).reshape(-1, 2) - [self.x0, self.y0]) * scale


def window_of(box: Box, reach: float = REACH) -> Window:
    """The window around a box (x0, y0, x1, y1 px, of positive size)."""
    width, height = box[2] - box[0], box[3] - box[1]
    half_x = 0.5 * reach * max(width, height / STRETCH)
    half_y = 0.5 * reach * max(height, width / STRETCH)
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return Window(x - half_x, y - half_y, x + half_x, y + half_y)


def cut(rgb: np.ndarray, window: Window, side: int) -> tuple[np.ndarray, np.ndarray]:
    """A window of a photo as a (side, side, 3) uint8 crop and its (side, side) bool valid part.

    Shrinking averages; beyond the photo's border the crop is black and not valid.
    """
    from PIL import Image

    height, width = rgb.shape[:2]
    left, top = int(np.floor(window.x0)) - 1, int(np.floor(window.y0)) - 1
    right, bottom = int(np.ceil(window.x1)) + 1, int(np.ceil(window.y1)) + 1
    a, b = max(0, left), max(0, top)
    part = rgb[b : max(b, min(height, bottom)), a : max(a, min(width, right))]
    around = ((b - top, bottom - b - part.shape[0]), (a - left, right - a - part.shape[1]))
    padded = np.pad(part, (*around, (0, 0)), mode="edge" if part.size else "constant")
    exact = (window.x0 - left, window.y0 - top, window.x1 - left, window.y1 - top)
    picture = Image.fromarray(np.ascontiguousarray(padded))
    crop = picture.resize((side, side), Image.Resampling.BILINEAR, box=exact)
    x = window.x0 + (np.arange(side) + 0.5) / side * (window.x1 - window.x0)
    y = window.y0 + (np.arange(side) + 0.5) / side * (window.y1 - window.y0)
    valid = ((y >= 0) & (y < height))[:, None] & ((x >= 0) & (x < width))[None, :]
    return np.asarray(crop) * valid[..., None].astype(np.uint8), valid


def paste(
    values: np.ndarray,
    window: Window,
    area: tuple[int, int, int, int],
    fill: float,
    shape: tuple[int, int] | None = None,
) -> np.ndarray:
    """A crop's (side, side) float32 map over a part of the photo.

    Args:
        area: that part, (x0, y0, x1, y1) whole px.
        fill: value outside the window.
        shape: (h, w) of the answer; None is the photo's own resolution.

    Returns:
        (h, w) float32.
    """
    from scipy.ndimage import map_coordinates

    side = values.shape[0]
    x0, y0, x1, y1 = area
    h, w = shape or (y1 - y0, x1 - x0)
    x = x0 + (np.arange(w) + 0.5) * (x1 - x0) / w
    y = y0 + (np.arange(h) + 0.5) * (y1 - y0) / h
    x = (x - window.x0) / (window.x1 - window.x0) * side - 0.5
    y = (y - window.y0) / (window.y1 - window.y0) * side - 0.5
    rows, columns = np.meshgrid(np.clip(y, 0, side - 1), np.clip(x, 0, side - 1), indexing="ij")
    out = map_coordinates(values.astype(np.float32), [rows, columns], order=1, mode="nearest")
    outside = ((y < -0.5) | (y > side - 0.5))[:, None] | ((x < -0.5) | (x > side - 0.5))[None, :]
    out[outside] = fill
    return out
