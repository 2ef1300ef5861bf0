"""How far placements are from the truth.

The measures are those of ``cast_nodes/evaluate``: ADD-S over the diagonal of the true mesh's box,
from the true to the found posed mesh; rotation modulo the mesh's symmetry; |log s|; IoU of the
axis-aligned boxes in a frame with y along true gravity and z towards the camera. Where the given
mesh is off, truth is the true mesh.

A failed object counts as infinitely far: it is in every share and median.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cast_nodes.evaluate.boxes import box_iou
from cast_nodes.evaluate.pose import add_s, body_of, log_scale_error, rotation_error_deg
from cast_nodes.frames import Sim3, world_from_camera
from cast_nodes.types import Mesh, Placement, Placements


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


# --- measures --------------------------------------------------------------------------------


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
        log_scale=log_scale_error(true, true_pose, found, pose),
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
