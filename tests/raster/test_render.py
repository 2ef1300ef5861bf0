"""Pictures of posed meshes: right place, right colour, right order."""

import io

import numpy as np
import pytest
import trimesh
from PIL import Image

from cast_nodes.frames import Sim3, intrinsics_from_fov, project
from cast_nodes.mesh_data import Material, MeshData, make_glb
from cast_nodes.render import Lighting, camera_looking_at, render, sample_bilinear
from cast_nodes.types import Mesh

WIDTH, HEIGHT = 60, 40
K = intrinsics_from_fov(WIDTH, HEIGHT, np.deg2rad(60))
EVEN = Lighting(sky=1.0, ground=1.0, lamps=())
"""Light of strength 1 from everywhere: colours come out as they are."""
AHEAD = Sim3(np.diag([1.0, -1.0, -1.0]), np.array([0, 0, 2.0]))
"""An object 2 units ahead, upright, its +z towards the camera."""


def card(material, size=1.0, z=0.0, normals=None):
    """A square in the object's xy plane facing +z, its texture upright."""
    corners = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], float) * size / 2
    uv = np.array([[0, 1], [1, 1], [1, 0], [0, 0]], float)
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    return MeshData(
        corners + np.array([0, 0, z]), faces, np.zeros(2, int), (material,), uv, normals
    )


def quarters(alpha=255):
    """Red, green / blue, white in quarters, 8 x 8."""
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[:4, :4], pixels[:4, 4:] = (255, 0, 0, 255), (0, 255, 0, 255)
    pixels[4:, :4], pixels[4:, 4:] = (0, 0, 255, alpha), (255, 255, 255, alpha)
    return pixels


def encoded(pixels):
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def test_a_texture_appears_upright_and_in_its_own_colours():
    picture = render(
        [(card(Material(image=encoded(quarters()))), AHEAD)], K, WIDTH, HEIGHT, lighting=EVEN
    )
    for point, colour in (
        ((-0.25, 0.25, 0), (255, 0, 0)),
        ((0.25, 0.25, 0), (0, 255, 0)),
        ((-0.25, -0.25, 0), (0, 0, 255)),
        ((0.25, -0.25, 0), (255, 255, 255)),
    ):
        x, y = project(AHEAD.apply(np.array(point)), K).astype(int)
        assert picture.rgb[y, x].tolist() == list(colour)
        assert picture.ids[y, x] == 0
        assert picture.depth[y, x] == pytest.approx(2)
    assert picture.ids[0, 0] == -1 and np.isnan(picture.depth[0, 0])


def test_base_colour_is_linear_and_multiplies_vertex_colours():
    data = card(Material(base_colour=(0.5, 0.5, 0.5, 1.0)))
    data = MeshData(
        data.vertices, data.faces, data.face_material, data.materials,
        colours=np.tile([1.0, 0.5, 0.0, 1.0], (4, 1)),
    )  # fmt: skip
    picture = render([(data, AHEAD)], K, WIDTH, HEIGHT, lighting=EVEN)
    red, green, blue = picture.rgb[HEIGHT // 2, WIDTH // 2].tolist()
    assert red == 188  # sRGB of linear 0.5
    assert green == 137  # sRGB of linear 0.25
    assert blue == 0


def test_the_nearer_item_hides_the_farther_one_whatever_the_order():
    near, far = (
        card(Material.coloured((255, 0, 0)), z=0.5),
        card(Material.coloured((0, 0, 255)), size=3),
    )
    for items, front in (([near, far], 0), ([far, near], 1)):
        picture = render([(i, AHEAD) for i in items], K, WIDTH, HEIGHT, lighting=EVEN)
        assert picture.rgb[HEIGHT // 2, WIDTH // 2].tolist() == [255, 0, 0]
        assert picture.ids[HEIGHT // 2, WIDTH // 2] == front
        assert picture.depth[HEIGHT // 2, WIDTH // 2] == pytest.approx(1.5)


def test_a_hole_in_a_masked_texture_shows_what_is_behind():
    front = card(Material(image=encoded(quarters(alpha=0)), alpha_mode="MASK"), z=0.5)
    back = card(Material.coloured((90, 90, 90)), size=4)
    picture = render([(front, AHEAD), (back, AHEAD)], K, WIDTH, HEIGHT, lighting=EVEN)
    x, y = project(AHEAD.apply(np.array([-0.25, -0.25, 0.5])), K).astype(int)
    assert picture.rgb[y, x].tolist() == [90, 90, 90]
    assert picture.ids[y, x] == 1 and picture.depth[y, x] == pytest.approx(2)
    x, y = project(AHEAD.apply(np.array([-0.25, 0.25, 0.5])), K).astype(int)
    assert picture.rgb[y, x].tolist() == [255, 0, 0] and picture.ids[y, x] == 0


def test_thin_glass_tints_but_the_pixel_belongs_to_what_is_behind():
    glass = Material(base_colour=(1.0, 0.0, 0.0, 0.25), alpha_mode="BLEND")
    panes = [card(glass, z=0.5), card(Material.coloured((255, 255, 255)), size=4)]
    picture = render([(p, AHEAD) for p in panes], K, WIDTH, HEIGHT, lighting=EVEN)
    middle = picture.rgb[HEIGHT // 2, WIDTH // 2]
    assert middle[0] == 255 and 200 < middle[1] < 250 and middle[1] == middle[2]
    assert picture.ids[HEIGHT // 2, WIDTH // 2] == 1


def test_an_opaque_material_ignores_the_alpha_of_its_texture():
    data = card(Material(image=encoded(quarters(alpha=0))))
    picture = render([(data, AHEAD)], K, WIDTH, HEIGHT, lighting=EVEN)
    x, y = project(AHEAD.apply(np.array([0.25, -0.25, 0])), K).astype(int)
    assert picture.rgb[y, x].tolist() == [255, 255, 255]


def test_the_background_fills_the_rest():
    ground = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
    np.testing.assert_array_equal(render([], K, WIDTH, HEIGHT, ground).rgb, ground)
    picture = render([(card(Material()), AHEAD)], K, WIDTH, HEIGHT, ground, lighting=EVEN)
    np.testing.assert_array_equal(picture.rgb[0], ground[0])


def test_supersampling_smooths_edges_and_leaves_depth_and_ids_alone():
    tilted = Sim3(
        trimesh.transformations.rotation_matrix(0.3, [0, 0, 1])[:3, :3] @ AHEAD.rotation,
        AHEAD.translation,
    )
    black = [(card(Material.coloured((0, 0, 0))), tilted)]
    hard, soft = (render(black, K, WIDTH, HEIGHT, supersample=s) for s in (1, 3))
    assert len(np.unique(hard.rgb)) == len(np.unique(render([], K, WIDTH, HEIGHT).rgb)) + 1
    assert len(np.unique(soft.rgb)) > 6
    np.testing.assert_array_equal(hard.ids, soft.ids)
    np.testing.assert_allclose(hard.depth, soft.depth, rtol=1e-6)


def test_bands_make_no_seams(monkeypatch):
    ball = trimesh.creation.icosphere(subdivisions=3, radius=0.9)
    data = MeshData(
        ball.vertices,
        ball.faces,
        np.zeros(len(ball.faces), int),
        (Material(),),
        normals=ball.vertex_normals,
    )
    whole = render([(data, AHEAD)], K, WIDTH, HEIGHT)
    monkeypatch.setattr("cast_nodes.render.BAND_PIXELS", 1)
    bands = render([(data, AHEAD)], K, WIDTH, HEIGHT)
    np.testing.assert_array_equal(whole.ids, bands.ids)
    assert np.abs(whole.rgb.astype(int) - bands.rgb).max() <= 1


def test_surfaces_facing_up_are_lighter_and_both_sides_are_lit():
    ball = trimesh.creation.icosphere(subdivisions=3, radius=0.9)
    for faces in (ball.faces, ball.faces[:, ::-1]):
        data = MeshData(
            ball.vertices, faces, np.zeros(len(faces), int), (Material.coloured((128, 128, 128)),)
        )
        picture = render([(data, AHEAD)], K, WIDTH, HEIGHT).rgb.astype(int)
        assert picture[10, WIDTH // 2, 0] > picture[HEIGHT - 10, WIDTH // 2, 0] + 10
        turned = render([(data, AHEAD)], K, WIDTH, HEIGHT, up=np.array([0, 1.0, 0])).rgb.astype(int)
        assert turned[HEIGHT - 10, WIDTH // 2, 0] > picture[HEIGHT - 10, WIDTH // 2, 0]


def test_an_unlit_item_keeps_its_colour():
    items = [(card(Material.coloured((120, 90, 60))), AHEAD)]
    assert render(items, K, WIDTH, HEIGHT, unlit=[0]).rgb[HEIGHT // 2, WIDTH // 2].tolist() == [
        120,
        90,
        60,
    ]


def test_a_mesh_that_is_a_file_is_read():
    mesh = Mesh(make_glb(card(Material.coloured((200, 30, 30)))))
    picture = render([(mesh, AHEAD)], K, WIDTH, HEIGHT, lighting=EVEN)
    assert picture.rgb[HEIGHT // 2, WIDTH // 2].tolist() == [200, 30, 30]


def test_bilinear_sampling_blends_between_texel_centres_and_repeats():
    texture = np.zeros((1, 2, 4), np.uint8)
    texture[..., 3] = 255
    texture[0, 1, 0] = 255
    at = np.array([[0.25, 0.5], [0.75, 0.5], [0.5, 0.5], [1.25, 7.5], [0.0, 0.0]])
    np.testing.assert_allclose(sample_bilinear(texture, at)[:, 0], [0, 1, 0.5, 0, 0.5], atol=1e-6)


def test_a_camera_sees_its_target_in_the_middle_and_up_above_it():
    target = np.array([1.0, 2.0, 3.0])
    camera = camera_looking_at(np.array([4.0, 5.0, -2.0]), target, np.array([0, 1.0, 0]))
    middle, above = project(camera.apply(np.array([target, target + np.array([0, 0.5, 0])])), K)
    np.testing.assert_allclose(middle, [WIDTH / 2, HEIGHT / 2])
    assert above[1] < middle[1] and above[0] == pytest.approx(middle[0])
    straight_down = camera_looking_at(np.array([0, 5.0, 0]), np.zeros(3), np.array([0, 1.0, 0]))
    np.testing.assert_allclose(straight_down.apply(np.zeros(3)), [0, 0, 5], atol=1e-12)


def test_wrong_input_is_refused():
    with pytest.raises(ValueError):
        render([], K, WIDTH, HEIGHT, np.zeros((3, 3, 3), np.uint8))
    with pytest.raises(ValueError):
        render([], K, WIDTH, HEIGHT, supersample=0)
    with pytest.raises(ValueError):
        camera_looking_at(np.zeros(3), np.zeros(3), np.array([0, 1.0, 0]))
