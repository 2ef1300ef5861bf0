"""One object out of all of them, as people name it."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np

from ..errors import BadInput
from ..stretched import affine
from ..types import Mesh, Meshes, Objects, Placement, Placements, SceneObject


def picked(objects: Objects, text: str) -> SceneObject:
    """The object that a text names: by id ("3"), by label where it is the only one ("lamp"), by
    both ("chair 3"), or by label and place in the list, counted from 1 ("chair #2").

    Raises:
        BadInput: none or several are meant; the message lists those that are there.
    """
    wanted = " ".join(text.split()).lower()
    if not wanted:
        raise BadInput(f"object: name one of {_listed(objects)}")
    if wanted.isdecimal():
        found = [o for o in objects.objects if o.id == int(wanted)]
    elif match := re.fullmatch(r"(.*?)\s*#\s*(\d+)", wanted):
        alike = [o for o in objects.objects if o.label.lower() == match[1]]
        found = alike[int(match[2]) - 1 : int(match[2])] if int(match[2]) else []
    else:
        found = [o for o in objects.objects if f"{o.label.lower()} {o.id}" == wanted]
        if not found:
            found = [o for o in objects.objects if o.label.lower() == wanted]
            kept = [o for o in found if o.keep]
            found = kept if len(kept) == 1 else found
    if len(found) == 1:
        return found[0]
    if found:
        many = ", ".join(f"'{o.label} {o.id}'" for o in found)
        raise BadInput(f"object: {text.strip()!r} may be any of {many}; write which")
    raise BadInput(f"object: there is no {text.strip()!r}; there are {_listed(objects)}")


def _listed(objects: Objects) -> str:
    names = [f"'{o.label} {o.id}'" for o in objects.objects]
    return ", ".join(names) if names else "none, the photo has no objects"


def photo_cut(objects: Objects, item: SceneObject, margin: float = 0.1) -> tuple[slice, slice]:
    """Rows and columns of the photo round the object, with a margin (share of its longer side)."""
    photo = objects.photo
    x0, y0, x1, y1 = item.bbox
    if item.mask is not None and item.mask.any():
        rows, columns = np.flatnonzero(item.mask.any(1)), np.flatnonzero(item.mask.any(0))
        x0, y0, x1, y1 = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    around = margin * max(x1 - x0, y1 - y0)
    left, top = max(0, int(x0 - around)), max(0, int(y0 - around))
    right = min(photo.width, int(np.ceil(x1 + around)))
    bottom = min(photo.height, int(np.ceil(y1 + around)))
    return slice(top, max(bottom, top + 1)), slice(left, max(right, left + 1))


def alone(objects: Objects, item: SceneObject) -> Objects:
    """The same objects with all others dropped, so that stages work on this one only.

    The others stay known: who hides whom does not change.
    """
    reason = f"only {item.label} {item.id} was picked"
    rest = (replace(o, keep=False, reason=reason) for o in objects.kept if o.id != item.id)
    return objects.replaced(*rest, replace(item, keep=True, reason=""))


def chosen_mesh(
    meshes: Meshes, placements: Placements | None, item: SceneObject
) -> tuple[Mesh | None, str]:
    """The mesh that was placed, or the best guess while nothing is; and why there is none."""
    entry = meshes.get(item.id)
    name = f"{item.label} {item.id}"
    if entry is None or not entry.candidates:
        return None, (entry.failure if entry else "") or f"{name} has no mesh"
    placement = placements.get(item.id) if placements else None
    index = placement.candidate if placement else 0
    return entry.candidates[index if 0 <= index < len(entry.candidates) else 0], ""


def pose_text(placement: Placement | None) -> str:
    """The pose as poses.json has it: camera_from_object, 4 rows of 4 numbers; "" for none."""
    if placement is None or placement.camera_from_object is None:
        return ""
    return json.dumps(affine(placement.camera_from_object, placement.stretch).tolist())
