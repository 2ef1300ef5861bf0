"""What is exported: a composed scene, from a run folder or from memory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import BadInput, CastError
from ..frames import Sim3
from ..gltf import Gltf, join_glb, node_matrix, open_glb
from ..types import Scene

CAMERA = "photo_camera"
ROOM = "room"
_AGAIN = "cast run FOLDER --only compose makes both anew"


@dataclass(frozen=True, eq=False)
class ExportObject:
    """One object that stands in the scene.

    Attributes:
        node: its name in scene.glb, unique there.
        root: index of that node.
        world_from_object: (4, 4) float64; the object frame is that of the node's children.
        supported_by: id of another object, "floor", "wall", "ceiling" or None.
        fit: numbers, as in scene.json.
    """

    id: int
    label: str
    score: float
    node: str
    root: int
    world_from_object: np.ndarray
    supported_by: int | str | None = None
    fit: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class ExportScene:
    """A scene's GLB with what scene.json tells about it, checked against each other.

    Attributes:
        name: for titles.
        glb: the scene in the world frame (y up).
        gltf: the same, opened.
        room: index of the node "room", or None.
        intrinsics: (3, 3) of the photo of ``width`` x ``height`` pixels.
        clip: nearest and farthest distance that the camera shows.
        metric: lengths are metres; otherwise their unit is not known.
        missing: objects that are not in the scene, as (id, label, reason).
        strangers: top nodes of the GLB that scene.json does not name; they are not exported.
    """

    name: str
    glb: bytes = field(repr=False)
    gltf: Gltf = field(repr=False)
    objects: tuple[ExportObject, ...]
    room: int | None
    world_from_camera: Sim3
    intrinsics: np.ndarray
    width: int
    height: int
    clip: tuple[float, float]
    metric: bool
    missing: tuple[tuple[int, str, str], ...] = ()
    strangers: tuple[str, ...] = ()

    @cached_property
    def unposed_glb(self) -> bytes:
        """The same GLB with each object at the origin, in its object frame."""
        document = json.loads(json.dumps(self.gltf.document))
        for item in self.objects:
            for name in ("matrix", "translation", "rotation", "scale"):
                document["nodes"][item.root].pop(name, None)
        return join_glb(document, self.gltf.buffers[0] if self.gltf.buffers else b"")


def scene_from_folder(folder: Path) -> ExportScene:
    """The scene of a run folder, from its scene.glb and scene.json.

    Raises:
        BadInput: a file is missing, damaged, or the two do not belong together.
    """
    for name in ("scene.glb", "scene.json"):
        if not (folder / name).is_file():
            raise BadInput(f"{folder / name} is missing; cast run FOLDER makes it")
    path = folder / "scene.json"
    try:
        description = json.loads(path.read_text(encoding="utf-8-sig"))
        glb = (folder / "scene.glb").read_bytes()
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} cannot be read: {error}") from None
    return scene_from_parts(glb, description, folder.resolve().name, str(folder / "scene"))


def scene_in_memory(scene: Scene) -> ExportScene:
    """The scene of socket CAST_SCENE. Raises BadInput as :func:`scene_from_folder`."""
    name = scene.objects.photo.name
    return scene_from_parts(scene.glb, scene.description, name, "scene")


def scene_from_parts(
    glb: bytes, description: Mapping[str, Any], name: str, where: str
) -> ExportScene:
    """A scene from the content of scene.glb and scene.json.

    Args:
        where: path without ending, for messages.

    Raises:
        BadInput: one of them is damaged, or they do not belong together.
    """
    try:
        gltf = open_glb(glb, f"{where}.glb")
        nodes: list[dict[str, Any]] = gltf.document.get("nodes", [])
        roots = {str(nodes[i].get("name", "")): int(i) for i in _roots(gltf.document)}
    except CastError as error:
        raise BadInput(str(error)) from None
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise BadInput(f"{where}.glb is damaged ({error!r}); {_AGAIN}") from None
    objects: list[ExportObject] = []
    missing: list[tuple[int, str, str]] = []
    try:
        for entry in description["objects"]:
            known = int(entry["id"]), str(entry.get("label", "object"))
            if not entry.get("node"):
                missing.append((*known, str(entry.get("failure") or "not placed")))
                continue
            if entry["node"] not in roots:
                raise BadInput(
                    f"{where}.json names the node {entry['node']!r}, which scene.glb has not; {_AGAIN}"
                )
            root = roots[entry["node"]]
            matrix = node_matrix(nodes[root])
            if not np.isfinite(matrix).all() or np.linalg.det(matrix[:3, :3]) == 0:
                raise BadInput(f"{where}.glb: {entry['node']} has no usable pose; {_AGAIN}")
            objects.append(
                ExportObject(
                    *known,
                    score=float(entry.get("score") or 0.0),
                    node=str(entry["node"]),
                    root=root,
                    world_from_object=matrix,
                    supported_by=entry.get("supported_by"),
                    fit=dict(entry.get("fit") or {}),
                )
            )
        pose = Sim3.from_matrix(np.array(description["world_from_camera"], np.float64))
        intrinsics = np.array(description["intrinsics"], np.float64).reshape(3, 3)
        width, height = int(description["width"]), int(description["height"])
        if not (min(width, height) > 0 and min(intrinsics[0, 0], intrinsics[1, 1]) > 0):
            raise ValueError("the photo's size and focal length must be positive")
        metric = bool(description.get("metric", False))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"{where}.json cannot be used ({error!r}); {_AGAIN}") from None
    known_names = {item.node for item in objects} | {ROOM, CAMERA}
    return ExportScene(
        name=name,
        glb=glb,
        gltf=gltf,
        objects=tuple(objects),
        room=roots.get(ROOM),
        world_from_camera=pose,
        intrinsics=intrinsics,
        width=width,
        height=height,
        clip=_clip(gltf.document),
        metric=metric,
        missing=tuple(missing),
        strangers=tuple(n for n in roots if n not in known_names),
    )


def _roots(document: Mapping[str, Any]) -> list[int]:
    scenes = document.get("scenes", [])
    return scenes[document.get("scene", 0)].get("nodes", []) if scenes else []


def _clip(document: Mapping[str, Any]) -> tuple[float, float]:
    """The photo camera's clipping distances; those of a large room where it has none."""
    for camera in document.get("cameras", []):
        seen = camera.get("perspective", {}) if camera.get("name") == CAMERA else {}
        if 0 < seen.get("znear", 0) < seen.get("zfar", 0):
            return float(seen["znear"]), float(seen["zfar"])
    return 0.01, 1000.0
