"""Detect ``embedded``: a small detector for 24 labels, and class-free regions for the rest."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..assets import MEND, OBJECTRON
from ..backends import Backend, BackendInfo, Need, Options, option
from ..boxes import as_box, box_area, intersection, mask_box
from ..content import content_key
from ..context import Context
from ..types import Objects, SceneObject
from . import DetectInputs, ssd
from .box_objects import MASKS_HELP, MaskMethod, exclusive, masks_from_boxes
from .box_objects import VERSION as MASKS_VERSION
from .foreground import find_foreground
from .mask_tools import resize_map, resize_rgb
from .proposals import propose, shrink, small_size, threshold

NO_DETECTOR = (
    f"the object detector is not there, so things are found by contrast alone and called "
    f'"object"; {MEND} fetches it once'
)
NO_LITERT = (
    "package ai_edge_litert is missing, so things are found by contrast alone and called "
    '"object"; pip install ai-edge-litert'
)
FURNITURE = frozenset(("chair", "table", "desk"))
HAND_SIZED = frozenset(("book", "mug", "coffee cup", "bottle", "computer mouse", "camera"))


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
    mask_method: MaskMethod = option("network", MASKS_HELP)


def run(inputs: DetectInputs, options: EmbeddedOptions, context: Context) -> Objects:
    """The photo's objects, best first; without the fetched detector only regions."""
    photo = inputs.photo
    path = context.folders.assets / OBJECTRON.name
    key = content_key(
        "detect embedded", BACKEND.info.version, MASKS_VERSION, options, photo.key, _ready(path)
    )
    stored = context.store.get(key)
    if stored is not None:
        return Objects(photo, stored["objects"], notes=stored["notes"])
    found, notes = _detections(photo.rgb, path, options)
    context.cancel.check()
    objects = find_objects(photo.rgb, found, options, context)
    context.store.put(key, {"objects": objects, "notes": notes})
    return Objects(photo, objects, notes=notes)


def _ready(path: Path) -> tuple[bool, bool]:
    """Whether detector and runtime are there: part of the key, so that a later fetch counts."""
    return path.is_file(), importlib.util.find_spec("ai_edge_litert") is not None


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
    named = masks_from_boxes(
        rgb,
        named,
        context,
        {o.id: evidence for o in named},
        DETECTION_SLACK,
        options.mask_method,
    )
    named = [o for o in named if o.mask is not None and o.keep]
    context.cancel.check()

    claimed = shrink([o.mask for o in named if o.mask is not None], w, h)
    regions = propose(foreground, claimed, options.proposals, options.min_proposal_score)
    scale = np.array([width / w, height / h] * 2)
    unnamed, hints = [], {}
    for number, region in enumerate(regions, len(found)):
        box = as_box((np.array(region.box) + np.array([-1, -1, 1, 1])) * scale)
        # A detection is believed before a region, however clearly the region stands apart.
        score = round(0.5 * region.score, 4)
        unnamed.append(SceneObject(number, "object", score, box))
        shape = np.where(region.mask, REGION_SAYS, -REGION_SAYS).astype(np.float32)
        hints[number] = resize_map(shape, width, height)
    unnamed = masks_from_boxes(rgb, unnamed, context, hints, method=options.mask_method)
    everything = exclusive([*named, *(o for o in unnamed if o.mask is not None and o.keep)], rgb)
    kept = [o for o in everything if o.keep and o.mask is not None]
    kept = with_pots([replace(o, label=better_label(o, rgb)) for o in kept])
    return tuple(replace(o, id=i) for i, o in enumerate(kept))


FOREGROUND_SAYS = 0.8
"""Largest log-odds that the whole photo's foreground adds to a detection's mask."""

DETECTION_SLACK = 0.1
"""The detector's boxes are often too small by this share of their sides."""

REGION_SAYS = 2.5
"""Log-odds of a region's own shape in its mask."""


def _detections(
    rgb: np.ndarray, path: Path, options: EmbeddedOptions
) -> tuple[list[ssd.Found], tuple[str, ...]]:
    """Believable detections, best first, and a note when there is no detector to ask."""
    if not path.is_file():
        return [], (NO_DETECTOR,)
    try:
        _, infer = ssd.load_model(path)
    except ModuleNotFoundError:
        return [], (NO_LITERT,)
    except (ValueError, RuntimeError, OSError, KeyError):
        return [], (f"{path} is damaged, so things are found by contrast alone; {MEND}",)
    height, width = rgb.shape[:2]
    found = ssd.detect_boxes(rgb, infer, 0.7 * options.min_score)
    found = with_sofas(plausible(found, width, height), width)
    found = [f for f in found if f.score >= options.min_score]
    return plausible(found, width, height)[: options.max_objects], ()


def plausible(found: Sequence[ssd.Found], width: int, height: int) -> list[ssd.Found]:
    """Detections without parts of others, and without chairs smaller than a cup."""
    by_hand = [box_area(f.box) for f in found if f.label in HAND_SIZED and f.score > 0.4]
    kept: list[ssd.Found] = []
    for item in sorted(found, key=lambda f: -f.score):
        area = box_area(item.box)
        furniture = item.label in FURNITURE
        if furniture and by_hand and area < max(by_hand) and item.score < 0.6:
            continue
        if area > 0.85 * width * height and item.score < 0.6:
            continue
        if not any(_is_part(item, other) for other in kept):
            kept.append(item)
    return kept


def _is_part(item: ssd.Found, other: ssd.Found) -> bool:
    """Whether a detection is only a part of a surer one, or it and its neighbour together."""
    shared = intersection(item.box, other.box)
    smaller = min(box_area(item.box), box_area(other.box))
    if item.label == other.label:
        return shared > 0.72 * smaller and (item.score < 0.85 * other.score or item.score < 0.45)
    both = item.label in FURNITURE and other.label in FURNITURE
    within = shared > 0.9 * box_area(item.box)
    return both and within and item.score < 0.6 * other.score


def with_sofas(found: Sequence[ssd.Found], width: int) -> list[ssd.Found]:
    """The detections, where a row of three or more doubtful chairs is the sofa they lie on.

    The detector has no word for a sofa and calls its cushions and ends chairs.
    """
    doubtful = [f for f in found if f.label == "chair" and f.score < 0.5]
    groups: list[list[ssd.Found]] = []
    for item in doubtful:
        near = [g for g in groups if any(_neighbours(item, other) for other in g)]
        groups = [g for g in groups if g not in near]
        groups.append([item, *(other for g in near for other in g)])
    out = list(found)
    for group in groups:
        corners = np.array([f.box for f in group])
        low, high = corners[:, :2].min(0), corners[:, 2:].max(0)
        wide = high[0] - low[0] > max(1.6 * (high[1] - low[1]), 0.3 * width)
        if len(group) < 3 or not wide:
            continue
        box = as_box(np.concatenate([low, high]))
        out = [f for f in out if f not in group]
        out.append(ssd.Found("sofa", max(f.score for f in group), box))
    return sorted(out, key=lambda f: -f.score)


def _neighbours(a: ssd.Found, b: ssd.Found) -> bool:
    """Whether two boxes touch or nearly do: within a third of the smaller one's width."""
    reach = 0.33 * min(a.box[2] - a.box[0], b.box[2] - b.box[0])
    x0, y0, x1, y1 = a.box
    return intersection((x0 - reach, y0, x1 + reach, y1), b.box) > 0


def with_pots(objects: Sequence[SceneObject]) -> list[SceneObject]:
    """The objects, each plant joined with the pot or vase right below it."""
    out = list(objects)
    for plant in objects:
        if plant.label != "plant" or plant.mask is None or plant not in out:
            continue
        x0, y0, x1, y1 = plant.bbox
        for pot in out:
            if pot is plant or pot.label not in POTS or pot.mask is None:
                continue
            a, b, c, d = pot.bbox
            gap = b - y1
            below = -0.5 * (d - b) < gap < 0.4 * (y1 - y0) and (b + d) / 2 > (y0 + y1) / 2
            if (
                below
                and x0 - 0.1 * (x1 - x0) < (a + c) / 2 < x1 + 0.1 * (x1 - x0)
                and c - a < 1.3 * (x1 - x0)
            ):
                mask = plant.mask | pot.mask
                joined = replace(plant, mask=mask, bbox=mask_box(mask))
                out = [joined if o is plant else o for o in out if o is not pot]
                break
    return out


POTS = frozenset(("object", "coffee cup", "mug", "bottle"))


def better_label(item: SceneObject, rgb: np.ndarray) -> str:
    """A word for what the detector's labels lack: a chair much wider than high is a sofa, an
    unnamed thing that is mostly green is a plant."""
    x0, y0, x1, y1 = item.bbox
    if item.label == "chair" and x1 - x0 > 1.4 * (y1 - y0):
        return "sofa"
    if item.label == "object" and item.mask is not None:
        red, green, blue = (rgb[item.mask][:, i].astype(np.int32) for i in range(3))
        if np.mean((green > red + 2) & (green > blue + 8)) > 0.4:
            return "plant"
    return item.label


BACKEND = Backend(
    info=BackendInfo(
        name="embedded",
        label="Small detector and regions",
        kind="embedded",
        version=4,
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
