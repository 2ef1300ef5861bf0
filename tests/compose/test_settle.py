"""From placed boxes to boxes that hold together, through relations and physics."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import trimesh

from cast_nodes.compose.edits import Edits, ObjectEdit
from cast_nodes.compose.enclosure import Enclosure
from cast_nodes.compose.settle import Physics, Settled, physics_json
from cast_nodes.compose.settle import settle as settle_bodies
from cast_nodes.frames import Sim3
from cast_nodes.mesh_data import Material, MeshData, make_glb
from cast_nodes.physics.bodies import Body
from cast_nodes.planes import Plane
from cast_nodes.types import Mesh, Placement

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
CRATE_SIZE = 0.4 * 3**0.5
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


def settle(
    bodies: list[Body],
    here: Enclosure,
    physics: Physics = "full",
    locked: tuple[int, ...] = (),
    edits: Edits | None = None,
) -> Settled:
    placements = {b.id: Placement(b.id, None, locked=b.id in locked) for b in bodies}
    return settle_bodies(bodies, here, placements, edits or Edits(), physics, 0.15)


def told(done: Settled) -> set[tuple]:
    return {(e.subject, e.type, e.object) for e in done.relations.edges}


@pytest.mark.parametrize("physics", ["full", "gaps"])
@pytest.mark.parametrize("gap", [0.04, -0.04, 0.0])
def test_a_small_gap_to_the_floor_is_closed_along_the_view(gap, physics):
    before = body(0, CRATE, (0.5, gap, -3))
    done = settle([before], room(), physics)
    after = done.bodies[0]
    assert done.supported_by(0) == "floor"
    assert after.bounds[0, 1] == pytest.approx(0, abs=1e-6)
    seen = [CAMERA.inverse().apply(b.world_from_object.apply(np.eye(3))) for b in (before, after)]
    rays = [points[:, :2] / points[:, 2:] for points in seen]
    np.testing.assert_allclose(*rays, atol=2e-3)
    assert physics_json(done)["gaps"] == []


def test_a_thing_high_in_the_air_stays_and_is_told():
    there = body(0, CRATE, (0, 1.6, -3))
    done = settle([there], room())
    assert done.bodies[0].world_from_object is there.world_from_object
    assert done.supported_by(0) is None
    assert done.solved.untied == (0,)
    assert [g["id"] for g in physics_json(done)["gaps"]] == [0]


def test_nothing_moves_when_physics_is_off():
    done = settle([body(0, CRATE, (0, 0.05, -3))], room(), "off")
    assert not done.solved.changes.any()
    found = physics_json(done)
    assert found["moves"] == []
    assert found["gaps"] == [
        {"id": 0, "to": "floor", "gap": pytest.approx(0.05), "share": pytest.approx(0.125)}
    ]


def test_what_is_locked_stays_and_others_settle_around_it():
    table, crate = body(0, TABLE, (0, 0.03, -3)), body(1, CRATE, (0.2, 0.80, -3), 0.5)
    done = settle([table, crate], room(), locked=(0,))
    assert done.bodies[0].world_from_object is table.world_from_object
    assert done.bodies[1].bounds[0, 1] == pytest.approx(0.78, abs=1e-6)


def test_what_stands_on_a_table_follows_it():
    done = settle([body(0, CRATE, (0.2, 0.80, -3), 0.5), body(1, TABLE, (0, 0.05, -3))], room())
    crate, table = done.bodies
    assert told(done) >= {(0, "on", 1), (1, "on", "floor")}
    assert table.bounds[0, 1] == pytest.approx(0, abs=1e-6)
    assert crate.bounds[0, 1] == pytest.approx(table.bounds[1, 1], abs=1e-6)


def test_a_stool_below_a_table_stands_on_the_floor():
    done = settle([body(0, TABLE, (0, 0, -3)), body(1, CRATE, (0, 0, -3))], room())
    assert [done.supported_by(i) for i in (0, 1)] == ["floor", "floor"]
    assert done.solved.after.penetrations == ()


def test_a_box_between_boards_is_in_the_shelf():
    done = settle([body(0, SHELF, (0, 0, -3)), body(1, CRATE, (0, 0.63, -3), 0.8)], room())
    assert (1, "in", 0) in told(done)
    assert done.solved.after.penetrations == done.solved.after.gaps == ()


def test_walls_and_ceilings_hold_what_hangs():
    wall = Plane("wall_0", np.array([0, 0, 1.0]), 3.2)
    ceiling = Plane("ceiling", -UP, 2.5)
    things = [
        body(0, CRATE, (0, 1.2, -2.98)),
        body(1, CRATE, (0, 2.08, -1.5)),
        body(2, CRATE, (1, 0, -3.02)),
    ]
    done = settle(things, room(wall, ceiling=ceiling))
    assert told(done) == {
        (0, "hanging", "wall"), (1, "hanging", "ceiling"), (2, "on", "floor"), (2, "against", "wall"),
    }  # fmt: skip
    hung, up, stood = done.bodies
    near = 0.008 * CRATE_SIZE
    assert hung.bounds[0, 2] == pytest.approx(-3.2, abs=near)
    assert up.bounds[1, 1] == pytest.approx(2.5, abs=near)
    assert stood.bounds[0, 2] == pytest.approx(-3.2, abs=near)
    assert stood.bounds[0, 1] == pytest.approx(0, abs=1e-6)


def test_the_users_word_on_what_carries_is_obeyed():
    crates = [body(0, TABLE, (0, 0, -3)), body(1, CRATE, (0.2, 0.5, -3), 0.5)]
    edits = Edits({1: ObjectEdit(relations={"on": (0,)})})
    done = settle(crates, room(), edits=edits)
    assert done.supported_by(1) == 0
    assert done.bodies[1].bounds[0, 1] == pytest.approx(0.75, abs=1e-6)


def test_what_became_of_each_is_told():
    boxes = [body(0, CRATE, (0, 0, -3)), body(1, CRATE, (0.35, -0.02, -3))]
    done = settle(boxes, room())
    found = physics_json(replace(done, before={0: 0.9, 1: 0.8}, after={0: 0.91, 1: 0.79}))
    assert found["penetrations"] == []
    (pair, *_rest) = found["before"]["penetrations"]
    assert pair["objects"] == [0, 1]
    assert pair["depth"] == pytest.approx(0.05, abs=0.01)
    assert {m["id"]: (m["iou_before"], m["iou_after"]) for m in found["moves"]} == {
        0: (0.9, 0.91), 1: (0.8, 0.79),
    }  # fmt: skip
