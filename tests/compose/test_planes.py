"""Room polygons: clipped, oriented, seamless from the camera."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cast_nodes.compose.planes import (
    bounded_polygon,
    clip_polygon,
    exit_distance,
    plane_axes,
    polygon_area,
    view_sides,
)
from cast_nodes.frames import Sim3, intrinsics_from_fov, project, world_from_camera
from cast_nodes.planes import Plane, transform_plane

unit = st.floats(-1, 1)
SQUARE = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0.0]])


@given(unit, unit, unit)
def test_axes_are_a_frame_of_the_plane(x, y, z):
    normal = np.array([x, y, z])
    if np.linalg.norm(normal) < 0.1:
        normal = np.array([0.0, 1.0, 0.0])
    normal = normal / np.linalg.norm(normal)
    right, down = plane_axes(Plane("p", normal, 0.0))
    np.testing.assert_allclose(np.cross(right, down), -normal, atol=1e-9)
    np.testing.assert_allclose([right @ down, right @ right, down @ down], [0, 1, 1], atol=1e-9)


@given(unit, unit, st.floats(-1.5, 1.5))
def test_clipping_splits_the_area(x, y, offset):
    normal = np.array([x, y, 0.0])
    if np.linalg.norm(normal) < 0.1:
        normal = np.array([1.0, 0, 0])
    normal /= np.linalg.norm(normal)
    one = clip_polygon(SQUARE, normal, offset)
    other = clip_polygon(SQUARE, -normal, -offset)
    assert abs(polygon_area(one) + polygon_area(other) - 4) < 1e-6
    assert (one @ normal + offset >= -1e-9).all()


@given(st.floats(-0.5, 0.5), st.floats(0.5, 3), unit)
def test_planes_move_with_their_points(angle, scale, shift):
    c, s = np.cos(angle), np.sin(angle)
    transform = Sim3(np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]), np.array([shift, 1, 2]), scale)
    plane = np.array([0.6, 0.0, 0.8, 1.3])
    point = np.array([0.6, 0.5, 0.8]) * [-1.3, 1, -1.3]
    normal, offset = transform_plane(transform, plane)
    assert abs(normal @ transform.apply(point) + offset) < 1e-9


@settings(deadline=None, max_examples=30)
@given(st.floats(0.0, 0.5), st.floats(-0.2, 0.2), st.floats(40, 75))
def test_each_pixel_meets_exactly_one_polygon(pitch, roll, view):
    up = np.array([np.sin(roll), -np.cos(pitch), -np.sin(pitch)])
    up /= np.linalg.norm(up)
    pose = world_from_camera(up, np.array([*up, 1.4]))
    intrinsics = intrinsics_from_fov(64, 48, np.radians(view))
    planes = [
        Plane("floor", np.array([0, 1.0, 0]), 0.0),
        Plane("ceiling", np.array([0, -1.0, 0]), 2.6),
        Plane("back", np.array([0, 0, 1.0]), 5.0),
        Plane("left", np.array([1.0, 0, 0]), 2.0),
        Plane("right", np.array([-1.0, 0, 0]), 2.5),
    ]
    sides = view_sides(intrinsics, 64, 48, 0.2, pose)
    none = np.zeros((0, 3))
    pixels = np.stack(np.meshgrid(np.arange(2.3, 64, 7), np.arange(1.7, 48, 7)), -1).reshape(-1, 2)
    hits = np.zeros(len(pixels), int)
    for plane in planes:
        polygon = bounded_polygon(plane, [p for p in planes if p is not plane], sides, 50, none)
        if not len(polygon):
            continue
        flat = project(pose.inverse().apply(polygon), intrinsics)
        assert np.isfinite(flat).all()
        edge = np.roll(flat, -1, 0) - flat
        to = pixels[:, None] - flat
        # Counter-clockwise from inside is clockwise in the picture's axes (y down).
        cross = edge[:, 0] * to[..., 1] - edge[:, 1] * to[..., 0]
        hits += (cross <= 0).all(1)
    np.testing.assert_array_equal(hits, 1)


def test_what_stands_outside_the_view_has_floor_below():
    pose = world_from_camera(np.array([0, -1.0, 0]), np.array([0, -1.0, 0, 1.5]))
    sides = view_sides(intrinsics_from_fov(64, 48, 1.0), 64, 48, 0.0, pose)
    floor = Plane("floor", np.array([0, 1.0, 0]), 0.0)
    back = Plane("back", np.array([0, 0, 1.0]), 6.0)
    spot = np.array([[-4.0, 0, -1], [-4.2, 0, -1], [-4.2, 0, -1.2]])
    polygon = bounded_polygon(floor, [back], sides, 50, spot)
    assert polygon[:, 0].min() <= -4.2 + 1e-9
    np.testing.assert_allclose(polygon[:, 1], 0, atol=1e-9)


def test_exit_is_the_nearest_plane_ahead():
    planes = [Plane("floor", np.array([0, 1.0, 0]), 0), Plane("back", np.array([0, 0, 1.0]), 3)]
    rays = np.array([[0, -1.0, 0], [0, 0, -1], [0, 1, 0]])
    distance = exit_distance(planes, np.array([0, 1.5, 0]), rays)
    np.testing.assert_allclose(distance, [1.5, 3, np.inf])
