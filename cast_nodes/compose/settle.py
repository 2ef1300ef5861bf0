"""From placed things to things that hold together: relations, what they ask, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from ..physics.bodies import Body
from ..physics.evidence import information_of
from ..physics.measures import Gap, Measures, Penetration
from ..physics.solve import Solved, Task, as_placed, come_to_rest, hold_together
from ..physics.ties import Tie
from ..planes import Plane
from ..register.sampling import surface_of
from ..relations.from_geometry import Found, find_places, ray_doubts
from ..relations.graph import Partner, Relation, Relations
from ..relations.merging import merged
from ..types import Placement
from .as_seen import Fits, solved_as_seen
from .edits import SOURCE as EDITED
from .edits import Edits, edited_relations
from .enclosure import Enclosure
from .giving_way import giving_way

Physics = Literal["full", "gaps", "off"]
SETTLE: dict[Physics, Callable[[Task], Solved]] = {
    "full": hold_together,
    "gaps": come_to_rest,
    "off": as_placed,
}


@dataclass(frozen=True, eq=False)
class Settled:
    """Bodies after settling, in the order given.

    Attributes:
        solved: how far each was moved, and how they held together before and after.
        relations: who carries and touches whom.
        task: what was to hold together, the bodies as placed.
        before, after: by id, silhouette IoU as placed and as settled.
        kept: by id, of what stays as placed for the photo's sake: its IoU before, and as it would
            have been.
    """

    solved: Solved
    relations: Relations
    task: Task
    before: Mapping[int, float] = field(default_factory=dict)
    after: Mapping[int, float] = field(default_factory=dict)
    kept: Mapping[int, tuple[float, float]] = field(default_factory=dict)

    @property
    def bodies(self) -> tuple[Body, ...]:
        return self.solved.bodies

    def supported_by(self, object_id: int) -> Partner | None:
        """What carries an object; of a part its whole."""
        carrier = self.relations.carrier(object_id)
        return self.relations.whole(object_id) if carrier is None else carrier


def settle(
    bodies: Sequence[Body],
    room: Enclosure,
    placements: Mapping[int, Placement],
    edits: Edits,
    physics: Physics,
    most: float = np.inf,
    check: Callable[[], None] = lambda: None,
    second: Relations | None = None,
    guessed: bool = False,
    fits: Fits = lambda bodies: {},
) -> Settled:
    """Relations from geometry and the user, and the bodies where these put them.

    Args:
        bodies: as placed, world.
        room: its planes as they were found, not pushed back behind the objects.
        placements: by id; what is locked never moves.
        edits: relations of the user.
        most: gaps larger than this share of an object's height are left, for "gaps" alone.
        check: raises when the run was stopped.
        second: relations in another opinion, merged with those from geometry.
        guessed: the geometry is approximate, and so is where everything was placed.
        fits: silhouette IoU by id of bodies at their places.
    """
    eye = room.world_from_camera.translation
    doubts = ray_doubts(list(placements.values()), guessed)
    found = find_places(bodies, room.floor, room.walls, room.ceiling, eye, doubts)
    places = [b.at(found.places.get(b.id, b.world_from_object)) for b in bodies]
    walls = tuple(giving_way(room.walls, places, eye))
    if any(a is not b for a, b in zip(walls, room.walls, strict=True)):
        room = replace(room, walls=walls)
        found = find_places(bodies, room.floor, room.walls, room.ceiling, eye, doubts)
    relations = found.relations
    if second is not None:
        names: dict[Partner, str] = {b.id: f"{b.label} {b.id}".strip() for b in bodies}
        relations = merged(
            relations, second.of({b.id for b in bodies}), lambda i: names.get(i, str(i))
        )
    relations = edited_relations(relations, edits, frozenset(b.id for b in bodies))
    ties = ties_of(relations, bodies, found, room)
    if physics == "gaps":
        ties = [t for t in ties if not _too_far(t, bodies, found, most)]
    information = {
        body.id: information_of(
            placements.get(body.id),
            body.world_from_object.apply(surface_of(body.mesh).centre),
            room.world_from_camera,
        )
        for body in bodies
    }
    changed = set(_changed(found.relations, relations))
    task = Task(
        bodies,
        ties,
        room.solid,
        room.world_from_camera,
        information,
        {i: pose for i, pose in found.places.items() if i not in changed},
        {i for i, p in placements.items() if p.locked},
        check,
    )
    seen = solved_as_seen(SETTLE[physics], task, fits)
    return Settled(seen.solved, relations, task, seen.before, seen.after, seen.kept)


def ties_of(
    relations: Relations, bodies: Sequence[Body], found: Found, room: Enclosure
) -> list[Tie]:
    """What relations ask of the poses."""
    by_id = {b.id: b.at(found.places.get(b.id, b.world_from_object)) for b in bodies}
    out = []
    for edge in relations.edges:
        body = by_id.get(edge.subject)
        target = edge.object if isinstance(edge.object, int) else None
        if body is None or (target is not None and target not in by_id):
            continue
        held = target if target is not None else _plane(edge, body, room)
        if held is None:
            continue
        if edge.type == "part_of":
            out.append(Tie(edge.subject, held, "part"))
        elif edge.type in ("on", "in"):
            out.append(Tie(edge.subject, held, "rests", certain=edge.source == EDITED))
        elif edge.type == "leaning":
            out.append(Tie(edge.subject, held, "leans"))
        else:
            mutual = edge.type == "against" and isinstance(held, int)
            out.append(Tie(edge.subject, held, "touches", mutual))
    return out


def _plane(edge: Relation, body: Body, room: Enclosure) -> Plane | None:
    """The plane of the room that a relation names; of several walls the nearest."""
    if edge.object == "floor":
        return room.floor
    if edge.object == "ceiling":
        return room.ceiling
    gaps = [abs(float(wall.height(body.points).min())) for wall in room.walls]
    return room.walls[int(np.argmin(gaps))] if gaps else None


def _too_far(tie: Tie, bodies: Sequence[Body], found: Found, most: float) -> bool:
    """The thing was placed farther from where it belongs than a share of its height."""
    body = next(b for b in bodies if b.id == tie.subject)
    place = found.places.get(body.id)
    if place is None:
        return False
    moved = body.at(place).bounds[0, 1] - body.bounds[0, 1]
    return abs(float(moved)) > most * max(body.tall, 1e-12)


def _changed(before: Relations, after: Relations) -> list[int]:
    """Ids of what is carried by something else than was found."""
    ids = {e.subject for e in (*before.edges, *after.edges)}
    return [i for i in ids if before.carrier(i) != after.carrier(i)]


# --- what scene.json says of it ----------------------------------------------------------------


def physics_json(settled: Settled) -> dict[str, Any]:
    """The content of scene.json's "physics"."""
    solved = settled.solved
    moves = []
    for body, change in zip(solved.bodies, solved.changes, strict=True):
        if np.abs(change).max() < 1e-9:
            continue
        moves.append(
            {
                "id": body.id,
                "moved": float(np.linalg.norm(change[3:6])),
                "turned_deg": float(np.degrees(np.linalg.norm(change[:3]))),
                "scaled": float(np.exp(change[6])),
                "iou_before": settled.before.get(body.id),
                "iou_after": settled.after.get(body.id),
            }
        )
    return {
        **_measures_json(solved.after),
        "before": _measures_json(solved.before),
        "moves": moves,
        "untied": list(solved.untied),
    }


def _measures_json(measures: Measures) -> dict[str, Any]:
    def penetration(p: Penetration) -> dict[str, Any]:
        return {"objects": list(p.objects), "depth": p.depth, "share": p.share}

    def gap(g: Gap) -> dict[str, Any]:
        return {"id": g.id, "to": g.to, "gap": g.gap, "share": g.share}

    return {
        "penetrations": [penetration(p) for p in measures.penetrations],
        "gaps": [gap(g) for g in measures.gaps],
    }
