"""Objects, views and scenes out to core's nodes in the real server, and back."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from cast_nodes.gltf import split_glb
from cast_nodes.mesh_data import read_glb

from .bridge_rig import (
    COLOURS,
    PROBE,
    Graph,
    Probe,
    colour_of_view,
    finished,
    saved_folder,
    things,
    with_objects,
)
from .conftest import comfyui_dir, comfyui_python
from .server import Server


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory, artefacts) -> Iterator[Server]:
    """A server with the probe, under ComfyUI's default cache."""
    yield from serving(tmp_path_factory, artefacts, "bridges", ())


def serving(tmp_path_factory, artefacts, name: str, arguments) -> Iterator[Server]:
    folder, base = comfyui_dir(), tmp_path_factory.mktemp(name)
    log = artefacts / f"{name}.log"
    log.unlink(missing_ok=True)
    settings = {"CAST_CACHE": str(base / "cache")}
    server = Server(folder, comfyui_python(folder), base, log, settings, arguments)
    server.furnish()
    (base / "custom_nodes" / "cast_probe.py").write_text(PROBE)
    server.start()
    yield server
    server.stop()


def sampled(graph: Graph, **options) -> Graph:
    """Objects out, through nodes that do to pictures what samplers do, to other sizes."""
    graph.add("out", "CASTObjectsToImages", objects="objects", every_object=True, **options)
    graph.add("probe", "TestProbe", image="out", prompt=("out", 3), seed=0)
    graph.add("kontext", "FluxKontextImageScale", image="probe")  # sizes of the model's own
    graph.add("blur", "ImageBlur", image="kontext", blur_radius=1, sigma=0.5)
    graph.add(
        "scale", "ImageScale", image="blur", upscale_method="bilinear", width=520, height=504,
        crop="disabled",
    )  # fmt: skip
    return graph


def succeeded(graph: Graph):
    run = graph.run()
    assert run.status == "success", run.error + graph.server.log_end()
    return run


@pytest.mark.parametrize("count", [0, 1, 7])
@pytest.mark.parametrize("mode", ["plain", "application_querying"])
def test_objects_go_through_a_graph_and_come_back_to_their_places(
    rig: Server, count: int, mode: str
):
    probe = Probe(rig)
    probe.new()
    graph = sampled(with_objects(rig, count), mode=mode, side=256)
    graph.add("views", "CASTGatherViews", order=("out", 4), images="scale")
    run = succeeded(finished(graph))
    assert run.report("views")["failures"] == []
    report = run.report("views")
    assert sorted(report["made"] + report["reused"]) == [f"thing{i} {i}" for i in range(count)]
    ran = probe.new()
    assert len(ran) == count  # without objects the graph is not run at all
    assert all(f"thing{i}" in r["prompt"] for i, r in enumerate(ran))
    folder = saved_folder(rig, run)
    for i in range(count):
        assert np.abs(colour_of_view(folder, i) - COLOURS[i]).max() < 12
    described = json.loads((folder / "scene.json").read_text())
    placed = [o for o in described["objects"] if o.get("camera_from_object")]
    assert [o["label"] for o in placed] == [f"thing{i}" for i in range(count)]


def test_without_objects_the_list_still_runs_through_other_nodes(rig: Server):
    """The placeholder: a preview beside the graph shows it, and the gathering node drops it."""
    graph = sampled(with_objects(rig, 0)).look("scale")
    graph.add("views", "CASTGatherViews", order=("out", 4), images="scale")
    run = succeeded(finished(graph))
    assert len(run.outputs["look_scale_0"]["images"]) == 1
    assert run.report("views")["made"] == []


def test_answers_survive_lists_that_become_batches(rig: Server):
    graph = sampled(with_objects(rig, 7), side=256)
    graph.add("rebatch", "RebatchImages", images="scale", batch_size=3)
    graph.add("views", "CASTGatherViews", order=("out", 4), images="rebatch").look("views", 1)
    run = succeeded(finished(graph))
    folder = saved_folder(rig, run)
    for i in range(7):
        assert np.abs(colour_of_view(folder, i) - COLOURS[i]).max() < 12


def test_masks_of_the_graph_cut_the_answers_out(rig: Server):
    graph = with_objects(rig, 2)
    graph.add("out", "CASTObjectsToImages", objects="objects", every_object=True, side=256)
    graph.add(
        "mask", "MaskComposite", destination=("out", 1), source=("out", 2), x=0, y=0,
        operation="add",
    )  # fmt: skip
    graph.add("views", "CASTGatherViews", order=("out", 4), images="out", masks="mask")
    run = succeeded(finished(graph))
    for i in range(2):
        assert np.abs(colour_of_view(saved_folder(rig, run), i) - COLOURS[i]).max() < 12


def test_what_is_to_be_painted_is_what_stands_before_the_object(rig: Server):
    graph = with_objects(rig, 2)
    graph.add("out", "CASTObjectsToImages", objects="objects", every_object=True, side=256)
    graph.add("paint", "MaskToImage", mask=("out", 2)).look("paint")
    run = succeeded(graph)
    assert len(run.outputs["look_paint_0"]["images"]) == 2


def test_a_dropped_item_is_an_error_that_names_the_object(rig: Server):
    graph = sampled(with_objects(rig, 7), side=256)
    graph.add("all", "RebatchImages", images="scale", batch_size=7)
    graph.add("first", "ImageFromBatch", image="all", batch_index=0, length=3)
    graph.add("last", "ImageFromBatch", image="all", batch_index=4, length=3)
    graph.add("rest", "ImageBatch", image1="first", image2="last")
    graph.add("views", "CASTGatherViews", order=("out", 4), images="rest").look("views", 1)
    run = graph.run()
    assert run.status == "error"
    assert run.error.startswith("images: 7 objects were handed out and 6 came back")
    assert "thing3 3 is missing" in run.error


def test_more_answers_than_objects_are_an_error(rig: Server):
    graph = sampled(with_objects(rig, 1), side=256)
    graph.add("twice", "RepeatImageBatch", image="scale", amount=2)
    graph.add("views", "CASTGatherViews", order=("out", 4), images="twice").look("views", 1)
    assert "2 came back for 1 objects (thing0 0)" in graph.run().error


def test_another_thing_than_the_photo_shows_is_that_objects_failure(rig: Server):
    graph = with_objects(rig, 1)
    graph.add("out", "CASTObjectsToImages", objects="objects", every_object=True, side=256)
    graph.add("other", "ImageInvert", image="out")
    graph.add("views", "CASTGatherViews", order=("out", 4), images="other").look("views", 1)
    failures = succeeded(graph).report("views")["failures"]
    assert len(failures) == 1 and "drew something else" in failures[0]
    graph.nodes["views"]["inputs"]["fallback"] = "matte"
    report = succeeded(graph).report("views")
    assert report["failures"] == [] and "is used instead" in report["warnings"][0]


def test_the_empty_room_goes_out_and_comes_back_as_background(rig: Server):
    graph = with_objects(rig, 2)
    graph.add("room", "CASTRoomToImage", objects="objects")
    graph.add("empty", "EmptyImage", width=340, height=240, batch_size=1, color=0xCDC8BE)
    graph.add(
        "painted", "ImageCompositeMasked", destination="room", source="empty", x=0, y=0,
        resize_source=True, mask=("room", 1),
    )  # fmt: skip
    graph.add("views", "CASTInpaint", objects="objects")
    graph.add("gathered", "CASTGatherRoom", objects="objects", views="views", image="painted")
    run = succeeded(finished(graph, views=("gathered", 0)))
    assert run.report("gathered")["warnings"] == []
    plate = np.asarray(Image.open(saved_folder(rig, run) / "background.png").convert("RGB"))
    assert np.abs(plate[160:200, 14:32].mean((0, 1)) - (205, 200, 190)).max() < 40


def test_an_empty_room_that_shows_the_objects_is_left_aside(rig: Server):
    graph = with_objects(rig, 1)
    graph.add("room", "CASTRoomToImage", objects="objects")
    graph.add("views", "CASTInpaint", objects="objects")
    graph.add("gathered", "CASTGatherRoom", objects="objects", views="views", image="room")
    report = succeeded(graph.look("gathered", 1)).report("gathered")
    assert "still shows the objects" in report["warnings"][0]


@pytest.mark.parametrize("count", [0, 1, 7])
def test_views_go_out_as_squares_of_one_size(rig: Server, count: int):
    graph = with_objects(rig, count)
    graph.add("views", "CASTInpaint", objects="objects")
    graph.add("out", "CASTViewsToImages", objects="objects", views="views", side=192).look("out")
    run = succeeded(graph)
    shown = run.outputs["look_out_0"]["images"]
    assert len(shown) == max(count, 1)
    if count:
        pictures = [picture(rig, s) for s in shown]
        assert {p.shape for p in pictures} == {(192, 192, 3)}
        for i, pixels in enumerate(pictures):
            assert np.abs(pixels[96, 96].astype(float) - COLOURS[i]).max() < 25
            assert (pixels[2] == 255).all()


def meshed(server: Server, count: int, **out) -> Graph:
    """Views out, a mesh for each by core's nodes, and back."""
    graph = with_objects(server, count)
    graph.add("views", "CASTInpaint", objects="objects")
    graph.add(
        "out", "CASTViewsToImages", objects="objects", views="views", side=128, padding=0.1, **out
    )  # fmt: skip
    graph.add("probe", "TestProbe", image="out", prompt="", seed=0)
    graph.add("voxel", "TestExtruded", image="probe", mask=("out", 1))
    graph.add("basic", "VoxelToMesh", voxel="voxel", algorithm="surface net", threshold=0.5)
    graph.add("mesh_file", "MeshToFile3D", mesh="basic")
    return graph


@pytest.mark.parametrize("kind", ["MESH", "FILE_3D"])
@pytest.mark.parametrize("count", [0, 1, 7])
def test_views_become_meshes_in_a_graph_and_reach_their_objects(rig: Server, count: int, kind: str):
    graph = meshed(rig, count)
    if kind == "MESH":
        graph.add("back", "CASTMeshesFromMesh", mesh="basic", order=("out", 2))
    else:
        graph.add("back", "CASTMeshesFromFile3D", file="mesh_file", order=("out", 2))
    probe = Probe(rig)
    probe.new()
    run = succeeded(finished(graph, meshes=("back", 0)))
    assert run.report("back")["failures"] == []
    assert count == 0 or len(probe.new()) in (0, count)  # 0: ComfyUI has them from the test before
    folder = saved_folder(rig, run)
    for i, (x0, y0, x1, y1) in enumerate(things(count)):
        size = np.ptp(read_glb((folder / "objects" / str(i) / "mesh.glb").read_bytes()).vertices, 0)
        assert size[1] / size[0] == pytest.approx((y1 - y0) / (x1 - x0), rel=0.2)
    described = json.loads((folder / "scene.json").read_text())
    assert [o["label"] for o in described["objects"]] == [f"thing{i}" for i in range(count)]


def test_one_mesh_again_sends_one_view(rig: Server):
    probe = Probe(rig)
    for retry, sent in (("", 3), ("2", 1), ("2", 0)):
        probe.new()
        graph = meshed(rig, 3, only_new=True, answers="again", retry=retry)
        graph.add("back", "CASTMeshesFromMesh", mesh="basic", order=("out", 2)).look("views", 1)
        graph.add("show", "CASTPreview", anything="back")
        assert succeeded(graph).report("back")["failures"] == []
        assert len(probe.new()) == sent


def picture(server: Server, shown: dict) -> np.ndarray:
    query = f"filename={shown['filename']}&subfolder={shown['subfolder']}&type={shown['type']}"
    return np.asarray(Image.open(io.BytesIO(server.get_bytes(f"/view?{query}"))).convert("RGB"))


@pytest.fixture(scope="module")
def scene(rig: Server) -> Graph:
    """A whole scene of two objects."""
    graph = with_objects(rig, 2)
    graph.add("views", "CASTInpaint", objects="objects")
    return finished(graph)


@pytest.mark.parametrize("frame", ["world", "object", "camera"])
def test_a_scenes_objects_reach_cores_mesh_nodes_one_by_one(rig: Server, scene: Graph, frame: str):
    graph = Graph(rig)
    graph.nodes |= scene.nodes
    graph.add("split", "CASTSceneToMeshes", scene="compose", frame=frame)
    graph.add("turned", "RotateMesh", mesh="split")
    graph.add("file", "MeshToFile3D", mesh="turned")
    graph.add("save_mesh", "SaveGLB", mesh="file", filename_prefix=f"mesh_{frame}")
    graph.add("save_glb", "SaveGLB", mesh=("split", 1), filename_prefix=f"glb_{frame}")
    run = succeeded(graph)
    for name in ("save_mesh", "save_glb"):
        files = run.outputs[name]["3d"]
        assert len(files) == 2
        for shown in files:
            data = (rig.base / "output" / shown["subfolder"] / shown["filename"]).read_bytes()
            assert split_glb(data)[0]["meshes"]


def test_a_scenes_maps_and_room_reach_cores_nodes(rig: Server, scene: Graph):
    graph = Graph(rig)
    graph.nodes |= scene.nodes
    graph.add("maps", "CASTSceneMaps", scene="compose")
    graph.add("save_depth", "SaveImage", images="maps", filename_prefix="scene_depth")
    graph.add("save_ids", "SaveImage", images=("maps", 3), filename_prefix="scene_ids")
    graph.look("maps", 1)
    graph.add("mask", "MaskToImage", mask=("maps", 2)).look("mask")
    graph.add("each", "MaskToImage", mask=("maps", 4)).look("each")
    graph.add("room", "CASTSceneRoom", scene="compose")
    graph.add("show", "Preview3D", model_file=["room", 0], camera_info=("compose", 3))
    graph.add("floor", "SaveGLB", mesh=("room", 1), filename_prefix="floor")
    graph.look("room", 3)
    run = succeeded(graph)
    assert len(run.outputs["look_each_0"]["images"]) == 2
    depth = picture(rig, run.outputs["save_depth"]["images"][0])
    ids = picture(rig, run.outputs["save_ids"]["images"][0])
    assert depth.shape == ids.shape == (240, 340, 3) and np.ptp(depth) > 200
    assert len(np.unique(ids.reshape(-1, 3), axis=0)) == 3
    assert run.outputs["floor"]["3d"] and run.outputs["show"]


def test_a_scene_without_objects_has_maps_and_a_room_but_no_meshes(rig: Server):
    graph = with_objects(rig, 0)
    graph.add("views", "CASTInpaint", objects="objects")
    finished(graph)
    graph.add("maps", "CASTSceneMaps", scene="compose")
    graph.add("each", "MaskToImage", mask=("maps", 4)).look("each")
    graph.add("split", "CASTSceneToMeshes", scene="compose")
    graph.add("save_glb", "SaveGLB", mesh=("split", 1), filename_prefix="none")
    run = succeeded(graph)
    assert picture(rig, run.outputs["look_each_0"]["images"][0]).max() == 0
    assert "save_glb" not in run.outputs


def test_one_object_is_picked_with_all_that_is_known_of_it(rig: Server, scene: Graph):
    graph = Graph(rig)
    graph.nodes |= scene.nodes
    graph.add(
        "pick", "CASTPickObject", objects="objects", views="views", meshes="mesh",
        placements="register", object="thing1",
    )  # fmt: skip
    graph.look("pick", 3).look("pick", 6)
    graph.add("save_mesh", "SaveGLB", mesh=("pick", 9), filename_prefix="picked")
    graph.add("file", "MeshToFile3D", mesh=("pick", 8))
    graph.add("save_file", "SaveGLB", mesh="file", filename_prefix="picked_file")
    graph.add("pose", "PreviewAny", source=("pick", 10))
    run = succeeded(graph)
    crop = picture(rig, run.outputs["look_pick_3"]["images"][0])
    middle = crop[crop.shape[0] // 2, crop.shape[1] // 2].astype(float)
    assert np.abs(middle - COLOURS[1]).max() < 15
    pose = json.loads(run.outputs["pose"]["text"][0])
    assert np.asarray(pose).shape == (4, 4)
    assert run.outputs["save_mesh"]["3d"] and run.outputs["save_file"]["3d"]


def test_what_was_not_connected_cannot_be_picked(rig: Server):
    graph = with_objects(rig, 1)
    graph.add("pick", "CASTPickObject", objects="objects").look("pick", 3).look("pick", 6)
    run = graph.run()
    assert "look_pick_3" in run.outputs and "look_pick_6" not in run.outputs


@pytest.mark.parametrize(
    ("name", "message"),
    [("9", "there is no '9'; there are 'thing0 0', 'thing1 1'"), ("thing", "there is no 'thing'")],
)
def test_an_object_that_is_not_there_is_an_error_that_lists_those_that_are(
    rig: Server, name: str, message: str
):
    graph = with_objects(rig, 2)
    graph.add("pick", "CASTPickObject", objects="objects", object=name).look("pick", 3)
    assert message in graph.run().error


# One object again.


def retrying(server: Server, **override) -> Graph:
    """A whole scene of three objects, one of which may be overridden; depth is of the others'."""
    graph = with_objects(server, 3)
    graph.add("changed", "CASTOverrideObject", objects="objects", **override)
    graph.add("depth", "CASTDepth", objects="objects")
    graph.add("views", "CASTInpaint", objects="changed")
    graph.add("mesh", "CASTMesh", objects="changed", views="views", backend="inflate")
    graph.add("register", "CASTRegister", objects="changed", geometry="depth", meshes="mesh")
    return graph.add(
        "compose", "CASTComposeScene", objects="changed", geometry="depth", views="views",
        meshes="mesh", placements="register",
    )  # fmt: skip


def graph_of_my_own(server: Server, retry: str = "", **out) -> Graph:
    """Objects through the probe and back; only those without an answer go out."""
    graph = with_objects(server, 3)
    graph.add(
        "out", "CASTObjectsToImages", objects="objects", every_object=True, side=192,
        only_new=True, retry=retry, **out,
    )  # fmt: skip
    graph.add("probe", "TestProbe", image="out", prompt=("out", 3), seed=0)
    graph.add("views", "CASTGatherViews", order=("out", 4), images="probe")
    return graph.look("views", 1)


CACHES = {"default": (), "lru": ("--cache-lru", "30"), "classic": ("--cache-classic",)}


@pytest.fixture(scope="module", params=CACHES)
def cached(request, tmp_path_factory, artefacts) -> Iterator[Server]:
    """One server under each of ComfyUI's caches."""
    yield from serving(tmp_path_factory, artefacts, f"cache_{request.param}", CACHES[request.param])


def test_one_object_again_makes_that_object_alone(cached: Server):
    """Shown by what ran: each stage tells what it made and what it took from the store."""
    first = succeeded(retrying(cached))
    stages = ("views", "mesh", "register")
    for stage in stages:
        assert len(first.report(stage)["made"]) == 3

    again = succeeded(retrying(cached, object="thing1", retry=1))
    for stage in stages:
        assert again.report(stage)["made"] == ["thing1 1"], stage
        assert sorted(again.report(stage)["reused"]) == ["thing0 0", "thing2 2"], stage

    mask = retrying(cached, object="thing2")
    mask.add("shape", "TestBoxMasks", image="photo", boxes="104 140 128 205")
    mask.nodes["changed"]["inputs"]["mask"] = ["shape", 0]
    narrower = succeeded(mask)
    for stage in ("views", "mesh"):
        assert narrower.report(stage)["made"] == ["thing2 2"], stage

    back = succeeded(retrying(cached))
    for stage in stages:
        assert stage in back.cached or back.report(stage)["made"] == [], stage


def test_a_graph_of_ones_own_runs_for_the_changed_object_alone(cached: Server):
    probe = Probe(cached)
    probe.new()
    succeeded(graph_of_my_own(cached))
    assert len(probe.new()) == 3
    run = succeeded(graph_of_my_own(cached, retry="1"))
    assert ["thing1" in r["prompt"] for r in probe.new()] == [True]
    assert run.report("views")["failures"] == []
    succeeded(graph_of_my_own(cached, retry="1"))
    assert probe.new() == []
    succeeded(graph_of_my_own(cached, answers="another"))
    assert len(probe.new()) == 3


def test_a_new_server_finds_the_answers_that_are_kept(rig: Server):
    probe = Probe(rig)
    succeeded(graph_of_my_own(rig))
    rig.stop()
    rig.start()
    probe.new()
    run = succeeded(graph_of_my_own(rig))
    assert probe.new() == []  # the graph is not even run
    assert run.report("views")["made"] == []


def test_another_view_and_mesh_of_one_object_leave_the_others_alone(rig: Server):
    succeeded(retrying(rig))
    graph = retrying(rig)
    graph.add("pick", "CASTPickObject", objects="objects", views="views", object="thing1")
    graph.add("darker", "ImageBlend", image1=("pick", 6), image2=("pick", 6), blend_factor=0.5,
              blend_mode="multiply")  # fmt: skip
    graph.add("larger", "ImageScaleBy", image="darker", upscale_method="bicubic", scale_by=2.0)
    graph.add(
        "view", "CASTOverrideView", objects="objects", views="views", image="larger", object="1"
    )
    graph.add("mesh", "CASTMesh", objects="objects", views="view", backend="inflate")
    report = succeeded(graph.look("pick", 6)).report("mesh")
    assert report["made"] == ["thing1 1"]
    graph.add("other", "CASTPickObject", objects="objects", meshes="mesh", object="thing2")
    for output in (8, 9):  # as MESH, as GLB
        graph.add("swapped", "CASTOverrideMesh", objects="objects", meshes="mesh",
                  mesh=("other", output), object="thing0")  # fmt: skip
        graph.nodes["register"]["inputs"]["meshes"] = ["swapped", 0]
        graph.nodes["compose"]["inputs"]["meshes"] = ["swapped", 0]
        run = succeeded(graph)
        assert "thing0 0" in run.report("register")["made"]
        assert run.report("register")["failures"] == []
    assert run.report("register")["made"] == ["thing0 0"]


def test_a_moved_and_locked_pose_is_kept_by_another_register(rig: Server):
    graph = retrying(rig)
    graph.add("moved", "CASTOverridePose", objects="objects", geometry="depth", meshes="mesh",
              placements="register", object="thing1", right=0.5, turn=90.0)  # fmt: skip
    graph.add("again", "CASTRegister", objects="objects", geometry="depth", meshes="mesh",
              given="moved")  # fmt: skip
    graph.nodes["compose"]["inputs"]["placements"] = ["again", 0]
    poses = {}
    for name in ("register", "moved", "again"):
        graph.add(f"pick_{name}", "CASTPickObject", objects="objects", placements=name, object="1")
        graph.add(f"pose_{name}", "PreviewAny", source=(f"pick_{name}", 10))
    run = succeeded(graph)
    for name in ("register", "moved", "again"):
        poses[name] = np.asarray(json.loads(run.outputs[f"pose_{name}"]["text"][0]))
    np.testing.assert_allclose(poses["again"], poses["moved"], atol=1e-9)
    assert np.abs(poses["moved"] - poses["register"]).max() > 0.1
