import numpy as np

from cast_nodes.depth.segments import find_segments


def lines_picture() -> np.ndarray:
    grey = np.full((240, 320), 200.0)
    grey[60:180, 80:240] = 90.0
    return grey


def test_a_rectangle_has_its_four_sides():
    found = find_segments(lines_picture())
    long = found.where(found.length > 90)
    horizontal = np.abs(long.direction[:, 1]) < 0.02
    vertical = np.abs(long.direction[:, 0]) < 0.02
    assert sorted(np.round(long.middle[horizontal][:, 1]).astype(int)) == [60, 180]
    assert sorted(np.round(long.middle[vertical][:, 0]).astype(int)) == [80, 240]


def test_an_oblique_edge_is_found_whole_whatever_its_angle():
    y, x = np.mgrid[:200, :200] + 0.5
    for degrees in range(0, 180, 11):
        nx, ny = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        grey = 128 + 60 * np.tanh(((x - 100) * nx + (y - 100) * ny) / 1.5)
        found = find_segments(grey)
        longest = found.length.argmax()
        assert found.length[longest] > 150, degrees
        along = found.direction[longest]
        assert abs(along @ [nx, ny]) < 0.02, degrees


def test_both_edges_of_a_bar_share_their_weight():
    grey = np.full((300, 400), 200.0)
    grey[148:152, 40:360] = 40.0
    found = find_segments(grey)
    long = found.where(found.length > 100)
    assert len(long) == 2
    assert (long.weight < 0.8).all()


def test_pictures_without_lines_give_none():
    for picture in (np.zeros((1, 1)), np.zeros((7, 300)), np.full((100, 100), 33.0)):
        assert len(find_segments(picture)) == 0
