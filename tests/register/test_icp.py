"""The Open3D backend: features, consensus, ICP; a pose or a reason, never anything else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cast_nodes.backends import choose, get_backend
from cast_nodes.context import Context
from cast_nodes.errors import BackendNotReady, Cancelled
from cast_nodes.mesh_data import MeshData
from cast_nodes.register import _icp_consensus as consensus
from cast_nodes.register import _icp_refine as refining
from cast_nodes.register import register
from cast_nodes.register._icp_clouds import Matches
from cast_nodes.register._icp_outline import Outline
from cast_nodes.register.sampling import make_surface
from cast_nodes.types import Placement

from .conftest import FLOOR, INTRINSICS, UP, boxes, chair, crate, make_room, mesh_of, upright_pose


def solve(inputs, context: Context | None = None, **options) -> list[Placement]:
    pytest.importorskip("open3d")
    choice = choose("register", "icp", **options)
    return list(register(inputs, choice, context or Context()).placements)


# --- it finds the pose -----------------------------------------------------------------------


def test_a_free_standing_object_is_found_with_its_size(chair_room):
    (placement,) = solve(chair_room.inputs)
    pose = placement.camera_from_object
    assert pose is not None
    assert chair_room.error(0, pose) < 0.03
    assert abs(np.log(pose.scale)) < 0.05
    assert placement.fit["iou"] > 0.9
    assert placement.fit["depth_residual"] < 0.01
    assert placement.fit["fitness"] > 0.8
    assert 0 < placement.fit["inlier_rmse"] < 0.03
    assert not placement.ambiguous


@pytest.mark.parametrize("yaw", [-2.4, 1.6])
def test_any_yaw_is_found(yaw):
    room = make_room({0: (chair(), upright_pose(yaw, (-0.3, 2.8)))}, noise=0.003)
    (placement,) = solve(room.inputs, starts=6)
    assert room.error(0, placement.camera_from_object) < 0.04


def test_hidden_parts_are_not_pulled_onto_the_visible_ones(occluded_room):
    chair_pose, crate_pose = solve(occluded_room.inputs)
    assert occluded_room.error(0, chair_pose.camera_from_object) < 0.06
    assert occluded_room.error_of_the_body(1, crate_pose.camera_from_object) < 0.06


def test_the_size_is_found_whatever_the_size_of_the_mesh_and_of_the_camera_unit(chair_room):
    body = chair().moved(np.diag([1e-6, 1e-6, 1e-6, 1.0]))
    small = chair_room.with_candidates(mesh_of(body))
    inputs = replace(
        small,
        geometry=replace(
            small.geometry,
            points=small.geometry.points * np.float32(1e6),
            floor=np.array([*FLOOR[:3], FLOOR[3] * 1e6]),
        ),
    )
    (placement,) = solve(inputs)
    pose = placement.camera_from_object
    assert pose is not None
    shrunk = replace(pose, translation=pose.translation / 1e6, scale=pose.scale / 1e6)
    assert chair_room.error(0, shrunk, body) < 0.03


def test_points_at_infinity_are_no_points(chair_room):
    points = chair_room.inputs.geometry.points.copy()
    rows, columns = np.nonzero(chair_room.inputs.objects.by_id(0).mask)
    points[rows[::7], columns[::7]] = np.inf
    (placement,) = solve(chair_room.with_geometry(points=points), starts=6)
    assert chair_room.error(0, placement.camera_from_object) < 0.04


def test_known_gravity_holds_the_mesh_upright_and_off_lets_it_go(chair_room):
    def lean(**options) -> float:
        (placement,) = solve(chair_room.inputs, starts=4, **options)
        assert placement.camera_from_object is not None
        y = placement.camera_from_object.rotation[:, 1]
        return float(np.rad2deg(np.linalg.norm(np.cross(y, UP))))

    assert lean() < 0.05 < lean(upright="off") < 10


def test_without_gravity_all_rotations_are_possible(chair_room):
    (placement,) = solve(chair_room.with_geometry(up=None, floor=None), starts=12)
    assert chair_room.error(0, placement.camera_from_object) < 0.06


def test_a_mesh_lying_on_its_side_is_stood_up_when_it_is_not_upright_by_nature(chair_room):
    turn = np.eye(4)
    turn[:3, :3] = [[1, 0, 0], [0, 0, -1], [0, 1, 0]]
    body = chair().moved(turn)
    (placement,) = solve(chair_room.with_candidates(mesh_of(body, upright=False)), starts=12)
    assert chair_room.error(0, placement.camera_from_object, body) < 0.06


def test_the_best_fitting_candidate_wins(chair_room):
    wrong = [crate(), chair().moved(np.diag([0.5, 1.6, 0.5, 1]))]
    meshes = [mesh_of(wrong[0]), mesh_of(chair()), mesh_of(wrong[1])]
    (placement,) = solve(chair_room.with_candidates(*meshes), starts=6)
    assert placement.candidate == 1


def test_a_symmetric_body_is_not_called_ambiguous_for_its_symmetry():
    room = make_room({0: (crate(), upright_pose(0.5, (0.0, 2.6)))}, noise=0.003)
    (placement,) = solve(room.inputs)
    assert room.error_of_the_body(0, placement.camera_from_object) < 0.04
    assert not placement.ambiguous


def test_the_same_input_gives_the_same_pose(chair_room):
    first, second = (solve(chair_room.inputs, starts=4)[0].camera_from_object for _ in range(2))
    assert first is not None
    assert second is not None
    np.testing.assert_allclose(first.matrix(), second.matrix(), atol=1e-9)


# --- or says why not -------------------------------------------------------------------------


def _one_face() -> MeshData:
    body = chair()
    return MeshData(body.vertices[:3], np.array([[0, 1, 2]]), np.zeros(1, int), body.materials)


def _flat() -> MeshData:
    return chair().moved(np.diag([1, 1, 1e-9, 1]))


def _with_degenerate_faces() -> MeshData:
    body = chair()
    faces = np.concatenate([body.faces, np.zeros((5, 3), int)])
    return replace(body, faces=faces, face_material=np.zeros(len(faces), int))


def _needle() -> MeshData:
    return boxes(((0, 0, 0), (0.001, 1, 0.001)))


@pytest.mark.parametrize("body", [_one_face, _flat, _with_degenerate_faces, _needle])
def test_strange_meshes_give_a_finite_pose_or_a_reason(chair_room, body):
    (placement,) = solve(chair_room.with_candidates(mesh_of(body())), starts=4)
    pose = placement.camera_from_object
    assert bool(placement.failure) != (pose is not None)
    assert pose is None or (np.isfinite(pose.matrix()).all() and pose.scale > 0)


def test_too_few_points_are_named_with_the_way_out(chair_room):
    points = np.full_like(chair_room.inputs.geometry.points, np.nan)
    rows, columns = np.nonzero(chair_room.inputs.objects.by_id(0).mask)
    at = rows[len(rows) // 2], columns[len(rows) // 2]
    around = np.s_[at[0] - 1 : at[0] + 1, at[1] - 1 : at[1] + 1]
    points[around] = chair_room.inputs.geometry.points[around]
    (placement,) = solve(chair_room.with_geometry(points=points))
    assert placement.camera_from_object is None
    assert "thing 0" in placement.failure
    assert "too few" in placement.failure
    assert "hybrid" in placement.failure


def test_nothing_found_is_a_failure_and_no_identity(chair_room, monkeypatch):
    from cast_nodes.register import _icp_solve

    pytest.importorskip("open3d")
    monkeypatch.setattr(_icp_solve, "consensus", lambda *args: [])
    (placement,) = solve(chair_room.inputs)
    assert placement.camera_from_object is None
    assert "no features" in placement.failure


def test_a_poor_fit_is_a_failure_that_names_the_option(chair_room):
    (placement,) = solve(chair_room.inputs, reach=0.005, min_fitness=1.0, starts=4)
    assert placement.camera_from_object is None
    assert "thing 0" in placement.failure
    assert "min_fitness" in placement.failure


def test_a_mesh_does_not_grow_until_all_points_are_one_spot_of_it(chair_room):
    (placement,) = solve(chair_room.with_candidates(mesh_of(_needle())), starts=4)
    pose = placement.camera_from_object
    assert pose is None or pose.scale < 5


def test_a_broken_candidate_is_passed_over_and_named_when_it_is_the_only_one(chair_room):
    broken = replace(mesh_of(chair()), glb=b"not a mesh", name="broken")
    (placement,) = solve(chair_room.with_candidates(broken, mesh_of(chair())), starts=4)
    assert placement.candidate == 1
    (alone,) = solve(chair_room.with_candidates(broken))
    assert alone.camera_from_object is None
    assert "broken" in alone.failure


def test_a_surprise_with_one_object_does_not_stop_the_others(occluded_room, monkeypatch):
    from cast_nodes.register import _icp_solve

    pytest.importorskip("open3d")
    normal = _icp_solve.unit_of

    def unit_of(problem):
        if problem.id == 0:
            raise RuntimeError("surprise")
        return normal(problem)

    monkeypatch.setattr(_icp_solve, "unit_of", unit_of)
    broken, placed = solve(occluded_room.inputs, starts=4)
    assert "surprise" in broken.failure
    assert placed.camera_from_object is not None


def test_guessed_points_are_warned_about_once(occluded_room):
    said: list[str] = []
    found = solve(
        occluded_room.with_geometry(approximate=True), Context(warn=said.append), starts=4
    )
    assert [p.id for p in found] == [0, 1]
    assert len(said) == 1
    assert "hybrid" in said[0]


def test_a_run_is_stopped_between_objects(occluded_room):
    pytest.importorskip("open3d")
    from cast_nodes.register import icp
    from cast_nodes.register.problem import make_problem

    inputs, context = occluded_room.inputs, Context()
    problems = [
        make_problem(item, inputs.objects, inputs.geometry, inputs.meshes.get(item.id))
        for item in inputs.objects.kept
    ]
    context.cancel.cancel()
    with pytest.raises(Cancelled):
        icp.run(problems, icp.IcpOptions(), context)


def test_open3d_says_nothing_on_the_console(chair_room, capfd):
    solve(chair_room.inputs, starts=2)
    assert "Open3D" not in "".join(capfd.readouterr())


def test_the_missing_package_is_named_with_its_install_line(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(BackendNotReady, match="pip install open3d"):
        get_backend("register", "icp").require(Context())


def test_a_package_that_does_not_load_is_named(monkeypatch):
    import sys

    from cast_nodes.register import icp

    monkeypatch.setitem(sys.modules, "open3d", None)
    with pytest.raises(BackendNotReady, match="cannot load open3d"):
        icp.run([], icp.IcpOptions(), Context())


# --- its parts -------------------------------------------------------------------------------

seeds = st.integers(0, 2**32 - 1)


def _some_pose(rng: np.random.Generator) -> consensus.Pose:
    from scipy.spatial.transform import Rotation

    turn = Rotation.from_quat(rng.normal(size=4)).as_matrix()
    return consensus.Pose(turn, rng.normal(size=3), float(np.exp(rng.uniform(-2, 2))))


@given(seeds)
def test_a_similarity_is_recovered_from_three_points(seed):
    rng = np.random.default_rng(seed)
    pose = _some_pose(rng)
    mesh = rng.normal(size=(1, 3, 3))
    seen = pose.size * mesh @ pose.rotation.T + pose.translation
    rotation, translation, size = consensus.similarities(mesh, seen)
    again = size[0] * mesh[0] @ rotation[0].T + translation[0]
    np.testing.assert_allclose(again, seen[0], atol=1e-8)
    assert np.linalg.det(rotation[0]) == pytest.approx(1)


@given(seeds)
def test_a_pose_survives_the_way_through_its_matrix(seed):
    pose = _some_pose(np.random.default_rng(seed))
    again = consensus.Pose.from_matrix(pose.matrix_mesh_from_camera())
    assert again is not None
    np.testing.assert_allclose(again.rotation, pose.rotation, atol=1e-9)
    np.testing.assert_allclose(again.translation, pose.translation, atol=1e-8)
    assert again.size == pytest.approx(pose.size)


def test_a_matrix_that_shrinks_everything_to_a_point_is_no_pose():
    assert consensus.Pose.from_matrix(np.zeros((4, 4))) is None
    assert consensus.Pose.from_matrix(np.full((4, 4), np.nan)) is None


@given(seeds)
def test_standing_up_mends_the_lean_and_keeps_middle_and_size(seed):
    rng = np.random.default_rng(seed)
    pose = _some_pose(rng)
    matrix, middle = pose.matrix_mesh_from_camera(), rng.normal(size=3)
    up = pose.rotation @ np.array([0.3, 1.0, -0.2])
    up /= np.linalg.norm(up)
    stood = refining.stood_up(matrix, up, middle)
    leaning = stood[:3, :3] @ up
    np.testing.assert_allclose(leaning / np.linalg.norm(leaning), [0, 1, 0], atol=1e-9)
    at = np.append(middle, 1)
    np.testing.assert_allclose(stood @ at, matrix @ at, atol=1e-9)
    np.testing.assert_allclose(np.linalg.det(stood), np.linalg.det(matrix), rtol=1e-9)


@settings(max_examples=4, deadline=None)
@given(seeds, st.booleans())
def test_consensus_finds_the_pose_among_matches_of_which_most_are_wrong(seed, upright):
    rng = np.random.default_rng(seed)
    surface = make_surface(chair())
    truth = upright_pose(float(rng.uniform(-3, 3)), (0.1, 2.0), 1.5)
    on_mesh = surface.spread[:400].astype(np.float64)
    seen = truth.apply(on_mesh)
    matched = on_mesh.copy()
    wrong = rng.random(400) > 0.2
    matched[wrong] = surface.spread[rng.integers(0, len(surface.spread), wrong.sum())]
    everywhere = Outline(INTRINSICS, np.ones((180, 240), bool), np.full((180, 240), np.nan))
    up = UP if upright else None
    found = consensus.consensus(
        [Matches(seen, matched, 1.5)], seen, surface, up, (0.8, 2.5), everywhere, 4, 0
    )
    np.testing.assert_allclose(found[0].rotation, truth.rotation, atol=0.1)
    assert found[0].size == pytest.approx(1.5, rel=0.1)


def test_mesh_beside_the_mask_or_before_the_seen_surface_is_forbidden():
    allowed, front = np.zeros((10, 10), bool), np.full((10, 10), np.nan)
    allowed[:, :5] = True
    front[:5, :5] = 2.0
    outline = Outline(np.array([[10.0, 0, 5], [0, 10, 5], [0, 0, 1]]), allowed, front)
    samples = np.array(
        [
            [-0.5, -0.5, 2.0],  # on the seen surface
            [-0.5, -0.5, 3.0],  # behind it
            [-0.5, -0.5, 1.5],  # before it
            [-0.5, 0.5, 1.5],  # where no surface is known
            [0.5, 0.5, 2.0],  # beside the mask
            [-0.5, 0.5, -1.0],  # behind the camera
        ]
    )
    still = np.eye(3)[None], np.zeros((1, 3)), np.ones(1)
    found = [float(outline.violated(*still, sample[None])[0]) for sample in samples]
    assert found == [0, 0, 1, 0, 1, 1]
    assert outline.violated(*still, samples)[0] == pytest.approx(0.5)


def test_fewer_right_matches_are_needed_for_two_points_than_for_three():
    """The number of draws follows from the confidence."""
    right = consensus.RIGHT_MATCHES
    for points in (2, 3):
        draws = consensus.draws_for(points)
        assert (1 - right**points) ** draws <= 1 - consensus.CONFIDENCE
        assert (1 - right**points) ** (draws * 0.99) > 1 - consensus.CONFIDENCE
