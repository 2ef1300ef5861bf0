"""A small photo-like picture with three known objects, for the services that look at photos."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from cast_nodes.context import Context, Folders
from cast_nodes.store import Store
from cast_nodes.types import Objects, Photo, SceneObject

WIDTH, HEIGHT = 240, 180
NAMES = ("cabinet", "box", "lamp")


def labels() -> np.ndarray:
    """(H, W) uint8: a cabinet (1), a box before it (2), a thin lamp (3); 0 is the room."""
    image = Image.new("L", (WIDTH, HEIGHT), 0)
    draw = ImageDraw.Draw(image)
    draw.rectangle((30, 40, 110, 130), fill=1)
    draw.polygon([(80, 105), (140, 100), (150, 150), (85, 158)], fill=2)
    draw.rectangle((196, 60, 201, 150), fill=3)
    draw.polygon([(180, 62), (192, 36), (206, 36), (218, 62)], fill=3)
    return np.asarray(image)


def photo() -> Photo:
    """Wall, floor and the three things, softened and noisy as photos are."""
    shown = labels()
    rgb = np.empty((HEIGHT, WIDTH, 3))
    rgb[:100], rgb[100:] = (222, 216, 204), (168, 140, 110)
    for number, colour in enumerate([(60, 80, 140), (180, 60, 40), (230, 210, 120)], 1):
        rgb[shown == number] = colour
    soft = Image.fromarray(rgb.astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.6))
    noise = np.random.default_rng(0).normal(0, 3, rgb.shape)
    return Photo(np.clip(np.asarray(soft) + noise, 0, 255).astype(np.uint8), "corner")


def objects(**changes: object) -> Objects:
    """The three things as Detect would give them, ids from 0."""
    shown, found = labels(), []
    for number, name in enumerate(NAMES):
        mask = shown == number + 1
        rows, columns = np.nonzero(mask.any(1))[0], np.nonzero(mask.any(0))[0]
        box = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
        bbox = tuple(float(v) for v in box)
        found.append(SceneObject(number, name, 0.9, bbox, mask, **changes))  # type: ignore[arg-type]
    return Objects(photo(), tuple(found))


def context(folder: Path, **more: object) -> tuple[Context, list[str], list]:
    """Surroundings in a folder of the test's own, what was warned of, and what was spent."""
    warned: list[str] = []
    spent: list = []
    made = Context(
        store=Store(folder / "store"),
        warn=warned.append,
        spent=spent.append,
        folders=Folders(folder, folder / "assets"),
        **more,  # type: ignore[arg-type]
    )
    return made, warned, spent


def saved(pixels: np.ndarray, kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind)
    return out.getvalue()
