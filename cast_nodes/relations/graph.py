"""The relation graph: who is carried by whom, and who touches whom."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

RelationType = Literal["on", "in", "against", "hanging", "leaning", "part_of"]
Constraint = Literal["support", "contact"]
Partner = int | str
"""An object's id, or "floor", "wall", "ceiling"."""

ROOM = ("floor", "wall", "ceiling")

CONSTRAINT: dict[RelationType, Constraint] = {
    "on": "support",
    "in": "support",
    "hanging": "support",
    "leaning": "support",
    "against": "contact",
    "part_of": "contact",
}
"""What each relation asks of the poses (CAST, arXiv 2502.12894, section 5.3): Support holds one way,
the supporter stays where it is; Contact holds both ways. CAST takes what is contained for a contact;
here a shelf does not move for its books, so it is a support."""

PARTNERS: dict[RelationType, tuple[str, ...]] = {
    "on": ("floor",),
    "in": (),
    "hanging": ("wall", "ceiling"),
    "leaning": ("wall",),
    "against": ("wall",),
    "part_of": (),
}
"""Which of the room's parts each relation may have, beside any object."""


@dataclass(frozen=True)
class Relation:
    """One edge.

    Attributes:
        subject: an object's id; of a support, what is carried; of "part_of", the part.
        object: what it touches; of a support, what carries; of "part_of", the whole.
        type: how.
        confidence: 0..1, how sure it is.
        source: who says so: "geometry", "edit", or the model that looked.
    """

    subject: int
    object: Partner
    type: RelationType
    confidence: float = 1.0
    source: str = ""

    @property
    def constraint(self) -> Constraint:
        return CONSTRAINT[self.type]

    @property
    def pair(self) -> frozenset[Partner]:
        """Its two ends, whichever is which."""
        return frozenset((self.subject, self.object))


@dataclass(frozen=True)
class Relations:
    """All edges, the surest first; at most one between two things, and no circle of supports.

    :func:`relations_of` makes one that is so.
    """

    edges: tuple[Relation, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def supports(self) -> tuple[Relation, ...]:
        """Edges whose object carries the subject and stays where it is."""
        return tuple(e for e in self.edges if e.constraint == "support")

    @property
    def contacts(self) -> tuple[Relation, ...]:
        """Edges of things that touch; they hold both ways."""
        return tuple(e for e in self.edges if e.constraint == "contact")

    def carriers(self, subject: int) -> tuple[Relation, ...]:
        """What carries an object, the surest first; a bridge has two, a falling thing none."""
        return tuple(e for e in self.supports if e.subject == subject)

    def carrier(self, subject: int) -> Partner | None:
        """What carries it most surely; None when nothing does."""
        return next((e.object for e in self.carriers(subject)), None)

    def whole(self, subject: int) -> int | None:
        """What an object is a part of."""
        wholes = (e.object for e in self.edges if e.subject == subject and e.type == "part_of")
        return next((w for w in wholes if isinstance(w, int)), None)

    def between(self, one: Partner, other: Partner) -> Relation | None:
        """The edge of two things, whichever is the subject."""
        return next((e for e in self.edges if e.pair == {one, other}), None)

    def order(self, ids: Iterable[int]) -> list[int]:
        """The ids, what carries before what it carries, a whole before its parts, else as given."""
        given = list(dict.fromkeys(ids))
        known, done, out = set(given), set[int](), []

        def put(item: int) -> None:
            if item in done:
                return
            done.add(item)
            for edge in self.edges:
                below = edge.subject == item and _bears(edge)
                if below and isinstance(edge.object, int) and edge.object in known:
                    put(edge.object)
            out.append(item)

        for item in given:
            put(item)
        return out

    def of(self, ids: Collection[int]) -> Relations:
        """Those among these objects and the room alone."""
        known = {*ids, *ROOM}
        kept = tuple(e for e in self.edges if e.subject in known and e.object in known)
        return Relations(kept, self.notes)


def relations_of(edges: Iterable[Relation], notes: Sequence[str] = ()) -> Relations:
    """A graph of these edges, or of the surest of them where they contradict.

    Between two things the surest edge stays; a support goes before a contact of the same
    confidence. The weakest support of a circle is left out with a note.
    """
    best: dict[frozenset[Partner], Relation] = {}
    for edge in sorted(edges, key=_rank):
        if edge.subject != edge.object:
            best.setdefault(edge.pair, edge)
    kept, left = without_circles(list(best.values()))
    told = [
        f"{e.subject} {e.type} {e.object} is left out: it would carry itself through others"
        for e in left
    ]
    return Relations(kept, (*notes, *told))


def without_circles(edges: Sequence[Relation]) -> tuple[tuple[Relation, ...], tuple[Relation, ...]]:
    """(edges kept, edges left out): nothing carries itself, directly or through others.

    The surest edges are taken first, so the weakest one of a circle is left out.
    """
    carried_by: dict[Partner, set[Partner]] = {}
    kept, left = [], []
    for edge in sorted(edges, key=_rank):
        if _bears(edge):
            if edge.subject in _below(edge.object, carried_by):
                left.append(edge)
                continue
            carried_by.setdefault(edge.subject, set()).add(edge.object)
        kept.append(edge)
    return tuple(kept), tuple(left)


def fitting_type(kind: RelationType, partner: Partner) -> RelationType:
    """The relation that is meant where a kind cannot be had with a part of the room.

    Whatever touches the floor stands on it, and what the ceiling holds hangs from it.
    """
    if isinstance(partner, int) or partner in PARTNERS[kind]:
        return kind
    if partner == "wall":
        return "hanging" if CONSTRAINT[kind] == "support" else "against"
    return "on" if partner == "floor" else "hanging"


def relations_json(relations: Relations) -> list[dict[str, Any]]:
    """The content of scene.json's "relations"."""
    return [
        {
            "subject": e.subject,
            "object": e.object,
            "type": e.type,
            "confidence": round(float(e.confidence), 3),
            "source": e.source,
        }
        for e in relations.edges
    ]


def _bears(edge: Relation) -> bool:
    """The object carries the subject or is its whole."""
    return edge.constraint == "support" or edge.type == "part_of"


def _rank(edge: Relation) -> tuple[float, bool, str, str]:
    """The surest first, a support before a contact; the rest only makes it the same each time."""
    contact = edge.constraint == "contact"
    return -edge.confidence, contact, f"{edge.subject:>9}", f"{edge.object!s:>9}"


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
