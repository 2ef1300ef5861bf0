"""Furniture-like shapes made in code, so that the registration benchmark needs no model folder.

Every shape is drawn from a random generator: no two are alike. They are y up, in metres, resting
on y = 0 with the footprint's middle at the origin, front towards +z.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from cast_nodes.mesh_data import Material, MeshData

Part = tuple[np.ndarray, np.ndarray, tuple[int, int, int]]
"""(n, 3) vertices, (m, 3) faces, sRGB colour."""

_CUBE_FACES = np.array(
    [
        [0, 3, 2], [0, 1, 3], [4, 7, 5], [4, 6, 7], [0, 5, 1], [0, 4, 5],
        [2, 7, 6], [2, 3, 7], [0, 6, 4], [0, 2, 6], [1, 7, 3], [1, 5, 7],
    ]
)  # fmt: skip
"""Of the corners numbered 4 x + 2 y + z, counter-clockwise from outside."""

SIDES = 32


def box(size: Sequence[float], foot: Sequence[float], colour) -> Part:
    """A box of (3,) size whose bottom's middle is at (3,) foot."""
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float)
    vertices = (corners - [0.5, 0, 0.5]) * np.asarray(size) + np.asarray(foot)
    return vertices, _CUBE_FACES, colour


def lathe(profile: Sequence[tuple[float, float]], colour, foot=(0.0, 0.0, 0.0)) -> Part:
    """A profile of (radius, height) pairs from bottom to top, turned about y and closed."""
    rings = np.asarray(profile, float)
    angle = np.arange(SIDES) * 2 * np.pi / SIDES
    around = np.stack([np.sin(angle), np.zeros(SIDES), np.cos(angle)], 1)
    vertices = (rings[:, None, :1] * around + [[[0, 1, 0]]] * rings[:, None, 1:]).reshape(-1, 3)
    low, high = len(vertices), len(vertices) + 1
    vertices = np.concatenate([vertices, [[0, rings[0, 1], 0], [0, rings[-1, 1], 0]]])
    i = np.arange(SIDES)
    j = (i + 1) % SIDES
    faces = [np.stack([np.full(SIDES, low), j, i], 1)]
    for ring in range(len(rings) - 1):
        a, b = ring * SIDES, (ring + 1) * SIDES
        faces += [np.stack([a + i, a + j, b + j], 1), np.stack([a + i, b + j, b + i], 1)]
    top = (len(rings) - 1) * SIDES
    faces.append(np.stack([np.full(SIDES, high), top + i, top + j], 1))
    return vertices + np.asarray(foot), np.concatenate(faces), colour


def joined(parts: Sequence[Part]) -> MeshData:
    """One mesh of several parts, each with a material of its colour."""
    starts = np.cumsum([0, *(len(v) for v, _, _ in parts)])
    return MeshData(
        vertices=np.concatenate([v for v, _, _ in parts]),
        faces=np.concatenate([f + s for (_, f, _), s in zip(parts, starts, strict=False)]),
        face_material=np.repeat(np.arange(len(parts)), [len(f) for _, f, _ in parts]),
        materials=tuple(Material.coloured(colour) for _, _, colour in parts),
    )


def colour_of(rng: np.random.Generator) -> tuple[int, int, int]:
    """Wood, grey or paint."""
    kind = rng.integers(3)
    if kind == 0:
        base = np.array([150, 110, 70]) * rng.uniform(0.5, 1.5)
    elif kind == 1:
        base = np.full(3, rng.uniform(40, 235))
    else:
        base = rng.uniform(40, 225, 3)
    r, g, b = np.clip(base + rng.normal(0, 8, 3), 8, 247).astype(int).tolist()
    return r, g, b


def _legs(width: float, depth: float, height: float, thick: float, colour) -> list[Part]:
    """Four legs within a width x depth footprint."""
    x, z = (width - thick) / 2, (depth - thick) / 2
    size = (thick, height, thick)
    return [box(size, (sx * x, 0, sz * z), colour) for sx in (-1, 1) for sz in (-1, 1)]


def table(rng: np.random.Generator) -> list[Part]:
    """A slab on four legs, sometimes with an apron."""
    w, h, d = rng.uniform(0.7, 1.7), rng.uniform(0.4, 0.78), rng.uniform(0.5, 0.9)
    top, leg = rng.uniform(0.02, 0.05), rng.uniform(0.03, 0.08)
    wood = colour_of(rng)
    parts = [
        box((w, top, d), (0, h - top, 0), wood),
        *_legs(0.96 * w, 0.96 * d, h - top, leg, wood),
    ]
    if rng.random() < 0.5:
        apron = (0.9 * w, 0.08, 0.9 * d)
        parts.append(box(apron, (0, h - top - 0.08, 0), colour_of(rng)))
    return parts


def chair(rng: np.random.Generator) -> list[Part]:
    """Seat, back, four legs; the back is at -z."""
    w, d, seat = rng.uniform(0.4, 0.52), rng.uniform(0.4, 0.52), rng.uniform(0.42, 0.48)
    back, thick = rng.uniform(0.35, 0.55), rng.uniform(0.03, 0.07)
    wood, cover = colour_of(rng), colour_of(rng)
    parts = [box((w, thick, d), (0, seat - thick, 0), cover)]
    parts += _legs(w, d, seat - thick, rng.uniform(0.025, 0.045), wood)
    parts.append(box((w, back, 0.035), (0, seat, -(d - 0.035) / 2), wood))
    return parts


def armchair(rng: np.random.Generator) -> list[Part]:
    """A block seat between arms before a back; wide ones are sofas."""
    w, d = rng.choice([0.85, 1.6, 2.0]) * rng.uniform(0.9, 1.1), rng.uniform(0.75, 0.95)
    seat, back, arm = rng.uniform(0.38, 0.45), rng.uniform(0.7, 0.95), rng.uniform(0.1, 0.2)
    cover = colour_of(rng)
    side = (arm, rng.uniform(0.52, 0.64), d)
    return [
        box((w - 2 * arm, seat, d - 0.2), (0, 0, 0.1), colour_of(rng)),
        box((w, back, 0.2), (0, 0, -(d - 0.2) / 2), cover),
        box(side, (-(w - arm) / 2, 0, 0), cover),
        box(side, ((w - arm) / 2, 0, 0), cover),
    ]


def corner(rng: np.random.Generator) -> list[Part]:
    """An L-shaped block: a corner bench or counter."""
    w, d, h = rng.uniform(1.2, 2.1), rng.uniform(1.0, 1.6), rng.uniform(0.4, 0.9)
    arm = rng.uniform(0.45, 0.7)
    shade = colour_of(rng)
    left = rng.choice([-1, 1])
    return [
        box((w, h, arm), (0, 0, -(d - arm) / 2), shade),
        box((arm, h, d - arm), (left * (w - arm) / 2, 0, arm / 2), shade),
    ]


def crate(rng: np.random.Generator) -> list[Part]:
    """A closed box with fronts: a chest of drawers, a cupboard."""
    w, h, d = rng.uniform(0.4, 1.3), rng.uniform(0.4, 1.3), rng.uniform(0.35, 0.6)
    parts = [box((w, h, d), (0, 0, 0), colour_of(rng))]
    rows, front = int(rng.integers(1, 5)), colour_of(rng)
    for row in range(rows):
        size = (0.92 * w, 0.86 * h / rows, 0.02)
        parts.append(box(size, (0, h * (row + 0.07) / rows, d / 2 + 0.01), front))
    return parts


def shelves(rng: np.random.Generator) -> list[Part]:
    """An open shelf unit, with a back or without."""
    w, h, d = rng.uniform(0.6, 1.1), rng.uniform(0.8, 1.9), rng.uniform(0.25, 0.42)
    wood, t = colour_of(rng), 0.025
    parts = [box((t, h, d), (side * (w - t) / 2, 0, 0), wood) for side in (-1, 1)]
    boards = int(rng.integers(3, 6))
    for board in range(boards):
        y = 0.04 + (h - 0.04 - t) * board / (boards - 1)
        parts.append(box((w - 2 * t, t, d), (0, y, 0), wood))
    if rng.random() < 0.6:
        parts.append(box((w, h, 0.01), (0, 0, -(d + 0.01) / 2), colour_of(rng)))
    return parts


def stool(rng: np.random.Generator) -> list[Part]:
    """A round seat on legs or on one foot."""
    r, h = rng.uniform(0.16, 0.24), rng.uniform(0.42, 0.75)
    wood, cover = colour_of(rng), colour_of(rng)
    seat = lathe([(r, h - 0.05), (1.04 * r, h - 0.03), (r, h)], cover)
    if rng.random() < 0.5:
        return [seat, *_legs(1.5 * r, 1.5 * r, h - 0.05, 0.03, wood)]
    return [seat, lathe([(0.8 * r, 0), (0.75 * r, 0.03), (0.03, 0.05), (0.03, h - 0.05)], wood)]


def pouf(rng: np.random.Generator) -> list[Part]:
    """A cylinder: a pouf, a bin, a side table."""
    r, h = rng.uniform(0.18, 0.4), rng.uniform(0.35, 0.6)
    return [lathe([(r, 0), (r * rng.uniform(0.9, 1.1), h)], colour_of(rng))]


def floor_lamp(rng: np.random.Generator) -> list[Part]:
    """A foot, a pole and a shade."""
    h, shade = rng.uniform(1.2, 1.65), rng.uniform(0.15, 0.25)
    pole = lathe([(0.14, 0), (0.13, 0.03), (0.014, 0.05), (0.014, h)], colour_of(rng))
    top = lathe([(shade, h - 0.3), (shade * rng.uniform(0.5, 1), h)], colour_of(rng))
    return [pole, top]


def plant(rng: np.random.Generator) -> list[Part]:
    """A pot with a few flat leaves that lean out."""
    r, h = rng.uniform(0.12, 0.2), rng.uniform(0.2, 0.35)
    parts = [lathe([(0.7 * r, 0), (r, h), (0.9 * r, h)], colour_of(rng))]
    green = (int(rng.integers(30, 90)), int(rng.integers(100, 170)), int(rng.integers(30, 80)))
    for yaw in rng.uniform(0, 2 * np.pi, int(rng.integers(5, 9))):
        length, lean, wide = rng.uniform(0.35, 0.8), rng.uniform(0.2, 0.9), rng.uniform(0.05, 0.1)
        out = np.array([np.sin(yaw), 0, np.cos(yaw)])
        side = np.array([out[2], 0, -out[0]]) * wide
        middle = out * length * 0.4 * np.sin(lean) + [0, h + 0.55 * length * np.cos(lean), 0]
        tip = out * length * np.sin(lean) + [0, h + length * np.cos(lean) * 0.9, 0]
        root = np.array([0, 0.9 * h, 0])
        vertices = np.stack([root, middle - side, middle + side, tip])
        parts.append((vertices, np.array([[0, 1, 2], [2, 1, 3]]), green))
    return parts


def vase(rng: np.random.Generator) -> list[Part]:
    """A lathed vase."""
    h, r = rng.uniform(0.18, 0.45), rng.uniform(0.06, 0.12)
    height = np.linspace(0, h, 12)
    waves = 1 + 0.45 * np.sin(rng.uniform(2, 6) * height / h + rng.uniform(0, 6))
    return [lathe(list(zip(r * waves * 0.8, height, strict=True)), colour_of(rng))]


def desk_lamp(rng: np.random.Generator) -> list[Part]:
    """A foot, an arm to the front and a shade at its end."""
    h, reach = rng.uniform(0.3, 0.45), rng.uniform(0.1, 0.2)
    metal = colour_of(rng)
    return [
        lathe([(0.09, 0), (0.08, 0.025), (0.012, 0.03), (0.012, h)], metal),
        box((0.02, 0.02, reach), (0, h - 0.02, reach / 2), metal),
        lathe([(0.08, h - 0.1), (0.03, h)], colour_of(rng), (0, 0, reach)),
    ]


def carton(rng: np.random.Generator) -> list[Part]:
    """A small box lying or standing, its lid in another colour."""
    w, h, d = rng.uniform(0.12, 0.42), rng.uniform(0.09, 0.35), rng.uniform(0.1, 0.3)
    return [
        box((w, 0.75 * h, d), (0, 0, 0), colour_of(rng)),
        box((1.03 * w, 0.25 * h, 1.03 * d), (0, 0.75 * h, 0), colour_of(rng)),
    ]


def mug(rng: np.random.Generator) -> list[Part]:
    """A pot with a handle on one side."""
    r, h = rng.uniform(0.07, 0.11), rng.uniform(0.14, 0.24)
    shade = colour_of(rng)
    x = r + 0.03
    return [
        lathe([(0.9 * r, 0), (r, 0.3 * h), (r, h)], shade),
        box((0.06, 0.02, 0.025), (x, 0.25 * h, 0), shade),
        box((0.06, 0.02, 0.025), (x, 0.8 * h, 0), shade),
        box((0.02, 0.55 * h + 0.02, 0.025), (x + 0.03, 0.25 * h, 0), shade),
    ]


def screen(rng: np.random.Generator) -> list[Part]:
    """A monitor on its foot."""
    w, h = rng.uniform(0.45, 0.75), rng.uniform(0.28, 0.42)
    dark = (30, 30, 34)
    return [
        box((0.3, 0.015, 0.18), (0, 0, 0), dark),
        box((0.05, 0.1, 0.03), (0, 0.015, -0.02), dark),
        box((w, h, 0.04), (0, 0.1, 0), dark),
        box((0.94 * w, 0.9 * h, 0.004), (0, 0.1 + 0.05 * h, 0.022), colour_of(rng)),
    ]


Maker = Callable[[np.random.Generator], "list[Part]"]

LARGE: tuple[Maker, ...] = (
    table, table, chair, chair, armchair, armchair, corner, crate, crate, shelves,
    stool, pouf, floor_lamp, plant,
)  # fmt: skip
"""What stands on the floor, the usual ones more often."""

SMALL: tuple[Maker, ...] = (vase, desk_lamp, carton, carton, mug, screen)
"""What stands on other things."""


def make_shape(maker: Maker, rng: np.random.Generator) -> MeshData:
    """One shape of a kind."""
    return joined(maker(rng))
