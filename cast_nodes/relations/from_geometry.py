"""Relations from posed meshes and the room's planes alone.

Poses are noisy, mostly along the view: an object that should stand on a table may hang above it or
be sunk into it. So for each object all that may carry it is weighed: floor, other objects, a wall,
the ceiling, or nothing. Each way has a cost, the negative logarithm of its likelihood (how far the
object would have to be moved, what would be in the way, whether it would tip over), and a prior:
things are rather carried from below than from the side. A label is only a weak hint. What carries
is settled before what it carries, so that a load is judged where its carrier really stands. Then,
with everything at its believed place, the rest follows: what is inside, leaning, against another.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..frames import Sim3
from ..physics.bodies import Body
from ..planes import Plane
from ..types import Placement
from .graph import Partner, Relation, Relations, RelationType, relations_of
from .resting import Doubt, Rest, moving_cost, rests
from .standing import UP, Standing, standing
from .touching import is_within, share_of_matter, touch

SOURCE = "geometry"
RAY_DOUBT = 0.04
"""Deviation of the logarithm of an object's distance where nothing is known of it."""
LEAST_RAY, GUESSED_RAY, MOST_RAY = 0.02, 0.05, 0.12
"""Bounds of that deviation where it is known; the least where the geometry is a guess itself."""
ACROSS = (0.002, 0.005)
"""Deviation of a place across the view: share of the distance, and of the object's size."""

AIR = 9.0
"""Nats that nothing carries an object."""
WALL, CEILING = 7.5, 2.0
"""Nats that a wall or the ceiling carries it, which is seldom."""
FLAT = 0.25
"""Extent towards the wall, over the largest, of what usually hangs there."""
FLAT_BONUS, HINT = 4.5, 1.0
TOUCHES_PLANE = 2.1
"""Deviations within which an object that would tip over is held by a wall."""
AGAINST_WALL, ROOM_BEHIND = (0.5, 0.08), 0.6
"""How often what stands on the floor, and what other things carry, has its back to the wall; and
over what distance, in its size, the backs of the others are spread."""
WALL_NEAR = 0.012
"""Deviation of an object's own extent towards a wall, share of its size."""
TURNS_RAD = np.radians(np.linspace(-5, 5, 11))
"""Turns about up within which an object's back may be laid flush to a wall."""
LEVEL = 0.6
"""Most |cosine| to up of the side by which things touch that stand beside each other."""
BESIDE = 0.012
"""Things side by side touch within this share of the smaller one's size and the doubt."""
PART = 2.8
"""Nats that an object is a part of another in which it is deep, less those for how much of it."""
PART_SHARE, PART_BONUS, PART_VOLUME = 0.3, 1.5, 0.25
"""A part has this share of its samples in its whole, and this share of its box at most."""
CROWDED, CROWD = 8.0, 0.12
"""Nats for an object wholly inside others; this share of it may be, for poses are off."""
MOST_SURE = 0.99

_WALL_WORDS = {
    "picture", "painting", "poster", "mirror", "clock", "frame", "curtain", "curtains", "sconce",
    "blind", "radiator", "switch", "socket", "tapestry", "map",
}  # fmt: skip
_CEILING_WORDS = {"ceiling", "chandelier", "pendant", "fan"}
_PART_WORDS = {"door", "drawer", "handle", "knob", "cushion", "pillow", "blanket", "lid", "seat"}


def ray_doubts(placements: Sequence[Placement], guessed: bool = False) -> dict[int, float]:
    """Deviation of the logarithm of the distance of each placed object; 0 where it is locked.

    From the placement's covariance where it has one.

    Args:
        guessed: the geometry that they were placed in is approximate.
    """
    least = GUESSED_RAY if guessed else LEAST_RAY
    out: dict[int, float] = {}
    for placement in placements:
        pose = placement.camera_from_object
        if pose is None:
            continue
        doubt = RAY_DOUBT
        if placement.covariance is not None:
            ray = pose.translation / max(float(np.linalg.norm(pose.translation)), 1e-12)
            along = float(ray @ placement.covariance[3:6, 3:6] @ ray)
            if np.isfinite(along) and along >= 0:
                doubt = float(np.sqrt(along)) / max(float(np.linalg.norm(pose.translation)), 1e-12)
        out[placement.id] = 0.0 if placement.locked else float(np.clip(doubt, least, MOST_RAY))
    return out


def find_relations(
    bodies: Sequence[Body],
    floor: Plane | None,
    walls: Sequence[Plane] = (),
    ceiling: Plane | None = None,
    eye: np.ndarray | None = None,
    doubts: Mapping[int, float] | None = None,
) -> Relations:
    """Who carries, holds, touches whom; :func:`find_places` tells where that puts them, too.

    Args as there.
    """
    return find_places(bodies, floor, walls, ceiling, eye, doubts).relations


@dataclass(frozen=True, eq=False)
class Found:
    """What was found.

    Attributes:
        relations: the graph.
        places: by id, world_from_object where each object is believed to be: moved along the view
            until it rests on, or hangs on, what carries it. Good for a start, not solved for.
    """

    relations: Relations
    places: Mapping[int, Sim3]


def find_places(
    bodies: Sequence[Body],
    floor: Plane | None,
    walls: Sequence[Plane] = (),
    ceiling: Plane | None = None,
    eye: np.ndarray | None = None,
    doubts: Mapping[int, float] | None = None,
) -> Found:
    """Who carries, holds, touches whom, and where that puts them.

    Args:
        bodies: at their poses, world.
        floor, walls, ceiling: of the room, world, normals into the room.
        eye: (3,) world, the photo's camera; None takes poses for equally sure in all directions.
        doubts: by id, deviation of the logarithm of the distance from the eye;
            ``RAY_DOUBT`` where it is missing.
    """
    search = _Search(bodies, floor, walls, ceiling, eye, doubts or {})
    search.settle()
    return Found(relations_of(search.edges()), {i: s.pose for i, s in search.now.items()})


@dataclass(frozen=True, eq=False)
class _Held:
    """One way in which an object is held."""

    carriers: tuple[tuple[Partner, float], ...]
    kind: RelationType
    cost: float
    factor: float = 1.0
    lift: float = 0.0
    leans: tuple[Partner, ...] = ()


class _Search:
    """The objects, from those seen lowest up, each put where it is believed to be."""

    def __init__(
        self,
        bodies: Sequence[Body],
        floor: Plane | None,
        walls: Sequence[Plane],
        ceiling: Plane | None,
        eye: np.ndarray | None,
        doubts: Mapping[int, float],
    ) -> None:
        self.floor, self.walls, self.ceiling = floor, tuple(walls), ceiling
        self.eye = np.zeros(3) if eye is None else np.asarray(eye, np.float64)
        self.sure = eye is None
        self.doubts = doubts
        self.given = {b.id: standing(b, self.eye) for b in bodies}
        self.now = dict(self.given)
        self.ways: dict[int, list[_Held]] = {}
        self.parts: dict[int, tuple[int, float]] = {}
        self.order = sorted(self.given, key=lambda i: self._seen_low(self.given[i]))

    def _seen_low(self, body: Standing) -> float:
        """Slope at which the camera sees a body's lowest end: what carries is seen lower than
        its load, however far off both are along the view."""
        if self.sure:
            return float(body.body.bounds[0, 1])
        away = body.feet - self.eye
        return float((away[:, 1] / np.maximum(np.linalg.norm(away[:, [0, 2]], axis=1), 1e-9)).min())

    def doubt(self, body: Standing) -> Doubt:
        away = float(np.linalg.norm(body.centre - self.eye))
        ray = 0.0 if self.sure else self.doubts.get(body.id, RAY_DOUBT)
        aside = ACROSS[0] * (0.0 if self.sure else away)
        return Doubt(ray, float(np.hypot(aside, ACROSS[1] * body.body.size)))

    # Carried.

    def settle(self) -> None:
        """Decides what carries each object."""
        done: list[int] = []
        for i in self.order:
            self._decide(i, [self.now[k] for k in done])
            done.append(i)
        before = dict(self.now)
        for n, i in enumerate(self.order):  # once more, now that all others are where they belong
            rest = [k for k in done if k != i and not self._rests_on(k, i)]
            later = [k for k in rest if k in self.order[n:] and self._may_meet(k, i)]
            moved = [p for p, _ in self.ways[i][0].carriers if isinstance(p, int)]
            if later or any(self.now[p] is not before[p] for p in moved):
                self._decide(i, [self.now[k] for k in rest])

    def _may_meet(self, one: int, other: int) -> bool:
        """Their boxes overlap or nearly do."""
        (a, b), (c, d) = self.now[one].bounds, self.now[other].bounds
        slack = self.doubt(self.given[one]).across + self.doubt(self.given[other]).across
        return not ((a > d + 2 * slack).any() or (b < c - 2 * slack).any())

    def _rests_on(self, load: int, carrier: int) -> bool:
        """Whether ``carrier`` carries ``load``, directly or through others, for all that is known."""
        seen, waiting = set(), [load]
        while waiting:
            item = waiting.pop()
            if item == carrier:
                return True
            if item in seen or not self.ways.get(item):
                continue
            seen.add(item)
            waiting += [p for p, _ in self.ways[item][0].carriers if isinstance(p, int)]
        return False

    def _decide(self, i: int, others: Sequence[Standing]) -> None:
        body = self.given[i]
        doubt = self.doubt(body)
        ways = [
            self._resting(body, rest, others) for rest in rests(body, others, self.floor, doubt)
        ]
        ways += self._on_planes(body, doubt)
        ways += self._parts(body, others)
        ways.append(_Held((), "on", AIR))
        ways.sort(key=lambda w: w.cost)
        self.ways[i] = ways
        if doubt.ray > 0 or self.sure:  # else it is locked
            self.now[i] = body.moved(ways[0].factor, ways[0].lift)

    def _resting(self, body: Standing, rest: Rest, others: Sequence[Standing]) -> _Held:
        at = body.moved(rest.factor, rest.lift)
        crowd = 0.0
        if rest.cost < AIR:
            crowd = max((share_of_matter(at, o) for o in others), default=0.0)
        sunk = rest.cost + CROWDED * max(0.0, crowd - CROWD)
        cost, leans = sunk + rest.tips, ()
        if rest.off.any():
            leans = self._leans_on(at, rest.off, others, {p for p, _ in rest.carriers})
            if leans:
                cost = sunk + min(0.5, rest.tips)
        return _Held(rest.carriers, "on", cost, rest.factor, rest.lift, leans)

    def _leans_on(
        self, at: Standing, off: np.ndarray, others: Sequence[Standing], carriers: set[Partner]
    ) -> tuple[Partner, ...]:
        """What an object that would tip over leans on: it touches it above, on the side it tips to."""
        way = np.array([off[0], 0.0, off[1]]) / max(float(np.linalg.norm(off)), 1e-12)
        middle = float(at.bounds[:, 1].mean())
        found: list[tuple[float, Partner]] = []
        for wall in self.walls:
            gap, place = _flush(at, wall)
            near = abs(gap) / self._near_plane(at)
            if near < TOUCHES_PLANE and place[1] > middle and wall.normal @ way < -0.5:
                found.append((near, "wall"))
        reach = 2.5 * self._beside(at, at)
        for other in others:
            if other.id in carriers:
                continue
            meets = touch(at, other, reach)
            if meets is not None and meets.place[1] > middle and meets.normal @ way < -0.3:
                found.append((abs(meets.gap) / max(reach, 1e-12), other.id))
        return tuple(dict.fromkeys(p for _, p in sorted(found, key=lambda f: f[0])))[:1]

    def _on_planes(self, body: Standing, doubt: Doubt) -> list[_Held]:
        """Hanging on a wall or from the ceiling."""
        words, out = _words(body), []
        points = np.concatenate([body.spread, body.feet])
        for wall in self.walls:
            flat = float(np.ptp(points @ wall.normal)) / body.body.size < FLAT
            cost = WALL - FLAT_BONUS * flat - HINT * bool(words & _WALL_WORDS)
            out.append(self._on_plane(body, points, wall, "wall", cost, doubt))
        if self.ceiling is not None:
            cost = CEILING - HINT * bool(words & _CEILING_WORDS)
            out.append(self._on_plane(body, points, self.ceiling, "ceiling", cost, doubt))
        return out

    def _on_plane(
        self, body: Standing, points: np.ndarray, plane: Plane, name: str, cost: float, doubt: Doubt
    ) -> _Held:
        heights = plane.height(points)
        at = int(heights.argmin())
        gap = float(heights[at])
        per_ray = float(plane.normal @ (points[at] - self.eye))
        beside = self._near_plane(body) if name == "wall" else doubt.across
        variance = (per_ray * doubt.ray) ** 2 + beside**2
        ray = -gap * per_ray * doubt.ray**2 / variance
        cost += moving_cost(gap**2 / max(variance, 1e-30))
        return _Held(((name, 1.0),), "hanging", float(cost), max(0.2, 1 + ray), 0.0)

    def _parts(self, body: Standing, others: Sequence[Standing]) -> list[_Held]:
        """Being a piece of something that is larger, deep in it as the pose has it."""
        out = []
        volume = float(np.prod(np.ptp(body.body.bounds, axis=0)))
        hint = HINT * bool(_words(body) & _PART_WORDS)
        for other in others:
            at = body.moved(other.factor, other.lift)  # it goes where its whole goes
            if volume > PART_VOLUME * float(np.prod(np.ptp(other.body.bounds, axis=0))):
                continue
            share = share_of_matter(at, other)
            if share >= PART_SHARE:
                cost = PART - hint - PART_BONUS * (share - PART_SHARE) / (1 - PART_SHARE)
                out.append(_Held(((other.id, 1.0),), "part_of", cost, at.factor, at.lift))
        return out

    def _near_plane(self, body: Standing) -> float:
        """Deviation of an object's distance to a wall, once its place along the view is known."""
        return WALL_NEAR * body.size + (0.0 if self.sure else ACROSS[0] * self._away(body))

    def _away(self, body: Standing) -> float:
        return float(np.linalg.norm(body.centre - self.eye))

    def _beside(self, one: Standing, other: Standing) -> float:
        """Within what two things side by side touch."""
        own = BESIDE * min(one.size, other.size)
        if self.sure:
            return own
        return own + 0.5 * ACROSS[0] * (self._away(one) + self._away(other)) / 2

    # What is told.

    def edges(self) -> list[Relation]:
        """All relations, sure ones and likely ones."""
        out: list[Relation] = []
        for i in self.order:
            out += self._edges_of(i)
        held = {e.pair for e in out}
        ids = sorted(self.now)
        for n, i in enumerate(ids):
            for j in ids[:n]:
                if frozenset((i, j)) not in held:
                    out += self._beside_each_other(self.now[i], self.now[j])
        return out

    def _edges_of(self, i: int) -> list[Relation]:
        """What carries an object, what it leans on, the wall it stands against."""
        best, rest = self.ways[i][0], self.ways[i][1:]
        body = self.now[i]
        names = {p for p, _ in best.carriers}
        rivals = [w.cost for w in rest if not names & {p for p, _ in w.carriers}]
        odds = sum(np.exp(best.cost - cost) for cost in rivals)
        sure = float(min(MOST_SURE, np.exp(-0.05 * best.cost) / (1 + odds)))
        out = []
        for partner, share in best.carriers:
            if partner != best.carriers[0][0] and share < 0.12 and not best.leans:
                continue
            kind: RelationType = best.kind
            if isinstance(partner, int) and kind == "on" and is_within(body, self.now[partner]):
                kind = "in"
            out.append(Relation(i, partner, kind, sure, SOURCE))
        for partner in best.leans:
            out.append(Relation(i, partner, "leaning", 0.95 * sure, SOURCE))
        if "wall" not in names and "wall" not in best.leans:
            usual = AGAINST_WALL[0 if names <= {"floor"} else 1]
            near = max((self._at_wall(body, w, best, usual) for w in self.walls), default=0.0)
            if near > 0.5:
                out.append(Relation(i, "wall", "against", near, SOURCE))
        if not best.carriers:
            out += self._hanging_on_another(i)
        return out

    def _at_wall(self, body: Standing, wall: Plane, held: _Held, usual: float) -> float:
        """Probability that an object's back is at a wall, of the contact against any distance."""
        gap, place = _flush(body, wall)
        doubt = self.doubt(body)
        lever = abs(float(self.eye[1] - body.bounds[0, 1])) if held.carriers else 0.0
        # What its carrier's height tells of its distance, and what remains in doubt.
        known = (lever * doubt.ray) ** 2
        ray = doubt.ray * doubt.across / max(float(np.sqrt(known + doubt.across**2)), 1e-12)
        towards = float(wall.normal @ (place - self.eye))
        spread = float(np.hypot(self._near_plane(body), towards * ray))
        touches = usual * np.exp(-0.5 * (gap / spread) ** 2) / (spread * np.sqrt(2 * np.pi))
        apart = (1 - usual) / (ROOM_BEHIND * body.size) if gap > -2 * spread else 0.0
        return float(min(MOST_SURE, touches / max(touches + apart, 1e-12)))

    def _hanging_on_another(self, i: int) -> list[Relation]:
        """What nothing carries from below hangs on what it touches with its upper part."""
        body = self.now[i]
        found: list[tuple[float, int]] = []
        for j, other in self.now.items():
            reach = 2.0 * self._beside(body, other) + 0.5 * self.doubt(body).across
            meets = None if j == i else touch(body, other, reach)
            if meets is not None and meets.place[1] > body.bounds[:, 1].mean():
                found.append((abs(meets.gap), j))
        if not found:
            return []
        _, j = min(found)
        return [Relation(i, j, "hanging", 0.5, SOURCE)]

    def _beside_each_other(self, one: Standing, other: Standing) -> list[Relation]:
        """Things that touch from the side."""
        reach = self._beside(one, other)
        meets = touch(one, other, reach)
        if meets is None or abs(meets.normal @ UP) > LEVEL:
            return []
        near = max(0.0, meets.gap) / max(reach, 1e-12)
        sure = _closeness(TOUCHES_PLANE * near)
        return [Relation(one.id, other.id, "against", sure, SOURCE)]


def _closeness(deviations: float) -> float:
    """Confidence of a contact that is so many deviations from touching."""
    return float(min(MOST_SURE, 0.95 * np.exp(-0.1 * deviations**2)))


def _flush(body: Standing, wall: Plane) -> tuple[float, np.ndarray]:
    """Distance of an upright thing to a wall, turned a little about up so that its back lies flush:
    the distance, and (3,) the nearest point."""
    points = body.to_there(np.concatenate([body.spread, body.feet]))
    along = np.cross(UP, wall.normal)
    beside = (points - body.to_there(body.centre)) @ along
    heights = wall.height(points)[:, None] + beside[:, None] * TURNS_RAD
    least = heights.min(0)
    turn = int(least.argmax())
    return float(least[turn]), points[int(heights[:, turn].argmin())]


def _words(body: Standing) -> set[str]:
    return set(re.findall(r"[a-z]+", body.body.label.lower()))
