"""The background plate: clean where it is painted, the photo's own pixels elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from cast_nodes.inpaint import texture
from cast_nodes.inpaint.cells import room_cells
from cast_nodes.inpaint.plate import make_plate

HEIGHT, WIDTH = 150, 200  # px
FLOOR_AT = 100


def room(slope: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """(H, W, 3) photo of an empty room with grain, and where its floor is (H, W)."""
    yy, xx = np.mgrid[:HEIGHT, :WIDTH]
    floor = yy > FLOOR_AT + slope * (xx - WIDTH / 2)
    wall_colour = np.array([200, 196, 188]) + (xx[..., None] - WIDTH / 2) * 0.1
    rgb = np.where(floor[..., None], [130, 95, 60], wall_colour)
    rgb = rgb + np.random.default_rng(1).normal(0, 3, (HEIGHT, WIDTH, 1))
    return rgb.clip(0, 255).astype(np.uint8), floor


def with_chair(rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[60:130, 70:125] = True
    out = rgb.copy()
    out[mask] = (40, 80, 60)
    return out, mask


@pytest.mark.parametrize("slope", [0.0, 0.15])
def test_wall_and_floor_run_on_behind_the_object(slope: float) -> None:
    empty, floor = room(slope)
    photo, mask = with_chair(empty)
    plate = make_plate(photo, mask, 0.01, True, seed=0)
    error = np.abs(plate.rgb.astype(int) - empty).mean(-1)
    assert error[mask].mean() < 8
    assert np.median(error[mask & floor]) < 6 and np.median(error[mask & ~floor]) < 6


def test_the_texture_of_the_plate_is_as_rough_as_the_room() -> None:
    empty, _ = room()
    photo, mask = with_chair(empty)
    made = make_plate(photo, mask, 0.01, True, seed=0).rgb.astype(float).mean(-1)
    inner = np.s_[65:95, 75:120]
    grain = np.diff(empty[inner].astype(float).mean(-1)).std()
    assert 0.5 * grain < np.diff(made[inner]).std() < 1.5 * grain


@pytest.mark.parametrize("work_pixels", [1_000_000, 11_000])
def test_pixels_that_are_not_painted_are_the_photos(
    work_pixels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cast_nodes.inpaint.plate.WORK_PIXELS", work_pixels)
    photo, mask = with_chair(room()[0])
    plate = make_plate(photo, mask, 0.01, True, seed=0)
    assert plate.painted[mask].all() and plate.painted.mean() < 0.5
    np.testing.assert_array_equal(plate.rgb[~plate.painted], photo[~plate.painted])
    assert np.abs(plate.rgb[mask].astype(int) - (40, 80, 60)).max(-1).min() > 15


def test_a_contact_shadow_goes_with_its_object_unless_it_shall_stay() -> None:
    photo, mask = with_chair(room()[0])
    shadow = np.zeros_like(mask)
    shadow[130:134, 68:128] = True
    photo[shadow] = (photo[shadow] * 0.6).astype(np.uint8)
    with_it = make_plate(photo, mask, 0.005, True, seed=0)
    without = make_plate(photo, mask, 0.005, False, seed=0)
    assert with_it.painted[shadow].mean() > 0.9
    assert with_it.rgb[shadow].mean() > 85
    assert not without.painted[133, 70:126].any()


def test_nothing_to_paint_leaves_the_photo() -> None:
    photo, _ = room()
    plate = make_plate(photo, np.zeros(photo.shape[:2], bool), 0.01, True, seed=0)
    np.testing.assert_array_equal(plate.rgb, photo)
    assert not plate.painted.any() and plate.notes == ()


def test_an_object_over_everything_leaves_a_plain_colour_and_a_note() -> None:
    photo, mask = room()[0], np.ones((HEIGHT, WIDTH), bool)
    mask[0, :5] = False
    photo[0, :5] = (10, 200, 30)
    plate = make_plate(photo, mask, 0.01, True, seed=0)
    assert "cover the whole photo" in plate.notes[0]
    assert (plate.rgb[50, 50] == (10, 200, 30)).all()


def test_the_plate_is_the_same_each_time() -> None:
    photo, mask = with_chair(room()[0])
    first = make_plate(photo, mask, 0.01, True, seed=4)
    np.testing.assert_array_equal(first.rgb, make_plate(photo, mask, 0.01, True, seed=4).rgb)


def test_without_the_compiled_package_tiles_are_used_and_said_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    empty, _ = room()
    photo, mask = with_chair(empty)
    monkeypatch.setattr(texture, "solver_class", lambda: None)
    monkeypatch.setattr("cast_nodes.inpaint.plate.solver_class", lambda: None)
    plate = make_plate(photo, mask, 0.01, True, seed=0)
    assert "patchmatch-cython" in plate.notes[0]
    assert np.abs(plate.rgb.astype(int) - empty)[mask].mean() < 8


def test_many_specks_and_a_hole_at_the_edge_are_painted() -> None:
    photo, _ = room()
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[5:95:12, 5::12] = True
    mask[110:, :40] = True
    clean = photo.copy()
    photo[mask] = 0
    plate = make_plate(photo, mask, 0.0, False, seed=0)
    assert np.abs(plate.rgb.astype(int) - clean)[mask].mean() < 12


class TestCells:
    def test_a_plain_wall_is_one_cell(self) -> None:
        rgb = np.full((80, 100, 3), 180, np.uint8)
        hole = np.zeros((80, 100), bool)
        hole[20:60, 30:70] = True
        assert room_cells(rgb, hole).count == 1

    def test_the_border_between_wall_and_floor_is_found_at_any_slope(self) -> None:
        for slope in (-0.3, 0.0, 0.2):
            photo, floor = room(slope)
            hole = np.zeros(floor.shape, bool)
            hole[60:130, 70:125] = True
            labels = room_cells(photo, hole).labels(*floor.shape)
            lower = labels == labels[-1, 100]
            assert (lower == floor)[hole].mean() > 0.95

    def test_a_dark_shadow_does_not_drag_the_border(self) -> None:
        photo, floor = room()
        photo[128:140, 60:135] = (photo[128:140, 60:135] * 0.5).astype(np.uint8)
        hole = np.zeros(floor.shape, bool)
        hole[60:130, 70:125] = True
        labels = room_cells(photo, hole).labels(*floor.shape)
        lower = labels == labels[-1, 5]
        assert (lower == floor)[hole].mean() > 0.9
