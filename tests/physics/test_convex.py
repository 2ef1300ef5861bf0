"""Convex parts: they cover the shape, stay close to it, and there are never many."""

import numpy as np
import pytest
import trimesh
from scipy.spatial import ConvexHull

from cast_nodes.errors import CastError
from cast_nodes.physics.convex import convex_split
from cast_nodes.physics.rigid import rigid_shape


def solid(*boxes):
    """One mesh of boxes given by (size, centre)."""
    made = [trimesh.creation.box(size).apply_translation(centre) for size, centre in boxes]
    joined = trimesh.util.concatenate(made)
    return np.asarray(joined.vertices, np.float64), np.asarray(joined.faces, np.int64)


def table():
    legs = [((0.05, 0.7, 0.05), (x, 0.35, z)) for x in (-0.45, 0.45) for z in (-0.25, 0.25)]
    return solid(((1.0, 0.05, 0.6), (0, 0.725, 0)), *legs)


def shelf():
    sides = [((0.02, 1.0, 0.3), (x, 0.5, 0)) for x in (-0.4, 0.4)]
    boards = [((0.78, 0.02, 0.3), (0, y, 0)) for y in (0.05, 0.35, 0.65, 0.99)]
    return solid(*sides, *boards, ((0.8, 1.0, 0.01), (0, 0.5, -0.155)))


def held_by(parts, points, slack=1e-6):
    """(n,) in some part."""
    found = np.zeros(len(points), bool)
    for vertices, _ in parts:
        planes = ConvexHull(vertices).equations
        found |= (points @ planes[:, :3].T + planes[:, 3] <= slack).all(1)
    return found


@pytest.mark.parametrize("shape", [table, shelf])
def test_the_parts_cover_the_shape_and_leave_free_what_it_leaves_free(shape):
    vertices, faces = shape()
    parts = convex_split(vertices, faces)
    on_surface = np.asarray(trimesh.Trimesh(vertices, faces).sample(3000, seed=1))
    assert held_by(parts, on_surface, 1e-4).mean() > 0.99
    # Between the legs, or on a board: what stands there must not touch a part.
    free = np.array(
        [[0, 0.4, 0], [0.2, 0.2, 0.1]] if shape is table else [[0, 0.2, 0], [0.3, 0.5, 0]]
    )
    assert not held_by(parts, free).any()


def test_a_board_keeps_its_exact_top():
    parts = convex_split(*shelf())
    rests = [v[:, 1].max() for v, _ in parts if 0.33 < v[:, 1].min() < 0.36]
    assert any(abs(top - 0.36) < 2e-3 for top in rests)


def test_what_is_convex_is_one_part():
    ball = trimesh.creation.icosphere(2)
    assert len(convex_split(np.asarray(ball.vertices), np.asarray(ball.faces))) == 1
    assert len(convex_split(*solid(((1, 2, 3), (5, 5, 5))))) == 1


def test_there_are_no_more_parts_than_asked_for():
    rng = np.random.default_rng(0)
    boxes = [(rng.uniform(0.02, 0.1, 3), rng.uniform(-1, 1, 3)) for _ in range(40)]
    assert len(convex_split(*solid(*boxes), most=7)) <= 7


def test_an_open_bowl_stays_open():
    bowl = trimesh.creation.revolve(
        [[0.01, 0.0], [0.5, 0.25], [0.5, 0.5], [0.45, 0.5], [0.45, 0.3], [0.01, 0.05]]
    )
    vertices = np.asarray(bowl.vertices)[:, [0, 2, 1]]
    parts = convex_split(vertices, np.asarray(bowl.faces))
    assert not held_by(parts, np.array([[0.0, 0.4, 0.0]])).any()


def test_parts_do_not_depend_on_place_or_size():
    vertices, faces = table()
    one = convex_split(vertices, faces)
    other = convex_split(vertices * 250 + [3, -7, 11], faces)
    assert len(one) == len(other)
    for (a, _), (b, _) in zip(one, other, strict=True):
        np.testing.assert_allclose(a * 250 + [3, -7, 11], b, atol=1e-3)


def test_a_sheet_becomes_a_thin_slab():
    vertices = np.array([[0, 0, 0], [1, 0, 0], [1, 0, 1], [0, 0, 1.0]])
    (part,) = convex_split(vertices, np.array([[0, 1, 2], [0, 2, 3]]))
    assert 0 < np.ptp(part[0][:, 1]) < 0.01


@pytest.mark.parametrize(
    ("vertices", "faces"),
    [
        (np.zeros((0, 3)), np.zeros((0, 3), int)),
        (np.zeros((3, 3)), np.array([[0, 1, 2]])),
        (np.full((3, 3), np.nan), np.array([[0, 1, 2]])),
    ],
)
def test_what_has_no_extent_is_refused_in_words(vertices, faces):
    with pytest.raises(CastError, match=r"no faces|no extent|two different points"):
        rigid_shape(vertices, faces, 8)


def test_a_rigid_shape_leaves_out_what_is_not_finite():
    vertices, faces = table()
    vertices = np.concatenate([vertices, [[np.nan, 0, 0]]])
    faces = np.concatenate([faces, [[0, 1, len(vertices) - 1]]])
    shape = rigid_shape(vertices, faces, 8)
    assert np.isfinite(shape.corners).all()
    assert shape.size == pytest.approx(np.linalg.norm([1.0, 0.75, 0.6]))
