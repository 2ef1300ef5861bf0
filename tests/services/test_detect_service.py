"""Detect `replicate_ram` against a double of Replicate, driven by the real SDK."""

import io
import json

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("replicate")

from doubles.replicate import ReplicateDouble
from doubles.server import Answer, Drop, free_address
from service_scenes import HEIGHT, WIDTH, context, labels, photo, saved

from cast_nodes.backends import choose, get_backend
from cast_nodes.detect import DetectInputs, detect
from cast_nodes.detect.replicate_ram import MODEL_VERSION
from cast_nodes.errors import BackendNotReady, CastError

KEY = "r8_test_key_of_nobody"
BOXES = {1: [30, 40, 111, 131], 2: [80, 100, 151, 159], 3: [180, 36, 219, 151]}


def listed():
    entries = [{"value": 0, "label": "background"}]
    names = {1: "cabinet", 2: "box", 3: "lamp"}
    for value, box in BOXES.items():
        entries.append({"value": value, "label": names[value], "logit": 0.61, "box": box})
    return {"tags": "cabinet, box, lamp", "mask": entries}


class Ram:
    """What the model gives, as its prediction interface says; tests change single parts."""

    def __init__(self):
        self.document = listed()
        self.mask = Answer.file(saved(labels()), "image/png")
        self.inline = False

    def __call__(self, prediction, add):
        document = self.document
        if not self.inline:
            body = document if isinstance(document, bytes) else json.dumps(document).encode()
            document = add("label.json", Answer.file(body, "application/json"))
        return {
            "tags": "cabinet, box, lamp",
            "json_data": document,
            "masked_img": self.mask and add("mask.png", self.mask),
            "rounding_box_img": add("boxes.png", Answer.file(saved(labels()), "image/png")),
        }


@pytest.fixture
def ram():
    return Ram()


@pytest.fixture
def double(monkeypatch, short_times, ram):
    short_times("replicate")
    with ReplicateDouble() as made:
        made.outcome = ram
        made.keys = {KEY}
        monkeypatch.setenv("REPLICATE_API_TOKEN", KEY)
        monkeypatch.setenv("REPLICATE_BASE_URL", made.url)
        yield made


def run(folder, **options):
    ready, warned, spent = context(folder)
    found = detect(DetectInputs(photo()), choose("detect", "replicate_ram", **options), ready)
    return found, warned, spent


def iou(a, b):
    return np.count_nonzero(a & b) / np.count_nonzero(a | b)


def test_a_photo_goes_out_and_objects_with_masks_come_back(double, tmp_path):
    found, warned, spent = run(tmp_path)
    (prediction,) = double.predictions.values()
    assert prediction.version == MODEL_VERSION
    assert set(prediction.input) == {"input_image", "use_sam_hq", "show_visualisation"}
    (sent,) = double.uploads.values()
    assert (np.asarray(Image.open(io.BytesIO(sent))) == photo().rgb).all()
    assert [(o.id, o.label, o.score) for o in found.objects] == [
        (0, "cabinet", 0.61), (1, "box", 0.61), (2, "lamp", 0.61),
    ]  # fmt: skip
    for number, item in enumerate(found.objects, 1):
        assert iou(item.mask, labels() == number) == 1
    assert found.objects[0].occlusion > 0.02
    assert found.objects[0].occluded_by == (1,)
    assert warned == []
    assert [(u.service, u.calls) for u in spent] == [("Replicate", 1)]


def test_the_same_photo_is_never_paid_for_twice_and_retry_pays_again(double, tmp_path):
    first, _, _ = run(tmp_path)
    again, _, spent = run(tmp_path)
    assert len(double.paid) == 1
    assert spent == []
    assert [o.label for o in again.objects] == [o.label for o in first.objects]
    run(tmp_path, retry=1)
    assert len(double.paid) == 2


def test_a_list_inside_the_output_is_read_as_well(double, ram, tmp_path):
    ram.inline = True
    assert len(run(tmp_path)[0].objects) == 3


def test_nothing_found_is_a_legal_answer(double, ram, tmp_path):
    ram.document = {"tags": "", "mask": [{"value": 0, "label": "background"}]}
    found, warned, _ = run(tmp_path)
    assert found.objects == ()
    assert any("no object was found" in w for w in warned)
    run(tmp_path)
    assert len(double.paid) == 1


def test_a_mask_of_another_size_compressed_and_with_boxes_beyond_it(double, ram, tmp_path):
    large = Image.fromarray(labels() * np.uint8(80)).resize((2 * WIDTH, 2 * HEIGHT))
    ram.mask = Answer.file(saved(np.asarray(large), "JPEG"), "image/jpeg")
    ram.document = listed()
    for entry in ram.document["mask"]:
        entry["value"] *= 80
    ram.document["mask"][1]["box"] = [-400, 38, 112, 1e5]
    found, warned, _ = run(tmp_path)
    for number, item in enumerate(found.objects, 1):
        assert iou(item.mask, labels() == number) > 0.8
    assert any("480x360" in w for w in warned)
    assert any("nearest object" in w for w in warned)


def test_an_object_that_the_mask_does_not_show_is_cut_from_its_box(double, ram, tmp_path):
    shown = labels().copy()
    shown[shown == 1] = 0
    ram.mask = Answer.file(saved(shown), "image/png")
    found, warned, _ = run(tmp_path)
    cabinet = found.objects[0]
    assert cabinet.mask is not None
    assert iou(cabinet.mask, labels() == 1) > 0.6
    assert any("cabinet 0" in w for w in warned)


def test_weak_detections_are_left_out(double, tmp_path):
    assert run(tmp_path, min_score=0.7)[0].objects == ()


class TestFaults:
    """After each: nothing paid twice, nothing lost, and the message says what to do."""

    def fails(self, folder, *words):
        with pytest.raises(CastError) as caught:
            run(folder)
        message = str(caught.value)
        assert all(word in message for word in words), message
        assert KEY not in message
        return message

    def test_refused_connection(self, double, tmp_path, monkeypatch):
        monkeypatch.setenv("REPLICATE_BASE_URL", free_address())
        self.fails(tmp_path, "cannot be reached", "REPLICATE_BASE_URL")
        assert double.paid == []

    def test_busy_then_free(self, double, tmp_path):
        busy = Answer.json({"detail": "throttled"}, 429, Retry_After="0")
        double.fault(busy, "/predictions", times=2)
        assert len(run(tmp_path)[0].objects) == 3
        assert len(double.paid) == 1

    def test_faults_of_the_server_while_looking_and_downloading(self, double, tmp_path):
        double.fault(Answer.json({"detail": "oops"}, 500), "/predictions/", "GET", times=2)
        double.fault(Answer.json({"detail": "oops"}, 503), "/files/out", times=2)
        assert len(run(tmp_path)[0].objects) == 3
        assert len(double.paid) == 1

    def test_a_creation_whose_answer_is_lost_is_found_again(self, double, tmp_path):
        double.fault(Drop(after=True), "/v1/predictions", "POST")
        assert len(run(tmp_path)[0].objects) == 3
        assert len(double.paid) == 1

    @pytest.mark.parametrize(
        "document",
        [b'{"mask": [{"value": 1,', {"tags": "x"}, b"<html>busy</html>", {"mask": {"value": 1}}],
    )
    def test_a_list_that_is_none(self, double, ram, tmp_path, document):
        ram.document = document
        self.fails(tmp_path, "detection", "detect.retry")
        ram.document = listed()
        assert len(run(tmp_path)[0].objects) == 3  # downloaded again, not paid for again
        assert len(double.paid) == 1

    def test_an_output_without_the_expected_fields(self, double, tmp_path):
        double.outcome = lambda prediction, add: ["https://example.com/out.png"]
        self.fails(tmp_path, "without a list")
        assert len(double.paid) == 1

    def test_no_mask_at_all(self, double, ram, tmp_path):
        ram.mask = None
        found, warned, _ = run(tmp_path)
        assert all(o.mask is not None for o in found.objects)
        assert any("no mask" in w for w in warned)

    def test_a_mask_that_is_no_picture(self, double, ram, tmp_path):
        ram.mask = Answer.file(b"<html>gone</html>", "text/html")
        self.fails(tmp_path, "picture", "not")
        assert len(double.paid) == 1

    def test_a_task_that_fails(self, double, tmp_path):
        double.end = "failed"
        self.fails(tmp_path, "failed", "out of memory")
        double.end = "succeeded"
        assert len(run(tmp_path)[0].objects) == 3

    def test_a_task_that_never_ends_is_picked_up(self, double, tmp_path, monkeypatch):
        monkeypatch.setenv("CAST_REPLICATE_TASK_TIMEOUT", "0.2")
        double.end = ""
        self.fails(tmp_path, "not done", "goes on")
        double.end = "succeeded"
        assert len(run(tmp_path)[0].objects) == 3
        assert len(double.paid) == 1

    def test_a_key_that_is_not_accepted(self, double, tmp_path):
        double.keys = {"another"}
        self.fails(tmp_path, "REPLICATE_API_TOKEN")
        assert double.paid == []

    def test_without_a_key_nothing_is_sent(self, double, tmp_path, monkeypatch):
        monkeypatch.delenv("REPLICATE_API_TOKEN")
        with pytest.raises(BackendNotReady, match="REPLICATE_API_TOKEN"):
            run(tmp_path)
        assert double.seen == []
        missing = get_backend("detect", "replicate_ram").missing(context(tmp_path)[0])
        assert any("REPLICATE_API_TOKEN" in need.what for need in missing)
