"""Reading a GLB's triangles, and writing one."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mesh_fixtures import CUBE_CORNERS, CUBE_FACES, cube

from cast_nodes import gltf
from cast_nodes.errors import CastError
from cast_nodes.mesh_data import (
    Material,
    MeshData,
    linear_from_srgb,
    make_glb,
    read_glb,
    read_mesh,
    srgb_from_linear,
)
from cast_nodes.types import Mesh


def edited(glb: bytes, change) -> bytes:
    """The GLB with its JSON changed in place by ``change``."""
    document, binary = gltf.split_glb(glb)
    change(document)
    return gltf.join_glb(document, binary)


def triangle_area(data: MeshData) -> float:
    a, b, c = (data.triangles[:, i] for i in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


def volume(data: MeshData) -> float:
    """Signed: positive when the faces look outwards."""
    a, b, c = (data.triangles[:, i] for i in range(3))
    return float((a * np.cross(b, c)).sum() / 6)


@given(
    st.lists(st.tuples(*[st.floats(-50, 50, width=32)] * 3), min_size=3, max_size=20),
    st.randoms(use_true_random=False),
)
@settings(max_examples=40, deadline=None)
def test_what_is_written_is_read_again(points, random):
    vertices = np.array(points)
    faces = np.array([random.sample(range(len(points)), 3) for _ in range(12)])
    data = MeshData(vertices, faces, np.zeros(12, np.int64), (Material(),))
    try:
        glb = make_glb(data)
    except CastError:
        return  # nothing but degenerate faces
    back = read_glb(glb)
    assert np.isfinite(back.vertices).all()
    assert back.faces.max() < len(back.vertices)
    wanted = triangle_area(data)
    assert abs(triangle_area(back) - wanted) <= 1e-3 * wanted + 1e-3


def test_materials_keep_their_faces_colours_and_textures():
    picture = np.zeros((4, 4, 3), np.uint8)
    picture[:, 2:] = [0, 0, 255]
    uv = np.tile([[0.9, 0.5]], (8, 1))
    data = cube(
        materials=(Material.coloured((255, 0, 0), "red"), Material.textured(picture, "picture")),
        uv=uv,
    )
    back = read_glb(make_glb(data))
    assert [m.name for m in back.materials] == ["red", "picture"]
    assert np.bincount(back.face_material).tolist() == [6, 6]
    assert np.allclose(back.face_colours[:6, :3], [1, 0, 0])
    assert np.allclose(back.face_colours[6:, :3], [0, 0, 1])


def test_a_node_tree_is_applied_and_mirrors_stay_outside_out():
    glb = make_glb(cube())

    def nest(document):
        document["nodes"] = [
            {"children": [1], "translation": [10, 0, 0]},
            {"mesh": 0, "scale": [-2, 1, 1]},
        ]

    back = read_glb(edited(glb, nest))
    assert np.allclose(back.bounds, [[8, 0, 0], [10, 1, 1]])
    assert volume(back) == pytest.approx(2)


def test_a_mesh_used_twice_is_there_twice():
    def twice(document):
        document["nodes"] = [{"mesh": 0}, {"mesh": 0, "translation": [3, 0, 0]}]
        document["scenes"] = [{"nodes": [0, 1]}]

    assert len(read_glb(edited(make_glb(cube()), twice)).faces) == 24


def test_a_new_root_moves_everything():
    matrix = np.diag([0.01, 0.01, 0.01, 1.0])
    back = read_glb(gltf.under_new_root(make_glb(cube((100, 50, 20))), matrix))
    assert np.allclose(back.bounds[1], [1, 0.5, 0.2])


def test_bad_vertices_and_faces_are_left_out():
    vertices = np.concatenate([CUBE_CORNERS, [[np.nan, 0, 0], [7, 7, 7]]])
    faces = np.concatenate([CUBE_FACES, [[0, 1, 8], [2, 2, 3], [0, 0, 0], [0, 1, 99]]])
    data = MeshData(vertices, faces, np.zeros(len(faces), np.int64), (Material(),))
    back = read_glb(make_glb(data))
    assert len(back.faces) == 12
    assert back.bounds.max() == 1  # the unused vertex does not count


def test_triangle_strips_are_read():
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]], float)
    flat = MeshData(
        vertices, np.array([[0, 1, 2], [1, 3, 2]]), np.zeros(2, np.int64), (Material(),)
    )

    def as_strip(document):
        primitive = document["meshes"][0]["primitives"][0]
        primitive["mode"] = 5
        del primitive["indices"]

    back = read_glb(edited(make_glb(flat), as_strip))
    a, b, c = (back.triangles[:, i] for i in range(3))
    assert np.allclose(np.cross(b - a, c - a), [0, 0, 1])


def drop_faces(document):
    document["meshes"][0]["primitives"][0]["mode"] = 1


def break_accessor(document):
    document["accessors"][0]["count"] = 10_000


def draco(document):
    document["extensionsRequired"] = ["KHR_draco_mesh_compression"]


def outside_buffer(document):
    document["buffers"][0]["uri"] = "../secret.bin"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (drop_faces, "no faces"),
        (break_accessor, "damaged"),
        (draco, "Draco"),
        (outside_buffer, "another file"),
    ],
)
def test_what_cannot_be_read_is_said_with_the_meshs_name(change, says):
    mesh = Mesh(edited(make_glb(cube()), change), name="my chair")
    with pytest.raises(CastError, match=says) as caught:
        read_mesh(mesh)
    assert "my chair" in str(caught.value)


def test_not_a_glb_and_a_truncated_one():
    glb = make_glb(cube())
    with pytest.raises(CastError, match="not a binary glTF"):
        read_glb(b"hello, world, this is text")
    with pytest.raises(CastError, match="cut short"):
        read_glb(glb[:-40])


@given(st.integers(12, 600), st.integers(0, 255))
@settings(max_examples=60, deadline=None)
def test_any_changed_byte_gives_a_mesh_or_a_cast_error(position, value):
    glb = bytearray(make_glb(cube()))
    glb[position % len(glb)] = value
    try:
        data = read_glb(bytes(glb))
    except CastError:
        return
    assert len(data.faces) and np.isfinite(data.vertices).all()


def test_reading_again_gives_the_same_object():
    mesh = Mesh(make_glb(cube()))
    assert read_mesh(mesh) is read_mesh(Mesh(mesh.glb))


def test_a_broken_texture_leaves_the_base_colour():
    picture = Material.textured(np.full((2, 2, 3), 99, np.uint8), "p")
    glb = make_glb(cube(materials=(picture,), uv=np.zeros((8, 2))))
    at = glb.index(b"\x89PNG")
    data = read_glb(glb[:at] + b"x" * 60 + glb[at + 60 :])
    assert data.materials[0].texture is None
    assert np.allclose(data.face_colours, 1)


def test_the_container_obeys_the_format():
    """Four-byte alignment, true lengths, bounds of positions (glTF 2.0, 3.6 and 4.4)."""
    glb = make_glb(cube(materials=(Material("a"), Material("b"))))
    length, json_length = struct.unpack_from("<I", glb, 8)[0], struct.unpack_from("<I", glb, 12)[0]
    assert length == len(glb) and length % 4 == 0 and json_length % 4 == 0
    document, _ = gltf.split_glb(glb)
    for view in document["bufferViews"]:
        assert view["byteOffset"] % 4 == 0
    for primitive in document["meshes"][0]["primitives"]:
        position = document["accessors"][primitive["attributes"]["POSITION"]]
        assert len(position["min"]) == len(position["max"]) == 3
    assert json.dumps(document, allow_nan=False)


@given(st.floats(0, 1))
def test_srgb_and_linear_are_inverse(value):
    assert linear_from_srgb(srgb_from_linear(np.array(value))) == pytest.approx(value, abs=1e-6)
