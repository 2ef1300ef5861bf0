"""Outlines of masks, filled again, are the masks."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageChops, ImageDraw

from cast_nodes.report.outlines import outlines


def filled(polygons, height, width):
    out = Image.new("1", (width, height))
    for line in polygons:
        part = Image.new("1", (width, height))
        ImageDraw.Draw(part).polygon(line, fill=1)
        out = ImageChops.logical_xor(out, part)
    return np.asarray(out)


@pytest.mark.parametrize("size", [(60, 80), (1500, 2000)])
def test_a_ring_at_the_photo_s_border_comes_back(size):
    height, width = size
    y, x = np.mgrid[0:height, 0:width] / height
    ring = (np.hypot(x - 0.3, y - 0.6) < 0.5) & (np.hypot(x - 0.4, y - 0.5) > 0.15)
    lines = outlines(ring)
    assert len(lines) == 2
    again = filled(lines, height, width)
    assert np.count_nonzero(again ^ ring) < 0.04 * ring.sum()
    assert sum(map(len, lines)) < 600


def test_a_whole_photo_is_outlined_to_its_border():
    (line,) = outlines(np.ones((40, 50), bool))
    points = np.reshape(line, (-1, 2))
    assert points.min(0).tolist() == [0, 0] and points.max(0).tolist() == [50, 40]


def test_an_empty_mask_has_none():
    assert outlines(np.zeros((5, 5), bool)) == []
