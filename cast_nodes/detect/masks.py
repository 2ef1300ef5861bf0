"""Detect ``masks``: the user's own masks, given directly, as a folder or as a label image."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..backends import Backend, BackendInfo, Options, option
from ..boxes import mask_box
from ..context import Context
from ..errors import BadInput
from ..pictures import load_mask, open_picture
from ..types import Objects, Photo, SceneObject
from . import DetectInputs
from .mask_tools import drop_specks, drop_strays

PICTURES = (".png", ".bmp", ".tif", ".tiff", ".webp", ".jpg", ".jpeg", ".gif")
LEAST_SHARE = 1e-4
"""Colours on fewer of the photo's pixels are smoothed edges between labels, not objects."""

NEAR_COLOUR = 60
"""Colours this close (RGB) to a frequent one are its smoothed or compressed edge."""

SPECK_SHARE = 0.01
"""Parts of a label below this share of it are stray pixels."""

STRAY_SHARE, STRAY_GAP = 0.03, 0.2
"""Parts below this share of a label are strays, too, where they lie so far from the rest of it (in
longer sides of its box): on another thing, where they would stretch the box over both."""


@dataclass(frozen=True)
class MasksOptions(Options):
    """Where the masks lie and what they show."""

    path: str = option(
        "",
        "folder of mask pictures (white on black, one per object, named after it: chair_1.png) "
        "or one label image (each colour an object, black the background); empty: the masks "
        "given with the objects",
    )
    labels: str = option(
        "",
        "what the objects are: '1=chair,2=table' by number, or 'chair,table' in order",
    )


def run(inputs: DetectInputs, options: MasksOptions, context: Context) -> Objects:
    """One object for each mask.

    Raises:
        BadInput: no mask, a mask of another size than the photo, a file that cannot be read.
    """
    photo = inputs.photo
    path = options.path.strip()
    objects = read_masks(Path(path).expanduser(), photo) if path else _given(inputs)
    named = parse_labels(options.labels, [o.id for o in objects])
    objects = [replace(o, label=named.get(o.id, o.label)) for o in objects]
    if not objects:
        return Objects(photo, (), notes=(f"{path or 'what was given'} holds no mask",))
    return Objects(photo, tuple(objects))


def _given(inputs: DetectInputs) -> list[SceneObject]:
    photo, out = inputs.photo, []
    for item in inputs.given:
        if item.mask is None:
            raise BadInput(
                f"object {item.id} ({item.label}) has no mask; Detect 'boxes' makes masks "
                "from boxes"
            )
        _same_size(f"the mask of object {item.id} ({item.label})", item.mask.shape, photo)
        if not item.mask.any():
            out.append(replace(item, keep=False, reason="its mask is empty"))
        else:
            mask = np.asarray(item.mask, bool)
            out.append(replace(item, mask=mask, bbox=mask_box(mask), mask_confidence=None))
    if not out:
        raise BadInput(
            "Detect 'masks' needs masks: set its path to a folder of mask pictures or a label "
            "image, or connect masks to the node"
        )
    return out


def read_masks(path: Path, photo: Photo) -> list[SceneObject]:
    """Objects from a folder of mask pictures or from one label image.

    Raises:
        BadInput: nothing there, unreadable, another size than the photo.
    """
    if path.is_dir():
        return _from_folder(path, photo)
    if not path.exists():
        raise BadInput(f"there is no file or folder {path} with masks")
    return objects_from_labels(label_image(path, photo), photo)


def _from_folder(folder: Path, photo: Photo) -> list[SceneObject]:
    files = sorted(
        (p for p in folder.iterdir() if p.suffix.lower() in PICTURES and p.name[0] != "."),
        key=lambda p: [int(t) if t.isdigit() else t for t in re.split(r"(\d+)", p.name.lower())],
    )
    if not files:
        raise BadInput(f"the folder {folder} holds no mask picture ({', '.join(PICTURES)})")
    out = []
    for number, file in enumerate(files, 1):
        mask = load_mask(file, photo.height, photo.width)
        item = _object(number, _label_of(file.stem), mask)
        if not mask.any():
            item = replace(item, keep=False, reason=f"its mask {file.name} is empty")
        out.append(item)
    return out


def _label_of(stem: str) -> str:
    """What a file's name says of its object: "03_oak-chair_1" is an oak chair."""
    words = [w for w in re.split(r"[\W_\d]+", stem.lower()) if w and w not in ("mask", "masks")]
    return " ".join(words) or "object"


def label_image(path: Path, photo: Photo) -> np.ndarray:
    """(H, W) int64 labels of a palette, grey or colour picture; 0 is the background (black).

    Palette and grey pictures keep their numbers; colours are numbered in the order of their
    RGB values. Rare colours beside frequent ones are edges and go to the nearest frequent one.

    Raises:
        BadInput: unreadable, or another size than the photo.
    """
    image = open_picture(path)
    _same_size(str(path), (image.height, image.width), photo)
    if image.mode == "P" and len(image.getcolors(256) or ()) <= 256:
        return _without_rare(np.asarray(image, np.int64))
    if image.mode in ("1", "L", "I", "I;16"):
        return _without_rare(np.asarray(image).astype(np.int64))
    rgb = np.asarray(image.convert("RGB")).astype(np.int64)
    code = rgb[..., 0] << 16 | rgb[..., 1] << 8 | rgb[..., 2]
    codes, inverse, count = np.unique(code, return_inverse=True, return_counts=True)
    colours = np.stack([codes >> 16, codes >> 8 & 255, codes & 255], 1)
    solid = np.bincount(
        inverse.ravel()[_solid(inverse.reshape(code.shape)).ravel()], minlength=len(codes)
    )
    frequent = _frequent(colours, np.where(solid > 0, count, 0), code.size)
    kept = np.nonzero(frequent)[0]
    if not (codes[kept] == 0).any():  # black is the background even where nothing shows it
        kept = np.concatenate([kept, np.nonzero(codes == 0)[0]])
    apart = ((colours[:, None] - colours[kept][None]) ** 2).sum(-1)
    target = codes[kept][apart.argmin(1)]
    dark = colours.max(1) < NEAR_COLOUR // 2
    target = np.where(dark & ~frequent, 0, target)
    names = np.unique(target[target > 0])
    number = np.where(target == 0, 0, np.searchsorted(names, target) + 1)
    return number[inverse.reshape(code.shape)]


def _frequent(colours: np.ndarray, count: np.ndarray, pixels: int) -> np.ndarray:
    """(n,) bool: colours that stand for objects, not for blends at edges."""
    out = np.zeros(len(colours), bool)
    for i in np.argsort(-count, kind="stable")[:4096]:
        if count[i] < LEAST_SHARE * pixels:
            break
        chosen = colours[out]
        apart = ((chosen - colours[i]) ** 2).sum(1) if len(chosen) else np.array([np.inf])
        # A near colour is an object of its own when it is as frequent as objects are.
        if apart.min() > NEAR_COLOUR**2 or count[i] >= 20 * LEAST_SHARE * pixels:
            out[i] = True
    return out


def _solid(numbers: np.ndarray) -> np.ndarray:
    """(H, W) bool, pixels whose eight neighbours are like them: never so at a smoothed edge."""
    from scipy.ndimage import maximum_filter, minimum_filter

    return maximum_filter(numbers, 3) == minimum_filter(numbers, 3)


def _without_rare(numbers: np.ndarray) -> np.ndarray:
    values, inverse, count = np.unique(numbers, return_inverse=True, return_counts=True)
    solid = np.bincount(inverse.ravel()[_solid(numbers).ravel()], minlength=len(values))
    keep = (count >= LEAST_SHARE * numbers.size) & (solid > 0)
    return np.where(keep, values, 0)[inverse.reshape(numbers.shape)]


def objects_from_labels(labels: np.ndarray, photo: Photo) -> list[SceneObject]:
    """One object for each number but 0, in rising order, with that number as its id."""
    out = []
    for number in np.unique(labels[labels > 0]):
        mask = labels == number
        if np.count_nonzero(mask) >= LEAST_SHARE * mask.size:
            mask = drop_strays(drop_specks(mask, SPECK_SHARE), STRAY_SHARE, STRAY_GAP)
            out.append(_object(int(number), "object", mask))
    return out


def parse_labels(text: str, ids: Sequence[int]) -> Mapping[int, str]:
    """Names by object id from "1=chair,2=table" or, in the order of the ids, "chair,table".

    Raises:
        BadInput: a number that is no object's, or both ways of writing mixed.
    """
    parts = [p.strip() for p in re.split(r"[,\n;]", text) if p.strip()]
    pairs = [p.partition("=") for p in parts]
    if not parts:
        return {}
    if all(not sign for _, sign, _ in pairs):
        if len(parts) > len(ids):
            raise BadInput(f"labels names {len(parts)} objects but there are {len(ids)} masks")
        return dict(zip(ids, (p.lower() for p in parts), strict=False))
    out = {}
    for left, sign, right in pairs:
        if not sign or not left.strip().isdigit() or not right.strip():
            raise BadInput(
                f"labels: {left + sign + right!r} is not of the form number=name (1=chair,2=table)"
            )
        if int(left) not in ids:
            known = ", ".join(str(i) for i in ids) or "none"
            raise BadInput(f"labels: there is no mask {int(left)}; there are: {known}")
        out[int(left)] = right.strip().lower()
    return out


def _object(number: int, label: str, mask: np.ndarray) -> SceneObject:
    return SceneObject(number, label, 1.0, mask_box(mask), mask)


def _same_size(what: str, shape: tuple[int, ...], photo: Photo) -> None:
    if tuple(shape[:2]) != (photo.height, photo.width):
        raise BadInput(
            f"{what} is {shape[1]}x{shape[0]} pixels but the photo is "
            f"{photo.width}x{photo.height}; a mask needs the photo's size"
        )


BACKEND = Backend(
    info=BackendInfo(
        name="masks",
        label="Your masks",
        kind="embedded",
        summary="Takes the masks you give: a folder, a label image or connected masks.",
        version=2,
    ),
    options=MasksOptions,
    run=run,
)
