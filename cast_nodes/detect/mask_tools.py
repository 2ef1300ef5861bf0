"""Small tools on masks and pictures: resizing, cleaning, and borders at full resolution."""

from __future__ import annotations

import numpy as np

from ..boxes import Box

GUIDED_SIDE_PX = 360
"""The filter's coefficients vary slowly, so they are found on a picture of this size."""


def components(mask: np.ndarray, structure: np.ndarray | None = None) -> tuple[np.ndarray, int]:
    """(h, w) int32 numbers of the connected parts from 1 (0 outside), and how many there are.

    Args:
        structure: (3, 3) neighbourhood; None means 4 neighbours.
    """
    from scipy.ndimage import label

    numbers = np.zeros(mask.shape, np.int32)
    count = label(mask, structure, output=numbers)
    return numbers, int(count)  # type: ignore[arg-type]


def tidy(mask: np.ndarray, box: Box, specks: float = 0.03) -> np.ndarray:
    """Drops parts below that share of the mask and fills holes below .4 % of the box."""
    mask = drop_specks(mask, specks)
    holes, _ = components(~mask)
    sizes = np.bincount(holes.ravel())
    small = sizes < 0.004 * (box[2] - box[0]) * (box[3] - box[1])
    small[0] = False
    return mask | small[holes]


def drop_specks(mask: np.ndarray, share: float) -> np.ndarray:
    """The mask without parts (8-connected) smaller than ``share`` of it."""
    parts, count = components(mask, np.ones((3, 3)))
    if count < 2:
        return mask
    sizes = np.bincount(parts.ravel())
    keep = sizes >= share * (mask.sum())
    keep[0] = False
    return keep[parts]


def drop_strays(mask: np.ndarray, share: float, gap: float) -> np.ndarray:
    """The mask without parts (8-connected) smaller than ``share`` of it that lie farther from the
    rest than ``gap`` times the longer side of the rest's box: they would stretch its box."""
    from scipy.ndimage import distance_transform_edt

    rest = drop_specks(mask, share)
    if not rest.any() or np.count_nonzero(rest) == np.count_nonzero(mask):
        return mask
    side = 1 + int(np.ptp(np.nonzero(rest), axis=1).max())
    away = np.asarray(distance_transform_edt(~rest))
    parts, count = components(mask, np.ones((3, 3)))
    nearest = np.full(count + 1, np.inf)
    np.minimum.at(nearest, parts[mask], away[mask])
    return mask & (nearest <= gap * side)[parts]


def refine(rgb: np.ndarray, mask: np.ndarray, box: Box) -> np.ndarray:
    """(H, W) bool: a small mask brought to the picture's own resolution along its edges.

    A guided filter (He, Sun, Tang 2013) of the enlarged mask, with the picture as guide.
    """
    height, width = rgb.shape[:2]
    radius = max(1.0, 1.2 * max(height, width) / max(mask.shape))
    soft = resize_map(mask.astype(np.float32), width, height)
    soft = guided_filter(rgb.astype(np.float32) / 255, soft, round(radius), 2e-4)
    out = tidy(soft > 0.5, box)
    return out if out.any() else resize_map(mask.astype(np.float32), width, height) > 0.5


def guided_filter(guide: np.ndarray, values: np.ndarray, radius: int, eps: float) -> np.ndarray:
    """(H, W): ``values`` smoothed so that it is locally linear in the (H, W, 3) guide."""
    from scipy.ndimage import uniform_filter

    factor = min(1.0, GUIDED_SIDE_PX / max(values.shape))
    h, w = (max(1, round(n * factor)) for n in values.shape)
    size = 2 * max(1, round(radius * factor)) + 1

    def mean(picture: np.ndarray) -> np.ndarray:
        return uniform_filter(picture, size, mode="nearest")

    channels = [resize_map(guide[..., i], w, h) for i in range(3)]
    small = resize_map(values, w, h)
    means = [mean(c) for c in channels]
    centre = mean(small)
    cov = [mean(c * small) - m * centre for c, m in zip(channels, means, strict=True)]
    spread = {
        (i, j): mean(channels[i] * channels[j]) - means[i] * means[j] + (eps if i == j else 0.0)
        for i in range(3)
        for j in range(i, 3)
    }
    # The symmetric 3 x 3 system of each pixel, by Cramer's rule.
    a, b, c, d, e, f = (spread[k] for k in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)))
    aa, bb, cc = d * f - e * e, c * e - b * f, b * e - c * d
    dd, ee, ff = a * f - c * c, b * c - a * e, a * d - b * b
    determinant = np.maximum(a * aa + b * bb + c * cc, 1e-20)
    slopes = [
        (row[0] * cov[0] + row[1] * cov[1] + row[2] * cov[2]) / determinant
        for row in ((aa, bb, cc), (bb, dd, ee), (cc, ee, ff))
    ]
    base = centre - sum(s * m for s, m in zip(slopes, means, strict=True))
    height, width = values.shape
    out = resize_map(mean(base), width, height).copy()
    for i, slope in enumerate(slopes):
        out += resize_map(mean(slope), width, height) * guide[..., i]
    return out


def resize_rgb(rgb: np.ndarray, width: int, height: int) -> np.ndarray:
    """(height, width, 3) uint8; averages where it shrinks."""
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(rgb))
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))


def resize_map(values: np.ndarray, width: int, height: int) -> np.ndarray:
    """(height, width) float32, bilinear."""
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(values, np.float32), "F")
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))


def box_mask(box: Box, height: int, width: int) -> np.ndarray:
    """(H, W) bool, pixels whose centre lies in the box (at least one when it is inside)."""
    out = np.zeros((height, width), bool)
    x0, y0 = int(np.floor(box[0] + 0.5)), int(np.floor(box[1] + 0.5))
    x1, y1 = max(x0 + 1, round(box[2])), max(y0 + 1, round(box[3]))
    out[max(0, min(y0, height - 1)) : y1, max(0, min(x0, width - 1)) : x1] = True
    return out
