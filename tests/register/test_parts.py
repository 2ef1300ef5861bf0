"""Properties of the pieces: rotations, distances, starts, solver."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.spatial import KDTree
from scipy.spatial.transform import Rotation

from cast_nodes.context import Context
from cast_nodes.frames import Sim3
from cast_nodes.register import make_problem
from cast_nodes.register.batch import rotation_exp
from cast_nodes.register.cascade import refine
from cast_nodes.register.choose import same_shape
from cast_nodes.register.distance import CELL, Fields
from cast_nodes.register.hybrid import HybridOptions
from cast_nodes.register.hypotheses import all_rotations, facing_rotation, yaw_rotations
from cast_nodes.register.sampling import MAX_FACES, SPREAD, make_surface

from .conftest import chair, crate

CPU = torch.device("cpu")
angles = st.floats(-3, 3)
directions = st.tuples(angles, angles, angles).filter(lambda v: np.linalg.norm(v) > 0.1)


def is_rotation(matrices: np.ndarray) -> bool:
    eye = matrices @ np.swapaxes(matrices, -1, -2)
    return bool(
        np.allclose(eye, np.eye(3), atol=1e-5)
        and np.allclose(np.linalg.det(matrices), 1, atol=1e-5)
    )


@given(directions, directions)
@example((0.0, -1.0, 0.0), (0.0, 1.0, 0.0))
@example((0.0, 0.0, -1.0), (0.0, 0.0, 1.0))
def test_yaw_rotations_put_y_up_and_the_first_faces_the_camera(up, forward):
    up, forward = np.array(up) / np.linalg.norm(up), np.array(forward) / np.linalg.norm(forward)
    turns = yaw_rotations(up, 12, forward)
    assert is_rotation(turns)
    np.testing.assert_allclose(turns[:, :, 1], np.broadcast_to(up, (12, 3)), atol=1e-9)
    if abs(forward @ up) < 0.99:
        towards = turns[:, :, 2] @ forward
        assert towards[0] <= towards.min() + 1e-9


@given(directions)
def test_the_facing_rotation_shows_z_to_the_camera(direction):
    turn = facing_rotation(np.array(direction))
    assert is_rotation(turn)
    unit = np.array(direction) / np.linalg.norm(direction)
    np.testing.assert_allclose(turn[:, 2], -unit, atol=1e-9)


def test_all_rotations_leave_no_hole():
    turns = Rotation.from_matrix(all_rotations(96))
    some = Rotation.random(200, random_state=0)
    nearest = [min((turns.inv() * one).magnitude()) for one in some]
    assert max(nearest) < np.deg2rad(50)


@given(st.lists(st.floats(-2, 2), min_size=3, max_size=3))
def test_the_exponential_agrees_with_scipy(vector):
    mine = rotation_exp(torch.tensor([vector], dtype=torch.float64))[0].numpy()
    np.testing.assert_allclose(mine, Rotation.from_rotvec(vector).as_matrix(), atol=1e-7)


def test_the_grid_finds_the_nearest_sample_up_to_its_cell():
    surface = make_surface(chair())
    fields = Fields([surface], CPU)
    points = np.random.default_rng(0).uniform(-0.45, 0.45, (500, 3)).astype(np.float32)
    found, normals = fields.query(torch.from_numpy(points)[None], torch.tensor([0]))
    exact, _ = KDTree(surface.dense).query(points)
    inside = (np.abs(points) < surface.half + 4 * CELL).all(1)
    gap = np.linalg.norm(found[0].numpy() - points, axis=1)
    assert (gap - exact)[inside].max() < 2 * CELL
    np.testing.assert_allclose(normals.norm(dim=-1).numpy(), 1, atol=1e-4)


def test_a_surface_is_centred_and_of_size_one():
    surface = make_surface(chair())
    np.testing.assert_allclose(np.linalg.norm(2 * surface.half), 1)
    assert np.abs(surface.dense).max() <= 0.5 + 1e-6
    assert 1000 < len(surface.spread) <= SPREAD
    assert len(surface.faces) <= MAX_FACES


def test_symmetry_is_what_the_body_has():
    surfaces = [make_surface(crate()), make_surface(chair())]
    fields = Fields(surfaces, CPU)
    samples = torch.stack([torch.from_numpy(s.spread[:900]) for s in surfaces])
    half_turn = np.diag([-1.0, 1.0, -1.0])
    quarter = np.array([[0, 0, 1.0], [0, 1, 0], [-1, 0, 0]])
    assert same_shape(fields, samples, 0, np.eye(3), half_turn)
    assert not same_shape(fields, samples, 0, np.eye(3), quarter)
    assert not same_shape(fields, samples, 1, np.eye(3), half_turn)


@settings(max_examples=5, deadline=None)
@given(st.floats(-0.25, 0.25), st.floats(-0.15, 0.15), st.integers(0, 1000))
def test_a_pose_from_elsewhere_is_refined(chair_room, yaw, grow, seed):
    truth = chair_room.truth[0]
    inputs = chair_room.inputs
    problem = make_problem(
        inputs.objects.by_id(0), inputs.objects, inputs.geometry, inputs.meshes.get(0)
    )
    turn = Rotation.from_rotvec(truth.rotation[:, 1] * yaw).as_matrix()
    shift = np.random.default_rng(seed).normal(size=3) * 0.03
    start = Sim3(turn @ truth.rotation, truth.translation + shift, truth.scale * np.exp(grow))
    (placement,) = refine([problem], [[start]], HybridOptions(), Context())
    assert chair_room.error(0, placement.camera_from_object) < 0.03


def test_a_problem_is_its_own_key_whatever_its_name(chair_room):
    inputs = chair_room.inputs
    problem = make_problem(
        inputs.objects.by_id(0), inputs.objects, inputs.geometry, inputs.meshes.get(0)
    )
    assert replace(problem, id=5, label="other").key == problem.key
