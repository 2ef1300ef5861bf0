"""Walls and uncertainty: what else the room and the evidence say of a pose."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from cast_nodes.backends import choose
from cast_nodes.context import Context
from cast_nodes.errors import BadInput
from cast_nodes.register import register
from cast_nodes.register.batch import Poses
from cast_nodes.register.cascade import _fallbacks
from cast_nodes.run_folder import RunFolder
from cast_nodes.store import Store
from cast_nodes.types import Placements

PITCH = np.deg2rad(18)  # of the fixture's camera

AHEAD = np.array([0.0, -np.sin(PITCH), np.cos(PITCH)])


def placed(inputs, **options):
    found = register(inputs, choose("register", "hybrid", **options), Context(store=Store()))
    assert not any(p.failure for p in found.placements)
    return found.placements[0]


def with_wall(inputs, gap: float):
    """The room with an upright wall ``gap`` ahead of the camera."""
    return replace(inputs, geometry=replace(inputs.geometry, walls=np.array([[*-AHEAD, gap]])))


def test_a_pose_comes_with_its_covariance_in_the_camera_s_axes(chair_room):
    placement = placed(chair_room.inputs)
    covariance = np.asarray(placement.covariance)
    assert covariance.shape == (7, 7)
    np.testing.assert_allclose(covariance, covariance.T)
    assert np.linalg.eigvalsh(covariance).min() >= 0
    centre = placement.camera_from_object.translation
    ray = centre / np.linalg.norm(centre)
    along = ray @ covariance[3:6, 3:6] @ ray
    across = np.trace(covariance[3:6, 3:6]) - along
    assert along > across / 2, "a photo tells less of the distance than of the place in it"
    assert 0 < placement.fit["sigma_distance"] < 0.1
    assert 0 < placement.fit["sigma_size"] < 0.1


def test_a_chair_has_no_symmetry_to_report(chair_room):
    assert placed(chair_room.inputs).fit["symmetry"] == 1


@pytest.mark.parametrize("switch", ["on", "auto"])
def test_a_wall_draws_what_stands_against_it(chair_room, switch):
    free = placed(chair_room.inputs)
    back = deepest(chair_room, free)
    wall = with_wall(chair_room.inputs, back + 0.02)
    held = placed(wall, wall_contact=switch)
    assert abs(deepest(chair_room, held) - (back + 0.02)) < 0.02


def test_a_wall_far_behind_says_nothing_unless_asked(chair_room):
    free = placed(chair_room.inputs)
    wall = with_wall(chair_room.inputs, deepest(chair_room, free) + 3.0)
    for options in ({}, {"wall_contact": "auto"}):
        again = placed(wall, **options)
        np.testing.assert_allclose(
            again.camera_from_object.translation, free.camera_from_object.translation, atol=1e-4
        )


def deepest(room, placement) -> float:
    """How far ahead of the camera the posed mesh reaches, along the floor."""
    from cast_nodes.mesh_data import read_mesh

    mesh = room.inputs.meshes.get(placement.id).candidates[placement.candidate]
    return float((placement.camera_from_object.apply(read_mesh(mesh).vertices) @ AHEAD).max())


def test_a_covariance_is_written_to_placements_json_and_read_back(chair_room, tmp_path):
    placement = placed(chair_room.inputs)
    folder = RunFolder(tmp_path)
    folder.write_placements(Placements((placement,)))
    (again,) = folder.read_placements().placements
    np.testing.assert_allclose(again.covariance, placement.covariance)


def test_a_covariance_of_another_shape_names_file_object_and_field(chair_room, tmp_path):
    folder = RunFolder(tmp_path)
    folder.write_placements(Placements((placed(chair_room.inputs),)))
    path = tmp_path / "placements.json"
    data = json.loads(path.read_text())
    data["objects"][0]["covariance"] = [[1, 2], [3, 4]]
    path.write_text(json.dumps(data))
    with pytest.raises(BadInput, match=r"placements\.json, object 0, covariance: must be 7 rows"):
        folder.read_placements()


def test_guessed_points_still_keep_a_thing_on_a_table_from_falling_to_the_floor(chair_room):
    """Its lower end is hidden, so it might stand on the floor: half as far again, and as large."""
    from cast_nodes.register import make_problem
    from cast_nodes.register.cascade import register_batch
    from cast_nodes.register.hybrid import HybridOptions

    inputs = chair_room.inputs
    item = inputs.objects.kept[0]
    entry = inputs.meshes.get(item.id)
    problem = make_problem(item, inputs.objects, inputs.geometry, entry)
    lower = np.array([*problem.floor[:3], 1.6 * problem.floor[3]])
    problem = replace(problem, approximate=True, base=float("nan"), floor=lower)
    (found,) = register_batch([problem], HybridOptions(), Context())
    true = chair_room.truth[0].translation
    assert abs(np.log(found.camera_from_object.translation[2] / true[2])) < 0.15


def test_the_best_pose_of_a_fallback_that_coarse_pictures_dropped_joins_the_last_round():
    """Rows 2 and 3 pose the fallback; both were dropped, the second is the better one."""
    surface = torch.tensor([0, 0, 1, 1])
    zero, number = torch.zeros(4, dtype=torch.long), torch.arange(4.0)
    poses = Poses(
        torch.eye(3).expand(4, 3, 3), torch.zeros(4, 3), number, zero, surface,
        number, number, number, torch.zeros(4, 3),
    )  # fmt: skip
    setting = SimpleNamespace(is_fallback=lambda problem, surface: surface == 1)
    score = np.array([0.9, 0.8, 0.1, 0.3])
    (joined,) = _fallbacks(setting, poses, poses[torch.tensor([0, 1])], score)
    assert joined.log_size.tolist() == [3.0]
    assert _fallbacks(setting, poses, poses[torch.tensor([0, 2])], score) == []
