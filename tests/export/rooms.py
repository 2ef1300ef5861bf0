"""A small scene with a camera whose principal point is far off centre."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from PIL import Image

from cast_nodes.compose.assemble import Part, node_name, scene_glb
from cast_nodes.compose.background import RoomPart
from cast_nodes.export import ExportScene, scene_from_parts
from cast_nodes.frames import Sim3, world_from_camera
from cast_nodes.gltf import join_glb, split_glb
from cast_nodes.mesh_data import Material, MeshData, make_glb

WIDTH, HEIGHT = 200, 150
INTRINSICS = np.array([[210.0, 0, 80.0], [0, 190.0, 95.0], [0, 0, 1]])
"""Pixels are not square and the principal point lies off centre both ways."""


def picture(seed: int, side: int = 16) -> np.ndarray:
    """(side, side, 3) uint8 that differs by seed."""
    return np.random.default_rng(seed).integers(0, 255, (side, side, 3), np.uint8)


def mesh(shape: trimesh.Trimesh, material: Material) -> MeshData:
    """A shape with texture coordinates from its x and y."""
    vertices = np.asarray(shape.vertices, np.float64)
    low, size = vertices.min(0), np.ptp(vertices, axis=0)
    uv = ((vertices - low) / np.where(size > 0, size, 1))[:, :2]
    faces = np.asarray(shape.faces, np.int64)
    return MeshData(
        vertices, faces, np.zeros(len(faces), np.int64), (material,), uv,
        np.asarray(shape.vertex_normals, np.float64),
    )  # fmt: skip


def turned(yaw: float, position: tuple[float, float, float], scale: float) -> Sim3:
    c, s = np.cos(yaw), np.sin(yaw)
    return Sim3(np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]), np.array(position), scale)


def box_glb(texture: np.ndarray, name: str = "box") -> bytes:
    shape = trimesh.creation.box((1.0, 0.5, 0.6))
    return make_glb(mesh(shape, Material.textured(texture, name)), name)


def camera_pose() -> Sim3:
    tilt = np.radians(12)
    up = np.array([0.0, -np.cos(tilt), -np.sin(tilt)])
    return world_from_camera(up, np.array([*up, 1.4]))


def default_objects() -> list[tuple[str, bytes, Sim3, Any]]:
    """(label, mesh, world_from_object, supported_by): two share one texture, one is plain."""
    shared = picture(1)
    plain = make_glb(mesh(trimesh.creation.icosphere(1, 0.3), Material.coloured((200, 60, 60))))
    return [
        ("coffee table", box_glb(shared), turned(0.4, (-0.5, 0.25, -3.0), 1.2), "floor"),
        ("стул", box_glb(shared, "other"), turned(-1.0, (0.7, 0.3, -3.5), 0.7), 0),
        ("coffee table", plain, turned(0.0, (0.4, 0.9, -2.6), 0.8), "wall"),
    ]


def floor_part() -> RoomPart:
    corners = np.array([[-3, 0, 0], [3, 0, 0], [3, 0, -6], [-3, 0, -6.0]])
    uv = np.array([[0, 1], [1, 1], [1, 0], [0, 0.0]])
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    up = np.tile([0.0, 1.0, 0.0], (4, 1))
    material = Material.textured(picture(9, 32), "room/floor")
    return RoomPart("floor", MeshData(corners, faces, np.zeros(2, int), (material,), uv, up))


def scene_files(objects: list | None = None, metric: bool = True) -> tuple[bytes, dict[str, Any]]:
    """scene.glb and the content of scene.json."""
    objects = default_objects() if objects is None else objects
    pose = camera_pose()
    parts, entries = [], []
    for number, (label, glb, where, carrier) in enumerate(objects):
        name = node_name(label, number)
        parts.append(Part(name, glb, where, {"id": number, "label": label}))
        entries.append(
            {"id": number, "label": label, "score": 0.9, "node": name, "supported_by": carrier,
             "fit": {"iou": 0.95, "depth_residual": 0.01, "odd name": 1.0}}
        )  # fmt: skip
    entries.append({"id": 9, "label": "vase", "score": 0.2, "node": None, "failure": "no pose"})
    glb = scene_glb(parts, [floor_part()], True, pose, INTRINSICS, WIDTH, HEIGHT, clip=(0.01, 40.0))
    description = {
        "version": 1, "world_from_camera": pose.matrix().tolist(),
        "intrinsics": INTRINSICS.tolist(), "width": WIDTH, "height": HEIGHT, "metric": metric,
        "objects": entries,
    }  # fmt: skip
    return glb, description


def make_scene(objects: list | None = None, metric: bool = True) -> ExportScene:
    return scene_from_parts(*scene_files(objects, metric), "living room", "scene")


def write_folder(folder: Path, objects: list | None = None) -> Path:
    """The two files of a run folder that exports need."""
    glb, description = scene_files(objects)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scene.glb").write_bytes(glb)
    (folder / "scene.json").write_text(json.dumps(description), encoding="utf-8")
    return folder


def full_material_glb() -> bytes:
    """A box with every kind of texture, a moved base texture, a mask, and a WebP among them."""
    document, binary = split_glb(box_glb(picture(3)))
    pictures = []
    for seed, kind in ((4, "PNG"), (5, "PNG"), (6, "PNG"), (7, "WEBP")):
        out = io.BytesIO()
        Image.fromarray(picture(seed)).save(out, kind)
        pictures.append((out.getvalue(), f"image/{kind.lower()}"))
    for content, kind in pictures:
        binary += b"\0" * (-len(binary) % 4)
        view = {"buffer": 0, "byteOffset": len(binary), "byteLength": len(content)}
        document["bufferViews"].append(view)
        binary += content
        at = len(document["bufferViews"]) - 1
        document["images"].append({"bufferView": at, "mimeType": kind})
        source = len(document["images"]) - 1
        document["textures"].append(
            {"sampler": 0, "extensions": {"EXT_texture_webp": {"source": source}}}
            if kind == "image/webp"
            else {"sampler": 0, "source": source}
        )
    document["buffers"] = [{"byteLength": len(binary)}]
    document["samplers"][0] |= {"wrapS": 33071}
    document["extensionsUsed"] = ["EXT_texture_webp", "KHR_texture_transform"]
    material = document["materials"][0]
    material["pbrMetallicRoughness"] |= {
        "baseColorFactor": [0.5, 0.6, 0.7, 1.0],
        "metallicFactor": 0.25,
        "roughnessFactor": 0.75,
        "metallicRoughnessTexture": {"index": 1},
    }
    material["pbrMetallicRoughness"]["baseColorTexture"] |= {
        "extensions": {"KHR_texture_transform": {"offset": [0.25, 0.5], "scale": [2, 3]}}
    }
    material |= {
        "normalTexture": {"index": 2},
        "occlusionTexture": {"index": 3},
        "emissiveTexture": {"index": 4},
        "emissiveFactor": [1.0, 0.5, 0.25],
        "alphaMode": "MASK",
        "alphaCutoff": 0.3,
        "doubleSided": True,
    }
    return join_glb(document, binary)
