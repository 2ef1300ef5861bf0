"""A locked result stays what it was, whatever is set before it; where it cannot, the user is told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cast_nodes.backends import Backend, BackendInfo, Choice, Options
from cast_nodes.context import Context
from cast_nodes.errors import BadInput
from cast_nodes.inpaint import InpaintOptions, inpaint
from cast_nodes.locks import keep_result, locked_result, read_locks
from cast_nodes.mesh import MeshInputs, MeshItem, make_meshes
from cast_nodes.store import Store
from cast_nodes.types import Mesh, MeshEntry, Objects, Photo, SceneObject, View, Views

KEY = "5f2a" * 16
OTHER = "09bc" * 16


def scene(shade: int = 128) -> Objects:
    """Three grey squares in a photo of one shade."""
    found = []
    for i in range(3):
        mask = np.zeros((60, 120), bool)
        mask[10:40, 40 * i + 5 : 40 * i + 35] = True
        found.append(SceneObject(i, "box", 1.0, (40 * i + 5, 10, 40 * i + 35, 40), mask))
    return Objects(Photo(np.full((60, 120, 3), shade, np.uint8)), tuple(found))


def views_of(objects: Objects) -> Views:
    rgba = np.full((30, 30, 4), 255, np.uint8)
    return Views(tuple(View(o.id, rgba - np.uint8(o.id), rgba, o.bbox) for o in objects.objects))


class Surroundings:
    """A context that notes what is said and what is worked on."""

    def __init__(self) -> None:
        self.store, self.said, self.begun = Store(), [], []

    def context(self, locked: dict[int, str] | None = None) -> Context:
        self.said.clear()
        self.begun.clear()
        return Context(
            store=self.store,
            warn=self.said.append,
            begins=self.begun.append,
            locked=locked or {},
            workers=1,
        )


def mesh_backend(name: str) -> Choice:
    """Names each mesh after itself."""

    def run(item: MeshItem, options: Options, context: Context) -> MeshEntry:
        return MeshEntry(item.id, (Mesh(f"{name} {item.id}".encode(), name),))

    info = BackendInfo(name, name, "embedded", "For the test.")
    return Choice(Backend(info, Options, run, stage="mesh"), Options())


def names(meshes) -> list[str]:
    return [e.candidates[0].name for e in meshes.entries]


# The text.


def test_the_text_names_objects_and_keys():
    assert read_locks("") == {}
    assert read_locks(f" 3:{KEY},\n5 : {OTHER} ") == {3: KEY, 5: OTHER}


@pytest.mark.parametrize("text", ["3", "3:xyz", f"chair:{KEY}", f"3:{KEY}0", "../../etc/passwd"])
def test_a_text_that_is_none_is_refused_with_the_way_out(text):
    with pytest.raises(BadInput, match=r"locked: .* cannot be read; .* unlocks all"):
        read_locks(text)


# The stages.


def test_a_locked_mesh_stays_while_another_backend_makes_the_others():
    here, objects = Surroundings(), scene()
    given = MeshInputs(objects, views_of(objects))
    first = make_meshes(given, mesh_backend("cheap"), here.context())
    assert here.begun == ["box 0", "box 1", "box 2"]
    key = keep_result(here.store, objects.photo, objects.by_id(1), first.entries[1])
    second = make_meshes(given, mesh_backend("dear"), here.context({1: key}))
    assert names(second) == ["dear", "cheap", "dear"]
    assert [e.id for e in second.entries] == [0, 1, 2]
    assert here.begun == ["box 0", "box 2"]
    assert here.said == []


def test_retry_and_a_changed_view_leave_a_locked_mesh_alone():
    here, objects = Surroundings(), scene()
    given = MeshInputs(objects, views_of(objects))
    first = make_meshes(given, mesh_backend("cheap"), here.context())
    key = keep_result(here.store, objects.photo, objects.by_id(1), first.entries[1])
    once_more = objects.replaced(replace(objects.by_id(1), retry=4))
    views = list(given.views.views)
    views[1] = replace(views[1], rgba=np.full((30, 30, 4), 200, np.uint8))
    changed = MeshInputs(once_more, Views(tuple(views)))
    second = make_meshes(changed, mesh_backend("cheap"), here.context({1: key}))
    assert here.begun == []
    assert names(second) == names(first)


def test_a_locked_view_stays_while_another_backend_makes_the_others():
    here, objects = Surroundings(), scene()

    def choice(shade: int) -> Choice:
        def run(item, options, context) -> View:
            return View(item.id, np.full((9, 9, 4), shade, np.uint8), item.rgb, (0, 0, 9, 9))

        info = BackendInfo(f"paint{shade}", "paint", "embedded", "For the test.")
        return Choice(
            Backend(info, InpaintOptions, run, stage="inpaint"), InpaintOptions(background=False)
        )

    first = inpaint(objects, choice(10), here.context())
    key = keep_result(here.store, objects.photo, objects.by_id(2), first.views[2])
    second = inpaint(objects, choice(20), here.context({2: key}))
    assert [int(v.rgba[0, 0, 0]) for v in second.views] == [20, 20, 10]
    assert [v.id for v in second.views] == [0, 1, 2]


# Where a lock does not hold.


def lock_box_1(here: Surroundings, objects: Objects) -> str:
    entry = MeshEntry(1, (Mesh(b"kept", "kept"),))
    return keep_result(here.store, objects.photo, objects.by_id(1), entry)


def test_a_lock_is_for_one_photo():
    here, objects = Surroundings(), scene()
    key = lock_box_1(here, objects)
    other = scene(shade=90)
    assert locked_result(other.by_id(1), other.photo, MeshEntry, here.context({1: key})) is None
    assert here.said == [
        "box 1: the lock does not hold, because it was locked in another photo; unlock it"
    ]


def test_a_lock_is_for_the_thing_at_that_place():
    here, objects = Surroundings(), scene()
    context = here.context({1: lock_box_1(here, objects)})
    x0, y0, x1, y1 = objects.by_id(1).bbox
    nudged = replace(objects.by_id(1), bbox=(x0 + 3, y0 + 2, x1 + 3, y1))
    assert locked_result(nudged, objects.photo, MeshEntry, context) is not None
    renumbered = replace(objects.by_id(2), id=1)
    assert locked_result(renumbered, objects.photo, MeshEntry, context) is None
    assert "object 1 is now another thing" in here.said[0]


@pytest.mark.parametrize("kind", ["gone", "a view"])
def test_a_lock_whose_result_is_not_there_is_told_and_the_object_made(kind):
    here, objects = Surroundings(), scene()
    view = views_of(objects).views[1]
    key = KEY if kind == "gone" else keep_result(here.store, objects.photo, objects.by_id(1), view)
    given = MeshInputs(objects, views_of(objects))
    made = make_meshes(given, mesh_backend("cheap"), here.context({1: key}))
    assert names(made) == ["cheap"] * 3
    assert "the store of this machine no longer has what was locked" in here.said[0]


def test_equal_results_at_one_place_share_a_key_and_others_do_not():
    here, objects = Surroundings(), scene()
    one, two = (MeshEntry(i, (Mesh(b"kept", "kept"),)) for i in (1, 2))
    assert keep_result(here.store, objects.photo, objects.by_id(1), one) == lock_box_1(
        here, objects
    )
    assert keep_result(here.store, objects.photo, objects.by_id(2), two) != lock_box_1(
        here, objects
    )
