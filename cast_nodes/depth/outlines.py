"""Objects reduced to what metrology needs: outline, where it is cut, what lies below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from .class_sizes import ClassSize

DIRECTIONS = 24
"""Directions of the support function, evenly around, first to the right, then downwards."""


def unit_directions() -> np.ndarray:
    """(DIRECTIONS, 2) unit vectors, x right, y down."""
    angle = np.arange(DIRECTIONS) * (2 * np.pi / DIRECTIONS)
    return np.stack([np.cos(angle), np.sin(angle)], -1)


@dataclass(frozen=True, eq=False)
class Outline:
    """One object in the working picture.

    Attributes:
        index: position in the list of objects.
        label, size_prior: its class.
        mask: (H, W) bool.
        support: (DIRECTIONS,) px, largest extent of the hull along each direction, from the
            picture's corner.
        cut: (DIRECTIONS,) 0..1, how much that extent is only a lower bound, because the
            picture's border or something nearer cuts the object there.
        below: share of the pixels just below the object per other object's index.
        box: (4,) x0, y0, x1, y1 of the mask, px.
    """

    index: int
    label: str
    size_prior: ClassSize
    mask: np.ndarray
    support: np.ndarray
    cut: np.ndarray
    box: np.ndarray
    below: dict[int, float] = field(default_factory=dict)

    @property
    def foot(self) -> np.ndarray:
        """(2,) px: middle of the lowest edge."""
        return np.array([0.5 * (self.box[0] + self.box[2]), self.box[3]])

    @property
    def foot_seen(self) -> bool:
        """Its lowest edge is neither cut by the picture nor hidden."""
        return bool(self.cut[DIRECTIONS // 4] < 0.5)

    @property
    def top_seen(self) -> bool:
        """Its highest edge is neither cut by the picture nor hidden."""
        return bool(self.cut[3 * DIRECTIONS // 4] < 0.5)


def rim_points(mask: np.ndarray) -> np.ndarray:
    """(k, 2) px: both outer corners of every row's first and last pixel; they span the hull."""
    rows = np.flatnonzero(mask.any(1))
    first = mask[rows].argmax(1)
    last = mask.shape[1] - mask[rows][:, ::-1].argmax(1)
    x = np.concatenate([first, first, last, last])
    y = np.concatenate([rows, rows + 1, rows, rows + 1])
    return np.stack([x, y], -1).astype(np.float64)


def connected(mask: np.ndarray) -> tuple[np.ndarray, int]:
    """(H, W) int label of the connected parts (diagonals count), 0 outside, and their number."""
    from skimage.measure import label

    parts = np.asarray(label(mask, background=0, connectivity=2))
    return parts, int(parts.max(initial=0))


def tidy(mask: np.ndarray) -> np.ndarray:
    """Without crumbs: parts below 3 % of the largest are dropped."""
    label, count = connected(mask)
    if count <= 1:
        return mask
    size = np.bincount(label.ravel())
    size[0] = 0
    return (size > 0.03 * size.max())[label] & mask


def make_outlines(
    masks: Sequence[np.ndarray], labels: Sequence[str], priors: Sequence[ClassSize]
) -> list[Outline]:
    """Outlines of all objects that have pixels, with cuts by the border and by one another."""
    if not len(masks):
        return []
    height, width = masks[0].shape
    masks = [tidy(m) for m in masks]
    owner = np.full((height, width), -1)
    for index, mask in enumerate(masks):
        owner[mask & (owner < 0)] = index
    bottoms = [np.flatnonzero(m.any(1)).max(initial=-1) for m in masks]
    directions = unit_directions()
    found = []
    for index, mask in enumerate(masks):
        if not mask.any():
            continue
        points = rim_points(mask)
        along = points @ directions.T
        support = along.max(0)
        low, high = points.min(0), points.max(0)
        size = float(np.max(high - low))
        below = _below(mask, owner, index)
        # Something hides this object where it touches it and stands nearer (its foot is
        # lower in the picture), unless this object stands on it.
        hiders = [
            other for other in range(len(masks))
            if other != index and bottoms[other] > bottoms[index] + 0.02 * height
        ]  # fmt: skip
        cut = np.zeros(DIRECTIONS)
        reach = max(2.0, 0.02 * size)
        for k, direction in enumerate(directions):
            extreme = points[along[:, k] > support[k] - max(1.0, 0.03 * size)]
            edge = (
                ((extreme[:, 0] <= 2) & (direction[0] < -0.2))
                | ((extreme[:, 0] >= width - 2) & (direction[0] > 0.2))
                | ((extreme[:, 1] <= 2) & (direction[1] < -0.2))
                | ((extreme[:, 1] >= height - 2) & (direction[1] > 0.2))
            )
            beyond = np.round(extreme + reach * direction - 0.5).astype(int)
            beyond[:, 0] = beyond[:, 0].clip(0, width - 1)
            beyond[:, 1] = beyond[:, 1].clip(0, height - 1)
            hidden = np.isin(owner[beyond[:, 1], beyond[:, 0]], hiders)
            # One free extreme point is enough to know the extent, many hidden ones are not.
            cut[k] = float(np.mean(edge | hidden) > 0.5 or np.mean(edge) > 0.2)
        found.append(
            Outline(index, labels[index], priors[index], mask, support, cut,
                    np.concatenate([low, high]), below)
        )  # fmt: skip
    return found


def _below(mask: np.ndarray, owner: np.ndarray, index: int) -> dict[int, float]:
    """Who owns the pixels just under the lower rim: {owner: share}; -1 is none of them."""
    height = mask.shape[0]
    columns = np.flatnonzero(mask.any(0))
    last = height - 1 - mask[::-1, columns].argmax(0)
    lowest = last.max()
    extent = max(3, int(np.ptp(np.flatnonzero(mask.any(1)))) if mask.any() else 3)
    rim = last > lowest - 0.2 * extent
    step = max(2, round(0.006 * height))
    under = np.minimum(last[rim] + step, height - 1)
    inside = last[rim] + step < height
    owners = np.where(inside, owner[under, columns[rim]], -1)
    owners = owners[owners != index]
    if not len(owners):
        return {-1: 1.0}
    values, counts = np.unique(owners, return_counts=True)
    return {int(v): float(c) / len(owners) for v, c in zip(values, counts, strict=True)}
