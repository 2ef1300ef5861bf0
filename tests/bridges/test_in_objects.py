"""What detectors and segmenters outside the pack found becomes CAST_OBJECTS."""

from collections import namedtuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cast_nodes.bridges.found import Found, Picture, objects_of
from cast_nodes.bridges.from_boxes import (
    found_in_bbox,
    found_in_bounding_boxes,
    named,
    with_masks,
)
from cast_nodes.bridges.from_masks import found_in_masks
from cast_nodes.bridges.from_segs import found_in_segs
from cast_nodes.context import Context
from cast_nodes.detect import NOTHING_FOUND
from cast_nodes.errors import BadInput
from cast_nodes.store import Store
from cast_nodes.types import Photo

H, W = 48, 64
PHOTO = Photo(np.full((H, W, 3), 200, np.uint8))
PICTURE = Picture(PHOTO, H, W)
SCORES = (0.9, 0.8, 0.7)
BOXES = ((2, 4, 12, 20), (20, 10, 40, 44), (44, 30, 62, 46))
SEG = namedtuple(
    "SEG",
    "cropped_image cropped_mask confidence crop_region bbox label control_net_wrapper",
    defaults=[None],
)


def mask_of(box, height: int = H, width: int = W) -> np.ndarray:
    mask = np.zeros((height, width), np.float32)
    mask[box[1] : box[3], box[0] : box[2]] = 1
    return mask


MASKS = np.stack([mask_of(b) for b in BOXES])


def objects(found, picture: Picture = PICTURE, **more):
    return objects_of(found, picture, "test", Context(store=Store()), **more)


def core_box(box, **more) -> dict:
    return {"x": box[0], "y": box[1], "width": box[2] - box[0], "height": box[3] - box[1], **more}


# --- masks -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "masks",
    [
        [torch.from_numpy(MASKS)],
        [torch.from_numpy(m) for m in MASKS],
        [torch.from_numpy(m)[None] for m in MASKS],
        [MASKS[:2], MASKS[2]],
        [torch.from_numpy(MASKS).half()],
    ],
    ids=["batch", "list", "list of batches", "mixed", "half precision"],
)
def test_a_batch_and_a_list_of_masks_make_the_same_objects(masks):
    made = objects(found_in_masks(masks, PICTURE, ["chair, table, lamp"], "0.9, 0.8, 0.7"))
    assert [o.id for o in made.objects] == [0, 1, 2]
    assert [o.label for o in made.objects] == ["chair", "table", "lamp"]
    assert [o.score for o in made.objects] == [0.9, 0.8, 0.7]
    assert [o.bbox for o in made.objects] == [tuple(map(float, b)) for b in BOXES]
    for item, mask in zip(made.objects, MASKS, strict=True):
        np.testing.assert_array_equal(item.mask, mask > 0)


@pytest.mark.parametrize("masks", [[], [np.zeros((0, H, W))], [torch.zeros(0, H, W)]])
def test_no_mask_is_an_empty_photo_with_a_note(masks):
    made = objects(found_in_masks(masks, PICTURE, ["chair, table"], "0.5"))
    assert made.objects == () and made.notes == (NOTHING_FOUND,)


def test_an_empty_mask_keeps_its_number_and_is_dropped_with_the_reason():
    made = objects(found_in_masks([MASKS[:1], np.zeros((H, W)), MASKS[2:]], PICTURE))
    assert [o.id for o in made.kept] == [0, 2]
    assert made.objects[1].reason == "its mask is empty"


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ([], ["object"] * 3),
        ([""], ["object"] * 3),
        (["Chair"], ["chair"] * 3),
        (["a\nb\nc"], ["a", "b", "c"]),
        (["a", "b, oak", "c"], ["a", "b, oak", "c"]),
        (["1=lamp"], ["object", "lamp", "object"]),
    ],
)
def test_names_are_for_all_in_order_or_by_number(labels, names):
    assert [f.label for f in found_in_masks([MASKS], PICTURE, labels)] == names


@given(st.integers(1, 4), st.integers(0, 2**31))
@settings(max_examples=20, deadline=None)
def test_masks_of_a_larger_picture_fit_the_reduced_photo(factor: int, seed: int):
    rng = np.random.default_rng(seed)
    small = rng.random((12, 16)) > 0.5
    large = np.kron(small, np.ones((factor, factor)))
    picture = Picture(Photo(np.zeros((12, 16, 3), np.uint8)), 12 * factor, 16 * factor)
    made = objects(found_in_masks([large], picture), picture, separate=False)
    np.testing.assert_array_equal(made.objects[0].mask, small)


def test_a_pixel_of_two_masks_goes_to_one_of_them_unless_they_are_to_be_kept():
    on_top = mask_of((22, 12, 30, 20))
    found = found_in_masks([MASKS[1], on_top], PICTURE)
    apart, kept = objects(found).objects, objects(found, separate=False).objects
    assert apart[0].mask is not None and not (apart[0].mask & (on_top > 0)).any()
    np.testing.assert_array_equal(kept[0].mask, MASKS[1] > 0)


@pytest.mark.parametrize(
    ("masks", "labels", "scores", "message"),
    [
        ([np.ones((1, 10, 20))], [], "", r"masks: mask 0 is 20x10 pixels, the image is 64x48"),
        ([MASKS, np.ones((2, 3, 4, 5))], [], "", r"masks: an array of shape \(2, 3, 4, 5\)"),
        ([MASKS], ["a, b"], "", "labels: 2 names for 3 objects"),
        ([MASKS], ["7=chair"], "", "labels: there is no mask 7; there are: 0, 1, 2"),
        ([MASKS], [], "0.4, 0.5", "scores: 2 numbers for 3 objects"),
        ([MASKS], [], "0.4, good, 0.1", "scores: '0.4, good, 0.1' cannot be read"),
        ([MASKS], [], "0.4, 5, 0.1", "leaves 0 to 1"),
        (["chair"], [], "", "masks: it holds str, not numbers"),
    ],
)
def test_masks_that_cannot_be_used_are_named(masks, labels, scores, message):
    with pytest.raises(BadInput, match=message):
        found_in_masks(masks, PICTURE, labels, scores)


# --- boxes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        [[core_box(b, score=0.5, label="Cup") for b in BOXES]],
        [core_box(b, score=0.5, label="Cup") for b in BOXES],
    ],
    ids=["per picture", "flat"],
)
def test_cores_boxes_are_read_with_label_and_score(value):
    found = found_in_bounding_boxes(value)
    assert [f.box for f in found] == list(BOXES)
    assert {(f.label, f.score) for f in found} == {("Cup", 0.5)}


@pytest.mark.parametrize("value", [[], [[]], None])
def test_no_box_gives_no_thing(value):
    assert found_in_bounding_boxes(value) == [] == found_in_bbox(value, "x, y, width, height")


def test_a_single_box_is_read():
    assert found_in_bounding_boxes(core_box(BOXES[1]))[0].box == BOXES[1]
    assert found_in_bbox((20, 10, 20, 34), "x, y, width, height")[0].box == BOXES[1]


@pytest.mark.parametrize(
    "wrap",
    [list, lambda v: [v], np.array, lambda v: torch.tensor(v), lambda v: [tuple(b) for b in v]],
    ids=["list", "per picture", "array", "tensor", "tuples"],
)
def test_four_numbers_are_read_as_the_stated_order_says(wrap):
    by_size = wrap([[b[0], b[1], b[2] - b[0], b[3] - b[1]] for b in BOXES])
    by_corner = wrap([list(b) for b in BOXES])
    assert [f.box for f in found_in_bbox(by_size, "x, y, width, height")] == list(BOXES)
    assert [f.box for f in found_in_bbox(by_corner, "x0, y0, x1, y1")] == list(BOXES)


def test_a_box_alone_gets_a_mask_inside_it_and_one_beside_the_picture_is_dropped():
    rgb = PHOTO.rgb.copy()
    rgb[10:44, 20:40] = (150, 30, 20)
    picture = Picture(Photo(rgb), H, W)
    made = objects(found_in_bounding_boxes([core_box(BOXES[1]), core_box((70, 5, 90, 9))]), picture)
    inside = mask_of(BOXES[1]) > 0
    mask = made.objects[0].mask
    assert mask is not None and (mask & inside).sum() > 0.8 * (mask | inside).sum()
    assert not made.objects[1].keep and "beside the picture" in made.objects[1].reason


def test_boxes_and_masks_are_joined_by_order():
    boxes = found_in_bounding_boxes(
        [[core_box(b, score=s) for b, s in zip(BOXES, (0.9, 0.8, 0.7), strict=True)]]
    )
    made = objects(named(with_masks(boxes, [torch.from_numpy(MASKS)], PICTURE), ["a,b,c"]))
    assert [(o.label, o.score) for o in made.objects] == [("a", 0.9), ("b", 0.8), ("c", 0.7)]


def test_masks_without_boxes_and_a_black_mask_for_nothing_are_what_core_gives():
    assert len(with_masks([], [MASKS], PICTURE)) == 3
    assert with_masks([], [np.zeros((1, H, W))], PICTURE) == []
    assert with_masks([], [np.zeros((0, H, W))], PICTURE) == []


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: found_in_bounding_boxes([[core_box(BOXES[0])], []]), "they are of 2 pictures"),
        (lambda: found_in_bounding_boxes([(1, 2, 3, 4)]), "go to CAST Objects from BBOX"),
        (lambda: found_in_bounding_boxes([core_box((5, 5, 2, 9))]), "width -3 is no number"),
        (lambda: found_in_bbox([{"x": 1}], "x, y, width, height"), "bbox: it holds dict"),
        (lambda: found_in_bbox([(1, 2, 3)], "x, y, width, height"), "no box of four numbers"),
        (lambda: found_in_bbox([(9, 9, 3, 4)], "x0, y0, x1, y1"), "bbox: box 0 .9, 9, 3, 4. ends"),
        (
            lambda: with_masks([Found(None, b) for b in BOXES], [MASKS.max(0)], PICTURE),
            "masks: 1 came for 3 boxes; switch individual_masks on",
        ),
        (
            lambda: with_masks([Found(None, b) for b in BOXES], [MASKS[[1, 0, 2]]], PICTURE),
            "mask 0 lies outside box 0",
        ),
    ],
)
def test_boxes_that_cannot_be_used_are_named(call, message):
    with pytest.raises(BadInput, match=message):
        call()


# --- SEGS ------------------------------------------------------------------------------------


def seg(box, margin: int = 3, mask=None, **more) -> SEG:
    region = (max(0, box[0] - margin), max(0, box[1] - margin), min(W, box[2] + margin),
              min(H, box[3] + margin))  # fmt: skip
    if mask is None:
        mask = mask_of(box)[region[1] : region[3], region[0] : region[2]]
    return SEG(None, mask, 0.5, list(region), list(box), "cup")._replace(**more)


@pytest.mark.parametrize(
    "changed",
    [
        lambda m: m,
        torch.from_numpy,
        lambda m: torch.from_numpy(m)[None],
        lambda m: (m * 255).astype(np.uint8),
        lambda m: m > 0,
    ],
    ids=["array", "tensor", "batch of one", "bytes", "bool"],
)
def test_a_cropped_mask_comes_to_lie_at_its_place(changed):
    items = [seg(b) for b in BOXES]
    items = [s._replace(cropped_mask=changed(s.cropped_mask)) for s in items]
    made = objects(found_in_segs(((H, W), items), PICTURE))
    for item, mask in zip(made.objects, MASKS, strict=True):
        np.testing.assert_array_equal(item.mask, mask > 0)
        assert (item.label, item.score) == ("cup", 0.5)


@pytest.mark.parametrize(
    ("confidence", "score"), [(np.array([0.25]), 0.25), (torch.tensor(0.25), 0.25), (None, 1.0)]
)
def test_confidence_is_a_number_or_an_array_of_one(confidence, score):
    (found,) = found_in_segs(((H, W), [seg(BOXES[0], confidence=confidence)]), PICTURE)
    assert found.score == score


def test_a_region_that_reaches_over_the_edge_is_cut():
    mask = np.ones((20, 20), np.float32)
    item = SEG(None, mask, 1.0, (-10, -5, 10, 15), (-10, -5, 10, 15), "rug")
    (found,) = found_in_segs(((H, W), [item]), PICTURE)
    np.testing.assert_array_equal(found.mask, mask_of((0, 0, 10, 15)))


def test_without_a_mask_the_box_counts_and_without_segs_there_is_nothing():
    (found,) = found_in_segs(((H, W), [seg(BOXES[1], cropped_mask=None)]), PICTURE)
    assert found.mask is None and found.box == BOXES[1]
    assert found_in_segs(((H, W), []), PICTURE) == []
    assert found_in_segs(((0, 0), ()), PICTURE) == []


@pytest.mark.parametrize(
    ("segs", "message"),
    [
        (None, "segs: NoneType is no"),
        (((10, 20), [seg(BOXES[0])]), "of a picture of 20x10 pixels, the image is 64x48"),
        (((H, W), [seg(BOXES[0], cropped_mask=np.ones((3, 3)))]), r"SEG 0 \(cup\): its mask has"),
        (((H, W), [seg(BOXES[0], bbox=[1, 2])]), r"SEG 0 \(cup\): \[1, 2\] is no box"),
        (((H, W), ["chair"]), "has no crop_region"),
    ],
)
def test_segs_that_cannot_be_used_are_named(segs, message):
    with pytest.raises(BadInput, match=message):
        found_in_segs(segs, PICTURE)
