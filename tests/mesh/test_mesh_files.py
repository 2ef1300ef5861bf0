"""The user's model files."""

from __future__ import annotations

import io
import json
import os

import numpy as np
import pytest
from mesh_fixtures import MTL, OBJ, cube
from PIL import Image

from cast_nodes import gltf
from cast_nodes.errors import CastError
from cast_nodes.mesh_data import make_glb, read_mesh
from cast_nodes.mesh_files import inner_path, load_mesh_file


def blue_png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (4, 4), (0, 0, 255)).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def obj(tmp_path):
    (tmp_path / "box.obj").write_text(OBJ)
    (tmp_path / "box.mtl").write_text(MTL)
    (tmp_path / "wood.png").write_bytes(blue_png())
    return tmp_path / "box.obj"


def test_an_obj_brings_its_materials_and_textures(obj):
    data = read_mesh(load_mesh_file(obj))
    assert len(data.faces) == 12
    colours = np.unique(data.face_colours[:, :3].round(3), axis=0).tolist()
    assert colours == [[0, 0, 1], [1, 0, 0]]


def test_an_obj_without_its_mtl_is_grey(obj):
    (obj.parent / "box.mtl").unlink()
    data = read_mesh(load_mesh_file(obj))
    assert len(data.faces) == 12


def test_units_and_axes(tmp_path):
    import trimesh

    path = tmp_path / "part.stl"
    trimesh.creation.box((10, 20, 30)).export(path)
    mesh = load_mesh_file(path, unit="mm", up="z")
    assert mesh.metric
    assert np.allclose(np.ptp(read_mesh(mesh).bounds, axis=0), [0.01, 0.03, 0.02])
    assert not load_mesh_file(path, unit="unknown").metric


def test_a_plys_vertex_colours_come_along(tmp_path):
    import trimesh

    box = trimesh.creation.box((1, 1, 1))
    box.visual.vertex_colors = [0, 255, 0, 255]
    box.export(tmp_path / "green.ply")
    data = read_mesh(load_mesh_file(tmp_path / "green.ply"))
    assert np.allclose(data.face_colours[:, :3], [0, 1, 0])


def test_a_glb_keeps_its_bytes(tmp_path):
    glb = make_glb(cube())
    (tmp_path / "a.glb").write_bytes(glb)
    assert load_mesh_file(tmp_path / "a.glb").glb == glb
    scaled = load_mesh_file(tmp_path / "a.glb", unit="cm")
    assert read_mesh(scaled).bounds[1].tolist() == pytest.approx([0.01] * 3)


def test_a_gltf_is_packed_with_its_files(tmp_path):
    document, binary = gltf.split_glb(make_glb(cube()))
    document["buffers"][0]["uri"] = "data.bin"
    (tmp_path / "a.gltf").write_text(json.dumps(document))
    with pytest.raises(CastError, match=r"a\.gltf needs 'data\.bin'"):
        load_mesh_file(tmp_path / "a.gltf")
    (tmp_path / "data.bin").write_bytes(binary)
    assert len(read_mesh(load_mesh_file(tmp_path / "a.gltf")).faces) == 12


def test_nothing_outside_the_models_folder_is_read(tmp_path):
    (tmp_path / "secret.bin").write_bytes(b"x" * 400)
    inside = tmp_path / "models"
    inside.mkdir()
    document, _ = gltf.split_glb(make_glb(cube()))
    document["buffers"][0]["uri"] = "../secret.bin"
    (inside / "a.gltf").write_text(json.dumps(document))
    with pytest.raises(CastError, match="outside"):
        load_mesh_file(inside / "a.gltf")


@pytest.mark.parametrize("name", ["../a", "/etc/passwd", "C:\\a.png", "a/../../b", "", "..\\a"])
def test_names_that_leave_the_folder(name):
    assert inner_path(name) is None


@pytest.mark.parametrize("name", ["a.glb", "a.gltf", "a.obj", "a.ply", "a.stl", "a.fbx"])
def test_a_file_that_is_not_what_it_says(tmp_path, name):
    (tmp_path / name).write_text("this is a shopping list: milk, eggs")
    with pytest.raises(CastError, match=name):
        load_mesh_file(tmp_path / name)


def test_missing_empty_and_huge_files(tmp_path):
    with pytest.raises(CastError, match="no_such"):
        load_mesh_file(tmp_path / "no_such.glb")
    (tmp_path / "empty.glb").touch()
    with pytest.raises(CastError, match="empty"):
        load_mesh_file(tmp_path / "empty.glb")
    with (tmp_path / "huge.glb").open("wb") as file:
        os.truncate(file.fileno(), 200 << 20)  # sparse: takes no room
    with pytest.raises(CastError, match=r"huge\.glb has 200 MB"):
        load_mesh_file(tmp_path / "huge.glb")
