"""How a thing can lie: on which sides of its hull, and what counts as its back."""

from __future__ import annotations

import numpy as np
import pytest

from cast_nodes.frames import Sim3
from cast_nodes.physics.rest import shape_of

from .shapes import BALL, CRATE, TABLE, box, mesh_of

UP = np.array([0.0, 1.0, 0.0])
BULGED = mesh_of(box((0.8, 0.8, 0.4)), box((0.04, 0.04, 0.1), (0.3, 0, -0.24)))


def tilted(degrees: float, axis: int) -> Sim3:
    from scipy.spatial.transform import Rotation

    turn = Rotation.from_rotvec(np.radians(degrees) * np.eye(3)[axis])
    return Sim3(turn.as_matrix(), np.zeros(3))


@pytest.mark.parametrize("degrees", [-3.0, 0.0, 2.0])
def test_a_tilt_is_undone_by_the_smallest_turn(degrees):
    turn = shape_of(TABLE).stable_turn(tilted(degrees, 0), -UP)
    assert turn is not None
    np.testing.assert_allclose(np.degrees(turn), [-degrees, 0, 0], atol=1e-6)


def test_what_is_tilted_by_much_is_not_laid_flat():
    assert shape_of(CRATE).stable_turn(tilted(20, 0), -UP) is None


def test_a_side_that_does_not_carry_the_weight_is_none_to_stand_on():
    heavy_top = mesh_of(box((0.1, 0.1, 0.1)), box((0.6, 0.1, 0.1), (0.35, 0.5, 0)))
    assert shape_of(heavy_top).stable_turn(tilted(0, 0), -UP) is None


def test_a_back_is_a_broad_side_and_no_bulge_of_it():
    back, wall = shape_of(CRATE), np.array([0, 0, -1.0])
    turn = back.stable_turn(tilted(3, 1), wall, balanced=False)
    assert turn is not None
    np.testing.assert_allclose(np.degrees(turn), [0, -3, 0], atol=1e-6)
    assert shape_of(BULGED).stable_turn(tilted(3, 1), wall, balanced=False) is None


def test_a_ball_is_round_and_a_crate_is_not():
    assert shape_of(BALL).round
    assert not shape_of(CRATE).round
