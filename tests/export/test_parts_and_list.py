"""One GLB per object, the room alone, the object list, and the folder they are written to."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cast_nodes.errors import BadInput
from cast_nodes.export import Wanted, make_exports, scene_from_folder, write_exports
from cast_nodes.export.parts import canonical_glb, posed_glb, room_glb
from cast_nodes.gltf import join_glb, split_glb
from cast_nodes.gltf_check import faults
from cast_nodes.mesh_data import read_glb

from .rooms import box_glb, default_objects, make_scene, picture, scene_files, turned, write_folder


@pytest.fixture(scope="module")
def scene():
    return make_scene()


def test_a_posed_glb_stands_where_the_object_stands(scene):
    for item, (_, glb, where, _) in zip(scene.objects, default_objects(), strict=True):
        expected = where.apply(read_glb(glb).vertices)
        assert np.allclose(read_glb(posed_glb(scene, item)).vertices, expected, atol=1e-6)


def test_a_canonical_glb_is_the_mesh_as_it_was_made(scene):
    for item, (_, glb, _, _) in zip(scene.objects, default_objects(), strict=True):
        made, truth = read_glb(canonical_glb(scene, item)), read_glb(glb)
        assert np.allclose(made.vertices, truth.vertices, atol=1e-7)
        assert made.materials[0].image == truth.materials[0].image


def test_the_pose_in_the_list_takes_canonical_to_posed(scene):
    files = make_exports(scene, Wanted(objects=True)).files
    listed = json.loads(files["export/object_list.json"])
    for entry in listed["objects"]:
        pose = np.array(entry["world_from_object"])
        unposed = read_glb(files["export/" + entry["files"]["canonical"]]).vertices
        posed = read_glb(files["export/" + entry["files"]["posed"]]).vertices
        assert np.allclose(unposed @ pose[:3, :3].T + pose[:3, 3], posed, atol=1e-6)
        assert np.allclose(entry["box"]["world"], [posed.min(0), posed.max(0)], atol=1e-6)
        assert np.allclose(entry["box"]["object"], [unposed.min(0), unposed.max(0)], atol=1e-6)


def test_every_file_is_a_sound_glb_that_holds_each_texture_once(scene):
    files = make_exports(scene, Wanted(objects=True, collision="hull")).files
    glbs = [content for name, content in files.items() if name.endswith(".glb")]
    assert len(glbs) == 3 * 3 + 2
    for glb in glbs:
        assert not faults(glb)
        assert len(split_glb(glb)[0].get("images", [])) <= 1


def test_the_room_is_in_the_world_and_alone(scene):
    document, _ = split_glb(room_glb(scene))
    assert [document["nodes"][i]["name"] for i in document["scenes"][0]["nodes"]] == ["room"]
    assert "cameras" not in document
    assert np.allclose(read_glb(room_glb(scene)).bounds, [[-3, 0, -6], [3, 0, 0]])


def test_objects_of_one_label_and_of_any_script_have_files_of_their_own(scene):
    names = [n for n in make_exports(scene, Wanted(objects=True)).files if "/posed/" in n]
    assert names == [
        "export/posed/coffee_table_0.glb",
        "export/posed/стул_1.glb",
        "export/posed/coffee_table_2.glb",
    ]


def test_the_list_names_unit_fit_support_and_what_is_not_there():
    listed = json.loads(make_exports(make_scene(metric=False), Wanted()).files[
        "export/object_list.json"
    ])  # fmt: skip
    assert (listed["unit"], listed["up"]) == ("unknown", "y")
    assert [e["supported_by"] for e in listed["objects"]] == ["floor", 0, "wall"]
    assert listed["objects"][0]["fit"]["iou"] == 0.95
    assert listed["not_in_scene"] == [{"id": 9, "label": "vase", "reason": "no pose"}]


def test_a_scene_without_objects_and_room_exports_an_empty_list(tmp_path):
    glb, description = scene_files([])
    document, binary = split_glb(glb)
    document["scenes"][0].pop("nodes")
    write_folder(tmp_path)
    (tmp_path / "scene.glb").write_bytes(join_glb(document, binary))
    (tmp_path / "scene.json").write_text(json.dumps(description))
    made = make_exports(scene_from_folder(tmp_path), Wanted(objects=True, collision="hull"))
    assert set(made.files) == {"export/object_list.json", "export/collision.glb"}
    assert not faults(made.files["export/collision.glb"])


def test_files_of_an_earlier_export_go_but_not_those_of_the_user(tmp_path):
    write_folder(tmp_path)
    wanted = Wanted(objects=True)
    write_exports(scene_from_folder(tmp_path), wanted, tmp_path)
    (tmp_path / "export/posed/coffee_table_0.glb").write_bytes(b"mine")
    (tmp_path / "export/posed/notes.txt").write_text("mine")
    write_folder(tmp_path, [("lamp", box_glb(picture(2)), turned(0, (0, 0, -3), 1.0), "floor")])
    write_exports(scene_from_folder(tmp_path), wanted, tmp_path)
    left = {p.name for p in (tmp_path / "export/posed").iterdir()}
    assert left == {"lamp_0.glb", "coffee_table_0.glb", "notes.txt"}


def test_a_changed_export_is_kept_until_forced(tmp_path):
    scene = scene_from_folder(write_folder(tmp_path))
    mine = tmp_path / "export/object_list.json"
    write_exports(scene, Wanted(), tmp_path)
    mine.write_text("[]")
    assert write_exports(scene, Wanted(), tmp_path).kept == (mine,)
    assert mine.read_text() == "[]"
    assert write_exports(scene, Wanted(), tmp_path, force=True).kept == ()
    assert json.loads(mine.read_text())["version"] == 1


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda d: d["objects"][0].update(node="gone"), "names the node 'gone'"),
        (lambda d: d.pop("intrinsics"), "cannot be used"),
        (lambda d: d.update(width=0), "must be positive"),
        (lambda d: d.update(objects=3), "cannot be used"),
        (lambda d: d["world_from_camera"][0].__setitem__(0, 9.0), "cannot be used"),
    ],
)
def test_files_that_do_not_belong_together_are_one_sentence(tmp_path, change, complaint):
    _, description = scene_files()
    change(description)
    write_folder(tmp_path)
    (tmp_path / "scene.json").write_text(json.dumps(description))
    with pytest.raises(BadInput, match=complaint):
        scene_from_folder(tmp_path)


def test_a_missing_or_damaged_file_is_named(tmp_path):
    with pytest.raises(BadInput, match=r"scene\.glb is missing"):
        scene_from_folder(tmp_path)
    write_folder(tmp_path)
    (tmp_path / "scene.glb").write_bytes(b"glTF no more")
    with pytest.raises(BadInput, match=r"scene\.glb is cut short"):
        scene_from_folder(tmp_path)
