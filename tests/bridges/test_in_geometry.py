"""Point maps and depth of other nodes become CAST_GEOMETRY, as a depth backend would make it."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from cast_nodes.backends import choose
from cast_nodes.bridges.camera import load3d_camera, typed_intrinsics
from cast_nodes.bridges.from_da3 import Da3Options, geometry_from_da3
from cast_nodes.bridges.from_depth_image import (
    DepthImageOptions,
    depth_of,
    geometry_from_depth_image,
)
from cast_nodes.bridges.from_moge import MogeOptions, geometry_from_moge
from cast_nodes.context import Context
from cast_nodes.depth import DepthInputs, estimate_geometry
from cast_nodes.depth.camera import RoomCamera, plane_depth
from cast_nodes.errors import BadInput
from cast_nodes.frames import pixel_centres, project, world_from_camera
from cast_nodes.store import Store
from cast_nodes.types import Geometry, Photo

H, W = 48, 64
CAMERA = RoomCamera(W, H, 60.0, np.radians(20), np.radians(1), 0.0, 1.4)
WALL = np.append(-CAMERA.level_axes[2], 3.0)
FOV = float(np.degrees(2 * np.arctan(0.5 * W / CAMERA.focal_px)))


def room_depth(camera: RoomCamera = CAMERA) -> np.ndarray:
    """Depth of a floor 1.4 below and a wall 3 ahead."""
    rays = camera.rays(pixel_centres(camera.height, camera.width))
    return np.minimum(plane_depth(rays, camera.floor), plane_depth(rays, WALL))


DEPTH = room_depth()
POINTS = CAMERA.rays(pixel_centres(H, W)) * DEPTH[..., None]
NORMALISED = np.diag([1 / W, 1 / H, 1]) @ CAMERA.intrinsics
SKY = np.s_[:6, :10]


def moge(**changes) -> dict:
    """A packet as core's MoGe inference makes it, with masked sky."""
    points, mask = POINTS.copy(), np.ones((H, W), bool)
    points[SKY], mask[SKY] = np.inf, False
    normal = np.where(POINTS[..., 2:] < 2.9, CAMERA.up, WALL[:3])
    packet = {
        "points": points, "depth": points[..., 2], "intrinsics": NORMALISED, "mask": mask,
        "normal": np.where(mask[..., None], normal, 0), "image": np.zeros((H, W, 3)),
    }  # fmt: skip
    packet = {k: torch.from_numpy(np.asarray(v)[None].copy()) for k, v in packet.items()}
    packet = {k: v.float() if v.is_floating_point() else v for k, v in packet.items()} | changes
    return {k: v for k, v in packet.items() if v is not None}


def from_moge(height: int = H, width: int = W, **changes) -> Geometry:
    return geometry_from_moge(moge(**changes), height, width, MogeOptions())


def same(a: Geometry, b: Geometry) -> None:
    np.testing.assert_allclose(a.points, b.points, rtol=1e-5)
    np.testing.assert_allclose(a.intrinsics, b.intrinsics, rtol=1e-6)
    assert a.floor is not None and b.floor is not None and a.up is not None and b.up is not None
    np.testing.assert_allclose(a.floor, b.floor, atol=1e-5)
    np.testing.assert_allclose(a.up, b.up, atol=1e-5)
    if a.normals is not None and b.normals is not None:
        np.testing.assert_allclose(a.normals, b.normals, atol=1e-5)


# --- MoGe ------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(H, W), (96, 128), (30, 40)])
def test_moges_packet_and_its_file_make_the_same_geometry(tmp_path, size):
    packet = {k: v[0].numpy() for k, v in moge().items()}
    np.savez(tmp_path / "moge.npz", **packet)
    choice = choose("depth", "file", path=str(tmp_path / "moge.npz"))
    photo = Photo(np.zeros((*size, 3), np.uint8))
    read = estimate_geometry(DepthInputs(photo), choice, Context(store=Store()))
    same(from_moge(*size), read)


def test_moges_points_keep_their_place_its_sky_becomes_nan_and_the_floor_is_found():
    geometry = from_moge()
    assert np.isnan(geometry.points[SKY]).all()
    assert np.isfinite(geometry.points).all(-1).sum() == H * W - 60
    kept = np.isfinite(geometry.points)
    np.testing.assert_allclose(geometry.points[kept], POINTS[kept], rtol=1e-6)
    np.testing.assert_allclose(geometry.intrinsics, CAMERA.intrinsics, rtol=1e-6)
    assert geometry.floor is not None and geometry.metric and not geometry.approximate
    np.testing.assert_allclose(geometry.floor, CAMERA.floor, atol=0.01)
    assert geometry.normals is not None
    assert np.isnan(geometry.normals[SKY]).all()
    assert (np.nansum(geometry.normals * geometry.points, -1) <= 0).all()


def test_the_mask_counts_where_the_points_were_not_masked():
    mask = torch.ones(1, H, W, dtype=torch.bool)
    mask[0, 20:30, 20:30] = False
    points = torch.from_numpy(POINTS[None]).float()
    assert np.isnan(from_moge(points=points, mask=mask).points[20:30, 20:30]).all()


def test_without_points_the_depth_is_unprojected_and_without_normals_it_is_not_metric():
    geometry = from_moge(points=None, normal=None)
    kept = np.isfinite(geometry.points)
    np.testing.assert_allclose(geometry.points[kept], POINTS[kept], rtol=1e-5)
    assert not geometry.metric and geometry.normals is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"intrinsics": None}, "it has no intrinsics, as of a panorama"),
        ({"points": None, "depth": None}, "it holds neither points nor depth"),
        ({"points": torch.zeros(2, H, W, 3)}, "it holds 2 pictures, and a scene has one photo"),
        ({"points": torch.zeros(0, H, W, 3)}, "it holds 0 pictures"),
        ({"points": torch.full((1, H, W, 3), torch.inf)}, "holds no valid depth"),
        ({"intrinsics": torch.zeros(1, 3, 3)}, "no .3, 3. camera matrix with a positive focal"),
    ],
)
def test_a_moge_packet_that_cannot_be_used_is_named(changes, message):
    with pytest.raises(BadInput, match=f"^moge_geometry:? .*{message}"):
        from_moge(**changes)


def test_another_picture_than_moges_is_refused():
    with pytest.raises(BadInput, match="moge_geometry is 64x48, which is not the shape"):
        from_moge(64, 64)


# --- Depth Anything 3 ------------------------------------------------------------------------


def da3(views: int = 1, **changes) -> dict:
    packet = {
        "depth": torch.from_numpy(np.stack([DEPTH * (1 + i) for i in range(views)])).float(),
        "image": torch.zeros(views, H, W, 3), "mode": "mono",
    }  # fmt: skip
    return {k: v for k, v in (packet | changes).items() if v is not None}


def multiview(matrix: np.ndarray, views: int = 2, **changes) -> dict:
    matrices = torch.from_numpy(np.stack([matrix] * views)[None]).float()
    extrinsics = torch.eye(4)[None, None, :3].repeat(1, views, 1, 1)
    more = {"mode": "multiview", "intrinsics": matrices, "extrinsics": extrinsics}
    return da3(views, **(more | changes))


def from_da3(packet: dict, height: int = H, width: int = W, **options) -> Geometry:
    return geometry_from_da3(packet, height, width, Da3Options(**options))


def test_mono_depth_needs_an_angle_of_view():
    geometry = from_da3(da3(), fov_deg=FOV)
    np.testing.assert_allclose(geometry.points, POINTS, rtol=1e-5)
    assert not geometry.metric and "angle of view is the given" in geometry.notes[0]
    assert geometry.floor is not None
    np.testing.assert_allclose(geometry.floor, CAMERA.floor, atol=0.01)


def test_sky_and_what_the_network_is_least_sure_of_are_left_out():
    sky, confidence = torch.zeros(1, H, W), torch.ones(1, H, W)
    sky[(0, *SKY)] = 0.9
    confidence[0, 40:, 50:] = 0.0
    geometry = from_da3(da3(sky=sky, confidence=confidence))
    assert np.isnan(geometry.points[SKY]).all() and np.isnan(geometry.points[40:, 50:]).all()
    assert np.isfinite(geometry.depth).sum() == H * W - 60 - 8 * 14
    assert np.isfinite(from_da3(da3(confidence=confidence), confidence=0).depth).all()


@pytest.mark.parametrize("resolution", [504, 252])
@pytest.mark.parametrize("centred", [True, False])
def test_the_networks_camera_is_brought_to_the_depths_pixels(resolution: int, centred: bool):
    seen = np.array([round(s * resolution / W / 14) * 14 for s in (W, H)])
    matrix = np.diag([seen[0] / W, seen[1] / H, 1.0]) @ CAMERA.intrinsics
    expected = CAMERA.intrinsics.copy()
    if not centred:
        matrix[0, 2] += 0.37
        expected[0, 2] += 0.37 * W / seen[0]
    geometry = from_da3(multiview(matrix), resolution=resolution)
    np.testing.assert_allclose(geometry.intrinsics, expected, rtol=1e-5)


def test_the_photo_is_one_of_the_views():
    np.testing.assert_allclose(
        from_da3(multiview(CAMERA.intrinsics), view=1).depth, 2 * DEPTH, rtol=1e-5
    )


def test_cores_identity_means_that_no_camera_is_known():
    geometry = from_da3(multiview(np.eye(3)), fov_deg=FOV)
    np.testing.assert_allclose(geometry.intrinsics, CAMERA.intrinsics, rtol=1e-6)


def test_the_metric_networks_depth_becomes_metres_with_the_focal_length():
    geometry = from_da3(da3(), fov_deg=FOV, depth_is="DA3-Metric", resolution=504)
    focal_seen = CAMERA.focal_px * 504 / W
    np.testing.assert_allclose(geometry.depth, DEPTH * focal_seen / 300, rtol=1e-5)
    assert geometry.metric and from_da3(da3(), depth_is="metres").metric


@pytest.mark.parametrize(
    ("packet", "options", "message"),
    [
        ({}, {}, "da3_geometry: dict is no Depth Anything 3 geometry"),
        (da3(), {"view": 3}, "view 3 is not there; it holds 1 pictures"),
        (da3(depth=torch.zeros(1, H, W)), {}, "holds no valid depth"),
        (multiview(np.full((3, 3), np.nan)), {}, "the camera of view 0 is not usable"),
    ],
)
def test_a_da3_packet_that_cannot_be_used_is_named(packet, options, message):
    with pytest.raises(BadInput, match=message):
        from_da3(packet, **options)


# --- depth pictures --------------------------------------------------------------------------


def grey(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(values).float()[None, ..., None].repeat(1, 1, 1, 3)


def reading(name: str, **values) -> DepthImageOptions:
    return DepthImageOptions(reading=name, **values)  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(st.floats(0.1, 5), st.floats(1.2, 50), st.sampled_from(["near", "far"]), st.booleans())
def test_any_stated_meaning_is_inverted(near, ratio, white, inverse):
    far = near * ratio
    depth = np.random.default_rng(0).uniform(near, far, (5, 7))
    depth[0, :2] = near, far
    share = (
        (1 / depth - 1 / far) / (1 / near - 1 / far) if inverse else (far - depth) / (far - near)
    )
    values = share if white == "near" else 1 - share
    name = f"{'inverse depth' if inverse else 'depth'} from near to far"
    made = depth_of(values, reading(name, near=near, far=far, white_is=white))
    np.testing.assert_allclose(made, depth, rtol=1e-6)


def test_scale_and_offset_are_those_of_the_value():
    values = np.array([[0.0, 0.5, 1.0]])
    depth = depth_of(values, reading("depth by scale and offset", scale=4.0, offset=1.0))
    np.testing.assert_allclose(depth, [[1, 3, 5]])
    inverse = depth_of(values, reading("inverse depth by scale and offset", scale=2.0))
    np.testing.assert_allclose(inverse, [[np.nan, 1, 0.5]])


def test_black_may_be_infinitely_far():
    depth = depth_of(
        np.array([[0.0, 0.5, 1.0]]), reading("inverse depth from near to far", far=0.0)
    )
    np.testing.assert_allclose(depth, [[np.nan, 2, 1]])


def test_a_depth_picture_with_its_angle_of_view_is_the_room():
    options = reading(
        "depth from near to far", near=0.0 + 1e-3, far=6.0, white_is="far", fov_deg=FOV, metric=True
    )
    image = grey((DEPTH - 1e-3) / (6 - 1e-3))
    geometry = geometry_from_depth_image(image, H, W, options)
    np.testing.assert_allclose(geometry.points, POINTS, rtol=1e-4)
    same(geometry, geometry_from_depth_image(image, H, W, options, mask=torch.ones(1, H, W)))
    assert geometry.metric


def test_masked_pixels_have_no_depth():
    mask = torch.ones(1, H, W)
    mask[(0, *SKY)] = 0
    geometry = geometry_from_depth_image(grey(np.full((H, W), 0.5)), H, W, reading("depth from near to far"), mask=mask)  # fmt: skip
    assert np.isnan(geometry.points[SKY]).all() and np.isfinite(geometry.points[6:]).all()


def camera_info(**changes) -> dict:
    """A LOAD3D_CAMERA that looks like the room's."""
    world = world_from_camera(CAMERA.up, CAMERA.floor)
    pose = world.rotation @ np.diag([1.0, -1.0, -1.0])
    info = {
        "position": dict(x=0, y=1.4, z=0), "target": dict(x=0, y=0, z=-3), "zoom": 1,
        "quaternion": dict(zip("xyzw", Rotation.from_matrix(pose).as_quat(), strict=True)),
        "cameraType": "perspective", "aspect": W / H,
        "fov": float(np.degrees(2 * np.arctan(0.5 * H / CAMERA.focal_px))),
    }  # fmt: skip
    return {k: v for k, v in (info | changes).items() if v is not None}


def test_a_3d_views_camera_gives_focal_length_and_gravity():
    known = load3d_camera(camera_info(), H, W)
    np.testing.assert_allclose(known.intrinsics, CAMERA.intrinsics, rtol=1e-9)
    assert known.up is not None
    np.testing.assert_allclose(known.up, CAMERA.up, atol=1e-9)
    zoomed = load3d_camera(camera_info(zoom=2), H, W)
    assert zoomed.intrinsics[0, 0] == pytest.approx(2 * CAMERA.focal_px)


@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(-3, -0.5))
def test_a_target_tells_gravity_as_the_quaternion_does(x, y, z):
    info = camera_info(quaternion=None, position=dict(x=0, y=0, z=0), target=dict(x=x, y=y, z=z))
    up = load3d_camera(info, H, W).up
    assert up is not None and np.linalg.norm(up) == pytest.approx(1) and up[1] < 0
    pitch = np.arctan2(y, np.hypot(x, z))  # looking up: gravity's opposite leans toward the viewer
    assert up[2] == pytest.approx(np.sin(pitch)) and up[0] == pytest.approx(0, abs=1e-9)


def test_the_connected_camera_counts_before_typed_numbers_and_these_before_the_angle():
    image = grey(np.full((H, W), 0.5))
    options = reading("depth from near to far", fov_deg=20.0, intrinsics="50, 51, 30, 20")
    typed = geometry_from_depth_image(image, H, W, options)
    np.testing.assert_allclose(typed.intrinsics, [[50, 0, 30], [0, 51, 20], [0, 0, 1]])
    connected = geometry_from_depth_image(image, H, W, options, camera_info())
    np.testing.assert_allclose(connected.intrinsics, CAMERA.intrinsics)
    assert connected.up is not None
    np.testing.assert_allclose(connected.up, CAMERA.up, atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(20, 90), st.integers(0, 10**6))
def test_every_point_projects_onto_its_pixel_at_any_photo_size(height: int, seed: int):
    width = round(height * W / H)
    values = np.random.default_rng(seed).uniform(0.1, 1, (H, W))
    geometry = geometry_from_depth_image(grey(values), height, width, DepthImageOptions())
    pixels = project(geometry.points, geometry.intrinsics)
    np.testing.assert_allclose(pixels, pixel_centres(height, width), atol=2e-3)


def test_256_steps_are_told():
    coarse = geometry_from_depth_image(grey(np.rint(DEPTH * 40) / 255), H, W, DepthImageOptions())
    assert any("256 steps" in note for note in coarse.notes)


@pytest.mark.parametrize(
    ("image", "options", "more", "message"),
    [
        (torch.zeros(2, H, W, 3), {}, {}, "depth: one picture is needed, this batch holds 2"),
        (torch.rand(1, H, W, 3), {}, {}, "depth: it is a coloured picture"),
        (grey(np.zeros((H, W))), {"near": 3.0, "far": 2.0}, {}, "far: 2 is not beyond near .3."),
        (
            grey(np.zeros((H, W))),
            {"reading": "depth from near to far", "far": 0.0},
            {},
            "only inverse depth can reach infinity",
        ),
        (grey(np.zeros((H, W))), {"far": 0.0}, {}, "depth holds no valid depth"),
        (grey(np.zeros((H, W))), {"intrinsics": "50 50"}, {}, "intrinsics: '50 50' cannot be read"),
        (grey(np.ones((H, W))), {}, {"mask": torch.ones(1, 3, 3)}, "mask: its shape is"),
        (grey(np.ones((H, W))), {}, {"camera": camera_info(aspect=1.0)}, "camera: its aspect is"),
        (grey(np.ones((H, W))), {}, {"camera": camera_info(fov=None)}, "camera: it has no angle"),
        (
            grey(np.ones((H, W))),
            {},
            {"camera": camera_info(cameraType="orthographic")},
            "camera: it is orthographic",
        ),
    ],
)
def test_a_depth_picture_that_cannot_be_used_is_named(image, options, more, message):
    with pytest.raises(BadInput, match=message):
        geometry_from_depth_image(image, H, W, DepthImageOptions(**options), **more)


def test_typed_intrinsics_may_be_left_out():
    assert typed_intrinsics(" ") is None
