"""The objects of a GLB scene: which nodes they are, their triangles, their poses, the camera.

An object is a node at the first level of the scene where there are several; wrappers round
everything (one node without a mesh of its own) are passed through. A node "room", or one whose
name begins with "room/", is the room and no object.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import CastError
from ..frames import CAMERA_FROM_GLTF_CAMERA, Sim3
from ..gltf import join_glb, node_matrix, refuse_compressed, split_glb
from ..mesh_data import MeshData, read_glb

CAMERA = "photo_camera"


@dataclass(frozen=True, eq=False)
class GlbObject:
    """One object.

    Attributes:
        name: its node's; "node 3" when it has none.
        data: its triangles in the node's frame; in the scene's where the node's matrix is no
            similarity (stretched, sheared or mirrored).
        scene_from_object: the node's pose, or the identity in that case.
        extras: what the file says about it.
    """

    name: str
    data: MeshData
    scene_from_object: Sim3
    extras: dict[str, Any]


@dataclass(frozen=True, eq=False)
class GlbCamera:
    """The photo's camera as this pack's scenes keep it."""

    scene_from_camera: Sim3
    intrinsics: np.ndarray
    width: int
    height: int


@dataclass(frozen=True, eq=False)
class GlbScene:
    """What a GLB holds."""

    objects: tuple[GlbObject, ...]
    room: tuple[MeshData, ...]
    camera: GlbCamera | None


def read_glb_scene(glb: bytes, name: str) -> GlbScene:
    """Objects, room and camera of a GLB.

    Raises:
        CastError: it cannot be read, is compressed, or holds no object; starts with ``name``.
    """
    document, binary = split_glb(glb, name)
    refuse_compressed(document, name)
    try:
        found, camera = _levels(document), _camera(document)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise CastError(f"{name} is damaged ({error!r}); export it again") from error
    shapes = _without_looks(document)
    objects, room = [], []
    for index, matrix in found:
        node = document["nodes"][index]
        title = str(node.get("name") or f"node {index}")
        in_room = title == "room" or title.startswith("room/")
        pose = None if in_room else _similarity(matrix)
        root = matrix if pose is None else np.eye(4)
        try:
            data = read_glb(_subtree(shapes, binary, index, root), f"{name}, node {title!r}")
        except CastError:
            continue  # a node without faces: a camera, a lamp, an empty
        if in_room:
            room.append(data)
        else:
            extras = node.get("extras")
            kept = dict(extras) if isinstance(extras, dict) else {}
            objects.append(GlbObject(title, data, pose or Sim3.identity(), kept))
    if not objects:
        raise CastError(f"{name} holds no object with faces, so there is nothing to compare")
    return GlbScene(tuple(objects), tuple(room), camera)


def _roots(document: dict[str, Any]) -> list[int]:
    nodes, scenes = document.get("nodes", []), document.get("scenes", [])
    if scenes:
        return [int(i) for i in scenes[document.get("scene", 0)].get("nodes", [])]
    children = {c for node in nodes for c in node.get("children", [])}
    return [i for i in range(len(nodes)) if i not in children]


def _levels(document: dict[str, Any]) -> list[tuple[int, np.ndarray]]:
    """The nodes of the first level with several, and the (4, 4) scene-from-node of each."""
    nodes = document.get("nodes", [])
    level = [(i, node_matrix(nodes[i])) for i in _roots(document)]
    for _ in nodes:  # as deep as there are nodes: a cycle ends
        solid = [(i, m) for i, m in level if _holds_mesh(nodes, i)]
        if len(solid) != 1 or "mesh" in nodes[solid[0][0]]:
            return level
        index, matrix = solid[0]
        children = nodes[index].get("children", [])
        below = [i for i in children if _holds_mesh(nodes, i)]
        if len(below) == 1 and nodes[index].get("extras"):
            return level  # an object that says something of itself is no wrapper
        level = [(int(i), matrix @ node_matrix(nodes[i])) for i in children]
    return level


def _holds_mesh(nodes: list[dict[str, Any]], index: int, depth: int = 0) -> bool:
    node = nodes[index]
    if "mesh" in node or depth > len(nodes):
        return "mesh" in node
    return any(_holds_mesh(nodes, int(i), depth + 1) for i in node.get("children", []))


def _similarity(matrix: np.ndarray) -> Sim3 | None:
    try:
        return Sim3.from_matrix(matrix)
    except ValueError:
        return None


def _without_looks(document: dict[str, Any]) -> dict[str, Any]:
    """The document with shapes alone: materials and pictures are not decoded for measuring."""
    kept = {k: v for k, v in document.items() if k not in ("materials", "textures", "images")}
    kept["meshes"] = [
        {
            "primitives": [
                {
                    **{k: v for k, v in p.items() if k in ("indices", "mode")},
                    "attributes": {
                        k: v for k, v in p.get("attributes", {}).items() if k == "POSITION"
                    },
                }
                for p in mesh.get("primitives", [])
            ]
        }
        for mesh in document.get("meshes", [])
    ]
    return kept


def _subtree(document: dict[str, Any], binary: bytes, index: int, root: np.ndarray) -> bytes:
    """A GLB of one node with ``root`` as its matrix."""
    nodes = list(document["nodes"])
    own = {k: v for k, v in nodes[index].items() if k in ("mesh", "children")}
    nodes[index] = own | {"matrix": [float(v) for v in root.T.ravel()]}
    return join_glb(
        {**document, "nodes": nodes, "scene": 0, "scenes": [{"nodes": [index]}]}, binary
    )


def _camera(document: dict[str, Any]) -> GlbCamera | None:
    nodes = document.get("nodes", [])
    for index in _roots(document):
        node = nodes[index]
        extras = node.get("extras")
        if node.get("name") != CAMERA or not isinstance(extras, dict) or "intrinsics" not in extras:
            continue
        pose = Sim3.from_matrix(node_matrix(node))
        return GlbCamera(
            Sim3(pose.rotation @ CAMERA_FROM_GLTF_CAMERA, pose.translation, pose.scale),
            np.asarray(extras["intrinsics"], np.float64).reshape(3, 3),
            int(extras["width"]),
            int(extras["height"]),
        )
    return None
