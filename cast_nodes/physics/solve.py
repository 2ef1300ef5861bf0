"""Placed things made to hold together while the photo holds them: supporters first, then all.

CAST (arXiv 2502.12894, section 5.3) minimises contact and support costs over the poses alone, so
nothing keeps a thing where the photo shows it. Here each pose has the photo's information, and
the costs are constraints beside it: see :mod:`.descent`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from ..frames import Sim3
from ..planes import Plane
from .bodies import Body
from .contacts import (
    NEAR,
    TOUCHES,
    Rows,
    apart,
    clearance,
    held_rows,
    inside_rows,
    over_rows,
    plane_rows,
    rest_rows,
    touch_rows,
)
from .descent import descend
from .evidence import change_between, information_of, moved
from .measures import Measures, depth, gap_of, measured
from .pieces import FLAT, UPRIGHT, Piece, View
from .ties import Tie

UP = np.array([0.0, 1.0, 0.0])
FLAT_RAD = float(np.radians(6.0))
"""What is nearly flat against a wall becomes so."""
DOUBTED = 3.5
"""A turn beyond this many sigmas of the photo is left."""
FLUSH = 1.75
"""So many sigmas may a thing that stands have to turn to be flush to a wall: many are not."""
DEEP = 0.005
"""Pairs deeper in each other than this share of the smaller one's size are treated again."""
SWALLOWED = 0.8
"""A thing of which this share lies inside another was drawn as its part; nothing parts them."""
REACH = (0.05, 0.06, 0.005)
"""How far a thing may lie below the top that carries it: share of its height, of how far it is
below or above the camera (what it is wrong along its view ray raises or lowers it so), of its
distance."""
FOOT = 0.05
"""What stands on a smaller share of its outline rolls."""
SEATED = 0.01
"""Share of its size by which what holds a thing may be missed before other places are tried."""
SEATS = (0.0, 1.0, -1.0, 2.0, -2.0)
"""These places, deviations along the view from where it was placed."""
ROUNDS = 3
CUT = 0.35
"""A thing deeper than this share of its size behind a plane is not moved before it."""


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


class Arrangement:
    """Pieces, what ties them, and the planes around them."""

    def __init__(
        self,
        pieces: Sequence[Piece],
        ties: Sequence[Tie],
        planes: Sequence[Plane],
        camera: np.ndarray,
    ) -> None:
        self.pieces = {p.id: p for p in pieces}
        self.ties = tuple(ties)
        self.planes = tuple(planes)
        self.camera = camera
        self._kept: dict[Hashable, tuple[list[View], list[Rows]]] = {}
        self.together = {
            frozenset((t.subject, t.object))
            for t in ties
            if t.kind == "part" and isinstance(t.object, int)
        }
        self.carried = {
            (t.subject, t.object)
            for t in ties
            if isinstance(t.object, int) and not t.mutual and t.kind != "part"
        }

    def measured(self) -> Measures:
        pieces = list(self.pieces.values())
        return measured(pieces, self.ties, self.planes, self.reach, self.together)

    def levels(self) -> list[list[Piece]]:
        """The movable pieces, what carries before what it carries."""
        carriers: dict[int, set[int]] = {i: set() for i in self.pieces}
        for subject, carrier in self.carried:
            carriers[subject].add(carrier)
        done = {i for i, p in self.pieces.items() if not p.movable}
        out: list[list[Piece]] = []
        left = [i for i, p in self.pieces.items() if p.movable]
        while left:
            ready = [i for i in left if carriers[i] <= done] or left  # a circle goes as a whole
            out.append([self.pieces[i] for i in ready])
            done |= set(ready)
            left = [i for i in left if i not in done]
        return out

    def of(self, piece: Piece) -> list[Tie]:
        return [t for t in self.ties if t.subject == piece.id]

    def reach(self, piece: Piece) -> float:
        """How far below the top that carries it a thing may lie."""
        away = piece.now.middle - self.camera
        parts = piece.tall, abs(float(away[1])), float(np.linalg.norm(away))
        return float(np.dot(REACH, parts))

    def tie_rows(self, tie: Tie) -> list[Rows]:
        """What a tie asks where the pieces are now."""
        piece, to = self.pieces[tie.subject], tie.object
        if tie.kind == "part":
            return []
        if isinstance(to, Plane):
            return plane_rows(piece, to, tie.kind)
        other = self.pieces[to]

        def made() -> list[Rows]:
            if tie.kind == "rests":
                return rest_rows(piece, other, self.reach(piece))
            return touch_rows(piece, other, tie.mutual, 0.0 if tie.kind == "leans" else TOUCHES)

        return self.kept((tie.kind, piece.id, other.id), (piece, other), made)

    def pair_rows(self, one: Piece, other: Piece) -> list[Rows]:
        """Two things are not in each other; what is carried gives way to what carries it."""

        def made() -> list[Rows]:
            if (one.id, other.id) in self.carried:
                return held_rows(one, other)
            if (other.id, one.id) in self.carried:
                return held_rows(other, one)
            return [*inside_rows(one, other), *inside_rows(other, one)]

        return self.kept(("apart", one.id, other.id), (one, other), made)

    def balance_rows(self, piece: Piece) -> list[Rows]:
        """What stands on other things alone, and leans on nothing, has its mass above them."""
        own = self.of(piece)
        carriers = [self.pieces[t.object] for t in own
                    if t.kind == "rests" and isinstance(t.object, int)]  # fmt: skip
        held = any(t.kind == "leans" or isinstance(t.object, Plane) for t in own)
        if not carriers or held:
            return []
        return self.kept(
            ("balance", piece.id), (piece, *carriers), lambda: over_rows(piece, carriers)
        )

    def plane_rows(self, piece: Piece) -> list[Rows]:
        return self.kept(("planes", piece.id), (piece,), lambda: self.all_plane_rows(piece))

    def kept(
        self, key: Hashable, pieces: Sequence[Piece], made: Callable[[], list[Rows]]
    ) -> list[Rows]:
        """What was made last, as long as none of its pieces has moved."""
        views = [p.now for p in pieces]
        known = self._kept.get(key)
        if known is None or any(a is not b for a, b in zip(known[0], views, strict=True)):
            self._kept[key] = known = views, made()
        return known[1]

    def all_plane_rows(self, piece: Piece) -> list[Rows]:
        tied = [t.object for t in self.of(piece) if isinstance(t.object, Plane)]
        return [
            row
            for plane in self.planes
            if not any(plane is t for t in tied) and not self.cut(piece, plane)
            for row in plane_rows(piece, plane)
        ]

    def cut(self, piece: Piece, plane: Plane) -> bool:
        """A wall that cuts through the middle of a thing as it was placed is not its wall."""
        at_start = piece.start.apply(piece.shape.corners)
        return float(plane.height(at_start).min()) < -CUT * piece.size

    def rows(self, pieces: Sequence[Piece], others: Sequence[Piece]) -> Callable[[], list[Rows]]:
        """All constraints of some pieces, among themselves and to others."""

        def made() -> list[Rows]:
            rows = [row for p in pieces for t in self.of(p) for row in self.tie_rows(t)]
            rows += [row for p in pieces for row in self.plane_rows(p)]
            rows += [row for p in pieces for row in self.balance_rows(p)]
            return rows + [
                row for p, o in self.near(pieces, others) for row in self.pair_rows(p, o)
            ]

        return made

    def around(self, ids: Collection[int]) -> set[int]:
        """Some pieces and all that touches or holds them, directly or through others."""
        pairs = [(p.id, o.id) for p, o in self.near(list(self.pieces.values()), [])]
        pairs += [(t.subject, t.object) for t in self.ties if isinstance(t.object, int)]
        out, before = set(ids), 0
        while len(out) > before:
            before = len(out)
            for one, other in pairs:
                if one in out or other in out:
                    out |= {one, other}
        return out

    def near(self, pieces: Sequence[Piece], others: Sequence[Piece]) -> list[tuple[Piece, Piece]]:
        """Pairs of pieces, and of pieces and others, that may meet and are not meant to."""
        every = [*pieces, *others]
        low, high = np.stack([p.now.bounds for p in every], 1)
        size = np.array([p.size for p in every])
        margin = NEAR * np.minimum(size[:, None], size)[..., None]
        meet = ((low[:, None] <= high + margin) & (low <= high[:, None] + margin)).all(2)
        meet = np.triu(meet, 1)
        meet[len(pieces) :] = False
        pairs = [(every[i], every[k]) for i, k in zip(*np.nonzero(meet), strict=True)]
        return [p for p in pairs if frozenset((p[0].id, p[1].id)) not in self.together]


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
    _drop(all_of)
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
        if round_ == ROUNDS - 1 or not _part(all_of, stuck):
            break
        again = all_of.around({p.id for pair in stuck for p in pair})
        moving = [p for p in all_of.pieces.values() if p.movable and p.id in again]
        still = [p for p in all_of.pieces.values() if p not in moving]
    _drop(all_of)
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
    ties = _without_swallowed(pieces, ties)
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
            _lift(piece, all_of)
            _lay_flat(piece, all_of)
        for piece in level:
            carriers = [t.object for t in all_of.of(piece) if isinstance(t.object, int)]
            others = [p for p in placed if p.id in carriers]
            _seat(task, all_of, piece, others)
        placed += level


def _seat(task: Task, all_of: Arrangement, piece: Piece, others: Sequence[Piece]) -> None:
    """A thing comes to what holds it; where it cannot from where it is, from elsewhere along the
    view, which the photo tells least."""
    rows, laid = all_of.rows([piece], others), piece.now
    best: tuple[float, View] | None = None
    away = laid.middle - all_of.camera
    gone = np.log(np.linalg.norm(away) / np.linalg.norm(piece.at_start - all_of.camera))
    doubt = float(np.sqrt(np.linalg.inv(piece.information)[6, 6]))
    for along in (0.0, *(k * doubt - gone for k in SEATS)):
        shift = np.array([0, 0, 0, *(np.expm1(along) * away), along])
        piece.put(moved(laid.pose, laid.middle, shift))
        descend([piece], rows, all_of.camera, task.check)
        wrong = max((row.wrong for row in rows()), default=0.0)
        if best is None or wrong < best[0]:
            best = wrong, piece.now
        if wrong < SEATED or not others:
            break
    assert best is not None
    piece.now = best[1]
    _roll(piece, all_of)


def _roll(piece: Piece, all_of: Arrangement) -> None:
    """What has no foot to stand on comes to the lowest place nearby, and is let to have been
    placed there."""
    on = [all_of.pieces[t.object] for t in all_of.of(piece)
          if t.kind == "rests" and isinstance(t.object, int)]  # fmt: skip
    down = -piece.now.pose.rotation[1]
    if not on or not len(piece.shape.normals) or piece.shape.share(down) > FOOT:
        return
    reach = all_of.reach(piece)

    def resting(shift: np.ndarray) -> tuple[float, View]:
        """Height over that of now where it comes to rest, and it there."""
        view = View(piece, moved(piece.now.pose, piece.now.middle, shift))
        found = [clearance(view, other.now, reach) for other in on]
        return -min((f.gap for f in found if f), default=-np.inf), view

    place, step = np.zeros(7), 0.1 * piece.size
    height = resting(place)[0]
    while step > 0.005 * piece.size:
        tried = [place + step * np.eye(7)[k] * way for k in (3, 5) for way in (1, -1)]
        heights = [resting(t)[0] for t in tried]
        best = int(np.argmin(heights))
        if heights[best] < height - 1e-4 * piece.size:
            place, height = tried[best], heights[best]
        else:
            step /= 2
    if np.linalg.norm(place) > 0.01 * piece.size and np.isfinite(height):
        place[4] = height
        piece.move(place)
        piece.start = piece.now.pose


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


def _lift(piece: Piece, all_of: Arrangement) -> None:
    """Puts a thing upon what certainly carries it, and lets that be where it was placed: where the
    photo was read otherwise, it holds it no more."""
    for tie in all_of.of(piece):
        if not tie.certain or tie.kind != "rests":
            continue
        gap = gap_of(piece, tie, all_of.pieces, float("inf"))
        if gap is not None and abs(gap) > all_of.reach(piece):
            piece.start = moved(
                piece.now.pose, piece.now.middle, np.array([0, 0, 0, 0, -gap, 0, 0])
            )
            piece.put(piece.start)


def _lay_flat(piece: Piece, all_of: Arrangement) -> None:
    """Turns a thing so that it lies flat on what it rests on or touches, where it nearly does."""
    ties = all_of.of(piece)
    rests = [t for t in ties if t.kind == "rests"]
    touches = [t for t in ties if t.kind == "touches" and isinstance(t.object, Plane)]
    leaning = any(t.kind == "leans" for t in ties)
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
            if turn is not None and _headed_so(piece, turn[1]):
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


def _headed_so(piece: Piece, yaw: float) -> bool:
    """Whether the photo is likely wrong by a turn about up."""
    doubt = np.sqrt(np.linalg.inv(piece.information)[1, 1])
    return abs(piece.change[1] + yaw) < FLUSH * float(doubt)


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
    parted = False
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
            parted = True
    return parted


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


def _drop(all_of: Arrangement) -> None:
    """The last hair's breadth: what rests comes down, or up, until it just touches."""
    for level in all_of.levels():
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
