"""A GLB per object, posed or as it is in its own frame, and the room alone.

Textures and geometry are copied byte for byte, each once per file.
"""

from __future__ import annotations

from ..gltf_merge import GlbBuilder
from .source import ExportObject, ExportScene


def posed_glb(scene: ExportScene, item: ExportObject) -> bytes:
    """The object where it stands in the world (y up, floor at y = 0): one node with its pose."""
    return _alone(scene.glb, item.root, item.node)


def canonical_glb(scene: ExportScene, item: ExportObject) -> bytes:
    """The object in its own frame, unposed; ``world_from_object`` takes it where it stands."""
    return _alone(scene.unposed_glb, item.root, item.node)


def room_glb(scene: ExportScene) -> bytes:
    """Floor, walls and backdrop in the world frame; b"" when the scene has no room."""
    return b"" if scene.room is None else _alone(scene.glb, scene.room, "room")


def _alone(glb: bytes, root: int, name: str) -> bytes:
    builder = GlbBuilder()
    return builder.build(builder.add_glb(glb, name, roots=[root]), name)
