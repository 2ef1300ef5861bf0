"""Masks of the user become objects."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from cast_nodes.backends import choose
from cast_nodes.detect import DetectInputs, detect
from cast_nodes.errors import BadInput
from cast_nodes.types import Photo, SceneObject

PHOTO = Photo(np.full((60, 80, 3), 200, np.uint8))


def square(x, y, side=20):
    mask = np.zeros((60, 80), bool)
    mask[y : y + side, x : x + side] = True
    return mask


def run(context, given=(), **options):
    return detect(DetectInputs(PHOTO, given), choose("detect", "masks", **options), context)


def test_given_masks_are_kept_as_they_are_with_tight_boxes(context):
    item = SceneObject(7, "lamp", 1.0, (0.0, 0.0, 80.0, 60.0), square(30, 10))
    (found,) = run(context, (item,)).objects
    assert (found.id, found.label, found.bbox) == (7, "lamp", (30, 10, 50, 30))
    assert (found.mask == item.mask).all()


def test_a_folder_gives_one_object_a_file_named_after_it(context, tmp_path):
    folder = tmp_path / "masks"
    folder.mkdir()
    for name, mask in (("2_oak-table", square(40, 30)), ("10_chair", square(5, 5))):
        Image.fromarray(mask.astype(np.uint8) * 255).save(folder / f"{name}.png")
    (folder / "notes.txt").write_text("not a mask")
    found = run(context, path=str(folder)).objects
    assert [o.label for o in found] == ["oak table", "chair"]  # 2 before 10
    assert (found[0].mask == square(40, 30)).all()


def test_a_palette_image_keeps_its_numbers(context, tmp_path):
    labels = np.zeros((60, 80), np.uint8)
    labels[square(5, 5)], labels[square(40, 30)] = 2, 5
    image = Image.fromarray(labels, "P")
    image.putpalette([v for i in range(256) for v in (i, 255 - i, i // 2)])
    image.save(tmp_path / "l.png")
    found = run(context, path=str(tmp_path / "l.png"), labels="2=chair, 5=table").objects
    assert [(o.id, o.label) for o in found] == [(2, "chair"), (5, "table")]
    assert (found[1].mask == square(40, 30)).all()


def test_smoothed_edges_of_a_colour_image_are_no_objects(context, tmp_path):
    large = np.zeros((240, 320, 3), np.uint8)
    large[20:100, 20:100] = (255, 0, 0)
    large[120:200, 160:240] = (0, 0, 255)
    Image.fromarray(large).resize((80, 60), Image.Resampling.LANCZOS).save(tmp_path / "l.png")
    found = run(context, path=str(tmp_path / "l.png"), labels="sofa").objects
    assert len(found) == 2
    assert {o.label for o in found} == {"sofa", "object"}
    for item in found:
        assert abs(item.area_px - 400) < 80


def test_a_stray_patch_far_from_a_thing_does_not_stretch_its_box(context, tmp_path):
    """A drawn label image may carry a few of a plant's pixels on a table two metres away."""
    labels = np.zeros((60, 80), np.uint8)
    labels[10:50, 50:70] = 1  # 800 px
    labels[30:34, 5:8] = 1  # 12 px, 1.5 % of it, 42 px away
    labels[52:55, 55:59] = 1  # 12 px just below: a part of it
    path = tmp_path / "labels.png"
    Image.fromarray(labels).save(path)
    (found,) = run(context, path=str(path)).objects
    assert found.bbox == (50, 10, 70, 55)
    labels[30:40, 5:15] = 1  # 100 px: no stray
    Image.fromarray(labels).save(path)
    (found,) = run(context, path=str(path)).objects
    assert found.bbox == (5, 10, 70, 55)


@pytest.mark.parametrize(
    ("labels", "word"),
    [("9=chair", "no mask 9"), ("1=chair,table", "number=name"), ("a,b,c", "names 3 objects")],
)
def test_labels_that_fit_no_mask_are_bad_input(context, tmp_path, labels, word):
    Image.fromarray(square(5, 5).astype(np.uint8) * 255).save(tmp_path / "1.png")
    with pytest.raises(BadInput, match=word):
        run(context, path=str(tmp_path), labels=labels)


@pytest.mark.parametrize("as_folder", [True, False])
def test_a_mask_of_another_size_is_named_with_both_sizes(context, tmp_path, as_folder):
    Image.new("L", (40, 30), 255).save(tmp_path / "chair.png")
    path = tmp_path if as_folder else tmp_path / "chair.png"
    with pytest.raises(BadInput, match=r"40x30.*80x60"):
        run(context, path=str(path))


def test_a_given_mask_of_another_size_is_named_with_both_sizes(context):
    item = SceneObject(0, "chair", 1.0, (0.0, 0.0, 9.0, 9.0), np.ones((30, 40), bool))
    for backend in ("masks", "boxes"):
        with pytest.raises(BadInput, match=r"40x30.*80x60"):
            detect(DetectInputs(PHOTO, (item,)), choose("detect", backend), context)


def test_missing_and_empty_places_are_bad_input(context, tmp_path):
    with pytest.raises(BadInput, match="no file or folder"):
        run(context, path=str(tmp_path / "nowhere"))
    with pytest.raises(BadInput, match="holds no mask picture"):
        run(context, path=str(tmp_path))
    with pytest.raises(BadInput, match="needs masks"):
        run(context)


def test_a_black_label_image_is_no_object_and_a_note(context, tmp_path):
    Image.new("RGB", (80, 60)).save(tmp_path / "l.png")
    found = run(context, path=str(tmp_path / "l.png"))
    assert found.objects == () and found.notes


def test_an_empty_mask_fails_alone(context):
    empty = SceneObject(0, "chair", 1.0, (0.0, 0.0, 9.0, 9.0), np.zeros((60, 80), bool))
    full = SceneObject(1, "table", 1.0, (0.0, 0.0, 9.0, 9.0), square(5, 5))
    found = run(context, (empty, full))
    assert [o.id for o in found.kept] == [1]
    assert found.by_id(0).reason
