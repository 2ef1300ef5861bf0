"""The default backend finds the pose, says how sure it is, and never breaks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cast_nodes.backends import choose
from cast_nodes.context import Context
from cast_nodes.errors import BadInput
from cast_nodes.mesh_data import MeshData
from cast_nodes.register import register
from cast_nodes.types import Placement

from .conftest import FLOOR, UP, chair, crate, make_room, mesh_of, upright_pose


def solve(inputs, **options) -> list[Placement]:
    return list(register(inputs, choose("register", "hybrid", **options), Context()).placements)


def test_a_free_standing_object_is_found(chair_room):
    (placement,) = solve(chair_room.inputs)
    assert chair_room.error(0, placement.camera_from_object) < 0.02
    assert placement.fit["iou"] > 0.93
    assert placement.fit["depth_residual"] < 0.01
    assert not placement.ambiguous


@pytest.mark.parametrize("yaw", [-2.4, -0.9, 1.6, 3.0])
def test_any_yaw_is_found(yaw):
    room = make_room({0: (chair(), upright_pose(yaw, (-0.3, 2.8)))}, noise=0.003)
    (placement,) = solve(room.inputs)
    assert room.error(0, placement.camera_from_object) < 0.03


def test_an_occluded_object_keeps_its_size(occluded_room):
    chair_pose, crate_pose = solve(occluded_room.inputs)
    assert occluded_room.error(0, chair_pose.camera_from_object) < 0.04
    assert occluded_room.error_of_the_body(1, crate_pose.camera_from_object) < 0.04
    assert chair_pose.fit["visible"] < 0.9


def test_an_object_cut_by_the_border_is_found():
    room = make_room({0: (chair(), upright_pose(0.7, (1.15, 2.2)))}, noise=0.003)
    (placement,) = solve(room.inputs)
    assert room.error(0, placement.camera_from_object) < 0.05


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_the_meshs_unit_does_not_matter(chair_room, factor):
    body = chair().moved(np.diag([factor, factor, factor, 1.0]))
    (placement,) = solve(chair_room.with_candidates(mesh_of(body)))
    assert chair_room.error(0, placement.camera_from_object, body) < 0.02


@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_the_geometrys_unit_does_not_matter(chair_room, factor):
    inputs = chair_room.with_geometry(
        points=chair_room.inputs.geometry.points * np.float32(factor),
        floor=np.array([*FLOOR[:3], FLOOR[3] * factor]),
    )
    (placement,) = solve(inputs)
    pose = placement.camera_from_object
    assert pose is not None
    shrunk = replace(pose, translation=pose.translation / factor, scale=pose.scale / factor)
    assert chair_room.error(0, shrunk) < 0.02


def test_the_best_fitting_candidate_wins(chair_room):
    wrong = [crate(), chair().moved(np.diag([0.5, 1.6, 0.5, 1]))]
    meshes = [mesh_of(wrong[0]), mesh_of(chair()), mesh_of(wrong[1])]
    (placement,) = solve(chair_room.with_candidates(*meshes))
    assert placement.candidate == 1


def test_a_symmetric_body_is_not_called_ambiguous_for_its_symmetry():
    room = make_room({0: (crate(), upright_pose(0.5, (0.0, 2.6)))}, noise=0.003)
    (placement,) = solve(room.inputs)
    assert placement.fit["iou"] > 0.93
    assert not placement.ambiguous


def test_without_gravity_all_rotations_are_tried(chair_room):
    (placement,) = solve(chair_room.with_geometry(up=None, floor=None))
    assert chair_room.error(0, placement.camera_from_object) < 0.05


def test_a_mesh_lying_on_its_side_is_stood_up_when_it_is_not_upright_by_nature(chair_room):
    turn = np.eye(4)
    turn[:3, :3] = [[1, 0, 0], [0, 0, -1], [0, 1, 0]]
    body = chair().moved(turn)
    (placement,) = solve(chair_room.with_candidates(mesh_of(body, upright=False)))
    assert chair_room.error(0, placement.camera_from_object, body) < 0.05


def test_guessed_depth_leaves_the_pose_to_mask_and_floor(chair_room):
    """The point map shows a flat front half a metre off; gravity, floor and mask are right."""
    points = chair_room.inputs.geometry.points
    mask = chair_room.inputs.objects.by_id(0).mask
    flat = points.copy()
    flat[mask] *= (np.median(points[mask][:, 2]) + 0.2) / points[mask][:, 2:3]
    (placement,) = solve(chair_room.with_geometry(points=flat, approximate=True))
    pose = placement.camera_from_object
    assert pose is not None
    assert placement.fit["iou"] > 0.9
    assert pose.rotation[:, 1] @ UP > np.cos(np.deg2rad(2))
    lowest = (pose.apply(chair().vertices) @ UP + FLOOR[3]).min()
    assert abs(lowest) < 0.03
    assert chair_room.error(0, pose) < 0.05


def _one_face() -> MeshData:
    body = chair()
    return MeshData(body.vertices[:3], np.array([[0, 1, 2]]), np.zeros(1, int), body.materials)


def _flat() -> MeshData:
    return chair().moved(np.diag([1, 1, 1e-9, 1]))


def _with_degenerate_faces() -> MeshData:
    body = chair()
    faces = np.concatenate([body.faces, np.zeros((5, 3), int)])
    return replace(body, faces=faces, face_material=np.zeros(len(faces), int))


@pytest.mark.parametrize("body", [_one_face, _flat, _with_degenerate_faces])
def test_strange_meshes_give_a_finite_pose_or_a_reason(chair_room, body):
    (placement,) = solve(chair_room.with_candidates(mesh_of(body())))
    pose = placement.camera_from_object
    assert bool(placement.failure) != (pose is not None)
    assert pose is None or (np.isfinite(pose.matrix()).all() and pose.scale > 0)


def test_a_huge_mesh_is_thinned(chair_room):
    body = chair()
    triangles = body.triangles
    for _ in range(6):  # 36 * 4^6 = 147 k faces
        a, b, c = triangles[:, 0], triangles[:, 1], triangles[:, 2]
        ab, bc, ca = (a + b) / 2, (b + c) / 2, (c + a) / 2
        quarters = [[a, ab, ca], [ab, b, bc], [ca, bc, c], [ab, bc, ca]]
        triangles = np.concatenate([np.stack(q, 1) for q in quarters])
    count = len(triangles)
    fine = MeshData(
        triangles.reshape(-1, 3), np.arange(3 * count).reshape(-1, 3),
        np.zeros(count, int), body.materials,
    )  # fmt: skip
    (placement,) = solve(chair_room.with_candidates(mesh_of(fine)))
    assert chair_room.error(0, placement.camera_from_object) < 0.02


def test_one_point_is_enough_for_an_answer(chair_room):
    points = np.full_like(chair_room.inputs.geometry.points, np.nan)
    mask = chair_room.inputs.objects.by_id(0).mask
    rows, columns = np.nonzero(mask)
    middle = len(rows) // 2
    around = np.s_[rows[middle] - 1 : rows[middle] + 1, columns[middle] - 1 : columns[middle] + 1]
    points[around] = chair_room.inputs.geometry.points[around]
    (placement,) = solve(chair_room.with_geometry(points=points))
    assert placement.failure or np.isfinite(placement.camera_from_object.matrix()).all()


def test_a_broken_candidate_is_passed_over_and_named_when_it_is_the_only_one(chair_room):
    broken = replace(mesh_of(chair()), glb=b"not a mesh", name="broken")
    (placement,) = solve(chair_room.with_candidates(broken, mesh_of(chair())))
    assert placement.candidate == 1
    (alone,) = solve(chair_room.with_candidates(broken))
    assert alone.camera_from_object is None
    assert "broken" in alone.failure


def test_the_same_input_gives_the_same_pose(chair_room):
    first, second = solve(chair_room.inputs)[0], solve(chair_room.inputs)[0]
    np.testing.assert_array_equal(
        first.camera_from_object.matrix(), second.camera_from_object.matrix()
    )


def test_a_gpu_that_is_not_there_is_named(chair_room, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(BadInput, match="choose cpu"):
        solve(chair_room.inputs, device="cuda")
