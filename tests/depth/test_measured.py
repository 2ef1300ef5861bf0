"""Depth measured at any size becomes the photo's geometry."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cast_nodes.depth.measured import Measured, geometry_of, require_usable, resized
from cast_nodes.errors import BadInput
from cast_nodes.frames import pixel_centres, project, unproject

SIZES = st.tuples(st.integers(8, 40), st.integers(8, 40))


def camera(size: tuple[int, int]) -> np.ndarray:
    height, width = size
    f = 1.1 * width
    return np.array([[f, 0, 0.47 * width], [0, f, 0.52 * height], [0, 0, 1]])


def plane_seen(size: tuple[int, int], intrinsics: np.ndarray, plane: np.ndarray) -> np.ndarray:
    """(h, w) depth at which each pixel's ray meets n.p = d."""
    rays = unproject(pixel_centres(*size), np.ones(size), intrinsics)
    return plane[3] / (rays @ plane[:3])


@settings(max_examples=40, deadline=None)
@given(SIZES, SIZES, st.floats(-0.6, 0.6), st.floats(-0.6, 0.6))
def test_a_plane_stays_the_same_plane_at_any_size(old, new, tilt_x: float, tilt_y: float):
    plane = np.array([tilt_x, tilt_y, 1.0, 3.0])
    small = camera(old)
    at_new = np.diag([new[1] / old[1], new[0] / old[0], 1.0]) @ small
    before = plane_seen(old, small, plane)
    steps = [np.abs(np.diff(np.log(before), axis=a)).max() for a in (0, 1)]
    made = resized(Measured(before, intrinsics=small), *new)
    assert made.intrinsics is not None
    np.testing.assert_allclose(made.intrinsics, at_new)
    if sum(steps) < np.log(1.1):
        np.testing.assert_allclose(made.depth, plane_seen(new, at_new, plane), rtol=1e-9)


@settings(max_examples=40, deadline=None)
@given(SIZES, SIZES, st.integers(0, 2**31))
def test_points_project_onto_their_own_pixels(old, new, seed: int):
    depth = np.exp(np.random.default_rng(seed).normal(0, 1, old))
    geometry = geometry_of(Measured(depth, intrinsics=camera(old)), new[0], new[1], "x")
    pixels = project(geometry.points, geometry.intrinsics)
    np.testing.assert_allclose(pixels, pixel_centres(*new), atol=1e-3)


@settings(max_examples=40, deadline=None)
@given(SIZES, SIZES, st.integers(0, 2**31))
def test_nothing_lies_between_two_surfaces_and_holes_are_not_blurred(old, new, seed: int):
    rng = np.random.default_rng(seed)
    depth = rng.choice([1.0, 4.0, np.nan], old, p=[0.4, 0.4, 0.2])
    made = resized(Measured(depth, intrinsics=camera(old)), *new).depth
    assert set(np.unique(made[np.isfinite(made)]).round(9)) <= {1.0, 4.0}
    nearest = np.ix_(
        *(((np.arange(n) + 0.5) * o / n).astype(int).clip(0, o - 1) for o, n in zip(old, new, strict=True))
    )  # fmt: skip
    exact = [
        np.isclose(((np.arange(n) + 0.5) * o / n) % 1, 0) for o, n in zip(old, new, strict=True)
    ]
    sure = ~(exact[0][:, None] | exact[1][None, :])  # between two centres either is the nearest
    np.testing.assert_array_equal(np.isnan(made)[sure], np.isnan(depth[nearest])[sure])


def test_normals_face_the_camera_have_unit_length_and_nan_where_there_is_no_point():
    depth = np.full((6, 8), 2.0)
    depth[0] = np.nan
    normals = np.zeros((6, 8, 3))
    normals[..., 2] = 3.0  # away from the camera, and too long
    normals[1] = 0
    measured = Measured(depth, intrinsics=camera((6, 8)), normals=normals)
    made = geometry_of(measured, 12, 16, "x").normals
    assert made is not None
    assert np.isnan(made[:4]).all()
    np.testing.assert_allclose(made[4:], np.broadcast_to([0, 0, -1.0], (8, 16, 3)))


def test_points_of_the_photos_size_stay_as_they_are():
    depth = np.full((6, 8), 2.0)
    points = unproject(pixel_centres(6, 8), depth, camera((6, 8))) + np.array([0.01, 0, 0])
    measured = Measured(depth, points, camera((6, 8)), metric=True)
    geometry = geometry_of(measured, 6, 8, "x")
    np.testing.assert_allclose(geometry.points, points, rtol=1e-6)
    assert geometry.metric


@pytest.mark.parametrize(
    ("depth", "message"),
    [
        (np.ones((10, 30)), "depth is 30x10, which is not the shape of the photo"),
        (np.full((12, 16), np.nan), "depth holds no valid depth"),
        (np.ones((0, 5)), "depth is empty"),
    ],
)
def test_what_cannot_be_used_is_named(depth: np.ndarray, message: str):
    with pytest.raises(BadInput, match=message):
        require_usable("depth", depth, 12, 16)
