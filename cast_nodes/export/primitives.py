"""What hangs below one node of a glTF, with all that its materials need, as arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import CastError
from ..gltf import Gltf, node_matrix, read_accessor
from ..mesh_data import triangle_corners

_DAMAGE = (ValueError, KeyError, IndexError, TypeError, OverflowError, AttributeError)


@dataclass(frozen=True)
class UvSource:
    """Texture coordinates as one texture wants them: a set, and KHR_texture_transform's numbers."""

    index: int = 0
    offset: tuple[float, float] = (0.0, 0.0)
    scale: tuple[float, float] = (1.0, 1.0)
    rotation: float = 0.0

    @staticmethod
    def of(info: Mapping[str, Any]) -> UvSource:
        """The source that a glTF textureInfo asks for."""
        moved = info.get("extensions", {}).get("KHR_texture_transform", {})
        u, v = (float(x) for x in moved.get("offset", (0, 0)))
        a, b = (float(x) for x in moved.get("scale", (1, 1)))
        index = int(moved.get("texCoord", info.get("texCoord", 0)))
        return UvSource(index, (u, v), (a, b), float(moved.get("rotation", 0.0)))

    def apply(self, uv: np.ndarray) -> np.ndarray:
        """(n, 2) of the set to (n, 2) in the picture: scale, then rotation, then offset."""
        c, s = np.cos(self.rotation), np.sin(self.rotation)
        return (uv * self.scale) @ np.array([[c, s], [-s, c]]).T + self.offset


@dataclass(frozen=True, eq=False)
class Primitive:
    """Triangles of one material below a node, in that node's frame.

    Attributes:
        name: of its glTF node.
        points: (n, 3) float64, finite, each used.
        faces: (m, 3) int64, m > 0.
        normals: (n, 3) float64 unit, or None.
        colours: (n, 4) float64 linear, or None.
        uv: (n, 2) float64 by number of the set; (0, 0) is the picture's top left corner.
        material: index in the document, or None.
    """

    name: str
    points: np.ndarray
    faces: np.ndarray
    normals: np.ndarray | None
    colours: np.ndarray | None
    uv: Mapping[int, np.ndarray] = field(default_factory=dict)
    material: int | None = None


def primitives_below(gltf: Gltf, root: int, name: str) -> list[Primitive]:
    """The triangles below a node, in its own frame (its transform is left out).

    Points and lines are left out, as are faces that are not finite. Skins and morph targets are
    taken at rest.

    Raises:
        CastError: the document is damaged; the message starts with ``name``.
    """
    try:
        with np.errstate(invalid="ignore", over="ignore"):
            return [
                made
                for title, mesh, matrix in _meshes_below(gltf, root)
                for primitive in mesh.get("primitives", [])
                if (made := _primitive(gltf, primitive, matrix, title)) is not None
            ]
    except _DAMAGE as error:
        raise CastError(f"{name} is damaged ({error}); export it again") from None


def vertices_below(gltf: Gltf, root: int, name: str) -> np.ndarray:
    """(n, 3) float64, all vertices below a node in its own frame.

    Raises:
        CastError: damaged, or without a face.
    """
    found = primitives_below(gltf, root, name)
    if not found:
        raise CastError(f"{name} has no faces")
    return np.concatenate([p.points for p in found])


def triangles_below(gltf: Gltf, root: int, name: str) -> tuple[np.ndarray, np.ndarray]:
    """(n, 3) float64 vertices and (m, 3) int64 faces below a node, as one mesh in its frame.

    Raises:
        CastError: as :func:`vertices_below`.
    """
    found = primitives_below(gltf, root, name)
    if not found:
        raise CastError(f"{name} has no faces")
    starts = np.cumsum([0, *(len(p.points) for p in found[:-1])])
    faces = [p.faces + start for p, start in zip(found, starts, strict=True)]
    return np.concatenate([p.points for p in found]), np.concatenate(faces)


def _meshes_below(gltf: Gltf, root: int) -> Iterator[tuple[str, dict[str, Any], np.ndarray]]:
    nodes = gltf.document["nodes"]
    visited: set[int] = set()  # the format has a tree: a node met twice is damage
    stack = [(root, np.eye(4))]
    while stack:
        index, matrix = stack.pop()
        if index in visited:
            continue
        visited.add(index)
        node = nodes[index]
        if index != root:
            matrix = matrix @ node_matrix(node)
        if "mesh" in node:
            yield str(node.get("name", "mesh")), gltf.document["meshes"][node["mesh"]], matrix
        stack.extend((int(child), matrix) for child in reversed(node.get("children", [])))


def _primitive(
    gltf: Gltf, primitive: Mapping[str, Any], matrix: np.ndarray, name: str
) -> Primitive | None:
    attributes, mode = primitive.get("attributes", {}), primitive.get("mode", 4)
    linear = matrix[:3, :3]
    if mode not in (4, 5, 6) or "POSITION" not in attributes or np.linalg.det(linear) == 0:
        return None
    points = read_accessor(gltf, attributes["POSITION"]).astype(np.float64)
    indices = np.arange(len(points))
    if "indices" in primitive:
        indices = read_accessor(gltf, primitive["indices"])[:, 0].astype(np.int64)
    faces = triangle_corners(indices, mode)
    if np.linalg.det(linear) < 0:
        faces = faces[:, ::-1]
    points = points @ linear.T + matrix[:3, 3]
    sound = np.isfinite(points).all(1)
    differ = (np.diff(np.sort(faces, 1), axis=1) > 0).all(1)
    faces = faces[sound[faces].all(1) & differ]
    if not len(faces):
        return None
    used, renumbered = np.unique(faces, return_inverse=True)

    def attribute(which: str) -> np.ndarray | None:
        if which not in attributes:
            return None
        values = read_accessor(gltf, attributes[which]).astype(np.float64)
        return np.nan_to_num(values[used], posinf=0.0, neginf=0.0)

    normals = attribute("NORMAL")
    if normals is not None:
        normals = normals @ np.linalg.inv(linear)
        length = np.linalg.norm(normals, axis=1, keepdims=True)
        normals = normals / length if (length > 1e-12).all() else None
    colours = attribute("COLOR_0")
    if colours is not None and colours.shape[1] == 3:
        colours = np.concatenate([colours, np.ones((len(colours), 1))], 1)
    sets = {int(k[9:]) for k in attributes if k.startswith("TEXCOORD_") and k[9:].isdigit()}
    uv = {index: attribute(f"TEXCOORD_{index}") for index in sorted(sets)}
    return Primitive(
        name,
        points[used],
        renumbered.reshape(-1, 3),
        normals,
        colours,
        {index: values for index, values in uv.items() if values is not None},
        primitive.get("material"),
    )
