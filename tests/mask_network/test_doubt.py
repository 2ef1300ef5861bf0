"""Boxes of which the network doubts its mask move to where it doubts less."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cast_nodes.boxes import box_iou
from cast_nodes.mask_network import doubt
from cast_nodes.mask_network.doubt import DOUBTED, LEAST_SHARED, less_doubted
from cast_nodes.mask_network.predict import Prediction
from cast_nodes.mask_network.window import window_of

RGB = np.zeros((200, 300, 3), np.uint8)
THING = (60.0, 40.0, 140.0, 180.0)


@pytest.fixture
def asked(monkeypatch):
    """A network (stand-in) whose confidence is the box's IoU with THING; the boxes it was asked."""
    boxes = []

    def predict(rgb, queries, mirrored=True):
        out = []
        for query in queries:
            boxes.append(query.box)
            seen = np.full((160, 160), -5.0, np.float32)
            out.append(Prediction(window_of(query.box), seen, seen, box_iou(query.box, THING), 1.0))
        return out

    monkeypatch.setattr(doubt, "predict", predict)
    return boxes


def test_half_a_box_grows_to_the_whole_thing(asked):
    (moved,) = less_doubted(RGB, [(60.0, 40.0, 140.0, 105.0)])
    assert box_iou(moved, THING) > 0.85


def test_a_box_that_is_not_doubted_stays_the_very_same(asked):
    box = (62.0, 41.0, 138.0, 175.0)
    (moved,) = less_doubted(RGB, [box])
    assert moved is box and asked == [box]


def test_each_box_moves_by_itself_and_none_is_no_question(asked):
    boxes = [(60.0, 40.0, 140.0, 105.0), THING, (60.0, 120.0, 140.0, 180.0)]
    moved = less_doubted(RGB, boxes)
    assert moved[1] is THING
    for box, before in zip(moved, boxes, strict=True):
        assert less_doubted(RGB, [before]) == [box]
    assert less_doubted(RGB, []) == []


@given(
    st.tuples(
        st.floats(0, 250), st.floats(0, 150), st.floats(4, 150), st.floats(4, 150)
    ).map(lambda v: (v[0], v[1], min(300.0, v[0] + v[2]), min(200.0, v[1] + v[3])))
)  # fmt: skip
def test_no_box_becomes_more_doubtful_leaves_the_photo_or_its_thing(box):
    with pytest.MonkeyPatch.context() as patch:

        def predict(rgb, queries, mirrored=True):
            seen = np.full((160, 160), -5.0, np.float32)
            return [
                Prediction(window_of(q.box), seen, seen, box_iou(q.box, THING), 1.0)
                for q in queries
            ]

        patch.setattr(doubt, "predict", predict)
        (moved,) = less_doubted(RGB, [box])
    assert box_iou(moved, THING) >= box_iou(box, THING)
    assert 0 <= moved[0] < moved[2] <= 300 and 0 <= moved[1] < moved[3] <= 200
    assert moved == box or box_iou(moved, box) >= LEAST_SHARED
    assert DOUBTED < 1


def test_the_box_of_the_mask_itself_is_tried(monkeypatch):
    """All four sides are off at once: no single side helps, the mask's own box does."""

    def predict(rgb, queries, mirrored=True):
        out = []
        for query in queries:
            window = window_of(query.box)
            x = window.x0 + (np.arange(160) + 0.5) / 160 * (window.x1 - window.x0)
            y = window.y0 + (np.arange(160) + 0.5) / 160 * (window.y1 - window.y0)
            inside = ((y > 60) & (y < 160))[:, None] & ((x > 80) & (x < 120))[None]
            seen = np.where(inside, 5.0, -5.0).astype(np.float32)
            sure = 0.95 if box_iou(query.box, (80, 60, 120, 160)) > 0.9 else 0.3
            out.append(Prediction(window, seen, seen, sure, 1.0))
        return out

    monkeypatch.setattr(doubt, "predict", predict)
    (moved,) = less_doubted(RGB, [(64.0, 30.0, 140.0, 190.0)])
    assert box_iou(moved, (80, 60, 120, 160)) > 0.9
