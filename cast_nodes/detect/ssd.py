"""The small object detector: an SSD (MobileNet v2) for 24 labels of Open Images, run by LiteRT.

Decoding follows the model's own graph description in MediaPipe (objectron, Apache-2.0): input
300 x 300, RGB in -1..1, stretched; six layers of anchors, scales 0.2..0.95, the lowest with
three; boxes as (y, x, h, w) scaled by 10, 10, 5, 5; a sigmoid per label; label 0 is unused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..boxes import Box, as_box, box_iou

ASSET = "objectron_solution_packed_assets.data"
LABELS_BYTES = slice(0, 184)
MODEL_BYTES = slice(184, 9987912)
INPUT_SIZE = 300


@dataclass(frozen=True)
class Found:
    """One detection: label in lower case, score in 0..1, box (x0, y0, x1, y1) px, half-open."""

    label: str
    score: float
    box: Box


@lru_cache(maxsize=1)
def anchors() -> np.ndarray:
    """(1917, 4) float64 anchors as centre y, centre x, height, width in units of the input.

    Liu et al., SSD (ECCV 2016), section 2.2, with the lowest layer reduced to three boxes.
    """
    scales = [*np.linspace(0.2, 0.95, 6), 1.0]
    rows = []
    for layer, cells in enumerate((19, 10, 5, 3, 2, 1)):
        scale = scales[layer]
        if layer == 0:
            shapes = [(0.1, 1.0), (scale, 2.0), (scale, 0.5)]
        else:
            shapes = [(scale, ratio) for ratio in (1.0, 2.0, 0.5, 3.0, 1 / 3)]
            shapes.append((float(np.sqrt(scale * scales[layer + 1])), 1.0))
        for y in range(cells):
            for x in range(cells):
                for size, ratio in shapes:
                    root = np.sqrt(ratio)
                    rows.append(((y + 0.5) / cells, (x + 0.5) / cells, size / root, size * root))
    return np.array(rows)


def decode(raw_boxes: np.ndarray, raw_scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Network outputs to boxes and scores.

    Args:
        raw_boxes: (1917, 4) encodings (y, x, h, w).
        raw_scores: (1917, C) logits.

    Returns:
        (1917, 4) boxes (x0, y0, x1, y1) in 0..1 of the input, and (1917, C) scores in 0..1.
    """
    prior = anchors()
    cy = raw_boxes[:, 0] / 10 * prior[:, 2] + prior[:, 0]
    cx = raw_boxes[:, 1] / 10 * prior[:, 3] + prior[:, 1]
    h = np.exp(np.clip(raw_boxes[:, 2] / 5, -8, 8)) * prior[:, 2]
    w = np.exp(np.clip(raw_boxes[:, 3] / 5, -8, 8)) * prior[:, 3]
    boxes = np.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], 1)
    return boxes, 1 / (1 + np.exp(-np.clip(raw_scores, -40, 40)))


def load_model(asset: Path) -> tuple[tuple[str, ...], Callable[[np.ndarray], list[Found]]]:
    """The labels and a function from an RGB uint8 picture to its raw detections.

    The function is not safe for threads. Boxes are in pixels of the picture given to it.
    """
    from ai_edge_litert.interpreter import Interpreter
    from PIL import Image

    data = asset.read_bytes()
    labels = tuple(line.strip().lower() for line in data[LABELS_BYTES].decode().splitlines())
    interpreter = Interpreter(model_content=data[MODEL_BYTES], num_threads=1)
    interpreter.allocate_tensors()
    entry = interpreter.get_input_details()[0]["index"]
    exits = {d["name"]: d["index"] for d in interpreter.get_output_details()}

    def infer(rgb: np.ndarray, floor: float = 0.1) -> list[Found]:
        height, width = rgb.shape[:2]
        # Pillow's resize averages when it shrinks, so tiles and the full picture look alike.
        size = (INPUT_SIZE, INPUT_SIZE)
        small = Image.fromarray(rgb).resize(size, Image.Resampling.BILINEAR)
        interpreter.set_tensor(entry, np.asarray(small, np.float32)[None] / 127.5 - 1)
        interpreter.invoke()
        boxes, scores = decode(
            interpreter.get_tensor(exits["raw_outputs/box_encodings"])[0],
            interpreter.get_tensor(exits["raw_outputs/class_predictions"])[0],
        )
        boxes = np.clip(boxes, 0, 1) * [width, height, width, height]
        rows, columns = np.nonzero(scores[:, 1:] >= floor)
        return [
            Found(labels[c + 1], float(scores[r, c + 1]), as_box(boxes[r]))
            for r, c in zip(rows, columns, strict=True)
        ]

    return labels, infer


def tiles(width: int, height: int, shares: Sequence[float]) -> Iterator[tuple[int, int, int, int]]:
    """The full picture, then for each share overlapping windows of that share of its sides."""
    yield 0, 0, width, height
    for share in shares:
        w, h = max(1, round(width * share)), max(1, round(height * share))
        steps = int(np.ceil(1 / share)) + 1
        for y in np.linspace(0, height - h, steps):
            for x in np.linspace(0, width - w, steps):
                yield int(x), int(y), int(x) + w, int(y) + h


RARE = frozenset(
    ("person", "footwear", "boot", "high heels", "camera", "vehicle", "cattle", "bicycle",
     "stationary bicycle", "dog", "car", "laptop")
)  # fmt: skip
"""Labels the detector also gives to unknown things; they must be surer to be believed."""

Infer = Callable[..., list[Found]]


def detect_boxes(rgb: np.ndarray, infer: Infer, least: float) -> list[Found]:
    """Detections of the full picture and of overlapping windows, made one and checked.

    Each candidate is looked at again in windows centred on it; its score is the mean of what
    is seen there, so that a part of a thing, cut by a window's edge, does not stay.

    Args:
        rgb: (H, W, 3) uint8.
        infer: from :func:`load_model`.
        least: lowest score to keep, 0..1.
    """
    height, width = rgb.shape[:2]
    raw = []
    for window in tiles(width, height, (0.7, 0.45)):
        raw += look(rgb, window, infer, 0.2)
    checked = [verify(rgb, found, infer) for found in merge(raw, 0.55)[:30]]
    # A box that moved onto another one is the same thing seen twice.
    kept = merge([f for f in checked if f is not None], 0.45)
    return [f for f in kept if f.score >= (max(least, 0.6) if f.label in RARE else least)]


def look(
    rgb: np.ndarray, window: tuple[int, int, int, int], infer: Infer, floor: float
) -> list[Found]:
    """Detections in one window, in the photo's pixels, without those its inner edges cut."""
    height, width = rgb.shape[:2]
    x0, y0, x1, y1 = window
    if x1 - x0 < 8 or y1 - y0 < 8:
        return []
    edge_x, edge_y = 0.02 * (x1 - x0), 0.02 * (y1 - y0)
    out = []
    for found in infer(rgb[y0:y1, x0:x1], floor):
        a, b, c, d = found.box
        cut = (
            (a < edge_x and x0 > 0)
            or (b < edge_y and y0 > 0)
            or (c > x1 - x0 - edge_x and x1 < width)
            or (d > y1 - y0 - edge_y and y1 < height)
        )
        if not cut:
            out.append(Found(found.label, found.score, (a + x0, b + y0, c + x0, d + y0)))
    return out


def verify(rgb: np.ndarray, found: Found, infer: Infer) -> Found | None:
    """The detection as seen in windows centred on it: mean score, mean box, best label."""
    height, width = rgb.shape[:2]
    x0, y0, x1, y1 = found.box
    cx, cy = (x0 + x1) / 2, (y0 + y1) / 2
    votes: dict[str, float] = {found.label: found.score}
    boxes, weights = [found.box], [found.score]
    views = 1
    for factor in (1.3, 1.7, 2.3):
        # Between the box's own shape and a square: things keep their look when stretched a bit.
        half_w = factor * max(x1 - x0, 0.6 * (y1 - y0)) / 2
        half_h = factor * max(y1 - y0, 0.6 * (x1 - x0)) / 2
        window = (
            int(max(0, cx - half_w)), int(max(0, cy - half_h)),
            int(min(width, cx + half_w)), int(min(height, cy + half_h)),
        )  # fmt: skip
        views += 1
        best: dict[str, Found] = {}
        for other in look(rgb, window, infer, 0.12):
            known = best.get(other.label)
            if box_iou(other.box, found.box) > 0.55 and (not known or known.score < other.score):
                best[other.label] = other
        for label, other in best.items():
            votes[label] = votes.get(label, 0.0) + other.score
            boxes.append(other.box)
            weights.append(other.score)
    label = max(votes, key=votes.__getitem__)
    box = np.average(np.array(boxes), axis=0, weights=np.array(weights) ** 2)
    return Found(label, votes[label] / views, as_box(box))


def merge(found: Sequence[Found], overlap: float) -> list[Found]:
    """The surest of each group of boxes that overlap by more than ``overlap`` (IoU)."""
    kept: list[Found] = []
    for item in sorted(found, key=lambda f: -f.score):
        if all(box_iou(item.box, k.box) <= overlap for k in kept):
            kept.append(item)
    return kept
