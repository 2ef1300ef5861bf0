"""Boxes (and clicks) of a photo in, the network's word of each thing out, in batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..boxes import Box
from ..errors import ObjectFailure
from .network import SIDE_PX, click_map, load_network, network_input
from .window import Window, cut, paste, window_of

BATCH = 16
OUTSIDE = -8.0
"""Logit of pixels beyond the network's window."""


@dataclass(frozen=True)
class Query:
    """What is asked about: a box and, where a person helps, points on and beside the thing.

    Attributes:
        box: (x0, y0, x1, y1) px in the photo.
        positive, negative: (x, y) px in the photo.
    """

    box: Box
    positive: tuple[tuple[float, float], ...] = field(default=())
    negative: tuple[tuple[float, float], ...] = field(default=())


@dataclass(frozen=True, eq=False)
class Prediction:
    """What the network says of one box.

    Attributes:
        window: where it looked.
        seen, whole: (s, s) float32 logits of the visible part and of the whole outline.
        confidence: 0..1, the IoU that it expects of the seen mask.
        share: 0..1, how much of the thing it takes to be seen, also beyond the window.
    """

    window: Window
    seen: np.ndarray
    whole: np.ndarray
    confidence: float
    share: float

    def logits(self, area: tuple[int, int, int, int]) -> np.ndarray:
        """(h, w) float32 logits of "seen" in a part (x0, y0, x1, y1 px) of the photo."""
        return paste(self.seen, self.window, area, OUTSIDE)

    def outline(self, area: tuple[int, int, int, int]) -> np.ndarray:
        """(h, w) bool, the whole thing with what others hide, in a part of the photo."""
        return paste(self.whole, self.window, area, OUTSIDE) > 0


def predict(rgb: np.ndarray, queries: Sequence[Query], side: int = SIDE_PX) -> list[Prediction]:
    """What the network says of each box; both as seen and mirrored, averaged.

    Args:
        rgb: (H, W, 3) uint8.

    Raises:
        ObjectFailure: a box that is not finite or has no area.
        CastError: the weights cannot be read.
    """
    import torch

    if not queries:
        return []
    shown = [_in_photo(q.box, rgb) for q in queries]
    windows = [window_of(box) for box in shown]
    pictures, valid, boxes, clicks = [], [], [], []
    for query, box, window in zip(queries, shown, windows, strict=True):
        crop, inside = cut(rgb, window, side)
        pictures.append(crop)
        valid.append(inside)
        boxes.append(window.to_crop(np.array([box[:2], box[2:]]), side).ravel())
        dots = [window.to_crop(np.array(p), side) for p in (query.positive, query.negative)]
        clicks.append(np.stack([click_map(d, side) for d in dots]))
    network = load_network()
    out: list[Prediction] = []
    with torch.inference_mode():
        for start in range(0, len(queries), BATCH):
            part = slice(start, start + BATCH)
            colour = torch.from_numpy(np.stack(pictures[part])).permute(0, 3, 1, 2).float() / 255
            asked = network_input(
                colour,
                torch.from_numpy(np.stack(boxes[part]).astype(np.float32)),
                torch.from_numpy(np.stack(valid[part])[:, None].astype(np.float32)),
                torch.from_numpy(np.stack(clicks[part])),
            )
            n = len(asked)
            both = torch.cat([asked, asked.flip(3)])
            masks, judged = network(both.contiguous(memory_format=torch.channels_last))
            masks = (masks[:n] + masks[n:].flip(3)) / 2
            told = torch.sigmoid((judged[:n] + judged[n:]) / 2)
            for i in range(n):
                seen, whole = (masks[i, k].numpy().copy() for k in (0, 1))
                out.append(
                    Prediction(
                        windows[start + i], seen, whole, float(told[i, 0]), float(told[i, 1])
                    )
                )
    return out


def _in_photo(box: Box, rgb: np.ndarray) -> Box:
    """The box's part inside the photo."""
    if not np.isfinite(box).all():
        raise ObjectFailure("its box holds a value that is not a finite number")
    height, width = rgb.shape[:2]
    x0, y0 = max(0.0, float(box[0])), max(0.0, float(box[1]))
    x1, y1 = min(float(width), float(box[2])), min(float(height), float(box[3]))
    if x1 - x0 < 0.5 or y1 - y0 < 0.5:
        raise ObjectFailure(f"its box has no area inside the {width}x{height} photo")
    return (x0, y0, x1, y1)
