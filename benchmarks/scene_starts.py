"""The poses that ComposeScene starts from: the true ones, ones that are off, those of Register.

Poses that are off err as Register's do: an object's distance and size go together (along the view
ray a picture tells little), sideways and in size for its distance it is well known, its heading is
off by a few degrees and gravity hardly at all. The covariance that comes with a placement says
just that, so it holds the truth about how wrong the pose may be.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.transform import Rotation

from cast_nodes.backends import choose
from cast_nodes.context import Context
from cast_nodes.frames import Sim3
from cast_nodes.mesh_data import read_mesh
from cast_nodes.register import RegisterInputs, register
from cast_nodes.store import Store
from cast_nodes.types import Geometry, Placement, Placements

from .register_sensor import FLOOR_NOISE, TILT_RAD, Sensor, sensed_depth, sensed_plane
from .scene_rooms import Room


@dataclass(frozen=True)
class Errors:
    """Standard deviations.

    Attributes:
        ray: of the logarithm of distance and size together.
        size: of the logarithm of the size beside that.
        across: sideways, over the distance.
        yaw_rad: about gravity.
        tilt_rad: about each level axis.
    """

    ray: float = 0.025
    size: float = 0.006
    across: float = 0.0015
    yaw_rad: float = float(np.deg2rad(2.0))
    tilt_rad: float = float(np.deg2rad(0.3))


USUAL = Errors()
SENSOR = Sensor(warp=0.01, white=0.004, bleed_px=0.7, holes=2.5)
"""The point map that Register sees; its unit is known."""
STARTS = {
    "exact": "true poses",
    "perturbed": "poses off as Register leaves them",
    "register": "poses of Register (hybrid) on a noisy point map",
}


def covariance_of(centre: np.ndarray, up: np.ndarray, errors: Errors) -> np.ndarray:
    """(7, 7) as :class:`Placement` has it, of an object at (3,) ``centre``, camera frame."""
    distance = float(np.linalg.norm(centre))
    ray = centre / distance
    out = np.zeros((7, 7))
    upright = np.outer(up, up)
    out[:3, :3] = errors.yaw_rad**2 * upright + errors.tilt_rad**2 * (np.eye(3) - upright)
    along = np.outer(ray, ray)
    out[3:6, 3:6] = distance**2 * (errors.ray**2 * along + errors.across**2 * (np.eye(3) - along))
    out[3:6, 6] = out[6, 3:6] = errors.ray**2 * distance * ray
    out[6, 6] = errors.ray**2 + errors.size**2
    return out


def _middle(room: Room, i: int) -> np.ndarray:
    """(3,) the middle of the mesh's box in the object frame."""
    low, high = read_mesh(room.things[i].piece.mesh).bounds
    return (low + high) / 2


def exact(room: Room) -> Placements:
    """True poses, which come with the same doubt as those that are off."""
    out = []
    for item in room.objects.kept:
        pose = room.pose(item.id)
        covariance = covariance_of(pose.apply(_middle(room, item.id)), room.up, USUAL)
        out.append(Placement(item.id, pose, covariance=covariance))
    return Placements(tuple(out), "benchmark")


def perturbed(room: Room, seed: int, errors: Errors = USUAL) -> Placements:
    """Poses that are off; equal seeds give equal ones."""
    out = []
    for item in room.objects.kept:
        rng = np.random.default_rng([seed, item.id, 5])
        pose, middle = room.pose(item.id), _middle(room, item.id)
        centre = pose.apply(middle)
        up, ray = room.up, centre / np.linalg.norm(centre)
        side = rng.normal(size=3)
        side = (side - (side @ ray) * ray) * errors.across * np.linalg.norm(centre)
        level = rng.normal(size=3)
        level = (level - (level @ up) * up) * errors.tilt_rad
        turn = Rotation.from_rotvec(level + up * rng.normal(0, errors.yaw_rad)).as_matrix()
        far, large = rng.normal(0, errors.ray), rng.normal(0, errors.size)
        rotation, scale = turn @ pose.rotation, pose.scale * np.exp(far + large)
        goal = centre * np.exp(far) + side
        moved = Sim3(rotation, goal - scale * (rotation @ middle), scale)
        out.append(Placement(item.id, moved, covariance=covariance_of(goal, up, errors)))
    return Placements(tuple(out), "benchmark")


def sensed(room: Room, seed: int) -> Geometry:
    """The room's geometry as a depth network and plane fits give it."""
    rng = np.random.default_rng([seed, 6])
    g = room.geometry
    depth = sensed_depth(np.asarray(g.depth, np.float32), SENSOR, rng)
    points = g.points * (depth / g.depth)[..., None]
    assert g.floor is not None and g.ceiling is not None
    floor = sensed_plane(g.floor, TILT_RAD / 2, FLOOR_NOISE / 2, rng)
    walls = [sensed_plane(w, TILT_RAD / 2, FLOOR_NOISE / 2, rng) for w in g.walls]
    ceiling = sensed_plane(g.ceiling, TILT_RAD / 2, FLOOR_NOISE / 2, rng)
    return replace(
        g, points=points.astype(np.float32), up=floor[:3], floor=floor, walls=np.stack(walls),
        ceiling=ceiling,
    )  # fmt: skip


def registered(room: Room, geometry: Geometry) -> Placements:
    """What Register makes of the room."""
    inputs = RegisterInputs(room.objects, geometry, room.meshes)
    return register(inputs, choose("register", "hybrid"), Context(store=Store()))


def start(room: Room, name: str, seed: int) -> tuple[Placements, Geometry]:
    """The poses and the geometry of a start, by its name in ``STARTS``."""
    if name == "exact":
        return exact(room), room.geometry
    if name == "perturbed":
        return perturbed(room, seed), room.geometry
    geometry = sensed(room, seed)
    return registered(room, geometry), geometry
