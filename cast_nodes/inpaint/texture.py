"""Filling a hole with texture copied from elsewhere in the picture.

Image quilting (Efros and Freeman, SIGGRAPH 2001) lays tiles from the hole's edge inwards;
a tile comes from the same surface and about the same height in the picture, so that rows of
bricks and planks run on and grain keeps its perspective; of random candidates one that fits what
is there already is taken. PatchMatch (Barnes et al., SIGGRAPH 2009; the compiled solver of
the package ``patchmatch-cython``, BSD) then mends the joints. Started from tiles it keeps
their contrast; started from nothing it averages large holes flat.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .masks import blur, depth_in, widened

PATCH = 5  # px, side of a PatchMatch patch
CANDIDATES = 48  # tiles tried for each place
JOINT_PX = 3  # half width of the joints that PatchMatch mends
JOINT_ROUNDS = 3


@dataclass(frozen=True, eq=False)
class Hole:
    """What to fill, and from where.

    Attributes:
        image: (h, w, C) float32, 0..255 or a difference of such; content of the hole is ignored.
        hole: (h, w) bool, to be filled.
        source: (h, w) bool, known and fit to be copied from.
        group: (h, w) int, surface of every pixel; nothing is copied between groups.
    """

    image: np.ndarray
    hole: np.ndarray
    source: np.ndarray
    group: np.ndarray


def solver_class() -> type | None:
    """The compiled PatchMatch solver, or None where the package lacks a build."""
    try:
        from patchmatch_cython import cython_solver
    except ImportError:
        return None
    return cython_solver.CythonSolver if cython_solver.CYTHON_AVAILABLE else None


def fill_texture(hole: Hole, seed: int, tile_px: int = 48) -> np.ndarray:
    """(h, w, C) float32: the image with its hole filled from its sources.

    A group without a source (of the size of a small tile) is filled with zero: for an image of
    differences that means no texture.
    """
    image = np.where(hole.hole[..., None], 0, hole.image).astype(np.float32)
    if not hole.hole.any():
        return image
    rng = np.random.default_rng(seed)
    tile = np.full(hole.hole.shape, -1)
    offset = np.zeros((*hole.hole.shape, 2), np.int32)
    for group in np.unique(hole.group[hole.hole]):
        mine = hole.hole & (hole.group == group)
        source = hole.source & ~hole.hole & (hole.group == group)
        size = tile_px
        while size >= 8 and not _lay_tiles(image, mine, source, size, tile, offset, rng):
            size //= 2
    return _mend_joints(hole, image, tile, offset, seed)


def _lay_tiles(
    image: np.ndarray,
    mine: np.ndarray,
    source: np.ndarray,
    size: int,
    tile: np.ndarray,
    offset: np.ndarray,
    rng: np.random.Generator,
) -> bool:
    """Fills ``mine`` with tiles; changes image, tile (number of each pixel) and offset in place.

    Returns:
        False when there is no whole tile of sources of this size.
    """
    height, width = mine.shape
    if min(height, width) <= size:
        return False
    # Top-left corners of whole source tiles, by summed area.
    area = np.zeros((height + 1, width + 1), np.int64)
    area[1:, 1:] = source.cumsum(0).cumsum(1)
    whole = area[size:, size:] - area[:-size, size:] - area[size:, :-size] + area[:-size, :-size]
    rows, columns = np.nonzero(whole == size * size)
    if len(rows) < 4:
        return False
    step = size * 2 // 3
    depth = depth_in(mine)
    places = []
    top, left = np.flatnonzero(mine.any(1))[0], np.flatnonzero(mine.any(0))[0]
    for y in range(int(top) - size // 3, height, step):
        for x in range(int(left) - size // 3, width, step):
            at = np.s_[max(0, y) : y + size, max(0, x) : x + size]
            if mine[at].any():
                places.append((float(depth[at].max()), y, x))
    filled = source.copy()
    number = int(tile.max()) + 1
    for _, y, x in sorted(places):
        y, x = min(max(y, 0), height - size), min(max(x, 0), width - size)
        at = np.s_[y : y + size, x : x + size]
        todo = mine[at] & ~filled[at]
        if not todo.any():
            continue
        away = np.abs(rows - y)
        near = np.flatnonzero(away <= int(away.min()) + max(size // 4, height // 40))
        picks = near[rng.integers(len(near), size=min(CANDIDATES, 4 * len(near)))]
        overlap = filled[at] & (mine | source)[at]
        best = picks[0]
        if overlap.any():
            want = image[at][overlap][::3]
            ys, xs = (i[::3] for i in np.nonzero(overlap))
            got = image[rows[picks][:, None] + ys, columns[picks][:, None] + xs]
            miss = ((got - want) ** 2).mean((1, 2))
            good = picks[miss <= 1.1 * miss.min() + 2.0]
            best = good[rng.integers(len(good))]
        sy, sx = int(rows[best]), int(columns[best])
        image[at][todo] = image[sy : sy + size, sx : sx + size][todo]
        tile[at][todo] = number
        offset[at][todo] = (sx - x, sy - y)
        filled[at] |= todo
        number += 1
    return True


def _mend_joints(
    hole: Hole, image: np.ndarray, tile: np.ndarray, offset: np.ndarray, seed: int
) -> np.ndarray:
    """The tiles with their joints, and the joint to the photo, redone by PatchMatch."""
    solver = solver_class()
    joint = np.zeros(tile.shape, bool)
    for a, b in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        differs = (tile[a] != tile[b]) & (hole.group[a] == hole.group[b])
        joint[a] |= differs
        joint[b] |= differs
    joint = widened(joint, JOINT_PX) & hole.hole & (tile >= 0)
    blocked = ~(hole.source | (hole.hole & ~joint)) | joint
    height, width = joint.shape
    if not joint.any() or min(height, width) <= 2 * PATCH:
        return image
    if solver is None:
        weight = (~blocked).astype(np.float32)
        soft = blur(image * weight[..., None], 1.5)
        share = blur(weight, 1.5)[..., None]
        return np.where(joint[..., None], soft / np.maximum(share, 1e-3), image)
    # Surfaces lie far apart in a guide channel, and what must not be copied farther still.
    guide = np.where(blocked & ~joint, -4000.0, 60.0 * hole.group)
    full = np.concatenate([image, guide[..., None]], -1).astype(np.float32)
    y, x = np.mgrid[:height, :width]
    start = np.stack([x, y], -1) + np.where((tile >= 0)[..., None], offset, 0)
    start = np.clip(start, 0, [width - 1, height - 1]).astype(np.int32)
    try:
        machine = solver(np.ascontiguousarray(full), joint, PATCH)
    except ValueError:  # no whole patch is known
        return image
    result = machine(iterations=JOINT_ROUNDS, randomize_nnf=False, nnf=start, seed=seed + 1)
    return np.where(joint[..., None], result[..., : image.shape[2]], image)
