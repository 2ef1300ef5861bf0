"""A bent point map is straightened at the objects as far as the floor about them shows the bend."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cast_nodes.register.dewarp import Witnesses, log_correction
from cast_nodes.register.problem import make_problem
from cast_nodes.register.survey import survey_photo
from cast_nodes.types import SceneObject

from .conftest import HEIGHT, WIDTH, chair, make_room, upright_pose


@pytest.fixture(scope="module")
def straight():
    return make_room({0: (chair(), upright_pose(0.7, (0.2, 2.6)))})


def bent(inputs, size: float):
    """The inputs with a smooth bend of the point map, and the bend (H, W) as a factor."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] / WIDTH
    factor = 1 + size * np.sin(2 * np.pi * 1.8 * x + 2.4) * np.cos(2 * np.pi * 1.5 * y + 1)
    points = (inputs.geometry.points * factor[..., None]).astype(np.float32)
    return replace(inputs, geometry=replace(inputs.geometry, points=points)), factor


def problem_of(inputs, straightened: bool = True):
    surveyed = survey_photo(inputs.geometry, inputs.objects)
    if not straightened:
        surveyed = replace(surveyed, witnesses=None)
    item = inputs.objects.by_id(0)
    return make_problem(item, inputs.objects, inputs.geometry, inputs.meshes.get(0), surveyed)


def error(problem, true) -> float:
    """Mean absolute relative error of the object's depths."""
    both = np.isfinite(problem.depth) & np.isfinite(true.depth)
    return float(np.abs(problem.depth[both] / true.depth[both] - 1).mean())


def test_the_objects_depths_come_nearer_to_the_truth(straight):
    true = problem_of(straight.inputs)
    inputs, _ = bent(straight.inputs, 0.03)
    before, after = problem_of(inputs, False), problem_of(inputs)
    assert error(before, true) > 0.008
    assert error(after, true) < 0.6 * error(before, true)
    assert not np.allclose(after.points, before.points)
    assert after.key != before.key


def test_a_straight_point_map_is_left_as_it_is(straight):
    with_it, without = problem_of(straight.inputs), problem_of(straight.inputs, False)
    np.testing.assert_array_equal(with_it.depth, without.depth)
    assert with_it.key == without.key


def test_guessed_points_and_unknown_floors_are_left_as_they_are(straight):
    inputs, _ = bent(straight.inputs, 0.03)
    guessed = replace(inputs.geometry, approximate=True)
    assert survey_photo(guessed, inputs.objects).witnesses is None
    y, x = np.mgrid[:HEIGHT, :WIDTH] / WIDTH
    wall = np.stack([x, y, np.ones_like(x)], -1).astype(np.float32) * 3
    nowhere = replace(inputs.geometry, points=wall, up=None, floor=None)
    assert survey_photo(nowhere, inputs.objects).witnesses is None


def witnesses_of(bend: np.ndarray) -> Witnesses:
    """Witnesses 2.6 m away at every second pixel of the lower half, from an (H, W) bend."""
    rows, columns = (a.ravel() for a in np.mgrid[HEIGHT // 2 : HEIGHT : 2, 0:WIDTH:2])
    pixels = np.stack([columns, rows], 1) + 0.5
    far = np.full(len(rows), np.log(2.6))
    at = np.stack([rows, columns], 1)
    sure = np.zeros((len(rows), 3))
    return Witnesses(pixels / WIDTH, at, far, bend[rows, columns], sure, 0.03, 0.003, WIDTH)


def test_a_smooth_bend_is_carried_on_and_fades_away_from_its_witnesses():
    y, x = np.mgrid[:HEIGHT, :WIDTH] / WIDTH
    bend = 0.03 * np.sin(2 * np.pi * 1.8 * x) * np.cos(2 * np.pi * 1.5 * y)
    box = (60, 20, 180, 170)
    found = log_correction(witnesses_of(bend), box, (120, 150), 2.6, ())
    assert found is not None
    true = bend[20:170, 60:180]
    assert np.abs(found - true)[75:].max() < 0.006, "among the witnesses"
    assert np.abs(found)[0].max() < 0.2 * np.abs(found).max(), "a third of the picture above"
    hidden = np.ones((HEIGHT, WIDTH), bool)
    assert (
        log_correction(witnesses_of(bend), box, (120, 150), 2.6, ((hidden, (0, 0, WIDTH, HEIGHT)),))
        is None
    )
    assert log_correction(witnesses_of(bend), box, (120, 150), 26.0, ()) is None, "far behind"


def test_rough_ground_straightens_nothing():
    """Patches that tell nothing of the patch beside them are no smooth bend."""
    patches = np.random.default_rng(0).uniform(-0.06, 0.06, (HEIGHT // 12, WIDTH // 12))
    rough = np.kron(patches, np.ones((12, 12)))
    assert log_correction(witnesses_of(rough), (60, 20, 180, 170), (120, 150), 2.6, ()) is None


def test_a_far_objects_mask_changes_nothing_here(straight):
    inputs, _ = bent(straight.inputs, 0.03)
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[-4:, :4] = True
    far = SceneObject(7, "cup", 1.0, (0, HEIGHT - 4, 4, HEIGHT), mask)
    objects = replace(inputs.objects, objects=(*inputs.objects.objects, far))
    assert problem_of(replace(inputs, objects=objects)).key == problem_of(inputs).key
