"""One object picked, changed, and put back."""

from __future__ import annotations

import json

import numpy as np
import pytest
from coloured_things import COLOURS, things
from hypothesis import given
from hypothesis import strategies as st

from cast_nodes.backends import choose
from cast_nodes.bridges.mesh_arrays import mesh_arrays
from cast_nodes.bridges.override import (
    Edit,
    centre_of,
    edited,
    mask_for,
    pose_from_text,
    with_mesh,
    with_object,
    with_pose,
    with_view,
)
from cast_nodes.bridges.pick import alone, photo_cut, picked, pose_text
from cast_nodes.context import Context
from cast_nodes.errors import BadInput
from cast_nodes.frames import Sim3
from cast_nodes.inpaint import inpaint
from cast_nodes.mesh import MeshInputs, make_meshes
from cast_nodes.mesh_data import Material, MeshData, make_glb
from cast_nodes.store import Store
from cast_nodes.types import Mesh, Meshes, Objects, Photo, Placement, Placements, SceneObject, Views


def named(*labels: str) -> Objects:
    made = (SceneObject(3 + i, label, 1.0, (0, 0, 1, 1)) for i, label in enumerate(labels))
    return Objects(Photo(np.zeros((4, 4, 3), np.uint8)), tuple(made))


@pytest.mark.parametrize(
    ("text", "object_id"),
    [("4", 4), ("lamp", 4), (" Lamp ", 4), ("chair 5", 5), ("chair #2", 5), ("chair#1", 3)],
)
def test_an_object_is_named_by_number_label_or_both(text: str, object_id: int):
    assert picked(named("chair", "lamp", "chair"), text).id == object_id


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "name one of 'chair 3', 'lamp 4', 'chair 5'"),
        ("chair", "may be any of 'chair 3', 'chair 5'"),
        ("chair #3", "there is no 'chair #3'; there are 'chair 3'"),
        ("chair #0", "there is no"),
        ("9", "there is no '9'"),
    ],
)
def test_a_name_that_fits_none_or_several_is_an_error_that_lists_them(text: str, told: str):
    with pytest.raises(BadInput) as error:
        picked(named("chair", "lamp", "chair"), text)
    assert told in str(error.value)


def test_a_picked_object_is_alone_but_the_others_stay_known():
    objects = things(3)
    only = alone(objects, objects.by_id(11))
    assert [o.id for o in only.kept] == [11]
    assert len(only.objects) == len(objects.objects)
    rows, columns = photo_cut(objects, objects.by_id(11))
    cut = objects.photo.rgb[rows, columns]
    assert (np.abs(cut.astype(int) - COLOURS[1]).max(-1) == 0).mean() > 0.4


def test_a_new_mask_brings_its_box_and_an_empty_one_is_refused():
    objects = things(2)
    mask = np.zeros((120, 200), bool)
    mask[10:20, 30:50] = True
    changed = with_object(objects, objects.by_id(10), mask, " Red Box ", retry=3).by_id(10)
    assert (changed.bbox, changed.label, changed.retry) == ((30, 10, 50, 20), "red box", 3)
    with pytest.raises(BadInput, match="it is empty"):
        with_object(objects, objects.by_id(10), np.zeros((120, 200), bool))
    dropped = with_object(objects, objects.by_id(10), keep="drop")
    assert [o.id for o in dropped.kept] == [11]
    assert with_object(dropped, dropped.by_id(10), keep="keep").by_id(10).keep


def test_a_mask_of_the_photos_proportions_is_taken_at_any_size():
    photo = things(1).photo
    large = np.zeros((240, 400), np.float32)
    large[:120] = 1
    assert mask_for(photo, large)[:60].all() and not mask_for(photo, large)[60:].any()
    with pytest.raises(BadInput, match="it must cover the whole photo"):
        mask_for(photo, np.zeros((120, 120), np.float32))


class Counting:
    """Runs stages and tells which objects were made."""

    def __init__(self):
        self.steps: list = []
        self.context = Context(store=Store(), progress=self.steps.append, workers=1)

    def made(self) -> list[str]:
        found = sorted({s.label for s in self.steps if s.label and not s.reused})
        self.steps.clear()
        return found

    def views(self, objects: Objects) -> Views:
        return inpaint(objects, choose("inpaint", background=False), self.context)

    def meshes(self, objects: Objects, views: Views) -> Meshes:
        return make_meshes(
            MeshInputs(objects, views), choose("mesh", "inflate", faces=500), self.context
        )


def test_each_override_has_that_object_alone_made_anew():
    run, objects = Counting(), things(3, hidden=False)
    views = run.views(objects)
    meshes = run.meshes(objects, views)
    run.made()
    item = objects.by_id(11)
    retried = with_object(objects, item, retry=1)
    run.meshes(retried, run.views(retried))
    assert run.made() == ["thing1 11"]
    mask = item.mask.copy()
    mask[:40] = False
    smaller = with_object(objects, item, mask)
    run.meshes(smaller, run.views(smaller))
    assert run.made() == ["thing1 11"]
    old = views.get(11)
    other = with_view(views, item, np.full((64, 48, 3), 9, np.uint8), None)
    assert other.get(11).box == old.box and other.get(10) is views.get(10)
    run.meshes(objects, other)
    assert run.made() == ["thing1 11"]
    run.meshes(objects, run.views(objects))
    assert run.made() == []
    swapped = with_mesh(meshes, item, meshes.get(10).candidates[0], add=True)
    assert len(swapped.get(11).candidates) == 2 and swapped.get(12) is meshes.get(12)


def test_a_view_needs_an_outline_from_somewhere():
    objects = things(1)
    rgb = np.zeros((10, 10, 3), np.uint8)
    with pytest.raises(BadInput, match="no view whose outline could be kept"):
        with_view(Views(()), objects.by_id(10), rgb, None)
    made = with_view(Views(()), objects.by_id(10), rgb, np.ones((5, 5)))
    assert made.get(10).box == objects.by_id(10).bbox


def box_mesh(size=(1.0, 2.0, 3.0)) -> Mesh:
    import trimesh

    box = trimesh.creation.box(size)
    box.apply_translation((5, 0, 0))
    data = MeshData(
        np.asarray(box.vertices), np.asarray(box.faces, np.int64), np.zeros(len(box.faces), np.int64),
        (Material.coloured((200, 0, 0)),),
    )  # fmt: skip
    return Mesh(make_glb(data))


@given(
    st.tuples(*[st.floats(-5, 5)] * 3), st.floats(-180, 180), st.floats(-90, 90),
    st.floats(-180, 180), st.floats(0.1, 10),
)  # fmt: skip
def test_turning_and_scaling_leave_the_middle_and_moving_moves_it(move, turn, tilt, roll, scale):
    world = Sim3(np.diag([1.0, -1.0, -1.0]), np.array([0.0, 1.6, 0.0]))
    pose = Sim3(np.diag([-1.0, 1.0, -1.0]), np.array([0.3, 0.4, 5.0]), 0.7)
    centre = np.array([5.0, 0.0, 0.0])
    new = edited(pose, centre, world, Edit(move, turn, tilt, roll, scale))
    before, after = (world.apply(p.apply(centre)) for p in (pose, new))
    np.testing.assert_allclose(after - before, move, atol=1e-9)
    assert new.scale == pytest.approx(0.7 * scale)


def test_a_turn_is_anticlockwise_seen_from_above_and_no_edit_changes_nothing():
    world = Sim3(np.diag([1.0, -1.0, -1.0]), np.zeros(3))
    pose = Sim3(np.diag([1.0, -1.0, -1.0]), np.array([0.0, 0.0, 4.0]))  # upright in the world
    turned = edited(pose, np.zeros(3), world, Edit(turn_deg=90))
    np.testing.assert_allclose((world @ turned).rotate([1, 0, 0]), [0, 0, -1], atol=1e-12)
    same = edited(pose, np.zeros(3), world, Edit())
    np.testing.assert_allclose(same.matrix(), pose.matrix(), atol=1e-12)


def test_poses_go_out_and_in_as_text():
    pose = Sim3(np.eye(3), np.array([1.0, 2.0, 3.0]), 2.0)
    np.testing.assert_allclose(
        pose_from_text(pose_text(Placement(1, pose)))[0].matrix(), pose.matrix()
    )
    entry = json.dumps({"camera_from_object": pose.matrix().tolist()})
    assert pose_from_text(entry)[0].scale == pytest.approx(2)
    stretched = Placement(1, pose, stretch=(2.0, 0.5, 1.0))
    np.testing.assert_allclose(pose_from_text(pose_text(stretched))[1], stretched.stretch)
    assert pose_text(None) == ""
    for text, told in (
        ("[1", "not JSON"),
        ("[[1]]", "4x4"),
        ("{}", "4 rows"),
        ("[[-1,0,0,0],[0,1,0,0],[0,0,1,0],[0,0,0,1]]", "mirrors"),
    ):
        with pytest.raises(BadInput, match=told):
            pose_from_text(text)


def test_a_pose_is_locked_as_it_is_or_replaced():
    item = SceneObject(1, "chair", 1.0, (0, 0, 1, 1))
    old = Placement(1, Sim3.identity(), 1, {"iou": 0.5}, alternatives=(Sim3.identity(),))
    both = Placements((old, Placement(2, Sim3.identity())))
    locked = with_pose(both, item, None, 1, True)
    assert locked.get(1).locked and locked.get(1).fit == {"iou": 0.5}
    assert locked.get(2) is both.get(2)
    moved = with_pose(both, item, Sim3(np.eye(3), np.ones(3)), 1, False)
    assert moved.get(1).candidate == 1 and not moved.get(1).fit and not moved.get(1).locked
    with pytest.raises(BadInput, match="has none that could be kept"):
        with_pose(Placements(()), item, None, 0, True)
    np.testing.assert_allclose(centre_of(box_mesh()), [5, 0, 0], atol=1e-6)


def test_a_mesh_with_one_texture_keeps_it_and_several_materials_become_vertex_colours():
    square = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], float)
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    uv = square[:, :2]
    texture = np.zeros((4, 4, 3), np.uint8)
    texture[..., 0] = 200
    one = MeshData(square, faces, np.zeros(2, np.int64), (Material.textured(texture),), uv=uv)
    made = mesh_arrays(one)
    assert made.texture is not None and made.colours is None
    np.testing.assert_allclose(made.texture[0, 0], [200 / 255, 0, 0], atol=1e-6)
    two = MeshData(
        square, faces, np.array([0, 1]),
        (Material.textured(texture), Material("blue", (0.0, 0.0, 0.5, 1.0))), uv=uv,
    )  # fmt: skip
    made = mesh_arrays(two)
    assert made.texture is None and len(made.vertices) == 6 and made.faces.shape == (2, 3)
    np.testing.assert_allclose(made.vertices[made.faces], two.triangles)
    np.testing.assert_allclose(made.colours[made.faces[1]], [[0, 0, 0.5, 1]] * 3)
    assert (made.colours[made.faces[0]][:, 0] > 0.5).all()
