"""Pictures of a composed scene, from the photo's camera or any other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..frames import Sim3
from ..mesh_data import MeshData
from ..render import render
from ..types import Mesh

LARGE = 4_000_000
"""Pixels of a large picture."""
VOID = np.array([38, 40, 44], np.uint8)
"""What is seen where the room ends."""


def scene_picture(
    objects: Sequence[tuple[Mesh | MeshData, Sim3]],
    room: Sequence[MeshData],
    camera_from_world: Sim3,
    intrinsics: np.ndarray,
    width: int,
    height: int,
    baked_light: bool = True,
    supersample: int | None = None,
) -> np.ndarray:
    """(H, W, 3) uint8. Room parts that turn their back to the camera are not drawn.

    Args:
        objects: (mesh, camera_from_object) each.
        room: pieces in the world frame, their faces turned inwards.
        camera_from_world: the camera.
        supersample: samples per pixel along each side; None is 2, and 1 for pictures so large
            that jagged edges are hardly seen.
    """
    if supersample is None:
        supersample = 2 if width * height <= LARGE else 1
    facing = facing_parts(room, camera_from_world)
    items: list[tuple[Mesh | MeshData, Sim3]] = [(part, camera_from_world) for part in facing]
    items += objects
    picture = render(
        items,
        intrinsics,
        width,
        height,
        VOID,
        supersample=supersample,
        up=camera_from_world.rotate(np.array([0.0, 1.0, 0.0])),
        unlit=range(len(facing)) if baked_light else (),
    )
    return picture.rgb


def facing_parts(room: Sequence[MeshData], camera_from_world: Sim3) -> list[MeshData]:
    """What of the room's pieces, in the world frame, turns its front to the camera."""
    eye = camera_from_world.inverse().translation
    return [part for part in (_facing(data, eye) for data in room) if part is not None]


def _facing(data: MeshData, eye: np.ndarray) -> MeshData | None:
    """The faces that are seen from their front."""
    a, b, c = (data.triangles[:, i] for i in range(3))
    front = (np.cross(b - a, c - a) * (eye - a)).sum(1) > 0
    if not front.any():
        return None
    if front.all():
        return data
    return replace(data, faces=data.faces[front], face_material=data.face_material[front])
