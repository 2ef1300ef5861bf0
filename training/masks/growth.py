"""Seeded variety where catalogues are poor: plants, thin lamps, legged tables, seats on rods; and
the soft and massive kinds of :mod:`.upholstery`.

Each function gives solids with a role and a usual colour; ``assembled`` makes a mesh of them.
"""

from __future__ import annotations

import numpy as np

from cast_nodes.mesh._parts import Part, assembled
from cast_nodes.mesh._solids import Solid, box, cylinder, ellipsoid, lathe, leaf, merged, tube
from cast_nodes.mesh_data import MeshData

from .upholstery import basket, bed, block_table, framed, sofa

GREEN = (70, 110, 58)
GOLDEN = 137.508


def _pot(rng: np.random.Generator, height: float) -> Part:
    wide, foot = height * rng.uniform(0.4, 0.8), height * rng.uniform(0.2, 0.5)
    belly = max(wide, foot) * rng.uniform(0.9, 1.25)
    profile = [
        (0, 0),
        (foot, 0),
        (belly, 0.55 * height),
        (wide, height),
        (wide * 0.9, height),
        (wide * 0.88, 0.85 * height),
        (0, 0.85 * height),
    ]
    return Part("pot", lathe(profile, 20), (180, 120, 90))


def plant(rng: np.random.Generator) -> list[Part]:
    """A pot with one to many stems and leaves of one random kind."""
    pot_h = rng.uniform(0.12, 0.35)
    tall = rng.uniform(0.2, 1.3)
    kind = rng.integers(4)
    stems: list[Solid] = []
    leaves: list[Solid] = []
    if kind == 0:  # leaves right out of the pot
        count, long = int(rng.integers(8, 45)), tall * rng.uniform(0.5, 0.9)
        narrow, droop = rng.uniform(0.04, 0.2), rng.uniform(0, 0.9)
        low, high = sorted(rng.uniform(-5, 88, 2))
        for i in range(count):
            one = leaf(long * rng.uniform(0.6, 1), narrow * long, droop, 0.3)
            leaves.append(
                one.turned("x", -rng.uniform(low, high))
                .turned("y", GOLDEN * i)
                .at(0, 0.85 * pot_h, 0)
            )
    else:  # one to six stems that bear leaves
        long = rng.uniform(0.06, 0.4) * (1 if kind < 3 else 0.5)
        narrow = rng.uniform(0.2, 0.75)
        for _s in range(int(rng.choice([1, 1, 2, 3, 6]))):
            lean = rng.uniform(0, 0.35) * tall
            angle = rng.uniform(0, 2 * np.pi)
            tip = np.array(
                [lean * np.cos(angle), pot_h + tall * rng.uniform(0.6, 1), lean * np.sin(angle)]
            )
            base = np.array([0.02 * np.cos(angle), 0.8 * pot_h, 0.02 * np.sin(angle)])
            bend = (base + tip) / 2 + rng.normal(0, 0.04, 3)
            stems.append(
                tube([base.tolist(), bend.tolist(), tip.tolist()], rng.uniform(0.004, 0.014), 6)
            )
            first = rng.uniform(0.1, 0.7)
            for _ in range(int(rng.integers(4, 26))):
                t = rng.uniform(first, 1)
                at = (1 - t) ** 2 * base + 2 * t * (1 - t) * bend + t * t * tip
                one = leaf(long * rng.uniform(0.6, 1), narrow * long, rng.uniform(0, 0.6), 0.2)
                one = one.turned("x", -rng.uniform(-25, 60)).turned("y", rng.uniform(0, 360))
                leaves.append(one.at(*at.tolist()))
    parts = [_pot(rng, pot_h), Part("leaves", merged(leaves), GREEN, 0.7, True)]
    return parts + ([Part("stem", merged(stems), (90, 84, 56))] if stems else [])


def lamp(rng: np.random.Generator) -> list[Part]:
    """A foot, a thin pole (straight, bent or a tripod) and a shade, a ball or a dish."""
    tall = rng.uniform(0.3, 0.65) if rng.random() < 0.5 else rng.uniform(1.1, 1.9)
    thin = rng.uniform(0.007, 0.018)
    reach = tall * rng.choice([0, 0, rng.uniform(0.1, 0.5)])
    foot = tall * rng.uniform(0.06, 0.16)
    parts = []
    top = np.array([reach, tall, 0.0])
    if reach == 0 and rng.random() < 0.4:
        legs = []
        for a in np.radians([10, 130, 250]):
            legs.append(
                tube(
                    [[2 * foot * np.cos(a), 0, 2 * foot * np.sin(a)], [0, 0.85 * tall, 0]], thin, 6
                )
            )
        parts.append(Part("legs", merged(legs), (120, 90, 60)))
    else:
        parts.append(Part("foot", cylinder(foot, max(0.012, 0.02 * tall)), (60, 60, 60)))
        if rng.random() < 0.5:
            path = [
                [0, 0, 0],
                [-0.3 * reach, 0.5 * tall, 0],
                [0.2 * reach, 0.95 * tall, 0],
                top.tolist(),
            ]
        else:
            path = [[0, 0, 0], [0, 0.55 * tall, 0], [0, 0.98 * tall, 0], top.tolist()]
        parts.append(Part("pole", tube(path, thin, 8), (60, 60, 60)))
    r, h = tall * rng.uniform(0.06, 0.16), tall * rng.uniform(0.06, 0.2)
    kind = rng.integers(3)
    if kind == 0:
        narrow = r * rng.uniform(0.4, 1)
        shade = lathe([(r, 0), (narrow, h), (narrow * 0.96, h), (r * 0.96, 0)], 24).at(
            reach, tall - 0.7 * h, 0
        )
    elif kind == 1:
        shade = ellipsoid(2 * r, 2 * r * rng.uniform(0.7, 1.2), 2 * r).at(reach, tall, 0)
    else:
        shade = lathe([(0, h), (0.3 * r, h), (r, 0), (0.95 * r, 0), (0.25 * r, 0.9 * h)], 24)
        shade = shade.turned("z", rng.uniform(-40, 40)).at(reach, tall - 0.8 * h, 0)
    return [*parts, Part("shade", shade, (220, 212, 190))]


def _legs(rng: np.random.Generator, w: float, d: float, top: float) -> list[Solid]:
    thick = rng.uniform(0.008, 0.03)
    splay = rng.uniform(-0.02, 0.12)
    count = int(rng.choice([4, 4, 4, 3]))
    inset = rng.uniform(0.7, 1)
    spots = (
        [(-1, -1), (1, -1), (1, 1), (-1, 1)] if count == 4 else [(0, -1), (0.87, 0.5), (-0.87, 0.5)]
    )
    legs = []
    for x, z in spots:
        upper = [inset * x * (w / 2 - thick), top, inset * z * (d / 2 - thick)]
        lower = [upper[0] + splay * x, 0, upper[2] + splay * z]
        legs.append(tube([lower, upper], thick, int(rng.choice([4, 8]))))
    if rng.random() < 0.4:
        y = rng.uniform(0.2, 0.7) * top
        for z in (-1, 1):
            x = inset * (w / 2 - thick)
            legs.append(
                tube(
                    [[-x, y, z * inset * (d / 2 - thick)], [x, y, z * inset * (d / 2 - thick)]],
                    0.6 * thick,
                    6,
                )
            )
    return legs


def _slab(rng: np.random.Generator, w: float, t: float, d: float, y: float) -> Solid:
    if rng.random() < 0.4:
        return cylinder(0.5, t, 0.2 * t, 28).stretched(w, 1, d).at(0, y, 0)
    return box(w, t, d, min(0.4 * t, 0.02)).at(0, y + t / 2, 0)


def table(rng: np.random.Generator) -> list[Part]:
    """A slab on thin legs or on one column, with or without a shelf."""
    w, d, h = (
        rng.uniform(0.4, 1.7),
        rng.uniform(0.35, 0.9),
        rng.choice([rng.uniform(0.3, 0.55), 0.73]),
    )
    t = rng.uniform(0.015, 0.05)
    parts = [Part("top", _slab(rng, w, t, d, h - t), (158, 118, 82))]
    if rng.random() < 0.25:
        foot = min(w, d) * rng.uniform(0.25, 0.45)
        parts.append(
            Part(
                "legs",
                merged([cylinder(rng.uniform(0.02, 0.06), h - t), cylinder(foot, 0.02)]),
                (60, 60, 60),
            )
        )
    else:
        parts.append(Part("legs", merged(_legs(rng, w, d, h - t)), (120, 90, 60)))
    if rng.random() < 0.25:
        parts.append(Part("shelf", _slab(rng, 0.8 * w, 0.02, 0.8 * d, 0.3 * h), (158, 118, 82)))
    return parts


def seat(rng: np.random.Generator) -> list[Part]:
    """A chair or armchair: thin legs, a seat, a back of slats, rods or a panel, arms on rods."""
    w, d, h = rng.uniform(0.4, 0.75), rng.uniform(0.4, 0.7), rng.uniform(0.36, 0.48)
    t = rng.choice([rng.uniform(0.02, 0.04), rng.uniform(0.07, 0.16)])
    back = rng.uniform(0.3, 0.6)
    lean = rng.uniform(0.02, 0.22)
    parts = [
        Part("seat", box(w, t, d, min(0.4 * t, 0.05), 2).at(0, h - t / 2, 0), (150, 140, 130)),
        Part("legs", merged(_legs(rng, w, d, h - t)), (120, 90, 60)),
    ]
    z = -d / 2 + 0.03
    posts = [
        tube([[s * (w / 2 - 0.03), h - t, z], [s * (w / 2 - 0.03), h + back, z - lean]], 0.014, 6)
        for s in (-1, 1)
    ]
    kind = rng.integers(3)
    if kind == 0:
        panel = box(0.92 * w, back * rng.uniform(0.4, 0.95), rng.choice([0.02, 0.1]), 0.01)
        tilt = -float(np.degrees(np.arctan2(lean, back)))
        parts.append(
            Part(
                "back",
                panel.turned("x", tilt).at(0, h + 0.55 * back, z - 0.55 * lean),
                (150, 140, 130),
            )
        )
    else:
        for i in range(int(rng.integers(2, 7))):
            f = (i + 1) / 7
            if kind == 1:
                y = h + back * f
                posts.append(
                    tube(
                        [[-w / 2 + 0.03, y, z - lean * f], [w / 2 - 0.03, y, z - lean * f]],
                        0.012,
                        6,
                    )
                )
            else:
                x = (f - 0.5) * (w - 0.06)
                posts.append(tube([[x, h - t, z], [x, h + back, z - lean]], 0.008, 6))
        posts.append(box(w, 0.05, 0.025, 0.008).at(0, h + back, z - lean))
    if rng.random() < 0.4:
        arm = h + rng.uniform(0.15, 0.25)
        for s in (-1, 1):
            x = s * (w / 2 + 0.02)
            posts += [
                box(0.05, 0.025, d, 0.008).at(x, arm, 0),
                tube([[x, rng.choice([0, h - t]), d / 2 - 0.05], [x, arm, d / 2 - 0.05]], 0.014, 6),
            ]
    return [*parts, Part("frame", merged(posts), (120, 90, 60))]


KINDS = (
    ("plant", plant, 60), ("floor lamp", lamp, 45), ("table", table, 40), ("chair", seat, 45),
    ("sofa", sofa, 40), ("armchair", framed, 40), ("bed", bed, 15), ("coffee table", block_table, 25),
    ("basket", basket, 25),
)  # fmt: skip
"""Name, builder and how many seeded ones there are."""


def grown(kind: int, number: int) -> MeshData:
    """The ``number``-th of KINDS[kind], standing on y = 0, in metres."""
    parts = KINDS[kind][1](np.random.default_rng([kind, number]))
    vertices = np.concatenate([p.solid.vertices for p in parts])
    w, h, d = (float(v) for v in np.ptp(vertices, axis=0))
    return assembled(parts, (w, h, d))
