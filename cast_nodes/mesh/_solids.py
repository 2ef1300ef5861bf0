"""Solids to build furniture from: lengths in metres, y up, closed surfaces, faces outwards.

Every function returns a :class:`Solid`; bevels are small enough to catch light without costing
many faces. Round forms are lofted: rings of equal length joined by quads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True, eq=False)
class Solid:
    """Vertices (n, 3) float64 and faces (m, 3) int64."""

    vertices: np.ndarray
    faces: np.ndarray

    def at(self, x: float, y: float, z: float) -> Solid:
        """Moved by the offset."""
        return replace(self, vertices=self.vertices + np.array([x, y, z]))

    def turned(self, axis: str, degrees: float) -> Solid:
        """Turned about an axis through the origin, by the right-hand rule."""
        angle = np.radians(degrees)
        i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
        matrix = np.eye(3)
        matrix[i, i] = matrix[j, j] = np.cos(angle)
        matrix[i, j], matrix[j, i] = -np.sin(angle), np.sin(angle)
        return replace(self, vertices=self.vertices @ matrix.T)

    def mirrored(self) -> Solid:
        """The mirror image in x."""
        return Solid(self.vertices * [-1, 1, 1], self.faces[:, ::-1])

    def stretched(self, x: float, y: float, z: float) -> Solid:
        """Scaled along the axes, all factors > 0."""
        return replace(self, vertices=self.vertices * [x, y, z])


def merged(solids: Sequence[Solid]) -> Solid:
    """Several solids as one (they may pass through one another)."""
    starts = np.cumsum([0, *(len(s.vertices) for s in solids[:-1])])
    return Solid(
        np.concatenate([s.vertices for s in solids]),
        np.concatenate([s.faces + at for s, at in zip(solids, starts, strict=True)]),
    )


def box(
    width: float, height: float, depth: float, bevel: float = 0.004, steps: int = 1, cells: int = 1
) -> Solid:
    """A rounded box centred at the origin.

    Args:
        bevel: radius of the edges; limited to half the smallest side.
        steps: faces across a quarter round.
        cells: divisions of the flat parts, for what is bent afterwards.
    """
    size = np.array([width, height, depth])
    radius = min(bevel, 0.499 * float(size.min()))
    low = [(-1 + i / steps, -1.0) for i in range(steps)] + [(0.0, -1.0)]
    flat = [(0.0, -1 + 2 * i / cells) for i in range(1, cells)]
    high = [(0.0, 1.0)] + [(i / steps, 1.0) for i in range(1, steps + 1)]
    line = np.array(low + flat + high)  # (k, 2): direction's component, inner box's component
    k = len(line)
    first, second = (a.ravel() for a in np.meshgrid(np.arange(k), np.arange(k), indexing="ij"))
    inner_half = size / 2 - radius
    vertices, faces = [], []
    corner = np.arange((k - 1) * (k - 1))
    corner = corner // (k - 1) * k + corner % (k - 1)
    quads = np.stack([corner, corner + k, corner + k + 1, corner + 1], 1)
    for axis in range(3):
        u, v = (axis + 1) % 3, (axis + 2) % 3
        for sign in (-1.0, 1.0):
            direction, inner = np.empty((k * k, 3)), np.empty((k * k, 3))
            direction[:, axis], inner[:, axis] = sign, sign
            for column, index in ((u, first), (v, second)):
                direction[:, column] = np.tan(line[index, 0] * np.pi / 4)
                inner[:, column] = line[index, 1]
            direction /= np.linalg.norm(direction, axis=1, keepdims=True)
            side = quads if sign > 0 else quads[:, ::-1]
            faces.append(np.concatenate([side[:, :3], side[:, [0, 2, 3]]]) + len(vertices) * k * k)
            vertices.append(inner * inner_half + radius * direction)
    return _welded(Solid(np.concatenate(vertices), np.concatenate(faces)))


def cushion(
    width: float, height: float, depth: float, puff: float = 0.35, bevel: float = 0.06
) -> Solid:
    """A soft box: the middle of its large faces swells by ``puff`` times the height."""
    solid = box(width, height, depth, min(bevel, 0.45 * height), 2, 3)
    v = solid.vertices.copy()
    x, z = v[:, 0] / (width / 2), v[:, 2] / (depth / 2)
    swell = (1 - np.clip(np.abs(x), 0, 1) ** 2.5) * (1 - np.clip(np.abs(z), 0, 1) ** 2.5)
    v[:, 1] *= (1 - puff) + puff * swell
    return Solid(v, solid.faces)


def pillow(width: float, height: float, depth: float) -> Solid:
    """A throw cushion standing upright in x and y, thin at its seam, corners drawn out."""
    n = 12
    line = np.sin(np.linspace(-np.pi / 2, np.pi / 2, n + 1))
    x, y = (a.ravel() for a in np.meshgrid(line, line, indexing="ij"))
    bulge = ((1 - x**2) * (1 - y**2)) ** 0.45
    pinch = 1 - 0.07 * (1 - np.abs(x) ** 2) * np.abs(y) ** 4
    pinch_y = 1 - 0.07 * (1 - np.abs(y) ** 2) * np.abs(x) ** 4
    flat = np.column_stack([x * width / 2 * pinch_y, y * height / 2 * pinch])
    front = np.column_stack([flat, bulge * depth / 2])
    corner = np.arange(n * n)
    corner = corner // n * (n + 1) + corner % n
    quads = np.stack([corner, corner + n + 1, corner + n + 2, corner + 1], 1)
    faces = np.concatenate([quads[:, :3], quads[:, [0, 2, 3]]])
    both = np.concatenate([front, front * [1, 1, -1]])
    return _welded(Solid(both, np.concatenate([faces, faces[:, ::-1] + len(front)])))


def loft(rings: Sequence[np.ndarray], closed: bool = False) -> Solid:
    """Rings of k points each, (k, 3), joined in order; ends are capped unless ``closed``.

    A ring runs counter-clockwise seen from the side the next ring lies on.
    """
    k, count = len(rings[0]), len(rings)
    vertices = np.concatenate(rings)
    faces = []
    a = np.arange(k)
    b = (a + 1) % k
    for i in range(count if closed else count - 1):
        low, high = i * k, (i + 1) % count * k
        faces += [
            np.stack([low + a, low + b, high + b], 1),
            np.stack([low + a, high + b, high + a], 1),
        ]
    if not closed:
        middles = np.stack([rings[0].mean(0), rings[-1].mean(0)])
        start = len(vertices)
        vertices = np.concatenate([vertices, middles])
        top = (count - 1) * k
        faces += [
            np.stack([b, a, np.full(k, start)], 1),
            np.stack([top + a, top + b, np.full(k, start + 1)], 1),
        ]
    return _welded(Solid(vertices, np.concatenate(faces)))


def lathe(profile: Sequence[tuple[float, float]], sides: int = 24) -> Solid:
    """A profile of (radius, y) turned about the y axis, from the bottom up along the outside.

    A profile that starts and ends on the axis (radius 0) is closed.
    """
    angle = -np.linspace(0, 2 * np.pi, sides, endpoint=False)
    circle = np.stack([np.cos(angle), np.zeros(sides), np.sin(angle)], 1)
    rings = [np.array([max(r, 1e-6), 1, max(r, 1e-6)]) * circle + [0, y, 0] for r, y in profile]
    return loft(rings)


def cylinder(radius: float, height: float, bevel: float = 0.003, sides: int = 24) -> Solid:
    """Standing on y = 0."""
    b = min(bevel, 0.45 * radius, 0.45 * height)
    return lathe(
        [(0, 0), (radius - b, 0), (radius, b), (radius, height - b), (radius - b, height), (0, height)],
        sides,
    )  # fmt: skip


def ellipsoid(width: float, height: float, depth: float, sides: int = 20, rings: int = 12) -> Solid:
    """Centred at the origin."""
    angle = np.linspace(-np.pi / 2, np.pi / 2, rings + 1)
    ball = lathe([(float(np.cos(t)) / 2, float(np.sin(t)) / 2) for t in angle], sides)
    return ball.stretched(width, height, depth)


def section(width: float, depth: float, bevel: float, corner: int = 2) -> np.ndarray:
    """(k, 2) outline of a rounded rectangle, counter-clockwise; round when bevel is half its side."""
    b = min(bevel, 0.499 * min(width, depth))
    points = []
    for i, (sx, sy) in enumerate(((1, 1), (-1, 1), (-1, -1), (1, -1))):
        for t in np.linspace(0, np.pi / 2, corner + 1) + i * np.pi / 2:
            points.append(
                (sx * (width / 2 - b) + b * np.cos(t), sy * (depth / 2 - b) + b * np.sin(t))
            )
    return np.array(points)


def bar(
    start: Sequence[float],
    end: Sequence[float],
    start_size: tuple[float, float],
    end_size: tuple[float, float] | None = None,
    bevel: float = 0.006,
) -> Solid:
    """A straight leg or rail from one point to another, tapering.

    Args:
        start_size, end_size: (width, depth) of the section; a rising bar has its width along x
            and its depth along z.
        bevel: radius of the long edges; half the width makes it round.
    """
    return sweep([start, end], [start_size, end_size or start_size], bevel)


def sweep(
    path: Sequence[Sequence[float]], sizes: Sequence[tuple[float, float]], bevel: float = 0.006
) -> Solid:
    """A bar along a path of points, with the section's (width, depth) at each."""
    points = np.asarray(path, np.float64)
    along = np.gradient(points, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    # The section's width lies along x where it can: rails along x have theirs along z.
    hint = np.array([1.0, 0, 0]) if np.abs(along[:, 0]).max() < 0.9 else np.array([0, 0, 1.0])
    rings = []
    for point, direction, (width, depth) in zip(points, along, sizes, strict=True):
        u = hint - (hint @ direction) * direction
        u /= np.linalg.norm(u)
        v = np.cross(direction, u)
        outline = section(width, depth, bevel)
        rings.append(point + outline[:, :1] * u + outline[:, 1:] * v)
    return loft(rings)


def tube(path: Sequence[Sequence[float]], radius: float, sides: int = 8) -> Solid:
    """A round rod along a path (frames carried along it, so it does not twist)."""
    points = np.asarray(path, np.float64)
    along = np.gradient(points, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    u = np.cross(along[0], [0, 0, 1] if abs(along[0][2]) < 0.9 else [1, 0, 0])
    angle = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    rings = []
    for point, direction in zip(points, along, strict=True):
        u = u - (u @ direction) * direction
        u /= np.linalg.norm(u)
        v = np.cross(direction, u)
        rings.append(point + radius * (np.cos(angle)[:, None] * u + np.sin(angle)[:, None] * v))
    return loft(rings)


def arc(
    centre: Sequence[float], radius: float, start_deg: float, end_deg: float, plane: str, n: int = 9
) -> list[list[float]]:
    """n points of an arc in the plane "xy", "yz" (z to the side, y up) or "xz"."""
    t = np.radians(np.linspace(start_deg, end_deg, n))
    a, b = radius * np.cos(t), radius * np.sin(t)
    zero = np.zeros(n)
    offset = {"xy": (a, b, zero), "yz": (zero, b, a), "xz": (a, zero, b)}[plane]
    return (np.stack(offset, 1) + np.asarray(centre)).tolist()


def leaf(length: float, width: float, droop: float = 0.4, fold: float = 0.25) -> Solid:
    """A leaf that grows along +z from the origin, arching down by ``droop``; both sides shown."""
    n = 5
    t = np.linspace(0, 1, n + 1)
    half = 0.5 * width * np.sin(np.pi * t**0.8) ** 0.8
    z, y = length * t * (1 - 0.25 * droop * t), -droop * length * t**2
    middle = np.stack([np.zeros(n + 1), y, z], 1)
    lift = fold * half
    left = middle + np.stack([-half, lift, np.zeros(n + 1)], 1)
    right = middle + np.stack([half, lift, np.zeros(n + 1)], 1)
    vertices = np.concatenate([left, middle, right])
    a = np.arange(n)
    faces = []
    for i in (0, n + 1):
        p, q, r, s = a + i, a + 1 + i, a + n + 1 + i, a + n + 2 + i
        faces += [np.stack([p, s, r], 1), np.stack([p, q, s], 1)]
    return _welded(Solid(vertices, np.concatenate(faces)))


def _welded(solid: Solid) -> Solid:
    """Vertices at the same place made one, faces that vanish thereby left out."""
    _, first, inverse = np.unique(
        np.round(solid.vertices, 7) + 0.0, axis=0, return_index=True, return_inverse=True
    )
    faces = inverse.reshape(-1)[solid.faces]
    a, b, c = faces.T
    faces = faces[(a != b) & (b != c) & (c != a)]
    return Solid(solid.vertices[first], faces)


def crease_normals(
    vertices: np.ndarray, faces: np.ndarray, crease_deg: float = 38.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices split where the surface bends by more than ``crease_deg``, with their normals.

    Returns:
        (k, 3) vertices, (m, 3) faces, (k, 3) unit normals.
    """
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    area = np.cross(b - a, c - a)
    unit = area / np.maximum(np.linalg.norm(area, axis=1, keepdims=True), 1e-30)
    corner_vertex = faces.ravel()
    corner_face = np.repeat(np.arange(len(faces)), 3)
    order = np.argsort(corner_vertex, kind="stable")
    count = np.bincount(corner_vertex, minlength=len(vertices))
    start = np.concatenate([[0], np.cumsum(count)[:-1]])
    # All pairs of corners that share a vertex.
    mine = np.repeat(np.arange(len(corner_vertex)), count[corner_vertex])
    offset = np.arange(len(mine)) - np.repeat(
        np.cumsum(count[corner_vertex]) - count[corner_vertex], count[corner_vertex]
    )
    other = order[start[corner_vertex[mine]] + offset]
    smooth = (unit[corner_face[mine]] * unit[corner_face[other]]).sum(1) > np.cos(
        np.radians(crease_deg)
    )
    total = np.zeros((len(corner_vertex), 3))
    np.add.at(total, mine[smooth], area[corner_face[other[smooth]]])
    normal = total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-30)
    key = np.column_stack([corner_vertex, np.round(normal * 500)]).astype(np.int64)
    _, first, inverse = np.unique(key, axis=0, return_index=True, return_inverse=True)
    return vertices[corner_vertex[first]], inverse.reshape(-1, 3), normal[first]
