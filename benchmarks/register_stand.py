"""Where things stand in a benchmark room: on the floor or on each other, apart, seen.

World frame: y up, floor at y = 0, origin below the camera, camera looking along -z, metres.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from cast_nodes.frames import Sim3, project

from .register_stock import LEVEL_M, Piece


@dataclass(frozen=True)
class Style:
    """How a room is arranged.

    Attributes:
        count: (lowest, highest) number of things.
        frontal: things face the camera within about 15 degrees; otherwise any yaw.
        crowd_m: spread of the things' places about one spot; None spreads them over the view.
        small: share of the things that are small and stand on others where they can.
        hidden: share of the things that should show less than ``HIDDEN``; None leaves it to chance.
        least_area: share of the picture that is visible of a thing, at least.
    """

    count: tuple[int, int] = (3, 10)
    frontal: bool = False
    crowd_m: float | None = None
    small: float = 0.3
    hidden: float | None = None
    least_area: float = 500 / (640 * 480)


@dataclass(frozen=True, eq=False)
class Eye:
    """The photographer's camera."""

    intrinsics: np.ndarray
    camera_from_world: Sim3
    width: int
    height: int


@dataclass(frozen=True, eq=False)
class Stood:
    """A piece at its place. ``supported_by`` is another one's index, "floor" or "ceiling"."""

    piece: Piece
    world_from_object: Sim3
    supported_by: int | str

    @property
    def samples(self) -> np.ndarray:
        """(n, 3) surface points in the world."""
        return self.world_from_object.apply(self.piece.samples)


def turn(yaw: float) -> np.ndarray:
    """(3, 3) rotation about y; 0 faces +z, pi/2 faces +x."""
    c, s = np.cos(yaw), np.sin(yaw)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


CELL_M = 0.04
REACH_M = np.array([[-7.0, 0.0, -14.0], [7.0, 2.6, 1.0]])
TOUCHING = 0.002
"""Two things are apart when fewer of one's samples than this share lie in the other's cells."""
RAISED_M = 0.05
"""What stands on a thing touches it; it is compared with the others a little above."""
FEWER, SURELY = 10, 0.012
"""Tried first: every tenth sample, and the share of those that is surely too many."""


@dataclass
class Occupancy:
    """Which cells of the room are taken: the things, what they enclose, and a cell around."""

    taken: np.ndarray = field(
        default_factory=lambda: np.zeros(
            np.ceil(np.ptp(REACH_M, axis=0) / CELL_M).astype(int) + 1, bool
        )
    )

    def _cells(self, points: np.ndarray) -> tuple[np.ndarray, ...]:
        index = np.floor((points - REACH_M[0]) / CELL_M).astype(int)
        index = index[((index >= 1) & (index < np.array(self.taken.shape) - 1)).all(1)]
        return tuple(index.T)

    def add(self, points: np.ndarray) -> None:
        x, y, z = self._cells(points)
        if not len(x):
            return
        for dx, dz in ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)):
            self.taken[x + dx, y, z + dz] = True
        part = np.s_[x.min() : x.max() + 1, : y.max() + 1, z.min() : z.max() + 1]
        own = np.zeros(self.taken.shape, bool)[part]
        own[x - x.min(), y, z - z.min()] = True
        self.taken[part] |= enclosed(own)

    def free(self, points: np.ndarray, touching: float = TOUCHING) -> bool:
        """Whether something with these (n, 3) surface points fits."""
        return bool(self.taken[self._cells(points)].sum() <= touching * len(points))


def enclosed(taken: np.ndarray) -> np.ndarray:
    """(nx, ny, nz) bool, cells with a taken one above and on each of the four sides."""
    inside = np.ones(taken.shape, bool)
    for axis, directions in ((0, (1, -1)), (1, (-1,)), (2, (1, -1))):
        for direction in directions:
            turned = np.flip(taken, axis) if direction < 0 else taken
            reached = np.logical_or.accumulate(turned, axis)
            inside &= np.flip(reached, axis) if direction < 0 else reached
    return inside


SKETCH_WIDTH = 128
MIN_VISIBLE = 0.27
"""Share of each silhouette that must stay visible in the sketch; true shares differ a little."""
MIN_INSIDE = 0.72
SPARE = 1.3
"""The sketch asks for this many times the least area, being coarse."""
MAX_AREA = 0.35
NEAREST_M = 0.8


class Sketch:
    """A coarse z-buffer of everything placed so far, to see what would hide what."""

    def __init__(self, eye: Eye, least_area: float) -> None:
        self.eye = eye
        self.least_area = SPARE * least_area
        self.size = (SKETCH_WIDTH, round(SKETCH_WIDTH * eye.height / eye.width))
        self.depth = np.full(self.size[::-1], np.inf, np.float32)
        self.owner = np.full(self.size[::-1], -1)
        self.whole = np.zeros(0, int)
        self.seen = np.zeros(0, int)

    def layer(self, points: np.ndarray) -> np.ndarray | None:
        """(h, w) float32 depth of something alone, inf beside it; None when it is badly in view."""
        camera = self.eye.camera_from_world.apply(points)
        if camera[:, 2].min() < NEAREST_M:
            return None
        width, height = self.size
        pixel = project(camera, self.eye.intrinsics) * (width / self.eye.width)
        inside = (pixel >= 0).all(1) & (pixel < self.size).all(1)
        if inside.mean() < MIN_INSIDE:
            return None
        column, row = pixel[inside].astype(int).T
        out = np.full((height, width), np.inf, np.float32)
        np.minimum.at(out, (row, column), camera[inside, 2].astype(np.float32))
        # Close the gaps between samples.
        closed = ndimage.grey_erosion(out, 3)
        filled = ndimage.grey_dilation(closed, 3)
        out = np.where(np.isfinite(out), out, filled)
        return out if self.least_area < np.isfinite(out).mean() < MAX_AREA else None

    def shares(self, new: np.ndarray) -> np.ndarray | None:
        """Visible share of each silhouette, the new one last; None if any is too small."""
        whole, seen = self._with(new)
        shares = seen / whole
        fine = shares.min() >= MIN_VISIBLE and seen.min() >= self.least_area * new.size
        return shares if fine else None

    def add(self, new: np.ndarray) -> None:
        """Keeps a layer."""
        self.whole, self.seen = self._with(new)
        nearer = new < self.depth
        self.depth[nearer] = new[nearer]
        self.owner[nearer] = len(self.whole) - 1

    def _with(self, new: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pixels of each silhouette, and those that show, with the new one last."""
        nearer = new < self.depth
        lost = np.bincount(self.owner[nearer] + 1, minlength=len(self.seen) + 1)[1:]
        whole = np.append(self.whole, np.isfinite(new).sum())
        return whole, np.append(self.seen - lost, nearer.sum())


HUNG_M = (1.1, 1.7)
LOWEST_TOP_M, HIGHEST_TOP_M = 0.15, 1.15
ATTEMPTS = 60
CHOICES = 6
"""Places among which that is chosen which hides the wanted share of things."""
HIDDEN = 0.65


def arrange(rng: np.random.Generator, pieces: list[Piece], eye: Eye, style: Style) -> list[Stood]:
    """Places as many of the pieces as fit, in their order."""
    occupancy, sketch = Occupancy(), Sketch(eye, style.least_area)
    centre = np.array([rng.uniform(-0.3, 0.3), -rng.uniform(2.4, 3.3)])
    stood: list[Stood] = []
    for piece in pieces:
        scale = piece.metres_per_unit * rng.uniform(0.92, 1.08)
        found: list[tuple[float, Stood, np.ndarray, np.ndarray]] = []
        for attempt in range(ATTEMPTS):
            if piece.small and attempt < ATTEMPTS // 2:
                new = _on_something(rng, piece, scale, stood, style)
            else:
                new = _on_floor(rng, piece, scale, eye, style, centre)
                new = _hung(rng, new) if piece.hanging else new
            if new is None:
                continue
            lift = np.array([0, RAISED_M if isinstance(new.supported_by, int) else 0.0, 0])
            few = new.world_from_object.apply(piece.samples[::FEWER]) + lift
            if not occupancy.free(few, SURELY):
                continue
            points = new.samples
            if not occupancy.free(points + lift):
                continue
            layer = sketch.layer(points)
            shares = None if layer is None else sketch.shares(layer)
            if layer is None or shares is None:
                continue
            off = abs((shares < HIDDEN).mean() - (style.hidden or 0))
            found.append((float(off), new, points, layer))
            if len(found) == (1 if style.hidden is None else CHOICES):
                break
        if found:
            _, new, points, layer = min(found, key=lambda f: f[0])
            occupancy.add(points)
            sketch.add(layer)
            stood.append(new)
    return stood


def _yaw(rng: np.random.Generator, place: np.ndarray, style: Style) -> float:
    if not style.frontal:
        return float(rng.uniform(-np.pi, np.pi))
    return float(np.arctan2(-place[0], -place[1]) + rng.normal(0, np.deg2rad(10)))


def _on_floor(rng, piece: Piece, scale: float, eye: Eye, style: Style, centre) -> Stood:
    if style.crowd_m is None:
        # Small things are photographed from near.
        far = rng.uniform(1.2, 2.6) if piece.small else rng.uniform(1.5, 5.0)
        view = far * eye.width / eye.intrinsics[0, 0]
        place = np.array([rng.uniform(-0.5, 0.5) * view, -far])
    else:
        place = centre + rng.normal(0, style.crowd_m, 2) * [1.15, 1.0]
    rotation = turn(_yaw(rng, place, style))
    foot = scale * (rotation @ piece.foot)
    return Stood(piece, Sim3(rotation, [place[0], 0, place[1]] - foot, scale), "floor")


def _hung(rng: np.random.Generator, standing: Stood) -> Stood:
    """The thing above its place, on a cord that is not seen."""
    pose, lift = standing.world_from_object, rng.uniform(*HUNG_M)
    raised = Sim3(pose.rotation, pose.translation + np.array([0, lift, 0]), pose.scale)
    return Stood(standing.piece, raised, "ceiling")


def _on_something(rng, piece: Piece, scale: float, stood, style: Style) -> Stood | None:
    """On a level part of the top of something that stands on the floor."""
    carriers = [i for i, s in enumerate(stood) if s.supported_by == "floor" and not s.piece.small]
    if not carriers:
        return None
    index = int(rng.choice(carriers))
    carrier = stood[index]
    own = carrier.world_from_object
    radius = 0.42 * piece.footprint * scale / own.scale
    spots, heights = carrier.piece.top.spots(radius, LEVEL_M / own.scale)
    if not len(spots):
        return None
    pick = rng.integers(len(spots))
    base = own.apply(np.array([spots[pick, 0], heights[pick], spots[pick, 1]]))
    if not LOWEST_TOP_M < base[1] < HIGHEST_TOP_M:
        return None
    rotation = turn(_yaw(rng, base[[0, 2]], style))
    foot = scale * (rotation @ piece.foot)
    return Stood(piece, Sim3(rotation, base - foot, scale), index)
