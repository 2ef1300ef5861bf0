"""One object at its place, against the true one at its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..frames import Sim3
from .align import Icp, icp
from .boxes import box_iou, boxes_iou, gravity_box, oriented_box
from .distances import Distances, distances, normal_consistency
from .pose import (
    add_s_both_ways,
    angle_deg,
    log_scale_error,
    rotation_error_deg,
    same_frame,
)
from .samples import surface_samples
from .scenes import Item
from .solid import volume_iou

POINTS = 20_000
"""Samples of an object at its place."""
ROTATION_ICP = Icp(100, points=5_000, partners=20_000)


@dataclass(frozen=True, eq=False)
class Pair:
    """A predicted object and its true one, in one world; ``points`` samples of each."""

    predicted: Item
    true: Item
    points: int = POINTS

    @cached_property
    def poses(self) -> tuple[Sim3, Sim3]:
        assert self.predicted.pose is not None and self.true.pose is not None
        return self.predicted.pose, self.true.pose

    @cached_property
    def samples(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Predicted points and normals, true points and normals, all (points, 3) in the world."""
        found: list[np.ndarray] = []
        for item, pose, seed in zip((self.predicted, self.true), self.poses, (0, 1), strict=True):
            assert item.data is not None
            points, normals = surface_samples(item.data, self.points, seed)
            found += [pose.apply(points), pose.rotate(normals)]
        return found[0], found[1], found[2], found[3]

    @cached_property
    def distances(self) -> Distances:
        return distances(self.samples[0], self.samples[2])

    @cached_property
    def add_s(self) -> float:
        found, true = self.poses
        return add_s_both_ways(self.true.body, true, self.predicted.body, found)


def _rotation(pair: Pair) -> float | None:
    if not same_frame(pair.true.body, pair.predicted.body):
        return None
    found, true = pair.poses
    return rotation_error_deg(found.rotation, true.rotation, pair.true.body.symmetries)


def icp_rotation_deg(pair: Pair) -> float:
    """Angle of the rotation by which ICP brings the posed prediction onto the posed truth, both
    centred and brought to one size first, so that place and scale have no part in it."""
    predicted, true = pair.samples[::2]

    def centred(points: np.ndarray) -> np.ndarray:
        apart = points - points.mean(0)
        return apart / max(float(np.sqrt(np.square(apart).mean())), 1e-300)

    return angle_deg(icp(centred(predicted), centred(true), ROTATION_ICP).rotation)


def _centres_apart(pair: Pair) -> float:
    a, b = pair.predicted.vertices, pair.true.vertices
    return float(np.linalg.norm(a.min(0) + a.max(0) - b.min(0) - b.max(0)) / 2)


_PLAIN: dict[str, Callable[[Pair], float | None]] = {
    "box_iou": lambda p: box_iou(p.predicted.vertices, p.true.vertices),
    "iou_b": lambda p: box_iou(p.predicted.vertices, p.true.vertices),
    "gravity_box_iou": lambda p: boxes_iou(
        gravity_box(p.predicted.vertices), gravity_box(p.true.vertices)
    ),
    "oriented_box_iou": lambda p: boxes_iou(
        oriented_box(p.predicted.vertices), oriented_box(p.true.vertices)
    ),
    "volume_iou": lambda p: volume_iou(p.predicted.triangles, p.true.triangles),
    "add_s": lambda p: p.add_s,
    "rotation_deg": _rotation,
    "icp_rotation_deg": icp_rotation_deg,
    "log_scale": lambda p: log_scale_error(p.true.body, p.poses[1], p.predicted.body, p.poses[0]),
    "centre_distance": _centres_apart,
    "object_chamfer_mean": lambda p: p.distances.chamfer_mean,
    "object_hausdorff": lambda p: p.distances.hausdorff,
    "object_normals": lambda p: normal_consistency(*p.samples),
}


def layout_measure(pair: Pair, name: str) -> float | None:
    """One measure by name; None where it cannot be measured."""
    if name.startswith("add_s<"):
        return float(pair.add_s < float(name.split("<")[1]))
    if name.startswith("object_f_score@"):
        return pair.distances.f_score(float(name.split("@")[1])).f
    return _PLAIN[name](pair)
