"""Distances between two surfaces, each given by samples, under names that cannot be mistaken.

"The Chamfer distance" is at least four different numbers in the literature: the mean distance or
the mean *squared* distance to the nearest sample, and the *sum* or the *mean* of the two
directions. Each is a property of its own here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree


@dataclass(frozen=True, eq=False)
class Distances:
    """Nearest distances both ways.

    Attributes:
        to_truth: (n,) in any order, from each predicted sample to the nearest true one. Large where something
            was made that is not there.
        to_predicted: (m,) in any order, from each true sample to the nearest predicted one. Large where
            something is missing.
    """

    to_truth: np.ndarray
    to_predicted: np.ndarray

    @property
    def chamfer_sum(self) -> float:
        """Mean distance one way plus mean distance the other way."""
        return float(self.to_truth.mean() + self.to_predicted.mean())

    @property
    def chamfer_mean(self) -> float:
        """Half of :attr:`chamfer_sum`: the mean of accuracy and completeness."""
        return self.chamfer_sum / 2

    @property
    def chamfer_squared_sum(self) -> float:
        """Mean squared distance one way plus the other way (Fan et al., "A Point Set Generation
        Network", 2017; what PyTorch3D's ``chamfer_distance`` gives)."""
        return float(np.square(self.to_truth).mean() + np.square(self.to_predicted).mean())

    @property
    def chamfer_squared_mean(self) -> float:
        """Half of :attr:`chamfer_squared_sum`."""
        return self.chamfer_squared_sum / 2

    @property
    def hausdorff(self) -> float:
        """The largest of all nearest distances, both ways."""
        return float(max(self.to_truth.max(), self.to_predicted.max()))

    @property
    def hausdorff_95(self) -> float:
        """The larger of the two directions' 95th percentiles: without a few stray points."""
        return float(max(np.quantile(self.to_truth, 0.95), np.quantile(self.to_predicted, 0.95)))

    def f_score(self, threshold: float) -> FScore:
        """Shares of samples nearer than a threshold (Knapitsch et al., "Tanks and Temples", 2017)."""
        return FScore(
            precision=float((self.to_truth < threshold).mean()),
            recall=float((self.to_predicted < threshold).mean()),
        )


@dataclass(frozen=True)
class FScore:
    """Precision, recall and their harmonic mean, each 0..1.

    Attributes:
        precision: share of what was *predicted* that lies near the truth.
        recall: share of what is *true* that lies near the prediction.
    """

    precision: float
    recall: float

    @property
    def f(self) -> float:
        """2 p r / (p + r); 0 when both are 0."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both > 0 else 0.0


def tree_of(points: np.ndarray) -> KDTree:
    """Of (n, 3) samples. Loose cells: several times faster than tight ones where the two surfaces
    lie apart, as they do before an alignment."""
    return KDTree(points, balanced_tree=False, compact_nodes=False)


def distances(predicted: np.ndarray, true: np.ndarray) -> Distances:
    """Of (n, 3) predicted and (m, 3) true samples in one frame; their order is not kept."""
    theirs, ours = tree_of(predicted), tree_of(true)
    # Neighbours ask one after the other, which finds the tree's nodes still in the cache.
    return Distances(
        ours.query(predicted[theirs.indices], workers=-1)[0],
        theirs.query(true[ours.indices], workers=-1)[0],
    )


def normal_consistency(
    predicted: np.ndarray, predicted_normals: np.ndarray, true: np.ndarray, true_normals: np.ndarray
) -> float:
    """Mean |cosine| between the normals of nearest samples, both ways, 0..1 (Mescheder et al.,
    "Occupancy Networks", 2019). The absolute value: many meshes have no reliable outside.

    Args:
        predicted, true: (n, 3), (m, 3) samples.
        predicted_normals, true_normals: their unit normals.
    """
    there = tree_of(true).query(predicted)[1]
    back = tree_of(predicted).query(true)[1]
    one = np.abs((predicted_normals * true_normals[there]).sum(1)).mean()
    other = np.abs((true_normals * predicted_normals[back]).sum(1)).mean()
    return float((one + other) / 2)
