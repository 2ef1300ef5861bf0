"""From an editor's answer to a view: where the object lies, its outline, its colours."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from cast_nodes.errors import BadInput, ObjectFailure
from cast_nodes.inpaint import InpaintItem, InpaintOptions
from cast_nodes.inpaint._align import Placed, align, moved
from cast_nodes.inpaint._completed import completed_view
from cast_nodes.inpaint._frame import WHITE, Frame, drawn, frame_of
from cast_nodes.inpaint._matte import matte_of
from cast_nodes.inpaint._prompts import CANVAS, LONGEST, PLAIN, ROOM, filled, room_prompt
from cast_nodes.inpaint._room import plate_from_answer

N = 160


def disc(radius: float = 0.3, n: int = N, x: float = 0.5, y: float = 0.5) -> np.ndarray:
    """(n, n) coverage of an anti-aliased disc."""
    v, u = (np.mgrid[:n, :n] + 0.5) / n
    return np.clip((radius - np.hypot(u - x, v - y)) * n + 0.5, 0, 1)


def laid(cover: np.ndarray, colour, ground=WHITE) -> np.ndarray:
    mixed = cover[..., None] * np.array(colour) + (1 - cover[..., None]) * np.array(ground)
    return mixed.round().astype(np.uint8)


def noisy(image: np.ndarray, sigma: float = 2.0) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.clip(image + rng.normal(0, sigma, image.shape), 0, 255).astype(np.uint8)


class TestMatte:
    @pytest.mark.parametrize("colour", [(180, 40, 30), (20, 20, 24), (120, 140, 160)])
    @pytest.mark.parametrize("ground", [WHITE, (150, 150, 150)])
    def test_the_outline_is_that_of_the_object_with_a_soft_edge(self, colour, ground) -> None:
        cover = disc()
        matte = matte_of(noisy(laid(cover, colour, ground)))
        assert matte.plain
        assert matte.ground == pytest.approx(ground, abs=2)
        assert matte.alpha.sum() == pytest.approx(cover.sum(), rel=0.03)
        assert np.abs(matte.alpha - cover).mean() < 0.01
        between = (matte.alpha > 0.1) & (matte.alpha < 0.9)
        assert between.sum() > 50

    def test_gaps_of_the_grounds_colour_are_open(self) -> None:
        cover = disc(0.4) * (1 - disc(0.15))
        matte = matte_of(laid(cover, (90, 60, 30)))
        assert matte.alpha[N // 2, N // 2] == 0
        assert np.abs(matte.alpha - cover).mean() < 0.01

    def test_what_is_known_to_be_the_object_stays_whatever_its_colour(self) -> None:
        cover, inner = disc(0.4), disc(0.2) > 0.5
        picture = laid(cover, (90, 60, 30))
        picture[inner] = 255
        assert matte_of(picture).alpha[inner].max() == 0
        assert matte_of(picture, inner).alpha[inner].min() == 1

    def test_a_soft_shadow_goes_with_the_ground(self) -> None:
        cover = disc(0.25, y=0.4)
        v, u = (np.mgrid[:N, :N] + 0.5) / N
        dark = 0.3 * np.exp(-(((u - 0.5) / 0.2) ** 2) - ((v - 0.68) / 0.08) ** 2)
        picture = cover[..., None] * np.array((150, 40, 40))
        picture = picture + (1 - cover[..., None]) * 255 * (1 - dark[..., None])
        matte = matte_of(picture.astype(np.uint8))
        assert np.abs(matte.alpha - cover).mean() < 0.02
        assert matte.alpha[int(0.72 * N) :].max() < 0.2

    @pytest.mark.parametrize("grey", [215, 190, 160])
    def test_a_light_grey_thing_is_no_shadow(self, grey: int) -> None:
        cover = np.asarray(ndimage.gaussian_filter(disc(0.35), 0.8))
        matte = matte_of(laid(cover, (grey,) * 3))
        assert matte.alpha.sum() == pytest.approx(cover.sum(), rel=0.05)

    def test_dirt_beside_the_object_is_left_out(self) -> None:
        picture = laid(disc(), (180, 40, 30))
        picture[10:12, 10:13] = 0
        assert matte_of(picture).alpha[:20, :20].max() == 0

    def test_a_busy_picture_is_no_plain_ground(self) -> None:
        busy = np.random.default_rng(0).integers(0, 255, (N, N, 3), np.uint8)
        assert not matte_of(busy).plain


def pattern(n: int = N) -> np.ndarray:
    """(n, n, 3) uint8, colours by which every place can be told."""
    v, u = (np.mgrid[:n, :n] + 0.5) / n
    bands = 40 * (np.sin(u * 40) + np.cos(v * 33))
    return np.stack([60 + 140 * u, 60 + 120 * v, 110 + bands], -1).clip(0, 255).astype(np.uint8)


def painted(cover: np.ndarray) -> np.ndarray:
    return laid(cover, (0, 0, 0)) + (cover[..., None] * pattern(len(cover))).astype(np.uint8)


class TestAlign:
    @settings(max_examples=6)
    @given(st.floats(0.75, 1.3), st.floats(-0.1, 0.1), st.floats(-0.1, 0.1))
    def test_scale_and_shift_are_found_from_the_visible_part(
        self, scale: float, x: float, y: float
    ) -> None:
        whole = painted(disc())
        seen = disc() * (np.arange(N) < 0.55 * N)
        shown = np.where(seen[..., None] > 0.5, whole, 255).astype(np.uint8)
        truth = Placed(scale, (1 - scale) / 2 + x, (1 - scale) / 2 + y, 0)
        # The answer is what lies over the square once it is moved by the truth.
        back = Placed(1 / scale, -truth.x / scale, -truth.y / scale, 0)
        answer = moved(whole.astype(np.float32), back, 200, np.array(WHITE))
        answer = np.clip(answer, 0, 255).astype(np.uint8)
        free = (1 - disc()) * (np.arange(N) < 0.55 * N)
        found = align(answer, shown, seen, free)
        corners = np.array([0.2, 0.8])
        for t in ("x", "y"):
            want = truth.scale * corners + getattr(truth, t)
            there = found.scale * corners + getattr(found, t)
            # Positions of the answer's points in the square.
            np.testing.assert_allclose(there, want, atol=0.006)

    def test_an_answer_in_place_is_left_where_it_is(self) -> None:
        whole = painted(disc())
        found = align(noisy(whole), whole, disc(), 1 - disc())
        assert (found.scale, found.x, found.y) == (1, 0, 0)

    def test_another_light_does_not_move_it(self) -> None:
        whole = painted(disc())
        answer = np.where(disc()[..., None] > 0.5, whole * 0.85, 255).astype(np.uint8)
        found = align(answer, whole, disc(), 1 - disc())
        assert abs(found.scale - 1) < 0.01 and max(abs(found.x), abs(found.y)) < 0.006

    def test_another_thing_has_a_large_error(self) -> None:
        whole = painted(disc())
        other = laid(np.asarray(np.rot90(disc(0.2, x=0.2, y=0.8))), (10, 200, 30))
        assert align(other, whole, disc(), 1 - disc()).error > 30

    def test_moving_by_nothing_changes_nothing(self) -> None:
        image = painted(disc())
        still = moved(image.astype(np.float32), Placed(1, 0, 0, 0), N, np.array(WHITE))
        np.testing.assert_allclose(still, image, atol=1e-3)


def hidden_half() -> tuple[InpaintItem, np.ndarray]:
    """A patterned disc in a window, its right part behind something; and its whole mask."""
    whole = disc(0.35) > 0.5
    front = np.zeros_like(whole)
    front[:, 100:] = True
    visible = whole & ~front
    rgb = np.where(visible[..., None], pattern(), 0).astype(np.uint8)
    return (
        InpaintItem(4, "ball", rgb, visible, front, np.ones_like(whole), (30, 10), True),
        whole,
    )


def answer_for(
    frame: Frame, whole: np.ndarray, size: int, scale: float = 1.0, x: float = 0.0, y: float = 0.0
) -> np.ndarray:
    """What an editor that knows the whole disc draws into the square."""
    rgb = np.where(whole[..., None], pattern(), 0).astype(np.uint8)
    item = InpaintItem(0, "", rgb, whole, np.zeros_like(whole), np.ones_like(whole), (0, 0))
    shown, _ = drawn(item, frame, size, WHITE)
    placed = Placed(scale, (1 - scale) / 2 + x, (1 - scale) / 2 + y, 0)
    return np.clip(moved(shown.astype(np.float32), placed, size, np.array(WHITE)), 0, 255).astype(
        np.uint8
    )


def photo_places(view) -> tuple[np.ndarray, np.ndarray]:
    """(h, w) window x and y of every pixel of the view, for the item of ``hidden_half``."""
    height, width = view.rgba.shape[:2]
    x0, y0, x1, y1 = view.box
    x = x0 + (np.arange(width) + 0.5) * (x1 - x0) / width - 30
    y = y0 + (np.arange(height) + 0.5) * (y1 - y0) / height - 10
    return np.meshgrid(x, y)


class TestCompletedView:
    @pytest.mark.parametrize(
        ("size", "moves"),
        [
            (190, {}),
            (512, {}),
            (512, {"scale": 1.12, "x": 0.03, "y": -0.02}),
            (300, {"scale": 0.9}),
        ],
    )
    def test_the_view_lies_where_the_photo_has_the_object(self, size, moves) -> None:
        item, whole = hidden_half()
        frame = frame_of(item, 0.1)
        answer = answer_for(frame, whole, size, **moves)
        view = completed_view(item, frame, answer, WHITE, InpaintOptions(), True)
        x, y = photo_places(view)
        inside = np.hypot(x - N / 2, y - N / 2) < 0.35 * N
        alpha = view.rgba[..., 3] > 127
        assert (inside & alpha).sum() / (inside | alpha).sum() > 0.97
        core = np.hypot(x - N / 2, y - N / 2) < 0.33 * N
        columns, rows = x[core].astype(int), y[core].astype(int)
        away = np.abs(view.rgba[core][:, :3].astype(int) - pattern()[rows, columns])
        assert np.percentile(away, 90) < 14

    def test_visible_pixels_stay_the_photos_own(self) -> None:
        item, whole = hidden_half()
        frame = frame_of(item, 0.1)
        darker = (answer_for(frame, whole, frame.side) * 0.8).astype(np.uint8)
        darker[darker.min(-1) > 200] = 255
        view = completed_view(item, frame, darker, WHITE, InpaintOptions(), True)
        x, y = photo_places(view)
        inner = (np.hypot(x - N / 2, y - N / 2) < 0.32 * N) & (x < 96)
        columns, rows = x[inner].astype(int), y[inner].astype(int)
        np.testing.assert_array_equal(view.rgba[inner][:, :3], pattern()[rows, columns])
        np.testing.assert_array_equal(view.crop[inner][:, :3], pattern()[rows, columns])

    def test_the_services_pixels_are_used_when_asked_for(self) -> None:
        item, whole = hidden_half()
        frame = frame_of(item, 0.1)
        answer = answer_for(frame, whole, frame.side)
        answer[..., 0] = np.where(answer.min(-1) < 230, answer[..., 0] * 0.75, answer[..., 0])
        kept, theirs = (
            completed_view(item, frame, answer, WHITE, InpaintOptions(), keep)
            for keep in (True, False)
        )
        solid = kept.crop[..., 3] == 255
        red = np.median(kept.rgba[solid][:, 0].astype(float))
        assert np.median(theirs.rgba[solid][:, 0]) == pytest.approx(0.75 * red, abs=8)

    def test_completed_parts_take_the_photos_light(self) -> None:
        item, whole = hidden_half()
        frame = frame_of(item, 0.1)
        answer = answer_for(frame, whole, frame.side).astype(int)
        mask = answer.min(-1) < 230
        answer[mask] -= 20
        view = completed_view(
            item, frame, answer.clip(0, 255).astype(np.uint8), WHITE, InpaintOptions(), True
        )
        x, y = photo_places(view)
        new = (np.hypot(x - N / 2, y - N / 2) < 0.32 * N) & (x > 103) & (x < 115)
        columns, rows = x[new].astype(int), y[new].astype(int)
        away = view.rgba[new][:, :3].astype(int) - pattern()[rows, columns]
        assert abs(np.median(away)) < 8

    def test_a_rim_round_the_seen_outline_is_cut_and_a_missed_part_stays(self) -> None:
        item, whole = hidden_half()
        frame = frame_of(item, 0.1)
        fat = ndimage.binary_dilation(whole, iterations=3)
        fat[10:24, 70:90] = True  # a knob that the mask has missed
        fat[20:30, 75:85] = True
        view = completed_view(
            item, frame, answer_for(frame, fat, frame.side), WHITE, InpaintOptions(), True
        )
        x, y = photo_places(view)
        alpha = view.rgba[..., 3] > 127
        reach = np.hypot(x - N / 2, y - N / 2) / N
        assert not alpha[(reach > 0.362) & (x < 60)].any()
        assert alpha[(x > 74) & (x < 86) & (y > 13) & (y < 22)].mean() > 0.9

    def test_another_object_is_refused(self) -> None:
        item, _ = hidden_half()
        frame = frame_of(item, 0.1)
        other = laid(disc(0.1, 200, 0.2, 0.8), (10, 220, 30))
        with pytest.raises(ObjectFailure, match="something else"):
            completed_view(item, frame, other, WHITE, InpaintOptions(), True)

    def test_an_object_in_a_scene_is_refused(self) -> None:
        item, whole = hidden_half()
        frame = frame_of(item, 0.1)
        answer = answer_for(frame, whole, 190)
        busy = np.random.default_rng(0).integers(150, 255, answer.shape, np.uint8)
        answer = np.where(answer.min(-1, keepdims=True) > 240, busy, answer)
        with pytest.raises(ObjectFailure, match="plain ground"):
            completed_view(item, frame, answer, WHITE, InpaintOptions(), True)

    def test_a_compressed_answer_does(self) -> None:
        item, whole = hidden_half()
        frame = frame_of(item, 0.1)
        file = io.BytesIO()
        Image.fromarray(answer_for(frame, whole, 400)).save(file, "JPEG", quality=70)
        answer = np.asarray(Image.open(file))
        view = completed_view(item, frame, answer, WHITE, InpaintOptions(), True)
        x, y = photo_places(view)
        inside = np.hypot(x - N / 2, y - N / 2) < 0.35 * N
        alpha = view.rgba[..., 3] > 127
        assert (inside & alpha).sum() / (inside | alpha).sum() > 0.96


class TestRoom:
    def scene(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A photo with a red box and its shadow, the box's mask, the empty room."""
        v, u = np.mgrid[:90, :120]
        empty = np.stack([150 + 0.5 * u, 140 + 0.6 * v, 120 + 20 * np.sin(u / 5)], -1)
        photo = empty.copy()
        photo[50:58, 40:75] *= 0.8
        mask = np.zeros((90, 120), bool)
        mask[20:52, 40:70] = True
        photo[mask] = (200, 20, 20)
        return photo.astype(np.uint8), mask, empty.astype(np.uint8)

    @pytest.mark.parametrize("size", [(120, 90), (300, 225), (64, 48)])
    def test_objects_and_shadows_go_and_the_rest_stays(self, size) -> None:
        photo, mask, empty = self.scene()
        answer = np.asarray(Image.fromarray(empty).resize(size, Image.Resampling.BICUBIC))
        plate = plate_from_answer(photo, mask, answer, 0.01, True)
        assert np.abs(plate.astype(int) - empty)[mask].mean() < 6
        assert np.abs(plate[53:57, 45:70].astype(int) - empty[53:57, 45:70]).mean() < 8
        far = np.ones_like(mask)
        far[10:66, 30:85] = False
        np.testing.assert_array_equal(plate[far], photo[far])

    def test_without_shadows_only_the_objects_go(self) -> None:
        photo, mask, empty = self.scene()
        plate = plate_from_answer(photo, mask, empty, 0.0, False)
        np.testing.assert_array_equal(plate[55, 45:70], photo[55, 45:70])

    def test_another_light_is_brought_to_the_photos(self) -> None:
        photo, mask, empty = self.scene()
        plate = plate_from_answer(photo, mask, (empty * 0.92).astype(np.uint8), 0.01, False)
        assert np.abs(plate.astype(int) - empty)[mask].mean() < 7

    def test_another_room_is_refused(self) -> None:
        photo, mask, _ = self.scene()
        other = np.random.default_rng(0).integers(0, 255, photo.shape, np.uint8)
        with pytest.raises(ObjectFailure, match="does not match"):
            plate_from_answer(photo, mask, other, 0.01, True)

    def test_a_room_with_the_objects_still_in_it_is_refused(self) -> None:
        photo, mask, _ = self.scene()
        with pytest.raises(ObjectFailure, match="still shows"):
            plate_from_answer(photo, mask, photo, 0.01, True)


class TestPrompts:
    @pytest.mark.parametrize("template", [PLAIN, CANVAS])
    def test_prompts_name_the_object_and_are_short_enough_for_every_service(self, template) -> None:
        prompt = filled(template, "mid-century armchair")
        assert "mid-century armchair" in prompt and len(prompt) <= LONGEST
        assert len(filled(template, "x" * 500)) <= LONGEST

    def test_own_prompts_may_use_the_label(self) -> None:
        assert filled("a whole {label}, {{please}}", "cup") == "a whole cup, {please}"
        for bad in ("{object}", "{", "{0}"):
            with pytest.raises(BadInput, match="label"):
                filled(bad, "cup")

    def test_the_rooms_prompt_counts_things_and_stays_short(self) -> None:
        assert "2 × chair, lamp" in room_prompt(ROOM, ["chair", "lamp", "chair"])
        many = room_prompt(ROOM, [f"very special thing number {i}" for i in range(100)])
        assert len(many) <= LONGEST and "all other" in many
