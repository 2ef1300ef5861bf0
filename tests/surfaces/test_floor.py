import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cast_nodes.depth.camera import RoomCamera, plane_depth
from cast_nodes.frames import pixel_centres
from cast_nodes.surfaces.ground import Ground, find_ground
from cast_nodes.types import Geometry


def found_in(points: np.ndarray) -> Ground:
    return find_ground(Geometry(points.astype(np.float32), np.eye(3)), ())


def room_points(camera: RoomCamera, wall: float) -> np.ndarray:
    rays = camera.rays(pixel_centres(camera.height, camera.width))
    ahead = np.append(-camera.level_axes[2], wall)
    depth = np.minimum(plane_depth(rays, camera.floor), plane_depth(rays, ahead))
    return rays * depth[..., None]


@settings(max_examples=15, deadline=None)
@given(
    pitch=st.floats(8, 40), roll=st.floats(-8, 8), height=st.floats(0.2, 3),
    scale=st.floats(0.01, 100), seed=st.integers(0, 99),
)  # fmt: skip
def test_the_floor_is_found_at_any_attitude_and_scale(pitch, roll, height, scale, seed):
    camera = RoomCamera(80, 60, 75.0, np.radians(pitch), np.radians(roll), 0.0, height)
    points = room_points(camera, 3 * height) * scale
    noise = np.random.default_rng(seed).normal(0, 0.003, points.shape[:2])
    points = points * (1 + noise[..., None])
    points[::7, ::5] = np.nan
    ground = found_in(points)
    assert ground.up is not None and ground.floor is not None
    assert np.degrees(np.arccos(min(1.0, ground.up @ camera.up))) < 2
    assert ground.floor[3] == pytest.approx(height * scale, rel=0.04)


def test_a_large_table_top_is_not_taken_for_the_floor():
    camera = RoomCamera(80, 60, 75.0, np.radians(25), 0, 0, 1.5)
    points = room_points(camera, 4.0)
    rays = points / points[..., 2:]
    table = plane_depth(rays, np.append(camera.up, 0.8))
    where = np.zeros(table.shape, bool)
    where[28:52, 10:70] = True
    points[where] = (rays * table[..., None])[where]
    ground = found_in(points)
    assert ground.floor is not None
    assert ground.floor[3] == pytest.approx(1.5, rel=0.05)


def test_a_wall_alone_or_too_few_points_have_no_floor():
    rays = RoomCamera(60, 40, 60.0).rays(pixel_centres(40, 60))
    assert found_in(rays * 2.0).floor is None
    assert found_in(np.full((40, 60, 3), np.nan)).floor is None
    assert found_in(rays[:3, :3]).floor is None
