"""What the viewer in the browser is given of a scene."""

import dataclasses
import io
import json
import struct

import numpy as np
import pytest
from PIL import Image

from cast_nodes.report.viewer import (
    MASK_SIDE_PX,
    POINTS_MAGIC,
    masks_png,
    photo_jpeg,
    points_bytes,
    scene_facts,
)


def test_camera_floor_and_objects_are_told_as_json(scene):
    facts = scene_facts(scene)
    assert json.loads(json.dumps(facts)) == facts
    photo = scene.objects.photo
    assert (facts["width"], facts["height"]) == (photo.width, photo.height)
    assert np.allclose(facts["intrinsics"], scene.geometry.intrinsics)
    assert np.allclose(facts["world_from_camera"], scene.world_from_camera.matrix())
    assert np.allclose(facts["floor"], [0, 1, 0, 0], atol=1e-6)
    told = {o["id"]: (o["label"], o["node"]) for o in facts["objects"]}
    assert told == {o["id"]: (o["label"], o["node"]) for o in scene.description["objects"]}


def test_the_scene_covers_the_masks_it_was_made_from(scene):
    measured = [o["scene_iou"] for o in scene_facts(scene)["objects"] if o["node"]]
    assert len(measured) > 1
    assert min(measured) > 0.8


def test_a_wrong_mask_shows_in_the_overlap(scene):
    item = scene.objects.kept[0]
    away = scene.objects.replaced(dataclasses.replace(item, mask=np.roll(item.mask, 60, axis=1)))
    facts = {o["id"]: o for o in scene_facts(dataclasses.replace(scene, objects=away))["objects"]}
    assert facts[item.id]["scene_iou"] < 0.5


def test_an_object_that_is_not_in_the_scene_keeps_its_reason(scene):
    entries = [dict(e) for e in scene.description["objects"]]
    entries[0] = {"id": entries[0]["id"], "label": "<b>", "node": None, "failure": "no mesh"}
    broken = dataclasses.replace(scene, description={**scene.description, "objects": entries})
    first = scene_facts(broken)["objects"][0]
    assert (first["label"], first["failure"], first["scene_iou"]) == ("<b>", "no mesh", None)


def test_the_mask_picture_numbers_the_objects_as_they_are_listed(scene):
    picture = np.asarray(Image.open(io.BytesIO(masks_png(scene))))
    assert picture.dtype == np.uint8 and picture.ndim == 2
    for number, entry in enumerate(scene.description["objects"], 1):
        mask = scene.objects.by_id(entry["id"]).mask
        assert (picture[mask] == number).mean() > 0.5
    nothing = ~np.any([o.mask for o in scene.objects.kept], axis=0)
    assert (picture[nothing] == 0).all()


def test_large_photos_become_smaller_masks(scene):
    photo = dataclasses.replace(scene.objects.photo, rgb=np.zeros((30, 3000, 3), np.uint8))
    objects = dataclasses.replace(scene.objects, photo=photo, objects=())
    size = Image.open(io.BytesIO(masks_png(dataclasses.replace(scene, objects=objects)))).size
    assert size == (MASK_SIDE_PX, round(30 * MASK_SIDE_PX / 3000))


def read_points(data: bytes) -> tuple[np.ndarray, np.ndarray]:
    assert data[:8] == POINTS_MAGIC
    count, *rest = struct.unpack("<I6f", data[8:36])
    low, step = np.array(rest[:3]), np.array(rest[3:])
    values = np.frombuffer(data, "<u2", 3 * count, 36).reshape(-1, 3)
    colours = np.frombuffer(data, np.uint8, 3 * count, 36 + 6 * count).reshape(-1, 3)
    assert len(data) == 36 + 9 * count
    return low + step * values, colours


def test_points_come_in_the_world_frame_with_their_colours(scene):
    geometry, photo, pose = scene.geometry, scene.objects.photo, scene.world_from_camera
    points, colours = read_points(points_bytes(geometry, photo, pose))
    expected = pose.apply(geometry.points[geometry.valid].astype(np.float64))
    assert len(points) == len(expected)
    assert np.abs(points - expected).max() < 1e-4 * np.ptp(expected, axis=0).max()
    assert np.array_equal(colours, photo.rgb[geometry.valid])


def test_few_points_that_are_far_away_do_not_coarsen_the_others(scene):
    geometry = scene.geometry
    points = geometry.points.copy()
    points[0, 0] = (0, 0, 1e6)
    far = dataclasses.replace(geometry, points=points)
    found, _ = read_points(points_bytes(far, scene.objects.photo, scene.world_from_camera))
    assert np.abs(found).max() < 1e3


@pytest.mark.parametrize("known", [0, 1])
def test_a_geometry_without_points_is_an_empty_cloud(scene, known):
    points = np.full_like(scene.geometry.points, np.nan)
    points[:known, :known] = 1.0
    bare = dataclasses.replace(scene.geometry, points=points)
    found, _ = read_points(points_bytes(bare, scene.objects.photo, scene.world_from_camera))
    assert len(found) == known


def test_the_photo_is_a_jpeg_of_its_size(scene):
    photo = scene.objects.photo
    with Image.open(io.BytesIO(photo_jpeg(photo))) as picture:
        assert picture.format == "JPEG" and picture.size == (photo.width, photo.height)
