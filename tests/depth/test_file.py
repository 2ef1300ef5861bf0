from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from cast_nodes.backends import choose
from cast_nodes.context import Context
from cast_nodes.depth import DepthInputs, estimate_geometry
from cast_nodes.depth.camera import RoomCamera, plane_depth
from cast_nodes.errors import BadInput
from cast_nodes.frames import pixel_centres
from cast_nodes.store import Store
from cast_nodes.types import Photo

CAMERA = RoomCamera(64, 48, 60.0, *np.radians([20, 1, 0]), 1.4)
PHOTO = Photo(np.zeros((48, 64, 3), np.uint8))


def floor_and_wall() -> np.ndarray:
    """(48, 64, 3) points of a floor 1.4 below and a wall 3 ahead."""
    rays = CAMERA.rays(pixel_centres(48, 64))
    wall = np.append(-CAMERA.level_axes[2], 3.0)
    depth = np.minimum(plane_depth(rays, CAMERA.floor), plane_depth(rays, wall))
    return (rays * depth[..., None]).astype(np.float32)


POINTS = floor_and_wall()


def read(path, photo=PHOTO, **options):
    choice = choose("depth", "file", path=str(path), **options)
    return estimate_geometry(DepthInputs(photo), choice, Context(store=Store()))


def test_a_run_folders_geometry_comes_back_as_it_was(tmp_path):
    np.savez(
        tmp_path / "geometry.npz", points=POINTS, intrinsics=CAMERA.intrinsics, up=CAMERA.up,
        floor=CAMERA.floor, metric=np.array(True), normals=np.zeros_like(POINTS),
    )  # fmt: skip
    geometry = read(tmp_path / "geometry.npz")
    np.testing.assert_array_equal(geometry.points, POINTS)
    np.testing.assert_allclose(geometry.intrinsics, CAMERA.intrinsics)
    np.testing.assert_allclose(geometry.floor, CAMERA.floor)
    assert geometry.metric and geometry.normals is not None and not geometry.approximate


def test_moges_conventions_are_understood(tmp_path):
    points = POINTS.copy()
    points[:5, :5] = np.inf
    normalised = np.diag([1 / 64, 1 / 48, 1]) @ CAMERA.intrinsics
    np.savez(tmp_path / "moge.npz", points=points, intrinsics=normalised)
    geometry = read(tmp_path / "moge.npz")
    assert np.isnan(geometry.points[:5, :5]).all()
    np.testing.assert_allclose(geometry.intrinsics, CAMERA.intrinsics)
    assert any("turned into pixels" in note for note in geometry.notes)


def test_the_floor_is_found_in_the_points(tmp_path):
    np.savez(tmp_path / "p.npz", points=POINTS, intrinsics=CAMERA.intrinsics)
    geometry = read(tmp_path / "p.npz")
    assert np.degrees(np.arccos(min(1, geometry.up @ CAMERA.up))) < 1
    assert geometry.floor[3] == pytest.approx(1.4, rel=0.02)


@pytest.mark.parametrize("kind", ["png", "tif", "npy", "npz"])
def test_a_depth_image_gives_the_points_it_was_made_from(tmp_path, kind):
    path = tmp_path / f"depth.{kind}"
    depth = POINTS[..., 2]
    if kind == "png":
        Image.fromarray(np.round(depth * 1000).astype(np.uint16)).save(path)
    elif kind == "tif":
        Image.fromarray(depth.astype(np.float32)).save(path)
    elif kind == "npy":
        np.save(path, depth)
    else:
        np.savez(path, depth=depth, intrinsics=CAMERA.intrinsics)
    fov = np.degrees(2 * np.arctan(32 / 60.0))
    geometry = read(path, fov_deg=fov)
    np.testing.assert_allclose(geometry.points, POINTS, atol=2e-3)
    assert geometry.metric == (kind == "png")


def test_a_bare_point_map_has_its_camera_fitted(tmp_path):
    np.save(tmp_path / "points.npy", POINTS)
    geometry = read(tmp_path / "points.npy")
    np.testing.assert_allclose(geometry.intrinsics, CAMERA.intrinsics, rtol=1e-3, atol=0.1)


def test_zero_and_negative_depths_are_invalid_and_the_unit_is_an_option(tmp_path):
    depth = np.full((48, 64), 250, np.uint16)
    depth[0] = 0
    Image.fromarray(depth).save(tmp_path / "d.png")
    geometry = read(tmp_path / "d.png", unit_m=0.01)
    assert np.isnan(geometry.depth[0]).all()
    assert geometry.depth[1:] == pytest.approx(2.5)


def test_inverse_depth_is_turned_round(tmp_path):
    np.save(tmp_path / "d.npy", 1.0 / POINTS[..., 2])
    geometry = read(tmp_path / "d.npy", values="inverse depth")
    ratio = geometry.depth / POINTS[..., 2]
    assert ratio.std() / ratio.mean() < 1e-5
    assert not geometry.metric


def test_another_size_of_the_same_shape_is_resized(tmp_path):
    np.savez(tmp_path / "p.npz", points=POINTS, intrinsics=CAMERA.intrinsics)
    photo = Photo(np.zeros((96, 128, 3), np.uint8))
    geometry = read(tmp_path / "p.npz", photo)
    assert geometry.points.shape == (96, 128, 3)
    np.testing.assert_allclose(geometry.intrinsics[:2], 2 * CAMERA.intrinsics[:2])
    again = geometry.points[..., 0] / geometry.points[..., 2] * 120 + 64
    np.testing.assert_allclose(again, pixel_centres(96, 128)[..., 0], atol=0.01)


def test_a_changed_file_is_read_again(tmp_path):
    path = tmp_path / "d.npy"
    context = Context(store=Store())
    choice = choose("depth", "file", path=str(path))
    np.save(path, np.full((48, 64), 2.0))
    first = estimate_geometry(DepthInputs(PHOTO), choice, context)
    np.save(path, np.full((48, 64), 3.0))
    second = estimate_geometry(DepthInputs(PHOTO), choice, context)
    assert first.depth[0, 0] == 2 and second.depth[0, 0] == 3


def spoil(tmp_path, kind):
    path = tmp_path / {"text": "d.png", "truncated": "d.npz", "exe": "d.exe"}.get(kind, "d.npz")
    if kind == "text":
        path.write_text("not a picture")
    elif kind == "truncated":
        np.savez(path, depth=POINTS[..., 2])
        path.write_bytes(path.read_bytes()[:100])
    elif kind == "exe":
        path.write_bytes(b"MZ")
    elif kind == "other names":
        np.savez(path, colour=POINTS)
    elif kind == "other shape":
        np.savez(path, depth=np.ones((48, 48)))
    elif kind == "nothing valid":
        np.savez(path, depth=np.zeros((48, 64)))
    elif kind == "bad camera":
        np.savez(path, depth=np.ones((48, 64)), intrinsics=np.zeros((3, 3)))
    elif kind == "objects":
        np.savez(path, depth=np.array([{"a": 1}], dtype=object))
    elif kind == "colour":
        path = tmp_path / "c.png"
        noise = np.random.default_rng(0).integers(0, 255, (48, 64, 3))
        Image.fromarray(noise.astype(np.uint8)).save(path)
    return path


@pytest.mark.parametrize(
    "kind",
    ["text", "truncated", "exe", "other names", "other shape", "nothing valid", "bad camera",
     "objects", "colour", "missing"],
)  # fmt: skip
def test_files_that_cannot_be_used_are_named_in_one_sentence(tmp_path, kind):
    path = spoil(tmp_path, kind)
    with pytest.raises(BadInput) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_path_is_said_so():
    with pytest.raises(BadInput, match="path"):
        read("")


def test_exif_focal_length_is_used_where_the_file_has_none(tmp_path):
    np.save(tmp_path / "d.npy", POINTS[..., 2])
    geometry = read(tmp_path / "d.npy", replace(PHOTO, focal_px=77.0))
    assert geometry.intrinsics[0, 0] == pytest.approx(77.0)
