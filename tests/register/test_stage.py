"""The stage: every kept object has an entry, and what did not change is not done again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cast_nodes.backends import Backend, BackendInfo, Choice, Options, choose
from cast_nodes.context import Context
from cast_nodes.errors import Cancelled
from cast_nodes.frames import Sim3
from cast_nodes.register import register
from cast_nodes.types import Placement


class Counting:
    """A backend that notes which objects it was asked for."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        info = BackendInfo("counting", "Counting", "embedded", "for tests")
        self.choice = Choice(Backend(info, Options, self.run, stage="register"), Options())

    def run(self, problems, options, context):
        self.asked += [p.id for p in problems]
        return [Placement(p.id, Sim3.identity()) for p in problems]


def test_only_what_changed_is_solved_again(occluded_room):
    backend, context = Counting(), Context()
    register(occluded_room.inputs, backend.choice, context)
    register(occluded_room.inputs, backend.choice, context)
    assert backend.asked == [0, 1]
    objects = occluded_room.inputs.objects
    again = objects.replaced(replace(objects.by_id(1), retry=1))
    register(replace(occluded_room.inputs, objects=again), backend.choice, context)
    assert backend.asked == [0, 1, 1]


def test_a_failed_object_is_an_entry_with_its_reason_and_the_others_go_on(occluded_room):
    objects = occluded_room.inputs.objects
    emptied = objects.replaced(replace(objects.by_id(0), mask=np.zeros_like(objects.by_id(0).mask)))
    inputs = replace(occluded_room.inputs, objects=emptied)
    found = register(inputs, Counting().choice, Context())
    assert [p.id for p in found.placements] == [0, 1]
    failed, placed = found.placements
    assert failed.camera_from_object is None
    assert "empty mask" in failed.failure
    assert placed.camera_from_object is not None


def test_dropped_objects_have_no_entry_and_none_at_all_is_fine(occluded_room):
    objects = occluded_room.inputs.objects
    none = replace(objects, objects=tuple(replace(o, keep=False) for o in objects.objects))
    found = register(replace(occluded_room.inputs, objects=none), Counting().choice, Context())
    assert found.placements == ()


@pytest.mark.parametrize(
    ("flat", "words"), [(False, "found in the point map"), (True, "may come out tilted")]
)
def test_what_nobody_gave_is_told(occluded_room, flat, words):
    geometry = replace(occluded_room.inputs.geometry, up=None, floor=None)
    if flat:  # a picture on a wall, seen frontally
        points = geometry.points / geometry.points[..., 2:] * np.float32(3)
        geometry = replace(geometry, points=points)
    found = register(replace(occluded_room.inputs, geometry=geometry), Counting().choice, Context())
    assert words in found.notes[0]
    assert register(occluded_room.inputs, Counting().choice, Context()).notes == ()


def test_a_surprise_with_one_object_does_not_stop_the_others(occluded_room, monkeypatch):
    from cast_nodes.register import setting

    normal = setting.make_batch

    def make_batch(problems, trust, walls, device):
        if any(p.id == 0 for p in problems):
            raise RuntimeError("surprise")
        return normal(problems, trust, walls, device)

    monkeypatch.setattr(setting, "make_batch", make_batch)
    found = register(occluded_room.inputs, choose("register"), Context())
    assert "surprise" in found.placements[0].failure
    assert found.placements[1].camera_from_object is not None


def test_a_stopped_run_stops(occluded_room):
    context = Context()
    context.cancel.cancel()
    with pytest.raises(Cancelled):
        register(occluded_room.inputs, choose("register"), context)
