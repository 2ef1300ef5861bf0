"""The relation graph: who is carried by whom, and who touches whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["stack", "lean", "hang", "clamped", "contained", "edge_point"]
Constraint = Literal["support", "contact"]
Partner = int | str
"""An object's id, or "floor", "wall", "ceiling"."""

CONSTRAINT: dict[Kind, Constraint] = {
    "stack": "support",
    "lean": "support",
    "hang": "support",
    "clamped": "contact",
    "contained": "contact",
    "edge_point": "contact",
}
"""What each fine relation asks of the poses (CAST, section 5.3): Support holds one way, the
supporter stays where it is; Contact holds both ways."""

ROOM = ("floor", "wall", "ceiling")


@dataclass(frozen=True)
class Relation:
    """One edge.

    Attributes:
        subject: an object's id; of a support, what is carried.
        partner: what it touches; of a support, what carries.
        kind: the fine relation that was named most often.
        confidence: share of the answers that say so.
    """

    subject: int
    partner: Partner
    kind: Kind
    confidence: float

    @property
    def constraint(self) -> Constraint:
        return CONSTRAINT[self.kind]


@dataclass(frozen=True)
class Relations:
    """All edges, the surest first; at most one between two things, and no circle of supports."""

    edges: tuple[Relation, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def supports(self) -> tuple[tuple[Partner, int], ...]:
        """(what carries, what is carried)."""
        return tuple((e.partner, e.subject) for e in self.edges if e.constraint == "support")

    @property
    def contacts(self) -> tuple[tuple[int, Partner], ...]:
        """Pairs that touch; they hold both ways."""
        return tuple((e.subject, e.partner) for e in self.edges if e.constraint == "contact")


def without_circles(edges: Sequence[Relation]) -> tuple[tuple[Relation, ...], tuple[Relation, ...]]:
    """(edges kept, edges left out): nothing carries itself, directly or through others.

    The surest edges are taken first, so the weakest one of a circle is left out.
    """
    carried_by: dict[Partner, set[Partner]] = {}
    kept, left = [], []
    for edge in sorted(edges, key=lambda e: (-e.confidence, str(e.subject), str(e.partner))):
        if edge.constraint == "support":
            if edge.subject in _below(edge.partner, carried_by):
                left.append(edge)
                continue
            carried_by.setdefault(edge.subject, set()).add(edge.partner)
        kept.append(edge)
    return tuple(kept), tuple(left)


def _below(start: Partner, carried_by: dict[Partner, set[Partner]]) -> set[Partner]:
    """``start`` and everything that carries it."""
    found: set[Partner] = set()
    waiting = [start]
    while waiting:
        item = waiting.pop()
        if item not in found:
            found.add(item)
            waiting += carried_by.get(item, ())
    return found
