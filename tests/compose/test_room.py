"""ComposeScene: the GLB, scene.json and the picture of a room whose truth is known."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cast_nodes.backends import choose
from cast_nodes.cancel import CancelToken
from cast_nodes.compose import compose
from cast_nodes.compose.assemble import node_name
from cast_nodes.compose.shrink import within_budget
from cast_nodes.compose.turntable import render_folder, scene_meshes
from cast_nodes.context import Context
from cast_nodes.errors import BadInput, Cancelled
from cast_nodes.frames import CAMERA_FROM_GLTF_CAMERA, Sim3
from cast_nodes.gltf import node_matrix, open_glb, split_glb, view_bytes
from cast_nodes.gltf_check import faults
from cast_nodes.mesh_data import Material, MeshData, make_glb, read_glb
from cast_nodes.pictures import png_bytes
from cast_nodes.simplify import clustered
from cast_nodes.types import Mesh, MeshEntry, Placement, Views

from .conftest import with_placement


def nodes_of(glb: bytes) -> dict[str, dict]:
    document, _ = split_glb(glb)
    return {node["name"]: node for node in document["nodes"]}


def composed(inputs, context=None, **options):
    return compose(inputs, choose("compose", **options), context or Context())


def khronos_errors(glb: bytes, folder: Path) -> str:
    """What the Khronos validator finds; "" when the GLB is valid."""
    modules = os.environ.get("GLTF_VALIDATOR")
    node = shutil.which("node")
    if not (modules and node):
        pytest.skip("set GLTF_VALIDATOR to the folder of the npm package gltf-validator")
    path = folder / "scene.glb"
    path.write_bytes(glb)
    script = (
        "const v=require(process.argv[1]),f=require('fs');"
        "v.validateBytes(new Uint8Array(f.readFileSync(process.argv[2]))).then(r=>console.log("
        "JSON.stringify(r.issues.messages.filter(m=>m.severity===0))))"
    )
    out = subprocess.run(
        [node, "-e", script, modules, str(path)], capture_output=True, text=True, timeout=60
    )
    assert out.returncode == 0, out.stderr
    return "\n".join(m["message"] for m in json.loads(out.stdout))


def test_the_glb_has_no_faults(scene):
    assert faults(scene.glb) == []
    assert faults(scene.background_glb) == []


def test_the_khronos_validator_finds_no_error(scene, tmp_path):
    assert khronos_errors(scene.glb, tmp_path) == ""


def test_objects_are_named_nodes_at_their_true_place(scene, room):
    nodes = nodes_of(scene.glb)
    for name, number in (("coffee_table_0", 0), ("crate_1", 1), ("bin_2", 2)):
        node = nodes[name]
        np.testing.assert_allclose(node_matrix(node), room.where[number].matrix(), atol=2e-3)
        assert node["extras"]["id"] == number
        assert node["extras"]["fit"]["iou"] == 0.98
        assert set(node["extras"]) == {"id", "label", "score", "fit"}


def test_a_stretched_placement_stretches_its_mesh(room):
    pose = room.inputs.placements.get(1).camera_from_object
    inputs = with_placement(room.inputs, Placement(1, pose, stretch=(2.0, 0.5, 1.0)))
    scene = composed(inputs, settle=False)
    assert faults(scene.glb) == []
    placed = scene_meshes(scene.glb)[0][1].vertices
    matrix = np.array(scene.description["objects"][1]["camera_from_object"])
    own = read_glb(room.inputs.meshes.get(1).candidates[0].glb).vertices
    seen = scene.world_from_camera.apply(own @ matrix[:3, :3].T + matrix[:3, 3])
    np.testing.assert_allclose(np.sort(placed, 0), np.sort(seen, 0), atol=1e-5)
    sides = np.linalg.norm(matrix[:3, :3], axis=0)
    np.testing.assert_allclose(sides / sides[2], [2.0, 0.5, 1.0], rtol=1e-6)


def test_each_mesh_is_kept_byte_for_byte(scene, room):
    whole = open_glb(scene.glb)
    stored = {view_bytes(whole, i) for i in range(len(whole.document["bufferViews"]))}
    for entry in room.inputs.meshes.entries:
        part = open_glb(entry.candidates[0].glb)
        for i in range(len(part.document["bufferViews"])):
            assert view_bytes(part, i) in stored


def test_the_camera_is_the_photos(scene, room):
    document, _ = split_glb(scene.glb)
    camera = document["cameras"][0]["perspective"]
    k = room.inputs.geometry.intrinsics
    photo = room.inputs.objects.photo
    assert camera["yfov"] == pytest.approx(2 * np.arctan(photo.height / 2 / k[1, 1]))
    assert camera["aspectRatio"] == pytest.approx(photo.width / photo.height)
    pose = node_matrix(nodes_of(scene.glb)["photo_camera"])
    np.testing.assert_allclose(pose[:3, 3], room.pose.translation, atol=1e-9)
    np.testing.assert_allclose(
        pose[:3, :3] @ CAMERA_FROM_GLTF_CAMERA, room.pose.rotation, atol=1e-9
    )


def test_an_off_centre_principal_point_is_kept(room):
    k = np.array(room.inputs.geometry.intrinsics)
    k[0, 2] += 8
    k[1, 2] -= 4
    geometry = replace(room.inputs.geometry, intrinsics=k)
    document, _ = split_glb(composed(replace(room.inputs, geometry=geometry)).glb)
    extras = document["cameras"][0]["extras"]
    np.testing.assert_allclose(extras["intrinsics"], k)
    assert extras["shift_x"] == pytest.approx(-8 / 120)
    assert extras["shift_y"] == pytest.approx(-4 / 120)


def test_the_picture_is_the_photo(scene, room):
    photo = room.inputs.objects.photo.rgb.astype(float)
    assert scene.render.shape == photo.shape
    assert np.abs(scene.render - photo).mean() < 2.0


def test_the_description_is_json_and_says_what_the_design_says(scene, room):
    description = json.loads(json.dumps(scene.description))
    assert {"world_from_camera", "intrinsics", "width", "height", "metric", "floor", "objects",
            "relations", "physics"} <= set(description)  # fmt: skip
    assert [o["node"] for o in description["objects"]] == ["coffee_table_0", "crate_1", "bin_2"]
    assert [o["supported_by"] for o in description["objects"]] == ["floor", 0, "floor"]
    world = Sim3.from_matrix(np.array(description["world_from_camera"]))
    for entry in description["objects"]:
        pose = world @ Sim3.from_matrix(np.array(entry["camera_from_object"]))
        np.testing.assert_allclose(
            pose.matrix(), node_matrix(nodes_of(scene.glb)[entry["node"]]), atol=1e-9
        )
    assert description["physics"]["gaps"] == description["physics"]["penetrations"] == []


@pytest.mark.parametrize("background", ["planes", "relief", "floor", "none"])
def test_every_background_gives_a_sound_file(room, background):
    scene = composed(room.inputs, background=background)
    assert faults(scene.glb) == []
    names = [n for n in nodes_of(scene.glb) if n.startswith("room/")]
    assert bool(names) == (background != "none")
    assert bool(scene.background_glb) == (background != "none")


def test_without_walls_a_backdrop_closes_the_room(room):
    bare = replace(room.inputs.geometry, walls=np.zeros((0, 4)))
    scene = composed(replace(room.inputs, geometry=bare))
    assert {"room/floor", "room/backdrop"} <= set(nodes_of(scene.glb))
    photo = room.inputs.objects.photo.rgb.astype(float)
    assert np.abs(scene.render - photo).mean() < 3.0


def test_without_floor_and_gravity_there_is_a_scene_and_a_note(room):
    bare = replace(room.inputs.geometry, floor=None, up=None, walls=np.zeros((0, 4)))
    scene = composed(replace(room.inputs, geometry=bare))
    assert faults(scene.glb) == []
    assert scene.description["floor"] is None
    assert any("floor" in note for note in scene.notes)
    assert any("gravity" in note for note in scene.notes)


def test_a_wall_through_an_object_moves_behind_it(room):
    planes = np.array(room.inputs.geometry.walls)
    planes[0, 3] -= 1.7  # the back wall now cuts the table
    scene = composed(replace(room.inputs, geometry=replace(room.inputs.geometry, walls=planes)))
    objects, pieces, _ = scene_meshes(scene.glb)
    back = min(piece.bounds[1, 2] for piece in pieces if np.ptp(piece.bounds[:, 2]) < 1e-6)
    assert back <= min(thing.bounds[0, 2] for thing in objects)


def test_failed_objects_are_described_and_left_out(room):
    meshes = replace(
        room.inputs.meshes,
        entries=(
            MeshEntry(0, failure="the service refused"),
            MeshEntry(1, (Mesh(b"no glb", "broken"),)),
            room.inputs.meshes.entries[2],
        ),
    )
    scene = composed(replace(room.inputs, meshes=meshes))
    table, crate, bin_ = scene.description["objects"]
    assert table["node"] is None and table["failure"] == "the service refused"
    assert crate["node"] is None and "GLB" in crate["failure"]
    assert bin_["node"] == "bin_2"
    assert {"coffee_table_0", "crate_1"}.isdisjoint(nodes_of(scene.glb))


def test_objects_without_a_pose_say_so(room):
    lost = Placement(2, None, failure="too few points")
    kept = room.inputs.placements.placements[:1]
    placements = replace(room.inputs.placements, placements=(*kept, lost))
    scene = composed(replace(room.inputs, placements=placements))
    reasons = [o.get("failure") for o in scene.description["objects"]]
    assert reasons == [None, "it has no pose", "too few points"]


def test_no_object_at_all_is_a_room_with_a_camera(room):
    none = replace(room.inputs.objects, objects=())
    scene = composed(replace(room.inputs, objects=none))
    assert scene.description["objects"] == []
    assert faults(scene.glb) == []
    assert "photo_camera" in nodes_of(scene.glb)


def test_without_a_clean_plate_the_photo_is_taken_and_told(room):
    scene = composed(replace(room.inputs, views=Views(())))
    assert any("clean plate" in note for note in scene.notes)


def test_a_mesh_with_faults_is_written_anew(room):
    document, binary = split_glb(room.inputs.meshes.entries[2].candidates[0].glb)
    document["accessors"][0]["max"] = [99, 99, 99]
    from cast_nodes.gltf import join_glb

    bad = MeshEntry(2, (Mesh(join_glb(document, binary), "bin"),))
    entries = (*room.inputs.meshes.entries[:2], bad)
    scene = composed(replace(room.inputs, meshes=replace(room.inputs.meshes, entries=entries)))
    assert faults(scene.glb) == []
    assert any("bin_2" in note and "anew" in note for note in scene.notes)


def test_two_objects_with_one_mesh_store_it_once(room):
    shared = room.inputs.meshes.entries[0].candidates
    entries = (*room.inputs.meshes.entries[:2], MeshEntry(2, shared))
    scene = composed(replace(room.inputs, meshes=replace(room.inputs.meshes, entries=entries)))
    document, _ = split_glb(scene.glb)
    names = [image for image in document["images"]]
    textured = [m for m in document["materials"] if m.get("name") == "table"]
    assert len(textured) == 1
    assert len(names) == len({json.dumps(n, sort_keys=True) for n in names})


@pytest.mark.parametrize(
    ("label", "number", "name"),
    [
        ("chair", 0, "chair_0"),
        ("Coffee Table", 3, "coffee_table_3"),
        ("stół / ława", 1, "stół_ława_1"),
        ("椅子", 2, "椅子_2"),
        ("../../etc\x00", 4, "etc_4"),
        ("", 5, "object_5"),
    ],
)
def test_node_names(label, number, name):
    assert node_name(label, number) == name


def test_cancel_stops_it(room):
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        composed(room.inputs, Context(cancel=cancel))


def heavy_glb(side: int, cells: int) -> bytes:
    rng = np.random.default_rng(0)
    x, z = np.meshgrid(np.linspace(0, 1, cells), np.linspace(0, 1, cells))
    vertices = np.stack([x.ravel(), 0.02 * np.sin(9 * x * z).ravel(), z.ravel()], 1)
    index = np.arange(cells * cells).reshape(cells, cells)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    faces = np.concatenate([np.stack([a, d, c], -1), np.stack([a, c, b], -1)]).reshape(-1, 3)
    pixels = rng.integers(0, 255, (side, side, 3)).astype(np.uint8)
    data = MeshData(
        vertices, faces, np.zeros(len(faces), int), (Material.textured(pixels),),
        np.stack([x.ravel(), z.ravel()], 1),
    )  # fmt: skip
    return make_glb(data)


def test_large_meshes_shrink_and_small_ones_stay():
    large, small = heavy_glb(700, 150), heavy_glb(16, 5)
    assert len(large) > 1_000_000
    kept, told = within_budget({0: large, 1: small}, 400_000)
    assert kept[1] == small and set(told) == {0}
    assert len(kept[0]) + len(kept[1]) <= 400_000
    assert faults(kept[0]) == []
    np.testing.assert_allclose(read_glb(kept[0]).bounds, read_glb(large).bounds, atol=0.02)


def test_thinning_keeps_the_shape_and_the_texture_coordinates():
    data = read_glb(heavy_glb(16, 80))
    thin = clustered(data, 20)
    assert len(thin.faces) < len(data.faces) / 5
    assert thin.uv is not None
    np.testing.assert_allclose(thin.uv, thin.vertices[:, [0, 2]], atol=1e-5)


def test_a_run_folder_is_rendered_from_its_files(scene, room, tmp_path):
    (tmp_path / "scene.glb").write_bytes(scene.glb)
    (tmp_path / "scene.json").write_text(json.dumps(scene.description))
    (tmp_path / "image.png").write_bytes(png_bytes(room.inputs.objects.photo.rgb))
    made = render_folder(tmp_path, frames=2)
    maps = ["render_depth.npy", "render_depth.png", "render_ids.png"]
    assert [p.name for p in made] == ["render.png", "beside.png", *maps, "turntable.webp"]
    from PIL import Image

    picture = np.asarray(Image.open(tmp_path / "render.png")).astype(float)
    assert np.abs(picture - scene.render).mean() < 2.0
    assert Image.open(tmp_path / "turntable.webp").n_frames == 2


def test_depth_and_ids_are_those_of_the_photo(scene, room, tmp_path):
    from PIL import Image

    (tmp_path / "scene.glb").write_bytes(scene.glb)
    (tmp_path / "scene.json").write_text(json.dumps(scene.description))
    (tmp_path / "image.png").write_bytes(png_bytes(room.inputs.objects.photo.rgb))
    render_folder(tmp_path, frames=1)
    depth = np.load(tmp_path / "render_depth.npy")
    off = np.abs(depth / room.inputs.geometry.depth - 1)
    assert np.mean(off > 0.01) < 0.01  # but for outlines
    coarse = Image.open(tmp_path / "render_depth.png")
    assert coarse.mode.startswith("I;16")
    np.testing.assert_allclose(np.asarray(coarse) / 1000, depth, atol=6e-4)
    ids = np.asarray(Image.open(tmp_path / "render_ids.png")).astype(int) - 1
    for item in room.inputs.objects.objects:
        seen = ids == item.id
        assert (seen & item.mask).sum() / (seen | item.mask).sum() > 0.97


@pytest.mark.parametrize("name", ["scene.glb", "scene.json", "image.png"])
def test_a_run_folder_with_a_file_missing_is_named(scene, room, tmp_path, name):
    (tmp_path / "scene.glb").write_bytes(scene.glb)
    (tmp_path / "scene.json").write_text(json.dumps(scene.description))
    (tmp_path / "image.png").write_bytes(png_bytes(room.inputs.objects.photo.rgb))
    (tmp_path / name).unlink()
    with pytest.raises(BadInput, match=name):
        render_folder(tmp_path)
