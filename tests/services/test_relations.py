"""Relations from a model that looks: its answers, their votes, and the graph they make."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cast_nodes.relations import Relations
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
