"""``inflate``: a silhouette becomes a closed, textured solid."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from mesh_fixtures import disc, item_of, table_mask

from cast_nodes.backends import choose
from cast_nodes.context import Context
from cast_nodes.errors import ObjectFailure
from cast_nodes.mesh._inflation import prepare_field, solve_height, trace
from cast_nodes.mesh_data import read_mesh
from cast_nodes.raster import rasterize


def inflated(item, **options):
    choice = choose("mesh", "inflate", **options)
    (mesh,) = choice.backend.run(item, choice.options, Context()).candidates
    return mesh


def closed_surface(data) -> trimesh.Trimesh:
    """Without the texture's seams."""
    surface = trimesh.Trimesh(data.vertices, data.faces, process=False)
    surface.merge_vertices(merge_tex=True, merge_norm=True)
    return surface


def front_silhouette(data, shape) -> np.ndarray:
    """(h, w) bool: seen from far in front, scaled to the picture's height of the object."""
    low, high = data.bounds
    rows, columns = shape
    far = 1000.0
    points = data.vertices * [1, -1, -1] + [0, 0, far]
    focal = far * rows / (high[1] - low[1])
    camera = np.array([[focal, 0, columns / 2], [0, focal, rows / 2], [0, 0, 1]])
    return rasterize(points, data.faces, camera, columns, rows).mask


def cut_to_content(mask):
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


@pytest.mark.parametrize(
    "mask", [disc(), table_mask(), disc() & ~disc(80, 14)], ids=["disc", "table", "ring"]
)
def test_it_is_closed_faces_outwards_and_shows_the_silhouette(mask):
    mesh = inflated(item_of(mask))
    data = read_mesh(mesh)
    surface = closed_surface(data)
    assert surface.is_watertight and surface.is_winding_consistent and surface.volume > 0
    wanted = cut_to_content(mask)
    seen = front_silhouette(data, wanted.shape)
    assert (seen & wanted).sum() / (seen | wanted).sum() > 0.9


def test_a_hole_stays_a_hole():
    ring = closed_surface(read_mesh(inflated(item_of(disc() & ~disc(80, 14)))))
    assert ring.euler_number == 0  # a torus
    assert closed_surface(read_mesh(inflated(item_of(disc())))).euler_number == 2


def test_thin_legs_survive_and_stay_thin():
    data = read_mesh(inflated(item_of(table_mask())))
    low, high = data.bounds
    below = data.vertices[:, 1] < low[1] + 0.3 * (high[1] - low[1])
    legs = np.unique(np.round(data.vertices[below, 0] * 10)).size
    assert legs >= 4
    assert np.ptp(data.vertices[below, 2]) < 0.12


def test_the_frame():
    mesh = inflated(item_of(table_mask()))
    low, high = read_mesh(mesh).bounds
    assert high[1] - low[1] == pytest.approx(1)
    assert np.allclose(low + high, 0, atol=1e-6)
    assert mesh.view_aligned and not mesh.metric


def test_pixels_that_are_not_square():
    data = read_mesh(inflated(item_of(disc(), pixel_aspect=2.0)))
    extent = np.ptp(data.bounds, axis=0)
    assert extent[0] / extent[1] == pytest.approx(2, rel=0.05)


def test_the_front_wears_the_photo_the_right_way_up():
    picture = np.zeros((80, 80, 3), np.uint8)
    picture[:40] = [250, 0, 0]
    picture[40:] = [0, 0, 250]
    data = read_mesh(inflated(item_of(disc(), colour=picture)))
    centre = data.triangles.mean(1)
    upper_front = (centre[:, 2] > 0.1) & (centre[:, 1] > 0.1)
    lower_front = (centre[:, 2] > 0.1) & (centre[:, 1] < -0.1)
    assert (data.face_colours[upper_front] @ [1, 0, -1, 0] > 0.8).all()
    assert (data.face_colours[lower_front] @ [-1, 0, 1, 0] > 0.8).all()


def test_the_background_does_not_bleed_in():
    picture = np.full((80, 80, 3), [0, 255, 0], np.uint8)
    picture[disc()] = [200, 50, 50]
    data = read_mesh(inflated(item_of(disc(), colour=picture)))
    assert (data.face_colours[:, 1] < 0.1).all()


def test_thickness_and_faces_do_what_they_say():
    thin, thick = (
        np.ptp(read_mesh(inflated(item_of(disc()), thickness=t)).bounds, axis=0)[2]
        for t in (0.5, 1.0)
    )
    assert thick == pytest.approx(2 * thin, rel=0.01)
    coarse, fine = (len(read_mesh(inflated(item_of(disc()), faces=n)).faces) for n in (2000, 14000))
    assert 1000 < coarse < 4000 < 9000 < fine < 21000


def test_a_single_pixel_is_refused_in_words():
    mask = np.zeros((20, 20), bool)
    mask[10, 10] = True
    try:
        data = read_mesh(inflated(item_of(mask)))
    except ObjectFailure as error:
        assert "too small" in str(error)
    else:
        assert closed_surface(data).is_watertight


def test_a_strips_height_is_a_circle():
    """On a strip of half width R the solution is u = R^2 - x^2: sqrt(u) is a half circle."""
    field = np.zeros((60, 40))
    field[2:-2, 10:31] = 1.0  # the outline runs half a step outside: R = 10.5
    outline = trace(field)
    u = solve_height(field, outline)
    middle = (outline.grid_of[:, 0] == 30) & (outline.grid_of[:, 1] == 20)
    assert np.sqrt(u[middle])[0] == pytest.approx(10.5, rel=0.02)


def test_specks_and_pinholes_are_ignored():
    mask = disc().astype(float)
    mask[3, 3] = 1.0
    mask[40, 40] = 0.0
    field, _ = prepare_field(mask, 1.0, 3000)
    outline = trace(field)
    assert outline.points.min() > 5
    surface = closed_surface(read_mesh(inflated(item_of(mask > 0.5))))
    assert surface.body_count == 1 and surface.euler_number == 2
