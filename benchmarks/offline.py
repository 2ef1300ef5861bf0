"""Figures of the offline chain: depth of ``layout``, masks of ``boxes``, finds of ``embedded``.

    python -m benchmarks.offline [--n 8] [--seed 0] [--meshes FOLDER] [--photos FOLDER] [--json]

On seeded rooms with known truth (:mod:`benchmarks.rooms`) and, where there is a folder of
photos with ``NAME.masks.png`` beside ``NAME.jpg`` (one colour an object, black = background),
on real pictures.

- depth: AbsRel = mean |s d - d*| / d* with s = median(d*) / median(d) over all pixels, with and
  without the true masks; ``objects`` is over the objects' pixels with the same s. ``constant`` is
  the same for a plane at one depth. Gravity: angle to the true up. Focal: relative error.
- masks: IoU of the mask made from each true box with its four sides moved by up to ±4 % of its
  size, against the true visible mask.
- found: share of the true objects that some detection covers with IoU >= .5.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from cast_nodes.backends import choose
from cast_nodes.context import Context
from cast_nodes.depth import DepthInputs, estimate_geometry
from cast_nodes.detect import DetectInputs, detect
from cast_nodes.errors import CastError
from cast_nodes.pictures import load_photo
from cast_nodes.records import mask_box
from cast_nodes.types import Geometry, Objects, Photo, SceneObject

from .models import find_folder, load_models
from .rooms import make_room
from .truth import Truth

JITTER = 0.04


@dataclass(frozen=True)
class Row:
    """One figure of one picture."""

    picture: str
    name: str
    value: float


# --- measures ----------------------------------------------------------------------------------


def abs_rel(depth: np.ndarray, true: np.ndarray, objects: np.ndarray) -> tuple[float, float]:
    """AbsRel over all pixels and over those of the objects (bool), after median scaling."""
    valid = np.isfinite(depth) & np.isfinite(true) & (depth > 0)
    if not valid.any():
        return float("nan"), float("nan")
    scale = np.median(true[valid]) / np.median(depth[valid])
    error = np.abs(scale * depth - true) / true
    on = valid & objects
    return float(error[valid].mean()), float(error[on].mean()) if on.any() else float("nan")


def iou(a: np.ndarray, b: np.ndarray) -> float:
    """Of two bool masks; 1 when both are empty."""
    union = np.count_nonzero(a | b)
    return 1.0 if union == 0 else np.count_nonzero(a & b) / union


def box_iou(a: Sequence[float], b: Sequence[float]) -> float:
    """Of two (x0, y0, x1, y1) boxes."""
    wide = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    tall = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    both = wide * tall
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both
    return both / union if union > 0 else 0.0


def jittered(item: SceneObject, rng: np.random.Generator, photo: Photo) -> SceneObject:
    """The object with each side of its box moved by up to ±4 % of the box, and no mask."""
    x0, y0, x1, y1 = item.bbox
    step = JITTER * np.array([x1 - x0, y1 - y0] * 2) * rng.uniform(-1, 1, 4)
    moved = np.clip(np.array(item.bbox) + step, 0, [photo.width, photo.height] * 2)
    return replace(item, bbox=tuple(float(v) for v in moved), mask=None, occlusion=0.0)


# --- the three parts ---------------------------------------------------------------------------


def depth_rows(truth: Truth, context: Context) -> Iterator[Row]:
    """AbsRel, gravity and focal of ``layout`` with the true masks and without."""
    photo, true = truth.objects.photo, truth.geometry
    on_objects = np.zeros(true.depth.shape, bool)
    for item in truth.objects.objects:
        on_objects |= item.mask
    flat = abs_rel(np.ones(true.depth.shape), true.depth, on_objects)
    yield Row(photo.name, "depth constant, all", flat[0])
    yield Row(photo.name, "depth constant, objects", flat[1])
    for words, objects in (("with masks", truth.objects), ("without masks", None)):
        start = time.perf_counter()
        choice = choose("depth", "layout")
        geometry = estimate_geometry(DepthInputs(photo, objects), choice, context)
        seconds = time.perf_counter() - start
        everywhere, there = abs_rel(geometry.depth, true.depth, on_objects)
        yield Row(photo.name, f"depth {words}, all", everywhere)
        yield Row(photo.name, f"depth {words}, objects", there)
        yield Row(photo.name, f"gravity {words}, deg", gravity_error(geometry, true))
        focal = geometry.intrinsics[0, 0] / true.intrinsics[0, 0]
        yield Row(photo.name, f"focal {words}", float(abs(focal - 1)))
        yield Row(photo.name, f"seconds depth {words}", seconds)


def gravity_error(geometry: Geometry, true: Geometry) -> float:
    """Degrees between the two up directions; NaN where one is missing."""
    if geometry.up is None or true.up is None:
        return float("nan")
    return float(np.rad2deg(np.arccos(np.clip(geometry.up @ true.up, -1, 1))))


def mask_rows(objects: Objects, seed: int, context: Context, where: str) -> Iterator[Row]:
    """IoU of the masks that ``boxes`` makes from jittered true boxes."""
    photo, rng = objects.photo, np.random.default_rng([seed, 99])
    given = tuple(jittered(o, rng, photo) for o in objects.objects)
    start = time.perf_counter()
    made = detect(DetectInputs(photo, given), choose("detect", "boxes"), context)
    seconds = time.perf_counter() - start
    by_id = {o.id: o.mask for o in made.objects}
    for item in objects.objects:
        mask = by_id.get(item.id)
        value = 0.0 if mask is None or item.mask is None else iou(mask, item.mask)
        yield Row(photo.name, f"mask IoU, {where}", value)
    yield Row(photo.name, "seconds a mask", seconds / max(1, len(given)))


def found_rows(objects: Objects, context: Context, where: str) -> Iterator[Row]:
    """Which true objects ``embedded`` finds, by box and by mask, and how many it claims."""
    photo = objects.photo
    found = detect(DetectInputs(photo), choose("detect", "embedded"), context).objects
    for item in objects.objects:
        by_box = max((box_iou(f.bbox, item.bbox) for f in found), default=0.0)
        masks = [f.mask for f in found if f.mask is not None]
        by_mask = (
            max((iou(m, item.mask) for m in masks), default=0.0) if item.mask is not None else 0.0
        )
        yield Row(photo.name, f"found by box, {where}", float(by_box >= 0.5))
        yield Row(photo.name, f"found by mask, {where}", float(by_mask >= 0.5))
    claims = len(found) / max(1, len(objects.objects))
    yield Row(photo.name, f"detections per object, {where}", claims)


# --- photos ------------------------------------------------------------------------------------


def masked_photos(folder: Path | None) -> Iterator[Objects]:
    """The photos of a folder that have a label image beside them."""
    for path in sorted(folder.glob("*.masks.png")) if folder else []:
        stem = path.name.removesuffix(".masks.png")
        pictures = (
            [p for p in folder.glob(f"{stem}.*") if p.suffix.lower() in (".jpg", ".jpeg")]
            if folder
            else []
        )
        if not pictures:
            continue
        photo = load_photo(pictures[0])
        labels = np.asarray(Image.open(path).convert("RGB")).astype(np.int64)
        codes = labels @ [65536, 256, 1]
        if codes.shape != (photo.height, photo.width):
            raise SystemExit(f"{path} is not of its photo's size")
        objects = []
        for code in np.unique(codes[codes > 0]):
            mask = codes == code
            box = mask_box(mask)
            if box is not None and mask.sum() >= 100:
                objects.append(SceneObject(len(objects), "object", 1.0, box, mask))
        yield Objects(photo, tuple(objects), "truth")


# --- the whole ---------------------------------------------------------------------------------


def attempt(rows: list[Row], failures: list[str], what: str, new: Iterator[Row]) -> None:
    """Adds the rows; a stage that refuses is noted and does not end the benchmark."""
    try:
        rows.extend(new)
    except CastError as error:
        failures.append(f"{what}: {error}")


def measure(
    models, photos: Path | None, n: int, seed: int, context: Context
) -> tuple[list[Row], list[str]]:
    rows: list[Row] = []
    failures: list[str] = []
    for number in range(seed, seed + n):
        truth = make_room(number, models)
        name, objects = truth.objects.photo.name, truth.objects
        print(f"{name}: {', '.join(o.label for o in objects.objects)}", file=sys.stderr, flush=True)
        attempt(rows, failures, f"{name} depth", depth_rows(truth, context))
        attempt(rows, failures, f"{name} boxes", mask_rows(objects, number, context, "rooms"))
        attempt(rows, failures, f"{name} embedded", found_rows(objects, context, "rooms"))
    for index, objects in enumerate(masked_photos(photos)):
        name = objects.photo.name
        print(f"{name}: {len(objects.objects)} masks", file=sys.stderr, flush=True)
        attempt(rows, failures, f"{name} boxes", mask_rows(objects, index, context, "photos"))
        attempt(rows, failures, f"{name} embedded", found_rows(objects, context, "photos"))
    return rows, failures


def summary(rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """Mean, median and count of each figure, in order of first appearance."""
    out = {}
    for name in dict.fromkeys(r.name for r in rows):
        values = np.array([r.value for r in rows if r.name == name])
        finite = values[np.isfinite(values)]
        mean, median = (
            float(f(finite)) if len(finite) else float("nan") for f in (np.mean, np.median)
        )
        out[name] = {"mean": mean, "median": median, "count": len(values)}
    return out


def table(figures: dict[str, dict[str, float]]) -> str:
    width = max((len(name) for name in figures), default=10)
    lines = [f"{'':{width}}    mean  median  count"]
    lines += [
        f"{name:{width}}  {f['mean']:6.3f}  {f['median']:6.3f}  {int(f['count']):5d}"
        for name, f in figures.items()
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Figures of the offline chain.")
    parser.add_argument("--n", type=int, default=8, help="number of rooms")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first room")
    parser.add_argument("--meshes", help="folder of GLB models with manifest.json")
    parser.add_argument("--photos", help="folder of photos with NAME.masks.png beside them")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    args = parser.parse_args()
    context = Context(warn=lambda sentence: print(sentence, file=sys.stderr))
    photos = find_folder(args.photos, "photos", "CAST_BENCH_PHOTOS")
    models = load_models(args.meshes) if args.n > 0 else ()
    rows, failures = measure(models, photos, args.n, args.seed, context)
    figures = summary(rows)
    if args.json:
        pictures = [vars(r) for r in rows]
        document = {"figures": figures, "pictures": pictures, "failures": failures}
        print(json.dumps(document, indent=1))
    else:
        print(table(figures))
    for failure in failures:
        print(f"failed: {failure}", file=sys.stderr)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
