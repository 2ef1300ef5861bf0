"""Built-in lamps, plants, pictures, rugs, cushions and clocks."""

from __future__ import annotations

import numpy as np

from ._parts import BLACK, CERAMIC, FABRIC, LEAF, METAL, PAPER, SOIL, WHITE, WOOD, Part, Shape
from ._solids import (
    Solid,
    bar,
    box,
    cylinder,
    ellipsoid,
    lathe,
    leaf,
    merged,
    pillow,
    sweep,
    tube,
)

_SHADE = (232, 220, 196)
_GOLDEN = 137.50776  # degrees between successive leaves of many plants


def _shade(bottom: float, top: float, low: float, high: float, sides: int = 28) -> Solid:
    """A thin lampshade, open at both ends."""
    t = 0.004
    return lathe(
        [(bottom - t, low), (bottom, low), (top, high), (top - t, high), (bottom - t, low)], sides
    )


def floor_lamp(w: float, h: float, d: float) -> list[Part]:
    """Disc foot, pole, drum shade."""
    r = w / 2
    stand = lathe(
        [
            (0, 0),
            (0.62 * r, 0),
            (0.62 * r, 0.018),
            (0.1 * r, 0.03),
            (0.013, 0.05),
            (0.013, h - 0.1),
            (0, h - 0.1),
        ],
        24,
    )
    shade = _shade(r, 0.82 * r, h - min(0.3, 0.2 * h), h)
    bulb = ellipsoid(0.07, 0.1, 0.07, 12, 8).at(0, h - 0.13, 0)
    return [
        Part("stand", stand, METAL, 0.4),
        Part("shade", shade, _SHADE, 0.9),
        Part("bulb", bulb, (250, 240, 215)),
    ]


def tripod_lamp(w: float, h: float, d: float) -> list[Part]:
    """Three wooden legs and a drum shade."""
    r, legs = min(w, d) / 2, []
    for angle in (90, 210, 330):
        x, z = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        legs.append(
            bar(
                (0.98 * r * x, 0, 0.98 * r * z),
                (0.08 * r * x, 0.78 * h, 0.08 * r * z),
                (0.022, 0.022),
                (0.03, 0.03),
                0.011,
            )
        )
    hub = cylinder(0.04, 0.06, 0.006, 14).at(0, 0.75 * h, 0)
    return [
        Part("stand", merged([*legs, hub]), WOOD),
        Part("shade", _shade(0.86 * r, 0.76 * r, 0.78 * h, h), _SHADE, 0.9),
    ]


def arc_lamp(w: float, h: float, d: float) -> list[Part]:
    """A heavy foot, a bent pole, a dome that hangs from it."""
    foot = cylinder(0.5 * d, 0.04, 0.008, 28).at(-w / 2 + 0.5 * d, 0, 0)
    x0 = -w / 2 + 0.5 * d
    x1 = w / 2 - 0.5 * d
    t = np.linspace(0, 1, 18)
    path = np.column_stack(
        [
            x0 + (x1 - x0) * np.sin(0.5 * np.pi * t) ** 1.8,
            0.03 + (h - 0.05) * np.sin(0.62 * np.pi * t) ** 0.85,
            0 * t,
        ]
    )
    end = path[-1]
    dome = lathe(
        [
            (0.46 * d, 0),
            (0.5 * d, 0.0),
            (0.45 * d, 0.12),
            (0.3 * d, 0.2),
            (0, 0.235),
            (0, 0.225),
            (0.28 * d, 0.19),
            (0.43 * d, 0.11),
            (0.46 * d, 0),
        ],
        24,
    )
    return [Part("stand", merged([foot, tube(path.tolist(), 0.012)]), METAL, 0.4),
            Part("shade", dome.at(float(end[0]), float(end[1]) - 0.23, 0), METAL, 0.4)]  # fmt: skip


def table_lamp(w: float, h: float, d: float) -> list[Part]:
    """A bellied ceramic foot under a conical shade."""
    r = w / 2
    foot = lathe([(0, 0), (0.42 * r, 0), (0.44 * r, 0.02 * h), (0.34 * r, 0.06 * h), (0.56 * r, 0.24 * h), (0.5 * r, 0.36 * h),
                  (0.16 * r, 0.47 * h), (0.07 * r, 0.5 * h), (0.07 * r, 0.75 * h), (0, 0.75 * h)], 24)  # fmt: skip
    return [
        Part("stand", foot, CERAMIC, 0.4),
        Part("shade", _shade(r, 0.62 * r, 0.55 * h, h), _SHADE, 0.9),
    ]


def desk_lamp(w: float, h: float, d: float) -> list[Part]:
    """A jointed arm with a conical head."""
    foot = cylinder(0.5 * d, 0.02, 0.006, 24)
    x0 = -w / 2 + 0.5 * d
    elbow, head = (x0 - 0.16 * w, 0.6 * h), (w / 2 - 0.3 * d, h - 0.05)
    arms = [bar((x0, 0.02, 0), (*elbow, 0), (0.016, 0.016), bevel=0.008), bar((*elbow, 0), (*head, 0), (0.014, 0.014), bevel=0.007),
            cylinder(0.016, 0.03, 0.004, 12).turned("x", 90).at(*elbow, -0.015)]  # fmt: skip
    cone = lathe(
        [
            (0.03, 0.12),
            (0.03, 0.17),
            (0, 0.18),
            (0, 0.17),
            (0.026, 0.115),
            (0.36 * d, 0.004),
            (0.38 * d, 0),
            (0.03, 0.12),
        ],
        22,
    )
    return [Part("stand", merged([foot.at(x0, 0, 0), *arms]), METAL, 0.4),
            Part("shade", cone.turned("z", 32).at(head[0] + 0.01, head[1] - 0.12, 0), METAL, 0.4)]  # fmt: skip


def pendant(w: float, h: float, d: float) -> list[Part]:
    """A shade on a cord from the ceiling."""
    r = w / 2
    cord = tube([(0, 0.3 * h, 0), (0, h - 0.03, 0)], 0.004, 6)
    cap = lathe([(0, h - 0.03), (0.05, h - 0.03), (0.05, h), (0, h)], 16)
    dome = lathe([(r - 0.005, 0), (r, 0), (0.85 * r, 0.14 * h), (0.4 * r, 0.26 * h), (0.03, 0.32 * h), (0, 0.32 * h), (0, 0.31 * h),
                  (0.38 * r, 0.25 * h), (0.83 * r, 0.13 * h), (r - 0.005, 0)], 28)  # fmt: skip
    return [Part("stand", merged([cord, cap]), BLACK), Part("shade", dome, METAL, 0.5)]


def _pot(r: float, h: float) -> tuple[Part, Part]:
    """A tapering pot of height h with a rim, and the soil in it."""
    pot = lathe(
        [
            (0, 0),
            (0.74 * r, 0),
            (0.77 * r, 0.02 * h),
            (0.94 * r, 0.82 * h),
            (r, 0.83 * h),
            (r, h),
            (0.93 * r, h),
            (0.88 * r, 0.8 * h),
            (0, 0.8 * h),
        ],
        28,
    )
    soil = lathe([(0, 0.84 * h), (0.9 * r, 0.84 * h), (0.87 * r, 0.87 * h), (0, 0.89 * h)], 20)
    return Part("pot", pot, CERAMIC), Part("soil", soil, SOIL, 0.95)


def _spray(
    count: int,
    length: float,
    width: float,
    low_deg: float,
    high_deg: float,
    droop: float,
    seed: int,
) -> list[Solid]:
    """Leaves from one point, those grown last most upright."""
    random = np.random.default_rng(seed)
    out = []
    for i in range(count):
        t = i / max(1, count - 1)
        tilt = low_deg + (high_deg - low_deg) * t + float(random.uniform(-8, 8))
        scale = float(random.uniform(0.8, 1.08)) * (0.8 + 0.2 * np.sin(np.pi * min(1.0, t + 0.2)))
        one = leaf(length * scale, width * scale, droop * float(random.uniform(0.6, 1.3)), 0.3)
        out.append(one.turned("x", -tilt).turned("y", _GOLDEN * i + float(random.uniform(-12, 12))))
    return out


def leafy_plant(w: float, h: float, d: float) -> list[Part]:
    """A stem with broad leaves all around, in a pot."""
    pot_h = min(0.26 * h, 0.4)
    pot = _pot(min(0.22 * w, 0.6 * pot_h), pot_h)
    stem_h = h - 0.12 * h
    stems, leaves = [], []
    random = np.random.default_rng(5)
    for s in range(3):
        a = np.radians(120 * s + 20)
        tip = np.array([0.12 * w * np.cos(a), stem_h * (1.0 - 0.13 * s), 0.12 * d * np.sin(a)])
        base = np.array([0.015 * np.cos(a), 0.85 * pot_h, 0.015 * np.sin(a)])
        bend = (base + tip) / 2 + [0.02, 0, 0.01]
        stems.append(tube(np.stack([base, bend, tip]).tolist(), 0.009, 6))
        n = 15
        for i in range(n):
            t = 0.12 + 0.88 * i / (n - 1)
            at = base + (tip - base) * t
            tilt = -15 + 75 * t**2 + float(random.uniform(-10, 10))
            long = 0.50 * w * (1.0 - 0.35 * t) * float(random.uniform(0.85, 1.15))
            one = (
                leaf(long, 0.46 * long, 0.35, 0.2)
                .turned("x", -tilt)
                .turned("y", _GOLDEN * i + 120 * s)
            )
            leaves.append(one.at(*at.tolist()))
    return [
        *pot,
        Part("stem", merged(stems), (90, 84, 56)),
        Part("leaves", merged(leaves), LEAF, 0.7, True),
    ]


def bushy_plant(w: float, h: float, d: float) -> list[Part]:
    """Many arching leaves out of a pot (a spider plant, a fern)."""
    pot_h = 0.38 * h
    parts = [*_pot(min(0.28 * w, 0.55 * pot_h), pot_h)]
    leaves = _spray(58, 0.56 * h, 0.07 * h, -5, 85, 0.75, 3)
    return [
        *parts,
        Part("leaves", merged([one.at(0, 0.85 * pot_h, 0) for one in leaves]), LEAF, 0.7, True),
    ]


def snake_plant(w: float, h: float, d: float) -> list[Part]:
    """Stiff upright blades in a pot."""
    pot_h = 0.3 * h
    parts = [*_pot(0.4 * w, pot_h)]
    blades = []
    random = np.random.default_rng(2)
    for i in range(15):
        long = 0.72 * h * float(random.uniform(0.7, 1.0))
        one = (
            leaf(long, 0.085 * h, 0.02, 0.35)
            .turned("x", -float(random.uniform(76, 89)))
            .turned("y", _GOLDEN * i)
        )
        r, a = 0.18 * w * np.sqrt(i / 15), np.radians(_GOLDEN * i)
        blades.append(one.at(float(r * np.sin(a)), 0.84 * pot_h, float(r * np.cos(a))))
    return [*parts, Part("leaves", merged(blades), LEAF, 0.6, True)]


def palm(w: float, h: float, d: float) -> list[Part]:
    """Feathered fronds that arch out of a pot."""
    pot_h = 0.22 * h
    parts = [*_pot(0.2 * w, pot_h)]
    stems, leaves = [], []
    random = np.random.default_rng(8)
    for i in range(12):
        turn = _GOLDEN * i
        reach = 0.46 * w * float(random.uniform(0.65, 1.0))
        top = (h - pot_h) * (0.62 + 0.38 * (1 - i / 12)) * float(random.uniform(0.92, 1.0))
        t = np.linspace(0, 1, 7)
        path = np.column_stack(
            [
                0 * t,
                0.85 * pot_h + top * np.sin(0.5 * np.pi * t**0.8) - 0.12 * h * t**4,
                reach * t**1.8,
            ]
        )
        stems.append(tube(path.tolist(), 0.005, 5).turned("y", turn))
        for k in range(7):
            at = 0.42 + 0.58 * k / 6
            x, y, z = (np.interp(at, t, path[:, c]) for c in range(3))
            long = 0.17 * h * (1 - 0.55 * abs(at - 0.6))
            for side in (-1, 1):
                blade = leaf(long, 0.028 * h, 0.5, 0.2).turned("y", side * 52).turned("x", -8)
                leaves.append(blade.at(float(x), float(y), float(z)).turned("y", turn))
    return [
        *parts,
        Part("stem", merged(stems), (96, 120, 66)),
        Part("leaves", merged(leaves), LEAF, 0.7, True),
    ]


def cactus(w: float, h: float, d: float) -> list[Part]:
    """A ribbed column in a pot."""
    pot_h = 0.32 * h
    pot = _pot(0.5 * w, pot_h)
    n, rings = 36, []
    t = np.linspace(0, 2 * np.pi, n, endpoint=False)
    from ._solids import loft

    for s in np.linspace(0, 1, 9):
        r = 0.36 * w * (1 - s**6) ** 0.5 * (0.9 + 0.1 * np.sin(np.pi * s)) + 1e-4
        rib = 1 + 0.09 * np.cos(12 * t)
        rings.append(
            np.column_stack(
                [
                    r * rib * np.cos(-t),
                    np.full(n, 0.8 * pot_h + (h - 0.8 * pot_h) * s),
                    r * rib * np.sin(-t),
                ]
            )
        )
    return [*pot, Part("leaves", loft(rings), LEAF)]


def flowers(w: float, h: float, d: float) -> list[Part]:
    """A bunch of flowers in a vase."""
    vase = lathe(
        [
            (0, 0),
            (0.1 * w, 0),
            (0.17 * w, 0.1 * h),
            (0.18 * w, 0.22 * h),
            (0.09 * w, 0.38 * h),
            (0.12 * w, 0.42 * h),
            (0.1 * w, 0.42 * h),
            (0.07 * w, 0.38 * h),
            (0, 0.3 * h),
        ],
        24,
    )
    stems, heads, leaves = [], [], []
    random = np.random.default_rng(4)
    for i in range(11):
        a, r = np.radians(_GOLDEN * i), 0.4 * w * np.sqrt((i + 0.5) / 11)
        top = np.array([r * np.cos(a), h * (0.92 - 0.25 * (i / 11)), r * np.sin(a)])
        stems.append(
            tube([(0, 0.3 * h, 0), (0.3 * top[0], 0.55 * h, 0.3 * top[2]), top.tolist()], 0.003, 5)
        )
        size = 0.16 * w * float(random.uniform(0.85, 1.1))
        heads.append(ellipsoid(size, 0.75 * size, size, 10, 6).at(*top.tolist()))
        leaves.append(
            leaf(0.22 * h, 0.07 * h, 0.4)
            .turned("x", -40)
            .turned("y", _GOLDEN * i + 40)
            .at(0, 0.42 * h, 0)
        )
    return [Part("vase", vase, CERAMIC, 0.3), Part("stem", merged(stems), LEAF), Part("leaves", merged(leaves), LEAF, 0.7, True),
            Part("flowers", merged(heads), (200, 120, 130), 0.9)]  # fmt: skip


def picture(w: float, h: float, d: float) -> list[Part]:
    """A framed picture; its back is at -z."""
    rail = min(0.035, 0.12 * min(w, h))
    frame = [
        box(w, rail, d, 0.003).at(0, rail / 2, 0),
        box(w, rail, d, 0.003).at(0, h - rail / 2, 0),
    ]
    side = box(rail, h, d, 0.003).at(w / 2 - rail / 2, h / 2, 0)
    canvas = box(w - rail, h - rail, 0.4 * d, 0.0).at(0, h / 2, -0.1 * d)
    return [
        Part("frame", merged([*frame, side, side.mirrored()]), BLACK),
        Part("canvas", canvas, PAPER, 0.9),
    ]


def mirror(w: float, h: float, d: float) -> list[Part]:
    """A round mirror in a thin frame."""
    ring = lathe([(0.46, 0), (0.5, 0), (0.5, 1.0), (0.46, 1.0), (0.46, 0)], 48)
    glass = lathe([(0, 0.1), (0.465, 0.1), (0.465, 0.7), (0, 0.7)], 48)

    def place(s: Solid) -> Solid:
        return s.stretched(w, d, h).turned("x", 90).at(0, h / 2, -d / 2)

    return [Part("frame", place(ring), BLACK), Part("canvas", place(glass), (188, 198, 204), 0.1)]


def clock(w: float, h: float, d: float) -> list[Part]:
    """A round wall clock with hands and hour marks."""

    def place(s: Solid) -> Solid:
        return s.stretched(w, d, h).turned("x", 90).at(0, h / 2, -d / 2)

    case = lathe(
        [
            (0, 0),
            (0.48, 0),
            (0.5, 0.15),
            (0.5, 0.85),
            (0.47, 1.0),
            (0.44, 0.85),
            (0.44, 0.6),
            (0, 0.6),
        ],
        48,
    )
    face = lathe([(0, 0.61), (0.44, 0.61), (0.44, 0.64), (0, 0.64)], 40)
    z = 0.18 * d
    hands = [
        bar((0, h / 2, z), (0.16 * w, h / 2 + 0.14 * h, z), (0.02 * w, 0.004)),
        bar((0, h / 2, z), (-0.06 * w, h / 2 + 0.32 * h, z), (0.013 * w, 0.004)),
    ]
    for i in range(12):
        mark = box(0.014 * w, 0.06 * h, 0.004, 0.0).at(0, 0.38 * h, 0).turned("z", 30 * i)
        hands.append(mark.at(0, h / 2, z))
    return [
        Part("case", place(case), BLACK, 0.4),
        Part("face", place(face), WHITE),
        Part("hands", merged(hands), BLACK),
    ]


def rug(w: float, h: float, d: float) -> list[Part]:
    """A flat rectangle with a border."""
    base = box(w, 0.8 * h, d, 0.3 * h).at(0, 0.4 * h, 0)
    inner = box(0.86 * w, 0.9 * h, d - 0.14 * w, 0.3 * h).at(0, 0.55 * h, 0)
    return [Part("border", base, (150, 120, 100), 1.0), Part("canvas", inner, (176, 150, 126), 1.0)]


def round_rug(w: float, h: float, d: float) -> list[Part]:
    """A flat disc."""
    return [Part("canvas", cylinder(0.5, h, 0.3 * h, 48).stretched(w, 1, d), (176, 150, 126), 1.0)]


def throw_pillow(w: float, h: float, d: float) -> list[Part]:
    """Leaning back a little, as it does on a sofa."""
    return [Part("body", pillow(w, h, 0.75 * d).turned("x", -14).at(0, h / 2, 0), FABRIC, 0.95)]


def lying_pillow(w: float, h: float, d: float) -> list[Part]:
    """A bed pillow or seat cushion, lying."""
    return [Part("body", pillow(w, d, h).turned("x", -90).at(0, h / 2, 0), FABRIC, 0.95)]


def candle(w: float, h: float, d: float) -> list[Part]:
    """A pillar candle with its wick."""
    wax = lathe(
        [
            (0, 0),
            (0.48 * w, 0),
            (0.5 * w, 0.02 * h),
            (0.5 * w, 0.9 * h),
            (0.44 * w, 0.92 * h),
            (0, 0.88 * h),
        ],
        24,
    )
    return [
        Part("body", wax, (235, 225, 200), 0.6),
        Part("wick", cylinder(0.03 * w, 0.12 * h, 0.001, 8).at(0, 0.88 * h, 0), BLACK),
    ]


def curtain(w: float, h: float, d: float) -> list[Part]:
    """A hanging curtain in folds, on a rod."""
    n = 97
    x = np.linspace(-w / 2 + 0.03, w / 2 - 0.03, n)
    z = 0.36 * d * np.sin(np.linspace(0, 2 * np.pi * max(3, round(w / 0.14)), n))
    from ._solids import loft

    def ring(y: float, k: float) -> np.ndarray:
        front = np.column_stack([x, np.full(n, y), k * z + 0.004])
        back = np.column_stack([x[::-1], np.full(n, y), k * z[::-1] - 0.004])
        return np.concatenate([front, back])[::-1]

    cloth = loft([ring(0.0, 1.0), ring(0.5 * h, 0.9), ring(h - 0.03, 0.7)])
    rod = sweep([(-w / 2, h - 0.015, 0), (w / 2, h - 0.015, 0)], [(0.028, 0.028)] * 2, 0.014)
    return [Part("cloth", cloth, FABRIC, 0.95), Part("rod", rod, METAL, 0.4)]


SHAPES = (
    Shape("floor lamp", ("floor lamp", "lamp"), floor_lamp, ((0.4, 1.55, 0.4), (0.3, 1.7, 0.3))),
    Shape("tripod lamp", ("floor lamp", "lamp"), tripod_lamp, ((0.55, 1.5, 0.55),)),
    Shape("arc lamp", ("floor lamp", "lamp"), arc_lamp, ((1.2, 1.9, 0.34),)),
    Shape(
        "table lamp", ("table lamp", "lamp"), table_lamp, ((0.34, 0.52, 0.34), (0.26, 0.38, 0.26))
    ),
    Shape("desk lamp", ("desk lamp", "lamp"), desk_lamp, ((0.42, 0.45, 0.17),)),
    Shape("pendant lamp", ("pendant lamp", "lamp"), pendant, ((0.4, 0.9, 0.4),)),
    Shape(
        "leafy plant",
        ("plant",),
        leafy_plant,
        ((0.75, 1.4, 0.75), (0.55, 0.85, 0.55), (0.32, 0.42, 0.32)),
    ),
    Shape(
        "bushy plant",
        ("plant",),
        bushy_plant,
        ((0.5, 0.45, 0.5), (0.3, 0.3, 0.3), (0.85, 0.8, 0.85)),
    ),
    Shape("snake plant", ("plant",), snake_plant, ((0.3, 0.75, 0.3), (0.16, 0.32, 0.16))),
    Shape("palm", ("plant",), palm, ((1.0, 1.6, 1.0), (0.6, 0.9, 0.6))),
    Shape("cactus", ("cactus", "plant"), cactus, ((0.13, 0.24, 0.13),)),
    Shape("flowers", ("flowers", "vase", "plant"), flowers, ((0.3, 0.42, 0.3),)),
    Shape(
        "picture",
        ("picture",),
        picture,
        ((0.5, 0.7, 0.03), (0.7, 0.5, 0.03), (0.6, 0.6, 0.03), (1.2, 0.8, 0.035)),
    ),
    Shape("round mirror", ("mirror", "picture"), mirror, ((0.6, 0.6, 0.03),)),
    Shape("tall mirror", ("mirror",), picture, ((0.5, 1.5, 0.03), (0.7, 1.0, 0.03))),
    Shape("clock", ("clock",), clock, ((0.3, 0.3, 0.045),)),
    Shape(
        "rug",
        ("rug",),
        rug,
        ((2.0, 0.014, 1.4), (1.6, 0.014, 1.6), (3.0, 0.014, 2.0), (1.6, 0.012, 0.7)),
    ),
    Shape("round rug", ("rug",), round_rug, ((1.6, 0.014, 1.6),)),
    Shape("throw pillow", ("pillow",), throw_pillow, ((0.45, 0.45, 0.26), (0.6, 0.4, 0.24))),
    Shape("lying pillow", ("pillow",), lying_pillow, ((0.7, 0.16, 0.45), (0.45, 0.13, 0.45))),
    Shape("candle", ("candle",), candle, ((0.075, 0.15, 0.075), (0.06, 0.24, 0.06))),
    Shape("curtain", ("curtain",), curtain, ((1.0, 2.3, 0.14), (0.6, 2.3, 0.14), (1.4, 1.6, 0.14))),
)
