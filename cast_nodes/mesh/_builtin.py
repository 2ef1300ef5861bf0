"""The pack's own parametric shapes, as a catalogue."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..mesh_data import MeshData
from . import _decor, _seating, _smallware, _storage, _tables
from ._parts import Shape, Size, assembled
from ._silhouettes import descriptor

SHAPES: tuple[Shape, ...] = (
    *_seating.SHAPES,
    *_tables.SHAPES,
    *_storage.SHAPES,
    *_decor.SHAPES,
    *_smallware.SHAPES,
)

GENERIC = ("box", "bin", "ball", "vase", "bowl", "book", "basket")
"""Labels whose shapes are plain enough to stand for a thing that nobody has named."""


@lru_cache(maxsize=256)
def built(index: int, size: Size) -> MeshData:
    """Shape ``SHAPES[index]`` in a size, in metres."""
    return assembled(SHAPES[index].build(*size), size)


@lru_cache(maxsize=512)
def silhouettes(index: int, size: Size) -> np.ndarray:
    """Its descriptor."""
    return descriptor(built(index, size))
