"""What a model says about the objects: read strictly where it matters, kept where in doubt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cast_nodes.filter.vlm_answer import (
    LEVELS,
    FilterAnswer,
    Verdict,
    read_filter_answer,
    verdicts,
)

IDS = {0, 1, 2}


def said(keep=(), remove=()):
    return {"keep": list(keep), "remove": list(remove), "reasoning": "because"}


def kept(number, level="none"):
    return {"id": number, "occlusion_level": level}


def test_a_sound_answer_is_taken_word_for_word():
    value = said([kept(0), kept(1, "severe")], [{"id": 2, "reason": " part  of 1 "}])
    answer = read_filter_answer(value, IDS)
    assert answer == FilterAnswer({0: "none", 1: "severe"}, {2: "part of 1"}, ())


@pytest.mark.parametrize(
    ("level", "meant"),
    [
        ("Some", "some"),
        ("severe_occlusion", "severe"),
        ("no_occlusion", "none"),
        ("no occlusion", "none"),
        ("none", "none"),
    ],
)
def test_levels_are_known_in_the_unofficial_casts_words_too(level, meant):
    answer = read_filter_answer(said([kept(0, level)], [1, 2]), IDS)
    assert answer.keep == {0: meant}
    assert answer.notes == ()


@pytest.mark.parametrize("entry", [2, "2", "#2", {"id": "2"}, {"id": 2.0}])
def test_numbers_are_read_however_they_are_written(entry):
    assert set(read_filter_answer(said([kept(0), kept("1")], [entry]), IDS).remove) == {2}


@pytest.mark.parametrize(
    ("value", "words", "keep"),
    [
        (said([kept(0), kept(1)]), "2 is not mentioned", {0, 1, 2}),
        (said([kept(0), kept(1), kept(9)], [2]), "no object 9", {0, 1}),
        (said([kept(0), kept(1)], [2, 8]), "no object 8", {0, 1}),
        (said([kept(0), kept(1), kept(2)], [2]), "both", {0, 1, 2}),
        (said([kept(0), kept(1), kept(0, "some")], [2]), "twice", {0, 1}),
        (said([kept(0), kept(1, "half")], [2]), "no occlusion level", {0, 1}),
        (said([kept(0), 1], [2]), "no occlusion level", {0, 1}),
        (said([kept(0), kept(1), {"name": "chair"}], [2]), "without a number", {0, 1}),
    ],
)
def test_what_is_odd_is_named_and_in_doubt_the_object_stays(value, words, keep):
    answer = read_filter_answer(value, IDS)
    assert set(answer.keep) == keep
    assert any(words in note for note in answer.notes)


def test_of_two_levels_the_lower_one_counts():
    value = said([kept(0, "severe"), kept(0, "some")], [1, 2])
    assert read_filter_answer(value, IDS).keep[0] == "some"


@pytest.mark.parametrize(
    "value",
    [
        [],
        "keep 0",
        {"keep": [kept(0)]},
        {"remove": [1]},
        {"keep": {"id": 0}, "remove": []},
        said(),
        said([kept(7)]),
    ],
)
def test_what_is_no_answer_is_refused(value):
    with pytest.raises(ValueError):
        read_filter_answer(value, IDS)


json_like = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers(-3, 5) | st.sampled_from(LEVELS),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["id", "occlusion_level", "reason"]), inner)
    ),
    max_leaves=10,
)


@given(st.lists(json_like, max_size=5), st.lists(json_like, max_size=5))
def test_every_object_ends_in_exactly_one_list(keep, remove):
    try:
        answer = read_filter_answer({"keep": keep, "remove": remove}, IDS)
    except ValueError:
        return
    assert set(answer.keep) | set(answer.remove) == IDS
    assert not set(answer.keep) & set(answer.remove)


class TestVerdicts:
    def vote(self, *answers):
        return verdicts([FilterAnswer(*a) for a in answers], [0])[0]

    def test_more_than_half_must_remove_it(self):
        away, stays = ({}, {0: "a shadow"}), ({0: "some"},)
        assert self.vote(away, away, stays).reason == "the model says: a shadow (2 of 3 answers)"
        assert self.vote(away, stays).reason == ""
        assert self.vote(away).reason == "the model says: a shadow"

    def test_the_level_is_the_middle_one(self):
        levels = ["severe", "none", "some"]
        assert self.vote(*[({0: level},) for level in levels]) == Verdict(level="some")

    def test_of_two_in_the_middle_the_lower_one(self):
        assert self.vote(({0: "severe"},), ({0: "some"},)).level == "some"

    def test_who_names_no_level_has_no_say_in_it(self):
        assert self.vote(({0: None},), ({0: "severe"},)).level == "severe"
        assert self.vote(({0: None},)).level is None
