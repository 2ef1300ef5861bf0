"""Whole scenes, and objects on their own, compared as clouds the way a protocol says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .align import icp, normalised
from .boxes import box_iou
from .distances import Distances, distances
from .protocols import Clouds
from .samples import joined_samples, triangle_samples
from .scenes import Item
from .solid import surface_voxel_iou


def compare_clouds(predicted: np.ndarray, true: np.ndarray, how: Clouds) -> Mapping[str, float]:
    """The protocol's measures of two clouds of samples (n, 3), (m, 3)."""
    one, other = normalised(predicted, how.normalise), normalised(true, how.normalise)
    if how.icp is not None:
        one = icp(one, other, how.icp).apply(one)
    apart = distances(one, other)
    return {name: _measure(name, apart, one, other) for name in how.measures}


def _measure(name: str, apart: Distances, one: np.ndarray, other: np.ndarray) -> float:
    stem, _, threshold = name.removeprefix("shape_").partition("@")
    if stem in ("precision", "recall", "f_score"):
        score = apart.f_score(float(threshold))
        return {"precision": score.precision, "recall": score.recall, "f_score": score.f}[stem]
    if stem in ("f_s", "f_o"):
        return apart.f_score(0.1).f
    if stem in ("cd_s", "cd_o", "chamfer_squared_sum"):
        return apart.chamfer_squared_sum
    if stem == "scene_box_iou":
        return box_iou(one, other)
    if stem == "voxel_iou":
        return surface_voxel_iou(one, other)
    return float(getattr(apart, stem))


def scene_samples(items: Sequence[Item], how: Clouds, seed: int) -> np.ndarray:
    """(n, 3) samples of all objects in the world."""
    triangles = [item.triangles for item in items]
    if how.each_object:
        return np.concatenate(
            [triangle_samples(t, how.points, seed + i)[0] for i, t in enumerate(triangles)]
        )
    return joined_samples(triangles, how.points, seed)


def shape_measures(predicted: Item, true: Item, how: Clouds, seed: int) -> Mapping[str, float]:
    """Of two objects, away from their places but turned as they stand."""
    return compare_clouds(
        triangle_samples(predicted.triangles, how.points, seed)[0],
        triangle_samples(true.triangles, how.points, seed + 1)[0],
        how,
    )
