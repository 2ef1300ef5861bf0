"""Reading photos and masks from files, and PNG bytes from arrays."""

from __future__ import annotations

import io
import math
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from .errors import BadInput
from .types import Photo

MIN_SIDE_PX = 32
"""Below this there is nothing to see: no stage has enough pixels to work on."""

FULL_FRAME_DIAGONAL_MM = math.hypot(36.0, 24.0)
_EXIF_IFD = 0x8769
_FOCAL_35MM = 0xA405


def load_photo(path: Path, max_side_px: int = 0) -> Photo:
    """A picture file as an upright sRGB photo.

    EXIF rotation is applied, CMYK and embedded profiles are converted to sRGB, 16-bit greys are
    scaled, transparency is laid on white.

    Args:
        path: any format Pillow reads.
        max_side_px: larger pictures are reduced to this longest side; 0 keeps them.

    Raises:
        BadInput: no such file, not a picture, damaged, too small, too many pixels.
    """
    image = open_picture(path)
    focal_35mm = _focal_35mm(image)
    rgb = to_srgb(image)
    if min(rgb.size) < MIN_SIDE_PX:
        raise BadInput(
            f"{path} is {rgb.width}x{rgb.height} pixels; a photo needs at least "
            f"{MIN_SIDE_PX}x{MIN_SIDE_PX}"
        )
    longest = max(rgb.size)
    if max_side_px and longest > max_side_px:
        factor = max_side_px / longest
        size = (max(1, round(rgb.width * factor)), max(1, round(rgb.height * factor)))
        rgb = rgb.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    focal_px = None
    if focal_35mm:
        focal_px = focal_35mm * math.hypot(*rgb.size) / FULL_FRAME_DIAGONAL_MM
    return Photo(np.asarray(rgb), path.stem, focal_px)


def open_picture(path: Path) -> Image.Image:
    """The decoded first frame of a picture file.

    Raises:
        BadInput: no such file, not a picture, damaged, too many pixels.
    """
    if path.is_dir():
        raise BadInput(f"{path} is a folder, not a picture")
    if not path.exists():
        raise BadInput(f"there is no file {path}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(path)
            image.load()
    except UnidentifiedImageError:
        raise BadInput(
            f"{path} is not a picture that can be read (JPEG, PNG, WebP, TIFF)"
        ) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise BadInput(
            f"{path} has too many pixels; reduce it to less than 80 megapixels"
        ) from None
    except PermissionError:
        raise BadInput(f"{path} may not be read; check its permissions") from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise BadInput(f"{path} is damaged: {error}") from None
    return image


def to_srgb(image: Image.Image) -> Image.Image:
    """Upright 8-bit sRGB of any picture; transparent parts lie on white."""
    profile = image.info.get("icc_profile")
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I") or image.mode == "F":
        image = Image.fromarray(_to_8bit(np.asarray(image)))
    alpha = None
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        alpha = image.getchannel("A")
        image = image.convert("RGB")
    if profile:
        image = _through_profile(image, profile)
    image = image.convert("RGB")
    if alpha is not None:
        white = Image.new("RGB", image.size, "white")
        image = Image.composite(image, white, alpha)
    return image


def _through_profile(image: Image.Image, profile: bytes) -> Image.Image:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        srgb = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, source, srgb, outputMode="RGB") or image
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image  # a broken or unfitting profile is worth less than the pixels


def _to_8bit(values: np.ndarray) -> np.ndarray:
    """Greys of 16 or 32 bit: full 16-bit range when they look like it, else stretched."""
    values = np.nan_to_num(values.astype(np.float64))
    top = values.max(initial=0.0)
    full = 255.0 if top <= 255 and top > 1 else 65535.0 if top <= 65535 and top > 1 else top or 1.0
    return np.clip(values / full * 255.0, 0, 255).astype(np.uint8)


def _focal_35mm(image: Image.Image) -> float | None:
    """EXIF's 35 mm equivalent focal length, by the picture's diagonal, or None."""
    try:
        value = float(image.getexif().get_ifd(_EXIF_IFD).get(_FOCAL_35MM, 0))
    except (TypeError, ValueError, SyntaxError, KeyError, ZeroDivisionError):
        return None
    return value if 5.0 <= value <= 1000.0 else None


def load_mask(path: Path, height: int, width: int) -> np.ndarray:
    """(H, W) bool from a picture: lighter than middle grey, or opaque where it has alpha.

    Raises:
        BadInput: not a picture, or of another size.
    """
    image = open_picture(path)
    if image.size != (width, height):
        raise BadInput(
            f"{path} is {image.width}x{image.height} pixels but its photo is {width}x{height}; "
            "a mask needs the photo's size"
        )
    if image.mode in ("RGBA", "LA"):
        alpha = np.asarray(image.getchannel("A"))
        if alpha.min() < 255:
            return alpha > 127
    if image.mode in ("1", "P"):
        return np.asarray(image.convert("L")) > 127
    grey = np.asarray(image.convert("L")) if not image.mode.startswith("I") else np.asarray(image)
    return grey > (127 if grey.max(initial=0) <= 255 else 32767)


def png_bytes(pixels: np.ndarray, text: dict[str, str] | None = None) -> bytes:
    """PNG of (H, W) bool or uint8, (H, W, 3) or (H, W, 4) uint8."""
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    for name, value in (text or {}).items():
        info.add_text(name, value)
    out = io.BytesIO()
    values = pixels.astype(np.uint8) * 255 if pixels.dtype == bool else pixels
    Image.fromarray(values).save(out, "PNG", pnginfo=info, compress_level=4)
    return out.getvalue()
