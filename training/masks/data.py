"""Shards in memory, and batches out of them: jittered boxes, occluders, light, lens, clicks.

Everything random is drawn from a generator seeded by (seed, step), so a batch depends on its
number alone: training that was stopped goes on exactly as if it had not been.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn import functional

from cast_nodes.mask_network.network import network_input
from cast_nodes.mask_network.window import window_of

JITTER = 0.05
"""Deviation of each side of a box, as a share of the box; cut off at twice this."""

HIDDEN_OFTENER = 1.5
"""How much oftener than others crops are drawn of which less than 85 % is seen."""


@dataclass(frozen=True, eq=False)
class Crops:
    """All crops of some shards (see :mod:`.render` for the arrays)."""

    rgb: np.ndarray
    visible: np.ndarray
    amodal: np.ndarray
    box: np.ndarray
    share: np.ndarray
    flags: np.ndarray
    model: np.ndarray

    def __len__(self) -> int:
        return len(self.rgb)


def load_crops(folder: Path, kind: str, most: int | None = None) -> Crops:
    """The crops of ``train_*.npz`` or ``val_*.npz`` (or ``test_*.npz``).

    Raises:
        SystemExit: there are none.
    """
    parts: dict[str, list[np.ndarray]] = {k: [] for k in Crops.__dataclass_fields__}
    count = 0
    for path in sorted(folder.glob(f"{kind}_*.npz")):
        if most is not None and count >= most:
            break
        with np.load(path) as shard:
            for name, values in parts.items():
                values.append(shard[name])
        count += len(parts["rgb"][-1])
    if not count:
        raise SystemExit(f"no {kind}_*.npz in {folder}: run python -m training.masks.render first")
    return Crops(**{k: np.concatenate(v)[:most] for k, v in parts.items()})


@dataclass(frozen=True, eq=False)
class Batch:
    """Crops as the network sees them.

    Attributes:
        rgb: (n, 3, s, s) in 0..1; boxes: (n, 4) px; valid: (n, 1, s, s);
        clicks: (n, 2, s, s); truth: (n, 2, s, s) seen and whole in 0..1; share: (n,).
    """

    rgb: torch.Tensor
    boxes: torch.Tensor
    valid: torch.Tensor
    clicks: torch.Tensor
    truth: torch.Tensor
    share: torch.Tensor

    def inputs(self) -> torch.Tensor:
        return network_input(self.rgb, self.boxes, self.valid, self.clicks)

    def to(self, device: str) -> Batch:
        return Batch(**{k: v.to(device) for k, v in vars(self).items()})


def unpacked(crops: Crops, which: Sequence[int] | np.ndarray) -> tuple[np.ndarray, ...]:
    """rgb (n, S, S, 3) uint8, seen and whole (n, S, S) bool, share (n,) of some crops."""
    seen = np.unpackbits(crops.visible[which], axis=2).astype(bool)
    whole = np.unpackbits(crops.amodal[which], axis=2).astype(bool)
    return crops.rgb[which], seen, whole, crops.share[which]


def tight_box(mask: np.ndarray) -> np.ndarray:
    """(4,) float64 box of a bool mask that is not empty."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float64)


def plain_batch(crops: Crops, which, side: int, seed: int, jitter: float = 0.04) -> Batch:
    """Crops as they are, boxes off by up to ``jitter`` (uniform), no clicks: for measuring."""
    rgb, seen, whole, share = unpacked(crops, which)
    boxes = []
    for i, index in enumerate(which):
        rng = np.random.default_rng([seed, int(index)])
        box = tight_box(seen[i])
        size = np.tile([box[2] - box[0], box[3] - box[1]], 2)
        boxes.append(box + rng.uniform(-jitter, jitter, 4) * size)
    limits = np.tile([0.0, 0, rgb.shape[2], rgb.shape[1]], (len(rgb), 1))
    return _sampled(
        rgb,
        seen,
        whole,
        share,
        np.stack(boxes),
        limits,
        side,
        np.ones(len(rgb)),
        np.zeros(len(rgb), bool),
    )


def training_batch(crops: Crops, step: int, size: int, side: int, seed: int) -> Batch:
    """Batch number ``step``, changed in all the ways that photos differ."""
    rng = np.random.default_rng([seed, step])
    which = drawn(crops.share, rng, size)
    rgb, seen, whole, share = unpacked(crops, which)
    pixels = rgb.shape[1]
    for i in np.flatnonzero(rng.random(size) < 0.25):
        _occlude(rng, rgb, seen, share, i, int(rng.integers(size)))
    limits = np.tile([0.0, 0.0, pixels, pixels], (size, 1))
    boxes = np.zeros((size, 4))
    for i in range(size):
        box = tight_box(seen[i])
        if rng.random() < 0.2:
            _cut_photo(rng, limits[i], box)
            x0, y0, x1, y1 = (int(v) for v in limits[i])
            inside = np.zeros_like(seen[i])
            inside[y0:y1, x0:x1] = True
            seen[i] &= inside
            box = tight_box(seen[i]) if seen[i].any() else box
        extent = np.tile([box[2] - box[0], box[3] - box[1]], 2)
        spread = JITTER * (0.5 if rng.random() < 0.3 else 1.0)
        boxes[i] = box + np.clip(rng.normal(0, spread, 4), -2 * spread, 2 * spread) * extent
    zoom = np.exp(rng.normal(0, 0.05, size))
    batch = _sampled(rgb, seen, whole, share, boxes, limits, side, zoom, rng.random(size) < 0.5)
    colours = _photographed(batch.rgb, rng) * batch.valid
    clicks = batch.clicks
    for i in np.flatnonzero(rng.random(size) < 0.3):
        _random_clicks(rng, clicks[i], batch.truth[i, 0].numpy(), batch.boxes[i].numpy())
    return Batch(colours, batch.boxes, batch.valid, clicks, batch.truth, batch.share)


def drawn(share: np.ndarray, rng: np.random.Generator, size: int) -> np.ndarray:
    """(size,) numbers of crops; those that others partly hide come HIDDEN_OFTENER as often."""
    weight = np.cumsum(np.where(share < 0.85, HIDDEN_OFTENER, 1.0))
    return np.searchsorted(weight, rng.random(size) * weight[-1], side="right")


def _occlude(rng, rgb, seen, share, i: int, donor: int) -> None:
    """Another crop's thing pasted over a part of crop i's (copy-paste, Ghiasi et al. 2021)."""
    if donor == i or not seen[donor].any():
        return
    mine, other = tight_box(seen[i]), tight_box(seen[donor])
    goal = mine[:2] + rng.uniform(-0.1, 1.1, 2) * (mine[2:] - mine[:2])
    shift = np.round(goal - (other[:2] + other[2:]) / 2).astype(int)
    side = seen.shape[1]
    y0, y1 = max(0, shift[1]), min(side, side + shift[1])
    x0, x1 = max(0, shift[0]), min(side, side + shift[0])
    if y1 <= y0 or x1 <= x0:
        return
    source = (slice(y0 - shift[1], y1 - shift[1]), slice(x0 - shift[0], x1 - shift[0]))
    cover = seen[donor][source]
    before = np.count_nonzero(seen[i])
    left = seen[i].copy()
    left[y0:y1, x0:x1] &= ~cover
    if np.count_nonzero(left) < max(0.4 * before, 60):
        return
    shade = rng.uniform(0.7, 1.2)
    pasted = np.clip(rgb[donor][source] * shade, 0, 255).astype(np.uint8)
    rgb[i, y0:y1, x0:x1][cover] = pasted[cover]
    seen[i] = left
    share[i] *= np.count_nonzero(left) / before


def _cut_photo(rng, limits: np.ndarray, box: np.ndarray) -> None:
    """Moves one border of the photo close to, or through, the thing."""
    side = int(rng.integers(4))
    extent = box[2 + side % 2] - box[side % 2]
    inward = rng.uniform(-0.12, 0.3) if rng.random() < 0.6 else 0.0
    if side < 2:
        limits[side] = max(0.0, np.round(box[side] + inward * extent))
    else:
        limits[side] = min(limits[side], np.round(box[side] - inward * extent))


def _sampled(rgb, seen, whole, share, boxes, limits, side: int, zoom, flip) -> Batch:
    """Windows around the boxes, resampled to (side, side)."""
    n, pixels = len(rgb), rgb.shape[1]
    grid = np.zeros((n, side, side, 2), np.float32)
    inside = np.zeros((n, 1, side, side), np.float32)
    placed = np.zeros((n, 4))
    step = (np.arange(side) + 0.5) / side
    for i in range(n):
        box = boxes[i].copy()
        box[:2] = np.maximum(box[:2], limits[i, :2])
        box[2:] = np.maximum(np.minimum(box[2:], limits[i, 2:]), box[:2] + 2)
        window = window_of(tuple(box))
        cx, cy = (window.x0 + window.x1) / 2, (window.y0 + window.y1) / 2
        half = np.array([window.x1 - window.x0, window.y1 - window.y0]) / 2 * zoom[i]
        x, y = cx + (2 * step - 1) * half[0], cy + (2 * step - 1) * half[1]
        scale = side / (2 * half)
        corner = np.array([cx, cy]) - half
        placed[i] = (box - np.tile(corner, 2)) * np.tile(scale, 2)
        if flip[i]:
            x = x[::-1]
            placed[i, [0, 2]] = side - placed[i, [2, 0]]
        lim = limits[i]
        inside[i, 0] = ((y >= lim[1]) & (y < lim[3]))[:, None] & ((x >= lim[0]) & (x < lim[2]))[
            None
        ]
        grid[i, ..., 0] = (2 * x / pixels - 1)[None, :]
        grid[i, ..., 1] = (2 * y / pixels - 1)[:, None]
    stacked = np.concatenate(
        [rgb.transpose(0, 3, 1, 2), seen[:, None] * np.uint8(255), whole[:, None] * np.uint8(255)],
        1,
    )
    source = torch.from_numpy(stacked).float() / 255
    out = functional.grid_sample(
        source, torch.from_numpy(grid), mode="bilinear", padding_mode="zeros", align_corners=False
    )
    valid = torch.from_numpy(inside)
    truth = out[:, 3:]
    truth[:, :1] *= valid
    return Batch(
        out[:, :3] * valid, torch.from_numpy(placed.astype(np.float32)), valid,
        torch.zeros(n, 2, side, side), truth, torch.from_numpy(np.asarray(share, np.float32)),
    )  # fmt: skip


def _photographed(rgb: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """(n, 3, s, s) in 0..1 with the faults of lenses, sensors, developers and JPEG."""
    n, _, side, _ = rgb.shape

    def each(values) -> torch.Tensor:
        return torch.from_numpy(np.asarray(values, np.float32)).reshape(n, -1, 1, 1)

    x = rgb.clamp(0, 1)
    x = x ** each(np.exp(rng.normal(0, 0.25, n)))
    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * each(rng.choice([0, 0.6, 1, 1, 1.4], n, p=[0.05, 0.2, 0.3, 0.25, 0.2]))
    x = x * each(np.exp(rng.normal(0, 0.1, (n, 3)))) * each(np.exp(rng.normal(0, 0.2, n)))
    middle = x.mean((1, 2, 3), keepdim=True)
    x = middle + (x - middle) * each(rng.uniform(0.65, 1.25, n))
    x = x - (x.mean((1, 2, 3), keepdim=True) - 0.85).clamp_min(0)  # never all white
    blurred = functional.avg_pool2d(functional.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
    x = x + (blurred - x) * each(rng.uniform(-0.5, 1.0, n))
    soft = np.flatnonzero(rng.random(n) < 0.2)  # small in the photo, or out of focus
    if len(soft):
        factor = float(rng.uniform(1.5, 3.5))
        small = functional.interpolate(x[soft], size=max(16, int(side / factor)), mode="area")
        x[soft] = functional.interpolate(small, size=side, mode="bilinear")
    rough = each(np.abs(rng.normal(0, 0.025, n)))
    noise = _noise(rng, (n, 1, side, side))
    tint = _noise(rng, (n, 3, side, side))
    x = (x + rough * (0.7 * noise + 0.5 * tint)).clamp(0, 1)
    for i in np.flatnonzero(rng.random(n) < 0.35):
        pixels = (x[i].permute(1, 2, 0).numpy() * 255).astype(np.uint8)
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=int(rng.integers(30, 92)))
        x[i] = torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1).float() / 255
    return x


@lru_cache(maxsize=1)
def _noise_pool() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(7).standard_normal(1 << 23, np.float32))


def _noise(rng: np.random.Generator, shape: tuple[int, ...]) -> torch.Tensor:
    """Normal noise out of a pool that is drawn once: drawing it anew would cost half the time."""
    pool, count = _noise_pool(), int(np.prod(shape))
    start = int(rng.integers(len(pool)))
    if start + count <= len(pool):
        return pool[start : start + count].reshape(shape)
    return pool.repeat(2 + count // len(pool))[start : start + count].reshape(shape)


def _random_clicks(rng, clicks: torch.Tensor, truth: np.ndarray, box: np.ndarray) -> None:
    """One to three clicks on the thing or, in its box, beside it."""
    side = truth.shape[0]
    pixel = np.arange(side) + 0.5
    in_box = ((pixel > box[1]) & (pixel < box[3]))[:, None] & ((pixel > box[0]) & (pixel < box[2]))[
        None
    ]
    for _ in range(int(rng.integers(1, 4))):
        positive = rng.random() < 0.5
        spots = np.flatnonzero((truth > 0.9) if positive else (in_box & (truth < 0.1)))
        if len(spots):
            row, column = divmod(int(spots[rng.integers(len(spots))]), side)
            add_click(clicks, column + 0.5, row + 0.5, positive)


def add_click(clicks: torch.Tensor, x: float, y: float, positive: bool) -> None:
    """Adds a click at crop pixels (x, y) to a (2, s, s) map, in place."""
    from cast_nodes.mask_network.network import click_map

    channel = 0 if positive else 1
    dot = torch.from_numpy(click_map(np.array([[x, y]]), clicks.shape[-1]))
    clicks[channel] = torch.maximum(clicks[channel], dot)


def click_where_wrong(
    clicks: torch.Tensor, guess: np.ndarray, truth: np.ndarray, valid: np.ndarray
) -> bool:
    """Adds one click in the middle of the largest wrong region; False when nothing is wrong.

    Args:
        guess, truth, valid: (s, s) bool.
    """
    from scipy.ndimage import distance_transform_edt, label

    wrong = (guess != truth) & valid
    parts, count = label(wrong)
    if not count:
        return False
    largest = 1 + int(np.bincount(parts.ravel())[1:].argmax())
    region = np.pad(parts == largest, 1)
    depth = np.asarray(distance_transform_edt(region))[1:-1, 1:-1]
    row, column = np.unravel_index(int(depth.argmax()), depth.shape)
    add_click(clicks, column + 0.5, row + 0.5, bool(truth[row, column]))
    return True
