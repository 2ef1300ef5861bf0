"""What the scene benchmark needs beside furniture: shelves, bowls, balls, planks, lamps, pictures.

Closed solids made in code, drawn from a random generator; y up, in metres, resting on y = 0 with
the footprint's middle at the origin, front towards +z, as in ``register_shapes``.
"""

from __future__ import annotations

import numpy as np

from .register_shapes import Part, box, colour_of, lathe

BOARD_M = 0.022


def bookshelf(rng: np.random.Generator) -> list[Part]:
    """Boards between sides, with a back: things stand on its inner boards."""
    w, d = rng.uniform(0.75, 1.1), rng.uniform(0.28, 0.36)
    boards, free = int(rng.integers(3, 5)), rng.uniform(0.34, 0.42)
    h, t, wood = 0.06 + boards * (free + BOARD_M) + BOARD_M, BOARD_M, colour_of(rng)
    parts = [box((t, h, d), (side * (w - t) / 2, 0, 0), wood) for side in (-1, 1)]
    for board in range(boards + 1):
        parts.append(box((w - 2 * t, t, d), (0, 0.06 + board * (free + t), 0), wood))
    parts.append(box((w - 2 * t, h - 0.06, 0.012), (0, 0.06, -(d - 0.012) / 2), colour_of(rng)))
    return parts


def bowl(rng: np.random.Generator) -> list[Part]:
    """A thick-walled bowl on a foot."""
    r, h, wall = rng.uniform(0.13, 0.2), rng.uniform(0.07, 0.11), 0.012
    angle = np.linspace(0, np.pi / 2, 8)
    outside = [
        (0.45 * r, 0.0),
        *zip(r * np.sin(angle[3:]), h * (1 - np.cos(angle[3:])), strict=True),
    ]
    inner, deep = r - wall, h - wall
    inside = zip(inner * np.sin(angle[:0:-1]), h - deep * np.cos(angle[:0:-1]), strict=True)
    return [lathe([*outside, *inside, (0.01, wall)], colour_of(rng))]


def ball(rng: np.random.Generator) -> list[Part]:
    """A ball that fits into any bowl."""
    r = rng.uniform(0.05, 0.075)
    angle = np.linspace(0, np.pi, 17)[1:-1]
    profile = [(0.02 * r, 0.0), *zip(r * np.sin(angle), r * (1 - np.cos(angle)), strict=True)]
    return [lathe([*profile, (0.02 * r, 2 * r)], colour_of(rng))]


def book(rng: np.random.Generator) -> list[Part]:
    """A lying book: covers and pages."""
    w, h, d = rng.uniform(0.15, 0.26), rng.uniform(0.025, 0.055), rng.uniform(0.2, 0.32)
    cover, page = colour_of(rng), (232, 226, 210)
    return [
        box((w, 0.004, d), (0, 0, 0), cover),
        box((0.97 * w, h - 0.008, 0.97 * d), (0, 0.004, 0), page),
        box((w, 0.004, d), (0, h - 0.004, 0), cover),
        box((0.008, h, d), (-(w - 0.008) / 2, 0, 0), cover),
    ]


def upright_book(rng: np.random.Generator) -> list[Part]:
    """A standing book or file: thin, its back to the front."""
    w, h, d = rng.uniform(0.05, 0.09), rng.uniform(0.22, 0.3), rng.uniform(0.16, 0.22)
    cover = colour_of(rng)
    return [
        box((w, h, d - 0.01), (0, 0, -0.005), (225, 220, 205)),
        box((w, h, 0.01), (0, 0, (d - 0.01) / 2), cover),
    ]


def block(rng: np.random.Generator) -> list[Part]:
    """A plain box for stacks, a label on its front."""
    w, h, d = rng.uniform(0.14, 0.3), rng.uniform(0.07, 0.16), rng.uniform(0.14, 0.26)
    label = box((0.5 * w, 0.5 * h, 0.002), (0, 0.25 * h, (d + 0.002) / 2), colour_of(rng))
    return [box((w, h, d), (0, 0, 0), colour_of(rng)), label]


def plank(rng: np.random.Generator) -> list[Part]:
    """A board to lean against a wall."""
    size = rng.uniform(0.15, 0.3), rng.uniform(1.1, 1.8), rng.uniform(0.018, 0.04)
    return [box(size, (0, 0, 0), colour_of(rng))]


def ladder(rng: np.random.Generator) -> list[Part]:
    """Two rails and rungs between them."""
    w, h, wood = rng.uniform(0.36, 0.48), rng.uniform(1.4, 1.9), colour_of(rng)
    parts = [box((0.035, h, 0.05), (side * (w - 0.035) / 2, 0, 0), wood) for side in (-1, 1)]
    rungs = int(rng.integers(4, 7))
    for rung in range(rungs):
        y = h * (rung + 0.6) / rungs
        parts.append(box((w - 0.07, 0.03, 0.03), (0, y, 0), wood))
    return parts


def picture(rng: np.random.Generator) -> list[Part]:
    """A framed picture with a flat back."""
    w, h, rim = rng.uniform(0.35, 0.8), rng.uniform(0.3, 0.65), rng.uniform(0.02, 0.05)
    frame = colour_of(rng)
    parts = [box((w, h, 0.02), (0, 0, 0), colour_of(rng))]
    for side in (-1, 1):
        parts.append(box((rim, h, 0.012), (side * (w - rim) / 2, 0, 0.016), frame))
        foot = 0.0 if side < 0 else h - rim
        parts.append(box((w - 2 * rim, rim, 0.012), (0, foot, 0.016), frame))
    half = (0.4 * w, 0.35 * h, 0.004)
    parts.append(box(half, (-0.1 * w, 0.2 * h, 0.012), colour_of(rng)))
    return parts


def pendant(rng: np.random.Generator) -> list[Part]:
    """A lamp on a rod under its ceiling plate."""
    h, r = rng.uniform(0.6, 1.0), rng.uniform(0.14, 0.24)
    metal = colour_of(rng)
    return [
        lathe([(r, 0), (0.35 * r, 0.6 * r), (0.3 * r, 0.6 * r + 0.01)], colour_of(rng)),
        lathe([(0.012, 0.6 * r), (0.012, h - 0.02)], metal),
        lathe([(0.05, h - 0.03), (0.06, h)], metal),
    ]


def side_table(rng: np.random.Generator) -> list[Part]:
    """A low table with a wide level top."""
    w, h, d = rng.uniform(0.9, 1.5), rng.uniform(0.42, 0.74), rng.uniform(0.55, 0.8)
    top, leg, wood = rng.uniform(0.02, 0.045), rng.uniform(0.04, 0.07), colour_of(rng)
    x, z = w / 2 - leg, d / 2 - leg
    legs = [box((leg, h - top, leg), (sx * x, 0, sz * z), wood) for sx in (-1, 1) for sz in (-1, 1)]
    return [box((w, top, d), (0, h - top, 0), wood), *legs]
