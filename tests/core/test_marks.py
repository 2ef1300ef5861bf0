"""Pictures of numbered objects: numbers on their objects, never over each other, colours apart."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cast_nodes.mark_places import inner_point, place_plates
from cast_nodes.pictures_marks import (
    LEAST_SIDE_PX,
    MOST_SIDE_PX,
    Mark,
    distinct_colours,
    fitted,
    marks_of,
    outlined,
    set_of_mark,
)
from cast_nodes.types import SceneObject

H, W = 240, 320


def box_mask(x0, y0, x1, y1, height=H, width=W):
    mask = np.zeros((height, width), bool)
    mask[y0:y1, x0:x1] = True
    return mask


def overlap(a, b):
    return min(a[2], b[2]) > max(a[0], b[0]) and min(a[3], b[3]) > max(a[1], b[1])


def test_the_inner_point_of_a_ring_lies_on_the_ring():
    y, x = np.mgrid[:200, :200]
    far = np.hypot(x - 100, y - 100)
    ring = (far < 80) & (far > 40)
    px, py, distance = inner_point(ring)
    assert ring[round(py), round(px)]
    assert np.hypot(px - 100, py - 100) == pytest.approx(60, abs=3)
    assert distance == pytest.approx(20, abs=2)


def test_a_number_lies_inside_an_object_that_has_room():
    mask = box_mask(100, 50, 200, 180)
    (plate,) = place_plates([mask], [(30, 20)])
    x0, y0, x1, y1 = plate.box
    assert plate.inside
    assert mask[y0:y1, x0:x1].all()


def test_the_number_of_a_tiny_object_lies_beside_it_and_not_on_its_neighbour():
    tiny, neighbour = box_mask(150, 100, 156, 106), box_mask(160, 60, 320, 240)
    tiny_plate, large_plate = place_plates([tiny, neighbour], [(30, 20), (30, 20)])
    x0, y0, x1, y1 = tiny_plate.box
    assert not tiny_plate.inside
    assert not (tiny | neighbour)[y0:y1, x0:x1].any()
    assert np.hypot((x0 + x1) / 2 - 153, (y0 + y1) / 2 - 103) < 60
    assert tiny_plate.point == pytest.approx((153, 103), abs=1)
    assert large_plate.inside


boxes = st.tuples(
    st.integers(0, W - 1), st.integers(0, H - 1), st.integers(1, 150), st.integers(1, 150)
).map(lambda b: (b[0], b[1], min(W, b[0] + b[2]), min(H, b[1] + b[3])))


@given(st.lists(boxes, min_size=1, max_size=16))
def test_numbers_never_overlap_and_stay_in_the_picture(found):
    plates = place_plates([box_mask(*box) for box in found], [(24, 16)] * len(found))
    assert plates is not None
    for i, plate in enumerate(plates):
        x0, y0, x1, y1 = plate.box
        assert 0 <= x0 < x1 <= W
        assert 0 <= y0 < y1 <= H
        assert (x1 - x0, y1 - y0) == (24, 16)
        assert not any(overlap(plate.box, other.box) for other in plates[:i])


def test_without_room_for_all_there_is_no_answer():
    assert place_plates([box_mask(0, 0, W, H)] * 200, [(60, 40)] * 200) is None


def test_many_objects_are_still_numbered():
    rgb = np.full((H, W, 3), 128, np.uint8)
    rng = np.random.default_rng(0)
    marks = []
    for number in range(90):
        x, y = rng.integers(0, W - 12), rng.integers(0, H - 12)
        marks.append(Mark(number, box_mask(x, y, x + 12, y + 12)))
    assert set_of_mark(rgb, marks).shape == fitted(rgb).shape


@pytest.mark.parametrize("size", [(60, 80), (240, 320), (1500, 1000), (2000, 400)])
def test_pictures_are_brought_to_a_size_at_which_numbers_can_be_read(size):
    rgb = np.zeros((*size, 3), np.uint8)
    mask = np.zeros(size, bool)
    mask[10:40, 10:40] = True
    picture = outlined(rgb, [Mark(3, mask)])
    assert LEAST_SIDE_PX <= max(picture.shape) <= MOST_SIDE_PX
    assert picture.shape == fitted(rgb).shape
    assert picture.shape[1] / picture.shape[0] == pytest.approx(size[1] / size[0], rel=0.01)


def test_outlines_leave_the_object_to_be_seen_and_set_of_mark_tints_it():
    rgb = np.full((1024, 1024, 3), 100, np.uint8)
    marks = [Mark(7, box_mask(200, 200, 800, 800, 1024, 1024))]
    inside, outside = (300, 300), (100, 100)
    edges, tinted = outlined(rgb, marks), set_of_mark(rgb, marks)
    colour = np.array(distinct_colours(1)[0], float)
    assert (edges[inside] == 100).all()
    assert tinted[inside] == pytest.approx(100 + 0.35 * (colour - 100), abs=1)
    for picture in (edges, tinted):
        assert (picture[outside] == 100).all()
        assert (picture[201, 500] == colour).all()


def test_nothing_to_mark_gives_the_photo():
    rgb = np.random.default_rng(0).integers(0, 255, (1024, 700, 3), np.uint8)
    assert (outlined(rgb, []) == rgb).all()


def test_colours_are_apart_and_do_not_change_with_their_number():
    from skimage.color import rgb2lab

    colours = distinct_colours(12)
    lab = rgb2lab(np.array(colours)[None] / 255)[0]
    apart = np.linalg.norm(lab[:, None] - lab[None], axis=-1) + 1e3 * np.eye(12)
    assert apart.min() > 25
    assert distinct_colours(5) == colours[:5]
    assert len(distinct_colours(1000)) == 1000


def test_objects_are_marked_by_their_masks_else_by_their_boxes():
    objects = [
        SceneObject(4, "cup", 1, (0, 0, 9, 9), box_mask(50, 50, 60, 60)),
        SceneObject(5, "box", 1, (-20.0, 10.0, 30.4, 20.0)),
        SceneObject(6, "gone", 1, (400, 10, 500, 20), np.zeros((H, W), bool)),
    ]
    cup, box = marks_of(objects, H, W)
    assert (cup.number, box.number) == (4, 5)
    assert cup.mask is objects[0].mask
    assert (box.mask == box_mask(0, 10, 30, 20)).all()
