"""Detect ``embedded``: a small detector for 24 labels, and class-free regions for the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..assets import MEND, OBJECTRON
from ..backends import Backend, BackendInfo, Need, Options, option
from ..content import content_key
from ..context import Context
from ..types import Objects, SceneObject
from . import DetectInputs, ssd
from .box_objects import VERSION as MASKS_VERSION
from .box_objects import exclusive, masks_from_boxes
from .foreground import find_foreground
from .mask_tools import resize_map, resize_rgb
from .proposals import propose, shrink, small_size, threshold

NO_DETECTOR = (
    f"the object detector is not there, so things are found by contrast alone and called "
    f'"object"; {MEND} fetches it once'
)
FURNITURE = frozenset(("chair", "table", "desk"))


@dataclass(frozen=True)
class EmbeddedOptions(Options):
    """How much to find."""

    min_score: float = option(
        0.3, "lowest score of a named detection", low=0.05, high=0.95, step=0.05
    )
    max_objects: int = option(16, "at most this many detections", low=1, high=64, step=1)
    proposals: int = option(
        6, "at most this many things without a name ('object') beside them", low=0, high=32, step=1
    )
    min_proposal_score: float = option(
        0.45, "how clearly a thing without a name must stand apart", low=0.0, high=1.0, step=0.05
    )


def run(inputs: DetectInputs, options: EmbeddedOptions, context: Context) -> Objects:
    """The photo's objects, best first; without the fetched detector only regions."""
    photo = inputs.photo
    path = context.folders.assets / OBJECTRON.name
    key = content_key(
        "detect embedded", BACKEND.info.version, MASKS_VERSION, options, photo.key, path.is_file()
    )
    stored = context.store.get(key)
    if stored is not None:
        return Objects(photo, stored["objects"], notes=stored["notes"])
    notes: tuple[str, ...] = ()
    found: list[ssd.Found] = []
    if path.is_file():
        found = _detections(photo.rgb, path, options)
    else:
        notes = (NO_DETECTOR,)
    context.cancel.check()
    objects = find_objects(photo.rgb, found, options, context)
    context.store.put(key, {"objects": objects, "notes": notes})
    return Objects(photo, objects, notes=notes)


def find_objects(
    rgb: np.ndarray, found: Sequence[ssd.Found], options: EmbeddedOptions, context: Context
) -> tuple[SceneObject, ...]:
    """Masks for the detections, then things without a name in what is left.

    Args:
        rgb: (H, W, 3) uint8.
        found: detections, best first.
    """
    height, width = rgb.shape[:2]
    w, h = small_size(width, height)
    small = resize_rgb(rgb, w, h)
    foreground = find_foreground(small)
    start = threshold(foreground.odds)
    evidence = np.clip(4 * (foreground.odds - start), -FOREGROUND_SAYS, FOREGROUND_SAYS)
    evidence = resize_map(evidence, width, height)
    named = [SceneObject(i, f.label, round(f.score, 4), f.box) for i, f in enumerate(found)]
    named = masks_from_boxes(rgb, named, context, {o.id: evidence for o in named})
    named = [o for o in named if o.mask is not None and o.keep]
    context.cancel.check()

    claimed = shrink([o.mask for o in named if o.mask is not None], w, h)
    regions = propose(foreground, claimed, options.proposals, options.min_proposal_score)
    scale = np.array([width / w, height / h] * 2)
    unnamed, hints = [], {}
    for number, region in enumerate(regions, len(found)):
        box = tuple(float(v) for v in (np.array(region.box) + [-1, -1, 1, 1]) * scale)
        # A detection is believed before a region, however clearly the region stands apart.
        score = round(0.5 * region.score, 4)
        unnamed.append(SceneObject(number, "object", score, box))
        shape = np.where(region.mask, REGION_SAYS, -REGION_SAYS).astype(np.float32)
        hints[number] = resize_map(shape, width, height)
    unnamed = masks_from_boxes(rgb, unnamed, context, hints)
    everything = exclusive([*named, *(o for o in unnamed if o.mask is not None and o.keep)])
    kept = [o for o in everything if o.keep and o.mask is not None]
    return tuple(replace(o, id=i, label=better_label(o, rgb)) for i, o in enumerate(kept))


FOREGROUND_SAYS = 0.8
"""Largest log-odds that the whole photo's foreground adds to a detection's mask."""

REGION_SAYS = 2.5
"""Log-odds of a region's own shape in its mask."""


def _detections(rgb: np.ndarray, path: Path, options: EmbeddedOptions) -> list[ssd.Found]:
    """Believable detections, best first."""
    _, infer = ssd.load_model(path)
    found = ssd.detect_boxes(rgb, infer, options.min_score)
    return plausible(found, rgb.shape[1], rgb.shape[0])[: options.max_objects]


def plausible(found: Sequence[ssd.Found], width: int, height: int) -> list[ssd.Found]:
    """Detections without parts of others and without furniture the size of a pen."""
    kept: list[ssd.Found] = []
    for item in sorted(found, key=lambda f: -f.score):
        area = ssd.box_area(item.box)
        if item.label in FURNITURE and area < 0.012 * width * height and item.score < 0.6:
            continue
        if ssd.box_area(item.box) > 0.85 * width * height and item.score < 0.6:
            continue
        doubled = False
        for other in kept:
            shared = ssd.intersection(item.box, other.box)
            smaller = min(area, ssd.box_area(other.box))
            same = item.label == other.label or {item.label, other.label} <= FURNITURE
            if same and shared > 0.72 * smaller and item.score < 0.85 * other.score:
                doubled = True
        if not doubled:
            kept.append(item)
    return kept


def better_label(item: SceneObject, rgb: np.ndarray) -> str:
    """A word for what the detector's labels lack: a chair much wider than high is a sofa, an
    unnamed thing that is mostly green is a plant."""
    x0, y0, x1, y1 = item.bbox
    if item.label == "chair" and x1 - x0 > 1.4 * (y1 - y0):
        return "sofa"
    if item.label == "object" and item.mask is not None:
        red, green, blue = (rgb[item.mask][:, i].astype(np.int32) for i in range(3))
        if np.mean((green > red + 4) & (green > blue + 12)) > 0.4:
            return "plant"
    return item.label


BACKEND = Backend(
    info=BackendInfo(
        name="embedded",
        label="Small detector and regions",
        kind="embedded",
        summary="Finds things with a small detector (24 labels) and by contrast; offline, CPU.",
        weights_licence="Apache-2.0 (MediaPipe Objectron)",
        needs=(
            Need.package("ai_edge_litert", "ai-edge-litert", optional=True),
            Need.asset(OBJECTRON.name, MEND, optional=True),
        ),
    ),
    options=EmbeddedOptions,
    run=run,
    default=True,
)
