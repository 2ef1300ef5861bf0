"""What is not floor, wall or ceiling: saliency by boundary connectivity, without classes.

After Zhu, Liang, Wei, Sun, "Saliency optimization from robust background detection" (CVPR
2014): background spreads along the picture's border, objects touch it little for their size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SIDE_PX = 320
SUPERPIXELS = 350
SIGMA_COLOUR = 10.0
SIGMA_SPACE = 0.25
ALIKE = 4.0  # Lab distance between superpixels of one surface
NEAR_BY = 0.2  # in longest sides


@dataclass(frozen=True, eq=False)
class Foreground:
    """Evidence per pixel of a small version of the photo.

    Attributes:
        odds: (h, w) float64, 0..1, how much a pixel looks like part of a thing.
        labels: (h, w) int64 superpixels from 0.
        lab: (n, 3) mean colour of each superpixel.
    """

    odds: np.ndarray
    labels: np.ndarray
    lab: np.ndarray


def find_foreground(small: np.ndarray) -> Foreground:
    """Foreground of an (h, w, 3) uint8 picture of about SIDE_PX."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import dijkstra
    from skimage.color import rgb2lab
    from skimage.segmentation import slic

    h, w = small.shape[:2]
    labels = slic(small, SUPERPIXELS, compactness=12, sigma=0.5, start_label=0, channel_axis=-1)
    labels = np.unique(labels, return_inverse=True)[1].reshape(h, w)
    n = int(labels.max()) + 1
    flat = labels.ravel()
    count = np.bincount(flat, minlength=n)
    picture = rgb2lab(small).reshape(-1, 3)
    lab = np.stack([np.bincount(flat, picture[:, i], n) for i in range(3)], 1) / count[:, None]
    if n < 3:
        return Foreground(np.zeros((h, w)), labels, lab)
    y, x = np.mgrid[0:h, 0:w] / max(h, w)
    place = np.stack([np.bincount(flat, v.ravel(), n) for v in (x, y)], 1) / count[:, None]

    border = np.zeros(n, bool)
    for line in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        border[line] = True
    near = neighbours(labels, n)
    # All border superpixels touch each other, so that a floor cut in two by a table is one.
    edge = np.nonzero(border)[0]
    near[np.ix_(edge, edge)] = True
    apart = np.linalg.norm(lab[:, None] - lab[None], axis=-1)
    away = np.linalg.norm(place[:, None] - place[None], axis=-1)
    # A wall seen between a table's legs is still the wall: like colours near by touch.
    near |= (apart < ALIKE) & (away < NEAR_BY)
    np.fill_diagonal(near, False)
    a, b = np.nonzero(near)
    step = np.linalg.norm(lab[a] - lab[b], axis=1)
    # The usual variation between neighbours of the same stuff is no distance.
    usual = np.median([step[a == i].min() for i in range(n) if (a == i).any()])
    step = np.maximum(step - usual, 0) + 1e-6
    along = dijkstra(csr_matrix((step, (a, b)), shape=(n, n)), directed=False)

    same = np.exp(-(along**2) / (2 * SIGMA_COLOUR**2))
    connectivity = (same @ border) / np.sqrt(same.sum(1))
    background = 1 - np.exp(-(connectivity**2) / 2)
    weight = np.exp(-(away**2) / (2 * SIGMA_SPACE**2))
    contrast = (apart * weight) @ background
    contrast = contrast / max(np.percentile(contrast, 98), 1e-9)

    # Least squares: background near 0, contrast near 1, neighbours of one colour alike.
    smooth = (
        np.where(near & ~np.outer(border, border), np.exp(-(apart**2) / 200.0), 0) + 0.02 * near
    )
    laplacian = np.diag(smooth.sum(1)) - smooth
    matrix = np.diag(background + contrast) + laplacian + 1e-6 * np.eye(n)
    value = np.linalg.solve(matrix, contrast)
    return Foreground(np.clip(value, 0, 1)[labels], labels, lab)


def neighbours(labels: np.ndarray, n: int) -> np.ndarray:
    """(n, n) bool, which labels touch (4-neighbourhood)."""
    out = np.zeros((n, n), bool)
    for p, q in ((labels[:, :-1], labels[:, 1:]), (labels[:-1], labels[1:])):
        out[p, q] = True
        out[q, p] = True
    np.fill_diagonal(out, False)
    return out
