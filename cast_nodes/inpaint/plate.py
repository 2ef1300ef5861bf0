"""The clean background plate: the photo with all objects painted away.

Per hole: (1) the room behind it is divided into straight-sided cells (:mod:`.cells`), (2) each
cell gets a smooth shade fitted robustly to the known pixels round the hole, across no cell
border, (3) the hole grows over the contact shadows that the shade shows up, (4) texture,
the photo less its shade, is copied from the same cell (:mod:`.texture`), (5) what is left
of a step at the hole's edge fades out inwards. Pixels outside the hole stay the photo's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage, sparse
from scipy.sparse.linalg import factorized

from .cells import patches_on_cells, room_cells
from .masks import (
    blur,
    bounding_box,
    close_pockets,
    distance_to,
    grow,
    parts_of,
    resize_linear,
    spread,
)
from .texture import Hole, fill_texture, solver_class

WORK_PIXELS = 1_000_000  # the hole is painted at this resolution at most
MODEL_SIDE = 160  # px, longest side at which cells and shades are fitted
MAX_HOLES = 12  # painted with cells; smaller ones are filled smoothly
TEXTURE_SCALE = 10.0  # px at working resolution: what varies slower is shade, not texture
SOFT_STEP = 14.0  # grey levels: up to this a step at the hole's edge is uneven light
STIFFNESS = 250.0  # of the shade: it follows the photo over sqrt(STIFFNESS) model pixels


@dataclass(frozen=True, eq=False)
class Plate:
    """The result: (H, W, 3) uint8, the (H, W) bool pixels painted, sentences for the user."""

    rgb: np.ndarray
    painted: np.ndarray
    notes: tuple[str, ...] = ()


def make_plate(
    rgb: np.ndarray,
    mask: np.ndarray,
    dilate: float,
    shadows: bool,
    seed: int,
    check: Callable[[], None] = lambda: None,
) -> Plate:
    """Paints the masked things away.

    Args:
        rgb: (H, W, 3) uint8.
        mask: (H, W) bool, all objects.
        dilate: margin round the mask, share of the photo's longer side.
        shadows: let the holes grow over contact shadows.
        seed: of all random choices.
        check: called between steps; raises to stop.
    """
    if not mask.any():
        return Plate(rgb, np.zeros(mask.shape, bool))
    height, width = mask.shape
    scale = min(1.0, (WORK_PIXELS / (height * width)) ** 0.5)
    size = max(1, round(height * scale)), max(1, round(width * scale))
    photo = _shrink(rgb, size)
    objects = mask if scale == 1 else _shrink(mask.astype(np.uint8) * 255, size)[..., 0] > 25
    side = max(size)
    hole = grow(objects, max(1.0, dilate * side))
    if np.count_nonzero(~hole) < max(16, 0.01 * hole.size):
        hole = objects
    if np.count_nonzero(~hole) < max(16, 0.01 * hole.size):
        visible = rgb[~mask]
        colour = np.median(visible, 0) if len(visible) else np.full(3, 128)
        plain = np.broadcast_to(colour.round().astype(np.uint8), rgb.shape)
        return Plate(
            np.where(mask[..., None], plain, rgb), mask,
            ("the objects cover the whole photo, so the background is a plain colour",),
        )  # fmt: skip
    notes = ()
    if solver_class() is None:
        notes = (
            "patchmatch-cython has no build for this Python, so textures of the background "
            "are copied in tiles; pip install patchmatch-cython mends it where a wheel exists",
        )
    work = photo.astype(np.float32)
    painted = np.zeros_like(hole)
    closed = close_pockets(hole, round(0.035 * side))
    if np.count_nonzero(~closed) < max(16, 0.01 * hole.size):
        closed = hole
    parts, sizes = parts_of(closed)
    order = np.argsort(-sizes, kind="stable")
    least = max(64, 2e-4 * hole.size)
    for rank, part in enumerate(order):
        check()
        if rank >= MAX_HOLES or sizes[part] < least:
            break
        _paint_hole(work, hole, closed, parts == part, painted, shadows, seed + rank)
    rest = hole & ~painted
    if rest.any():
        work = np.where(rest[..., None], spread(work, (~rest).astype(np.float32)), work)
        painted |= rest
    return Plate(_fuse(rgb, work, painted, mask), _at_full_size(painted, mask.shape) > 0, notes)


def _shrink(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Box-filtered (h, w, C) uint8; C = 1 for a mask."""
    from PIL import Image

    if image.shape[:2] == size:
        return image if image.ndim == 3 else image[..., None]
    small = np.asarray(Image.fromarray(image).resize((size[1], size[0]), Image.Resampling.BOX))
    return small if small.ndim == 3 else small[..., None]


def _paint_hole(
    work: np.ndarray,
    hole: np.ndarray,
    closed: np.ndarray,
    part: np.ndarray,
    painted: np.ndarray,
    shadows: bool,
    seed: int,
) -> None:
    """Paints one connected part of ``closed``; changes ``work`` and ``painted`` in place.

    Args:
        work: (h, w, 3) float32 photo, filled as far as ``painted`` (h, w) bool.
        hole: (h, w) bool, what must go; ``closed`` with the pockets inside it.
        part: (h, w) bool, the part of ``closed`` to paint.
    """
    margin = int(max(24, 0.5 * np.sqrt(np.count_nonzero(part)), 0.04 * max(part.shape)))
    at = bounding_box(part, margin)
    crop, inside = work[at], part[at]
    pocketed = closed[at] & ~painted[at]
    unknown = hole[at] & ~painted[at]
    height, width = inside.shape
    scale = min(1.0, MODEL_SIDE / max(height, width))
    size = max(1, round(height * scale)), max(1, round(width * scale))
    small = _shrink(np.clip(crop.round(), 0, 255).astype(np.uint8), size)
    blocked = _shrink(pocketed.astype(np.uint8) * 255, size)[..., 0] > 50
    if blocked.all():
        return
    gate = room_cells(small, blocked, seed)
    cells = gate.labels(*size)
    shade = _shade(small, blocked, cells)
    labels = gate.labels(height, width)
    for number, corners in enumerate(patches_on_cells(small, blocked, shade), gate.count):
        cells[_polygon(corners, *size)] = number
        labels[_polygon(corners, height, width)] = number
    if cells.max() >= gate.count:
        shade = _shade(small, blocked, cells)
    target = inside & unknown
    if shadows:
        must = _shrink(unknown.astype(np.uint8) * 255, size)[..., 0] > 50
        reach = max(0.05 * max(part.shape) * scale, 2.0)
        spoilt = _spoilt(small, shade, must, blocked, reach)
        if spoilt.any() and not (blocked | spoilt).all():
            shade = _shade(small, blocked | spoilt, cells)
            # The model's pixels are coarse: closing joins the growth to the hole's exact edge.
            wide = resize_linear(spoilt[..., None].astype(np.float32), height, width)[..., 0]
            joined = close_pockets(target | (wide > 0.4), 1 + round(2 / scale))
            target = _without_islands(joined) & (~unknown | inside)
    unknown = unknown | target
    base = _shade_at(shade, cells, labels)
    residual = np.where(unknown[..., None], 0, crop - base).astype(np.float32)
    slow = _local_mean(residual, ~unknown, TEXTURE_SCALE)
    detail = residual - slow
    # Pictures, plants, shadows' edges: not the surface's texture.
    source = ~unknown & ~closed[at] & (np.abs(slow).max(-1) < 24)
    source &= np.abs(blur(detail.mean(-1), 3.0)) < 10
    texture = fill_texture(Hole(detail, target, source, labels), seed)
    filled = base + texture + _seam(residual, target, unknown)
    crop[target] = np.clip(filled[target], 0, 255)
    painted[at] |= target


def _polygon(corners: np.ndarray, height: int, width: int) -> np.ndarray:
    """(h, w) bool: pixels inside the polygon whose corners are shares of width and height."""
    from skimage.draw import polygon2mask

    at = corners * [width, height] - 0.5
    return np.asarray(polygon2mask((height, width), at[:, ::-1]), bool)


def _local_mean(image: np.ndarray, known: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian mean of the known pixels of (h, w, C)."""
    weight = known.astype(np.float32)
    total = blur(image * weight[..., None], sigma)
    share = blur(weight, sigma)[..., None]
    return total / np.maximum(share, 1e-3)


def _shade(rgb: np.ndarray, hole: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """(h, w, 3) float64: the smooth shade of each cell, robust against what is not room.

    Minimises sum of w |u - photo|^2 + STIFFNESS |grad u|^2, the gradient not across borders
    of cells; w falls with the residual, faster for dark ones (shadows).
    """
    height, width = hole.shape
    index = np.arange(height * width).reshape(height, width)
    first, second = [], []
    for a, b in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        same = cells[a] == cells[b]
        first.append(index[a][same])
        second.append(index[b][same])
    i, j = np.concatenate(first), np.concatenate(second)
    graph = sparse.coo_matrix((np.ones(len(i)), (i, j)), (index.size, index.size))
    graph = (graph + graph.T).tocsr()
    laplacian = sparse.diags(np.asarray(graph.sum(1)).ravel()) - graph
    photo = rgb.reshape(-1, 3).astype(np.float64)
    known = (~hole).ravel().astype(np.float64)
    # A cell of which nothing is known takes the mean of all that is.
    fallback = photo[known > 0].mean(0)
    weight, shade = known.copy(), np.broadcast_to(fallback, photo.shape)
    for _ in range(4):
        system = sparse.diags(weight + 1e-7) + STIFFNESS * laplacian
        solve = factorized(system.tocsc())
        shade = np.stack([solve(weight * photo[:, c] + 1e-7 * fallback[c]) for c in range(3)], 1)
        residual = photo - shade
        sigma = np.where(residual.mean(1) < 0, 6.0, 12.0)
        weight = known / (1 + (np.abs(residual).max(1) / sigma) ** 2)
    return shade.reshape(height, width, 3)


def _spoilt(
    rgb: np.ndarray, shade: np.ndarray, hole: np.ndarray, closed: np.ndarray, reach: float
) -> np.ndarray:
    """(h, w) bool: known pixels by the hole to paint too, at the model's resolution.

    These are contact shadows (the surface's colour, only darker) up to ``reach`` px from the
    hole, and in the pockets between legs all that is the surface or a shadow on it. What is
    of another colour there, a rug say, stays.
    """
    ratio = (blur(rgb.astype(float), 0.7) + 4) / (shade + 4)
    mean = ratio.mean(-1)
    tinted = np.abs(ratio - mean[..., None]).max(-1)
    dark = (mean < 0.94) & (mean > 0.2) & (tinted < 0.08)
    close = distance_to(hole) <= reach
    pocket = closed & ~hole & (mean > 0.2) & (mean < 1.12) & (tinted < 0.06)
    reachable = hole | (dark & close) | pocket
    found = np.asarray(ndimage.binary_propagation(grow(hole, 1.5), mask=reachable))
    found = np.asarray(ndimage.binary_closing(found, iterations=1), bool)
    return (found & (close | closed) | pocket) & ~hole


def _without_islands(hole: np.ndarray) -> np.ndarray:
    """The hole with the small known areas inside it: they show little but shadow."""
    parts, sizes = parts_of(~hole)
    return hole | (sizes < 0.01 * hole.size)[parts]


def _shade_at(shade: np.ndarray, cells: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The shade at full resolution with straight, anti-aliased borders between cells."""
    height, width = labels.shape
    present = np.unique(labels)
    total = np.zeros((height, width, 3), np.float32)
    weights = np.zeros((height, width, 1), np.float32)
    for cell in present:
        inside = (cells == cell).astype(np.float32)
        if not inside.any():  # a sliver that the low resolution has missed
            inside = np.ones_like(inside)
        wide = resize_linear(spread(shade.astype(np.float32), inside), height, width)
        share = blur((labels == cell).astype(np.float32), 0.8)[..., None]
        total += wide * share
        weights += share
    return total / np.maximum(weights, 1e-6)


def _seam(residual: np.ndarray, target: np.ndarray, unknown: np.ndarray) -> np.ndarray:
    """(h, w, 3): what the photo differs from the shade at the hole's edge, carried inwards.

    Small differences (uneven light, soft shadows) fade over a long way, so that no outline
    remains; large ones (things cut by the edge) over a short one.
    """
    side = max(target.shape)
    near = distance_to(~target)
    known = (~unknown).astype(np.float32)
    edge = _local_mean(residual, ~unknown, 2.0)
    soft = np.clip(edge, -SOFT_STEP, SOFT_STEP)
    carried = spread(soft, known) * np.exp(-((near / (0.15 * side + 2)) ** 2))[..., None]
    carried += spread(edge - soft, known) * np.exp(-near / (0.008 * side + 2))[..., None]
    return np.where(target[..., None], carried, 0)


def _at_full_size(painted: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """(H, W) float32 in 0..1."""
    return resize_linear(painted[..., None].astype(np.float32), *shape)[..., 0]


def _fuse(rgb: np.ndarray, work: np.ndarray, painted: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The painted pixels over the photo at its full resolution.

    They blend over the margin round the objects; of the objects themselves nothing shows.
    """
    shape = rgb.shape[:2]
    alpha = np.clip(distance_to(~painted) / 4.0, 0, 1)
    alpha = resize_linear(alpha[..., None].astype(np.float32), *shape)
    alpha = np.maximum(alpha, mask[..., None])
    fill = resize_linear(work, *shape)
    mixed = np.clip(rgb * (1 - alpha) + fill * alpha, 0, 255).round().astype(np.uint8)
    return np.where(alpha > 0, mixed, rgb)
