"""ComposeScene's simulation: told, or followed where it is near and the photo agrees."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from cast_nodes.backends import choose
from cast_nodes.compose import compose
from cast_nodes.context import Context
from cast_nodes.errors import BackendNotReady
from cast_nodes.frames import Sim3
from cast_nodes.types import Placements


@pytest.fixture
def mujoco():
    return pytest.importorskip("mujoco")


def composed(inputs, **options):
    return compose(inputs, choose("compose", **options), Context())


def lifted(inputs, object_id, by, locked=False):
    """The inputs with one object higher in the world; the camera is level enough for -y."""
    out = []
    for placement in inputs.placements.placements:
        if placement.id == object_id:
            pose = placement.camera_from_object
            up = np.asarray(inputs.geometry.up) * by
            pose = Sim3(pose.rotation, pose.translation + up, pose.scale)
            placement = replace(placement, camera_from_object=pose, locked=locked)
        out.append(placement)
    return replace(inputs, placements=Placements(tuple(out)))


def simulation(scene):
    return scene.description["physics"]["simulation"]


def drift_of(scene, object_id):
    return next(o for o in simulation(scene)["objects"] if o["id"] == object_id)


def nodes(scene):
    return {o["id"]: np.array(o["camera_from_object"]) for o in scene.description["objects"]}


def test_off_says_nothing(scene):
    assert "simulation" not in scene.description["physics"]


def test_what_stands_stays_and_that_is_told(room, mujoco):
    told = composed(room.inputs, simulate="measure")
    assert simulation(told)["stay"] == 1
    assert any("second of simulation" in note for note in told.notes)
    json.dumps(dict(told.description))


def test_measuring_moves_nothing(room, scene, mujoco):
    told = composed(room.inputs, simulate="measure")
    for i, pose in nodes(scene).items():
        np.testing.assert_array_equal(nodes(told)[i], pose)
    assert told.glb == scene.glb


def test_what_floats_falls_and_the_report_names_it(room, mujoco):
    told = composed(lifted(room.inputs, 1, 0.6), settle=False, simulate="measure")
    fallen = drift_of(told, 1)
    assert fallen["fell"] and fallen["share"] > 0.2 and not fallen["moved"]
    assert any("crate_1 falls" in note for note in told.notes)


def test_locked_things_are_held(room, mujoco):
    told = composed(lifted(room.inputs, 1, 0.6, locked=True), settle=False, simulate="measure")
    assert drift_of(told, 1)["held"] and drift_of(told, 1)["drift"] == 0


def test_small_steps_are_followed(room, mujoco):
    before = lifted(room.inputs, 1, 0.012)
    placed = composed(before, settle=False)
    moved = composed(before, settle=False, simulate="settle")
    assert drift_of(moved, 1)["moved"]
    assert np.abs(nodes(moved)[1] - nodes(placed)[1]).max() > 0.005
    gaps = {g["id"] for g in moved.description["physics"]["gaps"]}
    assert 1 not in gaps


def test_a_fall_is_not_followed(room, mujoco):
    before = lifted(room.inputs, 1, 0.6)
    placed = composed(before, settle=False)
    moved = composed(before, settle=False, simulate="settle")
    assert not drift_of(moved, 1)["moved"]
    np.testing.assert_array_equal(nodes(moved)[1], nodes(placed)[1])


def test_without_the_package_it_says_so_before_any_work(room, monkeypatch):
    monkeypatch.setitem(sys.modules, "mujoco", None)
    with pytest.raises(BackendNotReady, match="pip install mujoco"):
        composed(room.inputs, simulate="measure")
