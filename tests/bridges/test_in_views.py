"""Completed pictures from anywhere become CAST_VIEWS that lie where the photo has the object."""

import numpy as np
import pytest
import torch
from coloured_things import COLOURS, SIZE, things
from PIL import Image

from cast_nodes.bridges.from_views import CameViewOptions, came_pictures, views_of
from cast_nodes.errors import BadInput
from cast_nodes.inpaint import make_item
from cast_nodes.inpaint._request import plain_place
from cast_nodes.types import Objects, View

H, W = SIZE


def whole_box(i: int) -> tuple[int, int, int, int]:
    """The thing as it is, with what the post hides."""
    return 4 + 28 * i, 40 - 3 * i, 4 + 28 * i + 14 + i, 95


def square_of(objects: Objects, i: int) -> tuple[float, float, float, float]:
    """Photo pixels of the square that CAST shows editors."""
    item = make_item(objects, objects.kept[i], CameViewOptions())
    frame = plain_place(item).frame
    left, top = item.origin[0] + frame.x, item.origin[1] + frame.y
    return left, top, left + frame.side, top + frame.side


def area_of(objects: Objects, i: int, options: CameViewOptions):
    if options.area == "square":
        return square_of(objects, i)
    if options.area == "photo":
        return 0, 0, W, H
    x0, y0, x1, y1 = objects.kept[i].bbox
    by = options.margin * max(x1 - x0, y1 - y0)
    return x0 - by, y0 - by, x1 + by, y1 + by


def drawn(i: int, area, width: int, height: int, shift=(0.0, 0.0)) -> np.ndarray:
    """(height, width, 4) float 0..1: the whole thing on white, alpha its coverage."""
    x0, y0, x1, y1 = area
    fine = 4
    x = x0 + (np.arange(width * fine) + 0.5) * (x1 - x0) / (width * fine) - shift[0]
    y = y0 + (np.arange(height * fine) + 0.5) * (y1 - y0) / (height * fine) - shift[1]
    left, top, right, bottom = whole_box(i)
    on = ((x > left) & (x < right))[None] & ((y > top) & (y < bottom))[:, None]
    cover = on.reshape(height, fine, width, fine).mean((1, 3))[..., None]
    colour = np.array(COLOURS[i]) / 255
    return np.dstack([cover * colour + (1 - cover), cover]).astype(np.float32)


def in_photo(view: View) -> np.ndarray:
    """(H, W) bool: the view's alpha at its place in the photo."""
    x0, y0, x1, y1 = (round(v) for v in view.box)
    size = max(1, x1 - x0), max(1, y1 - y0)
    alpha = np.asarray(Image.fromarray(view.rgba[..., 3]).resize(size, Image.Resampling.BOX))
    out = np.zeros((H + 200, W + 200), bool)
    out[100 + y0 : 100 + y1, 100 + x0 : 100 + x1] = alpha > 127
    return out[100:-100, 100:-100]


def true_mask(i: int) -> np.ndarray:
    mask = np.zeros(SIZE, bool)
    x0, y0, x1, y1 = whole_box(i)
    mask[y0:y1, x0:x1] = True
    return mask


def iou(a: np.ndarray, b: np.ndarray) -> float:
    return (a & b).sum() / (a | b).sum()


@pytest.mark.parametrize(
    ("count", "area", "margin", "masked"),
    [
        (0, "square", 0.0, True),
        (1, "square", 0.0, False),
        (7, "square", 0.0, True),
        (2, "box", 0.3, False),
        (1, "photo", 0.0, True),
    ],
)
def test_each_picture_lies_where_its_object_is(count, area, margin, masked, context):
    options = CameViewOptions(area=area, margin=margin, background=False)
    objects = things(count)
    images, masks = [], []
    for i in range(count):
        made = drawn(i, area_of(objects, i, options), 150 + 20 * i, 140)
        images.append(torch.from_numpy(made[None, ..., :3]))
        if masked:
            masks.append(torch.from_numpy(made[None, ..., 3]))
    views = views_of(came_pictures(images, masks), objects, "", options, context)
    assert [v.id for v in views.views] == [o.id for o in objects.kept]
    for i, view in enumerate(views.views):
        assert view.failure == ""
        assert iou(in_photo(view), true_mask(i)) > 0.85
        inside = view.rgba[view.rgba[..., 3] > 200][:, :3]
        np.testing.assert_allclose(np.median(inside, 0), COLOURS[i], atol=3)


def test_a_fourth_channel_is_the_mask(context):
    objects = things(2)
    options = CameViewOptions(background=False)
    made = [drawn(i, square_of(objects, i), 96, 96) for i in range(2)]
    for image in made:
        image[..., :3] = np.where(image[..., 3:] > 0.5, image[..., :3], 0.2)  # a dark ground
    views = views_of(came_pictures(made, []), objects, "", options, context)
    assert [v.failure for v in views.views] == ["", ""]
    assert iou(in_photo(views.views[1]), true_mask(1)) > 0.85


def test_a_picture_that_was_redrawn_to_the_side_is_laid_back(context):
    objects = things(2)
    options = CameViewOptions(background=False)
    image = drawn(1, square_of(objects, 1), 256, 256, shift=(4.0, -3.0))[..., :3]
    views = views_of(came_pictures([image], []), objects, "11", options, context)
    assert iou(in_photo(views.views[1]), true_mask(1)) > 0.9
    assert views.views[0].failure.startswith("thing0 10: no picture was given")


def test_another_thing_fails_alone_or_leaves_what_the_photo_shows(context):
    objects = things(2)
    image = drawn(1, square_of(objects, 1), 96, 96)[..., :3]
    noise = np.random.default_rng(0).random((96, 96, 3))
    pictures = came_pictures([noise, image], [])
    views = views_of(pictures, objects, "", CameViewOptions(background=False), context)
    assert views.views[0].failure and not views.views[1].failure
    options = CameViewOptions(background=False, fallback="matte")
    views = views_of(pictures, objects, "", options, context)
    assert not views.views[0].failure
    mask = objects.kept[0].mask
    assert mask is not None and iou(in_photo(views.views[0]), mask) > 0.9


def test_one_changed_picture_redoes_that_object_only(context):
    objects = things(2)
    options = CameViewOptions(background=False)
    images = [drawn(i, square_of(objects, i), 96, 96)[..., :3] for i in range(2)]
    views_of(came_pictures(images, []), objects, "", options, context)
    images[1] = np.clip(images[1] + 0.02, 0, 1)
    steps = []
    object.__setattr__(context, "progress", steps.append)
    views = views_of(came_pictures(images, []), objects, "", options, context)
    assert [s.label for s in steps if not s.reused] == ["thing1 11"]
    assert views.background is None


@pytest.mark.parametrize(
    ("images", "masks", "ids", "message"),
    [
        ([np.ones((1, 8, 8, 3))], [], "", "images: 1 came for 2 kept objects .* for thing1 11"),
        ([np.ones((2, 8, 8, 3))], [np.ones((1, 8, 8))], "", "masks: 1 came for 2 images"),
        ([np.ones((1, 8, 8, 2))], [], "", "images: an array of shape"),
        ([np.ones((2, 8, 8, 3))], [np.ones((2, 4, 8))], "", "masks: mask 0 is 8x4 pixels"),
        ([np.ones((2, 8, 8, 3))], [], "10, 10", "object 10 is named twice"),
    ],
)
def test_pictures_that_do_not_fit_are_named(images, masks, ids, message, context):
    with pytest.raises(BadInput, match=message):
        views_of(came_pictures(images, masks), things(2), ids, CameViewOptions(), context)
