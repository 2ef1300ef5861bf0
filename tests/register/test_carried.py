"""Things that stand on other things: once all is placed, a table's top is a floor to its load."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cast_nodes.backends import choose
from cast_nodes.context import Context
from cast_nodes.frames import Sim3
from cast_nodes.register import register
from cast_nodes.register.carried import rested
from cast_nodes.register.problem import Problem, make_problem
from cast_nodes.store import Store
from cast_nodes.types import Placement, Placements

from .conftest import FLOOR, UP, Room, boxes, chair, crate, make_room, upright_pose

TOP = 0.5
"""Height of the crate."""


def raised(pose: Sim3, height: float) -> Sim3:
    return replace(pose, translation=pose.translation + height * UP)


def small(scale: float = 0.4) -> tuple:
    """A small chair in the middle of the crate's top."""
    return chair(), raised(upright_pose(0.9, (0.15, 2.55), scale), TOP)


@pytest.fixture(scope="module")
def loaded_room() -> Room:
    """A crate (0) with a small chair (1) on it."""
    return make_room({0: (crate(), upright_pose(0.2, (0.15, 2.6))), 1: small()}, noise=0.002)


def guessed(room: Room, factor: float):
    """The room's inputs, where the chair's depth is a guess that is off by a factor."""
    mask = room.inputs.objects.by_id(1).mask
    points = room.inputs.geometry.points.copy()
    points[mask] *= np.float32(factor)
    return replace(
        room.inputs, geometry=replace(room.inputs.geometry, points=points, approximate=True)
    )


def found(inputs, context: Context | None = None, **options) -> Placements:
    context = context or Context(store=Store())
    placements = register(inputs, choose("register", "hybrid", **options), context)
    assert not any(p.failure for p in placements.placements)
    return placements


def bottom(room: Room, i: int, placement: Placement) -> float:
    """Height over the floor of the lowest point of a placed body."""
    assert placement.camera_from_object is not None
    vertices = placement.camera_from_object.apply(room.bodies[i].vertices)
    return float((vertices @ FLOOR[:3] + FLOOR[3]).min())


@pytest.mark.parametrize("factor", [0.88, 1.12])
def test_a_guessed_depth_gives_way_to_what_carries_the_thing(loaded_room, factor):
    inputs = guessed(loaded_room, factor)
    free = found(inputs, floor_contact="off").placements[1]
    crate_, held = found(inputs).placements
    top = bottom(loaded_room, 0, crate_) + TOP * crate_.camera_from_object.scale
    assert abs(bottom(loaded_room, 1, held) - top) < 0.02
    assert loaded_room.error(1, held.camera_from_object) < 0.6 * loaded_room.error(
        1, free.camera_from_object
    )
    assert held.fit["iou"] > free.fit["iou"] - 0.03


def test_measured_points_are_hardly_moved(loaded_room):
    held = found(loaded_room.inputs).placements[1]
    assert loaded_room.error(1, held.camera_from_object) < 0.05


@pytest.mark.parametrize(("factor", "taken"), [(0.97, True), (0.93, False)])
def test_a_contact_does_not_pull_a_thing_farther_than_a_depth_map_errs(loaded_room, factor, taken):
    inputs = loaded_room.inputs
    problems = {
        item.id: make_problem(item, inputs.objects, inputs.geometry, inputs.meshes.get(item.id))
        for item in inputs.objects.kept
    }
    placements = {0: Placement(0, upright_pose(0.2, (0.15, 2.6))), 1: Placement(1, small()[1])}

    def pulled(standing: list[Problem], before: list[Placement]) -> list[Placement]:
        nearer = [Sim3(np.eye(3), np.zeros(3), factor) @ p.camera_from_object for p in before]
        return [replace(p, camera_from_object=n) for p, n in zip(before, nearer, strict=True)]

    assert (1 in rested(problems, placements, pulled)) == taken


def test_what_stands_before_a_thing_does_not_carry_it():
    """On the floor behind a crate, a chair stands on the floor."""
    room = make_room(
        {
            0: (crate(), upright_pose(0.2, (0.15, 2.3))),
            1: (chair(), upright_pose(0.9, (0.15, 3.4), 1.2)),
        },
        noise=0.002,
    )
    placement = found(room.inputs).placements[1]
    assert abs(bottom(room, 1, placement)) < 0.05
    assert room.error(1, placement.camera_from_object) < 0.05


def test_a_pile_is_settled_from_below():
    book = boxes(((-0.2, 0, -0.15), (0.2, 0.12, 0.15)))
    room = make_room(
        {
            2: (chair(), raised(upright_pose(0.9, (0.15, 2.57), 0.25), TOP + 0.12)),
            1: (book, raised(upright_pose(0.5, (0.15, 2.57)), TOP)),
            0: (crate(), upright_pose(0.2, (0.15, 2.6))),
        },
        noise=0.002,
    )
    points = room.inputs.geometry.points.copy()
    for i in (1, 2):
        points[room.inputs.objects.by_id(i).mask] *= np.float32(1.08)
    geometry = replace(room.inputs.geometry, points=points, approximate=True)
    by_id = {p.id: p for p in found(replace(room.inputs, geometry=geometry)).placements}
    height = bottom(room, 0, by_id[0]) + TOP * by_id[0].camera_from_object.scale
    assert abs(bottom(room, 1, by_id[1]) - height) < 0.03
    height = bottom(room, 1, by_id[1]) + 0.12 * by_id[1].camera_from_object.scale
    assert abs(bottom(room, 2, by_id[2]) - height) < 0.03


def test_a_locked_thing_stays_where_it_is_though_it_stands_on_another(loaded_room):
    inputs = guessed(loaded_room, 1.1)
    pose = raised(small()[1], 0.03)
    mine = Placements((Placement(1, pose, locked=True),))
    placement = found(replace(inputs, given=mine)).placements[1]
    np.testing.assert_allclose(placement.camera_from_object.matrix(), pose.matrix())


def test_the_second_look_comes_from_the_store_as_well(loaded_room):
    inputs, context = guessed(loaded_room, 1.12), Context(store=Store())
    first = found(inputs, context).placements[1]
    asked: list[str] = []
    store = context.store
    put, store.put = store.put, lambda key, value: (asked.append(key), put(key, value))[1]
    again = found(inputs, context).placements[1]
    assert not asked, "nothing is made anew"
    np.testing.assert_array_equal(
        first.camera_from_object.matrix(), again.camera_from_object.matrix()
    )
