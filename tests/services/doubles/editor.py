"""Double of an image editor: completes one known object, or empties one known room.

It knows what the scene really looks like and nothing of the code under test: from the picture it
gets it finds by itself where the visible part lies (the pixels that are neither ground nor grey),
and draws the whole object there, then answers at a size of its own.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 128, 96


def pattern(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(..., 3): the box's colours at photo positions; every place has its own."""
    wave = 25 * np.sin(x / 4) * np.cos(y / 5)
    return np.stack([120 + 1.1 * x, 30 + 1.2 * y + wave, 60 + wave], -1)


BOX = (30, 24, 90, 70)  # the whole object in the photo, px, half-open
POST = (62, 14, 76, 90)  # what stands in front of it


def room() -> np.ndarray:
    """(HEIGHT, WIDTH, 3) uint8, the empty room: a grey wall over a brown floor, some structure."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    wall = np.stack([190 - 0.3 * x, 192 - 0.2 * x, 196 - 0.1 * x], -1)
    floor = np.stack([140 + 0.2 * x, 110 + 6 * np.sin(x / 3), 80 + 0 * x], -1)
    out = np.where((y < 60)[..., None], wall, floor)
    out[10:30, 100:122] = (60, 90, 60)  # a picture on the wall
    return out.clip(0, 255).astype(np.uint8)


def masks() -> tuple[np.ndarray, np.ndarray]:
    """(HEIGHT, WIDTH) bool: the box's visible pixels, and the post."""
    box, post = np.zeros((HEIGHT, WIDTH), bool), np.zeros((HEIGHT, WIDTH), bool)
    box[BOX[1] : BOX[3], BOX[0] : BOX[2]] = True
    post[POST[1] : POST[3], POST[0] : POST[2]] = True
    return box & ~post, post


def photo() -> np.ndarray:
    """The room with both things in it."""
    out, (box, post) = room(), masks()
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    out[box] = pattern(x, y)[box]
    out[post] = (30, 40, 170)
    return out


@dataclass
class Editor:
    """Edits pictures.

    Attributes:
        size: (width, height) of its answers; None keeps the picture's.
        zoom, shift: how it misplaces what it draws (shift in shares of the square's side).
        seen: pictures it was given, in order.
    """

    size: tuple[int, int] | None = None
    zoom: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)
    seen: list[np.ndarray] = field(default_factory=list)

    def edit(self, png: bytes) -> bytes:
        """A PNG for a PNG."""
        picture = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
        self.seen.append(picture)
        height, width = picture.shape[:2]
        if (width, height) == (WIDTH, HEIGHT):
            out = room()
        elif width == height:
            out = self._completed(picture)
        else:
            out = picture.copy()
            x0, y0, x1, y1 = card_of(picture)
            out[y0:y1, x0:x1] = self._completed(picture[y0:y1, x0:x1])
        image = Image.fromarray(out)
        if self.size is not None:
            image = image.resize(self.size, Image.Resampling.LANCZOS)
        file = io.BytesIO()
        image.save(file, "PNG")
        return file.getvalue()

    def _completed(self, square: np.ndarray) -> np.ndarray:
        """The square with the whole box where its visible part is."""
        ground = square[len(square) // 2, 2].astype(int)
        other = np.abs(square.astype(int) - ground).max(-1) > 60
        inset = len(square) // 50  # the card's round corners
        other[:inset] = other[-inset:] = False
        other[:, :inset] = other[:, -inset:] = False
        rows, columns = np.flatnonzero(other.any(1)), np.flatnonzero(other.any(0))
        # The post hides the middle: the visible part reaches as far as the whole.
        scale = (columns[-1] + 1 - columns[0]) / (BOX[2] - BOX[0])
        left, top = columns[0], rows[0]
        n = len(square)
        y, x = np.mgrid[:n, :n] + 0.5
        x = ((x - n / 2) / self.zoom - self.shift[0] * n / self.zoom + n / 2 - left) / scale
        y = ((y - n / 2) / self.zoom - self.shift[1] * n / self.zoom + n / 2 - top) / scale
        x, y = x + BOX[0], y + BOX[1]
        inside = (x >= BOX[0]) & (x < BOX[2]) & (y >= BOX[1]) & (y < BOX[3])
        out = np.where(inside[..., None], pattern(x, y), ground)
        return out.clip(0, 255).astype(np.uint8)


def card_of(canvas: np.ndarray) -> tuple[int, int, int, int]:
    """The inside of the card, from the numbers of the parity list."""
    height, width = canvas.shape[:2]
    panel = width - height
    side = min(height - 2 * int(height * 0.04), height - int(height * 0.08) - int(height * 0.02))
    x0 = panel + (height - side) // 2
    y0 = (height - int(height * 0.08) - side) // 2
    return x0 + 5, y0 + 5, x0 + side - 5, y0 + side - 5
