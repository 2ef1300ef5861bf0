"""Walls and ceiling: the box-shaped room that explains colours, edges and where things stand.

A room is a floor, a back wall and optionally a left wall, a right wall and a ceiling, along
the room's axes. Each hypothesis labels every pixel by the surface its ray meets first. The
description length of the picture's colours under that labelling (entropy of colour clusters per
surface, as in minimum description length segmentation), the image edges along the surfaces'
borders and priors on how rooms are built give its cost; coordinate descent over candidate
distances finds the best one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..frames import pixel_centres
from .camera import RoomCamera, plane_depth
from .object_boxes import Box
from .segments import Segments

GRID = 88
"""Longer side of the small picture on which hypotheses are tried."""

CLUSTERS = 14

COLOUR_SAMPLES = 60.0
"""How many independent colour samples the picture counts as."""

EDGE_WEIGHT, EDGE_EXPECTED = 45.0, 0.4
"""Reward of a border as wide as the picture that lies wholly on edges, and the edge strength at
which a border neither gains nor costs."""

WALLS_APART = 0.2
"""Share of the colour evidence that is about walls differing from each other."""

LIGHTNESS = 0.1
"""Weight of log lightness beside log chroma: shading changes along one wall."""

SURFACE_COST = 3.5
"""Cost of a side wall or ceiling."""

USUAL_DISTANCE, USUAL_SPREAD = 3.0, 0.3
"""Where the back wall is when nothing is known of things: camera heights, and spread of its log."""

SEPARATE = (0.03, 0.08)
"""Colours closer than this (log units) are one cluster: in pale and in colourful pictures."""

ROOM_DEPTH_M, ROOM_DEPTH_SPREAD = 4.3, 0.32
"""How far back walls usually are, and the spread of its log."""

FLOOR, BACK, LEFT, RIGHT, CEILING = range(5)


@dataclass(frozen=True, eq=False)
class Room:
    """The room in the camera frame; all planes have normals into the room.

    Attributes:
        floor: (4,).
        back, left, right, ceiling: (4,) or None when the room has no such surface in view.
        edge_evidence: 0..1, how much of the surfaces' borders lies on image edges.
        gain: how much cheaper than the plain far wall the room is (0 = nothing was found).
    """

    floor: np.ndarray
    back: np.ndarray
    left: np.ndarray | None
    right: np.ndarray | None
    ceiling: np.ndarray | None
    edge_evidence: float
    gain: float

    @property
    def planes(self) -> list[np.ndarray]:
        """Every surface that exists, the floor first."""
        found = (self.floor, self.back, self.left, self.right, self.ceiling)
        return [p for p in found if p is not None]

    @property
    def walls(self) -> np.ndarray:
        """(N, 4) the vertical ones."""
        return np.array([p for p in (self.back, self.left, self.right) if p is not None])


def find_room(
    rgb: np.ndarray,
    camera: RoomCamera,
    boxes: Sequence[tuple[Box, float]],
    feet: np.ndarray,
    masked: np.ndarray,
    segments: Segments,
    segment_axis: np.ndarray,
    table_top: bool,
) -> Room:
    """The cheapest room.

    Args:
        rgb: (H, W, 3) uint8, the camera's picture.
        boxes: standing things, each with 0..1 how far its place is believed; walls are behind.
        feet: (k, 3) px where things are seen to touch the floor, and how much farther than
            there (a factor) walls are at least.
        masked: (H, W) bool, pixels of things, which say nothing about the room's colours.
        segment_axis: (n,) which room axis each segment follows: 0 first horizontal,
            1 vertical, 2 second horizontal, -1 none.
        table_top: there is no room of known height around; only a far background.
    """
    search = _Search(rgb, camera, boxes, feet, masked, segments, segment_axis, table_top)
    offsets, cost, plain = search.run()
    normals = search.normals

    def plane(surface: int) -> np.ndarray | None:
        if not np.isfinite(offsets[surface]):
            return None
        return np.append(normals[surface], offsets[surface])

    back = plane(BACK)
    assert back is not None
    return Room(
        camera.floor, back, plane(LEFT), plane(RIGHT), plane(CEILING),
        search.edge_share(offsets), max(0.0, plain - cost),
    )  # fmt: skip


class _Search:
    def __init__(self, rgb, camera, boxes, feet, masked, segments, segment_axis, table_top) -> None:
        self.camera, self.table_top = camera, table_top
        first, up, second = camera.room_axes
        # Offsets are distances from the camera: n.p + d = 0 with d > 0 in front of each wall.
        self.normals = np.stack([up, -second, first, -first, -up])
        height, width = rgb.shape[:2]
        step = max(height, width) / GRID
        self.h, self.w = max(2, round(height / step)), max(2, round(width / step))
        from skimage.transform import resize

        small = np.asarray(resize(rgb.astype(np.float64), (self.h, self.w), anti_aliasing=True))
        hidden = np.asarray(resize(masked.astype(np.float64), (self.h, self.w), anti_aliasing=True))
        self.free = hidden < 0.4
        x, y = np.meshgrid((np.arange(self.w) + 0.5) * width / self.w,
                           (np.arange(self.h) + 0.5) * height / self.h)  # fmt: skip
        rays = camera.rays(np.stack([x, y], -1)).reshape(-1, 3)
        along = rays @ self.normals.T
        with np.errstate(divide="ignore"):
            self.unit_depth = np.where(along < -1e-6, -1.0 / along, np.inf)  # depth per offset
        self.cluster = colour_clusters(small, self.free)
        self.edge, self.across = _edges(rgb, masked, (self.h, self.w))
        self.scale = np.array([width / self.w, height / self.h])
        self._footprints(boxes)
        # Inverse depth per unit of inverse offset, at the feet.
        self.feet = np.clip(-(camera.rays(feet[:, :2]) @ self.normals.T), 0.0, None)
        self.feet[:, FLOOR] /= feet[:, 2]
        self.candidates = self._candidates(segments, segment_axis)

    def _footprints(self, boxes: Sequence[tuple[Box, float]]) -> None:
        """How far things reach toward each wall (offset units), and how far the farthest is."""
        level = self.camera.level_axes
        reach = []
        for box, _ in boxes:
            corners = box.corners @ level
            along = -(corners @ self.normals.T)  # (8, 5) distance toward each surface
            centre = -((box.base @ level) @ self.normals.T)
            reach.append(np.stack([along.max(0), centre]))
        self.reach = np.array(reach).reshape(-1, 2, 5)
        self.trust = np.array([trust for _, trust in boxes])
        believed = self.reach[self.trust > 0.5, 0, BACK]
        far = max(believed.max(initial=0.0), 0.8 * self.reach[:, 1, BACK].min(initial=np.inf))
        usual = USUAL_DISTANCE * self.camera.camera_height
        self.farthest = far if 0 < far < np.inf else usual

    def _candidates(self, segments: Segments, axis: np.ndarray) -> list[np.ndarray]:
        """Per surface offsets to try; inf = not there."""
        height = self.camera.camera_height
        unit = height if not self.table_top else max(height, 0.5 * self.farthest)
        back = np.geomspace(1.2, 9.0, 18) * unit
        side = np.append(np.geomspace(0.5, 5.0, 13) * unit, np.inf)
        above = np.append((np.linspace(2.2, 3.3, 9) - min(height, 2.0)).clip(0.3), np.inf)
        found = [np.array([height]), back, side, side, above]
        if self.table_top:
            found[LEFT] = found[RIGHT] = found[CEILING] = np.array([np.inf])
        # Lines on the floor along a wall: their distance is a candidate.
        rays = self.camera.rays(segments.middle)
        fall = rays @ self.normals[FLOOR]
        below = fall < -0.02
        points = rays * np.where(below, height / np.maximum(-fall, 1e-6), 0.0)[:, None]
        order = np.argsort(-segments.length)
        for surface, parallel in ((BACK, 0), (LEFT, 2), (RIGHT, 2)):
            if self.table_top and surface != BACK:
                continue
            good = [i for i in order if below[i] and axis[i] == parallel][:14]
            offset = -(points[good] @ self.normals[surface]) if good else np.zeros(0)
            offset = offset[(offset > 0.3 * height) & (offset < 12 * unit)]
            found[surface] = np.concatenate([offset, found[surface]])
        return found

    def labels(self, offsets: np.ndarray) -> np.ndarray:
        """(h, w) surface that each ray meets first."""
        finite = np.isfinite(offsets)
        depth = np.where(finite, self.unit_depth * np.where(finite, offsets, 1.0), np.inf)
        return depth.argmin(1).reshape(self.h, self.w)

    def edge_share(self, offsets: np.ndarray) -> float:
        """Mean edge strength 0..1 along the borders between surfaces, in the free picture."""
        strength, count = self._borders(offsets, self.labels(offsets))
        return strength / count if count else 0.0

    def _borders(self, offsets: np.ndarray, label: np.ndarray) -> tuple[float, int]:
        """Summed edge strength along all borders, and how many small pixels they have."""
        total, count = 0.0, 0
        for i in range(5):
            for j in range(i + 1, 5):
                if not (np.isfinite(offsets[i]) and np.isfinite(offsets[j])):
                    continue
                border = np.zeros_like(self.free)
                a, b = label == i, label == j
                if not (a.any() and b.any()):
                    continue
                border[:-1] |= (a[:-1] & b[1:]) | (b[:-1] & a[1:])
                border[:, :-1] |= (a[:, :-1] & b[:, 1:]) | (b[:, :-1] & a[:, 1:])
                border &= self.free
                number = int(border.sum())
                if not number:
                    continue
                # Both planes meet where (n_i d_j - n_j d_i) . ray = 0: a line in the picture.
                line = self.normals[i] * offsets[j] - self.normals[j] * offsets[i]
                normal = line[:2] / max(np.hypot(*line[:2]), 1e-12)
                # Small pixels beside the line count too: take the best of each and its
                # neighbour on the other side.
                aligned = self.edge * np.abs(self.across @ normal) ** 6
                aligned = np.maximum(aligned, np.maximum(_shift(aligned, 1), _shift(aligned, 0)))
                total += float(aligned[border].sum())
                count += number
        return total, count

    def cost(self, offsets: np.ndarray) -> float:
        label = self.labels(offsets)
        seen, cluster = label[self.free], self.cluster[self.free]
        table = np.bincount(seen * CLUSTERS + cluster, minlength=5 * CLUSTERS)
        table = table.reshape(5, CLUSTERS).astype(np.float64)
        total = max(1.0, table.sum())
        per = table.sum(1, keepdims=True)
        # Walls mostly share their paint, so that they differ from each other counts less than
        # that they differ from floor and ceiling.
        merged = np.stack([table[FLOOR], table[[BACK, LEFT, RIGHT]].sum(0), table[CEILING]])
        bits = (1 - WALLS_APART) * _entropy(merged) + WALLS_APART * _entropy(table)
        # Neighbouring pixels are far from independent: the picture counts as few samples.
        value = COLOUR_SAMPLES * bits / total
        edge, count = self._borders(offsets, label)
        value -= EDGE_WEIGHT / GRID * (edge - EDGE_EXPECTED * count)
        share = per[:, 0] / total
        for surface in (LEFT, RIGHT, CEILING):
            if np.isfinite(offsets[surface]):
                value += SURFACE_COST
                if share[surface] < 0.01:
                    value += 3.0  # a surface nobody sees explains nothing
        return value + self._habits(offsets)

    def _habits(self, offsets: np.ndarray) -> float:
        """How rooms are built: behind their things, not far behind, ceilings at 2.3-3 m."""
        value = 0.0
        unit = self.camera.camera_height
        for surface in (BACK, LEFT, RIGHT):
            if not np.isfinite(offsets[surface]) or not len(self.reach):
                continue
            # Boxes may err: each at a bounded cost.
            centre, corner = self.reach[:, 1, surface], self.reach[:, 0, surface]
            scale = 0.08 * np.maximum(centre, 0.5 * unit)
            most = (centre + 0.4 * (corner - centre) - offsets[surface]) / scale
            tip = (corner - offsets[surface]) / scale
            bounded = 1.6 * np.clip(most, 0, 3) + 0.4 * np.clip(tip, 0, 3)
            value += float((self.trust * bounded).sum())
        gap = np.log(max(offsets[BACK], 1e-3) / (1.12 * self.farthest))
        # With things to go by, a doubtful farthest one must not decide; without, habit is all.
        value += 0.5 * (
            min((gap / 0.45) ** 2, 9.0) if len(self.reach) else (gap / USUAL_SPREAD) ** 2
        )
        if len(self.feet):
            floor = self.feet[:, FLOOR] / offsets[FLOOR]
            wall = (self.feet[:, BACK : RIGHT + 1] / offsets[BACK : RIGHT + 1]).max(1)
            seen = (floor > 1e-6) & (wall > floor)
            before = np.log(wall[seen] / floor[seen])
            value += 6.0 * float(np.clip(before / 0.06, 0, 1).sum())
        if not self.table_top:
            usual = np.log(max(offsets[BACK], 1e-3) / ROOM_DEPTH_M) / ROOM_DEPTH_SPREAD
            value += min(0.5 * usual**2, 6.0)
        width = offsets[LEFT] + offsets[RIGHT]
        if np.isfinite(width):
            value += 0.5 * (min(0.0, np.log(width / (2.2 * unit))) / 0.3) ** 2
        if np.isfinite(offsets[CEILING]):
            room_height = offsets[CEILING] + unit
            value += 0.5 * (np.log(room_height / 2.6) / 0.12) ** 2
        return float(value)

    def run(self) -> tuple[np.ndarray, float, float]:
        """Best offsets, their cost, and the cost of the plain room (far wall alone)."""
        height = self.camera.camera_height
        start = np.array([height, 1.15 * self.farthest, np.inf, np.inf, np.inf])
        plain = self.cost(start)
        best, best_cost = start, plain
        side = [self._beside(surface) for surface in (LEFT, RIGHT)]
        above = max(0.3, 2.5 - min(height, 2.2))
        corner = np.array([height, start[BACK], *side, above])
        starts = [start]
        if not self.table_top:
            starts += [corner, np.where([1, 1, 1, 0, 1], corner, np.inf),
                       np.where([1, 1, 0, 1, 1], corner, np.inf)]  # fmt: skip
        # Descend from the far wall alone, from a full room, and from both corners.
        for offsets in starts:
            cost = self.cost(offsets)
            for _ in range(2):
                before = cost
                for surface in (BACK, LEFT, RIGHT, CEILING):
                    offsets, cost = self._line(offsets, cost, surface, self.candidates[surface])
                if before - cost < 0.1:
                    break
            if cost < best_cost:
                best, best_cost = offsets, cost
        for spread in (0.06, 0.02):
            for surface in (BACK, LEFT, RIGHT, CEILING):
                if np.isfinite(best[surface]):
                    tries = best[surface] * (1 + np.array([-1, -0.5, 0.5, 1]) * spread)
                    best, best_cost = self._line(best, best_cost, surface, tries)
        return best, best_cost, plain

    def _beside(self, surface: int) -> float:
        """Where a side wall would stand: just behind the things on that side."""
        reach = self.reach[:, 0, surface].max(initial=0.0) if len(self.reach) else 0.0
        return max(1.05 * reach, 0.9 * self.camera.camera_height)

    def _line(self, offsets, cost, surface, tries) -> tuple[np.ndarray, float]:
        for value in tries:
            trial = offsets.copy()
            trial[surface] = value
            trial_cost = self.cost(trial)
            if trial_cost < cost:
                offsets, cost = trial, trial_cost
        return offsets, cost


def surface_labels(camera: RoomCamera, room: Room) -> np.ndarray:
    """(H, W) which of ``room.planes`` each pixel of the camera's picture meets first."""
    rays = camera.rays(pixel_centres(camera.height, camera.width))
    return np.stack([plane_depth(rays, plane) for plane in room.planes]).argmin(0)


def _entropy(table: np.ndarray) -> float:
    """Nats to tell each pixel's cluster, given its surface: counts (surfaces, clusters)."""
    per = table.sum(1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(-np.where(table > 0, table * np.log(table / per), 0.0).sum())


def colour_clusters(rgb: np.ndarray, free: np.ndarray, lightness: float = LIGHTNESS) -> np.ndarray:
    """(h, w) colour cluster of each pixel: log chroma and, weaker, log lightness; k-means."""
    log = np.log(rgb + 8.0)
    light = log.mean(-1)
    feature = np.stack([log[..., 0] - light, log[..., 2] - light, lightness * light], -1)
    flat = feature.reshape(-1, 3)
    sample = feature[free] if free.sum() > CLUSTERS else flat
    # Deterministic start: points farthest from each other.
    centres = [np.median(sample, 0)]
    distance, separate = np.full(len(sample), np.inf), 0.0
    for _ in range(CLUSTERS - 1):
        distance = np.minimum(distance, ((sample - centres[-1]) ** 2).sum(1))
        # The 97 % farthest, so that single odd pixels do not take the clusters.
        pick = np.argsort(distance)[int(0.97 * (len(distance) - 1))]
        # Pale rooms have small differences that matter, colourful ones large ones that do not.
        separate = separate or np.clip(0.4 * np.sqrt(distance[pick]), *SEPARATE)
        if distance[pick] < separate**2:
            break  # what is left is shading and noise
        centres.append(sample[pick])
    centre = np.array(centres)
    for _ in range(6):
        nearest = ((sample[:, None] - centre) ** 2).sum(-1).argmin(1)
        count = np.bincount(nearest, minlength=len(centre))
        for k in range(3):
            total = np.bincount(nearest, sample[:, k], minlength=len(centre))
            centre[:, k] = np.where(count > 0, total / np.maximum(count, 1), centre[:, k])
    return ((flat[:, None] - centre) ** 2).sum(-1).argmin(1).reshape(rgb.shape[:2])


def _edges(
    rgb: np.ndarray, masked: np.ndarray, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Per small pixel the strongest edge in it: strength (h, w) 0..1 and unit gradient (h, w, 2)."""
    if min(rgb.shape[:2]) < 2:
        return np.zeros(shape), np.zeros((*shape, 2))
    grey = np.log(rgb.astype(np.float64).mean(-1) + 12.0)
    grey = ndimage.gaussian_filter(grey, 1.3)
    gy, gx = np.gradient(grey)
    strength = np.hypot(gx, gy)
    strength[ndimage.binary_dilation(masked, iterations=3)] = 0.0
    free = strength[strength > 0]
    scale = max(float(np.percentile(free, 93)) if free.size else 0.0, 0.003)
    h, w = shape
    height, width = rgb.shape[:2]
    owner = (
        (np.arange(height) * h // height)[:, None] * w + (np.arange(width) * w // width)[None]
    ).ravel()
    order = np.lexsort((strength.ravel(), owner))
    last = np.flatnonzero(np.append(np.diff(owner[order]) > 0, True))
    pick = order[last]
    best, gradient = np.zeros(h * w), np.zeros((h * w, 2))
    best[owner[pick]] = strength.ravel()[pick]
    gradient[owner[pick]] = np.stack([gx, gy], -1).reshape(-1, 2)[pick]
    length = np.maximum(np.linalg.norm(gradient, axis=1, keepdims=True), 1e-12)
    soft = best / (best + scale)
    return np.clip(1.35 * soft, 0, 1).reshape(h, w), (gradient / length).reshape(h, w, 2)


def _shift(values: np.ndarray, axis: int) -> np.ndarray:
    """The next row's or column's values (the last stays)."""
    last = np.take(values, [-1], axis)
    return np.concatenate([np.delete(values, 0, axis), last], axis)
