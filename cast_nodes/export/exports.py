"""A scene's exports as files in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from ..compose.assemble import node_name
from .collision import Collision, Shape, collision_glb, collision_scene_glb, collision_shapes
from .draco import compressed, load_draco
from .object_list import object_list
from .parts import canonical_glb, posed_glb, room_glb
from .source import ExportScene
from .usd import UpAxis, UsdExport, usd_export, usdz_package
from .usd_library import require_usd

LIST = "export/object_list.json"
FOLDERS = {
    "objects": ("export/posed/", "export/canonical/"),
    "collision": ("export/collision/",),
    "usd": ("textures/",),
}
"""Folders that belong to one kind of export wholly, so that what is stale there can go."""


@dataclass(frozen=True)
class Wanted:
    """What to export. The object list always comes along.

    Attributes:
        usd: scene.usdc with its textures beside it.
        usdz: the same in one file.
        objects: a GLB per object, posed and canonical, and one of the room.
        collision: "hull" or "parts" per object; also in the USD.
        draco: the scene's GLB with compressed geometry.
        up: the USD stage's up axis (a GLB is always y up).
    """

    usd: bool = False
    usdz: bool = False
    objects: bool = False
    collision: Collision | Literal[""] = ""
    draco: bool = False
    up: UpAxis = "y"

    def require(self) -> None:
        """Raises BackendNotReady for a package that is missing, before anything is done."""
        if self.usd or self.usdz:
            require_usd()
        if self.collision == "parts":
            from .convex_parts import load_coacd

            load_coacd()
        if self.draco:
            load_draco()

    @property
    def kinds(self) -> tuple[str, ...]:
        """Which of :data:`FOLDERS` are made anew."""
        made = {"objects": self.objects, "collision": bool(self.collision), "usd": self.usd}
        return tuple(kind for kind, wanted in made.items() if wanted)


@dataclass(frozen=True, eq=False)
class Exports:
    """Files by path, relative to where they go, and sentences for the user."""

    files: Mapping[str, bytes] = field(repr=False)
    notes: tuple[str, ...] = ()


def make_exports(
    scene: ExportScene, wanted: Wanted, each: Callable[[str], None] = lambda name: None
) -> Exports:
    """The files of all that is wanted.

    Args:
        each: called with the name of what comes next; may raise to stop.

    Raises:
        BackendNotReady: an optional package is missing; the message holds its install line.
        CastError: the scene's GLB is damaged.
    """
    wanted.require()
    files: dict[str, bytes] = {}
    notes = [f"{name} is not in scene.json and is not exported." for name in scene.strangers]
    paths: dict[int, dict[str, str]] = {item.id: {} for item in scene.objects}
    stems = {item.id: node_name(item.label, item.id) for item in scene.objects}

    def add(object_id: int, kind: str, content: bytes) -> None:
        paths[object_id][kind] = f"{kind}/{stems[object_id]}.glb"
        files[f"export/{kind}/{stems[object_id]}.glb"] = content

    if wanted.objects:
        for item in scene.objects:
            each(item.node)
            add(item.id, "posed", posed_glb(scene, item))
            add(item.id, "canonical", canonical_glb(scene, item))
        if room := room_glb(scene):
            files["export/room.glb"] = room
    shapes: dict[int, tuple[Shape, ...]] = {}
    if wanted.collision:
        shapes, troubles = collision_shapes(scene, wanted.collision, each)
        notes += troubles
        for item in scene.objects:
            if item.id in shapes:
                add(item.id, "collision", collision_glb(item, shapes[item.id]))
        files["export/collision.glb"] = collision_scene_glb(scene, shapes)
    made = None
    if wanted.usd or wanted.usdz:
        each("scene.usd")
        made = usd_export(scene, wanted.up, shapes)
        notes += made.notes
        files |= _usd_files(made, wanted)
    if wanted.draco:
        each("scene.draco.glb")
        files["export/scene.draco.glb"] = compressed(scene.glb)
    listed = object_list(scene, paths, made.prims if made else {})
    files[LIST] = json.dumps(listed, indent=1, ensure_ascii=False).encode()
    return Exports(files, tuple(notes))


def _usd_files(made: UsdExport, wanted: Wanted) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    if wanted.usd:
        files |= {"scene.usdc": made.usdc, **made.textures}
    if wanted.usdz:
        files["scene.usdz"] = usdz_package(made)
    return files
