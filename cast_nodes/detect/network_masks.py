"""The mask network's word as a mask of the photo: its border, and what the colours say of it."""

from __future__ import annotations

import numpy as np

from ..boxes import Box
from ..errors import ObjectFailure
from ..mask_network.predict import OUTSIDE, Prediction
from ..mask_network.window import paste
from .box_mask import Crop
from .colour_mixture import mixture_ratio
from .graph_cut import Edges
from .mask_tools import guided_filter, refine, resize_map, resize_rgb, tidy

CUT_PX = 160
"""Longest side at which network and colours are settled by a graph cut."""

NETWORK_SAYS, COLOURS_SAY = 3.0, 1.5
"""Weights of the network's logits and of the colours' log ratio against the cut's smoothness;
chosen on rendered crops of held-out models."""

SURE, FEWEST = 2.5, 20
"""Logit from which the network's word teaches colours, and the fewest pixels to learn from."""

BLUR_PX = 0.6


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
