"""Sim3 is a group that acts on points; every change of frame has its inverse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from cast_nodes import frames
from cast_nodes.frames import Sim3

finite = st.floats(-50, 50)
vectors = st.tuples(finite, finite, finite).map(np.array)
rotations = (
    st.tuples(*[st.floats(-1, 1)] * 4)
    .filter(lambda q: np.linalg.norm(q) > 0.1)
    .map(lambda q: Rotation.from_quat(q).as_matrix())
)
similarities = st.builds(Sim3, rotations, vectors, st.floats(1e-3, 1e3))
points = st.lists(vectors, min_size=1, max_size=5).map(np.array)
cameras = st.builds(
    frames.intrinsics_from_fov, st.integers(64, 4000), st.integers(64, 4000), st.floats(0.3, 2.2)
)


def close(a, b, scale=1.0):
    return np.allclose(a, b, rtol=1e-7, atol=1e-7 * max(1.0, scale))


class TestSim3:
    @given(similarities, similarities, points)
    def test_a_product_acts_like_its_factors_one_after_the_other(self, a, b, p):
        expected = a.apply(b.apply(p))
        assert close((a @ b).apply(p), expected, np.abs(expected).max())

    @given(similarities, similarities, similarities, points)
    def test_products_are_associative(self, a, b, c, p):
        expected = (a @ (b @ c)).apply(p)
        assert close(((a @ b) @ c).apply(p), expected, np.abs(expected).max())

    @given(similarities, points)
    def test_the_inverse_undoes(self, a, p):
        assert np.allclose(a.inverse().apply(a.apply(p)), p, atol=1e-5)
        assert np.allclose((a @ a.inverse()).matrix(), np.eye(4), atol=1e-5)

    @given(similarities, points)
    def test_the_matrix_acts_like_the_transform_and_comes_back(self, a, p):
        homogeneous = np.c_[p, np.ones(len(p))] @ a.matrix().T
        assert close(homogeneous[:, :3], a.apply(p), np.abs(p).max() * a.scale)
        again = Sim3.from_matrix(a.matrix())
        assert np.isclose(again.scale, a.scale)
        assert np.allclose(again.rotation, a.rotation, atol=1e-7)

    @given(similarities, vectors)
    def test_directions_keep_their_length(self, a, v):
        assert np.isclose(np.linalg.norm(a.rotate(v)), np.linalg.norm(v), atol=1e-6)

    @pytest.mark.parametrize(
        "matrix",
        [
            np.diag([1.0, 1, -1, 1]),
            np.zeros((4, 4)),
            np.diag([1.0, 2, 1, 1]),
            np.full((4, 4), np.nan),
            np.eye(3),
            np.eye(4).T + np.eye(4, k=-3),
        ],
    )
    def test_what_is_no_similarity_is_refused(self, matrix):
        with pytest.raises(ValueError):
            Sim3.from_matrix(matrix)

    @pytest.mark.parametrize("scale", [0.0, -1.0, np.nan, np.inf])
    def test_a_scale_is_positive_and_finite(self, scale):
        with pytest.raises(ValueError):
            Sim3(np.eye(3), np.zeros(3), scale)


class TestPixels:
    @given(cameras, points.map(lambda p: np.c_[p[:, :2], np.abs(p[:, 2:]) + 0.1]))
    def test_unprojecting_a_projection_gives_the_point(self, intrinsics, p):
        pixels = frames.project(p, intrinsics)
        assert np.allclose(frames.unproject(pixels, p[:, 2], intrinsics), p, atol=1e-6)

    def test_points_behind_the_camera_have_no_pixel(self):
        intrinsics = frames.intrinsics_from_fov(100, 100, 1.0)
        assert np.isnan(frames.project(np.array([[0, 0, -1.0], [0, 0, 0]]), intrinsics)).all()

    def test_the_first_pixel_is_centred_at_one_half(self):
        assert frames.pixel_centres(2, 3)[0, 0].tolist() == [0.5, 0.5]
        assert frames.pixel_centres(2, 3)[1, 2].tolist() == [2.5, 1.5]

    @given(cameras, points.map(lambda p: np.c_[p[:, :2], np.abs(p[:, 2:]) + 0.1]))
    def test_resizing_and_cropping_move_the_pixels_along(self, intrinsics, p):
        pixels = frames.project(p, intrinsics)
        resized = frames.project(p, frames.resize_intrinsics(intrinsics, 0.5, 2.0))
        cropped = frames.project(p, frames.crop_intrinsics(intrinsics, 10, -4))
        size = np.abs(pixels).max()
        assert close(resized, pixels * [0.5, 2.0], size)
        assert close(cropped, pixels - [10, -4], size)

    @given(st.integers(64, 4000), st.integers(64, 4000), st.floats(0.3, 2.2))
    def test_normalised_intrinsics_come_back(self, width, height, fov):
        intrinsics = frames.intrinsics_from_fov(width, height, fov)
        normalised = np.diag([1 / width, 1 / height, 1]) @ intrinsics
        assert np.allclose(frames.denormalise_intrinsics(normalised, width, height), intrinsics)

    @given(st.integers(64, 4000), st.floats(0.3, 2.2))
    def test_the_field_of_view_spans_the_width(self, width, fov):
        intrinsics = frames.intrinsics_from_fov(width, 100, fov)
        edge = np.array([[np.tan(fov / 2), 0, 1.0]])
        assert np.isclose(frames.project(edge, intrinsics)[0, 0], width)


class TestWorld:
    @given(rotations, st.floats(0.1, 10))
    def test_the_floor_lies_at_zero_and_up_is_up(self, rotation, height):
        up = rotation @ np.array([0.0, 1, 0])
        floor = np.array([*up, height])
        world_from_camera = frames.world_from_camera(up, floor)
        assert np.allclose(world_from_camera.rotate(up), [0, 1, 0], atol=1e-9)
        below = -height * up
        assert np.allclose(world_from_camera.apply(below), [0, 0, 0], atol=1e-7)
        assert np.isclose(world_from_camera.scale, 1)

    def test_a_level_camera_looks_along_minus_z(self):
        world = frames.world_from_camera(frames.CAMERA_UP, np.array([0, -1.0, 0, 1.5]))
        assert np.allclose(world.apply(np.zeros(3)), [0, 1.5, 0])
        assert np.allclose(world.rotate([0, 0, 1.0]), [0, 0, -1])
        assert np.allclose(world.rotate([1.0, 0, 0]), [1, 0, 0])

    def test_a_camera_looking_straight_down_still_has_a_world(self):
        up = np.array([0, 0, -1.0])
        world = frames.world_from_camera(up, np.array([0, 0, -1.0, 2.0]))
        assert np.allclose(world.rotate(up), [0, 1, 0])
        assert np.isclose(np.linalg.det(world.rotation), 1)

    @given(similarities)
    def test_the_gltf_camera_looks_along_its_minus_z(self, pose):
        rigid = Sim3(pose.rotation, pose.translation)
        matrix = frames.gltf_camera_pose(rigid)
        assert np.allclose(matrix[:3, 3], rigid.translation)
        assert np.allclose(matrix[:3, :3] @ [0, 0, -1], rigid.rotate([0, 0, 1.0]))
        assert np.allclose(matrix[:3, :3] @ [0, 1, 0], rigid.rotate([0, -1.0, 0]))
