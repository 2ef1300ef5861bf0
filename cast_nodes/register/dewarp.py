"""Local depth correction: what floor and walls show of a point map's bend, carried to the objects.

Point maps of networks are bent smoothly by some per cent. A plane fitted over the whole floor is
right where the bend averages out, so at each of its pixels the observed depth over the plane's
depth is the bend there. Simple kriging (a Gaussian process with a squared exponential kernel;
Rasmussen and Williams 2006, ch. 2) carries it to the object in front: full strength beside the
floor, nothing where no plane is near.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..surfaces.ground import Ground
from ..surfaces.samples import Samples
from .window import Box

LENGTH = 0.09
"""Reach of the kernel over the picture, shares of its longer side …"""
LOG_DEPTH = 0.4
"""… and over log depth: beside each other in the picture is not beside each other in the room."""
CELLS = 20
"""Cells along the picture's longer side whose pixels make one witness."""
GATE = 0.1
"""A pixel lies on a plane when its depth is within this share of the plane's."""
FLOOR_DOUBT = (np.radians(0.4), 0.007)
"""How far the refitted floor may be off, one standard deviation: turned, and moved as a share …"""
WALL_DOUBT = (np.radians(2.0), 0.03)
"""… and walls, whose own pixels alone made them."""
LEAST_SPREAD, MOST_SPREAD = 0.0015, 0.055
"""Bends below are no bends, and above them the ground is no plane."""
MOST = 0.08
"""No depth is corrected by more than this."""
NUGGET = 0.3
"""Variance of a witness about the smooth bend, share of the bend's own."""
MOST_UNFORETOLD = 0.7
"""Share of the bend's variance that witnesses may fail to foretell of each other."""
FEWEST = 6
"""Fewer witnesses are not heard."""
NODES = 13
"""The correction is worked out at so many places along each side of a window."""


@dataclass(frozen=True, eq=False)
class Witnesses:
    """Pixels that lie on a plane of the room.

    Attributes:
        pixels: (n, 2) float64, (x, y) over the picture's longer side.
        at: (n, 2) int64, row and column in the photo.
        log_depth: (n,) of the observed depth.
        bend: (n,) log of observed over plane depth.
        doubt: (n, 3 planes) float64, how the bend would change if each plane were turned about
            either of its axes or moved by one standard deviation.
        spread: standard deviation of the bend over the picture.
        noise: standard deviation of single pixels about the bend.
        side: px, the picture's longer side.
    """

    pixels: np.ndarray
    at: np.ndarray
    log_depth: np.ndarray
    bend: np.ndarray
    doubt: np.ndarray
    spread: float
    noise: float
    side: int

    @property
    def reach_px(self) -> int:
        """px from a window within which witnesses are heard, and a little more."""
        return int(2.1 * LENGTH * self.side) + 4


def find_witnesses(samples: Samples, ground: Ground) -> Witnesses | None:
    """The pixels on floor and walls; None where they tell of no bend, or of no plane.

    Looks at no mask: those are left out object by object, see :func:`log_correction`.
    """
    if ground.floor is None or ground.floor[3] <= 0:
        return None
    bend = np.full(len(samples.points), np.nan)
    planes = (ground.floor, *ground.walls)
    doubt = np.zeros((len(samples.points), 3 * len(planes)))
    for index, plane in enumerate(planes):
        form = -plane[:3] * samples.unit / plane[3]
        ratio = samples.points @ form
        mine = np.isnan(bend) & (np.abs(ratio - 1) < GATE)
        bend[mine] = np.log(ratio[mine])
        turn_rad, shift = FLOOR_DOUBT if index == 0 else WALL_DOUBT
        sides = np.linalg.svd(plane[None, :3])[2][1:]
        on_plane = samples.points[mine] / ratio[mine, None]
        height = plane[3] / samples.unit
        doubt[mine, 3 * index : 3 * index + 2] = turn_rad / height * (on_plane @ sides.T)
        doubt[mine, 3 * index + 2] = shift
    chosen = np.isfinite(bend)
    if chosen.sum() < FEWEST * 4:
        return None
    pixels = samples.pixels[chosen]
    values = bend[chosen]
    _, means, counts = _cells(pixels, np.stack([values, values**2], 1))
    if len(means) < FEWEST:
        return None
    mean, square = means.T
    variance = float(np.median(np.maximum(square - mean**2, 0) * counts / (counts - 1)))
    total = (1.4826 * float(np.median(np.abs(mean)))) ** 2
    spread = np.sqrt(max(0.0, total - variance / float(np.median(counts))))
    if not LEAST_SPREAD <= spread <= MOST_SPREAD:
        return None
    return Witnesses(
        pixels=pixels,
        at=samples.at[chosen],
        log_depth=np.log(samples.points[chosen, 2] * samples.unit),
        bend=bend[chosen],
        doubt=doubt[chosen],
        spread=float(spread),
        noise=float(np.sqrt(variance)),
        side=samples.side,
    )


def log_correction(
    witnesses: Witnesses,
    box: Box,
    size: tuple[int, int],
    depth: float,
    masks: Sequence[tuple[np.ndarray, Box]],
) -> np.ndarray | None:
    """(h, w) float32, log of observed over true depth for a thing in the window; None if untold.

    Args:
        box: the window's (x0, y0, x1, y1), px of the photo.
        size: (w, h) of the answer.
        depth: the object's typical depth.
        masks: (H, W) bool and the box it fills, of all objects that may cover witnesses near
            the window.
    """
    x0, y0, x1, y1 = (v / witnesses.side for v in box)
    x, y = witnesses.pixels.T
    reach = 2 * LENGTH
    near = (x > x0 - reach) & (x < x1 + reach) & (y > y0 - reach) & (y < y1 + reach)
    near &= np.abs(witnesses.log_depth - np.log(depth)) < 2 * LOG_DEPTH
    rows, columns = witnesses.at[near].T
    free = np.ones(len(rows), bool)
    beside = max(2, round(0.006 * witnesses.side))
    for mask, filled in masks:
        inside = (rows >= filled[1] - beside) & (rows < filled[3] + beside) & free
        inside = np.flatnonzero(
            inside & (columns >= filled[0] - beside) & (columns < filled[2] + beside)
        )
        free[inside] = ~_covered(mask, rows[inside], columns[inside], beside)
    chosen = np.flatnonzero(near)[free]
    values = np.column_stack(
        [witnesses.bend[chosen], witnesses.log_depth[chosen], witnesses.doubt[chosen]]
    )
    centres, means, counts = _cells(witnesses.pixels[chosen], values)
    if len(centres) < FEWEST:
        return None
    bend, log_depth, doubt = means[:, 0], means[:, 1], means[:, 2:] / witnesses.spread
    noise = NUGGET + (witnesses.noise / witnesses.spread) ** 2 / counts
    matrix = _kernel(centres, centres) * _alike(log_depth[:, None] - log_depth)
    matrix += doubt @ doubt.T  # what a plane that is off makes all its witnesses say
    inverse = np.linalg.inv(matrix + np.diag(noise))
    weight = inverse @ bend
    # Each witness foretold by the others (Rasmussen and Williams 2006, eq. 5.12): a bend that
    # they cannot foretell is rough ground, and says nothing about the object either.
    unforetold = weight / inverse.diagonal()
    if (unforetold**2).mean() > MOST_UNFORETOLD * (bend**2).mean():
        return None
    weight *= _alike(log_depth - np.log(depth))
    across, along = np.linspace(x0, x1, NODES), np.linspace(y0, y1, NODES)
    nodes = np.stack(np.meshgrid(across, along), -1).reshape(-1, 2)
    coarse = (_kernel(nodes, centres) @ weight).clip(-MOST, MOST).reshape(NODES, NODES)
    if np.abs(coarse).max() < LEAST_SPREAD / 10:
        return None
    row = (np.arange(size[1]) + 0.5) / size[1] * (NODES - 1)
    column = (np.arange(size[0]) + 0.5) / size[0] * (NODES - 1)
    where = np.meshgrid(row, column, indexing="ij")
    return ndimage.map_coordinates(coarse, where, order=1, output=np.float32, mode="nearest")


def _covered(mask: np.ndarray, rows: np.ndarray, columns: np.ndarray, reach: int) -> np.ndarray:
    """(n,) bool, pixels in a mask or ``reach`` beside it: masks end early and depth bleeds."""
    height, width = mask.shape
    covered = mask[rows, columns]
    for down, right in ((-reach, 0), (reach, 0), (0, -reach), (0, reach)):
        beside = (rows + down).clip(0, height - 1), (columns + right).clip(0, width - 1)
        covered = covered | mask[beside]
    return covered


def _cells(pixels: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centres (k, 2), mean values (k, c) and counts (k,) of the cells with at least 4 pixels."""
    cell = np.floor(pixels * CELLS).astype(int)
    _, inverse, counts = np.unique(
        cell[:, 1] * (CELLS + 1) + cell[:, 0], return_inverse=True, return_counts=True
    )
    inverse = inverse.ravel()
    both = np.concatenate([pixels, values], 1)
    sums = np.stack([np.bincount(inverse, c, len(counts)) for c in both.T], 1)
    full = counts >= 4
    means = sums[full] / counts[full, None]
    return means[:, :2], means[:, 2:], counts[full]


def _kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(n, m) squared exponential over the picture."""
    squared = ((a[:, None] - b[None]) ** 2).sum(-1)
    return np.exp(-squared / (2 * LENGTH**2))


def _alike(difference: np.ndarray) -> np.ndarray:
    """Squared exponential over log depth."""
    return np.exp(-(difference**2) / (2 * LOG_DEPTH**2))
