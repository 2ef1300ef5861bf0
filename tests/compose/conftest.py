"""A small room with exact geometry: a box on the floor, a small box on it, a cylinder beside."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import trimesh

from cast_nodes.backends import choose
from cast_nodes.compose import ComposeInputs, compose
from cast_nodes.context import Context
from cast_nodes.frames import Sim3, intrinsics_from_fov, world_from_camera
from cast_nodes.mesh_data import Material, MeshData, make_glb
from cast_nodes.render import render
from cast_nodes.types import (
    Geometry,
    Mesh,
    MeshEntry,
    Meshes,
    Objects,
    Photo,
    Placement,
    Placements,
    SceneObject,
    View,
    Views,
)

WIDTH, HEIGHT = 160, 120


def shape_mesh(shape: trimesh.Trimesh, name: str, texture: bool = False) -> Mesh:
    """A GLB of a trimesh shape standing on y = 0, plain or with a checkered texture."""
    shape.apply_translation([0, -shape.bounds[0, 1], 0])
    vertices = np.asarray(shape.vertices)
    if texture:
        squares = ((np.indices((16, 16)).sum(0) % 2) * 120 + 80).astype(np.uint8)
        material = Material.textured(np.stack([squares, squares // 2, 255 - squares], -1), name)
        uv = (vertices[:, [0, 1]] - vertices[:, [0, 1]].min(0)) / np.ptp(
            vertices[:, [0, 1]], axis=0
        )
    else:
        material, uv = Material.coloured((200, 80, 60), name), None
    data = MeshData(
        vertices, np.asarray(shape.faces), np.zeros(len(shape.faces), int), (material,), uv,
        np.asarray(shape.vertex_normals),
    )  # fmt: skip
    return Mesh(make_glb(data, name), name, "test", metric=True)


@dataclass(frozen=True, eq=False)
class Room:
    """Truth of the test room; ``pose`` is world from camera, ``where`` world from object."""

    inputs: ComposeInputs
    pose: Sim3
    where: dict[int, Sim3]
    plate: np.ndarray


def turned(yaw: float, position: tuple[float, float, float], scale: float = 1.0) -> Sim3:
    c, s = np.cos(yaw), np.sin(yaw)
    return Sim3(np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]), np.array(position), scale)


def make_room(walls: bool = True, approximate: bool = True) -> Room:
    intrinsics = intrinsics_from_fov(WIDTH, HEIGHT, np.radians(60))
    tilt = np.radians(15)
    up = np.array([0.0, -np.cos(tilt), -np.sin(tilt)])
    floor = np.array([*up, 1.5])
    pose = world_from_camera(up, floor)
    camera_from_world = pose.inverse()
    meshes = {
        0: shape_mesh(trimesh.creation.box((1.0, 0.7, 0.6)), "table", texture=True),
        1: shape_mesh(trimesh.creation.box((0.3, 0.3, 0.3)), "crate"),
        2: shape_mesh(
            trimesh.creation.cylinder(
                0.25, 0.9, transform=trimesh.transformations.rotation_matrix(np.pi / 2, [1, 0, 0])
            ),
            "bin",
        ),
    }
    where = {
        0: turned(0.4, (-0.7, 0.0, -3.2)),
        1: turned(0.1, (-0.7, 0.7, -3.2)),
        2: turned(0.0, (0.8, 0.0, -3.0)),
    }
    sides = [((0, 0, 1.0), 5.0), ((1.0, 0, 0), 3.0), ((-1.0, 0, 0), 3.0)]
    planes = [(np.array([0.0, 1, 0]), 0.0)] + [(np.array(n), d) for n, d in sides]

    pixels = np.stack(np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5), -1)
    rays = np.concatenate([pixels, np.ones((HEIGHT, WIDTH, 1))], -1) @ np.linalg.inv(intrinsics).T
    world_rays = pose.rotate(rays)
    distance = np.full((HEIGHT, WIDTH), np.inf)
    which = np.zeros((HEIGHT, WIDTH), int)
    for number, (normal, offset) in enumerate(planes):
        towards = world_rays @ normal
        with np.errstate(divide="ignore"):
            hit = np.where(towards < 0, -(normal @ pose.translation + offset) / towards, np.inf)
        which = np.where(hit < distance, number, which)
        distance = np.minimum(distance, hit)
    spots = pose.translation + distance[..., None] * world_rays
    waves = 20 * np.sin(3 * spots).sum(-1)  # smooth, so that resampling loses little
    base = np.array([[120, 90, 60], [180, 180, 170], [150, 170, 190], [190, 160, 150]])
    plate = np.clip(base[which] + waves[..., None], 0, 255).astype(np.uint8)

    items = [(meshes[i], camera_from_world @ where[i]) for i in meshes]
    picture = render(items, intrinsics, WIDTH, HEIGHT, plate, up=up)
    depth = np.where(picture.ids >= 0, picture.depth, distance)
    points = (rays * depth[..., None]).astype(np.float32)
    found, views, entries, placements = [], [], [], []
    labels = {0: "coffee table", 1: "crate", 2: "bin"}
    for i in meshes:
        mask = picture.ids == i
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        box = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
        found.append(SceneObject(i, labels[i], 0.9 - 0.1 * i, tuple(map(float, box)), mask))
        cut = (slice(box[1], box[3]), slice(box[0], box[2]))
        crop = np.dstack([picture.rgb[cut], 255 * mask[cut].astype(np.uint8)])
        views.append(View(i, crop, crop, tuple(map(float, box))))
        entries.append(MeshEntry(i, (meshes[i],)))
        placements.append(
            Placement(i, camera_from_world @ where[i], fit={"iou": 0.98, "depth_residual": 0.001})
        )
    world_planes = np.array(
        [[*camera_from_world.rotate(n), n @ pose.translation + d] for n, d in planes]
    )
    geometry = Geometry(
        points, intrinsics, True, "test", approximate, up=up, floor=floor,
        walls=world_planes[1:] if walls else np.zeros((0, 4)),
    )  # fmt: skip
    inputs = ComposeInputs(
        Objects(Photo(picture.rgb, "room"), tuple(found), "test"),
        geometry,
        Views(tuple(views), plate, "test"),
        Meshes(tuple(entries), "test"),
        Placements(tuple(placements), "test"),
    )
    return Room(inputs, pose, where, plate)


def with_placement(inputs: ComposeInputs, changed: Placement) -> ComposeInputs:
    """The same inputs with the placement of that id replaced."""
    kept = tuple(changed if p.id == changed.id else p for p in inputs.placements.placements)
    return replace(inputs, placements=replace(inputs.placements, placements=kept))


@pytest.fixture(scope="session")
def room() -> Room:
    return make_room()


@pytest.fixture(scope="session")
def scene(room):
    return compose(room.inputs, choose("compose"), Context())
