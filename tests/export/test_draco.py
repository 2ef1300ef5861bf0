"""Draco compression: the same scene within the quantisation, decoded by Draco itself."""

from __future__ import annotations

import builtins

import numpy as np
import pytest
import trimesh

from cast_nodes.errors import BackendNotReady, CastError
from cast_nodes.export import Wanted, make_exports
from cast_nodes.export.draco import EXTENSION, compressed
from cast_nodes.gltf import open_glb, split_glb, view_bytes
from cast_nodes.mesh_data import Material, MeshData, make_glb, read_glb

from .rooms import default_objects, make_scene, mesh, picture


def ball(colours: bool = False) -> bytes:
    shape = trimesh.creation.icosphere(4, 0.5)
    data = mesh(shape, Material.textured(picture(1), "ball"))
    if colours:
        rgba = np.random.default_rng(0).uniform(0, 1, (len(data.vertices), 4))
        data = MeshData(
            data.vertices, data.faces, data.face_material, data.materials, data.uv, data.normals,
            rgba,
        )  # fmt: skip
    return make_glb(data, "ball")


def decoded(glb: bytes) -> list[dict[str, np.ndarray]]:
    """The attributes and faces of every primitive, each looked up by the id that the GLB names."""
    draco = pytest.importorskip("DracoPy")
    document, binary = split_glb(glb)
    gltf = type(open_glb(make_glb(mesh(trimesh.creation.box(), Material()))))(document, (binary,))
    found = []
    for entry in document["meshes"]:
        for primitive in entry["primitives"]:
            told = primitive["extensions"][EXTENSION]
            made = draco.decode(view_bytes(gltf, told["bufferView"]))
            by_id = {a["unique_id"]: np.asarray(a["data"]) for a in made.attributes}
            arrays = {k: by_id[i] for k, i in told["attributes"].items()}
            counts = {document["accessors"][a]["count"] for a in primitive["attributes"].values()}
            assert counts == {len(arrays["POSITION"])}
            assert document["accessors"][primitive["indices"]]["count"] == np.size(made.faces)
            found.append(arrays | {"faces": np.asarray(made.faces)})
    return found


def area(triangles: np.ndarray) -> float:
    a, b, c = triangles.transpose(1, 0, 2)
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


def test_a_large_mesh_gets_much_smaller_and_stays_the_same():
    pytest.importorskip("DracoPy")
    glb = ball()
    small = compressed(glb)
    assert len(small) < 0.3 * len(glb)
    (made,), truth = decoded(small), read_glb(glb)
    assert len(made["faces"]) == len(truth.faces)
    corners = made["POSITION"][made["faces"]].reshape(-1, 3)
    for some, all_of_them in ((corners[::70], truth.vertices), (truth.vertices[::20], corners)):
        nearest = np.linalg.norm(some[:, None] - all_of_them[None], axis=-1).min(1)
        assert nearest.max() < 1e-4
    assert area(corners.reshape(-1, 3, 3)) == pytest.approx(area(truth.triangles), rel=1e-3)
    centres = corners.reshape(-1, 3, 3).mean(1)
    facing = made["NORMAL"][made["faces"]].mean(1)
    assert ((centres * facing).sum(1) > 0).all()


def test_vertex_colours_travel_as_they_are():
    pytest.importorskip("DracoPy")
    (made,), truth = decoded(compressed(ball(colours=True))), read_glb(ball(colours=True))
    assert set(made) == {"POSITION", "NORMAL", "TEXCOORD_0", "COLOR_0", "faces"}
    order = np.linalg.norm(made["POSITION"][:, None] - truth.vertices[None], axis=-1).argmin(1)
    assert np.allclose(made["COLOR_0"], truth.colours[order], atol=1e-6)


def test_a_scene_keeps_its_nodes_pictures_and_camera():
    pytest.importorskip("DracoPy")
    scene = make_scene()
    before, _ = split_glb(scene.glb)
    after, binary = split_glb(
        make_exports(scene, Wanted(draco=True)).files["export/scene.draco.glb"]
    )
    assert after["extensionsRequired"] == [EXTENSION]
    assert [n["name"] for n in after["nodes"]] == [n["name"] for n in before["nodes"]]
    assert after["cameras"] == before["cameras"]
    assert len(after["images"]) == len(before["images"]) == 2
    for image in after["images"]:
        view = after["bufferViews"][image["bufferView"]]
        assert binary[view["byteOffset"] :].startswith(b"\x89PNG")
    positions = [p["POSITION"] for p in decoded(compressed(scene.glb))]
    for (_, glb, _, _), made in zip(default_objects(), positions, strict=False):
        bounds = read_glb(glb).bounds
        assert np.allclose([made.min(0), made.max(0)], bounds, atol=1e-4 * np.ptp(bounds))


def test_our_own_reader_says_that_it_cannot_read_it():
    pytest.importorskip("DracoPy")
    with pytest.raises(CastError, match="compressed with Draco"):
        open_glb(compressed(ball()))


def test_without_dracopy_the_install_line_is_named(monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **more):
        if name == "DracoPy":
            raise ImportError("No module named 'DracoPy'")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(BackendNotReady, match="pip install DracoPy"):
        compressed(ball())
