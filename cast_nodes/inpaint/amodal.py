"""Guessing an object's whole outline from what is seen of it.

The object may go on only under the things in front of it. Guesses are joined: what somebody tells
who has learned how things go on (the mask network, :func:`outline_in_photo`), the mirror
image about the best vertical axis (furniture mostly is symmetric, and seen from the front so
is its picture), and what is bridged: pixels between two seen parts of a row or column, and
narrow notches (a convex hull would fill the air beside every table leg).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..boxes import as_box, mask_box
from ..mask_network.predict import Query, predict
from .masks import close_pockets, distance_to

GUESS_SIDE = 256  # px, longest side at which outlines are guessed
NOTCH = 0.06  # half width of the notches that are filled, share of the object's size
MOST_GROWTH = 1.5  # hidden parts are at most so many times what is seen


@dataclass(frozen=True, eq=False)
class Guess:
    """Where the object goes on.

    Attributes:
        hidden: (h, w) bool, the object's pixels under the things in front of it.
        axis: x of the vertical mirror axis in px (pixel x goes to 2 axis - x - 1), or None
            when the object shows no mirror symmetry.
    """

    hidden: np.ndarray
    axis: float | None


def guess_hidden(visible: np.ndarray, front: np.ndarray, told: np.ndarray | None = None) -> Guess:
    """Guesses the hidden part.

    Args:
        visible: (h, w) bool, what is seen; at least one pixel.
        front: (h, w) bool, pixels of the things in front.
        told: (h, w) bool, the whole thing as somebody else sees it, or None.
    """
    front = front & ~visible
    if not front.any() or not visible.any():
        return Guess(np.zeros_like(visible), None)
    step = max(1, int(np.ceil(max(visible.shape) / GUESS_SIDE)))
    seen, before = _shrink(visible, step), _shrink(front, step) & ~_shrink(visible, step)
    if not seen.any() or not before.any():
        return Guess(np.zeros_like(visible), None)
    axis = mirror_axis(seen, before)
    whole = seen if axis is None else seen | (mirrored(seen, axis) & before)
    notch = max(2, round(NOTCH * max(np.ptp(np.nonzero(seen), axis=1))))
    whole = whole | bridged(whole, before) | (close_pockets(whole, notch) & before)
    if told is not None:
        whole = whole | (_shrink(told & front, step) & before)
    whole = np.asarray(ndimage.binary_closing(whole, iterations=2), bool) | whole
    # Slivers along the outline are masks that do not quite meet.
    hidden = np.asarray(ndimage.binary_opening(whole & before, np.ones((3, 3))), bool)
    hidden = _limited(_attached(hidden | seen, seen) & before, seen)
    full = np.repeat(np.repeat(hidden, step, 0), step, 1)[: visible.shape[0], : visible.shape[1]]
    if step > 1:  # staircases of the small picture
        blurred = np.asarray(ndimage.gaussian_filter((full | visible).astype(np.float32), step))
        full = blurred > 0.5
    full = _attached((full & front) | visible, visible) & front
    return Guess(full, None if axis is None else axis * step)


def outline_in_photo(photo: np.ndarray, visible: np.ndarray, origin: tuple[int, int]) -> np.ndarray:
    """(h, w) bool, the whole thing as the mask network sees it.

    Args:
        photo: (H, W, 3) uint8.
        visible: (h, w) bool, what is seen of the thing in a window of the photo.
        origin: (x, y) photo pixel of the window's top-left corner.
    """
    x, y = origin
    box = as_box(np.add(mask_box(visible), [x, y, x, y]))
    told = predict(photo, [Query(box)])[0]
    return told.outline((x, y, x + visible.shape[1], y + visible.shape[0]))


def mirror_axis(seen: np.ndarray, front: np.ndarray) -> float | None:
    """x of the vertical axis about which the seen part is most symmetric, or None.

    For every axis at once, by correlating rows: how much of the seen part falls on itself,
    and how much falls on open background, where the object is known not to be.
    """
    open_ground = ~(seen | front)
    width = seen.shape[1]
    size = 2 * width
    spectrum = np.fft.rfft(seen.astype(float), size, axis=1)
    overlap = np.fft.irfft((spectrum**2).sum(0), size)[: 2 * width - 1]
    ground = np.fft.rfft(open_ground.astype(float), size, axis=1)
    against = np.fft.irfft((spectrum * ground).sum(0), size)[: 2 * width - 1]
    total = float(seen.sum())
    # The sum of a pixel's x and its mirror image's is constant: shift = 2 axis - 1.
    score = (overlap - 1.5 * against) / total
    shift = int(score.argmax())
    if overlap[shift] < 0.4 * total or against[shift] > 0.08 * total:
        return None
    return (shift + 1) / 2


def mirrored(image: np.ndarray, axis: float) -> np.ndarray:
    """(h, w[, C]) reflected about the vertical line x = axis; zero where it comes from outside."""
    width = image.shape[1]
    source = round(2 * axis) - 1 - np.arange(width)
    valid = (source >= 0) & (source < width)
    out = np.zeros_like(image)
    out[:, valid] = image[:, source[valid]]
    return out


def bridged(seen: np.ndarray, front: np.ndarray) -> np.ndarray:
    """(h, w) bool: pixels of ``front`` between two seen ones of their row or column.

    All pixels between the two must be of ``front``, so nothing crosses open background.
    """
    out = np.zeros_like(front)
    for flip in (False, True):
        here, over = (seen.T, front.T) if flip else (seen, front)
        columns = np.arange(here.shape[1])
        before = np.maximum.accumulate(np.where(over, -1, columns), 1)
        after = np.minimum.accumulate(np.where(over, len(columns), columns)[:, ::-1], 1)[:, ::-1]
        both = over & (before >= 0) & (after < len(columns))
        rows = np.arange(here.shape[0])[:, None]
        both &= here[rows, np.maximum(before, 0)]
        both &= here[rows, np.minimum(after, len(columns) - 1)]
        out |= both.T if flip else both
    return out


def _shrink(mask: np.ndarray, step: int) -> np.ndarray:
    """Blocks of step x step, True where any pixel is."""
    height, width = mask.shape
    padded = np.pad(mask, ((0, -height % step), (0, -width % step)))
    rows, columns = padded.shape[0] // step, padded.shape[1] // step
    return np.asarray(padded.reshape(rows, step, columns, step).any((1, 3)))


def _attached(mask: np.ndarray, seed: np.ndarray) -> np.ndarray:
    """The parts of the mask that hang together with the seed (8 neighbours)."""
    return ndimage.binary_propagation(seed & mask, structure=np.ones((3, 3)), mask=mask)


def _limited(hidden: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """At most MOST_GROWTH times the seen area: the pixels nearest to what is seen."""
    most = int(MOST_GROWTH * np.count_nonzero(seen))
    if np.count_nonzero(hidden) <= most:
        return hidden
    away = np.where(hidden, distance_to(seen), np.inf)
    return hidden & (away <= np.partition(away.ravel(), most)[most])
