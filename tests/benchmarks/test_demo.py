"""The bundled picture's truth holds together."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from cast_nodes.frames import pixel_centres, unproject
from cast_nodes.pictures import load_photo

DEMO = Path(__file__).resolve().parents[2] / "docs/demo"


def load(name):
    return json.loads((DEMO / "truth" / name).read_text(encoding="utf-8"))


def test_boxes_of_objects_json_bound_the_masks_of_the_label_image():
    photo = load_photo(DEMO / "room.jpg")
    labels = np.asarray(Image.open(DEMO / "truth/masks.png"))
    assert labels.shape == (photo.height, photo.width)
    objects = load("objects.json")
    assert set(np.unique(labels)) == {0, *(o["id"] + 1 for o in objects)}
    for item in objects:
        rows, columns = np.nonzero(labels == item["id"] + 1)
        assert item["bbox"] == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


def test_the_depth_lies_within_the_room_and_touches_its_planes():
    truth = load("truth.json")
    depth = np.asarray(Image.open(DEMO / "truth/depth.png")) / 1000
    points = unproject(pixel_centres(*depth.shape), depth, np.array(truth["intrinsics"]))
    inside = depth > 0
    labels = np.asarray(Image.open(DEMO / "truth/masks.png"))
    for plane in (truth["floor"], truth["walls"][0], truth["walls"][2], truth["ceiling"]):
        distance = points[inside] @ plane[:3] + plane[3]
        assert distance.min() > -2e-3
        assert (np.abs(distance[labels[inside] == 0]) < 2e-3).sum() > 2000


def test_objects_stand_on_what_carries_them():
    truth = load("truth.json")
    floor = np.array(truth["floor"])
    for item in truth["objects"]:
        foot = np.array(item["camera_from_object"])[:3, 3]
        height = foot @ floor[:3] + floor[3]
        assert (abs(height) < 1e-3) == (item["supported_by"] == "floor")
