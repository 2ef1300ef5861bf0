"""What core's and other packs' nodes give becomes stages of ours, in the real server."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from cast_nodes.frames import pixel_centres, project
from cast_nodes.gltf_check import faults
from cast_nodes.mesh_data import linear_from_srgb, read_glb

from .bridge_rig import Graph, draw_things, saved_folder, things
from .bridge_sources import CAMERA_HEIGHT_M, FOCAL_PX, PITCH_DEG, SIZE, SKY_PX, SOURCES, Kept
from .conftest import comfyui_dir, comfyui_python
from .server import Server

H, W = SIZE
COUNTS = (0, 1, 7)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory, artefacts) -> Iterator[Server]:
    """A server with the sources, and a model file in its input folder."""
    folder, base = comfyui_dir(), tmp_path_factory.mktemp("bridges_in")
    log = artefacts / "bridges_in.log"
    log.unlink(missing_ok=True)
    settings = {"CAST_CACHE": str(base / "cache")}
    server = Server(folder, comfyui_python(folder), base, log, settings)
    server.furnish()
    (base / "custom_nodes" / "cast_sources.py").write_text(SOURCES)
    for count in (1, 7):
        draw_things(base / "input" / f"things{count}.png", count)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def kept(rig: Server) -> Kept:
    return Kept(rig.base)


def boxes_text(count: int) -> str:
    return "\n".join(" ".join(map(str, b)) for b in things(count))


def graph_with_photo(server: Server, count: int) -> Graph:
    return Graph(server).add("photo", "LoadImage", image=f"things{7 if count > 1 else 1}.png")


def core_masks(graph: Graph, count: int) -> list[str]:
    """One mask for each thing, of core's nodes alone; the names of the nodes."""
    graph.add("black", "SolidMask", value=0.0, width=W, height=H)
    names = []
    for i, (x0, y0, x1, y1) in enumerate(things(count)):
        graph.add(f"white{i}", "SolidMask", value=1.0, width=x1 - x0, height=y1 - y0)
        graph.add(
            f"mask{i}", "MaskComposite", destination="black", source=f"white{i}", x=x0, y=y0,
            operation="add",
        )  # fmt: skip
        names.append(f"mask{i}")
    return names


def listed(graph: Graph, name: str, items: list[str]) -> Graph:
    return graph.add(name, "CreateList", **{f"inputs__input{i}": n for i, n in enumerate(items)})


def batched(graph: Graph, name: str, items: list[str]) -> Graph:
    return graph.add(name, "BatchMasksNode", **{f"masks__mask{i}": n for i, n in enumerate(items)})


def keep(graph: Graph, source, name: str) -> Graph:
    return graph.add(f"keep_{name}", "TestKeep", anything=source, under=f"to {name}")


def done(graph: Graph):
    run = graph.run()
    assert run.status == "success", run.error + "\n" + graph.server.log_end()
    return run


def refused(graph: Graph) -> str:
    run = graph.run()
    assert run.status == "error"
    return run.error


def assert_objects(kept: Kept, name: str, count: int, close: bool = True) -> list[dict]:
    facts = kept.json(name, "objects.json")
    masks = kept.arrays(name, "masks.npz")["masks"]
    assert [f["id"] for f in facts] == list(range(count)) and all(f["keep"] for f in facts)
    for mask, (x0, y0, x1, y1) in zip(masks, things(count), strict=True):
        true = np.zeros((H, W), bool)
        true[y0:y1, x0:x1] = True
        assert (mask & true).sum() / (mask | true).sum() > (0.999 if close else 0.8)
    return facts


# --- objects ---------------------------------------------------------------------------------


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("how", ["batch", "list"])
def test_masks_of_cores_nodes_become_objects(rig: Server, kept: Kept, count: int, how: str):
    graph = graph_with_photo(rig, count)
    if count:
        (batched if how == "batch" else listed)(graph, "masks", core_masks(graph, count))
    else:
        graph.add("masks", "TestNoMasks" if how == "list" else "TestEmptyMasks")
    labels = ", ".join(f"thing{i}" for i in range(count))
    graph.add("objects", "CASTObjectsFromMasks", image="photo", masks="masks", labels=labels)
    name = f"masks_{how}_{count}"
    run = done(keep(graph, "objects", name))
    facts = assert_objects(kept, name, count)
    assert [f["label"] for f in facts] == [f"thing{i}" for i in range(count)]
    if not count:
        assert run.report("objects")["notes"][0].startswith("no object was found")


@pytest.mark.parametrize("count", COUNTS)
def test_boxes_and_masks_as_sam3_gives_them_become_objects(rig: Server, kept: Kept, count: int):
    graph = graph_with_photo(rig, count)
    graph.add("sam", "TestSam3", image="photo", boxes=boxes_text(count))
    graph.add(
        "objects", "CASTObjectsFromBoundingBoxes", image="photo", bboxes=("sam", 1),
        masks=("sam", 0), labels="thing",
    )  # fmt: skip
    done(keep(graph, "objects", f"sam_{count}"))
    facts = assert_objects(kept, f"sam_{count}", count)
    assert [f["score"] for f in facts] == [round(0.9 - 0.1 * i, 2) for i in range(count)]


def test_a_merged_mask_for_several_boxes_is_refused_with_the_switch_to_turn(rig: Server):
    graph = graph_with_photo(rig, 7)
    graph.add("sam", "TestSam3", image="photo", boxes=boxes_text(3), individual_masks=False)
    graph.add(
        "objects", "CASTObjectsFromBoundingBoxes", image="photo", bboxes=("sam", 1),
        masks=("sam", 0),
    )  # fmt: skip
    assert refused(keep(graph, "objects", "x")).startswith(
        "masks: 1 came for 3 boxes; switch individual_masks on"
    )


def test_cores_own_box_nodes_alone_give_masks_inside_them(rig: Server, kept: Kept):
    graph = graph_with_photo(rig, 7)
    names = []
    for i, (x0, y0, x1, y1) in enumerate(things(7)):
        graph.add(
            f"box{i}", "PrimitiveBoundingBox", x=x0, y=y0, width=x1 - x0, height=y1 - y0
        )  # fmt: skip
        names.append(f"box{i}")
    listed(graph, "boxes", names)
    graph.add("objects", "CASTObjectsFromBoundingBoxes", image="photo", bboxes="boxes")
    done(keep(graph, "objects", "boxes"))
    assert_objects(kept, "boxes", 7, close=False)


@pytest.mark.parametrize("count", COUNTS)
def test_bare_numbers_become_objects(rig: Server, kept: Kept, count: int):
    graph = graph_with_photo(rig, count)
    graph.add("bbox", "TestBbox", boxes=boxes_text(count))
    graph.add("objects", "CASTObjectsFromBBOX", image="photo", bbox="bbox")
    done(keep(graph, "objects", f"bbox_{count}"))
    assert_objects(kept, f"bbox_{count}", count, close=False)


@pytest.mark.parametrize("count", COUNTS)
def test_segs_become_objects_with_their_names(rig: Server, kept: Kept, count: int):
    graph = graph_with_photo(rig, count)
    graph.add("segs", "TestSegs", image="photo", boxes=boxes_text(count))
    graph.add("objects", "CASTObjectsFromSEGS", image="photo", segs="segs")
    done(keep(graph, "objects", f"segs_{count}"))
    facts = assert_objects(kept, f"segs_{count}", count)
    assert [(f["label"], f["score"]) for f in facts] == [(f"thing{i}", 0.8) for i in range(count)]


def test_masks_of_another_size_are_refused(rig: Server):
    graph = graph_with_photo(rig, 1)
    graph.add("mask", "SolidMask", value=1.0, width=64, height=48)
    graph.add("objects", "CASTObjectsFromMasks", image="photo", masks="mask")
    assert "mask 0 is 64x48 pixels, the image is 340x240" in refused(keep(graph, "objects", "x"))


# --- geometry --------------------------------------------------------------------------------


def with_moge(graph: Graph, count: int, kind: str = "single") -> Graph:
    return graph.add("moge", "TestMoge", image="photo", boxes=boxes_text(count), kind=kind)


def test_moges_points_are_those_that_core_makes_a_mesh_of(rig: Server, kept: Kept):
    graph = with_moge(graph_with_photo(rig, 7), 7)
    graph.add("geometry", "CASTGeometryFromMoGe", moge_geometry="moge")
    graph.add(
        "core", "MoGePointMapToMesh", moge_geometry="moge", discontinuity_threshold=0.0,
        decimation=1, batch_index=0,
    )  # fmt: skip
    graph.add("fov", "MoGeGeometryToFOV", moge_geometry="moge", axis="horizontal", unit="degrees")
    keep(graph, "geometry", "moge")
    keep(graph, "core", "moge_core")
    keep(graph, ("fov", 1), "moge_focal")
    done(graph)
    ours = kept.arrays("moge", "geometry.npz")
    points = ours["points"]
    valid = np.isfinite(points).all(-1)
    assert np.count_nonzero(valid) == (H - SKY_PX) * W and np.isnan(points[:SKY_PX]).all()
    theirs = kept.arrays("moge_core", "mesh.npz")["vertices"][0]
    np.testing.assert_array_equal(points[valid] * [1, -1, -1], theirs)
    focal = kept.json("moge_focal", "value.json")
    assert ours["intrinsics"][0, 0] == pytest.approx(focal) == pytest.approx(FOCAL_PX, rel=1e-5)
    np.testing.assert_allclose(
        project(points[valid], ours["intrinsics"]), pixel_centres(H, W)[valid], atol=1e-2
    )
    angle = np.radians(PITCH_DEG)
    expected = [0, -np.cos(angle), -np.sin(angle), CAMERA_HEIGHT_M]
    np.testing.assert_allclose(ours["floor"], expected, atol=0.02)
    assert ours["metric"]


def test_moge_of_a_larger_picture_comes_to_the_photos_size(rig: Server, kept: Kept):
    graph = graph_with_photo(rig, 1)
    graph.add(
        "large", "ImageScale", image="photo", upscale_method="bilinear", width=2 * W, height=2 * H,
        crop="disabled",
    )  # fmt: skip
    graph.add("moge", "TestMoge", image="large", boxes="", kind="single")
    graph.add("geometry", "CASTGeometryFromMoGe", moge_geometry="moge", image="photo")
    done(keep(graph, "geometry", "moge_small"))
    ours = kept.arrays("moge_small", "geometry.npz")
    assert ours["points"].shape == (H, W, 3)
    assert ours["intrinsics"][0, 0] == pytest.approx(FOCAL_PX / 2, rel=1e-5)
    valid = np.isfinite(ours["points"]).all(-1)
    np.testing.assert_allclose(
        project(ours["points"][valid], ours["intrinsics"]), pixel_centres(H, W)[valid], atol=1e-2
    )


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("panorama", "moge_geometry: it has no intrinsics, as of a panorama"),
        ("two", "moge_geometry: it holds 2 pictures, and a scene has one photo"),
    ],
)
def test_what_is_no_single_photo_is_refused(rig: Server, kind: str, message: str):
    graph = with_moge(graph_with_photo(rig, 1), 1, kind)
    graph.add("geometry", "CASTGeometryFromMoGe", moge_geometry="moge")
    assert refused(keep(graph, "geometry", "x")).startswith(message)


@pytest.mark.parametrize("mode", ["mono", "multiview"])
def test_depth_anything_3_becomes_geometry(rig: Server, kept: Kept, mode: str):
    graph = graph_with_photo(rig, 7)
    graph.add("da3", "TestDa3", image="photo", boxes=boxes_text(7), mode=mode)
    fov = float(np.degrees(2 * np.arctan(0.5 * W / FOCAL_PX)))
    graph.add("geometry", "CASTGeometryFromDA3", da3_geometry="da3", fov_deg=fov)
    done(keep(graph, "geometry", f"da3_{mode}"))
    ours = kept.arrays(f"da3_{mode}", "geometry.npz")
    np.testing.assert_allclose(ours["intrinsics"][0, 0], FOCAL_PX, rtol=1e-4)
    np.testing.assert_allclose(ours["intrinsics"][1, 1], FOCAL_PX, rtol=1e-4)
    assert np.isnan(ours["points"][:SKY_PX]).all() and ours["floor"][3] > 1
    assert not ours["metric"]


def test_depth_anything_3_agrees_with_cores_mesh_but_for_its_half_pixel(rig: Server, kept: Kept):
    """Core counts pixels from their corners there, and takes the camera's pixels for the depth's;
    so it is asked with a network that saw the depth's own size."""
    graph = graph_with_photo(rig, 7)
    graph.add(
        "da3", "TestDa3", image="photo", boxes="", mode="multiview", network_pixels=False
    )  # fmt: skip
    graph.add("geometry", "CASTGeometryFromDA3", da3_geometry="da3")
    graph.add(
        "core", "DA3GeometryToMesh", da3_geometry="da3", batch_index=0, decimation=1,
        discontinuity_threshold=0.0, confidence_threshold=0.0, use_sky_mask=True,
    )  # fmt: skip
    keep(keep(graph, "geometry", "da3_ours"), "core", "da3_core")
    done(graph)
    points = kept.arrays("da3_ours", "geometry.npz")["points"]
    points = points[np.isfinite(points).all(-1)]
    theirs = kept.arrays("da3_core", "mesh.npz")["vertices"][0] * [1, -1, -1]
    np.testing.assert_allclose(points[:, 2], theirs[:, 2], rtol=1e-6)
    half = 0.5 * points[:, 2:] / FOCAL_PX
    np.testing.assert_allclose(points[:, :2] - half, theirs[:, :2], atol=1e-4)


def test_cores_depth_render_becomes_geometry_as_its_meaning_is_stated(rig: Server, kept: Kept):
    graph = with_moge(graph_with_photo(rig, 7), 7)
    graph.add("render", "MoGeRender", moge_geometry="moge", output="depth")
    graph.add("fov", "MoGeGeometryToFOV", moge_geometry="moge", axis="horizontal", unit="degrees")
    graph.add("sky", "MoGeRender", moge_geometry="moge", output="mask")
    graph.add("mask", "ImageToMask", image="sky", channel="red")
    keep(graph.add("geometry", "CASTGeometryFromMoGe", moge_geometry="moge"), "geometry", "truth")
    done(graph)
    true = kept.arrays("truth", "geometry.npz")["points"][..., 2]
    disparity = 1 / true[np.isfinite(true)]
    low, high = np.quantile(disparity, [0.001, 0.999])
    graph.add(
        "image_geometry", "CASTGeometryFromDepthImage", depth="render", image="photo", mask="mask",
        fov_deg=("fov", 0), near=float(1 / high), far=float(1 / low), metric=True,
    )  # fmt: skip
    done(keep(graph, "image_geometry", "depth_image"))
    ours = kept.arrays("depth_image", "geometry.npz")
    inside = np.isfinite(true) & (1 / true > low) & (1 / true < high)
    np.testing.assert_allclose(ours["points"][..., 2][inside], true[inside], rtol=5e-3)
    assert ours["intrinsics"][0, 0] == pytest.approx(FOCAL_PX, rel=1e-3) and ours["metric"]


def test_a_coloured_depth_picture_is_refused(rig: Server):
    graph = with_moge(graph_with_photo(rig, 1), 1)
    graph.add("render", "MoGeRender", moge_geometry="moge", output="depth_colored")
    graph.add("geometry", "CASTGeometryFromDepthImage", depth="render")
    assert refused(keep(graph, "geometry", "x")).startswith("depth: it is a coloured picture")


# --- meshes ----------------------------------------------------------------------------------


def with_objects(rig: Server, count: int) -> Graph:
    graph = graph_with_photo(rig, count)
    if count:
        batched(graph, "masks", core_masks(graph, count))
    else:
        graph.add("masks", "TestEmptyMasks")
    labels = ", ".join(f"thing{i}" for i in range(count))
    return graph.add("objects", "CASTObjectsFromMasks", image="photo", masks="masks", labels=labels)


@pytest.mark.parametrize("count", [1, 7])
@pytest.mark.parametrize("algorithm", ["surface net", "basic"])
def test_cores_voxel_meshes_come_apart_by_object(
    rig: Server, kept: Kept, count: int, algorithm: str
):
    graph = with_objects(rig, count)
    graph.add("voxels", "TestVoxels", count=count)
    graph.add("mesh", "VoxelToMesh", voxel="voxels", algorithm=algorithm, threshold=0.5)
    graph.add("meshes", "CASTMeshesFromMesh", mesh="mesh", objects="objects")
    name = f"voxels_{count}"
    done(keep(graph, "meshes", name))
    facts = kept.json(name, "meshes.json")
    assert facts == [{"id": i, "meshes": 1, "failure": ""} for i in range(count)]
    sizes = [np.ptp(read_glb(kept.glb(name, i)).vertices, 0) for i in range(count)]
    assert len({tuple(np.round(s, 3)) for s in sizes}) == min(count, 5)


def test_a_textured_mesh_of_core_keeps_the_photos_colours(rig: Server, kept: Kept):
    graph = with_moge(graph_with_photo(rig, 7), 0)
    graph.add("core", "MoGePointMapToMesh", moge_geometry="moge", discontinuity_threshold=0.0)
    graph.add("file", "MeshToFile3D", mesh="core")
    graph.add("from_mesh", "CASTMeshesFromMesh", mesh="core")
    graph.add("from_file", "CASTMeshesFromFile3D", file="file")
    keep(keep(graph, "from_mesh", "from_mesh"), "from_file", "from_file")
    done(graph)
    photo = np.asarray(Image.open(rig.base / "input" / "things7.png").convert("RGB")) / 255
    expected = linear_from_srgb(photo[SKY_PX:]).mean((0, 1))
    for name in ("from_mesh", "from_file"):
        data = read_glb(kept.glb(name, 0))
        np.testing.assert_allclose(data.face_colours[:, :3].mean(0), expected, atol=0.01)


@pytest.mark.parametrize("count", [1, 7])
def test_a_list_of_cores_3d_files_becomes_meshes(rig: Server, kept: Kept, count: int):
    graph = with_objects(rig, count)
    for i in range(count):
        graph.add(f"voxel{i}", "TestVoxels", count=1, first=i)
        graph.add(f"mesh{i}", "VoxelToMesh", voxel=f"voxel{i}", algorithm="basic", threshold=0.5)
        graph.add(f"file{i}", "MeshToFile3D", mesh=f"mesh{i}")
    listed(graph, "files", [f"file{i}" for i in range(count)])
    graph.add("meshes", "CASTMeshesFromFile3D", file="files", objects="objects")
    done(keep(graph, "meshes", f"files_{count}"))
    assert [f["meshes"] for f in kept.json(f"files_{count}", "meshes.json")] == [1] * count


def test_a_file_of_load_3d_becomes_a_mesh(rig: Server, kept: Kept):
    from cast_nodes.mesh_data import Material, MeshData, make_glb

    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 2, 0.0]])
    data = MeshData(vertices, np.array([[0, 1, 2]]), np.zeros(1, np.int64), (Material("m"),))
    folder = rig.base / "input" / "3d"
    folder.mkdir(exist_ok=True)
    (folder / "one.glb").write_bytes(make_glb(data))
    graph = Graph(rig)
    graph.add("load", "Load3DAdvanced", model_file="3d/one.glb", viewport_state={})
    graph.add("meshes", "CASTMeshesFromFile3D", file="load", up="z")
    done(keep(graph, "meshes", "loaded"))
    np.testing.assert_allclose(
        np.ptp(read_glb(kept.glb("loaded", 0)).vertices, 0), [1, 0, 2], atol=1e-6
    )


@pytest.mark.parametrize("count", COUNTS)
def test_trimesh_meshes_and_scenes_become_meshes(rig: Server, kept: Kept, count: int):
    graph = with_objects(rig, count)
    graph.add("trimesh", "TestTrimeshes", count=count)
    graph.add("meshes", "CASTMeshesFromTrimesh", trimesh="trimesh", objects="objects")
    done(keep(graph, "meshes", f"trimesh_{count}"))
    assert [f["meshes"] for f in kept.json(f"trimesh_{count}", "meshes.json")] == [1] * count
    for i in range(count):
        data = read_glb(kept.glb(f"trimesh_{count}", i))
        assert np.ptp(data.vertices, 0)[1] == pytest.approx(1 + i, rel=1e-5)
        np.testing.assert_allclose(
            data.face_colours[:, :3].mean(0), linear_from_srgb(np.array([200, 100, 50]) / 255),
            atol=1e-3,
        )  # fmt: skip


def test_a_missing_mesh_is_an_error_that_names_its_object(rig: Server):
    graph = with_objects(rig, 7)
    graph.add("voxels", "TestVoxels", count=5)
    graph.add("mesh", "VoxelToMesh", voxel="voxels", algorithm="basic", threshold=0.5)
    graph.add("meshes", "CASTMeshesFromMesh", mesh="mesh", objects="objects")
    error = refused(keep(graph, "meshes", "x"))
    assert error.startswith("meshes: 5 came for 7 kept objects")
    assert "none is left for thing5 5, thing6 6;" in error


def test_named_ids_leave_the_others_out(rig: Server, kept: Kept):
    graph = with_objects(rig, 7)
    graph.add("voxels", "TestVoxels", count=2)
    graph.add("mesh", "VoxelToMesh", voxel="voxels", algorithm="basic", threshold=0.5)
    graph.add("meshes", "CASTMeshesFromMesh", mesh="mesh", objects="objects", ids="4, 2")
    run = done(keep(graph, "meshes", "ids"))
    assert [f["id"] for f in kept.json("ids", "meshes.json") if f["meshes"]] == [2, 4]
    assert len(run.report("meshes")["failures"]) == 5


@pytest.mark.parametrize("count", COUNTS)
def test_meshes_of_views_that_went_out_come_back_by_the_token(rig: Server, kept: Kept, count: int):
    """A generator that ran once per view; with no object it is not asked at all."""
    graph = with_objects(rig, count)
    graph.add("views", "CASTInpaint", objects="objects")
    graph.add("out", "CASTViewsToImages", objects="objects", views="views", side=64)
    graph.add("moge", "TestMoge", image=("out", 0), boxes="", kind="single")
    graph.add("mesh", "MoGePointMapToMesh", moge_geometry="moge", discontinuity_threshold=0.0)
    graph.add("meshes", "CASTMeshesFromMesh", mesh="mesh", order=("out", 2))
    done(keep(graph, "meshes", f"token_{count}"))
    facts = kept.json(f"token_{count}", "meshes.json")
    assert facts == [{"id": i, "meshes": 1, "failure": ""} for i in range(count)]


# --- views, poses and the whole way ----------------------------------------------------------


@pytest.mark.parametrize("count", [1, 7])
def test_crops_of_core_at_other_sizes_become_views(rig: Server, count: int):
    graph = with_objects(rig, count)
    images, masks = [], []
    for i, (x0, y0, x1, y1) in enumerate(things(count)):
        graph.add(f"crop{i}", "ImageCrop", image="photo", x=x0, y=y0, width=x1 - x0, height=y1 - y0)
        size = {"width": 100 + 10 * i, "height": 160 + 10 * i}
        graph.add(
            f"image{i}", "ImageScale", image=f"crop{i}", upscale_method="bicubic", crop="disabled",
            **size,
        )  # fmt: skip
        graph.add(f"cover{i}", "SolidMask", value=1.0, **size)
        images.append(f"image{i}")
        masks.append(f"cover{i}")
    listed(listed(graph, "images", images), "covers", masks)
    graph.add(
        "views", "CASTViewsFromImages", images="images", masks="covers", objects="objects",
        area="box",
    )  # fmt: skip
    graph.add("mesh", "CASTMesh", objects="objects", views="views", backend="inflate")
    graph.add("look", "CASTPreview", anything="mesh")
    run = done(graph.look("views", 1))
    assert run.report("views")["failures"] == []
    assert len(run.report("views")["made"]) + len(run.report("views")["reused"]) == count


@pytest.mark.parametrize("count", COUNTS)
def test_bridges_lead_all_the_way_to_a_scene(rig: Server, count: int):
    graph = with_moge(with_objects(rig, count), count)
    graph.add(
        "geometry", "CASTGeometryFromMoGe", moge_geometry="moge", objects="objects"
    )  # fmt: skip
    graph.add("views", "CASTInpaint", objects="objects")
    graph.add("trimesh", "TestTrimeshes", count=count)
    graph.add("meshes", "CASTMeshesFromTrimesh", trimesh="trimesh", objects="objects")
    stages = dict(objects="objects", geometry="geometry", meshes="meshes")
    graph.add("register", "CASTRegister", **stages)
    graph.add("compose", "CASTComposeScene", views="views", placements="register", **stages)
    graph.add("save", "CASTSaveScene", scene="compose")
    run = done(graph)
    described = json.loads((saved_folder(rig, run) / "scene.json").read_text())
    assert [o["id"] for o in described["objects"]] == list(range(count))
    assert described["metric"] and all(o["camera_from_object"] for o in described["objects"])
    assert faults((saved_folder(rig, run) / "scene.glb").read_bytes()) == []


def test_a_locked_pose_of_another_system_stays_as_it_is(rig: Server):
    pose = [[0.3, 0, 0, 0.1], [0, -0.3, 0, 0.4], [0, 0, -0.3, 3.0], [0, 0, 0, 1]]
    graph = with_moge(with_objects(rig, 1), 1)
    graph.add("geometry", "CASTGeometryFromMoGe", moge_geometry="moge", objects="objects")
    graph.add("views", "CASTInpaint", objects="objects")
    graph.add("trimesh", "TestTrimeshes", count=1)
    graph.add("meshes", "CASTMeshesFromTrimesh", trimesh="trimesh", objects="objects")
    text = json.dumps([{"id": 0, "matrix": pose}])
    graph.add("given", "CASTPlacementsFromPoses", poses=text, objects="objects", locked=True)
    stages = dict(objects="objects", geometry="geometry", meshes="meshes")
    graph.add("register", "CASTRegister", given="given", **stages)
    graph.add("compose", "CASTComposeScene", views="views", placements="register", **stages)
    graph.add("save", "CASTSaveScene", scene="compose")
    folder = saved_folder(rig, done(graph))
    (placed,) = json.loads((folder / "placements.json").read_text())["objects"]
    np.testing.assert_allclose(placed["camera_from_object"], pose, atol=1e-9)
