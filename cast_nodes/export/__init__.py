"""A finished scene for other programs: USD, GLBs of single objects, collision meshes, a list.

Everything is made from scene.glb and scene.json (or the same in memory), so what is exported is
what was composed: :func:`scene_from_folder` or :func:`scene_in_memory`, then :func:`make_exports`
or :func:`write_exports`.
"""

from .exports import Exports, Wanted, make_exports
from .folder import Written, write_exports
from .source import ExportObject, ExportScene, scene_from_folder, scene_from_parts, scene_in_memory

__all__ = [
    "ExportObject",
    "ExportScene",
    "Exports",
    "Wanted",
    "Written",
    "make_exports",
    "scene_from_folder",
    "scene_from_parts",
    "scene_in_memory",
    "write_exports",
]
