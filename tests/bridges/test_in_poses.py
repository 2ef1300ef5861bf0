"""Poses of other systems become placements for Register."""

import json

import numpy as np
import pytest
from coloured_things import things
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from cast_nodes.bridges.from_poses import PoseOptions, placements_of, pose_of
from cast_nodes.errors import BadInput
from cast_nodes.frames import Sim3
from cast_nodes.records import placements_json
from cast_nodes.types import Placement, Placements

seeds = st.integers(0, 2**31)


def random_pose(seed: int) -> Sim3:
    rng = np.random.default_rng(seed)
    rotation = Rotation.from_rotvec(rng.normal(0, 1.5, 3)).as_matrix()
    return Sim3(rotation, rng.normal(size=3), float(np.exp(rng.normal())))


def same(a: Sim3 | None, b: Sim3) -> None:
    assert a is not None
    np.testing.assert_allclose(a.matrix(), b.matrix(), atol=1e-9)


def test_our_own_placements_come_back():
    poses = [random_pose(i) for i in range(3)]
    given_ = Placements(tuple(Placement(10 + i, p, locked=i == 1) for i, p in enumerate(poses)))
    made = placements_of(json.dumps(placements_json(given_)), things(3), "", PoseOptions())
    assert [(p.id, p.locked) for p in made.placements] == [(10, False), (11, True), (12, False)]
    for item, pose in zip(made.placements, poses, strict=True):
        same(item.camera_from_object, pose)


@settings(max_examples=30)
@given(seeds, st.sampled_from(["wxyz", "xyzw"]), st.sampled_from(["column", "row"]))
def test_a_quaternion_and_its_matrix_are_the_same_pose(seed, order, vectors):
    pose = random_pose(seed)
    options = PoseOptions(convention="as set below", quaternion=order, vectors=vectors)
    linear = pose.rotation.T if vectors == "row" else pose.rotation
    quaternion = Rotation.from_matrix(linear).as_quat()
    parts = {
        "rotation": [(quaternion[[3, 0, 1, 2]] if order == "wxyz" else quaternion).tolist()],
        "translation": [pose.translation.tolist()],
        "scale": [pose.scale] * 3,
    }
    matrix = pose.matrix().T if vectors == "row" else pose.matrix()
    for entry in (
        parts,
        parts | {"rotation": linear.tolist()},
        {"matrix": matrix.ravel().tolist()},
    ):
        found, stretch = pose_of(entry, options)
        same(found, pose)
        assert stretch is None


@settings(max_examples=30)
@given(seeds)
def test_sam_3d_objects_numbers_put_its_y_up_glb_into_our_camera(seed):
    """As its authors lay out scenes: the GLB turned to z up, scaled, times the rotation from the
    right, moved; the camera has x to the left and y up."""
    rng = np.random.default_rng(seed)
    quaternion = Rotation.from_rotvec(rng.normal(0, 1.5, 3)).as_quat()
    scale, translation = float(rng.uniform(0.2, 2)), rng.normal(size=3)
    entry = {
        "rotation": [quaternion[[3, 0, 1, 2]].tolist()],
        "scale": [[scale] * 3], "translation": [translation.tolist()],
    }  # fmt: skip
    points = rng.normal(size=(5, 3))
    z_up = points @ np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]])
    in_camera = (scale * z_up) @ Rotation.from_quat(quaternion).as_matrix() + translation
    made, _ = pose_of(entry, PoseOptions(convention="SAM 3D Objects"))
    np.testing.assert_allclose(made.apply(points), in_camera * [-1, -1, 1], atol=1e-9)


@given(seeds)
def test_a_gltf_cameras_y_and_z_are_turned(seed):
    pose = random_pose(seed)
    made, _ = pose_of(
        {"pose": pose.matrix()}, PoseOptions(convention="as set below", camera="glTF")
    )
    point = np.array([[0.3, -0.2, 0.9]])
    np.testing.assert_allclose(made.apply(point), pose.apply(point) * [1, -1, -1], atol=1e-9)


@pytest.mark.parametrize("mesh_up", ["y", "z"])
def test_scales_that_differ_along_the_axes_stretch_the_mesh(mesh_up):
    options = PoseOptions(convention="as set below", mesh_up=mesh_up)
    entry = {"rotation": [1, 0, 0, 0], "translation": [0, 0, 1], "scale": [1, 2, 4]}
    pose, stretch = pose_of(entry, options)
    points = np.random.default_rng(0).normal(size=(5, 3))
    own = points if mesh_up == "y" else points @ np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]])
    np.testing.assert_allclose(pose.apply(points * stretch), own * [1, 2, 4] + [0, 0, 1], atol=1e-9)
    assert pose.scale == pytest.approx(2)


def test_our_own_stretched_placements_come_back():
    placement = Placement(10, random_pose(3), stretch=(2.0, 0.5, 1.0))
    text = json.dumps(placements_json(Placements((placement,))))
    (made,) = placements_of(text, things(1), "", PoseOptions()).placements
    same(made.camera_from_object, placement.camera_from_object)
    np.testing.assert_allclose(made.stretch, placement.stretch)


def test_without_ids_poses_are_the_kept_objects_in_their_order():
    text = json.dumps([{"matrix": np.eye(4).tolist()}] * 2)
    made = placements_of(text, things(2), "", PoseOptions(locked=True))
    assert [(p.id, p.locked) for p in made.placements] == [(10, True), (11, True)]
    assert [p.id for p in placements_of(text, None, "4, 2", PoseOptions()).placements] == [4, 2]


@pytest.mark.parametrize("text", ["", " \n", "[]", '{"objects": []}'])
def test_no_pose_gives_no_placement(text):
    assert placements_of(text, things(0), "", PoseOptions()).placements == ()


EYE = np.eye(4).tolist()
SHEAR = np.eye(4) + 0.3 * np.eye(4, k=1) * [[1], [0], [0], [0]]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([{"id": 99, "matrix": EYE}], "no kept object has the id 99"),
        ([{"id": 10, "matrix": EYE}, {"matrix": EYE}], "some entries have an id and some have none"),
        ([{"id": 10, "matrix": EYE}] * 2, "object 10 has two of them"),
        ([{"matrix": EYE}] * 3, "poses: 3 came for 2 kept objects"),
        ([{"id": 10, "matrix": np.diag([1, 1, -1, 1.0]).tolist()}], "object 10: the matrix mirrors"),
        ([{"id": 10, "matrix": SHEAR.tolist()}], "object 10: Sim3's rotation"),
        ([{"id": 10, "matrix": [1, 2]}], "object 10: its matrix has 2 numbers"),
        ([{"id": 10}], "object 10: it has no matrix and no rotation and no translation"),
        (
            [{"id": 10, "rotation": [1, 0, 0, 0], "translation": [0, 0, 1], "scale": [1, 0, 1]}],
            "is not one positive number, or three",
        ),
        (
            [{"id": 10, "rotation": [0, 0, 0, 0], "translation": [0, 0, 1]}],
            "object 10: its quaternion is zero",
        ),
        ([{"id": 10, "rotation": [1, 0], "translation": [0, 0, 1]}], "its rotation has 2 numbers"),
        ("chair", "poses: needed is a list of objects"),
    ],
)  # fmt: skip
def test_poses_that_cannot_be_used_are_named(document, message):
    with pytest.raises(BadInput, match=message):
        placements_of(json.dumps(document), things(2), "", PoseOptions())


def test_text_that_is_no_json_is_refused():
    with pytest.raises(BadInput, match="poses: the text is no JSON"):
        placements_of("{", None, "", PoseOptions())
