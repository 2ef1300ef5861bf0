"""Relations from a model that looks: answers, votes, the graph, and the call end to end."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scenes import context, objects

from cast_nodes.errors import BackendNotReady
from cast_nodes.relations import RelationOptions, Relations, relations_from_vlm
from cast_nodes.relations.answer import RelationAnswer, Said, read_relations, relations_from_answers
from cast_nodes.relations.graph import ROOM, Relation, without_circles

IDS = {0, 1, 2}


def edge(subject, partner, relation="Stack"):
    return {"subject": subject, "object": partner, "relation": relation, "reason": "seen"}


def read(*entries):
    return read_relations({"relations": list(entries)}, IDS)


class TestOneAnswer:
    @pytest.mark.parametrize(
        ("word", "kind"),
        [("Stack", "stack"), ("lean", "lean"), ("HANG", "hang"), ("Clamped", "clamped"),
         ("Contained", "contained"), ("Edge/Point", "edge_point"), ("edge", "edge_point")],
    )  # fmt: skip
    def test_the_relations_of_cast_are_known(self, word, kind):
        assert read(edge(0, 1, word)).said == (Said(0, 1, kind),)

    def test_the_room_may_be_a_partner(self):
        assert read(edge(0, "Floor"), edge(1, "ground"), edge(2, "wall", "Hang")).said == (
            Said(0, "floor", "stack"), Said(1, "floor", "stack"), Said(2, "wall", "hang"),
        )  # fmt: skip

    def test_a_list_alone_and_pairs_are_accepted(self):
        value = [{"pair": ["2", 0], "relationship": "Stack"}]
        assert read_relations(value, IDS).said == (Said(2, 0, "stack"),)

    def test_nothing_touches_is_an_answer(self):
        assert read().said == ()

    @pytest.mark.parametrize(
        ("odd", "words"),
        [
            (edge(0, 7), "not two of the objects"),
            (edge(0, 0), "makes no sense"),
            (edge("floor", 0), "makes no sense"),
            (edge(0, 1, "Flies over"), "no known relation"),
            ("0 on 1", "no JSON object"),
        ],
    )
    def test_odd_entries_are_left_out_and_named(self, odd, words):
        answer = read(odd, edge(2, 1))
        assert answer.said == (Said(2, 1, "stack"),)
        assert words in answer.notes[0]

    def test_who_carries_says_more_than_that_they_touch(self):
        assert read(edge(0, 1, "Edge/Point"), edge(0, 1)).said == (Said(0, 1, "stack"),)
        assert read(edge(0, 1), edge(1, 0, "Edge/Point")).said == (Said(0, 1, "stack"),)

    def test_each_carrying_the_other_is_left_out(self):
        answer = read(edge(0, 1), edge(1, 0, "Lean"), edge(2, "floor"))
        assert answer.said == (Said(2, "floor", "stack"),)
        assert "carry the other" in answer.notes[0]

    def test_a_contact_may_name_the_room_first(self):
        assert read(edge("wall", 1, "Edge/Point")).said == (Said(1, "wall", "edge_point"),)

    @pytest.mark.parametrize(
        "value", [{}, {"relations": {}}, "none", [1], {"relations": [edge(8, 9)]}]
    )
    def test_what_is_no_answer_is_refused(self, value):
        with pytest.raises(ValueError):
            read_relations(value, IDS)


class TestVotes:
    def decide(self, *answers):
        return relations_from_answers([RelationAnswer(tuple(a)) for a in answers])

    def test_more_than_half_must_say_so(self):
        on, at = Said(1, 0, "stack"), Said(2, 0, "edge_point")
        made = self.decide([on, at], [on], [at], [on])
        assert made.edges == (Relation(1, 0, "stack", 0.75),)

    def test_a_support_has_a_direction_and_a_contact_has_none(self):
        there, back = Said(0, 1, "stack"), Said(1, 0, "stack")
        assert self.decide([there], [back]).edges == ()
        made = self.decide([Said(0, 1, "clamped")], [Said(1, 0, "contained")])
        assert made.contacts == ((0, 1),)

    def test_kinds_that_ask_the_same_count_together_and_the_commonest_names_it(self):
        lean, stack = Said(0, 1, "lean"), Said(0, 1, "stack")
        (made,) = self.decide([lean], [stack], [lean]).edges
        assert (made.kind, made.constraint, made.confidence) == ("lean", "support", 1.0)

    def test_supports_and_contacts_are_told_apart(self):
        made = self.decide([Said(1, 0, "hang"), Said(2, 1, "contained"), Said(0, "floor", "stack")])
        assert set(made.supports) == {(0, 1), ("floor", 0)}
        assert made.contacts == ((2, 1),)

    def test_no_answers_give_no_relations(self):
        assert self.decide() == Relations()


class TestCircles:
    def test_the_weakest_of_a_circle_goes(self):
        circle = [
            Relation(0, 1, "stack", 1.0), Relation(1, 2, "stack", 0.6), Relation(2, 0, "lean", 0.8),
        ]  # fmt: skip
        kept, left = without_circles(circle)
        assert left == (circle[1],)
        assert set(kept) == {circle[0], circle[2]}

    edges = st.builds(
        Relation,
        st.integers(0, 5),
        st.integers(0, 5) | st.sampled_from(ROOM),
        st.sampled_from(["stack", "lean", "edge_point"]),
        st.floats(0.5, 1),
    ).filter(lambda e: e.subject != e.partner)

    @given(st.lists(edges, max_size=15, unique_by=lambda e: frozenset((e.subject, e.partner))))
    def test_nothing_carries_itself(self, edges):
        kept, left = without_circles(edges)
        assert sorted(map(repr, (*kept, *left))) == sorted(map(repr, edges))
        carried = {(e.subject, e.partner) for e in kept if e.constraint == "support"}
        for _ in range(6):
            carried |= {(a, d) for a, b in carried for c, d in carried if b == c}
        assert not any(a == b for a, b in carried)


pytest.importorskip("dashscope")

from doubles.dashscope import DashScopeDouble, problem  # noqa: E402

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


def relate(folder, found=None, **options):
    ready, warned, spent = context(folder)
    made = relations_from_vlm(found or objects(), RelationOptions(**options), ready)
    return made, warned, spent


class TestEndToEnd:
    def test_a_marked_picture_goes_out_and_the_graph_comes_back(self, qwen, tmp_path):
        made, warned, spent = relate(tmp_path)
        assert set(made.supports) == {("floor", 0), ("floor", 1), ("floor", 2), (0, 1)}
        assert all(e.confidence == 1 for e in made.edges)
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
        assert made.supports == (("floor", 0),)

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

    def test_without_a_key_nothing_is_sent(self, qwen, tmp_path, monkeypatch):
        monkeypatch.delenv("DASHSCOPE_API_KEY")
        with pytest.raises(BackendNotReady, match="DASHSCOPE_API_KEY"):
            relate(tmp_path)
        assert qwen.seen == []
