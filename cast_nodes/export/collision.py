"""Collision shapes: per object one convex hull, or several convex parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..errors import CastError
from ..gltf_merge import GlbBuilder
from ..mesh_data import Material, MeshData, make_glb
from ..physics.hulls import convex_hull
from .convex_parts import convex_parts, load_coacd
from .primitives import triangles_below
from .source import ExportObject, ExportScene

Collision = Literal["hull", "parts"]
_PLAIN = Material("collision", (0.2, 0.6, 0.3, 1.0))


@dataclass(frozen=True, eq=False)
class Shape:
    """One convex piece in its object's frame: (n, 3) float64 vertices, (m, 3) int64 faces."""

    name: str
    vertices: np.ndarray
    faces: np.ndarray


def collision_shapes(
    scene: ExportScene,
    kind: Collision,
    each: Callable[[str], None] = lambda name: None,
) -> tuple[dict[int, tuple[Shape, ...]], list[str]]:
    """The collision shapes of all objects, by id, and sentences on what went otherwise.

    Args:
        kind: "hull": one convex hull each; "parts": several convex parts (CoACD).
        each: called with an object's name before its turn; may raise to stop.

    Raises:
        BackendNotReady: "parts" without CoACD.
    """
    if kind == "parts":
        load_coacd()
    made: dict[int, tuple[Shape, ...]] = {}
    notes: list[str] = []
    for item in scene.objects:
        each(item.node)
        try:
            vertices, faces = triangles_below(scene.gltf, item.root, item.node)
            shapes = [(f"{item.node}_hull", *convex_hull(vertices))]
        except CastError as error:
            notes.append(f"{item.node} has no collision shape: {error}.")
            continue
        if kind == "parts":
            try:
                parts = convex_parts(vertices, faces)
                shapes = [(f"{item.node}_part_{i:02}", v, f) for i, (v, f) in enumerate(parts)]
            except CastError as error:
                notes.append(f"{item.node} collides as its convex hull: {error}.")
        made[item.id] = tuple(Shape(*shape) for shape in shapes)
    return made, notes


def collision_glb(item: ExportObject, shapes: Sequence[Shape]) -> bytes:
    """One object's shapes in its object frame, a node each."""
    builder = GlbBuilder()
    return builder.build(_nodes(builder, shapes), item.node)


def collision_scene_glb(scene: ExportScene, shapes: Mapping[int, Sequence[Shape]]) -> bytes:
    """All shapes where the objects stand, below nodes of the objects' names."""
    builder = GlbBuilder()
    roots = []
    for item in scene.objects:
        if item.id in shapes:
            pose = [float(v) for v in item.world_from_object.T.ravel()]
            below = _nodes(builder, shapes[item.id])
            roots.append(builder.add_node(item.node, below, {"id": item.id}, matrix=pose))
    return builder.build(roots, "collision")


def _nodes(builder: GlbBuilder, shapes: Sequence[Shape]) -> list[int]:
    found = []
    for shape in shapes:
        none = np.zeros(len(shape.faces), np.int64)
        data = MeshData(shape.vertices, shape.faces, none, (_PLAIN,))
        found += builder.add_glb(make_glb(data, shape.name), shape.name)
    return found
