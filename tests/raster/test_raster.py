"""The rasteriser against geometry that can be computed by hand."""

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from cast_nodes.frames import intrinsics_from_fov, pixel_centres, project, unproject
from cast_nodes.raster import rasterize

WIDTH, HEIGHT = 64, 48
K = intrinsics_from_fov(WIDTH, HEIGHT, np.deg2rad(60))
RAYS = unproject(pixel_centres(HEIGHT, WIDTH), np.ones((HEIGHT, WIDTH)), K)

AWAY = np.array([0, 0, 2.5])

finite = st.floats(-3, 3)
corners = st.tuples(finite, finite, finite)


def hit_points(raster, vertices, faces):
    """The surface point of each hit pixel from its barycentrics."""
    return np.einsum(
        "nk,nkd->nd", raster.bary[raster.mask], vertices[faces[raster.face]][raster.mask]
    )


def quad(normal, distance, size=200.0):
    """A big square on the plane normal . p = distance, as two triangles."""
    normal = np.asarray(normal, float) / np.linalg.norm(normal)
    side = np.cross(normal, [0.3, 0.8, 0.52])
    side /= np.linalg.norm(side)
    other = np.cross(normal, side)
    centre = normal * distance
    vertices = centre + size * np.array([-side - other, side - other, side + other, other - side])
    return vertices, np.array([[0, 1, 2], [0, 2, 3]])


@given(
    normal=st.tuples(st.floats(-1, 1), st.floats(-1, 1), st.floats(-1, 1)).filter(
        lambda n: np.linalg.norm(n) > 0.2
    ),
    distance=st.floats(0.2, 8),
)
@settings(max_examples=60, deadline=None)
def test_a_plane_that_reaches_behind_the_camera_has_the_analytic_depth(normal, distance):
    """Near clipping: the square is so large that nearly always corners are behind the camera."""
    vertices, faces = quad(normal, distance)
    raster = rasterize(vertices, faces, K, WIDTH, HEIGHT)
    n = np.asarray(normal) / np.linalg.norm(normal)
    slope = RAYS @ n
    with np.errstate(divide="ignore", invalid="ignore"):
        depth = distance / slope
    inside = (depth > 2e-3) & (depth < 60)
    assert raster.mask[inside].all()
    np.testing.assert_allclose(raster.depth[inside], depth[inside], rtol=2e-4)
    assert not raster.mask[slope < -1e-9].any()


@given(radius=st.floats(0.3, 1.0), x=st.floats(-0.5, 0.5), y=st.floats(-0.5, 0.5))
@settings(max_examples=20, deadline=None)
def test_a_sphere_has_the_analytic_depth_and_outline(radius, x, y):
    ball = trimesh.creation.icosphere(subdivisions=4, radius=radius)
    centre = np.array([x, y, 3.0])
    raster = rasterize(ball.vertices + centre, ball.faces, K, WIDTH, HEIGHT)

    def depth_of(r):
        along = RAYS @ centre / (RAYS**2).sum(-1)
        gap = along**2 - (centre @ centre - r * r) / (RAYS**2).sum(-1)
        return np.where(gap > 0, along - np.sqrt(np.maximum(gap, 0)), np.nan)

    inner = np.isfinite(depth_of(radius * 0.98))
    assert raster.mask[inner].all()
    assert not raster.mask[np.isnan(depth_of(radius * 1.001))].any()
    core = np.isfinite(depth_of(radius * 0.9))
    np.testing.assert_allclose(raster.depth[core], depth_of(radius)[core], atol=0.01 * radius)


@given(st.lists(corners, min_size=3, max_size=12))
@settings(max_examples=100, deadline=None)
def test_barycentrics_give_the_point_that_projects_onto_the_pixel_centre(points):
    vertices = np.array(points) + np.array([0, 0, 1.0])
    faces = np.array(
        [[i, (i + 1) % len(points), (i + 2) % len(points)] for i in range(len(points))]
    )
    raster = rasterize(vertices, faces, K, WIDTH, HEIGHT, near=0.05)
    bary = raster.bary[raster.mask]
    assert (bary >= 0).all()
    np.testing.assert_allclose(bary.sum(1), 1)
    assert np.isnan(raster.depth[~raster.mask]).all()
    assert (raster.depth[raster.mask] > 0.049).all()

    where = hit_points(raster, vertices, faces)
    a, b, c = (vertices[faces[raster.face[raster.mask], i]] for i in range(3))
    normal = np.cross(b - a, c - a)
    towards = np.abs((normal * where).sum(1)) / (
        np.linalg.norm(normal, axis=1) * np.linalg.norm(where, axis=1) + 1e-12
    )
    good = towards > 0.02  # faces seen edge-on are as thin as rounding
    np.testing.assert_allclose(
        project(where[good], K), pixel_centres(HEIGHT, WIDTH)[raster.mask][good], atol=1e-3
    )
    np.testing.assert_allclose(raster.depth[raster.mask][good], where[good, 2], rtol=1e-3)


@given(st.lists(corners, min_size=3, max_size=15), st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_the_order_of_the_faces_does_not_matter(points, random):
    vertices = np.array(points) + np.array([0, 0, 2.0])
    faces = np.array(
        [[i, (i + 1) % len(points), (i + 2) % len(points)] for i in range(len(points))]
    )
    order = np.array(random.sample(range(len(faces)), len(faces)))
    one = rasterize(vertices, faces, K, WIDTH, HEIGHT)
    two = rasterize(vertices, faces[order], K, WIDTH, HEIGHT)
    assert (one.mask == two.mask).all()
    np.testing.assert_allclose(one.depth, two.depth, rtol=2e-3)


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_faces_that_share_edges_leave_no_gap_and_do_not_overlap(seed):
    """A flat, randomly perturbed grid is covered exactly once, even when cut by the near plane."""
    random = np.random.default_rng(seed)
    u, v = np.meshgrid(np.linspace(-2, 2, 9), np.linspace(-2, 2, 9))
    flat = np.stack([u, v], -1)
    flat[1:-1, 1:-1] += random.uniform(-0.1, 0.1, (7, 7, 2))  # too little to fold a face
    tilt = random.uniform(-1.2, 1.2, 2)
    vertices = np.concatenate([flat, 2 + flat @ tilt[:, None]], -1).reshape(-1, 3)
    i = np.arange(64) // 8 * 9 + np.arange(64) % 8
    faces = np.concatenate([np.stack([i, i + 1, i + 10], 1), np.stack([i, i + 10, i + 9], 1)])
    raster = rasterize(vertices, faces, K, WIDTH, HEIGHT, near=0.5)

    layers = np.zeros((HEIGHT, WIDTH), int)
    for face in faces:
        layers += rasterize(vertices, face[None], K, WIDTH, HEIGHT, near=0.5).mask
    assert layers.max() <= 1
    assert ((layers > 0) == raster.mask).all()

    normal = np.array([-tilt[0], -tilt[1], 1.0])
    with np.errstate(divide="ignore"):
        depth = 2 / (RAYS @ normal)
    surface = RAYS * depth[..., None]
    inside = (depth > 0.51) & (np.abs(surface[..., :2]) < 1.99).all(-1)
    assert raster.mask[inside].all()


def test_the_nearer_of_two_intersecting_faces_is_seen_at_each_pixel():
    vertices = np.array([[-2, -2, 2], [2, -2, 4], [2, 2, 4], [-2, 2, 2]], float)
    mirrored = vertices * [-1, 1, 1]
    faces = np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]])
    raster = rasterize(np.concatenate([vertices, mirrored]), faces, K, WIDTH, HEIGHT)
    centre = slice(HEIGHT // 2 - 5, HEIGHT // 2 + 5)
    assert (raster.face[centre, 2 : WIDTH // 2 - 2] < 2).all()
    assert (raster.face[centre, WIDTH // 2 + 2 : -2] >= 2).all()


def test_equal_depth_goes_to_the_face_listed_first():
    vertices = np.array([[-1, -1, 2], [1, -1, 2], [0, 1, 2]], float)
    raster = rasterize(vertices, np.array([[0, 1, 2], [0, 1, 2]]), K, WIDTH, HEIGHT)
    assert set(np.unique(raster.face)) == {-1, 0}


def test_layers_are_peeled_from_front_to_back():
    square, faces = quad((0, 0, 1), 1.0)
    vertices = np.concatenate([square * d for d in (3.0, 1.0, 2.0)])
    faces = np.concatenate([faces + 4 * i for i in range(3)])
    front = rasterize(vertices, faces, K, WIDTH, HEIGHT)
    second = rasterize(vertices, faces, K, WIDTH, HEIGHT, behind=front.depth)
    third = rasterize(vertices, faces, K, WIDTH, HEIGHT, behind=second.depth)
    last = rasterize(vertices, faces, K, WIDTH, HEIGHT, behind=third.depth)
    for layer, depth in ((front, 1), (second, 2), (third, 3)):
        np.testing.assert_allclose(layer.depth, depth, rtol=1e-6)
    assert not last.mask.any()
    assert not rasterize(vertices, faces, K, WIDTH, HEIGHT, behind=last.depth).mask.any()


def test_broken_triangles_are_left_out_and_the_sound_one_is_drawn():
    vertices = np.array(
        [
            [-1, -1, 2],
            [1, -1, 2],
            [0, 1, 2],
            [np.nan, 0, 1],
            [np.inf, 0, 1],
            [0, 0, 1e308],
            [1e300, 0, 1],
        ]
    )
    faces = np.array([[0, 1, 3], [0, 1, 4], [0, 0, 1], [0, 0, 0], [0, 1, 2], [0, 5, 5], [0, 6, 6]])
    raster = rasterize(vertices, faces, K, WIDTH, HEIGHT)
    assert set(np.unique(raster.face)) == {-1, 4}
    np.testing.assert_allclose(raster.depth[raster.mask], 2)


def test_a_face_wholly_behind_the_camera_or_beside_the_picture_is_not_seen():
    vertices = np.array(
        [[-1, -1, -2], [1, -1, -2], [0, 1, -2], [50, 0, 2], [52, 0, 2], [51, 1, 2]], float
    )
    raster = rasterize(vertices, np.array([[0, 1, 2], [3, 4, 5]]), K, WIDTH, HEIGHT)
    assert not raster.mask.any()


def test_no_faces_give_an_empty_picture():
    raster = rasterize(np.zeros((0, 3)), np.zeros((0, 3), int), K, WIDTH, HEIGHT)
    assert raster.depth.shape == (HEIGHT, WIDTH) and np.isnan(raster.depth).all()
    assert (raster.face == -1).all() and not raster.bary.any()


@pytest.mark.parametrize("bound", [1, 50])
def test_working_in_small_pieces_changes_nothing(monkeypatch, bound):
    ball = trimesh.creation.icosphere(subdivisions=2)
    whole = rasterize(ball.vertices + AWAY, ball.faces, K, WIDTH, HEIGHT)
    monkeypatch.setattr("cast_nodes.raster.ROWS_AT_ONCE", bound)
    pieces = rasterize(ball.vertices + AWAY, ball.faces, K, WIDTH, HEIGHT)
    np.testing.assert_array_equal(whole.face, pieces.face)
    np.testing.assert_array_equal(whole.depth, pieces.depth)


@pytest.mark.parametrize(
    ("vertices", "faces", "size"),
    [
        (np.zeros((3, 2)), [[0, 1, 2]], (4, 4)),
        (np.zeros((3, 3)), [[0, 1, 2, 0]], (4, 4)),
        (np.zeros((3, 3)), [[0, 1, 3]], (4, 4)),
        (np.zeros((3, 3)), [[0, 1, -1]], (4, 4)),
        (np.zeros((3, 3)), [[0, 1, 2]], (0, 4)),
    ],
)
def test_wrong_input_is_refused(vertices, faces, size):
    with pytest.raises(ValueError):
        rasterize(vertices, np.array(faces), K, *size)
