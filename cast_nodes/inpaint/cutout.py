"""From an object's colours and outline to its view: margin, soft edge, no halo, size."""

from __future__ import annotations

import numpy as np

from ..types import View
from . import InpaintItem, InpaintOptions
from .masks import blur, depth_in, spread, widened

EDGE_PX = 1.5  # colours this close to the outline may be mixed with the background's


def make_view(
    item: InpaintItem, rgb: np.ndarray, hidden: np.ndarray, options: InpaintOptions
) -> View:
    """The view of an item whose colours are complete.

    Args:
        rgb: (h, w, 3) uint8, colours where the object is visible or hidden.
        hidden: (h, w) bool, the completed part.
    """
    whole = item.visible | hidden
    rows, columns = np.flatnonzero(whole.any(1)), np.flatnonzero(whole.any(0))
    x0, y0, x1, y1 = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    margin = max(2, round(options.padding * max(x1 - x0, y1 - y0)))
    around = ((margin, margin), (margin, margin))
    cut = np.s_[y0:y1, x0:x1]
    whole, visible = np.pad(whole[cut], around), np.pad(item.visible[cut], around)
    rgb = np.pad(rgb[cut], (*around, (0, 0)))
    seen = np.pad(item.rgb[cut], (*around, (0, 0)))
    alpha = soft_edge(whole)
    colours = clean_edge(rgb, whole)
    crop = np.dstack([seen, np.where(visible, 255, 0)]).astype(np.uint8)
    rgba = np.dstack([colours, alpha]).astype(np.uint8)
    height, width = whole.shape
    scale = min(1.0, options.max_size / max(height, width))
    if scale < 1:
        size = max(1, round(height * scale)), max(1, round(width * scale))
        rgba, crop = shrink_rgba(rgba, size), shrink_rgba(crop, size)
    if options.ground == "white":
        rgba = np.where(rgba[..., 3:] == 0, np.array([255, 255, 255, 0], np.uint8), rgba)
    left, top = item.origin[0] + x0 - margin, item.origin[1] + y0 - margin
    return View(item.id, rgba, crop, (left, top, left + width, top + height))


def soft_edge(mask: np.ndarray) -> np.ndarray:
    """(h, w) uint8 anti-aliased alpha: 255 inside, a ramp of about two pixels at the outline.

    The ramp's half lies on the mask's outline. What is thinner than the ramp stays opaque in
    its middle.
    """
    blurred = blur(mask.astype(np.float32), 0.6)
    ramp = np.clip((blurred - 0.5) * 1.6 + 0.5, 0, 1)
    middle = mask & (depth_in(mask) > 1.0)
    thin = mask & ~widened(middle, 1)
    return np.where(middle | thin, 255, np.round(255 * ramp)).astype(np.uint8)


def clean_edge(rgb: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """(h, w, 3) uint8: the object's colours carried outwards over its outline.

    Pixels inside stay as they are; those at the outline, where the camera has mixed object
    and background, and those beyond it take the colour from within.
    """
    inner = depth_in(mask) > EDGE_PX
    # Thin parts have no inside: their own pixels must do.
    weight = np.where(inner, 1.0, np.where(mask, 1e-3, 0.0)).astype(np.float32)
    share = blur(weight, 1.5)[..., None]
    close = blur(rgb * weight[..., None], 1.5) / np.maximum(share, 1e-7)
    near = np.where(share[..., 0] > 1e-5, np.minimum(4 * share[..., 0], 1), 0)
    far = spread(close, near)
    keep = inner | (mask & ~widened(inner, 2))
    carried = np.where(share > 1e-5, close, far)
    return np.where(keep[..., None], rgb, np.clip(carried.round(), 0, 255)).astype(np.uint8)


def shrink_rgba(rgba: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Box-filtered (h, w, 4) uint8, straight alpha; colours weighed by alpha where there is any."""
    from PIL import Image

    def resize(channel: np.ndarray) -> np.ndarray:
        picture = Image.fromarray(channel.astype(np.float32))
        return np.asarray(picture.resize((size[1], size[0]), Image.Resampling.BOX))

    # A hint of weight keeps the colours under alpha 0.
    weight = rgba[..., 3].astype(np.float32) / 255 + 1e-3
    total = resize(weight)
    colours = [resize(rgba[..., c] * weight) / total for c in range(3)]
    stacked = np.dstack([*colours, resize(rgba[..., 3])])
    return np.clip(stacked.round(), 0, 255).astype(np.uint8)
