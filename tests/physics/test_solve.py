"""Placed things hold together, as near to the photo as may be."""

from __future__ import annotations

import numpy as np
import pytest

from cast_nodes.frames import Sim3
from cast_nodes.physics.bodies import Body
from cast_nodes.physics.solve import Solved, Task, as_placed, hold_together
from cast_nodes.physics.ties import Tie
from cast_nodes.planes import Plane

from .shapes import BALL, BOOK, CRATE, SHELF, TABLE, body, bowl_mesh

UP = np.array([0.0, 1.0, 0.0])
FLOOR = Plane("floor", UP, 0.0)
WALL = Plane("wall_0", np.array([0.0, 0.0, 1.0]), 3.5)
CAMERA = Sim3(np.diag([1.0, -1.0, -1.0]), np.array([0.0, 1.5, 0.0]))
BOWL = bowl_mesh()


def solved(bodies: list[Body], ties: list[Tie], planes: tuple[Plane, ...] = (FLOOR,)) -> Solved:
    return hold_together(Task(bodies, ties, planes, CAMERA))


def on(subject: int, carrier: int | Plane = FLOOR) -> Tie:
    return Tie(subject, carrier, "rests")


def against(subject: int, other: int | Plane) -> Tie:
    return Tie(subject, other, "touches", mutual=isinstance(other, int))


def place(done: Solved, number: int) -> np.ndarray:
    return next(b for b in done.bodies if b.id == number).world_from_object.translation


def test_what_holds_together_stays_where_it_is():
    bodies = [
        body(0, TABLE, (0, 0, -3)), body(1, CRATE, (0.2, 0.75, -3), scale=0.5),
        body(2, CRATE, (1.2, 0, -3.3)), body(3, CRATE, (1.6, 0, -3.3)),
    ]  # fmt: skip
    ties = [on(0), on(1, 0), on(2), on(3), against(2, 3), against(2, WALL), against(3, WALL)]
    done = solved(bodies, ties, (FLOOR, WALL))
    np.testing.assert_allclose(done.changes, 0, atol=1e-6)
    assert done.after.penetrations == done.after.gaps == ()


def test_nothing_moves_when_only_measured():
    bodies = [body(0, CRATE, (0, 0.1, -3)), body(1, CRATE, (0.3, 0, -3))]
    done = as_placed(Task(bodies, [on(0), on(1)], (FLOOR,), CAMERA))
    assert not done.changes.any()
    assert [p.objects for p in done.after.penetrations] == [(0, 1)]
    assert [(g.id, g.to, g.gap) for g in done.after.gaps] == [(0, "floor", pytest.approx(0.1))]


@pytest.mark.parametrize("deep", [0.03, 0.06, 0.1])
def test_a_book_through_the_back_of_its_shelf_comes_forward(deep):
    touching = -3.15 + 0.0075 + 0.085
    bodies = [body(0, SHELF, (0, 0, -3)), body(1, BOOK, (0.1, 0.615, touching - deep))]
    done = solved(bodies, [on(0), on(1, 0)])
    assert place(done, 1)[2] > touching - 0.003
    assert done.after.penetrations == done.after.gaps == ()


@pytest.mark.parametrize("overlap", [0.005, 0.02, 0.028])
def test_books_in_each_other_part_to_their_own_sides(overlap):
    left, right = -0.015 + overlap / 2, 0.015 - overlap / 2
    bodies = [
        body(0, SHELF, (0, 0, -3)), body(1, BOOK, (left, 0.615, -3)),
        body(2, BOOK, (right, 0.615, -3)),
    ]  # fmt: skip
    done = solved(bodies, [on(0), on(1, 0), on(2, 0)])
    assert place(done, 2)[0] - place(done, 1)[0] == pytest.approx(0.03, abs=0.002)
    assert done.after.penetrations == done.after.gaps == ()


def test_what_would_fall_off_a_table_comes_over_it():
    bodies = [body(0, TABLE, (0, 0, -3)), body(1, CRATE, (0.65, 0.75, -3), scale=0.5)]
    done = solved(bodies, [on(0), on(1, 0)])
    assert place(done, 1)[0] < 0.6
    assert done.bodies[1].bounds[0, 1] == pytest.approx(0.75, abs=1e-6)


def test_a_ball_in_a_bowl_rolls_to_its_bottom():
    bodies = [body(0, BOWL, (0, 0, -2)), body(1, BALL, (0.02, 0.12, -2.06))]
    done = solved(bodies, [on(0), on(1, 0)])
    np.testing.assert_allclose(place(done, 1)[[0, 2]], [0, -2], atol=0.015)
    assert done.after.penetrations == ()


def test_a_shelf_that_is_nearly_flush_to_its_wall_becomes_so():
    done = solved([body(0, SHELF, (0, 0, -3.3), 2.5)], [on(0), against(0, WALL)], (FLOOR, WALL))
    corners = done.bodies[0].world_from_object
    np.testing.assert_allclose(corners.rotation, np.eye(3), atol=1e-6)
    assert done.bodies[0].bounds[0, 2] == pytest.approx(-3.5, abs=0.012)


def test_a_thing_that_stands_askew_by_more_than_the_photo_doubts_stays_so():
    done = solved([body(0, SHELF, (0, 0, -3.2), 15.0)], [on(0), against(0, WALL)], (FLOOR, WALL))
    turn = done.bodies[0].world_from_object.rotation
    assert np.degrees(np.arccos(turn[0, 0])) == pytest.approx(15, abs=4)


def test_locked_things_stay():
    bodies = [body(0, CRATE, (0, 0, -3)), body(1, CRATE, (0.35, 0, -3))]
    done = hold_together(Task(bodies, [on(0), on(1)], (FLOOR,), CAMERA, locked=(0,)))
    assert done.bodies[0].world_from_object is bodies[0].world_from_object
    assert place(done, 1)[0] == pytest.approx(0.4, abs=0.005)
