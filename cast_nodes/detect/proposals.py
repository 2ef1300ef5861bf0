"""Things without a class: compact, closed parts of the foreground that no detection covers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .foreground import SIDE_PX, Foreground
from .mask_tools import resize_map
from .overlaps import mask_box
from .ssd import Box

SMALLEST = 0.004
"""Least area of a thing, as a share of the photo."""

LARGEST = 0.6


@dataclass(frozen=True, eq=False)
class Proposal:
    """One region that looks like a thing.

    Attributes:
        mask: (h, w) bool, on the foreground's small picture.
        box: (x0, y0, x1, y1) in the small picture's pixels.
        score: 0..1, how well it stands apart from what is around it.
    """

    mask: np.ndarray
    box: Box
    score: float


def threshold(odds: np.ndarray) -> float:
    """Where foreground begins: Otsu's threshold, held within what the measure means."""
    from skimage.filters import threshold_otsu

    if float(np.ptp(odds)) < 1e-6:
        return 1.0
    return float(np.clip(threshold_otsu(odds), 0.3, 0.5))


def propose(
    foreground: Foreground, claimed: np.ndarray, most: int, least_score: float
) -> list[Proposal]:
    """At most ``most`` regions of the foreground outside ``claimed``, best first.

    Args:
        foreground: of the small picture.
        claimed: (h, w) bool, pixels of things that were found already.
    """
    from scipy.ndimage import binary_dilation, binary_opening, label

    odds = foreground.odds
    start = threshold(odds)
    grown = binary_dilation(claimed, iterations=2)
    found: list[Proposal] = []
    for level in (start, 0.5 * (1 + start)):
        core = (odds > level) & ~grown
        core = binary_opening(core, np.ones((3, 3)), iterations=1)
        parts, count = label(core)
        for number in range(1, count + 1):
            part = parts == number
            proposal = judge(part, foreground)
            if proposal is not None and proposal.score >= least_score:
                found.append(proposal)
    found.sort(key=lambda p: -p.score)
    kept: list[Proposal] = []
    for item in found:
        if all(_overlap(item.mask, other.mask) < 0.3 for other in kept):
            kept.append(item)
    return kept[:most]


def judge(part: np.ndarray, foreground: Foreground) -> Proposal | None:
    """Whether a region looks like a thing: size, closed border, contrast, free of the frame."""
    from scipy.ndimage import binary_dilation, binary_erosion
    from skimage.morphology import convex_hull_image

    h, w = part.shape
    area = np.count_nonzero(part)
    if not SMALLEST * h * w <= area <= LARGEST * h * w:
        return None
    box = mask_box(part)
    width, height = box[2] - box[0], box[3] - box[1]
    if min(width, height) < 0.02 * max(h, w):
        return None
    edge = part & ~binary_erosion(part)
    frame = np.zeros(part.shape, bool)
    frame[:2], frame[-2:], frame[:, :2], frame[:, -2:] = True, True, True, True
    cut = np.count_nonzero(part & frame) / max(1, np.count_nonzero(edge)) / 2
    # Along the floor's edge or the ceiling, contrast is a wall's, not a thing's.
    if cut > 0.3 or (width > 0.9 * w and height < 0.2 * h):
        return None
    solidity = area / max(1, np.count_nonzero(convex_hull_image(part, offset_coordinates=False)))
    ring = binary_dilation(part, iterations=4) & ~binary_dilation(part, iterations=1)
    if not ring.any():
        return None
    inside = float(foreground.odds[part].mean())
    around = float(foreground.odds[ring].mean())
    apart = np.clip((inside - around) / 0.5, 0, 1)
    score = apart * np.clip(inside / 0.7, 0, 1) * np.clip(solidity / 0.5, 0.2, 1) * (1 - cut)
    return Proposal(part, box, float(score))


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Shared pixels as a share of the smaller."""
    smaller = min(np.count_nonzero(a), np.count_nonzero(b))
    return np.count_nonzero(a & b) / max(1, smaller)


def small_size(width: int, height: int) -> tuple[int, int]:
    """(width, height) of the picture on which the foreground is sought."""
    factor = min(1.0, SIDE_PX / max(width, height))
    return max(1, round(width * factor)), max(1, round(height * factor))


def shrink(masks: Sequence[np.ndarray], width: int, height: int) -> np.ndarray:
    """(height, width) bool, the union of full-size masks on the small picture."""
    out = np.zeros((height, width), bool)
    for mask in masks:
        out |= resize_map(mask.astype(np.float32), width, height) > 0.3
    return out
