"""Surfaces of our own making: floors, walls, fabrics, stone, weave, brick. Seeded, periodic.

``bank`` draws them once and keeps them in a file; crops then pick from it and change its colours.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks import textures as rooms

SIDE = 320
N = rooms.SIZE


def brick(rng: np.random.Generator) -> np.ndarray:
    """Bricks or narrow stone strips with mortar."""
    rows = int(rng.integers(8, 26))
    columns = max(2, int(rows / rng.uniform(2, 5)))
    y, x = np.mgrid[0:N, 0:N] / N
    row = (y * rows).astype(int)
    along = (x * columns + 0.5 * (row % 2)) % columns
    base = rng.uniform(40, 200) * rng.uniform(0.75, 1.15, 3)
    tone = rng.normal(0, 0.12, (rows, columns))[row, along.astype(int)]
    edge = np.minimum.reduce(
        [(y * rows) % 1, 1 - (y * rows) % 1, (along % 1) * 3, (1 - along % 1) * 3]
    )
    colour = base * (1 + tone + 0.06 * rooms.fractal(rng, 1))[..., None]
    return np.where((edge < 0.08)[..., None], base * rng.uniform(0.4, 1.6), colour)


def checks(rng: np.random.Generator) -> np.ndarray:
    """Woven checks or stripes of two or three colours."""
    a, b, c = rng.uniform(30, 230, (3, 1)) + rng.normal(0, 30, (3, 3))
    y, x = np.mgrid[0:N, 0:N] / N
    k = int(rng.integers(3, 14))
    across = (np.sin(2 * np.pi * k * x) > rng.uniform(-0.5, 0.5))[..., None]
    down = (np.sin(2 * np.pi * k * y) > rng.uniform(-0.5, 0.5))[..., None]
    if rng.random() < 0.5:
        down = np.zeros_like(down)
    return (np.where(across, a, b) + np.where(down, c, b)) / 2 + rng.normal(0, 5, (N, N, 1))


def blotches(rng: np.random.Generator) -> np.ndarray:
    """Two colours in cloudy patches: hides, camouflage, prints."""
    a, b = rng.uniform(20, 240, (2, 1)) + rng.normal(0, 20, (2, 3))
    noise = rooms.fractal(rng, rng.uniform(1.2, 2.0)) * rng.uniform(1, 6)
    share = 1 / (1 + np.exp(-noise))[..., None]
    return a * share + b * (1 - share) + rng.normal(0, 3, (N, N, 1))


def marble(rng: np.random.Generator) -> np.ndarray:
    """Veins in a pale or dark stone."""
    base = rng.uniform(30, 235) * rng.uniform(0.93, 1.05, 3)
    vein = np.exp(-np.abs(rooms.fractal(rng, 1.7)) * rng.uniform(4, 14))
    return base * (1 + rng.uniform(-0.5, 0.5) * vein + 0.03 * rooms.fractal(rng, 1))[..., None]


def fabric(rng: np.random.Generator) -> np.ndarray:
    """Plain cloth or leather: one colour, a fine weave, worn patches."""
    base = rng.uniform(25, 225) * rng.uniform(0.7, 1.25, 3)
    y, x = np.mgrid[0:N, 0:N]
    weave = np.sin(x * rng.uniform(0.3, 1.5)) * np.sin(y * rng.uniform(0.3, 1.5))
    shade = 1 + rng.uniform(0, 0.09) * weave + rng.uniform(0, 0.08) * rooms.fractal(rng, 1.6)
    return base * (shade + rng.normal(0, 0.02, (N, N)))[..., None]


def wicker(rng: np.random.Generator) -> np.ndarray:
    """Basket weave."""
    k = int(rng.integers(10, 30))
    y, x = np.mgrid[0:N, 0:N] / N
    base = np.array([170, 130, 85]) * rng.uniform(0.5, 1.25)
    over = ((x * k).astype(int) + (y * k * 2).astype(int)) % 2
    round_ = np.where(over > 0, np.abs(np.sin(np.pi * k * x)), np.abs(np.sin(np.pi * 2 * k * y)))
    return base * (0.45 + 0.6 * round_ + 0.05 * rng.normal(size=(N, N)))[..., None]


def flowers(rng: np.random.Generator) -> np.ndarray:
    """A print: spots of several colours scattered on a ground."""
    picture = np.tile(rng.uniform(30, 240, 3), (N, N, 1))
    y, x = np.mgrid[0:N, 0:N]
    for _ in range(int(rng.integers(12, 60))):
        cx, cy, r = rng.uniform(0, N), rng.uniform(0, N), rng.uniform(10, 70)
        angle = np.arctan2(y - cy, x - cx)
        petals = r * (1 + 0.4 * np.sin(angle * rng.integers(0, 7)))
        picture[np.hypot((x - cx), (y - cy)) < petals] = rng.uniform(20, 240, 3)
    return picture + rng.normal(0, 4, (N, N, 1))


def grass(rng: np.random.Generator) -> np.ndarray:
    """Lawn, hedge, gravel: strong fine noise."""
    base = np.array([(95, 120, 60), (70, 95, 50), (150, 140, 125), (120, 112, 100)])[
        rng.integers(4)
    ]
    return base * (1 + 0.25 * rng.normal(size=(N, N)) + 0.2 * rooms.fractal(rng, 1.1))[..., None]


def _from_rooms(make):
    return lambda rng: make(rng)[0]


FLOORS = (
    _from_rooms(rooms.planks), _from_rooms(rooms.planks), _from_rooms(rooms.tiles),
    _from_rooms(rooms.carpet), fabric, marble, brick, checks, grass,
)  # fmt: skip
WALLS = (
    _from_rooms(rooms.plaster), _from_rooms(rooms.plaster), _from_rooms(rooms.plaster),
    _from_rooms(rooms.wallpaper), brick, marble, _from_rooms(rooms.planks), flowers, checks,
)  # fmt: skip
THINGS = (
    fabric, fabric, fabric, checks, blotches, marble, wicker, flowers,
    _from_rooms(rooms.planks), _from_rooms(rooms.picture), _from_rooms(rooms.rug),
)  # fmt: skip


def bank(path: Path, seed: int, each: int = 6) -> dict[str, np.ndarray]:
    """{"floor", "wall", "thing"}: (n, SIDE, SIDE, 3) uint8 each, from the file or made now."""
    if path.is_file():
        with np.load(path) as stored:
            return dict(stored)
    out = {}
    for number, (name, kinds) in enumerate((("floor", FLOORS), ("wall", WALLS), ("thing", THINGS))):
        pictures = []
        for index in range(each * len(kinds)):
            rng = np.random.default_rng([seed, number, index])
            pixels = np.clip(np.round(kinds[index % len(kinds)](rng)), 0, 255).astype(np.uint8)
            pictures.append(
                np.asarray(Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BOX))
            )
        out[name] = np.stack(pictures)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **out)
    return out
