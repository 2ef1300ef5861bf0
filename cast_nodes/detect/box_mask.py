"""A mask from a box: colour mixtures, silhouettes of known objects, and a graph cut.

The idea is GrabCut's (Rother, Kolmogorov, Blake 2004) with three additions: pixels unlike
everything around the box start as object; averages over regions (Felzenszwalb and Huttenlocher
2004) steady the colour evidence; and the location prior is a mixture of real silhouettes that
is re-weighted by the evidence, so that the floor between a chair's legs is not swallowed.
Outside the box is background.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import ObjectFailure
from .silhouettes import Silhouettes, silhouettes_for
from .ssd import Box

SIDE_PX = 144
MARGIN = 0.2
SMOOTHNESS = 6.0
FAR = 40.0  # log-odds of pixels that are settled
P = dict(nov=.7,novshare=.15,nbk=-9.,gain=1.2, lo=-3.0, hi=3.5, midq=85, midk=1.6, midmin=3.0, mid_max=10.0, creg=.5, rclip=6.0, rmix=.7, cfin=.5, cov=6.0, iters=3, nf=5, nb=6, pw=1.0, xy=12.0, rscale=1.3)


@dataclass(frozen=True, eq=False)
class Crop:
    """The part of a photo that decides one box's mask.

    Attributes:
        rgb: (h, w, 3) uint8.
        origin: (x, y) px of its top-left corner in the photo.
        box: the box in the crop's pixels, clipped to it.
        slack: (x, y) px by which the object may reach out of the box.
    """

    rgb: np.ndarray
    origin: tuple[int, int]
    box: Box
    slack: tuple[float, float] = (0.0, 0.0)


def crop_around(rgb: np.ndarray, box: Box, slack: float = 0.0) -> Crop:
    """The box and a ring around it, as far as the photo reaches.

    Args:
        slack: share of its sides by which the box may be too small; then the object may reach
            out of the box that far.

    Raises:
        ObjectFailure: the box has no area inside the photo.
    """
    height, width = rgb.shape[:2]
    if not np.isfinite(box).all():
        raise ObjectFailure("its box holds a value that is not a finite number")
    x0, y0, x1, y1 = (float(v) for v in box)
    if x1 <= x0 or y1 <= y0:
        raise ObjectFailure(f"its box {_shown(box)} has no area")
    inside = (max(0.0, x0), max(0.0, y0), min(float(width), x1), min(float(height), y1))
    if inside[2] - inside[0] < 1 or inside[3] - inside[1] < 1:
        raise ObjectFailure(f"its box {_shown(box)} lies outside the {width}x{height} photo")
    reach = (slack * (x1 - x0), slack * (y1 - y0))
    dx, dy = reach[0] + MARGIN * (x1 - x0) + 2, reach[1] + MARGIN * (y1 - y0) + 2
    left, top = int(max(0, np.floor(x0 - dx))), int(max(0, np.floor(y0 - dy)))
    right, bottom = int(min(width, np.ceil(x1 + dx))), int(min(height, np.ceil(y1 + dy)))
    local = (inside[0] - left, inside[1] - top, inside[2] - left, inside[3] - top)
    return Crop(rgb[top:bottom, left:right], (left, top), local, reach)


def _shown(box: Box) -> str:
    return "(" + ", ".join(f"{v:g}" for v in box) + ")"


def mask_in_crop(
    crop: Crop, label: str = "", extra_log_odds: np.ndarray | None = None
) -> np.ndarray:
    """(h, w) bool, the object that fills the crop's box.

    Args:
        extra_log_odds: (h, w) log-odds of "object" from another source (a network's
            probability map, say), added to the evidence.

    Raises:
        ObjectFailure: nothing in the box differs from its surroundings.
    """
    height, width = crop.rgb.shape[:2]
    scale = min(1.0, SIDE_PX / max(height, width))
    h, w = max(1, round(height * scale)), max(1, round(width * scale))
    small = resize_rgb(crop.rgb, w, h)
    sx, sy = w / width, h / height
    box = (crop.box[0] * sx, crop.box[1] * sy, crop.box[2] * sx, crop.box[3] * sy)
    extra = None
    if extra_log_odds is not None:
        extra = resize_map(np.asarray(extra_log_odds, np.float32), w, h)
    reach = (crop.slack[0] * sx, crop.slack[1] * sy)
    odds = segment(small, box, silhouettes_for(label), extra, reach)
    mask = tidy(odds > 0, box)
    if not mask.any():
        raise ObjectFailure("nothing in its box stands out from the surroundings")
    if scale == 1.0:
        return mask
    return refine(crop.rgb, mask, crop.box)


def segment(
    rgb: np.ndarray,
    box: Box,
    shapes: Silhouettes,
    extra: np.ndarray | None = None,
    slack: tuple[float, float] = (0.0, 0.0),
) -> np.ndarray:
    """(h, w) float64, > 0 on the object: the graph cut's answer with the evidence's size.

    Args:
        rgb: (h, w, 3) uint8, small (about SIDE_PX).
        box: in its pixels.
        shapes: silhouettes that the object may have.
        extra: (h, w) further log-odds.
        slack: (x, y) px by which the object may reach out of the box.
    """
    from scipy.ndimage import gaussian_filter
    from skimage.color import rgb2lab

    h, w = rgb.shape[:2]
    lab = gaussian_filter(rgb2lab(rgb).astype(np.float64), (0.6, 0.6, 0))
    wide = (box[0] - slack[0], box[1] - slack[1], box[2] + slack[0], box[3] + slack[1])
    inside = box_mask(wide, h, w)
    outside = ~inside
    if not outside.any():  # the box is the whole photo: its frame stands for the background
        outside = np.ones((h, w), bool)
        outside[1 : h - 1, 1 : w - 1] = False
    if not (~outside).any():
        return np.full((h, w), FAR)
    regions = region_labels(rgb)
    edges = Edges(lab)
    prior = shapes.prior(box, h, w)
    distance = background_distance(lab, outside)
    middle = np.clip(P['midk'] * np.percentile(distance[outside], P['midq']), P['midmin'], P['mid_max'])
    colour = np.clip(P['gain'] * np.log((distance + .5) / middle) * 2, P['lo'], P['hi'])
    colour = (1 - P['creg']) * colour + P['creg'] * region_mean(colour, regions)
    extra = np.zeros((h, w)) if extra is None else extra
    odds = prior + colour + extra
    settled = np.where(outside, -FAR, 0.0)
    mask = edges.cut(odds + settled)
    for _ in range(P['iters']):
        front = mask & ~outside
        if front.sum() < 12 or (~outside & ~mask).sum() < 12:
            front = (odds > np.median(odds[~outside])) & ~outside
        novel = front & (colour > P['nov'])
        if novel.sum() > P['novshare'] * front.sum():
            front = novel
            back = ~mask | outside | (colour < P['nbk'])
        else:
            back = ~front
        ratio = mixture_ratio(lab, front, back)
        ratio = P['rscale']*((1-P['rmix']) * ratio + P['rmix'] * region_mean(ratio, regions))
        evidence = ratio + P['cfin'] * colour + extra
        prior = shapes.posterior(evidence, box, h, w)
        odds = evidence + P['pw'] * prior
        mask = edges.cut(odds + settled)
    return np.where(mask, 1.0, -1.0) * np.maximum(np.abs(odds), 0.1)


def box_mask(box: Box, height: int, width: int) -> np.ndarray:
    """(H, W) bool, pixels whose centre lies in the box (at least one when it is inside)."""
    out = np.zeros((height, width), bool)
    x0, y0 = int(np.floor(box[0] + 0.5)), int(np.floor(box[1] + 0.5))
    x1, y1 = max(x0 + 1, round(box[2])), max(y0 + 1, round(box[3]))
    out[max(0, min(y0, height - 1)) : y1, max(0, min(x0, width - 1)) : x1] = True
    return out


def region_labels(rgb: np.ndarray) -> list[np.ndarray]:
    """Felzenszwalb regions at three scales, each (h, w) int64 from 0."""
    from skimage.segmentation import felzenszwalb

    picture = rgb.astype(np.float64) / 255
    return [felzenszwalb(picture, scale=s, sigma=0.6, min_size=12) for s in (30, 80, 200)]


def region_mean(values: np.ndarray, regions: list[np.ndarray]) -> np.ndarray:
    """(h, w) mean over each pixel's regions, averaged over the scales."""
    out = np.zeros(values.shape)
    for labels in regions:
        flat = labels.ravel()
        count = np.bincount(flat)
        out += (np.bincount(flat, values.ravel()) / np.maximum(count, 1))[labels]
    return out / len(regions)


def background_distance(lab: np.ndarray, outside: np.ndarray) -> np.ndarray:
    """(h, w) mean distance to the six nearest (Lab, 12 xy) samples outside the box."""
    from scipy.spatial import cKDTree

    h, w = lab.shape[:2]
    y, x = np.mgrid[0:h, 0:w] / max(h, w)
    features = np.concatenate([lab, P['xy'] * np.stack([x, y], -1)], -1)
    samples = features[outside]
    step = max(1, len(samples) // 3000)
    tree = cKDTree(samples[::step])
    near = min(6, tree.n)
    distance = tree.query(features.reshape(-1, 5), k=near)[0]
    return distance.reshape(h, w, near).mean(-1)


def mixture_ratio(lab: np.ndarray, front: np.ndarray, back: np.ndarray) -> np.ndarray:
    """(h, w) log ratio of a front and a back colour mixture, clipped to +-6."""
    ratio = log_mixture(lab, lab[front], P['nf']) - log_mixture(lab, lab[back], P['nb'])
    return np.clip(ratio, -P['rclip'], P['rclip'])


def log_mixture(lab: np.ndarray, samples: np.ndarray, components: int) -> np.ndarray:
    """(h, w) log density of a Gaussian mixture fitted to (n, 3) samples by k-means and EM."""
    samples = samples[:: max(1, len(samples) // 1500)]
    k = max(1, min(components, len(samples) // 8))
    # Start spread along the main axis: deterministic, and enough for so few components.
    mean = samples.mean(0)
    axis = np.linalg.svd(np.cov(samples.T) if len(samples) > 1 else np.eye(3))[0][:, 0]
    order = np.argsort((samples - mean) @ axis)
    centres = np.stack([part.mean(0) for part in np.array_split(samples[order], k)])
    for _ in range(5):
        nearest = ((samples[:, None] - centres) ** 2).sum(-1).argmin(1)
        for i in range(k):
            if (nearest == i).any():
                centres[i] = samples[nearest == i].mean(0)
    weight = np.eye(k)[((samples[:, None] - centres) ** 2).sum(-1).argmin(1)]
    share, factor = np.ones(k) / k, np.zeros((k, 3, 3))
    for step in range(6):
        mass = weight.sum(0) + 1e-6
        share = mass / mass.sum()
        centres = (weight.T @ samples) / mass[:, None]
        offset = samples[:, None] - centres
        cov = np.einsum("nk,nki,nkj->kij", weight, offset, offset) / mass[:, None, None]
        factor = np.linalg.inv(cov + P['cov'] * np.eye(3))
        if step < 5:
            log = _log_components(samples, share, centres, factor)
            weight = np.exp(log - log.max(1, keepdims=True))
            weight /= weight.sum(1, keepdims=True)
    log = _log_components(lab.reshape(-1, 3), share, centres, factor)
    top = log.max(1, keepdims=True)
    return (top[:, 0] + np.log(np.exp(log - top).sum(1))).reshape(lab.shape[:2])


def _log_components(
    points: np.ndarray, share: np.ndarray, centres: np.ndarray, precision: np.ndarray
) -> np.ndarray:
    """(n, k) log of share times normal density, without the common constant."""
    columns = []
    for i in range(len(share)):
        offset = points - centres[i]
        quadratic = ((offset @ precision[i]) * offset).sum(1)
        half_log_det = 0.5 * np.log(np.linalg.det(precision[i]))
        columns.append(np.log(share[i]) + half_log_det - 0.5 * quadratic)
    return np.stack(columns, 1)


class Edges:
    """The pixel grid with contrast-weighted links to 8 neighbours, cut many times.

    Args:
        lab: (h, w, 3); links weigh SMOOTHNESS (exp(-d^2 / 2 mean d^2) + .01) / distance.
    """

    def __init__(self, lab: np.ndarray, smoothness: float | None = None) -> None:
        smoothness = SMOOTHNESS if smoothness is None else smoothness
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
        self.weight = smoothness * contrast / np.concatenate(lengths)

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


def tidy(mask: np.ndarray, box: Box) -> np.ndarray:
    """Drops parts below 3 % of the mask and fills holes below .4 % of the box."""
    from scipy.ndimage import label

    mask = drop_specks(mask, 0.03)
    holes, _ = label(~mask)
    sizes = np.bincount(holes.ravel())
    small = sizes < 0.004 * (box[2] - box[0]) * (box[3] - box[1])
    small[0] = False
    return mask | small[holes]


def drop_specks(mask: np.ndarray, share: float) -> np.ndarray:
    """The mask without parts (8-connected) smaller than ``share`` of it."""
    from scipy.ndimage import label

    parts, count = label(mask, np.ones((3, 3)))
    if count < 2:
        return mask
    sizes = np.bincount(parts.ravel())
    keep = sizes >= share * (mask.sum())
    keep[0] = False
    return keep[parts]


def refine(rgb: np.ndarray, mask: np.ndarray, box: Box) -> np.ndarray:
    """(H, W) bool: a small mask brought to the picture's own resolution along its edges.

    A guided filter (He, Sun, Tang 2013) of the enlarged mask, with the picture as guide.
    """
    height, width = rgb.shape[:2]
    radius = max(1.0, 1.2 * max(height, width) / max(mask.shape))
    soft = resize_map(mask.astype(np.float32), width, height)
    soft = guided_filter(rgb.astype(np.float32) / 255, soft, round(radius), 2e-4)
    out = tidy(soft > 0.5, box)
    return out if out.any() else resize_map(mask.astype(np.float32), width, height) > 0.5


def guided_filter(guide: np.ndarray, values: np.ndarray, radius: int, eps: float) -> np.ndarray:
    """(H, W): ``values`` smoothed so that it is locally linear in the (H, W, 3) guide."""
    from scipy.ndimage import uniform_filter

    def mean(picture: np.ndarray) -> np.ndarray:
        return uniform_filter(picture, 2 * radius + 1, mode="nearest")

    channels = [guide[..., i] for i in range(3)]
    means = [mean(c) for c in channels]
    centre = mean(values)
    cov = np.stack([mean(c * values) - m * centre for c, m in zip(channels, means, strict=True)], -1)
    spread = np.empty((*values.shape, 3, 3), np.float32)
    for i in range(3):
        for j in range(i, 3):
            spread[..., i, j] = mean(channels[i] * channels[j]) - means[i] * means[j]
            spread[..., j, i] = spread[..., i, j]
    spread[..., range(3), range(3)] += eps
    slope = np.linalg.solve(spread, cov[..., None])[..., 0]
    base = centre - sum(slope[..., i] * means[i] for i in range(3))
    out = mean(base)
    for i in range(3):
        out = out + mean(np.ascontiguousarray(slope[..., i])) * channels[i]
    return out


def resize_rgb(rgb: np.ndarray, width: int, height: int) -> np.ndarray:
    """(height, width, 3) uint8; averages where it shrinks."""
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(rgb))
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))


def resize_map(values: np.ndarray, width: int, height: int) -> np.ndarray:
    """(height, width) float32, bilinear."""
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(values, np.float32), "F")
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))
