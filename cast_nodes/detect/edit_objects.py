"""The found objects with a person's edits: deleted, renamed, drawn, clicked, painted.

What is not touched stays the same object, so that the stages behind take it from the store. What
is made (masks from boxes and clicks) is kept in the store too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ..boxes import Box, mask_box
from ..context import Context
from ..types import Objects, SceneObject
from .edited_masks import claimed, edited_masks
from .object_edits import ObjectEdit, ObjectEdits
from .occlusion import with_occlusion
from .overlaps import separate
from .strokes import painted

DELETED = "deleted by hand"

NEAR_PX = 4
"""Objects this near to a changed one may hide it, or be hidden by it."""


def edit_objects(objects: Objects, edits: ObjectEdits, context: Context) -> Objects:
    """The objects after the edits; a new id is a new object.

    - **keep** false drops the object, true brings it back.
    - **box**: the mask is made anew from it.
    - **points**: with a box, or on a thing that was not found, the mask network makes the mask
      from box and points; without a box it is derived. On the mask of a found object a point
      changes the region it lies in, and nothing else.
    - **brush**: the strokes are laid on that, exactly.

    Then no pixel belongs to two objects, where one of them was edited: painted pixels go to the
    one they were painted for, a clicked region to the one that was clicked, others as
    :func:`.overlaps.separate` decides. Hidden shares are told anew for the changed objects and
    those near them; all others are the very objects that came. Edits of a thing that is no longer
    found and that do not tell where it is do nothing, with a warning.

    Raises:
        BadInput: the edits belong to a photo of other proportions.
        Cancelled: the user stopped the run.
    """
    photo = objects.photo
    edits = edits.on(photo.width, photo.height)
    if not edits.by_id:
        return objects
    before = {o.id: o for o in objects.objects}
    work = {i: e for i, e in edits.by_id.items() if _applies(i, e, before, context)}
    after = dict(before)
    for number, edit in work.items():
        after[number] = _named(before.get(number), number, edit)
    shaped = {i: e for i, e in work.items() if e.reshapes and e.keep is not False}
    after |= edited_masks(photo.rgb, {i: after[i] for i in shaped}, shaped, before, context)
    context.cancel.check()
    after = _apart(after, shaped, photo.rgb)
    return replace(objects, objects=_with_occlusions(after, before))


def _applies(
    number: int, edit: ObjectEdit, before: Mapping[int, SceneObject], context: Context
) -> bool:
    """Whether there is something to change; an edit of a thing that is gone is told."""
    if number in before or edit.shows_where:
        return number in before or edit.keep is not False
    what = f"{edit.label} {number}".strip()
    context.warn(
        f"edits: object {what} is no longer found, so its edits do nothing; draw a box for it or"
        " remove them"
    )
    return False


def _named(item: SceneObject | None, number: int, edit: ObjectEdit) -> SceneObject:
    """The object with its name and fate; a new one with an empty place."""
    if item is None:
        return SceneObject(number, edit.label or "object", 1.0, (0.0, 0.0, 0.0, 0.0))
    out = replace(item, label=edit.label or item.label)
    if edit.keep is False:
        return replace(out, keep=False, reason=DELETED)
    if edit.keep or edit.reshapes:
        out = replace(out, keep=True, reason="")
    return replace(out, score=1.0)  # a person has looked at it


# Who has a pixel that two objects want.


def _apart(
    objects: Mapping[int, SceneObject], edits: Mapping[int, ObjectEdit], rgb: np.ndarray
) -> dict[int, SceneObject]:
    """The objects, where no edited one shares a pixel with another."""
    masks = {i: o.mask for i, o in objects.items() if o.keep and o.mask is not None}
    mine = [i for i in edits if i in masks]
    own = {i: painted(edits[i].strokes, *rgb.shape[:2])[0] for i in mine if edits[i].strokes}
    for i in mine:
        for j in [j for j in masks if j != i and (j not in mine or j > i)]:
            first, second = masks[i], masks[j]
            shared = first & second
            if not shared.any():
                continue
            ours = claimed(shared, edits[i], own.get(i))
            theirs = claimed(shared, edits.get(j), own.get(j))
            to_first, to_second = ours & ~theirs, theirs & ~ours
            a, b = separate([first & ~to_second, second & ~to_first], rgb)
            assert a is not None and b is not None
            # Specks go where masks are cut, but not those that were painted.
            masks[i] = a | to_first | _kept(first & ~b & ~to_second, own.get(i))
            masks[j] = b | to_second | _kept(second & ~masks[i], own.get(j))
    out = dict(objects)
    for number, mask in masks.items():
        item = objects[number]
        if item.mask is None or np.array_equal(mask, item.mask):
            continue
        if mask.any():
            out[number] = replace(item, mask=mask, bbox=mask_box(mask))
        else:
            reason = "nothing of it is left beside the objects that were edited"
            out[number] = replace(item, keep=False, reason=reason)
    return out


def _kept(mask: np.ndarray, own: np.ndarray | None) -> np.ndarray | bool:
    return False if own is None else mask & own


def _with_occlusions(
    after: Mapping[int, SceneObject], before: Mapping[int, SceneObject]
) -> tuple[SceneObject, ...]:
    """The objects with their hidden shares told anew, where something near them has changed."""
    changed: set[int] = set()
    places: list[Box] = []
    for number, item in after.items():
        old = before.get(number)
        if old is None or old.mask is not item.mask or old.keep != item.keep:
            changed.add(number)
            places += [item.bbox, *([old.bbox] if old else [])]
    near = changed | {i for i, o in after.items() if any(_touch(o.bbox, p) for p in places)}
    asked = [
        replace(o, occlusion=0.0, occluded_by=()) if i in near else o for i, o in after.items()
    ]
    return tuple(
        _unless_equal(told, item) if item.id in near else item
        for told, item in zip(with_occlusion(asked), after.values(), strict=True)
    )


def _unless_equal(told: SceneObject, item: SceneObject) -> SceneObject:
    same = (told.occlusion, told.occluded_by) == (item.occlusion, item.occluded_by)
    return item if same else told


def _touch(a: Box, b: Box) -> bool:
    across = min(a[2], b[2]) - max(a[0], b[0])
    down = min(a[3], b[3]) - max(a[1], b[1])
    return across > -NEAR_PX and down > -NEAR_PX
