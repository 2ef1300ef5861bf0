"""Straight line segments by grouping gradient orientations.

After Burns, Hanson and Riseman, "Extracting Straight Lines", PAMI 1986: pixels of equal
quantised gradient orientation that touch form line support regions; two partitions, shifted
by half a bin, vote, so that no line is broken where a bin ends.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

BINS = 12
"""Orientation bins per partition (30 degrees each), light-to-dark and dark-to-light apart."""


@dataclass(frozen=True, eq=False)
class Segments:
    """Line segments of a picture.

    Attributes:
        ends: (n, 2, 2) float64, both ends (x, y), px.
        weight: (n,) how much each should count, in 0..1 (parallel neighbours share).
    """

    ends: np.ndarray
    weight: np.ndarray

    def __len__(self) -> int:
        return len(self.ends)

    @property
    def length(self) -> np.ndarray:
        """(n,) px."""
        return np.linalg.norm(self.ends[:, 1] - self.ends[:, 0], axis=1)

    @property
    def middle(self) -> np.ndarray:
        """(n, 2) px."""
        return self.ends.mean(1)

    @property
    def direction(self) -> np.ndarray:
        """(n, 2) unit."""
        step = self.ends[:, 1] - self.ends[:, 0]
        return step / np.maximum(np.linalg.norm(step, axis=1, keepdims=True), 1e-9)

    def where(self, keep: np.ndarray) -> Segments:
        """Those with keep (n,) bool."""
        return Segments(self.ends[keep], self.weight[keep])


def find_segments(
    grey: np.ndarray, min_length_px: float | None = None, limit: int = 500
) -> Segments:
    """The longest straight segments of a grey picture.

    Args:
        grey: (H, W) float, any scale that has 0..255 in mind.
        min_length_px: default 3 % of the longer side.
        limit: at most so many, longest first.
    """
    grey = np.asarray(grey, np.float64)
    height, width = grey.shape
    if min_length_px is None:
        min_length_px = max(5.0, 0.03 * max(height, width))
    none = Segments(np.zeros((0, 2, 2)), np.zeros(0))
    if min(height, width) < 8:
        return none
    smooth = ndimage.gaussian_filter(grey, 1.0)
    gy, gx = np.gradient(smooth)
    strength = np.hypot(gx, gy)
    threshold = max(1.2, 0.6 * float(np.percentile(strength, 80)))
    threshold = min(threshold, 6.0)
    strong = strength > threshold
    if not strong.any():
        return none
    angle = np.arctan2(gy, gx) / (2 * np.pi)
    regions = [_regions(angle + shift, strong) for shift in (0.0, 0.5 / BINS)]
    lengths = [_fit(r, strength)[1] for r in regions]
    # Each pixel votes for the longer of its two regions; a region needs most of its pixels.
    per_pixel = [np.append(0.0, length)[r] for length, r in zip(lengths, regions, strict=True)]
    first_wins = per_pixel[0] >= per_pixel[1]
    found = []
    for region, wins in zip(regions, (first_wins, ~first_wins), strict=True):
        count = np.bincount(region.ravel(), minlength=region.max() + 1)
        votes = np.bincount(region[wins], minlength=len(count))
        keep = votes > 0.5 * count
        keep[0] = False
        ends, length, breadth = _fit(np.where(keep[region], region, 0), strength)
        good = (length >= min_length_px) & (breadth < np.maximum(1.6, 0.06 * length))
        found.append(ends[good])
    ends = np.concatenate(found)
    if not len(ends):
        return none
    order = np.argsort(-np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1), kind="stable")
    ends = ends[order[:limit]]
    return Segments(ends, _shared_weight(ends, max(height, width)))


def _regions(turn: np.ndarray, strong: np.ndarray) -> np.ndarray:
    """(H, W) int labels of connected pixels with gradient in one bin; 0 where weak."""
    from skimage.measure import label

    bins = (np.floor(turn * BINS).astype(np.int64) % BINS) + 1
    return np.asarray(label(np.where(strong, bins, 0), background=0, connectivity=2))


def _fit(region: np.ndarray, strength: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Per label 1..max: ends (n, 2, 2), length (n,) and breadth (n,, std across) in px.

    Weighted principal axis; the ends are the extreme pixels along it. Labels without pixels
    get zeros.
    """
    count = int(region.max())
    y, x = np.nonzero(region)
    label = region[y, x]
    weight = strength[y, x]
    x, y = x + 0.5, y + 0.5

    def total(values: np.ndarray) -> np.ndarray:
        return np.bincount(label, values, minlength=count + 1)[1:]

    mass = np.maximum(total(weight), 1e-12)
    mx, my = total(weight * x) / mass, total(weight * y) / mass
    dx, dy = x - mx[label - 1], y - my[label - 1]
    sxx, syy = total(weight * dx * dx) / mass, total(weight * dy * dy) / mass
    sxy = total(weight * dx * dy) / mass
    theta = 0.5 * np.arctan2(2 * sxy, sxx - syy)
    ux, uy = np.cos(theta), np.sin(theta)
    along = dx * ux[label - 1] + dy * uy[label - 1]
    low, high = np.full(count + 1, np.inf), np.full(count + 1, -np.inf)
    np.minimum.at(low, label, along)
    np.maximum.at(high, label, along)
    low = np.where(np.isfinite(low), low, 0.0)[1:]
    high = np.where(np.isfinite(high), high, 0.0)[1:]
    spread = 0.5 * (sxx + syy) - np.hypot(0.5 * (sxx - syy), sxy)
    centre, axis = np.stack([mx, my], -1), np.stack([ux, uy], -1)
    ends = np.stack([centre + low[:, None] * axis, centre + high[:, None] * axis], 1)
    return ends, high - low, np.sqrt(np.maximum(spread, 0.0))


def _shared_weight(ends: np.ndarray, size: float) -> np.ndarray:
    """1 / (1 + the longer or equal parallel neighbours): both edges of a bar count as about one."""
    step = ends[:, 1] - ends[:, 0]
    length = np.maximum(np.linalg.norm(step, axis=1), 1e-9)
    unit = step / length[:, None]
    parallel = np.abs(unit @ unit.T) > np.cos(np.radians(2.5))
    apart = ends.mean(1)[None] - ends.mean(1)[:, None]
    across = np.abs(apart[..., 0] * -unit[:, None, 1] + apart[..., 1] * unit[:, None, 0])
    along = np.abs(apart[..., 0] * unit[:, None, 0] + apart[..., 1] * unit[:, None, 1])
    near = (across < 0.02 * size) & (along < 0.5 * (length[:, None] + length[None]))
    near &= parallel & (length[None] >= 0.8 * length[:, None])
    np.fill_diagonal(near, False)
    return 1.0 / (1.0 + near.sum(1))
