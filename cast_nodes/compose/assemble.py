"""The scene's GLB: room, objects and the photo's camera under names that people can use."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from ..errors import CastError
from ..frames import Sim3, gltf_camera_pose
from ..gltf import join_glb, split_glb
from ..gltf_check import faults
from ..gltf_merge import GlbBuilder
from ..mesh_data import make_glb, read_glb
from .background import RoomPart

UNLIT = "KHR_materials_unlit"
CLAMP = 33071
_UNSAFE = set("/\\:*?\"<>|.[]{}#%&$'`!@+=,;^~")


def node_name(label: str, object_id: int) -> str:
    """A name that is unique in the scene and safe in files, paths and scripts ("chair_0").

    Letters of any script stay; the id at the end makes it unique.
    """
    text = unicodedata.normalize("NFC", label).strip().lower()
    kept = [
        c if not (c in _UNSAFE or c.isspace() or unicodedata.category(c)[0] == "C") else "_"
        for c in text
    ]
    words = [w for w in "".join(kept).split("_") if w]
    return f"{'_'.join(words)[:48] or 'object'}_{object_id}"


@dataclass(frozen=True, eq=False)
class Part:
    """One object of the scene.

    Attributes:
        name: its node's, from :func:`node_name`.
        glb: its mesh, in its object frame.
        world_from_object: its pose.
        extras: JSON-ready facts kept in the node.
    """

    name: str
    glb: bytes
    world_from_object: Sim3
    extras: Mapping[str, Any] = field(default_factory=dict)


def sound_glb(glb: bytes, name: str) -> tuple[bytes, str]:
    """The GLB itself when it can be taken over as it is, else its triangles written anew.

    Returns:
        The GLB, and what was wrong with the original ("" when nothing was).

    Raises:
        CastError: not even its triangles can be read.
    """
    try:
        GlbBuilder().add_glb(glb, name)
        found = faults(glb)
    except CastError as error:
        found = [str(error)]
    if not found:
        return glb, ""
    return make_glb(read_glb(glb, name), name), found[0]


def room_part_glb(part: RoomPart, unlit: bool) -> bytes:
    """A piece of the room as a GLB; ``unlit`` for textures that hold their light already."""
    document, binary = split_glb(make_glb(part.data, f"room/{part.name}"))
    for sampler in document.get("samplers", []):
        sampler |= {"wrapS": CLAMP, "wrapT": CLAMP}
    if unlit:
        document["extensionsUsed"] = [UNLIT]
        for material in document["materials"]:
            material["extensions"] = {UNLIT: {}}
    return join_glb(document, binary)


def background_glb(parts: Sequence[RoomPart], unlit: bool) -> bytes:
    """The room alone, in the world frame; b"" when there is none."""
    if not parts:
        return b""
    builder = GlbBuilder()
    return builder.build([_room_node(builder, parts, unlit)], "room")


def scene_glb(
    parts: Sequence[Part],
    room: Sequence[RoomPart],
    unlit: bool,
    world_from_camera: Sim3,
    intrinsics: np.ndarray,
    width: int,
    height: int,
    clip: tuple[float, float],
) -> bytes:
    """The whole scene in the world frame.

    Args:
        parts: the objects; their names must differ.
        room: its pieces, below one node "room".
        unlit: of the room's materials.
        world_from_camera: rigid.
        intrinsics: (3, 3) of the photo of ``width`` x ``height`` pixels.
        clip: nearest and farthest distance that viewers should show.
    """
    builder = GlbBuilder()
    roots = []
    for part in parts:
        children = builder.add_glb(part.glb, part.name, prefix=f"{part.name}/")
        roots.append(
            builder.add_node(part.name, children, part.extras, **_trs(part.world_from_object))
        )
    if room:
        roots.append(_room_node(builder, room, unlit))
    camera = builder.append("cameras", perspective(intrinsics, width, height, clip))
    pose = gltf_camera_pose(world_from_camera)
    place = _trs(Sim3(pose[:3, :3], pose[:3, 3]))
    extras = {"intrinsics": intrinsics.tolist(), "width": width, "height": height}
    roots.append(builder.add_node("photo_camera", extras=extras, camera=camera, **place))
    return builder.build(roots)


def perspective(
    intrinsics: np.ndarray, width: int, height: int, clip: tuple[float, float]
) -> dict[str, Any]:
    """A glTF camera. glTF cannot say where the principal point lies, so it is taken as central.

    An off-centre one is kept in ``extras``: ``intrinsics`` in pixels, and ``shift_x``,
    ``shift_y`` as the camera wants them that Blender makes of a glTF's (its sensor fits the
    height, so shares of the height, right and up; pixels that are not square are as tall as
    fx / fy of their width).
    """
    fx, fy = float(intrinsics[0, 0]), float(intrinsics[1, 1])
    return {
        "type": "perspective",
        "name": "photo_camera",
        "perspective": {
            "yfov": 2 * float(np.arctan(height / (2 * fy))),
            "aspectRatio": (width / fx) / (height / fy),
            "znear": clip[0],
            "zfar": clip[1],
        },
        "extras": {
            "intrinsics": intrinsics.tolist(),
            "width": width,
            "height": height,
            "shift_x": float((width / 2 - intrinsics[0, 2]) / (height * fx / fy)),
            "shift_y": float((intrinsics[1, 2] - height / 2) / height),
        },
    }


def _room_node(builder: GlbBuilder, parts: Sequence[RoomPart], unlit: bool) -> int:
    children = [
        root
        for part in parts
        for root in builder.add_glb(room_part_glb(part, unlit), f"room/{part.name}")
    ]
    return builder.add_node("room", children)


def _trs(pose: Sim3) -> dict[str, Any]:
    """Translation, rotation (xyzw) and scale of a node; nothing that is the identity."""
    quaternion = Rotation.from_matrix(pose.rotation).as_quat()
    quaternion /= np.linalg.norm(quaternion)
    place: dict[str, Any] = {"translation": pose.translation.tolist()}
    place["rotation"] = quaternion.tolist()
    if pose.scale != 1.0:
        place["scale"] = [pose.scale] * 3
    return place
