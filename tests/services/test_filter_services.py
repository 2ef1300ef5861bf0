"""Filters that ask a model that looks, against doubles of its servers, driven by the real SDKs."""

import base64
import io
import threading

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("dashscope")
pytest.importorskip("openai")

from dataclasses import replace

from doubles.dashscope import DashScopeDouble, problem
from doubles.openai import OpenAIDouble
from doubles.server import Answer, Drop, Hang, Late, free_address, wait_until
from service_scenes import HEIGHT, WIDTH, context, objects

from cast_nodes.backends import choose, get_backend
from cast_nodes.errors import BackendNotReady, BadInput, Cancelled
from cast_nodes.filter import filter_objects
from cast_nodes.services.openai_chat import chat_vision

KEY = "sk-test-key-of-nobody-1234"
SOUND = """Picture 2 shows three outlines.
```json
{"keep": [{"id": 0, "occlusion_level": "some"}, {"id": 2, "occlusion_level": "none"}],
 "remove": [{"id": 1, "reason": "a shadow on the floor"}], "reasoning": "as seen",}
```"""


def answer(*keep, remove=(), **levels):
    """An answer that keeps these, with levels by id (``_1="severe"``)."""
    kept = [{"id": k, "occlusion_level": levels.get(f"_{k}", "none")} for k in keep]
    return str({"keep": kept, "remove": list(remove), "reasoning": ""}).replace("'", '"')


@pytest.fixture
def qwen(monkeypatch, short_times):
    short_times("dashscope")
    with DashScopeDouble() as double:
        double.keys = {KEY}
        double.answer = lambda asked: SOUND
        monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
        monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", double.api)
        yield double


@pytest.fixture
def server(short_times):
    short_times("openai")
    with OpenAIDouble(SOUND) as double:
        yield double


def decide(folder, backend="qwen_vl", found=None, **options):
    ready, warned, spent = context(folder)
    done = filter_objects(found or objects(), choose("filter", backend, **options), ready)
    return done, warned, spent


class TestQwen:
    def test_the_photo_and_the_numbered_photo_go_out_and_verdicts_come_back(self, qwen, tmp_path):
        done, warned, spent = decide(tmp_path, samples=1)
        (asked,) = qwen.conversations
        assert asked.model == "qwen-vl-max-latest"
        photo, marked = (Image.open(io.BytesIO(p)) for p in asked.pictures)
        assert photo.size == marked.size
        assert photo.width / photo.height == pytest.approx(WIDTH / HEIGHT, rel=0.01)
        differs = np.abs(np.asarray(photo, int) - np.asarray(marked, int)).max(-1) > 60
        assert 0.005 < differs.mean() < 0.3
        assert all(f"{o.id}: {o.label}" in asked.text for o in objects().objects)

        cabinet, box, lamp = done.objects
        assert (cabinet.keep, cabinet.occlusion_level, cabinet.needs_completion) == (
            True, "some", True,
        )  # fmt: skip
        assert (box.keep, box.reason) == (False, "the model says: a shadow on the floor")
        assert (lamp.keep, lamp.needs_completion) == (True, False)
        assert done.source == "qwen_vl"
        assert warned == []
        assert [(u.service, u.units, u.unit) for u in spent] == [("DashScope", 110, "tokens")]

    def test_several_samples_and_the_majority_decides(self, qwen, tmp_path):
        qwen.say(
            answer(0, 1, 2, _0="severe"),
            answer(0, 2, remove=[1], _0="some"),
            answer(0, 2, remove=[1], _0="some"),
        )
        done, _, spent = decide(tmp_path, samples=3)
        assert [o.keep for o in done.objects] == [True, False, True]
        assert "2 of 3" in done.objects[1].reason
        assert done.objects[0].occlusion_level == "some"
        assert len(qwen.paid) == len(spent) == 3
        assert len({c.parameters["seed"] for c in qwen.conversations}) == 3

    def test_the_same_photo_and_objects_are_never_paid_for_twice(self, qwen, tmp_path):
        first, _, _ = decide(tmp_path)
        again, _, spent = decide(tmp_path, discard_threshold="some")  # only decides differently
        assert len(qwen.paid) == 3
        assert spent == []
        assert first.objects[0].keep
        assert not again.objects[0].keep

    def test_the_backends_own_retry_asks_anew_with_other_dice(self, qwen, tmp_path):
        decide(tmp_path, samples=1)
        decide(tmp_path, samples=1, retry=1)
        seeds = [c.parameters["seed"] for c in qwen.conversations]
        assert len(qwen.paid) == len(set(seeds)) == 2

    def test_a_changed_mask_asks_anew_but_a_retry_meant_for_a_mesh_does_not(self, qwen, tmp_path):
        decide(tmp_path, samples=1)
        found = objects()
        decide(tmp_path, found=found.replaced(replace(found.objects[0], retry=1)), samples=1)
        assert len(qwen.paid) == 1
        mask = np.roll(found.objects[0].mask, 1, 0)
        decide(tmp_path, found=found.replaced(replace(found.objects[0], mask=mask)), samples=1)
        assert len(qwen.paid) == 2

    @pytest.mark.parametrize(
        ("level", "discard", "keep"),
        [("severe", "severe", False), ("severe", "never", True), ("some", "some", False),
         ("some", "severe", True), ("none", "none", True)],
    )  # fmt: skip
    def test_thresholds(self, qwen, tmp_path, level, discard, keep):
        qwen.answer = lambda asked: answer(0, 1, 2, _0=level)
        done, _, _ = decide(tmp_path, samples=1, discard_threshold=discard)
        assert done.objects[0].keep == keep

    def test_far_too_small_and_large_ones_go_without_asking(self, qwen, tmp_path):
        qwen.answer = lambda asked: answer(1, 2)
        done, _, _ = decide(tmp_path, samples=1, max_area=0.16)
        assert "more than 16.00%" in done.objects[0].reason
        assert "0: cabinet" not in qwen.conversations[0].text

    def test_with_nothing_to_ask_about_nothing_is_asked(self, qwen, tmp_path):
        done, warned, _ = decide(tmp_path, found=objects(keep=False, reason="by hand"))
        assert [o.reason for o in done.objects] == ["by hand"] * 3
        assert qwen.seen == []
        assert warned == []

    def test_no_more_than_the_most(self, qwen, tmp_path):
        qwen.answer = lambda asked: answer(0, 1, 2)
        done, _, _ = decide(tmp_path, samples=1, max_objects=2)
        assert len(done.kept) == 2


class TestFallback:
    """The rules decide, and this is said with the reason."""

    def fell_back(self, folder, *words, **options):
        done, warned, spent = decide(folder, **{"samples": 1} | options)
        assert done.source == "rules"
        assert all(o.keep for o in done.objects)
        (said,) = [w for w in warned if "its rules did" in w]
        assert all(word in said for word in words), said
        assert KEY not in said
        return spent

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("I am sorry, I cannot see pictures.", "no JSON"),
            ('{"keep": [{"id": 0, "occl', "no JSON"),
            ('{"objects": [0, 1]}', "no 'keep'"),
            ('{"keep": [{"id": 77}], "remove": []}', "none of the numbered objects"),
            ("", "empty"),
        ],
    )
    def test_an_answer_that_cannot_be_read(self, qwen, tmp_path, text, words):
        qwen.answer = lambda asked: text
        spent = self.fell_back(tmp_path, "qwen_vl", words)
        assert len(spent) == 1  # it was paid for, though it was of no use
        qwen.answer = lambda asked: SOUND
        assert decide(tmp_path, samples=1)[0].source == "qwen_vl"  # running again asks again

    def test_one_bad_answer_of_three_is_only_mentioned(self, qwen, tmp_path):
        qwen.say("nonsense")
        done, warned, _ = decide(tmp_path, samples=3)
        assert done.source == "qwen_vl"
        assert not done.objects[1].keep
        assert any("1 of 3 answers" in w for w in warned)

    def test_odd_answers_are_named(self, qwen, tmp_path):
        qwen.answer = lambda asked: answer(0, 9, remove=[1])
        done, warned, _ = decide(tmp_path, samples=1)
        assert done.objects[2].keep
        assert any("2 is not mentioned" in w for w in warned)
        assert any("no object 9" in w for w in warned)

    def test_refused_connection(self, qwen, tmp_path, monkeypatch):
        monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", free_address() + "/api/v1")
        self.fell_back(tmp_path, "cannot be reached")

    def test_busy_then_free_honours_retry_after(self, qwen, tmp_path):
        qwen.fault(problem(429, "Throttling", "slow down", Retry_After="0"), times=2)
        assert decide(tmp_path, samples=1)[0].source == "qwen_vl"
        assert len(qwen.paid) == 1

    def test_a_fault_of_the_server_may_have_been_paid_for_and_is_not_repeated(self, qwen, tmp_path):
        qwen.fault(problem(500, "InternalError", "oops"))
        self.fell_back(tmp_path, "oops")
        assert len(qwen.seen) == 1

    def test_a_lost_answer_is_not_asked_for_again_until_retry_is_raised(self, qwen, tmp_path):
        qwen.fault(Drop(after=True))
        self.fell_back(tmp_path, "may have been paid", "filter.retry")
        self.fell_back(tmp_path, "may have been paid", "filter.retry")
        assert len(qwen.paid) == 1
        done, _, _ = decide(tmp_path, retry=1, samples=1)
        assert done.source == "qwen_vl"

    def test_no_answer_in_time(self, qwen, tmp_path, monkeypatch):
        monkeypatch.setenv("CAST_DASHSCOPE_READ_TIMEOUT", "0.2")
        qwen.fault(Hang(5))
        self.fell_back(tmp_path, "may have been paid")

    def test_an_answer_of_another_form(self, qwen, tmp_path):
        qwen.answer = lambda asked: Answer.json({"output": {"text": None}, "usage": {}})
        self.fell_back(tmp_path, "qwen_vl")

    def test_an_answer_that_is_no_json(self, qwen, tmp_path):
        qwen.fault(Answer(200, b"<html>maintenance</html>", "text/html"))
        self.fell_back(tmp_path, "qwen_vl")

    def test_a_key_that_is_not_accepted(self, qwen, tmp_path):
        qwen.keys = {"another"}
        self.fell_back(tmp_path, "DASHSCOPE_API_KEY")
        assert qwen.paid == []

    def test_without_a_key_nothing_is_sent(self, qwen, tmp_path, monkeypatch):
        monkeypatch.delenv("DASHSCOPE_API_KEY")
        with pytest.raises(BackendNotReady, match="DASHSCOPE_API_KEY"):
            decide(tmp_path)
        assert qwen.seen == []


class TestStopping:
    def test_a_stopped_run_keeps_the_answer_that_is_on_its_way(self, qwen, tmp_path):
        qwen.fault(Late(0.5))
        ready, _, _ = context(tmp_path)
        stopper = threading.Thread(
            target=lambda: (wait_until(lambda: qwen.seen), ready.cancel.cancel())
        )
        stopper.start()
        with pytest.raises(Cancelled):
            filter_objects(objects(), choose("filter", "qwen_vl", samples=1), ready)
        stopper.join()
        wait_until(lambda: qwen.paid)
        done, _, spent = decide(tmp_path, samples=1)
        assert done.source == "qwen_vl"
        assert len(qwen.paid) == 1
        assert spent == []  # the stopped run has counted it


class TestYourOwnServer:
    def decide(self, folder, server, **options):
        more = {"base_url": server.base_url, "samples": 1} | options
        return decide(folder, "openai_compatible", **more)

    def test_it_asks_the_same_and_costs_nothing(self, server, tmp_path):
        done, warned, spent = self.decide(tmp_path, server, model="llava:13b")
        (body,) = server.paid
        assert body["model"] == "llava:13b"
        kinds = [part["type"] for part in body["messages"][0]["content"]]
        assert kinds == ["image_url", "image_url", "text"]
        assert [o.keep for o in done.objects] == [True, False, True]
        assert done.source == "openai_compatible"
        assert warned == []
        assert spent == []

    def test_pictures_are_no_larger_than_asked_for(self, server, tmp_path):
        self.decide(tmp_path, server, max_side=640)
        parts = server.paid[0]["messages"][0]["content"][:2]
        for part in parts:
            data = base64.b64decode(part["image_url"]["url"].partition(",")[2])
            assert max(Image.open(io.BytesIO(data)).size) == 640

    def test_no_key_is_sent_to_an_address_from_a_workflow(self, server, tmp_path, monkeypatch):
        monkeypatch.setenv("CAST_OPENAI_KEY", KEY)
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        self.decide(tmp_path, server)
        assert all(KEY not in str(request.headers) for request in server.seen)

    def test_the_key_goes_to_the_address_it_was_set_for_and_is_paid_with(
        self, server, tmp_path, monkeypatch
    ):
        monkeypatch.setenv("CAST_OPENAI_KEY", KEY)
        monkeypatch.setenv("CAST_OPENAI_URL", server.base_url + "/")
        server.keys = {KEY}
        _, _, spent = self.decide(tmp_path, server, base_url="")
        assert [u.units for u in spent] == [1000]
        self.decide(tmp_path, server, base_url="")
        assert len(server.paid) == 1

    def test_what_is_free_is_asked_again_after_a_fault(self, server, tmp_path):
        server.fault(Answer.json({"error": {"message": "loading the model"}}, 503))
        server.fault(Drop())
        done, warned, _ = self.decide(tmp_path, server)
        assert done.source == "openai_compatible"
        assert warned == []

    def test_an_unknown_model_is_said(self, server, tmp_path):
        message = 'model "llava:13b" not found, try pulling it first'
        server.fault(Answer.json({"error": {"message": message}}, 404), times=9)
        done, warned, _ = self.decide(tmp_path, server)
        assert done.source == "rules"
        assert any("try pulling it" in w for w in warned)

    @pytest.mark.parametrize(
        "odd", [{}, {"choices": []}, {"choices": [{"message": {"content": None}}]}, []]
    )
    def test_an_answer_without_a_message(self, server, tmp_path, odd):
        server.fault(Answer.json(odd), times=9)
        done, warned, _ = self.decide(tmp_path, server)
        assert done.source == "rules"
        assert any("its rules did" in w for w in warned)

    def test_no_server(self, server, tmp_path):
        done, warned, _ = self.decide(tmp_path, server, base_url=free_address() + "/v1")
        assert done.source == "rules"
        assert any("cannot be reached" in w for w in warned)

    @pytest.mark.parametrize("url", ["localhost:11434", "ftp://x/v1", "http://", "file:///etc"])
    def test_an_address_that_is_none(self, url):
        with pytest.raises(BadInput, match="base_url"):
            chat_vision(url, "m")

    def test_the_package_is_all_it_needs(self):
        assert [n.what for n in get_backend("filter", "openai_compatible").info.needs] == [
            "package openai"
        ]
