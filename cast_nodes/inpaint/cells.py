"""How the empty room is divided behind a hole: a few straight-sided cells of smooth colour.

Walls, floor, ceiling and carpets are planes, so their borders in the picture are straight and
what each shows is a smooth shade plus a texture. The division is fitted as a hard mixture of
experts: each cell has a quadratic colour model, a linear gate (softmax of linear functions of
the pixel, so cells are convex polygons) decides which cell a pixel belongs to, pixels that
no cell explains (pictures on the wall, shadows) are outliers. Candidates start from a
segmentation merged to several depths and from horizontal splits; the one that explains the
pixels round the hole best at the fewest cells wins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from .masks import blur, distance_to, nearest_known, parts_of

FEATURE_SIGMA = 2.2  # noise of a feature, in Lab units; residuals are measured in it
OUTLIER = 9.0  # squared residual (in sigmas) at which a pixel counts as half an outlier
CELL_PENALTY = 0.12  # what one more cell must gain in the log of the cost
MAX_CELLS = 6
SAMPLES = 2500


@dataclass(frozen=True, eq=False)
class Gate:
    """Which cell a pixel belongs to: the largest of K linear functions of its position.

    Attributes:
        weights: (3, K) float64 on (1, x, y); x, y are centred and divided by half the longer
            side, so one gate serves every resolution of the same crop.
    """

    weights: np.ndarray

    @property
    def count(self) -> int:
        return int(self.weights.shape[1])

    def labels(self, height: int, width: int) -> np.ndarray:
        """(h, w) int64 cell of every pixel of the crop at that resolution."""
        return (_positions(height, width) @ self.weights).argmax(-1)


def _positions(height: int, width: int) -> np.ndarray:
    """(h, w, 3): 1, x, y of :class:`Gate`."""
    half = max(height, width) / 2
    y, x = np.mgrid[:height, :width] + 0.5
    return np.stack([np.ones((height, width)), (x - width / 2) / half, (y - height / 2) / half], -1)


def room_cells(rgb: np.ndarray, hole: np.ndarray, seed: int = 0) -> Gate:
    """The division of the room behind a hole.

    Args:
        rgb: (h, w, 3) uint8, the crop at low resolution (about 160 px).
        hole: (h, w) bool, unknown pixels. At least one pixel must be known.
        seed: of the choice of the pixels looked at.
    """
    height, width = hole.shape
    features = _features(rgb, hole)
    distance = distance_to(hole) if hole.any() else np.zeros(hole.shape)
    # Near the hole counts most, but what touches it is often a shadow or a badly cut edge.
    reach = max(8.0, 0.2 * np.sqrt(np.count_nonzero(hole)))
    weight = np.exp(-distance / reach) * (1 - 0.9 * np.exp(-distance / (0.03 * max(hole.shape))))
    weight = np.where(hole, 0.0, weight + 1e-9)
    known = np.flatnonzero(~hole.ravel())
    if len(known) > SAMPLES:
        known = np.random.default_rng(seed).choice(known, SAMPLES, replace=False)
    sample = _Sample(
        _positions(height, width).reshape(-1, 3)[known],
        features.reshape(-1, features.shape[-1])[known],
        weight.ravel()[known] / weight.ravel()[known].sum(),
    )
    best, best_score = np.zeros((3, 1)), sample.score(np.zeros((3, 1)))
    for start in _starts(features, hole, known):
        gate = sample.fit(start)
        score = sample.score(gate)
        if score < best_score:
            best, best_score = gate, score
    # Cells that the winner can do without go, one at a time.
    improved = True
    while improved and best.shape[1] > 1:
        improved = False
        for cell in range(best.shape[1]):
            gate = sample.fit((sample.positions @ np.delete(best, cell, 1)).argmax(1))
            score = sample.score(gate)
            if score < best_score - 1e-9:
                best, best_score, improved = gate, score, True
                break
    return Gate(best)


def patches_on_cells(rgb: np.ndarray, hole: np.ndarray, shade: np.ndarray) -> list[np.ndarray]:
    """Things lying flat on the room's surfaces that run on behind the hole: rugs, pictures.

    Such a thing is a segment that the surface's shade does not explain, touches the hole, and
    fills its convex hull as far as that can be seen.

    Args:
        rgb, hole: as in :func:`room_cells`.
        shade: (h, w, 3) float, the smooth colour of the surfaces.

    Returns:
        The hulls' corners, each (n, 2) float64 x, y as shares of the crop's width and height.
    """
    height, width = hole.shape
    unlike = (np.abs(rgb - shade).max(-1) > 18) & ~hole
    ratio = (rgb.astype(float) + 4) / (shade + 4)
    mean = ratio.mean(-1)
    # A soft-edged patch of the surface's own colour, only darker, is a shadow.
    shadow = (mean < 1) & (np.abs(ratio - mean[..., None]).max(-1) < 0.1)
    light = blur(rgb.astype(float).mean(-1), 0.7)
    steepness = np.maximum(np.abs(np.gradient(light, axis=0)), np.abs(np.gradient(light, axis=1)))
    features = _features(rgb, hole)
    regions = _Regions.measure(_segments(features, hole), features * FEATURE_SIGMA).merged(7.0)
    regions = regions.reshape(hole.shape)
    connected = parts_of(unlike)[0]
    near = distance_to(hole)
    found: list[np.ndarray] = []
    taken = np.zeros_like(hole)
    for labels in (connected, regions):
        for label in np.unique(labels[(near <= 2.5) & unlike]):
            mine = labels == label
            own = mine & unlike
            area = np.count_nonzero(own)
            if area < 0.01 * hole.size or area < 0.6 * np.count_nonzero(mine):
                continue
            if np.count_nonzero(mine & taken) > 0.3 * np.count_nonzero(mine):
                continue
            # What the hole all but encloses is seen too little of to be told from a shadow.
            edge = mine & ~np.asarray(ndimage.binary_erosion(mine, border_value=1), bool)
            rim = edge & (near > 2.5)
            if np.count_nonzero(rim) < 0.4 * np.count_nonzero(edge):
                continue
            # Between the legs of a chair shadows have sharp edges, too, but they are small.
            doubtful = float(np.median(steepness[rim])) < 9 or area < 0.03 * hole.size
            if doubtful and np.count_nonzero(own & shadow) > 0.5 * area:
                continue
            corners = _hull_corners(mine)
            hull = _inside(corners, hole.shape)
            visible = hull & ~hole
            if np.count_nonzero(mine & visible) > 0.8 * np.count_nonzero(visible):
                found.append(corners / [width, height])
                taken |= hull
    return found


def _hull_corners(mask: np.ndarray) -> np.ndarray:
    """(n, 2) float64 x, y of the convex hull of the mask's pixels, corners included."""
    from scipy.spatial import ConvexHull

    rows, columns = np.nonzero(mask)
    corners = np.concatenate(
        [np.stack([columns + dx, rows + dy], 1) for dx in (0, 1) for dy in (0, 1)]
    )
    return corners[ConvexHull(corners).vertices].astype(np.float64)


def _inside(corners: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """(h, w) bool: pixels whose centre is in the polygon."""
    from skimage.draw import polygon2mask

    return np.asarray(polygon2mask(shape, corners[:, ::-1] - 0.5), bool)


def _segments(features: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """(h, w) int64 small segments of even colour, -1 in the hole."""
    from skimage.segmentation import felzenszwalb

    colours = features[..., :3] * FEATURE_SIGMA / 100
    segments = felzenszwalb(colours, scale=60, sigma=0.5, min_size=30, channel_axis=2)
    return np.where(hole, -1, segments)


def _features(rgb: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """(h, w, 4) float64 in sigmas: damped lightness, a, b, and the strength of the texture."""
    from skimage.color import rgb2lab

    filled = nearest_known(rgb, hole)
    lab = rgb2lab(np.dstack([ndimage.median_filter(filled[..., c], size=5) for c in range(3)]))
    light = rgb2lab(filled)[..., 0]
    rough = np.sqrt(blur((light - blur(light, 1.5)) ** 2, 3.0))
    texture = 0.8 * np.minimum(rough, 5)
    return np.dstack([0.7 * lab[..., 0], lab[..., 1], lab[..., 2], texture]) / FEATURE_SIGMA


@dataclass(frozen=True, eq=False)
class _Sample:
    """The known pixels looked at: positions (n, 3), features (n, F), weights (n,) of sum 1."""

    positions: np.ndarray
    features: np.ndarray
    weights: np.ndarray

    @property
    def quadratic(self) -> np.ndarray:
        """(n, 6) monomials of the position up to degree two."""
        one, x, y = self.positions.T
        return np.stack([one, x, y, x * y, x * x, y * y], 1)

    def fit(self, labels: np.ndarray) -> np.ndarray:
        """(3, K) gate from starting labels (n,), -1 for none: colour models and borders in turn."""
        quadratic = self.quadratic
        labels = self._without_small(labels)
        gate = None
        for _ in range(3):
            count = int(labels.max()) + 1
            if count <= 1:
                return np.zeros((3, 1))
            costs = self._costs(quadratic, [self.weights * (labels == k) for k in range(count)])
            if gate is None or gate.shape[1] != count:
                own = np.where(costs.min(1) < 0.8 * OUTLIER, costs.argmin(1), -1)
                use = np.flatnonzero(own >= 0)[:1500]
                if not len(use):
                    return np.zeros((3, 1))
                gate = _softmax_fit(self.positions[use], own[use], self.weights[use], count)
            gate = _least_cost_gate(self.positions, costs, self.weights, gate)
            labels = self._without_small((self.positions @ gate).argmax(1))
        return gate if gate is not None else np.zeros((3, 1))

    def score(self, gate: np.ndarray) -> float:
        """Log of the mean robust residual plus the penalty of the cells."""
        labels = (self.positions @ gate).argmax(1)
        present = np.unique(labels)
        costs = self._costs(self.quadratic, [self.weights * (labels == k) for k in present])
        own = costs[np.arange(len(labels)), np.searchsorted(present, labels)]
        return float(np.log((self.weights * own).sum() + 0.15)) + CELL_PENALTY * (len(present) - 1)

    def _costs(self, quadratic: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
        """(n, K) residual of each pixel in each cell's colour model, levelling off at OUTLIER."""
        columns = []
        for weight in weights:
            model = _robust_quadratic(quadratic, self.features, weight)
            squared = ((self.features - quadratic @ model) ** 2).sum(1)
            columns.append(squared / (1 + squared / OUTLIER))
        return np.stack(columns, 1)

    def _without_small(self, labels: np.ndarray) -> np.ndarray:
        """Labels renumbered from 0; those of too little weight, or beyond the most, become -1."""
        count = int(labels.max()) + 1
        if count <= 0:
            return labels
        share = np.bincount(labels[labels >= 0], self.weights[labels >= 0], count)
        order = [k for k in np.argsort(-share)[:MAX_CELLS] if share[k] > 0.03]
        new = np.full(count + 1, -1)
        new[order] = np.arange(len(order))
        return new[labels]


def _robust_quadratic(
    quadratic: np.ndarray, features: np.ndarray, weight: np.ndarray
) -> np.ndarray:
    """(6, F) coefficients by iteratively reweighted least squares (Geman-McClure)."""
    ridge = np.diag([1e-9, 5e-4, 5e-4, 2e-2, 2e-2, 2e-2])
    total = max(float(weight.sum()), 1e-12)
    current = weight / total
    model = np.zeros((6, features.shape[1]))
    for _ in range(5):
        weighted = quadratic * current[:, None]
        model = np.linalg.solve(weighted.T @ quadratic + ridge, weighted.T @ features)
        squared = ((features - quadratic @ model) ** 2).sum(1)
        current = weight / total / (1 + squared / OUTLIER) ** 2
    return model


def _softmax_fit(x: np.ndarray, labels: np.ndarray, weight: np.ndarray, count: int) -> np.ndarray:
    """(3, K) multinomial logistic regression of the labels on the positions."""
    x = x * [1.0, 3.0, 3.0]
    target = np.eye(count)[labels]
    weight = weight / weight.sum()
    rows = np.arange(len(labels))

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        w = flat.reshape(3, count)
        z = x @ w
        z -= z.max(1, keepdims=True)
        p = np.exp(z)
        p /= p.sum(1, keepdims=True)
        value = -(weight * np.log(p[rows, labels] + 1e-12)).sum() + 1e-4 * (w[1:] ** 2).sum()
        gradient = x.T @ ((p - target) * weight[:, None])
        gradient[1:] += 2e-4 * w[1:]
        return float(value), gradient.ravel()

    found = _rprop(loss, np.zeros(3 * count), step=0.5, rounds=40)
    return found.reshape(3, count) * np.array([[1.0], [3.0], [3.0]])


def _least_cost_gate(
    x: np.ndarray, costs: np.ndarray, weight: np.ndarray, gate: np.ndarray
) -> np.ndarray:
    """(3, K) the gate moved to where the expected cost, sum w sum_k p_k cost_k, is least.

    Unlike the regression it asks what a misplaced border costs, not how many pixels resemble
    which cell, so shadows and clutter do not drag it.
    """
    count = gate.shape[1]
    # A border blurred over a few per cent of the crop: sharp enough to count, soft enough to move.
    slope = np.linalg.norm(gate[1:] - gate[1:].mean(1, keepdims=True), axis=0).mean()
    gate = gate * min(1.0, 40.0 / max(slope, 1e-6))
    scale = np.array([[1.0], [10.0], [10.0]])

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        w = flat.reshape(3, count) * scale
        z = x @ w
        z -= z.max(1, keepdims=True)
        p = np.exp(z)
        p /= p.sum(1, keepdims=True)
        expected = (p * costs).sum(1, keepdims=True)
        gradient = x.T @ (weight[:, None] * p * (costs - expected)) * scale
        value = float((weight[:, None] * expected).sum()) + 1e-5 * float((flat**2).sum())
        return value, (gradient.ravel() + 2e-5 * flat)

    found = _rprop(loss, (gate / scale).ravel(), step=0.1, rounds=40)
    return found.reshape(3, count) * scale


def _rprop(
    loss: Callable[[np.ndarray], tuple[float, np.ndarray]],
    start: np.ndarray,
    step: float,
    rounds: int,
) -> np.ndarray:
    """The best point met by resilient propagation (Riedmiller and Braun, 1993).

    A handful of unknowns needs no more, and unlike a library's quasi-Newton it calls no
    threaded linear algebra that thrashes when several stages run at once.
    """
    point, steps = start.copy(), np.full(start.shape, step)
    before = np.zeros_like(start)
    best, least = start, np.inf
    for _ in range(rounds):
        value, gradient = loss(point)
        if value < least:
            best, least = point.copy(), value
        agree = np.sign(gradient * before)
        steps = np.clip(steps * np.where(agree > 0, 1.3, np.where(agree < 0, 0.5, 1.0)), 1e-3, 3.0)
        before = np.where(agree < 0, 0, gradient)
        point = point - np.sign(before) * steps
    return best


def _starts(features: np.ndarray, hole: np.ndarray, known: np.ndarray) -> Iterator[np.ndarray]:
    """Starting labels of the known pixels: merged segmentations, then horizontal splits."""
    regions = _Regions.measure(_segments(features, hole), features * FEATURE_SIGMA)
    seen = set()
    for depth in (2.0, 3.0, 4.5, 7.0, 12.0):
        labels = regions.merged(depth)[known]
        signature = labels.tobytes()
        if signature not in seen:
            seen.add(signature)
            yield labels
    rows = known // hole.shape[1]
    for share in (0.3, 0.45, 0.6, 0.7, 0.8, 0.9):
        yield (rows > share * hole.shape[0]).astype(int)


@dataclass(frozen=True, eq=False)
class _Regions:
    """Segments with what is needed to merge them: a graph of mean colours and common borders."""

    index: np.ndarray  # (h * w,) segment of each pixel, -1 in the hole
    size: np.ndarray  # (n,)
    mean: np.ndarray  # (n, F)
    step: np.ndarray  # (n, n) summed colour step across the common border
    border: np.ndarray  # (n, n) length of the common border, px

    @staticmethod
    def measure(segments: np.ndarray, features: np.ndarray) -> _Regions:
        ids, index = np.unique(segments, return_inverse=True)
        index = index.reshape(segments.shape) - (1 if ids[0] < 0 else 0)
        count = int(index.max()) + 1
        inside = index >= 0
        size = np.bincount(index[inside], minlength=count).astype(float)
        mean = np.stack(
            [
                np.bincount(index[inside], features[..., c][inside], count) / size
                for c in range(features.shape[-1])
            ],
            1,
        )
        step, border = np.zeros((count, count)), np.zeros((count, count))
        for a, b in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
            pair = (index[a] != index[b]) & (index[a] >= 0) & (index[b] >= 0)
            jump = np.linalg.norm((features[a] - features[b])[..., :3], axis=-1)
            np.add.at(step, (index[a][pair], index[b][pair]), jump[pair])
            np.add.at(border, (index[a][pair], index[b][pair]), 1.0)
        return _Regions(index.ravel(), size, mean, step + step.T, border + border.T)

    def merged(self, depth: float) -> np.ndarray:
        """(h * w,) labels after merging the closest two until they are ``depth`` apart.

        Across a long common border the step there counts most (a slow shade over a wall is
        no step); segments that do not touch are compared by their mean colours.
        """
        size, mean = self.size.copy(), self.mean.copy()
        step, border = self.step.copy(), self.border.copy()
        root = np.arange(len(size))
        alive = np.ones(len(size), bool)
        while alive.sum() > 1:
            a = np.flatnonzero(alive)
            gap = np.linalg.norm(mean[a][:, None] - mean[a][None], axis=-1)
            length = border[np.ix_(a, a)]
            across = step[np.ix_(a, a)] / np.maximum(length, 1)
            gap = np.where(length >= 12, 0.5 * gap + 1.5 * across, gap)
            np.fill_diagonal(gap, np.inf)
            i, j = np.unravel_index(int(gap.argmin()), gap.shape)
            if gap[i, j] > depth:
                break
            i, j = a[i], a[j]
            total = size[i] + size[j]
            mean[i] = (mean[i] * size[i] + mean[j] * size[j]) / total
            size[i] = total
            for table in (step, border):
                table[i] += table[j]
                table[:, i] += table[:, j]
            alive[j] = False
            root[root == j] = i
        return np.where(self.index >= 0, root[np.maximum(self.index, 0)], -1)
