"""The drawn window and the card that is cut back from an editor's answer."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cast_nodes.inpaint import InpaintItem
from cast_nodes.inpaint._canvas import (
    BORDER,
    PADDING,
    PANEL,
    PHOTO_WIDTH,
    Layout,
    cut_back,
    draw_canvas,
    layout_for,
)
from cast_nodes.inpaint._frame import GREY, WHITE, drawn, frame_of, ground_for, mask_in_frame

WHITE_GROUND = (255, 255, 255)


def item(
    visible: np.ndarray, hidden: np.ndarray | None = None, colour=(200, 40, 40), complete=True
) -> InpaintItem:
    rgb = np.where(visible[..., None], np.array(colour), 0).astype(np.uint8)
    nothing = np.zeros_like(visible)
    return InpaintItem(
        0, "chair", rgb, visible, nothing if hidden is None else hidden,
        np.ones_like(visible), (0, 0), complete,
    )  # fmt: skip


def room(width: int = 160, height: int = 120) -> np.ndarray:
    """A photo with detail everywhere, dark and light."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 255, (6, 8, 3), np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def card(layout: Layout) -> np.ndarray:
    """A card's content: a dark disc with a light square in it, on white."""
    n = layout.inner_side
    y, x = (np.mgrid[:n, :n] + 0.5) / n
    out = np.full((n, n, 3), 255, np.uint8)
    out[np.hypot(x - 0.5, y - 0.5) < 0.35] = (60, 30, 90)
    out[(abs(x - 0.4) < 0.08) & (abs(y - 0.6) < 0.08)] = (230, 200, 40)
    return out


def window(layout: Layout, photo: np.ndarray, shown: np.ndarray) -> np.ndarray:
    mask = np.zeros(photo.shape[:2], bool)
    mask[20:60, 30:90] = True
    return draw_canvas(layout, photo, mask, shown, WHITE_GROUND)


@cache
def example() -> tuple[Layout, np.ndarray, np.ndarray]:
    layout = layout_for(160, 120)
    shown = card(layout)
    return layout, window(layout, room(), shown), shown


@pytest.fixture
def drawn_window() -> tuple[Layout, np.ndarray, np.ndarray]:
    return example()


def resized(image: np.ndarray, width: int, height: int) -> np.ndarray:
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS))


def jpeg(image: np.ndarray, quality: int = 80) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


class TestLayout:
    @given(st.integers(40, 6000), st.integers(40, 6000))
    def test_the_window_holds_photo_panel_and_a_square_card(self, width: int, height: int) -> None:
        layout = layout_for(width, height)
        x0, y0, x1, y1 = layout.photo
        assert x0 == 0 and 0 <= y0 < y1 <= layout.height
        assert (x1 - x0) / (y1 - y0) == pytest.approx(width / height, rel=0.02, abs=0.01 * width)
        assert layout.width - x1 == layout.height  # the panel is square
        a, b, c, d = layout.card
        assert c - a == d - b and x1 < a < c < layout.width and 0 < b < d
        assert (layout.height - d) / layout.height > 0.06  # room for the caption
        assert abs((a - x1) - (layout.width - c)) <= 1

    def test_a_landscape_photo_is_1280_wide_and_the_card_has_its_margins(self) -> None:
        layout = layout_for(4000, 3000)
        assert layout.photo == (0, 0, PHOTO_WIDTH, 960)
        assert (layout.width, layout.height) == (2240, 960)
        x0, _, x1, y1 = layout.card
        assert x1 - x0 == 960 - int(0.08 * 960) - int(0.02 * 960)
        assert x0 - 1280 >= 0.04 * 960 and 960 - y1 >= 0.08 * 960

    def test_the_window_looks_as_described(self, drawn_window) -> None:
        layout, canvas, _ = drawn_window
        assert canvas.shape == (layout.height, layout.width, 3)
        x0, y0, x1, y1 = layout.card
        middle = (y0 + y1) // 2
        assert (canvas[middle, layout.photo[2] + 5] == PANEL).all()
        assert (canvas[middle, x0 : x0 + BORDER] == 0).all()
        assert (canvas[y0, x0] == PANEL).all()  # the corner is round
        assert (canvas[y0 + BORDER + 3, x0 + 40 : x1 - 40] == 255).all()
        caption = canvas[y1 + 4 :, layout.photo[2] :]
        assert (caption.max(-1) < 40).sum() > 300
        columns = np.flatnonzero((caption.max(-1) < 40).any(0))
        assert abs(columns.mean() - layout.height / 2) < 0.05 * layout.height

    def test_the_object_is_outlined_in_the_photo_and_its_inside_stays(self) -> None:
        photo, layout = np.full((120, 160, 3), 90, np.uint8), layout_for(160, 120)
        canvas = window(layout, photo, card(layout)).astype(int)
        red = (canvas[..., 0] > 200) & (canvas[..., 1] < 90) & (canvas[..., 2] < 110)
        rows, columns = np.nonzero(red[:, : layout.photo[2]])
        scale = PHOTO_WIDTH / 160
        assert rows.min() == pytest.approx(20 * scale, abs=8)
        assert columns.max() == pytest.approx(90 * scale, abs=8)
        inside = canvas[int(24 * scale) : int(56 * scale), int(34 * scale) : int(86 * scale)]
        assert (inside == 90).all()


class TestCutBack:
    def test_an_answer_of_the_same_size_gives_the_card_to_the_pixel(self, drawn_window) -> None:
        layout, canvas, shown = drawn_window
        cut = cut_back(canvas, layout)
        assert cut.found
        assert cut.box == pytest.approx(layout.inner, abs=0.01)
        same = np.abs(cut.rgb.astype(int) - shown).max(-1)
        corners = np.hypot(*(np.abs(np.mgrid[: len(same), : len(same)] - len(same) / 2)))
        assert same[corners < 0.68 * len(same)].max() <= 1

    @settings(max_examples=12)
    @given(st.integers(900, 1800), st.floats(-0.12, 0.12), st.sampled_from([95, 75]))
    def test_a_stretched_answer_gives_the_card(
        self, width: int, stretch: float, quality: int
    ) -> None:
        layout, canvas, _ = example()
        height = round(width * layout.height / layout.width * np.exp(stretch))
        answer = jpeg(resized(canvas, width, height), quality)
        across, down = width / layout.width, height / layout.height
        x0, y0, x1, y1 = layout.inner
        cut = cut_back(answer, layout)
        assert cut.found
        assert cut.box == pytest.approx((x0 * across, y0 * down, x1 * across, y1 * down), abs=1)

    @pytest.mark.parametrize("colour", ["white", "black", "grey"])
    @pytest.mark.parametrize("size", [(1024, 1024), (1344, 768), (1184, 880)])
    def test_bands_round_the_answer_do_not_matter(self, drawn_window, colour, size) -> None:
        layout, canvas, _ = drawn_window
        scale = min(size[0] / layout.width, size[1] / layout.height)
        small = Image.fromarray(canvas).resize(
            (round(layout.width * scale), round(layout.height * scale)), Image.Resampling.LANCZOS
        )
        page = Image.new("RGB", size, colour)
        left, top = (size[0] - small.width) // 2, (size[1] - small.height) // 2
        page.paste(small, (left, top))
        cut = cut_back(np.asarray(page), layout)
        x0, y0, x1, y1 = (v * small.width / layout.width for v in layout.inner)
        want = (left + x0, top + y0, left + x1, top + y1)
        assert cut.found and cut.box == pytest.approx(want, abs=1)

    @pytest.mark.parametrize("width", [700, 1120, 1344])
    def test_nothing_of_the_border_is_left_on_the_card(self, drawn_window, width: int) -> None:
        layout, canvas, _ = drawn_window
        answer = jpeg(resized(canvas, width, round(width * layout.height / layout.width)))
        card = cut_back(answer, layout).rgb.astype(int)
        sides = (card[:3], card[-3:], card[:, :3], card[:, -3:])
        rim = np.concatenate([side.reshape(-1, 3) for side in sides])
        assert np.mean(rim.min(-1) > 235) > 0.97

    def test_a_card_that_the_editor_has_moved_a_little_is_found(self, drawn_window) -> None:
        layout, canvas, _ = drawn_window
        moved = np.roll(canvas, (7, -11), (0, 1))
        x0, y0, x1, y1 = layout.inner
        cut = cut_back(moved, layout)
        assert cut.found
        assert cut.box == pytest.approx((x0 - 11, y0 + 7, x1 - 11, y1 + 7), abs=0.5)

    def test_without_a_border_the_geometry_holds(self, drawn_window) -> None:
        layout, canvas, _ = drawn_window
        bare = canvas.copy()
        x0, y0, x1, y1 = layout.card
        bare[y0 - 2 : y1 + 2, x0 - 2 : x1 + 2] = 255
        cut = cut_back(resized(bare, 1120, 480), layout)
        assert not cut.found
        assert cut.box == pytest.approx([v / 2 for v in layout.inner], abs=0.01)

    def test_an_answer_that_is_only_the_object_is_taken_whole(self, drawn_window) -> None:
        layout, _, shown = drawn_window
        cut = cut_back(resized(shown, 640, 640), layout)
        assert not cut.found and cut.box == (0, 0, 640, 640)

    def test_a_black_object_beside_the_border_is_not_the_border(self) -> None:
        layout = layout_for(160, 120)
        shown = np.full((layout.inner_side,) * 2 + (3,), 255, np.uint8)
        shown[:, 40:200] = 0
        shown[100:130] = 0
        cut = cut_back(window(layout, room(), shown), layout)
        assert cut.box == pytest.approx(layout.inner, abs=0.5)

    @pytest.mark.parametrize("size", [(1, 1), (7, 3), (30, 400)])
    def test_any_picture_gives_some_square(self, drawn_window, size) -> None:
        answer = np.full((size[1], size[0], 3), 128, np.uint8)
        cut = cut_back(answer, drawn_window[0])
        assert cut.rgb.shape[0] == cut.rgb.shape[1] >= 8


class TestFrame:
    def test_the_visible_part_has_its_padding_on_the_card(self) -> None:
        visible = np.zeros((400, 500), bool)
        visible[50:250, 100:450] = True
        layout = layout_for(400, 300)
        shown, cover = drawn(
            item(visible), frame_of(item(visible), layout.margin), layout.inner_side, WHITE
        )
        columns = np.flatnonzero((cover > 0.5).any(0))
        assert columns[0] + BORDER == pytest.approx(PADDING, abs=4)
        assert layout.inner_side - columns[-1] + BORDER == pytest.approx(PADDING, abs=4)
        assert (shown[cover < 0.01] == 255).all()
        assert np.abs(shown[cover > 0.99].astype(int) - [200, 40, 40]).max() <= 1

    def test_room_is_left_where_something_stands_in_front(self) -> None:
        visible, hidden = np.zeros((60, 120), bool), np.zeros((60, 120), bool)
        visible[10:50, 10:50] = True
        hidden[0:60, 50:110] = True
        plain = frame_of(item(visible), 0.1)
        wide = frame_of(item(visible, hidden), 0.1)
        assert plain.x + plain.side / 2 == pytest.approx(30, abs=1)
        assert wide.side > 1.2 * plain.side
        assert wide.x + wide.side > 50 + 0.3 * 40
        assert wide.x + wide.side < 110

    def test_far_occluders_leave_the_frame_alone(self) -> None:
        visible, hidden = np.zeros((60, 120), bool), np.zeros((60, 120), bool)
        visible[10:50, 10:50] = True
        hidden[:, 60:] = True
        assert frame_of(item(visible, hidden), 0.1) == frame_of(item(visible), 0.1)

    def test_at_the_windows_own_resolution_pixels_stay_as_they_are(self) -> None:
        rng = np.random.default_rng(1)
        visible = np.zeros((40, 50), bool)
        visible[8:30, 5:44] = True
        one = item(visible)
        one.rgb[visible] = rng.integers(0, 255, (visible.sum(), 3))
        frame = frame_of(one, 0.1)
        shown, cover = drawn(one, frame, frame.side, WHITE)
        rows, columns = np.nonzero(visible)
        np.testing.assert_array_equal(
            shown[rows - frame.y, columns - frame.x], one.rgb[rows, columns]
        )
        assert cover.sum() == visible.sum()

    @settings(max_examples=20)
    @given(st.integers(2, 60), st.integers(2, 60), st.integers(24, 300))
    def test_the_square_shows_the_object_at_its_place(self, w: int, h: int, size: int) -> None:
        visible = np.zeros((70, 70), bool)
        visible[5 : 5 + h, 6 : 6 + w] = True
        frame = frame_of(item(visible), 0.1)
        _, cover = drawn(item(visible), frame, size, WHITE)
        scale = frame.scale(size)
        y, x = np.mgrid[:size, :size] + 0.5
        total = cover.sum()
        assert total == pytest.approx(w * h * scale**2, rel=0.2, abs=4 * scale * (w + h) + 4)
        near = max(1.0, 0.2 * scale)  # a fifth of the photo's pixel
        centre_x, centre_y = (x * cover).sum() / total, (y * cover).sum() / total
        assert centre_x == pytest.approx((6 + w / 2 - frame.x) * scale, abs=near)
        assert centre_y == pytest.approx((5 + h / 2 - frame.y) * scale, abs=near)

    def test_nothing_is_known_beyond_the_window(self) -> None:
        visible = np.zeros((20, 20), bool)
        visible[2:18, 2:18] = True
        frame = frame_of(item(visible), 0.2)
        cover = mask_in_frame(np.ones((20, 20), bool), frame, 50)
        assert cover[0, 0] == 0 and cover[25, 25] > 0.99

    @pytest.mark.parametrize(
        ("colour", "ground"), [((200, 40, 40), WHITE), ((250, 250, 248), GREY), ((20,) * 3, WHITE)]
    )
    def test_a_pale_object_is_shown_on_grey(self, colour, ground) -> None:
        visible = np.zeros((40, 40), bool)
        visible[5:35, 5:35] = True
        assert ground_for(item(visible, colour=colour)) == ground
