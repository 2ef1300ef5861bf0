"""Signed distance to any mesh: negative inside, positive outside, exact near the surface.

Meshes here are seldom closed: furniture lacks its bottom, faces are doubled or turned, boards are
sheets, parts overlap. So the sides of each face are asked, once, whether they are inside; faces
with matter on both sides are dropped, those with matter on none have no inside (they are sheets).
A query then needs the nearest face and its side; far from all faces, where a badly drawn nearest
face would turn the sign, a coarse grid of the same test tells it.

The test of a side: six rays along the axes, of which most, and the one up among them, must end
in matter. A missing bottom does not empty a cabinet so, and a bowl or an open box is not filled.
Where faces are turned consistently a ray counts its crossings by their sense (a winding number:
overlapping parts do no harm), else it counts whether they are odd.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from ..crossings import SIDE_AXES, crossings
from ..register.sampling import surface_of
from ..types import Mesh
from .memory import Memory

SAMPLES = 8192
"""Samples by which the faces near a point are found."""
NEAR = 16
FACES = 6
"""Faces kept a sample: the first different ones among those of its ``NEAR`` nearest samples."""
VOTERS = 900
"""Faces or samples whose two sides are asked; the others follow the nearest of these."""
ASIDE = 2e-4
"""How far from the surface its sides are asked, in diagonals; half the thinnest plate known."""
TURNED = 0.75
"""Share of lines that must leave as often as they enter, for a mesh's senses to be believed."""
WELD = 1e-6
CELLS = 40
"""Cells of the coarse grid along the longest side."""
LARGE, CUTS, MOST_CUT = 0.05, 4, 400
"""Edge, in diagonals, over which a face that lies partly in matter is cut in four; how often; and
up to how many such faces."""
OPEN = 0.1
"""Share of a face that may lie open although the face is left out."""
ACROSS = np.array([
    [0.96, 0.02, 0.02], [0.02, 0.96, 0.02], [0.02, 0.02, 0.96],
    [0.49, 0.49, 0.02], [0.02, 0.49, 0.49], [0.49, 0.02, 0.49],
    [0.6, 0.2, 0.2], [0.2, 0.6, 0.2], [0.2, 0.2, 0.6], [1 / 3, 1 / 3, 1 / 3],
])  # fmt: skip
"""Where in a face it is asked whether it lies in matter, barycentric."""


@dataclass(frozen=True, eq=False)
class SignedDistance:
    """One mesh's distance, in its object frame.

    Attributes:
        triangles: (m, 3, 3) of the faces that bound matter, and sheets.
        normals: (m, 3) unit, outwards; of sheets either way.
        solid: (m,) bool, False for sheets.
        size: diagonal of the box, object units.
        low, pitch: corner and edge of the coarse grid's cells, object frame.
        matter: (a, b, c) bool, whether a cell's centre lies in matter.
    """

    triangles: np.ndarray
    normals: np.ndarray
    solid: np.ndarray
    size: float
    low: np.ndarray
    pitch: float
    matter: np.ndarray
    _tree: KDTree
    _near: np.ndarray

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """(n,) signed distance of (n, 3) object points."""
        return self.with_gradient(points)[0]

    def with_gradient(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Signed distance (n,) and its gradient (n, 3), unit, of (n, 3) object points.

        On the surface the gradient is the face's normal.
        """
        points = np.asarray(points, np.float64)
        if not len(points):
            return np.zeros(0), np.zeros((0, 3))
        faces = self._near[self._tree.query(points)[1]]
        count = faces.shape[1]
        asking = np.repeat(points, count, 0)
        flat = faces.reshape(-1)
        away = asking - closest_on_triangles(self.triangles[flat], asking)
        apart = np.sqrt(np.einsum("ij,ij->i", away, away)).reshape(-1, count)
        along = np.einsum("ij,ij->i", away, self.normals[flat]).reshape(-1, count)
        nearest = apart.min(1, keepdims=True)
        # On an edge several faces are equally near; the one seen most squarely knows the side
        # (Baerentzen and Aanaes, "Signed distance computation using the angle weighted
        # pseudonormal", 2005, discuss why the others do not).
        tied = apart <= nearest * (1 + 1e-6) + 1e-9 * self.size
        which = np.where(tied, np.abs(along), -1.0).argmax(1)
        row = np.arange(len(points))
        face = faces[row, which]
        sign = np.where(self.solid[face] & (along[row, which] < 0), -1.0, 1.0)
        distance = apart[row, which]
        # No face lies between a point and its cell's centre that is nearer than the nearest face.
        cell = np.floor((points - self.low) / self.pitch).astype(np.int64)
        held = ((cell >= 0) & (cell < self.matter.shape)).all(1)
        centre = self.low + self.pitch * (cell + 0.5)
        far = distance > np.linalg.norm(points - centre, axis=1)
        known = np.flatnonzero(held & far)
        sign[known] = np.where(self.matter[tuple(cell[known].T)], -1.0, 1.0)
        sign[far & ~held] = 1.0
        away = away.reshape(-1, count, 3)[row, which]
        touching = distance <= 1e-9 * self.size
        unit = away / np.where(touching, 1.0, distance)[:, None]
        gradient = np.where(touching[:, None], self.normals[face], sign[:, None] * unit)
        return sign * distance, gradient


_distances: Memory[SignedDistance] = Memory(64)


def distance_of(mesh: Mesh) -> SignedDistance:
    """The signed distance of a mesh, kept in memory by its content.

    Raises:
        CastError: the mesh cannot be read or has no extent.
    """

    def make() -> SignedDistance:
        surface = surface_of(mesh)  # its triangles are few enough for any mesh
        return make_distance(surface.vertices * surface.size + surface.centre, surface.faces)

    return _distances.get(mesh.key, make)


def make_distance(vertices: np.ndarray, faces: np.ndarray) -> SignedDistance:
    """The signed distance to (m, 3) faces of (n, 3) vertices, closed or not, turned or not.

    Raises:
        ValueError: there are no faces with an area.
    """
    triangles, normals, size = _single_faces(np.asarray(vertices, np.float64), faces)
    if not len(triangles):
        raise ValueError("a distance needs faces with an area")
    low = triangles.min((0, 1))
    pitch = float(np.ptp(triangles.reshape(-1, 3), axis=0).max()) / CELLS
    matter = _matter_cells(triangles, low, pitch)
    triangles, normals = _cut_where_buried(triangles, normals, size)
    solid, outwards, kept = _sides(triangles, normals, size)
    triangles, normals = triangles[kept], (normals * outwards[:, None])[kept]
    solid = solid[kept]
    points, face = _samples(triangles, SAMPLES)
    along, edged = _edge_samples(triangles, SAMPLES)
    points, face = np.concatenate([points, along]), np.concatenate([face, edged])
    tree = KDTree(points)
    near = _faces_near(tree, points, face)
    return SignedDistance(triangles, normals, solid, size, low, pitch, matter, tree, near)


def _single_faces(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """(m, 3, 3) triangles with an area, each once whatever its sense, unit normals, the diagonal."""
    size = float(np.linalg.norm(np.ptp(vertices, axis=0))) or 1.0
    place = np.round((vertices - vertices.min(0)) / (WELD * size)).astype(np.int64)
    code = (place[:, 0] << 42) ^ (place[:, 1] << 21) ^ place[:, 2]
    corner = np.unique(code, return_inverse=True)[1].reshape(-1)[faces]
    _, first = np.unique(np.sort(corner, 1), axis=0, return_index=True)
    triangles = vertices[faces[np.sort(first)]]
    cross = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    area = np.linalg.norm(cross, axis=1)
    sound = area > 1e-12 * size * size
    return triangles[sound], cross[sound] / area[sound, None], size


def _samples(triangles: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """About ``count`` points even by area and one in each face, and the face of each.

    In faces that hold several they lie on a low-discrepancy sequence (R2, Roberts 2018) folded
    into the triangle, so no part of a large face is far from all of them.
    """
    edge, other = triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
    area = np.linalg.norm(np.cross(edge, other), axis=1)
    share = np.floor(np.cumsum(area) / area.sum() * count).astype(np.int64)
    number = np.diff(share, prepend=0)
    if len(triangles) <= count:
        number = np.maximum(number, 1)
    face = np.repeat(np.arange(len(triangles)), number)
    place = np.arange(len(face)) - np.repeat(np.cumsum(number) - number, number)
    a = (1 / 3 + place * 0.7548776662466927) % 1.0
    b = (1 / 3 + place * 0.5698402909980532) % 1.0
    over = a + b > 1
    a, b = np.where(over, 1 - a, a)[:, None], np.where(over, 1 - b, b)[:, None]
    return triangles[face, 0] + a * edge[face] + b * other[face], face


def _edge_samples(triangles: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Points along the edges that are longer than ``count`` samples lie apart, and their faces.

    Each edge has those of all its faces, so that near an edge none of them is overlooked, be it
    the narrow rim of a plate.
    """
    cross = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    apart = 2 * np.sqrt(0.5 * np.linalg.norm(cross, axis=1).sum() / count)
    points, faces = [], []
    for corner in range(3):
        start, end = triangles[:, corner], triangles[:, (corner + 1) % 3]
        number = np.floor(np.linalg.norm(end - start, axis=1) / apart).astype(np.int64)
        face = np.repeat(np.arange(len(triangles)), number)
        place = np.arange(len(face)) - np.repeat(np.cumsum(number) - number, number)
        share = ((place + 0.5) / number[face])[:, None]
        points.append(start[face] + share * (end - start)[face])
        faces.append(face)
    return np.concatenate(points), np.concatenate(faces)


def _faces_near(tree: KDTree, points: np.ndarray, face: np.ndarray) -> np.ndarray:
    """(n, FACES) the first different faces among the samples near each; repeats fill the rest."""
    near = face[tree.query(points, k=min(NEAR, len(points)))[1]].reshape(len(points), -1)
    table = np.repeat(face[:, None], FACES, 1)
    count = np.ones(len(points), np.int64)
    for column in near.T:
        new = (table != column[:, None]).all(1) & (count < FACES)
        at = np.flatnonzero(new)
        table[at, count[at]] = column[at]
        count[at] += 1
    return table[:, : int(count.max())]


def _cut_where_buried(
    triangles: np.ndarray, normals: np.ndarray, size: float
) -> tuple[np.ndarray, np.ndarray]:
    """The faces, those that lie partly in matter cut up, so that this part can be left out.

    Where parts of a mesh stand on each other, a large face is seldom covered as a whole.
    """
    whole, asked = triangles, np.arange(len(triangles))
    for _ in range(CUTS):
        corners = triangles[asked]
        edges = np.linalg.norm(corners - np.roll(corners, 1, 1), axis=2).max(1)
        asked = asked[edges > LARGE * size]
        if not 0 < len(asked) <= MOST_CUT:
            break
        points = (ACROSS @ triangles[asked]).reshape(-1, 3)
        beside = ASIDE * size * np.repeat(normals[asked], len(ACROSS), 0)
        front, back = np.split(
            matter_at(whole, np.concatenate([points + beside, points - beside])), 2
        )
        buried = (front & back).reshape(-1, len(ACROSS)).mean(1)
        cut = asked[(buried > 0) & (buried < 1)]
        if not len(cut):
            break
        a, b, c = triangles[cut].transpose(1, 0, 2)
        ab, bc, ca = (a + b) / 2, (b + c) / 2, (c + a) / 2
        four = [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
        kept = np.setdiff1d(np.arange(len(triangles)), cut)
        triangles = np.concatenate([triangles[kept], *(np.stack(t, 1) for t in four)])
        normals = np.concatenate([normals[kept], *[normals[cut]] * 4])
        asked = np.arange(len(kept), len(triangles))
    return triangles, normals


def _sides(
    triangles: np.ndarray, normals: np.ndarray, size: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Per face: is it of a solid, the factor that turns its normal outwards, is it kept."""
    if len(triangles) <= VOTERS:
        order = np.arange(len(triangles))
        points, face = _samples(triangles, VOTERS - len(triangles))
        points = np.concatenate([triangles.mean(1), points])
        face = np.concatenate([order, face])
    else:
        points, face = _samples(triangles, VOTERS)
    beside = ASIDE * size * normals[face]
    inside = matter_at(triangles, np.concatenate([points + beside, points - beside]))
    front, back = np.split(inside, 2)
    # Senses and places: a plate's two faces are near each other and do not answer for each other.
    where = np.concatenate([points / size, 0.3 * normals[face]], 1)
    every = np.concatenate([triangles.mean(1) / size, 0.3 * normals], 1)
    count = min(3, len(points))
    voters = KDTree(where).query(every, k=count)[1].reshape(len(triangles), -1)
    ahead, behind = _majority(front[voters]), _majority(back[voters])
    # A face that holds samples of its own is asked through these, through the open ones if any.
    own = np.bincount(face, minlength=len(triangles)).astype(float)
    open_ = ~(front & back)
    number = np.bincount(face, open_, len(triangles))
    mine, seen = own > 0, number > OPEN * own
    ahead[mine] = behind[mine] = True
    ahead[seen] = (np.bincount(face, front & open_, len(triangles))[seen] / number[seen]) > 0.5
    behind[seen] = (np.bincount(face, back & open_, len(triangles))[seen] / number[seen]) > 0.5
    solid = ahead != behind
    outwards = np.where(ahead & ~behind, -1.0, 1.0)
    kept = ~(ahead & behind)
    if not kept.any():
        return np.zeros(len(triangles), bool), outwards, np.ones(len(triangles), bool)
    return solid, outwards, kept


def _majority(votes: np.ndarray) -> np.ndarray:
    return votes.mean(1) > 0.5


def matter_at(triangles: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(n,) bool, which of (n, 3) points lie in the matter that (m, 3, 3) triangles bound."""
    counts = np.zeros((len(points), 6))
    winding = np.zeros((len(points), 6))
    for axis in range(3):
        line, height, sense = crossings(triangles, points, axis)
        beyond = height > points[line, axis]
        for side, chosen in ((0, beyond), (1, ~beyond)):
            counts[:, 2 * axis + side] = np.bincount(line[chosen], minlength=len(points))
            winding[:, 2 * axis + side] = np.bincount(line[chosen], sense[chosen], len(points))
    return _ends_in_matter(counts, winding)


def _ends_in_matter(counts: np.ndarray, winding: np.ndarray) -> np.ndarray:
    """(n,) bool from (n, 6) crossings, counted and by sense, towards +x, -x, +y, -y, +z, -z."""
    met = (counts[:, ::2] + counts[:, 1::2]) > 0
    balanced = np.abs(winding[:, ::2] + winding[:, 1::2])[met] < 0.5
    turned_alike = len(balanced) > 0 and balanced.mean() >= TURNED
    ends = np.abs(winding) > 0.5 if turned_alike else counts % 2 == 1
    return (ends.sum(1) > 3) & ends[:, 2]


def _matter_cells(triangles: np.ndarray, low: np.ndarray, pitch: float) -> np.ndarray:
    """(a, b, c) bool, whether the centres of cells over the mesh's box lie in matter.

    What :func:`matter_at` gives; all cells of a column share two of their rays.
    """
    extent = np.ptp(triangles.reshape(-1, 3), axis=0)
    shape = np.maximum(1, np.ceil(extent / pitch - 1e-9)).astype(np.int64)
    centres = [low[i] + pitch * (np.arange(shape[i]) + 0.5) for i in range(3)]
    counts, winding = np.zeros((6, *shape), np.int16), np.zeros((6, *shape), np.int16)
    for axis in range(3):
        u, v = SIDE_AXES[axis]
        columns = np.zeros((shape[u] * shape[v], 3))
        columns[:, u] = np.repeat(centres[u], shape[v])
        columns[:, v] = np.tile(centres[v], shape[u])
        line, height, sense = crossings(triangles, columns, axis)
        # A crossing lies ahead of the cells below it and behind the cells above it.
        at = line * (shape[axis] + 1) + np.searchsorted(centres[axis], height)
        for out, what in ((counts, np.ones(len(line))), (winding, sense)):
            step = np.bincount(at, what, len(columns) * (shape[axis] + 1))
            step = step.reshape(len(columns), shape[axis] + 1)
            behind = np.cumsum(step, 1)[:, :-1]
            ahead = step.sum(1, keepdims=True) - behind
            for side, values in ((0, ahead), (1, behind)):
                grid = values.reshape(shape[u], shape[v], shape[axis])
                out[2 * axis + side] = np.moveaxis(grid, (0, 1, 2), (u, v, axis))
    return _ends_in_matter(counts.reshape(6, -1).T, winding.reshape(6, -1).T).reshape(shape)


def closest_on_triangles(triangles: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(n, 3) the point of the i-th of (n, 3, 3) triangles nearest to the i-th of (n, 3) points.

    By the regions of the barycentric coordinates (Ericson, "Real-Time Collision Detection", 2005,
    section 5.1.5), all at once: the foot on the plane where it lies inside, else the best of the
    feet on the three edges.
    """
    a, b, c = triangles[:, 0], triangles[:, 1], triangles[:, 2]
    ab, ac, ap = b - a, c - a, points - a
    d00 = np.einsum("ij,ij->i", ab, ab)
    d01 = np.einsum("ij,ij->i", ab, ac)
    d11 = np.einsum("ij,ij->i", ac, ac)
    d20 = np.einsum("ij,ij->i", ap, ab)
    d21 = np.einsum("ij,ij->i", ap, ac)
    scale = np.maximum(d00 * d11 - d01 * d01, 1e-300)
    v = (d11 * d20 - d01 * d21) / scale
    w = (d00 * d21 - d01 * d20) / scale
    outside = np.flatnonzero((v < 0) | (w < 0) | (v + w > 1))
    if len(outside):
        i = outside
        d00, d01, d11, d20, d21 = d00[i], d01[i], d11[i], d20[i], d21[i]
        # Feet on the edges as (v, w), and how far each is, less the constant |ap|^2.
        t = np.clip(d20 / np.maximum(d00, 1e-300), 0, 1)
        s = np.clip(d21 / np.maximum(d11, 1e-300), 0, 1)
        bc = np.maximum(d00 - 2 * d01 + d11, 1e-300)
        r = np.clip((d21 - d20 + d00 - d01) / bc, 0, 1)
        feet_v = np.stack([t, np.zeros_like(s), 1 - r])
        feet_w = np.stack([np.zeros_like(t), s, r])
        far = feet_v * feet_v * d00 + 2 * feet_v * feet_w * d01 + feet_w * feet_w * d11
        far -= 2 * (feet_v * d20 + feet_w * d21)
        best = far.argmin(0)
        v[i], w[i] = feet_v[best, np.arange(len(i))], feet_w[best, np.arange(len(i))]
    return a + v[:, None] * ab + w[:, None] * ac
