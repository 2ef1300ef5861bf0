"""Masks from boxes: the colour method, the network and both, on photos and path-traced crops.

    python -m benchmarks.masks [--photos PHOTOS] [--data SHARDS] [--crops 140] [--draws 3]

PHOTOS holds pictures with ``NAME.masks.png`` beside them; SHARDS holds ``test_*.npz`` of
``python -m training.masks.test_set`` (held-out models, another renderer). Boxes are true boxes,
each side off by up to 4 % (``--draws`` draws of them on the photos). Intervals are bootstrapped
over pictures, not over objects. Nothing was chosen by these figures.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from cast_nodes.detect.box_mask import crop_around, mask_in_crop
from cast_nodes.detect.box_objects import MaskMethod
from cast_nodes.detect.masks import label_image, objects_from_labels
from cast_nodes.detect.network_masks import fused_mask_in_crop, mask_of, network_mask_in_crop
from cast_nodes.errors import ObjectFailure
from cast_nodes.mask_network.predict import Prediction, Query, predict
from cast_nodes.types import Photo

from .models import find_folder

JITTER = 0.04
METHODS: tuple[MaskMethod, ...] = ("colour", "network", "network+colour")
FLAGS = ("thin", "legged", "dark", "white", "plant", "tabletop", "group", "small")


@dataclass(frozen=True, eq=False)
class Case:
    """One object with its truth.

    Attributes:
        picture: which picture it is in.
        rgb: (H, W, 3) uint8; truth, whole: (H, W) bool, whole None where it is not known.
        box: jittered.
        share: how much of it is seen, 1 where that is not known.
        bins: names of the bins it falls into.
    """

    picture: str
    rgb: np.ndarray
    truth: np.ndarray
    whole: np.ndarray | None
    box: tuple[float, float, float, float]
    share: float
    bins: frozenset[str]


def jittered(mask: np.ndarray, rng: np.random.Generator) -> tuple[float, float, float, float]:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float64)
    size = np.tile([box[2] - box[0], box[3] - box[1]], 2)
    x0, y0, x1, y1 = (float(v) for v in box + rng.uniform(-JITTER, JITTER, 4) * size)
    return (x0, y0, x1, y1)


def photo_cases(folder: Path, draws: int) -> list[Case]:
    """Every masked object of every photo, ``draws`` times with other boxes."""
    out = []
    for path in sorted(folder.glob("*.masks.png")):
        name = path.name.removesuffix(".masks.png")
        file = next(f for f in sorted(folder.glob(f"{name}.*")) if f != path)
        photo = Photo(np.asarray(Image.open(file).convert("RGB")), name)
        rng = np.random.default_rng(4)
        for item in objects_from_labels(label_image(path, photo), photo):
            assert item.mask is not None
            for _ in range(draws):
                box = jittered(item.mask, rng)
                out.append(Case(name, photo.rgb, item.mask, None, box, 1.0, frozenset()))
    return out


def traced_cases(folder: Path, most: int) -> list[Case]:
    """The path-traced crops, each a picture of its own."""
    out = []
    for path in sorted(folder.glob("test_*.npz")):
        with np.load(path) as shard:
            data = dict(shard)
        for i in range(min(most - len(out), len(data["rgb"]))):
            seen = np.unpackbits(data["visible"][i], axis=1).astype(bool)
            whole = np.unpackbits(data["amodal"][i], axis=1).astype(bool)
            bins = {n for bit, n in enumerate(FLAGS) if data["flags"][i] >> bit & 1}
            box = jittered(seen, np.random.default_rng([4, i]))
            share = float(data["share"][i])
            out.append(
                Case(f"{path.stem}.{i}", data["rgb"][i], seen, whole, box, share, frozenset(bins))
            )
    return out


def iou(a: np.ndarray, b: np.ndarray) -> float:
    return np.count_nonzero(a & b) / max(1, np.count_nonzero(a | b))


def mask_by(method: MaskMethod, case: Case) -> np.ndarray:
    """(H, W) bool, empty when the method gives up."""
    try:
        crop = crop_around(case.rgb, case.box, JITTER)
        if method == "colour":
            mask = mask_in_crop(crop)
        else:
            prediction = predict(case.rgb, [Query(case.box)])[0]
            if method == "network":
                mask = network_mask_in_crop(crop, prediction)
            else:
                mask = fused_mask_in_crop(crop, prediction)
    except ObjectFailure:
        return np.zeros_like(case.truth)
    out = np.zeros_like(case.truth)
    x, y = crop.origin
    out[y : y + mask.shape[0], x : x + mask.shape[1]] = mask
    return out


def clicked(case: Case, clicks: int) -> list[tuple[float, float]]:
    """IoU of the network's mask (and the same by both methods) after 1 … ``clicks`` clicks, each
    in the middle of the largest wrong region."""
    from scipy.ndimage import distance_transform_edt, label

    query, found = Query(case.box), []
    height, width = case.truth.shape
    for number in range(clicks + 1):
        prediction = predict(case.rgb, [query])[0]
        mask = mask_of(case.rgb, prediction, (0, 0, width, height), case.box)
        if number:
            found.append(iou(mask, case.truth))
        wrong, count = label(mask != case.truth)
        if not count:
            found += [found[-1] if found else 1.0] * (clicks - len(found))
            break
        region = wrong == 1 + int(np.bincount(wrong.ravel())[1:].argmax())
        depth = np.asarray(distance_transform_edt(np.pad(region, 1)))[1:-1, 1:-1]
        row, column = (int(v) for v in np.unravel_index(int(depth.argmax()), depth.shape))
        point = ((column + 0.5, row + 0.5),)
        if case.truth[row, column]:
            query = Query(query.box, query.positive + point, query.negative)
        else:
            query = Query(query.box, query.positive, query.negative + point)
    return found


def interval(values: Sequence[float], pictures: Sequence[str]) -> tuple[float, float, float]:
    """Mean, and the 95 % bootstrap interval over pictures."""
    names = sorted(set(pictures))
    sums = np.array(
        [
            [
                sum(v for v, p in zip(values, pictures, strict=True) if p == n),
                sum(p == n for p in pictures),
            ]
            for n in names
        ]
    )
    rng = np.random.default_rng(0)
    drawn = sums[rng.integers(len(names), size=(2000, len(names)))].sum(1)
    means = drawn[:, 0] / drawn[:, 1]
    return (
        float(np.mean(values)),
        float(np.quantile(means, 0.025)),
        float(np.quantile(means, 0.975)),
    )


def row(name: str, values: Sequence[float], cases: Sequence[Case]) -> None:
    if not values:
        return
    mean, low, high = interval(values, [c.picture for c in cases])
    print(f"| {name} | {len(values)} | {mean:.3f} | {low:.3f} to {high:.3f} |", flush=True)


def compare(name: str, cases: Sequence[Case], methods: Sequence[MaskMethod]) -> None:
    """Every method on every case, then by bin."""
    print(f"\n## {name}\n\n| method | objects | mean IoU | 95 % |\n| --- | --- | --- | --- |")
    by_method: dict[str, list[float]] = {}
    seconds: dict[str, float] = {}
    for method in methods:
        start = time.process_time()
        by_method[method] = [iou(mask_by(method, c), c.truth) for c in cases]
        seconds[method] = (time.process_time() - start) / len(cases)
        row(method, by_method[method], cases)
    for flag in FLAGS:
        mine = [i for i, c in enumerate(cases) if flag in c.bins]
        if len(mine) >= 5:
            for method in methods:
                row(
                    f"{flag}, {method}",
                    [by_method[method][i] for i in mine],
                    [cases[i] for i in mine],
                )
    print(
        "\nprocessor seconds per object: " + ", ".join(f"{m} {s:.3f}" for m, s in seconds.items())
    )


def whole_masks(
    cases: Sequence[Case], guess: Callable[[Case, Prediction], np.ndarray]
) -> list[float]:
    found = []
    for case in cases:
        assert case.whole is not None
        found.append(iou(guess(case, predict(case.rgb, [Query(case.box)])[0]), case.whole))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Masks from boxes by three methods.")
    parser.add_argument("--photos", help="folder of photos with masks (or $CAST_BENCH_PHOTOS)")
    parser.add_argument("--data", type=Path, default=os.environ.get("CAST_MASK_DATA"))
    parser.add_argument("--crops", type=int, default=140)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    args = parser.parse_args()
    folder = find_folder(args.photos, "photos", "CAST_BENCH_PHOTOS")
    sets = []
    if folder is not None:
        sets.append(("Photos", photo_cases(folder, args.draws)))
    if args.data is not None:
        sets.append(("Held-out models, path-traced", traced_cases(Path(args.data), args.crops)))
    for name, cases in sets:
        if not cases:
            continue
        compare(name, cases, args.methods)
        print("\n| network | objects | mean IoU | 95 % |\n| --- | --- | --- | --- |")
        each = [clicked(c, 2) for c in cases]
        for number in range(2):
            row(f"{number + 1} click(s)", [e[number] for e in each], cases)
        hidden = [c for c in cases if c.whole is not None and 0.5 < c.share < 0.85]
        if hidden:
            row(
                "whole, 15-50 % hidden: the seen mask",
                whole_masks(
                    hidden, lambda c, p: mask_of(c.rgb, p, (0, 0, *c.truth.shape[::-1]), c.box)
                ),
                hidden,
            )
            row(
                "whole, 15-50 % hidden: the network",
                whole_masks(hidden, lambda c, p: p.outline((0, 0, *c.truth.shape[::-1]))),
                hidden,
            )


if __name__ == "__main__":
    main()
