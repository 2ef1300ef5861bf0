"""Boxes of the user become masks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cast_nodes.backends import choose
from cast_nodes.detect import DetectInputs, detect
from cast_nodes.detect.box_mask import crop_around
from cast_nodes.errors import BadInput, ObjectFailure
from cast_nodes.types import Photo, SceneObject


def iou(a, b):
    return np.count_nonzero(a & b) / max(1, np.count_nonzero(a | b))


def boxed(number, label, box):
    return SceneObject(number, label, 1.0, tuple(float(v) for v in box))


def run(photo, context, *objects):
    return detect(DetectInputs(photo, objects), choose("detect", "boxes"), context)


def test_a_table_keeps_its_legs_and_not_the_floor_between_them(table_room, context):
    box = np.add(table_room.box("table"), [-2, 1, 2, 2])
    (found,) = run(table_room.photo, context, boxed(0, "table", box)).objects
    truth = table_room.truth["table"]
    assert iou(found.mask, truth) > 0.85
    assert found.mask[70:98, 45:51].mean() > 0.9  # a leg
    assert found.mask[66:98, 60:92].mean() < 0.05  # between the legs


def test_overlapping_boxes_give_masks_that_share_no_pixel(crowded_room, context):
    objects = [boxed(i, n, crowded_room.box(n)) for i, n in enumerate(("cabinet", "box"))]
    cabinet, box = run(crowded_room.photo, context, *objects).objects
    assert not (cabinet.mask & box.mask).any()
    assert iou(cabinet.mask, crowded_room.truth["cabinet"]) > 0.85
    assert iou(box.mask, crowded_room.truth["box"]) > 0.85


def test_what_hides_a_part_of_another_is_named_with_the_hidden_share(crowded_room, context):
    objects = [boxed(i, n, crowded_room.box(n)) for i, n in enumerate(("cabinet", "box"))]
    cabinet, box = run(crowded_room.photo, context, *objects).objects
    hidden = 20 * 25 / (50 * 60)  # of the cabinet as it was drawn
    assert cabinet.occluded_by == (1,)
    assert abs(cabinet.occlusion - hidden) < 0.1
    assert box.occluded_by == () and box.occlusion == 0


def test_a_mask_of_the_network_says_how_well_it_expects_to_fit(table_room, context):
    table = boxed(0, "table", table_room.box("table"))
    (found,) = run(table_room.photo, context, table).objects
    true = iou(found.mask, table_room.truth["table"])
    assert found.mask_confidence == pytest.approx(true, abs=0.2)
    (again,) = run(table_room.photo, context, table).objects
    assert again.mask_confidence == found.mask_confidence
    choice = choose("detect", "boxes", mask_method="colour")
    (colour,) = detect(DetectInputs(table_room.photo, (table,)), choice, context).objects
    assert colour.mask_confidence is None


def test_a_known_occlusion_is_kept(crowded_room, context):
    item = replace(boxed(0, "cabinet", crowded_room.box("cabinet")), occlusion=0.42)
    (found,) = run(crowded_room.photo, context, item).objects
    assert found.occlusion == 0.42


@pytest.mark.parametrize(
    ("box", "reason"),
    [
        ((20, 20, 20, 60), "no area"),
        ((60, 60, 20, 20), "no area"),
        ((500, 20, 600, 60), "outside the 160x120 photo"),
        ((-50, -50, -1, -1), "outside the 160x120 photo"),
        ((float("nan"), 0, 10, 10), "finite"),
    ],
)
def test_an_unusable_box_fails_alone_with_its_reason(table_room, context, box, reason):
    good = boxed(0, "table", table_room.box("table"))
    found = run(table_room.photo, context, good, boxed(1, "chair", box))
    assert found.by_id(0).keep and found.by_id(0).mask is not None
    assert not found.by_id(1).keep
    assert reason in found.by_id(1).reason


def test_a_box_that_reaches_out_of_the_photo_is_cut(context, table_room):
    x0, y0, x1, _ = table_room.box("table")
    (found,) = run(table_room.photo, context, boxed(0, "table", (x0, y0, x1, 900))).objects
    assert found.keep and found.mask.shape == (120, 160)
    assert found.bbox[3] <= 120


def test_the_same_box_twice_keeps_both_for_filter_to_choose(table_room, context):
    box = table_room.box("table")
    first, second = run(
        table_room.photo, context, boxed(0, "table", box), boxed(1, "table", box)
    ).objects
    assert first.keep and second.keep
    assert iou(first.mask, second.mask) > 0.9


def test_a_box_around_the_whole_photo_does_not_fail_the_run(table_room, context):
    (found,) = run(table_room.photo, context, boxed(0, "table", (0, 0, 160, 120))).objects
    assert found.mask is None or found.mask.shape == (120, 160)


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (40, 30)])
def test_black_and_tiny_photos_end_with_a_mask_or_a_reason(context, size):
    photo = Photo(np.zeros((*size, 3), np.uint8))
    (found,) = run(photo, context, boxed(0, "chair", (0, 0, size[1], size[0]))).objects
    assert (found.keep and found.mask is not None) or found.reason


def test_a_mask_that_was_given_is_not_made_anew(table_room, context):
    mask = np.zeros((120, 160), bool)
    mask[10:20, 10:20] = True
    item = replace(boxed(0, "lamp", (10, 10, 20, 20)), mask=mask)
    (found,) = run(table_room.photo, context, item).objects
    assert (found.mask == mask).all()


def test_no_box_and_equal_ids_are_bad_input(table_room, context):
    with pytest.raises(BadInput, match=r"objects\.json"):
        run(table_room.photo, context)
    twice = boxed(3, "chair", (10, 10, 40, 40))
    with pytest.raises(BadInput, match="id 3 is given twice"):
        run(table_room.photo, context, twice, twice)


def test_a_changed_box_redoes_that_object_only(crowded_room, context):
    steps = []
    watched = replace(context, progress=steps.append)
    objects = [boxed(i, n, crowded_room.box(n)) for i, n in enumerate(("cabinet", "box"))]
    run(crowded_room.photo, watched, *objects)
    assert [s.reused for s in steps] == [False, False]
    steps.clear()
    moved = boxed(1, "box", np.add(objects[1].bbox, [1, 0, 1, 0]))
    run(crowded_room.photo, watched, objects[0], moved)
    assert sorted((s.label, s.reused) for s in steps) == [("box 1", False), ("cabinet 0", True)]


@settings(max_examples=40, deadline=None)
@given(
    st.floats(-60, 200), st.floats(-60, 200), st.floats(-10, 250), st.floats(-10, 250),
    st.floats(0, 0.3),
)  # fmt: skip
def test_a_crop_lies_in_the_photo_and_holds_the_visible_box(x, y, width, height, slack):
    rgb = np.zeros((120, 160, 3), np.uint8)
    box = (x, y, x + width, y + height)
    try:
        crop = crop_around(rgb, box, slack)
    except ObjectFailure:
        visible = min(x + width, 160) - max(x, 0), min(y + height, 120) - max(y, 0)
        assert min(width, height) <= 0 or min(visible) < 1
        return
    left, top = crop.origin
    h, w = crop.rgb.shape[:2]
    assert 0 <= left < left + w <= 160 and 0 <= top < top + h <= 120
    x0, y0, x1, y1 = crop.box
    assert 0 <= x0 < x1 <= w and 0 <= y0 < y1 <= h
