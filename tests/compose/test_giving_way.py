"""Walls that the photo contradicts give way; things that their contacts would pull out of their
outline stay."""

from types import SimpleNamespace

import numpy as np
import pytest
import trimesh

from cast_nodes.compose.as_seen import MOST, solved_as_seen
from cast_nodes.compose.giving_way import giving_way
from cast_nodes.frames import Sim3
from cast_nodes.mesh_data import Material, MeshData, make_glb
from cast_nodes.physics.bodies import Body
from cast_nodes.physics.solve import Task
from cast_nodes.planes import Plane
from cast_nodes.types import Mesh

EYE = np.array([0.0, 1.5, 4.0])
WALL = Plane("wall_0", np.array([0.0, 0.0, 1.0]), 1.0)  # at z = -1, the room before it


def crate(number, z, side=0.5):
    shape = trimesh.creation.box((side, side, side))
    material = np.zeros(len(shape.faces), int)
    data = MeshData(np.asarray(shape.vertices), np.asarray(shape.faces), material, (Material(),))
    return Body(
        number,
        "crate",
        Mesh(make_glb(data)),
        Sim3(np.eye(3), np.array([0.0, side / 2, z]), 1.0),
    )


def back(plane):
    return -plane.offset


class TestWalls:
    def test_a_wall_before_things_that_stand_where_they_are_seen_goes_behind_the_last_of_them(self):
        (wall,) = giving_way([WALL], [crate(0, -1.0), crate(1, -1.5)], EYE)
        assert wall.name == "wall_0"
        assert back(wall) == pytest.approx(-1.75, abs=0.01)

    def test_a_thing_that_may_have_been_placed_too_far_moves_no_wall(self):
        (wall,) = giving_way([WALL], [crate(0, -0.78)], EYE)  # 3 cm behind it, 5 m away
        assert wall is WALL

    def test_nothing_behind_nothing_there(self):
        assert giving_way([WALL], [crate(0, 1.0)], EYE) == [WALL]
        assert giving_way([WALL], [], EYE) == [WALL]


class TestAsSeen:
    """Two things; settling moves both, one of them out of its outline."""

    placed = (SimpleNamespace(id=0, at=0.0), SimpleNamespace(id=1, at=0.0))

    def solve(self, task):
        bodies = tuple(
            b if b.id in task.locked else SimpleNamespace(id=b.id, at=self.moves[b.id])
            for b in task.bodies
        )
        return SimpleNamespace(bodies=bodies)

    def settled(self, fits, solve=None):
        task = Task(self.placed, (), (), Sim3(np.eye(3), np.zeros(3), 1.0))
        seen = solved_as_seen(solve or self.solve, task, fits)
        return seen.solved, seen.kept

    @staticmethod
    def fits(bodies):
        return {b.id: 0.9 - b.at for b in bodies}

    def test_what_would_leave_its_outline_is_kept_and_told(self):
        self.moves = {0: MOST + 0.1, 1: MOST - 0.05}
        settled, kept = self.settled(self.fits)
        assert [b.at for b in settled.bodies] == [0.0, MOST - 0.05]
        assert kept == {0: (pytest.approx(0.9), pytest.approx(0.8 - MOST))}

    def test_what_holds_together_within_its_outline_is_settled_once(self):
        self.moves = {0: 0.01, 1: 0.0}
        asked = []

        def solve(task):
            asked.append(dict.fromkeys(task.locked))
            return self.solve(task)

        _, kept = self.settled(self.fits, solve)
        assert kept == {} and asked == [{}]

    def test_a_thing_without_a_mask_is_not_judged(self):
        self.moves = {0: 1.0, 1: 0.0}
        settled, kept = self.settled(lambda bodies: {})
        assert kept == {} and settled.bodies[0].at == 1.0
