"""The mask network: its weights, its windows, its batches, its clicks."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cast_nodes.backends import choose
from cast_nodes.detect import DetectInputs, box_objects, detect
from cast_nodes.detect.box_mask import crop_around
from cast_nodes.detect.network_masks import mask_of
from cast_nodes.errors import CastError, ObjectFailure
from cast_nodes.mask_network.network import (
    CHANNELS,
    WEIGHTS,
    load_network,
    make_network,
    network_input,
    pack_weights,
    unpack_weights,
)
from cast_nodes.mask_network.predict import Query, predict
from cast_nodes.mask_network.window import cut, paste, window_of
from cast_nodes.types import Photo, SceneObject

BOX = (40.0, 30.0, 100.0, 90.0)
needs_weights = pytest.mark.skipif(not WEIGHTS.is_file(), reason="no trained weights")


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def untrained(monkeypatch):
    """The network with random weights (named as such: it has learned nothing)."""
    torch.manual_seed(3)
    network = make_network().eval()
    monkeypatch.setattr("cast_nodes.mask_network.predict.load_network", lambda: network)
    return network


def picture(height=120, width=160, seed=0):
    """A red disc before a grey wall."""
    rng = np.random.default_rng(seed)
    rgb = np.full((height, width, 3), 190.0) + rng.normal(0, 3, (height, width, 3))
    y, x = np.mgrid[0:height, 0:width] + 0.5
    truth = np.hypot(x - 70, y - 60) < 29
    rgb[truth] = [180, 40, 40]
    return rgb.clip(0, 255).astype(np.uint8), truth


def state_of(network):
    return {k: v.numpy() for k, v in network.state_dict().items()}


def iou(a, b):
    return np.count_nonzero(a & b) / np.count_nonzero(a | b)


# Weights


@pytest.mark.parametrize(("bits", "off"), [(8, 1 / 250), (16, 1 / 1900)])
def test_packed_weights_come_back_to_within_their_rounding(bits, off):
    torch.manual_seed(0)
    state = state_of(make_network())
    back = unpack_weights(pack_weights(state, bits))
    assert back.keys() == state.keys()
    for name, value in state.items():
        if value.ndim < 2:
            np.testing.assert_array_equal(back[name], value)
        else:
            largest = np.abs(value).reshape(len(value), -1).max(1)
            error = np.abs(back[name] - value).reshape(len(value), -1).max(1)
            assert (error <= off * largest + 1e-9).all()


def test_packed_weights_survive_a_file_without_pickle(tmp_path):
    torch.manual_seed(1)
    state = state_of(make_network())
    np.savez_compressed(tmp_path / "w.npz", **pack_weights(state))
    network = load_network(tmp_path / "w.npz")
    expected = unpack_weights(pack_weights(state))
    for name, value in network.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), expected[name])


def test_eight_bits_take_less_than_four_megabytes():
    packed = pack_weights(state_of(make_network()))
    assert sum(v.nbytes for v in packed.values()) < 4 << 20


def test_weights_of_another_network_are_refused_by_name(tmp_path):
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(CastError, match=r"other\.npz cannot be read"):
        load_network(tmp_path / "other.npz")


# Input


def test_the_same_crop_in_other_light_looks_the_same():
    rgb = torch.rand(1, 3, 32, 32) * 0.4
    box, valid = torch.tensor([[8.0, 8, 24, 24]]), torch.ones(1, 1, 32, 32)
    dark = network_input(rgb * 0.9 + 0.05, box, valid, None)
    bright = network_input(rgb * 2.0 + 0.1, box, valid, None)
    assert dark.shape == (1, CHANNELS, 32, 32)
    assert torch.allclose(dark[:, :3], bright[:, :3], atol=1e-4)


def test_the_box_channel_is_one_inside_zero_outside_and_minus_one_beyond_the_photo():
    valid = torch.ones(1, 1, 32, 32)
    valid[..., 28:] = 0
    box = network_input(torch.rand(1, 3, 32, 32), torch.tensor([[4.0, 8, 20.5, 24]]), valid, None)[
        0, 3
    ]
    assert box[10, 10] == 1 and box[2, 2] == 0 and box[10, 30] == -1
    assert box[10, 20] == 0.5  # half a pixel of the box


# Windows


@pytest.mark.parametrize("box", [BOX, (-10.0, 5.0, 30.0, 40.0), (150.0, 100.0, 160.0, 120.0)])
def test_what_is_cut_out_comes_back_to_its_place(box):
    rgb, _ = picture()
    red = np.arange(160, dtype=np.uint8)[None, :].repeat(120, 0)
    rgb[..., 0] = red
    window = window_of(box)
    crop, valid = cut(rgb, window, 160)
    back = paste(crop[..., 0].astype(np.float32), window, (0, 0, 160, 120), -1)
    inside = paste(valid.astype(np.float32), window, (0, 0, 160, 120), 0) > 0.999
    assert inside.any()
    assert np.abs(back - red)[inside].max() < 1.5


def test_a_long_thin_box_is_widened_at_most_twice():
    window = window_of((10.0, 0.0, 14.0, 100.0))
    assert (window.y1 - window.y0) / (window.x1 - window.x0) == pytest.approx(2.0)


# Batches


def test_a_batch_answers_as_one_by_one(untrained):
    rgb, _ = picture()
    boxes = [BOX, (0.0, 0.0, 50.0, 119.0), (90.0, 10.0, 160.0, 60.0)] * 7  # more than one batch
    together = predict(rgb, [Query(b) for b in boxes])
    for box, found in zip(boxes[:3], together[:3], strict=True):
        (alone,) = predict(rgb, [Query(box)])
        np.testing.assert_allclose(found.seen, alone.seen, atol=1e-4)
        np.testing.assert_allclose(found.whole, alone.whole, atol=1e-4)
        assert found.confidence == pytest.approx(alone.confidence, abs=1e-4)


def test_a_mirrored_photo_gives_the_mirrored_mask(untrained):
    rgb, _ = picture()
    (found,) = predict(rgb, [Query(BOX)])
    (other,) = predict(rgb[:, ::-1].copy(), [Query((60.0, 30.0, 120.0, 90.0))])
    np.testing.assert_allclose(found.seen, other.seen[:, ::-1], atol=2e-2)


@pytest.mark.parametrize(
    "box",
    [
        (-30.0, -20.0, 40.0, 40.0),
        (150.0, 110.0, 200.0, 300.0),
        (0.0, 0.0, 160.0, 120.0),
        (80.0, 60.0, 81.5, 61.0),
    ],
)
def test_boxes_at_the_border_and_tiny_ones_are_answered(untrained, box):
    rgb, _ = picture()
    (found,) = predict(rgb, [Query(box)])
    assert np.isfinite(found.seen).all() and 0 <= found.confidence <= 1 and 0 <= found.share <= 1
    mask = mask_of(rgb, found, (0, 0, 160, 120), box)
    assert mask.shape == (120, 160) and mask.dtype == bool


def test_a_huge_photo_costs_no_more_than_its_box(untrained):
    rgb = np.zeros((3000, 5000, 3), np.uint8)
    rgb[1000:1400, 2000:2500] = 200
    (found,) = predict(rgb, [Query((1990.0, 990.0, 2510.0, 1410.0))])
    crop = crop_around(rgb, (1990.0, 990.0, 2510.0, 1410.0))
    x, y = crop.origin
    h, w = crop.rgb.shape[:2]
    assert mask_of(crop.rgb, found, (x, y, x + w, y + h), crop.box).shape == (h, w)


@pytest.mark.parametrize(
    ("box", "says"),
    [
        ((200.0, 10.0, 220.0, 40.0), "no area inside the 160x120 photo"),
        ((float("nan"), 0.0, 5.0, 5.0), "finite"),
    ],
)
def test_a_box_outside_the_photo_or_not_finite_fails_alone(untrained, box, says):
    with pytest.raises(ObjectFailure, match=says):
        predict(picture()[0], [Query(box)])


# In Detect


@pytest.mark.parametrize("method", ["network", "network+colour", "colour"])
def test_boxes_have_the_mask_method_as_an_option(untrained, context, method):
    rgb, _ = picture()
    given = (SceneObject(0, "ball", 0.5, BOX),)
    choice = choose("detect", "boxes", mask_method=method)
    (found,) = detect(DetectInputs(Photo(rgb, "disc"), given), choice, context).objects
    assert found.score == 0.5
    if method == "colour":
        assert found.keep
    elif found.mask is None:  # random weights may see nothing, but then they say so
        assert not found.keep and "looks like one thing" in found.reason


def test_all_boxes_are_asked_in_one_batch(untrained, context, monkeypatch):
    rgb, _ = picture()
    sizes = []
    monkeypatch.setattr(
        box_objects,
        "predict",
        lambda rgb, queries: sizes.append(len(queries)) or predict(rgb, queries),
    )
    given = [SceneObject(i, "thing", 1.0, (10.0 * i, 20.0, 10.0 * i + 50, 90.0)) for i in range(5)]
    box_objects.masks_from_boxes(rgb, given, context)
    assert sizes == [5]


def test_masks_that_are_given_cost_no_question(untrained, context, monkeypatch):
    rgb, truth = picture()
    monkeypatch.setattr(box_objects, "predict", lambda *_: pytest.fail("the network was asked"))
    (found,) = box_objects.masks_from_boxes(rgb, [SceneObject(0, "ball", 1.0, BOX, truth)], context)
    assert (found.mask == truth).all()


# What ships


@needs_weights
def test_a_disc_is_outlined():
    rgb, truth = picture()
    (found,) = predict(rgb, [Query(BOX)])
    mask = mask_of(rgb, found, (0, 0, 160, 120), BOX)
    assert iou(mask, truth) > 0.85
    assert found.share > 0.6


@needs_weights
def test_clicks_move_the_mask_towards_them():
    """Two things in one box: a click on either decides for it."""
    rgb = np.full((120, 160, 3), 200, np.uint8)
    rgb[40:100, 30:75] = [170, 60, 50]
    rgb[40:100, 85:130] = [50, 70, 160]
    box = (28.0, 38.0, 132.0, 102.0)

    def chance(query, x, y):
        (found,) = predict(rgb, [query])
        return float(found.logits((0, 0, 160, 120))[y, x])

    plain = Query(box)
    left = Query(box, positive=((52.0, 70.0),), negative=((107.0, 70.0),))
    right = Query(box, positive=((107.0, 70.0),), negative=((52.0, 70.0),))
    assert chance(left, 52, 70) > chance(right, 52, 70) + 1
    assert chance(right, 107, 70) > chance(left, 107, 70) + 1
    assert chance(left, 107, 70) < chance(plain, 107, 70)


@needs_weights
def test_the_weights_in_the_package_are_below_ten_megabytes():
    assert WEIGHTS.stat().st_size < 10 << 20
