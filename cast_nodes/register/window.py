"""The part of the photo around one object, at a bounded working resolution."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image

from ..frames import crop_intrinsics, resize_intrinsics

WORKING_SIDE = 192
"""Longest side of the crop, px."""
MARGIN = 0.2
"""Room around the mask, share of its longest side."""
CUT_MARGIN = 0.6
"""… on sides where the photo's border cuts the object."""

FINEST = 4
"""Rows and columns of the photo that are averaged for a working pixel at the least, where there
are as many."""

Box = tuple[int, int, int, int]
"""(x0, y0, x1, y1) px of the photo, half-open."""


@dataclass(frozen=True, eq=False)
class Window:
    """A part of the photo (it may reach outside) seen at working resolution.

    Attributes:
        box: px of the photo.
        photo: (width, height) px.
        size: (width, height) of the working crop, never larger than the box.
    """

    box: Box
    photo: tuple[int, int]
    size: tuple[int, int]

    @cached_property
    def _rows_columns(self) -> tuple[np.ndarray, np.ndarray]:
        """The photo's row and column below each working pixel's centre."""
        x0, y0, x1, y1 = self.box
        columns = x0 + (np.arange(self.size[0]) + 0.5) * (x1 - x0) / self.size[0]
        rows = y0 + (np.arange(self.size[1]) + 0.5) * (y1 - y0) / self.size[1]
        return np.floor(rows).astype(int)[:, None], np.floor(columns).astype(int)[None]

    @cached_property
    def inside(self) -> np.ndarray:
        """(h, w) bool, working pixels that lie in the photo."""
        rows, columns = self._rows_columns
        return (rows >= 0) & (rows < self.photo[1]) & (columns >= 0) & (columns < self.photo[0])

    def pick(self, array: np.ndarray, fill) -> np.ndarray:
        """(h, w, …) values at the working pixels' centres; mixing depths would invent points."""
        rows, columns = self._rows_columns
        picked = array[rows.clip(0, self.photo[1] - 1), columns.clip(0, self.photo[0] - 1)]
        picked[~self.inside] = fill
        return picked

    def pick_mask(self, mask: np.ndarray, box: Box) -> np.ndarray:
        """(h, w) bool as :meth:`pick`, of a mask that is known to fill ``box`` at most."""
        rows, columns = self._rows_columns[0][:, 0], self._rows_columns[1][0]
        down = np.flatnonzero((rows >= box[1]) & (rows < box[3]))
        across = np.flatnonzero((columns >= box[0]) & (columns < box[2]))
        out = np.zeros(self.size[::-1], bool)
        if len(down) and len(across):
            place = np.s_[down[0] : down[-1] + 1, across[0] : across[-1] + 1]
            out[place] = mask[rows[down]][:, columns[across]]
        return out

    def area(self, array: np.ndarray) -> np.ndarray:
        """A mask (set when half of the area is) or an RGB picture averaged over the pixels.

        Of very large windows only every k-th row and column is averaged, still at least
        :data:`FINEST` a working pixel.
        """
        x0, y0, x1, y1 = self.box
        width, height = x1 - x0, y1 - y0
        step = max(1, min(width // self.size[0], height // self.size[1]) // FINEST)
        # The sampled rows and columns lie in the middle of the strips that they stand for.
        x0, y0 = x0 + (step - 1) // 2, y0 + (step - 1) // 2
        cut = np.zeros((-(-height // step), -(-width // step), *array.shape[2:3]), np.uint8)
        top, left = max(0, -(y0 // step)), max(0, -(x0 // step))
        part = array[y0 + top * step : y1 : step, x0 + left * step : x1 : step]
        place = cut[top : top + part.shape[0], left : left + part.shape[1]]
        if array.dtype == bool:
            np.multiply(part.view(np.uint8), 255, out=place)
        else:
            place[...] = part
        whole = (0.0, 0.0, width / step, height / step)
        out = np.asarray(Image.fromarray(cut).resize(self.size, Image.Resampling.BOX, whole))
        return out > 127 if array.dtype == bool else out

    def touched(self, mask: np.ndarray) -> np.ndarray:
        """(h, w) bool, working pixels in which any pixel of the mask lies."""
        x0, y0, x1, y1 = self.box
        a, b = max(y0, 0), max(x0, 0)
        rows, columns = np.nonzero(mask[a : max(y1, 0), b : max(x1, 0)])
        out = np.zeros(self.size[::-1], bool)
        out[
            (rows + a - y0) * self.size[1] // (y1 - y0),
            (columns + b - x0) * self.size[0] // (x1 - x0),
        ] = True
        return out

    def intrinsics(self, photo: np.ndarray) -> np.ndarray:
        """(3, 3) of the working crop from the photo's."""
        x0, y0, x1, y1 = self.box
        cropped = crop_intrinsics(photo, x0, y0)
        return resize_intrinsics(cropped, self.size[0] / (x1 - x0), self.size[1] / (y1 - y0))


def window_of(box: Box, shape: tuple[int, ...]) -> Window:
    """The window of a mask that fills ``box`` in a photo of ``shape`` (H, W), with room around."""
    height, width = shape[:2]
    x0, y0, x1, y1 = box
    side = max(x1 - x0, y1 - y0)
    cut = np.array([x0 <= 1, y0 <= 1, x1 >= width - 1, y1 >= height - 1])
    pad = np.ceil(np.where(cut, CUT_MARGIN, MARGIN) * side).astype(int) + 3
    x0, y0, x1, y1 = (int(v) for v in np.array(box) + pad * [-1, -1, 1, 1])
    factor = min(1.0, WORKING_SIDE / max(x1 - x0, y1 - y0))
    size = max(1, round((x1 - x0) * factor)), max(1, round((y1 - y0) * factor))
    return Window((x0, y0, x1, y1), (width, height), size)


def mask_box(mask: np.ndarray) -> Box | None:
    """The box that a mask fills, None when it is empty."""
    rows = np.flatnonzero(mask.any(1))
    if not len(rows):
        return None
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    columns = np.flatnonzero(mask[top:bottom].any(0))
    return int(columns[0]), top, int(columns[-1]) + 1, bottom


def overlaps(a: Box | None, b: Box) -> bool:
    """Whether two boxes share a pixel; None is no box."""
    return a is not None and a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
