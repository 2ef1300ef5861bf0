"""The settled scene in a simulator: how far it would move, and, on request, moved so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from ..physics.bodies import Body
from ..physics.evidence import change_between
from ..physics.simulate import CALM, SECONDS, Drift, SimObject, Simulation, simulate
from ..physics.solve import as_placed
from ..relations.graph import Relations
from .as_seen import Fits
from .enclosure import Enclosure
from .settle import Settled

Simulate = Literal["off", "measure", "settle"]
FARTHEST = 0.1
"""Things are moved by at most this share of their size …"""
MOST_TURNED_DEG = 10.0
LOST_IOU = 0.01
"""… and where their silhouette's IoU with the mask falls by no more than this."""
TOLD = 5


@dataclass(frozen=True, eq=False)
class Simulated:
    """What a simulation showed, and the bodies after it.

    Attributes:
        settled: as given, or with the bodies that were moved.
        facts: for scene.json's "physics", JSON-ready.
        notes: sentences.
    """

    settled: Settled
    facts: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def measured_in_simulation(
    settled: Settled, room: Enclosure, metric: bool, locked: set[int], names: Mapping[int, str]
) -> Simulated:
    """How far a simulator would move each thing in a second; nothing is moved here.

    Args:
        room: floor, walls and ceiling hold.
        metric: lengths are metres.
        locked: ids of what does not move.
        names: for sentences, by id.

    Raises:
        BackendNotReady: MuJoCo is not installed.
        CastError: the simulation broke down.
    """
    found = _simulation(settled, room, metric, locked)
    return Simulated(settled, _facts(found, frozenset()), _sentences(found, 0, names))


def settled_in_simulation(
    settled: Settled,
    room: Enclosure,
    metric: bool,
    locked: set[int],
    names: Mapping[int, str],
    fits: Fits,
) -> Simulated:
    """As :func:`measured_in_simulation`, and things stay where the simulator leaves them, as long
    as that is near (:data:`FARTHEST`, :data:`MOST_TURNED_DEG`) and the photo does not speak against
    it (:data:`LOST_IOU`). Things that touch each other move together or not at all.

    Args:
        fits: silhouette IoU by id of bodies at their places.
    """
    found = _simulation(settled, room, metric, locked)
    ends = {d.id: d for d in found.drifts if not d.fixed}
    far = {
        i for i, d in ends.items()
        if d.fell or d.share > FARTHEST or d.rotation_deg > MOST_TURNED_DEG
    }  # fmt: skip
    groups = _groups([b.id for b in settled.bodies], settled.relations)
    before = fits(settled.bodies)
    movable = [g for g in groups if not g & far]
    while True:
        moved = frozenset(i for g in movable for i in g if i in ends)
        bodies = tuple(
            b.at(ends[b.id].world_from_object) if b.id in moved else b for b in settled.bodies
        )
        after = fits(bodies)
        worse = {i for i in moved if i in before and after.get(i, 0.0) < before[i] - LOST_IOU}
        if not worse:
            break
        movable = [g for g in movable if not g & worse]
    return Simulated(
        _moved(settled, bodies, after), _facts(found, moved), _sentences(found, len(moved), names)
    )


def _simulation(settled: Settled, room: Enclosure, metric: bool, locked: set[int]) -> Simulation:
    hung = {
        edge.subject
        for edge in settled.relations.edges
        if edge.type == "hanging" and not isinstance(edge.object, int)
    }
    joined = {
        edge.subject: edge.object
        for edge in settled.relations.edges
        if edge.type == "part_of" and isinstance(edge.object, int)
    }
    things = [SimObject.of(body, body.id in hung | locked) for body in settled.bodies]
    return simulate(things, room.solid, metric, SECONDS, joined)


def _groups(ids: Sequence[int], relations: Relations) -> list[frozenset[int]]:
    """What touches each other, directly or by others; floor and walls join nothing."""
    group = {i: i for i in ids}

    def root(i: int) -> int:
        while group[i] != i:
            i = group[i]
        return i

    for edge in relations.edges:
        if isinstance(edge.object, int) and edge.subject in group and edge.object in group:
            group[root(edge.subject)] = root(edge.object)
    found: dict[int, set[int]] = {}
    for i in ids:
        found.setdefault(root(i), set()).add(i)
    return [frozenset(g) for g in found.values()]


def _moved(settled: Settled, bodies: tuple[Body, ...], after: Mapping[int, float]) -> Settled:
    """The bodies at new places, measured anew; changes are told from where they were placed."""
    solved, task = settled.solved, settled.task
    here = as_placed(replace(task, bodies=bodies, places={}))
    changes = np.array(
        [_change(placed, body) for placed, body in zip(task.bodies, bodies, strict=True)]
    ).reshape(-1, 7)
    return replace(
        settled,
        solved=replace(solved, bodies=bodies, changes=changes, after=here.after),
        after=after,
    )


def _change(placed: Body, body: Body) -> np.ndarray:
    """(7,) as :mod:`..physics.evidence` has it."""
    middle = placed.world_from_object.inverse().apply(placed.bounds.mean(0))
    return change_between(placed.world_from_object, body.world_from_object, middle)


def _facts(found: Simulation, moved: frozenset[int]) -> dict[str, Any]:
    return {
        "seconds": SECONDS,
        "stay": found.calm,
        "objects": [
            {
                "id": d.id,
                "drift": d.moved,
                "share": d.share,
                "turned_deg": d.rotation_deg,
                "fell": d.fell,
                "held": d.fixed,
                "moved": d.id in moved,
            }
            for d in found.drifts
        ],
    }


def _sentences(found: Simulation, moved: int, names: Mapping[int, str]) -> tuple[str, ...]:
    free = found.free
    away = sorted((d for d in free if d.share > CALM), key=lambda d: -d.share)
    told = [
        f"In a second of simulation {len(free) - len(away)} of {len(free)} free objects stay within"
        f" {100 * CALM:.0f} % of their size."
    ]
    if away:
        told.append("In simulation " + "; ".join(_words(d, names) for d in away[:TOLD]) + ".")
    if moved:
        told.append(f"{moved} objects were left where the simulation put them.")
    return (*told, *found.told(names))


def _words(drift: Drift, names: Mapping[int, str]) -> str:
    how = "falls" if drift.fell else "moves"
    return f"{names.get(drift.id, drift.id)} {how} by {100 * drift.share:.0f} % of its size"
