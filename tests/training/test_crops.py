"""Rendered crops: seeded, true to the geometry, and no held-out model among them."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("embreex")

from training.masks.arrange import Arrangement, Placed, arrange
from training.masks.growth import KINDS, grown
from training.masks.looks import Palette
from training.masks.models import listing, load_models, placement_of
from training.masks.render import render_shard, shoot
from training.masks.trace import Traced, View, heights


@pytest.fixture(scope="module")
def models():
    """The project's own shapes and a few of the seeded ones: no catalogue is needed."""
    found = load_models(None)
    return tuple(
        m for m in found if m.key.startswith("shape") or m.key.endswith((".1", ".2", ".3"))
    )


@pytest.fixture(scope="module")
def palette():
    rng = np.random.default_rng(0)
    kinds = ("floor", "wall", "thing")
    return Palette({k: rng.integers(0, 255, (2, 32, 32, 3)).astype(np.uint8) for k in kinds})


def test_a_model_is_trained_on_or_held_out_and_both_kinds_have_every_placement(models):
    everything = load_models(None)
    assert len({m.key for m in everything}) == len(everything)
    for held_out in (True, False):
        places = {m.placement for m in everything if m.held_out == held_out}
        assert {"floor", "small", "wall"} <= places


def test_the_list_of_models_names_author_and_licence(models):
    text = listing(models)
    assert "| CAST for ComfyUI | MIT | training |" in text and "validation" in text
    assert sum(count for _, _, count in KINDS) > 100


def test_things_belong_where_their_name_and_size_say():
    assert placement_of("clock", (0.3, 0.3, 0.05)) == "wall"
    assert placement_of("truck", (8.0, 3.0, 2.5)) == "small"
    assert placement_of("mug", (0.1, 0.1, 0.1)) == "small"
    assert placement_of("sofa", (2.0, 0.8, 0.9)) == "floor"


@pytest.mark.parametrize("kind", range(len(KINDS)), ids=[k[0] for k in KINDS])
def test_a_grown_thing_is_one_of_a_kind_and_stands_on_the_floor(kind):
    one, again, other = grown(kind, 4), grown(kind, 4), grown(kind, 5)
    assert np.array_equal(one.vertices, again.vertices)
    assert one.vertices.shape != other.vertices.shape or not np.allclose(
        one.vertices, other.vertices
    )
    assert abs(one.bounds[0][1]) < 1e-6 and 0.1 < np.ptp(one.bounds, axis=0).max() < 3.0


def test_soft_furniture_has_parts_of_its_own_colours(models):
    for kind, number in (("sofa", 2), ("armchair", 2), ("bed", 2), ("basket", 2)):
        index = [k[0] for k in KINDS].index(kind)
        assert len(grown(index, number).materials) >= 2


def test_cameras_are_looked_for_that_see_things_behind_others(models, palette, monkeypatch):
    def hidden(wished):
        monkeypatch.setattr("training.masks.render.HIDDEN_WISHED", wished)
        shards = [render_shard(9, k, models, palette, False, 12) for k in range(2)]
        return np.mean(np.concatenate([s["share"] for s in shards]) < 0.85)

    assert hidden(1.0) > hidden(0.0) + 0.2


def test_the_same_seed_gives_the_same_shard_without_held_out_models(models, palette):
    first = render_shard(3, 0, models, palette, False, 4)
    again = render_shard(3, 0, models, palette, False, 4)
    assert all(np.array_equal(first[k], again[k]) for k in first)
    assert not any(models[i].held_out for i in first["model"])
    assert all(models[i].held_out for i in render_shard(3, 0, models, palette, True, 4)["model"])


def test_what_is_seen_lies_in_the_whole_and_fills_its_box(models, palette):
    shard = render_shard(5, 1, models, palette, False, 5)
    seen = np.unpackbits(shard["visible"], axis=2).astype(bool)
    whole = np.unpackbits(shard["amodal"], axis=2).astype(bool)
    assert not (seen & ~whole).any()
    for mask, box in zip(seen, shard["box"], strict=True):
        rows, columns = np.nonzero(mask)
        assert (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) == tuple(box)
    assert ((shard["share"] > 0.2) & (shard["share"] <= 1)).all()
    assert shard["rgb"].std() > 5


def test_small_things_stand_on_level_places_of_others(models):
    stood = 0
    for seed in range(12):
        scene = arrange(np.random.default_rng(seed), models, heights)
        for thing in scene.things:
            if thing.on >= 0:
                stood += 1
                under = scene.things[thing.on].corners
                foot = thing.corners.min(0)
                assert under[:, 1].min() - 0.01 < foot[1] < under[:, 1].max() + 0.01
    assert stood > 3


def test_a_thing_behind_another_is_seen_in_part_and_whole_alone(models):
    box = next(m for m in models if m.name == "wardrobe")
    near, far = np.eye(4), np.eye(4)
    near[:3, 3], far[:3, 3] = (0.4, 0, 0.5), (0, 0, -1.5)
    scene = Arrangement(
        "studio", 4.0, (-np.inf, np.inf), 1.0, [Placed(box, near), Placed(box, far)]
    )
    traced = Traced(scene, np.random.default_rng(0))
    view = View(np.array([0.0, 1.0, 6.0]), np.array([[1.0, 0, 0], [0, -1, 0], [0, 0, -1]]))
    window = np.array([-0.4, -0.4, 0.4, 0.4])
    who = traced.items(view, window, 64)
    alone = traced.alone(view, window, 64, [1])
    assert (who == 0).any() and (who == 1).any()
    assert not ((who == 1) & ~alone).any()
    assert (alone & (who == 0)).any()


def test_a_camera_that_sees_too_little_gives_no_crop(models, palette):
    chair = next(m for m in models if m.name == "chair")
    wall = next(m for m in models if m.name == "wardrobe")
    hidden, before = np.eye(4), np.diag([4.0, 2.0, 1.0, 1.0])
    before[2, 3] = 1.0
    scene = Arrangement(
        "studio", 4.0, (-np.inf, np.inf), 1.0, [Placed(chair, hidden), Placed(wall, before)]
    )
    traced = Traced(scene, np.random.default_rng(0))
    found = [shoot(np.random.default_rng(i), traced, palette, [0], 0) for i in range(8)]
    shares = [shot.share for shot in found if shot is not None]
    assert len(shares) < 8 and all(share >= 0.22 for share in shares)
