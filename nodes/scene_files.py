"""The files of a scene for the viewer in the browser, in ComfyUI's folder of temporary files."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path

import folder_paths

from ..cast_nodes.files import write_atomically
from ..cast_nodes.report.viewer import viewer_files
from ..cast_nodes.types import Scene

SUBFOLDER = "cast_scene"
UI_KEY = "cast_scene"


async def scene_ui(scene: Scene) -> dict[str, list[dict]]:
    """What the viewer is told: where glb, about, photo, masks and points lie.

    The files are named by their content, so that a scene that was shown before is not written
    again and a browser may keep what it has.
    """
    return {UI_KEY: [await asyncio.to_thread(_write, scene)]}


def _write(scene: Scene) -> dict[str, dict[str, str]]:
    files = viewer_files(scene)
    about = json.dumps(files.about, ensure_ascii=False, separators=(",", ":")).encode()
    return {
        "glb": _keep(scene.glb, "scene.glb"),
        "about": _keep(about, "about.json"),
        "photo": _keep(files.photo, "photo.jpg"),
        "masks": _keep(files.masks, "masks.png"),
        "points": _keep(files.points, "points.bin"),
    }


def _keep(data: bytes, kind: str) -> dict[str, str]:
    """Writes the bytes unless they are there, and says where, as ComfyUI's /view asks for it."""
    name, _, ending = kind.partition(".")
    folder = Path(folder_paths.get_temp_directory()) / SUBFOLDER
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}_{hashlib.sha256(data).hexdigest()[:20]}.{ending}"
    if not path.exists():
        write_atomically(path, data)
    return {"filename": path.name, "subfolder": SUBFOLDER, "type": "temp"}
