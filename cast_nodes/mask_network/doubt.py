"""Boxes moved to where the network doubts its mask least.

A detector's box may hold half a plant, or two chairs. The network was never shown such boxes, and
says so: the IoU that it expects of its mask is low. Sides of doubted boxes are moved step by step
as long as that rises (coordinate ascent on the network's own confidence).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..boxes import Box, box_iou
from .predict import Prediction, Query, predict

DOUBTED = 0.75
"""Boxes of lower confidence are moved; figures chosen on rendered crops of held-out models."""

STEPS = (0.4, 0.15, -0.12)
"""How far a side is moved at once, outwards, in lengths of the box across it."""

ROUNDS = 3
LEAST_GAIN = 0.02
LEAST_SHARED = 0.3
"""IoU with the box as it was given that a moved one keeps: it is still about the same thing."""


def less_doubted(rgb: np.ndarray, boxes: Sequence[Box]) -> list[Box]:
    """The boxes, those that the network doubts moved to where it doubts less.

    Args:
        rgb: (H, W, 3) uint8.
        boxes: x0, y0, x1, y1 px, each with some area inside the photo.

    Raises:
        ObjectFailure: a box that is not finite or has no area in the photo.
    """
    best = predict(rgb, [Query(box) for box in boxes], mirrored=False)
    out = list(boxes)
    climbing = [i for i, told in enumerate(best) if told.confidence < DOUBTED]
    for _ in range(ROUNDS):
        tried = {i: _moves(out[i], boxes[i], best[i], rgb.shape[:2]) for i in climbing}
        asked = [Query(box) for i in climbing for box in tried[i]]
        answers = predict(rgb, asked, mirrored=False)
        still = []
        for i in climbing:
            mine, answers = answers[: len(tried[i])], answers[len(tried[i]) :]
            surest = max(range(len(mine)), key=lambda k: mine[k].confidence, default=None)
            if surest is None or mine[surest].confidence < best[i].confidence + LEAST_GAIN:
                continue
            out[i], best[i] = tried[i][surest], mine[surest]
            still.append(i)
        climbing = still
    return out


def _moves(box: Box, given: Box, told: Prediction, shape: tuple[int, ...]) -> list[Box]:
    """The box with one side moved, and the box of the mask itself: those in the photo that still
    are about the same thing."""
    height, width = shape
    across = (box[2] - box[0], box[3] - box[1])
    found = []
    for side in range(4):
        for step in STEPS:
            moved = list(box)
            moved[side] += (step if side > 1 else -step) * across[side % 2]
            found.append(moved)
    own = told.seen_box()
    if own is not None:
        found.append(list(own))
    inside = [
        (max(0.0, x0), max(0.0, y0), min(float(width), x1), min(float(height), y1))
        for x0, y0, x1, y1 in found
    ]
    return [b for b in inside if _is_box(b) and box_iou(b, given) >= LEAST_SHARED]


def _is_box(box: Box) -> bool:
    return min(box[2] - box[0], box[3] - box[1]) >= 2
