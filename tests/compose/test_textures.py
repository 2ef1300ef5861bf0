"""Plane textures: the plate where it was seen, smooth continuation elsewhere."""

from __future__ import annotations

import numpy as np

from cast_nodes.compose.background import Background, room_parts
from cast_nodes.compose.enclosure import enclose, world_pose
from cast_nodes.compose.smooth import fill_smoothly
from cast_nodes.compose.textures import sample_bilinear
from cast_nodes.compose.view import scene_picture


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean((a.astype(float) - b.astype(float)) ** 2)))


def parts_of(room, background: Background = "planes"):
    geometry = room.inputs.geometry
    hidden = np.any([o.mask for o in room.inputs.objects.objects], axis=0)
    pose, _ = world_pose(geometry)
    height, width = hidden.shape
    enclosure = enclose(geometry, pose, [], width, height, ~hidden)
    return enclosure, room_parts(
        enclosure, geometry, room.plate, hidden, [], background, 0.25, 1024
    )


def seen_from_the_photo(room, parts):
    camera = room.pose.inverse()
    height, width = room.plate.shape[:2]
    return scene_picture(
        [], [p.data for p in parts], camera, room.inputs.geometry.intrinsics, width, height
    )


def test_the_room_looks_like_the_plate_from_the_photo(room):
    _, parts = parts_of(room)
    assert [p.name for p in parts] == ["floor", "wall_0", "wall_1", "wall_2"]
    assert psnr(seen_from_the_photo(room, parts), room.plate) > 35


def test_outside_the_view_colours_go_on_without_the_pictures_rim(room):
    from dataclasses import replace

    plain = np.full_like(room.plate, 120)
    plain[:, :1] = plain[:1] = plain[-1:] = plain[:, -1:] = 0
    _, parts = parts_of(replace(room, plate=plain))
    texture = parts[0].data.materials[0].texture
    assert texture is not None
    assert (np.abs(texture[..., :3].astype(int) - 120) < 4).mean() > 0.98
    assert texture[..., :3].max() < 130


def test_the_relief_looks_like_the_plate_and_has_no_rubber_sheets(room):
    _, parts = parts_of(room, "relief")
    assert {p.name for p in parts} >= {"relief", "floor"}
    assert psnr(seen_from_the_photo(room, parts), room.plate) > 30


def test_filling_keeps_what_is_known_and_stays_in_range():
    values = np.zeros((33, 47, 1))
    values[:, 20:] = 100
    known = np.zeros((33, 47), bool)
    known[10:20, 15:25] = True
    filled = fill_smoothly(values, known)
    np.testing.assert_allclose(filled[known], values[known], atol=1e-4)
    assert filled.min() >= 0 and filled.max() <= 100
    assert filled[:, 0].mean() < filled[:, -1].mean()


def test_bilinear_sampling_knows_pixel_centres():
    picture = np.arange(12, dtype=float).reshape(3, 4, 1)
    pixels = np.array([[0.5, 0.5], [1.0, 0.5], [3.5, 2.5], [99, 99]])
    np.testing.assert_allclose(sample_bilinear(picture, pixels)[:, 0], [0, 0.5, 11, 11])
