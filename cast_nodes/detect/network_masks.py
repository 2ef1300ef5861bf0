"""Masks by the mask network: batches of boxes (and clicks) in, full-resolution masks out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..errors import ObjectFailure
from .box_mask import Crop
from .colour_mixture import mixture_ratio
from .graph_cut import Edges
from .mask_network import SIDE_PX, click_map, load_network, network_input
from .mask_tools import guided_filter, refine, resize_map, resize_rgb, tidy
from .mask_window import Window, cut, paste, window_of
from .ssd import Box

BATCH = 16
OUTSIDE = -8.0
"""Logit of pixels beyond the network's window."""

CUT_PX = 160
"""Longest side at which network and colours are settled by a graph cut."""

NETWORK_SAYS, COLOURS_SAY = 3.0, 1.5
"""Weights of the network's logits and of the colours' log ratio against the cut's smoothness;
chosen on rendered crops of held-out models."""

SURE, FEWEST = 2.5, 20
"""Logit from which the network's word teaches colours, and the fewest pixels to learn from."""

BLUR_PX = 0.6


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
            both = torch.cat([asked, asked.flip(3)])
            masks, judged = network(both.contiguous(memory_format=torch.channels_last))
            n = len(asked)
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


def mask_of(
    rgb: np.ndarray,
    prediction: Prediction,
    area: tuple[int, int, int, int],
    box: Box,
    extra_log_odds: np.ndarray | None = None,
) -> np.ndarray:
    """(h, w) bool, the seen mask in a part of the photo, its border drawn along the picture's.

    Args:
        rgb: (h, w, 3) uint8, that part.
        area: (x0, y0, x1, y1) px of it in the photo.
        box: in the part's pixels; small holes and specks are judged by it.
        extra_log_odds: (h, w) of "object" from another source, added to the network's.
    """
    logits = prediction.logits(area)
    if extra_log_odds is not None:
        logits = logits + extra_log_odds
    side = prediction.seen.shape[0]
    window = prediction.window
    cell = max(window.x1 - window.x0, window.y1 - window.y0) / side
    if cell > 1.2:
        # Enlarged logits have soft borders: the picture's edges say where they run.
        soft = 1 / (1 + np.exp(-logits))
        soft = guided_filter(rgb.astype(np.float32) / 255, soft, max(1, round(1.5 * cell)), 4e-4)
        mask = soft > 0.5
    else:
        mask = logits > 0
    return tidy(mask, box) if mask.any() else mask


def network_mask_in_crop(
    crop: Crop, prediction: Prediction, extra_log_odds: np.ndarray | None = None
) -> np.ndarray:
    """(h, w) bool, the mask in a crop of :func:`crop_around`, by the network alone.

    Raises:
        ObjectFailure: the network sees nothing there.
    """
    x, y = crop.origin
    h, w = crop.rgb.shape[:2]
    mask = mask_of(crop.rgb, prediction, (x, y, x + w, y + h), crop.box, extra_log_odds)
    if not mask.any():
        raise ObjectFailure("nothing in its box looks like one thing")
    return mask


def fused_mask_in_crop(
    crop: Crop, prediction: Prediction, extra_log_odds: np.ndarray | None = None
) -> np.ndarray:
    """(h, w) bool, the mask in a crop by the network and by colours.

    The network's logits, the log ratio of two colour mixtures learned where it is sure, and the
    picture's edges, settled by one graph cut.

    Raises:
        ObjectFailure: nothing in the box looks like one thing.
    """
    from scipy.ndimage import gaussian_filter
    from skimage.color import rgb2lab

    (x, y), (height, width) = crop.origin, crop.rgb.shape[:2]
    scale = min(1.0, CUT_PX / max(height, width))
    h, w = max(1, round(height * scale)), max(1, round(width * scale))
    area = (x, y, x + width, y + height)
    logits = paste(prediction.seen, prediction.window, area, OUTSIDE, (h, w))
    lab = gaussian_filter(
        rgb2lab(resize_rgb(crop.rgb, w, h)).astype(np.float64), (BLUR_PX, BLUR_PX, 0)
    )
    odds = NETWORK_SAYS * logits
    front, back = _sure(logits), _sure(-logits)
    if front.any() and back.any():
        odds = odds + COLOURS_SAY * mixture_ratio(lab, front, back)
    if extra_log_odds is not None:
        odds = odds + resize_map(np.asarray(extra_log_odds, np.float32), w, h)
    mask = Edges(lab).cut(odds)
    box = (
        crop.box[0] * w / width,
        crop.box[1] * h / height,
        crop.box[2] * w / width,
        crop.box[3] * h / height,
    )
    mask = tidy(mask, box) if mask.any() else mask
    if not mask.any():
        raise ObjectFailure("nothing in its box looks like one thing")
    return mask if scale == 1.0 else refine(crop.rgb, mask, crop.box)


def _sure(logits: np.ndarray) -> np.ndarray:
    """(h, w) bool, where the logits say yes for sure; where they nowhere do, their best."""
    sure = logits > SURE
    if np.count_nonzero(sure) < FEWEST:
        sure = logits >= max(np.sort(logits, axis=None)[-min(FEWEST, logits.size)], 0.0)
    return sure


def whole_in_photo(prediction: Prediction, height: int, width: int, seen: np.ndarray) -> np.ndarray:
    """(H, W) bool, the thing's whole outline: what is seen of it, and what others hide."""
    return (paste(prediction.whole, prediction.window, (0, 0, width, height), OUTSIDE) > 0) | seen
