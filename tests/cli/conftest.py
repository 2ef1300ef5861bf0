"""A small photo with two clear objects, and a cache of its own for each test."""

import json

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT = 320, 240
BOXES = {0: ("box", (50, 110, 130, 200)), 1: ("cabinet", (190, 70, 270, 190))}


def room_picture() -> Image.Image:
    """Wall, floor, and two boxy things standing on the floor."""
    image = Image.new("RGB", (WIDTH, HEIGHT), (205, 200, 190))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 130, WIDTH, HEIGHT), fill=(140, 110, 80))
    draw.polygon(
        [(50, 120), (70, 110), (130, 110), (130, 185), (112, 200), (50, 200)], (40, 70, 160)
    )
    draw.polygon([(112, 120), (130, 110), (130, 185), (112, 200)], (30, 50, 120))
    draw.rectangle((190, 70, 270, 190), fill=(170, 40, 40))
    draw.rectangle((196, 76, 264, 126), fill=(150, 30, 30))
    noise = np.random.default_rng(0).normal(0, 3, (HEIGHT, WIDTH, 3))
    soft = np.asarray(image.filter(ImageFilter.GaussianBlur(0.7)), float)
    return Image.fromarray(np.clip(soft + noise, 0, 255).astype(np.uint8))


@pytest.fixture(scope="session")
def picture():
    return room_picture()


@pytest.fixture(scope="session")
def entries():
    """The objects.json that a user writes by hand."""
    return [
        {"id": k, "label": label, "score": 1.0, "bbox": box} for k, (label, box) in BOXES.items()
    ]


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    """No test sees what another, or the user, has stored; the detector's weights are absent."""
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("CAST_CACHE", str(cache))
    monkeypatch.setenv("CAST_ASSETS", str(cache / "no-assets"))
    return cache


@pytest.fixture
def folder(tmp_path, picture, entries):
    """A run folder as a user makes it by hand: the photo, and boxes with labels."""
    made = tmp_path / "room"
    made.mkdir()
    picture.save(made / "image.png")
    (made / "objects.json").write_text(json.dumps(entries))
    return made


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path_factory, monkeypatch):
    """Where nothing lies that an earlier run has left (``out/`` is looked for where one stands)."""
    monkeypatch.chdir(tmp_path_factory.mktemp("here"))
