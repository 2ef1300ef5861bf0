"""What is filled in behind objects lies behind them, whatever stands beside them."""

from __future__ import annotations

import numpy as np
import pytest

from cast_nodes.compose.background import room_parts
from cast_nodes.compose.enclosure import enclose, world_pose
from cast_nodes.compose.view import facing_parts
from cast_nodes.frames import intrinsics_from_fov, pixel_centres, unproject
from cast_nodes.raster import rasterize
from cast_nodes.types import Geometry

WIDTH, HEIGHT = 200, 150
INTRINSICS = intrinsics_from_fov(WIDTH, HEIGHT, np.radians(65))
RAYS = unproject(pixel_centres(HEIGHT, WIDTH), np.ones((HEIGHT, WIDTH)), INTRINSICS)
UP = np.array([0.0, -1.0, 0.0])
FLOOR, BACK = np.array([0.0, -1.0, 0.0, 1.3]), np.array([0.0, 0.0, -1.0, 4.0])
PILLAR = np.s_[:, 60:80]


def shell() -> np.ndarray:
    """(H, W) depth of floor and back wall."""
    with np.errstate(divide="ignore"):
        floor = np.where(RAYS[..., 1] > 0, 1.3 / RAYS[..., 1], np.inf)
    return np.minimum(floor, 4.0)


def box(rows: slice, columns: slice) -> np.ndarray:
    inside = np.zeros((HEIGHT, WIDTH), bool)
    inside[rows, columns] = True
    return inside


def made_parts(depth, hidden, bodies=()):
    """The room's parts and the camera."""
    points = (RAYS * depth[..., None]).astype(np.float32)
    geometry = Geometry(points, INTRINSICS, up=UP, floor=FLOOR, walls=BACK[None])
    pose, _ = world_pose(geometry)
    standing = [pose.apply(body) for body in bodies]
    room = enclose(geometry, pose, standing, WIDTH, HEIGHT, ~hidden)
    plate = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    parts = room_parts(room, geometry, plate, hidden, standing, "mixed", 0.25, 256)
    return parts, pose.inverse()


def made_depth(depth, hidden, bodies=()):
    """(H, W) depth of the room as the photo's camera sees it."""
    parts, camera = made_parts(depth, hidden, bodies)
    vertices, faces, count = [], [], 0
    for part in facing_parts([p.data for p in parts], camera):
        vertices.append(camera.apply(part.vertices))
        faces.append(part.faces + count)
        count += len(part.vertices)
    return rasterize(
        np.concatenate(vertices), np.concatenate(faces), INTRINSICS, WIDTH, HEIGHT
    ).depth


def test_a_pillar_before_an_object_does_not_go_on_behind_it():
    """A shelf that is hidden in part by a near pillar and stands before the wall."""
    shelf = box(np.s_[30:120], np.s_[80:115])
    truth = shell()
    truth[PILLAR] = 1.5
    depth = np.where(shelf, 3.0, truth)
    made = made_depth(depth, shelf)
    inner = shelf.copy()
    inner[:, :82] = False  # the pillar's own edge
    np.testing.assert_allclose(made[inner], truth[inner], rtol=0.01)
    assert (made[shelf] < depth[shelf]).mean() < 0.02


def test_the_pillar_keeps_its_width_beside_an_object_behind_it():
    shelf = box(np.s_[30:120], np.s_[80:115])
    depth = np.where(shelf, 3.0, shell())
    depth[PILLAR] = 1.5
    made = made_depth(depth, shelf)
    wide = (made[30:120] < 2.0).sum(1)
    assert np.abs(wide - 20).max() <= 1


def test_an_unmasked_cupboard_does_not_go_through_an_object_that_reaches_farther_back():
    """Beside the object a front at 2.6 m is seen on both sides; the object goes back to 3.4 m."""
    cupboard, thing = box(np.s_[60:100], np.s_[50:150]), box(np.s_[60:100], np.s_[85:115])
    depth = shell()
    depth[cupboard] = 2.6
    depth[thing] = 2.2
    backs = (RAYS[thing] * 3.4)[::3]
    made = made_depth(depth, thing, [np.concatenate([RAYS[thing] * 2.2, backs])])
    inner = box(np.s_[64:96], np.s_[89:111])
    assert (made[inner] > 3.4).all()


def test_what_is_seen_all_round_an_object_goes_on_behind_it():
    cupboard, thing = box(np.s_[40:110], np.s_[50:150]), box(np.s_[60:90], np.s_[85:115])
    depth = shell()
    depth[cupboard] = 2.6
    depth[thing] = 2.2
    made = made_depth(depth, thing)
    np.testing.assert_allclose(made[thing], 2.6, rtol=0.01)


def test_between_two_surfaces_there_is_a_cut_and_no_slope():
    """An object hides where a near front ends before a far one, with no wall about."""
    depth = np.where(np.arange(WIDTH) < 100, 2.0, 3.2) * np.ones((HEIGHT, 1))
    thing = box(np.s_[40:110], np.s_[80:120])
    made = made_depth(np.where(thing, 1.6, depth), thing)[thing]
    assert ((np.abs(made / 2.0 - 1) < 0.02) | (np.abs(made / 3.2 - 1) < 0.02) | (made > 3.9)).all()


@pytest.mark.parametrize("valid", [True, False])
def test_an_object_in_a_doorway_is_not_walled_in(valid):
    """All around the object the door is open to 6 m; it stands beyond the wall's plane."""
    door, thing = box(np.s_[30:95], np.s_[80:120]), box(np.s_[45:85], np.s_[90:110])
    truth = np.where(door, 6.0, shell())
    depth = np.where(thing, 5.0 if valid else np.nan, truth)
    made = made_depth(depth, thing)
    np.testing.assert_allclose(made[thing], 6.0, rtol=0.02)


def test_where_the_wall_lies_before_an_object_it_is_open():
    """The object fills its doorway, so nothing of what is behind was seen."""
    thing = box(np.s_[30:95], np.s_[80:120])
    made = made_depth(np.where(thing, 5.0, shell()), thing)
    inner = box(np.s_[34:91], np.s_[84:116])
    assert (made[inner] > 5.0).all()


def test_a_wall_that_makes_room_for_an_object_takes_its_points_along():
    """The object's back reaches 20 cm through the wall, so the wall moves; a pier stays."""
    thing = box(np.s_[60:110], np.s_[60:90])
    depth = np.where(thing, 3.6, shell())
    body = np.concatenate([RAYS[thing] * 3.6, RAYS[thing] * 4.2])
    noise = 1 + 0.004 * np.random.default_rng(0).normal(size=depth.shape)
    parts, _ = made_parts(depth * noise, thing, [body])
    assert [p.name for p in parts] == ["floor", "wall_0"]
    depth[:100, 130:160] = np.minimum(depth[:100, 130:160], 3.3)
    parts, camera = made_parts(depth, thing, [body])
    assert [p.name for p in parts] == ["floor", "relief", "wall_0"]
    relief, wall = (camera.apply(p.data.vertices)[:, 2] for p in parts[1:])
    np.testing.assert_allclose(relief, 3.3, rtol=0.02)
    np.testing.assert_allclose(wall, 4.2, rtol=0.01)
