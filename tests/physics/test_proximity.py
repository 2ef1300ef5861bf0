"""Samples remembered from pose to pose tell what asking all of them would tell."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cast_nodes.physics.proximity import Proximity

RADIUS = 0.5


class Ball:
    """The distance to a ball, which counts what it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.asked += len(points)
        away = np.linalg.norm(points, axis=1)
        return away - RADIUS, points / np.maximum(away, 1e-12)[:, None]


def proximity(ball: Ball, count: int) -> Proximity:
    return Proximity(count, ball, -np.full(3, RADIUS), np.full(3, RADIUS))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.floats(0.001, 0.5), st.floats(0, 0.2))
def test_what_is_near_is_found_wherever_the_samples_went(seed, stride, margin):
    rng, ball = np.random.default_rng(seed), Ball()
    points, near = rng.uniform(-0.8, 0.8, (50, 3)), proximity(ball, 50)
    for _ in range(6):
        index, value, gradient = near.near(points, margin)
        true, _ = Ball()(points)
        np.testing.assert_array_equal(index, np.flatnonzero(true < margin))
        np.testing.assert_allclose(value, true[index])
        np.testing.assert_allclose(np.linalg.norm(gradient, axis=1), 1)
        points = points + rng.normal(0, stride, points.shape)


def test_samples_that_cannot_have_come_near_are_not_asked():
    rng, ball = np.random.default_rng(0), Ball()
    points = rng.uniform(-0.5, 0.5, (1000, 3))
    near = proximity(ball, 1000)
    near.near(points, 0.01)
    first, ball.asked = ball.asked, 0
    near.near(points + 0.001, 0.01)
    outside = (np.linalg.norm(points, axis=1) > RADIUS + 0.02).sum()
    assert first == 1000
    assert ball.asked <= 1000 - outside
