"""Where numbers go on a picture of marked objects: on their objects, never over each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

GRID_SIDE = 320
"""Places are looked for on a grid of about so many cells along the longer side."""

GAP_PX = 2
COVERING = 3.0
"""How much worse it is to lie on another object than one plate's width away from one's own."""


@dataclass(frozen=True)
class Plate:
    """Where one number is written.

    Attributes:
        box: (x0, y0, x1, y1) px of the plate, whole pixels, inside the picture.
        point: (x, y) px, the object's inner point.
        inside: the plate lies on the object; otherwise a line must lead to ``point``.
    """

    box: tuple[int, int, int, int]
    point: tuple[float, float]
    inside: bool


def inner_point(mask: np.ndarray) -> tuple[float, float, float]:
    """(x, y) px of the pixel of a (H, W) bool mask that is farthest from its edge, and how far.

    The picture's border counts as an edge. Zeros for an empty mask.
    """
    from scipy.ndimage import distance_transform_edt

    if not mask.any():
        return 0.0, 0.0, 0.0
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    y0, x0 = int(rows[0]), int(columns[0])
    part = np.pad(mask[y0 : rows[-1] + 1, x0 : columns[-1] + 1], 1)
    far = np.asarray(distance_transform_edt(part))
    y, x = np.unravel_index(int(far.argmax()), far.shape)
    return x0 + float(x) - 0.5, y0 + float(y) - 0.5, float(far.max())


def place_plates(
    masks: Sequence[np.ndarray], sizes: Sequence[tuple[int, int]]
) -> tuple[Plate, ...] | None:
    """A plate for each mask: no two overlap, all lie in the picture.

    A plate lies around its object's inner point where it fits in there, else beside the object
    where it hides least of the others.

    Args:
        masks: (H, W) bool, none of them empty.
        sizes: (width, height) px of the plates.

    Returns:
        In the order of the masks; None when there is no room for all of them.
    """
    if not masks:
        return ()
    height, width = masks[0].shape
    step = max(1, round(max(height, width) / GRID_SIDE))
    small = [_on_grid(mask, step) for mask in masks]
    rows, columns = small[0].shape
    xs, ys = (np.arange(columns) + 0.5) * step, (np.arange(rows) + 0.5) * step
    others = np.sum(small, axis=0, dtype=np.float32)
    placed: dict[int, Plate] = {}

    def free(size: tuple[int, int]) -> np.ndarray:
        """(h, w) bool, where the centre of a plate of that size may lie."""
        w, h = size
        ok = np.ones((rows, columns), bool)
        ok[:, (xs < w / 2 + 1) | (xs > width - w / 2 - 1)] = False
        ok[(ys < h / 2 + 1) | (ys > height - h / 2 - 1)] = False
        for plate in placed.values():
            x0, y0, x1, y1 = plate.box
            near_x = (xs > x0 - w / 2 - GAP_PX) & (xs < x1 + w / 2 + GAP_PX)
            near_y = (ys > y0 - h / 2 - GAP_PX) & (ys < y1 + h / 2 + GAP_PX)
            ok[np.ix_(near_y, near_x)] = False
        return ok

    points = [inner_point(mask) for mask in masks]
    fits = [points[i][2] > 0.6 * sizes[i][1] for i in range(len(masks))]
    # Those that can lie on their object go first, the smallest of them before the larger ones,
    # which have more room; then those that must find a place beside theirs.
    order = sorted(range(len(masks)), key=lambda i: (not fits[i], np.count_nonzero(small[i])))
    for i in order:
        ok = free(sizes[i])
        place = _inside(small[i], ok) if fits[i] else None
        inside = place is not None
        if place is None:
            place = _beside(small[i], others - small[i], ok, sizes[i], step)
        if place is None:
            return None
        w, h = sizes[i]
        x0, y0 = round(float(xs[place[1]]) - w / 2), round(float(ys[place[0]]) - h / 2)
        placed[i] = Plate((x0, y0, x0 + w, y0 + h), points[i][:2], inside)
    return tuple(placed[i] for i in range(len(masks)))


def _on_grid(mask: np.ndarray, step: int) -> np.ndarray:
    """(h, w) bool: cells of ``step`` pixels half covered; of a small mask, cells it touches."""
    rows, columns = -(-mask.shape[0] // step), -(-mask.shape[1] // step)
    full = np.zeros((rows * step, columns * step), bool)
    full[: mask.shape[0], : mask.shape[1]] = mask
    share = full.reshape(rows, step, columns, step).mean((1, 3))
    half = share >= 0.5
    return half if np.count_nonzero(half) >= 4 else share > 0


def _inside(mask: np.ndarray, ok: np.ndarray) -> tuple[int, int] | None:
    """The free cell farthest from the mask's edge, or None when the mask holds none."""
    from scipy.ndimage import distance_transform_edt

    far = np.asarray(distance_transform_edt(np.pad(mask, 1)))[1:-1, 1:-1]
    far = np.where(ok, far, 0.0)
    if not far.any():
        return None
    row, column = np.unravel_index(int(far.argmax()), far.shape)
    return int(row), int(column)


def _beside(
    mask: np.ndarray, others: np.ndarray, ok: np.ndarray, size: tuple[int, int], step: int
) -> tuple[int, int] | None:
    """The free cell near the mask where a plate hides least, or None when no cell is free."""
    from scipy.ndimage import distance_transform_edt, uniform_filter

    if not ok.any():
        return None
    w, h = max(1, round(size[0] / step)), max(1, round(size[1] / step))
    away = np.asarray(distance_transform_edt(~mask)) / w
    covered = others + 2 * mask.astype(np.float32)  # to hide the object itself is worse
    covered = uniform_filter(covered, (h, w), mode="nearest")  # type: ignore[arg-type]
    cost = np.where(ok, away + COVERING * np.asarray(covered), np.inf)
    row, column = np.unravel_index(int(cost.argmin()), cost.shape)
    return int(row), int(column)
