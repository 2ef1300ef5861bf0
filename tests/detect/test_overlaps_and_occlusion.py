"""Depth order, exclusive masks and hidden shares, from masks alone."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cast_nodes.boxes import mask_box
from cast_nodes.detect.occlusion import amodal_outline, with_occlusion
from cast_nodes.detect.overlaps import in_front, separate
from cast_nodes.types import SceneObject

SHAPE = (100, 120)


def rectangle(x0, y0, x1, y1):
    mask = np.zeros(SHAPE, bool)
    mask[y0:y1, x0:x1] = True
    return mask


def thing(number, mask):
    return SceneObject(number, "object", 1.0, mask_box(mask), mask)


rectangles = st.tuples(
    st.integers(0, 100), st.integers(0, 80), st.integers(4, 60), st.integers(4, 60)
).map(lambda v: rectangle(v[0], v[1], v[0] + v[2], v[1] + v[3]))


def test_what_reaches_lower_is_nearer():
    assert in_front((10, 40, 50, 90), (30, 10, 70, 60), 100)
    assert not in_front((30, 10, 70, 60), (10, 40, 50, 90), 100)


def test_a_small_thing_inside_or_on_a_larger_one_is_before_it():
    table, vase, cat = (10, 40, 90, 90), (40, 42, 50, 60), (30, 25, 50, 45)
    assert in_front(vase, table, 100) and not in_front(table, vase, 100)
    assert in_front(cat, table, 100) and not in_front(table, cat, 100)


def test_a_chair_on_a_rug_is_before_the_rug():
    rug, chair = (5, 70, 110, 95), (30, 30, 60, 85)
    assert in_front(chair, rug, 100) and not in_front(rug, chair, 100)


@given(rectangles, rectangles)
def test_of_two_boxes_never_both_are_in_front(a, b):
    first, second = mask_box(a), mask_box(b)
    assert not (in_front(first, second, 100) and in_front(second, first, 100))


@settings(max_examples=30, deadline=None)
@given(st.lists(rectangles, min_size=1, max_size=4))
def test_separated_masks_are_parts_of_the_given_and_keep_their_union(masks):
    rgb = np.zeros((*SHAPE, 3), np.uint8)
    out = separate(masks, rgb)
    for given_mask, made in zip(masks, out, strict=True):
        assert made is not None and not (made & ~given_mask).any()


def test_a_contested_part_goes_to_the_object_it_looks_like():
    rgb = np.full((*SHAPE, 3), 220, np.uint8)
    left, right = rectangle(10, 20, 50, 80), rectangle(50, 20, 90, 80)
    rgb[left], rgb[right] = (200, 30, 30), (30, 30, 200)
    greedy = rectangle(10, 20, 65, 80)  # swallows a part of its neighbour
    first, second = separate([greedy, right], rgb)
    assert first is not None and second is not None
    assert np.count_nonzero(second & right) > 0.95 * np.count_nonzero(right)
    assert np.count_nonzero(first & left) == np.count_nonzero(left)


def test_near_duplicates_are_left_to_filter():
    rgb = np.zeros((*SHAPE, 3), np.uint8)
    a, b = rectangle(10, 10, 60, 60), rectangle(11, 10, 60, 60)
    first, second = separate([a, b, None], rgb)[:2]
    assert first is a and second is b


def test_an_object_alone_is_not_hidden():
    (found,) = with_occlusion([thing(0, rectangle(10, 10, 40, 60))])
    assert found.occlusion == 0 and found.occluded_by == ()


def test_what_stands_apart_hides_nothing():
    objects = [thing(0, rectangle(10, 10, 40, 60)), thing(1, rectangle(60, 30, 100, 95))]
    assert [o.occlusion for o in with_occlusion(objects)] == [0, 0]


def test_legs_behind_a_table_count_as_hidden():
    back, front = rectangle(40, 20, 70, 50), rectangle(20, 50, 100, 90)
    found = with_occlusion([thing(0, back), thing(1, front)])
    assert found[0].occluded_by == (1,)
    assert 0.1 < found[0].occlusion < 0.5
    assert found[1].occlusion == 0


def test_a_half_that_shows_is_mirrored():
    whole = amodal_outline(rectangle(10, 20, 40, 90), [rectangle(40, 10, 80, 99)])
    assert mask_box(whole)[2] > 44
    assert mask_box(whole)[:2] == (10, 20)


def test_objects_without_masks_and_dropped_ones_hide_nothing():
    from dataclasses import replace

    back, front = rectangle(40, 20, 70, 50), rectangle(20, 50, 100, 90)
    bare = SceneObject(2, "object", 1.0, (0.0, 0.0, 5.0, 5.0))
    found = with_occlusion([thing(0, back), replace(thing(1, front), keep=False), bare])
    assert found[0].occlusion == 0
    assert found[2] is not None and found[2].mask is None
