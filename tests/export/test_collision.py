"""Collision shapes: convex, closed, few corners, around what they stand for."""

from __future__ import annotations

import builtins

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from cast_nodes.errors import BackendNotReady, CastError
from cast_nodes.export import Wanted, make_exports
from cast_nodes.export.collision import collision_scene_glb, collision_shapes
from cast_nodes.mesh_data import Material, make_glb, read_glb
from cast_nodes.physics.hulls import MAX_VERTICES, THINNEST, convex_hull

from .rooms import make_scene, mesh, turned


def solid(vertices: np.ndarray, faces: np.ndarray) -> trimesh.Trimesh:
    return trimesh.Trimesh(vertices, faces, process=False)


def two_blocks() -> trimesh.Trimesh:
    """An L: as far from convex as furniture gets."""
    upright = trimesh.creation.box((0.3, 1.0, 0.3))
    foot = trimesh.creation.box((1.0, 0.3, 0.3))
    foot.apply_translation((0.35, -0.35, 0))
    return trimesh.util.concatenate([upright, foot])


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.integers(4, 400))
def test_a_hull_is_closed_convex_turned_outwards_and_small(seed, count):
    points = np.random.default_rng(seed).normal(size=(count, 3)) * [1, 2, 0.2] + [5, 0, -3]
    vertices, faces = convex_hull(points)
    hull = solid(vertices, faces)
    assert hull.is_watertight and hull.is_winding_consistent and hull.volume > 0
    assert len(vertices) <= MAX_VERTICES
    normals, corner = hull.face_normals, hull.triangles[:, 0]
    above = ((vertices[None] - corner[:, None]) * normals[:, None]).sum(-1)
    assert above.max() < 1e-6


def test_few_points_lie_inside_their_hull_to_the_last_one():
    points = np.random.default_rng(0).uniform(-1, 1, (40, 3))
    hull = solid(*convex_hull(points))
    normals, corner = hull.face_normals, hull.triangles[:, 0]
    assert ((points[None] - corner[:, None]) * normals[:, None]).sum(-1).max() < 1e-9


def test_a_reduced_hull_of_a_ball_keeps_its_size():
    ball = trimesh.creation.icosphere(4, 0.5)
    vertices, _ = convex_hull(np.asarray(ball.vertices))
    assert np.ptp(vertices, axis=0) == pytest.approx([1, 1, 1], abs=0.01)


@pytest.mark.parametrize("extent", [(2, 0, 1), (0, 3, 0), (1, 1, 1e-9)])
def test_what_is_flat_gets_a_thickness(extent):
    points = np.random.default_rng(1).uniform(-0.5, 0.5, (50, 3)) * extent
    vertices, faces = convex_hull(points)
    size = np.ptp(vertices, axis=0)
    assert solid(vertices, faces).is_watertight
    assert size.min() >= 0.5 * THINNEST * size.max()
    assert size.max() <= 1.02 * np.ptp(points, axis=0).max()


def test_a_point_has_no_hull():
    with pytest.raises(CastError, match="two different points"):
        convex_hull(np.zeros((5, 3)))


def test_collision_meshes_stand_where_the_objects_stand():
    scene = make_scene()
    shapes, notes = collision_shapes(scene, "hull")
    assert not notes
    glb = collision_scene_glb(scene, shapes)
    low, high = read_glb(glb).bounds
    whole = np.concatenate(
        [
            shapes[i.id][0].vertices @ i.world_from_object[:3, :3].T + i.world_from_object[:3, 3]
            for i in scene.objects
        ]
    )
    assert np.allclose([low, high], [whole.min(0), whole.max(0)], atol=1e-6)


def test_an_object_without_faces_is_told_and_does_not_stop_the_rest():
    scene = make_scene()
    del scene.gltf.document["nodes"][scene.objects[0].root]["children"]
    shapes, notes = collision_shapes(scene, "hull")
    assert set(shapes) == {1, 2}
    assert notes == ["coffee_table_0 has no collision shape: coffee_table_0 has no faces."]


def test_convex_parts_fill_what_a_hull_fills_too_much():
    pytest.importorskip("coacd")
    glb = make_glb(mesh(two_blocks(), Material.coloured((90, 90, 90))))
    scene = make_scene([("shelf", glb, turned(0, (0, 1, -3), 1.0), "floor")])
    shapes, notes = collision_shapes(scene, "parts")
    assert not notes and len(shapes[0]) >= 2
    volume = sum(solid(s.vertices, s.faces).volume for s in shapes[0])
    hull = solid(*convex_hull(np.asarray(two_blocks().vertices))).volume
    truth = 0.3 * 1.0 * 0.3 + 0.7 * 0.3 * 0.3
    assert volume == pytest.approx(truth, rel=0.15)
    assert hull > 1.4 * truth


def test_convex_parts_without_coacd_name_the_install_line(monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **more):
        if name == "coacd":
            raise ImportError("No module named 'coacd'")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(BackendNotReady, match="pip install coacd"):
        make_exports(make_scene(), Wanted(collision="parts"))
