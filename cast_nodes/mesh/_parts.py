"""Parts with roles, and built-in shapes made of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..mesh_data import Material, MeshData
from ._solids import Solid, crease_normals, merged

Colour = tuple[int, int, int]

WOOD: Colour = (158, 118, 82)
DARK_WOOD: Colour = (96, 68, 48)
FABRIC: Colour = (150, 148, 142)
LEATHER: Colour = (92, 62, 46)
METAL: Colour = (120, 120, 122)
BLACK: Colour = (38, 38, 40)
WHITE: Colour = (226, 223, 216)
CERAMIC: Colour = (205, 196, 184)
LEAF: Colour = (70, 110, 58)
SOIL: Colour = (70, 52, 40)
PAPER: Colour = (222, 214, 198)
SCREEN: Colour = (24, 26, 30)
CARDBOARD: Colour = (182, 148, 106)


@dataclass(frozen=True, eq=False)
class Part:
    """Solids of one material.

    Attributes:
        role: what it is; parts of one role share one colour ("seat", "legs").
        colour: sRGB 0..255, used where the photo does not tell.
        double_sided: a sheet without thickness.
    """

    role: str
    solid: Solid
    colour: Colour
    roughness: float = 0.75
    double_sided: bool = False


Size = tuple[float, float, float]
"""Width, height, depth in metres."""


@dataclass(frozen=True, eq=False)
class Shape:
    """A kind of thing that can be built in several proportions.

    Attributes:
        name: for people ("round pedestal table").
        labels: canonical labels it answers to, best first.
        build: its parts for a size, standing on y = 0, centred in x and z, front towards +z.
        sizes: usual sizes, most usual first.
    """

    name: str
    labels: tuple[str, ...]
    build: Callable[[float, float, float], Sequence[Part]]
    sizes: tuple[Size, ...]


def assembled(parts: Sequence[Part], size: Size) -> MeshData:
    """The parts as one mesh that fills ``size`` exactly: centred in x and z, on y = 0.

    Raises:
        ValueError: the parts' own extent is far from ``size``: the builder is wrong.
    """
    roles = list(dict.fromkeys(p.role for p in parts))
    vertices, faces, normals, owner, materials = [], [], [], [], []
    start = 0
    for index, role in enumerate(roles):
        mine = [p for p in parts if p.role == role]
        solid = merged([p.solid for p in mine])
        v, f, n = crease_normals(solid.vertices, solid.faces)
        vertices.append(v)
        faces.append(f + start)
        normals.append(n)
        owner.append(np.full(len(f), index, np.int64))
        start += len(v)
        plain = Material.coloured(mine[0].colour, role, mine[0].roughness)
        materials.append(
            Material(
                role, plain.base_colour, roughness=plain.roughness,
                double_sided=mine[0].double_sided,
            )
        )  # fmt: skip
    data = MeshData(
        np.concatenate(vertices),
        np.concatenate(faces),
        np.concatenate(owner),
        tuple(materials),
        normals=np.concatenate(normals),
    )
    low, high = data.bounds
    factor = np.asarray(size) / (high - low)
    if not ((factor > 0.6) & (factor < 1.7)).all():
        raise ValueError(f"built {np.round(high - low, 3)} m where {size} m was asked for")
    matrix = np.diag([*factor, 1.0])
    matrix[:3, 3] = -factor * [(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2]
    return data.moved(matrix)
