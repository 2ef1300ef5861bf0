"""Minimum cuts of the pixel grid (Boykov and Jolly, ICCV 2001), by scipy's maximum flow."""

from __future__ import annotations

import numpy as np

SMOOTHNESS = 6.0
FAR = 40.0
"""Log-odds of pixels that are settled; larger ones count as this."""


class Edges:
    """The pixel grid with contrast-weighted links to 8 neighbours, cut many times.

    Args:
        lab: (h, w, 3); links weigh SMOOTHNESS (exp(-d^2 / 2 mean d^2) + .01) / distance.
    """

    def __init__(self, lab: np.ndarray) -> None:
        h, w = lab.shape[:2]
        self.shape = (h, w)
        index = np.arange(h * w).reshape(h, w)
        pairs, squares, lengths = [], [], []
        for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
            a = (slice(0, h - dy), slice(max(0, -dx), w - max(0, dx)))
            b = (slice(dy, h), slice(max(0, dx), w + min(0, dx)))
            pairs.append(np.stack([index[a].ravel(), index[b].ravel()]))
            squares.append(((lab[a] - lab[b]) ** 2).sum(-1).ravel())
            lengths.append(np.full(pairs[-1].shape[1], np.hypot(dy, dx)))
        self.pairs = np.concatenate(pairs, 1)
        square = np.concatenate(squares)
        mean = max(float(square.mean()), 1.0) if square.size else 1.0
        contrast = np.exp(-square / (2 * mean)) + 0.01
        self.contrast, self.lengths = contrast, np.concatenate(lengths)
        self.weight = SMOOTHNESS * contrast / self.lengths

    def cut(self, odds: np.ndarray) -> np.ndarray:
        """(h, w) bool: the labelling of least energy for the log-odds (Boykov and Jolly 2001)."""
        from scipy.sparse import csr_matrix
        from scipy.sparse.csgraph import breadth_first_order, maximum_flow

        n = self.shape[0] * self.shape[1]
        flat = np.clip(odds.ravel(), -FAR, FAR)
        source, sink = n, n + 1
        nodes = np.arange(n)
        a, b = self.pairs
        rows = np.concatenate([a, b, np.full(n, source), nodes])
        columns = np.concatenate([b, a, nodes, np.full(n, sink)])
        capacity = np.concatenate(
            [self.weight, self.weight, np.maximum(flat, 0), np.maximum(-flat, 0)]
        )
        whole = np.round(capacity * 100).astype(np.int32)
        graph = csr_matrix((whole, (rows, columns)), shape=(n + 2, n + 2))
        flow = maximum_flow(graph, source, sink).flow
        residual = graph - flow
        residual.data = np.maximum(residual.data, 0)
        residual.eliminate_zeros()
        reached = breadth_first_order(residual, source, return_predecessors=False)
        out = np.zeros(n + 2, bool)
        out[reached] = True
        return out[:n].reshape(self.shape)

    def contrast_along(self, mask: np.ndarray) -> float:
        """0..1, how well the border of a (h, w) bool mask follows edges of the picture."""
        flat = mask.ravel()
        crossing = flat[self.pairs[0]] != flat[self.pairs[1]]
        if not crossing.any():
            return 0.0
        return 1 - float(np.average(self.contrast[crossing], weights=1 / self.lengths[crossing]))
