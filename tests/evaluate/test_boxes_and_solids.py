"""Overlap of boxes and of insides."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cast_nodes.evaluate.boxes import Box, box_iou, boxes_iou, gravity_box, oriented_box
from cast_nodes.evaluate.solid import inside, is_watertight, surface_voxel_iou, volume_iou

from .shapes import ball, box, chair, joined, mesh, square, turn

angles = st.floats(-180, 180)


def triangles(data, pose=None):
    vertices = data.vertices if pose is None else pose.apply(data.vertices)
    return vertices[data.faces]


def test_unit_cubes_a_quarter_apart_overlap_by_three_fifths():
    one, other = box(), box(centre=(0.25, 0, 0))
    assert box_iou(one.vertices, other.vertices) == pytest.approx(0.6)
    assert boxes_iou(gravity_box(one.vertices), gravity_box(other.vertices)) == pytest.approx(0.6)
    assert boxes_iou(oriented_box(one.vertices), oriented_box(other.vertices)) == pytest.approx(0.6)
    assert volume_iou(triangles(one), triangles(other)) == pytest.approx(0.6, abs=0.01)


def test_boxes_that_do_not_meet_or_are_flat_have_no_overlap():
    far = box(centre=(2, 0, 0))
    assert box_iou(box().vertices, far.vertices) == 0
    assert boxes_iou(gravity_box(box().vertices), gravity_box(far.vertices)) == 0
    flat = square()
    assert box_iou(flat.vertices, flat.vertices) == 0
    assert boxes_iou(gravity_box(flat.vertices), gravity_box(flat.vertices)) == 0


def test_a_cube_turned_by_45_degrees_overlaps_itself_in_an_octagon():
    turned = Box(turn((0, 1, 0), 45).rotation, np.zeros(3), np.ones(3))
    octagon = 2 * (np.sqrt(2) - 1)  # area common to the two unit squares
    expected = octagon / (2 - octagon)
    assert boxes_iou(Box(np.eye(3), np.zeros(3), np.ones(3)), turned) == pytest.approx(expected)


@given(angles)
def test_an_upright_box_turns_with_what_stands_in_it(angle):
    long = box((2, 1, 0.5)).vertices
    turned = turn((0, 1, 0), angle, (1, 2, 3)).apply(long)
    found = gravity_box(turned)
    assert found.volume == pytest.approx(1)
    assert np.sort(found.size) == pytest.approx([0.5, 1, 2])
    moved = turn((0, 1, 0), angle, (1.2, 2, 3)).apply(long)
    straight = boxes_iou(gravity_box(long), gravity_box(long))
    assert straight == pytest.approx(1)
    assert boxes_iou(found, gravity_box(moved)) <= 1 + 1e-9


@given(angles, st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda a: np.linalg.norm(a) > 0.1))
def test_an_oriented_box_turns_with_anything(angle, axis):
    turned = turn(axis, angle, (1, 2, 3)).apply(box((2, 1, 0.5)).vertices)
    found = oriented_box(turned)
    assert found.volume == pytest.approx(1, rel=1e-4)
    corners = np.sort(np.round(found.corners, 4), 0)
    assert corners == pytest.approx(np.sort(np.round(turned, 4), 0), abs=2e-4)


@given(angles, st.floats(-0.8, 0.8), st.floats(-0.8, 0.8))
def test_overlap_of_boxes_is_symmetric_and_moves_along(angle, x, z):
    one = Box(np.eye(3), np.zeros(3), np.array([1.0, 1.0, 1.0]))
    other = Box(turn((1, 1, 0), angle).rotation, np.array([x, 0.1, z]), np.array([0.7, 1.1, 0.9]))
    iou = boxes_iou(one, other)
    assert boxes_iou(other, one) == pytest.approx(iou, abs=1e-9)
    motion = turn((3, 1, 2), 40, (1, 2, 3))

    def moved(b: Box) -> Box:
        return Box(motion.rotation @ b.rotation, motion.apply(b.centre), b.size)

    assert boxes_iou(moved(one), moved(other)) == pytest.approx(iou, abs=1e-7)


def test_box_volumes_in_common_agree_with_counted_points():
    one = Box(np.eye(3), np.zeros(3), np.array([1.0, 1.2, 0.8]))
    other = Box(turn((1, 2, 0), 33).rotation, np.array([0.3, 0.1, 0]), np.array([0.9, 0.7, 1.1]))
    points = np.random.default_rng(0).uniform(-1.2, 1.2, (200_000, 3))

    def within(b: Box):
        return (b.halfspaces[:, :3] @ points.T + b.halfspaces[:, 3:] <= 0).all(0)

    a, b = within(one), within(other)
    assert boxes_iou(one, other) == pytest.approx((a & b).sum() / (a | b).sum(), abs=0.02)


@pytest.mark.parametrize("data", [box(), ball(fineness=2), chair()], ids=["box", "ball", "chair"])
def test_insides_are_those_that_trimesh_finds(data):
    trimesh = pytest.importorskip("trimesh")
    points = np.random.default_rng(1).uniform(-1.1, 1.1, (3000, 3))
    parts = trimesh.Trimesh(data.vertices, data.faces).split()
    expected = np.any([part.contains(points) for part in parts], 0)
    assert (inside(triangles(data), points) == expected).all()


def test_points_on_the_diagonals_of_faces_are_not_miscounted():
    grid = np.linspace(-0.45, 0.45, 10)
    points = np.stack(np.meshgrid(grid, grid, grid), -1).reshape(-1, 3)
    assert inside(triangles(box()), points).all()
    assert not inside(triangles(box()), points + np.array([1, 0, 0])).any()


def test_inside_out_and_doubled_faces_do_no_harm():
    points = np.array([[0, 0, 0], [0.6, 0, 0], [0, 2.0, 0]])
    flipped = mesh(box().vertices, box().faces[:, ::-1])
    assert inside(triangles(flipped), points).tolist() == [True, False, False]
    both_sides = joined(square(), mesh(square().vertices, square().faces[:, ::-1]))
    assert not inside(triangles(both_sides), np.array([[0.5, -0.1, 0.5], [0.5, 0.1, 0.5]])).any()


def test_a_small_hole_costs_little_and_an_open_sheet_has_no_volume():
    whole = ball(fineness=3)
    centres = whole.triangles.mean(1)
    holed = mesh(whole.vertices, whole.faces[centres[:, 1] < 0.95])
    assert volume_iou(triangles(holed), triangles(whole)) > 0.97
    assert volume_iou(triangles(square()), triangles(whole)) is None
    assert is_watertight(whole.faces, whole.vertices)
    assert not is_watertight(holed.faces, holed.vertices)


def test_volume_iou_of_balls_is_the_cube_of_their_radii():
    found = volume_iou(triangles(ball(0.8)), triangles(ball(1.0)))
    assert found == pytest.approx(0.8**3, abs=0.01)


def test_surface_voxels_of_one_surface_are_the_same_and_of_two_are_not():
    points = np.random.default_rng(0).uniform(-0.9, 0.9, (5000, 3))
    points[:, 1] = 0.001
    assert surface_voxel_iou(points, points) == 1
    assert surface_voxel_iou(points, points + np.array([0, 0.2, 0])) == 0
