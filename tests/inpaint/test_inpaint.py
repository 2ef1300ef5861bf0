"""The inpaint stage: one view per kept object, reuse by object, and the plate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cast_nodes import inpaint as package
from cast_nodes.backends import Choice, choose
from cast_nodes.context import Context
from cast_nodes.inpaint import inpaint
from cast_nodes.store import Store
from cast_nodes.types import Objects, Photo, SceneObject, Views

SIZE = (72, 96)


def room() -> np.ndarray:
    """Grey wall over a brown floor, a little noise."""
    rgb = np.zeros((*SIZE, 3), float)
    rgb[:45], rgb[45:] = (190, 192, 196), (140, 110, 80)
    rgb += np.random.default_rng(0).normal(0, 2, rgb.shape)
    return rgb.clip(0, 255).astype(np.uint8)


def scene(**second: object) -> Objects:
    """A red box, partly behind a blue one, in the room."""
    rgb = room()
    red, blue = np.zeros(SIZE, bool), np.zeros(SIZE, bool)
    red[25:55, 20:60] = True
    blue[30:65, 35:45] = True
    red &= ~blue
    rgb[red], rgb[blue] = (200, 30, 30), (30, 30, 200)
    first = SceneObject(
        3, "box", 0.9, (20, 25, 60, 55), red, 0.2, needs_completion=True, occluded_by=(5,)
    )
    other = SceneObject(5, "post", 0.8, (35, 30, 45, 65), blue, **second)  # type: ignore[arg-type]
    return Objects(Photo(rgb), (first, other))


def run(objects: Objects, context: Context | None = None, **options: object) -> Views:
    return inpaint(objects, choose("inpaint", "", **options), context or Context(store=Store()))


def photo_pixels(views: Views, object_id: int) -> tuple[slice, slice]:
    """The photo's part that an unscaled view covers, when it lies inside the photo."""
    view = views.get(object_id)
    assert view is not None
    x0, y0, x1, y1 = (int(v) for v in view.box)
    return slice(y0, y1), slice(x0, x1)


def test_patch_is_the_default_backend() -> None:
    assert choose("inpaint").backend.info.name == "patch"


def test_every_kept_object_has_a_view_under_its_own_id() -> None:
    views = run(scene())
    assert [v.id for v in views.views] == [3, 5]
    assert not any(v.failure for v in views.views)
    dropped = scene(keep=False, reason="no")
    assert [v.id for v in run(dropped).views] == [3]


def test_no_objects_give_no_views_and_the_photo_as_plate() -> None:
    objects = Objects(Photo(room()), ())
    views = run(objects)
    assert views.views == ()
    assert views.background is not None
    np.testing.assert_array_equal(views.background, objects.photo.rgb)


def test_an_object_that_needs_nothing_is_cut_out_exactly() -> None:
    objects = scene()
    views = run(objects)
    view, mask = views.get(5), objects.by_id(5).mask
    assert view is not None and mask is not None
    at = photo_pixels(views, 5)
    inside = mask[at]
    inner = inside & np.roll(inside, 2, 0) & np.roll(inside, -2, 0)
    inner &= np.roll(inside, 2, 1) & np.roll(inside, -2, 1)
    np.testing.assert_array_equal(view.rgba[inner][:, :3], objects.photo.rgb[at][inner])
    assert (view.rgba[inner][:, 3] == 255).all()
    np.testing.assert_array_equal(view.crop[..., 3] > 0, inside)
    np.testing.assert_array_equal(view.crop[inside][:, :3], objects.photo.rgb[at][inside])


def test_the_view_has_a_margin_and_knows_its_place_even_outside_the_photo() -> None:
    mask = np.zeros(SIZE, bool)
    mask[0:40, 0:20] = True
    objects = Objects(Photo(room()), (SceneObject(0, "box", 1.0, (0, 0, 20, 40), mask),))
    view = run(objects, padding=0.1).views[0]
    assert view.box == (-4, -4, 24, 44)
    assert view.rgba.shape == (48, 28, 4)
    assert not view.rgba[:3, :, 3].any() and not view.rgba[:, -3:, 3].any()


def test_the_hidden_part_is_filled_only_under_what_is_in_front() -> None:
    objects = scene()
    view = run(objects).get(3)
    assert view is not None
    x0, y0 = int(view.box[0]), int(view.box[1])
    between = view.rgba[32 - y0 : 53 - y0, 37 - x0 : 43 - x0]
    assert (between[..., 3] == 255).all()
    assert np.abs(between[..., :3].astype(int) - [200, 30, 30]).max() < 25
    grown = view.rgba[..., 3] > 200
    rows, columns = np.nonzero(grown & (view.crop[..., 3] == 0))
    in_front = objects.by_id(5).mask
    assert in_front is not None and in_front[rows + y0, columns + x0].all()
    below = view.rgba[57 - y0 :, :, 3]  # the post goes on below the box, the box does not
    assert not below.any()


def test_the_networks_outline_is_joined_on_request(monkeypatch) -> None:
    def lower(photo, visible, origin):
        """A network (stand-in) that sees the red box go on to the post's lower end."""
        told = np.zeros(visible.shape, bool)
        told[: 65 - origin[1], : 45 - origin[0]] = True
        return told

    monkeypatch.setattr("cast_nodes.inpaint.patch.outline_in_photo", lower)
    heights = []
    for outlines in ("network+symmetry", "symmetry"):
        view = run(scene(), outlines=outlines).get(3)
        assert view is not None
        heights.append(int(np.flatnonzero((view.rgba[..., 3] > 127).any(1))[-1] + view.box[1]))
    assert heights[0] >= 62 and heights[1] <= 56


def test_completion_can_be_switched_off() -> None:
    view = run(scene(), complete=False).get(3)
    assert view is not None
    np.testing.assert_array_equal(view.rgba[..., 3] > 127, view.crop[..., 3] > 0)


def test_no_halo_of_the_background_remains_at_the_edge() -> None:
    rgb = np.full((60, 60, 3), 255, np.uint8)
    yy, xx = np.mgrid[:60, :60] + 0.5
    reach = np.hypot(yy - 30, xx - 30)
    mix = np.clip(20.5 - reach, 0, 1)[..., None]  # an anti-aliased dark disc on white
    rgb = (rgb * (1 - mix) + np.array([20, 40, 20]) * mix).astype(np.uint8)
    item = SceneObject(0, "ball", 1.0, (9, 9, 51, 51), reach < 20.5)
    view = run(Objects(Photo(rgb), (item,))).views[0]
    seen = view.rgba[..., 3] > 0
    assert np.abs(view.rgba[seen][:, :3].astype(int) - [20, 40, 20]).max() <= 4
    ramp = view.rgba[..., 3][seen]
    assert ((ramp > 20) & (ramp < 235)).sum() > 40  # a soft edge, not stairs


def test_the_ground_is_the_objects_own_colour_or_white() -> None:
    objects = scene()
    own, white = run(objects).get(5), run(objects, ground="white").get(5)
    assert own is not None and white is not None
    assert (own.rgba[0, 0] == [30, 30, 200, 0]).all()
    assert (white.rgba[0, 0] == [255, 255, 255, 0]).all()
    solid = own.rgba[..., 3] > 0
    np.testing.assert_array_equal(own.rgba[solid], white.rgba[solid])


def test_a_large_view_is_scaled_down_over_the_same_box() -> None:
    objects = scene()
    full, small = run(objects).get(3), run(objects, max_size=32).get(3)
    assert full is not None and small is not None
    assert max(small.rgba.shape[:2]) == 32 and small.crop.shape == small.rgba.shape
    assert small.box == full.box
    middle = small.rgba[small.rgba[..., 3] == 255]
    assert np.abs(middle[:, :3].astype(int) - [200, 30, 30]).max() < 30


@pytest.mark.parametrize("value", [0, 1])
def test_an_object_without_pixels_fails_alone(value: int) -> None:
    objects = scene()
    empty = SceneObject(7, "cup", 0.5, (0, 0, 0, 0), np.zeros(SIZE, bool) if value else None)
    views = run(replace(objects, objects=(*objects.objects, empty)))
    failed = views.get(7)
    assert failed is not None and "cup 7 has no visible pixel" in failed.failure
    np.testing.assert_array_equal(failed.rgba, failed.crop)
    assert [v.failure for v in views.views[:2]] == ["", ""]


def test_one_pixel_is_an_object_and_one_pixel_is_a_photo() -> None:
    speck = np.zeros(SIZE, bool)
    speck[10, 10] = True
    view = run(
        Objects(Photo(room()), (SceneObject(0, "dot", 1.0, (10, 10, 11, 11), speck),))
    ).views[0]
    assert not view.failure and view.rgba[..., 3].max() == 255
    tiny = Objects(
        Photo(np.full((1, 1, 3), 9, np.uint8)),
        (SceneObject(0, "all", 1.0, (0, 0, 1, 1), np.ones((1, 1), bool)),),
    )
    views = run(tiny)
    assert not views.views[0].failure
    assert views.background is not None and views.background.shape == (1, 1, 3)
    assert "plain colour" in views.notes[0]


def test_a_box_without_a_mask_is_cut_out_as_a_box() -> None:
    objects = Objects(Photo(room()), (SceneObject(0, "tv", 1.0, (10, 5, 30, 25)),))
    view = run(objects).views[0]
    assert (view.crop[..., 3] > 0).sum() == 400


class Counting:
    """The default backend, counting its calls."""

    def __init__(self) -> None:
        self.calls: list[int] = []
        choice = choose("inpaint")

        def work(item, options, context):  # type: ignore[no-untyped-def]
            self.calls.append(item.id)
            return choice.backend.run(item, options, context)

        self.choice = Choice(replace(choice.backend, run=work), choice.options)


class TestReuse:
    def test_a_second_run_makes_nothing_anew(self, monkeypatch: pytest.MonkeyPatch) -> None:
        counting, context, objects = Counting(), Context(store=Store()), scene()
        first = inpaint(objects, counting.choice, context)
        monkeypatch.setattr("cast_nodes.inpaint.plate.make_plate", None)
        second = inpaint(objects, counting.choice, context)
        assert sorted(counting.calls) == [3, 5]
        for a, b in zip(first.views, second.views, strict=True):
            np.testing.assert_array_equal(a.rgba, b.rgba)
        assert first.background is not None and second.background is not None
        np.testing.assert_array_equal(first.background, second.background)

    def test_a_retry_redoes_that_object_and_not_the_plate(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        counting, context, objects = Counting(), Context(store=Store()), scene()
        inpaint(objects, counting.choice, context)
        monkeypatch.setattr("cast_nodes.inpaint.plate.make_plate", None)
        counting.calls.clear()
        inpaint(objects.replaced(replace(objects.by_id(5), retry=1)), counting.choice, context)
        assert counting.calls == [5]

    def test_a_changed_mask_redoes_what_depends_on_it(self) -> None:
        counting, context, objects = Counting(), Context(store=Store()), scene()
        inpaint(objects, counting.choice, context)
        counting.calls.clear()
        first = objects.by_id(3)
        assert first.mask is not None
        mask = first.mask.copy()
        mask[25:27] = False
        # The post is in front: what the box shows does not matter to it.
        inpaint(objects.replaced(replace(first, mask=mask)), counting.choice, context)
        assert counting.calls == [3]

    def test_options_of_the_plate_leave_the_views_alone(self) -> None:
        counting, context, objects = Counting(), Context(store=Store()), scene()
        inpaint(objects, counting.choice, context)
        counting.calls.clear()
        options = replace(counting.choice.options, background_margin=0.02)  # type: ignore[type-var]
        inpaint(objects, Choice(counting.choice.backend, options), context)
        assert counting.calls == []


def test_the_plate_can_be_left_out() -> None:
    assert run(scene(), background=False).background is None


def test_the_package_offers_what_backends_need() -> None:
    assert set(package.__all__) == {
        "InpaintItem",
        "InpaintOptions",
        "Painter",
        "RoomItem",
        "Wants",
        "inpaint",
    }
