"""Tiny meshes, pictures and files for the mesh tests."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from cast_nodes.mesh import MeshItem
from cast_nodes.mesh_data import Material, MeshData

CUBE_CORNERS = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float)
CUBE_FACES = np.array(
    [
        [0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1],
        [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3],
    ]
)  # fmt: skip


SIDE = Material("side")


def cube(size=(1.0, 1.0, 1.0), materials=(SIDE,), uv=None) -> MeshData:
    """A box from the origin on; its faces share the materials in turn."""
    owner = np.arange(12) * len(materials) // 12
    return MeshData(CUBE_CORNERS * size, CUBE_FACES, owner, tuple(materials), uv)


OBJ = (
    "mtllib box.mtl\n"
    + "".join(f"v {x} {y} {z}\n" for x, y, z in CUBE_CORNERS)
    + "vt 0 0\nvt 1 0\nvt 1 1\n"
    + "usemtl red\n"
    + "".join(
        "f " + " ".join(f"{i + 1}/{k + 1}" for k, i in enumerate(f)) + "\n" for f in CUBE_FACES[:6]
    )
    + "usemtl picture\n"
    + "".join(
        "f " + " ".join(f"{i + 1}/{k + 1}" for k, i in enumerate(f)) + "\n" for f in CUBE_FACES[6:]
    )
)
MTL = "newmtl red\nKd 1 0 0\nnewmtl picture\nKd 1 1 1\nmap_Kd wood.png\n"


def write_sh3f(path: Path, entries: list[dict[str, str]], members: dict[str, bytes]) -> Path:
    """A Sweet Home 3D catalogue."""
    lines = [f"{k}#{i + 1}={v}" for i, entry in enumerate(entries) for k, v in entry.items()]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("PluginFurnitureCatalog.properties", "\n".join(lines).encode("latin-1"))
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def item_of(mask: np.ndarray, colour=(180, 90, 40), label="object", **more) -> MeshItem:
    """A view with a silhouette in one colour (or an (h, w, 3) picture)."""
    rgba = np.zeros((*mask.shape, 4), np.uint8)
    rgba[..., :3] = colour
    rgba[..., 3] = np.where(mask, 255, 0)
    return MeshItem(1, label, rgba, rgba, **more)


def disc(size: int = 80, radius: float = 30.0) -> np.ndarray:
    """(size, size) bool."""
    y, x = np.mgrid[:size, :size] + 0.5
    return (x - size / 2) ** 2 + (y - size / 2) ** 2 < radius**2


def table_mask() -> np.ndarray:
    """(90, 120) bool: a top on four thin legs."""
    mask = np.zeros((90, 120), bool)
    mask[15:25, 10:110] = True
    for x in (14, 38, 80, 103):
        mask[25:84, x : x + 3] = True
    return mask
