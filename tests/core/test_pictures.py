"""Any picture a user may hand over becomes an upright sRGB photo, or one clear sentence."""

import io

import numpy as np
import pytest
from PIL import Image

from cast_nodes.errors import BadInput
from cast_nodes.pictures import load_mask, load_photo, png_bytes


def gradient(width=64, height=48):
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return np.stack([x, y, np.full_like(x, 90)], -1).astype(np.uint8)


def save(tmp_path, image, name, **more):
    path = tmp_path / name
    image.save(path, **more)
    return path


def test_a_plain_photo_keeps_its_pixels_and_is_named_after_its_file(tmp_path):
    path = save(tmp_path, Image.fromarray(gradient()), "room.png")
    photo = load_photo(path)
    assert np.array_equal(photo.rgb, gradient())
    assert (photo.name, photo.width, photo.height) == ("room", 64, 48)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_rotated_photo_is_set_upright(tmp_path, orientation):
    upright = Image.fromarray(gradient())
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(undo[orientation]) if orientation in undo else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path, stored, "photo.png", exif=exif)
    assert np.array_equal(load_photo(path).rgb, gradient())


def test_cmyk_is_converted(tmp_path):
    path = save(tmp_path, Image.fromarray(gradient()).convert("CMYK"), "print.jpg", quality=95)
    assert np.abs(load_photo(path).rgb.astype(int) - gradient()).mean() < 6


def test_sixteen_bits_keep_their_range(tmp_path):
    values = np.linspace(0, 65535, 64 * 48).reshape(48, 64).astype(np.uint16)
    path = save(tmp_path, Image.fromarray(values), "deep.png")
    grey = load_photo(path).rgb[..., 0]
    assert grey.min() == 0
    assert grey.max() == 255
    assert np.abs(grey - values / 257).max() <= 1


def test_transparent_parts_lie_on_white(tmp_path):
    rgba = np.dstack([gradient(), np.zeros((48, 64), np.uint8)])
    rgba[:, 32:, 3] = 255
    rgb = load_photo(save(tmp_path, Image.fromarray(rgba), "cut.png")).rgb
    assert (rgb[:, :32] == 255).all()
    assert np.array_equal(rgb[:, 32:], gradient()[:, 32:])


@pytest.mark.parametrize("mode", ["L", "P", "1", "LA"])
def test_other_modes_become_rgb(tmp_path, mode):
    path = save(tmp_path, Image.fromarray(gradient()).convert(mode), "picture.png")
    assert load_photo(path).rgb.shape == (48, 64, 3)


def test_a_large_photo_is_reduced_on_request(tmp_path):
    path = save(tmp_path, Image.fromarray(gradient(400, 200)), "large.png")
    assert load_photo(path, max_side_px=100).rgb.shape == (50, 100, 3)


def test_the_focal_length_is_read_and_follows_the_size(tmp_path):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA405] = 35
    path = save(tmp_path, Image.fromarray(gradient(360, 240)), "camera.jpg", exif=exif)
    assert load_photo(path).focal_px == pytest.approx(350, rel=1e-3)
    assert load_photo(path, max_side_px=180).focal_px == pytest.approx(175, rel=1e-3)


class TestRefusals:
    def refused(self, path, words):
        with pytest.raises(BadInput, match=words) as caught:
            load_photo(path)
        assert path.name in str(caught.value)

    def test_no_such_file(self, tmp_path):
        self.refused(tmp_path / "none.jpg", "no file")

    def test_a_text_file_named_jpg(self, tmp_path):
        path = tmp_path / "notes.jpg"
        path.write_text("not a picture at all")
        self.refused(path, "not a picture")

    def test_a_truncated_file(self, tmp_path):
        buffer = io.BytesIO()
        noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8)
        Image.fromarray(noise).save(buffer, "JPEG")
        path = tmp_path / "half.jpg"
        path.write_bytes(buffer.getvalue()[:2000])
        self.refused(path, "damaged")

    def test_an_empty_file(self, tmp_path):
        path = tmp_path / "empty.png"
        path.touch()
        self.refused(path, "not a picture")

    def test_one_pixel(self, tmp_path):
        self.refused(save(tmp_path, Image.new("RGB", (1, 1)), "dot.png"), "1x1")

    def test_a_folder(self, tmp_path):
        with pytest.raises(BadInput, match="folder"):
            load_photo(tmp_path)

    def test_a_mask_of_another_size(self, tmp_path):
        path = save(tmp_path, Image.new("L", (10, 12)), "mask.png")
        with pytest.raises(BadInput, match=r"10x12.*64x48"):
            load_mask(path, 48, 64)


def test_masks_of_any_kind_are_read(tmp_path):
    truth = np.zeros((8, 10), bool)
    truth[2:5, 3:9] = True
    grey = (truth * 255).astype(np.uint8)
    rgba = np.dstack([np.zeros((8, 10, 3), np.uint8), grey])
    pictures = {
        "grey.png": Image.fromarray(grey),
        "bits.png": Image.fromarray(truth),
        "alpha.png": Image.fromarray(rgba),
        "deep.png": Image.fromarray((truth * 65535).astype(np.uint16)),
        "rgb.png": Image.fromarray(grey).convert("RGB"),
    }
    for name, image in pictures.items():
        assert np.array_equal(load_mask(save(tmp_path, image, name), 8, 10), truth), name
    (tmp_path / "own.png").write_bytes(png_bytes(truth))
    assert np.array_equal(load_mask(tmp_path / "own.png", 8, 10), truth)
