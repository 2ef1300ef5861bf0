"""The signed distance: closed forms, and meshes that are open, turned, doubled or thin."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from cast_nodes.physics.distance import closest_on_triangles, make_distance

AXIS = st.floats(-1.2, 1.2)
UP = np.array([0.0, 1.0, 0.0])
POINT = st.tuples(AXIS, AXIS, AXIS)


def made(shape):
    return make_distance(np.asarray(shape.vertices), np.asarray(shape.faces))


def box(size, centre=(0, 0, 0)) -> trimesh.Trimesh:
    shape = trimesh.creation.box(size)
    shape.apply_translation(centre)
    return shape


def box_distance(points: np.ndarray, size) -> np.ndarray:
    """Quilez, "Distance functions": a box about the origin."""
    over = np.abs(points) - np.asarray(size) / 2
    return np.linalg.norm(np.maximum(over, 0), axis=1) + np.minimum(over.max(1), 0)


BOX_SIZE = (1.0, 0.6, 0.4)
BOX = made(box(BOX_SIZE))
PLATE_SIZE = (1.6, 0.008, 0.8)
PLATE = made(box(PLATE_SIZE))
SPHERE = made(trimesh.creation.icosphere(4, 0.7))

TABLE = made(
    trimesh.util.concatenate(
        [box((1.2, 0.04, 0.8), (0, 0.73, 0))]
        + [box((0.06, 0.74, 0.06), (x, 0.37, z)) for x in (-0.5, 0.5) for z in (-0.3, 0.3)]
    )
)


@settings(deadline=None, max_examples=60)
@given(POINT)
def test_a_box_has_the_distance_of_its_formula(point):
    at = np.array([point])
    np.testing.assert_allclose(BOX(at), box_distance(at, BOX_SIZE), atol=1e-6)


@settings(deadline=None, max_examples=60)
@given(st.floats(-0.9, 0.9), st.floats(-0.02, 0.02), st.floats(-0.5, 0.5))
def test_a_thin_plate_has_an_inside(x, y, z):
    at = np.array([[x, y, z]])
    np.testing.assert_allclose(PLATE(at), box_distance(at, PLATE_SIZE), atol=1e-9)


@settings(deadline=None, max_examples=60)
@given(POINT)
def test_a_sphere_has_its_radius(point):
    at = np.array([point])
    # The facets lie inside the sphere by at most this much.
    np.testing.assert_allclose(SPHERE(at), np.linalg.norm(at) - 0.7, atol=4e-3)


@settings(deadline=None, max_examples=60)
@given(POINT)
def test_the_gradient_is_the_slope(point):
    at = np.array([point])
    value, gradient = BOX.with_gradient(at)
    np.testing.assert_allclose(np.linalg.norm(gradient), 1, atol=1e-9)
    step = 1e-6
    slope = (BOX(at + step * gradient) - value) / step
    middle = np.sort(np.abs(np.abs(at[0]) - np.array(BOX_SIZE) / 2))
    if middle[1] - middle[0] > 1e-3 and np.abs(at).min() > 1e-3:  # not where two faces compete
        np.testing.assert_allclose(slope, 1, atol=1e-3)


def test_a_table_is_not_filled_between_its_legs():
    assert TABLE(np.array([[0.0, 0.3, 0.0]]))[0] == pytest.approx(0.41)
    assert TABLE(np.array([[0.0, 0.73, 0.0]]))[0] == pytest.approx(-0.02)


def test_parts_that_overlap_are_one_solid():
    # The legs' tops lie within the top: no distance is measured to them.
    assert TABLE(np.array([[0.5, 0.73, 0.3]]))[0] < -0.019


@pytest.mark.parametrize("what", ["bottomless", "turned", "shuffled", "doubled"])
def test_badly_drawn_boxes_are_boxes_all_the_same(what):
    shape = trimesh.creation.box(BOX_SIZE).subdivide().subdivide()
    faces = np.asarray(shape.faces)
    if what == "bottomless":
        faces = faces[shape.face_normals[:, 1] > -0.9]
    elif what == "turned":
        faces = faces[:, ::-1]
    elif what == "shuffled":
        turned = np.random.default_rng(1).random(len(faces)) < 0.5
        faces = np.where(turned[:, None], faces[:, ::-1], faces)
    else:
        faces = np.concatenate([faces, faces[:, ::-1]])
    distance = make_distance(np.asarray(shape.vertices), faces)
    points = np.random.default_rng(0).uniform(-0.6, 0.6, (500, 3))
    points = points[np.abs(points[:, 1] + 0.3) > 0.28]  # away from the bottom that may lack
    expected = box_distance(points, BOX_SIZE)
    assert ((distance(points) < 0) == (expected < 0)).all()


def test_an_open_box_is_not_filled():
    shape = trimesh.creation.box((1, 1, 1))
    faces = np.asarray(shape.faces)[shape.face_normals[:, 1] < 0.9]
    distance = make_distance(np.asarray(shape.vertices), faces)
    assert distance(np.array([[0.0, -0.2, 0.0]]))[0] == pytest.approx(0.3)


def test_a_sheet_has_no_inside():
    corners = np.array([[-1, 0, -1], [1, 0, -1], [1, 0, 1], [-1, 0, 1.0]])
    sheet = make_distance(corners, np.array([[0, 1, 2], [0, 2, 3]]))
    assert not sheet.solid.any()
    np.testing.assert_allclose(sheet(np.array([[0, 0.1, 0], [0, -0.1, 0.0]])), 0.1)


def test_as_trimesh_says_of_a_closed_mesh():
    shape = trimesh.creation.torus(0.6, 0.2)
    points = np.random.default_rng(3).uniform(-0.8, 0.8, (400, 3))
    distance = make_distance(np.asarray(shape.vertices), np.asarray(shape.faces))
    _, apart, _ = trimesh.proximity.closest_point_naive(shape, points)
    ring = np.linalg.norm(points[:, :2], axis=1) - 0.6
    closed = np.hypot(ring, points[:, 2]) - 0.2
    np.testing.assert_allclose(np.abs(distance(points)), apart, atol=1e-3)
    clear = np.abs(closed) > 0.01
    assert (np.sign(distance(points)) == np.sign(closed))[clear].all()
    value, gradient = distance.with_gradient(points)
    feet = points - value[:, None] * gradient
    assert trimesh.proximity.closest_point_naive(shape, feet)[1].max() < 1e-3


def test_as_open3d_says_of_a_closed_mesh():
    o3d = pytest.importorskip("open3d")
    shape = trimesh.creation.capsule(1.0, 0.3)
    points = np.random.default_rng(5).uniform(-1, 1, (500, 3))
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(
        o3d.core.Tensor(np.asarray(shape.vertices, np.float32)),
        o3d.core.Tensor(np.asarray(shape.faces, np.uint32)),
    )
    theirs = scene.compute_signed_distance(o3d.core.Tensor(points.astype(np.float32))).numpy()
    np.testing.assert_allclose(made(shape)(points), theirs, atol=2e-3)


def test_degenerate_faces_are_left_out_and_none_is_an_error():
    corners = np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0], [0, 1, 0.0]])
    one = make_distance(corners, np.array([[0, 1, 2], [0, 1, 3]]))
    assert len(one.triangles) == 1
    with pytest.raises(ValueError, match="area"):
        make_distance(corners, np.array([[0, 1, 2]]))


@settings(deadline=None, max_examples=40)
@given(st.lists(POINT, min_size=4, max_size=4))
def test_the_nearest_point_of_a_triangle_is_nearest(points):
    corners, at = np.array(points[:3]), np.array(points[3])
    if np.linalg.norm(np.cross(corners[1] - corners[0], corners[2] - corners[0])) < 1e-3:
        return
    found = closest_on_triangles(corners[None], at[None])[0]
    grid = np.linspace(0, 1, 41)
    v, w = (g.reshape(-1) for g in np.meshgrid(grid, grid))
    v, w = v[v + w <= 1], w[v + w <= 1]
    every = corners[0] + v[:, None] * (corners[1] - corners[0])
    every = every + w[:, None] * (corners[2] - corners[0])
    best = np.linalg.norm(every - at, axis=1).min()
    assert np.linalg.norm(found - at) <= best + 1e-9


def test_a_face_that_another_part_covers_in_part_stays_where_it_is_open():
    stacked = made(trimesh.util.concatenate([box((1, 0.4, 1)), box((0.9, 0.2, 0.9), (0, 0.3, 0))]))
    ledge = np.array([[0.475, 0.2, 0.1], [-0.3, 0.2, 0.475]])
    np.testing.assert_allclose(stacked(ledge + 0.01 * UP), 0.01, atol=1e-6)
    np.testing.assert_allclose(stacked(ledge - 0.01 * UP), -0.01, atol=1e-6)
    covered = np.array([[0.0, 0.2, 0.0], [0.2, 0.21, 0.1], [-0.3, 0.19, 0.2]])
    assert (stacked(covered) < -0.1).all()
