"""Built-in shelves, cabinets, boxes, baskets and bins."""

from __future__ import annotations

import numpy as np

from ._parts import CARDBOARD, METAL, WHITE, WOOD, Part, Shape
from ._solids import Solid, arc, bar, box, cylinder, lathe, loft, merged, section, tube

_BOOKS = ((150, 60, 50), (60, 84, 110), (190, 170, 130), (70, 90, 70), (120, 100, 80))


def _pairs(solid: Solid) -> Solid:
    return merged([solid, solid.mirrored()])


def _books(width: float, height: float, depth: float, seed: int) -> list[Solid]:
    """A row of books standing on y = 0 from x = -width / 2 on, one solid per book."""
    random = np.random.default_rng(seed)
    out, x = [], -width / 2
    while True:
        thick = float(random.uniform(0.018, 0.05))
        if x + thick > width / 2:
            return out
        tall = height * float(random.uniform(0.68, 0.95))
        deep = depth * float(random.uniform(0.7, 0.9))
        out.append(box(thick - 0.002, tall, deep, 0.0).at(x + thick / 2, tall / 2, 0))
        x += thick


def _shelf_parts(w: float, h: float, d: float, levels: int, back: bool) -> list[Solid]:
    t = 0.02 if w < 1.2 else 0.026
    solids = [_pairs(box(t, h, d, 0.003).at(w / 2 - t / 2, h / 2, 0))]
    ys = np.linspace(0.05, h - t / 2, levels + 1)
    solids += [box(w - 2 * t, t, d - 0.004, 0.003).at(0, float(y), 0) for y in ys]
    if back:
        solids.append(box(w - 0.02, h - 0.05, 0.008, 0.0).at(0, h / 2 + 0.02, -d / 2 + 0.006))
    return solids


def bookcase(w: float, h: float, d: float) -> list[Part]:
    """Shelves with rows of books."""
    levels = max(2, round(h / 0.36))
    frame = _shelf_parts(w, h, d, levels, back=True)
    gap = (h - 0.06) / levels
    random = np.random.default_rng(levels)
    colours: list[list[Solid]] = [[] for _ in _BOOKS]
    for level in range(levels):
        share = float(random.uniform(0.55, 0.95))
        row = _books(share * (w - 0.06), gap - 0.03, d - 0.04, level)
        shift = (1 - share) * (w - 0.06) / 2 * (1 if level % 2 else -1)
        for i, one in enumerate(row):
            colours[(i * 3 + level) % len(_BOOKS)].append(one.at(shift, 0.06 + gap * level, 0))
    books = [
        Part(f"books {i + 1}", merged(solids), _BOOKS[i])
        for i, solids in enumerate(colours)
        if solids
    ]
    return [Part("frame", merged(frame), WOOD), *books]


def open_shelf(w: float, h: float, d: float) -> list[Part]:
    """Shelves on four posts, empty."""
    levels = max(2, round(h / 0.4))
    x, z = w / 2 - 0.015, d / 2 - 0.015
    posts = [_pairs(box(0.03, h, 0.03, 0.003).at(x, h / 2, s * z)) for s in (1, -1)]
    boards = [
        box(w - 0.01, 0.022, d - 0.01, 0.003).at(0, float(y), 0)
        for y in np.linspace(0.1, h - 0.03, levels)
    ]
    return [Part("frame", merged(posts), METAL), Part("shelves", merged(boards), WOOD)]


def cube_shelf(w: float, h: float, d: float) -> list[Part]:
    """Square compartments, open through."""
    columns, rows, t = max(1, round(w / 0.38)), max(1, round(h / 0.38)), 0.03
    solids = [
        box(t, h, d, 0.003).at(float(x), h / 2, 0)
        for x in np.linspace(-w / 2 + t / 2, w / 2 - t / 2, columns + 1)
    ]
    solids += [
        box(w - 0.01, t, d - 0.004, 0.003).at(0, float(y), 0)
        for y in np.linspace(t / 2, h - t / 2, rows + 1)
    ]
    return [Part("frame", merged(solids), WHITE)]


def wall_shelf(w: float, h: float, d: float) -> list[Part]:
    """One board on two brackets."""
    board = box(w, 0.03, d, 0.004).at(0, h - 0.015, 0)
    bracket = merged([
        box(0.025, h - 0.03, 0.012).at(w * 0.33, (h - 0.03) / 2, -d / 2 + 0.006),
        bar((w * 0.33, 0.02, -d / 2 + 0.01), (w * 0.33, h - 0.035, d / 2 - 0.04), (0.02, 0.012)),
    ])  # fmt: skip
    return [Part("top", board, WOOD), Part("brackets", _pairs(bracket), METAL)]


def _fronts(
    w: float, low: float, high: float, z: float, columns: int, rows: int, drawers: bool
) -> tuple[list[Solid], list[Solid]]:
    """Door or drawer fronts over an area, and their handles."""
    cell_w, cell_h = w / columns, (high - low) / rows
    fronts, handles = [], []
    for i in range(columns):
        for j in range(rows):
            x, y = -w / 2 + cell_w * (i + 0.5), low + cell_h * (j + 0.5)
            fronts.append(box(cell_w - 0.006, cell_h - 0.006, 0.02, 0.004).at(x, y, z))
            if drawers:
                handles.append(
                    box(min(0.16, 0.4 * cell_w), 0.012, 0.022, 0.005).at(
                        x, y + 0.15 * cell_h, z + 0.02
                    )
                )
            else:
                side = 1 if i % 2 == 0 and columns > 1 else -1
                handles.append(
                    box(0.012, min(0.18, 0.4 * cell_h), 0.022, 0.005).at(
                        x + side * (cell_w / 2 - 0.045), y, z + 0.02
                    )
                )
    return fronts, handles


def sideboard(w: float, h: float, d: float) -> list[Part]:
    """Doors and one row of drawers on short legs."""
    leg = 0.14
    body = box(w, h - leg, d - 0.03, 0.006).at(0, leg + (h - leg) / 2, -0.01)
    columns = max(2, round(w / 0.5))
    split = h - 0.19
    doors, knobs = _fronts(w - 0.04, leg + 0.02, split, d / 2 - 0.02, columns, 1, False)
    tops, more = _fronts(w - 0.04, split, h - 0.03, d / 2 - 0.02, columns, 1, True)
    x, z = w / 2 - 0.08, d / 2 - 0.08
    legs = [
        _pairs(
            bar((x + 0.03, 0, s * (z + 0.02)), (x, leg, s * z), (0.024, 0.024), (0.04, 0.04), 0.012)
        )
        for s in (1, -1)
    ]
    return [Part("body", body, WOOD), Part("doors", merged(doors + tops), WOOD),
            Part("legs", merged(legs), WOOD), Part("handles", merged(knobs + more), METAL, 0.4)]  # fmt: skip


def chest(w: float, h: float, d: float) -> list[Part]:
    """A chest of drawers on a plinth."""
    body = [
        box(w, h - 0.06, d - 0.03, 0.005).at(0, 0.06 + (h - 0.06) / 2, -0.012),
        box(w - 0.05, 0.06, d - 0.08).at(0, 0.03, -0.01),
    ]
    top = box(w + 0.016, 0.022, d - 0.006, 0.006).at(0, h - 0.011, 0)
    rows = max(2, round((h - 0.1) / 0.2))
    drawers, knobs = _fronts(
        w - 0.03, 0.08, h - 0.035, d / 2 - 0.022, 2 if w > 1.1 else 1, rows, True
    )
    return [Part("body", merged([*body, top]), WOOD), Part("drawers", merged(drawers), WOOD),
            Part("handles", merged(knobs), METAL, 0.4)]  # fmt: skip


def wardrobe(w: float, h: float, d: float) -> list[Part]:
    """Tall doors on a plinth."""
    body = [
        box(w, h - 0.07, d - 0.03, 0.006).at(0, 0.07 + (h - 0.07) / 2, -0.012),
        box(w - 0.05, 0.07, d - 0.08).at(0, 0.035, -0.01),
    ]
    doors, knobs = _fronts(
        w - 0.02, 0.08, h - 0.02, d / 2 - 0.022, max(1, round(w / 0.5)), 1, False
    )
    return [Part("body", merged(body), WOOD), Part("doors", merged(doors), WOOD),
            Part("handles", merged(knobs), METAL, 0.4)]  # fmt: skip


def nightstand(w: float, h: float, d: float) -> list[Part]:
    """Two drawers on four legs."""
    return sideboard(w, h, d) if w > 0.7 else _small_chest(w, h, d)


def _small_chest(w: float, h: float, d: float) -> list[Part]:
    leg = 0.3 * h
    body = box(w, h - leg, d - 0.03, 0.006).at(0, leg + (h - leg) / 2, -0.012)
    drawers, knobs = _fronts(w - 0.03, leg + 0.01, h - 0.02, d / 2 - 0.022, 1, 2, True)
    x, z = w / 2 - 0.03, d / 2 - 0.04
    legs = [
        _pairs(bar((x, 0, s * z), (x, leg, s * z), (0.022, 0.022), (0.035, 0.035))) for s in (1, -1)
    ]
    return [Part("body", body, WOOD), Part("drawers", merged(drawers), WOOD),
            Part("legs", merged(legs), WOOD), Part("handles", merged(knobs), METAL, 0.4)]  # fmt: skip


def plain_box(w: float, h: float, d: float) -> list[Part]:
    """A closed box with softened edges."""
    return [Part("body", box(w, h, d, 0.012 * max(w, h, d), 2).at(0, h / 2, 0), CARDBOARD)]


def carton(w: float, h: float, d: float) -> list[Part]:
    """A cardboard box with its flaps open."""
    t = 0.006
    walls = [_pairs(box(t, h, d - t, 0.0).at(w / 2 - t / 2, h / 2, 0)), box(w, h, t, 0.0).at(0, h / 2, d / 2 - t / 2),
             box(w, h, t, 0.0).at(0, h / 2, -d / 2 + t / 2), box(w - t, t, d - t, 0.0).at(0, t / 2, 0)]  # fmt: skip
    flap = (
        box(0.22 * w, 0.005, d - 0.02, 0.0)
        .at(0.11 * w, 0, 0)
        .turned("z", 25)
        .at(w / 2 - 0.004, h - 0.004, 0)
    )
    front = (
        box(w - 0.02, 0.005, 0.22 * d, 0.0)
        .at(0, 0, 0.11 * d)
        .turned("x", 38)
        .at(0, h - 0.004, d / 2 - 0.004)
    )
    return [Part("body", merged([*walls, _pairs(flap), front]), CARDBOARD, 0.9)]


def crate(w: float, h: float, d: float) -> list[Part]:
    """A wooden crate of slats, open at the top."""
    n = max(2, round(h / 0.11))
    each, t = h / n, 0.014
    slats = []
    for i in range(n):
        y = each * (i + 0.5)
        slats += [box(w, 0.82 * each, t, 0.002).at(0, y, s * (d / 2 - t / 2)) for s in (1, -1)]
        slats.append(_pairs(box(t, 0.82 * each, d - 2 * t, 0.002).at(w / 2 - t / 2, y, 0)))
    posts = [
        _pairs(box(0.035, h - 0.01, 0.035, 0.002).at(w / 2 - 0.035, h / 2, s * (d / 2 - 0.035)))
        for s in (1, -1)
    ]
    floor = box(w - 2 * t, 0.012, d - 2 * t, 0.0).at(0, 0.012, 0)
    return [Part("body", merged([*slats, *posts, floor]), WOOD, 0.9)]


def basket(w: float, h: float, d: float) -> list[Part]:
    """A round woven basket: bulging wall of coils, open, with two handles."""
    coils = 9
    outside: list[tuple[float, float]] = [(0, 0), (0.36, 0)]
    for i in range(coils):
        low, high = 0.88 * i / coils, 0.88 * (i + 1) / coils
        r = 0.4 + 0.09 * np.sin(np.pi * (i + 0.5) / coils * 0.8)
        outside += [(r - 0.012, low + 0.01), (r + 0.008, (low + high) / 2), (r - 0.012, high)]
    inside = [(r - 0.035, y) for r, y in outside[:1:-3]]
    profile = [*outside, *inside, (0.34, 0.03), (0, 0.03)]
    body = lathe([(float(r), float(y)) for r, y in profile], 28).stretched(w / 0.98, h, d / 0.98)
    handle = tube(arc((0.0, 0.86 * h, 0.0), 0.12 * h, 0, 180, "yz", 9), 0.02 * w, 6)
    return [Part("body", merged([body, _pairs(handle.at(0.44 * w, 0, 0))]), (186, 150, 104), 0.95)]


def bin_open(w: float, h: float, d: float) -> list[Part]:
    """A conical waste-paper bin, open."""
    profile = [
        (0, 0),
        (0.37, 0),
        (0.385, 0.015),
        (0.49, 0.97),
        (0.5, 0.985),
        (0.49, 1.0),
        (0.475, 0.985),
        (0.365, 0.03),
        (0, 0.03),
    ]
    return [Part("body", lathe(profile, 32).stretched(w, h, d), METAL)]


def bin_lid(w: float, h: float, d: float) -> list[Part]:
    """A bin with a lid and a handle on it."""
    body = lathe([(0, 0), (0.43, 0), (0.44, 0.02), (0.475, 0.82), (0, 0.82)], 36).stretched(w, h, d)
    lid = lathe(
        [(0, 0.8), (0.49, 0.8), (0.5, 0.81), (0.5, 0.87), (0.48, 0.895), (0.3, 0.935), (0, 0.95)],
        36,
    ).stretched(w, h, d)
    handle = tube(arc((0, 0.92 * h, 0), 0.1 * w, 0, 180, "xy", 9), 0.014 * w).stretched(1, 1, 1.6)
    return [Part("body", body, METAL), Part("lid", merged([lid, handle]), METAL)]


def tote(w: float, h: float, d: float) -> list[Part]:
    """A plastic tub with a rim, open."""

    def ring(scale: float, y: float, inset: float = 0.0) -> np.ndarray:
        outline = section(w * scale - 2 * inset, d * scale - 2 * inset, 0.12 * min(w, d), 3)
        return np.column_stack([outline[:, 0], np.full(len(outline), y), -outline[:, 1]])

    rings = [ring(0.84, 0), ring(0.94, 0.94 * h), ring(1.0, 0.95 * h), ring(1.0, h), ring(0.94, h, 0.004),
             ring(0.83, 0.012, 0.006)]  # fmt: skip
    return [Part("body", loft(rings), (120, 140, 160), 0.5)]


def suitcase(w: float, h: float, d: float) -> list[Part]:
    """An upright trolley case."""
    body = box(w, 0.82 * h, d, 0.18 * d, 3).at(0, 0.05 + 0.41 * h, 0)
    handle = [_pairs(tube([(0.22 * w, 0.8 * h, -0.3 * d), (0.22 * w, h - 0.012, -0.3 * d)], 0.008)),
              tube([(-0.23 * w, h - 0.012, -0.3 * d), (0.23 * w, h - 0.012, -0.3 * d)], 0.012)]  # fmt: skip
    wheels = [
        _pairs(cylinder(0.028, 0.03, 0.006, 12).turned("z", 90).at(0.38 * w, 0.028, s * 0.3 * d))
        for s in (1, -1)
    ]
    return [
        Part("body", body, (80, 90, 110), 0.5),
        Part("handle", merged(handle + wheels), (50, 50, 52)),
    ]


SHAPES = (
    Shape(
        "bookcase",
        ("bookcase", "shelf"),
        bookcase,
        ((0.9, 1.8, 0.32), (0.9, 1.2, 0.32), (1.6, 1.9, 0.34), (0.6, 2.0, 0.3)),
    ),
    Shape(
        "open shelf",
        ("shelf", "bookcase"),
        open_shelf,
        ((0.9, 1.7, 0.4), (0.8, 0.8, 0.4), (0.4, 1.6, 0.35)),
    ),
    Shape(
        "cube shelf",
        ("shelf", "bookcase"),
        cube_shelf,
        ((0.8, 0.8, 0.39), (1.5, 1.5, 0.39), (1.5, 0.8, 0.39), (0.42, 1.5, 0.39)),
    ),
    Shape("wall shelf", ("wall shelf", "shelf"), wall_shelf, ((0.9, 0.2, 0.22),)),
    Shape(
        "sideboard",
        ("sideboard", "cabinet"),
        sideboard,
        ((1.6, 0.78, 0.45), (1.1, 0.85, 0.42), (2.0, 0.6, 0.45)),
    ),
    Shape(
        "chest of drawers",
        ("chest of drawers", "cabinet"),
        chest,
        ((0.9, 0.95, 0.46), (0.6, 1.2, 0.45), (1.4, 0.8, 0.48)),
    ),
    Shape(
        "wardrobe",
        ("wardrobe", "cabinet"),
        wardrobe,
        ((1.2, 2.05, 0.6), (0.6, 1.9, 0.45), (0.8, 1.1, 0.4)),
    ),
    Shape("nightstand", ("nightstand", "chest of drawers"), nightstand, ((0.45, 0.55, 0.4),)),
    Shape(
        "box",
        ("box",),
        plain_box,
        ((0.4, 0.3, 0.3), (0.3, 0.1, 0.2), (0.3, 0.45, 0.3), (0.5, 0.25, 0.4)),
    ),
    Shape("open carton", ("box",), carton, ((0.42, 0.3, 0.32),)),
    Shape("crate", ("crate", "box"), crate, ((0.5, 0.3, 0.36), (0.45, 0.45, 0.45))),
    Shape("basket", ("basket",), basket, ((0.42, 0.36, 0.42), (0.4, 0.5, 0.4), (0.36, 0.22, 0.3))),
    Shape("tub", ("box", "basket"), tote, ((0.5, 0.3, 0.36),)),
    Shape("open bin", ("bin",), bin_open, ((0.28, 0.32, 0.28), (0.3, 0.42, 0.3))),
    Shape(
        "bin with lid", ("bin",), bin_lid, ((0.36, 0.5, 0.36), (0.3, 0.62, 0.3), (0.46, 0.46, 0.46))
    ),
    Shape("suitcase", ("suitcase",), suitcase, ((0.4, 0.98, 0.24), (0.46, 0.7, 0.27))),
)
