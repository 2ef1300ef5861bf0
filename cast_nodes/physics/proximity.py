"""Which samples of one thing are near another, remembered from pose to pose."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Distance = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


class Proximity:
    """The samples of one thing as another one sees them.

    A distance changes by no more than the way gone. So of each sample is kept where it was when it
    was last asked and how far it was then; until it has gone as far as that, less the margin, it
    need not be asked again. From step to step few samples must.

    Args:
        count: number of samples.
        distance: signed distance (n,) and gradient (n, 3) of (n, 3) points.
        low, high: (3,) box outside which the distance to the box tells enough.
    """

    def __init__(self, count: int, distance: Distance, low: np.ndarray, high: np.ndarray) -> None:
        self._distance, self._low, self._high = distance, low, high
        self._at = np.zeros((count, 3))
        self._value = np.full(count, -np.inf)

    def near(self, points: np.ndarray, margin: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The samples that are inside, or nearer than a margin.

        Args:
            points: (n, 3) the samples, in the frame of the distance.

        Returns:
            (k,) which samples, (k,) signed distances, (k, 3) gradients.
        """
        boxed = ((points >= self._low - margin) & (points <= self._high + margin)).all(1)
        index = np.flatnonzero(boxed)
        gone = points[index] - self._at[index]
        least = self._value[index] - np.sqrt(np.einsum("ij,ij->i", gone, gone))
        index = index[least < margin]
        value, gradient = self._distance(points[index])
        self._at[index], self._value[index] = points[index], value
        near = value < margin
        return index[near], value[near], gradient[near]
