"""Procedural surfaces of rooms: wood, tile, carpet, plaster. Seeded, periodic, sRGB uint8.

Each function returns (pixels (h, w, 3) uint8, side in metres that the picture covers).
"""

from __future__ import annotations

import numpy as np

SIZE = 768


def fractal(
    rng: np.random.Generator, power: float, stretch: tuple[float, float] = (1, 1)
) -> np.ndarray:
    """(SIZE, SIZE) periodic noise with spectrum 1/f^power, zero mean, unit deviation.

    A stretch above 1 draws the noise out along y or x.
    """
    fy, fx = np.meshgrid(np.fft.fftfreq(SIZE) * SIZE, np.fft.rfftfreq(SIZE) * SIZE, indexing="ij")
    frequency = np.hypot(fy * stretch[0], fx * stretch[1])
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(rng.normal(size=(SIZE, SIZE))) / frequency**power
    noise = np.fft.irfft2(spectrum, (SIZE, SIZE))
    return (noise - noise.mean()) / noise.std()


def _pixels(colour: np.ndarray) -> np.ndarray:
    return np.clip(np.round(colour), 0, 255).astype(np.uint8)


def _grid() -> tuple[np.ndarray, np.ndarray]:
    """Row and column of each pixel, 0..1."""
    return np.meshgrid(np.arange(SIZE) / SIZE, np.arange(SIZE) / SIZE, indexing="ij")


def planks(rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """Floorboards along x, each with its own tone and grain."""
    base = np.array(
        [(186, 145, 100), (150, 104, 66), (205, 172, 132), (112, 76, 52), (168, 152, 132)]
    )[rng.integers(5)] * rng.uniform(0.9, 1.08)
    rows, boards = int(rng.integers(8, 15)), 2
    y, x = _grid()
    row = (y * rows).astype(int)
    along = (x * boards + rng.random(rows)[row]) % boards
    board = row * boards + along.astype(int)
    tone = rng.normal(0, 0.09, rows * boards)[board]
    grain = fractal(rng, 1.1, (1, 14)) * 0.05 + fractal(rng, 1.6, (1, 5)) * 0.04
    # Each board is cut from another part of the tree.
    shift = rng.integers(0, SIZE, rows * boards)[board]
    columns = (np.arange(SIZE)[None, :] + shift) % SIZE
    grain = np.take_along_axis(grain, columns, 1)
    seam = np.minimum((y * rows) % 1, 1 - (y * rows) % 1) / rows < 0.0012
    seam |= np.minimum(along % 1, 1 - along % 1) / boards < 0.0010
    shade = (1 + tone + grain) * np.where(seam, 0.55, 1)
    return _pixels(base * shade[..., None]), rows * rng.uniform(0.09, 0.16)


def tiles(rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """Square tiles with grout, plain or in two tones."""
    first = np.array([(212, 206, 196), (176, 168, 158), (198, 176, 150), (120, 122, 126)])[
        rng.integers(4)
    ]
    count = int(rng.choice([4, 6, 8]))
    y, x = _grid()
    row, column = (y * count).astype(int), (x * count).astype(int)
    tone = rng.normal(0, 0.025, (count, count))[row, column]
    if rng.random() < 0.3:
        tone = tone - rng.uniform(0.12, 0.4) * ((row + column) % 2)
    edge = np.minimum.reduce(
        [(y * count) % 1, 1 - (y * count) % 1, (x * count) % 1, 1 - (x * count) % 1]
    )
    colour = first * (1 + tone + 0.02 * fractal(rng, 1.4))[..., None]
    grout = first * rng.uniform(0.55, 0.8)
    side = rng.uniform(0.25, 0.5)
    return _pixels(np.where((edge * side < 0.003)[..., None], grout, colour)), count * side


def carpet(rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """Short pile in one colour, a little worn."""
    base = np.array(
        [(150, 142, 132), (104, 112, 122), (136, 108, 92), (94, 104, 92), (176, 168, 154)]
    )[rng.integers(5)]
    shade = (
        1 + 0.07 * rng.normal(size=(SIZE, SIZE)) + 0.04 * fractal(rng, 0.8) + 0.03 * fractal(rng, 2)
    )
    return _pixels(base * shade[..., None]), rng.uniform(1.0, 1.6)


def plaster(rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """A painted wall."""
    base = np.array(
        [
            (226, 222, 214),
            (214, 206, 190),
            (196, 204, 206),
            (190, 198, 180),
            (206, 186, 170),
            (170, 178, 188),
            (232, 230, 228),
        ]
    )[rng.integers(7)] * rng.uniform(0.92, 1.02)
    shade = 1 + 0.012 * fractal(rng, 0.6) + 0.012 * fractal(rng, 1.8)
    return _pixels(base * shade[..., None]), 2.0


def wallpaper(rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """Broad upright stripes."""
    base = np.array([(214, 204, 186), (186, 196, 200), (200, 188, 190)])[rng.integers(3)]
    _, x = _grid()
    stripe = np.sin(2 * np.pi * x * rng.integers(4, 9)) > 0
    shade = 1 - rng.uniform(0.04, 0.1) * stripe + 0.012 * fractal(rng, 1)
    return _pixels(base * shade[..., None]), 1.6


def rug(rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """A woven rug with a border; covers its own picture once."""
    a, b = rng.uniform(70, 190, (2, 1)) + rng.normal(0, 18, (2, 3))
    y, x = _grid()
    rim = np.minimum.reduce([x, y, 1 - x, 1 - y])
    figure = np.sin(2 * np.pi * rng.integers(3, 9) * x) * np.sin(2 * np.pi * rng.integers(3, 9) * y)
    colour = np.where((figure > rng.uniform(-0.2, 0.5))[..., None], a, 0.6 * a + 0.4 * b)
    colour = np.where(((rim > 0.05) & (rim < 0.09))[..., None], b, colour)
    return _pixels(colour * (1 + 0.06 * rng.normal(size=(SIZE, SIZE, 1)))), 1.0


def picture(rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """Something to hang on the wall: hills, or blots."""
    palette = rng.uniform(40, 225, (5, 1)) + rng.normal(0, 28, (5, 3))
    y, _ = _grid()
    level = fractal(rng, 2.2) * 0.25 + (3 * y if rng.random() < 0.6 else 1.5)
    level = np.clip(level / 3 * 4, 0, 3.999)
    index = level.astype(int)
    part = (level - index)[..., None] ** 3
    return _pixels(palette[index] * (1 - part) + palette[index + 1] * part), 1.0


FLOORS = (planks, planks, tiles, carpet)
WALLS = (plaster, plaster, plaster, wallpaper)
