"""Small mask and colour-spreading tools shared by the inpaint backends. Pure numpy and scipy."""

from __future__ import annotations

import numpy as np
from scipy import ndimage


def depth_in(mask: np.ndarray) -> np.ndarray:
    """(h, w) float64: distance of every pixel of the mask to the nearest outside it, px.

    What lies beyond the picture counts as outside.
    """
    return np.asarray(ndimage.distance_transform_edt(np.pad(mask, 1)))[1:-1, 1:-1]


def distance_to(mask: np.ndarray) -> np.ndarray:
    """(h, w) float64: distance of every pixel to the nearest of the mask, px.

    All infinite when the mask is empty.
    """
    if not mask.any():
        return np.full(mask.shape, np.inf)
    return np.asarray(ndimage.distance_transform_edt(~mask))


def parts_of(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Connected parts: (h, w) int labels from 1 (0 outside), and sizes (n + 1,) with [0] = 0."""
    labels = np.zeros(mask.shape, np.int32)
    ndimage.label(mask, output=labels)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return labels, sizes


def widened(mask: np.ndarray, pixels: int) -> np.ndarray:
    """Dilation by steps to the four neighbours."""
    return np.asarray(ndimage.binary_dilation(mask, iterations=pixels))


def nearest_known(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """(h, w, C): every pixel of the hole takes the colour of the nearest known pixel."""
    if not hole.any():
        return image
    nearest = ndimage.distance_transform_edt(hole, return_distances=False, return_indices=True)
    rows, columns = np.asarray(nearest)
    return image[rows, columns]


def blur(image: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur of (h, w) or (h, w, C) over the picture's two axes."""
    sigmas = (sigma, sigma) if image.ndim == 2 else (sigma, sigma, 0)
    return np.asarray(ndimage.gaussian_filter(image, sigmas))


def grow(mask: np.ndarray, radius: float) -> np.ndarray:
    """The (h, w) bool mask and all pixels closer to it than ``radius`` px."""
    if radius <= 0 or not mask.any():
        return mask
    return distance_to(mask) <= radius


def close_pockets(mask: np.ndarray, radius: int) -> np.ndarray:
    """Morphological closing by a disc: gaps narrower than twice ``radius`` px join the mask.

    The picture's edge counts as a mirror, so that a gap between the mask and the edge closes
    when the mask touches the edge.
    """
    if radius < 1 or not mask.any():
        return mask
    padded = np.pad(mask, radius + 1, mode="edge")
    grown = distance_to(padded) <= radius
    closed = distance_to(~grown) > radius
    return (closed | padded)[radius + 1 : -radius - 1, radius + 1 : -radius - 1]


def halve(image: np.ndarray) -> np.ndarray:
    """2x2 box average of (h, w, C); an odd last row or column is averaged with itself."""
    if image.shape[0] % 2:
        image = np.concatenate([image, image[-1:]], 0)
    if image.shape[1] % 2:
        image = np.concatenate([image, image[:, -1:]], 1)
    return 0.25 * (image[::2, ::2] + image[1::2, ::2] + image[::2, 1::2] + image[1::2, 1::2])


def resize_linear(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """(h, w, C) float resampled bilinearly between pixel centres; edges are held."""
    h, w = image.shape[:2]
    if (h, w) == (height, width):
        return image
    y = np.clip((np.arange(height) + 0.5) * h / height - 0.5, 0, h - 1)
    x = np.clip((np.arange(width) + 0.5) * w / width - 0.5, 0, w - 1)
    y0, x0 = np.floor(y).astype(int), np.floor(x).astype(int)
    y1, x1 = np.minimum(y0 + 1, h - 1), np.minimum(x0 + 1, w - 1)
    fy = (y - y0).astype(image.dtype)[:, None, None]
    fx = (x - x0).astype(image.dtype)[None, :, None]
    rows = image[y0] * (1 - fy) + image[y1] * fy
    return rows[:, x0] * (1 - fx) + rows[:, x1] * fx


def spread(image: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Colours spread smoothly into the pixels without weight (push-pull pyramid).

    After Gortler et al., The Lumigraph (SIGGRAPH 1996): known colours are averaged down a
    pyramid, then gaps are filled from the coarser level on the way up.

    Args:
        image: (h, w, C) float.
        weight: (h, w) float in 0..1, how far each pixel is known.

    Returns:
        (h, w, C) float32; pixels of weight 1 are unchanged. All zero when nothing is known.
    """
    colours = [np.asarray(image, np.float32) * weight[..., None].astype(np.float32)]
    weights = [np.asarray(weight, np.float32)[..., None]]
    while max(colours[-1].shape[:2]) > 1:
        colours.append(halve(colours[-1]))
        weights.append(halve(weights[-1]))
    filled = colours[-1] / np.maximum(weights[-1], 1e-12)
    for colour, known in zip(colours[-2::-1], weights[-2::-1], strict=True):
        share = np.minimum(known, 1.0)
        coarse = resize_linear(filled, *colour.shape[:2])
        # A pixel's own mean where it is known, the coarser level's for the rest.
        own = colour / np.maximum(known, 1e-12)
        filled = own * share + coarse * (1 - share)
    return filled


def bounding_box(mask: np.ndarray, margin: int = 0) -> tuple[slice, slice]:
    """Row and column slices round the True pixels, grown by ``margin`` inside the picture.

    Raises:
        ValueError: the mask is empty.
    """
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        raise ValueError("the mask is empty")
    return (
        slice(max(0, int(rows[0]) - margin), min(mask.shape[0], int(rows[-1]) + 1 + margin)),
        slice(max(0, int(columns[0]) - margin), min(mask.shape[1], int(columns[-1]) + 1 + margin)),
    )
