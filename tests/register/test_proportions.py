"""Anisotropic scale: meshes of wrong proportions, mended only on request."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cast_nodes.backends import choose
from cast_nodes.context import Context
from cast_nodes.mesh_data import read_mesh
from cast_nodes.records import placement_from_json, placements_json
from cast_nodes.register import register
from cast_nodes.store import Store
from cast_nodes.stretched import pose_and_stretch, posed_mesh
from cast_nodes.types import Mesh, MeshEntry, Meshes, Placement, Placements

from .conftest import Room, chair, make_room, mesh_of, upright_pose

WRONG = np.array([1.15, 0.9, 1.0])


@pytest.fixture(scope="module")
def wrong_room() -> Room:
    """One chair whose mesh is 15 % too wide and 10 % too low."""
    room = make_room({0: (chair(), upright_pose(0.7, (0.2, 2.4)))}, noise=0.002)
    wrong = mesh_of(chair().moved(np.diag([*WRONG, 1.0])))
    return replace(room, inputs=replace(room.inputs, meshes=Meshes((MeshEntry(0, (wrong,)),))))


def placed(room: Room, **options) -> Placement:
    choice = choose("register", "hybrid", **options)
    placement = register(room.inputs, choice, Context(store=Store())).placements[0]
    assert not placement.failure
    return placement


def mesh_in(room: Room) -> Mesh:
    return room.inputs.meshes.entries[0].candidates[0]


def error(room: Room, placement: Placement) -> float:
    mesh = read_mesh(posed_mesh(mesh_in(room), placement))
    return room.error(0, placement.camera_from_object, mesh)


def test_proportions_are_kept_unless_asked(wrong_room):
    assert placed(wrong_room).stretch is None


def test_a_mesh_of_wrong_proportions_is_mended_on_request(wrong_room):
    kept, mended = placed(wrong_room), placed(wrong_room, stretch=0.3)
    assert error(wrong_room, mended) < 0.5 * error(wrong_room, kept)
    assert mended.fit["iou"] > kept.fit["iou"]
    ratio = np.array(mended.stretch) * WRONG
    np.testing.assert_allclose(ratio / np.cbrt(ratio.prod()), 1, atol=0.03)


def test_a_right_mesh_is_hardly_stretched(chair_room):
    mended = placed(chair_room, stretch=0.3)
    np.testing.assert_allclose(mended.stretch or (1, 1, 1), 1, atol=0.03)


def test_no_axis_is_stretched_beyond_the_bound(wrong_room):
    stretch = placed(wrong_room, stretch=0.05).stretch
    assert np.abs(np.log(stretch)).max() <= 0.05 * 1.5, "of the mean of the three"
    assert np.prod(stretch) == pytest.approx(1)


def test_placements_json_holds_what_places_the_mesh_s_own_points(wrong_room):
    placement = placed(wrong_room, stretch=0.3)
    entry = placements_json(Placements((placement,)))["objects"][0]
    matrix = np.array(entry["camera_from_object"])
    own = read_mesh(mesh_in(wrong_room)).vertices
    stretched = read_mesh(posed_mesh(mesh_in(wrong_room), placement)).vertices
    np.testing.assert_allclose(
        own @ matrix[:3, :3].T + matrix[:3, 3],
        placement.camera_from_object.apply(stretched),
        atol=1e-5,
    )
    again = placement_from_json(entry, Path("placements.json"))
    np.testing.assert_allclose(again.stretch, placement.stretch)
    np.testing.assert_allclose(
        again.camera_from_object.matrix(), placement.camera_from_object.matrix(), atol=1e-9
    )


def test_a_matrix_that_shears_is_no_pose():
    matrix = np.eye(4)
    matrix[0, 1] = 0.3
    with pytest.raises(ValueError, match="orthonormal"):
        pose_and_stretch(matrix)


def test_a_similarity_has_no_stretch():
    matrix = np.diag([2.0, 2.0, 2.0, 1.0])
    pose, stretch = pose_and_stretch(matrix)
    assert stretch is None
    assert pose.scale == pytest.approx(2)
