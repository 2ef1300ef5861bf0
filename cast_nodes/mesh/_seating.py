"""Built-in chairs, stools, sofas, benches and beds."""

from __future__ import annotations

import numpy as np

from ._parts import DARK_WOOD, FABRIC, LEATHER, METAL, WHITE, WOOD, Part, Shape
from ._solids import (
    Solid,
    arc,
    bar,
    box,
    cushion,
    cylinder,
    lathe,
    loft,
    merged,
    pillow,
    sweep,
    tube,
)


def _pairs(solid: Solid) -> Solid:
    """The solid and its mirror image in x."""
    return merged([solid, solid.mirrored()])


def _panel(
    width: float, low: float, high: float, z: float, lean: float, thick: float, curve: float
) -> Solid:
    """A chair back: upright slab from y = low to high, leaning back, hollow to the front."""
    slab = box(width, high - low, thick, 0.45 * thick, 2, 6)
    v = slab.vertices.copy()
    up = (v[:, 1] + (high - low) / 2) / (high - low)
    v[:, 2] += z - lean * up + curve * (2 * v[:, 0] / width) ** 2
    v[:, 1] += (high + low) / 2
    return Solid(v, slab.faces)


def dining_chair(w: float, h: float, d: float) -> list[Part]:
    """Four tapered legs, a padded seat and a slightly curved back between two posts."""
    seat, lean, post = 0.52 * h, 0.09 * d, 0.036
    x, zf, zb = w / 2 - 0.025, d / 2 - 0.03, -d / 2 + 0.025 + lean
    front = bar((x, 0, zf), (x, seat - 0.02, zf), (0.026, 0.026), (0.04, 0.04))
    back = sweep(
        [(x - 0.01, 0, zb - 0.02), (x - 0.01, seat, zb), (x - 0.015, 0.75 * h, zb - 0.4 * lean), (x - 0.02, h, zb - lean)],
        [(0.026, 0.03), (post, post), (0.032, 0.032), (0.024, 0.028)],
    )  # fmt: skip
    rails = [box(w - 0.06, 0.05, 0.022).at(0, seat - 0.045, z) for z in (zf, zb)] + [
        _pairs(box(0.022, 0.05, zf - zb - 0.02).at(x, seat - 0.045, (zf + zb) / 2))
    ]
    inner = w - 0.085
    backrest = [
        _panel(inner, 0.84 * h, 0.985 * h, zb - 0.72 * lean, 0.2 * lean, 0.024, 0.006),
        _panel(inner, 0.68 * h, 0.74 * h, zb - 0.4 * lean, 0.1 * lean, 0.02, 0.006),
    ]
    pad = cushion(w - 0.01, 0.05, zf - zb + 0.05, 0.25, 0.02).at(0, seat, (zf + zb) / 2 + 0.015)
    return [
        Part("legs", merged([_pairs(front), _pairs(back), *rails]), WOOD),
        Part("back", merged(backrest), WOOD),
        Part("seat", pad, WOOD),
    ]


def upholstered_chair(w: float, h: float, d: float) -> list[Part]:
    """Thin legs, soft seat, a closed padded back."""
    seat, lean = 0.53 * h, 0.14 * d
    x, z = w / 2 - 0.05, d / 2 - 0.05
    legs = [
        _pairs(bar((x + 0.03, 0, s * (z + 0.03)), (x - 0.03, seat - 0.06, s * (z - 0.05)), (0.02, 0.02), (0.036, 0.036), 0.018))
        for s in (1, -1)
    ]  # fmt: skip
    pad = cushion(w, 0.1, 0.94 * d, 0.22, 0.04).at(0, seat - 0.03, 0.03 * d)
    back = _panel(0.94 * w, seat - 0.02, h, -d / 2 + lean + 0.03, lean, 0.065, 0.05)
    return [
        Part("legs", merged(legs), DARK_WOOD),
        Part("seat", pad, FABRIC, 0.95),
        Part("back", back, FABRIC, 0.95),
    ]


def shell_chair(w: float, h: float, d: float) -> list[Part]:
    """A moulded shell on four splayed legs."""
    seat, n = 0.54 * h, 13
    t = np.linspace(0, 1, 11)
    rings = []
    for s in t:  # from the front edge along the seat and up the back
        flat = np.clip(s / 0.5, 0, 1)
        rise = np.clip((s - 0.42) / 0.58, 0, 1)
        y = seat + 0.015 - 0.03 * np.sin(np.pi * flat) + (h - seat - 0.015) * rise**1.25
        z = d / 2 - 0.02 - 0.8 * d * flat - (0.2 * d - 0.03) * rise
        half = w / 2 * (0.9 + 0.1 * np.sin(np.pi * min(1.0, s * 1.3)) - 0.16 * rise**3)
        u = np.linspace(-1, 1, n)
        edge = (
            0.16
            * h
            * np.clip(np.abs(u) - 0.45, 0, 1) ** 1.6
            * np.sin(np.pi * np.clip(s, 0.08, 0.92))
        )
        forward = 0.9 * edge * rise
        rings.append(np.column_stack([u * half, y + edge * (1 - rise), z + forward]))
    sheet = np.stack(rings)  # (11, n, 3)
    down = np.array([0, -0.008, -0.010])
    loops = [np.concatenate([r + down, r[::-1]]) for r in sheet[::-1]]
    shell = loft(loops)
    x, z = w / 2 - 0.03, d / 2 - 0.04
    legs = [
        _pairs(bar((x, 0, s * z), (0.55 * x, seat - 0.015, s * 0.5 * z), (0.018, 0.018), (0.034, 0.034), 0.017))
        for s in (1, -1)
    ]  # fmt: skip
    braces = [
        bar((-0.6 * x, seat - 0.035, s * 0.55 * z), (0.6 * x, seat - 0.035, s * 0.55 * z), (0.02, 0.02))
        for s in (1, -1)
    ]  # fmt: skip
    return [Part("seat", shell, WHITE, 0.5), Part("legs", merged(legs + braces), WOOD)]


def cafe_chair(w: float, h: float, d: float) -> list[Part]:
    """A bentwood-like chair: round seat, bent back hoop, slim round legs."""
    seat, r = 0.52 * h, 0.011
    x, zf, zb = 0.38 * w, 0.40 * d, -0.40 * d
    legs = [
        _pairs(tube([(x * 0.9, seat - 0.02, zf * 0.9), (x, 0.5 * seat, zf), (w / 2 - 0.015, 0, d / 2 - 0.015)], r + 0.003)),
        _pairs(tube([(x * 0.85, h * 0.7, zb * 0.95), (x * 0.85, seat, zb * 0.9), (x, 0.5 * seat, zb), (w / 2 - 0.03, 0, -d / 2 + 0.015)], r + 0.003)),
    ]  # fmt: skip
    ring = tube([*arc((0, 0.45 * seat, 0), 0.36 * w, 0, 352, "xz", 21)], 0.008, 6)
    top = x * 0.85
    hoop = _panel(2.2 * top, 0.70 * h, h, -d / 2 + 0.05, 0.03, 0.016, 0.035)
    plate = lathe([(0, 0), (w * 0.44, 0), (w * 0.465, 0.012), (w * 0.455, 0.028), (0, 0.022)], 28)
    return [
        Part("legs", merged([*legs, ring]), DARK_WOOD),
        Part("seat", plate.at(0, seat - 0.02, 0), WOOD),
        Part("back", hoop, WOOD),
    ]


def office_chair(w: float, h: float, d: float) -> list[Part]:
    """Five-star base on castors, gas spring, padded seat and back, armrests."""
    seat, radius = 0.46 * h, 0.46 * min(w, d)
    base, castors = [], []
    for i in range(5):
        a = np.radians(90 + 72 * i)
        x, z = radius * np.cos(a), radius * np.sin(a)
        base.append(
            sweep(
                [(0, 0.11, 0), (0.6 * x, 0.09, 0.6 * z), (x, 0.065, z)],
                [(0.05, 0.05), (0.042, 0.035), (0.03, 0.025)],
            )
        )
        castors.append(
            cylinder(0.027, 0.045, 0.008, 12)
            .turned("z", 90)
            .turned("y", -np.degrees(a))
            .at(x, 0.028, z)
        )
    column = lathe(
        [
            (0, 0.07),
            (0.032, 0.07),
            (0.032, 0.22),
            (0.02, 0.23),
            (0.02, seat - 0.05),
            (0, seat - 0.05),
        ],
        14,
    )
    plate = box(0.2, 0.03, 0.22).at(0, seat - 0.06, 0)
    post = sweep(
        [
            (0, seat - 0.06, -0.1),
            (0, seat - 0.04, -0.42 * d),
            (0, seat + 0.3 * (h - seat), -0.46 * d),
        ],
        [(0.06, 0.02), (0.06, 0.02), (0.05, 0.02)],
    )
    arms = _pairs(merged([
        bar((0.40 * w, seat - 0.04, 0), (0.46 * w, seat + 0.2, 0), (0.03, 0.05)),
        box(0.055, 0.03, 0.25, 0.012).at(0.455 * w, seat + 0.21, 0.02),
    ]))  # fmt: skip
    pad = cushion(0.78 * w, 0.085, 0.76 * d, 0.2, 0.035).at(0, seat, 0.05 * d)
    back = _panel(0.72 * w, seat + 0.12, h, -0.40 * d, 0.05, 0.055, 0.05)
    return [
        Part("base", merged([*base, column, plate, post]), METAL, 0.5),
        Part("castors", merged(castors), (40, 40, 42)),
        Part("arms", arms, (40, 40, 42)),
        Part("seat", merged([pad, back]), (60, 60, 64), 0.95),
    ]


def armchair(w: float, h: float, d: float) -> list[Part]:
    """Upholstered, with arms, a loose seat cushion and short legs."""
    return _upholstered(w, h, d, 1, arm=0.17 * w, leg=0.12)


def wooden_armchair(w: float, h: float, d: float) -> list[Part]:
    """An open wooden frame with a loose seat and back cushion."""
    seat, x = 0.45 * h, w / 2 - 0.03
    zf, zb = d / 2 - 0.04, -d / 2 + 0.16
    arm = 0.68 * h
    frame = [
        _pairs(bar((x, 0, zf), (x, arm, zf), (0.045, 0.05))),
        _pairs(bar((x, 0, zb - 0.05), (x, arm, zb), (0.045, 0.05))),
        _pairs(box(0.075, 0.03, zf - zb + 0.14, 0.008).at(x, arm + 0.012, (zf + zb) / 2 + 0.02)),
        _pairs(box(0.03, 0.075, zf - zb).at(x, 0.62 * seat, (zf + zb) / 2)),
        box(w - 0.07, 0.075, 0.03).at(0, 0.62 * seat, zf),
        box(w - 0.07, 0.075, 0.03).at(0, 0.62 * seat, zb),
    ]
    slats = [
        bar((i * 0.19 * w, 0.6 * seat, zb - 0.02), (i * 0.19 * w, 0.94 * h, -d / 2 + 0.03), (0.05, 0.02))
        for i in (-2, -1, 0, 1, 2)
    ]  # fmt: skip
    slats.append(box(w - 0.06, 0.06, 0.03).at(0, 0.92 * h, -d / 2 + 0.03))
    pad = cushion(w - 0.12, 0.13, zf - zb + 0.05, 0.25).at(0, seat, (zf + zb) / 2 + 0.03)
    rest = cushion(w - 0.13, 0.13, h - seat - 0.06, 0.25).turned("x", 90 - 14)
    rest = rest.at(0, (h + seat) / 2 + 0.02, zb - 0.0)
    return [
        Part("frame", merged(frame + slats), WOOD),
        Part("seat", merged([pad, rest]), FABRIC, 0.95),
    ]


def _upholstered(w: float, h: float, d: float, seats: int, arm: float, leg: float) -> list[Part]:
    """Sofas and their like; ``arm`` is the arms' width, 0 for none."""
    seat = 0.5 * h
    body_h = seat - 0.13 - leg
    inner = w - 2 * arm
    back_d = 0.24 * d
    body = [box(w - 0.02, max(body_h, 0.05), d - 0.06, 0.025, 2).at(0, leg + body_h / 2, -0.01)]
    back = box(w - 0.6 * arm, h - leg - 0.06, back_d * 0.75, 0.05, 3).turned("x", -6)
    body.append(back.at(0, (h - 0.02 + leg) / 2, -d / 2 + back_d * 0.5))
    if arm:
        side = box(arm, 0.72 * h - leg, d - 0.03, 0.4 * min(arm, 0.12), 3)
        body.append(_pairs(side.at(w / 2 - arm / 2, leg + (0.72 * h - leg) / 2, 0)))
    each = inner / seats
    pads = []
    for i in range(seats):
        x = (i - (seats - 1) / 2) * each
        pads.append(
            cushion(each - 0.008, 0.16, d - back_d - 0.01, 0.18, 0.045).at(
                x, seat - 0.06, back_d / 2 + 0.005
            )
        )
        rest = cushion(each - 0.015, 0.15, h - seat + 0.03, 0.35, 0.06).turned("x", 90 - 12)
        pads.append(rest.at(x, (h + seat) / 2 + 0.015, -d / 2 + back_d + 0.02))
    x, z = w / 2 - 0.07, d / 2 - 0.09
    legs = [
        _pairs(bar((x, 0, s * z), (x, leg + 0.01, s * z), (0.03, 0.03), (0.045, 0.045), 0.015))
        for s in (1, -1)
    ]
    return [
        Part("body", merged(body), FABRIC, 0.95),
        Part("cushions", merged(pads), FABRIC, 0.95),
        Part("legs", merged(legs), DARK_WOOD),
    ]


def sofa(w: float, h: float, d: float) -> list[Part]:
    """Two or three seats, by its width."""
    return _upholstered(w, h, d, 3 if w > 1.85 else 2, arm=0.19, leg=0.1)


def slim_sofa(w: float, h: float, d: float) -> list[Part]:
    """Thin arms on visible legs."""
    return _upholstered(w, h, d, 3 if w > 1.85 else 2, arm=0.09, leg=0.17)


def corner_sofa(w: float, h: float, d: float) -> list[Part]:
    """A sofa with a chaise on its right."""
    main = 0.9
    parts = []
    for part in _upholstered(w, h, main, 3, arm=0.16, leg=0.08):
        solids = [part.solid.at(0, 0, -d / 2 + main / 2)]
        if part.role == "body":
            solids.append(
                box(0.85, 0.36 * h, d - main + 0.02, 0.03, 2).at(
                    w / 2 - 0.44, 0.08 + 0.18 * h, main / 2
                )
            )
        if part.role == "cushions":
            solids.append(
                cushion(0.82, 0.16, d - main + 0.1, 0.12, 0.045).at(
                    w / 2 - 0.44, 0.5 * h - 0.06, main / 2 - 0.02
                )
            )
        if part.role == "legs":
            solids.append(
                _pairs(bar((0.3, 0, 0), (0.3, 0.09, 0), (0.04, 0.04))).at(
                    w / 2 - 0.44, 0, d / 2 - 0.1
                )
            )
        parts.append(Part(part.role, merged(solids), part.colour, part.roughness))
    return parts


def stool(w: float, h: float, d: float) -> list[Part]:
    """Round seat, four splayed legs with rungs."""
    x, z = w / 2 - 0.018, d / 2 - 0.018
    legs = [
        _pairs(bar((x, 0, s * z), (0.62 * x, h - 0.03, s * 0.62 * z), (0.024, 0.024), (0.034, 0.034), 0.016))
        for s in (1, -1)
    ]  # fmt: skip
    k, y = 0.62 + 0.38 * 0.68, 0.32 * h
    rungs = [
        bar((-k * x, y, s * k * z), (k * x, y, s * k * z), (0.018, 0.018), bevel=0.009)
        for s in (1, -1)
    ]
    rungs.append(
        _pairs(
            bar((k * x, y + 0.04, -k * z), (k * x, y + 0.04, k * z), (0.018, 0.018), bevel=0.009)
        )
    )
    seat = cylinder(0.43 * max(w, d), 0.035, 0.012, 28).stretched(w / max(w, d), 1, d / max(w, d))
    return [Part("legs", merged(legs + rungs), WOOD), Part("seat", seat.at(0, h - 0.035, 0), WOOD)]


def square_stool(w: float, h: float, d: float) -> list[Part]:
    """A block-legged footstool or ottoman with a thick cushion."""
    x, z, leg = w / 2 - 0.05, d / 2 - 0.05, 0.55 * h
    legs = [_pairs(box(0.085, leg, 0.085, 0.006).at(x, leg / 2, s * z)) for s in (1, -1)]
    rails = [box(w - 0.12, 0.1, 0.035).at(0, leg - 0.05, s * z) for s in (1, -1)]
    rails.append(_pairs(box(0.035, 0.1, d - 0.12).at(x, leg - 0.05, 0)))
    pad = cushion(w, h - leg, d, 0.15, 0.05).at(0, leg + (h - leg) / 2, 0)
    return [Part("legs", merged(legs + rails), WOOD), Part("seat", pad, FABRIC, 0.95)]


def pouf(w: float, h: float, d: float) -> list[Part]:
    """A soft drum."""
    body = lathe(
        [
            (0, 0),
            (0.42, 0),
            (0.485, 0.1),
            (0.5, 0.4),
            (0.49, 0.8),
            (0.44, 0.96),
            (0.3, 1.0),
            (0, 0.985),
        ],
        28,
    )
    return [Part("body", body.stretched(w, h, d), FABRIC, 0.95)]


def bar_stool(w: float, h: float, d: float) -> list[Part]:
    """Round foot, column, foot ring and padded seat."""
    foot = lathe(
        [
            (0, 0),
            (0.48 * w, 0),
            (0.48 * w, 0.012),
            (0.06, 0.03),
            (0.022, 0.06),
            (0.022, h - 0.08),
            (0, h - 0.08),
        ],
        24,
    )
    ring = tube(arc((0, 0.36 * h, 0), 0.32 * w, 0, 354, "xz", 22), 0.009, 6)
    spoke = bar((-0.32 * w, 0.36 * h, 0), (0.32 * w, 0.36 * h, 0), (0.014, 0.014))
    seat = lathe([(0, 0), (0.4 * w, 0), (0.46 * w, 0.03), (0.42 * w, 0.075), (0, 0.08)], 24)
    return [
        Part("base", merged([foot, ring, spoke]), METAL, 0.4),
        Part("seat", seat.at(0, h - 0.08, 0).stretched(1, 1, d / w), LEATHER),
    ]


def bench(w: float, h: float, d: float) -> list[Part]:
    """A plank on two trestle legs."""
    top = box(w, 0.045, d, 0.008).at(0, h - 0.0225, 0)
    x, z = w / 2 - 0.14, d / 2 - 0.05
    legs = [
        _pairs(bar((x + 0.05, 0, s * z), (x, h - 0.04, s * 0.8 * z), (0.045, 0.05), (0.055, 0.06)))
        for s in (1, -1)
    ]
    rails = [_pairs(box(0.035, 0.06, 2 * z - 0.02).at(x, h - 0.09, 0)), box(2 * x, 0.05, 0.03).at(0, 0.4 * h, 0),
             _pairs(box(0.035, 0.05, 2 * z).at(x + 0.03, 0.4 * h, 0))]  # fmt: skip
    return [Part("seat", top, WOOD), Part("legs", merged(legs + rails), WOOD)]


def bench_with_back(w: float, h: float, d: float) -> list[Part]:
    """A garden bench: slatted seat and back, armrests."""
    seat, x = 0.5 * h, w / 2 - 0.03
    slats = [
        box(w - 0.04, 0.025, 0.075).at(0, seat, -d / 2 + 0.16 + 0.092 * i)
        for i in range(int((d - 0.14) / 0.092))
    ]
    rise = h - seat - 0.12
    back = [
        box(w - 0.04, 0.075, 0.02).at(0, seat + 0.1 + rise * t, -d / 2 + 0.11 - 0.06 * t)
        for t in (0.08, 0.36, 0.64, 0.92)
    ]
    z = d / 2 - 0.06
    frame = [
        _pairs(bar((x, 0, z), (x, 0.72 * h, z), (0.05, 0.05))),
        _pairs(
            sweep(
                [(x, 0, -d / 2 + 0.08), (x, seat, -d / 2 + 0.1), (x, h, -d / 2 + 0.03)],
                [(0.05, 0.05)] * 3,
            )
        ),
        _pairs(box(0.06, 0.03, d - 0.06).at(x, 0.73 * h, 0.01)),
        _pairs(box(0.035, 0.06, d - 0.12).at(x, seat - 0.05, 0)),
    ]
    return [Part("seat", merged(slats + back), WOOD), Part("frame", merged(frame), WOOD)]


def bed(w: float, h: float, d: float) -> list[Part]:
    """Frame, headboard at the back, mattress, blanket and pillows."""
    base, top = 0.3, 0.55
    frame = [
        box(w, 0.18, d - 0.03, 0.015).at(0, base - 0.09, 0.015),
        box(w, h - 0.08, 0.06, 0.02, 2).at(0, 0.08 + (h - 0.08) / 2, -d / 2 + 0.03),
        box(w, 0.3, 0.04, 0.012).at(0, 0.25, d / 2 - 0.02),
    ]
    x, z = w / 2 - 0.05, d / 2 - 0.05
    frame += [_pairs(box(0.07, 0.14, 0.07).at(x, 0.07, s * z)) for s in (1, -1)]
    mattress = box(w - 0.05, top - base, d - 0.12, 0.06, 3).at(0, (base + top) / 2, 0.02)
    blanket = box(w + 0.0, 0.2, 0.66 * d, 0.05, 3).at(0, top - 0.06, d / 2 - 0.04 - 0.33 * d)
    pillows = []
    count = 2 if w > 1.2 else 1
    for i in range(count):
        one = pillow(min(0.7, 0.85 * w / count), 0.42, 0.17).turned("x", -68)
        pillows.append(one.at((i - (count - 1) / 2) * 0.46 * w, top + 0.1, -d / 2 + 0.33))
    return [
        Part("frame", merged(frame), WOOD),
        Part("mattress", mattress, WHITE, 0.95),
        Part("blanket", blanket, FABRIC, 0.95),
        Part("pillows", merged(pillows), WHITE, 0.95),
    ]


SHAPES = (
    Shape(
        "wooden chair",
        ("chair",),
        dining_chair,
        ((0.44, 0.88, 0.5), (0.42, 1.0, 0.48), (0.46, 0.8, 0.48)),
    ),
    Shape(
        "upholstered chair",
        ("chair",),
        upholstered_chair,
        ((0.5, 0.86, 0.56), (0.48, 0.98, 0.56), (0.56, 0.82, 0.58)),
    ),
    Shape("shell chair", ("chair",), shell_chair, ((0.5, 0.82, 0.52), (0.46, 0.84, 0.5))),
    Shape(
        "café chair",
        ("chair",),
        cafe_chair,
        ((0.42, 0.88, 0.46), (0.4, 0.82, 0.42), (0.42, 1.02, 0.46)),
    ),
    Shape(
        "office chair",
        ("office chair", "chair"),
        office_chair,
        ((0.66, 1.02, 0.64), (0.6, 0.9, 0.6)),
    ),
    Shape(
        "armchair",
        ("armchair", "chair"),
        armchair,
        ((0.85, 0.84, 0.86), (0.75, 0.78, 0.78), (0.8, 1.0, 0.84)),
    ),
    Shape(
        "wooden armchair",
        ("armchair", "chair"),
        wooden_armchair,
        ((0.72, 0.82, 0.78), (0.66, 0.9, 0.76)),
    ),
    Shape("sofa", ("sofa",), sofa, ((2.05, 0.84, 0.92), (1.6, 0.82, 0.88), (2.4, 0.78, 0.98))),
    Shape("slim sofa", ("sofa",), slim_sofa, ((2.0, 0.8, 0.86), (1.5, 0.82, 0.84))),
    Shape("corner sofa", ("corner sofa", "sofa"), corner_sofa, ((2.6, 0.8, 1.65),)),
    Shape("stool", ("stool",), stool, ((0.38, 0.46, 0.38), (0.36, 0.68, 0.36), (0.36, 0.32, 0.36))),
    Shape(
        "footstool",
        ("ottoman", "stool"),
        square_stool,
        ((0.7, 0.42, 0.6), (0.5, 0.42, 0.5), (0.95, 0.42, 0.65)),
    ),
    Shape("pouf", ("ottoman", "stool"), pouf, ((0.5, 0.38, 0.5), (0.45, 0.45, 0.45))),
    Shape("bar stool", ("bar stool", "stool"), bar_stool, ((0.4, 0.76, 0.4),)),
    Shape("bench", ("bench",), bench, ((1.4, 0.45, 0.36), (1.0, 0.45, 0.35), (1.8, 0.45, 0.4))),
    Shape("garden bench", ("bench",), bench_with_back, ((1.4, 0.86, 0.6), (1.1, 0.84, 0.58))),
    Shape("double bed", ("bed",), bed, ((1.65, 0.95, 2.1), (1.45, 0.8, 2.08))),
    Shape("single bed", ("bed",), bed, ((0.98, 0.85, 2.08),)),
)
