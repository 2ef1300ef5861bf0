"""How well posed things cover what the photo shows of them: visible silhouettes against masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..frames import Sim3, resize_intrinsics
from ..raster import rasterize
from ..register.sampling import surface_of
from .bodies import Body

LONGEST = 480
"""Pictures are compared at most so long, pixels."""


def silhouette_ious(
    bodies: Sequence[Body],
    masks: Mapping[int, np.ndarray],
    camera_from_world: Sim3,
    intrinsics: np.ndarray,
    width: int,
    height: int,
) -> dict[int, float]:
    """IoU of what is seen of each body, the others hiding what lies behind them, and its mask.

    Args:
        masks: (H, W) bool by id; bodies without one hide others and are not told.
        width, height: of the photo.
    """
    factor = min(1.0, LONGEST / max(width, height))
    w, h = max(1, round(width * factor)), max(1, round(height * factor))
    corners, faces, owner, start = [], [], [], 0
    for body in bodies:
        surface = surface_of(body.mesh)
        local = surface.vertices * surface.size + surface.centre
        corners.append((camera_from_world @ body.world_from_object).apply(local))
        faces.append(surface.faces + start)
        owner.append(np.full(len(surface.faces), body.id))
        start += len(local)
    if not faces:
        return {}
    seen = rasterize(
        np.concatenate(corners),
        np.concatenate(faces),
        resize_intrinsics(intrinsics, w / width, h / height),
        w,
        h,
    )
    shown = np.where(seen.face >= 0, np.concatenate(owner)[np.maximum(seen.face, 0)], -1)
    rows = np.minimum(((np.arange(h) + 0.5) * height / h).astype(np.int64), height - 1)
    columns = np.minimum(((np.arange(w) + 0.5) * width / w).astype(np.int64), width - 1)
    out = {}
    for body in bodies:
        mask = masks.get(body.id)
        if mask is None or mask.shape != (height, width) or not mask.any():
            continue
        true, here = mask[np.ix_(rows, columns)], shown == body.id
        union = int((true | here).sum())
        out[body.id] = float((true & here).sum() / union) if union else 0.0
    return out
