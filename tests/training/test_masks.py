"""Training the mask network: batches depend on their number, runs can be continued, it learns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from training.masks.data import Crops, click_where_wrong, load_crops, plain_batch, training_batch
from training.masks.train import Plan, Trainer, losses

SIDE = 96
PLAN = Plan(steps=6, batch=3, sides=((0.0, 32),), rate=2e-3, check=100)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def drawn_crops(count: int = 3) -> Crops:
    """Coloured discs, each half behind a bar: crops as shards hold them, drawn here."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    rgb, visible, amodal, boxes = [], [], [], []
    for i in range(count):
        picture = np.full((SIDE, SIDE, 3), 200.0) + rng.normal(0, 4, (SIDE, SIDE, 3))
        whole = np.hypot(x - 48, (y - 48) * (1 + 0.2 * i)) < 24
        bar = (x > 50 + 3 * i) & (x < 60)
        picture[whole] = rng.uniform(20, 180, 3)
        picture[bar] = 90
        seen = whole & ~bar
        rows, columns = np.nonzero(seen)
        boxes.append([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
        rgb.append(picture.clip(0, 255).astype(np.uint8))
        visible.append(seen)
        amodal.append(whole)
    seen, whole = np.stack(visible), np.stack(amodal)
    return Crops(
        np.stack(rgb),
        np.packbits(seen, axis=2),
        np.packbits(whole, axis=2),
        np.array(boxes, np.float32),
        (seen.sum((1, 2)) / whole.sum((1, 2))).astype(np.float32),
        np.zeros(count, np.uint16),
        np.arange(count, dtype=np.int32),
    )


def same(a, b) -> bool:
    return all(torch.equal(v, b[k]) for k, v in a.items())


def test_a_batch_depends_on_its_number_alone():
    crops = drawn_crops()
    first = training_batch(crops, 5, 4, 32, seed=1)
    again = training_batch(crops, 5, 4, 32, seed=1)
    other = training_batch(crops, 6, 4, 32, seed=1)
    assert same(vars(first), vars(again))
    assert not torch.equal(first.rgb, other.rgb)


def test_batches_leave_the_crops_as_they_are():
    crops = drawn_crops()
    before = crops.rgb.copy()
    for step in range(6):
        training_batch(crops, step, 4, 32, seed=0)
    np.testing.assert_array_equal(crops.rgb, before)


def test_what_is_seen_is_part_of_the_whole_and_in_the_photo():
    for step in range(8):
        batch = training_batch(drawn_crops(), step, 4, 48, seed=2)
        seen, whole = batch.truth[:, 0], batch.truth[:, 1]
        assert (seen <= whole + 0.51).all()
        assert (seen[batch.valid[:, 0] == 0] == 0).all()
        assert (batch.rgb >= 0).all() and (batch.rgb <= 1).all()


def test_a_measuring_batch_holds_the_crop_with_its_box_in_the_middle():
    crops = drawn_crops()
    batch = plain_batch(crops, np.arange(3), 64, seed=0, jitter=0.0)
    centre = (batch.boxes[:, :2] + batch.boxes[:, 2:]) / 2
    assert torch.allclose(centre, torch.full_like(centre, 32.0), atol=0.5)
    seen = batch.truth[:, 0] > 0.5
    for mask, box in zip(seen, batch.boxes, strict=True):
        rows, columns = torch.nonzero(mask, as_tuple=True)
        edge = torch.stack([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
        assert (edge - box).abs().max() < 2


def test_a_click_lies_in_the_middle_of_the_largest_wrong_region():
    truth = np.zeros((64, 64), bool)
    truth[10:50, 10:50] = True
    guess = truth.copy()
    guess[20:31, 20:31] = False  # a hole: what is missing
    guess[60:62, 60:62] = True  # a speck: what is too much
    clicks = torch.zeros(2, 64, 64)
    assert click_where_wrong(clicks, guess, truth, np.ones_like(truth))
    assert clicks[0].argmax() == 25 * 64 + 25 and clicks[1].max() == 0
    assert not click_where_wrong(clicks, truth, truth, np.ones_like(truth))


def test_three_crops_are_learned_by_heart():
    crops = drawn_crops()
    plan = replace(PLAN, steps=60, rate=3e-3, click_every=1000)
    trainer = Trainer(plan, crops, low=False)
    batch = plain_batch(crops, np.arange(3), 32, seed=0)
    first, _ = trainer.advance(batch)
    for _ in range(59):
        last, overlap = trainer.advance(batch)
    assert last < 0.35 * first and overlap > 0.9


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(tmp_path):
    crops = drawn_crops()
    whole = Trainer(PLAN, crops, low=False)
    for step in range(6):
        whole.advance(whole.batch(step))
    begun = Trainer(PLAN, crops, low=False)
    for step in range(3):
        begun.advance(begun.batch(step))
    torch.save(begun.state(), tmp_path / "state.pt")
    torch.manual_seed(99)
    resumed = Trainer(replace(PLAN, seed=PLAN.seed), crops, low=False)
    resumed.restore(torch.load(tmp_path / "state.pt", weights_only=True))
    for step in range(resumed.step, 6):
        resumed.advance(resumed.batch(step))
    assert same(whole.network.state_dict(), resumed.network.state_dict())
    assert same(whole.averaged.state_dict(), resumed.averaged.state_dict())


def test_the_judge_learns_the_masks_own_iou():
    batch = plain_batch(drawn_crops(), np.arange(3), 32, seed=0)
    sure = (batch.truth * 2 - 1) * 20
    _, iou = losses(sure, torch.zeros(3, 2), batch)
    assert torch.allclose(iou, torch.ones(3), atol=1e-3)
    right, _ = losses(
        sure, torch.stack([torch.full((3,), 4.0), torch.logit(batch.share)], 1), batch
    )
    wrong, _ = losses(
        sure, torch.stack([torch.full((3,), -4.0), torch.logit(batch.share)], 1), batch
    )
    assert right < wrong


def test_shards_are_joined_in_their_order_and_missing_ones_are_named(tmp_path):
    crops = drawn_crops()
    for number in range(2):
        np.savez(tmp_path / f"train_{number:04d}.npz", **vars(crops), held_out=np.zeros(3, bool))
    assert len(load_crops(tmp_path, "train")) == 6
    assert len(load_crops(tmp_path, "train", most=4)) == 4
    with pytest.raises(SystemExit, match="no val_"):
        load_crops(tmp_path, "val")
