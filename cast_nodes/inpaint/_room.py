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

ROOM_SIDE = 1536  # px, longer side of the photo that the empty room is asked with
WORST_ROOM = 24.0  # grey levels: mean difference beside the objects beyond which it is another room
LEAST_CHANGE = 5.0  # grey levels: less change than this where objects stood, and they still stand
LEAST_SHADOW = 7.0  # grey levels of change that are seen as a shadow
SHADOW_REACH = 0.15  # how far from the objects shadows are looked for, share of the longer side
SEAM = 10.0  # grey levels: differences beyond this count little for the light at the hole's edge


def shown_room(photo: np.ndarray) -> np.ndarray:
    """The (H, W, 3) uint8 photo as large as editors are shown it."""
    from PIL import Image

    height, width = photo.shape[:2]
    scale = min(1.0, ROOM_SIDE / max(height, width))
    if scale == 1:
        return photo
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(Image.fromarray(photo).resize(size, Image.Resampling.LANCZOS))


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
    change = np.abs(room - photo).max(-1)
    if float(change[mask].mean()) < max(LEAST_CHANGE, 1.5 * error):
        raise ObjectFailure("the service's empty room still shows the objects")
    if shadows:
        hole = hole | _changed(photo, room, hole, known, SHADOW_REACH * side)
    if (~hole).any():
        step = photo - room
        # What differs much is a shadow or a rim of the objects, not the room's light.
        doubt = np.abs(blur(step, 1.5)).max(-1) / SEAM
        weight = ~hole / (1 + doubt**2)
        share = blur(weight, 4.0)[..., None]
        local = blur(step * weight[..., None], 4.0) / np.maximum(share, 1e-3)
        carried = spread(local.astype(np.float32), np.minimum(1.0, 2 * share[..., 0]))
        far = 0.15 * side
        room = room + carried * np.exp(-distance_to(~hole) / far)[..., None]
    # The margin blends; of the objects themselves nothing shows.
    alpha = np.maximum(blur(hole.astype(np.float32), 1.2), mask)[..., None]
    alpha = np.where(alpha < 0.02, 0, alpha)
    mixed = photo * (1 - alpha) + room * alpha
    return np.clip(mixed.round(), 0, 255).astype(np.uint8)


def _laid(photo: np.ndarray, answer: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, float]:
    """(H, W, 3) float32: the answer over the photo, and its mean difference where known.

    The answer is stretched to the photo's size and brought to its light; a small zoom or shift
    is undone.
    """
    from PIL import Image

    height, width = known.shape
    side = max(height, width)
    stretched = Image.fromarray(answer).resize((width, height), Image.Resampling.BICUBIC)

    def squared(image: np.ndarray) -> np.ndarray:
        around = ((0, side - height), (0, side - width), (0, 0))
        return np.pad(image, around, mode="edge")

    relit = np.asarray(stretched, np.float32)
    if known.any():
        relit = np.clip(relit * _gain(photo[known], relit[known]), 0, 255)
    ours, theirs = squared(photo), squared(relit.astype(np.uint8))
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


def _changed(
    photo: np.ndarray, room: np.ndarray, hole: np.ndarray, known: np.ndarray, reach: float
) -> np.ndarray:
    """(H, W) bool: pixels by the hole where the answer shows something else than the photo.

    These are shadows, reflections, and parts of the objects that their masks have missed.
    """
    # The objects' own colours must not bleed into what is compared beside them.
    weight = (~hole).astype(np.float32)[..., None]
    share = np.maximum(blur(weight, 1.5), 1e-3)
    before, after = (blur(image * weight, 1.5) / share for image in (photo, room))
    away = np.abs(after - before).max(-1)
    far = known & (distance_to(hole) > reach)
    usual = float(np.median(away[far if far.any() else ~hole])) if (~hole).any() else 0.0
    differs = (away > max(LEAST_SHADOW, 3 * usual)) & (distance_to(hole) < reach)
    reached = np.asarray(ndimage.binary_propagation(hole, mask=hole | differs))
    # The borders of shadows fade: some pixels more.
    return (grow(reached & ~hole, 0.01 * max(hole.shape)) | reached) & ~hole
