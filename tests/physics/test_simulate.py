"""A settle in MuJoCo: what stands stays, what does not falls, and units do not matter."""

import sys

import numpy as np
import pytest
import trimesh

from cast_nodes.errors import BackendNotReady
from cast_nodes.frames import Sim3
from cast_nodes.physics.simulate import SimObject, require_mujoco, simulate
from cast_nodes.planes import Plane

FLOOR = Plane("floor", np.array([0.0, 1.0, 0.0]), 0.0)


@pytest.fixture(autouse=True)
def with_mujoco():
    pytest.importorskip("mujoco")


def thing(number, shape, at, fixed=False, turn=None, scale=1.0):
    rotation = np.eye(3) if turn is None else turn
    pose = Sim3(rotation, np.asarray(at, np.float64), scale)
    return SimObject(number, np.asarray(shape.vertices), np.asarray(shape.faces), pose, fixed)


def box(*size):
    return trimesh.creation.box(size)


def joined(*shapes):
    return trimesh.util.concatenate(list(shapes))


def table():
    legs = [
        box(0.05, 0.7, 0.05).apply_translation((x, 0.35, z))
        for x in (-0.45, 0.45)
        for z in (-0.25, 0.25)
    ]
    return joined(box(1, 0.05, 0.6).apply_translation((0, 0.725, 0)), *legs)


def by_id(found):
    return {d.id: d for d in found.drifts}


def test_what_stands_stays_where_it_is():
    scene = [
        thing(0, table(), (0, 0, 0)),
        thing(1, box(0.2, 0.2, 0.2), (0.1, 0.85, 0)),
        thing(2, box(0.1, 0.1, 0.1), (0.1, 1.0, 0)),
        thing(3, trimesh.creation.icosphere(3, 0.1), (-0.3, 0.85, 0.1)),
    ]
    found = simulate(scene, [FLOOR])
    assert [d.id for d in found.drifts] == [0, 1, 2, 3]
    assert all(d.share < 0.005 and not d.fell for d in found.drifts)
    assert found.calm == 1


def test_what_hangs_in_the_air_falls_and_what_is_fixed_does_not():
    scene = [
        thing(0, box(1, 1, 1), (0, 0.5, 0)),
        thing(1, box(0.2, 0.2, 0.2), (2, 1.1, 0)),
        thing(2, box(0.2, 0.2, 0.2), (3, 1.1, 0), fixed=True),
    ]
    found = by_id(simulate(scene, [FLOOR]))
    assert found[1].fell and found[1].moved == pytest.approx(1.0, abs=0.02)
    assert found[1].share == pytest.approx(found[1].moved / np.sqrt(0.12))
    assert found[1].world_from_object.translation[1] == pytest.approx(0.1, abs=0.01)
    assert found[2].fixed and found[2].moved == 0


def test_a_box_over_the_edge_tips():
    scene = [
        thing(0, box(1, 1, 1), (0, 0.5, 0), fixed=True),
        thing(1, box(1, 0.2, 0.2), (0.7, 1.1, 0)),
    ]
    tipped = by_id(simulate(scene, [FLOOR], seconds=1.5))[1]
    assert tipped.fell and tipped.rotation_deg > 25


def test_things_inside_each_other_are_pushed_apart():
    scene = [
        thing(0, box(1, 1, 1), (0, 0.5, 0), fixed=True),
        thing(1, box(0.5, 0.5, 0.5), (0, 1.25 - 0.05, 0)),
    ]
    pushed = by_id(simulate(scene, [FLOOR]))[1]
    assert pushed.moved == pytest.approx(0.05, abs=0.005)


def test_what_stands_in_a_hollow_thing_is_not_thrown_out():
    sides = [box(0.02, 1, 0.3).apply_translation((x, 0.5, 0)) for x in (-0.4, 0.4)]
    boards = [box(0.78, 0.02, 0.3).apply_translation((0, y, 0)) for y in (0.1, 0.45, 0.8)]
    shelf = joined(*sides, *boards)
    cup = trimesh.creation.annulus(0.04, 0.045, 0.1)
    cup.apply_transform(trimesh.transformations.rotation_matrix(np.pi / 2, (1, 0, 0)))
    scene = [
        thing(0, shelf, (0, 0, 0)),
        thing(1, box(0.2, 0.2, 0.2), (0.1, 0.56, 0)),
        thing(2, cup, (-0.2, 0.51, 0)),
        thing(3, trimesh.creation.icosphere(2, 0.03), (-0.2, 0.49, 0)),
    ]
    assert simulate(scene, [FLOOR]).calm == 1


@pytest.mark.parametrize("factor", [1e-3, 1.0, 1e3])
def test_the_unit_of_a_scene_without_metres_does_not_matter(factor):
    scene = [
        thing(0, box(1, 1, 1), np.array([0, 0.5, 0]) * factor, scale=factor),
        thing(1, box(1, 0.4, 0.4), np.array([0.7, 1.2, 0]) * factor, scale=factor),
    ]
    found = by_id(simulate(scene, [FLOOR], metric=False))
    assert found[0].share < 0.005
    assert found[1].share == pytest.approx(
        by_id(simulate([thing(0, box(1, 1, 1), (0, 0.5, 0)),
                        thing(1, box(1, 0.4, 0.4), (0.7, 1.2, 0))], [FLOOR], metric=False))[1].share,
        rel=0.05,
    )  # fmt: skip


def test_the_same_scene_ends_the_same_way_each_time():
    scene = [thing(i, box(0.3, 0.5, 0.3), (0.2 * i, 0.4 + 0.3 * i, 0.1 * i)) for i in range(4)]
    one, other = simulate(scene, [FLOOR]), simulate(scene, [FLOOR])
    for a, b in zip(one.drifts, other.drifts, strict=True):
        assert (a.world_from_object.matrix() == b.world_from_object.matrix()).all()


def test_walls_hold_what_leans_on_them():
    turn = trimesh.transformations.rotation_matrix(np.radians(-20), (1, 0, 0))[:3, :3]
    plank = box(0.3, 1.6, 0.03)
    corners = plank.vertices @ turn.T
    wall = Plane("wall_0", np.array([0.0, 0.0, 1.0]), 0.0)
    leaning = [thing(0, plank, (0, -corners[:, 1].min(), -corners[:, 2].min()), turn=turn)]
    assert simulate(leaning, [FLOOR, wall]).calm == 1
    assert simulate(leaning, [FLOOR]).drifts[0].fell


def test_a_scene_without_a_floor_gets_one_and_says_so():
    found = simulate([thing(0, box(1, 1, 1), (0, 7, 0))], [])
    assert found.calm == 1
    assert any("No floor is known" in note for note in found.notes)


def test_parts_move_with_what_they_are_part_of():
    scene = [
        thing(0, box(1, 0.4, 1), (0, 0.2, 0)),
        thing(1, box(0.2, 0.2, 0.2), (0.7, 0.3, 0)),  # a handle in the air beside it
    ]
    assert by_id(simulate(scene, [FLOOR]))[1].fell
    assert not by_id(simulate(scene, [FLOOR], joined={1: 0}))[1].fell


def test_what_has_no_shape_is_left_out_by_name_and_the_rest_goes_on():
    nothing = SimObject(5, np.zeros((0, 3)), np.zeros((0, 3), np.int64), Sim3.identity())
    found = simulate([nothing, thing(0, box(1, 1, 1), (0, 0.5, 0))], [FLOOR])
    assert [d.id for d in found.drifts] == [0]
    assert any("{5}" in note and "no faces" in note for note in found.notes)
    assert simulate([nothing], [FLOOR]).drifts == ()


@pytest.mark.parametrize(
    "shape",
    [
        trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [0, 0, 1]], [[0, 1, 2]]),
        trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [2, 0, 0]], [[0, 1, 2]], process=False),
        trimesh.creation.cylinder(1e-3, 1.0),
        box(1, 1e-4, 1),
    ],
    ids=["triangle", "no area", "wire", "foil"],
)
def test_thin_and_degenerate_meshes_are_simulated_too(shape):
    low = np.asarray(shape.vertices)[:, 1].min()
    found = simulate([thing(0, shape, (0, -low, 0)), thing(1, box(1, 1, 1), (5, 0.5, 0))], [FLOOR])
    assert np.isfinite(found.drifts[0].moved)
    assert by_id(found)[1].share < 0.005


def test_without_the_package_the_way_to_it_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "mujoco", None)
    with pytest.raises(BackendNotReady, match="pip install mujoco"):
        require_mujoco()
