"""Two things whose boxes overlap seen from above, though no sample of either lies in the overlap."""

from __future__ import annotations

import numpy as np

from cast_nodes.crossings import crossings


def test_no_line_crosses_nothing_and_is_no_error():
    triangle = np.array([[[0.0, 0, 0], [1, 0, 0], [0, 0, 1]]])
    line, height, sense = crossings(triangle, np.zeros((0, 3)), 1)
    assert line.shape == height.shape == sense.shape == (0,)
    line, _, _ = crossings(triangle[:0], np.array([[0.2, 5.0, 0.2]]), 1)
    assert line.shape == (0,)
    line, height, _ = crossings(triangle, np.array([[0.2, 5.0, 0.2]]), 1)
    assert line.tolist() == [0] and height.tolist() == [0.0]
