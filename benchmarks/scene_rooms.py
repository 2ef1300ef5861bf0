"""Seeded rooms that hold together: every contact exact, nothing inside anything else, all known.

A room is what ComposeScene gets (photo, clean plate, masks, point map, planes, meshes) and what it
should answer: poses, who carries and touches whom, the empty room behind.

Room frame: y up, floor at y = 0, the photographer above the origin, walls along x and z, metres.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cast_nodes.evaluate.scenes import Camera, EvalScene, Item
from cast_nodes.frames import Sim3, intrinsics_from_fov, pixel_centres, project, unproject
from cast_nodes.frames import world_from_camera as world_of
from cast_nodes.mesh_data import MeshData, read_mesh
from cast_nodes.raster import rasterize
from cast_nodes.records import mask_box
from cast_nodes.render import render
from cast_nodes.types import Geometry, MeshEntry, Meshes, Objects, Photo, SceneObject, View, Views

from . import textures
from .register_stand import turn
from .register_stock import Stock
from .scene_groups import KINDS, Group, Target, Thing, shelf_group, table_group
from .shell import RoomBuilder

Relation = tuple[int, str, Target]
"""(subject's id, type, object's id or "floor", "wall", "ceiling")."""


@dataclass(frozen=True)
class Size:
    """How large a room is.

    Attributes:
        count: (fewest, most) things.
        wide, deep: ranges of the distance of side walls and of the back wall, metres.
        pixels: the photo's width and height.
        least: pixels that must be seen of a thing.
        share: of its silhouette that must be seen.
        pillar: a pillar stands before the back wall, and the geometry holds points, gravity and
            floor alone.
    """

    count: tuple[int, int] = (5, 10)
    wide: tuple[float, float] = (1.7, 2.6)
    deep: tuple[float, float] = (3.3, 4.6)
    pixels: tuple[int, int] = (640, 480)
    least: int = 150
    share: float = 0.25
    pillar: bool = False


USUAL = Size()
PILLARED = Size(pillar=True)
TEN = Size(count=(10, 10))
FIFTY = Size((50, 50), (3.2, 4.0), (5.5, 6.5), (960, 720), 40, 0.05)


@dataclass(frozen=True, eq=False)
class Room:
    """A room with truth. An object's id is its number in ``things``.

    Attributes:
        things: at their places in the room frame.
        relations: all true contacts.
        walls_of: (thing, number of the wall in ``geometry.walls``) for contacts with walls.
        geometry: exact, with floor, walls and ceiling.
        plate: (H, W, 3) uint8, the photo of the empty room.
        empty: (H, W) float32, depth of the empty room.
        room_from_camera: rigid.
    """

    name: str
    things: tuple[Thing, ...]
    relations: tuple[Relation, ...]
    walls_of: tuple[tuple[int, int], ...]
    objects: Objects
    geometry: Geometry
    meshes: Meshes
    plate: np.ndarray
    empty: np.ndarray
    room_from_camera: Sim3

    @property
    def views(self) -> Views:
        """The clean plate and no completed views, which ComposeScene does not look at."""
        blank = np.zeros((1, 1, 4), np.uint8)
        each = tuple(View(o.id, blank, blank, o.bbox) for o in self.objects.kept)
        return Views(each, self.plate, "benchmark")

    def pose(self, i: int) -> Sim3:
        """True ``T_camera_from_object``."""
        return self.room_from_camera.inverse() @ self.things[i].pose

    @property
    def up(self) -> np.ndarray:
        assert self.geometry.up is not None
        return self.geometry.up

    @property
    def truth(self) -> EvalScene:
        """The room as evaluation sees it, in the world that ComposeScene makes of its geometry."""
        world = world_of(self.up, self.geometry.floor)
        support = {s: t for s, kind, t in self.relations if kind in ("on", "in")}
        support = {s: t for s, kind, t in self.relations if kind == "hanging"} | support
        items = tuple(
            Item(i, f"{t.piece.name}_{i}", t.piece.name, read_mesh(t.piece.mesh),
                 world @ self.pose(i), supported_by=support.get(i))
            for i, t in enumerate(self.things)
        )  # fmt: skip
        photo = self.objects.photo
        return EvalScene(
            self.name, self.name, items,
            camera=Camera(world, self.geometry.intrinsics, photo.width, photo.height),
            metric=True, floor=0.0, photo=photo.rgb,
            masks={o.id: o.mask for o in self.objects.kept if o.mask is not None},
            depth=self.geometry.depth, relations=self.relations,
        )  # fmt: skip


# --- arranging --------------------------------------------------------------------------------

FRONT_M = 0.8
"""The wall behind the photographer."""
MARGIN_M = 0.06
"""Boxes of things that do not touch are at least so far apart."""
NEAREST_M = 0.9
IN_PICTURE = 0.88
ROOMS_TRIED = 12
SPOTS = 40


@dataclass(frozen=True)
class Box:
    """The room's planes: x from -left to right, z from -back to ``FRONT_M``, y up to ceiling.

    ``pillar`` is its (lowest, highest) corner in x and z, or None.
    """

    left: float
    right: float
    back: float
    ceiling: float
    pillar: tuple[np.ndarray, np.ndarray] | None = None


@dataclass(frozen=True, eq=False)
class Eye:
    """The photographer's camera in the room."""

    intrinsics: np.ndarray
    room_from_camera: Sim3
    width: int
    height: int


def _choose(rng: np.random.Generator, size: Size) -> tuple[Box, Eye]:
    box = Box(
        rng.uniform(*size.wide), rng.uniform(*size.wide), rng.uniform(*size.deep),
        rng.uniform(2.3, 2.6),
    )  # fmt: skip
    width, height = size.pixels
    intrinsics = intrinsics_from_fov(width, height, np.deg2rad(rng.uniform(58, 70)))
    intrinsics[:2, 2] += rng.uniform(-0.02, 0.02, 2) * [width, height]
    pitch, roll = np.deg2rad(rng.uniform(6, 16)), np.deg2rad(rng.uniform(-1, 1))
    up = np.array([np.sin(roll), -np.cos(pitch) * np.cos(roll), -np.sin(pitch)])
    up /= np.linalg.norm(up)
    level = world_of(up, np.array([*up, rng.uniform(1.35, 1.75)]))
    if size.pillar:
        wide, x, z = rng.uniform(0.3, 0.6), rng.uniform(-0.6, 0.6), 1.2 - box.back
        low = np.array([x - wide / 2, z - rng.uniform(0.2, 0.4)])
        box = replace(box, pillar=(low, np.array([x + wide / 2, z])))
    spin = Sim3(turn(np.deg2rad(rng.uniform(-14, 14))), np.zeros(3))
    return box, Eye(intrinsics, spin @ level, width, height)


class _Arrangement:
    """Groups placed so far, in the room frame."""

    def __init__(self, box: Box, eye: Eye) -> None:
        self.box, self.eye = box, eye
        self.camera = eye.room_from_camera.inverse()
        self.things: list[Thing] = []
        self.contacts: list[Relation] = []
        self.walls_of: list[tuple[int, int]] = []

    def place(self, rng: np.random.Generator, group: Group, tries: int = SPOTS) -> bool:
        """Tries some places for a group; False when it finds none."""
        for _ in range(tries):
            wall, parent = self._spot(rng, group)
            things = [t.at(parent) for t in group.things]
            if all(self._fits(t) for t in things):
                start = len(self.things)
                self.things += things
                self.contacts += [
                    (s + start, kind, t + start if isinstance(t, int) else t)
                    for s, kind, t in group.contacts
                ]
                self.walls_of += [(s + start, wall) for s, _, t in group.contacts if t == "wall"]
                return True
        return False

    def _spot(self, rng: np.random.Generator, group: Group) -> tuple[int, Sim3]:
        """The wall's number (-1 for none) and the pose of the group's frame in the room."""
        box = self.box
        if group.at_wall:
            wall = int(rng.choice(3, p=[0.6, 0.2, 0.2]))
            yaw = (0.0, np.pi / 2, -np.pi / 2)[wall]
            along = rng.uniform(-box.left, box.right), rng.uniform(-box.back, -1.2)
            where = [(along[0], -box.back), (-box.left, along[1]), (box.right, along[1])][wall]
        else:
            wall, yaw = -1, rng.uniform(-np.pi, np.pi)
            where = rng.uniform(-box.left, box.right), rng.uniform(-box.back, -1.1)
        rotation = np.round(turn(yaw), 15) if group.at_wall else turn(yaw)
        y = box.ceiling if group.from_ceiling else 0.0
        return wall, Sim3(rotation, np.array([where[0], y, where[1]]))

    def _fits(self, thing: Thing) -> bool:
        box, tiny = self.box, 1e-9
        low, high = thing.low, thing.high
        if (low < [-box.left - tiny, -tiny, -box.back - tiny]).any():
            return False
        if (high > [box.right + tiny, box.ceiling + tiny, -0.3]).any():
            return False
        if box.pillar is not None:
            flat, (a, b) = [0, 2], box.pillar
            if not ((low[flat] > b + MARGIN_M) | (high[flat] < a - MARGIN_M)).any():
                return False
        for other in self.things:
            apart = (low > other.high + MARGIN_M) | (other.low > high + MARGIN_M)
            if not apart.any():
                return False
        points = self.camera.apply(thing.pose.apply(thing.piece.samples[::8]))
        if points[:, 2].min() < NEAREST_M:
            return False
        pixel = project(points, self.eye.intrinsics)
        inside = (pixel >= 0).all(1) & (pixel < [self.eye.width, self.eye.height]).all(1)
        return bool(inside.mean() >= IN_PICTURE)


def _furnish(rng: np.random.Generator, stock: Stock, size: Size, box: Box, eye: Eye):
    """As many groups as the wanted number of things needs."""
    wanted = int(rng.integers(size.count[0], size.count[1] + 1))
    room = _Arrangement(box, eye)
    if size.count[0] >= 30:  # full tables and shelves, or the floor is taken too soon
        for maker, many in ((shelf_group, 9), (table_group, 5)) * 4:
            group = maker(rng, stock, many)
            if group is not None and len(room.things) + len(group.things) <= wanted:
                room.place(rng, group)
    names, weights = list(KINDS), np.array([w for _, w in KINDS.values()])
    for _ in range(6 if wanted < 30 else 12):
        order = rng.choice(len(names), len(names), replace=False, p=weights / weights.sum())
        for number in order:
            if len(room.things) >= wanted:
                return room
            group = KINDS[names[number]][0](rng, stock)
            if group is not None and len(room.things) + len(group.things) <= wanted:
                room.place(rng, group)
    return room


# --- looking ----------------------------------------------------------------------------------


def _shell(rng: np.random.Generator, box: Box) -> MeshData:
    """Floor, walls and ceiling with their textures."""
    builder = RoomBuilder()
    pixels, side = textures.FLOORS[rng.integers(len(textures.FLOORS))](rng)
    floor = builder.paint(pixels)
    pixels, wall_side = textures.WALLS[rng.integers(len(textures.WALLS))](rng)
    wall = builder.paint(pixels)
    ceiling = builder.paint(textures.plaster(rng)[0])
    wide, deep, high = box.left + box.right, box.back + FRONT_M, box.ceiling
    builder.rectangle((-box.left, 0, FRONT_M), (wide, 0, 0), (0, 0, -deep), floor, side)
    builder.rectangle((-box.left, high, -box.back), (wide, 0, 0), (0, 0, deep), ceiling, 2.0)
    builder.rectangle((-box.left, 0, -box.back), (wide, 0, 0), (0, high, 0), wall, wall_side)
    builder.rectangle((-box.left, 0, FRONT_M), (0, 0, -deep), (0, high, 0), wall, wall_side)
    builder.rectangle((box.right, 0, -box.back), (0, 0, deep), (0, high, 0), wall, wall_side)
    builder.rectangle((box.right, 0, FRONT_M), (-wide, 0, 0), (0, high, 0), wall, wall_side)
    if box.pillar is not None:
        (x0, z0), (x1, z1) = box.pillar
        paint = builder.paint(textures.plaster(rng)[0])
        builder.block((x0, 0, z0), (x1, high, z1), paint)
    return builder.mesh()[0]


def _planes(box: Box, camera_from_room: Sim3):
    """Floor, ceiling and the walls back, left, right in the camera frame, inward normals."""

    def plane(normal, offset) -> np.ndarray:
        n = camera_from_room.rotate(np.asarray(normal, float))
        return np.array([*n, offset - n @ camera_from_room.translation])

    walls = [plane([0, 0, 1], box.back), plane([1, 0, 0], box.left), plane([-1, 0, 0], box.right)]
    return plane([0, 1, 0], 0.0), plane([0, -1, 0], box.ceiling), np.stack(walls)


def _silhouettes(things: list[Thing], eye: Eye) -> list[int]:
    """Pixels of each thing alone."""
    camera = eye.room_from_camera.inverse()
    return [
        int(rasterize(camera.apply(t.vertices), read_mesh(t.piece.mesh).faces, eye.intrinsics,
                      eye.width, eye.height).mask.sum())
        for t in things
    ]  # fmt: skip


def _badly_seen(room: _Arrangement, ids: np.ndarray, size: Size) -> set[int]:
    """Things to leave out: too little seen of them, or of what carries them."""
    whole = _silhouettes(room.things, room.eye)
    bad = set()
    for i, pixels in enumerate(whole):
        seen = int((ids == i).sum())
        carries = any(t == i for _, _, t in room.contacts)
        share, least = (size.share / 2, size.least // 2) if carries else (size.share, size.least)
        if seen < least or seen < share * pixels:
            bad.add(i)
    while True:
        on_bad = {s for s, kind, t in room.contacts if t in bad and kind in ("on", "in")}
        if on_bad <= bad:
            return bad
        bad |= on_bad


def _without(room: _Arrangement, bad: set[int]) -> _Arrangement:
    new = {old: n for n, old in enumerate(i for i in range(len(room.things)) if i not in bad)}
    out = _Arrangement(room.box, room.eye)
    out.things = [room.things[i] for i in new]
    out.contacts = [
        (new[s], kind, new[t] if isinstance(t, int) else t)
        for s, kind, t in room.contacts
        if s in new and (t in new or isinstance(t, str))
    ]
    out.walls_of = [(new[s], w) for s, w in room.walls_of if s in new]
    return out


def make_room(stock: Stock, seed: int, size: Size = USUAL) -> Room:
    """The room of a seed.

    Raises:
        ValueError: no room with enough things was found.
    """
    best: tuple[_Arrangement, np.random.Generator] | None = None
    for attempt in range(ROOMS_TRIED):
        rng = np.random.default_rng([seed, attempt, 77])
        box, eye = _choose(rng, size)
        room = _furnish(rng, stock, size, box, eye)
        while room.things:
            ids = _look(room)[1]
            bad = _badly_seen(room, ids, size)
            if not bad:
                break
            room = _without(room, bad)
        if best is None or len(room.things) > len(best[0].things):
            best = room, rng
        if len(room.things) >= size.count[0]:
            break
    assert best is not None
    if len(best[0].things) < 0.8 * size.count[0]:
        raise ValueError(f"seed {seed}: only {len(best[0].things)} things found a place")
    return _photographed(*best, f"scene_{seed:04d}", size)


def _look(room: _Arrangement) -> tuple[np.ndarray, np.ndarray]:
    """(H, W) depth and numbers of the things alone."""
    camera = room.camera
    data = [read_mesh(t.piece.mesh) for t in room.things]
    starts = np.cumsum([0, *(len(d.vertices) for d in data)])
    raster = rasterize(
        np.concatenate([camera.apply(t.vertices) for t in room.things]),
        np.concatenate([d.faces + s for d, s in zip(data, starts, strict=False)]),
        room.eye.intrinsics,
        room.eye.width,
        room.eye.height,
    )
    owner = np.repeat(np.arange(len(data)), [len(d.faces) for d in data])
    return raster.depth, np.where(raster.mask, owner[raster.face], -1)


def _photographed(room: _Arrangement, rng: np.random.Generator, name: str, size: Size) -> Room:
    """Photo, plate, masks, points."""
    eye, camera = room.eye, room.camera
    up = camera.rotate(np.array([0.0, 1.0, 0.0]))
    shell = _shell(rng, room.box)
    view = eye.intrinsics, eye.width, eye.height
    empty = render([(shell, camera)], *view, up=up, supersample=2)
    items = [(shell, camera), *((t.piece.mesh, camera @ t.pose) for t in room.things)]
    full = render(items, *view, up=up, supersample=1)
    depth, ids = _look(room)
    with np.errstate(invalid="ignore"):
        hidden = (ids >= 0) & (depth > empty.depth)  # behind a pillar
    ids = np.where(hidden, -1, ids)
    depth = np.where(ids >= 0, depth, empty.depth)
    whole = _silhouettes(room.things, eye)
    objects, entries = [], []
    for i, thing in enumerate(room.things):
        mask = ids == i
        if not mask.any():
            continue
        box = mask_box(mask) or (0, 0, 0, 0)
        hidden = 1 - mask.sum() / max(1, whole[i])
        objects.append(SceneObject(i, thing.piece.name, 1.0, box, mask, occlusion=float(hidden)))
        entries.append(MeshEntry(i, (thing.piece.mesh,)))
    floor, ceiling, walls = _planes(room.box, camera)
    pixels = pixel_centres(eye.height, eye.width)
    points = unproject(pixels, depth, eye.intrinsics).astype(np.float32)
    geometry = Geometry(
        points, eye.intrinsics, True, "benchmark", up=up, floor=floor, walls=walls, ceiling=ceiling
    )
    if size.pillar:
        geometry = replace(geometry, walls=np.zeros((0, 4)), ceiling=None)
    return Room(
        name,
        tuple(room.things),
        tuple(room.contacts),
        tuple(room.walls_of),
        Objects(Photo(full.rgb, name), tuple(objects), "benchmark"),
        geometry,
        Meshes(tuple(entries), "benchmark"),
        empty.rgb,
        empty.depth,
        eye.room_from_camera,
    )
