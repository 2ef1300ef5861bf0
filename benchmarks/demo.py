"""The bundled picture's files: ``room.jpg`` and its truth, from what ``make_room.py`` wrote.

    python -m benchmarks.demo --rendered DIR [--meshes FOLDER] [--out docs/demo]

DIR holds ``room.png`` and ``layout.json``; the truth comes from the models' triangles and the
room's boxes at the layout's poses. Written: ``room.jpg``, and in ``truth/`` ``masks.png`` (label
image), ``objects.json``, ``depth.png`` (16 bit, millimetres, 0 = the sky outside) and
``truth.json`` (camera, planes, poses, models).
"""

from __future__ import annotations

import argparse
import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

from cast_nodes.files import write_atomically
from cast_nodes.frames import Sim3
from cast_nodes.mesh_data import Material, MeshData
from cast_nodes.records import object_json
from cast_nodes.types import Photo

from .models import load_models
from .shell import Box
from .truth import Thing, Truth, facts, label_image, look, make_truth

GRAIN = 1.6
"""Deviation of the sensor noise that the renderer's denoiser left none of, in grey levels."""


def boxes_mesh(boxes: list[dict]) -> MeshData:
    """The room's boxes as triangles in its frame."""
    unit = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float)
    sides = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    faces = np.array([(a, b, c) for a, b, c, _ in sides] + [(a, c, d) for a, _, c, d in sides])
    corners = [np.sort(np.array(b["corners"], float), 0) for b in boxes]
    vertices = np.concatenate([low + unit * (high - low) for low, high in corners])
    every = (faces + 8 * np.arange(len(boxes))[:, None, None]).reshape(-1, 3)
    return MeshData(vertices, every, np.zeros(len(every), np.int64), (Material(),))


def demo_truth(layout: dict, photo: Photo, meshes: str | None) -> Truth:
    """What is true of the picture."""
    models = {m.name: m.mesh for m in load_models(meshes)}
    ids = {entry["label"]: entry["id"] for entry in layout["objects"]}
    things = [
        Thing(
            entry["label"],
            models[entry["model"]],
            Sim3.from_matrix(entry["room_from_object"]),
            ids.get(entry["supported_by"], entry["supported_by"]),
        )
        for entry in layout["objects"]
    ]
    intrinsics = np.array(layout["intrinsics"], float)
    camera = Sim3.from_matrix(layout["room_from_camera"])
    room = boxes_mesh(layout["boxes"])
    seen = look(things, room, intrinsics, camera, photo.width, photo.height)
    return make_truth(photo, things, seen, intrinsics, camera, Box(**layout["room"]))


def write_demo(truth: Truth, out: Path) -> None:
    folder = out / "truth"
    folder.mkdir(parents=True, exist_ok=True)
    depth = np.nan_to_num(truth.geometry.depth, nan=0.0)
    millimetres = Image.fromarray(np.round(1000 * depth).astype(np.uint16))
    objects = [object_json(o) for o in truth.objects.objects]
    write_atomically(out / "room.jpg", _encoded(Image.fromarray(truth.objects.photo.rgb), "JPEG"))
    write_atomically(folder / "masks.png", label_image(truth))
    write_atomically(folder / "depth.png", _encoded(millimetres, "PNG"))
    write_atomically(folder / "objects.json", json.dumps(objects, indent=1).encode())
    write_atomically(folder / "truth.json", json.dumps(facts(truth), indent=1).encode())


def _encoded(picture: Image.Image, kind: str) -> bytes:
    out = io.BytesIO()
    if kind == "JPEG":
        picture.save(out, kind, quality=92, subsampling=0, optimize=True)
    else:
        picture.save(out, kind, optimize=True)
    return out.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description="The bundled picture and its truth.")
    parser.add_argument("--rendered", type=Path, required=True)
    parser.add_argument("--meshes", help="folder of GLB models with manifest.json")
    parser.add_argument("--out", type=Path, default=Path("docs/demo"))
    args = parser.parse_args()
    layout = json.loads((args.rendered / "layout.json").read_text(encoding="utf-8"))
    clean = np.asarray(Image.open(args.rendered / "room.png").convert("RGB"))
    noise = np.random.default_rng(0).normal(0, GRAIN, (*clean.shape[:2], 1))
    rgb = np.clip(np.round(clean + noise), 0, 255).astype(np.uint8)
    truth = demo_truth(layout, Photo(rgb, "room"), args.meshes)
    write_demo(truth, args.out)
    for item in truth.objects.objects:
        print(f"{item.id} {item.label}: {item.area_px} px, {item.occlusion:.0%} hidden")


if __name__ == "__main__":
    main()
