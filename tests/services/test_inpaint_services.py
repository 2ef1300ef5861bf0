"""Inpaint through paid image editors: doubles of the services, driven by their real SDKs."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from doubles import dashscope as dashscope_double
from doubles import gemini as gemini_double
from doubles.dashscope import DashScopeDouble
from doubles.editor import BOX, HEIGHT, POST, WIDTH, Editor, masks, pattern, photo, room
from doubles.gemini import GeminiDouble
from doubles.replicate import Prediction, ReplicateDouble
from doubles.server import Answer, Double, Drop, free_address

from cast_nodes.backends import choose, get_backend
from cast_nodes.context import Context, Usage
from cast_nodes.errors import BackendNotReady
from cast_nodes.inpaint import inpaint
from cast_nodes.store import Store
from cast_nodes.types import Objects, Photo, SceneObject, View, Views

KEY = "planted-key-0123456789"
MODES = ("plain", "application_querying")
BACKENDS = ("replicate_kontext", "qwen_edit", "gemini_image")
SETTINGS = {
    "replicate_kontext": ("REPLICATE_API_TOKEN", "REPLICATE_BASE_URL", "replicate"),
    "qwen_edit": ("DASHSCOPE_API_KEY", "DASHSCOPE_HTTP_BASE_URL", "dashscope"),
    "gemini_image": ("GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL", "gemini"),
}
PACKAGES = {
    "replicate_kontext": "replicate",
    "qwen_edit": "dashscope",
    "gemini_image": "google.genai",
}


@dataclass
class Service:
    """A double with an editor behind it, and the surroundings of a run."""

    name: str
    double: Any
    editor: Editor
    context: Context
    warnings: list[str]
    spent: list[Usage]

    def run(self, objects: Objects | None = None, **options: Any) -> Views:
        usual = {"mode": "plain", "empty_room": False, "background": False, "max_size": 128}
        options = usual | options
        options["background"] = options["background"] or options["empty_room"]
        return inpaint(objects or scene(), choose("inpaint", self.name, **options), self.context)

    def anew(self) -> None:
        """A later run: only what lies on disk beside the store is still there."""
        self.context = replace(self.context, store=Store())

    @property
    def paid(self) -> int:
        return len(self.double.paid)

    def fault(self, answer: Any, times: int = 1) -> None:
        """The next paid requests meet it."""
        path = {"qwen_edit": "/services/aigc", "gemini_image": "generateContent"}
        self.double.fault(answer, path.get(self.name, "/models/"), "POST", times)

    def answer(self, made: Any) -> None:
        """What the model answers from now on: bytes of a picture, text, parts or an Answer."""
        if self.name == "replicate_kontext":
            self.double.outcome = lambda item, add: (
                add("out.png", Answer.file(made, "image/png")) if isinstance(made, bytes) else made
            )
        else:
            self.double.answer = lambda asked: made


def make_double(name: str, editor: Editor) -> Double:
    if name == "qwen_edit":
        double = DashScopeDouble()
        double.answer = lambda asked: editor.edit(asked.pictures[0])
    elif name == "gemini_image":
        double = GeminiDouble()
        double.answer = lambda asked: editor.edit(asked.pictures[0])
    else:
        double = ReplicateDouble()

        def outcome(item: Prediction, add: Any) -> str:
            upload = item.input["input_image"].rsplit("/", 1)[-1]
            return add("out.png", Answer.file(editor.edit(double.uploads[upload]), "image/png"))

        double.outcome = outcome
    double.keys = {KEY}
    return double


def serve(name: str, monkeypatch: pytest.MonkeyPatch, short_times: Any) -> Iterator[Service]:
    pytest.importorskip(PACKAGES[name])
    editor = Editor()
    key, address, service = SETTINGS[name]
    short_times(service)
    monkeypatch.setenv(f"CAST_{service.upper()}_READ_TIMEOUT", "20")
    monkeypatch.setenv(f"CAST_{service.upper()}_TASK_TIMEOUT", "20")
    with make_double(name, editor) as double:
        monkeypatch.setenv(key, KEY)
        monkeypatch.setenv(address, double.api if name == "qwen_edit" else double.url)
        warnings, spent = [], []
        context = Context(store=Store(), warn=warnings.append, spent=spent.append)
        yield Service(name, double, editor, context, warnings, spent)


@pytest.fixture(params=BACKENDS)
def service(request, monkeypatch, short_times) -> Iterator[Service]:
    """Each backend in turn."""
    yield from serve(request.param, monkeypatch, short_times)


@pytest.fixture(params=["qwen_edit", "gemini_image"])
def talking(request, monkeypatch, short_times) -> Iterator[Service]:
    """Those that answer at once and may answer with words."""
    yield from serve(request.param, monkeypatch, short_times)


@pytest.fixture
def qwen(monkeypatch, short_times) -> Iterator[Service]:
    yield from serve("qwen_edit", monkeypatch, short_times)


@pytest.fixture
def gemini(monkeypatch, short_times) -> Iterator[Service]:
    yield from serve("gemini_image", monkeypatch, short_times)


@pytest.fixture
def kontext(monkeypatch, short_times) -> Iterator[Service]:
    yield from serve("replicate_kontext", monkeypatch, short_times)


def scene() -> Objects:
    """A patterned box behind a post."""
    box, post = masks()
    first = SceneObject(3, "box", 0.9, BOX, box, 0.2, needs_completion=True, occluded_by=(5,))
    return Objects(Photo(photo()), (first, SceneObject(5, "post", 0.8, POST, post)))


def only_box(**changes: Any) -> Objects:
    """Only the box is kept."""
    objects = scene()
    dropped = replace(objects.by_id(5), keep=False, reason="not wanted")
    return objects.replaced(replace(objects.by_id(3), **changes), dropped)


def places(view: View) -> tuple[np.ndarray, np.ndarray]:
    """(h, w) photo x and y of every pixel of the view."""
    height, width = view.rgba.shape[:2]
    x0, y0, x1, y1 = view.box
    x = x0 + (np.arange(width) + 0.5) * (x1 - x0) / width
    y = y0 + (np.arange(height) + 0.5) * (y1 - y0) / height
    return np.meshgrid(x, y)


def within(x: np.ndarray, y: np.ndarray, box: tuple[float, ...], margin: float) -> np.ndarray:
    return (
        (x > box[0] + margin) & (x < box[2] - margin)
        & (y > box[1] + margin) & (y < box[3] - margin)
    )  # fmt: skip


def assert_complete(view: View | None) -> None:
    """The view shows the whole box where the photo has it."""
    assert view is not None and not view.failure
    x, y = places(view)
    alpha = view.rgba[..., 3] > 127
    whole = within(x, y, BOX, 0)
    assert (alpha & whole).sum() / (alpha | whole).sum() > 0.95
    hidden = within(x, y, (POST[0], BOX[1], POST[2], BOX[3]), 2)
    assert alpha[hidden].all()
    away = np.abs(view.rgba[hidden][:, :3] - pattern(x, y)[hidden])
    assert np.median(away) < 6 and np.percentile(away, 95) < 25
    seen = within(x, y, (BOX[0], BOX[1], POST[0], BOX[3]), 3)
    assert np.median(np.abs(view.rgba[seen][:, :3] - pattern(x, y)[seen])) < 2


class TestCompletion:
    @pytest.mark.parametrize("mode", MODES)
    def test_the_hidden_part_is_drawn_where_it_belongs(self, service: Service, mode: str) -> None:
        service.editor.size = (1024, 1024) if mode == "plain" else (1344, 576)
        views = service.run(mode=mode)
        assert_complete(views.get(3))
        assert views.get(5) is not None and not views.get(5).failure  # type: ignore[union-attr]
        assert service.paid == 1, "what nothing hides is cut out, not paid for"
        assert not service.warnings

    def test_the_window_shows_photo_outline_and_card(self, gemini: Service) -> None:
        gemini.run(mode="application_querying")
        (canvas,) = gemini.editor.seen
        assert canvas.shape == (960, 2240, 3)
        inside = np.abs(canvas[100:200, 1020:1180].astype(int) - (60, 90, 60)).max(-1)
        assert np.median(inside) < 6, "the picture on the wall is seen in its place"
        assert "box" in gemini.double.asked[0].text

    @pytest.mark.parametrize("mode", MODES)
    def test_an_editor_that_moves_and_zooms_is_followed(self, qwen: Service, mode: str) -> None:
        qwen.editor.zoom, qwen.editor.shift = 0.93, (0.02, -0.015)
        qwen.editor.size = (900, 900) if mode == "plain" else (1536, 672)
        assert_complete(qwen.run(mode=mode).get(3))

    @pytest.mark.parametrize(
        ("mode", "size"),
        [("plain", (512, 500)), ("plain", (200, 220)), ("application_querying", (1024, 480))],
    )
    def test_answers_of_a_wrong_size_do(self, gemini: Service, mode: str, size: Any) -> None:
        gemini.editor.size = size
        assert_complete(gemini.run(mode=mode).get(3))

    def test_every_object_is_asked_for_when_wanted(self, qwen: Service) -> None:
        views = qwen.run(every_object=True)
        assert qwen.paid == 2
        # The double knows only the box, so it draws the post wrongly: that is refused.
        assert_complete(views.get(3))
        assert "something else" in views.get(5).failure  # type: ignore[union-attr]

    def test_prompts_of_ones_own_name_the_object(self, qwen: Service) -> None:
        qwen.run(prompt="Draw the whole {label}.")
        (asked,) = qwen.double.conversations
        assert asked.text.strip() == "Draw the whole box."
        assert asked.model == "qwen-image-edit" and asked.parameters["watermark"] is False

    def test_a_prompt_that_is_a_files_path_uploads_nothing(self, qwen: Service, tmp_path) -> None:
        private = tmp_path / "private.txt"
        private.write_text("secret diary")
        qwen.run(prompt=str(private))
        assert qwen.double.conversations[0].text.strip() == str(private)
        assert not any("secret diary" in str(r.body) for r in qwen.double.seen)

    def test_kontext_is_asked_with_its_own_inputs(self, kontext: Service) -> None:
        kontext.run(num_inference_steps=12)
        (prediction,) = kontext.double.paid
        assert prediction.model == "black-forest-labs/flux-kontext-dev"
        assert prediction.input["num_inference_steps"] == 12
        assert prediction.input["aspect_ratio"] == "match_input_image"
        assert "box" in prediction.input["prompt"]


class TestTheEmptyRoom:
    def test_the_service_paints_the_plate(self, service: Service) -> None:
        views = service.run(empty_room=True)
        assert views.background is not None and not service.warnings
        box, post = masks()
        away = np.abs(views.background.astype(int) - room())
        assert away[box | post].mean() < 8
        assert service.paid == 2
        far = np.zeros_like(box)
        far[:8] = True
        np.testing.assert_array_equal(views.background[far], photo()[far])

    def test_it_is_painted_once(self, qwen: Service) -> None:
        qwen.run(empty_room=True)
        retried = scene().replaced(replace(scene().by_id(3), retry=1))
        qwen.run(retried, empty_room=True)
        assert qwen.paid == 3, "two views and one room"
        qwen.run(retried, empty_room=True, room_retry=1)
        assert qwen.paid == 4, "the room again, no view"

    def test_patches_stand_in_when_the_service_fails(self, qwen: Service) -> None:
        qwen.double.answer = lambda asked: (
            qwen.editor.edit(asked.pictures[0]) if "Complete" in asked.text else "I cannot do that."
        )
        views = qwen.run(empty_room=True)
        assert_complete(views.get(3))
        assert views.background is not None
        box, _ = masks()
        assert np.abs(views.background.astype(int) - photo())[box].mean() > 20
        (warning,) = qwen.warnings
        assert "painted from the photo alone" in warning and "I cannot do that" in warning
        assert "inpaint.room_retry" in warning
        assert views.notes == (warning,)

    def test_no_plate_no_payment(self, qwen: Service) -> None:
        choice = choose("inpaint", "qwen_edit", empty_room=True, background=False)
        assert inpaint(only_box(), choice, qwen.context).background is None
        assert qwen.paid == 1

    def test_switched_off_it_comes_from_the_photo_for_free(self, qwen: Service) -> None:
        assert qwen.run(empty_room=False, background=True).background is not None
        assert qwen.paid == 1


class TestMoney:
    def test_nothing_is_paid_twice(self, service: Service) -> None:
        first = service.run(only_box())
        service.anew()
        second = service.run(only_box())
        assert service.paid == 1
        np.testing.assert_array_equal(first.views[0].rgba, second.views[0].rgba)

    def test_options_of_use_do_not_pay_again(self, qwen: Service) -> None:
        qwen.run(only_box())
        for options in (
            {"padding": 0.2}, {"max_size": 64}, {"ground": "white"}, {"keep_visible": False},
            {"fallback": "matte"},
        ):  # fmt: skip
            qwen.run(only_box(), **options)
        assert qwen.paid == 1

    def test_a_retry_pays_again(self, service: Service) -> None:
        service.run(only_box())
        service.run(only_box(retry=1))
        assert service.paid == 2

    def test_what_was_spent_is_told_once(self, service: Service) -> None:
        service.run(only_box())
        service.anew()
        service.run(only_box())
        (usage,) = service.spent
        assert usage.units == 1 and usage.unit == "pictures" and usage.what == "box 3"
        assert usage.estimate_usd == get_backend("inpaint", service.name).info.price.usd  # type: ignore[union-attr]

    def test_a_request_whose_answer_was_lost_is_not_sent_again(self, talking: Service) -> None:
        talking.fault(Drop(after=True))
        view = talking.run(only_box()).views[0]
        assert "may have been paid for" in view.failure and "retry" in view.failure
        assert talking.paid == 1, "the SDK did not repeat it by itself"
        talking.run(only_box())
        assert talking.paid == 1
        assert_complete(talking.run(only_box(retry=1)).views[0])
        assert talking.paid == 2


class TestFaults:
    def test_a_busy_service_is_asked_again_later(self, service: Service) -> None:
        busy = {
            "qwen_edit": dashscope_double.problem(429, "Throttling", "slow down", Retry_After="0"),
            "gemini_image": gemini_double.problem(429, "Resource exhausted", "RESOURCE_EXHAUSTED"),
            "replicate_kontext": Answer.json({"detail": "throttled"}, 429),
        }[service.name]
        service.fault(busy, times=2)
        assert_complete(service.run(only_box()).views[0])
        assert service.paid == 1

    def test_one_failure_is_one_objects(self, service: Service) -> None:
        refused = Answer.json({"detail": "no", "message": "no", "code": "Bad"}, 422)
        service.fault(refused)
        views = service.run()
        assert "box 3" in views.get(3).failure  # type: ignore[union-attr]
        assert views.get(5) is not None and not views.get(5).failure  # type: ignore[union-attr]

    def test_a_refused_key_names_the_setting(self, service: Service) -> None:
        service.double.keys = {"another"}
        view = service.run(only_box()).views[0]
        setting = SETTINGS[service.name][0]
        assert setting in view.failure or "API key" in view.failure
        assert KEY not in view.failure and service.paid == 0

    @pytest.mark.parametrize("body", [b"{", b"<html>busy</html>", b'{"output": null}', b"[]"])
    def test_an_answer_that_is_none_says_what_to_do(self, talking: Service, body: bytes) -> None:
        talking.fault(Answer(200, body))
        view = talking.run(only_box()).views[0]
        assert "box 3" in view.failure and "retry" in view.failure

    def test_words_instead_of_a_picture_are_quoted(self, talking: Service) -> None:
        talking.answer("I am sorry, I cannot edit this.")
        view = talking.run(only_box()).views[0]
        assert "without a picture" in view.failure and "I cannot edit this" in view.failure
        assert "raise this object's retry" in view.failure
        talking.anew()
        talking.run(only_box())
        assert talking.paid == 1, "the answer is kept"

    @pytest.mark.parametrize(
        "answer",
        [gemini_double.blocked(), gemini_double.answered([], "IMAGE_SAFETY")],
        ids=["prompt", "picture"],
    )
    def test_a_safety_block_is_named(self, gemini: Service, answer: Answer) -> None:
        gemini.answer(answer)
        failure = gemini.run(only_box()).views[0].failure
        assert "PROHIBITED_CONTENT" in failure or "IMAGE_SAFETY" in failure

    def test_an_inspection_that_refuses_is_named(self, qwen: Service) -> None:
        qwen.fault(dashscope_double.problem(400, "DataInspectionFailed", "inappropriate content"))
        assert "DataInspectionFailed" in qwen.run(only_box()).views[0].failure

    def test_a_failed_prediction_is_named(self, kontext: Service) -> None:
        kontext.double.end = "failed"
        assert "CUDA out of memory" in kontext.run(only_box()).views[0].failure
        assert not kontext.spent

    def test_a_file_that_is_no_picture_is_refused(self, service: Service) -> None:
        service.answer(b"PK\x03\x04 a zip archive")
        if service.name == "gemini_image":
            pytest.importorskip("google.genai")
        failure = service.run(only_box()).views[0].failure
        assert "box 3" in failure and ("picture" in failure)

    def test_a_picture_that_is_gone_says_so(self, qwen: Service) -> None:
        qwen.double.gone = True
        failure = qwen.run(only_box()).views[0].failure
        assert "removed the picture" in failure and "retry" in failure
        assert "Signature" not in failure

    def test_a_download_that_fails_is_made_up_for_without_paying(self, qwen: Service) -> None:
        qwen.double.fault(Answer(500), path="/files/", times=50)
        assert qwen.run(only_box()).views[0].failure
        qwen.double._scripts.clear()
        qwen.anew()
        assert_complete(qwen.run(only_box()).views[0])
        assert qwen.paid == 1

    def test_a_service_that_is_down_names_its_address(
        self, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        address = free_address()
        monkeypatch.setenv(SETTINGS[service.name][1], address)
        monkeypatch.setenv(f"CAST_{SETTINGS[service.name][2].upper()}_ATTEMPTS", "2")
        failure = service.run(only_box()).views[0].failure
        assert address in failure and "cannot be reached" in failure
        monkeypatch.undo()

    def test_another_thing_than_was_asked_for_is_refused(self, qwen: Service) -> None:
        from PIL import Image

        file = io.BytesIO()
        Image.new("RGB", (512, 512), "white").save(file, "PNG")
        qwen.answer(file.getvalue())
        assert "something else" in qwen.run(only_box()).views[0].failure

    def test_the_matte_stands_in_when_wanted_and_is_not_kept(self, qwen: Service) -> None:
        qwen.answer("no")
        view = qwen.run(only_box(), fallback="matte").views[0]
        assert not view.failure
        np.testing.assert_array_equal(view.rgba[..., 3] > 127, view.crop[..., 3] > 127)
        (warning,) = qwen.warnings
        assert "without a picture" in warning and "used instead" in warning
        qwen.double.answer = lambda asked: qwen.editor.edit(asked.pictures[0])
        assert_complete(qwen.run(only_box(retry=1), fallback="matte").views[0])


class TestReadiness:
    @pytest.mark.parametrize("name", BACKENDS)
    def test_a_missing_key_is_named_before_anything_is_sent(self, name: str) -> None:
        pytest.importorskip(PACKAGES[name])
        with pytest.raises(BackendNotReady, match=SETTINGS[name][0]):
            inpaint(only_box(), choose("inpaint", name), Context(store=Store()))

    def test_gemini_takes_either_name_of_its_key(self, gemini: Service, monkeypatch) -> None:
        monkeypatch.delenv("GEMINI_API_KEY")
        monkeypatch.setenv("GOOGLE_API_KEY", KEY)
        assert_complete(gemini.run(only_box()).views[0])

    @pytest.mark.parametrize("name", BACKENDS)
    def test_prices_are_told(self, name: str) -> None:
        info = get_backend("inpaint", name).info
        assert info.kind == "service" and info.price is not None
        assert info.price.per == "picture" and "$" in info.cost


def test_no_key_is_in_anything_that_is_kept(service: Service, tmp_path) -> None:
    service.run(only_box(), empty_room=True)
    for path in (tmp_path / "cache").rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes()


def test_the_photo_has_the_size_the_editor_knows() -> None:
    assert photo().shape == (HEIGHT, WIDTH, 3)
