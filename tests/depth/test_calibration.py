from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scenes import manhattan_segments

from cast_nodes.depth.calibration import HABITS, calibrate, segment_axes
from cast_nodes.depth.camera import RoomCamera
from cast_nodes.depth.segments import Segments

NO_LINES = Segments(np.zeros((0, 2, 2)), np.zeros(0))


def turn(radians: float) -> float:
    return (radians + np.pi / 4) % (np.pi / 2) - np.pi / 4


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    fov=st.floats(45, 68), pitch=st.floats(4, 25), roll=st.floats(-1.5, 1.5),
    yaw=st.floats(-44, 44), seed=st.integers(0, 999),
)  # fmt: skip
def test_lines_of_a_known_camera_give_it_back(fov, pitch, roll, yaw, seed):
    focal = 320 / np.tan(np.radians(fov) / 2)
    truth = RoomCamera(640, 480, focal, *np.radians([pitch, roll, yaw]))
    found = calibrate(640, 480, manhattan_segments(truth, seed)).camera
    assert np.degrees(np.arccos(min(1.0, found.up @ truth.up))) < 2.5
    assert found.focal_px == pytest.approx(focal, rel=0.15)
    assert abs(np.degrees(turn(found.yaw_rad - truth.yaw_rad))) < 4


def test_a_known_focal_length_is_kept_exactly():
    truth = RoomCamera(640, 480, 500.0, *np.radians([15, 0, 20]))
    found = calibrate(640, 480, manhattan_segments(truth, 3), focal_px=717.0)
    assert found.camera.focal_px == 717.0


def test_without_lines_or_things_the_usual_camera_comes_out():
    found = calibrate(640, 480, NO_LINES)
    usual = HABITS[0]
    assert found.habit is usual
    assert np.degrees(found.camera.pitch_rad) == pytest.approx(usual.pitch_deg[0], abs=1.5)
    assert found.camera.camera_height == pytest.approx(usual.height_m, rel=0.1)
    assert found.support == 0 and not found.yaw_known


def test_segments_know_which_axis_they_follow():
    camera = RoomCamera(640, 480, 520.0, *np.radians([12, 0, 25]))
    segments = manhattan_segments(camera, 5, noise_px=0.05)
    axis = segment_axes(segments, replace(camera, camera_height=2.0))
    expected = np.arange(75) % 3
    known = axis[:75] >= 0
    assert known.mean() > 0.6
    assert (axis[:75] == expected)[known].mean() > 0.95
