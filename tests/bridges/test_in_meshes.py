"""Meshes of other nodes become CAST_MESHES: shapes, colours and ids as they came."""

import io
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import trimesh
from coloured_things import things
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from trimesh.visual import TextureVisuals
from trimesh.visual.material import PBRMaterial, SimpleMaterial

from cast_nodes.bridges.came_meshes import Came, CameMeshOptions, meshes_of
from cast_nodes.bridges.from_file3d import mesh_of_file
from cast_nodes.bridges.from_mesh_batch import meshes_of_batch
from cast_nodes.bridges.from_trimesh import mesh_of_trimesh
from cast_nodes.bridges.handout import hand_out
from cast_nodes.bridges.joining import joined_ids
from cast_nodes.bridges.out_crops import CropOptions, crops_out
from cast_nodes.errors import BadInput
from cast_nodes.gltf import split_glb
from cast_nodes.gltf_check import faults
from cast_nodes.mesh_data import Material, MeshData, linear_from_srgb, make_glb, read_mesh
from cast_nodes.store import Store
from cast_nodes.types import Mesh

PLAIN = CameMeshOptions()


def batch(*items: tuple[np.ndarray, np.ndarray], **more) -> SimpleNamespace:
    """A MESH with core's padding."""
    longest = [max(len(item[i]) for item in items) for i in (0, 1)] if items else (0, 0)
    mesh = SimpleNamespace(
        vertices=torch.zeros(len(items), longest[0], 3),
        faces=torch.zeros(len(items), longest[1], 3, dtype=torch.int64),
        uvs=None, vertex_colors=None, texture=None, metallic_roughness=None, unlit=False,
        normals=None, tangents=None, normal_map=None, occlusion_in_mr=False, material=None,
        emissive=None,
        vertex_counts=torch.tensor([len(v) for v, _ in items]),
        face_counts=torch.tensor([len(f) for _, f in items]),
    )  # fmt: skip
    for i, (vertices, faces) in enumerate(items):
        mesh.vertices[i, : len(vertices)] = torch.from_numpy(vertices)
        mesh.faces[i, : len(faces)] = torch.from_numpy(faces)
    for name, value in more.items():
        setattr(mesh, name, value)
    return mesh


def shape(seed: int, corners: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """A random convex body."""
    points = np.random.default_rng(seed).normal(size=(corners, 3))
    hull = trimesh.convex.convex_hull(points)
    return np.asarray(hull.vertices), np.asarray(hull.faces)


def quad() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """An upright square with a texture coordinate at each corner, v = 0 at the top."""
    vertices = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], np.float64)
    return (
        vertices,
        np.array([[0, 1, 2], [0, 2, 3]]),
        np.array([[0, 1], [1, 1], [1, 0], [0, 0]], np.float64),
    )


HALVES = np.zeros((64, 64, 3), np.float32)
HALVES[:32], HALVES[32:] = (0.9, 0.1, 0.1), (0.1, 0.2, 0.8)  # red above, blue below


def only(items: list[Came]) -> Mesh:
    (item,) = items
    assert item.mesh is not None, item.failure
    assert faults(item.mesh.glb) == []
    return item.mesh


def colour_at(mesh: Mesh, y: float) -> np.ndarray:
    """Linear RGB that the texture shows at a height of the square."""
    from cast_nodes.mesh_data import sample_texture

    data = read_mesh(mesh)
    assert data.uv is not None and data.materials[0].texture is not None
    slope, start = np.polyfit(data.vertices[:, 1], data.uv[:, 1], 1)
    return sample_texture(data.materials[0].texture, np.array([[0.5, start + slope * y]]))[0, :3]


# --- MESH ------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=5), st.randoms())
def test_a_ragged_batch_comes_apart_into_its_items(seeds: list[int], chance):
    items = [shape(seed, chance.randint(4, 12)) for seed in seeds]
    made = meshes_of_batch(batch(*items), PLAIN)
    assert len(made) == len(items)
    for item, (vertices, faces) in zip(made, items, strict=True):
        assert item.mesh is not None
        data = read_mesh(item.mesh)
        np.testing.assert_allclose(
            data.triangles, vertices.astype(np.float32)[faces], rtol=1e-6, atol=1e-6
        )


def test_an_even_batch_needs_no_counts_and_no_item_gives_no_mesh():
    mesh = batch(shape(1), shape(1), vertex_counts=None, face_counts=None)
    assert [c.failure for c in meshes_of_batch(mesh, PLAIN)] == ["", ""]
    assert meshes_of_batch(batch(), PLAIN) == []


def test_the_texture_survives_the_right_way_up():
    vertices, faces, uv = quad()
    mesh = batch(
        (vertices, faces),
        uvs=torch.from_numpy(uv)[None].float(), texture=torch.from_numpy(HALVES)[None],
    )  # fmt: skip
    made = only(meshes_of_batch(mesh, PLAIN))
    np.testing.assert_allclose(
        colour_at(made, 0.5), linear_from_srgb(np.array([0.9, 0.1, 0.1])), atol=0.02
    )
    np.testing.assert_allclose(
        colour_at(made, -0.5), linear_from_srgb(np.array([0.1, 0.2, 0.8])), atol=0.02
    )


def test_each_item_has_its_own_texture_or_all_share_one():
    vertices, faces, uv = quad()
    plain = [np.full((8, 8, 3), v, np.float32) for v in (0.25, 0.75)]
    mesh = batch(*[(vertices, faces)] * 2, uvs=torch.from_numpy(np.stack([uv] * 2)).float())
    for pictures in (plain, plain[:1]):
        mesh.texture = torch.from_numpy(np.stack(pictures))
        made = meshes_of_batch(mesh, PLAIN)
        for item, value in zip(made, (0.25, 0.75 if len(pictures) > 1 else 0.25), strict=True):
            assert item.mesh is not None
            mean = read_mesh(item.mesh).face_colours[:, :3].mean()
            assert mean == pytest.approx(float(linear_from_srgb(np.array(value))), abs=0.01)


@pytest.mark.parametrize("channels", [3, 4])
def test_vertex_colours_are_linear_and_survive(channels: int):
    vertices, faces = shape(3)
    colours = np.random.default_rng(0).uniform(0.1, 1, (len(vertices), channels))
    made = only(
        meshes_of_batch(
            batch((vertices, faces), vertex_colors=torch.from_numpy(colours)[None].float()), PLAIN
        )
    )
    expected = colours[faces][..., :3].mean((0, 1))
    np.testing.assert_allclose(read_mesh(made).face_colours[:, :3].mean(0), expected, atol=1e-5)


def test_all_maps_and_factors_of_a_baked_mesh_come_along():
    vertices, faces, uv = quad()
    picture = torch.from_numpy(HALVES)[None]
    mesh = batch(
        (vertices, faces), uvs=torch.from_numpy(uv)[None].float(), metallic_roughness=picture,
        normal_map=picture * 0.5, emissive=picture * 0.1, occlusion_in_mr=True,
        normals=torch.tensor([[[0, 0, 1.0]] * 4]),
        material={"roughness_factor": 0.3, "metallic_factor": -1.0, "emissive_strength": 3.0,
                  "base_color_factor": [0.5, 0.6, 0.7], "double_sided": False},
    )  # fmt: skip
    made = only(meshes_of_batch(mesh, PLAIN))
    (material,) = split_glb(made.glb)[0]["materials"]
    pbr = material["pbrMetallicRoughness"]
    assert pbr["roughnessFactor"] == 0.3 and pbr["metallicFactor"] == 1.0
    assert pbr["baseColorFactor"] == [0.5, 0.6, 0.7, 1.0]
    assert material["occlusionTexture"]["index"] == pbr["metallicRoughnessTexture"]["index"]
    assert {"normalTexture", "emissiveTexture"} <= set(material) and "doubleSided" not in material
    assert material["extensions"] == {"KHR_materials_emissive_strength": {"emissiveStrength": 3.0}}
    loaded = trimesh.load(io.BytesIO(made.glb), file_type="glb", force="mesh")
    shown = np.asarray(loaded.visual.material.metallicRoughnessTexture)  # type: ignore
    np.testing.assert_allclose(shown[..., :3] / 255, HALVES, atol=0.01)


def test_unlit_colours_stay_unlit():
    vertices, faces = shape(4)
    colours = torch.ones(1, len(vertices), 3)
    made = only(meshes_of_batch(batch((vertices, faces), vertex_colors=colours, unlit=True), PLAIN))
    assert split_glb(made.glb)[0]["materials"][0]["extensions"] == {"KHR_materials_unlit": {}}


def test_an_empty_or_broken_item_fails_alone():
    vertices, faces = shape(1)
    mesh = batch((vertices, faces), (np.zeros((0, 3)), np.zeros((0, 3), int)), (vertices, faces))
    mesh.faces[2, 0, 0] = 10_000
    made = meshes_of_batch(mesh, PLAIN, first=5)
    assert made[0].mesh is not None
    assert made[1].failure == "mesh 6 is empty; its generator made no surface"
    assert "mesh 7 is damaged" in made[2].failure


@pytest.mark.parametrize(
    ("mesh", "message"),
    [
        ("a.glb", "mesh: str is no MESH"),
        (batch(shape(1), vertices=torch.zeros(1, 4, 2)), "are no .B, N, 3. and .B, M, 3."),
        (batch(shape(1), face_counts=None), "come together or not at all"),
        (batch(shape(1), vertex_counts=torch.tensor([99])), "its vertex_counts .99. do not fit"),
        (batch(shape(1), uvs=torch.zeros(1, 2, 2)), "uvs of shape .1, 2, 2. are not one for each"),
        (batch(shape(1), vertex_colors=torch.zeros(1, 9, 2)), "have 2 numbers each"),
        (
            batch(shape(1), uvs=torch.zeros(1, 9, 2), texture=torch.zeros(3, 4, 4, 3)),
            "texture of shape .3, 4, 4, 3. is neither one picture",
        ),
    ],
)
def test_a_mesh_that_does_not_fit_together_is_named(mesh, message):
    with pytest.raises(BadInput, match=message):
        meshes_of_batch(mesh, PLAIN)


# --- frames ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "up", "front"),
    [
        ({}, [0, 1, 0], [0, 0, 1]),
        ({"up": "z"}, [0, 0, 1], [0, -1, 0]),
        ({"up": "-y"}, [0, -1, 0], [0, 0, -1]),
        ({"front": "-z"}, [0, 1, 0], [0, 0, -1]),
        ({"front": "+x"}, [0, 1, 0], [1, 0, 0]),
        ({"front": "-x"}, [0, 1, 0], [-1, 0, 0]),
    ],
)
def test_a_stated_frame_becomes_y_up_with_its_front_at_plus_z(options, up, front):
    linear = CameMeshOptions(**options).matrix()[:3, :3]
    np.testing.assert_allclose(linear @ up, [0, 1, 0], atol=1e-9)
    np.testing.assert_allclose(linear @ front, [0, 0, 1], atol=1e-9)
    assert np.linalg.det(linear) == pytest.approx(1)


def test_a_stated_unit_makes_metres():
    mesh = only(meshes_of_batch(batch(shape(2)), CameMeshOptions(unit="cm")))
    assert mesh.metric
    np.testing.assert_allclose(
        np.ptp(read_mesh(mesh).vertices, 0), 0.01 * np.ptp(shape(2)[0], 0), rtol=1e-4
    )


# --- files -----------------------------------------------------------------------------------


class File:
    """File3D as core has it, in memory or on disk."""

    def __init__(self, content: bytes = b"", kind: str = "glb", path=None) -> None:
        self.format, self._content, self._path = kind, content, path
        self.is_disk_backed = path is not None

    def get_source(self):
        return str(self._path) if self._path else io.BytesIO(self._content)

    def get_bytes(self) -> bytes:
        return self._path.read_bytes() if self._path else self._content


def textured_glb() -> bytes:
    vertices, faces, uv = quad()
    material = Material.textured((HALVES * 255).astype(np.uint8))
    return make_glb(MeshData(vertices, faces, np.zeros(2, np.int64), (material,), uv))


def test_a_glb_keeps_its_bytes_in_memory_and_on_disk(tmp_path):
    glb = textured_glb()
    (tmp_path / "lamp.glb").write_bytes(glb)
    for file, name in ((File(glb), "mesh 0"), (File(path=tmp_path / "lamp.glb"), "lamp")):
        mesh = only([mesh_of_file(file, PLAIN)])
        assert mesh.glb == glb and mesh.name == name
        assert not mesh.metric and mesh.view_aligned and mesh.upright


def test_another_frame_becomes_a_node_above_the_glb():
    mesh = only([mesh_of_file(File(textured_glb()), CameMeshOptions(up="z"))])
    np.testing.assert_allclose(np.ptp(read_mesh(mesh).vertices, 0), [2, 0, 2], atol=1e-6)
    assert np.linalg.norm(colour_at_z(mesh)) > 0


def colour_at_z(mesh: Mesh) -> np.ndarray:
    return read_mesh(mesh).face_colours[:, :3].mean(0)


@pytest.mark.parametrize("kind", ["obj", "ply", "stl"])
def test_other_kinds_become_a_glb(kind: str):
    vertices, faces = shape(7)
    content = trimesh.Trimesh(vertices, faces, process=False).export(file_type=kind)
    content = content.encode() if isinstance(content, str) else content
    mesh = only([mesh_of_file(File(content, kind), PLAIN)])  # type: ignore[arg-type]
    np.testing.assert_allclose(
        read_mesh(mesh).bounds, [vertices.min(0), vertices.max(0)], atol=1e-5
    )


@pytest.mark.parametrize(
    ("file", "failure"),
    [
        (File(b""), "mesh 3.glb is empty"),
        (File(b"no model"), "mesh 3.glb is not a binary glTF file"),
        (File(b"o nothing", "obj"), "mesh 3.obj holds no faces"),
    ],
)
def test_a_file_that_cannot_be_read_fails_alone(file: File, failure: str):
    assert failure in mesh_of_file(file, PLAIN, 3).failure


@pytest.mark.parametrize(
    ("file", "message"), [("x", "str is no 3D file"), (File(b"", "fbx"), "FBX")]
)
def test_a_file_of_another_kind_is_refused(file, message):
    with pytest.raises(BadInput, match=message):
        mesh_of_file(file, PLAIN)


# --- trimesh ---------------------------------------------------------------------------------


def test_a_trimeshs_texture_survives_the_right_way_up():
    vertices, faces, uv = quad()
    picture = Image.fromarray((HALVES * 255).astype(np.uint8))
    flipped = np.stack([uv[:, 0], 1 - uv[:, 1]], 1)  # trimesh counts from the bottom
    for material in (
        SimpleMaterial(image=picture),
        PBRMaterial(baseColorTexture=picture),
    ):
        visual = TextureVisuals(flipped, material=material)
        mesh = only([mesh_of_trimesh(trimesh.Trimesh(vertices, faces, visual=visual, process=False), PLAIN)])  # fmt: skip
        np.testing.assert_allclose(
            colour_at(mesh, 0.5), linear_from_srgb(np.array([0.9, 0.1, 0.1])), atol=0.02
        )
        np.testing.assert_allclose(
            colour_at(mesh, -0.5), linear_from_srgb(np.array([0.1, 0.2, 0.8])), atol=0.02
        )


@pytest.mark.parametrize("kind", ["vertex_colors", "face_colors"])
def test_a_trimeshs_display_colours_become_linear(kind: str):
    vertices, faces = shape(5)
    coloured = trimesh.Trimesh(vertices, faces, process=False)
    setattr(coloured.visual, kind, np.array([200, 100, 50, 255], np.uint8))
    mesh = only([mesh_of_trimesh(coloured, PLAIN)])
    np.testing.assert_allclose(
        read_mesh(mesh).face_colours[:, :3].mean(0),
        linear_from_srgb(np.array([200, 100, 50]) / 255), atol=1e-3,
    )  # fmt: skip


def test_a_scene_is_one_mesh_with_its_parts_in_place_and_its_materials():
    red = PBRMaterial(name="m", baseColorFactor=[255, 0, 0, 255])
    blue = PBRMaterial(
        name="m", baseColorFactor=[0, 0, 255, 255], metallicFactor=0.7, roughnessFactor=0.2
    )
    scene = trimesh.Scene()
    for material, x in ((red, -5.0), (blue, 5.0)):
        box = trimesh.creation.box((1, 1, 1))
        box.visual = TextureVisuals(material=material)
        scene.add_geometry(box, transform=trimesh.transformations.translation_matrix([x, 0, 0]))
    mesh = only([mesh_of_trimesh(scene, PLAIN)])
    data = read_mesh(mesh)
    left = data.triangles.mean(1)[:, 0] < 0
    np.testing.assert_allclose(data.face_colours[left, :3].mean(0), [1, 0, 0])
    np.testing.assert_allclose(data.face_colours[~left, :3].mean(0), [0, 0, 1])
    assert {(m.metallic, m.roughness) for m in data.materials} == {(0.0, 1.0), (0.7, 0.2)}


def test_without_faces_a_trimesh_fails_alone_and_something_else_is_refused():
    assert "has no faces" in mesh_of_trimesh(trimesh.Scene(), PLAIN, 2).failure
    assert "has no faces" in mesh_of_trimesh(trimesh.PointCloud(np.ones((3, 3))), PLAIN).failure
    with pytest.raises(BadInput, match="trimesh: str is no trimesh mesh or scene"):
        mesh_of_trimesh("x", PLAIN)


# --- ids -------------------------------------------------------------------------------------


def some(count: int) -> list[Came]:
    glb = textured_glb()
    return [Came(Mesh(glb, f"mesh {i}")) for i in range(count)]


@given(st.integers(0, 7))
def test_in_their_order_meshes_are_the_kept_objects(count: int):
    objects = things(count)
    made = meshes_of(some(count), "MESH", objects)
    assert [e.id for e in made.entries] == [o.id for o in objects.kept]
    assert [e.candidates[0].name for e in made.entries] == [f"mesh {i}" for i in range(count)]


def test_without_objects_they_are_counted_from_0():
    assert [e.id for e in meshes_of(some(2), "MESH").entries] == [0, 1]


def test_named_ids_may_leave_objects_out_and_give_one_several_candidates():
    made = meshes_of(some(3), "MESH", things(3), "12, 10, 12")
    assert [(e.id, [m.name for m in e.candidates]) for e in made.entries] == [
        (10, ["mesh 1"]), (11, []), (12, ["mesh 0", "mesh 2"]),
    ]  # fmt: skip
    assert made.entries[1].failure.startswith("thing1 11: no mesh was given")


def test_a_failed_item_is_its_objects_failure():
    made = meshes_of([*some(1), Came(None, "mesh 1 is empty")], "MESH", things(2))
    assert made.entries[1].failure == "thing1 11: mesh 1 is empty"


@pytest.mark.parametrize(
    ("count", "kept", "ids", "message"),
    [
        (1, 3, "", "meshes: 1 came for 3 kept objects .* none is left for thing1 11, thing2 12;"),
        (3, 2, "", "meshes: 3 came for 2 kept objects .*; item 2 .from 0. would be too many"),
        (2, 0, "", "2 came for 0 kept objects .none.; items 0 to 1"),
        (0, 1, "", "0 came for 1 kept objects .thing0 10.; in their order none is left for thing0"),
        (2, 2, "10", "ids: 1 are named for 2 meshes"),
        (2, 2, "10, 5", "ids: no kept object has the id 5; there are: thing0 10, thing1 11"),
        (2, 2, "10, x", "ids: '10, x' cannot be read"),
    ],
)
def test_counts_that_do_not_match_name_the_objects(count, kept, ids, message):
    with pytest.raises(BadInput, match=message):
        joined_ids(count, things(kept), ids, "meshes")


def test_by_the_token_meshes_come_back_to_what_was_sent_and_failures_are_not_kept():
    objects, store = things(3), Store()
    order = hand_out(objects, {10: "a", 12: "c"}, {11: "thing1 11 has no view"}, store)
    made = meshes_of([*some(1), Came(None, "mesh 1 is empty")], "MESH", order=order, store=store)
    assert [(e.id, len(e.candidates), e.failure) for e in made.entries] == [
        (10, 1, ""), (11, 0, "thing1 11 has no view"), (12, 0, "thing2 12: mesh 1 is empty"),
    ]  # fmt: skip
    again = hand_out(objects, {10: "a", 12: "c"}, {11: "no view"}, store, only_new=True)
    assert again.sent == (12,) and again.kept == (10,)
    turned = CameMeshOptions(up="z", unit="m")
    made = meshes_of(some(1), "MESH", order=again, store=store, framed=turned)
    assert [len(e.candidates) for e in made.entries] == [1, 0, 1]
    for entry in made.entries[::2]:  # a kept one follows its options as a new one does
        assert entry.candidates[0].metric
        flat = np.ptp(read_mesh(entry.candidates[0]).vertices, 0)
        np.testing.assert_allclose(flat, [2, 0, 2], atol=1e-6)


def test_a_token_of_pictures_to_be_completed_is_refused():
    order = crops_out(things(1), CropOptions(), Store())
    with pytest.raises(BadInput, match="connect the one of CAST Views to Images"):
        meshes_of(some(1), "MESH", order=order, store=Store())
