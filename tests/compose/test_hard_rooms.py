"""Photos that show no room, or hardly one: each ends in a valid scene and a sentence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cast_nodes.backends import choose
from cast_nodes.compose import ComposeInputs, compose
from cast_nodes.compose.view import VOID
from cast_nodes.context import Context
from cast_nodes.frames import resize_intrinsics
from cast_nodes.gltf_check import faults
from cast_nodes.types import Scene

from .conftest import make_room


@pytest.fixture(scope="module")
def inputs() -> ComposeInputs:
    """Measured points of the test room, and nothing known but them."""
    found = make_room(approximate=False).inputs
    bare = replace(found.geometry, up=None, floor=None, walls=np.zeros((0, 4)), ceiling=None)
    return replace(found, geometry=bare)


def sound(inputs: ComposeInputs) -> Scene:
    """The scene, its file without faults and its picture without holes."""
    scene = compose(inputs, choose("compose"), Context())
    assert faults(scene.glb) == []
    assert not (scene.render == VOID).all(-1).any()
    return scene


def at_size(inputs: ComposeInputs, width: int, height: int) -> ComposeInputs:
    """The same photo of another size, by nearest pixels."""
    photo, g = inputs.objects.photo, inputs.geometry
    at = np.ix_(
        np.arange(height) * photo.height // height, np.arange(width) * photo.width // width
    )  # fmt: skip
    scale = width / photo.width, height / photo.height
    things = tuple(
        replace(o, mask=None if o.mask is None else o.mask[at]) for o in inputs.objects.objects
    )
    plate = inputs.views.background
    return replace(
        inputs,
        objects=replace(inputs.objects, photo=replace(photo, rgb=photo.rgb[at]), objects=things),
        geometry=replace(
            g, points=g.points[at], intrinsics=resize_intrinsics(g.intrinsics, *scale)
        ),
        views=replace(inputs.views, background=None if plate is None else plate[at]),
    )


def test_floor_and_walls_are_found_in_the_points_and_said(inputs):
    scene = sound(inputs)
    names = {part["node"] for part in scene.description["room"]}
    assert {"room/floor", "room/wall_0"} <= names
    assert any("floor was found" in note for note in scene.notes)
    assert any("wall" in note for note in scene.notes)
    photo = inputs.objects.photo.rgb.astype(float)
    assert np.abs(scene.render - photo).mean() < 3.0


def test_a_point_map_of_nothing(inputs):
    nothing = np.full_like(inputs.geometry.points, np.nan)
    scene = sound(replace(inputs, geometry=replace(inputs.geometry, points=nothing)))
    assert [part["node"] for part in scene.description["room"]] == ["room/backdrop"]
    assert any("no depth" in note for note in scene.notes)
    assert any("No floor" in note for note in scene.notes)


@pytest.mark.parametrize("size", [(16, 12), (2, 2), (1, 40)])
def test_tiny_photos(inputs, size):
    sound(at_size(inputs, *size))


def test_objects_that_cover_everything(inputs):
    table, *rest = inputs.objects.objects
    assert table.mask is not None
    table = replace(table, mask=np.ones_like(table.mask))
    objects = replace(inputs.objects, objects=(table, *rest))
    scene = sound(replace(inputs, objects=objects))
    assert any("cover nearly the whole photo" in note for note in scene.notes)


def test_no_objects(inputs):
    sound(
        replace(
            inputs,
            objects=replace(inputs.objects, objects=()),
            views=replace(inputs.views, views=()),
            meshes=replace(inputs.meshes, entries=()),
            placements=replace(inputs.placements, placements=()),
        )
    )


def test_textures_of_a_large_photo_keep_the_limit(inputs):
    scene = compose(at_size(inputs, 1600, 1200), choose("compose", texture_size=256), Context())
    from cast_nodes.compose.turntable import scene_meshes

    for part in scene_meshes(scene.glb)[1]:
        texture = part.materials[0].texture
        assert texture is not None and max(texture.shape[:2]) <= 256
