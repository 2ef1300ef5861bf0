"""Distances between surfaces: closed forms, properties, independent implementations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cast_nodes.evaluate.distances import distances, normal_consistency
from cast_nodes.evaluate.samples import surface_samples

from .shapes import ball, box, chair, square, turn

angles = st.floats(-180, 180)
lengths = st.floats(-3, 3)


def samples(data, seed=0, count=4000):
    return surface_samples(data, count, seed)[0]


def test_samples_are_spread_by_area_and_are_the_same_each_time():
    data = box((4, 1, 1))
    points, normals = surface_samples(data, 20_000, 3)
    assert (points == surface_samples(data, 20_000, 3)[0]).all()
    assert (points != surface_samples(data, 20_000, 4)[0]).any()
    ends = np.abs(normals[:, 0]) > 0.5
    assert ends.mean() == pytest.approx(2 / 18, abs=0.01)
    assert np.abs(points[ends][:, 0]) == pytest.approx(2)


def test_parallel_squares_are_their_distance_apart_in_every_measure():
    d = 0.2
    found = distances(samples(square(d), 0, 20_000), samples(square(0), 1, 20_000))
    assert found.chamfer_mean == pytest.approx(d, rel=0.005)
    assert found.chamfer_sum == pytest.approx(2 * d, rel=0.005)
    assert found.chamfer_squared_sum == pytest.approx(2 * d * d, rel=0.005)
    assert found.chamfer_squared_mean == pytest.approx(d * d, rel=0.005)
    assert found.hausdorff == pytest.approx(d, rel=0.02)
    assert found.f_score(d * 1.05).f == 1 and found.f_score(d * 0.99).f == 0


def test_balls_within_each_other_are_apart_by_the_difference_of_their_radii():
    found = distances(samples(ball(1.0), 0, 40_000), samples(ball(1.5), 1, 40_000))
    assert found.chamfer_mean == pytest.approx(0.5, abs=0.005)
    assert found.hausdorff == pytest.approx(0.5, abs=0.01)
    assert found.hausdorff_95 == pytest.approx(0.5, abs=0.01)


def test_precision_speaks_of_the_prediction_and_recall_of_the_truth():
    quarter, whole = square(side=1), square(side=2)
    too_little = distances(samples(quarter, 0), samples(whole, 1)).f_score(0.1)
    too_much = distances(samples(whole, 0), samples(quarter, 1)).f_score(0.1)
    assert too_little.precision == 1
    assert too_little.recall == pytest.approx(1.1**2 / 4, abs=0.02)
    assert (too_much.precision, too_much.recall) == pytest.approx(
        (too_little.recall, too_little.precision), abs=0.02
    )
    assert too_little.f == pytest.approx(2 / (1 / too_little.precision + 1 / too_little.recall))


def test_nothing_near_is_an_f_of_zero():
    assert distances(samples(box()), samples(box(centre=(9, 0, 0)))).f_score(0.1).f == 0


def test_normals_agree_on_parallel_squares_and_not_on_crossed_ones():
    level, normal = surface_samples(square(), 2000, 0)
    again, its_normal = surface_samples(square(0.1), 2000, 1)
    assert normal_consistency(level, normal, again, its_normal) == pytest.approx(1)
    assert normal_consistency(level, normal, again, -its_normal) == pytest.approx(1)
    upright = turn((1, 0, 0), 90)
    crossed = normal_consistency(level, normal, upright.apply(again), upright.rotate(its_normal))
    assert crossed == pytest.approx(0, abs=1e-9)


@given(angles, st.tuples(lengths, lengths, lengths))
def test_a_motion_of_both_changes_nothing_and_a_scale_scales(angle, shift):
    one, other = samples(chair(), 0, 800), samples(chair(), 1, 800) + np.array([0.1, 0, 0])
    before = distances(one, other)
    motion = turn((1, 2, 3), angle, shift)
    after = distances(motion.apply(one), motion.apply(other))
    assert after.chamfer_mean == pytest.approx(before.chamfer_mean, rel=1e-9)
    assert after.hausdorff == pytest.approx(before.hausdorff, rel=1e-9)
    larger = distances(3 * one, 3 * other)
    assert larger.chamfer_sum == pytest.approx(3 * before.chamfer_sum, rel=1e-9)
    assert larger.chamfer_squared_sum == pytest.approx(9 * before.chamfer_squared_sum, rel=1e-9)
    assert larger.f_score(0.3).f == pytest.approx(before.f_score(0.1).f)


@given(st.tuples(lengths, lengths, lengths))
def test_changing_sides_swaps_precision_and_recall_alone(shift):
    one, other = samples(chair(), 0, 500), samples(box(), 1, 700) + shift
    there, back = distances(one, other), distances(other, one)
    assert there.chamfer_sum == pytest.approx(back.chamfer_sum)
    assert there.hausdorff == back.hausdorff
    assert there.f_score(0.2).precision == back.f_score(0.2).recall
    assert there.f_score(0.2).f == pytest.approx(back.f_score(0.2).f)


def test_open3d_measures_the_same_distances():
    o3d = pytest.importorskip("open3d")
    one, other = samples(chair(), 0), samples(ball(0.5), 1)

    def cloud(points):
        return o3d.geometry.PointCloud(o3d.utility.Vector3dVector(points))

    found = distances(one, other)
    there = np.asarray(cloud(one).compute_point_cloud_distance(cloud(other)))
    back = np.asarray(cloud(other).compute_point_cloud_distance(cloud(one)))
    assert np.sort(found.to_truth) == pytest.approx(np.sort(there))
    assert np.sort(found.to_predicted) == pytest.approx(np.sort(back))


def test_point_cloud_utils_measures_the_same_chamfer_and_hausdorff():
    pcu = pytest.importorskip("point_cloud_utils")  # MIT; for this test alone
    one, other = samples(chair(), 0), samples(ball(0.5), 1)
    found = distances(one, other)
    assert found.chamfer_sum == pytest.approx(pcu.chamfer_distance(one, other), rel=1e-6)
    assert found.hausdorff == pytest.approx(pcu.hausdorff_distance(one, other), rel=1e-6)


def test_distances_to_samples_come_near_those_to_the_surface_itself():
    trimesh = pytest.importorskip("trimesh")
    data = chair()
    surface = trimesh.Trimesh(data.vertices, data.faces, process=False)
    points = samples(ball(0.8), 0, 300)
    exact = trimesh.proximity.closest_point(surface, points)[1]
    sampled = distances(points, samples(data, 1, 40_000)).to_truth
    assert np.sort(sampled) == pytest.approx(np.sort(exact), abs=0.01)
