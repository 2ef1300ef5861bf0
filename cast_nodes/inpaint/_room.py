"""The background plate from a service's picture of the empty room.

Only the objects' pixels, their margin and their shadows are taken from the answer; all else
stays the photo's. An answer that shows another room, or the same objects, is refused.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ..errors import ObjectFailure
from ._align import Placed, align, moved
from .masks import blur, distance_to, grow, spread

WORST_ROOM = 24.0  # grey levels: mean difference beside the objects beyond which it is another room
LEAST_CHANGE = 5.0  # grey levels: less change than this where objects stood, and they still stand
SHADOW_REACH = 0.08  # how far from the objects shadows are looked for, share of the longer side
SEAM = 60.0  # grey levels of light that the answer may be brought to the photo's


def plate_from_answer(
    photo: np.ndarray, mask: np.ndarray, answer: np.ndarray, margin: float, shadows: bool
) -> np.ndarray:
    """The photo with the answer's pixels where objects stood.

    Args:
        photo: (H, W, 3) uint8.
        mask: (H, W) bool, all objects.
        answer: (h, w, 3) uint8, any size.
        margin: how far round the objects, share of the longer side.
        shadows: take what the answer has brightened beside the objects too.

    Returns:
        (H, W, 3) uint8.

    Raises:
        ObjectFailure: the answer shows another room, or the objects still.
    """
    height, width = mask.shape
    side = max(height, width)
    hole = grow(mask, max(1.0, margin * side))
    known = ~grow(hole, 0.01 * side)
    if not known.any():
        known = ~hole
    room, error = _laid(photo, answer, known)
    if known.any() and error > WORST_ROOM:
        raise ObjectFailure(
            f"the service's empty room does not match the photo (off by {error:.0f} grey levels)"
        )
    if known.any():
        room = room * _gain(photo[known], room[known])
    change = np.abs(room - photo).max(-1)
    if float(change[mask].mean()) < max(LEAST_CHANGE, 1.5 * error):
        raise ObjectFailure("the service's empty room still shows the objects")
    if shadows:
        hole = hole | _shadows(photo, room, hole, SHADOW_REACH * side)
    weight = (~hole).astype(np.float32)
    if weight.any():
        share = blur(weight, 3.0)[..., None]
        step = np.clip(photo - room, -SEAM, SEAM)
        local = blur(step * weight[..., None], 3.0) / np.maximum(share, 1e-3)
        carried = spread(local, np.minimum(1.0, 2 * share[..., 0]))
        far = 0.15 * side
        room = room + carried * np.exp(-distance_to(~hole) / far)[..., None]
    # The margin blends; of the objects themselves nothing shows.
    alpha = np.maximum(blur(hole.astype(np.float32), 1.2), mask)[..., None]
    alpha = np.where(alpha < 0.02, 0, alpha)
    mixed = photo * (1 - alpha) + room * alpha
    return np.clip(mixed.round(), 0, 255).astype(np.uint8)


def _laid(photo: np.ndarray, answer: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, float]:
    """(H, W, 3) float32: the answer over the photo, and its mean difference where known.

    The answer is stretched to the photo's size; a small zoom or shift is undone.
    """
    from PIL import Image

    height, width = known.shape
    side = max(height, width)
    stretched = Image.fromarray(answer).resize((width, height), Image.Resampling.BICUBIC)

    def squared(image: np.ndarray) -> np.ndarray:
        around = ((0, side - height), (0, side - width), (0, 0))
        return np.pad(image, around, mode="edge")

    ours, theirs = squared(photo), squared(np.asarray(stretched))
    weight = np.zeros((side, side), np.float32)
    weight[:height, :width] = known
    placed = align(theirs, ours, weight, np.zeros_like(weight))
    if abs(placed.scale - 1) > 0.25 or max(abs(placed.x), abs(placed.y)) > 0.25:
        placed = Placed(1.0, 0.0, 0.0, placed.error)
    if placed.scale == 1 and placed.x == 0 and placed.y == 0:
        laid = theirs.astype(np.float32)
    else:
        inner = moved(theirs, placed, side, np.zeros(3))
        there = moved(np.full((side, side, 1), 255.0), placed, side, np.zeros(1))[..., 0] > 250
        laid = np.where(there[..., None], inner, spread(inner, there.astype(np.float32)))
    laid = np.clip(laid[:height, :width], 0, 255).astype(np.float32)
    if not known.any():
        return laid, 0.0
    away = np.abs(blur(laid, 1.0) - blur(photo.astype(np.float32), 1.0)).max(-1)
    return laid, float(np.minimum(away, 100)[known].mean())


def _gain(photo: np.ndarray, room: np.ndarray) -> np.ndarray:
    """(3,) by what the answer's channels are brought to the photo's light; (N, 3) pixels each."""
    return np.clip(np.median((photo + 8.0) / (room + 8.0), 0), 0.7, 1.4)


def _shadows(photo: np.ndarray, room: np.ndarray, hole: np.ndarray, reach: float) -> np.ndarray:
    """(H, W) bool: pixels beside the hole that the answer has made brighter, keeping their tint."""
    # The objects' own colours must not bleed into what is compared beside them.
    weight = (~hole).astype(np.float32)[..., None]
    share = np.maximum(blur(weight, 1.5), 1e-3)
    before, after = (blur(image * weight, 1.5) / share for image in (photo, room))
    ratio = (after + 8) / (before + 8)
    gain = ratio.mean(-1)
    tint = np.abs(ratio - gain[..., None]).max(-1)
    bright = (gain > 1.06) & (tint < 0.12) & (distance_to(hole) < reach)
    reached = np.asarray(ndimage.binary_propagation(hole, mask=hole | bright))
    return reached & ~hole
