"""Scenes stay small: colour textures as JPEG, smaller pictures, fewer triangles, in this order."""

import io

import numpy as np
import pytest
from PIL import Image

from cast_nodes.compose.assemble import Part, scene_glb
from cast_nodes.compose.shrink import with_jpeg_colours, within_budget
from cast_nodes.decimate import decimated, faithful
from cast_nodes.frames import Sim3
from cast_nodes.gltf import join_glb, open_glb, split_glb, view_bytes
from cast_nodes.gltf_check import faults
from cast_nodes.mesh_data import Material, MeshData, make_glb, read_glb
from cast_nodes.simplify import thinned


def wavy_ball(across: int = 60, texture: int = 32, seed: int = 0) -> MeshData:
    """A ball whose texture coordinates jump from 1 to 0 along one meridian."""
    u, v = np.meshgrid(np.linspace(0, 1, across + 1), np.linspace(0.02, 0.98, across // 2 + 1))
    theta, phi = 2 * np.pi * u, np.pi * v
    r = 1 + 0.1 * np.sin(5 * theta) * np.sin(3 * phi)
    points = np.stack(
        [r * np.sin(phi) * np.cos(theta), r * np.cos(phi), r * np.sin(phi) * np.sin(theta)], -1
    )
    i = (np.arange(across // 2)[:, None] * (across + 1) + np.arange(across)).reshape(-1)
    n = across + 1
    faces = np.concatenate([np.stack([i, i + 1, i + n], 1), np.stack([i + 1, i + n + 1, i + n], 1)])
    pixels = np.random.default_rng(seed).integers(0, 255, (texture, texture, 3)).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return MeshData(
        points.reshape(-1, 3), faces, np.zeros(len(faces), int),
        (Material("noise", image=out.getvalue()),), np.stack([u, v], -1).reshape(-1, 2),
    )  # fmt: skip


def kinds(glb: bytes) -> list[str]:
    return [image["mimeType"] for image in split_glb(glb)[0]["images"]]


def test_fifty_textured_objects_fit_into_thirty_megabytes():
    glbs = {i: make_glb(wavy_ball(40, 512, i), f"ball_{i}") for i in range(50)}
    assert sum(map(len, glbs.values())) > 38e6
    small, told = within_budget(glbs, 30_000_000)
    parts = [
        Part(f"ball_{i}", glb, Sim3(np.eye(3), np.array([3.0 * i, 0, 0]), 1.0))
        for i, glb in small.items()
    ]
    scene = scene_glb(
        parts, (), True, Sim3.identity(), np.array([[500.0, 0, 320], [0, 500, 240], [0, 0, 1]]),
        640, 480, (0.1, 500.0),
    )  # fmt: skip
    assert len(scene) < 30e6
    assert faults(scene) == []
    assert set(told) == set(range(50))
    assert all("JPEG" in what and "triangles" not in what for what in told.values())


def test_fifty_objects_with_one_mesh_hold_its_texture_once():
    glb = make_glb(wavy_ball(20, 64), "ball")
    parts = [
        Part(f"ball_{i}", glb, Sim3(np.eye(3), np.array([3.0 * i, 0, 0]), 1.0)) for i in range(50)
    ]
    eye = np.array([[500.0, 0, 320], [0, 500, 240], [0, 0, 1]])
    scene = scene_glb(parts, (), True, Sim3.identity(), eye, 640, 480, (0.1, 500.0))
    document, _ = split_glb(scene)
    assert len(document["images"]) == 1 and len(document["meshes"]) == 1
    assert len(scene) < len(glb) + 20_000


def test_what_is_calculated_with_stays_exact():
    document, binary = split_glb(make_glb(wavy_ball(20, 64)))
    document["materials"][0]["normalTexture"] = {"index": 0}
    both = join_glb(document, binary)
    assert kinds(with_jpeg_colours(both)) == ["image/png"]
    assert kinds(with_jpeg_colours(make_glb(wavy_ball(20, 64)))) == ["image/jpeg"]


def test_a_picture_with_holes_stays_a_png():
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 4)).astype(np.uint8)
    ball = wavy_ball(20)
    glb = make_glb(MeshData(
        ball.vertices, ball.faces, ball.face_material, (Material.textured(pixels),), ball.uv
    ))  # fmt: skip
    assert with_jpeg_colours(glb) == glb


def test_a_picture_that_cannot_be_read_is_left_as_it_is():
    document, binary = split_glb(make_glb(wavy_ball(20, 64)))
    view = document["bufferViews"][document["images"][0]["bufferView"]]
    start = view["byteOffset"]
    broken = binary[:start] + b"\0" * view["byteLength"] + binary[start + view["byteLength"] :]
    glb = join_glb(document, broken)
    small, _ = within_budget({0: glb}, 1000)
    kept = open_glb(small[0])
    assert faults(small[0]) == [] or view_bytes(kept, 0)


@pytest.fixture
def collapse():
    pytest.importorskip("fast_simplification")


def test_collapsing_keeps_the_shape_and_the_texture_where_it_is(collapse):
    ball = wavy_ball(120)
    thin = decimated(ball, 2000)
    assert len(thin.faces) < 2400
    assert faithful(ball, thin)
    assert np.abs(thin.bounds - ball.bounds).max() < 0.03
    assert thin.uv is not None
    # Coordinates are those of the place: angle round the axis, modulo the whole turn at the seam.
    x, _, z = thin.vertices.T
    true = np.mod(np.arctan2(z, x) / (2 * np.pi), 1)
    off = np.abs(np.mod(thin.uv[:, 0] - true + 0.5, 1) - 0.5)
    away = np.hypot(x, z) > 0.3
    assert np.quantile(off[away], 0.99) < 0.02


def test_no_face_reaches_across_the_seam(collapse):
    thin = decimated(wavy_ball(120), 1500)
    assert thin.uv is not None
    middle = thin.vertices[thin.faces].mean(1)
    far = np.hypot(middle[:, 0], middle[:, 2]) > 0.5
    assert np.ptp(thin.uv[thin.faces][far], axis=1)[:, 0].max() < 0.4


def test_materials_stay_on_their_faces(collapse):
    ball = wavy_ball(80)
    upper = (ball.vertices[ball.faces][:, :, 1].mean(1) > 0).astype(int)
    two = MeshData(
        ball.vertices, ball.faces, upper,
        (Material.coloured((255, 0, 0)), Material.coloured((0, 0, 255))), ball.uv,
    )  # fmt: skip
    thin = decimated(two, 1500)
    height = thin.vertices[thin.faces][:, :, 1].mean(1)
    clear = np.abs(height) > 0.15
    assert (thin.face_material[clear] == (height[clear] > 0)).all()


def test_a_part_that_would_be_eaten_is_clustered_instead(collapse, monkeypatch):
    """Hundreds of wires that cannot be thinned, beside a ball that would have to go whole."""
    wires = []
    for i in range(600):
        x = 2 + 0.01 * i
        wires.append([[x, 0, 0], [x + 0.004, 0, 0], [x, 1, 0]])
    ball = wavy_ball(60)
    vertices = np.concatenate([ball.vertices, np.array(wires).reshape(-1, 3)])
    faces = np.concatenate([ball.faces, len(ball.vertices) + np.arange(1800).reshape(-1, 3)])
    both = MeshData(vertices, faces, np.zeros(len(faces), int), (Material(),))
    thin = thinned(both, 700)
    assert not faithful(both, decimated(both, 700))
    assert (thin.vertices[thin.faces].mean(1)[:, 0] < 1.5).sum() > 500  # the ball is there


def test_without_the_package_vertices_are_clustered(monkeypatch):
    monkeypatch.setattr("cast_nodes.simplify.can_decimate", lambda: False)
    ball = wavy_ball(300)
    thin = thinned(ball, 30_000)
    assert len(thin.faces) <= 30_000
    assert faithful(ball, thin)


def test_few_triangles_stay_as_they_are():
    ball = wavy_ball(20)
    assert thinned(ball, 10_000) is ball


def test_very_many_triangles_become_few(collapse):
    ball = wavy_ball(400, 8)
    small, told = within_budget({0: make_glb(ball)}, 400_000)
    assert 200_000 < len(small[0]) <= 400_000
    assert "160000 triangles reduced" in told[0]
    assert faults(small[0]) == []
    assert np.abs(read_glb(small[0]).bounds - ball.bounds).max() < 0.03
