"""Seeded rooms with known truth for the registration benchmark, in several modes.

A room is what the Register stage gets (photo, masks, point map, meshes) and what it should answer.
The same seed gives the same arrangement in modes of one style.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from cast_nodes.frames import (
    Sim3,
    crop_intrinsics,
    intrinsics_from_fov,
    pixel_centres,
    project,
    world_from_camera,
)
from cast_nodes.mesh_data import MeshData, read_mesh
from cast_nodes.raster import rasterize
from cast_nodes.records import mask_box
from cast_nodes.register import RegisterInputs
from cast_nodes.stretched import posed_mesh
from cast_nodes.types import (
    Geometry,
    Mesh,
    MeshEntry,
    Meshes,
    Objects,
    Photo,
    Placement,
    SceneObject,
)

from .register_measures import Answer
from .register_picture import Seen, shade
from .register_sensor import (
    EXACT,
    LAYOUT_DEPTH_NOISE,
    LAYOUT_FLOOR_NOISE,
    LAYOUT_TILT_RAD,
    NOISY,
    WARPED,
    Condition,
    Sensor,
    damaged,
    rough_mask,
    sensed_geometry,
    sensed_plane,
    stretched,
    turned,
)
from .register_stand import Eye, Stood, Style, arrange, turn
from .register_stock import Stock

Ground = Literal["given", "none"]


@dataclass(frozen=True)
class Mode:
    """One kind of room.

    Attributes:
        sensor: how point map and masks are off.
        condition: how the meshes are off.
        layout: points are guesses of single-view metrology instead of a sensor's.
        lying: the meshes' y axes are not up, and they say so.
    """

    name: str
    summary: str
    style: Style = Style()
    sensor: Sensor = NOISY
    condition: Condition = "true"
    layout: bool = False
    lying: bool = False


CROWD = Style(count=(10, 10), crowd_m=0.75, small=0.25, hidden=0.45)

MODES = {
    mode.name: mode
    for mode in (
        Mode("clean", "exact point map and masks", sensor=EXACT),
        Mode("noisy", "noise, warp, bleeding edges, holes, rough masks, unknown scale"),
        Mode("frontal", "noisy, all things facing the camera", Style(frontal=True)),
        Mode("crowded", "noisy, ten things pushed together", CROWD),
        Mode("warped", "twice the warp, meshes off by 8 % a side", Style(), WARPED, "stretched"),
        Mode("damaged", "noisy, meshes decimated and holed", condition="damaged"),
        Mode("layout", "points guessed from boxes on a floor that is a little off", layout=True),
        Mode("lying", "noisy, meshes whose y axis is not up", lying=True),
    )
}


@dataclass(frozen=True, eq=False)
class Room:
    """A room with truth.

    Attributes:
        inputs: of the stage; its meshes are what a generator made of the true ones.
        answer: the truth of the kept objects, poses in the geometry's unit. A given mesh shares
            the frame of the true one.
    """

    inputs: RegisterInputs
    answer: Answer

    def given(self, placement: Placement) -> Mesh:
        """The mesh that a placement poses."""
        entry = self.inputs.meshes.get(placement.id)
        assert entry is not None
        return posed_mesh(entry.candidates[placement.candidate], placement)


LEAST_VISIBLE = 0.2
"""Things that show less than this share are dropped, as Filter drops them; their masks stay known."""
FEWEST = 3
TRIES = 30


def make_room(
    stock: Stock,
    mode: Mode,
    seed: int,
    *,
    count: int | None = None,
    enough: int | None = None,
    ground: Ground = "given",
    width: int = 640,
    height: int = 480,
) -> Room:
    """The room of a seed.

    Args:
        count: number of things tried; None draws it from the mode's style.
        enough: number that must find a place in the first attempts; None asks for nearly all.
        ground: "none" keeps gravity and floor from the geometry.

    Raises:
        ValueError: the stock gives no room with ``FEWEST`` things (or ``count``, when less).
    """
    best: tuple[Eye, np.ndarray, list[Stood]] | None = None
    for attempt in range(TRIES):
        rng = np.random.default_rng([seed, attempt])
        eye, floor = _camera(rng, width, height)
        low, high = mode.style.count
        wanted = int(rng.integers(low, high + 1)) if count is None else count
        small = int(rng.binomial(wanted - 1, mode.style.small))
        stood = arrange(rng, stock.pick(rng, wanted - small, small), eye, mode.style)
        if best is None or len(stood) > len(best[2]):
            best = eye, floor, stood
        if len(stood) >= (enough or min(wanted, max(FEWEST, round(0.9 * wanted)))):
            break
    assert best is not None
    eye, floor, stood = best
    least = min(FEWEST, count or FEWEST)
    if len(stood) < least:
        raise ValueError(f"seed {seed}: no room with {least} things in {TRIES} attempts")
    return _observed(stood, eye, floor, mode, seed, ground)


def _camera(rng: np.random.Generator, width: int, height: int) -> tuple[Eye, np.ndarray]:
    """A camera at eye height looking a little down, and the floor in its frame."""
    intrinsics = intrinsics_from_fov(width, height, np.deg2rad(rng.uniform(48, 66)))
    pitch, roll = np.deg2rad(rng.uniform(8, 24)), np.deg2rad(rng.uniform(-1, 1))
    up = np.array([np.sin(roll), -np.cos(pitch) * np.cos(roll), -np.sin(pitch)])
    up /= np.linalg.norm(up)
    floor = np.array([*up, rng.uniform(1.3, 1.8)])
    return Eye(intrinsics, world_from_camera(up, floor).inverse(), width, height), floor


def _observed(
    stood: list[Stood], eye: Eye, floor: np.ndarray, mode: Mode, seed: int, ground: Ground
) -> Room:
    """Looks at the arrangement and makes the stage's inputs of it."""
    rng = np.random.default_rng([seed, 1000])
    poses = [eye.camera_from_world @ s.world_from_object for s in stood]
    rays = _rays(eye)
    planes = np.stack([floor, *_walls(stood, eye, rng)])
    seen = _look([s.piece.data for s in stood], poses, planes, rays, eye)
    rgb = shade(
        seen, [(s.piece.data, p) for s, p in zip(stood, poses, strict=True)], eye, planes, rng
    )

    objects, visible = [], {}
    for index, item in enumerate(stood):
        mask = seen.ids == index
        share = mask.sum() / max(1, seen.whole[index])
        if mask.sum() < 30:
            continue
        keep = bool(share >= LEAST_VISIBLE and mask.mean() >= mode.style.least_area)
        mask = rough_mask(mask, mode.sensor, rng)
        objects.append(
            SceneObject(
                index, item.piece.name, 1.0, mask_box(mask) or (0, 0, 0, 0), mask,
                occlusion=1 - float(share), keep=keep, reason="" if keep else "hardly visible",
            )
        )  # fmt: skip
        if keep:
            visible[index] = float(share)
    found = Objects(Photo(rgb, f"{mode.name}_{seed:04d}"), tuple(objects), "benchmark")

    if mode.layout:
        geometry, factors = _layout_geometry(stood, poses, seen, rays, eye, floor, rng)
    else:
        geometry, factor = sensed_geometry(
            rays, seen.depth, eye.intrinsics, floor, mode.sensor, rng
        )
        factors = [factor] * len(stood)
    if ground == "none":
        geometry = replace(geometry, up=None, floor=None)

    meshes, given, truth = {}, [], {}
    for index in visible:
        piece, factor = stood[index].piece, factors[index]
        pose = poses[index]
        pose = Sim3(pose.rotation, pose.translation * factor, pose.scale * factor)
        mesh, data = piece.mesh, piece.data
        if mode.lying:
            rotation = _any_side(rng)
            mesh = turned(mesh, data, rotation)
            data, pose = read_mesh(mesh), pose @ Sim3(rotation.T, np.zeros(3))
        meshes[index], truth[index] = mesh, pose
        if mode.condition == "stretched":
            mesh = stretched(mesh, data, rng)
        elif mode.condition == "damaged":
            mesh = damaged(mesh, data, rng)
        given.append(MeshEntry(index, (mesh,)))
        read_mesh(mesh)  # so that reading files is no part of any backend's time
    inputs = RegisterInputs(found, geometry, Meshes(tuple(given), "benchmark"))
    support = {i: stood[i].supported_by for i in visible}
    answer = Answer(found.photo.name, truth, meshes, visible, support, floor[:3])
    return Room(inputs, answer)


def _any_side(rng: np.random.Generator) -> np.ndarray:
    """(3, 3) rotation after which y points along one of the other five axes, at any yaw."""
    x, z = (
        np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]]),
        np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]]),
    )
    sides = (x, x @ x, x @ x @ x, z, z @ z @ z)
    return sides[rng.integers(5)] @ turn(rng.uniform(-np.pi, np.pi))


def _rays(eye: Eye) -> np.ndarray:
    """(H, W, 3) float32 directions of the pixels, z = 1."""
    out = np.ones((eye.height, eye.width, 3), np.float32)
    focal, centre = eye.intrinsics[[0, 1], [0, 1]], eye.intrinsics[:2, 2]
    out[..., :2] = (pixel_centres(eye.height, eye.width) - centre) / focal
    return out


def _walls(stood: list[Stood], eye: Eye, rng: np.random.Generator) -> list[np.ndarray]:
    """(4,) planes, camera frame, of a back wall and two side walls behind all things."""
    points = np.concatenate([s.samples[::8] for s in stood])
    photographer = eye.camera_from_world.inverse().translation
    spin = turn(rng.normal(0, np.deg2rad(12)))
    planes = []
    for normal, gap, stand in (
        ([0, 0, 1], rng.uniform(0.05, 1.0), 1.0),
        ([1, 0, 0], rng.uniform(0.1, 1.6), 0.7),
        ([-1, 0, 0], rng.uniform(0.1, 1.6), 0.7),
    ):
        n = spin @ normal
        offset = min((points @ n).min() - gap, photographer @ n - stand)
        inward = eye.camera_from_world.rotate(n)
        planes.append(np.array([*inward, -offset - inward @ eye.camera_from_world.translation]))
    return planes


def _look(
    data: list[MeshData], poses: list[Sim3], planes: np.ndarray, rays: np.ndarray, eye: Eye
) -> Seen:
    """The z-buffer of planes and things; each thing is rasterised within its own box."""
    shape = rays.shape[:2]
    depth, ids = np.full(shape, np.inf, np.float32), np.full(shape, -1)
    for number, plane in enumerate(planes.astype(np.float32)):
        with np.errstate(divide="ignore"):
            distance = -plane[3] / (rays @ plane[:3])
        nearer = (distance > 0) & (distance < depth)
        depth[nearer] = distance[nearer]
        ids[nearer] = -1 - number
    faces, bary = np.full(shape, -1), np.zeros((*shape, 3), np.float32)
    whole = []
    for index, (mesh, pose) in enumerate(zip(data, poses, strict=True)):
        vertices = pose.apply(mesh.vertices)
        with np.errstate(invalid="ignore"):
            pixels = project(vertices, eye.intrinsics)
        if not np.isfinite(pixels).all():  # partly behind the camera
            x0, y0, x1, y1 = 0, 0, eye.width, eye.height
        else:
            x0, y0 = np.floor(pixels.min(0).clip(0, [eye.width - 1, eye.height - 1])).astype(int)
            x1, y1 = np.ceil(pixels.max(0).clip([x0 + 1, y0 + 1], [eye.width, eye.height])).astype(
                int
            )
        camera = crop_intrinsics(eye.intrinsics, x0, y0)
        alone = rasterize(vertices, mesh.faces, camera, x1 - x0, y1 - y0)
        part = np.s_[y0:y1, x0:x1]
        whole.append(int(alone.mask.sum()))
        with np.errstate(invalid="ignore"):
            nearer = alone.mask & (alone.depth < depth[part])
        depth[part][nearer] = alone.depth[nearer]
        ids[part][nearer] = index
        faces[part][nearer] = alone.face[nearer]
        bary[part][nearer] = alone.bary[nearer]
    return Seen(depth, ids, faces, bary, tuple(whole))


def _layout_geometry(
    stood: list[Stood],
    poses: list[Sim3],
    seen: Seen,
    rays: np.ndarray,
    eye: Eye,
    floor: np.ndarray,
    rng: np.random.Generator,
) -> tuple[Geometry, list[float]]:
    """Points on the fronts of the things' boxes, which stand on a floor that is a little off.

    Returns the geometry and for each thing the factor about the camera that puts its true pose
    (or that of what it stands on) onto that floor: the picture tells no more than that. What
    hangs is as much farther as the floor is lower.
    """
    plane = sensed_plane(floor, LAYOUT_TILT_RAD, LAYOUT_FLOOR_NOISE, rng)
    out = seen.depth.copy()
    factors: list[float] = []
    for index, (item, pose) in enumerate(zip(stood, poses, strict=True)):
        low, high = item.piece.data.bounds
        if isinstance(item.supported_by, int):
            factor = factors[item.supported_by]
        elif item.supported_by == "ceiling":
            factor = float(plane[3] / floor[3])
        else:
            factor = float(-plane[3] / (pose.apply(item.piece.foot) @ plane[:3]))
        factors.append(factor)
        mine = seen.ids == index
        if not mine.any():
            continue
        view = pose.inverse()
        origin, direction = view.translation, view.rotate(rays[mine]) * view.scale
        with np.errstate(divide="ignore"):
            near = np.minimum((low - origin) / direction, (high - origin) / direction)
        out[mine] = near.max(1) * factor * (1 + LAYOUT_DEPTH_NOISE * rng.normal())
    points = (rays * out[..., None]).astype(np.float32)
    geometry = Geometry(
        points, eye.intrinsics, True, "layout", approximate=True, up=plane[:3], floor=plane
    )
    return geometry, factors
