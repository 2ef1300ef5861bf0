"""Furnishing a seeded room: what stands where, without collisions and in the camera's view.

Room frame: y up, floor at y = 0, x right, z towards the photographer, metres.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cast_nodes.frames import Sim3, project

from .models import Model
from .shell import Box

AT_WALLS = ("sofa", "couch", "bookcase", "bed", "cabinet", "desk", "shelves", "bench", "crate")
TABLES = ("table", "desk", "shelves", "bookcase", "cabinet", "crate", "bench")
SEATS = ("chair", "armchair", "stool")
SMALL_M = 0.59
"""Things whose longest side is below this may stand on tables."""

ONLY_ON_TABLES = ("tv",)


@dataclass(frozen=True, eq=False)
class Camera:
    """The photographer.

    Attributes:
        room_from_camera: pose in the OpenCV convention.
    """

    intrinsics: np.ndarray
    room_from_camera: Sim3
    width: int
    height: int


@dataclass(frozen=True, eq=False)
class Standing:
    """One model at its place.

    Attributes:
        supported_by: index among the standing things, "floor" or "ceiling".
    """

    model: Model
    room_from_object: Sim3
    supported_by: int | str

    @property
    def footprint(self) -> np.ndarray:
        """(4, 2) corners (x, z) of the base, in order round it."""
        x, z = 0.5 * self.model.size[[0, 2]]
        local = np.array([[-x, 0, -z], [x, 0, -z], [x, 0, z], [-x, 0, z]])
        return self.room_from_object.apply(local)[:, [0, 2]]


def turn(yaw: float) -> np.ndarray:
    """(3, 3) rotation about y; 0 faces +z, pi/2 faces +x."""
    c, s = np.cos(yaw), np.sin(yaw)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def choose_camera(rng: np.random.Generator, box: Box, width: int, height: int) -> Camera:
    """View 45–75° wide, pitch 0–35°, .8–1.9 m high, looking into the room."""
    view = np.deg2rad(np.clip(rng.normal(60, 8), 45, 75))
    focal = 0.5 * width / np.tan(view / 2)
    intrinsics = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1.0]])
    eye_height = rng.uniform(0.8, 1.9)
    # Low cameras look level, high ones down.
    pitch = np.deg2rad(np.clip(rng.normal(4 + 10 * eye_height, 6), 0, 35))
    yaw = np.deg2rad(rng.uniform(-24, 24))
    x = rng.uniform(-0.25, 0.25) * (box.right - box.left) + 0.8 * np.sin(yaw)
    roll = np.deg2rad(rng.normal(0, 0.5))
    tilt = np.array(
        [[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]]
    )  # looks down: -z turns towards -y
    spin = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    rotation = turn(yaw) @ tilt @ spin @ np.diag([1.0, -1.0, -1.0])
    return Camera(intrinsics, Sim3(rotation, np.array([x, eye_height, 0.0])), width, height)


def furnish(
    rng: np.random.Generator, models: Sequence[Model], box: Box, camera: Camera
) -> list[Standing]:
    """Up to eight things: large ones first, then what stands on them. May come out short."""
    hanging = [m for m in models if m.name.startswith("lamp_")]
    small = [
        m
        for m in models
        if m not in hanging and (m.size.max() < SMALL_M or m.label in ONLY_ON_TABLES)
    ]
    large = [m for m in models if m not in hanging and m not in small]
    frontal = rng.random() < 0.4
    standing: list[Standing] = []

    wanted = min(len(large), int(rng.integers(3, 8)))
    picked = [large[i] for i in rng.permutation(len(large))[:wanted]]
    if rng.random() < 0.5:  # furniture often comes in sets
        picked += [m for m in picked if m.label in SEATS][: int(rng.integers(1, 3))]
    picked.sort(key=lambda m: (m.label in SEATS, -m.size[0] * m.size[2]))
    for model in picked[:6]:
        for _ in range(40):
            new = _propose(rng, model, box, camera, standing, frontal)
            if new is not None and _in_view(new, camera) and _free(new, standing, box):
                standing.append(new)
                break

    for model in [small[i] for i in rng.permutation(len(small))[: int(rng.integers(1, 5))]]:
        for _ in range(12):
            new = _put_on_something(rng, model, standing)
            if new is None and model.label in ONLY_ON_TABLES:
                continue
            new = new or _drop_on_floor(rng, model, camera)
            if _in_view(new, camera) and (new.supported_by != "floor" or _free(new, standing, box)):
                if any(
                    s.supported_by == new.supported_by and _overlap(s, new, 0.03) for s in standing
                ):
                    continue
                standing.append(new)
                break
    if hanging and rng.random() < 0.3:
        model = hanging[rng.integers(len(hanging))]
        x, z = rng.uniform(-1, 1), rng.uniform(box.back + 0.8, -1.2)
        place = np.array([x, box.ceiling - model.size[1], z])
        new = Standing(model, Sim3(turn(rng.uniform(0, 2 * np.pi)), place), "ceiling")
        if _in_view(new, camera):
            standing.append(new)
    return standing[:8]


def _propose(
    rng, model: Model, box: Box, camera: Camera, standing, frontal: bool
) -> Standing | None:
    scale = rng.uniform(0.94, 1.06)
    half = 0.5 * scale * model.size
    tables = [s for s in standing if s.model.label in ("table", "desk")]
    if model.label in ("chair", "stool") and tables and rng.random() < 0.6:
        return _at_table(rng, model, tables[rng.integers(len(tables))], scale)
    if model.label in AT_WALLS and rng.random() < 0.65:
        gap = rng.uniform(0.03, 0.10) + half[2]
        wall = rng.choice(["back", "left", "right"], p=[0.6, 0.2, 0.2])
        if wall == "back":
            place = (rng.uniform(box.left + half[0], box.right - half[0]), box.back + gap)
            yaw = rng.normal(0, 0.02)
        else:
            z = rng.uniform(box.back + half[0], -0.8)
            place = (box.left + gap, z) if wall == "left" else (box.right - gap, z)
            yaw = (np.pi / 2 if wall == "left" else -np.pi / 2) + rng.normal(0, 0.02)
    else:
        spot = _spot_in_view(rng, camera)
        if spot is None:
            return None
        place = (spot[0], spot[2])
        to_camera = camera.room_from_camera.translation - spot
        facing = np.arctan2(to_camera[0], to_camera[2])
        yaw = facing + rng.normal(0, 0.4) if frontal else rng.uniform(-np.pi, np.pi)
    return Standing(model, Sim3(turn(yaw), np.array([place[0], 0, place[1]]), scale), "floor")


def _at_table(rng, model: Model, table: Standing, scale: float) -> Standing:
    """Pulled out a little from one side of a table, facing it."""
    side = int(rng.integers(4))
    yaw = side * np.pi / 2 + rng.normal(0, 0.15)
    reach = 0.5 * table.model.size[2 if side % 2 == 0 else 0] * table.room_from_object.scale
    reach += 0.5 * scale * model.size[2] + rng.uniform(0.02, 0.25)
    slide = rng.uniform(-0.2, 0.2) * table.model.size[0 if side % 2 == 0 else 2]
    # The seat faces +z of its own frame, so it stands on the other side of the table's centre.
    local = turn(side * np.pi / 2) @ np.array([slide, 0, -reach])
    rotation = table.room_from_object.rotation @ turn(yaw)
    place = table.room_from_object.translation + table.room_from_object.rotation @ local
    return Standing(model, Sim3(rotation, place, scale), "floor")


def _spot_in_view(rng, camera: Camera) -> np.ndarray | None:
    """A floor point that a random pixel sees, 1.2–6 m away."""
    pixel = np.array(
        [rng.uniform(0.08, 0.92) * camera.width, rng.uniform(0.35, 0.98) * camera.height, 1]
    )
    ray = camera.room_from_camera.rotate(np.linalg.solve(camera.intrinsics, pixel))
    eye = camera.room_from_camera.translation
    if ray[1] > -1e-3:
        return None
    spot = eye - ray * eye[1] / ray[1]
    return spot if 1.2 < np.linalg.norm((spot - eye)[[0, 2]]) < 6 else None


def _drop_on_floor(rng, model: Model, camera: Camera) -> Standing:
    spot = _spot_in_view(rng, camera)
    spot = np.array([0.0, 0.0, -2.0]) if spot is None else spot
    return Standing(model, Sim3(turn(rng.uniform(-np.pi, np.pi)), spot), "floor")


def _put_on_something(rng, model: Model, standing: Sequence[Standing]) -> Standing | None:
    """On a flat, level part of a table's top, clear of what rises above it."""
    carriers = [
        i for i, s in enumerate(standing) if s.model.label in TABLES and s.supported_by == "floor"
    ]
    for index in rng.permutation(carriers)[:3]:
        carrier = standing[index]
        own = carrier.room_from_object
        half = 0.5 * carrier.model.size[[0, 2]]
        x, z = rng.uniform(-0.8, 0.8, 2) * half
        reach = 0.42 * model.size[[0, 2]].max() / own.scale
        ring = np.array([[dx, dz] for dx in (-1, 0, 1) for dz in (-1, 0, 1)]) * reach + (x, z)
        heights = _heights(carrier.model, ring)
        top = heights * own.scale
        if np.isfinite(top).all() and np.ptp(top) < 0.008 and 0.3 < top.max() < 1.2:
            place = own.apply(np.array([x, heights.max(), z]))
            return Standing(model, Sim3(turn(rng.uniform(-np.pi, np.pi)), place), int(index))
    return None


def _heights(model: Model, spots: np.ndarray) -> np.ndarray:
    """(k,) highest y of a model above (k, 2) spots (x, z) of its frame, NaN beside it."""
    triangles = model.data.triangles
    a, b, c = (triangles[:, i][:, [0, 2]] for i in range(3))
    area = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    out = np.full(len(spots), np.nan)
    for i, spot in enumerate(spots):
        with np.errstate(divide="ignore", invalid="ignore"):
            v = ((spot - a)[:, 0] * (c - a)[:, 1] - (spot - a)[:, 1] * (c - a)[:, 0]) / area
            w = ((b - a)[:, 0] * (spot - a)[:, 1] - (b - a)[:, 1] * (spot - a)[:, 0]) / area
            inside = (v >= 0) & (w >= 0) & (v + w <= 1)
        if inside.any():
            y = triangles[inside, :, 1]
            v, w = v[inside], w[inside]
            out[i] = ((1 - v - w) * y[:, 0] + v * y[:, 1] + w * y[:, 2]).max()
    return out


def _in_view(thing: Standing, camera: Camera) -> bool:
    """At least three quarters of its vertices are in the picture, in front of the camera."""
    vertices = thing.model.data.vertices
    vertices = vertices[:: max(1, len(vertices) // 400)]
    pose = camera.room_from_camera.inverse() @ thing.room_from_object
    points = pose.apply(vertices)
    if points[:, 2].min() < 0.8:
        return False
    x, y = project(points, camera.intrinsics).T
    inside = (x > 0) & (x < camera.width) & (y > 0) & (y < camera.height)
    wide, tall = np.ptp(x) / camera.width, np.ptp(y) / camera.height
    return bool(inside.mean() > 0.75 and wide * tall < 0.5 and max(wide, tall) > 0.05)


def _free(thing: Standing, others: Sequence[Standing], box: Box) -> bool:
    x, z = thing.footprint.T
    room = x.min() > box.left + 0.02 and x.max() < box.right - 0.02
    room &= z.min() > box.back + 0.02 and z.max() < box.front - 0.05
    on_floor = [s for s in others if s.supported_by == "floor"]
    return bool(room) and not any(_overlap(thing, s, 0.03) for s in on_floor)


def _overlap(one: Standing, other: Standing, margin: float) -> bool:
    """Whether two footprints come closer than the margin (separating axes)."""
    a, b = one.footprint, other.footprint
    for corners in (a, b):
        for i in range(2):
            axis = corners[i + 1] - corners[i]
            axis = axis / np.linalg.norm(axis)
            p, q = a @ axis, b @ axis
            if p.max() + margin < q.min() or q.max() + margin < p.min():
                return False
    return True
