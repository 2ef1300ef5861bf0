"""Poses modulo symmetry, and alignment that undoes a known motion."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cast_nodes.evaluate.align import Icp, best_similarity, icp, normalised
from cast_nodes.evaluate.layout import Pair, icp_rotation_deg, layout_measure
from cast_nodes.evaluate.pose import (
    Body,
    add_s,
    add_s_both_ways,
    largest_distance,
    log_scale_error,
    rotation_error_deg,
    same_frame,
)
from cast_nodes.evaluate.samples import surface_samples
from cast_nodes.evaluate.scenes import Item
from cast_nodes.frames import Sim3

from .shapes import ball, box, chair, turn

HERE = Sim3.identity()
NOISE = 0.012
"""ADD-S of a perfect pose: samples never coincide."""


def item(data, pose=HERE):
    return Item(0, "thing", "thing", data, pose)


@pytest.mark.parametrize(
    ("data", "pose"),
    [
        (box(), turn((0, 1, 0), 90)),
        (box((1, 2, 1)), turn((0, 1, 0), 180)),
        (box((1, 2, 3)), turn((1, 0, 0), 180)),
        (ball(), turn((1, 2, 3), 77)),
    ],
    ids=["cube", "pillar", "brick", "ball"],
)
def test_a_turn_that_leaves_the_thing_as_it_is_is_no_error(data, pose):
    body = Body(data)
    assert add_s(body, HERE, body, pose) < NOISE
    assert add_s_both_ways(body, HERE, body, pose) < NOISE
    assert rotation_error_deg(pose.rotation, np.eye(3), body.symmetries) == pytest.approx(
        0, abs=1e-5
    )


def test_a_turn_that_does_not_is_told_in_degrees():
    body = Body(chair())
    for angle in (10, 90, 180):
        turned = turn((0, 1, 0), angle).rotation
        assert rotation_error_deg(turned, np.eye(3), body.symmetries) == pytest.approx(angle)
    cube = Body(box())
    turned = turn((0, 1, 0), 100).rotation
    assert rotation_error_deg(turned, np.eye(3), cube.symmetries) == pytest.approx(10)


def test_add_s_of_a_shifted_plate_is_the_shift_over_the_diameter():
    plate = Body(box((4, 0.001, 4)))
    up = turn((0, 1, 0), 0, (0, 0.5, 0))
    diagonal = np.sqrt(32)
    assert add_s(plate, HERE, plate, up) == pytest.approx(0.5 / diagonal, rel=0.01)
    assert add_s_both_ways(plate, HERE, plate, up) == pytest.approx(0.5 / diagonal, rel=0.01)


def test_add_s_one_way_forgives_too_much_and_both_ways_does_not():
    small, large = Body(box((1, 0.001, 1))), Body(box((3, 0.001, 3)))
    assert add_s(small, HERE, large, HERE) < 0.02
    assert add_s_both_ways(small, HERE, large, HERE) > 0.15


@settings(max_examples=15)
@given(st.floats(0.2, 5), st.floats(-180, 180))
def test_add_s_and_size_do_not_depend_on_the_unit(scale, angle):
    body, off = Body(chair()), turn((0, 1, 0), 20, (0.05, 0, 0), 1.1)
    world = turn((1, 1, 0), angle, (1, 2, 3), scale)
    before = add_s_both_ways(body, HERE, body, off)
    assert add_s_both_ways(body, world, body, world @ off) == pytest.approx(before, rel=1e-6)
    assert log_scale_error(body, world, body, world @ off) == pytest.approx(np.log(1.1))


def test_the_largest_distance_is_the_space_diagonal_of_a_box_and_the_diameter_of_a_ball():
    assert largest_distance(box((1, 2, 2)).vertices) == pytest.approx(3)
    assert largest_distance(ball(1.5).vertices) == pytest.approx(3, rel=0.01)


def test_rotation_is_not_told_between_meshes_that_share_no_frame():
    straight, lying = Body(chair()), Body(chair().moved(turn((1, 0, 0), 90).matrix()))
    assert same_frame(straight, Body(chair().moved(turn((0, 1, 0), 0, (1, 2, 3), 4).matrix())))
    assert not same_frame(straight, lying)
    assert layout_measure(Pair(item(lying.data), item(straight.data)), "rotation_deg") is None


def test_icp_tells_the_turn_of_a_thing_whatever_its_mesh_frame_place_and_size():
    lying = chair().moved(turn((1, 0, 0), 90).matrix())
    upright_again = turn((1, 0, 0), -90)
    posed = turn((0, 1, 0), 15, (0.3, 0, 0), 1.2) @ upright_again
    assert icp_rotation_deg(Pair(item(lying, posed), item(chair()))) == pytest.approx(15, abs=1)


@settings(max_examples=20)
@given(
    st.floats(-12, 12), st.tuples(*[st.floats(-0.05, 0.05)] * 3), st.booleans(),
    st.floats(0.9, 1.1),
)  # fmt: skip
def test_icp_undoes_a_small_known_motion(angle, shift, with_scale, size):
    points = surface_samples(chair(), 3000, 0)[0]
    moved = turn((1, 2, 3), angle, shift, size if with_scale else 1.0)
    found = icp(moved.apply(points), points, Icp(200, scale=with_scale, tolerance=1e-9))
    back = found @ moved
    assert back.apply(points) == pytest.approx(points, abs=0.01)
    assert found.scale == pytest.approx(1 / moved.scale, rel=0.02)


def test_icp_without_scale_leaves_the_size_and_stops_after_its_iterations():
    points = surface_samples(chair(), 2000, 0)[0]
    assert icp(1.3 * points, points, Icp(50)).scale == 1
    assert icp(points + np.array([0.2, 0, 0]), points, Icp(0)).matrix() == pytest.approx(np.eye(4))


def test_icp_comes_to_open3ds_result():
    o3d = pytest.importorskip("open3d")
    target = surface_samples(chair(), 3000, 0)[0]
    source = turn((0, 1, 0), 10, (0.03, 0.02, 0)).apply(surface_samples(chair(), 3000, 1)[0])

    def cloud(points):
        return o3d.geometry.PointCloud(o3d.utility.Vector3dVector(points))

    registration = o3d.pipelines.registration
    theirs = registration.registration_icp(
        cloud(source), cloud(target), 10.0, np.eye(4),
        registration.TransformationEstimationPointToPoint(),
        registration.ICPConvergenceCriteria(1e-9, 1e-9, 100),
    ).transformation  # fmt: skip
    ours = icp(source, target, Icp(100, tolerance=1e-9))
    assert ours.matrix() == pytest.approx(np.asarray(theirs), abs=2e-3)


@given(st.floats(-180, 180), st.tuples(*[st.floats(-3, 3)] * 3), st.floats(0.1, 9))
def test_the_best_similarity_of_known_partners_is_the_one_they_were_moved_by(angle, shift, size):
    points = surface_samples(chair(), 50, 0)[0]
    motion = turn((1, 2, 3), angle, shift, size)
    assert best_similarity(points, motion.apply(points), True).matrix() == pytest.approx(
        motion.matrix(), abs=1e-6
    )


def test_normal_frames_are_what_they_are_called():
    points = surface_samples(box((4, 2, 1), (5, 5, 5)), 5000, 0)[0]
    far = normalised(points, "centroid and farthest")
    assert far.mean(0) == pytest.approx(0, abs=1e-9)
    assert np.linalg.norm(far, axis=1).max() == pytest.approx(1)
    whole = normalised(points, "box")
    assert whole[:, 0].min() == pytest.approx(-1) and whole[:, 0].max() == pytest.approx(1)
    assert whole[:, 1].max() == pytest.approx(0.5, abs=0.01)
    each = normalised(points, "box per axis")
    assert each.min(0) == pytest.approx(-0.95) and each.max(0) == pytest.approx(0.95)
    assert normalised(points, "none") is points
