"""Relations end to end against a double of DashScope, driven by the real SDK."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("dashscope")

from doubles.dashscope import DashScopeDouble, problem
from service_scenes import context, objects

from cast_nodes.relations.by_looking import relations_by_looking
from cast_nodes.relations.graph import Relations
from cast_nodes.services.qwen_vl import qwen_vision


def edge(subject, partner, relation="Stack"):
    return {"subject": subject, "object": partner, "relation": relation, "reason": "seen"}


SOUND = json.dumps(
    {"relations": [edge(0, "floor"), edge(1, "floor"), edge(2, "floor"), edge(1, 0, "Lean")]}
)


@pytest.fixture
def qwen(monkeypatch, short_times):
    short_times("dashscope")
    with DashScopeDouble() as double:
        double.answer = lambda asked: f"```json\n{SOUND}\n```"
        monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-of-nobody-at-all")
        monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", double.api)
        yield double


def relate(folder, found=None, samples=5, retry=0):
    ready, warned, spent = context(folder)
    made = relations_by_looking(found or objects(), samples, qwen_vision(), "qwen_vl", ready, retry)
    return made, warned, spent


def supports(made):
    return {(e.object, e.subject) for e in made.supports}


class TestEndToEnd:
    def test_a_marked_picture_goes_out_and_the_graph_comes_back(self, qwen, tmp_path):
        made, warned, spent = relate(tmp_path)
        assert supports(made) == {("floor", 0), ("floor", 1), ("floor", 2), (0, 1)}
        assert all(e.confidence == 1 and e.source == "qwen_vl" for e in made.edges)
        assert len(qwen.paid) == len(spent) == 5
        assert warned == []
        (picture,) = qwen.conversations[0].pictures
        marked = np.asarray(Image.open(io.BytesIO(picture)), int)
        plain = np.asarray(Image.fromarray(objects().photo.rgb).resize(marked.shape[1::-1]), int)
        differs = np.abs(marked - plain).max(-1) > 30
        mask = np.asarray(Image.fromarray(objects().objects[0].mask).resize(marked.shape[1::-1]))
        assert differs[mask].mean() > 0.9  # tinted
        assert "1: box" in qwen.conversations[0].text

    def test_the_majority_decides(self, qwen, tmp_path):
        none = json.dumps({"relations": [edge(0, "floor")]})
        qwen.say(none, none, none)
        made, _, _ = relate(tmp_path)
        assert supports(made) == {("floor", 0)}

    def test_never_paid_twice_and_retry_pays_again(self, qwen, tmp_path):
        relate(tmp_path, samples=1)
        relate(tmp_path, samples=1)
        assert len(qwen.paid) == 1
        relate(tmp_path, samples=1, retry=1)
        assert len(qwen.paid) == 2

    def test_one_bad_answer_is_mentioned_and_the_others_count(self, qwen, tmp_path):
        qwen.say("I cannot tell.")
        made, warned, _ = relate(tmp_path, samples=3)
        assert len(made.edges) == 4
        assert any("1 of 3" in w for w in warned)

    def test_a_service_that_fails_gives_no_relations_and_says_so(self, qwen, tmp_path):
        qwen.fault(problem(400, "DataInspectionFailed", "refused"), times=9)
        made, warned, _ = relate(tmp_path)
        assert made.edges == ()
        assert any("no relations are known" in w and "refused" in w for w in warned)
        assert qwen.paid == []

    def test_one_object_alone_is_not_asked_about(self, qwen, tmp_path):
        alone = objects()
        alone = alone.replaced(*(replace(o, keep=False) for o in alone.objects if o.id))
        assert relate(tmp_path, alone)[0] == Relations()
        assert qwen.seen == []
