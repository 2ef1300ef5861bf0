"""Found objects after a person's edits."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from cast_nodes.backends import choose
from cast_nodes.detect import DetectInputs, detect
from cast_nodes.detect.edit_objects import DELETED, edit_objects
from cast_nodes.detect.object_edits import read_edits
from cast_nodes.errors import BadInput
from cast_nodes.inpaint import inpaint
from cast_nodes.mask_network.predict import Prediction
from cast_nodes.mask_network.window import window_of
from cast_nodes.types import Objects, Photo, SceneObject


def iou(a, b):
    return np.count_nonzero(a & b) / max(1, np.count_nonzero(a | b))


@pytest.fixture
def found(crowded_room, context):
    """A cabinet (0) and before it a box (1), as Detect 'boxes' has them."""
    given = tuple(
        SceneObject(i, n, 0.5, crowded_room.box(n)) for i, n in enumerate(("cabinet", "box"))
    )
    return detect(DetectInputs(crowded_room.photo, given), choose("detect", "boxes"), context)


@pytest.fixture
def edited(found, context):
    """The objects after edits by id."""

    def run(objects=found, **edits):
        text = json.dumps({"objects": {k.removeprefix("_"): e for k, e in edits.items()}})
        return edit_objects(objects, read_edits(text), context)

    return run


def test_no_edit_gives_back_the_very_objects(found, context):
    assert edit_objects(found, read_edits(""), context) is found


def test_a_renamed_object_keeps_all_but_its_name(found, edited):
    after = edited(_1={"label": "red box"})
    assert after.by_id(1).label == "red box"
    assert after.by_id(1).mask is found.by_id(1).mask
    assert after.by_id(0) is found.by_id(0)


def test_a_deleted_object_is_dropped_with_the_reason_and_hides_nothing_any_more(found, edited):
    assert found.by_id(0).occluded_by == (1,)
    after = edited(_1={"keep": False, "label": "gone"})
    assert not after.by_id(1).keep and after.by_id(1).reason == DELETED
    assert after.by_id(0).occluded_by == () and after.by_id(0).occlusion == 0


def test_what_filter_dropped_can_be_brought_back(found, edited):
    dropped = found.replaced(replace(found.by_id(1), keep=False, reason="too small"))
    after = edited(dropped, _1={"keep": True})
    assert after.by_id(1).keep and after.by_id(1).reason == ""


def test_a_new_box_gives_a_new_object(crowded_room, context, found, edited):
    empty = Objects(crowded_room.photo, ())
    after = edited(empty, _100={"box": list(crowded_room.box("box")), "label": "box"})
    (made,) = after.objects
    assert (made.id, made.label, made.score, made.keep) == (100, "box", 1.0, True)
    assert iou(made.mask, crowded_room.truth["box"]) > 0.85


def test_points_without_a_box_find_their_thing(crowded_room, edited):
    empty = Objects(crowded_room.photo, ())
    (both,) = edited(empty, _100={"points": [[80, 90, 1]]}).objects
    assert both.keep and both.mask[89, 79]
    (box,) = edited(empty, _100={"points": [[80, 90, 1], [40, 40, -1]]}).objects
    assert iou(box.mask, crowded_room.truth["box"]) > max(
        0.6, iou(both.mask, crowded_room.truth["box"])
    )


def test_a_point_outside_the_photo_fails_its_object_alone(found, edited):
    after = edited(_100={"points": [[500, 5, 1]]})
    assert not after.by_id(100).keep and "outside the 160x120 photo" in after.by_id(100).reason
    assert after.by_id(0) is found.by_id(0)


@pytest.fixture
def half_right(monkeypatch):
    """A network (stand-in) that sees the left half of its box, and the right half when clicked."""

    def answer(rgb, queries, side=160):
        out = []
        for q in queries:
            window = window_of(q.box)
            x = window.x0 + (np.arange(side) + 0.5) / side * (window.x1 - window.x0)
            y = window.y0 + (np.arange(side) + 0.5) / side * (window.y1 - window.y0)
            end = q.box[2] if q.positive else (q.box[0] + q.box[2]) / 2
            start = (q.box[0] + q.box[2]) / 2 if q.negative else q.box[0]
            seen = ((x > start) & (x < end))[None] & ((y > q.box[1]) & (y < q.box[3]))[:, None]
            seen = np.where(seen, 5.0, -5.0).astype(np.float32)
            out.append(Prediction(window, seen, seen, 0.9, 1.0))
        return out

    monkeypatch.setattr("cast_nodes.detect.box_objects.predict", answer)


BOX = [20, 20, 60, 60]


def blank(*objects):
    return Objects(Photo(np.full((100, 120, 3), 128, np.uint8)), objects)


def test_points_reach_the_network_with_the_box(half_right, edited):
    (made,) = edited(blank(), _100={"box": BOX}).objects
    assert made.mask[40, 30] and not made.mask[40, 50]
    (made,) = edited(blank(), _100={"box": BOX, "points": [[55, 40, 1]]}).objects
    assert made.mask[40, 30] and made.mask[40, 50]
    (made,) = edited(blank(), _100={"box": BOX, "points": [[55, 40, 1], [25, 40, -1]]}).objects
    assert not made.mask[40, 30] and made.mask[40, 50]


def square(x0, y0, x1, y1):
    mask = np.zeros((100, 120), bool)
    mask[y0:y1, x0:x1] = True
    return mask


def test_a_point_mends_its_own_region_of_a_found_mask_and_no_other(half_right, edited):
    """The found mask lacks a corner on either side; the network with a point has all of the box."""
    mask = square(*BOX)
    mask[20:30, 20:30] = mask[50:60, 50:60] = False
    item = SceneObject(0, "chair", 0.4, (20.0, 20.0, 60.0, 60.0), mask)
    (after,) = edited(blank(item), _0={"points": [[55, 55, 1]]}).objects
    assert after.mask[52, 58] and not after.mask[24, 24]
    assert after.score == 1.0


def test_a_point_is_obeyed_where_it_is_even_when_the_network_does_not_follow(half_right, edited):
    item = SceneObject(0, "chair", 0.4, (20.0, 20.0, 60.0, 60.0), square(*BOX))
    (after,) = edited(blank(item), _0={"points": [[80, 40, 1], [50, 40, -1]]}).objects
    assert after.mask[40, 80] and not after.mask[40, 50]


def test_strokes_are_laid_on_the_mask_exactly(edited):
    item = SceneObject(0, "chair", 0.4, (20.0, 20.0, 60.0, 60.0), square(*BOX))
    brush = [{"add": 5, "path": [[60, 40], [90, 40]]}, {"erase": 3, "path": [[40, 20], [40, 60]]}]
    (after,) = edited(blank(item), _0={"brush": brush}).objects
    x, y = np.meshgrid(np.arange(120) + 0.5, np.arange(100) + 0.5)
    line = np.hypot(x - np.clip(x, 60, 90), y - 40) <= 5
    wiped = np.hypot(x - 40, y - np.clip(y, 20, 60)) <= 3
    assert np.array_equal(after.mask, (square(*BOX) | line) & ~wiped)
    assert after.bbox == (20, 20, 95, 60)


def test_an_object_can_be_painted_from_nothing(edited):
    (after,) = edited(blank(), _100={"brush": [{"add": 8, "path": [[50, 50]]}]}).objects
    assert after.keep and after.mask.sum() == pytest.approx(np.pi * 64, rel=0.05)


def test_an_object_that_is_wiped_away_is_dropped(edited):
    item = SceneObject(0, "chair", 0.4, (20.0, 20.0, 60.0, 60.0), square(*BOX))
    (after,) = edited(blank(item), _0={"brush": [{"erase": 90, "path": [[40, 40]]}]}).objects
    assert not after.keep and "nothing of it is left" in after.reason


def test_painted_pixels_are_taken_from_the_neighbour(edited):
    left = SceneObject(0, "chair", 0.4, (20.0, 20.0, 60.0, 60.0), square(*BOX))
    right = SceneObject(1, "sofa", 0.4, (60.0, 20.0, 110.0, 60.0), square(60, 20, 110, 60))
    after = edited(blank(left, right), _0={"brush": [{"add": 4, "path": [[70, 40], [80, 40]]}]})
    a, b = after.objects
    assert a.mask[40, 75] and not b.mask[40, 75]
    assert not (a.mask & b.mask).any()
    assert (a.mask | b.mask)[20:60, 20:110].all()


def test_a_clicked_cushion_goes_to_the_sofa(half_right, edited):
    sofa = SceneObject(
        0, "sofa", 0.9, (20.0, 20.0, 60.0, 60.0), square(*BOX) & ~square(45, 25, 55, 35)
    )
    cushion = SceneObject(1, "cushion", 0.9, (45.0, 25.0, 55.0, 35.0), square(45, 25, 55, 35))
    after = edited(blank(sofa, cushion), _0={"points": [[50, 30, 1]]})
    assert after.by_id(0).mask[25:35, 45:55].all()
    assert not after.by_id(1).keep and "nothing of it is left" in after.by_id(1).reason


def test_edits_of_a_thing_that_is_gone_do_nothing_and_are_told(found, edited, context):
    after = edited(_7={"label": "lamp", "points": [[5, 5, -1]]})
    assert [o.id for o in after.objects] == [0, 1]
    assert any("object lamp 7 is no longer found" in w for w in context.warned)


def test_edits_of_another_photo_are_refused(found, context):
    with pytest.raises(BadInput, match="drawn on a photo of 50 x 400 pixels"):
        edit_objects(
            found, read_edits('{"photo": [50, 400], "objects": {"1": {"keep": false}}}'), context
        )


def test_masks_of_edits_come_from_the_store_the_second_time(crowded_room, context):
    steps = []
    watched = replace(context, progress=steps.append)
    box = list(crowded_room.box("box"))
    text = {"100": {"box": box, "points": [[80, 90, 1]]}, "101": {"points": [[80, 90, 1]]}}
    empty = Objects(crowded_room.photo, ())

    def run(**more):
        steps.clear()
        edits = read_edits(json.dumps({"objects": text | more}))
        edit_objects(empty, edits, watched)
        return [s.label for s in steps if not s.reused]

    first, *masks = run()  # the box of what was only clicked, then the masks, side by side
    assert first == "object 101" and sorted(masks) == ["object 100", "object 101"]
    assert run() == []
    assert run(**{"100": {"box": box, "points": [[82, 90, 1]]}}) == ["object 100"]


def test_stages_behind_make_only_the_edited_object_anew(context):
    room = np.full((120, 160, 3), 200, np.uint8)
    places = {"red": (10, 20, 40, 60), "blue": (60, 20, 90, 60), "green": (110, 20, 150, 60)}
    for (x0, y0, x1, y1), colour in zip(places.values(), np.eye(3), strict=True):
        room[y0:y1, x0:x1] = 40 + 160 * colour
    given = tuple(SceneObject(i, n, 1.0, b) for i, (n, b) in enumerate(places.items()))
    objects = detect(DetectInputs(Photo(room), given), choose("detect", "boxes"), context)
    steps = []
    watched = replace(context, progress=steps.append)
    inpaint(objects, choose("inpaint", "patch", background=False), watched)
    steps.clear()
    edits = {"1": {"brush": [{"erase": 4, "path": [[62, 22]]}]}, "2": {"keep": False}}
    after = edit_objects(objects, read_edits(json.dumps({"objects": edits})), watched)
    assert after.by_id(0) is objects.by_id(0)
    inpaint(after, choose("inpaint", "patch", background=False), watched)
    assert sorted((s.label, s.reused) for s in steps if s.stage == "inpaint" and s.label) == [
        ("blue 1", False), ("red 0", True),
    ]  # fmt: skip
