"""Whatever comes as a mesh or a label, the scene and its exports are valid and the report says why."""

import json
import os
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest
import trimesh

from cast_nodes.backends import choose
from cast_nodes.compose import compose
from cast_nodes.context import Context
from cast_nodes.export import Wanted, scene_in_memory, write_exports
from cast_nodes.gltf import join_glb, split_glb
from cast_nodes.gltf_check import faults
from cast_nodes.mesh_data import Material, MeshData, make_glb, read_glb
from cast_nodes.types import Mesh, MeshEntry, Objects


def composed(inputs, **options):
    return compose(inputs, choose("compose", **options), Context())


def with_mesh(inputs, glb, object_id=1):
    """The inputs with another mesh for one object."""
    entries = tuple(
        MeshEntry(object_id, (Mesh(glb, "given"),)) if e.id == object_id else e
        for e in inputs.meshes.entries
    )
    return replace(inputs, meshes=replace(inputs.meshes, entries=entries))


def relabelled(inputs, *labels):
    found = tuple(
        replace(o, label=label) for o, label in zip(inputs.objects.objects, labels, strict=True)
    )
    return replace(inputs, objects=Objects(inputs.objects.photo, found, "test"))


def patched(glb, change):
    """A GLB after ``change`` of its document; or of its binary where that returns bytes."""
    document, binary = split_glb(glb)
    made = change(document, bytearray(binary))
    return join_glb(document, bytes(made if made is not None else binary))


def plain(shape) -> bytes:
    faces = np.asarray(shape.faces, np.int64)
    none = np.zeros(len(faces), np.int64)
    return make_glb(
        MeshData(np.asarray(shape.vertices, float), faces, none, (Material(),)), "given"
    )


def khronos_errors(path) -> list[str]:
    """What the Khronos validator finds, where it is there; [] otherwise."""
    modules, node = os.environ.get("GLTF_VALIDATOR"), shutil.which("node")
    if not (modules and node):
        return []
    script = (
        "const v=require(process.argv[1]),f=require('fs');"
        "v.validateBytes(new Uint8Array(f.readFileSync(process.argv[2]))).then(r=>console.log("
        "JSON.stringify(r.issues.messages.filter(m=>m.severity===0).map(m=>m.message))))"
    )
    out = subprocess.run(
        [node, "-e", script, modules, str(path)], capture_output=True, text=True, timeout=60
    )
    assert out.returncode == 0, out.stderr
    return json.loads(out.stdout)


def nan_vertices():
    def change(document, binary):
        accessor = document["accessors"][
            document["meshes"][0]["primitives"][0]["attributes"]["POSITION"]
        ]
        start = document["bufferViews"][accessor["bufferView"]].get("byteOffset", 0)
        binary[start : start + 12] = np.full(3, np.nan, np.float32).tobytes()
        return binary

    return patched(plain(trimesh.creation.icosphere(2, 0.15)), change)


def zero_area():
    def change(document, binary):
        primitive = document["meshes"][0]["primitives"][0]
        accessor = document["accessors"][primitive["attributes"]["POSITION"]]
        start = document["bufferViews"][accessor["bufferView"]].get("byteOffset", 0)
        flat = np.zeros((accessor["count"], 3), np.float32)
        binary[start : start + flat.nbytes] = flat.tobytes()
        accessor |= {"min": [0, 0, 0], "max": [0, 0, 0]}
        return binary

    return patched(plain(trimesh.creation.box((0.3, 0.3, 0.3))), change)


def no_faces():
    def change(document, binary):
        document["meshes"][0]["primitives"][0]["mode"] = 0  # points

    return patched(plain(trimesh.creation.box((0.3, 0.3, 0.3))), change)


def missing_texture():
    def change(document, binary):
        document["images"] = [{"uri": "not_there.png"}]
        document["textures"] = [{"source": 0}]
        document["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"] = {"index": 0}

    return patched(plain(trimesh.creation.box((0.3, 0.3, 0.3))), change)


def spoilt_texture():
    def change(document, binary):
        start = len(binary)
        binary += b"no picture at all!!!"
        document["bufferViews"].append({"buffer": 0, "byteOffset": start, "byteLength": 20})
        at = len(document["bufferViews"]) - 1
        document["images"] = [{"bufferView": at, "mimeType": "image/png"}]
        document["textures"] = [{"source": 0}]
        document["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"] = {"index": 0}
        document["buffers"][0]["byteLength"] = len(binary)
        return binary

    return patched(plain(trimesh.creation.box((0.3, 0.3, 0.3))), change)


def self_intersecting():
    one = trimesh.creation.box((0.3, 0.1, 0.1))
    other = trimesh.creation.box((0.1, 0.3, 0.1)).apply_translation((0.05, 0.0, 0.02))
    turned_in = trimesh.creation.icosphere(1, 0.1)
    turned_in.invert()
    return plain(trimesh.util.concatenate([one, other, turned_in]))


def many_faces():
    return plain(trimesh.creation.icosphere(5, 0.15))


PLACED = [nan_vertices, missing_texture, spoilt_texture, self_intersecting, many_faces]
TOLD = [nan_vertices, missing_texture, spoilt_texture, zero_area, no_faces]
KINDS = [*PLACED, zero_area, no_faces]


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)
def test_the_scene_and_every_export_of_it_are_valid(room, tmp_path, kind):
    scene = composed(with_mesh(room.inputs, kind()), background="planes")
    wanted = Wanted(objects=True, collision="hull")
    made = write_exports(scene_in_memory(scene), wanted, tmp_path)
    (tmp_path / "scene.glb").write_bytes(scene.glb)
    for path in tmp_path.rglob("*.glb"):
        assert faults(path.read_bytes()) == [], path.name
        assert khronos_errors(path) == [], path.name
    listed = json.loads((tmp_path / "export/object_list.json").read_text(encoding="utf-8"))
    there = {entry["id"] for entry in listed["objects"]}
    away = {entry["id"]: entry["reason"] for entry in listed["not_in_scene"]}
    assert there | set(away) == {0, 1, 2}
    assert (1 in there) == (kind in PLACED)
    assert 1 in there or away[1]
    assert not made.kept


@pytest.mark.parametrize("kind", TOLD, ids=lambda k: k.__name__)
def test_what_was_wrong_is_said(room, kind):
    scene = composed(with_mesh(room.inputs, kind()), background="none")
    entry = next(o for o in scene.description["objects"] if o["id"] == 1)
    words = [*scene.notes, entry.get("failure") or ""]
    assert any("crate_1" in w or "no faces" in w or "not self-contained" in w for w in words), words


@pytest.mark.parametrize("kind", PLACED, ids=lambda k: k.__name__)
def test_usd_keeps_usdcheckers_rules(room, tmp_path, kind):
    pytest.importorskip("pxr")
    from pxr import Usd, UsdValidation

    scene = composed(with_mesh(room.inputs, kind()), background="none")
    write_exports(scene_in_memory(scene), Wanted(usd=True, collision="hull"), tmp_path)
    rules = UsdValidation.ValidationRegistry().GetOrLoadAllValidators()
    stage = Usd.Stage.Open(str(tmp_path / "scene.usdc"))
    broken = UsdValidation.ValidationContext(rules).Validate(stage)
    assert [e.GetErrorAsString() for e in broken] == []


def test_two_objects_with_one_name_and_labels_of_any_script(room, tmp_path):
    labels = ("椅子", "椅子", "Büro/Stühle: «rot» ☂")
    scene = composed(relabelled(room.inputs, *labels), background="none")
    nodes = [o["node"] for o in scene.description["objects"]]
    assert len(set(nodes)) == 3 and nodes[0].startswith("椅子")
    assert [o["label"] for o in scene.description["objects"]] == list(labels)
    write_exports(scene_in_memory(scene), Wanted(objects=True, collision="hull"), tmp_path)
    posed = sorted(p.name for p in (tmp_path / "export/posed").glob("*.glb"))
    assert len(posed) == 3
    assert faults(scene.glb) == []


def test_a_scene_without_a_floor_is_valid_and_says_so(room, tmp_path):
    bare = replace(room.inputs.geometry, floor=None, up=None, walls=np.zeros((0, 4)))
    scene = composed(replace(room.inputs, geometry=bare))
    assert faults(scene.glb) == []
    write_exports(scene_in_memory(scene), Wanted(objects=True), tmp_path)
    assert scene.notes


def test_a_huge_mesh_is_reduced_and_told(room):
    scene = composed(with_mesh(room.inputs, many_faces()), background="none", max_megabytes=0.25)
    assert len(scene.glb) < 0.27e6
    assert any("crate_1" in note and "triangles reduced" in note for note in scene.notes)
    assert read_glb(scene.glb).faces.shape[0] > 1000
