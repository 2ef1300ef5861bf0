"""A tiny room with known truth: an asymmetric chair-like body on a floor, seen from above."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from cast_nodes.frames import Sim3, intrinsics_from_fov, pixel_centres
from cast_nodes.mesh_data import Material, MeshData, make_glb
from cast_nodes.raster import rasterize
from cast_nodes.register import RegisterInputs
from cast_nodes.types import Geometry, Mesh, MeshEntry, Meshes, Objects, Photo, SceneObject

WIDTH, HEIGHT = 240, 180
PITCH = np.deg2rad(18)
UP = np.array([0.0, -np.cos(PITCH), -np.sin(PITCH)])
FLOOR = np.array([*UP, 1.5])
INTRINSICS = intrinsics_from_fov(WIDTH, HEIGHT, np.deg2rad(55))

_CUBE = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float)
_FACES = np.array(
    [[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1],
     [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]]
)  # fmt: skip


def boxes(*ranges) -> MeshData:
    """A mesh of axis-aligned boxes, each ((x0, y0, z0), (x1, y1, z1))."""
    vertices = [np.array(low) + _CUBE * (np.array(high) - low) for low, high in ranges]
    faces = [_FACES + 8 * i for i in range(len(ranges))]
    count = 12 * len(ranges)
    material = (Material.coloured((180, 120, 60)),)
    return MeshData(np.concatenate(vertices), np.concatenate(faces), np.zeros(count, int), material)


def chair() -> MeshData:
    """Seat, back and one arm: no symmetry at all."""
    return boxes(
        ((-0.3, 0, -0.3), (0.3, 0.4, 0.3)),
        ((-0.3, 0.4, -0.3), (0.3, 0.9, -0.2)),
        ((0.2, 0.4, -0.3), (0.3, 0.6, 0.3)),
    )


def crate() -> MeshData:
    """A box."""
    return boxes(((-0.4, 0, -0.25), (0.4, 0.5, 0.25)))


def mesh_of(data: MeshData, **facts) -> Mesh:
    return Mesh(make_glb(data), **facts)


def upright_pose(yaw: float, spot: tuple[float, float], scale: float = 1.0) -> Sim3:
    """On the floor; ``spot`` is (right, ahead) of the point below the camera."""
    ahead = np.array([0.0, 0.0, 1.0]) - UP[2] * UP
    ahead /= np.linalg.norm(ahead)
    right = np.array([1.0, 0.0, 0.0])
    z = -np.cos(yaw) * ahead + np.sin(yaw) * right
    rotation = np.stack([np.cross(UP, z), UP, z], -1)
    return Sim3(rotation, spot[0] * right + spot[1] * ahead - FLOOR[3] * UP, scale)


@dataclass(frozen=True, eq=False)
class Room:
    inputs: RegisterInputs
    truth: dict[int, Sim3]
    bodies: dict[int, MeshData]

    def with_object(self, **changes) -> RegisterInputs:
        """The inputs with object 0 changed."""
        objects = self.inputs.objects
        changed = objects.replaced(replace(objects.by_id(0), **changes))
        return replace(self.inputs, objects=changed)

    def with_geometry(self, **changes) -> RegisterInputs:
        return replace(self.inputs, geometry=replace(self.inputs.geometry, **changes))

    def with_candidates(self, *meshes: Mesh) -> RegisterInputs:
        return replace(self.inputs, meshes=Meshes((MeshEntry(0, meshes),)))

    def error_of_the_body(self, object_id: int, pose: Sim3 | None) -> float:
        """Like :meth:`error` to the nearest vertex, so a body's symmetries do not count."""
        assert pose is not None
        true = self.truth[object_id].apply(self.bodies[object_id].vertices)
        found = pose.apply(self.bodies[object_id].vertices)
        apart = np.linalg.norm(true[:, None] - found[None], axis=2).min(1)
        return float(apart.mean() / np.linalg.norm(np.ptp(true, 0)))

    def error(self, object_id: int, pose: Sim3 | None, body: MeshData | None = None) -> float:
        """Mean distance of the vertices from their true places, over the diameter."""
        assert pose is not None
        true = self.truth[object_id].apply(self.bodies[object_id].vertices)
        found = pose.apply((body or self.bodies[object_id]).vertices)
        return float(np.linalg.norm(true - found, axis=1).mean() / np.linalg.norm(np.ptp(true, 0)))


def make_room(bodies: dict[int, tuple[MeshData, Sim3]], noise: float = 0.0) -> Room:
    rays = np.concatenate(
        [
            (pixel_centres(HEIGHT, WIDTH) - INTRINSICS[:2, 2]) / INTRINSICS[[0, 1], [0, 1]],
            np.ones((HEIGHT, WIDTH, 1)),
        ],
        2,
    )
    with np.errstate(divide="ignore"):
        ground = -FLOOR[3] / (rays @ UP)
    depth = np.minimum(np.where(ground > 0, ground, 8.0), 8.0)
    ids = np.full(depth.shape, -1)
    for i, (body, pose) in bodies.items():
        seen = rasterize(pose.apply(body.vertices), body.faces, INTRINSICS, WIDTH, HEIGHT)
        nearer = seen.mask & (np.nan_to_num(seen.depth, nan=np.inf) < depth)
        depth[nearer], ids[nearer] = seen.depth[nearer], i
    depth = depth * (1 + noise * np.random.default_rng(0).normal(size=depth.shape))
    objects = []
    for i in bodies:
        rows, columns = np.nonzero(ids == i)
        box = (
            float(columns.min()), float(rows.min()),
            float(columns.max() + 1), float(rows.max() + 1),
        )  # fmt: skip
        objects.append(SceneObject(i, "thing", 1.0, box, ids == i))
    photo = Photo(np.full((HEIGHT, WIDTH, 3), 127, np.uint8))
    geometry = Geometry(
        (rays * depth[..., None]).astype(np.float32), INTRINSICS, up=UP, floor=FLOOR
    )
    entries = tuple(MeshEntry(i, (mesh_of(body),)) for i, (body, _) in bodies.items())
    return Room(
        RegisterInputs(Objects(photo, tuple(objects)), geometry, Meshes(entries)),
        {i: pose for i, (_, pose) in bodies.items()},
        {i: body for i, (body, _) in bodies.items()},
    )


@pytest.fixture(scope="session")
def chair_room() -> Room:
    """One chair, turned by 0.7 rad, 2.6 m away, a little noise."""
    return make_room({0: (chair(), upright_pose(0.7, (0.2, 2.6)))}, noise=0.003)


@pytest.fixture(scope="session")
def occluded_room() -> Room:
    """A chair (0) half behind a crate (1)."""
    return make_room(
        {
            0: (chair(), upright_pose(0.7, (0.1, 3.8))),
            1: (crate(), upright_pose(0.2, (0.45, 3.0))),
        },
        noise=0.003,
    )
