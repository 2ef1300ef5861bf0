"""Pictures of a finished run folder: beside the photo, and all round.

Everything is read from ``scene.glb`` and ``scene.json``, so what is shown is what was exported.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..errors import BadInput, CastError, StorageError
from ..files import write_atomically
from ..frames import Sim3, intrinsics_from_fov
from ..gltf import split_glb
from ..gltf_merge import GlbBuilder
from ..mesh_data import MeshData, read_glb
from ..pictures import load_photo, png_bytes
from ..render import camera_looking_at
from .assemble import UNLIT
from .maps import photo_maps
from .view import scene_picture

TURN_PX = 640
LIFT_RAD = np.radians(18)
FRAME_MS = 80


def scene_meshes(glb: bytes) -> tuple[list[MeshData], list[MeshData], bool]:
    """The objects and the room's pieces of a scene's GLB, in the world frame.

    Returns:
        objects, room, and whether the room's textures hold their light already.

    Raises:
        CastError: the GLB cannot be read.
    """
    document, _ = split_glb(glb, "scene.glb")
    objects, room, unlit = [], [], False
    nodes = document.get("nodes", [])
    for root in document["scenes"][document.get("scene", 0)].get("nodes", []):
        is_room = nodes[root].get("name") == "room"
        pieces = nodes[root].get("children", []) if is_room else [root]
        for piece in pieces:
            if not _has_mesh(nodes, piece):
                continue
            builder = GlbBuilder()
            part = builder.build(builder.add_glb(glb, "scene.glb", roots=[piece]))
            unlit |= is_room and UNLIT in split_glb(part)[0].get("extensionsUsed", [])
            (room if is_room else objects).append(read_glb(part, "scene.glb"))
    return objects, room, unlit


def object_ids(glb: bytes, names: Mapping[str, int]) -> list[int]:
    """The ids of a scene's objects in the order of :func:`scene_meshes`.

    Args:
        names: ids by node name, for files whose nodes have lost their extras; an object that
            neither tells gets the next free number.
    """
    document, _ = split_glb(glb, "scene.glb")
    nodes, found = document.get("nodes", []), []
    for root in document["scenes"][document.get("scene", 0)].get("nodes", []):
        if nodes[root].get("name") == "room" or not _has_mesh(nodes, root):
            continue
        own = (nodes[root].get("extras") or {}).get("id")
        own = names.get(nodes[root].get("name", "")) if not isinstance(own, int) else own
        found.append(own)
    free = max([*(i for i in found if i is not None), *names.values()], default=-1)
    return [i if i is not None else free + 1 + k for k, i in enumerate(found)]


def _has_mesh(nodes: list[dict[str, Any]], index: int) -> bool:
    node = nodes[index]
    return "mesh" in node or any(_has_mesh(nodes, child) for child in node.get("children", []))


def beside(photo: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """Two (H, W, 3) pictures of one height with a white line between."""
    line = np.full((photo.shape[0], max(2, photo.shape[1] // 160), 3), 255, np.uint8)
    return np.hstack([photo, line, picture])


def orbit(
    objects: list[MeshData], room: list[MeshData], eye: np.ndarray, frames: int
) -> list[tuple[Sim3, np.ndarray]]:
    """Cameras on a circle around the objects' centre that starts at the photo's side.

    Args:
        eye: (3,) the photo's camera in the world.

    Returns:
        (camera_from_world, intrinsics) each, for pictures of TURN_PX x TURN_PX * 3 / 4.
    """
    shown = objects or room
    if not shown:
        return []
    if objects:
        low = np.min([m.bounds[0] for m in shown], axis=0)
        high = np.max([m.bounds[1] for m in shown], axis=0)
    else:  # an empty room: turn in front of its middle, not round its far corners
        points = np.concatenate([m.vertices for m in shown])
        low, high = np.quantile(points, 0.25, axis=0), np.quantile(points, 0.75, axis=0)
    centre = (low + high) / 2
    intrinsics = intrinsics_from_fov(TURN_PX, TURN_PX * 3 // 4, np.radians(45))
    radius = 0.5 * float(np.linalg.norm(high - low)) / np.sin(np.radians(17)) * 1.05
    away = eye - centre
    start = np.arctan2(away[0], away[2])
    cameras = []
    for angle in start + np.linspace(0, 2 * np.pi, frames, endpoint=False):
        direction = np.array(
            [np.sin(angle) * np.cos(LIFT_RAD), np.sin(LIFT_RAD), np.cos(angle) * np.cos(LIFT_RAD)]
        )
        position = centre + radius * direction
        pose = camera_looking_at(position, centre, np.array([0.0, 1.0, 0.0]))
        cameras.append((pose, intrinsics))
    return cameras


def turntable(
    objects: list[MeshData],
    room: list[MeshData],
    eye: np.ndarray,
    frames: int,
    baked_light: bool = True,
) -> list[np.ndarray]:
    """(h, w, 3) uint8 pictures all round; walls between the camera and the scene are left out."""
    return [
        scene_picture(
            [(data, pose) for data in objects],
            room,
            pose,
            intrinsics,
            TURN_PX,
            TURN_PX * 3 // 4,
            baked_light,
            supersample=1 if frames > 1 else 2,
        )
        for pose, intrinsics in orbit(objects, room, eye, frames)
    ]


def animation(pictures: list[np.ndarray]) -> bytes:
    """An endless animated WebP."""
    out = io.BytesIO()
    first, *rest = [Image.fromarray(p) for p in pictures]
    first.save(
        out, "WEBP", save_all=True, append_images=rest, duration=FRAME_MS, loop=0, quality=80
    )
    return out.getvalue()


def render_folder(folder: Path, frames: int = 36) -> list[Path]:
    """Writes ``render.png``, ``beside.png``, the photo camera's depth and ids (as
    :meth:`.maps.PhotoMaps.files` says) and ``turntable.webp`` into a run folder.

    Returns:
        The files written; no turntable for a scene without anything in it.

    Raises:
        BadInput: a file is missing or cannot be read; the message names it and the way out.
        StorageError: a picture cannot be written.
    """
    if frames < 1:
        raise BadInput(f"a turntable needs at least one frame, got {frames}")
    for name in ("scene.glb", "scene.json", "image.png"):
        if not (folder / name).is_file():
            raise BadInput(f"{folder / name} is missing; cast run FOLDER makes it")
    photo = load_photo(folder / "image.png").rgb
    try:
        description = json.loads((folder / "scene.json").read_text(encoding="utf-8"))
        pose = Sim3.from_matrix(np.array(description["world_from_camera"], np.float64))
        intrinsics = np.array(description["intrinsics"], np.float64).reshape(3, 3)
        width, height = int(description["width"]), int(description["height"])
        entries = description.get("objects", [])
        names = {entry["node"]: int(entry["id"]) for entry in entries if entry.get("node")}
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{folder / 'scene.json'} cannot be used: {error}") from None
    try:
        glb = (folder / "scene.glb").read_bytes()
        objects, room, unlit = scene_meshes(glb)
        ids = object_ids(glb, names)
    except CastError as error:
        raise BadInput(f"{folder}: {error}") from None
    camera_from_world = pose.inverse()
    picture = scene_picture(
        [(data, camera_from_world) for data in objects],
        room, camera_from_world, intrinsics, width, height, unlit,
    )  # fmt: skip
    if photo.shape != picture.shape:
        photo = np.asarray(Image.fromarray(photo).resize((width, height)))
    made = {"render.png": png_bytes(picture), "beside.png": png_bytes(beside(photo, picture))}
    owned = list(zip(ids, objects, strict=True))
    made |= photo_maps(owned, room, camera_from_world, intrinsics, width, height).files()
    pictures = turntable(objects, room, pose.translation, frames, unlit)
    if pictures:
        made["turntable.webp"] = animation(pictures)
    for name, data in made.items():
        try:
            write_atomically(folder / name, data)
        except OSError as error:
            raise StorageError(
                f"{folder / name} cannot be written: {error.strerror or error}"
            ) from None
    return [folder / name for name in made]
