"""The scene from the photo's camera, and whether it holds together."""

from dataclasses import replace

import numpy as np
import pytest

from cast_nodes.errors import BackendNotReady
from cast_nodes.evaluate import evaluate, read_predicted, read_truth
from cast_nodes.evaluate.matching import match
from cast_nodes.evaluate.physics import gaps, penetrations, physics_scores
from cast_nodes.evaluate.pictures import depth_measures, likeness, lpips_distance, nearest_pixels
from cast_nodes.evaluate.scenes import EvalScene, Item
from cast_nodes.frames import Sim3

from .rooms import LIGHT, true_scene, with_items, write_export, write_folder
from .shapes import ball, box, joined, square, turn


def up(height):
    return turn((0, 1, 0), 0, (0, height, 0))


def scene(*items, floor=0.0):
    return EvalScene("s", "s", items, floor=floor, metric=True)


def item(i, data, pose=None, carrier=None):
    return Item(i, f"thing_{i}", "thing", data, pose or Sim3.identity(), "", carrier)


# --- pictures ----------------------------------------------------------------------------------


def test_true_poses_give_the_true_masks_and_depth(tmp_path):
    truth = read_truth(write_folder(tmp_path / "truth", truth=True))
    found = evaluate(read_predicted(write_folder(tmp_path / "made")), truth, LIGHT)
    assert all(o.values["mask_iou"] == 1 for o in found.objects)
    assert found.pictures["abs_rel"] == pytest.approx(0, abs=1e-5)
    assert found.pictures["delta1"] == 1
    assert any("no PSNR" in note for note in found.notes)


def test_a_photo_that_is_the_render_is_as_like_as_can_be(tmp_path):
    made = read_predicted(write_export(tmp_path / "room"))
    found = evaluate(made, made, LIGHT)
    assert found.pictures["psnr"] == np.inf
    assert found.pictures["ssim"] == pytest.approx(1)
    assert found.as_json()["pictures"]["psnr"] is None
    spoilt = replace(made, photo=255 - made.photo)
    assert evaluate(made, spoilt, LIGHT).pictures["psnr"] < 15


def test_what_moves_in_the_picture_loses_overlap(tmp_path):
    truth = read_truth(write_folder(tmp_path / "truth", truth=True))
    moved = write_folder(tmp_path / "made", {2: turn((0, 1, 0), 0, (0.15, 0, 0))})
    found = evaluate(read_predicted(moved), truth, LIGHT)
    table, small, chair = (o.values["mask_iou"] for o in found.objects)
    assert small == 1 and table > 0.9 and chair < 0.7


def test_pixels_of_an_object_that_is_not_in_the_scene_count_for_no_other(tmp_path):
    truth = read_truth(write_folder(tmp_path / "truth", truth=True))
    found = evaluate(read_predicted(write_folder(tmp_path / "made", {1: None})), truth, LIGHT)
    table, chair, missing = found.objects
    assert table.values["mask_iou"] == 1  # the box in front of it is not held against it
    assert chair.values["mask_iou"] == 1
    assert missing.reason == "no pose fits"
    assert found.means["mask_iou"] == (pytest.approx(2 / 3), 3)


def test_depth_off_by_a_factor_is_no_error_after_scaling():
    true = np.random.default_rng(0).uniform(1, 5, (20, 30))
    found = depth_measures(1.5 * true, true)
    assert found["abs_rel"] == pytest.approx(0.5)
    assert found["delta1"] == 0
    assert found["abs_rel_scaled"] == pytest.approx(0)
    assert found["delta1_scaled"] == 1
    hole = np.where(true > 3, np.nan, true)
    assert depth_measures(hole, true)["abs_rel"] == 0
    assert depth_measures(np.full_like(true, np.nan), true) == {}


def test_psnr_and_ssim_are_those_of_the_valid_pixels():
    from skimage.metrics import peak_signal_noise_ratio

    rng = np.random.default_rng(0)
    photo = rng.integers(0, 200, (40, 60, 3), dtype=np.uint8)
    render = photo + rng.integers(0, 50, photo.shape, dtype=np.uint8)
    everywhere = np.ones(photo.shape[:2], bool)
    found = likeness(render, photo, everywhere)
    assert found["psnr"] == pytest.approx(peak_signal_noise_ratio(photo, render))
    assert 0 < found["ssim"] < 1
    left = everywhere.copy()
    left[:, 20:] = False
    spoilt = render.copy()
    spoilt[:, 40:] = 0
    assert likeness(spoilt, photo, left)["psnr"] == likeness(render, photo, left)["psnr"]
    same = likeness(photo, photo, everywhere)
    assert same["psnr"] == np.inf and same["ssim"] == pytest.approx(1)
    assert likeness(photo, photo, ~everywhere) == {}


def test_nearest_pixels_keep_what_lies_at_the_centres():
    values = np.arange(16).reshape(4, 4)
    assert (nearest_pixels(values, 4, 4) == values).all()
    assert nearest_pixels(values, 2, 2).tolist() == [[5, 7], [13, 15]]


def test_lpips_without_its_package_says_how_to_get_it(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "lpips", None)
    with pytest.raises(BackendNotReady, match="pip install lpips"):
        lpips_distance(np.zeros((9, 9, 3), np.uint8), np.zeros((9, 9, 3), np.uint8))


def test_lpips_is_asked_with_pictures_from_minus_one_to_one(monkeypatch):
    """Against a stand-in of the package, which has the real one's call and no network."""
    import sys
    from types import SimpleNamespace

    seen = []

    def model(one, other):
        seen.append((one, other))
        return (one - other).abs().mean()

    stand_in = SimpleNamespace(LPIPS=lambda net, verbose: model)
    monkeypatch.setitem(sys.modules, "lpips", stand_in)
    black, white = np.zeros((8, 9, 3), np.uint8), np.full((8, 9, 3), 255, np.uint8)
    assert lpips_distance(black, white) == pytest.approx(2)
    assert seen[0][0].shape == (1, 3, 8, 9)


# --- physics -----------------------------------------------------------------------------------


def test_a_cube_sunk_into_another_is_a_pair_of_that_depth():
    sunk = item(1, box((0.5, 0.5, 0.5)), up(0.5 + 0.25 - 0.1))
    (found,) = penetrations(scene(item(0, box()), sunk, floor=None))
    assert found.objects == ("thing_0", "thing_1")
    assert found.depth == pytest.approx(0.1, abs=0.01)
    assert found.share == pytest.approx(0.1 / np.sqrt(0.75), abs=0.01)


def test_things_that_rest_on_each_other_do_not_penetrate():
    resting = item(1, box((0.5, 0.5, 0.5)), up(0.75))
    assert penetrations(scene(item(0, box(), up(0)), resting, floor=-0.5)) == ()


def test_a_book_on_a_board_close_to_the_side_of_a_large_shelf_does_not_penetrate_it():
    # The samples nearest to many points of the book's foot lie on the side, not on the board.
    board, side = box((2, 0.02, 0.4), (0, -0.01, 0)), box((0.02, 1, 0.4), (-0.19, 0.5, 0))
    shelf = joined(board, side, box((1.8, 1.8, 1.8), (0, 2, 0)))
    book = box((0.05, 0.25, 0.2), (-0.15, 0.125 - 1e-9, 0))
    assert penetrations(scene(item(0, shelf), item(1, book), floor=None)) == ()


def test_the_depth_of_a_ball_in_a_box_is_exact():
    found = penetrations(
        scene(item(0, box((4, 1, 4), (0, 0.5, 0))), item(1, ball(0.5, 3), up(1.3)))
    )
    assert [p.depth for p in found] == [pytest.approx(0.2, abs=2e-3)]


def test_below_the_floor_is_a_penetration_too():
    (found,) = penetrations(scene(item(0, box(), up(0.4))))
    assert found.objects == ("thing_0", "floor")
    assert found.depth == pytest.approx(0.1)


def test_a_gap_is_the_free_height_over_the_objects_own():
    table = item(0, box(), up(0.5), "floor")
    cup = item(1, box((0.2, 0.2, 0.2)), up(1.15), 0)
    lamp = item(2, box((0.2, 1, 0.2)), turn((0, 1, 0), 0, (2, 0.8, 0)), "floor")
    floating = {g.object: g for g in gaps(scene(table, cup, lamp))}
    assert floating["thing_0"].gap == 0
    assert floating["thing_1"].gap == pytest.approx(0.05, abs=1e-6)
    assert floating["thing_1"].share == pytest.approx(0.25, abs=1e-5)
    assert floating["thing_2"].share == pytest.approx(0.3)


def test_a_ball_on_a_ball_has_the_gap_between_its_lowest_and_the_others_highest_point():
    below, above = item(0, ball(), up(1)), item(1, ball(0.5), up(2.6), 0)
    (found,) = [g for g in gaps(scene(below, above)) if g.object == "thing_1"]
    assert found.gap == pytest.approx(0.1, abs=0.01)


def test_contacts_and_relations_against_the_true_ones():
    truth = true_scene()
    kept = physics_scores(truth, truth, match(truth, truth))
    assert kept.whole["contact_recall"] == 1 and kept.whole["relation_recall"] == 1
    assert kept.whole["false_relations"] == 0 and kept.whole["penetrating_pairs"] == 0
    assert kept.whole["floating"] == 0
    table, small, chair = truth.items
    lifted = replace(small, pose=up(0.2) @ small.pose, supported_by="floor")
    wrong = with_items(truth, table, lifted, chair)
    found = physics_scores(wrong, truth, match(wrong, truth)).whole
    assert found["contact_recall"] == pytest.approx(2 / 3)
    assert found["relation_recall"] == pytest.approx(2 / 3)
    assert found["false_relations"] == pytest.approx(1 / 3)
    assert found["floating"] == 1


def test_open_meshes_are_named_as_nothing_can_be_in_them():
    found = physics_scores(scene(item(0, box(), up(0.5)), item(1, square())), None, None)
    assert any("thing_1" in note for note in found.notes)
    assert not any("thing_0" in note for note in found.notes)
