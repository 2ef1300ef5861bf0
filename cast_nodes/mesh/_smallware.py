"""Built-in small things: vessels, books, screens, toys."""

from __future__ import annotations

import numpy as np

from ._parts import BLACK, CERAMIC, METAL, PAPER, SCREEN, WHITE, WOOD, Part, Shape
from ._solids import Solid, arc, bar, box, cylinder, ellipsoid, lathe, loft, merged, section, tube

Profile = list[tuple[float, float]]


def _hollow(outside: Profile, wall: float) -> Profile:
    """A closed profile of a vessel from its outer one (bottom to rim), with a wall."""
    inner = [(max(r - wall, 0.0), max(y, wall)) for r, y in reversed(outside) if r > wall]
    return [(0.0, outside[0][1]), *outside, *inner, (0.0, inner[-1][1])]


def _vessel(
    profile: Profile, w: float, h: float, d: float, wall: float = 0.02, sides: int = 32
) -> Solid:
    """Turned from a profile in units of the width and height."""
    widest = 2 * max(r for r, _ in profile)
    solid = lathe(_hollow(profile, wall), sides)
    return solid.stretched(w / widest, h, d / widest)


def vase(w: float, h: float, d: float) -> list[Part]:
    """Bellied, with a narrow neck and a flared lip."""
    profile = [
        (0.28, 0),
        (0.31, 0.02),
        (0.44, 0.2),
        (0.5, 0.42),
        (0.44, 0.62),
        (0.24, 0.8),
        (0.19, 0.88),
        (0.25, 0.98),
        (0.27, 1.0),
    ]
    return [Part("body", _vessel(profile, w, h, d), CERAMIC, 0.35)]


def tall_vase(w: float, h: float, d: float) -> list[Part]:
    """Slender, widening upwards."""
    profile = [(0.32, 0), (0.34, 0.01), (0.3, 0.12), (0.36, 0.5), (0.46, 0.88), (0.5, 1.0)]
    return [Part("body", _vessel(profile, w, h, d), CERAMIC, 0.35)]


def jug(w: float, h: float, d: float) -> list[Part]:
    """A pitcher with a handle."""
    profile = [(0.32, 0), (0.4, 0.05), (0.46, 0.3), (0.4, 0.6), (0.29, 0.8), (0.32, 1.0)]
    body = _vessel(profile, 0.78 * w, h, d).at(-0.1 * w, 0, 0)
    handle = tube(arc((0.15 * w, 0.55 * h, 0), 0.28 * h, 75, -75, "xy", 11), 0.045 * w)
    return [Part("body", merged([body, handle]), CERAMIC, 0.35)]


def bottle(w: float, h: float, d: float) -> list[Part]:
    """A wine bottle's form, with label and cap."""
    r = w / 2
    glass = lathe(
        [
            (0, 0),
            (0.92 * r, 0),
            (r, 0.02 * h),
            (r, 0.6 * h),
            (0.9 * r, 0.67 * h),
            (0.42 * r, 0.77 * h),
            (0.38 * r, 0.93 * h),
            (0, 0.93 * h),
        ],
        28,
    )
    label = lathe(
        [
            (0.99 * r, 0.18 * h),
            (1.012 * r, 0.18 * h),
            (1.012 * r, 0.5 * h),
            (0.99 * r, 0.5 * h),
            (0.99 * r, 0.18 * h),
        ],
        28,
    )
    cap = lathe([(0, 0.9 * h), (0.42 * r, 0.9 * h), (0.42 * r, h), (0, h)], 20)
    return [
        Part("body", glass, (60, 86, 62), 0.2),
        Part("label", label, PAPER),
        Part("cap", cap, BLACK),
    ]


def flask(w: float, h: float, d: float) -> list[Part]:
    """A straight bottle with a screw cap."""
    r = w / 2
    body = lathe(
        [
            (0, 0),
            (0.94 * r, 0),
            (r, 0.015 * h),
            (r, 0.72 * h),
            (0.88 * r, 0.8 * h),
            (0.5 * r, 0.86 * h),
            (0, 0.86 * h),
        ],
        28,
    )
    cap = lathe(
        [(0, 0.84 * h), (0.54 * r, 0.84 * h), (0.56 * r, 0.99 * h), (0.5 * r, h), (0, h)], 24
    )
    return [Part("body", body, (150, 170, 180), 0.3), Part("cap", cap, WHITE)]


def mug(w: float, h: float, d: float) -> list[Part]:
    """A straight mug with a handle at +x."""
    profile = [(0.46, 0), (0.49, 0.03), (0.5, 0.1), (0.5, 0.98), (0.49, 1.0)]
    body = _vessel(profile, d, h, d, 0.045).at(-(w - d) / 2, 0, 0)
    x = -(w - d) / 2 + d / 2 - 0.004
    reach = w - d + 0.002
    loop = [
        (x, 0.8 * h, 0),
        (x + 0.6 * reach, 0.82 * h, 0),
        (x + 0.93 * reach, 0.62 * h, 0),
        (x + 0.85 * reach, 0.36 * h, 0),
        (x + 0.35 * reach, 0.2 * h, 0),
        (x - 0.002, 0.2 * h, 0),
    ]
    return [Part("body", merged([body, tube(loop, 0.07 * d)]), CERAMIC, 0.35)]


def tumbler(w: float, h: float, d: float) -> list[Part]:
    """A glass without a handle."""
    return [
        Part("body", _vessel([(0.38, 0), (0.4, 0.02), (0.5, 1.0)], w, h, d), (205, 214, 214), 0.15)
    ]


def wine_glass(w: float, h: float, d: float) -> list[Part]:
    """Foot, stem and bowl."""
    profile = [
        (0.42, 0),
        (0.42, 0.015),
        (0.06, 0.05),
        (0.045, 0.42),
        (0.12, 0.48),
        (0.42, 0.62),
        (0.5, 0.74),
        (0.4, 1.0),
    ]
    inner = [(0.38, 1.0), (0.47, 0.74), (0.39, 0.63), (0.08, 0.5), (0, 0.5)]
    return [
        Part("body", lathe([(0, 0), *profile, *inner], 32).stretched(w, h, d), (214, 222, 222), 0.1)
    ]


def bowl(w: float, h: float, d: float) -> list[Part]:
    """A round bowl on a small foot."""
    profile = [(0.2, 0), (0.21, 0.06), (0.3, 0.12), (0.43, 0.45), (0.49, 0.95), (0.5, 1.0)]
    return [Part("body", _vessel(profile, w, h, d, 0.025, 36), CERAMIC, 0.35)]


def plate(w: float, h: float, d: float) -> list[Part]:
    """A dinner plate."""
    profile = [(0, 0), (0.28, 0), (0.31, 0.25), (0.5, 0.92), (0.495, 1.0), (0.3, 0.45), (0, 0.35)]
    return [Part("body", lathe(profile, 40).stretched(w, h, d), WHITE, 0.3)]


def tray(w: float, h: float, d: float) -> list[Part]:
    """A rectangular tray with a rim."""

    def ring(scale: float, y: float) -> np.ndarray:
        o = section(scale * w, scale * d, 0.12 * d, 3)
        return np.column_stack([o[:, 0], np.full(len(o), y), -o[:, 1]])

    return [
        Part("body", loft([ring(0.9, 0), ring(1.0, h), ring(0.975, h), ring(0.88, 0.25 * h)]), WOOD)
    ]


def pot_lid(w: float, h: float, d: float) -> list[Part]:
    """A cooking pot with lid and two handles."""
    body = lathe([(0, 0), (0.47, 0), (0.5, 0.04), (0.5, 0.74), (0, 0.74)], 36).stretched(
        0.8 * w, h, d
    )
    lid = lathe([(0, 0.73), (0.52, 0.73), (0.5, 0.78), (0.2, 0.87), (0, 0.88)], 36).stretched(
        0.8 * w, h, d
    )
    knob = lathe([(0, 0.86), (0.04, 0.86), (0.07, 0.95), (0.06, 1.0), (0, 1.0)], 16).stretched(
        w, h, w
    )
    handle = tube(arc((0.4 * w, 0.58 * h, 0), 0.09 * w, 90, -90, "xz", 9), 0.02 * w)
    return [
        Part("body", merged([body, handle, handle.mirrored()]), METAL, 0.35),
        Part("lid", merged([lid, knob]), METAL, 0.35),
    ]


def _book(w: float, h: float, d: float) -> tuple[Solid, Solid]:
    """Cover and pages of a book lying flat, spine at -x."""
    t = min(0.004, 0.15 * h)
    cover = [
        box(w, t, d, 0.001).at(0, t / 2, 0),
        box(w, t, d, 0.001).at(0, h - t / 2, 0),
        box(t, h, d, 0.001).at(-w / 2 + t / 2, h / 2, 0),
    ]
    return merged(cover), box(w - t - 0.006, h - 2 * t, d - 0.01, 0.0).at(-0.001, h / 2, 0)


def book(w: float, h: float, d: float) -> list[Part]:
    """Lying flat."""
    cover, pages = _book(w, h, d)
    return [Part("cover", cover, (140, 70, 56)), Part("pages", pages, PAPER, 0.95)]


def standing_book(w: float, h: float, d: float) -> list[Part]:
    """Standing, its cover to the front."""
    cover, pages = _book(w, d, h)
    return [
        Part(role, s.turned("x", 90).at(0, h / 2, -d / 2), colour)
        for role, s, colour in (("cover", cover, (140, 70, 56)), ("pages", pages, PAPER))
    ]


def book_stack(w: float, h: float, d: float) -> list[Part]:
    """Three to five lying books, slightly turned."""
    count = int(np.clip(round(h / 0.035), 3, 5))
    random = np.random.default_rng(count)
    colours = ((140, 70, 56), (58, 78, 100), (186, 164, 120), (76, 92, 74), (120, 96, 80))
    parts, pages, y = [], [], 0.0
    for i in range(count):
        k = 1 - 0.06 * i
        cover, inner = _book(0.93 * k * w, h / count, 0.9 * k * d)
        turn = float(random.uniform(-7, 7))
        parts.append(Part(f"cover {i + 1}", cover.turned("y", turn).at(0, y, 0), colours[i]))
        pages.append(inner.turned("y", turn).at(0, y, 0))
        y += h / count
    return [*parts, Part("pages", merged(pages), PAPER, 0.95)]


def television(w: float, h: float, d: float) -> list[Part]:
    """A flat screen on two feet."""
    foot = 0.09 * h
    case = box(w, h - foot, 0.05, 0.006).at(0, foot + (h - foot) / 2, 0)
    bulge = box(0.6 * w, 0.5 * h, 0.04, 0.012).at(0, 0.45 * h, -0.03)
    legs = [
        bar((s * 0.36 * w, 0.004, z * d / 2 * 0.96), (s * 0.33 * w, foot + 0.02, 0), (0.02, 0.012))
        for s in (1, -1)
        for z in (1, -1)
    ]
    screen = box(w - 0.025, h - foot - 0.03, 0.004, 0.0).at(
        0, foot + (h - foot) / 2 + 0.004, 0.0245
    )
    return [
        Part("case", merged([case, bulge, *legs]), BLACK, 0.5),
        Part("screen", screen, SCREEN, 0.2),
    ]


def monitor(w: float, h: float, d: float) -> list[Part]:
    """A computer screen on a foot."""
    low = 0.26 * h
    case = [box(w, h - low, 0.03, 0.005).at(0, low + (h - low) / 2, 0), box(0.06, 0.5 * h, 0.02).at(0, 0.27 * h, -0.03),
            box(0.42 * w, 0.014, d, 0.005).at(0, 0.007, 0)]  # fmt: skip
    screen = box(w - 0.02, h - low - 0.03, 0.004, 0.0).at(0, low + (h - low) / 2 + 0.004, 0.0145)
    return [Part("case", merged(case), BLACK, 0.5), Part("screen", screen, SCREEN, 0.2)]


def laptop(w: float, h: float, d: float) -> list[Part]:
    """Open at about 110 degrees."""
    deep, z = 0.72 * d, d / 2 - 0.36 * d
    base = box(w, 0.016, deep, 0.004).at(0, 0.008, z)
    keys = box(0.86 * w, 0.003, 0.45 * deep, 0.0).at(0, 0.0165, z - 0.16 * deep)
    pad = box(0.3 * w, 0.002, 0.28 * deep, 0.0).at(0, 0.0165, z + 0.27 * deep)
    tall = (h - 0.012) / np.cos(np.radians(20))
    hinge = z - deep / 2
    lid = box(w, tall, 0.008, 0.003).at(0, tall / 2, 0).turned("x", -20).at(0, 0.012, hinge)
    screen = (
        box(0.95 * w, 0.9 * tall, 0.003, 0.0)
        .at(0, tall / 2, 0.004)
        .turned("x", -20)
        .at(0, 0.012, hinge)
    )
    return [
        Part("case", merged([base, lid, pad]), (168, 170, 174), 0.4),
        Part("keys", keys, (50, 50, 54)),
        Part("screen", screen, SCREEN, 0.2),
    ]


def keyboard(w: float, h: float, d: float) -> list[Part]:
    """A flat keyboard with rows of keys."""
    base = box(w, 0.6 * h, d, 0.004).at(0, 0.3 * h, 0)
    keys = [box(w / 15 - 0.003, 0.4 * h, d / 5.6 - 0.003, 0.0).at(-w / 2 + w / 15 * (i + 0.5), 0.75 * h, -d / 2 + d / 5.3 * (j + 0.65))
            for i in range(15) for j in range(5)]  # fmt: skip
    return [Part("case", base, (60, 60, 64)), Part("keys", merged(keys), (42, 42, 44))]


def radio(w: float, h: float, d: float) -> list[Part]:
    """A portable radio: rounded case, speaker, dial, knobs, handle."""
    body = box(w, 0.86 * h, d, 0.1 * h, 3).at(0, 0.43 * h, 0)
    z = d / 2
    speaker = (
        cylinder(0.27 * h, 0.012, 0.003, 32).turned("x", 90).at(-0.24 * w, 0.42 * h, z - 0.006)
    )
    dial = box(0.36 * w, 0.26 * h, 0.012, 0.004).at(0.23 * w, 0.54 * h, z)
    knobs = [
        cylinder(0.07 * h, 0.018, 0.003, 18).turned("x", 90).at(x * w, 0.22 * h, z - 0.002)
        for x in (0.1, 0.23, 0.36)
    ]
    handle = tube(
        [
            (-0.38 * w, 0.8 * h, 0),
            (-0.34 * w, 0.98 * h, 0),
            (0.34 * w, 0.98 * h, 0),
            (0.38 * w, 0.8 * h, 0),
        ],
        0.02 * h,
    )
    return [Part("body", body, (150, 90, 60)), Part("speaker", speaker, (60, 54, 48), 0.95),
            Part("dial", dial, PAPER), Part("knobs", merged([*knobs, handle]), METAL, 0.4)]  # fmt: skip


def speaker(w: float, h: float, d: float) -> list[Part]:
    """A box with two cones."""
    body = box(w, h, d, 0.008, 2).at(0, h / 2, 0)
    cones = [lathe([(0, -0.01), (0.3 * r, -0.01), (r, 0.004), (1.12 * r, 0.006), (1.12 * r, -0.012), (0, -0.012)], 28).turned("x", 90).at(0, y * h, d / 2)
             for r, y in ((0.34 * w, 0.36), (0.17 * w, 0.78))]  # fmt: skip
    return [Part("body", body, (70, 60, 54)), Part("cones", merged(cones), (30, 30, 32))]


def ball(w: float, h: float, d: float) -> list[Part]:
    """A sphere."""
    return [Part("body", ellipsoid(w, h, d, 32, 18).at(0, h / 2, 0), (196, 110, 60), 0.7)]


def teddy(w: float, h: float, d: float) -> list[Part]:
    """A sitting soft toy."""

    def blob(x: float, y: float, z: float, a: float, b: float, c: float) -> Solid:
        return ellipsoid(a * w, b * h, c * d, 16, 10).at(x * w, y * h, z * d)

    fur = [blob(0, 0.3, -0.1, 0.62, 0.56, 0.62), blob(0, 0.72, -0.02, 0.58, 0.46, 0.56)]
    pads = [blob(0, 0.66, 0.26, 0.26, 0.18, 0.24)]
    for s in (-1, 1):
        fur += [
            blob(s * 0.23, 0.92, -0.05, 0.18, 0.15, 0.12),
            blob(s * 0.36, 0.38, 0.08, 0.24, 0.34, 0.3),
            blob(s * 0.3, 0.11, 0.26, 0.28, 0.22, 0.5),
        ]
        pads.append(blob(s * 0.3, 0.11, 0.46, 0.17, 0.15, 0.1))
    eyes = [blob(s * 0.1, 0.76, 0.25, 0.055, 0.045, 0.05) for s in (-1, 1)]
    eyes.append(blob(0, 0.7, 0.37, 0.08, 0.05, 0.06))
    return [
        Part("fur", merged(fur), (166, 124, 82), 1.0),
        Part("pads", merged(pads), (206, 178, 140), 1.0),
        Part("eyes", merged(eyes), BLACK, 0.3),
    ]


def toy_car(w: float, h: float, d: float) -> list[Part]:
    """A car seen from its side, driving along x."""
    body = merged(
        [
            box(w, 0.42 * h, d, 0.12 * h, 2).at(0, 0.4 * h, 0),
            box(0.52 * w, 0.46 * h, 0.86 * d, 0.14 * h, 2).at(-0.04 * w, 0.77 * h, 0),
        ]
    )
    wheels = [
        cylinder(0.22 * h, 0.16 * d, 0.02 * h, 20)
        .turned("x", 90)
        .at(sx * 0.3 * w, 0.22 * h, sz * 0.44 * d - 0.08 * d)
        for sx in (1, -1)
        for sz in (1, -1)
    ]
    return [Part("body", body, (200, 60, 50), 0.4), Part("wheels", merged(wheels), BLACK)]


def blocks(w: float, h: float, d: float) -> list[Part]:
    """Toy bricks in a small pile."""
    s = h / 2
    places = ((-0.3, 0, 0.1, 0), (0.02, 0, -0.1, 20), (0.32, 0, 0.08, -15), (-0.12, 1, 0.0, 30))
    colours = ((200, 70, 60), (70, 110, 170), (226, 180, 70), (90, 150, 90))
    return [Part(f"block {i + 1}", box(0.92 * s, s, 0.92 * s, 0.04 * s).turned("y", turn).at(x * w, s / 2 + level * s, z * d), colours[i])
            for i, (x, level, z, turn) in enumerate(places)]  # fmt: skip


def bag(w: float, h: float, d: float) -> list[Part]:
    """A soft bag with two handles."""

    def ring(sx: float, sz: float, y: float) -> np.ndarray:
        o = section(sx * w, sz * d, 0.45 * sz * d, 3)
        return np.column_stack([o[:, 0], np.full(len(o), y * h), -o[:, 1]])

    body = loft(
        [ring(0.9, 0.85, 0), ring(1.0, 1.0, 0.12), ring(0.97, 0.9, 0.4), ring(0.88, 0.35, 0.7)]
    )
    handles = [
        tube(arc((0, 0.68 * h, z * d), 0.2 * w, 180, 0, "xy", 13), 0.02 * w, 6).stretched(1, 1, 1)
        for z in (-0.1, 0.1)
    ]
    return [Part("body", body, (140, 100, 70), 0.9), Part("handles", merged(handles), (90, 60, 44))]


def shoe(w: float, h: float, d: float) -> list[Part]:
    """One shoe, its toe to the front."""
    rings = []
    for t in np.linspace(0, 1, 9):
        z = -d / 2 + d * t
        half = (
            0.5
            * w
            * (0.78 + 0.22 * np.sin(np.pi * min(1.0, t * 1.15 - 0.1)))
            * (1 - max(0.0, t - 0.85) ** 2 * 20)
        )
        top = h * (
            1.0 - 0.58 * np.clip((t - 0.25) / 0.5, 0, 1) ** 0.9 - 0.25 * max(0.0, t - 0.8) / 0.2
        )
        angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
        rings.append(
            np.column_stack(
                [
                    half * np.cos(angle),
                    0.14 * h + (top - 0.14 * h) * (0.5 + 0.5 * np.sin(angle)),
                    np.full(16, z),
                ]
            )
        )
    sole = section(w, d, 0.42 * w, 4)
    base = loft(
        [np.column_stack([sole[:, 0], np.full(len(sole), y), -sole[:, 1]]) for y in (0.0, 0.16 * h)]
    )
    return [Part("body", loft(rings), (90, 80, 76)), Part("sole", base, WHITE)]


def phone(w: float, h: float, d: float) -> list[Part]:
    """A telephone lying flat, its screen up."""
    return [
        Part("case", box(w, h, d, 0.4 * h, 2).at(0, h / 2, 0), BLACK, 0.3),
        Part("screen", box(0.92 * w, 0.001, 0.94 * d, 0.0).at(0, h - 0.0003, 0), SCREEN, 0.15),
    ]


SHAPES = (
    Shape("vase", ("vase",), vase, ((0.18, 0.3, 0.18), (0.22, 0.22, 0.22), (0.13, 0.26, 0.13))),
    Shape("tall vase", ("vase",), tall_vase, ((0.14, 0.38, 0.14), (0.12, 0.2, 0.12))),
    Shape("jug", ("jug", "vase"), jug, ((0.2, 0.24, 0.15),)),
    Shape("wine bottle", ("bottle",), bottle, ((0.076, 0.3, 0.076), (0.1, 0.3, 0.1))),
    Shape("bottle with cap", ("bottle",), flask, ((0.07, 0.23, 0.07), (0.075, 0.19, 0.075))),
    Shape("mug", ("cup",), mug, ((0.115, 0.095, 0.082), (0.12, 0.07, 0.09))),
    Shape("glass", ("glass", "cup"), tumbler, ((0.075, 0.12, 0.075), (0.085, 0.09, 0.085))),
    Shape("wine glass", ("wine glass", "glass"), wine_glass, ((0.08, 0.2, 0.08),)),
    Shape("bowl", ("bowl",), bowl, ((0.2, 0.09, 0.2), (0.15, 0.08, 0.15), (0.3, 0.1, 0.3))),
    Shape("plate", ("plate",), plate, ((0.26, 0.025, 0.26),)),
    Shape("tray", ("tray",), tray, ((0.42, 0.04, 0.3),)),
    Shape("cooking pot", ("pot",), pot_lid, ((0.32, 0.2, 0.25),)),
    Shape("book", ("book", "book stack"), book, ((0.15, 0.028, 0.21), (0.22, 0.02, 0.29))),
    Shape(
        "standing book",
        ("book", "book stack"),
        standing_book,
        ((0.15, 0.22, 0.03), (0.21, 0.28, 0.02)),
    ),
    Shape(
        "stack of books", ("book stack", "book"), book_stack, ((0.2, 0.12, 0.27), (0.18, 0.2, 0.25))
    ),
    Shape("television", ("tv",), television, ((1.1, 0.68, 0.24), (0.75, 0.48, 0.2))),
    Shape("monitor", ("monitor", "tv"), monitor, ((0.55, 0.46, 0.2), (0.72, 0.48, 0.22))),
    Shape("laptop", ("laptop",), laptop, ((0.34, 0.22, 0.33),)),
    Shape("keyboard", ("keyboard",), keyboard, ((0.44, 0.025, 0.14),)),
    Shape("radio", ("radio",), radio, ((0.3, 0.2, 0.1), (0.22, 0.15, 0.08))),
    Shape("speaker", ("speaker",), speaker, ((0.2, 0.32, 0.24), (0.28, 0.9, 0.3))),
    Shape("ball", ("ball",), ball, ((0.22, 0.22, 0.22),)),
    Shape("teddy bear", ("teddy bear", "toy"), teddy, ((0.28, 0.34, 0.24),)),
    Shape("toy car", ("toy car", "toy"), toy_car, ((0.22, 0.12, 0.11),)),
    Shape("blocks", ("toy blocks", "toy"), blocks, ((0.22, 0.12, 0.14),)),
    Shape("bag", ("bag",), bag, ((0.4, 0.38, 0.16), (0.3, 0.28, 0.12))),
    Shape("shoe", ("shoe",), shoe, ((0.1, 0.1, 0.28),)),
    Shape("telephone", ("phone",), phone, ((0.075, 0.009, 0.155),)),
)
