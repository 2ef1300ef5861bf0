"""A room's planes out of a noisy point map of unknown scale: floor, levels, walls, ceiling."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from cast_nodes.frames import intrinsics_from_fov, pixel_centres, unproject
from cast_nodes.surfaces.room import room_planes
from cast_nodes.types import Geometry, SceneObject

WIDTH, HEIGHT = 200, 150
INTRINSICS = intrinsics_from_fov(WIDTH, HEIGHT, np.deg2rad(70))
RAYS = unproject(pixel_centres(HEIGHT, WIDTH), np.ones((HEIGHT, WIDTH)), INTRINSICS)


def camera(pitch_deg: float = 0.0, roll_deg: float = 0.0, yaw_deg: float = 0.0) -> np.ndarray:
    """(3, 3) rotation from a level frame (y up, looking along -z) into the camera's."""
    pitch, roll, yaw = np.deg2rad([pitch_deg, roll_deg, yaw_deg])

    def about(axis: int, angle: float) -> np.ndarray:
        c, s = np.cos(angle), np.sin(angle)
        out = np.eye(3)
        i, j = (axis + 1) % 3, (axis + 2) % 3
        out[i, i] = out[j, j] = c
        out[i, j], out[j, i] = -s, s
        return out

    return about(2, roll) @ np.diag([1.0, -1, -1]) @ about(0, pitch) @ about(1, yaw)


def plane(rotation: np.ndarray, normal: tuple[float, float, float], offset: float) -> np.ndarray:
    return np.array([*(rotation @ normal), offset])


def ends(plane: np.ndarray) -> np.ndarray:
    """(H, W) depth at which rays meet a plane, inf where they never do."""
    with np.errstate(divide="ignore"):
        hit = -plane[3] / (RAYS @ plane[:3])
    return np.where(hit > 0, hit, np.inf)


def seen(*planes: np.ndarray) -> np.ndarray:
    return np.min([ends(p) for p in planes], axis=0)


def sensed(depth: np.ndarray, noise: float = 0.004, scale: float = 1.0, seed: int = 0) -> Geometry:
    """A point map as networks make it: noise, bleeding edges, holes, any unit."""
    rng = np.random.default_rng(seed)
    blurred = ndimage.gaussian_filter(np.where(np.isfinite(depth), depth, 50.0), 0.7)
    z = scale * blurred * (1 + noise * rng.normal(size=depth.shape))
    z[~np.isfinite(depth) | (rng.random(depth.shape) < 0.02)] = np.nan
    return Geometry((RAYS * z[..., None]).astype(np.float32), INTRINSICS)


def near(found: np.ndarray | None, true: np.ndarray, degrees: float, share: float) -> bool:
    if found is None:
        return False
    angle = np.degrees(np.arccos(np.clip(found[:3] @ true[:3], -1, 1)))
    return bool(angle < degrees and abs(found[3] / true[3] - 1) < share)


@settings(max_examples=8, deadline=None)
@given(
    pitch=st.floats(5, 25), roll=st.floats(-6, 6), yaw=st.floats(20, 70),
    scale=st.sampled_from([0.01, 1.0, 300.0]), seed=st.integers(0, 9),
)  # fmt: skip
def test_floor_and_walls_of_a_corner_at_any_attitude_and_scale(pitch, roll, yaw, scale, seed):
    """Walls need not be square to the camera."""
    r = camera(pitch, roll, yaw)
    floor = plane(r, (0, 1, 0), 1.5)
    walls = [plane(r, (0, 0, 1), 3.5), plane(r, (-1, 0, 0), 3.0)]
    found = room_planes(sensed(seen(floor, *walls), scale=scale, seed=seed), ())
    unit = np.array([1, 1, 1, scale])
    assert near(found.floor, floor * unit, 1.5, 0.04)
    assert len(found.walls) == 2
    for wall in walls:
        assert any(near(w, wall * unit, 2.5, 0.04) for w in found.walls)
    assert found.ceiling is None and not len(found.levels)
    assert found.up is not None and abs(found.walls[0, :3] @ found.up) < 1e-6


def test_walls_that_are_not_at_right_angles():
    r = camera(12)
    floor = plane(r, (0, 1, 0), 1.5)
    slanted = [plane(r, (0.5, 0, np.sqrt(0.75)), 3.4), plane(r, (-0.8, 0, 0.6), 2.6)]
    found = room_planes(sensed(seen(floor, *slanted)), ())
    for wall in slanted:
        assert any(near(w, wall, 2.0, 0.03) for w in found.walls)


def test_a_ceiling_is_found_above_the_camera():
    r = camera(2)
    planes = [plane(r, (0, 1, 0), 1.4), plane(r, (0, 0, 1), 5.0), plane(r, (0, -1, 0), 1.2)]
    found = room_planes(sensed(seen(*planes)), ())
    assert near(found.floor, planes[0], 1.5, 0.03)
    assert near(found.ceiling, planes[2], 2.0, 0.04)


def test_a_podium_is_a_level_of_its_own():
    r = camera(25)
    floor, podium = plane(r, (0, 1, 0), 1.6), plane(r, (0, 1, 0), 1.3)
    riser, back = plane(r, (0, 0, 1), 2.2), plane(r, (0, 0, 1), 4.0)
    up, base = ends(podium), seen(floor, back)
    level = r[:, 2] @ np.moveaxis(
        RAYS * np.where(np.isfinite(up), up, 0)[..., None], -1, 0
    ).reshape(3, -1)
    on_it = (level.reshape(up.shape) < -2.2) & (up < ends(back))
    front = ends(riser)
    height = (RAYS * np.where(np.isfinite(front), front, 0)[..., None]) @ r[:, 1]
    depth = np.where(on_it, up, base)
    depth = np.where((height > -1.6) & (height < -1.3) & (front < depth), front, depth)
    found = room_planes(sensed(depth, 0.002), ())
    heights = [found.floor[3]] if found.floor is not None else []
    heights += [level[3] for level in found.levels]
    assert any(abs(h - 1.6) < 0.06 for h in heights)
    assert any(abs(h - 1.3) < 0.06 for h in heights)
    assert any("level" in note for note in found.notes)


def test_a_table_top_that_fills_a_close_up_carries_what_is_there():
    top = plane(camera(40), (0, 1, 0), 0.4)
    found = room_planes(sensed(seen(top)), ())
    assert near(found.floor, top, 1.0, 0.02)
    assert not len(found.walls)


def test_gently_sloping_ground_out_of_doors_is_a_floor_and_the_sky_is_nothing():
    r = camera(8)
    slope = plane(r, (0.0, np.cos(0.05), np.sin(0.05)), 1.6)
    depth = ends(slope)
    # Ground that curves away by a hand's breadth.
    depth = depth * (1 + 0.01 * np.sin(RAYS[..., 0] * 3))
    depth[depth > 40] = np.inf
    found = room_planes(sensed(depth), ())
    assert near(found.floor, slope, 2.0, 0.05)
    assert not len(found.walls) and found.ceiling is None


def test_what_the_geometry_gives_is_kept():
    r = camera(15)
    floor, wall = plane(r, (0, 1, 0), 1.5), plane(r, (0, 0, 1), 4.0)
    off = floor * [1, 1, 1, 1.02]
    geometry = sensed(seen(floor, wall))
    given_planes = Geometry(
        geometry.points, INTRINSICS, up=r[:, 1], floor=off, walls=wall[None] * [1, 1, 1, 1.01]
    )
    found = room_planes(given_planes, ())
    np.testing.assert_allclose(found.floor, off)  # type: ignore[arg-type]
    np.testing.assert_allclose(found.walls, wall[None] * [1, 1, 1, 1.01])
    assert found.notes == ()


def test_a_guess_holds_no_planes_but_its_own():
    r = camera(15)
    geometry = sensed(seen(plane(r, (0, 1, 0), 1.5), plane(r, (0, 0, 1), 4.0)))
    guess = Geometry(geometry.points, INTRINSICS, approximate=True)
    found = room_planes(guess, ())
    assert found.floor is None and not len(found.walls)


def test_a_front_with_much_behind_it_bounds_no_room():
    """A wardrobe's front is upright and large, but the room goes on behind it."""
    r = camera(10)
    floor, back = plane(r, (0, 1, 0), 1.5), plane(r, (0, 0, 1), 5.0)
    depth = seen(floor, back)
    front = ends(plane(r, (0, 0, 1), 3.0))
    depth[20:110, 20:90] = np.minimum(front, depth)[20:110, 20:90]
    found = room_planes(sensed(depth), ())
    assert any(near(w, back, 2.0, 0.03) for w in found.walls)
    assert not any(near(w, back * [1, 1, 1, 0.6], 5.0, 0.05) for w in found.walls)
    assert any(near(p, back * [1, 1, 1, 0.6], 3.0, 0.05) for p in found.others)


def test_the_front_of_a_masked_thing_is_no_wall():
    r = camera(10)
    floor, back = plane(r, (0, 1, 0), 1.5), plane(r, (0, 0, 1), 5.0)
    depth = seen(floor, back)
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[10:140, 10:150] = True
    depth[mask] = np.minimum(ends(plane(r, (0, 0, 1), 2.0)), depth)[mask]
    thing = SceneObject(0, "wardrobe", 1.0, (10, 10, 150, 140), mask)
    found = room_planes(sensed(depth), (thing,))
    for planes in (found.walls, found.others):
        assert not any(abs(p[3] - 2.0) < 0.2 for p in planes)


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (12, 16)])
def test_tiny_and_empty_maps_end_without_planes(shape):
    nothing = Geometry(np.full((*shape, 3), np.nan, np.float32), INTRINSICS)
    found = room_planes(nothing, ())
    assert found.floor is None and found.up is None and not len(found.walls)
    assert any("no depth" in note for note in found.notes)
