"""A small true room as a run folder, and predictions of it with known errors."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from cast_nodes.compose.assemble import Part, scene_glb
from cast_nodes.evaluate import read_predicted
from cast_nodes.evaluate.pictures import scene_picture_of, see
from cast_nodes.evaluate.protocols import Protocol
from cast_nodes.evaluate.scenes import Camera, EvalScene, Item
from cast_nodes.frames import CAMERA_UP, Sim3, pixel_centres, unproject, world_from_camera
from cast_nodes.mesh_data import make_glb
from cast_nodes.run_folder import RunFolder

from .shapes import box, chair, turn

WIDTH, HEIGHT = 160, 120
LIGHT = Protocol(
    "light", "boxes alone", "for tests of what is not the protocol's", layout=("box_iou",)
)
INTRINSICS = np.array([[140.0, 0, 80], [0, 140.0, 60], [0, 0, 1]])
UP = turn((1, 0, 0), 20).rotation @ CAMERA_UP  # the camera looks down a little
FLOOR = np.array([*UP, 1.4])
WORLD = world_from_camera(UP, FLOOR)


def things() -> dict[int, tuple[str, object, Sim3, object]]:
    """Label, mesh, world pose, carrier: a table, a box on it, a chair beside it."""
    return {
        0: ("table", box((1.0, 0.7, 0.6)), turn((0, 1, 0), 10, (-0.4, 0.35, -3.0)), "floor"),
        1: ("box", box((0.3, 0.2, 0.2)), turn((0, 1, 0), 30, (-0.5, 0.8, -3.0)), 0),
        2: ("chair", chair(), turn((0, 1, 0), -35, (0.7, 0.0, -2.6)), "floor"),
    }


def true_scene() -> EvalScene:
    """In memory, without pictures."""
    items = tuple(
        Item(i, f"{label}_{i}", label, data, pose, "", carrier)
        for i, (label, data, pose, carrier) in things().items()
    )
    camera = Camera(WORLD, INTRINSICS, WIDTH, HEIGHT)
    return EvalScene("room", "truth", items, camera, metric=True, floor=0.0)


def with_items(scene: EvalScene, *items: Item) -> EvalScene:
    return replace(scene, items=items, source="predicted")


def moved_item(item: Item, motion: Sim3) -> Item:
    """The item after a motion in the world."""
    assert item.pose is not None
    return replace(item, pose=motion @ item.pose)


def export_glb() -> bytes:
    """The room as ComposeScene exports it: named nodes with extras, and the photo's camera."""
    parts = [
        Part(f"{label}_{i}", make_glb(data, label), pose, {"id": i, "label": label})
        for i, (label, data, pose, _) in things().items()
    ]
    return scene_glb(parts, (), False, WORLD, INTRINSICS, WIDTH, HEIGHT, (0.1, 20.0))


def write_export(path: Path) -> Path:
    """A finished run with only what it delivers, and its own render as the photo."""
    path.mkdir(parents=True)
    description = {
        "world_from_camera": WORLD.matrix().tolist(),
        "intrinsics": INTRINSICS.tolist(),
        "width": WIDTH,
        "height": HEIGHT,
        "metric": True,
        "floor": {"world": [0, 1, 0, 0]},
        "objects": [
            {"id": i, "label": label, "node": f"{label}_{i}", "supported_by": carrier}
            for i, (label, _, _, carrier) in things().items()
        ],
        "relations": [{"subject": 1, "object": 0, "type": "on", "confidence": 1.0}],
    }
    (path / "scene.glb").write_bytes(export_glb())
    (path / "scene.json").write_text(json.dumps(description))
    scene = read_predicted(path)
    assert scene.camera is not None
    picture = scene_picture_of(scene, scene.camera)
    assert picture is not None
    Image.fromarray(picture).save(path / "image.png")
    page = b"<!doctype html><main><p>the run</p>\n<footer>versions</footer></main>"
    RunFolder(path).write("report.html", page)
    return path


def write_folder(
    path: Path,
    changes: dict[int, Sim3 | None] | None = None,
    metric: bool = True,
    unit: float = 1.0,
    truth: bool = False,
) -> Path:
    """A run folder of the room with photo, masks, exact depth, meshes and poses.

    Args:
        changes: by id a motion in the world, or None for an object that failed.
        unit: units per metre of the poses.
        truth: write ``truth.json`` in place of ``placements.json``.
    """
    changes = changes or {}
    path.mkdir(parents=True)
    scene = true_scene()
    assert scene.camera is not None
    seen = see(scene.items, [], scene.camera)
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)).save(
        path / "image.png"
    )
    objects, poses = [], []
    for number, item in enumerate(scene.items):
        folder = path / f"objects/{item.id}"
        folder.mkdir(parents=True)
        mask = seen.ids == number
        Image.fromarray(mask).save(folder / "mask.png")
        assert item.data is not None and item.pose is not None
        (folder / "mesh.glb").write_bytes(make_glb(item.data, item.name))
        rows, columns = np.nonzero(mask)
        bbox = [int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1]
        objects.append({"id": item.id, "label": item.label, "score": 1.0, "bbox": bbox})
        motion = changes.get(item.id, Sim3.identity())
        if motion is None:
            poses.append({"id": item.id, "camera_from_object": None, "failure": "no pose fits"})
            continue
        pose = WORLD.inverse() @ motion @ item.pose
        pose = Sim3(pose.rotation, unit * pose.translation, unit * pose.scale)
        entry = {"id": item.id, "camera_from_object": pose.matrix().tolist()}
        if truth:
            entry |= {"label": item.label, "supported_by": item.supported_by}
        poses.append(entry)
    (path / "objects.json").write_text(json.dumps(objects))
    points = unproject(pixel_centres(HEIGHT, WIDTH), seen.depth, INTRINSICS).astype(np.float32)
    np.savez(
        path / "geometry.npz", points=unit * points, intrinsics=INTRINSICS, up=UP,
        floor=[*UP, unit * 1.4], metric=metric,
    )  # fmt: skip
    if truth:
        facts = {"up": UP.tolist(), "floor": FLOOR.tolist(), "objects": poses}
        (path / "truth.json").write_text(json.dumps(facts))
    else:
        (path / "placements.json").write_text(json.dumps({"objects": poses}))
    return path
