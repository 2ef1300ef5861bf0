"""Which model, seen from where, has the outline that the photo shows.

A model's silhouettes from a grid of directions are drawn by splatting points of its surface,
all views at once; each is scaled so that its longer side fills a small square. Two silhouettes
compare by intersection over union.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..mesh_data import MeshData

SIDE = 36
"""Cells along a silhouette's longer side."""
YAWS_DEG = tuple(range(0, 360, 30))
PITCHES_DEG = (2.0, 14.0, 27.0, 42.0, 62.0)
DISTANCE = 3.2
"""Distance of the camera from the middle, in radii of the model: as in a room."""
POINTS = 5000


@dataclass(frozen=True, eq=False)
class Match:
    """A model's best view.

    Attributes:
        iou: 0..1.
        yaw_deg: the model is turned by it about y before it is looked at from +z.
        pitch_deg: the camera looks down by it.
    """

    iou: float
    yaw_deg: float
    pitch_deg: float


def rotation(yaw_deg: float, pitch_deg: float) -> np.ndarray:
    """(3, 3) from the object frame to the camera frame (x right, y down, z forward)."""
    yaw, pitch = np.radians(yaw_deg), np.radians(pitch_deg)
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    nod = np.array(
        [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
    )
    return np.diag([1.0, -1.0, -1.0]) @ nod @ turn


def surface_points(data: MeshData, count: int = POINTS) -> np.ndarray:
    """(count, 3) points spread over the surface by area, centred, in radii of the model."""
    a, b, c = (data.triangles[:, i] for i in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    random = np.random.default_rng(0)
    # A quarter is spread over the faces evenly, so that thin rods of small area are not lost.
    share = 0.75 * area / area.sum() + 0.25 / len(area)
    steps = (np.arange(count) + random.random(count)) / count
    face = np.minimum(np.searchsorted(np.cumsum(share), steps), len(area) - 1)
    u, v = random.random((2, count))
    flip = u + v > 1
    u, v = np.where(flip, 1 - u, u)[:, None], np.where(flip, 1 - v, v)[:, None]
    points = a[face] + u * (b - a)[face] + v * (c - a)[face]
    low, high = data.bounds
    return (points - (low + high) / 2) / max(float(np.linalg.norm(high - low)) / 2, 1e-12)


def draw(points: np.ndarray, directions: Sequence[tuple[float, float]]) -> np.ndarray:
    """(v, SIDE, SIDE) bool silhouettes of (n, 3) centred points from (yaw, pitch) degrees each."""
    turns = np.stack([rotation(*d) for d in directions]).astype(np.float32)
    x, y, z = np.moveaxis(turns @ points.T.astype(np.float32), 1, 0)  # (v, n) each
    z = z + np.float32(DISTANCE)
    x, y = x / z, y / z
    low = np.stack([x.min(1), y.min(1)])
    high = np.stack([x.max(1), y.max(1)])
    scale = ((SIDE - 1e-3) / np.maximum((high - low).max(0), 1e-12)).astype(np.float32)[:, None]
    middle = ((low + high) / 2)[..., None]
    column = np.clip((x - middle[0]) * scale + SIDE / 2, 0, SIDE - 1).astype(np.int32)
    row = np.clip((y - middle[1]) * scale + SIDE / 2, 0, SIDE - 1).astype(np.int32)
    out = np.zeros((len(turns), SIDE * SIDE), bool)
    out[np.arange(len(turns))[:, None], row * SIDE + column] = True
    return _without_pinholes(out.reshape(-1, SIDE, SIDE))


def _without_pinholes(masks: np.ndarray) -> np.ndarray:
    """Cells with at least six of eight neighbours set are set: gaps between splats."""
    padded = np.pad(masks.astype(np.int8), ((0, 0), (1, 1), (1, 1)))
    around = sum(
        padded[:, 1 + i : 1 + i + SIDE, 1 + j : 1 + j + SIDE]
        for i in (-1, 0, 1)
        for j in (-1, 0, 1)
        if i or j
    )
    return masks | (np.asarray(around) >= 6)


def normalised(alpha: np.ndarray, aspect: float = 1.0) -> np.ndarray:
    """(SIDE, SIDE) bool of a view's silhouette, as :func:`draw` makes them.

    Args:
        alpha: (h, w) bool, some set.
        aspect: width / height of a pixel.
    """
    rows, columns = np.nonzero(alpha)
    top, bottom, left, right = rows.min(), rows.max() + 1, columns.min(), columns.max() + 1
    inside = alpha[top:bottom, left:right]
    tall, wide = bottom - top, (right - left) * aspect
    scale = max(tall, wide) / SIDE
    centre = (np.arange(SIDE) + 0.5 - SIDE / 2) * scale
    # Nine samples a cell; a third of them set is enough, so thin parts stay.
    offsets = (np.array([-1, 0, 1]) / 3) * scale
    total = np.zeros((SIDE, SIDE))
    for dy in offsets:
        for dx in offsets:
            y = np.floor(centre + dy + tall / 2).astype(np.int64)
            x = np.floor((centre + dx + wide / 2) / aspect).astype(np.int64)
            fits = ((y >= 0) & (y < inside.shape[0]))[:, None] & ((x >= 0) & (x < inside.shape[1]))
            sampled = inside[np.clip(y, 0, inside.shape[0] - 1)][
                :, np.clip(x, 0, inside.shape[1] - 1)
            ]
            total += sampled & fits
    return total >= 3


def overlap(wanted: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """(v,) intersection over union of one silhouette with each of (v, SIDE, SIDE)."""
    both = (masks & wanted).sum((1, 2))
    either = (masks | wanted).sum((1, 2))
    return both / np.maximum(either, 1)


def grid() -> list[tuple[float, float]]:
    """The (yaw, pitch) directions in degrees of :func:`descriptor`."""
    return [(float(y), p) for p in PITCHES_DEG for y in YAWS_DEG]


def descriptor(data: MeshData) -> np.ndarray:
    """(v, SIDE * SIDE / 8) uint8: the silhouettes from :func:`grid`, one bit a cell."""
    masks = draw(surface_points(data), grid())
    return np.packbits(masks.reshape(len(masks), -1), axis=1)


@dataclass(frozen=True, eq=False)
class Outline:
    """What a model's silhouettes are compared with.

    Attributes:
        cells: (SIDE, SIDE) bool, normalised.
        mask: (h, w) bool, the same in the view's pixels.
        price: taken off its overlap; a less literal reading must explain more.
    """

    cells: np.ndarray
    mask: np.ndarray
    price: float = 0.0


def outlines(alpha: np.ndarray, aspect: float, supports: bool) -> tuple[Outline, ...]:
    """Readings of a view's silhouette: all of it and, of a thing on which others stand, also
    without its upper tenth, fifth … or what is above its first wide row, because masks often
    hold the vase with the table.

    Args:
        alpha: (h, w) bool, some set.
        supports: things use to stand on it.
    """
    mask = without_scraps(alpha)
    found = [Outline(normalised(mask, aspect), mask)]
    rows = np.flatnonzero(mask.any(1))
    shares = {0.1, 0.2, 0.3, 0.4}
    shares.add((first_wide_row(mask) - rows[0]) / len(rows))
    for share in sorted(shares) if supports else ():
        cut = mask.copy()
        cut[: rows[0] + round(share * len(rows))] = False
        if share >= 0.05 and cut.sum() >= 0.5 * mask.sum():
            found.append(Outline(normalised(cut, aspect), cut, 0.03 + 0.05 * share))
    return tuple(found)


def first_wide_row(mask: np.ndarray) -> int:
    """The row from which on a silhouette is about as wide as it gets: where a table's top
    begins, below what stands on it."""
    filled = mask.sum(1)
    return int(np.argmax(filled >= 0.75 * filled.max()))


def without_scraps(mask: np.ndarray) -> np.ndarray:
    """Without islands below 3 % of the largest one."""
    labels = np.zeros(mask.shape, np.int32)
    ndimage.label(mask, output=labels)
    sizes = np.bincount(labels.ravel())
    if len(sizes) <= 2:
        return mask
    keep = sizes >= 0.03 * sizes[1:].max()
    keep[0] = False
    return keep[labels]


def best_match(readings: Sequence[Outline], packed: np.ndarray) -> tuple[Match, Outline]:
    """The best view of a model with the given descriptor, and the reading it explains.

    Of about equal views the usual one wins: looking slightly down at its front or sides.
    """
    masks = np.unpackbits(packed, axis=1).reshape(-1, SIDE, SIDE).astype(bool)
    directions = np.array(grid())
    behind = np.abs((directions[:, 0] + 180) % 360 - 180) > 100
    unusual = 0.03 * behind + 0.06 * (directions[:, 1] > 50) + 0.01 * (directions[:, 1] < 5)
    best: tuple[float, Match, Outline] | None = None
    for reading in readings:
        scores = overlap(reading.cells, masks)
        values = scores - unusual - reading.price
        at = int(np.argmax(np.round(values, 4)))
        if best is None or values[at] > best[0]:
            yaw, pitch = directions[at]
            match = Match(float(scores[at]), float(yaw), float(pitch))
            best = (float(values[at]), match, reading)
    assert best is not None
    return best[1], best[2]


def refined(
    wanted: np.ndarray, data: MeshData, start: Match, stretches: Sequence[tuple[float, float]]
) -> tuple[tuple[float, float], Match]:
    """The best of some (width, depth) stretches, each at directions around the start.

    A stretch costs a little, so that it is taken only when it explains the outline better.
    """
    points = surface_points(data)
    around = [
        (start.yaw_deg + dy, max(-5.0, start.pitch_deg + dp))
        for dp in (-7.0, 0.0, 7.0)
        for dy in (-20.0, -10.0, 0.0, 10.0, 20.0)
    ]
    best: tuple[float, tuple[float, float], Match] | None = None
    for width, depth in stretches:
        scores = overlap(wanted, draw(points * [width, 1.0, depth], around))
        at = int(np.argmax(scores))
        price = 0.12 * (abs(np.log(width)) + abs(np.log(depth)))
        value = float(scores[at]) - price
        if best is None or value > best[0]:
            best = (value, (width, depth), Match(float(scores[at]), *around[at]))
    assert best is not None
    return best[1], best[2]
