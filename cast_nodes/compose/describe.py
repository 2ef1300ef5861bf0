"""The content of scene.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..frames import Sim3
from ..relations.graph import relations_json
from ..stretched import affine
from ..types import Geometry, Placement, SceneObject
from .background import RoomPart
from .edits import pose_json
from .enclosure import Enclosure
from .settle import Settled

VERSION = 1


def json_ready(value: Any) -> Any:
    """Numbers, arrays, mappings and sequences as JSON knows them; not finite becomes None."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(k): json_ready(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_ready(v) for v in value]
    return value


def describe(
    objects: Sequence[SceneObject],
    geometry: Geometry,
    room: Enclosure,
    parts: Sequence[RoomPart],
    settled: Settled,
    physics: Mapping[str, Any],
    placements: Mapping[int, Placement],
    names: Mapping[int, str],
    failures: Mapping[int, str],
    size: tuple[int, int],
) -> dict[str, Any]:
    """The scene in words and numbers, JSON-ready.

    Args:
        objects: the kept ones.
        settled: those that stand in the scene.
        physics: :func:`.settle.physics_json` of it.
        placements: by id.
        names: node names by id.
        failures: why an object is not in the scene, by id.
        size: the photo's (width, height).
    """
    pose = room.world_from_camera
    camera_from_world = pose.inverse()
    bodies = {body.id: body for body in settled.bodies}
    entries = []
    for item in objects:
        entry: dict[str, Any] = {"id": item.id, "label": item.label, "score": item.score}
        if item.id in bodies:
            body = bodies[item.id]
            placement = placements[item.id]
            camera_from_object = camera_from_world @ body.world_from_object
            entry |= {
                "node": names[item.id],
                "mesh": body.mesh.name,
                "camera_from_object": affine(camera_from_object, placement.stretch),
                "pose": pose_json(body.world_from_object),
                "locked": placement.locked,
                "supported_by": settled.supported_by(item.id),
                "fit": dict(placement.fit),
                "ambiguous": placement.ambiguous,
                "size": body.bounds[1] - body.bounds[0],
                "position": (body.bounds[0] + body.bounds[1]) / 2,
            }
        else:
            entry |= {"node": None, "failure": failures.get(item.id, "not placed")}
        entries.append(entry)
    return json_ready(
        {
            "version": VERSION,
            "world_from_camera": pose.matrix(),
            "intrinsics": geometry.intrinsics,
            "width": size[0],
            "height": size[1],
            "metric": geometry.metric,
            "floor": _plane(room.floor, camera_from_world),
            "planes": [
                {"name": plane.name, "world": [*plane.normal, plane.offset]}
                for plane in (*room.walls, room.ceiling)
                if plane is not None
            ],
            "room": [{"node": f"room/{part.name}", "bounds": part.data.bounds} for part in parts],
            "objects": entries,
            "relations": relations_json(settled.relations),
            "physics": physics,
        }
    )


def _plane(floor: Any, camera_from_world: Sim3) -> dict[str, Any] | None:
    """The floor as a plane n.p + d = 0 in the world and in the camera frame."""
    if floor is None:
        return None
    normal = camera_from_world.rotate(floor.normal)
    offset = floor.offset - normal @ camera_from_world.translation
    return {
        "world": [*floor.normal, floor.offset],
        "camera": [*normal, offset],
    }
