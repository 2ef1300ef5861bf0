"""A bent point map is straightened at the objects as far as the floor about them shows the bend."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

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


def test_rough_ground_straightens_nothing(straight):
    """Patches that tell nothing of the patch beside them are no smooth bend."""
    patches = np.random.default_rng(0).uniform(0.93, 1.07, (HEIGHT // 12, WIDTH // 12))
    rough = straight.inputs.geometry.points * np.kron(patches, np.ones((12, 12)))[..., None]
    geometry = replace(straight.inputs.geometry, points=rough.astype(np.float32))
    inputs = replace(straight.inputs, geometry=geometry)
    assert survey_photo(geometry, inputs.objects).witnesses is not None
    np.testing.assert_array_equal(problem_of(inputs).points, problem_of(inputs, False).points)


def test_a_far_objects_mask_changes_nothing_here(straight):
    inputs, _ = bent(straight.inputs, 0.03)
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[-4:, :4] = True
    far = SceneObject(7, "cup", 1.0, (0, HEIGHT - 4, 4, HEIGHT), mask)
    objects = replace(inputs.objects, objects=(*inputs.objects.objects, far))
    assert problem_of(replace(inputs, objects=objects)).key == problem_of(inputs).key
