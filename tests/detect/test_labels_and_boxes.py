"""Label lists, and which of many found boxes and masks stand for one thing each."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cast_nodes.boxes import box_iou
from cast_nodes.detect._cut_out import arranged, distinct, packed, unpacked
from cast_nodes.detect._found import box_in_photo, suppress, without_groups
from cast_nodes.detect._labels import DEFAULT_LABELS, parse_label_list, share_out
from cast_nodes.detect.ssd import Found
from cast_nodes.errors import BadInput
from cast_nodes.types import Photo


def test_labels_come_in_lower_case_each_once_in_their_order():
    written = "Chair, coffee  Table;lamp\nchair. what is this?, "
    assert parse_label_list(written) == ("chair", "coffee table", "lamp", "what is this")
    assert parse_label_list(" ,. ") == ()


def test_the_usual_labels_name_each_thing_once():
    labels = parse_label_list(DEFAULT_LABELS)
    assert len(labels) == DEFAULT_LABELS.count(",") + 1
    assert {"chair", "sofa", "potted plant", "bicycle"} <= set(labels)


@given(st.lists(st.integers(1, 12), max_size=60), st.integers(12, 40))
def test_a_list_is_shared_out_whole_in_order_and_within_the_limit(sizes, limit):
    runs = share_out(sizes, limit, ["x"] * len(sizes))
    assert [i for run in runs for i in run] == list(range(len(sizes)))
    assert all(sum(sizes[i] for i in run) <= limit for run in runs)


def test_runs_are_about_equally_long_instead_of_one_nearly_empty():
    runs = share_out([1] * 11, 10, ["x"] * 11)
    assert [len(run) for run in runs] == [6, 5]


def test_a_label_longer_than_a_prompt_is_named():
    with pytest.raises(BadInput, match="'a very long label' takes 9 tokens, more than the 8"):
        share_out([2, 9], 8, ["chair", "a very long label"])


@pytest.mark.parametrize(
    ("box", "inside"),
    [
        ((-5.0, 10.0, 50.0, 200.0), (0.0, 10.0, 50.0, 120.0)),
        ((10.0, 10.0, 11.0, 50.0), None),
        ((50.0, 10.0, 20.0, 30.0), None),
        ((200.0, 10.0, 300.0, 30.0), None),
        ((float("nan"), 10.0, 20.0, 30.0), None),
    ],
)
def test_boxes_are_clipped_to_the_photo_and_dropped_when_nothing_is_left(box, inside):
    assert box_in_photo(np.array(box), 160, 120) == inside


def test_of_overlapping_boxes_the_surest_stays_whatever_their_labels():
    found = [
        Found("armchair", 0.5, (11.0, 10.0, 50.0, 60.0)),
        Found("chair", 0.6, (10.0, 10.0, 50.0, 60.0)),
        Found("lamp", 0.4, (80.0, 10.0, 95.0, 60.0)),
    ]
    assert [f.label for f in suppress(found, 0.7)] == ["chair", "lamp"]
    assert [f.label for f in suppress(found, 1.0)] == ["chair", "armchair", "lamp"]


boxes = st.tuples(*[st.floats(0, 90)] * 2, *[st.floats(3, 60)] * 2).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)


@given(
    st.lists(st.builds(Found, st.sampled_from("ab"), st.floats(0, 1), boxes), max_size=12),
    st.floats(0.1, 0.9),
)
def test_what_is_left_overlaps_no_more_than_allowed_and_what_went_overlaps_a_surer_one(found, most):
    kept = suppress(found, most)
    assert all(box_iou(a.box, b.box) <= most for a in kept for b in kept if a is not b)
    for item in found:
        if item not in kept:
            assert any(box_iou(item.box, k.box) > most and k.score >= item.score for k in kept)


def test_a_box_around_a_row_of_its_own_kind_goes():
    row = [Found("chair", 0.5, (x, 20.0, x + 28.0, 80.0)) for x in (10.0, 40.0, 70.0)]
    around = Found("chair", 0.9, (8.0, 18.0, 100.0, 82.0))
    assert without_groups([around, *row]) == row
    other = Found("table", 0.9, around.box)
    assert other in without_groups([other, *row])


def test_a_box_with_small_parts_of_its_own_kind_stays():
    shelf = Found("bookshelf", 0.6, (10.0, 10.0, 90.0, 100.0))
    parts = [Found("bookshelf", 0.4, (12.0, y, 40.0, y + 12.0)) for y in (12.0, 50.0)]
    assert shelf in without_groups([shelf, *parts])


def rectangle(x0, y0, x1, y1, width=100, height=80):
    mask = np.zeros((height, width), bool)
    mask[y0:y1, x0:x1] = True
    return mask


def test_two_nearly_equal_masks_are_one_thing_under_the_surer_name():
    masks = [rectangle(10, 10, 50, 60), rectangle(10, 10, 51, 60)]
    assert distinct(["armchair", "chair"], masks) == [0]


def test_a_mask_inside_one_of_its_own_label_is_a_part_of_it():
    whole, part = rectangle(10, 10, 60, 60), rectangle(20, 20, 40, 40)
    assert distinct(["sofa", "sofa"], [part, whole]) == [1]
    assert distinct(["cushion", "sofa"], [part, whole]) == [0, 1]


def test_a_mask_made_of_others_of_its_label_is_a_group():
    left, right = rectangle(10, 10, 34, 60), rectangle(36, 10, 60, 60)
    assert distinct(["chair"] * 3, [rectangle(10, 10, 60, 60), left, right]) == [1, 2]


def test_objects_share_no_pixel_and_an_empty_mask_is_said():
    photo = Photo(np.full((80, 100, 3), 128, np.uint8))
    found = [
        Found("table", 0.8, (10.0, 30.0, 90.0, 70.0)),
        Found("vase", 0.6, (40.0, 20.0, 50.0, 45.0)),
        Found("lamp", 0.5, (1.0, 1.0, 9.0, 9.0)),
    ]
    masks = [rectangle(10, 30, 90, 70), rectangle(40, 20, 50, 45), rectangle(0, 0, 0, 0)]
    table, vase, lamp = arranged(photo, found, masks)
    assert [o.id for o in (table, vase, lamp)] == [0, 1, 2]
    assert not (table.mask & vase.mask).any()
    assert vase.bbox == (40.0, 20.0, 50.0, 45.0) and vase.score == 0.6
    assert not lamp.keep and lamp.reason == "the mask model sees nothing in its box"


@given(st.integers(0, 2**32 - 1))
def test_masks_survive_being_packed(seed):
    rng = np.random.default_rng(seed)
    mask = np.zeros(tuple(rng.integers(1, 40, 2)), bool)
    mask[: rng.integers(0, 41), : rng.integers(0, 41)] = rng.random() < 0.9
    assert np.array_equal(unpacked(packed(mask)), mask)
