"""Which planes the room has: those of the geometry, made to hold the objects, closed at the back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..frames import CAMERA_UP, Sim3, pixel_centres, unproject, world_from_camera
from ..planes import Plane, transform_plane
from ..surfaces.room import RoomPlanes
from ..types import Geometry
from .planes import exit_distance

LEVEL_RAD = np.radians(5.0)
"""A floor tilted less than this against gravity is taken for level."""
MOST_PUSHED = 0.35
"""A wall is moved back by at most this share of its distance to make room for the objects."""
BEHIND_OBJECTS = 1.05
SAMPLES = 200_000
"""So many pixels tell how far the background is."""
FARTHEST = 4.0
"""The backdrop stands at most this many times as far as the farthest object."""


@dataclass(frozen=True, eq=False)
class Enclosure:
    """The room as planes, in the world frame.

    Attributes:
        world_from_camera: rigid pose of the photo's camera.
        floor: level, at y = 0; or as the geometry gives it where the ground slopes; or None.
        walls: vertical or not, as the geometry gives them.
        ceiling: or None.
        backdrop: an upright plane behind everything, where the other planes leave the view
            open; or None.
        reach: how far the room may go from the origin.
        levels: further level ground, highest first: steps, a terrace, a table nobody masked.
        others: planes that bound nothing: the levels, slopes, fronts of furniture.
        as_found: walls and ceiling where they were seen, before they made room for the objects.
        notes: sentences for the report.
    """

    world_from_camera: Sim3
    floor: Plane | None
    walls: tuple[Plane, ...]
    ceiling: Plane | None
    backdrop: Plane | None
    reach: float
    levels: tuple[Plane, ...] = ()
    others: tuple[Plane, ...] = ()
    as_found: tuple[Plane, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def planes(self) -> tuple[Plane, ...]:
        """All planes there are."""
        return self.solid if self.backdrop is None else (*self.solid, self.backdrop)

    @property
    def solid(self) -> tuple[Plane, ...]:
        """The planes that things stand on and do not go through."""
        return tuple(p for p in (self.floor, *self.walls, self.ceiling) if p is not None)

    def found(self, planes: Sequence[Plane]) -> list[Plane]:
        """The same planes where they were seen."""
        seen = {plane.name: plane for plane in self.as_found}
        return [seen.get(plane.name, plane) for plane in planes]

    def ground_under(self, points: np.ndarray, above: float = 0.02) -> Plane | None:
        """The highest floor or level that (n, 3) world points stand over.

        A level reaches as far as it was seen, which nobody tells here; it counts where it lies
        beneath the points, by at most ``above`` of their height within them.
        """
        slack = above * float(np.ptp(points[:, 1]))
        for plane in (*self.levels, *((self.floor,) if self.floor else ())):
            if float(np.quantile(plane.height(points), 0.001)) >= -slack:
                return plane
        return self.floor


def world_pose(geometry: Geometry) -> tuple[Sim3, list[str]]:
    """The photo's camera in the world, and what had to be assumed.

    Without gravity the floor's normal is up; without both the camera is taken for level.
    """
    notes = []
    up, floor = geometry.up, geometry.floor
    if floor is not None and not (np.isfinite(floor).all() and np.linalg.norm(floor[:3]) > 0):
        floor = None
    if up is None and floor is not None:
        up = np.asarray(floor[:3], np.float64)
    if up is None:
        up = CAMERA_UP
        notes.append("The direction of gravity is not known; the camera was taken for level.")
    if floor is not None:
        normal = np.asarray(floor[:3], np.float64) / np.linalg.norm(floor[:3])
        if np.arccos(np.clip(normal @ up / np.linalg.norm(up), -1, 1)) < LEVEL_RAD:
            up = normal  # so that the floor is y = 0 all over, not only below the camera
    pose = world_from_camera(up, floor)
    if floor is None:
        notes.append("No floor is known; y = 0 is the camera's height.")
    return pose, notes


def enclose(
    geometry: Geometry,
    pose: Sim3,
    objects: Sequence[np.ndarray],
    width: int,
    height: int,
    background: np.ndarray,
    found: RoomPlanes | None = None,
) -> Enclosure:
    """The room's planes around the objects.

    Args:
        geometry: planes in the camera frame.
        pose: world from camera, of :func:`world_pose`.
        objects: per object (n, 3) world points on its surface.
        width, height: the photo's.
        background: (H, W) bool, pixels of no object.
        found: levels and other planes; None for none.
    """
    notes: list[str] = []
    camera = pose.translation
    floor = _plane("floor", geometry.floor, pose)
    if floor is not None and floor.height(camera) <= 0:
        notes.append("The floor found lies above the camera and was left out.")
        floor = None
    if floor is not None and floor.normal[1] > np.cos(LEVEL_RAD):
        floor = Plane("floor", np.array([0.0, 1.0, 0.0]), 0.0)
    ceiling = _plane("ceiling", geometry.ceiling, pose)
    if ceiling is not None and ceiling.height(camera) <= 0:
        notes.append("The ceiling found lies below the camera and was left out.")
        ceiling = None
    as_found = [ceiling] if ceiling is not None else []
    if ceiling is not None and objects:
        lowest = min(float(ceiling.height(points).min()) for points in objects)
        ceiling = ceiling.pushed(max(0.0, -lowest) * 1.01)

    walls: list[Plane] = []
    for plane in np.asarray(geometry.walls, np.float64).reshape(-1, 4):
        wall = _plane(f"wall_{len(walls)}", plane, pose)
        if wall is None:
            continue
        as_found.append(wall)
        wall, note = _with_room(wall, camera, objects)
        if wall is not None:
            walls.append(wall)
        if note:
            notes.append(note)
    rest = () if found is None else (*found.levels, *found.others)
    others = tuple(p for p in (_plane("other", plane, pose) for plane in rest) if p is not None)
    number = 0 if found is None else len(found.levels)
    level = sorted(others[:number], key=lambda p: p.offset)
    levels = tuple(replace(p, name=f"level_{i}") for i, p in enumerate(level))
    enclosure = Enclosure(
        pose,
        floor,
        tuple(walls),
        ceiling,
        None,
        0.0,
        levels,
        others,
        tuple(as_found),
        tuple(notes),
    )
    return _closed(enclosure, geometry, objects, width, height, background)


def _plane(name: str, plane: np.ndarray | None, pose: Sim3) -> Plane | None:
    if plane is None:
        return None
    try:
        return Plane(name, *transform_plane(pose, plane))
    except ValueError:
        return None


def _with_room(
    wall: Plane, camera: np.ndarray, objects: Sequence[np.ndarray]
) -> tuple[Plane | None, str]:
    """The wall moved behind the objects in front of it.

    Its texture comes from the photo's camera, so moving it changes nothing in the photo's view.
    """
    distance = float(wall.height(camera))
    if distance <= 0:
        return None, f"The plane {wall.name} has the camera behind it and was left out."
    beyond = max((-float(wall.height(points).min()) for points in objects), default=0.0)
    if beyond <= 0:
        return wall, ""
    if beyond > MOST_PUSHED * distance:
        return None, f"An object stands far behind the plane {wall.name}, which was left out."
    return wall.pushed(beyond * 1.001), ""


def _closed(
    enclosure: Enclosure,
    geometry: Geometry,
    objects: Sequence[np.ndarray],
    width: int,
    height: int,
    background: np.ndarray,
) -> Enclosure:
    """With a backdrop where the view would leave the room."""
    pose = enclosure.world_from_camera
    camera = pose.translation
    ahead = np.array([0.0, 0.0, -1.0])
    depths = [float(((points - camera) @ ahead).max()) for points in objects]
    farthest_object = max([d for d in depths if d > 0], default=0.0)
    step = max(1, round(float(np.sqrt(background.size / SAMPLES))))
    coarse = np.s_[::step, ::step]
    chosen = background[coarse] & geometry.valid[coarse]
    seen = pose.apply(geometry.points[coarse][chosen].astype(np.float64))
    seen = (seen - camera) @ ahead
    seen = seen[seen > 0]
    distance = float(np.percentile(seen, 98)) if len(seen) else 0.0
    if farthest_object > 0:
        distance = min(distance, FARTHEST * farthest_object)
    distance = max(distance, BEHIND_OBJECTS * farthest_object)
    if distance <= 0:
        distance = 5.0 * (float(camera[1]) or 1.0)
    grid = pixel_centres(18, 24) * [width / 24, height / 18]
    rays = pose.rotate(unproject(grid.reshape(-1, 2), np.ones(18 * 24), geometry.intrinsics))
    ends = exit_distance(enclosure.planes, camera, rays)
    open_view = (ends * -rays[:, 2] > 1.5 * distance) & (rays[:, 2] < 0)
    backdrop = None
    if open_view.any():
        backdrop = Plane("backdrop", -ahead, distance - float(camera[2]))
    closed = [*enclosure.planes, *([backdrop] if backdrop else [])]
    ends = exit_distance(closed, camera, rays)
    lengths = ends[np.isfinite(ends)] * np.linalg.norm(rays[np.isfinite(ends)], axis=1)
    reach = 3.0 * max(float(lengths.max()) if len(lengths) else 0.0, distance)
    return replace(enclosure, backdrop=backdrop, reach=reach)
