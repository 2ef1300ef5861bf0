"""Placed things made to hold together while the photo holds them: supporters first, then all.

CAST (arXiv 2502.12894, section 5.3) minimises contact and support costs over the poses alone, so
nothing keeps a thing where the photo shows it. Here each pose has the photo's information, and
the costs are constraints beside it: see :mod:`.descent`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..frames import Sim3
from ..planes import Plane
from .arrangement import Arrangement, without_swallowed
from .bodies import Body
from .descent import descend
from .evidence import change_between, information_of
from .measures import Measures
from .parting import part, stuck_pairs
from .pieces import Piece
from .seating import drop, lay_flat, lift, seat
from .ties import Tie

ROUNDS = 3


@dataclass(frozen=True, eq=False)
class Solved:
    """What became of the bodies, in the order given.

    Attributes:
        bodies: at their new places.
        changes: (n, 7) of each, see :mod:`.evidence`.
        before, after: how they held together.
        untied: ids of those that nothing holds; they stayed where they were.
    """

    bodies: tuple[Body, ...]
    changes: np.ndarray
    before: Measures
    after: Measures
    untied: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Task:
    """What is to hold together.

    Attributes:
        bodies: as they were placed.
        ties: what holds them; ids that are not among the bodies are ignored.
        planes: of the room; things stay on their inner side.
        world_from_camera: rigid.
        information: (7, 7) of the photo by id (:func:`.evidence.information_of`); a usual one is
            taken where there is none.
        places: by id, where to start from; as placed where there is none.
        locked: ids of those that never move.
        check: called now and then; raises when the run was stopped.
    """

    bodies: Sequence[Body]
    ties: Sequence[Tie]
    planes: Sequence[Plane]
    world_from_camera: Sim3
    information: Mapping[int, np.ndarray] = field(default_factory=dict)
    places: Mapping[int, Sim3] = field(default_factory=dict)
    locked: Collection[int] = ()
    check: Callable[[], None] = lambda: None


def as_placed(task: Task) -> Solved:
    """Nothing is moved; only measured."""
    all_of = _arranged(task)
    return _solved(task, all_of, all_of.measured())


def come_to_rest(task: Task) -> Solved:
    """What is carried comes to rest on what carries it, supporters first; nothing else moves."""
    all_of = _arranged(task)
    before = all_of.measured()
    _supporters_first(task, all_of)
    drop(all_of)
    return _solved(task, all_of, before)


def hold_together(task: Task) -> Solved:
    """Things rest, touch and are not inside each other: supporters first, then all together."""
    all_of = _arranged(task)
    before = all_of.measured()
    _supporters_first(task, all_of)
    moving = [p for p in all_of.pieces.values() if p.movable]
    still = [p for p in all_of.pieces.values() if not p.movable]
    for round_ in range(ROUNDS):
        descend(moving, all_of.rows(moving, still), all_of.camera, task.check)
        stuck = stuck_pairs(all_of)
        if round_ == ROUNDS - 1 or not part(all_of, stuck):
            break
        again = all_of.around({p.id for pair in stuck for p in pair})
        moving = [p for p in all_of.pieces.values() if p.movable and p.id in again]
        still = [p for p in all_of.pieces.values() if p not in moving]
    drop(all_of)
    return _solved(task, all_of, before)


def _arranged(task: Task) -> Arrangement:
    """The pieces as placed."""
    known = {b.id for b in task.bodies}
    ties = [
        t for t in task.ties
        if t.subject in known and (isinstance(t.object, Plane) or t.object in known)
    ]  # fmt: skip
    tied = _tied(ties)
    pieces = []
    for body in task.bodies:
        piece = Piece(body, np.eye(7), body.id in tied and body.id not in task.locked)
        told = task.information.get(body.id)
        if told is None:
            told = information_of(None, piece.now.middle, task.world_from_camera)
        piece.information = told
        pieces.append(piece)
    ties = without_swallowed(pieces, ties)
    camera = task.world_from_camera.translation
    return Arrangement(pieces, ties, task.planes, camera)


def _tied(ties: Sequence[Tie]) -> set[int]:
    """Ids of what is held by something."""
    tied = {t.subject for t in ties if t.kind != "part"}
    return tied | {t.object for t in ties if t.mutual and isinstance(t.object, int)}


def _solved(task: Task, all_of: Arrangement, before: Measures) -> Solved:
    pieces = list(all_of.pieces.values())
    return Solved(
        tuple(p.body.at(p.now.pose) if p.movable else p.body for p in pieces),
        np.array([_whole_change(p) for p in pieces]).reshape(-1, 7),
        before,
        all_of.measured(),
        tuple(p.id for p in pieces if p.id not in _tied(all_of.ties)),
    )


def _whole_change(piece: Piece) -> np.ndarray:
    """(7,) from where it was placed."""
    return change_between(piece.body.world_from_object, piece.now.pose, piece.shape.middle)


def _supporters_first(task: Task, all_of: Arrangement) -> None:
    """Each thing by itself comes to what holds it, what carries before what it carries."""
    placed = [p for p in all_of.pieces.values() if not p.movable]
    for level in all_of.levels():
        for piece in level:
            if piece.id in task.places:
                piece.put(task.places[piece.id])
            lift(piece, all_of)
            lay_flat(piece, all_of)
        for piece in level:
            carriers = [t.object for t in all_of.of(piece) if isinstance(t.object, int)]
            others = [p for p in placed if p.id in carriers]
            seat(piece, all_of, others, task.check)
        placed += level
