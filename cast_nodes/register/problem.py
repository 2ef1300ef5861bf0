"""One object's registration problem, cut out of the photo and self-contained.

Everything a solver may look at is here, at a bounded working resolution, and nothing else: the
content key of a problem is the key of its result, so an unrelated object's change redoes
nothing, and the cost does not grow with the photo.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy import ndimage

from ..content import content_key
from ..errors import ObjectFailure
from ..frames import Sim3
from ..types import Geometry, Mesh, MeshEntry, Objects, Placement, SceneObject
from .dewarp import log_correction
from .survey import Survey, survey_photo
from .window import WORKING_SIDE, Window, overlaps, window_of

__all__ = ["MAX_POINTS", "WORKING_SIDE", "Problem", "make_problem", "trusted_pixels"]

MAX_POINTS = 2000
NEARER = 0.015
"""A neighbour counts as in front when it is nearer by this share of the distance."""


@dataclass(frozen=True, eq=False)
class Problem:
    """What is known of one object.

    Attributes:
        id, label: whose problem it is; no part of the key.
        intrinsics: (3, 3) of the working crop.
        mask: (h, w) bool, visible pixels of the object.
        unknown: (h, w) bool, pixels that say nothing: hidden by something nearer, or outside
            the photo. Never overlaps the mask.
        depth: (h, w) float32, z at trusted pixels of the object, NaN elsewhere.
        colour: (h, w, 3) uint8.
        points: (n, 3) float32 camera frame, n >= 1, cleaned visible points of the object.
        up: (3,) or None.
        floor: (4,) n.p + d = 0, n up, or None.
        base: height over the floor of the mask's lower end, from all its points (feet are too thin
            to be trusted for more); NaN when that end is hidden or nothing is known.
        approximate: the points are a guess; masks and contacts count for more.
        metric: camera units are metres.
        candidates: the meshes to choose from, at least one.
        given: poses from elsewhere, to be tried beside those found here.
        given_candidate: index of the candidate that they pose.
        walls: (n, 4) planes n.p + d = 0 of the room, n towards the camera.
        carried: ``floor`` is the top of another object, on which this one stands.
    """

    id: int
    label: str
    intrinsics: np.ndarray
    mask: np.ndarray
    unknown: np.ndarray
    depth: np.ndarray
    colour: np.ndarray
    points: np.ndarray
    up: np.ndarray | None
    floor: np.ndarray | None
    base: float
    approximate: bool
    metric: bool
    candidates: tuple[Mesh, ...] = field(default=())
    given: tuple[Sim3, ...] = ()
    given_candidate: int = 0
    walls: np.ndarray = field(default_factory=lambda: np.zeros((0, 4)))
    carried: bool = False

    @cached_property
    def key(self) -> str:
        """Content of everything but id and label."""
        return content_key(
            self.intrinsics, self.mask, self.unknown, self.depth, self.colour, self.points,
            self.up, self.floor, self.base, self.approximate, self.metric, self.candidates,
            self.given, self.given_candidate, self.walls, self.carried,
        )  # fmt: skip


def make_problem(
    item: SceneObject,
    objects: Objects,
    geometry: Geometry,
    entry: MeshEntry | None,
    surveyed: Survey | None = None,
    given: Placement | None = None,
) -> Problem:
    """Cuts an object's problem out of the photo.

    Args:
        surveyed: ``survey_photo(geometry, objects)``, made here when it is None; the same for all
            objects of a photo.
        given: a placement from elsewhere of one of the entry's candidates, to start from as well;
            only its pose and candidate count.

    Raises:
        ObjectFailure: no mesh, no mask, or no valid point; the message says which.
    """
    name = f"{item.label} {item.id}"
    if entry is None or entry.failure or not entry.candidates:
        why = entry.failure if entry is not None and entry.failure else "the mesh stage made none"
        raise ObjectFailure(f"{name} has no mesh to place: {why}")
    if item.mask is not None and item.mask.shape != geometry.points.shape[:2]:
        raise ObjectFailure(
            f"{name}: its mask is {item.mask.shape[1]}x{item.mask.shape[0]}, the point map "
            f"{geometry.points.shape[1]}x{geometry.points.shape[0]}; both must be the photo's size"
        )
    surveyed = surveyed or survey_photo(geometry, objects)
    box = surveyed.boxes.get(item.id)
    if item.mask is None or box is None:
        raise ObjectFailure(f"{name} has an empty mask; give it a mask or drop it")
    window = window_of(box, item.mask.shape)
    mask = window.area(item.mask)
    if not mask.any():  # thinner than a working pixel
        mask = window.pick(item.mask, False)
    if not mask.any():
        mask = window.touched(item.mask)
    points = window.pick(geometry.points, np.nan)
    points = np.where(_positive(points)[..., None], points, np.nan).astype(np.float32)
    trusted = trusted_pixels(mask, points[..., 2])
    if not trusted.any():
        raise ObjectFailure(f"{name} has no valid point of the point map inside its mask")
    points = _straightened(points, trusted, window, objects, surveyed)
    floor = surveyed.ground.floor
    pose = given.camera_from_object if given else None
    in_front = _in_front(item, mask, points, objects, geometry.approximate, window, surveyed)
    unknown = (in_front | ~window.inside) & ~mask
    return Problem(
        id=item.id,
        label=item.label,
        intrinsics=window.intrinsics(geometry.intrinsics),
        mask=mask,
        unknown=unknown,
        depth=np.where(trusted, points[..., 2], np.float32(np.nan)),
        colour=window.area(objects.photo.rgb),
        points=_subsample(points[trusted], MAX_POINTS),
        up=surveyed.ground.up,
        floor=floor,
        base=_base(mask, unknown, points, floor),
        approximate=geometry.approximate,
        metric=geometry.metric,
        candidates=entry.candidates,
        walls=_walls(geometry, surveyed),
        given=(pose,) if pose else (),
        given_candidate=given.candidate if given and pose else 0,
    )


def _straightened(
    points: np.ndarray,
    trusted: np.ndarray,
    window: Window,
    objects: Objects,
    surveyed: Survey,
) -> np.ndarray:
    """(h, w, 3) the window's points with the bend taken out that the floor around shows."""
    if surveyed.witnesses is None:
        return points
    # Only masks about the window: another object far away must not change this one's problem.
    x0, y0, x1, y1 = window.box
    reach = surveyed.witnesses.reach_px
    wider = (x0 - reach, y0 - reach, x1 + reach, y1 + reach)
    masks = [
        (other.mask, surveyed.boxes[other.id])
        for other in objects.objects
        if other.mask is not None and overlaps(surveyed.boxes.get(other.id), wider)
    ]
    depth = float(np.median(points[trusted, 2]))
    bend = log_correction(surveyed.witnesses, window.box, window.size, depth, masks)
    return points if bend is None else points * np.exp(-bend)[..., None]


# --- what hides the object -------------------------------------------------------------------


def _in_front(
    item: SceneObject,
    mine: np.ndarray,
    points: np.ndarray,
    objects: Objects,
    approximate: bool,
    window: Window,
    surveyed: Survey,
) -> np.ndarray:
    """(h, w) bool, pixels of things nearer than the object, dropped objects included."""
    hidden = np.zeros(mine.shape, bool)
    # Thin gaps between masks are mask errors, so "touching" has some reach.
    near_mine = _dilated(mine, max(2, round(0.03 * max(mine.shape))))
    for other in objects.objects:
        box = surveyed.boxes.get(other.id)
        if other.id == item.id or other.mask is None or box is None:
            continue
        if not overlaps(box, window.box):
            continue
        theirs = window.pick_mask(other.mask, box) & ~mine
        if not theirs.any():
            continue
        if other.id in item.occluded_by or (
            (theirs & near_mine).any()
            and _is_in_front(other, item, theirs, mine, points[..., 2], approximate)
        ):
            hidden |= theirs
    if not approximate:
        hidden |= _nearer_surroundings(mine, points, surveyed.ground.floor)
    return hidden


def _is_in_front(
    other: SceneObject,
    item: SceneObject,
    theirs: np.ndarray,
    mine: np.ndarray,
    depth: np.ndarray,
    approximate: bool,
) -> bool:
    """Whether a touching object hides part of this one."""
    if item.id in other.occluded_by:
        return False
    if not approximate:
        # Depths on both sides of the common border, from a little inside each.
        step = max(1, round(0.01 * max(mine.shape)))
        about = _surroundings(theirs, 5 * step)
        theirs, mine, depth = theirs[about], mine[about], depth[about]
        a = _border_depth(theirs, mine, depth, step)
        b = _border_depth(mine, theirs, depth, step)
        if a is not None and b is not None:
            return a < b * (1 - NEARER)
    return other.bbox[3] > item.bbox[3]


def _surroundings(mask: np.ndarray, margin: int) -> tuple[slice, slice]:
    """The part of a picture that a mask fills, and a margin around it."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return (
        slice(max(0, rows[0] - margin), rows[-1] + margin + 1),
        slice(max(0, columns[0] - margin), columns[-1] + margin + 1),
    )


def _border_depth(inside: np.ndarray, beside: np.ndarray, depth: np.ndarray, step: int):
    ring = inside & _dilated(beside, 5 * step) & ~_dilated(beside, step) & np.isfinite(depth)
    return float(np.median(depth[ring])) if ring.any() else None


def _nearer_surroundings(
    mine: np.ndarray, points: np.ndarray, floor: np.ndarray | None
) -> np.ndarray:
    """(h, w) bool, pixels beside the mask whose surface is nearer than the mask's next pixel.

    Finds occluders that nobody detected. The floor in front of an object is nearer, too, but
    hides nothing, so this needs to know the floor.
    """
    if floor is None:
        return np.zeros(mine.shape, bool)
    depth = points[..., 2]
    sound = ndimage.binary_erosion(mine, iterations=2, border_value=1) & np.isfinite(depth)
    if not sound.any():
        return np.zeros(mine.shape, bool)
    own = depth[nearest_set(sound)]
    with np.errstate(invalid="ignore"):
        height = points @ np.asarray(floor[:3], np.float32) + float(floor[3])
        nearer = ~mine & (depth < own * (1 - 3 * NEARER)) & (height > 0.04 * own)
    labels = np.empty(mine.shape, np.int32)
    ndimage.label(nearer, output=labels)
    touching = np.unique(labels[_dilated(mine, 2) & nearer])
    return np.isin(labels, touching[touching > 0])


def distance_to(mask: np.ndarray) -> np.ndarray:
    """(h, w) float32 px from each pixel's centre to the nearest set pixel's centre."""
    return np.asarray(ndimage.distance_transform_edt(~mask), np.float32)


def nearest_set(mask: np.ndarray) -> tuple[np.ndarray, ...]:
    """Index arrays (rows, columns) of the set pixel nearest to each pixel."""
    found = ndimage.distance_transform_edt(~mask, return_distances=False, return_indices=True)
    return tuple(np.asarray(found))


def _positive(points: np.ndarray) -> np.ndarray:
    """(…) bool, finite and in front of the camera."""
    with np.errstate(invalid="ignore"):
        return np.isfinite(points).all(-1) & (points[..., 2] > 0)


def _dilated(mask: np.ndarray, radius: int) -> np.ndarray:
    """Dilation by a square of side 2 radius + 1, in steps that double (van Herk's idea)."""
    out = mask
    for axis in range(2):
        wide = np.swapaxes(out, 0, axis)
        done = 0
        while done < radius:
            step = min(radius - done, max(1, done))
            grown = wide.copy()
            grown[step:] |= wide[:-step]
            grown[:-step] |= wide[step:]
            wide, done = grown, done + step
        out = np.swapaxes(wide, 0, axis)
    return out


# --- points ----------------------------------------------------------------------------------


def trusted_pixels(mask: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """(h, w) bool, pixels whose depth surely belongs to the object.

    Depth bleeds at borders, so the mask is eroded, isolated jumps go, and a wide MAD gate drops
    what lies far off. Each step is skipped where it would leave too little (thin objects).
    """
    valid = mask & np.isfinite(depth)
    if not valid.any():
        return valid
    inner = distance_to(np.pad(~mask, 1, constant_values=True))[1:-1, 1:-1]
    for radius in (2.2, 1.2):
        eroded = valid & (inner > radius)
        if eroded.sum() >= max(20, 0.35 * valid.sum()):
            valid = eroded
            break
    filled = np.where(valid, depth, np.inf)
    nearest = ndimage.minimum_filter(filled, 3)
    farthest = ndimage.maximum_filter(np.where(valid, depth, -np.inf), 3)
    with np.errstate(invalid="ignore"):
        smooth = valid & (farthest - nearest < 0.06 * depth)
    if smooth.sum() >= max(20, 0.4 * valid.sum()):
        valid = smooth
    z = depth[valid]
    middle = np.median(z)
    spread = 1.4826 * np.median(np.abs(z - middle))
    return valid & (np.abs(depth - middle) <= max(4.5 * spread, 0.05 * middle))


def _walls(geometry: Geometry, surveyed: Survey) -> np.ndarray:
    """(n, 4) walls of the geometry, else those found in the point map; normals to the camera."""
    walls = np.asarray(geometry.walls if len(geometry.walls) else surveyed.ground.walls, np.float64)
    walls = walls.reshape(-1, 4)
    length = np.linalg.norm(walls[:, :3], axis=1, keepdims=True)
    walls = walls[np.isfinite(walls).all(1) & (length[:, 0] > 1e-9)]
    length = np.linalg.norm(walls[:, :3], axis=1, keepdims=True)
    return walls / length * np.where(walls[:, 3:] < 0, -1.0, 1.0)


def _base(
    mask: np.ndarray, unknown: np.ndarray, points: np.ndarray, floor: np.ndarray | None
) -> float:
    """Height over the floor of the mask's lower end, NaN when it is hidden or unknown."""
    valid = mask & np.isfinite(points[..., 2])
    if floor is None or not valid.any():
        return float("nan")
    rows, columns = np.nonzero(valid)
    lowest = rows >= np.percentile(rows, 97)
    rows, columns = rows[lowest], columns[lowest]
    # Whether something hides what would be below.
    band = max(2, round(0.04 * max(mask.shape)))
    below = np.minimum(rows + band, mask.shape[0] - 1)
    if unknown[below, columns].mean() > 0.2:
        return float("nan")
    return float(np.median(points[rows, columns] @ floor[:3] + floor[3]))


def _subsample(points: np.ndarray, count: int) -> np.ndarray:
    """At most ``count`` of (n, 3) points in random order (seeded), so any first part is spread."""
    order = np.random.default_rng(0).permutation(len(points))[:count]
    return np.ascontiguousarray(points[order], np.float32)
