"""The embedded detector: decoding, choosing, and what it does without its model file."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cast_nodes.backends import choose, get_backend
from cast_nodes.boxes import box_iou
from cast_nodes.detect import DetectInputs, detect, ssd
from cast_nodes.detect.embedded import (
    EmbeddedOptions,
    find_objects,
    plausible,
    with_sofas,
)
from cast_nodes.detect.silhouettes import group_of, silhouettes_for
from cast_nodes.types import Photo

boxes = st.tuples(*[st.floats(0, 100)] * 4).map(
    lambda v: (min(v[0], v[2]), min(v[1], v[3]), max(v[0], v[2]), max(v[1], v[3]))
)


def iou(a, b):
    return np.count_nonzero(a & b) / max(1, np.count_nonzero(a | b))


def run(photo, context, **options):
    return detect(DetectInputs(photo), choose("detect", "embedded", **options), context)


def test_it_is_the_default_and_runs_without_its_model(context):
    backend = get_backend("detect")
    assert backend.info.name == "embedded"
    assert not backend.missing(context)


def test_without_the_model_things_are_found_by_contrast_and_it_says_so(crowded_room, context):
    found = run(crowded_room.photo, context)
    assert "cast fetch" in " ".join(found.notes)
    assert any("cast fetch" in w for w in context.warned)
    assert {o.label for o in found.objects} == {"object"}
    both = crowded_room.truth["cabinet"] | crowded_room.truth["box"]
    union = np.logical_or.reduce([o.mask for o in found.objects])
    assert iou(union, both) > 0.8


def test_detections_get_masks_and_the_rest_becomes_regions(crowded_room, context):
    detection = ssd.Found("cabinet", 0.9, crowded_room.box("cabinet"))
    found = find_objects(crowded_room.photo.rgb, [detection], EmbeddedOptions(), context)
    assert [o.label for o in found] == ["cabinet", "object"]
    assert iou(found[0].mask, crowded_room.truth["cabinet"]) > 0.8
    assert iou(found[1].mask, crowded_room.truth["box"]) > 0.7


def test_the_number_of_regions_is_an_option(crowded_room, context):
    assert run(crowded_room.photo, context, proposals=0).objects == ()


@pytest.mark.parametrize("value", [0, 255])
@pytest.mark.parametrize("size", [(1, 1), (2, 50), (64, 64)])
def test_an_empty_picture_is_no_object_and_a_note(context, size, value):
    found = run(Photo(np.full((*size, 3), value, np.uint8)), context)
    assert found.objects == ()
    assert any("no object was found" in n for n in found.notes)


def test_a_second_run_comes_from_the_store(crowded_room, context, monkeypatch):
    first = run(crowded_room.photo, context)
    monkeypatch.setattr("cast_nodes.detect.embedded.find_objects", None)
    second = run(crowded_room.photo, context)
    for a, b in zip(first.objects, second.objects, strict=True):
        assert (a.mask == b.mask).all() and a.bbox == b.bbox


def test_a_damaged_model_file_is_named(crowded_room, context):
    context.folders.assets.mkdir(parents=True)
    (context.folders.assets / ssd.ASSET).write_bytes(b"not a model" * 40)
    assert "damaged" in " ".join(run(crowded_room.photo, context).notes)


def test_there_is_an_anchor_for_each_output_of_the_network():
    assert ssd.anchors().shape == (1917, 4)
    assert (ssd.anchors()[:, 2:] > 0).all()


def test_zero_output_decodes_to_the_anchors_and_an_even_score():
    found, scores = ssd.decode(np.zeros((1917, 4)), np.zeros((1917, 24)))
    centre = (found[:, :2] + found[:, 2:]) / 2
    np.testing.assert_allclose(centre, ssd.anchors()[:, [1, 0]], atol=1e-12)
    assert (scores == 0.5).all()


def test_a_detection_cut_by_a_windows_inner_edge_is_dropped():
    rgb = np.zeros((100, 100, 3), np.uint8)

    def infer(picture, floor):
        return [ssd.Found("chair", 0.9, (0.0, 10.0, 30.0, 40.0))]

    assert ssd.look(rgb, (0, 0, 60, 60), infer, 0.1)  # the photo's own edge cuts nothing
    assert not ssd.look(rgb, (40, 0, 100, 60), infer, 0.1)


@given(st.integers(1, 400), st.integers(1, 400))
def test_windows_lie_in_the_photo_and_cover_it(width, height):
    seen = np.zeros((height, width), bool)
    for x0, y0, x1, y1 in list(ssd.tiles(width, height, (0.45,)))[1:]:
        assert 0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height
        seen[y0:y1, x0:x1] = True
    assert seen.mean() > 0.9


@given(boxes, boxes)
def test_box_iou_is_symmetric_and_at_most_one(a, b):
    assert box_iou(a, b) == box_iou(b, a)
    assert 0 <= box_iou(a, b) <= 1 + 1e-9


def test_a_part_of_a_chair_is_no_second_chair():
    whole = ssd.Found("chair", 0.8, (10.0, 10.0, 60.0, 90.0))
    part = ssd.Found("chair", 0.4, (12.0, 12.0, 58.0, 40.0))
    assert plausible([part, whole], 200, 200) == [whole]


def test_a_vase_on_a_table_stays():
    table = ssd.Found("table", 0.8, (10.0, 40.0, 90.0, 90.0))
    vase = ssd.Found("bottle", 0.5, (40.0, 42.0, 50.0, 60.0))
    assert plausible([vase, table], 200, 200) == [table, vase]


def test_a_row_of_doubtful_chairs_is_a_sofa():
    row = [ssd.Found("chair", 0.4, (x, 50.0, x + 40.0, 90.0)) for x in (10.0, 52.0, 95.0)]
    (sofa,) = with_sofas(row, 160)
    assert sofa.label == "sofa" and sofa.box == (10.0, 50.0, 135.0, 90.0)
    sure = [ssd.Found("chair", 0.8, f.box) for f in row]
    assert with_sofas(sure, 160) == sure


@pytest.mark.parametrize(
    ("label", "group"),
    [
        ("oak chair", "seat"), ("Armchair", "seat"), ("corner sofa", "sofa"), ("desk", "table"),
        ("table with plant", "table"), ("desk lamp", "lamp"), ("dragon", ""), ("", ""),
    ],
)  # fmt: skip
def test_labels_find_their_group_of_outlines(label, group):
    assert group_of(label) == group


def test_outlines_of_a_label_look_like_it():
    chair, crate = silhouettes_for("chair"), silhouettes_for("crate")
    filled = [float(s.weight @ s.masks.mean((1, 2))) for s in (chair, crate)]
    assert filled[0] < filled[1]
    assert chair.weight.sum() == pytest.approx(1)
