"""Pictures of numbers: holes filled smoothly, sizes changed."""

from __future__ import annotations

import numpy as np
from PIL import Image


def fill_smoothly(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Fills what is not known by pull-push: each hole takes the mean of ever wider surroundings.

    Gortler et al., "The Lumigraph", 1996, section 3.4.

    Args:
        values: (H, W, C) float; anything where not known.
        known: (H, W) bool, or float in 0..1 for how well: what is hardly known hardly counts and
            is itself drawn towards its surroundings.

    Returns:
        (H, W, C) float32; zeros when nothing is known.
    """
    weight = known.astype(np.float32)
    colour = np.where(weight[..., None] > 0, values * weight[..., None], 0).astype(np.float32)
    return _pull_push(colour, weight)


def _pull_push(colour: np.ndarray, weight: np.ndarray) -> np.ndarray:
    height, width = weight.shape
    if (weight > 0).all() or max(height, width) <= 1:
        return colour / np.maximum(weight, 1e-12)[..., None] if (weight > 0).any() else colour
    pad = ((0, height % 2), (0, width % 2))
    w = np.pad(weight, pad)
    c = np.pad(colour, (*pad, (0, 0)))
    half_w = w[::2, ::2] + w[1::2, ::2] + w[::2, 1::2] + w[1::2, 1::2]
    half_c = c[::2, ::2] + c[1::2, ::2] + c[::2, 1::2] + c[1::2, 1::2]
    full = np.maximum(half_w, 1.0)  # saturate: one known pixel counts as much as four
    coarse = _pull_push(half_c / full[..., None], half_w / full)
    up = resize_float(coarse, width + width % 2, height + height % 2)[:height, :width]
    own = np.clip(weight, 0, 1)[..., None]
    mean = colour / np.maximum(weight, 1e-12)[..., None]
    return own * mean + (1 - own) * up


def resize_float(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """(height, width, C) float32, bilinear with area weights when shrinking."""
    return np.stack(
        [
            np.asarray(
                Image.fromarray(np.ascontiguousarray(picture[..., c], np.float32)).resize(
                    (width, height), Image.Resampling.BILINEAR
                )
            )
            for c in range(picture.shape[-1])
        ],
        -1,
    )
