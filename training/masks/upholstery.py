"""Seeded soft and massive furniture: sofas, framed armchairs, beds, block tables, full baskets.

Their parts differ in colour (a dark cushion in a pale frame, a patterned pillow on a plain seat,
a shaded niche under a top), and yet each is one thing: what a network has to learn from them.
"""

from __future__ import annotations

import numpy as np

from cast_nodes.mesh._parts import Part
from cast_nodes.mesh._solids import Solid, box, cushion, cylinder, ellipsoid, lathe, merged, pillow

FABRIC = (150, 148, 142)
WOOD = (158, 118, 82)
DARK = (70, 60, 54)


def _posts(w: float, d: float, top: float, thick: float, low: float = 0.0) -> list[Solid]:
    """Four square posts at the corners of a (w, d) plan from height ``low`` to ``top``."""
    x, z = (w - thick) / 2, (d - thick) / 2
    return [
        box(thick, top - low, thick, 0.1 * thick).at(sx * x, (top + low) / 2, sz * z)
        for sx in (-1, 1)
        for sz in (-1, 1)
    ]


def _feet(rng: np.random.Generator, w: float, d: float, height: float) -> list[Solid]:
    if rng.random() < 0.5:
        return _posts(0.92 * w, 0.9 * d, height, rng.uniform(0.03, 0.08))
    radius = rng.uniform(0.012, 0.04)
    return [
        cylinder(radius, height).at(sx * 0.45 * w, 0, sz * 0.43 * d)
        for sx in (-1, 1)
        for sz in (-1, 1)
    ]


def _throws(
    rng: np.random.Generator, w: float, seat: float, z: float, lean: float, most: int
) -> list[Part]:
    """Up to ``most`` throw pillows that lean on a back, each with a colour of its own."""
    out = []
    for i in range(int(rng.integers(0, most + 1))):
        side = rng.uniform(0.28, 0.5)
        soft = pillow(side, side * rng.uniform(0.6, 1.0), rng.uniform(0.1, 0.18))
        soft = soft.turned("z", rng.normal(0, 12)).turned("x", -lean - rng.uniform(5, 25))
        soft = soft.turned("y", rng.normal(0, 15))
        reach = max(0.0, w / 2 - 0.6 * side)
        x = rng.uniform(-reach, reach)
        out.append(Part(f"pillow {i}", soft.at(x, seat + 0.42 * side, z + 0.1), FABRIC))
    return out


def _row(
    rng: np.random.Generator, w: float, count: int, height: float, depth: float
) -> list[tuple[float, Solid]]:
    """``count`` cushions side by side over ``w``: (x, cushion about the origin)."""
    each, puff = w / count, rng.uniform(0.05, 0.4)
    return [
        ((i + 0.5) * each - w / 2, cushion(0.985 * each, height, depth, puff, 0.06))
        for i in range(count)
    ]


def sofa(rng: np.random.Generator) -> list[Part]:
    """One to three seats on feet, a plinth or a skirt; arms or none; pillows, a blanket."""
    seats = int(rng.choice([1, 2, 2, 3, 3]))
    inner = seats * rng.uniform(0.5, 0.72)
    arm = rng.choice([0.0, rng.uniform(0.08, 0.26)], p=[0.15, 0.85])
    w, d = inner + 2 * arm, rng.uniform(0.7, 1.0)
    foot = rng.choice([0.01, rng.uniform(0.04, 0.16)], p=[0.3, 0.7])
    seat, back = rng.uniform(0.36, 0.46), rng.uniform(0.66, 1.0)
    thick, deep = rng.uniform(0.1, 0.2), rng.uniform(0.12, 0.26)
    base = seat - thick
    lean = rng.uniform(4, 16)
    body = [
        box(w, max(base - foot, 0.06), d, 0.02, 2).at(0, (base + foot) / 2, 0),
        box(w, back - foot, deep, 0.05, 2).at(0, (back + foot) / 2, -d / 2 + deep / 2),
    ]
    if arm:
        top = rng.uniform(seat + 0.05, min(back, seat + 0.28))
        for side in (-1, 1):
            x = side * (w - arm) / 2
            body.append(box(arm, top - foot, d, 0.4 * arm, 2).at(x, (top + foot) / 2, 0))
            if rng.random() < 0.3:
                roll = cylinder(0.62 * arm, d, 0.02).turned("x", 90).at(x, top, -d / 2)
                body.append(roll)
    parts = [Part("body", merged(body), FABRIC)]
    if foot > 0.02:
        parts.append(Part("feet", merged(_feet(rng, w, d, foot + 0.02)), DARK))
    depth = d - deep
    same = rng.random() < 0.45
    soft = [
        s.at(x, seat - thick / 2, deep / 2)
        for x, s in _row(rng, inner, int(rng.choice([1, seats])), thick * 1.1, depth)
    ]
    parts.append(Part("body" if same else "seat", merged(soft), FABRIC))
    if rng.random() < 0.75:
        tall, full = back - seat + rng.uniform(-0.08, 0.08), rng.uniform(0.1, 0.2)
        soft = [
            s.turned("x", 90 - lean).at(x, seat + tall / 2, -d / 2 + deep + 0.45 * full)
            for x, s in _row(rng, inner, seats, full, tall)
        ]
        parts.append(Part("body" if same else "seat", merged(soft), FABRIC))
    parts += _throws(rng, inner, seat, -d / 2 + deep, lean, 4)
    if rng.random() < 0.2:
        long = rng.uniform(0.3, 0.6) * inner
        x = rng.uniform(-1, 1) * (inner - long) / 2
        parts.append(Part("blanket", _blanket(long, seat, back, d, deep).at(x, 0, 0), FABRIC))
    return parts


def _blanket(long: float, seat: float, back: float, d: float, deep: float) -> Solid:
    """A cloth over the back, the seat and the front edge."""
    t = 0.025
    return merged(
        [
            box(long, t, deep + 0.1, 0.01).at(0, back + t, -d / 2 + deep / 2),
            box(long, back - seat, t, 0.01).at(0, (back + seat) / 2, -d / 2 + deep + 0.2),
            box(long, t, d - deep, 0.01).at(0, seat + 2 * t, deep / 2),
            box(long, 0.6 * seat, t, 0.01).at(0, 0.72 * seat, d / 2 + t),
        ]
    )


def framed(rng: np.random.Generator) -> list[Part]:
    """Cushions in a frame of beams: an armchair, a two-seater, or a footstool without a back."""
    w, d = rng.uniform(0.55, 1.4), rng.uniform(0.55, 0.95)
    seat, thick = rng.uniform(0.26, 0.42), rng.uniform(0.04, 0.1)
    soft = rng.uniform(0.06, 0.18)
    rail = rng.uniform(0.05, 0.16)
    deck = seat - soft
    if rng.random() < 0.35:  # a footstool
        parts = [
            Part("frame", merged(_posts(w, d, deck, thick)), WOOD),
            Part("frame", box(w, rail, d, 0.01).at(0, deck - rail / 2, 0), WOOD),
        ]
        cover = cushion(rng.uniform(0.94, 1.02) * w, soft, d, rng.uniform(0, 0.4), 0.04)
        return [*parts, Part("seat", cover.at(0, deck + soft / 2, 0), FABRIC)]
    back, arm = rng.uniform(0.6, 0.95), rng.uniform(seat + 0.08, seat + 0.26)
    lean = rng.uniform(5, 22)
    frame = _posts(w, d, arm, thick)
    frame.append(box(w, rail, d, 0.01).at(0, deck - rail / 2, 0))
    board = rng.uniform(thick, 0.14)
    for side in (-1, 1):
        frame.append(box(board, 0.03, d, 0.01).at(side * (w - thick) / 2, arm, 0))
    tall = back - deck
    bars = int(rng.choice([0, 3, 4, 5, 6]))
    upright = rng.random() < 0.5
    grille = [
        box(thick, tall, 0.03, 0.005).at(side * (w / 2 - thick), tall / 2, 0) for side in (-1, 1)
    ]
    grille.append(box(w - thick, 0.06, 0.03, 0.005).at(0, tall, 0))
    for i in range(bars):
        f = (i + 0.5) / bars
        if upright:
            grille.append(box(0.035, tall, 0.02, 0.004).at((f - 0.5) * (w - 0.1), tall / 2, 0))
        else:
            grille.append(box(w - thick, 0.05, 0.02, 0.004).at(0, f * tall, 0))
    z = -d / 2 + 0.05
    frame.append(merged(grille).turned("x", -lean).at(0, deck, z))
    inner = w - 1.6 * thick
    seats = 2 if w > 1.05 and rng.random() < 0.6 else 1
    soft_parts = [
        s.at(x, deck + soft / 2, 0.04) for x, s in _row(rng, inner, seats, soft, 0.95 * d)
    ]
    height = rng.uniform(0.6, 1.05) * tall
    same = rng.random() < 0.7
    if rng.random() < 0.8:
        rest = [
            s.turned("x", 90 - lean).at(x, deck + soft + 0.4 * height, z + 0.09)
            for x, s in _row(rng, inner, seats, rng.uniform(0.06, 0.16), height)
        ]
        soft_parts += rest if same else []
        rests = [] if same else [Part("rest", merged(rest), FABRIC)]
    else:
        rests = []
    parts = [Part("frame", merged(frame), WOOD), Part("seat", merged(soft_parts), FABRIC), *rests]
    return parts + _throws(rng, inner, seat, z + 0.12, lean, 2)


def bed(rng: np.random.Generator) -> list[Part]:
    """A frame with a mattress, a cover that hangs down, pillows, a throw, a headboard or none."""
    w, d = rng.choice([rng.uniform(0.8, 1.0), rng.uniform(1.3, 1.8)]), rng.uniform(1.85, 2.1)
    frame, top = rng.uniform(0.18, 0.36), rng.uniform(0.4, 0.62)
    solids = [box(w, 0.5 * frame, d, 0.01).at(0, 0.75 * frame, 0)]
    solids += _posts(w, d, frame, rng.uniform(0.05, 0.1))
    if rng.random() < 0.75:
        head = rng.uniform(0.75, 1.25)
        solids.append(box(w, head, rng.uniform(0.03, 0.14), 0.02).at(0, head / 2, -d / 2))
    parts = [
        Part("frame", merged(solids), WOOD),
        Part("mattress", box(0.97 * w, top - frame, 0.97 * d, 0.05, 2).at(0, (top + frame) / 2, 0), FABRIC),
    ]  # fmt: skip
    if rng.random() < 0.85:
        long = rng.uniform(0.55, 0.8) * d
        drop = rng.uniform(0.4, 1.0) * (top - 0.1)
        cover = box(1.03 * w, drop, long, 0.04, 2).at(0, top + 0.03 - drop / 2, (d - long) / 2)
        parts.append(Part("cover", cover, FABRIC))
    if rng.random() < 0.4:
        strip = rng.uniform(0.3, 0.7)
        at = rng.uniform(0.05, d / 2 - strip / 2)
        drop = rng.uniform(0.2, 0.35)
        parts.append(
            Part("throw", box(1.05 * w, drop, strip, 0.03).at(0, top + 0.06 - drop / 2, at), FABRIC)
        )
    for i in range(int(rng.integers(1, 5))):
        soft = cushion(rng.uniform(0.4, 0.7), 0.14, 0.42, 0.5).turned("x", -rng.uniform(0, 60))
        x = rng.uniform(-1, 1) * max(0.0, w / 2 - 0.3)
        role = "pillows" if rng.random() < 0.6 else f"pillow {i}"
        parts.append(Part(role, soft.at(x, top + 0.14, -d / 2 + rng.uniform(0.25, 0.45)), FABRIC))
    return parts


def block_table(rng: np.random.Generator) -> list[Part]:
    """A heavy low table or bench: thick legs or sides, an apron, a shelf, shade between them."""
    w, d, h = rng.uniform(0.5, 1.4), rng.uniform(0.4, 0.8), rng.uniform(0.28, 0.6)
    t, thick = rng.uniform(0.03, 0.09), rng.uniform(0.05, 0.12)
    solids = [box(w, t, d, rng.choice([0.004, 0.03])).at(0, h - t / 2, 0)]
    inset = rng.uniform(0.86, 1.0)
    if rng.random() < 0.6:
        solids += _posts(inset * w, inset * d, h - t, thick)
        apron = rng.uniform(0.0, 0.14)
        if apron > 0.03:
            solids.append(
                box(inset * w - 0.02, apron, inset * d - 0.02).at(0, h - t - apron / 2, 0)
            )
    else:
        for side in (-1, 1):
            plate = box(thick, h - t, inset * d, 0.005)
            solids.append(plate.at(side * (inset * w - thick) / 2, (h - t) / 2, 0))
        if rng.random() < 0.5:
            solids.append(box(inset * w, h - t, 0.02).at(0, (h - t) / 2, -inset * d / 2 + 0.02))
    parts = [Part("table", merged(solids), WOOD)]
    if rng.random() < 0.6:
        low = rng.uniform(0.04, 0.35) * h
        shelf = box(inset * w - 0.02, 0.025, inset * d - 0.02).at(0, low, 0)
        parts.append(Part("table" if rng.random() < 0.6 else "shelf", shelf, DARK))
    return parts


def basket(rng: np.random.Generator) -> list[Part]:
    """A basket, box or bowl out of which balls, blocks and cloth look."""
    h, r = rng.uniform(0.15, 0.45), rng.uniform(0.12, 0.3)
    foot = r * rng.uniform(0.65, 1.0)
    profile = [(0, 0), (foot, 0), (r, h), (0.93 * r, h), (0.9 * r, 0.6 * h), (0, 0.6 * h)]
    shell = lathe(profile, 24) if rng.random() < 0.65 else lathe(profile, 4).turned("y", 45)
    parts = [Part("basket", shell.stretched(rng.uniform(1, 1.5), 1, 1), (170, 130, 85))]
    for i in range(int(rng.integers(2, 8))):
        size = rng.uniform(0.35, 0.85) * r
        if rng.random() < 0.6:
            one = ellipsoid(size, size * rng.uniform(0.8, 1.2), size)
        else:
            one = cushion(size, 0.7 * size, size, 0.4).turned("z", rng.uniform(-50, 50))
        angle, away = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.55) * r
        at = (away * np.cos(angle), h + rng.uniform(-0.2, 0.3) * size, away * np.sin(angle))
        parts.append(Part(f"content {i}", one.turned("y", rng.uniform(0, 360)).at(*at), FABRIC))
    if rng.random() < 0.4:
        for side in (-1, 1):
            grip = box(0.02, rng.uniform(0.04, 0.1), 0.1, 0.008)
            parts.append(Part("basket", grip.at(side * 0.95 * r, h, 0), (170, 130, 85)))
    return parts
