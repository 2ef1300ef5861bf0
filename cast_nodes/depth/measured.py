"""From depth measured elsewhere, at any size, to the geometry of a photo.

The backend ``file``, networks and the bridges all end here, so that the same numbers make the same
geometry whichever way they came: invalid points NaN, the photo's size, floor and gravity found.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..errors import BadInput
from ..frames import pixel_centres, resize_intrinsics, unproject
from ..surfaces.ground import find_ground
from ..types import Geometry

ASPECT_TOLERANCE = 0.02
ONE_SURFACE = 1.1
"""Neighbouring depths that differ by a larger factor lie on different surfaces."""


@dataclass(frozen=True, eq=False)
class Measured:
    """What was measured, at its own size.

    Attributes:
        depth: (h, w) float64 along z, NaN where invalid.
        points: (h, w, 3) camera frame or None; then rays are those of the intrinsics.
        intrinsics: (3, 3) pixels of this size, or None while they are not known.
        normals: (h, w, 3) camera frame, or None.
        up: (3,) unit, against gravity, camera frame, or None.
        floor: (4,) plane n.p + d = 0, or None.
        metric: lengths are metres; None when nobody says.
    """

    depth: np.ndarray
    points: np.ndarray | None = None
    intrinsics: np.ndarray | None = None
    normals: np.ndarray | None = None
    up: np.ndarray | None = None
    floor: np.ndarray | None = None
    metric: bool | None = None
    notes: tuple[str, ...] = ()


def clean_depth(values: np.ndarray) -> np.ndarray:
    """Float64 depths; what is not a finite positive number becomes NaN."""
    values = np.array(values, np.float64)
    with np.errstate(invalid="ignore"):
        values[~(np.isfinite(values) & (values > 0))] = np.nan
    return values


def require_usable(what: str, depth: np.ndarray, height: int, width: int) -> None:
    """Raises :class:`BadInput` for a depth without a valid pixel or of another shape than the
    photo's ``height`` by ``width``; the message starts with ``what``."""
    h, w = depth.shape
    if min(h, w) < 1:
        raise BadInput(f"{what} is empty")
    ratio = (w / h) / (width / height)
    # One pixel of rounding is no other aspect, however small the picture.
    slack = ASPECT_TOLERANCE + 1.0 / min(w, h)
    if abs(np.log(ratio)) > slack:
        raise BadInput(
            f"{what} is {w}x{h}, which is not the shape of the photo "
            f"({width}x{height}); make it from the same picture, uncropped"
        )
    if not np.isfinite(depth).any():
        raise BadInput(f"{what} holds no valid depth (all zero, negative or not finite)")


def geometry_of(measured: Measured, height: int, width: int, source: str) -> Geometry:
    """The photo's geometry.

    Args:
        measured: with intrinsics; its shape was seen to by :func:`require_usable`.
        height, width: the photo's.
        source: who made it.
    """
    notes = list(measured.notes)
    h, w = measured.depth.shape
    if (h, w) != (height, width):
        measured = resized(measured, height, width)
        notes.append(f"It was resized from {w}x{h} to the photo's size.")
    assert measured.intrinsics is not None
    points = measured.points
    if points is None:
        points = unproject(pixel_centres(height, width), measured.depth, measured.intrinsics)
    valid = np.isfinite(measured.depth) & np.isfinite(points).all(-1)
    points = np.where(valid[..., None], points, np.nan)
    seen = Geometry(points.astype(np.float32), measured.intrinsics, up=measured.up)
    floor, up = measured.floor, measured.up
    if floor is None:
        ground = find_ground(seen, ())
        floor, up = ground.floor, ground.up
        if floor is not None:
            notes.append(
                f"The floor was found in the points (confidence {100 * ground.confidence:.0f} %)."
            )
        else:
            notes.append("No floor was found in the points.")
    elif up is None:
        up = floor[:3]
    return Geometry(
        points=seen.points,
        intrinsics=measured.intrinsics,
        metric=bool(measured.metric),
        source=source,
        normals=None if measured.normals is None else _facing(measured.normals, points),
        up=up,
        floor=floor,
        notes=tuple(notes),
    )


def resized(measured: Measured, height: int, width: int) -> Measured:
    """The same at another size, pixel centre to pixel centre.

    Inverse depth is linear over a plane's picture, so within one surface it is interpolated (and
    planes stay planes); between surfaces and beside holes the nearest pixel counts, so that no
    point comes to lie between two things and no hole grows or shrinks.
    """
    h, w = measured.depth.shape
    assert measured.intrinsics is not None
    grid = _Grid((h, w), (height, width))
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = 1 / measured.depth
        corners = grid.corners(inverse)
        mixed = grid.mixed(corners)
        low, high = np.min(corners, 0), np.max(corners, 0)
        # Beyond the outermost centres it is continued, at most to where the corners reach.
        smooth = (high <= ONE_SURFACE * low) & (mixed > 0.5 * low) & (mixed < 2 * high)
        depth = np.where(smooth, 1 / mixed, grid.nearest(measured.depth))
    normals = measured.normals
    if normals is not None:
        normals = _unit(normals)
        blend = grid.mixed(grid.corners(normals))
        whole = smooth & np.isfinite(blend).all(-1)
        normals = np.where(whole[..., None], blend, grid.nearest(normals))
    return replace(
        measured,
        depth=depth,
        # Neighbours' rays are not a new pixel's own: points are made anew from the depths.
        points=None,
        intrinsics=resize_intrinsics(measured.intrinsics, width / w, height / h),
        normals=normals,
    )


class _Grid:
    """Where the pixel centres of one size fall in a picture of another."""

    def __init__(self, old: tuple[int, int], new: tuple[int, int]) -> None:
        self._near, self._first, self._second, self._share = [], [], [], []
        for before, after in zip(old, new, strict=True):
            at = (np.arange(after) + 0.5) * before / after - 0.5
            first = np.clip(np.floor(at), 0, max(before - 2, 0)).astype(int)
            self._near.append(np.clip(np.floor(at + 0.5), 0, before - 1).astype(int))
            self._first.append(first)
            self._second.append(np.minimum(first + 1, before - 1))
            self._share.append(at - first if before > 1 else np.zeros(after))

    def nearest(self, values: np.ndarray) -> np.ndarray:
        return values[np.ix_(*self._near)]

    def corners(self, values: np.ndarray) -> list[np.ndarray]:
        """The four pixels round each new centre: by rows, then columns."""
        rows, columns = (self._first[0], self._second[0]), (self._first[1], self._second[1])
        return [values[np.ix_(r, c)] for r in rows for c in columns]

    def mixed(self, corners: list[np.ndarray]) -> np.ndarray:
        """Bilinear between the four, and on beyond the outermost ones."""
        down, across = self._share[0][:, None], self._share[1][None, :]
        weights = ((1 - down) * (1 - across), (1 - down) * across, down * (1 - across),
                   down * across)  # fmt: skip
        extra = corners[0].ndim - 2
        out = np.zeros(corners[0].shape)
        for weight, corner in zip(weights, corners, strict=True):
            out += weight.reshape(*weight.shape, *(1,) * extra) * corner
        return out


def _unit(normals: np.ndarray) -> np.ndarray:
    """(h, w, 3) of length 1, NaN where there is none."""
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(length > 1e-3, normals / length, np.nan)


def _facing(normals: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(H, W, 3) float32 unit normals toward the camera; NaN where there is no point or normal."""
    unit = np.where(np.isfinite(points).all(-1, keepdims=True), _unit(normals), np.nan)
    away = np.nansum(unit * points, -1, keepdims=True) > 0
    return np.where(away, -unit, unit).astype(np.float32)
