"""Results that the user has locked: an object's view or mesh as it was when it was looked at.

A locked result lies in the store under the hash of itself, so it no longer matters what made it:
another backend, other options, another mask. It is for one thing at one place of one photo. Where
the photo is another one, or the object of that number stands elsewhere, or the store no longer has
it, the lock does not hold: the object is made like any other, and the user is told why.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from .content import content_key
from .context import Context
from .errors import BadInput
from .store import Store
from .types import MeshEntry, Photo, SceneObject, View

Locked = TypeVar("Locked", View, MeshEntry)

SAME_PLACE = 0.3
"""Intersection over union of an object's boxes, then and now, above which it is the same thing."""

_PART = re.compile(r"(\d+)\s*:\s*([0-9a-f]{64})")


def read_locks(text: str) -> dict[int, str]:
    """Keys by object id out of ``3:5f2a…, 5:09bc…`` (64 hexadecimal digits each).

    Raises:
        BadInput: the text cannot be read.
    """
    keys: dict[int, str] = {}
    for part in filter(None, (p.strip() for p in re.split(r"[,;\n]", text or ""))):
        found = _PART.fullmatch(part)
        if not found:
            raise BadInput(
                f"locked: {part[:80]!r} cannot be read; CAST Review Objects writes this text, and"
                " an empty one unlocks all objects"
            )
        keys[int(found[1])] = found[2]
    return keys


def keep_result(store: Store, photo: Photo, item: SceneObject, result: View | MeshEntry) -> str:
    """Puts a result where a lock finds it, and gives its key. The number does not matter."""
    plain = replace(result, id=0)
    key = content_key("locked", photo.key, item.bbox, plain)
    if store.get(key) is None:
        store.put(key, {"photo": photo.key, "bbox": list(item.bbox), "result": plain})
    return key


def locked_result(
    item: SceneObject, photo: Photo, kind: type[Locked], context: Context
) -> Locked | None:
    """What the user has locked for an object (``context.locked``), or None; warns when a lock
    does not hold."""
    key = context.locked.get(item.id)
    if key is None:
        return None
    record = context.store.get(key)
    result = record.get("result") if isinstance(record, Mapping) else None
    if isinstance(record, Mapping) and isinstance(result, kind):
        if record.get("photo") != photo.key:
            reason = "it was locked in another photo"
        elif _overlap(record["bbox"], item.bbox) < SAME_PLACE:
            reason = f"object {item.id} is now another thing than the one that was locked"
        else:
            return replace(result, id=item.id)
    else:
        reason = "the store of this machine no longer has what was locked"
    context.warn(f"{item.label} {item.id}: the lock does not hold, because {reason}; unlock it")
    return None


def _overlap(one: list[float], other: tuple[float, ...]) -> float:
    """Intersection over union of two boxes (x0, y0, x1, y1)."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    tall = min(one[3], other[3]) - max(one[1], other[1])
    if wide <= 0 or tall <= 0:
        return 0.0
    areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (one, other)]
    return wide * tall / (sum(areas) - wide * tall)
