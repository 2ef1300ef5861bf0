"""The user's own word on a scene: poses and relations as one compact JSON text.

``{"3": {"position": [x, y, z], "rotation_deg": [x, y, z], "scale": 1.2, "on": 1},
"5": {"locked": true}}``: an object's id and what is set of it; every key is optional.

- ``position``, ``rotation_deg``, ``scale``: the absolute pose of the object's frame in the world of
  scene.json (y up). The angles are Euler's about the turning axes x, y, z in that order, as
  three.js has them: R = Rx Ry Rz. What is not named stays as it was placed.
- ``locked``: nothing moves it any more. A pose is locked unless this says false.
- ``on``, ``in``, ``hanging``, ``leaning``: what carries it: another object's id, "floor", "wall" or
  "ceiling", a list of those, or null. Any of them replaces all that was found to carry it.
- ``against``, ``part_of``: what it touches, or belongs to; replaces what was found of the same kind.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from ..errors import BadInput
from ..frames import Sim3
from ..relations.graph import (
    CONSTRAINT,
    PARTNERS,
    ROOM,
    Partner,
    Relation,
    Relations,
    RelationType,
    relations_of,
)
from ..types import Placement, Placements

EXAMPLE = '{"3": {"position": [0, 0, -2], "on": 1}, "5": {"locked": true}}'
SOURCE = "edit"
FARTHEST = 1e9
"""Numbers beyond this are no lengths, angles or factors."""
Triple = tuple[float, float, float]


@dataclass(frozen=True)
class ObjectEdit:
    """What is set of one object; None leaves it.

    Attributes:
        position: of the object frame's origin, world.
        rotation_deg: Euler angles about the turning x, y, z (R = Rx Ry Rz), world from object.
        scale: world units per object unit.
        locked: nothing moves it; a pose is locked unless this is False.
        relations: by type, what it has this relation to; an empty tuple for nothing.
    """

    position: Triple | None = None
    rotation_deg: Triple | None = None
    scale: float | None = None
    locked: bool | None = None
    relations: Mapping[RelationType, tuple[Partner, ...]] = field(default_factory=dict)

    @property
    def poses(self) -> bool:
        """It sets something of the pose."""
        return not (self.position is None and self.rotation_deg is None and self.scale is None)


@dataclass(frozen=True)
class Edits:
    """What the user set, by object id."""

    objects: Mapping[int, ObjectEdit] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.objects)


def parse_edits(text: str, where: str = "edits") -> Edits:
    """Edits out of their JSON text; an empty text holds none.

    Args:
        where: named in errors; the widget or the file.

    Raises:
        BadInput: no JSON, an unknown field or a value of the wrong kind; the message names object
            and field.
    """
    if not text.strip():
        return Edits()
    try:
        value = json.loads(text, object_pairs_hook=_distinct)
    except ValueError as error:
        raise BadInput(f"{where}: this is no usable JSON ({error}); write {EXAMPLE}") from None
    if not isinstance(value, dict):
        raise BadInput(f"{where}: write an object's number and what is set of it: {EXAMPLE}")
    found: dict[int, ObjectEdit] = {}
    for key, entry in value.items():
        if not key.strip().isdecimal():
            raise BadInput(f"{where}: {key!r} is no object's number; write {EXAMPLE}")
        found[int(key)] = _object_edit(int(key), entry, f"{where}, object {int(key)}")
    return Edits(found)


def edits_text(edits: Edits) -> str:
    """The compact JSON text of edits; "" for none. :func:`parse_edits` reads it back."""
    entries: dict[str, dict[str, Any]] = {}
    for object_id, edit in edits.objects.items():
        entry: dict[str, Any] = {
            name: list(value) if isinstance(value, tuple) else value
            for name in ("position", "rotation_deg", "scale", "locked")
            if (value := getattr(edit, name)) is not None
        }
        for kind, partners in edit.relations.items():
            entry[kind] = list(partners) if len(partners) > 1 else next(iter(partners), None)
        entries[str(object_id)] = entry
    return json.dumps(entries, ensure_ascii=False) if entries else ""


def edited_placements(
    placements: Placements, edits: Edits, world_from_camera: Sim3
) -> tuple[Placements, tuple[str, ...]]:
    """The placements with the poses and locks of the edits, and what could not be done.

    An edited pose has no fit, covariance or runners-up: those were another pose's.
    """
    entries = list(placements.placements)
    notes = []
    for object_id, edit in edits.objects.items():
        if not edit.poses and edit.locked is None:
            continue
        index = next((n for n, p in enumerate(entries) if p.id == object_id), None)
        old = None if index is None else entries[index]
        if old is None and not edit.poses:
            continue  # told as unknown already
        if edit.poses:
            pose, note = _posed(object_id, edit, old, world_from_camera)
            if pose is None:
                notes.append(note)
                continue
            same = old is not None and _equal(pose, old.camera_from_object)
            base = Placement(object_id, None) if old is None else old
            made = replace(
                base, camera_from_object=pose, failure="", locked=edit.locked is not False
            )
            if not same:
                made = replace(made, fit={}, alternatives=(), ambiguous=False, covariance=None)
        elif old is None or old.camera_from_object is None:
            notes.append(f"Edits: object {object_id} has no pose that could be locked.")
            continue
        else:
            made = replace(old, locked=bool(edit.locked))
        if index is None:
            entries.append(made)
        else:
            entries[index] = made
    return replace(placements, placements=tuple(entries)), tuple(notes)


def edited_relations(relations: Relations, edits: Edits, ids: frozenset[int]) -> Relations:
    """The graph with the user's relations in the place of those found.

    Args:
        ids: objects of the scene; relations to others are left out with a note.
    """
    if not edits:
        return relations
    edges, notes = list(relations.edges), list(relations.notes)
    own: list[Relation] = []
    for subject, edit in edits.objects.items():
        if not edit.relations or subject not in ids:
            continue
        speaks = {CONSTRAINT[kind] for kind in edit.relations if CONSTRAINT[kind] == "support"}
        edges = [
            e
            for e in edges
            if not (e.subject == subject and (e.constraint in speaks or e.type in edit.relations))
        ]
        for kind, partners in edit.relations.items():
            for partner in partners:
                if isinstance(partner, int) and partner not in ids:
                    notes.append(
                        f"Edits: object {subject} cannot be {kind.replace('_', ' ')} {partner}: "
                        "there is no such object in the scene."
                    )
                    continue
                own.append(Relation(subject, partner, kind, 1.0, SOURCE))
    said = {e.pair for e in own}
    made = relations_of([*own, *(e for e in edges if e.pair not in said)])
    lost = [f"{e.subject} {e.type} {e.object}" for e in own if e not in made.edges]
    notes += [f"Edits: {what} contradicts another edit and was left out." for what in lost]
    return Relations(made.edges, (*notes, *made.notes))


def unknown_objects(edits: Edits, labels: Mapping[int, str], dropped: frozenset[int]) -> list[str]:
    """A note for each edited object that is not in the scene.

    Args:
        labels: of all objects of the photo, by id.
        dropped: those that are not kept.
    """
    notes = []
    for object_id in edits.objects:
        if object_id not in labels:
            notes.append(f"Edits: there is no object {object_id}; there are {sorted(labels)}.")
        elif object_id in dropped:
            notes.append(f"Edits: {labels[object_id]} {object_id} was left out by Filter.")
    return notes


def pose_json(world_from_object: Sim3) -> dict[str, Any]:
    """A world pose in the words of the edits; scene.json has it so for each object."""
    angles = Rotation.from_matrix(world_from_object.rotation).as_euler("XYZ", degrees=True)
    return {
        "position": world_from_object.translation.tolist(),
        "rotation_deg": angles.tolist(),
        "scale": world_from_object.scale,
    }


def _posed(
    object_id: int, edit: ObjectEdit, old: Placement | None, world_from_camera: Sim3
) -> tuple[Sim3 | None, str]:
    """camera_from_object after the edit, or why there is none."""
    if old is None or old.camera_from_object is None:
        if edit.position is None or edit.rotation_deg is None or edit.scale is None:
            return None, (
                f"Edits: object {object_id} has no pose to change; "
                "give it position, rotation_deg and scale."
            )
        start = Sim3.identity()
    else:
        start = world_from_camera @ old.camera_from_object
    rotation = start.rotation
    if edit.rotation_deg is not None:
        rotation = Rotation.from_euler("XYZ", edit.rotation_deg, degrees=True).as_matrix()
    position = start.translation if edit.position is None else np.array(edit.position)
    scale = start.scale if edit.scale is None else edit.scale
    return world_from_camera.inverse() @ Sim3(rotation, position, scale), ""


def _equal(one: Sim3, other: Sim3 | None) -> bool:
    return other is not None and bool(np.allclose(one.matrix(), other.matrix(), rtol=1e-9))


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in pairs:
        if key in out:
            raise ValueError(f"{key!r} is there twice")
        out[key] = value
    return out


def _object_edit(object_id: int, entry: Any, where: str) -> ObjectEdit:
    if not isinstance(entry, dict):
        raise BadInput(f"{where}: write what is set of it in braces, like {EXAMPLE}")
    values: dict[str, Any] = {}
    relations: dict[RelationType, tuple[Partner, ...]] = {}
    for name, value in entry.items():
        if name in PARTNERS:
            relations[name] = _partners(object_id, name, value, f"{where}, {name}")
        elif name in _READERS:
            values[name] = _READERS[name](value, f"{where}, {name}")
        else:
            known = ", ".join([*_READERS, *PARTNERS])
            raise BadInput(f"{where}: {name!r} is none of {known}")
    return ObjectEdit(**values, relations=relations)


def _partners(object_id: int, kind: RelationType, value: Any, where: str) -> tuple[Partner, ...]:
    """What an object has a relation to."""
    given = [] if value is None else value if isinstance(value, list) else [value]
    words = _either(["another object's number", *(f'"{w}"' for w in PARTNERS[kind])])
    out: list[Partner] = []
    for item in given:
        partner: Partner | None = None
        if isinstance(item, str) and item.strip().isdecimal():
            partner = int(item)
        elif (isinstance(item, int) and not isinstance(item, bool)) or (
            isinstance(item, str) and item in PARTNERS[kind]
        ):
            partner = item
        if partner is None or (isinstance(partner, int) and partner in (object_id,)):
            hint = ""
            if isinstance(item, str) and item in ROOM:
                fitting = [k for k, words_ in PARTNERS.items() if item in words_]
                hint = f"; with {item!r} use {_either(fitting)}"
            raise BadInput(f"{where}: must be {words}, a list of those or null, not {item!r}{hint}")
        if isinstance(partner, int) and partner < 0:
            raise BadInput(f"{where}: objects are numbered from 0, not {partner}")
        if partner not in out:
            out.append(partner)
    return tuple(out)


def _either(words: Sequence[str]) -> str:
    """ "a, b or c"."""
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _triple(value: Any, where: str) -> Triple:
    numbers = [_finite(v) for v in value] if isinstance(value, list) else []
    if len(numbers) != 3 or None in numbers:
        raise BadInput(f"{where}: must be three numbers [x, y, z], not {value!r}")
    x, y, z = (float(v) for v in numbers if v is not None)
    return x, y, z


def _factor(value: Any, where: str) -> float:
    number = _finite(value)
    if number is None or number <= 0:
        raise BadInput(f"{where}: must be a number above 0, not {value!r}")
    return number


def _truth(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise BadInput(f"{where}: must be true or false, not {value!r}")
    return value


def _finite(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if abs(value) < FARTHEST else None


_READERS: dict[str, Callable[[Any, str], Any]] = {
    "position": _triple,
    "rotation_deg": _triple,
    "scale": _factor,
    "locked": _truth,
}
