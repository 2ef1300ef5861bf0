"""Built-in tables and desks."""

from __future__ import annotations

import numpy as np

from ._parts import BLACK, DARK_WOOD, METAL, WOOD, Part, Shape
from ._solids import Solid, bar, box, cylinder, lathe, merged, sweep, tube


def _pairs(solid: Solid) -> Solid:
    return merged([solid, solid.mirrored()])


def _round_top(w: float, h: float, d: float, thick: float) -> Solid:
    """A disc or ellipse whose upper side lies at h."""
    return cylinder(0.5, thick, 0.006, 40).stretched(w, 1, d).at(0, h - thick, 0)


def four_legged(w: float, h: float, d: float) -> list[Part]:
    """Rectangular top, apron, four square legs."""
    leg = 0.055 if max(w, d) > 0.7 else 0.038
    x, z = w / 2 - leg / 2 - 0.02, d / 2 - leg / 2 - 0.02
    top = box(w, 0.032, d, 0.006, 2).at(0, h - 0.016, 0)
    apron = 0.09 if h > 0.6 else 0.05
    y = h - 0.032 - apron / 2
    under = [
        box(2 * x, apron, 0.02).at(0, y, z), box(2 * x, apron, 0.02).at(0, y, -z),
        _pairs(box(0.02, apron, 2 * z).at(x, y, 0)),
    ]  # fmt: skip
    under += [
        _pairs(bar((x, 0, s * z), (x, h - 0.03, s * z), (0.72 * leg, 0.72 * leg), (leg, leg)))
        for s in (1, -1)
    ]
    return [Part("top", top, WOOD), Part("legs", merged(under), WOOD)]


def pedestal(w: float, h: float, d: float) -> list[Part]:
    """Round top on one column with a cross of four feet."""
    reach = 0.36 * min(w, d) if min(w, d) > 0.75 else 0.44 * min(w, d)
    column = lathe(
        [(0, 0.06), (0.042, 0.06), (0.05, 0.1), (0.034, 0.2), (0.028, 0.45 * h), (0.036, 0.62 * h),
         (0.03, 0.66 * h), (0.03, h - 0.09), (0.07, h - 0.03), (0, h - 0.03)], 16,
    )  # fmt: skip
    feet = []
    for angle in (45, 135, 225, 315):
        x, z = reach * np.cos(np.radians(angle)), reach * np.sin(np.radians(angle))
        path = [
            (0, 0.13, 0),
            (0.45 * x, 0.10, 0.45 * z),
            (0.85 * x, 0.045, 0.85 * z),
            (x, 0.016, z),
        ]
        feet.append(sweep(path, [(0.05, 0.06), (0.05, 0.055), (0.05, 0.05), (0.055, 0.032)], 0.012))
    arms = [bar((-0.3 * w, h - 0.04, 0), (0.3 * w, h - 0.04, 0), (0.04, 0.03)),
            bar((0, h - 0.04, -0.3 * d), (0, h - 0.04, 0.3 * d), (0.04, 0.03))]  # fmt: skip
    return [
        Part("top", _round_top(w, h, d, 0.03), WOOD),
        Part("legs", merged([column, *feet, *arms]), BLACK, 0.5),
    ]


def tulip(w: float, h: float, d: float) -> list[Part]:
    """Round top on a trumpet foot."""
    foot = lathe(
        [(0, 0), (0.27 * w, 0), (0.27 * w, 0.012), (0.15 * w, 0.04), (0.075 * w, 0.12), (0.045 * w, 0.32 * h),
         (0.04 * w, 0.6 * h), (0.06 * w, 0.85 * h), (0.13 * w, h - 0.03), (0, h - 0.03)], 28,
    )  # fmt: skip
    return [Part("top", _round_top(w, h, d, 0.025), WOOD), Part("legs", foot, METAL, 0.4)]


def round_four_legs(w: float, h: float, d: float) -> list[Part]:
    """Round or oval top, four round tapered legs that splay."""
    x, z = 0.355 * w, 0.355 * d
    top, spread = h - 0.03, 1.06
    legs = [
        _pairs(bar((spread * x, 0, s * spread * z), (0.78 * x, top, s * 0.78 * z), (0.028, 0.028), (0.05, 0.05), 0.025))
        for s in (1, -1)
    ]  # fmt: skip
    apron = lathe([(0, 0), (0.36, 0), (0.37, 0.05), (0, 0.05)], 32).stretched(w, 1, d)
    return [
        Part("top", _round_top(w, h, d, 0.03), WOOD),
        Part("legs", merged([*legs, apron.at(0, top - 0.05, 0)]), WOOD),
    ]


def trestle(w: float, h: float, d: float) -> list[Part]:
    """A thick top on slab legs with a stretcher."""
    top = box(w, 0.05, d, 0.01, 2).at(0, h - 0.025, 0)
    x = w / 2 - 0.22
    legs = [
        _pairs(box(0.07, h - 0.1, 0.3 * d, 0.008).at(x, h / 2, 0)),
        _pairs(box(0.08, 0.06, 0.82 * d, 0.012).at(x, 0.03, 0)),
        _pairs(box(0.08, 0.05, 0.8 * d, 0.012).at(x, h - 0.075, 0)),
        box(2 * x, 0.1, 0.035).at(0, 0.35 * h, 0),
    ]
    return [Part("top", top, WOOD), Part("legs", merged(legs), WOOD)]


def metal_frame(w: float, h: float, d: float) -> list[Part]:
    """A slab on two hoops of square steel tube."""
    top = box(w, 0.03, d, 0.005, 2).at(0, h - 0.015, 0)
    x, z, t = w / 2 - 0.06, d / 2 - 0.05, 0.03
    hoop = [_pairs(box(t, h - 0.03, t, 0.003).at(x, (h - 0.03) / 2, s * z)) for s in (1, -1)]
    hoop += [_pairs(box(t, t, 2 * z).at(x, y, 0)) for y in (t / 2, h - 0.03 - t / 2)]
    hoop.append(box(2 * x, t, t).at(0, h - 0.045, 0))
    return [Part("top", top, WOOD), Part("legs", merged(hoop), BLACK, 0.5)]


def shelf_table(w: float, h: float, d: float) -> list[Part]:
    """A coffee table with a shelf below its top."""
    parts = four_legged(w, h, d)
    shelf = box(w - 0.08, 0.02, d - 0.08, 0.004).at(0, 0.32 * h, 0)
    return [parts[0], Part("legs", merged([parts[1].solid, shelf]), WOOD)]


def drum_table(w: float, h: float, d: float) -> list[Part]:
    """A round side table with three rods and a tray top."""
    tray = lathe(
        [(0, 0), (0.48, 0), (0.5, 0.008), (0.5, 0.035), (0.485, 0.035), (0.48, 0.014), (0, 0.014)],
        32,
    )
    rods = []
    for angle in (90, 210, 330):
        c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        rods.append(
            tube([(0.36 * w * c, h - 0.03, 0.36 * d * s), (0.44 * w * c, 0, 0.44 * d * s)], 0.011)
        )
    ring = tube(
        [
            (0.385 * w * np.cos(t), 0.45 * h, 0.385 * d * np.sin(t))
            for t in np.linspace(0, 2 * np.pi, 24)
        ],
        0.007,
        6,
    )
    return [
        Part("top", tray.stretched(w, 1, d).at(0, h - 0.035, 0), WOOD),
        Part("legs", merged([*rods, ring]), METAL, 0.4),
    ]


def tablecloth(w: float, h: float, d: float) -> list[Part]:
    """A table whose cloth hangs over its edge in folds."""
    n = 64
    t = np.linspace(0, 2 * np.pi, n, endpoint=False)
    drop = 0.5 * h

    def ring(level: float, amount: float) -> np.ndarray:
        fold = 1 + 0.03 * amount * np.cos(12 * t)
        return np.column_stack(
            [0.47 * w * fold * np.cos(-t), np.full(n, level), 0.47 * d * fold * np.sin(-t)]
        )

    from ._solids import loft

    inner = [ring(h - 0.012, 0.0) * [0.98, 1, 0.98], ring(h - drop, 1.0) * [0.985, 1, 0.985]]
    outer = [
        ring(h - drop, 1.0),
        ring(h - 0.5 * drop, 0.6),
        ring(h - 0.012, 0.0),
        ring(h, 0.0) * [0.97, 1, 0.97],
    ]
    legs = round_four_legs(0.9 * w, h - 0.02, 0.9 * d)[1]
    return [Part("cloth", loft(inner + outer), (215, 205, 190), 0.95), legs]


def desk(w: float, h: float, d: float) -> list[Part]:
    """A writing desk: top, drawers on the right, a leg frame on the left."""
    top = box(w, 0.03, d, 0.005, 2).at(0, h - 0.015, 0)
    block = 0.42
    x = w / 2 - block / 2 - 0.01
    body = [box(block, h - 0.1, d - 0.06, 0.005).at(x, 0.07 + (h - 0.1) / 2, 0),
            box(block - 0.03, 0.07, d - 0.12).at(x, 0.035, 0),
            box(w - block, 0.07, 0.02).at(-block / 2, h - 0.065, -d / 2 + 0.06)]  # fmt: skip
    left = -w / 2 + 0.035
    body += [
        bar((left, 0, s * (d / 2 - 0.05)), (left, h - 0.03, s * (d / 2 - 0.05)), (0.045, 0.045))
        for s in (1, -1)
    ]
    each = (h - 0.13) / 3
    drawers, knobs = [], []
    for i in range(3):
        y = 0.085 + each * (i + 0.5)
        drawers.append(box(block - 0.03, each - 0.012, 0.02, 0.004).at(x, y, d / 2 - 0.025))
        knobs.append(box(0.12, 0.014, 0.022, 0.005).at(x, y + 0.02, d / 2 - 0.011))
    return [
        Part("top", top, WOOD), Part("body", merged(body), WOOD),
        Part("drawers", merged(drawers), WOOD), Part("handles", merged(knobs), METAL, 0.4),
    ]  # fmt: skip


def simple_desk(w: float, h: float, d: float) -> list[Part]:
    """A light desk with one drawer front on slim legs."""
    parts = four_legged(w, h, d)
    drawer = box(0.5 * w, 0.075, 0.02, 0.004).at(0, h - 0.08, d / 2 - 0.022)
    return [parts[0], Part("legs", merged([parts[1].solid, drawer]), DARK_WOOD)]


SHAPES = (
    Shape(
        "rectangular table",
        ("dining table", "table"),
        four_legged,
        ((1.5, 0.74, 0.85), (1.1, 0.74, 0.75), (0.8, 0.74, 0.8), (2.1, 0.74, 0.95)),
    ),
    Shape(
        "round pedestal table",
        ("dining table", "table"),
        pedestal,
        ((1.1, 0.75, 1.1), (0.7, 0.74, 0.7), (0.7, 1.08, 0.7), (0.55, 0.6, 0.55)),
    ),
    Shape(
        "tulip table",
        ("dining table", "table"),
        tulip,
        ((1.1, 0.74, 1.1), (0.8, 0.74, 0.8), (0.5, 0.52, 0.5)),
    ),
    Shape(
        "round table",
        ("dining table", "table"),
        round_four_legs,
        ((1.1, 0.75, 1.1), (0.9, 0.74, 0.9), (1.7, 0.74, 1.0)),
    ),
    Shape(
        "trestle table", ("dining table", "table"), trestle, ((2.0, 0.75, 0.95), (1.6, 0.75, 0.85))
    ),
    Shape(
        "steel-frame table",
        ("table", "dining table", "desk"),
        metal_frame,
        ((1.6, 0.74, 0.8), (1.2, 0.74, 0.7)),
    ),
    Shape(
        "table with cloth",
        ("dining table", "table"),
        tablecloth,
        ((1.0, 0.75, 1.0), (0.8, 0.75, 0.8)),
    ),
    Shape(
        "coffee table", ("coffee table", "table"), four_legged, ((1.1, 0.42, 0.6), (0.8, 0.42, 0.8))
    ),
    Shape(
        "coffee table with shelf",
        ("coffee table", "table"),
        shelf_table,
        ((1.1, 0.45, 0.6), (0.7, 0.45, 0.7)),
    ),
    Shape(
        "round coffee table",
        ("coffee table", "table"),
        round_four_legs,
        ((0.85, 0.42, 0.85), (1.2, 0.42, 0.7)),
    ),
    Shape(
        "round side table",
        ("side table", "coffee table", "table"),
        round_four_legs,
        ((0.5, 0.5, 0.5), (0.6, 0.6, 0.6)),
    ),
    Shape(
        "tray table",
        ("side table", "coffee table", "table"),
        drum_table,
        ((0.45, 0.5, 0.45), (0.7, 0.4, 0.7)),
    ),
    Shape(
        "side table",
        ("side table", "nightstand", "table"),
        shelf_table,
        ((0.45, 0.55, 0.45), (0.5, 0.6, 0.38)),
    ),
    Shape("desk with drawers", ("desk",), desk, ((1.4, 0.75, 0.65), (1.1, 0.75, 0.55))),
    Shape("writing desk", ("desk",), simple_desk, ((1.2, 0.75, 0.6), (1.5, 0.74, 0.7))),
)
