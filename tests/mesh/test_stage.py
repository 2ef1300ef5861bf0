"""The stage: per object, from the store, with reasons for failures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from mesh_fixtures import disc

from cast_nodes.backends import choose
from cast_nodes.context import Context
from cast_nodes.mesh import MeshInputs, make_meshes
from cast_nodes.types import Objects, Photo, SceneObject, View, Views


def inputs(count=2, **changes) -> MeshInputs:
    photo = Photo(np.full((100, 200, 3), 128, np.uint8))
    objects, views = [], []
    for i in range(count):
        rgba = np.dstack(
            [np.full((80, 80, 3), 40 * i, np.uint8), disc(80, 20 + 5 * i) * np.uint8(255)]
        )
        objects.append(SceneObject(i, "thing", 1.0, (0, 0, 80, 80)))
        views.append(View(i, rgba, rgba, (0.0, 0.0, 80.0, 80.0)))
    return MeshInputs(Objects(photo, tuple(objects)), Views(tuple(views)))


class Counting:
    """A context that tells which objects were computed and which came from the store."""

    def __init__(self):
        self.steps = []
        self.context = Context(progress=self.steps.append, workers=1)

    def run(self, given, **options):
        self.steps.clear()
        out = make_meshes(given, choose("mesh", "inflate", faces=1000, **options), self.context)
        return out, [s.reused for s in sorted(self.steps, key=lambda s: s.label)]


def test_every_kept_object_has_an_entry_in_order():
    given = inputs(3)
    dropped = replace(given.objects.objects[1], keep=False, reason="too small")
    given = replace(given, objects=given.objects.replaced(dropped))
    meshes, _ = Counting().run(given)
    assert [e.id for e in meshes.entries] == [0, 2]
    assert all(e.candidates and not e.failure for e in meshes.entries)


def test_a_second_run_reuses_all_and_a_changed_object_is_redone_alone():
    counting, given = Counting(), inputs(3)
    assert counting.run(given)[1] == [False] * 3
    assert counting.run(given)[1] == [True] * 3
    view = given.views.views[1]
    changed = view.rgba.copy()
    changed[:40, :, 3] = 0
    views = list(given.views.views)
    views[1] = replace(view, rgba=changed)
    assert counting.run(replace(given, views=Views(tuple(views))))[1] == [True, False, True]


@pytest.mark.parametrize("change", [{"retry": 1}, {"label": "ball"}])
def test_retry_and_label_count(change):
    counting, given = Counting(), inputs(2)
    counting.run(given)
    again = given.objects.replaced(replace(given.objects.objects[0], **change))
    assert counting.run(replace(given, objects=again))[1].count(False) == 1


def test_options_count():
    counting, given = Counting(), inputs(1)
    counting.run(given)
    assert counting.run(given, thickness=0.5)[1] == [False]


def test_no_objects_is_legal():
    assert make_meshes(inputs(0), choose("mesh", "inflate"), Context()).entries == ()


def test_a_missing_or_empty_view_is_a_failure_with_a_reason():
    given = inputs(3)
    empty = given.views.views[1].rgba.copy()
    empty[..., 3] = 0
    views = Views((given.views.views[0], replace(given.views.views[1], rgba=empty)))
    counting = Counting()
    meshes, _ = counting.run(replace(given, views=views))
    assert not meshes.entries[0].failure
    assert "thing 1" in meshes.entries[1].failure and "empty" in meshes.entries[1].failure
    assert "thing 2" in meshes.entries[2].failure and "no view" in meshes.entries[2].failure
    assert counting.run(replace(given, views=views))[1] == [True, False, False]  # never stored


def test_equal_objects_keep_their_own_ids():
    given = inputs(1)
    twin = replace(given.objects.objects[0], id=7)
    view = replace(given.views.views[0], id=7)
    given = MeshInputs(
        replace(given.objects, objects=(*given.objects.objects, twin)),
        Views((*given.views.views, view)),
    )
    assert [e.id for e in Counting().run(given)[0].entries] == [0, 7]
