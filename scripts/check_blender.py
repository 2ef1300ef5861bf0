"""Imports a run folder's exports into Blender and compares: names, transforms, camera.

Outside the test suite, because ``bpy`` is large and wants a NumPy of its own:

    python -m venv blender && blender/bin/pip install bpy
    blender/bin/python scripts/check_blender.py out/photo      (after: cast export out/photo)

Exit status 0 when everything matches. It imports nothing of the pack.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import bpy
import numpy as np
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector

Z_UP_FROM_Y_UP = np.array([[1, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1.0]])
"""Blender's world is z up; both importers turn the scene."""
TOLERANCE_PX = 0.05


def main(folder: Path) -> int:
    listed = json.loads((folder / "export/object_list.json").read_text(encoding="utf-8"))
    troubles = []
    for path, load in (
        (folder / "scene.glb", lambda p: bpy.ops.import_scene.gltf(filepath=p)),
        (folder / "scene.usdc", lambda p: bpy.ops.wm.usd_import(filepath=p)),
        (folder / "export/scene.draco.glb", lambda p: bpy.ops.import_scene.gltf(filepath=p)),
    ):
        if not path.is_file():
            print(f"{path.name}: not there, not checked")
            continue
        bpy.ops.wm.read_factory_settings(use_empty=True)
        load(str(path))
        found = compared(listed, path.suffix == ".usdc")
        troubles += [f"{path.name}: {t}" for t in found]
        print(f"{path.name}: {len(bpy.data.objects)} objects, {'OK' if not found else 'differs'}")
    print("\n".join(troubles))
    return 1 if troubles else 0


def compared(listed: dict, usd: bool) -> list[str]:
    """What of the imported scene differs from the object list."""
    bpy.context.view_layer.update()
    troubles = []
    for entry in listed["objects"]:
        name = entry["usd_prim"].rpartition("/")[2] if usd else entry["node"]
        made = bpy.data.objects.get(name)
        if made is None:
            troubles.append(f"there is no {name}; there are {[o.name for o in bpy.data.objects]}")
            continue
        box = world_box(made)
        truth = Z_UP_FROM_Y_UP[:3, :3] @ np.array(entry["box"]["world"]).T
        truth = np.stack([truth.min(1), truth.max(1)])
        if np.abs(box - truth).max() > 1e-3 * np.ptp(truth):
            troubles.append(f"{name} fills {box.tolist()}, not {truth.tolist()}")
        told = made.get("label")
        if told != entry["label"]:
            troubles.append(f"{name} has the label {told!r}, not {entry['label']!r}")
    return troubles + camera_troubles(listed, usd)


def world_box(top: bpy.types.Object) -> np.ndarray:
    """(2, 3) of all vertices of the meshes at or below an object, collision meshes aside."""
    points = [
        np.array(o.matrix_world) @ np.array([*v.co, 1.0])
        for o in [top, *top.children_recursive]
        if o.type == "MESH" and not any("collision" in p.name for p in parents(o))
        for v in o.data.vertices
    ]
    return np.stack([np.min(points, 0)[:3], np.max(points, 0)[:3]])


def parents(made: bpy.types.Object) -> list[bpy.types.Object]:
    return [] if made.parent is None else [made.parent, *parents(made.parent)]


def camera_troubles(listed: dict, usd: bool) -> list[str]:
    """Where Blender's camera sees the boxes' corners, against the photo's own camera."""
    cameras = [o for o in bpy.data.objects if o.type == "CAMERA"]
    if len(cameras) != 1:
        return [f"there are {len(cameras)} cameras"]
    camera, told = cameras[0], listed["camera"]
    width, height = told["width"], told["height"]
    intrinsics = np.array(told["intrinsics"])
    render = bpy.context.scene.render
    render.resolution_x, render.resolution_y, render.resolution_percentage = width, height, 100
    render.pixel_aspect_y = intrinsics[0, 0] / intrinsics[1, 1]
    if not usd:  # glTF has no words for a principal point: it is in the camera's properties
        own = camera.data
        own.shift_x, own.shift_y = own["shift_x"], own["shift_y"]
    camera_from_world = np.linalg.inv(np.array(told["world_from_camera"]))
    worst = 0.0
    for entry in listed["objects"]:
        low, high = np.array(entry["box"]["world"])
        for corner in np.stack(np.meshgrid(*zip(low, high, strict=True)), -1).reshape(-1, 3):
            point = (camera_from_world @ [*corner, 1.0])[:3]
            if point[2] <= 0:
                continue
            pixel = (intrinsics @ point)[:2] / point[2]
            there = Vector(Z_UP_FROM_Y_UP[:3, :3] @ corner)
            x, y, _ = world_to_camera_view(bpy.context.scene, camera, there)
            worst = max(worst, float(np.abs(pixel - [x * width, (1 - y) * height]).max()))
    print(f"  camera: {worst:.4f} px at most")
    return [] if worst < TOLERANCE_PX else [f"the camera differs by {worst:.2f} px"]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
