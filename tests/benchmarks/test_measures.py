"""The measures of the offline benchmark, on values computed by hand."""

import numpy as np
import pytest
from PIL import Image

pytest.importorskip(
    "embreex", reason="benchmark rooms cast rays with embreex (pip install embreex)"
)

from benchmarks.offline import Row, abs_rel, box_iou, iou, jittered, masked_photos, summary
from cast_nodes.types import Photo, SceneObject


def test_a_depth_off_by_a_factor_has_no_error_after_median_scaling():
    true = np.random.default_rng(0).uniform(1, 5, (20, 30))
    everywhere, there = abs_rel(3 * true, true, true < 2)
    assert everywhere == pytest.approx(0) and there == pytest.approx(0)


def test_abs_rel_over_all_pixels_and_over_the_objects():
    true = np.array([[1.0, 2.0, 2.0, 2.0, 4.0]])
    depth = np.array([[1.5, 2.0, 2.0, 2.0, 3.0]])
    everywhere, there = abs_rel(depth, true, np.array([[True, False, False, False, True]]))
    assert everywhere == pytest.approx((0.5 + 0.25) / 5)
    assert there == pytest.approx((0.5 + 0.25) / 2)


def test_invalid_depth_is_left_out_and_no_depth_at_all_is_no_figure():
    true = np.array([[1.0, 2.0, np.nan]])
    depth = np.array([[np.nan, 2.0, 5.0]])
    assert abs_rel(depth, true, np.ones((1, 3), bool)) == pytest.approx((0, 0))
    assert np.isnan(abs_rel(np.full((1, 3), np.nan), true, np.ones((1, 3), bool))).all()


def test_iou_of_masks_and_boxes():
    a, b = np.zeros((4, 4), bool), np.zeros((4, 4), bool)
    a[:, :2], b[:, 1:3] = True, True
    assert iou(a, b) == pytest.approx(1 / 3)
    assert iou(a, ~a) == 0
    assert box_iou((0, 0, 2, 4), (1, 0, 3, 4)) == pytest.approx(1 / 3)
    assert box_iou((0, 0, 1, 1), (2, 2, 3, 3)) == 0


def test_jitter_moves_each_side_by_at_most_four_percent_and_stays_in_the_picture():
    photo = Photo(np.zeros((100, 200, 3), np.uint8))
    item = SceneObject(0, "chair", 1.0, (0, 10, 100, 60), np.zeros((100, 200), bool))
    rng = np.random.default_rng(0)
    boxes = np.array([jittered(item, rng, photo).bbox for _ in range(200)])
    assert (np.abs(boxes - item.bbox) <= [4, 2, 4, 2]).all()
    assert boxes.min() >= 0 and boxes.std(0).min() > 0
    assert jittered(item, rng, photo).mask is None


def test_a_label_image_in_colour_or_palette_gives_one_object_a_colour(tmp_path):
    labels = np.zeros((40, 60), np.uint8)
    labels[5:25, 5:25], labels[10:35, 30:55] = 1, 2
    for name, mode in (("a", "P"), ("b", "RGB")):
        Image.fromarray(np.zeros((40, 60, 3), np.uint8)).save(tmp_path / f"{name}.jpg")
        picture = Image.fromarray(labels, "L").convert("P")
        picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
        picture.convert(mode).save(tmp_path / f"{name}.masks.png")
    found = list(masked_photos(tmp_path))
    assert [o.photo.name for o in found] == ["a", "b"]
    for objects in found:
        assert sorted(o.area_px for o in objects.objects) == [400, 625]


def test_the_summary_leaves_out_what_was_not_measured():
    rows = [Row("a", "x", 1.0), Row("b", "x", 3.0), Row("c", "x", float("nan"))]
    assert summary(rows) == {"x": {"mean": 2.0, "median": 2.0, "count": 3}}
