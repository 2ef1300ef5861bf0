"""Geometry and a model that looked: together surer, in conflict the surer one, always told."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cast_nodes.relations.graph import ROOM, Relation, Relations, fitting_type, relations_of
from cast_nodes.relations.merging import TRUST, merged

NAMES = {1: "table 1", 2: "vase 2", 3: "shelf 3"}


def name(partner):
    return NAMES.get(partner, str(partner))


def geometry(*edges):
    return relations_of([Relation(*e, "geometry") for e in edges])


def model(*edges):
    return relations_of([Relation(*e, "double of a model") for e in edges])


def test_what_both_say_is_surer():
    made = merged(geometry((2, 1, "on", 0.8)), model((2, 1, "on", 1.0)), name)
    (edge,) = made.edges
    assert 0.8 < edge.confidence < 1
    assert edge.source == "geometry, double of a model"
    assert made.notes == ()


def test_geometry_tells_in_from_on():
    (edge,) = merged(geometry((2, 3, "in", 0.8)), model((2, 3, "on", 1.0))).edges
    assert edge.type == "in"


def test_a_sure_geometry_is_not_talked_over():
    made = merged(geometry((2, 1, "on", 0.97)), model((2, 3, "on", 1.0)), name)
    assert made.carrier(2) == 1
    (note,) = made.notes
    assert "vase 2 stands on shelf 3" in note and "vase 2 stands on table 1" in note
    assert note.endswith("geometry was believed.")


def test_a_doubtful_geometry_is():
    made = merged(
        geometry((2, 1, "on", 0.4), (2, "wall", "against", 0.6)), model((2, 3, "in", 1.0))
    )
    assert made.carrier(2) == 3
    assert made.carriers(2)[0].confidence == TRUST
    assert made.between(2, "wall") is not None
    assert made.notes[0].endswith("double of a model was believed.")


def test_where_geometry_finds_nothing_the_model_is_believed():
    made = merged(geometry(), model((2, "wall", "hanging", 0.8)), name)
    assert made.carrier(2) == "wall"
    assert "carried by nothing" in made.notes[0]


def test_several_carriers_agree_when_one_is_common():
    made = merged(geometry((2, 1, "on", 0.6), (2, 3, "on", 0.5)), model((2, 3, "on", 1.0)), name)
    assert {e.object for e in made.carriers(2)} == {1, 3}
    assert made.notes == ()


def test_touching_is_measured_and_not_asked():
    assert merged(geometry(), model((2, 1, "against", 1.0))).edges == ()
    (edge,) = merged(geometry((2, 1, "against", 0.6)), model((1, 2, "against", 1.0))).edges
    assert edge.confidence > 0.6


def test_who_carries_whom_the_other_way_round():
    made = merged(geometry((2, 1, "on", 0.3)), model((1, 2, "on", 1.0)), name)
    assert made.carrier(1) == 2 and made.carrier(2) is None
    made = merged(geometry((2, 1, "on", 0.95)), model((1, 2, "on", 1.0)), name)
    assert made.carrier(2) == 1 and made.carrier(1) is None


def test_notes_of_both_are_kept():
    second = Relations((), ("1 of 5 answers is missing",))
    assert merged(Relations((), ("a note",)), second).notes == ("a note", *second.notes)


edges = st.lists(
    st.builds(
        lambda s, o, t, c: Relation(s, o, fitting_type(t, o), c, "x"),
        st.integers(0, 4),
        st.integers(0, 4) | st.sampled_from(ROOM),
        st.sampled_from(["on", "in", "leaning", "hanging", "against"]),
        st.floats(0.05, 1),
    ).filter(lambda e: e.subject != e.object),
    max_size=10,
)


@given(edges, edges)
def test_the_result_is_a_graph_without_circles(ours, theirs):
    made = merged(relations_of(ours), relations_of(theirs))
    assert relations_of(made.edges).edges == made.edges
    order = made.order(range(5))
    for edge in made.supports:
        if isinstance(edge.object, int):
            assert order.index(edge.object) < order.index(edge.subject)
