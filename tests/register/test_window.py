"""The window: an object's part of the photo at a bounded size, cheap however large the photo."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from cast_nodes.frames import project
from cast_nodes.register.problem import _dilated
from cast_nodes.register.window import WORKING_SIDE, Window, mask_box, overlaps, window_of

sides = st.integers(1, 300)


@st.composite
def boxes(draw, width: int = 300, height: int = 200):
    x0, y0 = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    return x0, y0, draw(st.integers(x0 + 1, width)), draw(st.integers(y0 + 1, height))


@given(boxes())
def test_a_window_holds_its_box_and_is_of_bounded_size(box):
    window = window_of(box, (200, 300))
    x0, y0, x1, y1 = window.box
    assert x0 < box[0] < box[2] < x1
    assert y0 < box[1] < box[3] < y1
    assert 1 <= max(window.size) <= WORKING_SIDE


@settings(max_examples=40)
@given(boxes())
def test_a_mask_with_a_known_box_is_picked_the_same(box):
    mask = np.zeros((200, 300), bool)
    mask[box[1] : box[3], box[0] : box[2]] = (
        np.random.default_rng(0).random((box[3] - box[1], box[2] - box[0])) < 0.5
    )
    for seen in (box, (0, 0, 40, 30), (100, 60, 300, 200)):
        window = window_of(seen, mask.shape)
        np.testing.assert_array_equal(window.pick_mask(mask, box), window.pick(mask, False))


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 25), st.integers(0, 2**31))
def test_dilation_is_that_of_a_square(height, width, radius, seed):
    mask = np.random.default_rng(seed).random((height, width)) < 0.05
    square = ndimage.maximum_filter(mask, 2 * radius + 1, mode="constant", cval=False)
    np.testing.assert_array_equal(_dilated(mask, radius), square)


@given(boxes())
def test_the_box_of_a_mask_is_what_it_fills(box):
    mask = np.zeros((200, 300), bool)
    mask[box[1], box[0]] = mask[box[3] - 1, box[2] - 1] = True
    assert mask_box(mask) == box
    assert mask_box(np.zeros((5, 5), bool)) is None


@given(boxes(), boxes())
def test_boxes_overlap_when_they_share_a_pixel(a, b):
    first, second = np.zeros((200, 300), bool), np.zeros((200, 300), bool)
    first[a[1] : a[3], a[0] : a[2]] = True
    second[b[1] : b[3], b[0] : b[2]] = True
    assert overlaps(a, b) == bool((first & second).any())
    assert not overlaps(None, b)


@pytest.mark.parametrize(
    "box", [(100, 200, 1700, 1300), (0, 0, 2400, 1800), (1500, 900, 2400, 1800)]
)
def test_of_a_large_window_some_rows_and_columns_tell_as_much_as_all(box, monkeypatch):
    height, width = 1800, 2400
    y, x = np.mgrid[:height, :width]
    mask = (x - 1000) ** 2 + (y - 900) ** 2 < 700**2
    rgb = np.stack([x * 255 // width, y * 255 // height, (x + y) % 256], -1).astype(np.uint8)
    window = window_of(box, mask.shape)
    some = window.area(mask), window.area(rgb)
    monkeypatch.setattr("cast_nodes.register.window.FINEST", 10**6)
    every = window.area(mask), window.area(rgb)
    assert (some[0] != every[0]).mean() < 0.004
    # Where the photo ends, a working pixel is partly black.
    inner = np.asarray(ndimage.binary_erosion(window.inside, iterations=2, border_value=1), bool)
    assert np.abs(some[1].astype(int) - every[1])[inner][:, :2].max() <= 2


def test_the_crops_camera_sees_what_the_photos_camera_sees():
    photo = np.array([[500.0, 0, 150], [0, 500, 100], [0, 0, 1]])
    window = Window((40, 20, 140, 120), (300, 200), (50, 50))
    point = np.array([-0.1, 0.05, 2.0])
    x, y = project(point, photo)
    np.testing.assert_allclose(
        project(point, window.intrinsics(photo)), [(x - 40) / 2, (y - 20) / 2]
    )


def test_a_pixel_thinner_than_a_working_pixel_is_still_touched():
    mask = np.zeros((2000, 2000), bool)
    mask[500, 100:1900] = True
    window = window_of((100, 100, 1900, 1900), mask.shape)
    assert not window.area(mask).any()
    assert window.touched(mask).any()
