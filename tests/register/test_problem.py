"""A problem holds all that is known of one object, and nothing of what does not matter to it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cast_nodes.errors import ObjectFailure
from cast_nodes.frames import project
from cast_nodes.register.problem import (
    MAX_POINTS,
    WORKING_SIDE,
    Problem,
    make_problem,
    trusted_pixels,
)  # fmt: skip
from cast_nodes.types import Geometry, MeshEntry, Objects, Photo, SceneObject

from .conftest import chair, make_room, mesh_of, upright_pose


def problem_of(inputs, object_id: int = 0) -> Problem:
    item = inputs.objects.by_id(object_id)
    return make_problem(item, inputs.objects, inputs.geometry, inputs.meshes.get(object_id))


def test_points_project_into_the_mask_through_the_crop_intrinsics(chair_room):
    problem = problem_of(chair_room.inputs)
    pixels = project(problem.points, problem.intrinsics)
    columns, rows = np.floor(pixels.T).astype(int)
    assert problem.mask[rows, columns].all()
    assert 100 < len(problem.points) <= MAX_POINTS


def test_the_working_size_is_bounded_whatever_the_photo():
    height, width = 1500, 2000
    mask = np.zeros((height, width), bool)
    mask[200:1300, 300:1700] = True
    points = np.ones((height, width, 3), np.float32)
    item = SceneObject(0, "wall", 1.0, (300, 200, 1700, 1300), mask)
    objects = Objects(Photo(np.zeros((height, width, 3), np.uint8)), (item,))
    geometry = Geometry(points, np.array([[1000, 0, 1000], [0, 1000, 750], [0, 0, 1.0]]))
    problem = make_problem(item, objects, geometry, MeshEntry(0, (mesh_of(chair()),)))
    assert max(problem.mask.shape) == WORKING_SIDE
    assert len(problem.points) <= MAX_POINTS


def test_what_is_hidden_by_a_nearer_object_is_unknown_not_empty(occluded_room):
    problem = problem_of(occluded_room.inputs)
    crate_problem = problem_of(occluded_room.inputs, 1)
    assert problem.unknown.sum() > 200
    assert crate_problem.unknown.sum() < 30, "the chair stands behind the crate and hides nothing"


def test_with_guessed_depth_the_filters_word_decides_who_is_in_front(occluded_room):
    inputs = replace(
        occluded_room.inputs, geometry=replace(occluded_room.inputs.geometry, approximate=True)
    )
    told = replace(
        inputs,
        objects=inputs.objects.replaced(replace(inputs.objects.by_id(1), occluded_by=(0,))),
    )
    assert problem_of(inputs).unknown.sum() > 200, "the lower box is in front"
    assert problem_of(told).unknown.sum() == 0


def test_beyond_the_photos_border_nothing_is_known():
    room = make_room({0: (chair(), upright_pose(0.7, (1.2, 2.2)))})
    problem = problem_of(room.inputs)
    assert problem.unknown[:, -3:].all()
    assert not (problem.unknown & problem.mask).any()


def test_the_key_ignores_far_objects_and_names_but_not_the_own_mask(chair_room):
    base = problem_of(chair_room.inputs).key
    far = np.zeros_like(chair_room.inputs.objects.by_id(0).mask)
    far[:5, :5] = True
    more = replace(
        chair_room.inputs.objects,
        objects=(*chair_room.inputs.objects.objects, SceneObject(7, "cup", 1, (0, 0, 5, 5), far)),
    )
    assert problem_of(replace(chair_room.inputs, objects=more)).key == base
    assert problem_of(chair_room.with_object(label="stool")).key == base
    smaller = chair_room.inputs.objects.by_id(0).mask.copy()
    smaller[: smaller.shape[0] // 2] = False
    assert problem_of(chair_room.with_object(mask=smaller)).key != base


def test_bleeding_borders_and_outliers_are_not_trusted():
    mask = np.zeros((60, 60), bool)
    mask[10:50, 10:50] = True
    depth = np.full((60, 60), 2.0, np.float32)
    depth[10:50, 10] = 2.6
    depth[30, 30] = 9.0
    trusted = trusted_pixels(mask, depth)
    assert trusted.sum() > 800
    np.testing.assert_allclose(depth[trusted], 2.0)


def test_an_object_on_the_floor_has_its_base_there(chair_room):
    assert abs(problem_of(chair_room.inputs).base) < 0.1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mask": None}, "empty mask"),
        ({"mask": np.zeros((180, 240), bool)}, "empty mask"),
        ({"mask": np.ones((10, 10), bool)}, "must be the photo's size"),
    ],
)
def test_a_bad_mask_is_named(chair_room, change, words):
    with pytest.raises(ObjectFailure, match=words):
        problem_of(chair_room.with_object(**change))


def test_no_valid_point_is_named(chair_room):
    nothing = np.full_like(chair_room.inputs.geometry.points, np.nan)
    with pytest.raises(ObjectFailure, match="no valid point"):
        problem_of(chair_room.with_geometry(points=nothing))


def test_no_mesh_is_named_with_the_mesh_stages_reason(chair_room):
    item = chair_room.inputs.objects.by_id(0)
    entry = MeshEntry(0, (), "the service was down")
    with pytest.raises(ObjectFailure, match="the service was down"):
        make_problem(item, chair_room.inputs.objects, chair_room.inputs.geometry, entry)
