"""What a scene looks like on one picture: colours, textures, light. Drawn anew for each crop."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cast_nodes.mesh_data import linear_from_srgb

from .arrange import Arrangement

MODES = ("usual", "white", "dark", "one tone")
MODE_SHARES = (0.66, 0.13, 0.13, 0.08)

FLOOR, BACK, LEFT, RIGHT, RUG, SKIRTING = range(6)
"""Surfaces of the surroundings, in the order of their colours."""


@dataclass(frozen=True, eq=False)
class Surface:
    """How one material looks.

    Attributes:
        colour: (3,) linear, multiplies the picture.
        picture: (n, n, 3) float32 linear levels (finest first) of a repeating texture, or None.
        side: metres that the picture covers.
        gloss: share of light that is mirrored at right angles to the surface.
        own: the model's own picture and colours are kept (and multiplied by ``colour``).
    """

    colour: np.ndarray
    picture: tuple[np.ndarray, ...] | None
    side: float
    gloss: float
    own: bool


@dataclass(frozen=True, eq=False)
class Light:
    """Where light comes from.

    Attributes:
        sun: (3,) unit, towards it; ``sun_colour`` (3,) linear; ``sun_width`` radians.
        sky, ground: (3,) linear light from above and below.
        lamp, lamp_colour: a near light at (3,) and its strength at one metre.
        bars: metres between the window's bars that shadow the sun, 0 for none.
        background: (3,) linear, where nothing is hit.
    """

    sun: np.ndarray
    sun_colour: np.ndarray
    sun_width: float
    sky: np.ndarray
    ground: np.ndarray
    lamp: np.ndarray
    lamp_colour: np.ndarray
    bars: float
    background: np.ndarray


@dataclass(frozen=True, eq=False)
class Look:
    """Everything about one picture but its geometry.

    Attributes:
        surroundings: by FLOOR … SKIRTING.
        things: by (thing, material).
        exposure: mean of the picture in linear light.
    """

    mode: str
    surroundings: tuple[Surface, ...]
    things: Mapping[tuple[int, int], Surface]
    light: Light
    exposure: float


class Palette:
    """The texture bank in linear light with its coarser levels."""

    def __init__(self, bank: Mapping[str, np.ndarray]) -> None:
        self.levels = {
            name: [_levels(linear_from_srgb(p / 255.0).astype(np.float32)) for p in pictures]
            for name, pictures in bank.items()
        }

    def pick(self, rng: np.random.Generator, kind: str) -> tuple[np.ndarray, ...]:
        pictures = self.levels[kind]
        return pictures[rng.integers(len(pictures))]


def _levels(picture: np.ndarray) -> tuple[np.ndarray, ...]:
    out = [picture]
    while out[-1].shape[0] % 2 == 0 and out[-1].shape[0] > 8:
        p = out[-1]
        out.append((p[::2, ::2] + p[1::2, ::2] + p[::2, 1::2] + p[1::2, 1::2]) / 4)
    return tuple(out)


def hue(rng: np.random.Generator, low: float, high: float, grey: float = 0.45) -> np.ndarray:
    """(3,) linear colour of a display value between low and high; furniture is seldom gaudy."""
    saturation = rng.uniform(0, 0.12) if rng.random() < grey else rng.uniform(0.1, 0.85)
    # Browns and oranges are what most furniture is made of.
    tint = rng.uniform(0.03, 0.11) if rng.random() < 0.4 else rng.uniform()
    return linear_from_srgb(np.array(colorsys.hsv_to_rgb(tint, saturation, rng.uniform(low, high))))


def make_look(rng: np.random.Generator, scene: Arrangement, palette: Palette, target: int) -> Look:
    """A seeded look.

    Args:
        target: the thing that the mode (white on white, dark, one tone) is about.
    """
    mode = str(rng.choice(MODES, p=MODE_SHARES))
    low, high = {"white": (0.78, 0.97), "dark": (0.04, 0.22)}.get(mode, (0.1, 0.95))
    around = _surroundings(rng, scene, palette, mode, low, high)
    tone = around[BACK].colour
    things = {}
    for index, thing in enumerate(scene.things):
        themed = mode != "usual" and (index == target or rng.random() < 0.5)
        keep = thing.model.key.startswith("Blend") and rng.random() < 0.5 and not themed
        shared = hue(rng, 0.08, 0.95)
        for number in range(len(thing.model.data.materials)):
            gloss = float(rng.choice([0, 0, 0.04, 0.1]))
            side = float(rng.uniform(0.15, 1.1)) * scene.scale
            if mode == "one tone" and themed and rng.random() < 0.7:
                colour = np.clip(
                    tone * np.exp(rng.normal(0, 0.22) + rng.normal(0, 0.05, 3)), 0.01, 0.95
                )
                things[index, number] = Surface(colour, None, side, gloss, False)
            elif themed and rng.random() < 0.8:
                picture = palette.pick(rng, "thing") if rng.random() < 0.2 else None
                things[index, number] = _surface(hue(rng, low, high, 0.8), picture, side, gloss)
            elif keep:
                tint = np.exp(rng.normal(0, 0.12) + rng.normal(0, 0.06, 3))
                things[index, number] = Surface(tint, None, side, gloss, True)
            else:
                # Leaves stay greenish, the rest takes any colour; some parts share one.
                role = thing.model.data.materials[number].name.lower()
                leafy = any(w in role for w in ("lea", "plant", "stem", "blatt", "green"))
                colour = shared if rng.random() < 0.35 else hue(rng, 0.06, 0.95)
                if leafy and rng.random() < 0.9:
                    colour = linear_from_srgb(
                        np.array(
                            colorsys.hsv_to_rgb(
                                rng.uniform(0.18, 0.42),
                                rng.uniform(0.25, 0.8),
                                rng.uniform(0.15, 0.7),
                            )
                        )
                    )
                picture = palette.pick(rng, "thing") if rng.random() < 0.45 and not leafy else None
                things[index, number] = _surface(colour, picture, side, gloss)
    if mode == "usual":
        exposure = rng.uniform(0.14, 0.62)
    else:
        exposure = {"white": rng.uniform(0.45, 0.75), "dark": rng.uniform(0.02, 0.12)}.get(
            mode, rng.uniform(0.08, 0.5)
        )
    return Look(mode, around, things, _light(rng, scene), float(exposure))


def _surface(colour: np.ndarray, picture, side: float, gloss: float) -> Surface:
    """A texture tinted so that its mean has the colour."""
    if picture is not None:
        mean = picture[0].mean((0, 1))
        blend = colour / np.maximum(mean, 0.02)
        colour = np.clip(blend, 0, 4) ** 0.6
    return Surface(np.asarray(colour, np.float32), picture, side, gloss, False)


def _surroundings(rng, scene: Arrangement, palette: Palette, mode: str, low: float, high: float):
    if scene.style == "studio":
        colour = hue(rng, max(low, 0.3) if mode != "dark" else low, high, 0.6)
        plain = Surface(colour, None, 1.0, float(rng.choice([0, 0.03])), False)
        fabric = _surface(hue(rng, low, high), palette.pick(rng, "thing"), 0.8, 0.0)
        return (plain, plain, plain, plain, fabric, plain)
    themed = mode != "usual"
    floor_gloss = float(rng.choice([0, 0, 0.05, 0.15, 0.3]))
    floor = _surface(
        hue(rng, low, high, 0.6)
        if themed or rng.random() < 0.35
        else np.full(3, rng.uniform(0.15, 0.6)),
        palette.pick(rng, "floor") if rng.random() < 0.85 else None,
        float(rng.uniform(0.8, 3)) * scene.scale,
        floor_gloss,
    )
    kind = "floor" if scene.style == "outdoor" else "wall"
    plain_wall = rng.random() < (0.75 if themed else 0.6)
    wall_colour = hue(rng, max(low, 0.35) if mode != "dark" else low, high, 0.6)
    if not themed and rng.random() < 0.5:  # most rooms are painted in a pale tone
        wall_colour = rng.uniform(0.5, 0.85) * np.exp(rng.normal(0, 0.06, 3))
    wall = _surface(
        wall_colour,
        None if plain_wall and scene.style != "outdoor" else palette.pick(rng, kind),
        float(rng.uniform(0.8, 3)) * max(scene.scale, 0.4),
        0.0,
    )
    side = wall if rng.random() < 0.7 else _surface(hue(rng, low, high), None, 1.0, 0.0)
    rug = _surface(hue(rng, low, high), palette.pick(rng, "thing"), float(rng.uniform(0.3, 2)), 0.0)
    skirting = _surface(hue(rng, low, high, 0.8), None, 1.0, 0.0)
    return (floor, wall, side, side, rug, skirting)


def _light(rng: np.random.Generator, scene: Arrangement) -> Light:
    azimuth = rng.uniform(-np.pi, np.pi)
    if rng.random() < 0.75:  # most light comes from the camera's side
        azimuth = np.pi / 2 + rng.normal(0, 0.9)
    height = np.radians(rng.uniform(18, 80))
    sun = np.array(
        [np.cos(height) * np.cos(azimuth), np.sin(height), np.cos(height) * np.sin(azimuth)]
    )
    warmth = rng.normal(0, 0.16)
    tint = np.array([1 + warmth, 1.0, 1 - warmth])
    share = rng.uniform(0.05, 0.75) if scene.style != "studio" else rng.uniform(0.05, 0.4)
    sky = (1 - share) * (1 + rng.normal(0, 0.05, 3))
    lamp_on = rng.random() < 0.35 and scene.style in ("room", "tabletop")
    lamp = np.array([rng.uniform(-2, 2), rng.uniform(0.6, 2.4), rng.uniform(-1, 2)]) * scene.scale
    bars = rng.uniform(0.25, 0.9) * scene.scale if rng.random() < 0.12 else 0.0
    background = hue(rng, 0.5, 0.98, 0.5)
    return Light(
        sun, 1.5 * share * tint, np.radians(rng.choice([2, 6, 14, 26])), sky,
        sky * rng.uniform(0.25, 0.7), lamp,
        lamp_on * rng.uniform(0.2, 1.2) * np.array([1.1, 1, 0.8]) * scene.scale**2,
        float(bars), background,
    )  # fmt: skip
