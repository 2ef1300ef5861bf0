"""The question about relations, one answer to it, and what several answers decide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..services.answers import as_number, list_under, majority
from .graph import (
    CONSTRAINT,
    ROOM,
    Constraint,
    Partner,
    Relation,
    Relations,
    RelationType,
    fitting_type,
    relations_of,
)

PROMPT = """\
In the picture of a scene each object is tinted and has its number on a plate; a line leads from \
the plate to the object where it lies beside it. The objects are:
{names}

List every pair of things that touch each other in the real scene, also where the contact itself \
cannot be seen but must be there. Beside the numbers you may use "floor", "wall" and "ceiling".

Name the relation of "subject" to "object":
- Stack: the subject stands or lies on the object, which carries it from below;
- Lean: the subject leans against the object, which holds it from the side;
- Hang: the subject hangs from the object, which holds it from above or behind;
- Clamped: the object grips the subject from several sides;
- Contained: the subject is inside the object;
- Edge/Point: they only touch along an edge or at a point, and neither carries the other.

If they surely touch and you cannot tell how, use Stack with the lower one as the object. Things \
that merely look near each other do not belong in the list.

Answer with JSON and nothing else:
{form}"""

FORM = (
    '{"relations": [{"subject": 3, "object": 1, "relation": "Stack", "reason": "a few words"}, '
    '{"subject": 1, "object": "floor", "relation": "Stack", "reason": "a few words"}]}'
)

_TYPES: dict[str, RelationType] = {
    "stack": "on",
    "lean": "leaning",
    "hang": "hanging",
    "clamped": "against",
    "contained": "in",
    "edgepoint": "against",
    "edge": "against",
    "point": "against",
}
"""The kinds of CAST (section 5.3) that are asked for, as the graph's types."""

_ROOM_WORDS = {"ground": "floor", "walls": "wall", "floors": "floor"} | {w: w for w in ROOM}


@dataclass(frozen=True)
class Said:
    """One relation in an answer."""

    subject: int
    partner: Partner
    type: RelationType


@dataclass(frozen=True)
class RelationAnswer:
    """One answer: at most one relation between two things, and what was odd in it."""

    said: tuple[Said, ...]
    notes: tuple[str, ...] = ()


def read_relations(value: Any, ids: Collection[int]) -> RelationAnswer:
    """One answer about the objects ``ids``. An empty list is legal: nothing touches.

    Raises:
        ValueError: it is no such answer, or nothing in it can be understood.
    """
    entries = value if isinstance(value, list) else list_under(value, "relations")
    notes: list[str] = []
    by_pair: dict[frozenset[Partner], Said] = {}
    broken: set[frozenset[Partner]] = set()
    understood = 0
    for entry in entries:
        said = _said(entry, ids, notes)
        if said is None:
            continue
        understood += 1
        pair = frozenset((said.subject, said.partner))
        before = by_pair.get(pair)
        if before is None or CONSTRAINT[before.type] == "contact":
            by_pair[pair] = said  # who carries says more than that they touch
        elif CONSTRAINT[said.type] == "support" and said.subject != before.subject:
            broken.add(pair)
    for pair in broken:
        del by_pair[pair]
        names = " and ".join(sorted(map(str, pair)))
        notes.append(f"{names} are each said to carry the other; left out")
    if entries and not understood:
        raise ValueError(notes[0] if notes else "its relations cannot be understood")
    return RelationAnswer(tuple(by_pair.values()), tuple(notes))


def relations_from_answers(
    answers: Sequence[RelationAnswer], source: str, notes: Sequence[str] = ()
) -> Relations:
    """The edges that more than half of the answers have: of a support with its direction.

    Args:
        source: who answered.
        notes: what is to be said beside what was odd in the answers.
    """
    votes = [{_vote(said) for said in answer.said} for answer in answers]
    kinds: dict[tuple[Constraint, Any], Counter[Said]] = {}
    for answer in answers:
        for said in answer.said:
            kinds.setdefault(_vote(said), Counter())[said] += 1
    edges = []
    for vote, share in majority(votes).items():
        said, _ = kinds[vote].most_common(1)[0]
        edges.append(Relation(said.subject, said.partner, said.type, share, source))
    odd = dict.fromkeys(note for answer in answers for note in answer.notes)
    made = relations_of(edges)
    told = (f"relations: {note}" for note in (*odd, *made.notes))
    return Relations(made.edges, (*notes, *told))


def _vote(said: Said) -> tuple[Constraint, Any]:
    """What is voted on: the constraint, with its direction where it has one."""
    constraint = CONSTRAINT[said.type]
    if constraint == "support":
        return constraint, (said.subject, said.partner)
    return constraint, frozenset((said.subject, said.partner))


def _said(entry: Any, ids: Collection[int], notes: list[str]) -> Said | None:
    """One relation, or None with a note."""
    if not isinstance(entry, Mapping):
        notes.append("an entry that is no JSON object was left out")
        return None
    pair = entry.get("pair")
    ends = pair if isinstance(pair, list) and len(pair) == 2 else None
    subject, partner = ends or (entry.get("subject"), entry.get("object"))
    word = entry.get("relation") or entry.get("relationship") or entry.get("type")
    kind = _TYPES.get("".join(c for c in str(word).lower() if c.isalpha()))
    first, second = _end(subject, ids), _end(partner, ids)
    if first is None or second is None:
        notes.append(f"{subject!s:.20} and {partner!s:.20} are not two of the objects; left out")
        return None
    if kind is None:
        notes.append(f"{word!s:.20} is no known relation; left out")
        return None
    if isinstance(first, str) and isinstance(second, int) and CONSTRAINT[kind] == "contact":
        first, second = second, first
    if first == second or isinstance(first, str):
        notes.append(f"{first} on {second} makes no sense; left out")
        return None
    return Said(first, second, fitting_type(kind, second))


def _end(value: Any, ids: Collection[int]) -> Partner | None:
    if isinstance(value, str) and value.strip().lower() in _ROOM_WORDS:
        return _ROOM_WORDS[value.strip().lower()]
    number = as_number(value)
    return number if number in ids else None
