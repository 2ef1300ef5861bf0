"""Things without a class: compact, closed parts of the foreground that no detection covers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..boxes import Box, mask_box
from .foreground import SIDE_PX, Foreground
from .mask_tools import components, resize_map

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
    from scipy.ndimage import binary_dilation, binary_opening

    odds = foreground.odds
    start = threshold(odds)
    grown = np.asarray(binary_dilation(claimed, iterations=2), bool)
    found = [p for p in plants(foreground, grown) if p.score >= least_score]
    for level in (start, 0.5 * (1 + start)):
        core = np.asarray(binary_opening((odds > level) & ~grown, np.ones((3, 3))), bool)
        parts, count = components(core)
        for number in range(1, count + 1):
            for part in split(parts == number, foreground):
                proposal = judge(with_leaves(part, foreground, grown), foreground)
                if proposal is not None and proposal.score >= least_score:
                    found.append(proposal)
    # The lower level comes first: whole things rather than their most striking parts.
    kept: list[Proposal] = []
    for item in found:
        if all(_overlap(item.mask, other.mask) < 0.3 for other in kept):
            kept.append(item)
    return sorted(kept, key=lambda p: -p.score)[:most]


def plants(foreground: Foreground, claimed: np.ndarray) -> list[Proposal]:
    """Green regions: leaves are too dark and too torn for contrast to show them as one thing."""
    colour = foreground.lab[foreground.labels]
    green = (colour[..., 1] < LEAF_GREEN) & (colour[..., 2] > -LEAF_GREEN) & ~claimed
    if green.mean() > 0.25:  # a lawn or a green room
        return []
    closed = _closed(green)
    parts, count = components(closed & ~claimed)
    found = [judge(parts == n, foreground) for n in range(1, count + 1)]
    return [Proposal(p.mask, p.box, max(p.score, GREEN_SCORE)) for p in found if p is not None]


GREEN_SCORE = 0.6
"""Few things but plants are green: such a region counts at least as this."""


def split(part: np.ndarray, foreground: Foreground, depth: int = 0) -> list[np.ndarray]:
    """A region cut into the things it consists of, as long as a cut is cheap and leaves solids.

    Normalised cuts (Shi and Malik 2000) over superpixels: neighbours belong together by their
    colour and the length of their common border.
    """
    labels = np.where(part, foreground.labels, -1)
    names, index = np.unique(labels[part], return_inverse=True)
    area = np.count_nonzero(part)
    if depth >= 3 or len(names) < 6 or area < 2 * SMALLEST * part.size:
        return [part]
    if np.mean(foreground.lab[names, 1] < LEAF_GREEN) > 0.4:  # leaves are many, a plant is one
        return [part]
    local = np.full(part.shape, -1)
    local[part] = index
    affinity = np.zeros((len(names), len(names)))
    for p, q in ((local[:, :-1], local[:, 1:]), (local[:-1], local[1:])):
        touching = (p != q) & (p >= 0) & (q >= 0)
        np.add.at(affinity, (p[touching], q[touching]), 1.0)
    affinity = affinity + affinity.T
    lab = foreground.lab[names]
    square = ((lab[:, None] - lab[None]) ** 2).sum(-1)
    affinity *= np.exp(-square / (2 * SAME_THING_LAB**2)) + 0.02
    degree = affinity.sum(1) + 1e-9
    root = 1 / np.sqrt(degree)
    order = np.linalg.eigh(np.eye(len(names)) - root[:, None] * affinity * root)[1][:, 1] * root
    ranked = np.argsort(order, kind="stable")
    best, best_cut = None, CHEAP_CUT
    size = np.bincount(index, minlength=len(names))
    for k in range(1, len(names)):
        side = np.zeros(len(names), bool)
        side[ranked[:k]] = True
        if min(size[side].sum(), size[~side].sum()) < SMALLEST * part.size:
            continue
        between = affinity[np.ix_(side, ~side)].sum()
        cost = between / degree[side].sum() + between / degree[~side].sum()
        if cost < best_cut:
            best, best_cut = side, cost
    if best is None:
        return [part]
    first = part & (local >= 0) & best[np.maximum(local, 0)]
    halves = [_largest(first), _largest(part & ~first)]
    whole = solidity(part)
    needed = whole + 0.05 if best_cut < SURE_CUT else max(0.72, whole)
    if min(solidity(h) for h in halves) < needed:
        return [part]
    return [piece for half in halves for piece in split(half, foreground, depth + 1)]


SAME_THING_LAB = 14.0
CHEAP_CUT = 0.2
SURE_CUT = 0.06
LEAF_GREEN = -5.0


def with_leaves(part: np.ndarray, foreground: Foreground, claimed: np.ndarray) -> np.ndarray:
    """A green region with the green around it: leaves are parted by gaps and shadows."""
    green = (foreground.lab[:, 1] < LEAF_GREEN)[foreground.labels]
    if not part.any() or np.mean(green[part]) < 0.4:
        return part
    spread = _closed((green & ~claimed) | part)
    parts, _ = components(spread)
    touched = np.unique(parts[part])
    return np.isin(parts, touched[touched > 0]) & ~claimed


def solidity(part: np.ndarray) -> float:
    """Share of its convex hull that a region fills."""
    from skimage.morphology import convex_hull_image

    hull = np.asarray(convex_hull_image(part, offset_coordinates=False))
    return np.count_nonzero(part) / max(1, np.count_nonzero(hull))


def _closed(mask: np.ndarray) -> np.ndarray:
    """The mask with gaps of up to four pixels closed, at the picture's frame too."""
    from scipy.ndimage import binary_closing

    padded = binary_closing(np.pad(mask, 4), np.ones((3, 3)), iterations=2)
    return np.asarray(padded, bool)[4:-4, 4:-4]


def _largest(mask: np.ndarray) -> np.ndarray:
    parts, _ = components(mask)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return parts == sizes.argmax()


def judge(part: np.ndarray, foreground: Foreground) -> Proposal | None:
    """Whether a region looks like a thing: size, closed border, contrast, free of the frame."""
    from scipy.ndimage import binary_dilation, binary_erosion

    h, w = part.shape
    area = np.count_nonzero(part)
    if not SMALLEST * h * w <= area <= LARGEST * h * w:
        return None
    box = mask_box(part)
    width, height = box[2] - box[0], box[3] - box[1]
    if min(width, height) < 0.02 * max(h, w):
        return None
    edge = part & np.logical_not(binary_erosion(part))
    frame = np.zeros(part.shape, bool)
    for strip in (frame[:2], frame[-2:], frame[:, :2], frame[:, -2:]):
        strip[:] = True
    cut = np.count_nonzero(part & frame) / max(1, np.count_nonzero(edge)) / 2
    # Along the floor's edge or the ceiling, contrast is a wall's, not a thing's.
    if cut > 0.3 or (width > 0.9 * w and height < 0.2 * h):
        return None
    near = np.asarray(binary_dilation(part), bool)
    ring = np.asarray(binary_dilation(part, iterations=4), bool) & ~near
    if not ring.any():
        return None
    inside = float(foreground.odds[part].mean())
    around = float(foreground.odds[ring].mean())
    apart = np.clip((inside - around) / 0.5, 0, 1)
    score = apart * np.clip(inside / 0.7, 0, 1) * np.clip(solidity(part) / 0.5, 0.2, 1) * (1 - cut)
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
