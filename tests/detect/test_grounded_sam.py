"""Grounding DINO and SAM: real classes with random weights, and each step with known numbers."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from cast_nodes.backends import choose
from cast_nodes.context import Context, Folders
from cast_nodes.detect import DetectInputs, _grounding, _sam, detect
from cast_nodes.detect._grounding import (
    Candidates,
    Prompt,
    choose_labels,
    corners_px,
    find_candidates,
    label_fits,
    make_prompts,
)
from cast_nodes.detect._pixels import Recipe, prepare
from cast_nodes.detect._transformers import named_class
from cast_nodes.errors import BackendNotReady, BadInput, Cancelled
from cast_nodes.local.models import own_models
from cast_nodes.store import Store
from cast_nodes.types import Photo

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

WIDTH, HEIGHT = 140, 90
LABELS = "chair, coffee table, table, wardrobe, vase"


@pytest.fixture
def photo():
    rgb = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    return Photo(rgb)


def stage(tiny, mask_model="sam2_video", **options):
    usual = {
        "labels": LABELS, "box_threshold": 0.05, "text_threshold": 0.05, "max_objects": 12,
        "detector_weights": str(tiny("grounding_dino")), "mask_weights": str(tiny(mask_model)),
    }  # fmt: skip
    return choose("detect", "grounded_sam", **(usual | options))


def watched(context):
    """The same context, and the list in which it notes each finished mask."""
    steps = []

    def note(step):
        if step.done:
            steps.append(step)

    return replace(context, progress=note), steps


# The text prompt


def test_a_prompt_is_the_text_that_bert_would_read_from_joined_labels(tiny):
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny("grounding_dino"))
    names = ["chair", "coffee table", "wardrobe"]
    tokens = [tokenizer(n, add_special_tokens=False)["input_ids"] for n in names]
    (prompt,) = make_prompts(tokens, names, 64, (101, 1012, 102))
    assert list(prompt.token_ids) == tokenizer("chair. coffee table. wardrobe.")["input_ids"]
    read = [tokenizer.decode(prompt.token_ids[a:b]) for a, b in prompt.spans]
    assert read == names


def test_a_long_list_takes_several_prompts_that_name_each_label_once():
    tokens = [[7] * n for n in (1, 2, 1, 3, 1, 1)]
    prompts = make_prompts(tokens, "abcdef", 9, (1, 2, 3))
    assert all(len(p.token_ids) <= 9 for p in prompts)
    assert [label for p in prompts for label in p.labels] == list(range(6))
    for prompt in prompts:
        for label, (first, end) in zip(prompt.labels, prompt.spans, strict=True):
            assert list(prompt.token_ids[first:end]) == tokens[label]
            assert prompt.token_ids[end] == 2


# From tokens to labels

# [begin] chair . coffee table . table . [end]
PROMPT = Prompt((1, 10, 2, 11, 12, 2, 12, 2, 3), ((1, 2), (3, 5), (6, 7)), (0, 1, 2))
NAMES = ("chair", "coffee table", "table")


def named(token_fits, box_threshold=0.3, text_threshold=0.25):
    fits = np.array([token_fits], np.float32)
    boxes = np.array([[0.5, 0.5, 0.2, 0.4]], np.float32)
    candidates = Candidates(boxes, *label_fits(fits, PROMPT, 3))
    found = choose_labels(candidates, NAMES, box_threshold, text_threshold, (WIDTH, HEIGHT))
    return [(f.label, round(f.score, 3)) for f in found]


def test_a_box_that_fits_words_of_two_labels_gets_one_of_them():
    assert named([0, 0.5, 0, 0.1, 0.4, 0, 0.4, 0, 0]) == [("chair", 0.5)]


def test_a_label_of_two_words_needs_both():
    assert named([0, 0, 0, 0.6, 0.5, 0, 0.5, 0, 0]) == [("coffee table", 0.6)]
    assert named([0, 0, 0, 0.1, 0.5, 0, 0.5, 0, 0]) == [("table", 0.5)]


def test_full_stops_and_marks_name_nothing():
    assert named([0.9, 0.1, 0.9, 0.1, 0.1, 0.9, 0.1, 0.9, 0.9]) == []


def test_both_thresholds_must_be_reached():
    fits = [0, 0.28, 0, 0, 0, 0, 0, 0, 0]
    assert named(fits) == []
    assert named(fits, box_threshold=0.2) == [("chair", 0.28)]
    assert named(fits, box_threshold=0.2, text_threshold=0.5) == []


# Boxes


def test_boxes_are_shares_of_the_photo_around_their_centre():
    boxes = np.array([[0.5, 0.5, 0.2, 0.4], [0.1, 0.9, 0.2, 0.2]], np.float32)
    expected = [[56, 27, 84, 63], [0, 72, 28, 90]]
    assert corners_px(boxes, (WIDTH, HEIGHT)) == pytest.approx(np.array(expected), abs=1e-4)


def test_boxes_and_scores_are_those_of_transformers(tiny, photo, context):
    names = ("chair", "table", "vase")
    candidates = find_candidates(photo.rgb, names, tiny("grounding_dino"), context)
    found = choose_labels(candidates, names, 0.3, 0.3, (WIDTH, HEIGHT))

    model = transformers.GroundingDinoForObjectDetection.from_pretrained(tiny("grounding_dino"))
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny("grounding_dino"))
    pixels = prepare(photo.rgb, Recipe("within", 96, 160)).values
    inputs = tokenizer("chair. table. vase.", return_tensors="pt")
    with torch.no_grad():
        out = model.eval()(pixel_values=torch.from_numpy(pixels), **inputs)
    out.logits[..., [0, 2, 4, 6, 7]] = -torch.inf  # marks and full stops, which name nothing
    (theirs,) = transformers.GroundingDinoProcessor.post_process_grounded_object_detection(
        SimpleNamespace(batch_decode=lambda ids: [None] * len(ids)),
        out, inputs["input_ids"], 0.3, 0.3, [(HEIGHT, WIDTH)],
    )  # fmt: skip
    boxes = theirs["boxes"].clamp(min=0).minimum(torch.tensor([WIDTH, HEIGHT] * 2)).numpy()
    large = (boxes[:, 2:] - boxes[:, :2]).min(1) >= 2
    order = np.argsort(-theirs["scores"].numpy()[large], kind="stable")
    assert len(found) == large.sum() > 3
    assert [f.score for f in found] == pytest.approx(theirs["scores"][large][order], abs=1e-4)
    assert np.array([f.box for f in found]) == pytest.approx(boxes[large][order], abs=0.05)


def test_several_prompts_know_of_all_labels(tiny, photo, context, tmp_path):
    short = shutil.copytree(tiny("grounding_dino"), tmp_path / "short")
    config = json.loads((short / "config.json").read_text())
    (short / "config.json").write_text(json.dumps(config | {"max_text_len": 8}))
    names = ("chair", "table", "lamp", "sofa", "vase")
    whole = find_candidates(photo.rgb, names, tiny("grounding_dino"), context)
    parts = find_candidates(photo.rgb, names, short, context)
    for found in (whole, parts):
        assert set(np.nonzero(found.peaks.max(0) > 0.05)[0]) == set(range(5))
    asked = parts.peaks > 0
    assert len(parts.boxes) > len(whole.boxes)
    assert not (asked[:, :3].any(1) & asked[:, 3:].any(1)).any()  # two prompts: 3 and 2 labels


# Masks


def logits_of(box, recipe, size):
    """(16, 16) logits over the network's picture that are positive inside a box of the photo."""
    prepared = prepare(np.zeros((size[1], size[0], 3), np.uint8), recipe)
    width, height = (recipe.long, recipe.long)
    x0, y0, x1, y1 = np.array(box) * prepared.scale
    x, y = (np.arange(16) + 0.5) / 16 * width, (np.arange(16)[:, None] + 0.5) / 16 * height
    # Linear in the distance to the nearest side, so bilinear enlarging keeps the border's place.
    inside = np.minimum(np.minimum(x - x0, x1 - x), np.minimum(y - y0, y1 - y))
    return torch.tensor(inside, dtype=torch.float32), prepared


@pytest.mark.parametrize("recipe", [_sam.SAM1.recipe, _sam.SAM2.recipe])
@pytest.mark.parametrize("size", [(640, 360), (360, 640)])
def test_a_mask_lands_in_the_photo_where_it_is(recipe, size):
    width, height = size
    box = (0.25 * width, 0.3 * height, 0.75 * width, 0.8 * height)
    logits, prepared = logits_of(box, recipe, size)
    mask = _sam.full_mask(logits, prepared, recipe.fit == "longest")
    assert mask.shape == (height, width)
    rows, columns = np.nonzero(mask.any(1))[0], np.nonzero(mask.any(0))[0]
    edges = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    assert edges == pytest.approx(box, abs=2)


def test_padded_masks_are_those_of_transformers():
    module = pytest.importorskip("transformers.models.sam.image_processing_pil_sam")
    recipe = Recipe("longest", 64, 64)
    prepared = prepare(np.zeros((HEIGHT, WIDTH, 3), np.uint8), recipe)
    logits = torch.randn((16, 16), generator=torch.Generator().manual_seed(0))
    w, h = prepared.content
    theirs = module.SamImageProcessorPil(pad_size={"height": 64, "width": 64})
    (expected,) = theirs.post_process_masks([logits[None, None]], [(HEIGHT, WIDTH)], [(h, w)])
    assert np.array_equal(_sam.full_mask(logits, prepared, True), np.array(expected)[0, 0])


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("sam", (64 / 140, 64 / 140)),
        ("sam2", (64 / 140, 64 / 90)),
        ("sam2_video", (64 / 140, 64 / 90)),
    ],
)
def test_boxes_reach_the_mask_model_in_its_own_pixels(tiny, photo, kind, expected):
    folder = tiny(kind)
    model = _sam.load_model(_sam.kind_of(folder), folder, "float32")
    seen = []
    model.register_forward_pre_hook(
        lambda module, args, given: seen.append(given["input_boxes"].clone()), with_kwargs=True
    )
    prepared = prepare(photo.rgb, _sam.read_recipe(folder, _sam.kind_of(folder).recipe))
    box = (14.0, 9.0, 70.0, 45.0)
    with torch.inference_mode():
        _sam.best_logits(model, _sam.encode(model, prepared), [box], prepared)
    x, y = expected
    # SAM resizes to whole pixels: 41 rows for 41.1.
    assert seen[0].tolist()[0][0] == pytest.approx([14 * x, 9 * y, 70 * x, 45 * y], rel=0.01)


def test_of_three_masks_the_one_of_the_highest_predicted_iou_is_taken(tiny, photo):
    masks = torch.stack([torch.full((4, 4), float(k)) for k in range(3)])

    def model(**_):
        return SimpleNamespace(
            pred_masks=torch.stack([masks, masks])[None],
            iou_scores=torch.tensor([[[0.1, 0.9, 0.3], [0.2, 0.1, 0.5]]]),
        )

    prepared = prepare(photo.rgb, Recipe("stretched", 64, 64))
    first, second = _sam.best_logits(model, torch.zeros(1), [(0, 0, 9, 9)] * 2, prepared)
    assert first[0, 0] == 1 and second[0, 0] == 2


def test_specks_go_and_pinholes_close():
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[20:70, 20:90] = True
    mask[30, 30] = False
    mask[3, 130] = True
    clean = _sam.cleaned(mask, (20.0, 20.0, 90.0, 70.0))
    assert clean[30, 30] and not clean[3, 130]
    assert clean.sum() == 50 * 70


@pytest.mark.parametrize(
    ("wanted", "device", "expected"),
    [
        ("auto", "cpu", "float32"),
        ("auto", "mps", "float32"),
        ("auto", "cuda", "bfloat16"),
        ("float16", "cuda", "float16"),
    ],
)
def test_the_image_encoder_runs_in_half_precision_on_cuda_only(wanted, device, expected):
    assert _sam.encoder_precision(wanted, device) == expected


@pytest.mark.parametrize("kind", ["sam", "sam2"])
def test_half_precision_is_the_image_encoders_alone(tiny, photo, kind):
    folder = tiny(kind)
    model = _sam.load_model(_sam.kind_of(folder), folder, "bfloat16")
    assert {p.dtype for p in model.vision_encoder.parameters()} == {torch.bfloat16}
    assert {p.dtype for p in model.mask_decoder.parameters()} == {torch.float32}
    prepared = prepare(photo.rgb, _sam.read_recipe(folder, _sam.kind_of(folder).recipe))
    with torch.inference_mode():
        (logits,) = _sam.best_logits(
            model, _sam.encode(model, prepared), [(9.0, 9.0, 60.0, 60.0)], prepared
        )
    assert logits.dtype == torch.float32 and torch.isfinite(logits).all()


# The whole stage


@pytest.mark.parametrize("mask_model", ["sam", "sam2", "sam2_video"])
def test_the_stage_gives_objects_like_any_other(tiny, photo, context, mask_model):
    found = detect(DetectInputs(photo), stage(tiny, mask_model), context)
    assert found.source == "grounded_sam" and found.objects
    kept = [o for o in found.objects if o.keep]
    assert kept and [o.id for o in found.objects] == list(range(len(found.objects)))
    union = np.zeros((HEIGHT, WIDTH), int)
    for item in kept:
        assert item.label in LABELS.split(", ")
        assert 0.05 <= item.score <= 1 and 0 <= item.occlusion < 1
        assert item.mask.shape == (HEIGHT, WIDTH) and item.mask.dtype == bool
        rows, columns = np.nonzero(item.mask)
        edges = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert item.bbox == edges
        union += item.mask
    assert union.max() == 1


def test_the_same_photo_gives_the_same_objects(tiny, photo, context):
    first = detect(DetectInputs(photo), stage(tiny), context)
    again = detect(DetectInputs(photo), stage(tiny), replace(context, store=Store()))
    assert [(o.label, o.score, o.bbox) for o in first.objects] == [
        (o.label, o.score, o.bbox) for o in again.objects
    ]
    for a, b in zip(first.objects, again.objects, strict=True):
        assert np.array_equal(a.mask, b.mask)


def test_the_same_photo_again_loads_no_model(tiny, photo, context):
    first = detect(DetectInputs(photo), stage(tiny), context)
    own_models().free()
    again = detect(DetectInputs(photo), stage(tiny), context)
    assert own_models().names == ()
    for a, b in zip(first.objects, again.objects, strict=True):
        assert (a.label, a.score, a.bbox) == (b.label, b.score, b.bbox)
        assert np.array_equal(a.mask, b.mask)


def test_another_threshold_asks_no_network_for_boxes_and_makes_new_masks_only(tiny, photo, context):
    detect(DetectInputs(photo), stage(tiny, max_objects=3), context)
    own_models().free()
    second, steps = watched(context)
    detect(DetectInputs(photo), stage(tiny, max_objects=5, box_threshold=0.06), second)
    assert not any("Grounding" in name for name in own_models().names)
    assert [s.reused for s in steps] == [True, True, True, False, False]
    assert (steps[-1].done, steps[-1].total) == (5, 5)


def test_other_files_in_the_same_folder_are_other_weights(tiny, photo, context, tmp_path):
    folder = shutil.copytree(tiny("sam2"), tmp_path / "masks")
    choice = stage(tiny, mask_weights=str(folder), max_objects=2)
    detect(DetectInputs(photo), choice, context)
    shutil.copytree(tiny("sam"), folder, dirs_exist_ok=True)
    again, steps = watched(context)
    detect(DetectInputs(photo), choice, again)
    assert [s.reused for s in steps] == [False, False]


def test_half_precision_runs_the_whole_stage(tiny, photo, context):
    found = detect(DetectInputs(photo), stage(tiny, precision="bfloat16"), context)
    assert found.kept


def test_when_more_is_found_than_allowed_the_surest_stay_and_it_is_said(tiny, photo, context):
    found = detect(DetectInputs(photo), stage(tiny, max_objects=2), context)
    assert len(found.objects) <= 2
    assert any("the 2 surest are kept" in note for note in found.notes)


def test_a_stop_between_masks_keeps_the_finished_ones(tiny, photo, context):
    def stop_at_the_first_mask(step):
        if step.done:
            context.cancel.cancel()

    choice = stage(tiny, max_objects=20, iou_threshold=1.0)
    with pytest.raises(Cancelled):
        detect(DetectInputs(photo), choice, replace(context, progress=stop_at_the_first_mask))
    fresh = Context(store=context.store, folders=context.folders)
    again, steps = watched(fresh)
    detect(DetectInputs(photo), choice, again)
    assert sum(s.reused for s in steps) == _sam.BOXES_AT_ONCE
    assert len(steps) == 20


def test_nothing_found_is_a_legal_answer(tiny, photo, context, monkeypatch):
    monkeypatch.setattr(_grounding, "LEAST_PEAK", 2.0)  # random weights find something anywhere
    found = detect(DetectInputs(photo), stage(tiny), context)
    assert found.objects == () and "no object was found" in found.notes[-1]


# What cannot work


def test_an_empty_list_is_refused(tiny, photo, context):
    with pytest.raises(BadInput, match="labels names nothing"):
        detect(DetectInputs(photo), stage(tiny, labels=" , "), context)


def test_other_models_weights_are_refused_by_name(tiny, photo, context):
    with pytest.raises(BadInput, match="'grounding-dino'; they must be SAM or SAM 2"):
        wrong = stage(tiny, mask_weights=str(tiny("grounding_dino")))
        detect(DetectInputs(photo), wrong, context)


def test_incomplete_weights_are_not_filled_with_random_numbers(tiny, photo, context, tmp_path):
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(tiny("sam"), tmp_path / "broken")
    tensors = load_file(folder / "model.safetensors")
    del tensors["mask_decoder.iou_token.weight"]
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(BadInput, match=r"broken.*not those of SamModel.*mask_decoder\.iou_token"):
        detect(DetectInputs(photo), stage(tiny, mask_weights=str(folder)), context)


def test_damaged_weights_are_named(tiny, photo, context, tmp_path):
    folder = shutil.copytree(tiny("sam"), tmp_path / "cut")
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInput, match=r"cut cannot be loaded as SamModel"):
        detect(DetectInputs(photo), stage(tiny, mask_weights=str(folder)), context)


def test_a_folder_without_a_tokenizer_says_what_it_lacks(tiny, photo, context, tmp_path):
    folder = shutil.copytree(tiny("grounding_dino"), tmp_path / "mute")
    for name in ("tokenizer.json", "vocab.txt"):
        (folder / name).unlink()
    with pytest.raises(BadInput, match=r"mute lacks tokenizer\.json\|vocab\.txt"):
        detect(DetectInputs(photo), stage(tiny, detector_weights=str(folder)), context)


def test_weights_of_ones_own_need_no_network(tiny, photo, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    context = Context(folders=Folders(tmp_path / "cache", tmp_path / "assets"))
    assert detect(DetectInputs(photo), stage(tiny, max_objects=1), context).objects


def test_a_transformers_that_is_too_old_is_named_with_the_command():
    with pytest.raises(BackendNotReady, match=r"has no Sam9Model: pip install -U 'transformers"):
        named_class("Sam9Model")


def test_a_transformers_that_cannot_import_says_why(monkeypatch):
    class Broken(SimpleNamespace):
        __version__ = "5.0"

        def __getattr__(self, name):
            raise ModuleNotFoundError(name) from RuntimeError("operator nms does not exist")

    monkeypatch.setitem(sys.modules, "transformers", Broken())
    with pytest.raises(BackendNotReady, match=r"operator nms does not exist.*torchvision"):
        named_class("SamModel")


@pytest.mark.parametrize("kept", _sam.POSITIONS)
@pytest.mark.parametrize("kind", ["sam", "sam2", "sam2_video"])
def test_files_that_hold_the_positions_once_are_whole(tiny, tmp_path, kind, kept):
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(tiny(kind), tmp_path / "once")
    tensors = load_file(folder / "model.safetensors")
    positions = torch.arange(float(tensors[_sam.POSITIONS[0]].numel()))
    positions = positions.reshape(tensors[_sam.POSITIONS[0]].shape)
    tensors = {name: t for name, t in tensors.items() if name not in _sam.POSITIONS}
    save_file({**tensors, kept: positions}, folder / "model.safetensors", {"format": "pt"})
    model = _sam.load_model(_sam.kind_of(folder), folder, "float32")
    for name in _sam.POSITIONS:
        place, _, last = name.rpartition(".")
        assert torch.equal(getattr(model.get_submodule(place), last), positions)


def test_files_without_the_positions_are_refused(tiny, tmp_path):
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(tiny("sam2"), tmp_path / "none")
    tensors = load_file(folder / "model.safetensors")
    left = {name: t for name, t in tensors.items() if name not in _sam.POSITIONS}
    save_file(left, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(BadInput, match="positional_embedding"):
        _sam.load_model(_sam.kind_of(folder), folder, "float32")
