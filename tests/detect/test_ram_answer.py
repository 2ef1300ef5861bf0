"""The answer of RAM-Grounded-SAM: its list and its index mask, sound or not."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cast_nodes.detect.index_mask import read_index_mask
from cast_nodes.detect.ram_answer import objects_from_answer, read_list
from cast_nodes.types import Photo

from .conftest import iou

H, W = 120, 160
BOXES = {1: (10.0, 20.0, 60.0, 80.0), 2: (50.0, 60.0, 120.0, 110.0), 3: (100.0, 10.0, 150.0, 50.0)}


@pytest.fixture(scope="module")
def labels():
    """A box, an ellipse drawn over its corner, and a ring."""
    y, x = np.mgrid[:H, :W]
    out = np.zeros((H, W), np.uint8)
    out[20:80, 10:60] = 1
    out[((x - 85) / 35) ** 2 + ((y - 85) / 25) ** 2 < 1] = 2
    far = ((x - 125) / 25) ** 2 + ((y - 30) / 20) ** 2
    out[(far < 1) & (far > 0.3)] = 3
    return out


def saved(image, kind, **options):
    data = io.BytesIO()
    image.save(data, kind, **options)
    return Image.open(io.BytesIO(data.getvalue()))


def ious(found, labels):
    return [iou(found == n, labels == n) for n in BOXES]


class TestIndexMask:
    def test_a_grey_png_is_taken_as_it_is(self, labels):
        found, notes = read_index_mask(saved(Image.fromarray(labels), "PNG"), BOXES, W, H)
        assert (found == labels).all()
        assert notes == ()

    @pytest.mark.parametrize("mode", ["RGB", "RGBA", "I", "LA"])
    def test_grey_in_any_mode_is_grey(self, labels, mode):
        found, _ = read_index_mask(Image.fromarray(labels).convert(mode), BOXES, W, H)
        assert (found == labels).all()

    def test_a_palette_picture_counts_by_its_numbers(self, labels):
        image = Image.fromarray(labels).convert("P")
        image.putpalette([0, 0, 0, 200, 10, 10, 10, 200, 10, 10, 10, 200])
        found, notes = read_index_mask(saved(image, "PNG"), BOXES, W, H)
        assert (found == labels).all()
        assert notes == ()

    def test_a_palette_of_greys_in_another_order_counts_by_its_greys(self, labels):
        turned = np.array([3, 2, 1, 0], np.uint8)[labels]
        image = Image.fromarray(turned).convert("P")
        image.putpalette([v for grey in (3, 2, 1, 0) for v in (grey,) * 3])
        found, _ = read_index_mask(saved(image, "PNG"), BOXES, W, H)
        assert (found == labels).all()

    def test_greys_stretched_to_white_are_numbers_too(self, labels):
        stretched = np.round(labels * (255 / 3)).astype(np.uint8)
        found, _ = read_index_mask(Image.fromarray(stretched), BOXES, W, H)
        assert (found == labels).all()

    @pytest.mark.parametrize("factor", [0.5, 2.5])
    def test_another_size_is_scaled_and_said(self, labels, factor):
        size = (round(W * factor), round(H * factor))
        image = Image.fromarray(labels).resize(size, Image.Resampling.NEAREST)
        found, notes = read_index_mask(image, BOXES, W, H)
        assert min(ious(found, labels)) > 0.85
        assert any(f"{size[0]}x{size[1]}" in n and f"{W}x{H}" in n for n in notes)

    @pytest.mark.parametrize("step", [1, 40])
    @pytest.mark.parametrize("quality", [75, 95])
    def test_a_jpeg_gives_each_pixel_to_the_nearest_object(self, labels, quality, step):
        boxes = {n * step: box for n, box in BOXES.items()}
        image = saved(Image.fromarray(labels * np.uint8(step)), "JPEG", quality=quality)
        found, notes = read_index_mask(image, boxes, W, H)
        assert set(np.unique(found)) <= {0, *boxes}
        assert min(iou(found == n, labels * step == n) for n in boxes) > 0.85
        assert step == 1 or any("nearest object" in n for n in notes)

    def test_noise_beyond_the_highest_number_is_not_taken_for_stretched_numbers(self, labels):
        two = np.where(labels == 3, 0, labels)
        boxes = {n: BOXES[n] for n in (1, 2)}
        noisy = two.copy()
        noisy[22, 12:15] = noisy[75, 12:15] = 2  # within object 1: its region seems to reach there
        noisy[108, 82:88] = noisy[83:87, 118] = 1  # and object 1 to the edge of object 2
        for y, x in ((62, 85), (107, 85), (85, 52), (85, 117)):
            noisy[y, x] = 3  # within object 2, over all of its box
        found, _ = read_index_mask(Image.fromarray(noisy), boxes, W, H)
        assert min(iou(found == n, two == n) for n in boxes) > 0.95

    def test_smoothed_edges_belong_to_nobody_in_between(self, labels):
        big = Image.fromarray(labels * np.uint8(10)).resize(
            (2 * W, 2 * H), Image.Resampling.BICUBIC
        )
        boxes = {n * 10: box for n, box in BOXES.items()}
        found, _ = read_index_mask(big, boxes, W, H)
        assert min(iou(found == n, labels * 10 == n) for n in boxes) > 0.9

    def test_a_colour_picture_is_no_index_mask(self, labels):
        rng = np.random.default_rng(0)
        colours = rng.integers(0, 255, (4, 3), np.uint8)[labels]
        found, notes = read_index_mask(Image.fromarray(colours), BOXES, W, H)
        assert not found.any()
        assert "colour" in notes[0]

    def test_a_mask_of_something_else_is_not_used(self, labels):
        found, notes = read_index_mask(Image.fromarray(labels[::-1, ::-1].copy()), BOXES, W, H)
        assert not found.any()
        assert "do not fit" in notes[0]

    def test_without_boxes_every_region_is_taken(self, labels):
        found, _ = read_index_mask(Image.fromarray(labels), dict.fromkeys(BOXES), W, H)
        assert (found == labels).all()

    def test_nothing_recognised_is_nothing(self, labels):
        found, notes = read_index_mask(Image.fromarray(labels), {}, W, H)
        assert not found.any()
        assert notes == ()


def entry(value, label="chair", logit=0.5, box=(10, 10, 50, 50)):
    return {"value": value, "label": label, "logit": logit, "box": list(box)}


BACKGROUND = {"value": 0, "label": "background"}


class TestList:
    def test_entries_come_in_order_without_the_background(self):
        document = {"tags": "a, b", "mask": [BACKGROUND, entry(2, "Potted  Plant"), entry(1, "")]}
        found, notes = read_list(document, W, H)
        assert [(r.value, r.label) for r in found] == [(1, "object"), (2, "potted plant")]
        assert notes == ()

    @pytest.mark.parametrize("document", [{"mask": [BACKGROUND]}, {"mask": []}, []])
    def test_an_empty_answer_is_legal(self, document):
        assert read_list(document, W, H) == ((), ())

    @pytest.mark.parametrize("document", [None, "chair", {"masks": []}, {"mask": {"1": {}}}, 3])
    def test_no_list_is_an_error(self, document):
        with pytest.raises(ValueError, match="no list"):
            read_list(document, W, H)

    @pytest.mark.parametrize(
        ("box", "clipped"),
        [
            ((-50, -9e3, 30, 1e6), (0, 0, 30, H)),
            ((60, 70, 20, 30), (20, 30, 60, 70)),
            ((500, 10, 600, 50), None),
            ((10, 10, 10.2, 50), None),
            ((float("nan"), 0, 10, 10), None),
            ((1, 2, 3), None),
        ],
    )
    def test_absurd_boxes_are_clipped_or_dropped(self, box, clipped):
        ((item,), notes) = read_list([entry(1, box=box)], W, H)
        assert item.box == clipped
        assert bool(notes) == (clipped is None)

    @pytest.mark.parametrize(
        ("odd", "words"),
        [("chair", "no value"), ({"label": "chair"}, "no value"), (entry(1, "stool"), "twice")],
    )
    def test_odd_entries_are_left_out_and_named(self, odd, words):
        found, notes = read_list([entry(1), odd, entry(2)], W, H)
        assert [(r.value, r.label) for r in found] == [(1, "chair"), (2, "chair")]
        assert words in notes[0]

    def test_scores_are_shares(self):
        entries = [entry(1, logit=7), entry(2, logit=-1), entry(3, logit=None)]
        assert [r.score for r in read_list(entries, W, H)[0]] == [1.0, 0.0, 0.5]

    @given(
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3),
            lambda inner: (
                st.lists(inner, max_size=4)
                | st.dictionaries(st.sampled_from(["value", "label", "logit", "box"]), inner)
            ),
            max_leaves=12,
        )
    )
    def test_any_json_gives_boxes_inside_the_photo_or_an_error(self, value):
        found, _ = read_list([value], W, H)
        for item in found:
            assert item.value > 0
            assert item.box is None or (0 <= item.box[0] < item.box[2] <= W)


class TestObjects:
    photo = Photo(np.zeros((H, W, 3), np.uint8))

    def recognised(self, *more):
        entries = [entry(n, f"thing {n}", 0.1 * n, box) for n, box in BOXES.items()]
        return read_list([*entries, *more], W, H)[0]

    def test_each_region_becomes_an_object_with_its_own_box(self, labels):
        objects, notes = objects_from_answer(self.recognised(), Image.fromarray(labels), self.photo)
        assert [o.id for o in objects] == [0, 1, 2]
        assert [o.label for o in objects] == ["thing 1", "thing 2", "thing 3"]
        assert [iou(o.mask, labels == n) for o, n in zip(objects, BOXES, strict=True)] == [1, 1, 1]
        assert objects[1].bbox == (51, 61, 120, 110)
        assert notes == ()

    def test_what_another_was_drawn_over_keeps_its_box(self, labels):
        objects, notes = objects_from_answer(
            self.recognised(entry(4, "hidden", 0.4, (60, 70, 100, 100))),
            Image.fromarray(labels),
            self.photo,
        )
        assert objects[3].mask is None
        assert objects[3].bbox == (60, 70, 100, 100)
        assert "hidden 3" in notes[0]

    def test_with_neither_region_nor_box_it_is_left_out(self, labels):
        objects, notes = objects_from_answer(
            self.recognised({"value": 9, "label": "ghost"}), Image.fromarray(labels), self.photo
        )
        assert len(objects) == 3
        assert "ghost" in notes[0]

    def test_without_a_mask_the_boxes_are_all_that_is_known(self):
        objects, notes = objects_from_answer(self.recognised(), None, self.photo)
        assert [o.mask for o in objects] == [None] * 3
        assert "no mask" in notes[0]

    def test_nothing_recognised_is_nothing_found(self, labels):
        assert objects_from_answer((), Image.fromarray(labels), self.photo) == ((), ())
