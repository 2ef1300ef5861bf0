"""A mask from a box: colour mixtures, silhouettes of known objects, and a graph cut.

The idea is GrabCut's (Rother, Kolmogorov, Blake 2004) with three additions: pixels unlike
everything around the box start as object; averages over regions (Felzenszwalb and Huttenlocher
2004) steady the colour evidence; and the location prior is a mixture of real silhouettes that
is re-weighted by the evidence, so that the floor between a chair's legs is not swallowed.
Outside the box is background.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..boxes import Box, box_area, box_iou
from ..errors import ObjectFailure
from .colour_mixture import mixture_ratio
from .graph_cut import FAR, Edges
from .mask_tools import box_mask, refine, resize_map, resize_rgb, tidy
from .silhouettes import Silhouettes, silhouettes_for

SIDE_PX = 144
MARGIN = 0.2
BEYOND = 3.0
"""Log-odds against a pixel outside the box where the box may be too small."""

LIGHTNESS = 0.6
"""Weight of lightness in colour distances: light and shadow vary on one surface, hue hardly."""

PLACE = 12.0
"""Lab units that one longest side of the crop counts for in colour distances."""

UNLIKE_FROM = (2.2, 3.0, 4.0, 5.5)
"""Colour distances from which a pixel counts as unlike its surroundings. No single one suits a
white chair before a white wall and a dark one before a patterned wall, so each is tried."""

ROUNDS = 2
NOVEL = 0.7
NOVEL_SHARE = 0.35
UNLIKE_SAYS = 0.5
MIXTURE_SAYS = 1.3
REGION_SHARE = 0.7


@dataclass(frozen=True, eq=False)
class Crop:
    """The part of a photo that decides one box's mask.

    Attributes:
        rgb: (h, w, 3) uint8.
        origin: (x, y) px of its top-left corner in the photo.
        box: the box in the crop's pixels, clipped to it.
        slack: (x, y) px by which the object may reach out of the box.
    """

    rgb: np.ndarray
    origin: tuple[int, int]
    box: Box
    slack: tuple[float, float] = (0.0, 0.0)


def crop_around(rgb: np.ndarray, box: Box, slack: float = 0.0) -> Crop:
    """The box and a ring around it, as far as the photo reaches.

    Args:
        slack: share of its sides by which the box may be too small; then the object may reach
            out of the box that far.

    Raises:
        ObjectFailure: the box has no area inside the photo.
    """
    height, width = rgb.shape[:2]
    if not np.isfinite(box).all():
        raise ObjectFailure("its box holds a value that is not a finite number")
    x0, y0, x1, y1 = (float(v) for v in box)
    if x1 <= x0 or y1 <= y0:
        raise ObjectFailure(f"its box {_shown(box)} has no area")
    inside = (max(0.0, x0), max(0.0, y0), min(float(width), x1), min(float(height), y1))
    if inside[2] - inside[0] < 1 or inside[3] - inside[1] < 1:
        raise ObjectFailure(f"its box {_shown(box)} lies outside the {width}x{height} photo")
    reach = (slack * (x1 - x0), slack * (y1 - y0))
    dx, dy = reach[0] + MARGIN * (x1 - x0) + 2, reach[1] + MARGIN * (y1 - y0) + 2
    left, top = int(max(0, np.floor(x0 - dx))), int(max(0, np.floor(y0 - dy)))
    right, bottom = int(min(width, np.ceil(x1 + dx))), int(min(height, np.ceil(y1 + dy)))
    local = (inside[0] - left, inside[1] - top, inside[2] - left, inside[3] - top)
    return Crop(rgb[top:bottom, left:right], (left, top), local, reach)


def _shown(box: Box) -> str:
    return "(" + ", ".join(f"{v:g}" for v in box) + ")"


def mask_in_crop(
    crop: Crop, label: str = "", extra_log_odds: np.ndarray | None = None
) -> np.ndarray:
    """(h, w) bool, the object that fills the crop's box.

    Args:
        extra_log_odds: (h, w) log-odds of "object" from another source (a network's
            probability map, say), added to the evidence.

    Raises:
        ObjectFailure: nothing in the box differs from its surroundings.
    """
    height, width = crop.rgb.shape[:2]
    scale = min(1.0, SIDE_PX / max(height, width))
    h, w = max(1, round(height * scale)), max(1, round(width * scale))
    small = resize_rgb(crop.rgb, w, h)
    sx, sy = w / width, h / height
    box = (crop.box[0] * sx, crop.box[1] * sy, crop.box[2] * sx, crop.box[3] * sy)
    extra = None
    if extra_log_odds is not None:
        extra = resize_map(np.asarray(extra_log_odds, np.float32), w, h)
    reach = (crop.slack[0] * sx, crop.slack[1] * sy)
    mask = tidy(segment(small, box, silhouettes_for(label), extra, reach), box)
    if not mask.any():
        raise ObjectFailure("nothing in its box stands out from the surroundings")
    if scale == 1.0:
        return mask
    return refine(crop.rgb, mask, crop.box)


def segment(
    rgb: np.ndarray,
    box: Box,
    shapes: Silhouettes,
    extra: np.ndarray | None = None,
    slack: tuple[float, float] = (0.0, 0.0),
) -> np.ndarray:
    """(h, w) bool, the best of several cuts: tight in the box, with its border on edges.

    Args:
        rgb: (h, w, 3) uint8, small (about SIDE_PX).
        box: in its pixels.
        shapes: silhouettes that the object may have.
        extra: (h, w) further log-odds.
        slack: (x, y) px by which the object may reach out of the box.
    """
    from scipy.ndimage import gaussian_filter
    from skimage.color import rgb2lab

    h, w = rgb.shape[:2]
    lab = gaussian_filter(rgb2lab(rgb).astype(np.float64), (0.6, 0.6, 0))
    wide = (box[0] - slack[0], box[1] - slack[1], box[2] + slack[0], box[3] + slack[1])
    outside = ~box_mask(wide, h, w)
    if not outside.any():  # the box is the whole photo: its frame stands for the background
        outside = np.ones((h, w), bool)
        outside[1 : h - 1, 1 : w - 1] = False
    if outside.all():
        return outside
    scene = Scene(lab, outside, region_labels(rgb), Edges(lab), shapes, box)
    fixed = np.zeros((h, w)) if extra is None else extra
    fixed = fixed + np.where(outside, -FAR, np.where(box_mask(box, h, w), 0.0, -BEYOND))
    distance = background_distance(lab, outside)
    usual = 1.6 * float(np.percentile(distance[outside], 85))
    best, best_score = np.zeros((h, w), bool), -np.inf
    for least in UNLIKE_FROM:
        middle = np.clip(usual, least, 10.0)
        unlike = np.clip(2.4 * np.log((distance + 0.5) / middle), -3.0, 3.5)
        unlike = 0.5 * unlike + 0.5 * region_mean(unlike, scene.regions)
        mask = solve(scene, unlike, fixed)
        score = fit_score(mask, scene.edges, box)
        if score > best_score:
            best, best_score = mask, score
    return best


@dataclass(frozen=True, eq=False)
class Scene:
    """What stays the same while one crop is segmented in several ways.

    Attributes:
        lab: (h, w, 3) colours.
        outside: (h, w) bool, background for certain.
        regions: Felzenszwalb regions, each (h, w) int.
        edges: the pixel grid's links.
        shapes, box: the silhouettes and where they lie.
    """

    lab: np.ndarray
    outside: np.ndarray
    regions: list[np.ndarray]
    edges: Edges
    shapes: Silhouettes
    box: Box


def solve(scene: Scene, unlike: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    """(h, w) bool, object against background.

    Args:
        unlike: (h, w) log-odds, how unlike the surroundings each pixel is.
        fixed: (h, w) log-odds that do not depend on the colour models.
    """
    h, w = unlike.shape
    outside = scene.outside
    odds = scene.shapes.prior(scene.box, h, w) + unlike + fixed
    mask = scene.edges.cut(odds)
    for _ in range(ROUNDS):
        front = mask & ~outside
        if front.sum() < 12 or (~outside & ~mask).sum() < 12:
            front = (odds >= np.median(odds[~outside])) & ~outside
        # Only what differs from the surroundings teaches the object's colours: otherwise the
        # wall seen through a chair's back becomes a colour of the chair.
        least = min(NOVEL, float(np.quantile(unlike[front], 1 - NOVEL_SHARE)))
        ratio = mixture_ratio(scene.lab, front & (unlike >= least), ~front)
        ratio = (1 - REGION_SHARE) * ratio + REGION_SHARE * region_mean(ratio, scene.regions)
        evidence = MIXTURE_SAYS * ratio + UNLIKE_SAYS * unlike
        shape = scene.shapes.posterior(evidence, scene.box, h, w)
        odds = evidence + shape + fixed
        mask = scene.edges.cut(odds)
    return mask


def fit_score(mask: np.ndarray, edges: Edges, box: Box) -> float:
    """How well a mask fits its box and the picture's edges; larger is better."""
    if not mask.any():
        return -np.inf
    rows, columns = np.nonzero(mask.any(1))[0], np.nonzero(mask.any(0))[0]
    tight = box_iou((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1), box)
    filled = np.count_nonzero(mask) / max(1.0, box_area(box))
    return 0.7 * tight + edges.contrast_along(mask) + 0.25 * min(filled, 1.0)


def region_labels(rgb: np.ndarray) -> list[np.ndarray]:
    """Felzenszwalb regions at three scales, each (h, w) int64 from 0."""
    from skimage.segmentation import felzenszwalb

    picture = rgb.astype(np.float64) / 255
    return [felzenszwalb(picture, scale=s, sigma=0.6, min_size=12) for s in (30, 80, 200)]


def region_mean(values: np.ndarray, regions: list[np.ndarray]) -> np.ndarray:
    """(h, w) mean over each pixel's regions, averaged over the scales."""
    out = np.zeros(values.shape)
    for labels in regions:
        flat = labels.ravel()
        count = np.bincount(flat)
        out += (np.bincount(flat, values.ravel()) / np.maximum(count, 1))[labels]
    return out / len(regions)


def background_distance(lab: np.ndarray, outside: np.ndarray) -> np.ndarray:
    """(h, w) mean distance to the six nearest (Lab, 12 xy) samples outside the box."""
    from scipy.spatial import KDTree

    h, w = lab.shape[:2]
    y, x = np.mgrid[0:h, 0:w] / max(h, w)
    features = np.concatenate([lab * [LIGHTNESS, 1, 1], PLACE * np.stack([x, y], -1)], -1)
    samples = features[outside]
    step = max(1, len(samples) // 3000)
    tree = KDTree(samples[::step])
    near = min(6, tree.n)
    distance = tree.query(features.reshape(-1, 5), k=near)[0]
    return distance.reshape(h, w, near).mean(-1)
