"""The terms that ``differentiable`` minimises, after 3D-RE-GEN (arXiv 2512.17459).

``0.1 (0.75 Dice + 0.25 Focal) + 0.1 observed-points-to-mesh + 0.01 background-box``. Three things
differ from that paper's published code: silhouettes reach 0 and 1 (there a sigmoid over the
alpha squeezes them into [.50, .73]); pixels that something nearer hides do not count; and points
are pulled to the mesh but never the mesh to the points, because most of a mesh is out of sight.
Lengths are in the problem's unit (the object's rough size), so the weights mean the same for a
cup and for a cathedral.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.spatial import KDTree

from ._diff_pose import Pose
from .judging import APPROXIMATE_TRUST
from .problem import Problem
from .sampling import Surface

MASK_WEIGHT, DICE, FOCAL = 0.1, 0.75, 0.25
POINT_WEIGHT = 0.1
BOX_WEIGHT = 0.01
ALPHA, GAMMA = 0.5, 2.0
LEAST_PROBABILITY = 0.01
"""The focal term's logarithm ends here, so that no single pixel outweighs the others."""
KNEE = 0.05
"""Distances below it count squared, above it linearly."""
POINTS = 500
ROOM = 1.5
"""The background box ends so many units beyond the observed points."""
STEP_PX = 32
"""Pictures have sides of whole multiples of this, so that few kernels are ever compiled."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """A problem as tensors (float32), lengths in ``unit``.

    Attributes:
        unit: camera units of one unit.
        side: px, of the square picture that holds the crop in its top-left corner.
        canonical: (3, 3), camera space to that of a square picture with 90 degrees of view:
            a projective camera's silhouettes need no other camera than that.
        target: (side, side) mask, 0 or 1.
        known: (side, side) 1 where a pixel says something, 0 where it is hidden or outside.
        points: (n, 3) observed. trust: their weight, 0..1.
        floor: (4,) or None. low, high: (3,) the background box.
    """

    unit: float
    side: int
    canonical: torch.Tensor
    target: torch.Tensor
    known: torch.Tensor
    points: torch.Tensor
    trust: float
    floor: torch.Tensor | None
    low: torch.Tensor
    high: torch.Tensor

    def to(self, device: str) -> Evidence:
        """The same on another device."""
        moved = {k: v.to(device) for k, v in vars(self).items() if isinstance(v, torch.Tensor)}
        return replace(self, **moved)


def make_evidence(problem: Problem, unit: float) -> Evidence:
    """Packs a problem.

    A problem knows its object's surroundings, not the whole room. So the background box is that
    of the observed points with :data:`ROOM` units around it, cut off at the floor.
    """
    height, width = problem.mask.shape
    side = -(-max(height, width) // STEP_PX) * STEP_PX
    target, known = np.zeros((side, side)), np.zeros((side, side))
    target[:height, :width] = problem.mask
    known[:height, :width] = ~problem.unknown
    points = np.asarray(problem.points, np.float64) / unit
    step = -(-len(points) // POINTS)
    canonical = 2 / side * np.asarray(problem.intrinsics, np.float64)
    canonical[2] = [0, 0, 1]
    canonical[:2, 2] -= 1
    floor = None
    if problem.floor is not None:
        floor = _tensor(np.array([*problem.floor[:3], problem.floor[3] / unit]))
    return Evidence(
        unit=unit,
        side=side,
        canonical=_tensor(canonical),
        target=_tensor(target),
        known=_tensor(known),
        points=_tensor(points[::step]),
        trust=APPROXIMATE_TRUST if problem.approximate else 1.0,
        floor=floor,
        low=_tensor(points.min(0) - ROOM),
        high=_tensor(points.max(0) + ROOM),
    )


class Body:
    """A mesh for the losses: nearest surface points, and samples to keep in the room."""

    def __init__(self, surface: Surface) -> None:
        self.surface = surface
        self._dense = np.asarray(surface.dense, np.float64)
        self._normals = np.asarray(surface.dense_normals, np.float64)
        self._tree = KDTree(self._dense)
        self.samples = torch.from_numpy(np.array(surface.spread[:512], np.float32))
        # Nearly every point of the surface has a sample this near: so far "beside" means "on".
        probe = self._dense[:: max(1, len(self._dense) // 1000)]
        self.spacing = 2 * float(np.median(self._tree.query(probe, k=2)[0][:, 1]))

    def distance(self, points: np.ndarray) -> np.ndarray:
        """(n,) distances of (n, 3) normalised points from the nearest sample."""
        return self._tree.query(points)[0]

    def nearest(self, points: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """The mesh's samples nearest to (n, 3) normalised points, and their normals."""
        _, index = self._tree.query(points)
        return _tensor(self._dense[index]), _tensor(self._normals[index])


def mask_loss(silhouette: torch.Tensor, target: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """0.75 Dice + 0.25 Focal of (h, w) pictures in 0..1, over the known pixels.

    Dice: Milletari et al. 2016, with squares, so that grey pictures that agree cost nothing. Focal: Lin et al. 2017, alpha .5, gamma 2.
    """
    silhouette = silhouette.clamp(0, 1)
    both = (known * silhouette * target).sum()
    total = (known * (silhouette.square() + target.square())).sum()
    dice = 1 - (2 * both + 1) / (total + 1)
    right = silhouette * target + (1 - silhouette) * (1 - target)
    right = LEAST_PROBABILITY + (1 - LEAST_PROBABILITY) * right
    focal = -ALPHA * (1 - right) ** GAMMA * right.log()
    return DICE * dice + FOCAL * (known * focal).sum() / known.sum().clamp(min=1)


def softened(picture: torch.Tensor, known: torch.Tensor, width: int) -> torch.Tensor:
    """An (h, w) picture averaged over ``width`` px, hidden pixels left out."""
    if width <= 1:
        return picture
    both = torch.stack([picture * known, known])[:, None]
    blurred = torch.nn.functional.avg_pool2d(both, width, 1, width // 2)[:, 0]
    return blurred[0] / blurred[1].clamp(min=1e-6)


def point_loss(pose: Pose, body: Body, points: torch.Tensor) -> torch.Tensor:
    """Mean distance (units, squared near 0) from (n, 3) observed points to the posed mesh.

    The nearest surface is its tangent plane at the nearest of many samples. Which sample that is
    is looked up in the mesh's frame, where the search tree never changes, and held for the
    gradient: by the envelope theorem that is the exact one.
    """
    with torch.no_grad():
        local = (points - pose.translation) @ pose.rotation / pose.size
    at, normal = body.nearest(local.cpu().numpy().astype(np.float64))
    at, normal = at.to(points), normal.to(points)
    apart = points - pose.apply(at)
    out = (apart * (normal @ pose.rotation.T)).sum(1)
    beside = (apart.square().sum(1) - out.square()).clamp(min=1e-12).sqrt()
    beside = (beside - body.spacing * pose.size.detach()).clamp(min=0)
    return smooth(out.square() + beside.square()).mean()


def smooth(squared: torch.Tensor) -> torch.Tensor:
    """Pseudo-Huber of squared distances: about d - KNEE far away, d^2 / (2 KNEE) near 0."""
    return KNEE * ((1 + squared / KNEE**2).sqrt() - 1)


def box_loss(points: torch.Tensor, evidence: Evidence) -> torch.Tensor:
    """Mean distance (units) by which (n, 3) points of the mesh leave the background box."""
    out = (evidence.low - points).clamp(min=0) + (points - evidence.high).clamp(min=0)
    total = out.sum(1)
    if evidence.floor is not None:
        total = total + (-(points @ evidence.floor[:3] + evidence.floor[3])).clamp(min=0)
    return total.mean()


def total_loss(
    pose: Pose, silhouette: torch.Tensor, body: Body, evidence: Evidence, width: int = 1
) -> torch.Tensor:
    """The weighted sum of the three terms, pictures averaged over ``width`` px."""
    known = evidence.known
    seen = softened(silhouette, known, width)
    target = softened(evidence.target, known, width)
    return (
        MASK_WEIGHT * mask_loss(seen, target, known)
        + POINT_WEIGHT * evidence.trust * point_loss(pose, body, evidence.points)
        + BOX_WEIGHT * box_loss(pose.apply(body.samples.to(evidence.points)), evidence)
    )


def _tensor(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, np.float32))
