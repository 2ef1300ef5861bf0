"""What the registration benchmark furnishes rooms with: models of a folder and procedural shapes.

Each piece's mesh is as mesh generators make them: centred, longest side 1, so that its true size
is known to the benchmark alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from scipy import ndimage

from cast_nodes.evaluate.samples import surface_samples
from cast_nodes.mesh_data import MeshData, make_glb, read_mesh
from cast_nodes.types import Mesh

from .models import find_folder
from .register_shapes import LARGE, SMALL, make_shape

Shapes = Literal["models", "procedural", "both"]

SMALL_M = 0.59
"""Pieces whose longest side is below this may stand on others."""
LIKELY_M = (0.03, 5.0)
"""Longest sides outside of this are not in metres; such a model is taken for ``UNKNOWN_M``."""
UNKNOWN_M = 0.8
HANGING = "lamp_"
"""Names of models that hang from the ceiling begin so, as in ``furnish``."""
SAMPLES = 6000
CELL_M = 0.025
LEVEL_M = 0.006
"""A piece stands on tops that are level to this."""


@dataclass(frozen=True, eq=False)
class Piece:
    """One thing to place.

    Attributes:
        raw: the mesh in metres, y up, anywhere.
        name: the model's or the shape's.
    """

    raw: MeshData
    name: str

    @cached_property
    def size_m(self) -> np.ndarray:
        """(3,) extents in metres."""
        extents = np.ptp(self.raw.vertices, axis=0)
        return extents * self._metres

    @property
    def _metres(self) -> float:
        longest = float(np.ptp(self.raw.vertices, axis=0).max())
        return 1.0 if LIKELY_M[0] <= longest <= LIKELY_M[1] else UNKNOWN_M / longest

    @property
    def hanging(self) -> bool:
        """It hangs from the ceiling."""
        return self.name.startswith(HANGING)

    @property
    def small(self) -> bool:
        return bool(self.size_m.max() < SMALL_M) and not self.hanging

    @cached_property
    def data(self) -> MeshData:
        """Centred, longest side 1."""
        low, high = self.raw.bounds
        matrix = np.diag([*[1 / (high - low).max()] * 3, 1.0])
        matrix[:3, 3] = -matrix[0, 0] * (low + high) / 2
        return self.raw.moved(matrix)

    @cached_property
    def foot(self) -> np.ndarray:
        """(3,) the middle of the bounding box's bottom, frame of ``data``."""
        low, high = self.data.bounds
        return np.array([(low + high)[0] / 2, low[1], (low + high)[2] / 2])

    @cached_property
    def footprint(self) -> float:
        """Diagonal of the bounding box seen from above, frame of ``data``."""
        return float(np.linalg.norm(np.ptp(self.data.vertices, axis=0)[[0, 2]]))

    @property
    def metres_per_unit(self) -> float:
        """Length in metres of the longest side, which is 1 in ``data``."""
        return float(self.size_m.max())

    @cached_property
    def mesh(self) -> Mesh:
        return Mesh(make_glb(self.data, self.name), self.name, "benchmark")

    @cached_property
    def samples(self) -> np.ndarray:
        """(SAMPLES, 3) points of the surface, frame of ``data``."""
        return surface_samples(self.data, SAMPLES, 7)[0]

    @cached_property
    def top(self) -> Top:
        return find_top(self.data, CELL_M / self.metres_per_unit)


@dataclass(frozen=True, eq=False)
class Top:
    """The upper side of a piece as a grid over x and z, frame of ``Piece.data``.

    Attributes:
        corner: (2,) x, z of the grid's first corner.
        cell: side of a cell.
        height: (nx, nz) highest y of each cell, NaN where nothing is or where it is not level.
    """

    corner: np.ndarray
    cell: float
    height: np.ndarray

    def spots(self, radius: float, tolerance: float) -> tuple[np.ndarray, np.ndarray]:
        """Where a thing of a radius can stand: (k, 2) x, z and (k,) y; all in ``data``'s frame."""
        size = 2 * int(np.ceil(radius / self.cell)) + 1
        filled = np.nan_to_num(self.height, nan=-np.inf)
        low = ndimage.minimum_filter(filled, size, mode="constant", cval=-np.inf)
        high = ndimage.maximum_filter(filled, size, mode="constant", cval=-np.inf)
        with np.errstate(invalid="ignore"):
            level = np.isfinite(low) & (high - low < tolerance)
        index = np.argwhere(level)
        return self.corner + (index + 0.5) * self.cell, high[level]


def find_top(data: MeshData, cell: float) -> Top:
    """The topmost surface of each cell where that is level."""
    width, depth = (float(v) for v in np.ptp(data.vertices, axis=0)[[0, 2]])
    count = int(np.clip(60 * width * depth / cell**2, 4e3, 2e5))
    points, normals = surface_samples(data, count, 3)
    corner = data.bounds[0][[0, 2]]
    shape = max(1, int(np.ceil(width / cell))), max(1, int(np.ceil(depth / cell)))
    index = np.minimum(((points[:, [0, 2]] - corner) / cell).astype(int), np.array(shape) - 1)
    flat = np.ravel_multi_index((index[:, 0], index[:, 1]), shape)
    highest = np.full(shape[0] * shape[1], -np.inf)
    np.maximum.at(highest, flat, points[:, 1])
    level = np.abs(normals[:, 1]) > 0.98
    sheet = np.full(shape[0] * shape[1], -np.inf)
    np.maximum.at(sheet, flat[level], points[level, 1])
    good = np.isfinite(sheet) & (sheet >= highest - 0.1 * cell)
    return Top(corner, cell, np.where(good, sheet, np.nan).reshape(shape))


@dataclass(frozen=True, eq=False)
class Stock:
    """Where pieces come from.

    Attributes:
        models: of the folder; empty for procedural shapes alone.
        procedural: share of the pieces that are made in code.
    """

    models: tuple[Piece, ...]
    procedural: float

    def pick(self, rng: np.random.Generator, large: int, small: int) -> list[Piece]:
        """Some pieces for a room, the large ones first; a model comes once while they last."""
        return [
            *self._some(rng, large, [m for m in self.models if not m.small], LARGE),
            *self._some(rng, small, [m for m in self.models if m.small], SMALL),
        ]

    def _some(self, rng: np.random.Generator, count: int, models: list[Piece], makers) -> list:
        share = self.procedural if models else 1.0
        order = iter(np.tile(rng.permutation(len(models)), 1 + count // max(1, len(models))))
        out = []
        for _ in range(count):
            if rng.random() >= share:
                out.append(models[next(order)])
            else:
                maker = makers[rng.integers(len(makers))]
                out.append(Piece(make_shape(maker, rng), maker.__name__))
        return out


def load_stock(shapes: Shapes, folder: str | None) -> Stock:
    """The stock of a choice; the folder is the one given, else ``CAST_BENCH_MESHES``, else
    ``shared/meshes`` beside the repository.

    Raises:
        SystemExit: models are asked for and there are none; says how to name a folder.
    """
    if shapes == "procedural":
        return Stock((), 1.0)
    found = find_folder(folder, "meshes", "CAST_BENCH_MESHES")
    files = sorted(found.glob("*.glb")) if found else []
    if not files:
        raise SystemExit(
            f"no .glb in {found or 'shared/meshes beside the repository'}: give a folder "
            "(--meshes or CAST_BENCH_MESHES) or take --shapes procedural"
        )
    return Stock(load_pieces(files), 0.5 if shapes == "both" else 0.0)


def load_pieces(files: Sequence[Path]) -> tuple[Piece, ...]:
    """A piece of each GLB file."""
    return tuple(Piece(read_mesh(Mesh(f.read_bytes(), f.stem)), f.stem) for f in files)
