"""Planes, and a relief of what departs from them: no triangle spans a jump, no gap shows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cast_nodes.compose.background import room_parts
from cast_nodes.compose.enclosure import Enclosure, enclose, world_pose
from cast_nodes.compose.view import VOID, scene_picture
from cast_nodes.frames import intrinsics_from_fov, pixel_centres, project, unproject
from cast_nodes.raster import rasterize
from cast_nodes.types import Geometry

WIDTH, HEIGHT = 200, 150
INTRINSICS = intrinsics_from_fov(WIDTH, HEIGHT, np.radians(65))
RAYS = unproject(pixel_centres(HEIGHT, WIDTH), np.ones((HEIGHT, WIDTH)), INTRINSICS)
UP = np.array([0.0, -1.0, 0.0])
FLOOR, BACK = np.array([0.0, -1.0, 0.0, 1.3]), np.array([0.0, 0.0, -1.0, 4.0])
NICHE = np.s_[40:80, 60:100]
PIER = np.s_[0:100, 130:160]


def shell() -> np.ndarray:
    """(H, W) depth of floor and back wall."""
    with np.errstate(divide="ignore"):
        floor = np.where(RAYS[..., 1] > 0, 1.3 / RAYS[..., 1], np.inf)
    return np.minimum(floor, 4.0)


def seen(depth: np.ndarray) -> Geometry:
    points = (RAYS * depth[..., None]).astype(np.float32)
    return Geometry(points, INTRINSICS, up=UP, floor=FLOOR, walls=BACK[None])


def niche_and_pier() -> np.ndarray:
    depth = shell()
    depth[NICHE] = 4.6
    depth[PIER] = np.minimum(depth[PIER], 3.3)
    return depth


def pattern() -> np.ndarray:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    waves = [40 * np.sin(x / a) * np.cos(y / b) for a, b in ((9, 13), (14, 8), (11, 10))]
    return (128 + np.stack(waves, -1)).astype(np.uint8)


def parts_of(geometry: Geometry, hidden=None, plate=None):
    hidden = np.zeros((HEIGHT, WIDTH), bool) if hidden is None else hidden
    pose, _ = world_pose(geometry)
    room = enclose(geometry, pose, [], WIDTH, HEIGHT, ~hidden)
    plate = pattern() if plate is None else plate
    return room, room_parts(room, geometry, plate, hidden, [], "mixed", 0.25, 1024)


def camera_depth(room: Enclosure, parts) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(H, W) depth and face as the camera sees the parts, and (m, 3) corner depths of all faces."""
    camera = room.world_from_camera.inverse()
    start = np.cumsum([0] + [len(p.data.vertices) for p in parts])
    vertices = np.concatenate([camera.apply(p.data.vertices) for p in parts])
    faces = np.concatenate([p.data.faces + s for p, s in zip(parts, start, strict=False)])
    raster = rasterize(vertices, faces, INTRINSICS, WIDTH, HEIGHT)
    return raster.depth, raster.face, vertices[faces][..., 2]


def test_a_plain_room_has_no_relief():
    rng = np.random.default_rng(0)
    _, parts = parts_of(seen(shell() * (1 + 0.004 * rng.normal(size=(HEIGHT, WIDTH)))))
    assert [p.name for p in parts] == ["floor", "wall_0"]
    assert sum(len(p.data.faces) for p in parts) < 10


@pytest.mark.parametrize("noise", [0.0, 0.004])
def test_niches_and_piers_are_where_they_are(noise):
    depth = niche_and_pier()
    rng = np.random.default_rng(0)
    room, parts = parts_of(seen(depth * (1 + noise * rng.normal(size=depth.shape))))
    assert [p.name for p in parts] == ["floor", "relief", "wall_0"]
    made, _, _ = camera_depth(room, parts)
    assert np.isfinite(made).all()
    error = np.abs(made / depth - 1)
    assert np.mean(error) < 0.004
    assert np.mean(error > 0.02) < 0.01


def test_no_triangle_spans_a_depth_jump():
    depth = niche_and_pier()
    room, parts = parts_of(seen(depth))
    _, face, corners = camera_depth(room, parts)
    for one, other, a, b in (
        (face[:, 1:], face[:, :-1], depth[:, 1:], depth[:, :-1]),
        (face[1:], face[:-1], depth[1:], depth[:-1]),
    ):
        sheets = (one == other) & (np.abs(np.log(a / b)) > 0.08)
        assert sheets.mean() < 2e-4
    relief = next(p for p in parts if p.name == "relief")
    z = room.world_from_camera.inverse().apply(relief.data.vertices)[:, 2]
    spread = np.ptp(np.log(z[relief.data.faces]), axis=1)
    assert spread.max() < 0.08
    assert len(corners) > 100


def test_an_upright_front_before_a_floor_that_recedes_is_one_smooth_surface():
    """Unmasked furniture seen from low above the floor, whose own depth changes fast there."""
    with np.errstate(divide="ignore"):
        depth = np.minimum(np.where(RAYS[..., 1] > 0, 1.3 / RAYS[..., 1], np.inf), 20.0)
    depth[72:120, 40:120] = np.minimum(depth[72:120, 40:120], 2.4)
    rng = np.random.default_rng(0)
    geometry = seen(depth * (1 + 0.003 * rng.normal(size=depth.shape)))
    room, parts = parts_of(replace(geometry, walls=np.array([[0.0, 0, -1, 20]])))
    relief = next(p for p in parts if p.name == "relief").data.vertices
    z = room.world_from_camera.inverse().apply(relief)[:, 2]
    assert np.quantile(np.abs(z / 2.4 - 1), 0.95) < 0.05
    made, _, _ = camera_depth(room, parts)
    np.testing.assert_allclose(made[78:116, 44:116], 2.4, rtol=0.05)


def test_from_the_photos_camera_the_room_is_the_plate_without_gaps():
    room, parts = parts_of(seen(niche_and_pier()))
    camera = room.world_from_camera.inverse()
    picture = scene_picture([], [p.data for p in parts], camera, INTRINSICS, WIDTH, HEIGHT)
    assert not (picture == VOID).all(-1).any()
    off = picture.astype(float) - pattern()
    assert 10 * np.log10(255**2 / np.mean(off**2)) > 34


def test_behind_a_pier_the_wall_goes_on_in_its_own_colours():
    plate = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    depth = niche_and_pier()
    plate[depth == 3.3] = 250
    _, parts = parts_of(seen(depth), plate=plate)
    wall = next(p for p in parts if p.name == "wall_0").data.materials[0].texture
    assert wall is not None
    assert (np.abs(wall[..., :3].astype(int) - 90) < 6).mean() > 0.98


def test_the_surface_behind_an_object_is_carried_on():
    depth = shell()
    hidden = np.zeros((HEIGHT, WIDTH), bool)
    hidden[30:130, 70:120] = True
    depth[hidden] = 1.0
    room, parts = parts_of(seen(depth), hidden=hidden)
    made, _, _ = camera_depth(room, parts)
    np.testing.assert_allclose(made, shell(), rtol=0.01)


def test_the_rim_of_an_object_that_its_mask_misses_is_no_relief():
    depth = shell()
    hidden = np.zeros((HEIGHT, WIDTH), bool)
    hidden[50:110, 70:110] = True
    depth[47:113, 67:113] = 2.0
    _, parts = parts_of(seen(depth), hidden=hidden)
    assert [p.name for p in parts] == ["floor", "wall_0"]


def test_the_sky_is_left_to_the_backdrop():
    depth = shell()
    depth[:60] = np.nan
    geometry = replace(seen(depth), walls=np.zeros((0, 4)))
    room, parts = parts_of(geometry)
    assert room.backdrop is not None
    made, _, _ = camera_depth(room, parts)
    assert np.isfinite(made).all()


def test_steps_lie_flat_on_their_own_plane():
    """A podium 20 cm high at the back, seen by a noisy sensor."""
    depth = shell()
    podium = np.where(RAYS[..., 1] > 0, 1.1 / np.maximum(RAYS[..., 1], 1e-9), np.inf)
    depth = np.where((podium < 4.0) & (podium > 2.6), podium, depth)
    depth = np.where((depth > 2.6) & (podium <= 2.6) & (depth < 4.0), 2.6, depth)
    rng = np.random.default_rng(0)
    geometry = seen(depth * (1 + 0.004 * rng.normal(size=depth.shape)))
    from cast_nodes.surfaces.room import room_planes

    found = room_planes(geometry, ())
    assert len(found.levels) == 1
    pose, _ = world_pose(geometry)
    room = enclose(geometry, pose, [], WIDTH, HEIGHT, np.ones(depth.shape, bool), found)
    assert [p.name for p in room.levels] == ["level_0"]
    assert room.levels[0].offset == pytest.approx(-0.2, abs=0.02)
    parts = room_parts(
        room, geometry, pattern(), np.zeros(depth.shape, bool), [], "mixed", 0.25, 512
    )
    relief = next(p for p in parts if p.name == "relief").data.vertices
    above = relief[relief[:, 1] > 0.15]
    assert np.quantile(np.abs(above[:, 1] - 0.2), 0.9) < 0.02


def test_each_texture_fits_its_plane_with_an_off_centre_camera_of_oblong_pixels():
    k = np.array([[140.0, 0, 70], [0, 180.0, 95], [0, 0, 1]])
    rays = unproject(pixel_centres(HEIGHT, WIDTH), np.ones((HEIGHT, WIDTH)), k)
    with np.errstate(divide="ignore"):
        floor = np.where(rays[..., 1] > 0, 1.3 / rays[..., 1], np.inf)
    points = (rays * np.minimum(floor, 4.0)[..., None]).astype(np.float32)
    geometry = Geometry(points, k, up=UP, floor=FLOOR, walls=BACK[None])
    room, parts = parts_of(geometry)
    camera = room.world_from_camera.inverse()
    picture = scene_picture([], [p.data for p in parts], camera, k, WIDTH, HEIGHT)
    off = picture.astype(float) - pattern()
    assert 10 * np.log10(255**2 / np.mean(off**2)) > 34
    corner = camera.apply(parts[0].data.vertices)
    assert np.isfinite(project(corner, k)).all()
