"""A silhouette to a closed solid: contour, height and texture.

The outline is the 0.5 level of the smoothed alpha, cut by marching squares, so it has no stair
steps. The height solves a Poisson equation, div grad u = -2 with u = 0 on the outline, whose
square root is a round cross-section on limbs (a strip of half width R gives exactly a circle of
radius R); large areas level off. A wall of height ``rim`` joins front and back, so that the
picture on the front is nowhere stretched and limbs keep a believable thickness.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage, sparse
from scipy.sparse.linalg import spsolve

_CORNERS = np.array([[0, 0], [0, 1], [1, 1], [1, 0]])  # (row, column), clockwise on the screen

# For each of the 16 inside patterns of a cell's corners (bit i = corner i inside): polygons as
# lists of 0..3 = corner, 4..7 = crossing on the edge from corner i to corner i + 1. The two
# saddles (5, 10) are cut apart.
_POLYGONS: dict[int, list[list[int]]] = {
    1: [[0, 4, 7]], 2: [[1, 5, 4]], 4: [[2, 6, 5]], 8: [[3, 7, 6]],
    3: [[0, 1, 5, 7]], 6: [[1, 2, 6, 4]], 12: [[2, 3, 7, 5]], 9: [[3, 0, 4, 6]],
    7: [[0, 1, 2, 6, 7]], 14: [[1, 2, 3, 7, 4]], 13: [[2, 3, 0, 4, 5]], 11: [[3, 0, 1, 5, 6]],
    15: [[0, 1, 2, 3]], 5: [[0, 4, 7], [2, 6, 5]], 10: [[1, 5, 4], [3, 7, 6]],
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Outline:
    """The inside of a field's 0.5 level, triangulated.

    Attributes:
        points: (n, 2) float64, (x, y) in grid steps; grid points first, then the outline's.
        faces: (m, 3) int64, clockwise on the screen, where y goes down.
        edges: (k, 2) int64, the outline's directed edges, as they occur in the faces.
        grid_of: (g, 2) int64 (row, column) of the first g points.
    """

    points: np.ndarray
    faces: np.ndarray
    edges: np.ndarray
    grid_of: np.ndarray

    @property
    def inner(self) -> int:
        """Number of points that lie on the grid, inside."""
        return len(self.grid_of)


def _pick(values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """values[row, column] at (k, 2) places."""
    return values[at[:, 0], at[:, 1]]


def trace(field: np.ndarray) -> Outline:
    """Marching squares over a (h, w) field whose border is below 0.5."""
    height, width = field.shape
    inside = field >= 0.5
    grid_index = np.full(field.shape, -1, np.int64)
    grid_of = np.argwhere(inside)
    grid_index[inside] = np.arange(len(grid_of))
    points = [grid_of[:, ::-1].astype(np.float64)]
    count = len(grid_of)
    crossing = []  # index of the crossing to the right of / below each grid point
    for step in (np.array([0, 1]), np.array([1, 0])):
        a = field[: height - step[0], : width - step[1]]
        b = field[step[0] :, step[1] :]
        cut = (a >= 0.5) != (b >= 0.5)
        where = np.argwhere(cut)
        share = (0.5 - a[cut]) / (b[cut] - a[cut])
        share = np.clip(share, 0.1, 0.9)  # keeps slivers away
        points.append((where + share[:, None] * step)[:, ::-1])
        index = np.full(field.shape, -1, np.int64)
        index[where[:, 0], where[:, 1]] = count + np.arange(len(where))
        count += len(where)
        crossing.append(index)
    rows, columns = np.meshgrid(np.arange(height - 1), np.arange(width - 1), indexing="ij")
    at = np.stack([rows.ravel(), columns.ravel()], 1)
    code = np.zeros(len(at), np.int64)
    for bit, offset in enumerate(_CORNERS):
        code |= _pick(inside, at + offset).astype(np.int64) << bit
    faces = []
    for pattern, polygons in _POLYGONS.items():
        cells = at[code == pattern]
        if not len(cells):
            continue
        right, below = crossing
        local = np.stack(
            [_pick(grid_index, cells + offset) for offset in _CORNERS]
            + [
                _pick(right, cells),
                _pick(below, cells + _CORNERS[1]),
                _pick(right, cells + _CORNERS[3]),
                _pick(below, cells),
            ],
            1,
        )
        for polygon in polygons:
            for i in range(1, len(polygon) - 1):
                faces.append(local[:, [polygon[0], polygon[i], polygon[i + 1]]])
    all_faces = np.concatenate(faces) if faces else np.zeros((0, 3), np.int64)
    return Outline(np.concatenate(points), all_faces, border_edges(all_faces), grid_of)


def border_edges(faces: np.ndarray) -> np.ndarray:
    """(k, 2) directed edges whose reverse is in no face."""
    edges = faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    size = int(faces.max()) + 1 if len(faces) else 1
    forward = edges[:, 0] * size + edges[:, 1]
    return edges[~np.isin(forward, edges[:, 1] * size + edges[:, 0])]


def solve_height(field: np.ndarray, outline: Outline) -> np.ndarray:
    """(g,) u at the inside grid points: div grad u = -2, u = 0 on the outline.

    Shortley and Weller's stencil: arms that end on the outline have their true length.
    """
    index = np.full(field.shape, -1, np.int64)
    index[outline.grid_of[:, 0], outline.grid_of[:, 1]] = np.arange(outline.inner)
    rows, columns, values = [], [], []
    diagonal = np.zeros(outline.inner)
    here = outline.grid_of
    inside_value = _pick(field, here)
    for axis in (0, 1):
        step = np.eye(2, dtype=np.int64)[axis]
        arms, neighbours = [], []
        for sign in (-1, 1):
            other = here + sign * step
            neighbour = _pick(index, other)
            outside_value = _pick(field, other)
            cut = np.clip(
                (inside_value - 0.5) / np.maximum(inside_value - outside_value, 1e-9), 0.1, 0.9
            )
            arms.append(np.where(neighbour >= 0, 1.0, cut))
            neighbours.append(neighbour)
        diagonal += 2 / (arms[0] * arms[1])
        for arm, neighbour in zip(arms, neighbours, strict=True):
            linked = neighbour >= 0
            rows.append(np.flatnonzero(linked))
            columns.append(neighbour[linked])
            values.append(-2 / (arm * (arms[0] + arms[1]))[linked])
    n = np.arange(outline.inner)
    matrix = sparse.csr_matrix(
        (
            np.concatenate([diagonal, *values]),
            (np.concatenate([n, *rows]), np.concatenate([n, *columns])),
        ),
        shape=(outline.inner, outline.inner),
    )
    u = np.asarray(spsolve(sparse.csc_matrix(matrix), np.full(outline.inner, 2.0)))
    return np.maximum(u, 0.0)


def rim_radius(outline: Outline, u: np.ndarray) -> np.ndarray:
    """(b,) half width of the limb behind each outline point, smoothed along the outline.

    Source: on a strip of half width R, u = R^2 - x^2, so its slope at the outline is 2 R.
    """
    border = np.arange(outline.inner, len(outline.points))
    pairs = outline.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    pairs = np.concatenate([pairs, pairs[:, ::-1]])
    pairs = pairs[(pairs[:, 0] >= outline.inner) & (pairs[:, 1] < outline.inner)]
    length = np.linalg.norm(outline.points[pairs[:, 0]] - outline.points[pairs[:, 1]], axis=1)
    # Past the first step the parabola bends: (u/d + d) is its slope at the outline.
    slope = u[pairs[:, 1]] / np.maximum(length, 0.3) + length
    total = np.bincount(pairs[:, 0] - outline.inner, slope, len(border))
    count = np.bincount(pairs[:, 0] - outline.inner, minlength=len(border))
    radius = 0.5 * total / np.maximum(count, 1)
    return smooth_along(outline, radius, rounds=12)


def smooth_along(outline: Outline, values: np.ndarray, rounds: int) -> np.ndarray:
    """(b, ...) values at the outline's points, averaged with their neighbours ``rounds`` times."""
    n = len(outline.points) - outline.inner
    edges = outline.edges - outline.inner
    both = np.concatenate([edges, edges[:, ::-1]])
    link = sparse.csr_matrix((np.ones(len(both)), (both[:, 0], both[:, 1])), shape=(n, n))
    degree = np.maximum(np.asarray(link.sum(1)).ravel(), 1)
    shape = (-1,) + (1,) * (values.ndim - 1)
    for _ in range(rounds):
        values = 0.5 * values + 0.5 * (link @ values) / degree.reshape(shape)
    return values


def prepare_field(alpha: np.ndarray, aspect: float, cells: int) -> tuple[np.ndarray, float]:
    """The alpha on a grid fit for tracing, with about ``cells`` grid points inside.

    Thin parts are widened to about one and a half steps, so that they survive.

    Args:
        alpha: (h, w) float 0..1.
        aspect: width / height of a pixel.

    Returns:
        (gh, gw) float64 with a border of two zero steps, and the grid's step in pixel heights.
    """
    height, width = alpha.shape
    solid = max(float((alpha >= 0.5).sum()) * aspect, 1.0)
    step = float(np.sqrt(solid / cells))
    limit = 420  # bounds the grid for filigree
    step = max(step, height / limit, width * aspect / limit)
    inside = alpha >= 0.5
    radius = 0.75 * step  # px
    core = _distance(inside, aspect) > radius
    opened = _distance(~core, aspect) <= radius + 0.5
    thin = inside & ~opened
    wide = _distance(~thin, aspect) <= max(0.0, radius - 0.5)
    if thin.any() and step > 1.0:
        alpha = np.maximum(alpha, wide.astype(np.float64))
    sigma = max(0.9, 0.55 * step)
    padded = np.pad(alpha, int(np.ceil(3 * sigma)) + 1)
    soft = ndimage.gaussian_filter(padded, (sigma, sigma / aspect))
    shift = (padded.shape[0] - height) / 2
    rows = np.arange(int(np.ceil(height / step)) + 5) * step - 2 * step
    columns = (np.arange(int(np.ceil(width * aspect / step)) + 5) * step - 2 * step) / aspect
    at = np.meshgrid(rows - 0.5 + shift, columns - 0.5 + shift, indexing="ij")
    field = ndimage.map_coordinates(soft, at, order=1, mode="constant")
    field[:2] = field[-2:] = 0
    field[:, :2] = field[:, -2:] = 0
    return without_specks(field), step


def _distance(mask: np.ndarray, aspect: float) -> np.ndarray:
    """(h, w) float64, pixel heights from each True pixel to the nearest False one."""
    return np.asarray(ndimage.distance_transform_edt(mask, sampling=(1.0, aspect)))


def _islands(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(h, w) number of each pixel's 4-connected island (0: none), and their sizes."""
    labels = np.zeros(mask.shape, np.int32)
    ndimage.label(mask, output=labels)
    return labels, np.bincount(labels.ravel())


def without_specks(field: np.ndarray) -> np.ndarray:
    """The field without islands below 1.5 % of the largest one, and without pinholes."""
    labels, sizes = _islands(field >= 0.5)
    if len(sizes) > 2:
        small = sizes < max(6.0, 0.015 * float(sizes[1:].max()))
        small[0] = False
        field = np.where(small[labels], np.minimum(field, 0.4), field)
    labels, sizes = _islands(field < 0.5)
    if len(sizes) > 2:
        pin = sizes < 6
        pin[0] = False
        field = np.where(pin[labels], 0.6, field)
    return field
