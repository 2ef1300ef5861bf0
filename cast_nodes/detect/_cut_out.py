"""Labelled boxes to objects with masks by SAM: stored one by one, then made to fit each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..boxes import mask_box
from ..content import content_key
from ..context import Context, Progress
from ..local.lookup import users_path
from ..local.weights import Weights
from ..types import Photo, SceneObject
from . import _sam
from ._transformers import model_folder
from .box_objects import exclusive
from .ssd import Found

VERSION = 1
"""Raised when masks change; part of each mask's key."""

DUPLICATE_IOU = 0.8
PART_SHARE = 0.9
"""Share of a mask inside a larger one of the same label that makes it a part of that."""

EMPTY = "the mask model sees nothing in its box"

SAM_WEIGHTS = Weights(
    "facebook/sam2.1-hiera-large",
    ("config.json", "model*.safetensors"),
    0.9,
    option="mask_weights",
    optional_files=(
        "preprocessor_config.json",
        "processor_config.json",
        "*.safetensors.index.json",
    ),
    licence="Apache-2.0",
)


def weights_identity(reference: str) -> tuple:
    """What stands for weights in content keys: the repository's name, or the files of a path.

    Files count with size and time, so that other weights in the same folder are other weights.
    """
    path = users_path(reference)
    if path is None:
        return (reference.strip(),)
    files = [path] if path.is_file() else sorted(p for p in path.iterdir() if p.is_file())
    return tuple((p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in files)


def cut_out_objects(
    photo: Photo,
    found: Sequence[Found],
    reference: str,
    precision: str,
    context: Context,
) -> tuple[SceneObject, ...]:
    """One object for each box, with its mask; duplicates and parts of others are gone.

    Ids count from 0 in the order of ``found``. Each mask is stored on its own, so a changed
    threshold has only new boxes cut out. A box in which the mask model sees nothing becomes an
    object without mask that is not kept.

    Args:
        found: best first.
        reference: the mask model's weights.
        precision: "auto", or of torch.
    """
    context.progress(Progress("detect", 0, len(found), f"{len(found)} things found"))
    if not found:
        return ()
    device = context.models.device.type
    running = _sam.encoder_precision(precision, device)
    identity = weights_identity(reference)
    keys = [
        content_key("mask by sam", VERSION, photo.rgb, item.box, identity, running)
        for item in found
    ]
    masks: dict[int, np.ndarray] = {}

    def report(index: int, reused: bool) -> None:
        label = f"{found[index].label} {index}"
        context.progress(Progress("detect", len(masks), len(found), label, reused))

    for index, key in enumerate(keys):
        stored = context.store.get(key)
        if stored is not None:
            masks[index] = unpacked(stored)
            report(index, True)
    missing = [i for i in range(len(found)) if i not in masks]

    def done(place: int, mask: np.ndarray) -> None:
        index = missing[place]
        context.store.put(keys[index], packed(mask))
        masks[index] = mask
        report(index, False)

    if missing:
        folder = model_folder(SAM_WEIGHTS, _Named(reference), context)
        boxes = [found[i].box for i in missing]
        _sam.cut_out(photo.rgb, boxes, folder, running, context, done)
    return arranged(photo, found, [masks[i] for i in range(len(found))])


class _Named:
    """Options that name the mask weights, as :class:`Weights` reads them."""

    def __init__(self, reference: str) -> None:
        self.mask_weights = reference


def arranged(
    photo: Photo, found: Sequence[Found], masks: Sequence[np.ndarray]
) -> tuple[SceneObject, ...]:
    """Objects from boxes and masks: no duplicates, no parts, no pixel in two of them.

    Args:
        masks: (H, W) bool each, may be empty.
    """
    kept = distinct([f.label for f in found], masks)
    objects = []
    for index in kept:
        item, mask = found[index], masks[index]
        score = round(item.score, 4)
        number = len(objects)
        if mask.any():
            objects.append(SceneObject(number, item.label, score, mask_box(mask), mask))
        else:
            lost = SceneObject(number, item.label, score, item.box, keep=False, reason=EMPTY)
            objects.append(lost)
    return exclusive(objects, photo.rgb)


def distinct(labels: Sequence[str], masks: Sequence[np.ndarray]) -> list[int]:
    """Indices of the masks that stand for one thing each, in their order (best first).

    Of two that are nearly equal the first stays, whatever their labels. Of two with one label of
    which one lies inside the other, the larger stays, unless the larger one consists of several
    such: then it is a group and goes. Empty masks stay; they say that nothing was seen.
    """
    areas = [int(np.count_nonzero(m)) for m in masks]
    boxes = [mask_box(m) for m in masks]
    inside: dict[int, list[int]] = {i: [] for i in range(len(masks))}
    gone: set[int] = set()
    for i in range(len(masks)):
        for j in range(i + 1, len(masks)):
            if i in gone or j in gone or not areas[i] or not areas[j]:
                continue
            shared = _shared(masks[i], masks[j], boxes[i], boxes[j])
            if shared >= DUPLICATE_IOU * (areas[i] + areas[j] - shared):
                gone.add(j)
            elif labels[i] == labels[j] and shared >= PART_SHARE * min(areas[i], areas[j]):
                small, large = (i, j) if areas[i] < areas[j] else (j, i)
                inside[large].append(small)
    for large in sorted(inside, key=lambda i: -areas[i]):
        parts = [p for p in inside[large] if p not in gone]
        if large in gone or not parts:
            continue
        covered = np.zeros(masks[large].shape, bool)
        for part in parts:
            covered |= masks[part]
        filled = np.count_nonzero(covered & masks[large]) / areas[large]
        if len(parts) >= 2 and filled > 0.7:
            gone.add(large)
        else:
            gone.update(parts)
    return [i for i in range(len(masks)) if i not in gone]


def _shared(a: np.ndarray, b: np.ndarray, box_a: tuple, box_b: tuple) -> int:
    """Pixels in both masks; only their boxes' common window is looked at."""
    x0, y0 = int(max(box_a[0], box_b[0])), int(max(box_a[1], box_b[1]))
    x1, y1 = int(min(box_a[2], box_b[2])), int(min(box_a[3], box_b[3]))
    if x1 <= x0 or y1 <= y0:
        return 0
    return int(np.count_nonzero(a[y0:y1, x0:x1] & b[y0:y1, x0:x1]))


def packed(mask: np.ndarray) -> dict:
    """A (H, W) bool mask, eight pixels a byte, only its box."""
    height, width = mask.shape
    x0, y0, x1, y1 = (int(v) for v in mask_box(mask))
    window = mask[y0:y1, x0:x1]
    return {"size": [height, width], "box": [x0, y0, x1, y1], "bits": np.packbits(window, axis=1)}


def unpacked(stored: dict) -> np.ndarray:
    """The inverse of :func:`packed`."""
    x0, y0, x1, y1 = stored["box"]
    mask = np.zeros(stored["size"], bool)
    mask[y0:y1, x0:x1] = np.unpackbits(stored["bits"], axis=1, count=x1 - x0).astype(bool)
    return mask
