"""Pieces among each other: what holds which, who may meet whom, and what all that asks of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from itertools import combinations

import numpy as np

from ..planes import Plane
from .contacts import (
    NEAR,
    TOUCHES,
    Rows,
    apart,
    held_rows,
    inside_rows,
    over_rows,
    plane_rows,
    rest_rows,
    touch_rows,
)
from .measures import Measures, measured
from .pieces import Piece, View
from .ties import Tie

REACH = (0.05, 0.06, 0.005)
"""How far a thing may lie below the top that carries it: share of its height, of how far it is
below or above the camera (what it is wrong along its view ray raises or lowers it so), of its
distance."""
CUT = 0.35
"""A thing deeper than this share of its size behind a plane is not moved before it."""
SWALLOWED = 0.8
"""A thing of which this share lies inside another was drawn as its part; nothing parts them."""


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

    def within(self, tie: Tie) -> float:
        """The share of its size within which a thing comes to what it is tied to: none where it
        would fall down otherwise."""
        stands = any(t.kind == "rests" for t in self.ties if t.subject == tie.subject)
        return TOUCHES if tie.kind == "touches" and stands else 0.0

    def tie_rows(self, tie: Tie) -> list[Rows]:
        """What a tie asks where the pieces are now."""
        piece, to = self.pieces[tie.subject], tie.object
        if tie.kind == "part":
            return []
        if isinstance(to, Plane):
            return plane_rows(piece, to, self.within(tie))
        other = self.pieces[to]

        def made() -> list[Rows]:
            if tie.kind == "rests":
                return rest_rows(piece, other, self.reach(piece))
            return touch_rows(piece, other, tie.mutual, self.within(tie))

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


def without_swallowed(pieces: Sequence[Piece], ties: Sequence[Tie]) -> list[Tie]:
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
