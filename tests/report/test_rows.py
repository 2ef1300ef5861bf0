"""One row an object: what there is is shown, what is missing is named, and only changes change it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cast_nodes.frames import Sim3
from cast_nodes.report.rows import TILE, TILES, made_in, made_so_far, rows_of
from cast_nodes.types import MeshEntry


def by_id(rows):
    return {row.item.id: row for row in rows}


def changed_pose(placements, object_id, by, **fields):
    old = placements.get(object_id)
    pose = Sim3(
        old.camera_from_object.rotation,
        old.camera_from_object.translation + by,
        old.camera_from_object.scale,
    )
    new = replace(old, camera_from_object=pose, **fields)
    entries = tuple(new if p.id == object_id else p for p in placements.placements)
    return replace(placements, placements=entries)


def test_a_scene_has_a_full_row_for_each_kept_object(scene):
    rows = rows_of(made_in(scene))
    assert [row.item.id for row in rows] == [o.id for o in scene.objects.kept]
    for row in rows:
        assert row.tiles == TILES
        picture = row.picture()
        assert picture.shape == (TILE, len(TILES) * TILE, 3) and picture.dtype == np.uint8
        for index in range(len(TILES)):
            assert np.ptp(picture[:, index * TILE : (index + 1) * TILE]) > 30, TILES[index]


def test_without_a_scene_the_row_ends_where_the_work_ends(room):
    given = room.inputs
    only_objects = rows_of(made_so_far(given.objects))
    assert {row.tiles for row in only_objects} == {("crop",)}
    with_meshes = rows_of(made_so_far(given.objects, given.views, given.meshes))
    assert {row.tiles for row in with_meshes} == {("crop", "view", "mesh")}
    blank = with_meshes[0].picture()[:, 3 * TILE :]
    assert np.ptp(blank) == 0
    full = made_so_far(given.objects, given.views, given.meshes, given.placements, given.geometry)
    assert {row.tiles for row in rows_of(full)} == {TILES}


def test_the_fit_of_a_pose_by_hand_is_measured_from_its_outline(room):
    given = room.inputs

    def measured(placements):
        made = made_so_far(given.objects, given.views, given.meshes, placements, given.geometry)
        return by_id(rows_of(made))[2]

    right = measured(changed_pose(given.placements, 2, np.zeros(3), fit={}))
    wrong = measured(changed_pose(given.placements, 2, np.array([0.6, 0, 0]), fit={}))
    assert right.iou is not None and wrong.iou is not None
    assert right.iou > 0.8 and right.grade in ("good", "fair")
    assert wrong.iou < 0.4 and wrong.grade == "poor"


def test_a_measured_fit_is_told_as_it_was_measured(room):
    given = room.inputs
    placements = changed_pose(given.placements, 0, np.zeros(3), fit={"iou": 0.77})
    made = made_so_far(given.objects, given.views, given.meshes, placements, given.geometry)
    assert by_id(rows_of(made))[0].iou == 0.77


@pytest.mark.parametrize(("residual", "told"), [(0.01, None), (0.5, 0.5)])
def test_a_depth_that_does_not_fit_is_told_beside_the_outline(room, residual, told):
    given = room.inputs
    fit = {"iou": 0.99, "depth_residual": residual}
    placements = changed_pose(given.placements, 0, np.zeros(3), fit=fit)
    made = made_so_far(given.objects, given.views, given.meshes, placements, given.geometry)
    row = by_id(rows_of(made))[0]
    assert row.depth_off == told
    assert (row.grade == "good") == (told is None)


def test_what_failed_is_named_by_stage(room):
    given = room.inputs
    entries = tuple(
        MeshEntry(e.id, failure="the service was full") if e.id == 1 else e
        for e in given.meshes.entries
    )
    views = tuple(
        replace(v, failure="nothing of it is seen") if v.id == 1 else v for v in given.views.views
    )
    made = made_so_far(
        given.objects, replace(given.views, views=views), replace(given.meshes, entries=entries)
    )
    row = by_id(rows_of(made))[1]
    assert row.tiles == ("crop",)
    assert dict(row.failures) == {
        "view": "nothing of it is seen",
        "mesh": "the service was full",
    }
    assert row.picture().shape == (TILE, 4 * TILE, 3)


@pytest.mark.parametrize("what", ["view", "pose", "mesh"])
def test_a_change_of_one_object_changes_its_row_alone(room, what):
    given = room.inputs

    def keys(views=given.views, meshes=given.meshes, placements=given.placements):
        made = made_so_far(given.objects, views, meshes, placements, given.geometry)
        return {i: row.key for i, row in by_id(rows_of(made)).items()}

    before = keys()
    assert keys() == before
    if what == "view":
        views = tuple(replace(v, rgba=255 - v.rgba) if v.id == 1 else v for v in given.views.views)
        after = keys(views=replace(given.views, views=views))
    elif what == "mesh":
        other = given.meshes.get(2).candidates
        entries = tuple(MeshEntry(1, other) if e.id == 1 else e for e in given.meshes.entries)
        after = keys(meshes=replace(given.meshes, entries=entries))
    else:
        after = keys(placements=changed_pose(given.placements, 1, np.array([0.1, 0, 0])))
    assert {i for i in before if before[i] != after[i]} == {1}
