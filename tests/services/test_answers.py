"""Reading what chat models write: JSON however it is wrapped, and votes of several samples."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cast_nodes.services.answers import (
    UnreadableAnswer,
    as_number,
    json_values,
    majority,
    read_answer,
    shares,
)

ANSWER = {"keep": [{"id": 1}], "remove": [], "reasoning": "a {brace} and a [bracket], and a ,]"}


def keep(value):
    if not isinstance(value, dict) or "keep" not in value:
        raise ValueError("it has no 'keep'")
    return value


@pytest.mark.parametrize(
    "wrapped",
    [
        "{}",
        "```json\n{}\n```",
        "Here you are:\n\n```\n{}\n```\nI hope this helps!",
        "Objects [1] and [2] are chairs {{sic}}. {} Done, see [3].",
        '<think>{{"keep": "a draft"}}</think>\n{}',
        'First I thought {{"keep": [], "remove": [1]}} but no: {}',
    ],
)
def test_json_is_found_in_whatever_surrounds_it(wrapped):
    text = json.dumps(ANSWER) if wrapped == "{}" else wrapped.format(json.dumps(ANSWER))
    assert read_answer(text, keep, "what to keep") == ANSWER


def test_a_comma_too_many_is_forgiven_but_not_inside_words():
    text = '{"keep": [{"id": 1,},\n ], "remove": [2, ], "reasoning": "a, b,] ,}",}'
    assert json_values(text) == [
        {"keep": [{"id": 1}], "remove": [2], "reasoning": "a, b,] ,}"},
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("I cannot see any objects.", "no JSON"),
        ('{"keep": [{"id": 1}, {"id"', "no 'keep'"),
        ('{"objects": []}', "no 'keep'"),
        ("<think>" + json.dumps(ANSWER), "no JSON"),
        ("[" * 5000, "no JSON"),
    ],
)
def test_what_is_no_answer_is_said_in_one_sentence(text, words):
    with pytest.raises(UnreadableAnswer, match=words) as caught:
        read_answer(text, keep, "what to keep")
    assert len(str(caught.value)) < 300


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), json_like), st.sampled_from(["", "So: ", "```json\n"]))
def test_every_json_object_comes_back_unchanged(value, before):
    text = before + json.dumps(value) + "\n```"
    if "<think" not in text.lower():
        assert json_values(text) == [value]


@given(st.text())
def test_any_text_can_be_looked_at(text):
    json_values(text)


@pytest.mark.parametrize("written", [3, "3", "#3", 3.0, "object 3", "[3]", " 3 "])
def test_a_number_is_read_however_it_is_written(written):
    assert as_number(written) == 3


@pytest.mark.parametrize("written", [True, None, "three", "3 and 4", 3.5, float("inf"), {}, []])
def test_what_is_no_number_is_none(written):
    assert as_number(written) is None


def test_more_than_half_decides():
    samples = [{"a", "b"}, {"a"}, {"a", "c"}, {"b"}]
    assert shares(samples) == {"a": 0.75, "b": 0.5, "c": 0.25}
    assert majority(samples) == {"a": 0.75}


def test_a_sample_votes_once():
    assert majority([["a", "a", "a"], ["b"], ["b"]]) == {"b": 2 / 3}


def test_no_sample_decides_nothing():
    assert majority([]) == {}
