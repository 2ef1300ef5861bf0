"""Textures outside the view: colours go on smoothly, grain is mirrored, things are not."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cast_nodes.compose.continued import carried_on

SIZE = 192


def middle(margin: int = 48) -> np.ndarray:
    known = np.zeros((SIZE, SIZE), bool)
    known[margin:-margin, margin:-margin] = True
    return known


def grained(seed: int = 0) -> np.ndarray:
    """(H, W, 3) a board of fine grain on one colour."""
    grain = np.random.default_rng(seed).normal(0, 12, (SIZE, SIZE, 1))
    return (np.array([150.0, 110, 70]) + grain).astype(np.float32)


@settings(max_examples=20, deadline=None)
@given(
    top=st.integers(0, 20), left=st.integers(0, 20), height=st.integers(1, 40),
    width=st.integers(1, 40), seed=st.integers(0, 99),
)  # fmt: skip
def test_what_is_known_stays_and_all_is_finite(top, left, height, width, seed):
    known = np.zeros((64, 70), bool)
    known[top : top + height, left : left + width] = True
    picture = np.random.default_rng(seed).uniform(0, 255, (64, 70, 3)).astype(np.float32)
    out = carried_on(picture, known, known)
    np.testing.assert_array_equal(out[known], picture[known])
    assert np.isfinite(out).all()


def test_grain_goes_on_as_strong_as_it_was():
    known = middle()
    out = carried_on(grained(), known, known)
    outside = out[~known][:, 0]
    assert abs(outside.mean() - 150) < 3
    assert 6 < outside.std() < 14


def test_a_stripe_at_the_border_is_not_drawn_out():
    known = middle()
    picture = grained()
    picture[:, 90:96] = 0
    out = carried_on(picture, known, known)
    stripe = out[:16, 90:96].mean((0, 1))
    np.testing.assert_allclose(stripe, [150, 110, 70], atol=12)


def test_a_thing_cut_by_the_border_does_not_glow_over_the_plane():
    known = middle()
    picture = grained()
    picture[60:100, 110:144] = [20, 30, 200]
    out = carried_on(picture, known, known)
    np.testing.assert_allclose(out[60:100, -12:].mean((0, 1)), [150, 110, 70], atol=12)


def test_no_seam_shows_where_shade_meets_the_border():
    """A slow change of light along the border goes on beyond it."""
    known = middle()
    picture = grained() - np.linspace(0, 60, SIZE)[:, None, None].astype(np.float32)
    out = carried_on(picture, known, known)
    rows = slice(56, 136)
    inside, outside = out[rows, 138:144].mean((1, 2)), out[rows, 144:150].mean((1, 2))
    assert np.abs(inside - outside).mean() < 8


def test_a_rug_on_a_plain_floor_is_not_seen_twice():
    """A good part of what is seen is a strong pattern whose colours are near the floor's."""
    known = middle()
    rng = np.random.default_rng(0)
    picture = np.full((SIZE, SIZE, 3), 150.0) + rng.normal(0, 2, (SIZE, SIZE, 1))
    pattern = 9 * np.sign(rng.normal(size=(30, 24))).repeat(2, 0).repeat(2, 1)
    picture[70:130, 48:96] += pattern[..., None]
    out = carried_on(picture.astype(np.float32), known, known)
    assert 1 < out[~known].std() < 4


def test_grain_keeps_its_direction():
    known = middle()
    lines = np.random.default_rng(0).normal(0, 12, (SIZE, 1, 1))
    out = carried_on((120 + lines + np.zeros((SIZE, SIZE, 3))).astype(np.float32), known, known)
    beyond = out[:40, :, 0]
    across, along = np.abs(np.diff(beyond, axis=0)).mean(), np.abs(np.diff(beyond, axis=1)).mean()
    assert across > 4 * along


def test_a_coloured_thing_at_the_border_does_not_spread():
    known = middle()
    picture = grained()
    picture[100:144, 48:90] = [200, 20, 30]
    out = carried_on(picture, known, known)
    below = out[160:, 48:90].mean((0, 1))
    np.testing.assert_allclose(below, [150, 110, 70], atol=12)
