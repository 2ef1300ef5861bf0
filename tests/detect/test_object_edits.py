"""The text of a person's edits: what it means, and what it says when it cannot be read."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cast_nodes.detect.object_edits import ObjectEdit, Stroke, read_edits
from cast_nodes.detect.strokes import covered, painted
from cast_nodes.errors import BadInput

TEXT = """
{"photo": [400, 300],
 "objects": {
   "3": {"label": " Old  ARMCHAIR "},
   "4": {"keep": false},
   "6": {"points": [[310, 42, 1], [290, 50.5, -1]]},
   "100": {"label": "lamp", "box": [180, 30, 40, 230],
           "brush": [{"add": 12, "path": [[50, 70], [80, 96]]}, {"erase": 8, "path": [[60, 200]]}]}}}
"""


def test_every_field_is_read():
    edits = read_edits(TEXT)
    assert edits.size == (400, 300)
    assert edits.by_id == {
        3: ObjectEdit(label="old armchair"),
        4: ObjectEdit(keep=False),
        6: ObjectEdit(positive=((310, 42),), negative=((290, 50.5),)),
        100: ObjectEdit(
            label="lamp",
            box=(40, 30, 180, 230),  # drawn from right to left
            strokes=(
                Stroke(True, 12, ((50, 70), (80, 96))),
                Stroke(False, 8, ((60, 200),)),
            ),
        ),
    }


@pytest.mark.parametrize("text", ["", "  \n", "{}", '{"objects": {}}'])
def test_nothing_is_no_edit(text):
    assert not read_edits(text).by_id


def test_on_a_photo_of_another_size_everything_is_scaled():
    lamp = read_edits(TEXT).on(800, 600).by_id[100]
    assert lamp.box == (80, 60, 360, 460)
    assert lamp.strokes[0] == Stroke(True, 24, ((100, 140), (160, 192)))


def test_a_photo_of_other_proportions_is_another_photo():
    with pytest.raises(
        BadInput, match="drawn on a photo of 400 x 300 pixels, this one is 300 x 400"
    ):
        read_edits(TEXT).on(300, 400)


@pytest.mark.parametrize(
    ("objects", "told"),
    [
        ('{"3": {"lable": "x"}}', r'object 3: there is no field "lable"; it has label, keep, box'),
        ('{"chair": {}}', r'object "chair": an id is a whole number'),
        ('{"-1": {}}', r'object "-1": an id'),
        ('{"3": []}', "object 3: .* is needed, not "),
        ('{"3": {"label": 5}}', "object 3: label: a text is needed, not 5"),
        ('{"3": {"keep": "no"}}', "object 3: keep: true or false"),
        ('{"3": {"box": [1, 2, 3]}}', r"object 3: box: \[left, top, right, bottom\] is needed"),
        ('{"3": {"box": [1, 2, 1, 9]}}', "object 3: box: it is empty"),
        ('{"3": {"box": [1, 2, NaN, 9]}}', "object 3: box: .* is no place in a photo"),
        ('{"3": {"points": [[1, 2]]}}', r"object 3: points: \[x, y, 1\] or \[x, y, -1\] is needed"),
        ('{"3": {"points": [[1, 2, 0]]}}', "object 3: points: the third number is 1"),
        ('{"3": {"points": {}}}', "object 3: points: a list"),
        ('{"3": {"brush": [{"path": [[1, 2]]}]}}', 'object 3: brush: a stroke has a radius'),
        ('{"3": {"brush": [{"add": 0, "path": [[1, 2]]}]}}', "object 3: brush: add: the radius"),
        ('{"3": {"brush": [{"add": 2, "path": []}]}}', "object 3: brush: path: at least one point"),
        ('{"3": {"brush": [{"add": 2, "path": [[true, 2]]}]}}', r"brush: path: \[x, y\] is needed"),
        ('{"3": {}, "03": {}}', "object 3 is there twice"),
        ("[]", "objects: write edits by object id"),
    ],
)  # fmt: skip
def test_an_error_names_the_object_and_the_field(objects, told):
    with pytest.raises(BadInput, match=told):
        read_edits(f'{{"objects": {objects}}}')


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("chair: 1, 2, 3, 4", "this is not JSON"),
        ("[" * 100_000, "this is not JSON"),
        ("[1]", r"edits: \{…\} with photo, objects is needed"),
        ('{"photo": [0, 5]}', "photo: width and height"),
        ('{"photo": "big"}', r"photo: \[width, height\] is needed"),
    ],
)
def test_a_text_of_another_kind_is_told(text, told):
    with pytest.raises(BadInput, match=told):
        read_edits(text)


def test_what_is_long_and_strange_is_shortened_in_the_error():
    with pytest.raises(BadInput) as error:
        read_edits(json.dumps({"objects": {"<img onerror=x>" * 1000: {}}}))
    assert len(str(error.value)) < 200


# Strokes


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-10, 50), st.floats(-10, 40)), min_size=1, max_size=5),
    st.floats(0.6, 12),
)
def test_a_stroke_covers_the_pixels_whose_centre_is_near_its_line(path, radius):
    found = covered(Stroke(True, radius, tuple(path)), 30, 40)
    fine = np.concatenate(
        [np.linspace(a, b, 200) for a, b in zip(path, [*path[1:], path[-1]], strict=True)]
    )
    y, x = np.mgrid[0:30, 0:40] + 0.5
    apart = np.hypot(x[..., None] - fine[:, 0], y[..., None] - fine[:, 1]).min(-1)
    assert (found == (apart <= radius))[np.abs(apart - radius) > 0.2].all()


def test_later_strokes_lie_over_earlier_ones():
    line = ((5.0, 5.0), (25.0, 5.0))
    added, erased = painted(
        [Stroke(True, 3, line), Stroke(False, 3, line[:1]), Stroke(True, 1, line[:1])], 12, 30
    )
    assert not (added & erased).any()
    assert added[4, 24] and added[4, 4] and erased[4, 2]


def test_the_thinnest_stroke_hits_the_pixel_under_it():
    assert covered(Stroke(True, 0.01, ((3.5, 4.5),)), 10, 10).sum() == 1
