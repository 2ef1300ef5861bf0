"""How far placements are from the truth.

- **ADD-S over diameter**: mean over points of the true posed mesh of the distance to the nearest
  point of the found posed mesh, divided by the diagonal of the true mesh's bounding box (Hinterstoisser
  et al., "Model Based Training, Detection and Pose Estimation", 2012; S for symmetric objects).
  Points are samples: ``QUERIES`` of the true surface against ``SAMPLES`` of the found one, so a
  perfect pose has about .003. Where the given mesh is off, truth is the true mesh.
- **rotation**: smallest angle to the true rotation over the rotations that leave the mesh as it is.
- **|log s|**: of the ratio of the two posed bounding boxes' diagonals in the meshes' own frames,
  which is the ratio of the scales where the given mesh is the true one.
- **box IoU**: of the axis-aligned boxes in a frame with y along true gravity and z towards the
  camera.

A failed object counts as infinitely far: it is in every share and median.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from scipy.spatial import KDTree
from scipy.spatial.transform import Rotation

from cast_nodes.frames import Sim3, world_from_camera
from cast_nodes.mesh_data import MeshData, read_mesh
from cast_nodes.types import Mesh, Placement, Placements

from .register_stock import surface_samples

SAMPLES = 40_000
QUERIES = 2000
SYMMETRY_QUERIES = 400
SYMMETRIC = 0.01
"""A rotation leaves a mesh as it is when its ADD-S to itself is below this share of its diameter."""
FOLDS = (2, 3, 4, 5, 6, 7, 8)
ODD_DEG = (11.0, 23.0, 37.0, 53.0, 79.0, 101.0, 139.0, 163.0)
"""An axis about which all of these and all folds are symmetries is one of revolution."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What is true of a room, by object id.

    Attributes:
        poses: ``T_camera_from_object`` of the true meshes.
        meshes: the true meshes.
        visible: shares of the silhouettes that are not hidden.
        supported_by: another's id, "floor" or "ceiling".
        up: (3,) against gravity, camera frame.
    """

    name: str
    poses: Mapping[int, Sim3]
    meshes: Mapping[int, Mesh]
    visible: Mapping[int, float]
    supported_by: Mapping[int, int | str]
    up: np.ndarray


@dataclass(frozen=True)
class Row:
    """One object's result; see the module for the measures. Failures hold infinity and 0."""

    room: str
    id: int
    label: str
    visible: float
    on_floor: bool
    add_s: float = np.inf
    rotation_deg: float = np.inf
    log_scale: float = np.inf
    box_iou: float = 0.0
    silhouette_iou: float = 0.0
    ambiguous: bool = False
    failure: str = ""


# --- shapes ----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Body:
    """A mesh's surface as points, and what turns it into itself."""

    data: MeshData

    @cached_property
    def points(self) -> np.ndarray:
        """(QUERIES, 3) of the surface."""
        return surface_samples(self.data, QUERIES, 0)[0]

    @cached_property
    def tree(self) -> KDTree:
        """Of other points of the surface, ``SAMPLES``."""
        return KDTree(surface_samples(self.data, SAMPLES, 1)[0])

    @cached_property
    def diameter(self) -> float:
        return float(np.linalg.norm(np.ptp(self.data.vertices, axis=0)))

    @cached_property
    def symmetries(self) -> Symmetries:
        return find_symmetries(self)


@dataclass(frozen=True, eq=False)
class Symmetries:
    """Rotations that leave a mesh as it is.

    Attributes:
        rotations: (k, 3, 3), the first is the identity.
        axes: (a, 3) axes of revolution, unit; none, one, or all three of a ball.
    """

    rotations: np.ndarray
    axes: np.ndarray


def find_symmetries(body: Body) -> Symmetries:
    """Tries rotations about x, y and z through the surface's centre, and their products."""
    centre = np.asarray(body.tree.data).mean(0)
    local = body.points[:SYMMETRY_QUERIES] - centre
    folds = sorted({360.0 * k / n for n in FOLDS for k in range(1, n)})
    angles = np.deg2rad(np.array([*folds, *ODD_DEG]))
    alone, revolved = [np.eye(3)[None]], []
    for axis in np.eye(3):
        rotations = Rotation.from_rotvec(angles[:, None] * axis).as_matrix()
        turned = np.einsum("kij,nj->kni", rotations, local) + centre
        error = body.tree.query(turned)[0].mean(1) / body.diameter
        same = error < SYMMETRIC
        if same.all():
            revolved.append(axis)
        alone.append(np.concatenate([np.eye(3)[None], rotations[: len(folds)][same[: len(folds)]]]))
    x, y, z = alone[1:]
    # A product of rotations about two axes reaches each element of the groups things have.
    both = [np.einsum("aij,bjk->abik", y, other).reshape(-1, 3, 3) for other in (x, z)]
    return Symmetries(np.concatenate(both), np.array(revolved).reshape(-1, 3))


def rotation_error_deg(found: np.ndarray, true: np.ndarray, symmetries: Symmetries) -> float:
    """Smallest angle between the found rotation and the true one after any symmetry."""
    if len(symmetries.axes) > 1:
        return 0.0  # a ball
    if len(symmetries.axes) == 1:
        axis = symmetries.axes[0]
        targets = (true @ symmetries.rotations) @ axis
        return float(np.rad2deg(np.arccos(np.clip((targets @ (found @ axis)).max(), -1, 1))))
    relative = found.T @ (true @ symmetries.rotations)
    cosine = (np.trace(relative, axis1=1, axis2=2).max() - 1) / 2
    return float(np.rad2deg(np.arccos(np.clip(cosine, -1, 1))))


@lru_cache(maxsize=256)
def _body_of_key(key: str, holder: _Holder) -> Body:
    return Body(read_mesh(holder.mesh))


@dataclass(frozen=True)
class _Holder:
    """Carries a mesh into the cache, whose key is the content alone."""

    mesh: Mesh

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Holder)


def body_of(mesh: Mesh) -> Body:
    """The body of a mesh, kept by the mesh's content."""
    return _body_of_key(mesh.key, _Holder(mesh))


# --- measures --------------------------------------------------------------------------------


def add_s(true: Body, true_pose: Sim3, found: Body, found_pose: Sim3) -> float:
    """ADD-S over the true posed mesh's diameter."""
    inside = (found_pose.inverse() @ true_pose).apply(true.points)
    distance = found.tree.query(inside)[0].mean() * found_pose.scale
    return float(distance / (true.diameter * true_pose.scale))


def box_iou(a: np.ndarray, b: np.ndarray) -> float:
    """Of the axis-aligned boxes round (n, 3) and (m, 3) points."""
    overlap = np.minimum(a.max(0), b.max(0)) - np.maximum(a.min(0), b.min(0))
    both = np.prod(np.maximum(overlap, 0))
    union = np.prod(np.ptp(a, axis=0)) + np.prod(np.ptp(b, axis=0)) - both
    return float(both / union) if union > 0 else 0.0


def measure(
    answer: Answer, placements: Placements, given: Callable[[Placement], Mesh]
) -> list[Row]:
    """A row for each object of the answer; one without a placement failed.

    Args:
        given: the mesh that a placement poses.
    """
    return [_row(answer, i, placements.get(i), given) for i in answer.poses]


def _row(answer: Answer, i: int, placement: Placement | None, given) -> Row:
    mesh, true_pose = answer.meshes[i], answer.poses[i]
    base = {
        "room": answer.name,
        "id": i,
        "label": mesh.name,
        "visible": answer.visible[i],
        "on_floor": answer.supported_by[i] == "floor",
    }
    if placement is None or placement.camera_from_object is None:
        why = placement.failure if placement else ""
        return Row(**base, failure=why or "no placement")
    pose = placement.camera_from_object
    true, found = body_of(mesh), body_of(given(placement))
    level = world_from_camera(answer.up, None)
    return Row(
        **base,
        add_s=add_s(true, true_pose, found, pose),
        rotation_deg=rotation_error_deg(pose.rotation, true_pose.rotation, true.symmetries),
        log_scale=float(
            abs(np.log(pose.scale * found.diameter / (true_pose.scale * true.diameter)))
        ),
        box_iou=box_iou(
            (level @ true_pose).apply(true.data.vertices),
            (level @ pose).apply(found.data.vertices),
        ),
        silhouette_iou=float(placement.fit.get("iou", np.nan)),
        ambiguous=placement.ambiguous,
    )


# --- figures ---------------------------------------------------------------------------------

SHARES = (0.02, 0.05, 0.1)
RESAMPLES = 1000


@dataclass(frozen=True)
class Figures:
    """What is told of some rows.

    Attributes:
        shares: by threshold, the share of objects whose ADD-S is below it.
        bounds: by threshold, the 95 % bootstrap interval of that share, over rooms.
    """

    objects: int
    add_s: float
    shares: Mapping[float, float]
    bounds: Mapping[float, tuple[float, float]]
    rotation_deg: float
    log_scale: float
    box_iou: float
    failures: int


def figures(rows: Sequence[Row]) -> Figures:
    """Medians of ADD-S, rotation and scale, shares with intervals, mean box IoU."""
    error = np.array([r.add_s for r in rows])
    rooms = np.unique([r.room for r in rows], return_inverse=True)[1].reshape(-1)
    return Figures(
        objects=len(rows),
        add_s=float(np.median(error)),
        shares={t: float((error < t).mean()) for t in SHARES},
        bounds={t: bootstrap(error < t, rooms) for t in SHARES},
        rotation_deg=float(np.median([r.rotation_deg for r in rows])),
        log_scale=float(np.median([r.log_scale for r in rows])),
        box_iou=float(np.mean([r.box_iou for r in rows])),
        failures=sum(bool(r.failure) for r in rows),
    )


def bootstrap(hits: np.ndarray, rooms: np.ndarray) -> tuple[float, float]:
    """95 % percentile interval of a share when whole rooms are drawn again (seeded).

    Args:
        hits: (n,) bool per object.
        rooms: (n,) int, the room of each, 0, 1, ….
    """
    total = np.bincount(rooms)
    right = np.bincount(rooms, hits)
    draw = np.random.default_rng(0).integers(len(total), size=(RESAMPLES, len(total)))
    share = right[draw].sum(1) / total[draw].sum(1)
    low, high = np.percentile(share, [2.5, 97.5])
    return float(low), float(high)


BINS: tuple[tuple[str, Callable[[Row], bool]], ...] = (
    ("0-15 % hidden", lambda r: r.visible >= 0.85),
    ("15-50 % hidden", lambda r: 0.5 <= r.visible < 0.85),
    ("50-80 % hidden", lambda r: r.visible < 0.5),
    ("visible < 65 %", lambda r: r.visible < 0.65),
    ("on the floor", lambda r: r.on_floor),
    ("not on the floor", lambda r: not r.on_floor),
)
"""Groups of objects that are told apart; the first three are all objects."""
