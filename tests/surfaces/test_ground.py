"""Gravity and floor: found in the points when nobody gave them, refitted when they are off."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cast_nodes.frames import intrinsics_from_fov, pixel_centres, unproject
from cast_nodes.surfaces.ground import find_ground
from cast_nodes.types import Geometry, SceneObject

WIDTH, HEIGHT = 160, 120
INTRINSICS = intrinsics_from_fov(WIDTH, HEIGHT, np.deg2rad(58))
RAYS = unproject(pixel_centres(HEIGHT, WIDTH), np.ones((HEIGHT, WIDTH)), INTRINSICS)


def up_of(pitch_deg: float, roll_deg: float = 0.0) -> np.ndarray:
    """Up in the frame of a camera that looks down by ``pitch`` and is turned by ``roll``."""
    pitch, roll = np.deg2rad([pitch_deg, roll_deg])
    level = np.array([0.0, -np.cos(pitch), -np.sin(pitch)])
    cos, sin = np.cos(roll), np.sin(roll)
    return np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1.0]]) @ level


def seen(*planes, noise: float = 0.0, bend: np.ndarray | float = 0.0) -> np.ndarray:
    """(H, W, 3) points of the nearest of some (4,) planes along each ray."""
    depth = np.full((HEIGHT, WIDTH), np.inf)
    for plane in planes:
        with np.errstate(divide="ignore"):
            hit = -plane[3] / (RAYS @ np.asarray(plane[:3]))
        depth = np.minimum(depth, np.where(hit > 0, hit, np.inf))
    depth = np.where(np.isfinite(depth), depth, np.nan)
    depth = depth * (1 + bend) * (1 + noise * np.random.default_rng(0).normal(size=depth.shape))
    return (RAYS * depth[..., None]).astype(np.float32)


def wave(size: float) -> np.ndarray:
    """(H, W) a smooth bend of two waves across the picture."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] / WIDTH
    return size * np.sin(2 * np.pi * 2 * x + 1) * np.cos(2 * np.pi * 2.5 * y)


def known(array: np.ndarray | None) -> np.ndarray:
    assert array is not None
    return array


def angle(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.clip(np.dot(a, b), -1, 1))))


FLOOR = np.array([*up_of(18), 1.5])
WALL = np.array([0.0, 0.0, -1.0, 6.0])


def thing(rows: slice, columns: slice) -> SceneObject:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[rows, columns] = True
    box = (columns.start, rows.start, columns.stop, rows.stop)
    return SceneObject(0, "thing", 1.0, box, mask)


@settings(max_examples=25, deadline=None)
@given(
    pitch=st.floats(5, 45),
    roll=st.floats(-8, 8),
    height=st.floats(0.4, 3.0),
    scale=st.sampled_from([1e-6, 1.0, 1e6]),
)
def test_a_plain_floor_before_a_wall_is_found_at_any_scale(pitch, roll, height, scale):
    floor = np.array([*up_of(pitch, roll), height])
    points = seen(floor, [0.0, 0.0, -1.0, 9.0], noise=0.004) * np.float32(scale)
    ground = find_ground(Geometry(points, INTRINSICS), ())
    assert ground.source == "floor"
    assert ground.up is not None
    assert ground.floor is not None
    assert angle(ground.floor[:3], floor[:3]) < 1.0
    assert ground.floor[3] / scale == pytest.approx(height, rel=0.02)
    np.testing.assert_array_equal(known(ground.up), known(ground.floor[:3]))
    assert 0 < ground.confidence <= 1


@pytest.mark.parametrize("pitch", [0, 12, -8])
def test_a_wall_photographed_frontally_is_no_floor(pitch):
    up = up_of(pitch)
    normal = np.cross(np.array([1.0, 0, 0]), up)
    normal *= -np.sign(normal[2])
    ground = find_ground(Geometry(seen([*normal, 3.0], noise=0.004), INTRINSICS), ())
    assert ground.floor is None
    assert ground.up is None
    assert ground.source == "none"


def test_nothing_is_found_in_nothing():
    nothing = np.full((HEIGHT, WIDTH, 3), np.nan, np.float32)
    ground = find_ground(Geometry(nothing, INTRINSICS), ())
    assert (ground.up, ground.floor, ground.source) == (None, None, "none")
    scattered = RAYS * np.random.default_rng(0).uniform(1, 9, (HEIGHT, WIDTH, 1))
    assert find_ground(Geometry(scattered.astype(np.float32), INTRINSICS), ()).floor is None


def test_two_walls_tell_gravity_where_no_floor_is_seen():
    up = up_of(-6, 3)
    ahead = np.cross(np.array([1.0, 0, 0]), up)
    ahead *= np.sign(ahead[2])
    right = np.cross(ahead, up)
    turned = [np.cos(a) * -ahead + np.sin(a) * right for a in np.radians((40, -45))]
    ground = find_ground(
        Geometry(seen([*turned[0], 3.0], [*turned[1], 3.0], noise=0.004), INTRINSICS), ()
    )
    assert ground.source == "walls"
    assert ground.floor is None
    assert ground.up is not None
    assert angle(ground.up, up) < 1.5


def test_the_floor_is_the_plane_with_nothing_beneath_it():
    """A table top that covers more of the picture than the floor about it."""
    table = np.array([*FLOOR[:3], 0.8])
    points, top = seen(FLOOR, WALL, noise=0.004), seen(table)
    on_table = np.s_[35:105, 30:150]
    points[on_table] = top[on_table]
    ground = find_ground(Geometry(points, INTRINSICS), (thing(*on_table),))
    assert ground.floor is not None
    assert ground.floor[3] == pytest.approx(1.5, rel=0.03)


def test_with_gravity_given_only_a_level_floor_is_taken():
    geometry = Geometry(seen(FLOOR, WALL, noise=0.004), INTRINSICS, up=FLOOR[:3])
    ground = find_ground(geometry, ())
    assert ground.floor is not None
    np.testing.assert_allclose(known(ground.up), FLOOR[:3])
    askew = find_ground(replace(geometry, up=up_of(18, 17)), ())
    assert askew.floor is None
    np.testing.assert_allclose(known(askew.up), up_of(18, 17))


@pytest.mark.parametrize("bend", [0.0, 0.02])
def test_a_given_floor_that_is_a_little_off_is_moved_to_the_points(bend):
    points = seen(FLOOR, WALL, noise=0.004, bend=wave(bend))
    off = np.array([*up_of(19.0, 0.7), 1.5 * 1.012])
    ground = find_ground(Geometry(points, INTRINSICS, up=off[:3], floor=off), ())
    assert ground.source == "refitted"
    assert ground.floor is not None
    assert angle(ground.floor[:3], FLOOR[:3]) < 0.5 * angle(off[:3], FLOOR[:3])
    assert abs(ground.floor[3] - 1.5) < abs(off[3] - 1.5)
    np.testing.assert_array_equal(known(ground.up), known(ground.floor[:3]))


def test_a_given_floor_that_is_right_stays_right():
    geometry = Geometry(seen(FLOOR, WALL, noise=0.002), INTRINSICS, up=FLOOR[:3], floor=FLOOR)
    ground = find_ground(geometry, ())
    assert ground.floor is not None
    assert angle(ground.floor[:3], FLOOR[:3]) < 0.05
    assert ground.floor[3] == pytest.approx(1.5, rel=1e-3)


@pytest.mark.parametrize(
    "floor", [FLOOR * [1, 1, 1, 2.0], [*up_of(30), 1.5], [*FLOOR[:3], -1.0]]
)  # fmt: skip
def test_a_given_floor_that_the_points_do_not_show_stays_as_given(floor):
    floor = np.asarray(floor)
    geometry = Geometry(seen(FLOOR, WALL), INTRINSICS, up=floor[:3], floor=floor)
    ground = find_ground(geometry, ())
    assert ground.source == "given"
    np.testing.assert_allclose(known(ground.floor), floor)


def test_a_slope_stays_a_slope():
    up = up_of(12)
    off = np.array([*up_of(18.8), 1.5])
    geometry = Geometry(seen(FLOOR, WALL, noise=0.004), INTRINSICS, up=up, floor=off)
    ground = find_ground(geometry, ())
    np.testing.assert_allclose(known(ground.up), up)
    assert ground.source == "refitted"


def test_a_guessed_geometry_keeps_its_own_floor():
    off = np.array([*up_of(19.0, 0.7), 1.52])
    geometry = Geometry(
        seen(FLOOR, WALL), INTRINSICS, approximate=True, up=off[:3], floor=off
    )  # fmt: skip
    ground = find_ground(geometry, ())
    assert ground.source == "given"
    np.testing.assert_allclose(known(ground.floor), off)


def test_another_mask_does_not_move_the_floor():
    geometry = Geometry(seen(FLOOR, WALL, noise=0.004), INTRINSICS)
    first = find_ground(geometry, ())
    second = find_ground(geometry, (thing(np.s_[60:100], np.s_[20:60]),))
    np.testing.assert_array_equal(known(first.floor), known(second.floor))
