"""Relations from a model that looks: its answers, and what their votes decide."""

import pytest

from cast_nodes.relations.answer import RelationAnswer, Said, read_relations, relations_from_answers
from cast_nodes.relations.graph import Relation, Relations

IDS = {0, 1, 2}


def edge(subject, partner, relation="Stack"):
    return {"subject": subject, "object": partner, "relation": relation, "reason": "seen"}


def read(*entries):
    return read_relations({"relations": list(entries)}, IDS)


class TestOneAnswer:
    @pytest.mark.parametrize(
        ("word", "kind"),
        [("Stack", "on"), ("lean", "leaning"), ("HANG", "hanging"), ("Clamped", "against"),
         ("Contained", "in"), ("Edge/Point", "against"), ("edge", "against")],
    )  # fmt: skip
    def test_the_relations_of_cast_become_the_graphs_types(self, word, kind):
        assert read(edge(0, 1, word)).said == (Said(0, 1, kind),)

    def test_the_room_may_be_a_partner(self):
        assert read(edge(0, "Floor"), edge(1, "ground"), edge(2, "wall", "Hang")).said == (
            Said(0, "floor", "on"), Said(1, "floor", "on"), Said(2, "wall", "hanging"),
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("word", "part", "kind"),
        [("Contained", "floor", "on"), ("Edge/Point", "floor", "on"), ("Stack", "wall", "hanging"),
         ("Lean", "wall", "leaning"), ("Clamped", "wall", "against"), ("Stack", "ceiling", "hanging")],
    )  # fmt: skip
    def test_a_kind_that_the_room_cannot_have_becomes_the_one_that_is_meant(self, word, part, kind):
        assert read(edge(0, part, word)).said == (Said(0, part, kind),)

    def test_a_list_alone_and_pairs_are_accepted(self):
        value = [{"pair": ["2", 0], "relationship": "Stack"}]
        assert read_relations(value, IDS).said == (Said(2, 0, "on"),)

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
        assert answer.said == (Said(2, 1, "on"),)
        assert words in answer.notes[0]

    def test_who_carries_says_more_than_that_they_touch(self):
        assert read(edge(0, 1, "Edge/Point"), edge(0, 1)).said == (Said(0, 1, "on"),)
        assert read(edge(0, 1), edge(1, 0, "Edge/Point")).said == (Said(0, 1, "on"),)

    def test_each_carrying_the_other_is_left_out(self):
        answer = read(edge(0, 1), edge(1, 0, "Lean"), edge(2, "floor"))
        assert answer.said == (Said(2, "floor", "on"),)
        assert "carry the other" in answer.notes[0]

    def test_a_contact_may_name_the_room_first(self):
        assert read(edge("wall", 1, "Edge/Point")).said == (Said(1, "wall", "against"),)

    @pytest.mark.parametrize(
        "value", [{}, {"relations": {}}, "none", [1], {"relations": [edge(8, 9)]}]
    )
    def test_what_is_no_answer_is_refused(self, value):
        with pytest.raises(ValueError):
            read_relations(value, IDS)


class TestVotes:
    def decide(self, *answers):
        return relations_from_answers([RelationAnswer(tuple(a)) for a in answers], "double")

    def test_more_than_half_must_say_so(self):
        on, at = Said(1, 0, "on"), Said(2, 0, "against")
        made = self.decide([on, at], [on], [at], [on])
        assert made.edges == (Relation(1, 0, "on", 0.75, "double"),)

    def test_a_support_has_a_direction_and_a_contact_has_none(self):
        there, back = Said(0, 1, "on"), Said(1, 0, "on")
        assert self.decide([there], [back]).edges == ()
        (made,) = self.decide([Said(0, 1, "against")], [Said(1, 0, "against")]).contacts
        assert made.pair == {0, 1}

    def test_kinds_that_ask_the_same_count_together_and_the_commonest_names_it(self):
        lean, stack = Said(0, 1, "leaning"), Said(0, 1, "on")
        (made,) = self.decide([lean], [stack], [lean]).edges
        assert (made.type, made.constraint, made.confidence) == ("leaning", "support", 1.0)

    def test_no_answers_give_no_relations(self):
        assert self.decide() == Relations()
