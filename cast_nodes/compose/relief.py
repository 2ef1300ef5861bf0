"""What departs from the room's planes, as a mesh that is cut at depth jumps.

Where neighbouring vertices lie on two surfaces, both surfaces are cut along the jump: each keeps
its part of the cell and goes on there as its own vertices do (marching squares, Lorensen and
Cline 1987, with two depths at each crossing). So no triangle spans a jump and, from the camera,
no gap shows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..frames import Sim3, unproject
from .lattice import Lattice


@dataclass(frozen=True, eq=False)
class Relief:
    """A mesh in the world frame, textured with the plate.

    Attributes:
        vertices: (n, 3) world.
        faces: (m, 3) int64, facing the camera.
        uv: (n, 2); (0, 0) is the plate's top-left corner.
    """

    vertices: np.ndarray
    faces: np.ndarray
    uv: np.ndarray


@dataclass(frozen=True, eq=False)
class Openings:
    """Where the planes are open because the room goes on behind them.

    Attributes:
        whole: (R, C) bool, open cells.
        parts: (row, column, (k, 2) px polygon) of cells that are open in part.
    """

    whole: np.ndarray
    parts: tuple[tuple[int, int, np.ndarray], ...]

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return bool(self.whole.any()) or bool(self.parts)


def make_relief(
    lattice: Lattice, intrinsics: np.ndarray, pose: Sim3, size: tuple[int, int]
) -> tuple[Relief | None, Openings, np.ndarray]:
    """The relief, the planes' openings, and (R, C) bool: cells with relief before the planes.

    Args:
        pose: world from camera.
        size: the plate's (width, height).
    """
    r = lattice.departure
    cut = np.zeros((r.shape[0] - 1, r.shape[1] - 1), bool)
    for part in (
        np.isfinite(lattice.jumps_x[:-1]), np.isfinite(lattice.jumps_x[1:]),
        np.isfinite(lattice.jumps_y[:, :-1]), np.isfinite(lattice.jumps_y[:, 1:]),
    ):  # fmt: skip
        cut |= part
    corners = np.stack([r[:-1, :-1], r[:-1, 1:], r[1:, 1:], r[1:, :-1]], -1)
    shown = (corners != 0).any(-1)
    behind = (corners > 0).any(-1)
    soup = _Soup(lattice)
    soup.add_whole(shown & ~cut)
    whole, parts = behind & ~cut, []
    for row, column in zip(*np.nonzero(shown & cut), strict=True):
        opening = soup.add_cut(int(row), int(column))
        if opening is None:
            continue
        if len(opening):
            parts.append((int(row), int(column), opening))
        else:
            whole[row, column] = True
    front = np.asarray((corners < 0).any(-1) & ~behind)
    openings = Openings(whole, tuple(parts))
    if not soup.faces:
        return None, openings, front
    pixels, depth = np.concatenate(soup.pixels), np.concatenate(soup.depth)
    used, faces = np.unique(np.concatenate(soup.faces), return_inverse=True)
    world = pose.apply(unproject(pixels[used], depth[used], intrinsics))
    return Relief(world, faces.reshape(-1, 3), pixels[used] / list(size)), openings, front


class _Soup:
    """Vertices and faces of the relief; the lattice's vertices come first."""

    def __init__(self, lattice: Lattice) -> None:
        self.lattice = lattice
        self.z = lattice.planes * np.exp(lattice.departure)
        self.pixels: list[np.ndarray] = [lattice.pixels.reshape(-1, 2)]
        self.depth: list[np.ndarray] = [self.z.ravel()]
        self.faces: list[np.ndarray] = []
        self.count = self.z.size

    def add_whole(self, cells: np.ndarray) -> None:
        """Two triangles for each (R, C) cell; the diagonal that spans less depth is straighter."""
        index = np.arange(self.z.size).reshape(self.z.shape)
        a, b = index[:-1, :-1][cells], index[:-1, 1:][cells]
        c, d = index[1:, 1:][cells], index[1:, :-1][cells]
        z = self.z.ravel()
        falling = np.abs(np.log(z[a] / z[c])) <= np.abs(np.log(z[b] / z[d]))
        first = np.where(falling[:, None], np.stack([a, d, c], 1), np.stack([a, d, b], 1))
        second = np.where(falling[:, None], np.stack([a, c, b], 1), np.stack([b, d, c], 1))
        if len(a):
            self.faces += [first, second]

    def add_cut(self, row: int, column: int) -> np.ndarray | None:
        """The parts of a cell that a jump goes through.

        Returns:
            Where the planes are open: (k, 2) px polygon, (0, 2) for the whole cell, or None.
        """
        lattice = self.lattice
        at = [(row, column), (row, column + 1), (row + 1, column + 1), (row + 1, column)]
        places = [
            lattice.jumps_x[row, column], lattice.jumps_y[row, column + 1],
            1 - lattice.jumps_x[row + 1, column], 1 - lattice.jumps_y[row, column],
        ]  # fmt: skip
        z = np.array([self.z[i] for i in at])
        r = np.array([lattice.departure[i] for i in at])
        order = np.argsort(z)
        gap = int(np.diff(np.log(z[order])).argmax())
        near = np.zeros(4, bool)
        near[order[: gap + 1]] = True
        opening: np.ndarray | None = None
        if (r > 0).any():
            opening = np.zeros((0, 2))
        for mine in (near, ~near):
            polygon = self._polygon(at, places, mine)
            if (r[mine] != 0).any():
                self._fan(*polygon)
            far_alone = mine is not near and not (r[near] != 0).any()
            if far_alone and (r[mine] > 0).any():
                opening = polygon[0]
        return opening

    def _polygon(self, at, places, mine) -> tuple[np.ndarray, np.ndarray]:
        """(k, 2) px and (k,) depths, clockwise in the picture, of one surface's part of a cell."""
        lattice = self.lattice
        pixels, depth = [], []
        for k in range(4):
            n = (k + 1) % 4
            (i, j), (p, q) = at[k], at[n]
            here = np.array([lattice.x[j], lattice.y[i]])
            if mine[k]:
                pixels.append(here)
                depth.append(self.z[i, j])
            if mine[k] != mine[n]:
                place = places[k] if np.isfinite(places[k]) else 0.5
                there = np.array([lattice.x[q], lattice.y[p]])
                # It goes on beside the planes as its own vertex does; along a ray of the room
                # inverse depth is linear.
                inverse = (1 - place) / lattice.planes[i, j] + place / lattice.planes[p, q]
                own = lattice.departure[at[k] if mine[k] else at[n]]
                pixels.append(here + place * (there - here))
                depth.append(np.exp(own) / inverse)
        return np.array(pixels), np.array(depth)

    def _fan(self, pixels: np.ndarray, depth: np.ndarray) -> None:
        number = len(pixels)
        if number < 3:
            return
        corner = np.arange(1, number - 1)
        # Clockwise in the picture (y down) becomes a face towards the camera turned round.
        self.faces.append(self.count + np.stack([0 * corner, corner + 1, corner], 1))
        self.pixels.append(pixels)
        self.depth.append(depth)
        self.count += number
