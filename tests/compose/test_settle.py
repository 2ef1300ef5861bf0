"""Support, settling and what is measured, on boxes."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from cast_nodes.compose.enclosure import Enclosure
from cast_nodes.compose.settle import gaps, penetrations, relations, scaled_about, settle
from cast_nodes.frames import Sim3
from cast_nodes.mesh_data import Material, MeshData, make_glb
from cast_nodes.physics.bodies import Body, make_solid
from cast_nodes.planes import Plane
from cast_nodes.types import Mesh

UP = np.array([0.0, 1.0, 0.0])
CAMERA = Sim3(np.diag([1.0, -1.0, -1.0]), np.array([0, 1.5, 0]))


def room(*walls: Plane, ceiling: Plane | None = None) -> Enclosure:
    return Enclosure(CAMERA, Plane("floor", UP, 0.0), walls, ceiling, None, 20.0)


def solid_mesh(parts: list[trimesh.Trimesh]) -> Mesh:
    shape = trimesh.util.concatenate(parts)
    data = MeshData(
        np.asarray(shape.vertices), np.asarray(shape.faces), np.zeros(len(shape.faces), int),
        (Material(),),
    )  # fmt: skip
    return Mesh(make_glb(data))


def box(size, centre=(0, 0, 0)) -> trimesh.Trimesh:
    shape = trimesh.creation.box(size)
    shape.apply_translation(centre)
    return shape


CRATE = solid_mesh([box((0.4, 0.4, 0.4), (0, 0.2, 0))])
TABLE = solid_mesh(
    [box((1.2, 0.04, 0.8), (0, 0.73, 0))]
    + [box((0.06, 0.71, 0.06), (x, 0.355, z)) for x in (-0.5, 0.5) for z in (-0.3, 0.3)]
)
SHELF = solid_mesh(
    [box((0.8, 0.03, 0.5), (0, y, 0)) for y in (0.015, 0.6, 1.2)]
    + [box((0.03, 1.2, 0.5), (x, 0.6, 0)) for x in (-0.4, 0.4)]
)


def body(number: int, mesh: Mesh, position, scale: float = 1.0) -> Body:
    return Body(number, f"o{number}", mesh, Sim3(np.eye(3), np.array(position, float), scale))


@pytest.mark.parametrize("gap", [0.05, -0.05, 0.0])
def test_a_small_gap_to_the_floor_is_closed_along_the_view(gap):
    before = body(0, CRATE, (0.5, gap, -3))
    done = settle([before], room(), 0.15)
    after = done.bodies[0]
    assert done.supports[0].by == "floor"
    assert abs(after.bounds[0, 1]) < 1e-3
    rays = [CAMERA.inverse().apply(b.world_from_object.apply(np.eye(3))) for b in (before, after)]
    np.testing.assert_allclose(rays[0] / rays[0][:, 2:], rays[1] / rays[1][:, 2:])
    assert gaps(done) == []


def test_a_large_gap_stays_and_is_told():
    done = settle([body(0, CRATE, (0, 0.9, -3))], room(), 0.15)
    assert done.factors == (1.0,)
    assert done.supports[0].by is None
    assert [g["id"] for g in gaps(done)] == [0]


def test_nothing_moves_when_settling_is_off():
    done = settle([body(0, CRATE, (0, 0.05, -3))], room(), 0.0)
    assert done.factors == (1.0,)
    assert gaps(done) == [{"id": 0, "to": "floor", "gap": pytest.approx(0.05, abs=1e-3)}]


def test_what_stands_on_a_table_moves_with_it():
    done = settle(
        [body(0, CRATE, (0.2, 0.80, -3), 0.5), body(1, TABLE, (0, 0.05, -3))], room(), 0.15
    )
    crate, table = done.bodies
    assert [s.by for s in done.supports] == [1, "floor"]
    assert abs(table.bounds[0, 1]) < 1e-3
    assert abs(crate.bounds[0, 1] - table.bounds[1, 1]) < 0.01
    assert {"subject": 0, "object": 1, "type": "on"}.items() <= relations(done, room())[0].items()


def test_a_stool_below_a_table_stands_on_the_floor():
    done = settle([body(0, TABLE, (0, 0, -3)), body(1, CRATE, (0, 0, -3))], room(), 0.15)
    assert [s.by for s in done.supports] == ["floor", "floor"]
    assert penetrations(done.bodies, room()) == []


def test_a_box_between_boards_is_in_the_shelf():
    done = settle([body(0, SHELF, (0, 0, -3)), body(1, CRATE, (0, 0.615, -3), 0.8)], room(), 0.15)
    found = {(r["subject"], r["object"]): r["type"] for r in relations(done, room())}
    assert found[1, 0] == "in"
    assert penetrations(done.bodies, room()) == []


def test_a_box_on_top_is_on_the_shelf():
    done = settle([body(0, SHELF, (0, 0, -3)), body(1, CRATE, (0, 1.215, -3), 0.8)], room(), 0.15)
    found = {(r["subject"], r["object"]): r["type"] for r in relations(done, room())}
    assert found[1, 0] == "on"


def test_walls_and_ceilings_hold_what_hangs():
    wall = Plane("wall_0", np.array([0, 0, 1.0]), 3.2)
    ceiling = Plane("ceiling", -UP, 2.5)
    things = [
        body(0, CRATE, (0, 1.2, -3.0)),
        body(1, CRATE, (0, 2.1, -1.5)),
        body(2, CRATE, (1, 0, -3.0)),
    ]
    here = room(wall, ceiling=ceiling)
    done = settle(things, here, 0.15)
    assert [s.by for s in done.supports] == ["wall", "ceiling", "floor"]
    kinds = [(r["subject"], r["type"]) for r in relations(done, here)]
    assert kinds == [(0, "hanging"), (1, "hanging"), (2, "on"), (2, "against")]


def test_penetrations_are_measured():
    deep = [body(0, CRATE, (0, 0, -3)), body(1, CRATE, (0.3, 0, -3)), body(2, CRATE, (2, -0.1, -3))]
    found = {tuple(p["objects"]): p["depth"] for p in penetrations(deep, room())}
    assert found == {
        (0, 1): pytest.approx(0.1, abs=0.015),
        (2, "floor"): pytest.approx(0.1, abs=1e-3),
    }


def test_the_space_below_a_table_is_not_inside_it():
    cube = box((1, 1, 1))
    solid = make_solid(np.asarray(cube.vertices), np.asarray(cube.faces))
    assert solid.depth_at(np.zeros((1, 3)))[0] == pytest.approx(0.5, abs=0.05)
    assert solid.depth_at(np.array([[0, 0.9, 0.0]]))[0] == 0
    table = body(0, TABLE, (0, 0, 0))
    assert table.depth_inside(np.array([[0, 0.3, 0.0], [0.2, 0.1, 0.1]])).max() == 0


@settings(deadline=None, max_examples=40)
@given(st.floats(0.7, 1.4), st.floats(-2, 2), st.floats(-1, 2), st.floats(-5, -1))
def test_scaling_about_the_camera_keeps_the_picture(factor, x, y, z):
    pose = Sim3(np.eye(3), np.array([x, y, z]), 0.7)
    moved = scaled_about(CAMERA.translation, factor, pose)
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1.0]])
    one = CAMERA.inverse().apply(pose.apply(corners))
    other = CAMERA.inverse().apply(moved.apply(corners))
    np.testing.assert_allclose(other, factor * one, atol=1e-9)
