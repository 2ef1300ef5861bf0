"""The relation graph: one edge between two things, no circle, supporters first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cast_nodes.relations.graph import (
    CONSTRAINT,
    PARTNERS,
    ROOM,
    Relation,
    fitting_type,
    relations_json,
    relations_of,
    without_circles,
)

edges = st.builds(
    Relation,
    st.integers(0, 5),
    st.integers(0, 5) | st.sampled_from(ROOM),
    st.sampled_from(sorted(CONSTRAINT)),
    st.floats(0.5, 1),
).filter(lambda e: e.subject != e.object)
several = st.lists(edges, max_size=15)


class TestCircles:
    def test_the_weakest_of_a_circle_goes(self):
        circle = [
            Relation(0, 1, "on", 1.0),
            Relation(1, 2, "on", 0.6),
            Relation(2, 0, "leaning", 0.8),
        ]
        kept, left = without_circles(circle)
        assert left == (circle[1],)
        assert set(kept) == {circle[0], circle[2]}

    def test_the_graph_says_what_it_left_out(self):
        circle = [Relation(0, 1, "on", 1.0), Relation(1, 2, "on", 0.6), Relation(2, 0, "on", 0.8)]
        (note,) = relations_of(circle).notes
        assert note.startswith("1 on 2 is left out")

    @given(several)
    def test_nothing_carries_itself(self, edges):
        kept, left = without_circles(edges)
        assert sorted(map(repr, (*kept, *left))) == sorted(map(repr, edges))
        carried = {(e.subject, e.object) for e in kept if e.type != "against"}
        for _ in range(6):
            carried |= {(a, d) for a, b in carried for c, d in carried if b == c}
        assert not any(a == b for a, b in carried)


class TestTheGraph:
    def test_supports_and_contacts_are_told_apart(self):
        made = relations_of(
            [
                Relation(1, 0, "hanging"), Relation(2, 1, "in"), Relation(0, "floor", "on"),
                Relation(3, "wall", "leaning"), Relation(4, "wall", "against"), Relation(5, 4, "part_of"),
            ]
        )  # fmt: skip
        assert {(e.object, e.subject) for e in made.supports} == {
            (0, 1), (1, 2), ("floor", 0), ("wall", 3),
        }  # fmt: skip
        assert {(e.subject, e.object) for e in made.contacts} == {(4, "wall"), (5, 4)}

    @given(several)
    def test_between_two_things_there_is_one_edge_the_surest(self, edges):
        made = relations_of(edges)
        pairs = [e.pair for e in made.edges]
        assert len(pairs) == len(set(pairs))
        if not made.notes:  # nothing left out for a circle
            for edge in edges:
                there = made.between(edge.subject, edge.object)
                assert there is not None and there.confidence >= edge.confidence

    @given(several)
    def test_what_carries_comes_before_what_it_carries(self, edges):
        made = relations_of(edges)
        order = made.order(range(6))
        assert sorted(order) == list(range(6))
        for edge in made.supports:
            if isinstance(edge.object, int):
                assert order.index(edge.object) < order.index(edge.subject)

    def test_the_order_is_as_given_where_nothing_carries(self):
        assert relations_of([]).order([4, 2, 9]) == [4, 2, 9]

    def test_the_surest_carrier_is_the_carrier(self):
        made = relations_of([Relation(2, 0, "on", 0.7), Relation(2, 1, "on", 0.9)])
        assert made.carrier(2) == 1
        assert [e.object for e in made.carriers(2)] == [1, 0]
        assert made.carrier(0) is None

    def test_a_whole_comes_before_its_parts(self):
        made = relations_of([Relation(1, 2, "part_of", 0.9), Relation(2, "floor", "on")])
        assert made.order([1, 2]) == [2, 1]
        assert made.whole(1) == 2 and made.whole(2) is None and made.carrier(1) is None

    def test_only_what_is_asked_for(self):
        made = relations_of([Relation(2, 0, "on"), Relation(2, "wall", "against")])
        assert [e.object for e in made.of({2, 3}).edges] == ["wall"]

    def test_json_of_the_scene(self):
        made = relations_json(relations_of([Relation(2, "floor", "on", 0.98765, "geometry")]))
        assert made == [
            {
                "subject": 2,
                "object": "floor",
                "type": "on",
                "confidence": 0.988,
                "source": "geometry",
            }
        ]


@pytest.mark.parametrize("kind", sorted(CONSTRAINT))
@pytest.mark.parametrize("partner", [7, *ROOM])
def test_every_kind_fits_what_it_is_said_of(kind, partner):
    fitting = fitting_type(kind, partner)
    assert isinstance(partner, int) or partner in PARTNERS[fitting]
    assert fitting == kind or isinstance(partner, str)
