"""The object list: who is in the scene, where, how large, and in which files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..compose.describe import json_ready
from ..errors import CastError
from .primitives import vertices_below
from .source import ExportObject, ExportScene

VERSION = 1


def object_list(
    scene: ExportScene, files: Mapping[int, Mapping[str, str]], prims: Mapping[int, str]
) -> dict[str, Any]:
    """JSON-ready. Poses are row-major, world is y up with the floor at y = 0.

    Args:
        files: by object id the paths of its files by kind ("posed", "canonical", "collision").
        prims: by object id its path in the USD stage.
    """
    return json_ready(
        {
            "version": VERSION,
            "scene": scene.name,
            "up": "y",
            "unit": "metre" if scene.metric else "unknown",
            "camera": {
                "world_from_camera": scene.world_from_camera.matrix(),
                "intrinsics": scene.intrinsics,
                "width": scene.width,
                "height": scene.height,
            },
            "objects": [
                {
                    "id": item.id,
                    "label": item.label,
                    "score": item.score,
                    "node": item.node,
                    "files": dict(files.get(item.id, {})),
                    "usd_prim": prims.get(item.id),
                    "world_from_object": item.world_from_object,
                    "box": _boxes(scene, item),
                    "supported_by": item.supported_by,
                    "fit": dict(item.fit),
                }
                for item in scene.objects
            ],
            "not_in_scene": [
                {"id": number, "label": label, "reason": reason}
                for number, label, reason in scene.missing
            ],
        }
    )


def _boxes(scene: ExportScene, item: ExportObject) -> dict[str, Any] | None:
    """Its box in the object frame (an oriented box in the world), and the world's axis-aligned one."""
    try:
        points = vertices_below(scene.gltf, item.root, item.node)
    except CastError:
        return None
    world = points @ item.world_from_object[:3, :3].T + item.world_from_object[:3, 3]
    return {
        "object": np.stack([points.min(0), points.max(0)]),
        "world": np.stack([world.min(0), world.max(0)]),
    }
