"""The photo as a network wants it: resized, normalised, padded, and the way back for boxes.

The numbers come from the model's own ``preprocessor_config.json``. The work is done with Pillow
and NumPy: the image processors of ``transformers`` 5 need a torchvision that loads (SAM 2 has no
other one), which many installations lack.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..errors import BadInput

Fit = Literal["within", "longest", "stretched"]
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
PROCESSOR_FILES = ("preprocessor_config.json", "processor_config.json")


@dataclass(frozen=True)
class Recipe:
    """How a model wants its picture.

    Attributes:
        fit: "within" keeps the shape and lets the shorter side be ``short``, unless the longer
            one would pass ``long``; "longest" keeps the shape and lets the longer side be
            ``long``, padded below and on the right to a square; "stretched" makes a square of
            side ``long`` whatever the shape.
        short, long: pixels.
        mean, std: of RGB in 0..1.
        resample: Pillow's number of the filter (2 bilinear, 3 bicubic).
    """

    fit: Fit
    short: int
    long: int
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    resample: int = 2


@dataclass(frozen=True, eq=False)
class Prepared:
    """A photo ready for a network.

    Attributes:
        values: (1, 3, h, w) float32, padding included.
        content: (width, height) px of the part that shows the photo, at the upper left.
        photo: (width, height) px of the photo.
    """

    values: np.ndarray
    content: tuple[int, int]
    photo: tuple[int, int]

    @property
    def scale(self) -> np.ndarray:
        """(4,) float64: network pixels for one pixel of the photo, for x, y, x, y."""
        return np.array(
            [self.content[0] / self.photo[0], self.content[1] / self.photo[1]] * 2, np.float64
        )


def prepare(rgb: np.ndarray, recipe: Recipe) -> Prepared:
    """The (H, W, 3) uint8 photo by the recipe."""
    from PIL import Image

    height, width = rgb.shape[:2]
    w, h = content_size(width, height, recipe)
    image = Image.fromarray(np.ascontiguousarray(rgb))
    if (w, h) != (width, height):
        image = image.resize((w, h), Image.Resampling(recipe.resample))
    values = np.asarray(image, np.float32) / 255
    values = (values - np.array(recipe.mean, np.float32)) / np.array(recipe.std, np.float32)
    if recipe.fit == "longest":
        # SAM was trained with black after normalisation, that is with zeros.
        values = np.pad(values, ((0, recipe.long - h), (0, recipe.long - w), (0, 0)))
    values = np.ascontiguousarray(values.transpose(2, 0, 1)[None], np.float32)
    return Prepared(values, (w, h), (width, height))


def content_size(width: int, height: int, recipe: Recipe) -> tuple[int, int]:
    """(width, height) px of the resized photo."""
    if recipe.fit == "stretched":
        return recipe.long, recipe.long
    shorter, longer = min(width, height), max(width, height)
    if recipe.fit == "longest":
        scale = recipe.long / longer
        return max(1, int(width * scale + 0.5)), max(1, int(height * scale + 0.5))
    # Cut off, not rounded, as DETR's transforms do it: the networks saw such sizes.
    raw = min(float(recipe.short), recipe.long * shorter / longer)
    other = max(1, int(raw * longer / shorter))
    small = max(1, round(raw))
    return (small, other) if width < height else (other, small)


def read_recipe(folder: Path, usual: Recipe) -> Recipe:
    """The recipe of the weights in ``folder``; what its files do not say is as in ``usual``.

    Raises:
        BadInput: a file that is no JSON, or asks for what no such model does.
    """
    said = _processor_config(folder)
    size = said.get("size")
    short, long = usual.short, usual.long
    if isinstance(size, int):
        short, long = (size, long) if usual.fit == "within" else (short, size)
    elif isinstance(size, Mapping):
        long = size.get("longest_edge") or size.get("height") or long
        short = size.get("shortest_edge") or short
        if usual.fit == "stretched" and size.get("width", long) != long:
            raise BadInput(f"{folder}: its pictures are {size}, but this model takes squares only")
    mean, std = said.get("image_mean") or usual.mean, said.get("image_std") or usual.std
    resample = said.get("resample")
    try:
        return Recipe(
            usual.fit, int(short), int(long),
            tuple(float(v) for v in mean), tuple(float(v) for v in std),
            usual.resample if resample is None else int(resample),
        )  # fmt: skip
    except (TypeError, ValueError) as error:
        raise BadInput(f"{folder}: its preprocessor_config.json makes no sense ({error})") from None


def _processor_config(folder: Path) -> Mapping[str, Any]:
    """What the weights' files say of pictures, in the older or the newer place; {} when nothing."""
    for name in PROCESSOR_FILES:
        path = folder / name
        if not path.is_file():
            continue
        try:
            said = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise BadInput(f"{path} cannot be read ({error}); fetch the weights again") from None
        if isinstance(said, Mapping):
            inner = said.get("image_processor", said)
            if isinstance(inner, Mapping) and "image_mean" in inner:
                return inner
    return {}
