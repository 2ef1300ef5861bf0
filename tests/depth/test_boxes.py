import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scenes import box_mask

from cast_nodes.depth.camera import RoomCamera
from cast_nodes.depth.class_sizes import UNKNOWN, class_size
from cast_nodes.depth.object_boxes import Box, Task, fit_boxes
from cast_nodes.depth.outlines import DIRECTIONS, make_outlines
from cast_nodes.depth.standing import stand_objects

CAMERA = RoomCamera(320, 240, 280.0, *np.radians([16, 0.5, 12]), 1.5)


def on_floor(x: float, z: float, size, yaw: float = CAMERA.yaw_rad, base: float = 0.0) -> Box:
    return Box(0, np.array([x, base - CAMERA.camera_height, z]), yaw, np.array(size, float))


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    x=st.floats(-0.5, 0.5), z=st.floats(3, 4.5), width=st.floats(0.45, 1.1),
    height=st.floats(0.4, 1.0), depth=st.floats(0.4, 0.7),
)  # fmt: skip
def test_the_box_whose_silhouette_is_seen_is_recovered(x, z, width, height, depth):
    truth = on_floor(x, z, (width, height, depth))
    outline = make_outlines([box_mask(CAMERA, truth)], ["object"], [UNKNOWN])
    found = fit_boxes([Task(outline[0])], CAMERA, yaw_known=True)[0]
    assert np.linalg.norm(found.centre - truth.centre) < 0.06 * z
    assert found.size[1] == pytest.approx(height, rel=0.12)


def test_an_outline_cut_by_the_picture_says_so():
    mask = np.zeros((100, 100), bool)
    mask[40:100, 0:30] = True
    outline = make_outlines([mask], ["object"], [UNKNOWN])[0]
    assert outline.cut[DIRECTIONS // 2] == 1  # left
    assert outline.cut[DIRECTIONS // 4] == 1  # below
    assert outline.cut[0] == 0 and outline.top_seen and not outline.foot_seen


def test_an_outline_hidden_by_something_nearer_says_so():
    far, near = np.zeros((100, 100), bool), np.zeros((100, 100), bool)
    far[20:60, 20:80] = True
    near[60:90, 10:90] = True
    outlines = make_outlines([far, near], ["a", "b"], [UNKNOWN, UNKNOWN])
    assert not outlines[0].foot_seen and outlines[1].foot_seen
    assert outlines[0].below == {1: 1.0}


def test_a_lamp_on_a_table_stands_on_the_table_and_the_table_on_the_floor():
    table = on_floor(0.1, 3.2, (1.3, 0.74, 0.8))
    lamp = on_floor(0.2, 3.2, (0.28, 0.45, 0.28), base=0.74)
    lamp_mask = box_mask(CAMERA, lamp)
    masks = [box_mask(CAMERA, table) & ~lamp_mask, lamp_mask]
    labels = ["table", "table lamp"]
    outlines = make_outlines(masks, labels, [class_size(name) for name in labels])
    standing = stand_objects(outlines, CAMERA, True, 0.05)
    assert standing.boxes[0].supported_by == -1
    assert standing.boxes[1].supported_by == 0
    top = standing.boxes[0].base[1] + standing.boxes[0].size[1]
    assert standing.boxes[1].base[1] == pytest.approx(top, abs=0.06)
    assert np.linalg.norm(standing.boxes[1].centre - lamp.centre) < 0.3


def test_known_sizes_correct_a_wrong_camera_height():
    chairs = [on_floor(x, z, (0.48, 0.87, 0.54)) for x, z in ((-0.9, 3.2), (0.0, 4.0), (0.9, 3.4))]
    masks = [box_mask(CAMERA, chair) for chair in chairs]
    outlines = make_outlines(masks, ["chair"] * 3, [class_size("chair")] * 3)
    too_high = RoomCamera(320, 240, 280.0, CAMERA.pitch_rad, CAMERA.roll_rad, CAMERA.yaw_rad, 1.9)
    standing = stand_objects(outlines, too_high, True, 0.3)
    assert standing.scale_evidence == 3
    assert 1.4 < standing.camera.camera_height < 1.7


@pytest.mark.parametrize(
    ("label", "same"),
    [
        ("winchester armchair", "armchair"), ("table with tablecloth", "table"),
        ("Chairs", "chair"), ("potted plant", "houseplant"), ("oak_chair", "chair"),
        ("kitchen & dining room table", "dining table"), ("studio couch", "sofa"),
    ],
)  # fmt: skip
def test_labels_find_their_class(label, same):
    assert class_size(label) is class_size(same)
    assert class_size(label).known


def test_strange_labels_are_unknown_not_an_error():
    for label in ("", "zxqv", "42", "物", "with"):
        assert class_size(label) is UNKNOWN
