"""Two opinions on the same objects made one: geometry's, and that of a model that looked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from .graph import Partner, Relation, Relations, relations_of

TRUST = 0.8
"""What a model's full agreement with itself is worth beside what geometry measures."""
MOST_SURE = 0.99

Name = Callable[[Partner], str]


def merged(found: Relations, second: Relations, name: Name = str) -> Relations:
    """The graph of geometry, supported or corrected by a second opinion.

    Where both say the same they are surer together. Where they disagree on what carries an
    object, the surer one is believed; a note tells of it. What a second opinion alone says of
    things that only touch is left to geometry, which has measured the distance.

    Args:
        found: from geometry.
        second: from a model that looked; its confidence is the share of its answers.
        name: an object's id, or a part of the room, for the notes.
    """
    edges = {e.pair: e for e in found.edges}
    notes: list[str] = []
    for edge in second.edges:
        ours = edges.get(edge.pair)
        if ours is not None and _same(ours, edge):
            sure = 1 - (1 - ours.confidence) * (1 - TRUST * edge.confidence)
            source = f"{ours.source}, {edge.source}"
            edges[edge.pair] = replace(ours, confidence=min(MOST_SURE, sure), source=source)
    for subject in dict.fromkeys(e.subject for e in second.supports):
        theirs = second.carriers(subject)
        ours = [e for e in edges.values() if e.subject == subject and e.constraint == "support"]
        if {e.object for e in theirs} & {e.object for e in ours}:
            continue
        said, sure = theirs[0], TRUST * theirs[0].confidence
        turned = edges.get(said.pair)
        if turned is not None and turned.constraint == "support":
            ours.append(turned)  # the other way round
        best = max((e.confidence for e in ours), default=0.0)
        beliefs = [_words(e, name) for e in ours] or [f"{name(subject)} is carried by nothing"]
        believed = sure > best
        notes.append(
            f"Relations: {said.source} says that {_words(said, name)} "
            f"({said.confidence:.0%} of its answers), geometry that {' and '.join(beliefs)}"
            f"{f' ({best:.0%} sure)' if ours else ''}; "
            f"{said.source if believed else 'geometry'} was believed."
        )
        if believed:
            for e in ours:
                edges.pop(e.pair, None)
            for e in theirs:
                edges[e.pair] = replace(e, confidence=TRUST * e.confidence)
    made = relations_of(edges.values(), (*found.notes, *second.notes, *notes))
    return made


def _same(one: Relation, other: Relation) -> bool:
    """They ask the same of the poses."""
    if one.constraint != other.constraint:
        return False
    return one.constraint == "contact" or (one.subject, one.object) == (other.subject, other.object)


def _words(edge: Relation, name: Name) -> str:
    """The relation as part of a sentence."""
    verb = {
        "on": "stands on", "in": "is in", "hanging": "hangs on", "leaning": "leans on",
        "against": "touches", "part_of": "is part of",
    }[edge.type]  # fmt: skip
    partner = f"the {edge.object}" if isinstance(edge.object, str) else name(edge.object)
    return f"{name(edge.subject)} {verb} {partner}"
