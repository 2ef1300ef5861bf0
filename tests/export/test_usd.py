"""USD, read back with usd-core: names, poses, bounds, materials, camera to the pixel, rules."""

from __future__ import annotations

import builtins
from pathlib import Path

import numpy as np
import pytest

from cast_nodes.errors import BackendNotReady
from cast_nodes.export import Wanted, make_exports
from cast_nodes.export.collision import collision_shapes
from cast_nodes.export.usd import UP_FROM_WORLD, usd_export
from cast_nodes.export.usd_names import prim_names
from cast_nodes.frames import project
from cast_nodes.mesh_data import Material, MeshData, make_glb, read_glb

from .rooms import (
    HEIGHT,
    INTRINSICS,
    WIDTH,
    box_glb,
    camera_pose,
    default_objects,
    full_material_glb,
    make_scene,
    picture,
    turned,
)

pytest.importorskip("pxr")
from pxr import Gf, Sdf, Usd, UsdGeom, UsdPhysics, UsdShade, UsdValidation


def opened(folder: Path, files) -> Usd.Stage:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return Usd.Stage.Open(str(folder / "scene.usdc"))


def exported(folder: Path, scene=None, **wanted) -> Usd.Stage:
    made = make_exports(scene or make_scene(), Wanted(usd=True, **wanted))
    return opened(folder, made.files)


@pytest.fixture(scope="module", params=["y", "z"])
def up(request):
    return request.param


@pytest.fixture(scope="module")
def stage(up, tmp_path_factory):
    return exported(tmp_path_factory.mktemp("usd"), up=up, collision="hull")


def broken_rules(stage: Usd.Stage) -> list[str]:
    """What usdchecker's rules say."""
    rules = UsdValidation.ValidationRegistry().GetOrLoadAllValidators()
    assert len(rules) > 20
    return [e.GetErrorAsString() for e in UsdValidation.ValidationContext(rules).Validate(stage)]


def to_world(prim) -> np.ndarray:
    """(4, 4) stage-from-prim for column vectors."""
    matrix = UsdGeom.Xformable(prim).ComputeLocalToWorldTransform(Usd.TimeCode.Default())
    return np.array(matrix).T


def meshes_below(stage: Usd.Stage, path: str) -> list[UsdGeom.Mesh]:
    return [UsdGeom.Mesh(p) for p in Usd.PrimRange(stage.GetPrimAtPath(path)) if p.IsA("Mesh")]


PATHS = ["/Scene/coffee_table_0", "/Scene/object_1", "/Scene/coffee_table_2"]


def test_the_rules_of_usdchecker_hold(stage):
    assert broken_rules(stage) == []


def test_the_rules_would_be_seen_to_be_broken(stage):
    flawed = Usd.Stage.CreateInMemory()
    flawed.DefinePrim("/a", "Mesh")
    assert broken_rules(flawed)


def test_axis_unit_kind_and_purpose_are_set(stage, up):
    assert UsdGeom.GetStageUpAxis(stage) == up.upper()
    assert UsdGeom.GetStageMetersPerUnit(stage) == 1.0
    assert stage.GetDefaultPrim().GetPath() == "/Scene"
    kinds = {str(p.GetPath()): Usd.ModelAPI(p).GetKind() for p in stage.Traverse()}
    assert kinds["/Scene"] == "assembly"
    assert all(kinds[path] == "component" for path in [*PATHS, "/Scene/room"])
    purposes = {
        "collision" if "/collision/" in str(p.GetPath()) else "shown": UsdGeom.Imageable(
            p
        ).ComputePurpose()
        for p in stage.Traverse()
        if p.IsA("Mesh")
    }
    assert purposes == {"collision": "guide", "shown": "default"}


def test_an_unknown_unit_is_told(tmp_path):
    stage = exported(tmp_path, make_scene(metric=False))
    layer = stage.GetRootLayer()
    assert "not known" in layer.documentation
    assert dict(layer.customLayerData["cast"]) == {"metric": False, "unit": "unknown"}
    assert stage.GetPrimAtPath("/Scene").GetAttribute("userProperties:metric").Get() is False


def test_objects_stand_where_they_stand_in_the_scene(stage, up):
    for path, (_, glb, where, _) in zip(PATHS, default_objects(), strict=True):
        stage_from_object = UP_FROM_WORLD[up] @ where.matrix()
        assert np.allclose(to_world(stage.GetPrimAtPath(path)), stage_from_object, atol=1e-9)
        (mesh,) = meshes_below(stage, f"{path}/geo")
        assert np.allclose(to_world(mesh.GetPrim()), stage_from_object, atol=1e-9)
        points = np.array(mesh.GetPointsAttr().Get())
        truth = read_glb(glb)
        corners = points[np.array(mesh.GetFaceVertexIndicesAttr().Get()).reshape(-1, 3)]
        assert np.allclose(corners, truth.triangles, atol=1e-6)


def test_bounds_are_those_of_the_scene(stage, up):
    cache = UsdGeom.BBoxCache(Usd.TimeCode.Default(), ["default"])
    for path, (_, glb, where, _) in zip(PATHS, default_objects(), strict=True):
        world = where.apply(read_glb(glb).vertices) @ UP_FROM_WORLD[up][:3, :3].T
        prim = stage.GetPrimAtPath(path)
        corners = [to_world(prim) @ [*c, 1] for c in _box_corners(cache, prim)]
        # The box is the object's own, so in the world it contains the points.
        assert (np.min(corners, 0)[:3] <= world.min(0) + 1e-5).all()
        assert (np.max(corners, 0)[:3] >= world.max(0) - 1e-5).all()
        extent = np.array(meshes_below(stage, f"{path}/geo")[0].GetExtentAttr().Get())
        assert np.allclose(extent, read_glb(glb).bounds, atol=1e-6)


def _box_corners(cache, prim):
    box = cache.ComputeUntransformedBound(prim).ComputeAlignedRange()
    return [np.array(box.GetCorner(i)) for i in range(8)]


def test_the_camera_sees_corners_at_the_pixels_of_the_photo(stage, up):
    camera = UsdGeom.Camera(stage.GetPrimAtPath("/Scene/photo_camera"))
    frustum = camera.GetCamera(Usd.TimeCode.Default()).frustum
    stage_to_clip = frustum.ComputeViewMatrix() * frustum.ComputeProjectionMatrix()
    camera_from_world = camera_pose().inverse()
    seen = 0
    for _, glb, where, _ in default_objects():
        world = where.apply(read_glb(glb).vertices)
        ours = project(camera_from_world.apply(world), INTRINSICS)
        for point, pixel in zip(world @ UP_FROM_WORLD[up][:3, :3].T, ours, strict=True):
            x, y, _ = stage_to_clip.Transform(Gf.Vec3d(*point.tolist()))
            theirs = (0.5 + x / 2) * WIDTH, (0.5 - y / 2) * HEIGHT
            assert theirs == pytest.approx(tuple(pixel), abs=1e-3)
            seen += 1
    assert seen > 40


def test_label_score_and_fit_are_attributes(stage):
    prim = stage.GetPrimAtPath(PATHS[1])
    value = {a.GetName(): a.Get() for a in prim.GetAttributes() if a.IsCustom()}
    assert value == {
        "userProperties:id": 1,
        "userProperties:label": "стул",
        "userProperties:score": 0.9,
        "userProperties:fit:iou": 0.95,
        "userProperties:fit:depth_residual": 0.01,
        "userProperties:supported_by": "0",
    }
    assert prim.GetDisplayName() == "стул_1"


def test_prim_names_are_valid_and_differ():
    given = ["café 1", "Café 1", "стул", "椅子", "3d", "", "a/b", "room", "a_b", "3 legs"]
    names = prim_names(given)
    assert names == [
        "cafe_1", "Cafe_1_2", "object", "object_2", "object_3d", "object_3", "a_b", "room", "a_b_2",
        "_3_legs",
    ]  # fmt: skip
    assert all(Sdf.Path.IsValidIdentifier(name) for name in names)


def test_pictures_are_files_once_each_and_found(stage):
    shaders = [UsdShade.Shader(p) for p in stage.Traverse() if p.IsA("Shader")]
    files = [s.GetInput("file").Get() for s in shaders if s.GetInput("file")]
    assert len(files) == 3 and all(Path(f.resolvedPath).is_file() for f in files)
    assert len({f.path for f in files}) == 2  # two objects share theirs


def test_texture_coordinates_count_from_the_bottom(stage):
    truth = read_glb(default_objects()[0][1])
    (mesh,) = meshes_below(stage, f"{PATHS[0]}/geo")
    st = np.array(UsdGeom.PrimvarsAPI(mesh).GetPrimvar("st").Get())
    corners = st[np.array(mesh.GetFaceVertexIndicesAttr().Get()).reshape(-1, 3)]
    expected = truth.uv[truth.faces] * [1, -1] + [0, 1]
    assert np.allclose(corners, expected, atol=1e-6)


def surface_of(stage: Usd.Stage, path: str) -> UsdShade.Shader:
    mesh = meshes_below(stage, f"{path}/geo")[0]
    material, _ = UsdShade.MaterialBindingAPI(mesh).ComputeBoundMaterial()
    return material.ComputeSurfaceSource()[0]


def source_of(shader: UsdShade.Shader, name: str) -> tuple[dict, str]:
    """The values of the texture that feeds an input, and which channel does."""
    (sources, _) = shader.GetInput(name).GetConnectedSources()
    texture = UsdShade.Shader(sources[0].source.GetPrim())
    values = {i.GetBaseName(): i.Get() for i in texture.GetInputs()}
    return values, sources[0].sourceName


def test_materials_keep_all_their_textures_and_factors(tmp_path):
    scene = make_scene([("box", full_material_glb(), turned(0, (0, 0, -3), 1.0), "floor")])
    stage = exported(tmp_path, scene)
    surface = surface_of(stage, "/Scene/box_0")
    base, channel = source_of(surface, "diffuseColor")
    assert channel == "rgb" and base["scale"] == pytest.approx((0.5, 0.6, 0.7, 1.0))
    assert (base["sourceColorSpace"], base["wrapS"], base["wrapT"]) == ("sRGB", "clamp", "repeat")
    rough, channel = source_of(surface, "roughness")
    assert channel == "g" and rough["scale"] == pytest.approx((1, 0.75, 0.25, 1))
    assert rough["sourceColorSpace"] == "raw"
    assert source_of(surface, "metallic")[1] == "b"
    assert source_of(surface, "normal")[0]["bias"] == (-1, -1, -1, 0)
    assert source_of(surface, "occlusion")[1] == "r"
    emissive, _ = source_of(surface, "emissiveColor")
    assert emissive["scale"] == pytest.approx((1, 0.5, 0.25, 1))
    assert Path(emissive["file"].resolvedPath).read_bytes().startswith(b"\x89PNG")  # was WebP
    assert source_of(surface, "opacity")[1] == "a"
    assert surface.GetInput("opacityThreshold").Get() == pytest.approx(0.3)
    (mesh,) = meshes_below(stage, "/Scene/box_0/geo")
    assert mesh.GetDoubleSidedAttr().Get() is True
    api = UsdGeom.PrimvarsAPI(mesh)
    moved, plain = np.array(api.GetPrimvar("st").Get()), np.array(api.GetPrimvar("st1").Get())
    u, v = plain[:, 0], 1 - plain[:, 1]
    assert np.allclose(moved, np.stack([0.25 + 2 * u, 1 - (0.5 + 3 * v)], 1), atol=1e-5)
    assert broken_rules(stage) == []


def test_the_room_shines_as_photographed(stage):
    surface = surface_of(stage, "/Scene/room")
    assert source_of(surface, "emissiveColor")[1] == "rgb"
    assert surface.GetInput("diffuseColor").Get() == (0, 0, 0)


def test_vertex_colours_come_along(tmp_path):
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1.0]])
    faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    colours = np.array([[1, 0, 0, 1], [0, 1, 0, 1], [0, 0, 1, 1], [1, 1, 1, 1.0]])
    material = Material("paint", (0.5, 0.5, 0.5, 1.0))
    data = MeshData(points, faces, np.zeros(4, int), (material,), None, None, colours)
    scene = make_scene([("toy", make_glb(data), turned(0, (0, 0, -3), 1.0), "floor")])
    stage = exported(tmp_path, scene)
    (mesh,) = meshes_below(stage, "/Scene/toy_0/geo")
    assert np.allclose(mesh.GetDisplayColorPrimvar().Get(), 0.5 * colours[:, :3], atol=1e-6)
    assert surface_of(stage, "/Scene/toy_0").GetInput("diffuseColor").HasConnectedSource()
    assert broken_rules(stage) == []


def test_what_stands_falls_what_hangs_stays_and_the_floor_holds(stage, up):
    moving = [stage.GetPrimAtPath(p).HasAPI(UsdPhysics.RigidBodyAPI) for p in PATHS]
    assert moving == [True, True, False]
    colliders = [p for p in stage.Traverse() if p.HasAPI(UsdPhysics.CollisionAPI)]
    assert len(colliders) == 4
    assert any(str(p.GetPath()).startswith("/Scene/room") for p in colliders)
    gravity = UsdPhysics.Scene(stage.GetPrimAtPath("/Scene/physics"))
    down = (0, -1, 0) if up == "y" else (0, 0, -1)
    assert gravity.GetGravityDirectionAttr().Get() == pytest.approx(down)


def test_a_usdz_holds_everything_and_keeps_the_rules(tmp_path):
    made = make_exports(make_scene(), Wanted(usdz=True, collision="hull"))
    assert "scene.usdc" not in made.files and not any("textures" in n for n in made.files)
    (tmp_path / "scene.usdz").write_bytes(made.files["scene.usdz"])
    stage = Usd.Stage.Open(str(tmp_path / "scene.usdz"))
    assert broken_rules(stage) == []
    surface = surface_of(stage, PATHS[0])
    assert "scene.usdz[" in source_of(surface, "diffuseColor")[0]["file"].resolvedPath


def test_a_picture_that_cannot_be_read_leaves_the_colour_and_a_note():
    scene = make_scene([("box", box_glb(picture(1)), turned(0, (0, 0, -3), 1.0), "floor")])
    view = scene.gltf.document["bufferViews"][scene.gltf.document["images"][0]["bufferView"]]
    view["byteLength"] = 20
    made = usd_export(scene)
    assert len(made.textures) == 1  # the floor's
    assert "cannot be read" in made.notes[0]


def test_an_object_without_faces_is_an_empty_prim_and_a_note(tmp_path):
    scene = make_scene()
    del scene.gltf.document["nodes"][scene.objects[0].root]["children"]
    shapes, _ = collision_shapes(scene, "hull")
    made = usd_export(scene, "y", shapes)
    assert made.notes == ("coffee_table_0 has no faces.",)
    stage = opened(tmp_path, {"scene.usdc": made.usdc, **made.textures})
    assert stage.GetPrimAtPath(PATHS[0]).IsValid() and broken_rules(stage) == []


def test_without_usd_core_the_install_line_is_named(monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **more):
        if name.partition(".")[0] == "pxr":
            raise ImportError("No module named 'pxr'")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(BackendNotReady, match="pip install usd-core"):
        make_exports(make_scene(), Wanted(usd=True))
