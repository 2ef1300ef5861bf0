"""Views out to graphs that make meshes of pictures."""

from __future__ import annotations

import numpy as np
import pytest
from coloured_things import COLOURS, things

from cast_nodes.backends import choose
from cast_nodes.bridges.out_views import ViewOptions, pictures_of, squared, views_out
from cast_nodes.inpaint import inpaint
from cast_nodes.types import View, Views


@pytest.mark.parametrize("count", [1, 7])
def test_each_view_is_a_square_of_its_own_colour_with_free_ground(context, count: int):
    objects = things(count, hidden=False)
    views = inpaint(objects, choose("inpaint", background=False), context)
    options = ViewOptions(side=128, padding=0.1, ground="black")
    order = views_out(objects, views, options, context.store)
    assert order.sent == tuple(10 + i for i in range(count))
    for (rgb, mask), wanted in zip(pictures_of(order, views, options), COLOURS, strict=False):
        assert rgb.shape == (128, 128, 3) and mask.shape == (128, 128)
        assert np.abs(rgb[mask > 0.99].mean(0) - wanted).max() < 10
        assert (rgb[mask == 0] == 0).all()
        rows = np.flatnonzero((mask > 0.5).any(1))
        assert abs(rows[0] - 12.8) < 2 and abs(rows[-1] + 1 - 115.2) < 2


def test_a_view_with_oblong_pixels_is_shown_as_the_photo_has_it():
    rgba = np.full((40, 40, 4), 255, np.uint8)
    _, mask = squared(View(0, rgba, rgba, (0, 0, 80, 40)), ViewOptions(side=100, padding=0.0))
    assert (mask > 0.5).any(0).sum() == 100 and (mask > 0.5).any(1).sum() == 50


def test_objects_without_a_view_stay_at_home_with_the_reason(context):
    objects = things(3, hidden=False)
    empty = np.zeros((8, 8, 4), np.uint8)
    views = Views(
        (View(10, empty, empty, (0, 0, 8, 8), "it failed"), View(11, empty, empty, (0, 0, 8, 8)))
    )
    order = views_out(objects, views, ViewOptions(), context.store)
    assert order.sent == ()
    assert order.left_out[10] == "it failed"
    assert "empty view" in order.left_out[11] and "has no view" in order.left_out[12]
    pictures = pictures_of(order, views, ViewOptions())
    assert len(pictures) == 1 and pictures[0][0].shape == (64, 64, 3)
