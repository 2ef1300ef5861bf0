"""A box for points alone: the one that the mask network, asked about it, answers with itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..boxes import Box, box_area, box_iou, mask_box
from ..errors import ObjectFailure
from ..mask_network.predict import Prediction, Query, predict
from .object_edits import Point

VERSION = 1
"""Raised when boxes change; part of their keys."""

SIDES = (0.08, 0.14, 0.24, 0.4, 0.65)
"""Sides of the boxes tried first, in longest sides of the photo."""

ASPECTS = (1.0, 1.8, 0.55)
"""Their width over their height."""

ROUNDS = 2
"""How often each box is replaced by the one round the mask that it gave."""

LARGER = 0.1
"""Power of a box's share of the photo in its score: of a thing and a part of it that look equally
whole, the thing is meant."""


def box_from_points(rgb: np.ndarray, positive: Sequence[Point], negative: Sequence[Point]) -> Box:
    """(x0, y0, x1, y1) px of the thing under the positive points.

    A box is right when the mask made from it fills it: the score is the IoU of the two boxes times
    the IoU that the network expects of its mask.

    Args:
        rgb: (H, W, 3) uint8.

    Raises:
        ObjectFailure: no box gives a mask, or the points lie outside the photo.
    """
    height, width = rgb.shape[:2]
    spots = np.asarray(positive, np.float64)
    if ((spots < 0) | (spots >= [width, height])).any():
        raise ObjectFailure(f"a point lies outside the {width}x{height} photo")
    boxes = _first_boxes(spots, height, width)
    best, best_score = None, 0.0
    for _ in range(ROUNDS + 1):
        answers = predict(rgb, [Query(b, tuple(positive), tuple(negative)) for b in boxes])
        tight = [_tight_box(a, height, width) for a in answers]
        for box, answer, found in zip(boxes, answers, tight, strict=True):
            if found is None:
                continue
            share = box_area(box) / (height * width)
            score = answer.confidence * box_iou(found, box) * share**LARGER
            if score > best_score:
                best, best_score = box, score
        boxes = [b for b in tight if b is not None]
    if best is None:
        raise ObjectFailure("nothing round its points looks like one thing; draw a box round it")
    return best


def _first_boxes(spots: np.ndarray, height: int, width: int) -> list[Box]:
    middle, low, high = spots.mean(0), spots.min(0) - 2, spots.max(0) + 2
    out = []
    for side in SIDES:
        for aspect in ASPECTS:
            half = 0.5 * side * max(height, width) * np.array([aspect**0.5, aspect**-0.5])
            x0, y0 = np.maximum(np.minimum(middle - half, low), 0)
            x1, y1 = np.minimum(np.maximum(middle + half, high), [width, height])
            out.append((float(x0), float(y0), float(x1), float(y1)))
    return out


def _tight_box(answer: Prediction, height: int, width: int) -> Box | None:
    """The box round what the network sees, as far as it lies in the photo."""
    mask = answer.seen > 0
    if not mask.any():
        return None
    window, box = answer.window, np.array(mask_box(mask)).reshape(2, 2)
    scale = np.array([window.x1 - window.x0, window.y1 - window.y0]) / mask.shape[0]
    corners = np.clip(box * scale + [window.x0, window.y0], 0, [width, height])
    x0, y0, x1, y1 = (float(v) for v in corners.ravel())
    return (x0, y0, x1, y1) if x1 - x0 > 2 and y1 - y0 > 2 else None
