"""Things found without masks: what has other colours than the surface it is seen before.

Coarse on purpose: enough to keep furniture from being smeared along floor and wall.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .camera import RoomCamera
from .outlines import connected
from .segments import Segments
from .walls import GRID, Room, colour_clusters, surface_labels

COMMON = 0.10
"""A colour that covers this share of a surface is the surface's own."""

MIN_SHARE = 0.006
"""Smallest thing, as a share of the picture."""

MAX_THINGS = 10


def propose_things(
    rgb: np.ndarray,
    camera: RoomCamera,
    room: Room,
    segments: Segments,
    segment_axis: np.ndarray,
) -> list[np.ndarray]:
    """Masks (H, W) bool of things that stand on the floor of the room, the largest first.

    What lies on the floor (rugs, light) has edges along the room's horizontal axes alone;
    what stands has upright ones too.
    """
    height, width = rgb.shape[:2]
    if min(height, width) < 24:
        return []
    step = max(height, width) / (1.5 * GRID)
    h, w = max(2, round(height / step)), max(2, round(width / step))
    from skimage.transform import resize

    small = np.asarray(resize(rgb.astype(np.float64), (h, w), anti_aliasing=True))
    label = surface_labels(camera.resized(w, h), room)
    cluster = colour_clusters(small, np.ones((h, w), bool), lightness=0.3)
    odd = np.zeros((h, w), bool)
    for surface in np.unique(label):
        region = label == surface
        share = np.bincount(cluster[region], minlength=cluster.max() + 1) / region.sum()
        odd |= region & (share[cluster] < COMMON)
    odd = ndimage.binary_opening(ndimage.binary_closing(odd, iterations=2), iterations=1)
    odd = ndimage.binary_fill_holes(odd)
    parts, count = connected(np.asarray(odd))
    floor = label == 0
    length = segments.length
    at = (segments.middle * [w / width, h / height]).astype(int).clip(0, [w - 1, h - 1])
    found: list[tuple[int, np.ndarray]] = []
    for part in range(1, count + 1):
        mask = parts == part
        size = int(mask.sum())
        if not MIN_SHARE * h * w < size < 0.5 * h * w:
            continue
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        if not floor[rows[-1]][mask[rows[-1]]].any():
            continue  # it hangs on a wall
        flat = len(rows) < 0.45 * len(columns) and floor[mask].mean() > 0.9
        inside = ndimage.binary_dilation(mask, iterations=2)[at[:, 1], at[:, 0]]
        upright = length[inside & (segment_axis == 1)].sum()
        level = length[inside & ((segment_axis == 0) | (segment_axis == 2))].sum()
        if flat or (floor[mask].mean() > 0.8 and upright < 0.2 * level):
            continue  # it lies on the floor
        found.append((size, mask))
    found.sort(key=lambda item: -item[0])
    rows = (np.arange(height) * h // height).clip(0, h - 1)
    columns = (np.arange(width) * w // width).clip(0, w - 1)
    return [mask[np.ix_(rows, columns)] for _, mask in found[:MAX_THINGS]]
