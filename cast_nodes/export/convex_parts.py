"""A shape as several convex parts, by CoACD (Wei et al., SIGGRAPH 2022; MIT licence)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import BackendNotReady, CastError
from ..mesh_data import Material, MeshData
from ..physics.hulls import MAX_VERTICES, convex_hull
from ..simplify import clustered

INSTALL = "pip install coacd"
MAX_PARTS = 32
CONCAVITY = 0.05
"""CoACD's threshold: how far parts may bulge past the shape, share of its size."""
MANY_FACES = 20_000
CELLS = 96
"""Larger meshes are thinned to so many cells along their longest side first."""


def load_coacd() -> Any:
    """The package. Raises BackendNotReady with its install line when it is absent."""
    try:
        import coacd
    except ImportError as error:
        raise BackendNotReady(f"convex parts need CoACD: {INSTALL} ({error})") from None
    coacd.set_log_level("error")
    return coacd


def convex_parts(vertices: np.ndarray, faces: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Convex parts that together cover a mesh, each as :func:`~.hulls.convex_hull` gives it.

    Args:
        vertices: (n, 3) float64. faces: (m, 3) int64; the mesh need not be closed.

    Raises:
        BackendNotReady: CoACD is not installed.
        CastError: it cannot take this mesh apart.
    """
    coacd = load_coacd()
    if len(faces) > MANY_FACES:
        none = np.zeros(len(faces), np.int64)
        thin = clustered(MeshData(vertices, faces, none, (Material(),)), CELLS)
        vertices, faces = thin.vertices, thin.faces
    try:
        parts = coacd.run_coacd(
            coacd.Mesh(vertices, faces.astype(np.int32)),
            threshold=CONCAVITY,
            max_convex_hull=MAX_PARTS,
            max_ch_vertex=MAX_VERTICES,
            decimate=True,
            seed=0,
        )
    except Exception as error:  # its C++ core raises what it likes
        raise CastError(f"CoACD gave up ({error})") from None
    made = []
    for corners, _ in parts:
        try:
            made.append(convex_hull(np.asarray(corners, np.float64)))
        except CastError:
            continue  # a sliver of no size
    if not made:
        raise CastError("CoACD found no part")
    return made
