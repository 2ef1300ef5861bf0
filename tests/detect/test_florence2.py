"""Florence-2: a real class taught one answer by heart, and each step with known numbers."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest

from cast_nodes.backends import choose
from cast_nodes.cancel import CancelToken
from cast_nodes.detect import DetectInputs, _florence, detect
from cast_nodes.detect._florence_answer import BINS, Placed, box_of, named_by, read_places, to_found
from cast_nodes.errors import BadInput, Cancelled
from cast_nodes.local.models import own_models
from cast_nodes.store import Store
from cast_nodes.types import Photo

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

WIDTH, HEIGHT = 140, 90
ANSWER = (
    "chair<loc_100><loc_200><loc_499><loc_799>"
    "coffee table<loc_600><loc_0><loc_999><loc_500><loc_20><loc_30><loc_90><loc_900>"
)
BOXES = {
    (14.07, 18.045, 69.93, 71.955): "chair",
    (84.07, 0.045, 139.93, 45.045): "coffee table",
    (2.87, 2.745, 12.67, 81.045): "coffee table",
}
"""The same in pixels: (bin + 0.5) / 1000 of the photo's sides."""


@pytest.fixture
def photo():
    return Photo(np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8))


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    """Tiny Florence-2 that says ANSWER to everything."""
    from tiny_detectors import florence2_that_says

    return florence2_that_says(tmp_path_factory.mktemp("taught"), ANSWER)


def stage(folder, tiny, **options):
    usual = {
        "max_new_tokens": 64, "mask_weights": str(tiny("sam2")), "florence_weights": str(folder),
    }  # fmt: skip
    return choose("detect", "florence2", **(usual | options))


def asked(photo, folder, context, labels=(), limits=(64, 3), precision="float32"):
    limits = _florence.Limits(*limits)
    plain = _florence.OBJECTS
    return _florence.ask(photo.rgb, labels, plain, folder, precision, limits, context)


# From an answer to boxes


def places(answer):
    """The places of an answer that is given as text."""
    tokens = re.findall(r"<loc_\d+>|[^<]", answer)
    bins = [int(t[5:-1]) if t.startswith("<loc") else None for t in tokens]
    return read_places(bins, lambda first, end: "".join(tokens[first:end]))


def read(answer, labels=()):
    found = to_found(places(answer), [0.5] * len(places(answer)), (WIDTH, HEIGHT), labels)
    return [(f.label, f.box) for f in found]


def test_words_and_four_bins_are_a_labelled_box():
    assert [(p.words, p.bins) for p in places(ANSWER)] == [
        ("chair", (100, 200, 499, 799)),
        ("coffee table", (600, 0, 999, 500)),
        ("coffee table", (20, 30, 90, 900)),
    ]


def test_bins_are_shares_of_the_photo_and_mean_their_middles():
    for box, label in BOXES.items():
        assert label in [n for n, b in read(ANSWER) if b == pytest.approx(box)]
    assert box_of((0, 0, 999, 999), 1000, 500) == (0.5, 0.25, 999.5, 499.75)


def test_boxes_are_those_of_transformers():
    module = pytest.importorskip("transformers.models.florence2.processing_florence2")

    class Silent:
        all_special_tokens = ()

    theirs = module.Florence2PostProcessor(None, Silent())
    expected = theirs.parse_description_with_bboxes_from_text_and_spans(ANSWER, (WIDTH, HEIGHT))
    ours = [(p.words, box_of(p.bins, WIDTH, HEIGHT)) for p in places(ANSWER)]
    assert [e["cat_name"] for e in expected] == [words for words, _ in ours]
    # Theirs are cut off to whole pixels.
    assert np.array_equal([e["bbox"] for e in expected], np.floor([b for _, b in ours]))


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "a photo of a room with nothing in it",
        "<loc_1><loc_2><loc_300><loc_400>",  # nothing is named
        "chair<loc_1><loc_2><loc_300>",  # broken off
        "chair<loc_500><loc_500><loc_100><loc_100>",  # inside out
        "chair<loc_500><loc_500><loc_500><loc_500>",  # a point
        " . <loc_1><loc_2><loc_300><loc_400>",  # a full stop is no name
    ],
)
def test_what_is_no_box_gives_none(answer):
    assert read(answer) == []


def test_a_broken_off_answer_keeps_what_is_whole():
    cut = "chair<loc_1><loc_2><loc_300><loc_400><loc_1><loc_2>"
    assert [label for label, _ in read(cut)] == ["chair"]


def test_what_is_said_again_and_again_counts_once():
    assert len(read("chair<loc_1><loc_2><loc_300><loc_400>" * 50)) == 1


def test_labels_are_in_lower_case():
    assert read("A blue Chair. <loc_1><loc_2><loc_300><loc_400>")[0][0] == "a blue chair"


@pytest.mark.parametrize(
    ("words", "label"),
    [
        ("A wooden coffee table", "coffee table"),
        ("tables", "table"),
        ("two glasses", "glass"),
        ("boxes", "box"),
        ("tablecloth", ""),
        ("the room", ""),
        ("table for coffee", "table"),
    ],
)
def test_a_phrase_takes_the_longest_label_that_it_names(words, label):
    assert named_by(words, ("table", "coffee table", "coffee machine", "glass", "box")) == label


def test_with_labels_other_things_are_left_out():
    labels = ("table", "lamp")
    assert [n for n, _ in read(ANSWER, labels)] == ["table", "table"]


def test_a_place_scores_by_its_words_and_its_own_bins():
    first = Placed("chair", (1, 2, 3, 4), (0, 2), 2)
    second = Placed("chair", (5, 6, 7, 8), (0, 2), 6)
    sure = np.array([1, 1, 1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5], np.float32)
    assert _florence.place_scores([first, second], sure) == pytest.approx([1, 0.5 ** (4 / 6)])


def test_bins_nearby_count_as_the_same_place():
    logits = torch.full((2, 1100), -30.0)
    logits[0, 7] = 0.0  # a word
    logits[1, 100 + 500], logits[1, 100 + 509], logits[1, 100 + 600] = 0.0, 0.0, 0.0
    ids = list(range(100, 1100))
    sure = _florence.token_probabilities(logits, [7, 600], [None, 500], ids)
    assert sure == pytest.approx([1, 2 / 3], abs=1e-5)


def test_an_answer_ends_at_its_mark_or_is_cut_off():
    assert _florence.trimmed([5, 6, 2, 1, 1], 2, 64) == ([5, 6], True)
    assert _florence.trimmed([5, 6, 7], 2, 3) == ([5, 6, 7], False)


# Questions


def test_a_long_list_becomes_several_questions():
    names = ["chair", "coffee table", "lamp"]
    questions = _florence.phrase_questions(names, [2, 3, 2], 5)
    assert questions == [
        "Locate the phrases in the caption: chair, coffee table",
        "Locate the phrases in the caption: lamp",
    ]


@pytest.mark.parametrize("size", [(64, 64), (96, 64)])
def test_the_number_of_picture_tokens_is_what_the_model_makes_of_it(tiny, size):
    model = transformers.Florence2ForConditionalGeneration.from_pretrained(tiny("florence2"))
    with torch.no_grad():
        made = model.eval().get_image_features(torch.zeros(1, 3, size[1], size[0]))
    expected = _florence.picture_tokens(model.config.vision_config, *size)
    assert getattr(made, "pooler_output", made).shape[1] == expected  # a tensor before 5.0


def test_the_published_models_make_577_tokens_of_a_picture():
    vision = transformers.Florence2Config().vision_config
    assert _florence.picture_tokens(vision, 768, 768) == 577


def test_the_question_is_written_as_transformers_writes_it(tiny, photo, context):
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny("florence2"))
    model = transformers.Florence2ForConditionalGeneration.from_pretrained(tiny("florence2"))
    ids = _florence._question_ids(model, tokenizer, _florence.OBJECTS, (64, 64))
    count = _florence.picture_tokens(model.config.vision_config, 64, 64)
    text = "<image>" * count + "<s>Locate the objects with category name in the image.</s>"
    assert ids == tokenizer(text, add_special_tokens=False)["input_ids"]


# The model


@pytest.mark.parametrize("beams", [1, 3])
def test_the_model_says_its_answer(taught, photo, context, beams):
    (answer,) = asked(photo, taught, context, limits=(64, beams))
    assert answer.finished
    assert [p.bins for p in answer.places] == [p.bins for p in places(ANSWER)]
    assert [p.words for p in answer.places] == ["chair", "coffee table", "coffee table"]
    assert np.isfinite(answer.scores).all() and (answer.scores > 0.5).all()


def test_an_answer_that_does_not_end_is_cut_off_and_it_is_said(taught, tiny, photo, context):
    (answer,) = asked(photo, taught, context, limits=(16, 1))
    assert not answer.finished and len(answer.places) == 1
    found = detect(DetectInputs(photo), stage(taught, tiny, max_new_tokens=16), context)
    assert any("cut off after 16 tokens" in note for note in found.notes)


def test_the_models_longest_answer_bounds_the_wish(taught, photo, context):
    (answer,) = asked(photo, taught, context, limits=(4096, 1))
    assert answer.finished


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_gives_the_same_places(taught, photo, context, precision):
    (answer,) = asked(photo, taught, context, precision=precision)
    assert [p.bins for p in answer.places] == [p.bins for p in places(ANSWER)]


def test_half_precision_is_for_cuda_unless_asked_for():
    assert _florence.running_precision("auto", "cuda") == "float16"
    assert _florence.running_precision("auto", "cpu") == "float32"
    assert _florence.running_precision("auto", "mps") == "float32"
    assert _florence.running_precision("bfloat16", "cpu") == "bfloat16"


class StopsAt(CancelToken):
    """A run that is stopped at the n-th time that somebody asks."""

    def __init__(self, number):
        super().__init__()
        self.left = number

    def check(self):
        self.left -= 1
        if self.left <= 0:
            self.cancel()
        super().check()


def test_a_stop_is_noticed_between_two_words(taught, photo, context):
    stopped = replace(context, cancel=StopsAt(8))
    with pytest.raises(Cancelled):
        asked(photo, taught, stopped)
    assert stopped.cancel.left == 0  # it was the eighth question, and none came after


# The whole stage


@pytest.mark.parametrize("task", ["objects", "captions"])
def test_the_stage_gives_objects_like_any_other(taught, tiny, photo, context, task):
    found = detect(DetectInputs(photo), stage(taught, tiny, task=task), context)
    assert found.source == "florence2" and found.kept
    union = np.zeros((HEIGHT, WIDTH), int)
    for item in found.kept:
        assert item.label in ("chair", "coffee table") and 0 < item.score <= 1
        assert item.mask.shape == (HEIGHT, WIDTH)
        union += item.mask
    assert union.max() == 1


def test_each_box_of_the_answer_is_cut_out_on_its_own(taught, tiny, photo, context):
    steps = []
    detect(DetectInputs(photo), stage(taught, tiny), replace(context, progress=steps.append))
    assert [s.label for s in steps if not s.done] == ["", "3 things found"]
    masks = sorted(s.label.rsplit(" ", 1)[0] for s in steps if s.done)
    assert masks == ["chair", "coffee table", "coffee table"]


def test_with_labels_only_they_are_found(taught, tiny, photo, context):
    found = detect(DetectInputs(photo), stage(taught, tiny, labels="chair, lamp"), context)
    assert {o.label for o in found.objects} == {"chair"}


def test_the_same_photo_again_loads_no_model(taught, tiny, photo, context):
    first = detect(DetectInputs(photo), stage(taught, tiny), context)
    own_models().free()
    again = detect(DetectInputs(photo), stage(taught, tiny), context)
    assert own_models().names == ()
    for a, b in zip(first.objects, again.objects, strict=True):
        assert (a.label, a.score, a.bbox) == (b.label, b.score, b.bbox)
        assert np.array_equal(a.mask, b.mask)


def test_the_same_photo_gives_the_same_objects(taught, tiny, photo, context):
    first = detect(DetectInputs(photo), stage(taught, tiny), context)
    again = detect(DetectInputs(photo), stage(taught, tiny), replace(context, store=Store()))
    assert [(o.label, o.score, o.bbox) for o in first.objects] == [
        (o.label, o.score, o.bbox) for o in again.objects
    ]


def test_an_untaught_model_ends_in_an_empty_list_and_a_sentence(tiny, photo, context):
    found = detect(DetectInputs(photo), stage(tiny("florence2"), tiny), context)
    assert found.objects == ()
    assert any("named no place in the photo" in note for note in found.notes)


# What cannot work


def changed_config(folder, target, change):
    shutil.copytree(folder, target)
    said = json.loads((target / "config.json").read_text())
    change(said)
    (target / "config.json").write_text(json.dumps(said))
    return target


def test_microsofts_first_layout_is_refused_with_the_way_out(tiny, photo, context, tmp_path):
    folder = changed_config(
        tiny("florence2"), tmp_path / "ms", lambda s: s["vision_config"].update(model_type="davit")
    )
    with pytest.raises(BadInput, match=r"first layout.*florence-community/Florence-2-large"):
        detect(DetectInputs(photo), stage(folder, tiny), context)


def test_other_models_weights_are_refused_by_name(tiny, photo, context, tmp_path):
    folder = shutil.copytree(tiny("sam"), tmp_path / "sam")
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(BadInput, match="are 'sam', not Florence-2"):
        detect(DetectInputs(photo), stage(folder, tiny), context)


def test_a_list_without_a_name_is_refused(taught, tiny, photo, context):
    with pytest.raises(BadInput, match="labels names nothing"):
        detect(DetectInputs(photo), stage(taught, tiny, labels=" ; "), context)


def test_bins_are_as_many_as_the_model_has_place_tokens(tiny):
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny("florence2"))
    ids = _florence._bin_ids(tokenizer)
    assert len(set(ids)) == BINS
    assert _florence._bins(tokenizer, [ids[0], ids[999], 5]) == [0, 999, None]
