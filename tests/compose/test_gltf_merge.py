"""Merging GLBs loses nothing, shares what is equal and gives files that viewers accept."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
import trimesh

from cast_nodes.errors import CastError
from cast_nodes.gltf import join_glb, open_glb, read_accessor, split_glb, view_bytes
from cast_nodes.gltf_check import faults
from cast_nodes.gltf_merge import GlbBuilder
from cast_nodes.mesh_data import Material, MeshData, make_glb, read_glb


def quad(texture: bytes | None = None, shift: float = 0.0) -> MeshData:
    vertices = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0.0]]) + shift
    uv = np.array([[0, 1], [1, 1], [1, 0], [0, 0.0]])
    material = Material("m", image=texture) if texture else Material.coloured((9, 99, 199))
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    return MeshData(
        vertices, faces, np.zeros(2, int), (material,), uv, np.tile([0, 0, 1.0], (4, 1))
    )


def checker(seed: int = 0) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (8, 8, 3)).astype(np.uint8)
    image = Material.textured(pixels).image
    assert image is not None
    return image


def merged(*glbs: bytes) -> bytes:
    builder = GlbBuilder()
    roots = [
        builder.add_node(f"o{i}", builder.add_glb(glb), translation=[i, 0, 0])
        for i, glb in enumerate(glbs)
    ]
    return builder.build(roots)


def contents(glb: bytes) -> set[str]:
    gltf = open_glb(glb)
    count = len(gltf.document.get("bufferViews", []))
    return {hashlib.sha256(view_bytes(gltf, i)).hexdigest() for i in range(count)}


def test_every_byte_of_every_part_is_in_the_whole():
    parts = [make_glb(quad(checker(i), shift=i)) for i in range(3)]
    whole = merged(*parts)
    assert faults(whole) == []
    assert set().union(*map(contents, parts)) == contents(whole)
    moved = read_glb(whole)
    assert len(moved.faces) == 6
    np.testing.assert_allclose(moved.bounds, [[0, 0, 0], [5, 3, 2]])


def test_equal_meshes_and_textures_are_stored_once():
    same = make_glb(quad(checker()))
    other = make_glb(quad(checker(), shift=1.0))
    document, _ = split_glb(merged(same, same, other))
    assert len(document["images"]) == len(document["textures"]) == 1
    assert len(document["materials"]) == 1
    assert len(document["meshes"]) == 2
    assert [n.get("mesh") for n in document["nodes"] if "mesh" in n] == [0, 0, 1]


def test_materials_and_extensions_keep_their_textures():
    glb = make_glb(quad(checker(1)))
    document, binary = split_glb(glb)
    material = document["materials"][0]
    material["normalTexture"] = {"index": 0, "scale": 0.5}
    material["extensions"] = {
        "KHR_materials_clearcoat": {"clearcoatFactor": 1, "clearcoatTexture": {"index": 0}},
        "VENDOR_unknown": {"index": 99},
    }
    document["extensionsUsed"] = ["KHR_materials_clearcoat", "VENDOR_unknown"]
    changed = join_glb(document, binary)
    whole, _ = split_glb(merged(make_glb(quad(checker(0))), changed))
    new = whole["materials"][1]
    coat = new["extensions"]["KHR_materials_clearcoat"]
    assert new["normalTexture"] == {"index": 1, "scale": 0.5}
    assert new["pbrMetallicRoughness"]["baseColorTexture"]["index"] == 1
    assert coat == {"clearcoatFactor": 1, "clearcoatTexture": {"index": 1}}
    assert list(new["extensions"]) == ["KHR_materials_clearcoat"]
    assert whole["extensionsUsed"] == ["KHR_materials_clearcoat"]


def test_skins_and_animations_follow_their_nodes():
    document, binary = split_glb(make_glb(quad()))
    times = np.array([0, 1], "<f4").tobytes()
    moves = np.zeros((2, 3), "<f4").tobytes()
    at = len(binary)
    document["bufferViews"] += [
        {"buffer": 0, "byteOffset": at, "byteLength": 8},
        {"buffer": 0, "byteOffset": at + 8, "byteLength": 24},
    ]
    views, accessors = len(document["bufferViews"]), len(document["accessors"])
    document["accessors"] += [
        {"bufferView": views - 2, "componentType": 5126, "count": 2, "type": "SCALAR",
         "min": [0], "max": [1]},
        {"bufferView": views - 1, "componentType": 5126, "count": 2, "type": "VEC3"},
    ]  # fmt: skip
    document["buffers"][0]["byteLength"] += 32
    document["nodes"] += [{"name": "joint"}]
    document["scenes"][0]["nodes"] = [0, 1]
    document["nodes"][0]["skin"] = 0
    document["skins"] = [{"joints": [1]}]
    document["animations"] = [
        {
            "channels": [{"sampler": 0, "target": {"node": 1, "path": "translation"}}],
            "samplers": [{"input": accessors, "output": accessors + 1}],
        }
    ]
    moving = join_glb(document, binary + times + moves)
    whole = open_glb(merged(make_glb(quad(shift=3.0)), moving, moving))
    assert faults(join_glb(whole.document, whole.buffers[0])) == []
    nodes = whole.document["nodes"]
    assert len(whole.document["skins"]) == len(whole.document["animations"]) == 2
    for skin, animation in zip(whole.document["skins"], whole.document["animations"], strict=True):
        assert nodes[skin["joints"][0]]["name"] == "joint"
        assert animation["channels"][0]["target"]["node"] == skin["joints"][0]
        reached = animation["samplers"][0]["input"]
        np.testing.assert_allclose(read_accessor(whole, reached).ravel(), [0, 1])


def test_only_the_default_scene_comes_along():
    document, binary = split_glb(make_glb(quad()))
    document["nodes"].append({"name": "elsewhere", "mesh": 0})
    document["scenes"].append({"nodes": [1]})
    whole, _ = split_glb(merged(join_glb(document, binary)))
    assert "elsewhere" not in [n["name"] for n in whole["nodes"]]


def test_a_trimesh_scene_reads_the_same_before_and_after():
    scene = trimesh.Scene()
    scene.add_geometry(trimesh.creation.box((1, 2, 3)), node_name="a")
    scene.add_geometry(
        trimesh.creation.icosphere(subdivisions=1), node_name="b",
        transform=trimesh.transformations.translation_matrix([2, 0, 0]),
    )  # fmt: skip
    glb = scene.export(file_type="glb")
    before, after = read_glb(glb), read_glb(merged(glb))
    np.testing.assert_array_equal(before.faces, after.faces)
    np.testing.assert_allclose(before.vertices, after.vertices)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda d: d["nodes"][0].update(mesh=7), "damaged"),
        (lambda d: d["nodes"][0].update(children=[0]), "two parents"),
        (lambda d: d.update(extensionsRequired=["VENDOR_secret"]), "VENDOR_secret"),
        (lambda d: d["bufferViews"][0].update(byteLength=1 << 30), "damaged"),
    ],
)
def test_damage_is_named(damage, said):
    document, binary = split_glb(make_glb(quad()))
    damage(document)
    with pytest.raises(CastError, match=said):
        merged(join_glb(document, binary))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda d: d["meshes"][0]["primitives"][0].update(material=5), "materials"),
        (lambda d: d["accessors"][0].update(max=[9, 9, 9]), "wrong bounds"),
        (lambda d: d["accessors"][0].pop("min"), "bounds"),
        (lambda d: d["bufferViews"][0].update(byteOffset=2), "aligned"),
        (lambda d: d["nodes"][0].update(rotation=[0, 0, 0, 2]), "quaternion"),
    ],
)
def test_faults_are_found(damage, said):
    document, binary = split_glb(make_glb(quad()))
    assert faults(join_glb(document, binary)) == []
    damage(document)
    assert said in " ".join(faults(join_glb(document, binary)))


def test_the_document_is_plain_json():
    document, _ = split_glb(merged(make_glb(quad())))
    assert json.loads(json.dumps(document)) == document
