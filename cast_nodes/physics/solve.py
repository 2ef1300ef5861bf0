"""Placed things made to hold together while the photo holds them: supporters first, then all.

CAST (arXiv 2502.12894, section 5.3) minimises contact and support costs over the poses alone, so
nothing keeps a thing where the photo shows it. Here each pose has the photo's information, and
the costs are constraints beside it: see :mod:`.descent`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ..frames import Sim3
from ..planes import Plane
from .bodies import Body
from .contacts import Rows, apart, clearance, depth, inside_rows, plane_rows, rest_rows, touch_rows
from .descent import descend
from .evidence import information_of
from .pieces import FLAT, UPRIGHT, Piece
from .ties import Tie

UP = np.array([0.0, 1.0, 0.0])
FLAT_RAD = float(np.radians(4.0))
"""What is nearly flat against a wall becomes so."""
DOUBTED = 4.0
"""A turn beyond this many sigmas of the photo is left."""
DEEP = 0.005
"""Pairs deeper in each other than this share of the smaller one's size are treated again."""
SWALLOWED = 0.8
"""A thing of which this share lies inside another was drawn as its part; nothing parts them."""
REACH = (0.05, 0.06, 0.005)
"""How far a thing may lie below the top that carries it: share of its height, of how far it is
below or above the camera (what it is wrong along its view ray raises or lowers it so), of its
distance."""
ROUNDS = 3


@dataclass(frozen=True, eq=False)
class Solved:
    """What became of the bodies, in the order given.

    Attributes:
        bodies: at their new places.
        changes: (n, 7) of each, see :mod:`.evidence`.
        untied: ids of those that nothing holds; they stayed where they were.
        stuck: ids of pairs that still lie in each other and could not be parted.
    """

    bodies: tuple[Body, ...]
    changes: np.ndarray
    untied: tuple[int, ...]
    stuck: tuple[tuple[int, int], ...]


class Arrangement:
    """Pieces, what ties them, and the planes around them."""

    def __init__(
        self,
        pieces: Sequence[Piece],
        ties: Sequence[Tie],
        planes: Sequence[Plane],
        camera: np.ndarray,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self.pieces = {p.id: p for p in pieces}
        self.ties = tuple(ties)
        self.planes = tuple(planes)
        self.camera = camera
        self.check = check
        self.together = {
            frozenset((t.subject, t.object)) for t in ties if t.kind == "part"
        }  # fmt: skip
        self.carried = {
            (t.subject, t.object)
            for t in ties
            if isinstance(t.object, int) and not t.mutual and t.kind != "part"
        }

    def of(self, piece: Piece) -> list[Tie]:
        return [t for t in self.ties if t.subject == piece.id]

    def reach(self, piece: Piece) -> float:
        away = piece.now.middle - self.camera
        parts = piece.tall, abs(float(away[1])), float(np.linalg.norm(away))
        return float(np.dot(REACH, parts))

    def tie_rows(self, tie: Tie) -> list[Rows]:
        """What a tie asks where the pieces are now."""
        piece = self.pieces[tie.subject]
        if tie.kind == "part":
            return []
        if isinstance(tie.object, Plane):
            return plane_rows(piece, tie.object, onto=True)
        other = self.pieces[tie.object]
        if tie.kind == "rests":
            return rest_rows(piece, other, self.reach(piece))
        return touch_rows(piece, other, tie.mutual)

    def pair_rows(self, one: Piece, other: Piece) -> list[Rows]:
        """Two things are not in each other; what is carried gives way to what carries it."""
        if frozenset((one.id, other.id)) in self.together:
            return []
        if not (one.free.any() or other.free.any()):
            return []
        if apart(one.now, other.now, 0.01 * min(one.size, other.size)):
            return []
        below = (one.id, other.id) in self.carried, (other.id, one.id) in self.carried
        if any(below):
            upper, lower = (one, other) if below[0] else (other, one)
            rows = inside_rows(upper, lower, "first", upwards=True)
            return rows + inside_rows(lower, upper, "second", upwards=True)
        return [*inside_rows(one, other), *inside_rows(other, one)]

    def plane_rows(self, piece: Piece) -> list[Rows]:
        tied = [t.object for t in self.of(piece) if isinstance(t.object, Plane)]
        return [
            row
            for plane in self.planes
            if not any(plane is t for t in tied)
            for row in plane_rows(piece, plane, onto=False)
        ]

    def rows(self, pieces: Sequence[Piece], others: Sequence[Piece]) -> Callable[[], list[Rows]]:
        """All constraints of some pieces, among themselves and to others."""

        def made() -> list[Rows]:
            rows = [row for p in pieces for t in self.of(p) for row in self.tie_rows(t)]
            rows += [row for p in pieces for row in self.plane_rows(p)]
            pairs = [*combinations(pieces, 2), *((p, o) for p in pieces for o in others)]
            return rows + [row for pair in pairs for row in self.pair_rows(*pair)]

        return made


def hold_together(
    bodies: Sequence[Body],
    ties: Sequence[Tie],
    planes: Sequence[Plane],
    information: Mapping[int, np.ndarray],
    world_from_camera: Sim3,
    locked: Collection[int] = (),
    check: Callable[[], None] = lambda: None,
) -> Solved:
    """Moves bodies so that they rest, touch and are not inside each other.

    Args:
        bodies: as they were placed.
        ties: what holds them; ids that are not among the bodies are ignored.
        planes: of the room; things stay on their inner side.
        information: (7, 7) of the photo by id (:func:`.evidence.information_of`); a usual one is
            taken where there is none.
        world_from_camera: rigid.
        locked: ids of those that never move.
        check: called now and then; raises when the run was stopped.
    """
    known = {b.id for b in bodies}
    ties = [
        t for t in ties
        if t.subject in known and (isinstance(t.object, Plane) or t.object in known)
    ]  # fmt: skip
    tied = {t.subject for t in ties if t.kind != "part"}
    tied |= {t.object for t in ties if t.mutual and isinstance(t.object, int)}
    camera = world_from_camera.translation
    pieces = []
    for body in bodies:
        told = information.get(body.id)
        piece = Piece(body, np.eye(7), body.id in tied and body.id not in locked)
        if told is None:
            told = information_of(None, piece.now.middle, world_from_camera)
        piece.information = told
        pieces.append(piece)
    all_of = Arrangement(pieces, _without_swallowed(pieces, ties), planes, camera, check)

    placed: list[Piece] = [p for p in pieces if not p.movable]
    for level in levels(pieces, ties):
        for piece in level:
            _lay_flat(piece, all_of)
        for piece in level:
            carriers = [t.object for t in all_of.of(piece) if isinstance(t.object, int)]
            others = [p for p in placed if p.id in carriers]
            descend([piece], all_of.rows([piece], others), camera, check=check)
        placed += level

    moving = [p for p in pieces if p.movable]
    still = [p for p in pieces if not p.movable]
    for round_ in range(ROUNDS):
        descend(moving, all_of.rows(moving, still), camera, check=check)
        if round_ == ROUNDS - 1 or not _part(all_of, stuck_pairs(all_of)):
            break
    _drop(all_of, levels(pieces, ties))
    stuck = stuck_pairs(all_of)
    return Solved(
        tuple(p.body if not p.movable else p.body.at(p.now.pose) for p in pieces),
        np.array([p.change for p in pieces]).reshape(-1, 7),
        tuple(b.id for b in bodies if b.id not in tied),
        tuple((a.id, b.id) for a, b in stuck),
    )


def levels(pieces: Sequence[Piece], ties: Sequence[Tie]) -> list[list[Piece]]:
    """The movable pieces, what carries before what it carries."""
    by_id = {p.id: p for p in pieces}
    carriers: dict[int, set[int]] = {p.id: set() for p in pieces}
    for tie in ties:
        if isinstance(tie.object, int) and not tie.mutual and tie.kind != "part":
            carriers[tie.subject].add(tie.object)
    done = {p.id for p in pieces if not p.movable}
    out: list[list[Piece]] = []
    left = [p.id for p in pieces if p.movable]
    while left:
        ready = [i for i in left if carriers[i] <= done] or left  # a circle is taken as a whole
        out.append([by_id[i] for i in ready])
        done |= set(ready)
        left = [i for i in left if i not in done]
    return out


def _without_swallowed(pieces: Sequence[Piece], ties: Sequence[Tie]) -> list[Tie]:
    """The ties, and a "part" between things of which one lies wholly in the other's matter."""
    out = list(ties)
    for one, other in combinations(pieces, 2):
        if apart(one.now, other.now, 0.0):
            continue
        for a, b in ((one, other), (other, one)):
            if (
                a.size < b.size
                and float((b.now.distance_to(a.now.points[::8])[0] < 0).mean()) > SWALLOWED
            ):
                out.append(Tie(a.id, b.id, "part"))
    return out


def _lay_flat(piece: Piece, all_of: Arrangement) -> None:
    """Turns a thing so that it lies flat on what it rests on or touches, where it nearly does."""
    ties = all_of.of(piece)
    rests = [t for t in ties if t.kind == "rests"]
    touches = [t for t in ties if t.kind == "touches" and isinstance(t.object, Plane)]
    leaning = bool(rests) and any(t.kind == "touches" and not t.mutual for t in ties)
    if rests and not leaning:
        under = rests[0].object
        down = -under.normal if isinstance(under, Plane) else -UP
        turn = piece.shape.stable_turn(piece.now.pose, down)
        if turn is not None and _bearable(piece, turn):
            piece.move(np.array([*turn, 0, 0, 0, 0]))
            piece.free = UPRIGHT
        for tie in touches:
            assert isinstance(tie.object, Plane)
            turn = piece.shape.stable_turn(piece.now.pose, -tie.object.normal, FLAT_RAD, False)
            if turn is not None and _bearable(piece, turn * [0, 1, 0]):
                piece.move(np.array([0, turn[1], 0, 0, 0, 0, 0]))
                if piece.free is UPRIGHT:
                    piece.free = FLAT
                break
    elif touches and not rests:
        plane = touches[0].object
        assert isinstance(plane, Plane)
        turn = piece.shape.stable_turn(piece.now.pose, -plane.normal, FLAT_RAD, False)
        if turn is not None and _bearable(piece, turn):
            piece.move(np.array([*turn, 0, 0, 0, 0]))
            piece.free = FLAT


def _bearable(piece: Piece, turn: np.ndarray) -> bool:
    """Whether the photo leaves room for a turn, everything else following as it likes."""
    spread = np.linalg.inv(piece.information)[:3, :3]
    whole = piece.change[:3] + turn
    return float(whole @ np.linalg.solve(spread, whole)) <= DOUBTED**2


def stuck_pairs(all_of: Arrangement) -> list[tuple[Piece, Piece]]:
    """Pairs of which one may move that lie deeper in each other than ``DEEP``."""
    found = []
    for one, other in combinations(all_of.pieces.values(), 2):
        if frozenset((one.id, other.id)) in all_of.together or not (one.movable or other.movable):
            continue
        if depth(one.now, other.now) > DEEP * min(one.size, other.size):
            found.append((one, other))
    return found


def _part(all_of: Arrangement, pairs: Sequence[tuple[Piece, Piece]]) -> bool:
    """Takes pairs that slopes could not part out of each other; whether any moved.

    Where boards cross, each sample's way out is the nearest face, some up and some down, so a
    descent stands still. Tried are steps of growing length in level directions and along the view,
    and the one that costs the photo least is taken.
    """
    moved = False
    for one, other in pairs:
        best: tuple[float, Piece, Sim3] | None = None
        for piece in (one, other):
            if not piece.movable or (piece is one and (other.id, one.id) in all_of.carried):
                continue
            if piece is other and (one.id, other.id) in all_of.carried:
                continue
            partner = other if piece is one else one
            start = piece.now.pose
            for change in _trials(piece, all_of.camera):
                cost = _cost(piece, change)
                if best is not None and cost >= best[0]:
                    continue
                piece.move(change)
                if depth(piece.now, partner.now) <= DEEP * min(piece.size, partner.size):
                    best = cost, piece, piece.now.pose
                piece.put(start)
        if best is not None:
            best[1].put(best[2])
            moved = True
    return moved


def _cost(piece: Piece, change: np.ndarray) -> float:
    whole = piece.change + change
    return float(whole @ piece.information @ whole)


def _trials(piece: Piece, camera: np.ndarray) -> list[np.ndarray]:
    """Changes worth trying, the shortest first."""
    away = piece.now.middle - camera
    out = []
    for step in (0.01, 0.02, 0.04, 0.07, 0.11, 0.16):
        for angle in np.arange(8) * np.pi / 4:
            shift = step * piece.size * np.array([np.cos(angle), 0.0, np.sin(angle)])
            out.append(np.array([0, 0, 0, *shift, 0]))
        for sign in (1.0, -1.0):
            along = sign * step
            out.append(np.array([0, 0, 0, *(np.expm1(along) * away), along]))
            level = away * [1, 0, 1]
            out.append(np.array([0, 0, 0, *(np.expm1(along) * level), along]))
    return out


def _drop(all_of: Arrangement, order: Sequence[Sequence[Piece]]) -> None:
    """The last hair's breadth: what rests comes down, or up, until it just touches."""
    for level in order:
        for piece in level:
            falls = []
            for tie in all_of.of(piece):
                if tie.kind != "rests":
                    continue
                if isinstance(tie.object, Plane):
                    steep = float(tie.object.normal[1])
                    height = tie.object.height(piece.now.corners)
                    falls.append(float(height.min()) / max(steep, 0.2))
                else:
                    other = all_of.pieces[tie.object]
                    found = clearance(piece.now, other.now, all_of.reach(piece))
                    if found is not None:
                        falls.append(found.gap)
            if falls and abs(min(falls)) < 0.02 * piece.size:
                piece.move(np.array([0, 0, 0, 0, -min(falls), 0, 0]))


def solved_as_placed(bodies: Sequence[Body]) -> Solved:
    """Nothing moved."""
    return Solved(tuple(bodies), np.zeros((len(bodies), 7)), (), ())
