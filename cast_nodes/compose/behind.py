"""What the room is like behind its objects, where nobody saw it.

Each surface seen around an object may go on behind it, but none that lies before it there: a pillar
that hides half a shelf ends where the shelf begins. Of several the farther ones are preferred
(background first, as in filling what a moved camera uncovers: Oh, Yea and Ho, "Hole filling method
using depth based in-painting for view synthesis", 2009), and they are not blended, so that no
slope connects them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage, sparse

from ..frames import Sim3, project
from .smooth import fill_smoothly

JUMP = 0.08
"""Neighbours whose depths differ by more than this share, and are no slope, lie on two surfaces."""
MOSTLY = 0.8
"""Nearer surfaces go on only where they make up this share of what is seen around."""
BEYOND = 1.01
"""What is filled in lies this many times as far as the object before it."""
BESIDE = 3
"""Cells around what is unknown in which a surface counts as seen beside it."""
MOST_SURFACES = 12


@dataclass(frozen=True, eq=False)
class Occupied:
    """Where objects are, on the lattice.

    Attributes:
        front: (R, C) depth of the object seen there, NaN where none was measured.
        back: (R, C) depth where the last placed object ends, NaN for none.
    """

    front: np.ndarray
    back: np.ndarray

    def nearest(self, reach: float) -> np.ndarray:
        """(R, C) depth of the nearest object seen within ``reach`` cells, NaN for none."""
        size = 2 * int(np.ceil(reach)) + 1
        low = ndimage.minimum_filter(np.nan_to_num(self.front, nan=np.inf), size)
        return np.where(np.isfinite(low), low, np.nan)

    def hides(self, depth: np.ndarray, reach: float) -> np.ndarray:
        """(R, C) bool, where what is seen hides the objects beside it, so it is no rim of theirs."""
        with np.errstate(invalid="ignore"):
            return np.asarray(depth < (1 - JUMP) * self.nearest(reach))


def occupied(
    front: np.ndarray,
    bodies: Sequence[np.ndarray],
    pose: Sim3,
    intrinsics: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
) -> Occupied:
    """Where objects are.

    Args:
        front: (R, C) measured depth at objects' pixels, NaN elsewhere.
        bodies: per placed object (n, 3) world points on its surface.
        pose: world from camera.
        x, y: (C,) and (R,) px, the lattice's lines.
    """
    back = np.zeros(front.shape)
    camera = pose.inverse()
    for body in bodies:
        points = camera.apply(body)
        points = points[points[:, 2] > 0]
        at = project(points, intrinsics)
        inside = np.all((at >= 0) & (at <= [x[-1], y[-1]]), axis=1)
        column = np.searchsorted((x[1:] + x[:-1]) / 2, at[inside, 0])
        row = np.searchsorted((y[1:] + y[:-1]) / 2, at[inside, 1])
        np.maximum.at(back, (row, column), points[inside, 2])
    back = ndimage.maximum_filter(back, 3)  # samples lie some way apart
    return Occupied(front, np.where(back > 0, back, np.nan))


def filled_behind(
    departure: np.ndarray,
    planes: np.ndarray,
    moved: np.ndarray,
    closed: np.ndarray,
    objects: Occupied,
    tolerance: float,
) -> np.ndarray:
    """(R, C) departures, carried on where they are not known.

    Args:
        departure: (R, C) log of depth over that of the planes as found, NaN where unknown.
        planes: (R, C) depth of the planes.
        moved: (R, C) log of how much farther that is than where they were found.
        closed: (R, C) bool, where nothing is behind the planes.
        objects: what the filled surfaces must lie behind.
        tolerance: smaller departures are none.
    """
    found = planes * np.exp(-moved)
    known = np.isfinite(departure)
    if known.all() or not known.any():
        return np.where(known, departure, 0.0)
    with np.errstate(invalid="ignore"):
        off = known & (np.abs(departure) > tolerance)
    pieces = _pieces(departure, found, off, known)
    layers = [known & ~off]
    for piece in pieces:
        layers += [piece, np.where(piece, departure, 0.0)]
    filled = fill_smoothly(np.stack(layers, -1).astype(np.float64), known).astype(np.float64)

    front, back = _least(objects.front, found, closed), _least(objects.back, found, closed)
    share = [filled[..., 0], *(filled[..., i] for i in range(1, filled.shape[-1], 2))]
    amount = [np.zeros(departure.shape)]
    amount += [
        filled[..., i] / np.maximum(filled[..., i - 1], 1e-6) for i in range(2, filled.shape[-1], 2)
    ]
    # The planes were made to hold what is placed; only a measurement tells that they are open.
    fit = [front - moved <= 2 * tolerance]
    fit += [own >= np.maximum(front, back) - tolerance for own in amount[1:]]
    chosen, none = _farthest_of_most(np.stack(amount), np.stack(share), np.stack(fit))
    nearer = np.where(chosen == 0, -np.inf, np.maximum(front, back))
    carried = np.maximum(np.take_along_axis(np.stack(amount), chosen[None], 0)[0], nearer)
    carried = np.where(none, _pockets(front, none & ~known), carried)
    return np.where(known, departure, carried)


def _least(depth: np.ndarray, planes: np.ndarray, closed: np.ndarray) -> np.ndarray:
    """(R, C) departure that lies just behind a depth; -inf where there is none."""
    with np.errstate(invalid="ignore"):
        least = np.nan_to_num(np.log(BEYOND * depth / planes), nan=-np.inf)
    # Neighbours share triangles.
    least = ndimage.maximum_filter(least, 3)
    return np.where(closed, np.minimum(least, 0.0), least)


def _pieces(
    departure: np.ndarray, planes: np.ndarray, off: np.ndarray, known: np.ndarray
) -> list[np.ndarray]:
    """(R, C) bool each, the surfaces off the planes that are seen beside what is unknown."""
    label = surfaces(departure, planes, off)
    beside = off & np.asarray(ndimage.binary_dilation(~known, iterations=BESIDE), bool)
    number, count = np.unique(label[beside], return_counts=True)
    largest = number[np.argsort(-count, kind="stable")][:MOST_SURFACES]
    return [label == i for i in largest]


def surfaces(departure: np.ndarray, planes: np.ndarray, where: np.ndarray) -> np.ndarray:
    """(R, C) int, a number for each surface: what hangs together there without jumps; else -1."""
    index = np.arange(where.size).reshape(where.shape)
    with np.errstate(invalid="ignore"):
        depth = np.log(planes) + departure
        links = []
        for one, other in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
            far = np.abs(depth[one] - depth[other]) > JUMP
            step = np.abs(departure[one] - departure[other]) > JUMP / 4
            same = where[one] & where[other] & ~(far & step)
            links.append(np.stack([index[one][same], index[other][same]]))
    a, b = np.concatenate(links, 1)
    graph = sparse.coo_matrix((np.ones(len(a)), (a, b)), shape=(where.size, where.size))
    label = sparse.csgraph.connected_components(graph, directed=False)[1]
    return np.where(where, label.reshape(where.shape), -1)


def _farthest_of_most(
    amount: np.ndarray, share: np.ndarray, fit: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(R, C) which of (K, R, C) surfaces goes on, and where none fits.

    The planes, the first, where they are more than the rest beside the most; else the farthest
    surface that is, together with those behind it.
    """
    share = np.where(fit, share, 0.0)
    share = share / np.maximum(share.sum(0), 1e-9)
    order = np.argsort(-amount, axis=0, kind="stable")
    upto = np.cumsum(np.take_along_axis(share, order, 0), axis=0)
    first = (upto > 1 - MOSTLY).argmax(0)
    chosen = np.take_along_axis(order, first[None], 0)[0]
    chosen = np.where(fit[0] & ((share[0] > 1 - MOSTLY) | (upto[-1] < 0.5)), 0, chosen)
    return chosen, np.asarray(~fit.any(0))


def _pockets(least: np.ndarray, where: np.ndarray) -> np.ndarray:
    """(R, C) the largest least departure of each connected part, 0 elsewhere."""
    label = np.zeros(where.shape, np.int64)
    count = ndimage.label(where, np.ones((3, 3)), output=label)
    if not count:
        return np.zeros(where.shape)
    most = np.asarray(ndimage.maximum(least, label, np.arange(int(count) + 1)))  # type: ignore
    return np.where(where, most[label], 0.0)
