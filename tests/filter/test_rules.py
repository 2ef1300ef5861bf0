"""Filter `rules`: each rule drops what it names, says why with a number, and loses nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cast_nodes.backends import choose
from cast_nodes.context import Context
from cast_nodes.filter import filter_objects
from cast_nodes.filter.rules import border_share
from cast_nodes.store import Store
from cast_nodes.types import Objects, Photo, SceneObject

H, W = 100, 200
PHOTO = Photo(np.zeros((H, W, 3), np.uint8))


def item(object_id, box, label="chair", masked=True, **more):
    mask = None
    if masked:
        mask = np.zeros((H, W), bool)
        mask[box[1] : box[3], box[0] : box[2]] = True
    return SceneObject(object_id, label, more.pop("score", 0.5), box, mask, **more)


def decide(*items, **options):
    objects = Objects(PHOTO, items)
    done = filter_objects(objects, choose("filter", "rules", **options), Context(store=Store()))
    return {o.id: o for o in done.objects}


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize(
    ("box", "label", "words"),
    [
        ((10, 10, 12, 14), "chair", "0.04%"),
        ((0, 0, 200, 100), "chair", "100%"),
        ((10, 10, 60, 60), " Wall", "room"),
    ],
)
def test_what_is_too_small_too_large_or_part_of_the_room_goes(box, label, words, masked):
    done = decide(item(0, box, label, masked), item(1, (100, 20, 150, 80)))
    assert not done[0].keep
    assert words in done[0].reason
    assert done[1].keep


def test_what_lies_mostly_on_the_border_goes():
    cut = item(0, (0, 10, 4, 90))
    assert border_share(cut) == pytest.approx(80 / 164, abs=0.02)
    assert not decide(cut, max_border=0.4)[0].keep
    assert decide(cut, max_border=0.6)[0].keep


@pytest.mark.parametrize(
    ("confidence", "least", "keep"),
    [(0.45, 0.5, False), (0.5, 0.5, True), (0.1, 0.0, True), (None, 1.0, True)],
)
def test_masks_that_are_expected_not_to_fit_go_when_asked(confidence, least, keep):
    done = decide(item(0, (10, 10, 60, 60), mask_confidence=confidence), min_mask_confidence=least)[
        0
    ]
    assert done.keep == keep
    assert keep or ("45%" in done.reason and "50%" in done.reason)


class TestOcclusion:
    @pytest.mark.parametrize(
        ("occlusion", "keep", "complete"),
        [(0.0, True, False), (0.15, True, False), (0.3, True, True), (0.51, False, False)],
    )
    def test_the_defaults_are_those_of_cast(self, occlusion, keep, complete):
        done = decide(item(0, (10, 10, 60, 60), occlusion=occlusion))[0]
        assert (done.keep, done.needs_completion) == (keep, complete)
        assert keep or "51%" in done.reason

    def test_never_keeps_and_completes_nothing(self):
        options = {"discard_from": "never", "complete_from": "never"}
        done = decide(item(0, (10, 10, 60, 60), occlusion=0.9), **options)[0]
        assert done.keep
        assert not done.needs_completion

    def test_something_wholly_visible_is_never_discarded(self):
        assert decide(item(0, (10, 10, 60, 60)), discard_from="none")[0].keep


class TestDuplicatesAndParts:
    def test_the_surer_of_two_equal_masks_stays(self):
        done = decide(
            item(0, (10, 10, 60, 60), score=0.4), item(1, (11, 10, 60, 60), "stool", score=0.9)
        )
        assert done[1].keep
        assert "duplicate of stool 1" in done[0].reason

    def test_a_part_of_the_same_label_goes_even_when_it_is_surer(self):
        done = decide(item(0, (10, 10, 90, 90), score=0.4), item(1, (20, 20, 50, 50), score=0.9))
        assert done[0].keep
        assert "part of chair 0" in done[1].reason

    def test_a_cushion_on_a_sofa_stays(self):
        done = decide(item(0, (10, 10, 90, 90), "sofa"), item(1, (20, 20, 50, 50), "cushion"))
        assert done[0].keep
        assert done[1].keep

    def test_an_unnamed_piece_inside_a_named_thing_is_a_part_of_it(self):
        done = decide(item(0, (10, 10, 90, 90), "sofa"), item(1, (20, 20, 50, 50), "object"))
        assert done[0].keep
        assert "part of sofa 0" in done[1].reason

    def test_boxes_that_only_overlap_stay(self):
        done = decide(
            item(0, (10, 10, 90, 90), masked=False), item(1, (30, 30, 60, 60), masked=False)
        )
        assert done[0].keep
        assert done[1].keep


def test_the_largest_and_surest_stay_when_there_are_too_many():
    done = decide(
        item(0, (10, 10, 30, 30)), item(1, (50, 10, 100, 60)), item(2, (120, 10, 140, 30)),
        max_objects=1,
    )  # fmt: skip
    assert [o.id for o in done.values() if o.keep] == [1]
    assert "more than 1" in done[0].reason


def test_what_was_dropped_before_keeps_its_reason():
    done = decide(item(0, (10, 10, 60, 60), keep=False, reason="the user said so"))
    assert done[0].reason == "the user said so"


boxes = st.tuples(
    st.integers(0, W - 2), st.integers(0, H - 2), st.integers(1, W), st.integers(1, H)
).map(lambda b: (b[0], b[1], min(W, b[0] + b[2]), min(H, b[1] + b[3])))


@given(st.lists(st.tuples(boxes, st.booleans(), st.floats(0, 1)), max_size=6))
def test_nothing_is_lost_and_every_dropped_object_has_a_reason(found):
    items = [
        item(k, box, masked=masked, occlusion=occlusion)
        for k, (box, masked, occlusion) in enumerate(found)
    ]
    done = decide(*items)
    assert list(done) == list(range(len(items)))
    assert all(o.keep == (o.reason == "") for o in done.values())


@given(st.lists(boxes, min_size=1, max_size=5))
def test_filtering_twice_changes_nothing(found):
    once = decide(*[item(k, box) for k, box in enumerate(found)])
    twice = decide(*once.values())
    assert {k: o.keep for k, o in once.items()} == {k: o.keep for k, o in twice.items()}
