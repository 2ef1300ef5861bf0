"""A shape as a bounded number of convex parts, in about a second and without any package.

For a simulator that is to tell how far things would move: parts must touch what the shape touches,
so each is the hull of the shape's own triangles, clipped exactly to the part's box. Where to cut is
decided on a coarse grid of cells: the part with most emptiness in its hull is cut next, along an
axis of the object frame, where the two hulls hold least; the cut then goes to the flat face next
to it (the underside of a table top), if there is one. The idea is that of V-HACD (Mamou, 2016).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull

from ..errors import CastError
from .hulls import convex_hull

CELLS = 40
"""Along the shape's longest side."""
HOLLOW = 1.5
"""A part is convex enough when nothing in its hull is farther from the shape, in cells."""
MOST_PARTS = 24
MOST_CORNERS = 256
THINNEST = 0.004
LIKE = 1.03
"""Cuts whose hulls hold so much more than the least are as good."""
FLAT = 0.98
"""|cosine| of a face's normal to an axis for it to be a flat end that a cut may follow."""
ASIDE = 1e-5
BESIDE = 2e-4
"""Cuts run so far beside a flat face, share of the size, so that it goes wholly to one side."""

Hull = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class _Part:
    """What lies in one box: (k, 3) cells, (m, 3, 3) triangles, and how hollow its hull is."""

    cells: np.ndarray
    triangles: np.ndarray
    emptiness: float
    final: bool = False


def convex_split(vertices: np.ndarray, faces: np.ndarray, most: int = MOST_PARTS) -> list[Hull]:
    """Convex parts that together cover a mesh, each as :func:`~.hulls.convex_hull` gives it.

    Deterministic. The mesh need not be closed, oriented or thick; what is flat becomes a thin
    slab. A few tens of thousands of faces are enough for any: thin larger meshes first.

    Args:
        vertices: (n, 3) float64, finite. faces: (m, 3) int64. most: parts at most.

    Raises:
        CastError: no face, or all of it in one point.
    """
    if not len(faces):
        raise CastError("it has no faces")
    low, size = vertices[faces].min((0, 1)), float(np.ptp(vertices[faces], axis=(0, 1)).max())
    if not size > 0 or not np.isfinite(size):
        raise CastError("it has no extent")
    triangles = (vertices[faces] - low) / size
    grid = _occupied((vertices - low) / size, faces)
    far = np.asarray(ndimage.distance_transform_edt(~grid))
    first = np.argwhere(grid)
    parts = [_Part(first, triangles, _emptiness(first, grid, far))]
    while len(parts) < most:
        open_parts = [i for i, p in enumerate(parts) if not p.final and p.emptiness > 0]
        if not open_parts:
            break
        worst = max(open_parts, key=lambda i: parts[i].emptiness)
        halves = _halves(parts[worst], grid, far)
        parts[worst : worst + 1] = halves
    made = []
    for part in parts:
        points = part.triangles.reshape(-1, 3)
        try:
            corners, hull_faces = convex_hull(points, MOST_CORNERS, THINNEST)
        except CastError:
            continue  # a sliver of no size, or cells that the triangles only brush
        made.append((corners * size + low, hull_faces))
    if not made:
        raise CastError("no convex part was found")
    return made


def _occupied(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(a, b, c) bool: cells with some surface, or inside; vertices start at 0, size 1.

    Inside is what has surface on both sides along x and z and above it.
    """
    from trimesh.remesh import subdivide_to_size

    samples = subdivide_to_size(vertices, faces, 0.7 / CELLS, max_iter=16)[0]
    # A little aside, so that rounding decides nothing about faces on the boundaries of cells.
    cell = np.clip(np.floor(samples * CELLS + ASIDE), 0, CELLS - 1).astype(np.int64)
    shell = np.zeros(cell.max(0) + 1, bool)
    shell[tuple(cell.T)] = True
    inside = ~shell
    for axis in range(3):
        if axis != 1:
            inside &= np.logical_or.accumulate(shell, axis)
        inside &= np.flip(np.logical_or.accumulate(np.flip(shell, axis), axis), axis)
    return shell | inside


def _hull(cells: np.ndarray, wider: float) -> ConvexHull:
    """The hull of cells' centres, by so many cells wider, so that it always has a volume."""
    key = cells[:, 0] * 4096 + cells[:, 1]  # of each column only the ends can be corners
    order = np.lexsort((cells[:, 2], key))
    sorted_cells, sorted_key = cells[order], key[order]
    start = np.flatnonzero(np.diff(sorted_key, prepend=-1))
    end = np.append(start[1:], len(order)) - 1
    ends = sorted_cells[np.unique(np.concatenate([start, end]))].astype(np.float64)
    wide = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    return ConvexHull((ends[:, None] + wider * wide).reshape(-1, 3))


def _emptiness(cells: np.ndarray, grid: np.ndarray, far: np.ndarray) -> float:
    """How much is in the hull of cells and not in the shape, by its distance; 0 when too little."""
    low, high = cells.min(0), cells.max(0) + 1
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    empty = np.argwhere(far[box] > HOLLOW) + low
    if not len(empty):
        return 0.0
    planes = _hull(cells, 0.25).equations
    within = np.ones(len(empty), bool)
    for plane in np.unique(planes.round(9), axis=0):
        within[within] = empty[within] @ plane[:3] + plane[3] <= 0
        if not within.any():
            return 0.0
    return float(far[tuple(empty[within].T)].sum())


def _halves(part: _Part, grid: np.ndarray, far: np.ndarray) -> list[_Part]:
    """The part cut in two where the two hulls hold least; itself, final, when there is no way."""
    ways: list[tuple[float, float, int, int]] = []
    for axis in range(3):
        for at, change in _places(part.cells, axis):
            below = part.cells[:, axis] < at
            held = sum(_hull(part.cells[side], 0.5).volume for side in (below, ~below))
            ways.append((held, change, axis, at))
    if not ways:
        return [_Part(part.cells, part.triangles, part.emptiness, final=True)]
    # Boards between two sides lose nothing by the first cut, whichever it is. Of cuts about
    # equally good, one along the shape's own faces leads on.
    least = min(held for held, *_ in ways)
    _, _, axis, at = max((way for way in ways if way[0] <= LIKE * least), key=lambda way: way[1])
    where = _beside_flat_face(part, axis, at)
    below = part.cells[:, axis] < at
    halves = []
    for cells, triangles in zip(
        (part.cells[below], part.cells[~below]), _cut(part.triangles, axis, where), strict=True
    ):
        if len(triangles):
            halves.append(_Part(cells, triangles, _emptiness(cells, grid, far)))
    return halves


def _places(cells: np.ndarray, axis: int) -> list[tuple[int, float]]:
    """Where to try, and by how much slices change there, share of the fullest one.

    That is: where the two boxes hold least, where the slices change most, and the middle.
    """
    low, high = int(cells[:, axis].min()), int(cells[:, axis].max())
    count = high - low + 1
    if count < 2:
        return []
    slot = cells[:, axis] - low
    others = [a for a in range(3) if a != axis]
    first = np.full((count, 2), 1 << 20)
    last = np.full((count, 2), -1)
    np.minimum.at(first, slot, cells[:, others])
    np.maximum.at(last, slot, cells[:, others])

    def volumes(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        extent = np.maximum.accumulate(b) - np.minimum.accumulate(a) + 1
        return np.maximum(extent, 0).prod(1) * np.arange(1, count + 1)

    held = volumes(first, last)[:-1] + volumes(first[::-1], last[::-1])[::-1][1:]
    number = np.bincount(slot, minlength=count)
    change = np.abs(np.diff(number))
    chosen = {int(held.argmin()), int(change.argmax()), (count - 1) // 2}
    return [(low + 1 + at, float(change[at] / number.max())) for at in sorted(chosen)]


def _beside_flat_face(part: _Part, axis: int, at: int) -> float:
    """The cut's coordinate: beside the largest and nearest flat face within a cell, if any.

    The face stays with the side that fills the cells next to it better.
    """
    boundary = at / CELLS
    a, b, c = (part.triangles[:, i] for i in range(3))
    normal = np.cross(b - a, c - a)
    area = np.linalg.norm(normal, axis=1)
    along = part.triangles[:, :, axis].mean(1)
    flat = (np.abs(normal[:, axis]) > FLAT * area) & (np.abs(along - boundary) < 1 / CELLS)
    if not flat.any():
        return boundary
    places, group = np.unique(along[flat].round(4), return_inverse=True)
    near = 1 - np.abs(places - boundary) * CELLS  # a board's other face is one board away
    where = float(places[(np.bincount(group.reshape(-1), area[flat]) * near).argmax()])
    number = np.bincount(part.cells[:, axis], minlength=at + 1)
    fuller_below = number[max(at - 2, 0) : at].max() > number[at : at + 2].max()
    return where + (BESIDE if fuller_below else -BESIDE)


def _cut(triangles: np.ndarray, axis: int, where: float) -> tuple[np.ndarray, np.ndarray]:
    """(m, 3, 3) triangles below and above a plane across an axis, those that cross it cut up."""
    height = triangles[:, :, axis] - where
    above = height > 0
    count = above.sum(1)
    below_all, above_all = triangles[count == 0], triangles[count == 3]
    crossing = (count == 1) | (count == 2)
    if not crossing.any():
        return below_all, above_all
    t, h, up = triangles[crossing], height[crossing], above[crossing]
    one_up = count[crossing] == 1
    lone = np.where(one_up, up.argmax(1), (~up).argmax(1))
    turn = (lone[:, None] + np.arange(3)) % 3
    rows = np.arange(len(t))[:, None]
    t, h = t[rows, turn], h[rows, turn]
    tip, left, right = t[:, 0], t[:, 1], t[:, 2]
    p = tip + (h[:, 0] / (h[:, 0] - h[:, 1]))[:, None] * (left - tip)
    q = tip + (h[:, 0] / (h[:, 0] - h[:, 2]))[:, None] * (right - tip)
    alone = np.stack([tip, p, q], 1)
    rest = np.concatenate([np.stack([p, left, right], 1), np.stack([p, right, q], 1)])
    twice = np.concatenate([one_up, one_up])
    return (
        np.concatenate([below_all, alone[~one_up], rest[twice]]),
        np.concatenate([above_all, alone[one_up], rest[~twice]]),
    )
