"""Which object each item of a list is, when it comes back."""

from __future__ import annotations

import numpy as np
import pytest

from cast_nodes.bridges.handout import Decisions, HandedOut, hand_out, take_back
from cast_nodes.bridges.looks import missing_by_looks
from cast_nodes.errors import BadInput
from cast_nodes.store import Store
from cast_nodes.types import Objects, Photo, SceneObject


def objects(*ids: int) -> Objects:
    return Objects(
        Photo(np.zeros((4, 4, 3), np.uint8)),
        tuple(SceneObject(i, "chair", 1.0, (0, 0, 1, 1)) for i in ids),
    )


def order(*ids: int) -> HandedOut:
    return hand_out(objects(*ids), {i: f"key{i}" for i in ids}, {}, Store())


def back(token: HandedOut, items: list[str], store: Store | None = None, likely=None):
    return take_back(token, items, store or Store(), "images", str, str, likely)


def test_items_come_back_under_the_ids_they_went_out_with():
    assert back(order(7, 3, 5), ["a", "b", "c"]) == {7: "a", 3: "b", 5: "c"}


def test_nothing_sent_takes_nothing_back():
    assert back(order(), []) == {}


@pytest.mark.parametrize(
    ("items", "told"),
    [
        ([], "all are missing: chair 1, chair 2, chair 3"),
        (["a"], "2 of chair 1, chair 2, chair 3 are missing"),
        (["a", "b", "c", "d"], "4 came back for 3 objects"),
    ],
)
def test_another_number_is_an_error_that_names_the_objects(items: list[str], told: str):
    with pytest.raises(BadInput, match="images: ") as error:
        back(order(1, 2, 3), items)
    assert told in str(error.value)


def test_looks_tell_which_one_is_missing():
    with pytest.raises(BadInput, match="by its looks chair 2 is missing"):
        back(order(1, 2, 3), ["a", "c"], likely=lambda ids, items: [2])


def test_only_new_requests_go_out_and_kept_answers_come_back():
    store, asked = Store(), {1: "one", 2: "two"}
    first = hand_out(objects(1, 2), asked, {}, store, only_new=True)
    assert first.sent == (1, 2)
    back(first, ["a", "b"], store)
    second = hand_out(objects(1, 2), {1: "one", 2: "other"}, {}, store, only_new=True)
    assert (second.sent, second.kept) == ((2,), (1,))
    assert back(second, ["B"], store) == {2: "B", 1: "a"}
    third = hand_out(objects(1, 2), {1: "one", 2: "other"}, {}, store, only_new=True)
    assert (third.sent, back(third, [], store)) == ((), {1: "a", 2: "B"})


def test_all_go_out_again_when_asked_to_and_their_new_answers_are_kept():
    store, asked = Store(), {1: "one"}
    back(hand_out(objects(1), asked, {}, store), ["old"], store)
    again = hand_out(objects(1), asked, {}, store)
    assert again.sent == (1,)
    back(again, ["new"], store)
    assert back(hand_out(objects(1), asked, {}, store, only_new=True), [], store) == {1: "new"}


def test_a_list_that_was_sent_before_may_come_back_once_more():
    """ComfyUI may run the handing node again beside a graph whose old result it still holds."""
    store, decisions, asked = Store(), Decisions(), {1: "one", 2: "two", 3: "three"}
    back(hand_out(objects(1, 2, 3), asked, {}, store, True, decisions), ["a", "b", "c"], store)
    again = hand_out(objects(1, 2, 3), asked, {}, store, True, decisions)
    assert (again.sent, again.earlier) == ((), ((1, 2, 3),))
    assert back(again, ["a", "b", "c"], store) == back(again, [], store)
    with pytest.raises(BadInput, match="2 came back for 0 objects"):
        back(again, ["a", "b"], store)
    other = hand_out(objects(1, 2, 3), asked | {3: "other"}, {}, store, True, decisions)
    assert (other.sent, other.earlier) == ((3,), ())


def test_a_kept_answer_that_is_gone_is_an_error_with_the_way_out():
    token = HandedOut(objects(1, 2), (1,), (2,), {}, {1: "one", 2: "two"})
    with pytest.raises(BadInput, match=r"the kept answers of chair 2 .* turn only_new off"):
        back(token, ["a"])


def shades(*levels: int) -> list[np.ndarray]:
    return [np.full((20, 30, 3), level, np.uint8) for level in levels]


@pytest.mark.parametrize(
    ("came", "missing"),
    [((10, 200), [2]), ((90, 200), [1]), ((10, 90), [3]), ((92,), [1, 3]), ((210,), [1, 2])],
)
def test_pictures_of_any_size_tell_who_did_not_come_back(came: tuple[int, ...], missing: list[int]):
    sent = [(p, np.ones((20, 30))) for p in shades(10, 90, 200)]
    returned = [np.full((64, 48, 3), level, np.uint8) for level in came]
    assert missing_by_looks(sent, returned, [1, 2, 3]) == missing
