"""How the point map departs from the room's planes, on a lattice over the picture.

Each lattice vertex has a view ray; the planes end it at one depth, the point map at another. What
counts is the logarithm of their quotient: 0 on the planes, negative in front of them, positive
behind (a niche, an open door). Bends and noise of the map are cut off, so planes stay planes.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..frames import Sim3, unproject
from ..planes import Plane
from ..types import Geometry
from .behind import JUMP, filled_behind, occupied
from .planes import exit_distance

CELLS = 200
"""Lattice cells along the picture's longer side."""
ENDS = 1.5
"""An edge is over within three cells: over five it rises less than this many times as much."""
LEAST_DEPARTURE, MOST_DEPARTURE = 0.012, 0.04
"""Departures below about three deviations of the map's noise are none, within these bounds; …"""
CLEAR = 1.6
"""… a departure reaches this many times as far somewhere, …"""
SMALLEST = 0.0004
"""… and covers this share of the picture."""
SMALL_HOLE = 0.01
"""Pixels without a depth are filled from around them where they cover less of the picture than
this; larger ones (the sky) are left to the planes."""
FRINGE = 0.02
"""What lies so near an object (share of the picture's longer side), and hardly anywhere else, is
the object's own rim: masks end early and depth bleeds."""
SMOOTHING = 3
ALONG = 7
"""Samples along a lattice edge that tell where a jump is."""


@dataclass(frozen=True, eq=False)
class Lattice:
    """Vertices (R + 1, C + 1) over the picture.

    Attributes:
        x, y: (C + 1,) and (R + 1,) px, the lattice's lines.
        planes: (R + 1, C + 1) depth at which the planes end each ray.
        departure: (R + 1, C + 1) log of depth over that of the planes, 0 where there is none.
        jumps_x, jumps_y: (R + 1, C) and (R, C + 1) where on its edge to the next vertex the
            surface jumps, 0..1; NaN where it goes on.
    """

    x: np.ndarray
    y: np.ndarray
    planes: np.ndarray
    departure: np.ndarray
    jumps_x: np.ndarray
    jumps_y: np.ndarray

    @property
    def pixels(self) -> np.ndarray:
        """(R + 1, C + 1, 2)."""
        return np.stack(np.meshgrid(self.x, self.y), -1)


def ray_depths(
    planes: Sequence[Plane], pose: Sim3, intrinsics: np.ndarray, pixels: np.ndarray
) -> np.ndarray:
    """(...) depth along the camera's z at which planes end the rays of (..., 2) pixels; inf."""
    rays = pose.rotate(unproject(pixels, np.ones(pixels.shape[:-1]), intrinsics))
    ends = exit_distance(planes, pose.translation, rays.reshape(-1, 3))
    return ends.reshape(pixels.shape[:-1])


def make_lattice(
    geometry: Geometry,
    objects: np.ndarray,
    pose: Sim3,
    planes: Sequence[Plane],
    found: Sequence[Plane],
    others: Sequence[Plane],
    far: float,
    bodies: Sequence[np.ndarray] = (),
) -> Lattice | None:
    """The lattice of a point map; None when it has no background.

    Args:
        objects: (H, W) bool, pixels of objects; behind them goes on what is seen around them.
        pose: world from camera.
        planes: the room, each facing inwards; a plane named "backdrop" has nothing behind it.
        found: the same planes where they were seen; what lies on those lies on the planes.
        others: planes that bound nothing (levels, slopes); departures near one lie on it.
        far: depth where no plane ends a ray.
        bodies: per placed object (n, 3) world points, which what is not seen lies behind.
    """
    height, width = objects.shape
    reach = max(1, round(max(height, width) / 200))
    hidden = np.asarray(ndimage.maximum_filter(objects, 2 * reach + 1), bool)
    with np.errstate(invalid="ignore"):
        valid = geometry.valid & (geometry.depth > 0)
    if (valid & ~hidden).mean() < 0.01:
        return None
    step = max(1.0, max(height, width) / CELLS)
    x, y = _lines(width, step), _lines(height, step)
    pixels = np.stack(np.meshgrid(x, y), -1)
    seen = np.where(valid & ~objects, geometry.depth, np.nan)
    column, row = _nearest(pixels, width, height)
    front = _sampled(np.where(valid & objects, geometry.depth, np.nan), pixels, step)
    things = occupied(front, bodies, pose, geometry.intrinsics, x, y)
    depth = _sampled(seen, pixels, step)
    doubtful = hidden[row, column] & ~things.hides(depth, 2)
    depth = np.where(
        hidden[row, column],
        np.where(doubtful, np.nan, depth),
        _sampled(np.where(hidden, np.nan, seen), pixels, step),
    )
    end = ray_depths(planes, pose, geometry.intrinsics, pixels)
    closed = np.where(np.isfinite(end), end, far)
    was = ray_depths(found, pose, geometry.intrinsics, pixels)
    moved = np.log(closed / np.where(np.isfinite(was), was, far))
    departure = np.log(depth / closed) + moved
    backdrop = next((p for p in planes if p.name == "backdrop"), None)
    ends_there = np.zeros(closed.shape, bool)
    if backdrop is not None:
        rest = [p for p in planes if p is not backdrop]
        ends_there = ray_depths(rest, pose, geometry.intrinsics, pixels) > closed * 1.000001
        departure = np.where(ends_there & (departure > 0), 0.0, departure)
    departure = _sharpened(departure, closed * np.exp(-moved))
    tolerance = _tolerance(departure)
    reach = FRINGE * max(height, width) / step
    hides = things.hides(closed * np.exp(departure - moved), reach)
    beside = _near(objects[row, column], reach) & ~hides
    departure = _without_fringes(departure, beside, tolerance)
    departure = _without_large_holes(departure, valid[row, column] | hidden[row, column])
    departure = filled_behind(departure, closed, moved, ends_there, things, tolerance)
    departure = _from_moved(_clear_ones(departure, tolerance), moved)
    if not departure.any():
        nowhere = np.full((len(y), len(x) - 1), np.nan), np.full((len(y) - 1, len(x)), np.nan)
        return Lattice(x, y, closed, departure, *nowhere)
    departure = _on_others(departure, closed, others, pose, geometry.intrinsics, pixels, tolerance)
    jumps = _jumps(closed * np.exp(departure), departure)
    departure = _smoothed(departure, *jumps)
    lattice = Lattice(x, y, closed, departure, *_places(jumps, seen, objects, pixels))
    return lattice


def _lines(size: int, step: float) -> np.ndarray:
    """Lattice lines across ``size`` pixels, at pixels' centres but for the outermost."""
    number = max(2, round(size / step))
    at = np.linspace(0, size, number + 1)
    at[1:-1] = np.clip(np.floor(at[1:-1]), 0, size - 1) + 0.5
    return np.unique(at)


def _nearest(pixels: np.ndarray, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Column and row of the pixels that hold (..., 2) places."""
    at = np.clip(np.floor(pixels).astype(np.int64), 0, [width - 1, height - 1])
    return at[..., 0], at[..., 1]


def _sampled(depth: np.ndarray, pixels: np.ndarray, step: float) -> np.ndarray:
    """The median depth of the nine pixels about each place; NaN where its own pixel has none."""
    height, width = depth.shape
    apart = max(1.0, step / 3)
    column, row = _nearest(pixels, width, height)
    around = [
        depth[_nearest(pixels + np.array([dx, dy]), width, height)[::-1]]
        for dx in (-apart, 0.0, apart)
        for dy in (-apart, 0.0, apart)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # all nine NaN
        median = np.nanmedian(around, 0)
    return np.where(np.isfinite(depth[row, column]), median, np.nan)


def _sharpened(departure: np.ndarray, planes: np.ndarray) -> np.ndarray:
    """Depths between two surfaces, of which sensors and networks make some at each edge, moved to
    the nearer one (toggle mapping, Serra and Vincent 1992).

    A slope is no edge: against the planes or along the view it hardly changes, or it goes on.
    """
    known = np.isfinite(departure)

    def bounds(values: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
        low = ndimage.minimum_filter(np.where(known, values, np.inf), size)
        return low, ndimage.maximum_filter(np.where(known, values, -np.inf), size)

    low, high = bounds(departure, 3)
    wide_low, wide_high = bounds(departure, 5)
    near, far = bounds(departure + np.log(planes), 3)
    with np.errstate(invalid="ignore"):
        edge = known & (high - low > JUMP) & (far - near > JUMP)
        edge &= wide_high - wide_low < ENDS * (high - low)
        return np.where(edge, np.where(departure - low < high - departure, low, high), departure)


def _tolerance(departure: np.ndarray) -> float:
    """Three deviations of what lies near the planes, within bounds."""
    with np.errstate(invalid="ignore"):
        near = np.abs(departure[np.abs(departure) < MOST_DEPARTURE])
    spread = 1.4826 * float(np.median(near)) if len(near) else 0.0
    return float(np.clip(3 * spread, LEAST_DEPARTURE, MOST_DEPARTURE))


def _near(where: np.ndarray, reach: float) -> np.ndarray:
    """(R, C) bool, within ``reach`` cells of where it is."""
    if not where.any():
        return where
    return np.asarray(ndimage.distance_transform_edt(~where)) < reach


def _without_fringes(departure: np.ndarray, beside: np.ndarray, tolerance: float) -> np.ndarray:
    """Departures towards the camera that lie mostly beside objects become unknown."""
    with np.errstate(invalid="ignore"):
        front = departure < -tolerance
    label, count = _labelled(front, np.ones((3, 3)))
    if not count:
        return departure
    size = np.bincount(label.ravel(), minlength=count + 1)
    touching = np.bincount(label.ravel(), beside.ravel(), minlength=count + 1)
    fringe = touching > 0.6 * size
    # Of larger things only the rim that touches an object is doubtful; they keep it.
    fringe[0] = False
    return np.where(fringe[label], np.nan, departure)


def _labelled(where: np.ndarray, structure: np.ndarray | None = None) -> tuple[np.ndarray, int]:
    """Connected parts numbered from 1, and how many they are."""
    label = np.zeros(where.shape, np.int64)
    count = ndimage.label(where, structure, output=label)
    return label, int(count)  # type: ignore[arg-type]


def _without_large_holes(departure: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Departures with 0 in large areas where nothing is there: the sky is left to the planes."""
    label, count = _labelled(~there)
    if not count:
        return departure
    large = np.bincount(label.ravel(), minlength=count + 1) > SMALL_HOLE * label.size
    large[0] = False
    return np.where(large[label], 0.0, departure)


def _clear_ones(departure: np.ndarray, tolerance: float) -> np.ndarray:
    """Only departures that are clear somewhere and large enough; 0 elsewhere."""
    out = np.zeros_like(departure)
    for side in (departure > tolerance, departure < -tolerance):
        label, count = _labelled(side)
        if not count:
            continue
        number = np.arange(count + 1)
        size = np.bincount(label.ravel(), minlength=count + 1)
        highest = ndimage.maximum(np.abs(departure), label, number)
        good = (size >= max(4, SMALLEST * label.size)) & (highest > CLEAR * tolerance)
        good[0] = False
        out = np.where(good[label], departure, out)
    return out


def _from_moved(departure: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """Departures from the planes as found, made departures from where they are: what lay behind
    them and does so no more is gone."""
    behind, before = np.maximum(departure - moved, 0), np.minimum(departure - moved, 0)
    return np.where(departure > 0, behind, np.where(departure < 0, before, 0.0))


def _on_others(
    departure: np.ndarray,
    closed: np.ndarray,
    others: Sequence[Plane],
    pose: Sim3,
    intrinsics: np.ndarray,
    pixels: np.ndarray,
    tolerance: float,
) -> np.ndarray:
    """Departures near one of the other planes moved onto it."""
    best = np.full(departure.shape, tolerance)
    out = departure
    for plane in others:
        end = ray_depths([plane], pose, intrinsics, pixels)
        with np.errstate(divide="ignore", invalid="ignore"):
            there = np.log(end / closed)
            off = np.abs(there - departure)
        near = (departure != 0) & np.isfinite(there) & (off < best)
        out = np.where(near, there, out)
        best = np.where(near, off, best)
    return out


def _jumps(depth: np.ndarray, departure: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(R + 1, C) and (R, C + 1) bool: edges across which the surface jumps."""

    def along_rows(z: np.ndarray, r: np.ndarray) -> np.ndarray:
        inverse = 1 / z
        padded = np.pad(inverse, ((0, 0), (1, 1)), mode="reflect", reflect_type="odd")
        before = 2 * inverse[:, :-1] - padded[:, :-3]  # what goes on from the left
        after = 2 * inverse[:, 1:] - padded[:, 3:]  # and from the right
        left, right = inverse[:, :-1], inverse[:, 1:]
        scale = np.minimum(left, right)
        off = np.minimum(np.abs(before - right), np.abs(after - left)) / scale
        far = np.abs(np.log(z[:, 1:] / z[:, :-1])) > JUMP
        step = np.abs(r[:, 1:] - r[:, :-1]) > JUMP / 4
        return far & step & (off > JUMP / 2)

    return along_rows(depth, departure), along_rows(depth.T, departure.T).T


def _smoothed(departure: np.ndarray, jumps_x: np.ndarray, jumps_y: np.ndarray) -> np.ndarray:
    """Noise taken out along the surface: each departure drawn to its neighbours' on the same one."""
    own = departure != 0
    free_x = ~jumps_x & own[:, 1:] & own[:, :-1]
    free_y = ~jumps_y & own[1:] & own[:-1]
    for _ in range(SMOOTHING):
        total, count = departure.copy(), np.ones_like(departure)
        for free, one, other in (
            (free_x, np.s_[:, :-1], np.s_[:, 1:]),
            (free_y, np.s_[:-1], np.s_[1:]),
        ):
            total[one] += np.where(free, departure[other], 0)
            total[other] += np.where(free, departure[one], 0)
            count[one] += free
            count[other] += free
        departure = np.where(own, total / count, departure)
    return departure


def _places(
    jumps: tuple[np.ndarray, np.ndarray],
    depth: np.ndarray,
    objects: np.ndarray,
    pixels: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Where on their edges jumps are: where the map's depth passes the middle between the ends,
    or where an object begins that one of them belongs to."""
    height, width = depth.shape
    out = []
    for jump, start, end in (
        (jumps[0], pixels[:, :-1], pixels[:, 1:]),
        (jumps[1], pixels[:-1], pixels[1:]),
    ):
        place = np.full(jump.shape, np.nan)
        a, b = start[jump], end[jump]
        share = np.linspace(0, 1, ALONG)
        at = a[:, None] + share[:, None] * (b - a)[:, None]
        column, row = _nearest(at, width, height)
        z = np.log(depth[row, column])
        with np.errstate(invalid="ignore"):
            passed = np.abs(z - z[:, :1]) > np.abs(z - z[:, -1:])
        taken = objects[row, column]
        passed |= (taken != taken[:, :1]) & (taken[:, :1] != taken[:, -1:])
        first = np.where(passed.any(1), passed.argmax(1), ALONG // 2)
        known = passed.any(1)
        middle = (share[first] + share[np.maximum(first - 1, 0)]) / 2
        place[jump] = np.clip(np.where(known, middle, 0.5), 0.05, 0.95)
        out.append(place)
    return out[0], out[1]
