"""Guessing hidden outlines: symmetry, bridges, and never over open background."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cast_nodes.inpaint import amodal
from cast_nodes.inpaint.amodal import bridged, guess_hidden, mirror_axis, mirrored, outline_in_photo
from cast_nodes.inpaint.masks import close_pockets, spread

SHAPE = (60, 80)


def box(y0: int, x0: int, y1: int, x1: int) -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    mask[y0:y1, x0:x1] = True
    return mask


def chair() -> np.ndarray:
    """Back, seat and two legs, symmetric about x = 40."""
    return box(10, 25, 40, 55) | box(40, 25, 55, 30) | box(40, 50, 55, 55)


def test_the_mirror_axis_of_a_half_hidden_leg_is_found() -> None:
    front = box(42, 45, 60, 70)
    assert mirror_axis(chair() & ~front, front) == 40


def test_a_hidden_leg_is_mirrored_from_the_other_side() -> None:
    front = box(42, 45, 60, 70)
    guess = guess_hidden(chair() & ~front, front)
    hidden_leg = chair() & front
    assert (guess.hidden & hidden_leg).sum() > 0.8 * hidden_leg.sum()
    assert guess.hidden.sum() < 1.3 * hidden_leg.sum()


def test_what_shows_no_symmetry_has_no_axis() -> None:
    triangle = np.tril(np.ones((60, 60), bool))
    assert mirror_axis(np.pad(triangle, ((0, 0), (0, 20))), np.zeros(SHAPE, bool)) is None


def test_a_post_in_front_of_a_box_is_bridged() -> None:
    whole, post = box(20, 10, 50, 70), box(5, 35, 60, 42)
    guess = guess_hidden(whole & ~post, post)
    np.testing.assert_array_equal(guess.hidden, whole & post)


def test_nothing_is_bridged_over_open_background() -> None:
    seen = box(20, 10, 40, 20) | box(20, 60, 40, 70)
    front = box(20, 30, 40, 50)  # gaps of background on both its sides
    assert not bridged(seen, front).any()


def test_what_is_told_counts_under_what_is_in_front_and_nowhere_else() -> None:
    seen = box(10, 20, 50, 40)
    front = box(20, 40, 55, 60)
    told = box(10, 20, 50, 52) | box(0, 0, 8, 8)  # 12 px further under the front, and nonsense
    alone = guess_hidden(seen, front).hidden
    guess = guess_hidden(seen, front, told).hidden
    assert not alone.any()
    assert (guess & box(20, 40, 50, 52)).sum() > 0.9 * 30 * 12
    assert not (guess & ~front).any()


def test_the_network_is_asked_about_the_seen_part_in_the_photo(monkeypatch) -> None:
    asked = []

    class Told:
        def outline(self, area):
            asked.append(area)
            return np.ones((area[3] - area[1], area[2] - area[0]), bool)

    def predict(photo, queries):
        asked.append(queries[0].box)
        return [Told()]

    monkeypatch.setattr(amodal, "predict", predict)
    photo = np.zeros((200, 300, 3), np.uint8)
    whole = outline_in_photo(photo, box(10, 20, 50, 40), (100, 70))
    assert asked == [(120, 80, 140, 120), (100, 70, 180, 130)] and whole.shape == SHAPE


def test_without_anything_in_front_nothing_is_hidden() -> None:
    assert not guess_hidden(chair(), np.zeros(SHAPE, bool)).hidden.any()


masks = st.lists(
    st.tuples(st.integers(0, 55), st.integers(0, 75), st.integers(1, 40), st.integers(1, 40)),
    min_size=1,
    max_size=4,
).map(lambda boxes: np.any([box(y, x, y + h, x + w) for y, x, h, w in boxes], 0))


@given(masks, masks)
@settings(max_examples=40, deadline=None)
def test_the_guess_stays_under_what_is_in_front(visible: np.ndarray, front: np.ndarray) -> None:
    hidden = guess_hidden(visible, front).hidden
    assert not (hidden & ~front).any() and not (hidden & visible).any()


@given(masks, st.integers(1, 79))
@settings(max_examples=30, deadline=None)
def test_mirroring_twice_gives_what_stayed_inside(mask: np.ndarray, axis: int) -> None:
    twice = mirrored(mirrored(mask, axis), axis)
    assert not (twice & ~mask).any()
    source = 2 * axis - 1 - np.arange(SHAPE[1])
    kept = (source >= 0) & (source < SHAPE[1])
    np.testing.assert_array_equal(twice[:, kept], mask[:, kept])


@given(masks)
@settings(max_examples=30, deadline=None)
def test_spreading_keeps_what_is_known_and_invents_no_colour(mask: np.ndarray) -> None:
    image = np.random.default_rng(0).uniform(20, 90, (*SHAPE, 3)).astype(np.float32)
    out = spread(np.where(mask[..., None], image, 500), mask.astype(np.float32))
    np.testing.assert_allclose(out[mask], image[mask], rtol=1e-5)
    assert out.min() >= image[mask].min() - 1e-2 and out.max() <= image[mask].max() + 1e-2


@given(masks, st.integers(1, 8))
@settings(max_examples=30, deadline=None)
def test_closing_only_adds(mask: np.ndarray, radius: int) -> None:
    assert close_pockets(mask, radius)[mask].all()


def test_a_gap_narrower_than_the_closing_joins_the_mask() -> None:
    gap = box(10, 10, 50, 30) | box(10, 36, 50, 60)
    assert close_pockets(gap, 4)[20:40, 30:36].all()
    assert not close_pockets(gap, 2)[30, 33]
