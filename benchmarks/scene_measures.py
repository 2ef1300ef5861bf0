"""How well a scene holds together and keeps to its photo, against the truth of its room.

Measured with ``cast_nodes/evaluate`` on the meshes of the scene's own GLB, never with what
ComposeScene says of itself:

- penetrations: pairs, and objects and the floor, deeper than 1 % of the smaller one's size;
- gaps: from each object to what truly carries it, over its height (hanging things: to their wall
  or ceiling);
- contacts: of all true ones (floor, wall, ceiling, each other), those not farther apart than 1 %
  of the smaller one's size;
- relations: of subject, type and target; "on" and "in" are one here, as a shelf's board and a
  bowl's bottom are both; "against" between two objects holds both ways. A relation is false when
  the truth has none of its kind between the two; being "against" what it leans on or hangs on is
  neither found nor false, and so is being against what is nearer than ``NEARLY`` of its size.
- silhouettes: IoU of the visible pixels with the true mask; boxes: IoU of the axis-aligned ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from cast_nodes.evaluate.boxes import box_iou
from cast_nodes.evaluate.matching import Matching
from cast_nodes.evaluate.physics import FLOATING, TOUCHING, Solids, gaps, penetrations
from cast_nodes.evaluate.pictures import mask_ious, see
from cast_nodes.evaluate.scenes import Camera, EvalScene, Item
from cast_nodes.evaluate.world import in_one_world
from cast_nodes.frames import Sim3
from cast_nodes.frames import world_from_camera as world_of
from cast_nodes.mesh_data import read_mesh
from cast_nodes.stretched import posed_mesh
from cast_nodes.types import Geometry, Placements

from .scene_rooms import Relation, Room, Target

NEARLY = 0.03
BEHIND = 0.01
"""Deeper than this share of its size behind a wall or above the ceiling a thing is counted."""
SUPPORT = ("on", "in")


@dataclass(frozen=True)
class Held:
    """Whether a scene holds together.

    Attributes:
        penetrating: (name, name, depth over size) of each pair that is too deep.
        behind: (name, share) of things that stick through a wall or the ceiling.
        gaps: (id, carrier, gap over height) of every carried object.
        contacts: (subject, type, target, distance over size) of every true contact.
    """

    penetrating: tuple[tuple[str, str, float], ...]
    behind: tuple[tuple[str, float], ...]
    gaps: tuple[tuple[int, Target, float], ...]
    contacts: tuple[tuple[int, str, Target, float], ...]

    @property
    def floating(self) -> int:
        return sum(g > FLOATING for *_, g in self.gaps)

    @property
    def touching(self) -> int:
        return sum(d <= TOUCHING for *_, d in self.contacts)


@dataclass(frozen=True)
class Told:
    """What a scene says of who carries and touches whom.

    Attributes:
        missed: true relations that it does not tell.
        false: relations that are not true.
        wanted, told: how many there are, and how many it tells that are true or false.
    """

    missed: tuple[Relation, ...]
    false: tuple[Relation, ...]
    wanted: int
    told: int

    @property
    def found(self) -> int:
        return self.wanted - len(self.missed)


@dataclass(frozen=True)
class Fit:
    """How near the objects are to the photo and the true boxes, by id; 0 where one is missing."""

    mask_iou: dict[int, float] = field(default_factory=dict)
    box_iou: dict[int, float] = field(default_factory=dict)


# --- scenes -----------------------------------------------------------------------------------


def scene_before(room: Room, placements: Placements, geometry: Geometry) -> EvalScene:
    """The scene that the placements alone make."""
    assert geometry.up is not None
    world = world_of(geometry.up, geometry.floor)
    items = []
    for item in room.objects.kept:
        placement, entry = placements.get(item.id), room.meshes.get(item.id)
        name = f"{item.label}_{item.id}"
        if placement is None or placement.camera_from_object is None or entry is None:
            why = placement.failure if placement else "not there"
            items.append(Item(item.id, name, item.label, failure=why))
            continue
        data = read_mesh(posed_mesh(entry.candidates[placement.candidate], placement))
        pose = world @ placement.camera_from_object
        items.append(Item(item.id, name, item.label, data, pose))
    photo = room.objects.photo
    camera = Camera(world, geometry.intrinsics, photo.width, photo.height)
    return EvalScene(room.name, room.name, tuple(items), camera, True, 0.0)


def with_true_carriers(scene: EvalScene, room: Room) -> EvalScene:
    """The scene whose objects are said to be carried by what truly carries them."""
    carrier = {item.id: item.supported_by for item in room.truth.items}
    items = tuple(replace(i, supported_by=carrier.get(i.id)) for i in scene.items)
    return replace(scene, items=items)


# --- holding together -------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Planes:
    """Walls and ceiling in a scene's world as (normal, offset), inside positive."""

    walls: tuple[tuple[np.ndarray, float], ...]
    ceiling: tuple[np.ndarray, float] | None


def planes_of(geometry: Geometry, world_from_camera: Sim3) -> Planes:
    """The planes of a geometry in the world."""

    def moved(plane: np.ndarray) -> tuple[np.ndarray, float]:
        normal = world_from_camera.rotate(plane[:3])
        return normal, float(plane[3] - normal @ world_from_camera.translation)

    ceiling = None if geometry.ceiling is None else moved(geometry.ceiling)
    return Planes(tuple(moved(w) for w in geometry.walls), ceiling)


def held(scene: EvalScene, room: Room, geometry: Geometry) -> Held:
    """How a scene of the room holds together.

    Args:
        geometry: what the scene was made from; contacts with walls are with its walls.
    """
    assert scene.camera is not None
    planes = planes_of(geometry, scene.camera.world_from_camera)
    deep = tuple((*p.objects, p.share) for p in penetrations(scene))
    by_id = {item.id: item for item in scene.placed}
    behind = []
    for item in scene.placed:
        sides = [item.vertices @ n + d for n, d in (*planes.walls, *_some(planes.ceiling))]
        depth = max((-float(s.min()) for s in sides), default=0.0) / item.size
        if depth > BEHIND:
            behind.append((item.name, depth))
    loose = [
        (int(g.object.rpartition("_")[2]), g.carrier, g.share)
        for g in gaps(with_true_carriers(_named_by_id(scene), room))
    ]
    solids, number = Solids(scene.placed), {i.id: n for n, i in enumerate(scene.placed)}
    walls_of, contacts = dict(room.walls_of), []
    for subject, kind, target in room.relations:
        if subject not in by_id or (isinstance(target, int) and target not in by_id):
            contacts.append((subject, kind, target, np.inf))
            continue
        item = by_id[subject]
        if isinstance(target, int):
            size = min(item.size, by_id[target].size)
            far = solids.distance(number[subject], number[target])
        else:
            size = item.size
            plane = (
                (np.array([0.0, 1.0, 0.0]), -(scene.floor or 0.0)) if target == "floor"
                else planes.ceiling if target == "ceiling"
                else planes.walls[walls_of[subject]]
            )  # fmt: skip
            assert plane is not None
            far = abs(float((item.vertices @ plane[0] + plane[1]).min()))
            if kind == "hanging":
                gap = max(0.0, float((item.vertices @ plane[0] + plane[1]).min()))
                tall = float(np.ptp(item.vertices[:, 1]))
                loose.append((subject, target, gap / tall))
        contacts.append((subject, kind, target, far / size))
    return Held(deep, tuple(behind), tuple(loose), tuple(contacts))


def _some(value) -> tuple:
    return () if value is None else (value,)


def _named_by_id(scene: EvalScene) -> EvalScene:
    return replace(scene, items=tuple(replace(i, name=f"_{i.id}") for i in scene.items))


# --- relations --------------------------------------------------------------------------------


def _key(relation: Sequence) -> tuple:
    """What makes two relations one; see the module."""
    subject, kind, target = relation
    if isinstance(target, str):
        target = target.partition("_")[0]  # "wall_0" is a wall
    if kind in SUPPORT:
        kind = "carried"
    if kind == "against" and isinstance(target, int):
        subject, target = sorted((subject, target))
    return subject, kind, target


def told(stated: Sequence[Relation], room: Room) -> Told:
    """What a scene tells of the true relations."""
    true = {_key(r): r for r in room.relations}
    said = {_key(r): r for r in stated}
    bearable = {_key((s, "against", t)) for s, kind, t in room.relations if kind != "against"}
    bearable |= nearly_against(room)
    found = {k for k in said if k in true}
    false = tuple(r for k, r in said.items() if k not in true and k not in bearable)
    missed = tuple(r for k, r in true.items() if k not in said)
    return Told(missed, false, len(true), len(found) + len(false))


def nearly_against(room: Room) -> set[tuple]:
    """Pairs, and things and walls, that are as good as against each other."""
    truth = room.truth
    assert truth.camera is not None
    planes, items = planes_of(room.geometry, truth.camera.world_from_camera), truth.placed
    out = set()
    for item in items:
        if any((item.vertices @ n + d).min() < NEARLY * item.size for n, d in planes.walls):
            out.add(_key((item.id, "against", "wall")))
        if planes.ceiling is not None:
            n, d = planes.ceiling
            if (item.vertices @ n + d).min() < NEARLY * item.size:
                out.add(_key((item.id, "against", "ceiling")))
    solids = Solids(items)
    for i, one in enumerate(items):
        for j in range(i):
            other = items[j]
            near = NEARLY * min(one.size, other.size)
            (a, b), (c, d) = solids.boxes[i], solids.boxes[j]
            if not ((a > d + near) | (c > b + near)).any() and solids.distance(i, j) < near:
                out.add(_key((one.id, "against", other.id)))
    return out


# --- the photo and the boxes ------------------------------------------------------------------


def fit(scene: EvalScene, room: Room) -> Fit:
    """Silhouettes and boxes."""
    truth = room.truth
    assert truth.camera is not None and scene.camera is not None
    by_id = {item.id: item for item in scene.placed}
    pairs = tuple((by_id[t.id], t) for t in truth.placed if t.id in by_id)
    lost = tuple((t, "not there") for t in truth.placed if t.id not in by_id)
    matching = Matching("id", pairs, lost, ())
    shown = mask_ious(see(scene.placed, [], scene.camera), scene.placed, truth.masks, matching)
    moved = {item.id: item for item in in_one_world(scene, truth)[0].placed}
    masks = {i: shown.get(i, 0.0) for i in truth.masks}
    boxes = {
        t.id: box_iou(moved[t.id].vertices, t.vertices) if t.id in moved else 0.0
        for t in truth.placed
        if t.id is not None
    }
    return Fit(masks, boxes)
