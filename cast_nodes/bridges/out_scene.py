"""A scene's parts for other graphs: meshes of single objects, maps from the photo's camera, the room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..compose.assemble import node_name
from ..compose.turntable import scene_meshes
from ..compose.view import facing_parts
from ..content import content_key
from ..frames import Sim3
from ..gltf import split_glb, under_new_root
from ..gltf_merge import GlbBuilder
from ..mesh_data import MeshData, read_mesh
from ..render import render
from ..report.pictures import object_colour, posed_in
from ..types import Scene
from .handout import HandedOut

Frame = Literal["world", "object", "camera"]
FRAMES: tuple[Frame, ...] = ("world", "object", "camera")
PAPER = np.array([255, 255, 255], np.uint8)


@dataclass(frozen=True, eq=False)
class SceneObjectMesh:
    """One object of the scene, in the frame that was asked for.

    Attributes:
        name: its node's name in scene.glb ("chair_3").
        glb: all materials as they are, the pose in a root node.
        data: its triangles.
    """

    id: int
    name: str
    glb: bytes
    data: MeshData


def object_meshes(scene: Scene, frame: Frame) -> list[SceneObjectMesh]:
    """The objects that stand in the scene, in the order of their placements.

    Args:
        frame: "world": where the object stands (y up, floor at y = 0); "object": as its generator
            made it, unposed; "camera": posed in the photo's camera (x right, y down, z forward).
    """
    made = []
    for object_id, (mesh, camera_from_object) in posed_in(scene).items():
        pose = {
            "world": scene.world_from_camera @ camera_from_object,
            "object": Sim3.identity(),
            "camera": camera_from_object,
        }[frame]
        name = node_name(scene.objects.by_id(object_id).label, object_id)
        matrix = pose.matrix()
        glb = mesh.glb if frame == "object" else under_new_root(mesh.glb, matrix, name)
        made.append(SceneObjectMesh(object_id, name, glb, read_mesh(mesh).moved(matrix)))
    return made


def order_of(scene: Scene, meshes: list[SceneObjectMesh]) -> HandedOut:
    """The token of a list of the scene's meshes."""
    there = {m.id: content_key("scene mesh", m.glb) for m in meshes}
    left_out = {
        o.id: f"{o.label} {o.id} is not in the scene"
        for o in scene.objects.kept
        if o.id not in there
    }
    return HandedOut(scene.objects, tuple(there), (), left_out, there)


@dataclass(frozen=True, eq=False)
class SceneMaps:
    """What the photo's camera sees of the scene, all (H, W) of the photo.

    Attributes:
        rgb: (H, W, 3) uint8, the objects alone on white.
        depth: (H, W) float32 along the camera's z, NaN where nothing is seen.
        index: (H, W) int64, index into ``ids``; -1 room or nothing.
        ids: object ids.
    """

    rgb: np.ndarray
    depth: np.ndarray
    index: np.ndarray
    ids: tuple[int, ...]

    @property
    def mask(self) -> np.ndarray:
        """(H, W) bool: any object."""
        return self.index >= 0

    @property
    def masks(self) -> np.ndarray:
        """(N, H, W) bool: what is seen of each object, in the order of ``ids``."""
        return self.index[None] == np.arange(len(self.ids))[:, None, None]

    @property
    def colours(self) -> np.ndarray:
        """(H, W, 3) uint8: each object in the colour that the pack draws it with; else black."""
        table = np.array([*map(object_colour, self.ids), (0, 0, 0)], np.uint8)
        return table[self.index]


def scene_maps(scene: Scene, with_room: bool = True) -> SceneMaps:
    """Maps from the photo's camera.

    Args:
        with_room: depth is of the room, too; else of the objects alone.
    """
    posed = posed_in(scene)
    photo, intrinsics = scene.objects.photo, scene.geometry.intrinsics
    camera_from_world = scene.world_from_camera.inverse()
    room: list[MeshData] = []
    if with_room and scene.background_glb:
        room = facing_parts(scene_meshes(scene.background_glb)[1], camera_from_world)
    size = photo.width, photo.height
    up = camera_from_world.rotate(np.array([0.0, 1.0, 0.0]))
    alone = render(list(posed.values()), intrinsics, *size, PAPER, up=up)
    if not room:
        return SceneMaps(alone.rgb, alone.depth, alone.ids, tuple(posed))
    items = [*posed.values(), *((part, camera_from_world) for part in room)]
    seen = render(items, intrinsics, *size, PAPER, supersample=1, up=up)
    index = np.where(seen.ids < len(posed), seen.ids, -1)
    return SceneMaps(alone.rgb, seen.depth, index, tuple(posed))


DepthScale = Literal["inverse", "linear", "units"]
DEPTH_SCALES: tuple[DepthScale, ...] = ("inverse", "linear", "units")


def depth_values(depth: np.ndarray, scale: DepthScale) -> np.ndarray:
    """(H, W) float32 of depths with NaN.

    Args:
        scale: "inverse": 1/z from 0 (farthest) to 1 (nearest), as depth models for ControlNets
            give it; "linear": z from 0 (nearest) to 1 (farthest); "units": z itself, in metres
            where the scene is metric. Where nothing is seen it is 0, 1 and 0.
    """
    known = np.isfinite(depth) & (depth > 0)
    if scale == "units":
        return np.where(known, depth, 0).astype(np.float32)
    empty = 0.0 if scale == "inverse" else 1.0
    if not known.any():
        return np.full(depth.shape, empty, np.float32)
    values = np.where(known, depth, 1.0)
    values = 1 / values if scale == "inverse" else values
    low, high = values[known].min(), values[known].max()
    spread = (values - low) / max(float(high - low), 1e-12)
    return np.where(known, spread, empty).astype(np.float32)


def room_glbs(scene: Scene) -> tuple[bytes, bytes]:
    """The floor alone, and the room without its floor, each in the world frame; b"" for none."""
    if not scene.background_glb:
        return b"", b""
    document, _ = split_glb(scene.background_glb, "room")
    nodes = document.get("nodes", [])
    pieces = [i for root in _roots(document) for i in nodes[root].get("children", [])]
    floor = [i for i in pieces if _is_floor(nodes, i)]
    return _part(scene, floor, "floor"), _part(scene, [i for i in pieces if i not in floor], "room")


def _roots(document: dict) -> list[int]:
    return document["scenes"][document.get("scene", 0)].get("nodes", [])


def _is_floor(nodes: list[dict], index: int) -> bool:
    return nodes[index].get("name", "").removeprefix("room/") == "floor"


def _part(scene: Scene, pieces: list[int], name: str) -> bytes:
    if not pieces:
        return b""
    builder = GlbBuilder()
    return builder.build(builder.add_glb(scene.background_glb, "room", roots=pieces), name)
