"""Pictures as networks want them, and their answers brought back to the photo."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cast_nodes.detect._pixels import Recipe, content_size, prepare, read_recipe
from cast_nodes.errors import BadInput

WITHIN, LONGEST, STRETCHED = (
    Recipe("within", 96, 160), Recipe("longest", 64, 64), Recipe("stretched", 64, 64, resample=3),
)  # fmt: skip


def noise(width, height, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize(
    ("size", "expected"),
    [((640, 480), (1066, 800)), ((480, 640), (800, 1066)), ((3000, 1000), (1333, 444))],
)
def test_a_photo_keeps_its_shape_within_both_bounds(size, expected):
    assert content_size(*size, Recipe("within", 800, 1333)) == expected


@given(st.integers(32, 5000), st.integers(32, 5000))
def test_sizes_never_pass_their_bound(width, height):
    assert max(content_size(width, height, LONGEST)) == 64
    assert max(content_size(width, height, WITHIN)) <= 160
    assert min(content_size(width, height, WITHIN)) <= 96


@given(st.floats(0, 1), st.floats(0, 1), st.sampled_from([WITHIN, LONGEST, STRETCHED]))
@settings(max_examples=30)
def test_the_photos_corners_are_the_contents_corners(x, y, recipe):
    prepared = prepare(noise(150, 70), recipe)
    there = np.array([x * 150, y * 70] * 2) * prepared.scale
    assert there == pytest.approx(np.array([x, y] * 2) * (prepared.content * 2))


def test_padding_is_below_and_on_the_right_and_zero():
    prepared = prepare(noise(128, 64), LONGEST)
    assert prepared.values.shape == (1, 3, 64, 64) and prepared.content == (64, 32)
    assert not prepared.values[..., 32:, :].any()
    assert np.abs(prepared.values[..., :32, :]).min() > 0


def test_grounding_dinos_pictures_are_those_of_transformers():
    module = pytest.importorskip(
        "transformers.models.grounding_dino.image_processing_pil_grounding_dino"
    )
    theirs = module.GroundingDinoImageProcessorPil(size={"shortest_edge": 96, "longest_edge": 160})
    for size in ((140, 90), (90, 140), (400, 100)):
        rgb = noise(*size)
        expected = theirs(rgb, return_tensors="np")["pixel_values"]
        assert prepare(rgb, WITHIN).values == pytest.approx(expected, abs=1e-5)


def test_sams_pictures_are_those_of_transformers():
    module = pytest.importorskip("transformers.models.sam.image_processing_pil_sam")
    theirs = module.SamImageProcessorPil(
        size={"longest_edge": 64}, pad_size={"height": 64, "width": 64}
    )
    for size in ((140, 90), (90, 140), (63, 65)):
        rgb = noise(*size)
        expected = theirs(rgb, return_tensors="np")["pixel_values"]
        assert prepare(rgb, LONGEST).values == pytest.approx(np.array(expected), abs=1e-5)


def test_florence_2s_pictures_are_those_of_transformers():
    module = pytest.importorskip("transformers.models.clip.image_processing_pil_clip")
    theirs = module.CLIPImageProcessorPil(
        size={"height": 64, "width": 64}, do_center_crop=False,
        image_mean=STRETCHED.mean, image_std=STRETCHED.std,
    )  # fmt: skip
    rgb = noise(140, 90)
    expected = theirs(rgb, return_tensors="np")["pixel_values"]
    assert prepare(rgb, STRETCHED).values == pytest.approx(np.array(expected), abs=1e-5)


@pytest.mark.parametrize(
    ("name", "wrap"),
    [
        ("preprocessor_config.json", lambda said: said),
        ("processor_config.json", lambda said: {"image_processor": said}),
    ],
)
def test_the_weights_own_numbers_are_read_from_either_file(tmp_path, name, wrap):
    said = {
        "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.4, 0.3],
        "size": {"height": 512, "width": 512}, "resample": 3,
    }  # fmt: skip
    (tmp_path / name).write_text(json.dumps(wrap(said)))
    read = read_recipe(tmp_path, Recipe("stretched", 1024, 1024))
    assert read == Recipe("stretched", 1024, 512, (0.5, 0.5, 0.5), (0.5, 0.4, 0.3), 3)


def test_without_a_file_the_models_usual_numbers_count(tmp_path):
    assert read_recipe(tmp_path, LONGEST) == LONGEST


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read"),
        ('{"image_mean": ["a"], "size": 8}', "makes no sense"),
        ('{"image_mean": [0.5], "size": {"height": 8, "width": 9}}', "squares only"),
    ],
)
def test_a_file_that_makes_no_sense_is_named(tmp_path, text, message):
    (tmp_path / "preprocessor_config.json").write_text(text)
    with pytest.raises(BadInput, match=message):
        read_recipe(tmp_path, STRETCHED)
