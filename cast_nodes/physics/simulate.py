"""How far a real simulator would move things: a settle in MuJoCo (Todorov et al., IROS 2012).

Objects are rigid, made of convex parts (:mod:`.convex`), under gravity between the room's planes.
The simulator works in a unit in which the median object has size 1, so neither the scene's unit nor
its scale changes the outcome: in a metric scene gravity is 9.81 m/s², in any other the median
object is taken for :data:`USUAL_M` metres.

Convex parts bulge past a hollow shape. Where two objects' parts overlap deeper than their meshes
do, the pair is allowed that much overlap, so that a cup on a shelf is not thrown out by the shape
of the shelf's stand-in. Real penetrations are pushed apart, as any simulator would.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from ..content import content_key
from ..errors import BackendNotReady, CastError
from ..frames import Sim3
from ..mesh_data import read_mesh
from ..planes import Plane
from .bodies import Body
from .memory import Memory
from .rigid import RigidShape, rigid_shape

INSTALL = "pip install mujoco"
GRAVITY = 9.81
USUAL_M = 0.6
"""Size of the median object where the scene's unit is not known."""
SECONDS = 1.0
"""How long things are usually given to settle."""
CALM = 0.02
"""Objects that move by at most this share of their size stay where they are."""
FALLEN_DEG = 25.0
FALLEN_SHARE = 0.2
"""An object fell when it turned by more degrees, or sank by more than this share of its size."""
PARTS_IN_ALL = 1200
STEP_S = 0.004
FRICTION = (0.8, 0.01, 0.01)
"""Sliding; spinning and rolling, as lengths over the median size."""
DENSITY = 400.0
SOFT_S = 0.012
"""Time constant of contacts: short enough that nothing sinks in visibly, three steps long."""


@dataclass(frozen=True, eq=False)
class SimObject:
    """One object as the simulator takes it.

    Attributes:
        id: of the object.
        vertices, faces: (n, 3) float64 and (m, 3) int64 in the object frame.
        world_from_object: its pose.
        fixed: it does not move: locked by the user, or fixed to a wall or the ceiling.
        key: of the mesh's content; made from the arrays when empty.
    """

    id: int
    vertices: np.ndarray = field(repr=False)
    faces: np.ndarray = field(repr=False)
    world_from_object: Sim3
    fixed: bool = False
    key: str = ""

    @staticmethod
    def of(body: Body, fixed: bool = False) -> SimObject:
        """A body of the composition."""
        data = read_mesh(body.mesh)
        pose = body.world_from_object
        return SimObject(body.id, data.vertices, data.faces, pose, fixed, body.mesh.key)


@dataclass(frozen=True, eq=False)
class Drift:
    """What became of one object.

    Attributes:
        moved: largest displacement of a point of its surface, world units.
        share: the same over its size (the diagonal of its mesh's box).
        rotation_deg: by which it turned.
        fell: it turned over or sank (:data:`FALLEN_DEG`, :data:`FALLEN_SHARE`).
        fixed: it could not move.
        world_from_object: its pose at the end.
    """

    id: int
    moved: float
    share: float
    rotation_deg: float
    fell: bool
    fixed: bool
    world_from_object: Sim3


@dataclass(frozen=True, eq=False)
class Simulation:
    """The end of a settle.

    Attributes:
        drifts: in the order of the objects; those that could not be simulated are absent.
        seconds: simulated; less than asked for when all came to rest before.
        notes: sentences on what was left out or assumed; "{3}" stands for object 3's name.
    """

    drifts: tuple[Drift, ...]
    seconds: float
    notes: tuple[str, ...] = ()

    def told(self, names: Mapping[int, str]) -> list[str]:
        """The notes with the objects' names."""
        out = []
        for note in self.notes:
            for number, name in names.items():
                note = note.replace(f"{{{number}}}", name)
            out.append(note)
        return out

    @property
    def free(self) -> tuple[Drift, ...]:
        return tuple(d for d in self.drifts if not d.fixed)

    @property
    def calm(self) -> float:
        """Share of the free objects that stay within :data:`CALM`; 1 when none is free."""
        free = self.free
        return sum(d.share <= CALM for d in free) / len(free) if free else 1.0


def require_mujoco() -> Any:
    """The package. Raises BackendNotReady with its install line when it is absent."""
    try:
        import mujoco
    except ImportError as error:
        raise BackendNotReady(f"simulation needs MuJoCo: {INSTALL} ({error})") from None
    return mujoco


def simulate(
    objects: Sequence[SimObject],
    planes: Sequence[Plane],
    metric: bool = True,
    seconds: float = SECONDS,
    joined: Mapping[int, int] | None = None,
) -> Simulation:
    """Lets the objects settle for some seconds; deterministic.

    Args:
        objects: their ids must differ.
        planes: floor, walls, ceiling, world frame; nothing passes them. Without any that could
            carry, a floor is put under the lowest object and a note says so.
        metric: lengths are metres.
        joined: objects that are part of others, by id: they move as one.

    Raises:
        BackendNotReady: MuJoCo is not installed.
    """
    mujoco = require_mujoco()
    shapes, notes = _shapes(objects)
    chosen = [item for item in objects if item.id in shapes]
    if not chosen:
        return Simulation((), 0.0, tuple(notes))
    sizes = {i.id: shapes[i.id].size * i.world_from_object.scale for i in chosen}
    unit = float(np.median(list(sizes.values())))
    gravity = GRAVITY / (unit if metric else USUAL_M)
    if not any(plane.normal[1] > 0.5 for plane in planes):
        planes = [*planes, _floor_below(chosen)]
        notes.append("No floor is known: one was put under the lowest object.")
    world = _World(mujoco, chosen, shapes, planes, unit, gravity, joined or {})
    lasted = world.run(seconds)
    drifts = tuple(_drift(item, shapes[item.id], sizes[item.id], world) for item in chosen)
    return Simulation(drifts, lasted, tuple(notes))


# --- shapes -----------------------------------------------------------------------------------

_memory: Memory[RigidShape] = Memory(128)


def _shapes(objects: Sequence[SimObject]) -> tuple[dict[int, RigidShape], list[str]]:
    """Convex parts by id, those of equal meshes made once; and who has none, and why."""
    most = int(np.clip(PARTS_IN_ALL // max(1, len(objects)), 12, 32))
    made: dict[int, RigidShape] = {}
    notes: list[str] = []
    for item in objects:
        key = f"{most}:{item.key or content_key(item.vertices, item.faces)}"
        try:
            made[item.id] = _memory.get(
                key, lambda item=item: rigid_shape(item.vertices, item.faces, most)
            )
        except CastError as error:
            notes.append(f"{{{item.id}}} was not simulated: {error}.")
    return made, notes


def _floor_below(objects: Sequence[SimObject]) -> Plane:
    lowest = min(float(i.world_from_object.apply(i.vertices)[:, 1].min()) for i in objects)
    return Plane("floor", np.array([0.0, 1.0, 0.0]), -lowest)


# --- the simulator ----------------------------------------------------------------------------


class _World:
    """One MuJoCo model: a body per object (those joined are one), lengths over ``unit``."""

    def __init__(
        self,
        mujoco: Any,
        objects: Sequence[SimObject],
        shapes: Mapping[int, RigidShape],
        planes: Sequence[Plane],
        unit: float,
        gravity: float,
        joined: Mapping[int, int],
    ) -> None:
        self.mujoco, self.unit = mujoco, unit
        self.centre = np.mean([i.world_from_object.translation for i in objects], axis=0)
        self.objects = {item.id: item for item in objects}
        self.shapes = shapes
        self.root = _roots(self.objects, joined)
        self.planes = list(planes)
        spec = self._spec(gravity)
        model = spec.compile()
        allowed = self._allowances(model)
        if allowed:
            for (one, other), overlap in allowed.items():
                self._pair(spec, one, other, overlap)
            model = spec.compile()
        self.model, self.data = model, mujoco.MjData(model)

    def _spec(self, gravity: float) -> Any:
        mujoco = self.mujoco
        spec = mujoco.MjSpec()
        spec.option.gravity = [0.0, -gravity, 0.0]
        spec.option.timestep = STEP_S
        spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
        spec.option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
        spec.option.impratio = 5.0
        if hasattr(mujoco.mjtEnableBit, "mjENBL_MULTICCD"):  # later versions always do
            spec.option.enableflags |= int(mujoco.mjtEnableBit.mjENBL_MULTICCD)
        spec.compiler.boundmass = 1e-4
        spec.compiler.boundinertia = 1e-7
        spec.compiler.balanceinertia = True
        spec.compiler.usethread = False
        for number, plane in enumerate(self.planes):
            self._plane(spec, f"plane_{number}", plane)
        bodies: dict[int, Any] = {}
        for item in self.objects.values():
            root = self.objects[self.root[item.id]]
            if root.id not in bodies:
                bodies[root.id] = self._body(spec, root)
            self._geoms(spec, bodies[root.id], item, root)
        return spec

    def _plane(self, spec: Any, name: str, plane: Plane) -> None:
        point = -plane.offset * plane.normal  # a point of the plane, then near the objects
        point = (
            point + (self.centre - point) - ((self.centre - point) @ plane.normal) * plane.normal
        )
        turn = Rotation.align_vectors(plane.normal[None], [[0.0, 0.0, 1.0]])[0]
        geom = spec.worldbody.add_geom()
        geom.name, geom.type = name, self.mujoco.mjtGeom.mjGEOM_PLANE
        geom.size = [0, 0, 1]
        geom.pos = ((point - self.centre) / self.unit).tolist()
        geom.quat = _wxyz(turn)
        self._contact(geom)

    def _contact(self, geom: Any) -> None:
        geom.condim, geom.friction = 6, list(FRICTION)
        geom.solref, geom.solimp = [SOFT_S, 1.0], [0.95, 0.99, 0.001, 0.5, 2.0]

    def _body(self, spec: Any, item: SimObject) -> Any:
        pose = item.world_from_object
        body = spec.worldbody.add_body()
        body.name = f"object_{item.id}"
        body.pos = ((pose.translation - self.centre) / self.unit).tolist()
        body.quat = _wxyz(Rotation.from_matrix(pose.rotation))
        fixed = any(self.objects[i].fixed for i, root in self.root.items() if root == item.id)
        if not fixed:
            body.add_freejoint()
        return body

    def _geoms(self, spec: Any, body: Any, item: SimObject, root: SimObject) -> None:
        mujoco = self.mujoco
        pose = root.world_from_object
        for number, (vertices, faces) in enumerate(self.shapes[item.id].parts):
            world = item.world_from_object.apply(vertices) - pose.translation
            mesh = spec.add_mesh()
            mesh.name = f"part_{item.id}_{number}"
            mesh.uservert = (world @ pose.rotation / self.unit).ravel()
            mesh.userface = faces.ravel()
            mesh.inertia = mujoco.mjtMeshInertia.mjMESH_INERTIA_CONVEX
            geom = body.add_geom()
            geom.name, geom.type = mesh.name, mujoco.mjtGeom.mjGEOM_MESH
            geom.meshname, geom.density = mesh.name, DENSITY
            self._contact(geom)

    def _pair(self, spec: Any, one: str, other: str, overlap: float) -> None:
        pair = spec.add_pair()
        pair.geomname1, pair.geomname2 = one, other
        pair.condim = 6
        slide, spin, roll = FRICTION
        pair.friction = [slide, slide, spin, roll, roll]
        pair.solref, pair.solimp = [SOFT_S, 1.0], [0.95, 0.99, 0.001, 0.5, 2.0]
        pair.margin, pair.gap = (-overlap if _gap_is_a_buffer(self.mujoco) else 0.0), overlap

    def _allowances(self, model: Any) -> dict[tuple[str, str], float]:
        """By how much parts overlap where their objects' meshes do not; names of geoms."""
        mujoco = self.mujoco
        data = mujoco.MjData(model)
        mujoco.mj_forward(model, data)
        deepest: dict[tuple[int, int], float] = {}
        for contact in data.contact:
            one, other = (int(g) for g in contact.geom)
            if contact.dist < 0:
                pair = (one, other) if one < other else (other, one)
                deepest[pair] = max(deepest.get(pair, 0.0), -float(contact.dist))
        allowed: dict[tuple[str, str], float] = {}
        real: dict[tuple[int, int], float] = {}
        for (one, other), depth in deepest.items():
            names = model.geom(one).name, model.geom(other).name
            if any(name.startswith("plane") for name in names):
                continue  # a part never reaches lower than its mesh
            a, b = (int(name.split("_")[1]) for name in names)
            pair = (a, b) if a < b else (b, a)
            if pair not in real:
                real[pair] = self._overlap(*pair)
            surplus = depth - real[pair]
            if surplus > 1e-4:
                allowed[names] = surplus
        return allowed

    def _overlap(self, one: int, other: int) -> float:
        """How deep the meshes of two objects are in each other, over the unit."""
        first, second = self.objects[one], self.objects[other]
        return max(self._depth(first, second), self._depth(second, first)) / self.unit

    def _depth(self, one: SimObject, other: SimObject) -> float:
        """How deep the deepest surface point of one lies in the other, world units."""
        shape = self.shapes[other.id]
        points = one.world_from_object.apply(self.shapes[one.id].points)
        local = other.world_from_object.inverse().apply(points)
        low, high = shape.vertices.min(0), shape.vertices.max(0)
        near = local[((local >= low) & (local <= high)).all(1)]
        if shape.distance is None or not len(near):
            return 0.0
        return max(0.0, -float(shape.distance(near).min())) * other.world_from_object.scale

    def run(self, seconds: float) -> float:
        """Steps until the time is over or everything is at rest; returns the time simulated."""
        mujoco, still = self.mujoco, 0
        steps = math.ceil(seconds / STEP_S)
        for number in range(steps):
            mujoco.mj_step(self.model, self.data)
            if not np.isfinite(self.data.qpos).all():
                raise CastError("the simulation broke down")
            fastest = float(np.abs(self.data.qvel).max(initial=0.0))
            still = still + 1 if fastest < 1e-3 else 0
            if still * STEP_S >= 0.1:
                return (number + 1) * STEP_S
        return seconds

    def is_fixed(self, item: SimObject) -> bool:
        """Whether its body has no joint."""
        return not self.model.body(f"object_{self.root[item.id]}").dofnum[0]

    def moved(self, item: SimObject) -> tuple[np.ndarray, np.ndarray]:
        """Rotation (3, 3) and translation (3,) that took an object from its start, world units."""
        root = self.objects[self.root[item.id]]
        body = self.data.body(f"object_{root.id}")
        x, y, z, w = body.xquat[[1, 2, 3, 0]]
        turn = Rotation.from_quat([x, y, z, w]).as_matrix() @ root.world_from_object.rotation.T
        end = np.asarray(body.xpos) * self.unit + self.centre
        return turn, end - turn @ root.world_from_object.translation


def _roots(objects: Mapping[int, SimObject], joined: Mapping[int, int]) -> dict[int, int]:
    """The object whose body each belongs to: itself, or the last one that it is a part of."""
    roots = {}
    for item in objects:
        seen, at = {item}, item
        while (above := joined.get(at, at)) in objects and above not in seen:
            seen.add(above)
            at = above
        roots[item] = at
    return roots


def _drift(item: SimObject, shape: RigidShape, size: float, world: _World) -> Drift:
    turn, shift = world.moved(item)
    start = item.world_from_object
    pose = Sim3(turn @ start.rotation, turn @ start.translation + shift, start.scale)
    corners = shape.corners
    away = np.linalg.norm(pose.apply(corners) - start.apply(corners), axis=1)
    moved = float(away.max())
    angle = float(np.degrees(Rotation.from_matrix(turn).magnitude()))
    sunk = float((start.apply(shape.centre[None]) - pose.apply(shape.centre[None]))[0, 1])
    fixed = world.is_fixed(item)
    fell = angle > FALLEN_DEG or sunk > FALLEN_SHARE * size
    return Drift(item.id, moved, moved / size, angle, fell, fixed, start if fixed else pose)


@cache
def _gap_is_a_buffer(mujoco: Any) -> bool:
    """Whether contacts push from ``margin`` on and are found ``gap`` earlier, as since MuJoCo 3.9.

    Before, they were found from ``margin`` on and pushed from ``margin - gap`` on.
    """
    spec = mujoco.MjSpec()
    ball = mujoco.mjtGeom.mjGEOM_SPHERE
    for name, height in (("one", 0.0), ("other", 0.9)):
        body = spec.worldbody.add_body(name=name, pos=[0, height, 0])
        body.add_geom(name=name, type=ball, size=[0.5, 0, 0])
        body.add_freejoint()
    spec.add_pair(geomname1="one", geomname2="other", margin=0.0, gap=0.2)
    model = spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    return bool(data.nefc > 0)


def _wxyz(turn: Rotation) -> list[float]:
    x, y, z, w = (float(v) for v in turn.as_quat())
    return [w, x, y, z]
