"""Boxes round things, and how far two of them overlap (intersection over union of volumes).

Three kinds, named by what they may turn about: nothing (axis-aligned), the vertical
(gravity-aligned), everything (oriented). A flat box has no volume, so its IoU is 0 unless its
thinnest side is given a thickness; none is given here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import ConvexHull, HalfspaceIntersection, QhullError

FLAT = 1e-9
"""A box thinner than this share of its diagonal has no volume."""

MOST_FACETS = 100
"""Facets of a hull that are tried as a box's side; a rounder thing has some of its own tried."""


@dataclass(frozen=True, eq=False)
class Box:
    """A box.

    Attributes:
        rotation: (3, 3), its columns are the box's axes in the frame.
        centre: (3,).
        size: (3,) full lengths along the axes.
    """

    rotation: np.ndarray
    centre: np.ndarray
    size: np.ndarray

    @property
    def volume(self) -> float:
        return float(np.prod(self.size))

    @property
    def corners(self) -> np.ndarray:
        """(8, 3)."""
        signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
        return self.centre + (signs * self.size / 2) @ self.rotation.T

    @property
    def halfspaces(self) -> np.ndarray:
        """(6, 4) rows (n, d) with n . p + d <= 0 inside."""
        normals = np.concatenate([self.rotation.T, -self.rotation.T])
        return np.column_stack([normals, -(normals @ self.centre) - np.tile(self.size / 2, 2)])


def box_iou(a: np.ndarray, b: np.ndarray) -> float:
    """Of the axis-aligned boxes round (n, 3) and (m, 3) points; 0 where neither has a volume."""
    overlap = np.minimum(a.max(0), b.max(0)) - np.maximum(a.min(0), b.min(0))
    both = np.prod(np.maximum(overlap, 0))
    union = np.prod(np.ptp(a, axis=0)) + np.prod(np.ptp(b, axis=0)) - both
    return float(both / union) if union > 0 else 0.0


def gravity_box(points: np.ndarray) -> Box:
    """The box of least volume round (n, 3) points that stands upright along y.

    One of its sides lies along an edge of the outline seen from above (Freeman & Shapira,
    "Determining the minimum-area encasing rectangle", 1975), so only those are tried.
    """
    low, high = points[:, 1].min(), points[:, 1].max()
    angle, flat_low, flat_high = _least_rectangle(points[:, [0, 2]])
    cos, sin = np.cos(angle), np.sin(angle)
    along, across = np.array([cos, 0, sin]), np.array([-sin, 0, cos])
    middle = (flat_low + flat_high) / 2
    centre = middle[0] * along + middle[1] * across + np.array([0, (low + high) / 2, 0])
    size = np.array([flat_high[0] - flat_low[0], high - low, flat_high[1] - flat_low[1]])
    return Box(np.stack([along, [0, 1, 0], across], 1), centre, size)


def _least_rectangle(points: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Angle, (2,) lowest and (2,) highest extents along the turned axes, of (n, 2) points."""
    try:
        outline = points[ConvexHull(points).vertices]
    except QhullError:  # all on a line, or on a point
        centred = points - points.mean(0)
        outline, edges = points, np.linalg.svd(centred, full_matrices=False)[2][:1]
    else:
        edges = np.roll(outline, -1, 0) - outline
    # Plain axes are tried first, so that an axis-aligned thing has an axis-aligned box.
    angles = np.array([0.0, *np.arctan2(edges[:, 1], edges[:, 0])])
    cos, sin = np.cos(angles), np.sin(angles)
    turned = np.einsum(
        "aij,nj->ani", np.array([[cos, sin], [-sin, cos]]).transpose(2, 0, 1), outline
    )
    low, high = turned.min(1), turned.max(1)
    area = (high - low).prod(1)
    best = int(np.flatnonzero(area <= area.min() * (1 + 1e-9))[0])
    return float(angles[best]), low[best], high[best]


def oriented_box(points: np.ndarray) -> Box:
    """A tight box round (n, 3) points, turned as it likes.

    One side lies along a facet of the convex hull and is the least rectangle in that plane: not
    always the least of all boxes (O'Rourke, 1985), but within a few percent of it.
    """
    try:
        hull = ConvexHull(points)
    except QhullError:
        return gravity_box(points)
    outline = points[hull.vertices]
    normals = np.unique(np.round(hull.equations[:, :3], 6), axis=0)
    if len(normals) > MOST_FACETS:
        normals = normals[:: len(normals) // MOST_FACETS + 1]
    best: Box | None = None
    for normal in (np.array([0.0, 1.0, 0.0]), *normals):
        frame = _frame_with_y(normal / np.linalg.norm(normal))
        local = gravity_box(outline @ frame)
        if best is None or local.volume < best.volume * (1 - 1e-9):
            best = Box(frame @ local.rotation, frame @ local.centre, local.size)
    assert best is not None
    return best


def _frame_with_y(up: np.ndarray) -> np.ndarray:
    """(3, 3) rotation whose second column is ``up``; the identity for y."""
    aside = np.array([1.0, 0, 0]) if abs(up[0]) < 0.9 else np.array([0, 0, 1.0])
    x = aside - (aside @ up) * up
    x /= np.linalg.norm(x)
    return np.stack([x, up, np.cross(x, up)], 1)


def boxes_iou(a: Box, b: Box) -> float:
    """Of two boxes turned as they like, exactly: both are cut by each other's planes."""
    if min(a.volume, b.volume) <= FLAT * max(a.size.max(), b.size.max()) ** 3:
        return 0.0
    both = _common_volume(a, b)
    return both / (a.volume + b.volume - both)


def _common_volume(a: Box, b: Box) -> float:
    planes = np.concatenate([a.halfspaces, b.halfspaces])
    inner = _deepest_point(planes)
    if inner is None:
        return 0.0
    try:
        corners = HalfspaceIntersection(planes, inner).intersections
        return float(ConvexHull(corners[np.isfinite(corners).all(1)]).volume)
    except QhullError:
        return 0.0  # they touch in a sliver without volume


def _deepest_point(planes: np.ndarray) -> np.ndarray | None:
    """The centre of the largest ball within all half-spaces; None when there is none."""
    from scipy.optimize import linprog

    reach = np.linalg.norm(planes[:, :3], axis=1)
    found = linprog(
        [0, 0, 0, -1],
        A_ub=np.column_stack([planes[:, :3], reach]),
        b_ub=-planes[:, 3],
        bounds=[(None, None)] * 3 + [(0, None)],
    )
    return found.x[:3] if found.status == 0 and found.x[3] > 1e-12 else None
