"""How well things hold together, told in numbers: what is inside what, what hangs in the air."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from ..planes import Plane
from .contacts import apart, clearance
from .pieces import Piece, View
from .ties import Tie

TOUCHING = 0.01
"""Gaps and penetrations below this share of the thing's (the smaller one's) size are none."""


@dataclass(frozen=True)
class Penetration:
    """Two things inside each other, or one behind a plane.

    Attributes:
        objects: ids, or an id and a plane's name.
        depth: of the deepest sample, world units.
        share: depth over the smaller thing's size.
    """

    objects: tuple[int, int | str]
    depth: float
    share: float


@dataclass(frozen=True)
class Gap:
    """A thing that does not touch what it is tied to.

    Attributes:
        id: whose gap it is.
        to: the other's id or the plane's name; None where nothing holds it.
        gap: free distance, world units; below what carries it negative.
        share: over its height; over its size where it is not carried from below.
    """

    id: int
    to: int | str | None
    gap: float
    share: float


@dataclass(frozen=True)
class Measures:
    """Penetrations, deepest first; and gaps, largest first, of which those within ``TOUCHING``
    are left out."""

    penetrations: tuple[Penetration, ...]
    gaps: tuple[Gap, ...]


def measured(
    pieces: Sequence[Piece],
    ties: Sequence[Tie],
    planes: Sequence[Plane],
    reach: Callable[[Piece], float],
    together: Collection[frozenset[int]] = (),
) -> Measures:
    """How pieces hold together where they are now.

    Args:
        reach: how far below its carrier's top a thing may be.
        together: pairs that belong together and may be in each other.
    """
    found: list[Penetration] = []
    for one, other in combinations(pieces, 2):
        if frozenset((one.id, other.id)) in together:
            continue
        size = min(_size(one), _size(other))
        deep = depth(one.now, other.now)
        if deep > TOUCHING * size:
            found.append(Penetration((one.id, other.id), deep, deep / size))
    for piece in pieces:
        for plane in planes:
            deep = -float(plane.height(piece.now.corners).min())
            if deep > TOUCHING * _size(piece):
                found.append(Penetration((piece.id, plane.name), deep, deep / _size(piece)))
    return Measures(
        tuple(sorted(found, key=lambda p: -p.share)),
        tuple(sorted(_gaps(pieces, ties, reach), key=lambda g: -abs(g.share))),
    )


def depth(one: View, other: View) -> float:
    """How deep the deepest sample of either lies in the other, world units."""
    if apart(one, other, 0.0):
        return 0.0
    values = [a.near(b, 0.0)[1] for a, b in ((one, other), (other, one))]
    return max((float(-v.min()) for v in values if len(v)), default=0.0)


def gap_of(piece: Piece, tie: Tie, by_id: Mapping[int, Piece], reach: float) -> float | None:
    """The free distance that a tie should close; None for parts and where the two never meet.

    Args:
        reach: how far below its carrier's top the thing may be.
    """
    if tie.kind == "part":
        return None
    if isinstance(tie.object, Plane):
        return float(tie.object.height(piece.now.corners).min())
    other = by_id[tie.object]
    if tie.kind == "rests":
        found = clearance(piece.now, other.now, reach)
        return None if found is None else found.gap
    values = [
        b.distance_to(a.points[::4])[0].min()
        for a, b in ((piece.now, other.now), (other.now, piece.now))
    ]
    return float(min(values))


def _gaps(
    pieces: Sequence[Piece], ties: Sequence[Tie], reach: Callable[[Piece], float]
) -> list[Gap]:
    by_id = {p.id: p for p in pieces}
    out = []
    for piece in pieces:
        own = [t for t in ties if t.subject == piece.id]
        if not own and not any(t.object == piece.id for t in ties):
            out.append(Gap(piece.id, None, float("nan"), 0.0))
        carried = [t for t in own if t.kind == "rests"]
        falls = [(gap_of(piece, t, by_id, reach(piece)), t) for t in (carried or own)]
        known = [(g, t) for g, t in falls if g is not None]
        # Of several carriers one that touches is enough.
        for gap, tie in [min(known, key=lambda k: k[0])] if carried and known else known:
            share = gap / max(piece.tall if carried else _size(piece), 1e-12)
            if abs(share) > TOUCHING:
                to = tie.object.name if isinstance(tie.object, Plane) else tie.object
                out.append(Gap(piece.id, to, gap, share))
    return out


def _size(piece: Piece) -> float:
    return piece.shape.size * piece.now.pose.scale
