"""How far a simulator moves the predicted objects in one second, by MuJoCo (an optional package)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..errors import BackendNotReady, CastError
from ..planes import Plane
from .scenes import EvalScene, Item

Simulate = Literal["auto", "on", "off"]
"""auto: where MuJoCo is installed."""
HELD = ("wall", "ceiling")


@dataclass(frozen=True)
class Moved:
    """An object that a simulator moves.

    Attributes:
        share: its largest displacement over its size.
        fell: it turned over or sank.
    """

    object: str
    share: float
    rotation_deg: float
    fell: bool


@dataclass(frozen=True)
class DriftScores:
    """What the simulation showed.

    Attributes:
        whole: measures by name; empty when nothing was simulated.
        share: each free object's drift over its size, by its index among the placed ones.
        moved: those that do not stay, farthest first.
        notes: what was held or assumed, or why nothing was measured.
    """

    whole: Mapping[str, float]
    share: Mapping[int, float]
    moved: tuple[Moved, ...]
    notes: tuple[str, ...]


def drift_scores(scene: EvalScene, choice: Simulate) -> DriftScores:
    """Lets a scene settle for a second.

    What the scene says hangs on a wall or the ceiling is held, parts move with what they are part
    of, all else is free. Floor, walls and ceiling are those the scene tells.

    Raises:
        BackendNotReady: ``choice`` is "on" and MuJoCo is not installed.
    """
    from ..physics.simulate import CALM, SECONDS, SimObject, require_mujoco, simulate

    if choice == "off":
        return _none("no drift in simulation: it was not asked for")
    try:
        require_mujoco()
    except BackendNotReady as error:
        if choice == "on":
            raise
        return _none(f"no drift in simulation: {error}")
    if not scene.up_known:
        return _none("no drift in simulation: the predicted scene's up is unknown")
    hanging = {subject for subject, kind, _ in scene.relations or () if kind == "hanging"}

    def held(item: Item) -> bool:
        return item.supported_by in HELD or item.id in hanging

    index = {item.id: n for n, item in enumerate(scene.placed) if item.id is not None}
    things = []
    for number, item in enumerate(scene.placed):
        assert item.data is not None and item.pose is not None
        data = item.data
        things.append(SimObject(number, data.vertices, data.faces, item.pose, held(item)))
    joined = {
        index[subject]: index[target]
        for subject, kind, target in scene.relations or ()
        if kind == "part_of" and subject in index and target in index
    }
    names = [item.name for item in scene.placed]
    try:
        found = simulate(things, _planes(scene), scene.metric is True, SECONDS, joined)
    except CastError as error:
        return _none(f"no drift in simulation: {error}")
    free = found.free
    notes = found.told(dict(enumerate(names)))
    fixed = sum(d.fixed for d in found.drifts)
    if fixed:
        notes.append(f"{fixed} objects fixed to wall or ceiling were held in the simulation")
    if not free:
        return DriftScores({}, {}, (), (*notes, "no drift in simulation: no object is free"))
    shares = [d.share for d in free]
    moved = [Moved(names[d.id], d.share, d.rotation_deg, d.fell) for d in free if d.share > CALM]
    return DriftScores(
        {
            "stay_in_simulation": found.calm,
            "median_drift": float(np.median(shares)),
            "fallen": sum(d.fell for d in free),
        },
        {d.id: d.share for d in free},
        tuple(sorted(moved, key=lambda m: -m.share)),
        tuple(notes),
    )


def _none(why: str) -> DriftScores:
    return DriftScores({}, {}, (), (why,))


def _planes(scene: EvalScene) -> list[Plane]:
    floor = (
        () if scene.floor is None else (Plane("floor", np.array([0.0, 1.0, 0.0]), -scene.floor),)
    )
    return [*floor, *scene.planes]
