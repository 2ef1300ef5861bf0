"""An object cut from a plain ground.

The ground's colour is read off the picture's rim and flooded inwards; gaps that it closes off
(between a chair's legs) count as ground when they have exactly its colour. Soft shadows on the
ground go with it. What the photo shows of the object stays, whatever its colour.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from .masks import blur, depth_in, distance_to, grow, parts_of, widened

NOISE = 10.0  # grey levels: a ground is at least so uneven after compression
SHADOW = 0.55  # a shadow leaves at least so much of the ground's light
SHADOW_TINT = 9.0  # grey levels between the channels: shadows have no colour
SHADOW_SLOPE = 9.0  # grey levels per px: shadows have no edge
SHADOW_STEP = 0.6  # a shadow begins with less than this share of its full darkness
SPECK = 0.0008  # parts smaller than this share of the picture are dirt


@dataclass(frozen=True, eq=False)
class Matte:
    """An object's alpha.

    Attributes:
        alpha: (h, w) float32 in 0..1.
        ground: (3,) float32, the ground's colour.
        plain: whether the picture's rim was of one colour, as a ground should be.
    """

    alpha: np.ndarray
    ground: np.ndarray
    plain: bool


def matte_of(rgb: np.ndarray, sure: np.ndarray | None = None) -> Matte:
    """Cuts the object out.

    Args:
        rgb: (h, w, 3) uint8 or float32, 0..255, an object on a plain ground.
        sure: (h, w) bool, pixels known to be of the object.
    """
    values = np.asarray(rgb, np.float32)
    sure = np.zeros(values.shape[:2], bool) if sure is None else sure
    rim = np.zeros(sure.shape, bool)
    width = max(2, min(sure.shape) // 100)
    rim[:width] = rim[-width:] = True
    rim[:, :width] = rim[:, -width:] = True
    rim &= ~grow(sure, 2)
    if not rim.any():
        rim = ~sure if not sure.all() else np.ones_like(sure)
    ground = np.median(values[rim], 0)
    away = np.abs(values - ground).max(-1)
    on_rim = away[rim]
    near = on_rim < 40
    plain = bool((on_rim < 24).mean() > 0.7)
    noise = max(NOISE, 2.5 * float(np.percentile(on_rim[near], 90)) if near.any() else NOISE)
    flat = (away < noise) & ~sure
    edge = np.zeros_like(sure)
    edge[[0, -1], :] = edge[:, [0, -1]] = True
    outside = np.asarray(ndimage.binary_propagation(edge & flat, mask=flat))
    outside = _with_shadows(values, ground, outside, sure)
    outside |= _gaps(away, flat & ~outside, sure, noise)
    inside = _clean(~outside, sure)
    alpha = _soft(values, ground, inside, sure)
    return Matte(alpha, ground, plain)


def _with_shadows(
    values: np.ndarray, ground: np.ndarray, outside: np.ndarray, sure: np.ndarray
) -> np.ndarray:
    """The ground and the soft shadows that lie on it."""
    ratio = values / np.maximum(ground, 1)
    light = ratio.mean(-1)
    tint = np.abs(ratio - light[..., None]).max(-1) * float(ground.mean())
    smooth = blur(values.mean(-1), 1.0)
    slope = np.hypot(*(np.gradient(smooth, axis=a) for a in (0, 1)))
    like = (light > SHADOW) & (light < 1.02) & (tint < SHADOW_TINT) & (slope < SHADOW_SLOPE)
    like &= ~grow(sure, 1.5)
    # Two steps away from anything else: a leak through a broken outline is thin.
    wide = np.asarray(ndimage.binary_opening(like | outside, iterations=2)) | outside
    reached = np.asarray(ndimage.binary_propagation(outside, mask=wide & (like | outside)))
    gained = reached & ~outside
    # A shadow fades into the ground; a grey thing of even light does not.
    labels, sizes = parts_of(gained)
    if not sizes.any():
        return reached
    # A few pixels in, beyond the blur of an outline, a thing has nearly its full darkness.
    near = max(2, round(max(outside.shape) / 256))
    at_ground = gained & widened(outside, near + 2) & ~widened(outside, near)
    parts = np.arange(len(sizes))
    count = np.bincount(labels[at_ground], minlength=len(sizes))
    begins = np.bincount(labels[at_ground], 1 - light[at_ground], len(sizes)) / np.maximum(count, 1)
    deepest = ndimage.maximum(1 - light, labels, parts)
    thing = (begins > SHADOW_STEP * deepest) & (deepest > 0.1)
    thing[0] = False
    return reached & ~thing[labels]


def _gaps(away: np.ndarray, flat: np.ndarray, sure: np.ndarray, noise: float) -> np.ndarray:
    """Closed-off areas of exactly the ground's colour."""
    labels, sizes = parts_of(flat & ~sure)
    if labels.max() == 0:
        return np.zeros_like(flat)
    mean = ndimage.mean(away, labels, np.arange(len(sizes)))
    mean[0] = np.inf
    real = (sizes >= max(6, 0.0001 * flat.size)) & (np.nan_to_num(mean, nan=np.inf) < noise / 2)
    return real[labels]


def _clean(inside: np.ndarray, sure: np.ndarray) -> np.ndarray:
    """Without dirt beside the object, and without pinholes in it."""
    labels, sizes = parts_of(inside)
    keep = sizes >= max(4.0, SPECK * inside.size, 0.01 * float(sizes.max(initial=0)))
    touched = np.unique(labels[sure & inside])
    keep[touched] = True
    keep[0] = False
    inside = keep[labels]
    holes, hole_sizes = parts_of(~inside)
    fill = hole_sizes < max(4.0, 0.00002 * inside.size)
    fill[0] = False
    return inside | fill[holes] | sure


def _soft(
    values: np.ndarray, ground: np.ndarray, inside: np.ndarray, sure: np.ndarray
) -> np.ndarray:
    """(h, w) float32 alpha: at the outline how far a colour is from the ground to the object's."""
    deep = inside & (depth_in(inside) > 2.0)
    if not deep.any():
        return inside.astype(np.float32)
    nearest = ndimage.distance_transform_edt(~deep, return_distances=False, return_indices=True)
    rows, columns = np.asarray(nearest)
    object_colour = values[rows, columns]
    span = object_colour - ground
    length = (span**2).sum(-1)
    share = ((values - ground) * span).sum(-1) / np.maximum(length, 1)
    # An object as pale as the ground gives no share: there the flood's outline must do.
    believed = np.clip((length**0.5 - 25) / 40, 0, 1)
    outline = np.clip((blur(inside.astype(np.float32), 0.7) - 0.5) * 1.5 + 0.5, 0, 1)
    share = believed * np.clip(share, 0, 1) + (1 - believed) * outline
    # Thin parts (wires, twigs) have no deep pixel near: their own colour is the object's.
    thin = inside & (distance_to(deep) > 3.0)
    band = (distance_to(inside) <= 1.5) & (distance_to(deep) <= 4.5) & ~deep
    alpha = np.where(deep, 1.0, np.where(band, share, inside.astype(np.float32)))
    alpha = np.where(thin, np.maximum(alpha, outline), alpha)
    return np.where(sure, 1.0, alpha).astype(np.float32)
