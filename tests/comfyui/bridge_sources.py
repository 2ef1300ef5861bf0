"""Test-only nodes that give, in the layouts of core and of other packs, what needs weights or
packs that are not there; and a node that writes down what reached it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

SIZE = (240, 340)
"""(height, width) px of the drawn room of ``bridge_rig``."""

FOCAL_PX = 300.0
PITCH_DEG = 15.0
CAMERA_HEIGHT_M = 1.4
WALL_M = 4.0
SKY_PX = 20
"""Rows at the top that MoGe masks."""

SOURCES = f'''
"""Stand-ins for models: geometry of the drawn room, detections, meshes; in the layouts of others."""
import json
from collections import namedtuple
from pathlib import Path

import numpy as np
import torch
import trimesh
from comfy_api.latest import ComfyExtension, Types, io

KEPT = Path(__file__).parent.parent / "kept"
FOCAL, PITCH, HEIGHT, WALL, SKY = {FOCAL_PX}, {PITCH_DEG}, {CAMERA_HEIGHT_M}, {WALL_M}, {SKY_PX}
SEG = namedtuple(
    "SEG", "cropped_image cropped_mask confidence crop_region bbox label control_net_wrapper",
    defaults=[None],
)


def boxes_of(text):
    return [[int(v) for v in line.split()] for line in text.splitlines() if line.strip()]


def depth_of(image, boxes):
    """(h, w) depth of floor, wall and upright things that stand where their boxes end."""
    h, w = image.shape[1:3]
    x, y = np.meshgrid((np.arange(w) + 0.5 - w / 2) / FOCAL, (np.arange(h) + 0.5 - h / 2) / FOCAL)
    angle = np.radians(PITCH)
    down = np.cos(angle) * y + np.sin(angle)  # of a ray with z = 1, per metre ahead
    floor = np.where(down > 1e-6, HEIGHT / np.maximum(down, 1e-6), np.inf)
    ahead = np.cos(angle) - np.sin(angle) * y
    depth = np.minimum(floor, WALL / ahead)
    for x0, y0, x1, y1 in boxes:
        depth[y0:y1, x0:x1] = depth[y1 - 1, (x0 + x1) // 2]
    return depth, np.stack([x, y, np.ones_like(x)], -1)


class Moge(io.ComfyNode):
    """As Run MoGe Inference gives it."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestMoge",
            inputs=[
                io.Image.Input("image"), io.String.Input("boxes"),
                io.Combo.Input("kind", options=["single", "two", "panorama"]),
            ],
            outputs=[io.Custom("MOGE_GEOMETRY").Output()],
        )

    @classmethod
    def execute(cls, image, boxes, kind):
        h, w = image.shape[1:3]
        depth, rays = depth_of(image, boxes_of(boxes))
        mask = np.ones((h, w), bool)
        mask[:SKY] = False
        points = np.where(mask[..., None], rays * depth[..., None], np.inf)
        packet = dict(
            points=points, depth=np.where(mask, depth, np.inf), mask=mask,
            intrinsics=np.array([[FOCAL / w, 0, 0.5], [0, FOCAL / h, 0.5], [0, 0, 1]]),
            normal=np.where(mask[..., None], [0.0, 0.0, -1.0], 0),
        )
        packet = {{k: torch.from_numpy(np.asarray(v))[None] for k, v in packet.items()}}
        packet = {{k: v.float() if v.is_floating_point() else v for k, v in packet.items()}}
        packet["image"] = image[..., :3]
        if kind == "panorama":
            del packet["intrinsics"]
        if kind == "two":
            packet = {{k: torch.cat([v, v]) for k, v in packet.items()}}
        return io.NodeOutput(packet)


class Da3(io.ComfyNode):
    """As Run Depth Anything 3 gives it: intrinsics in pixels of the network's picture."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestDa3",
            inputs=[
                io.Image.Input("image"), io.String.Input("boxes"),
                io.Combo.Input("mode", options=["mono", "multiview"]),
                io.Boolean.Input("network_pixels", default=True),
            ],
            outputs=[io.Custom("DA3_GEOMETRY").Output()],
        )

    @classmethod
    def execute(cls, image, boxes, mode, network_pixels):
        h, w = image.shape[1:3]
        depth, _ = depth_of(image, boxes_of(boxes))
        packet = dict(
            depth=torch.from_numpy(depth)[None].float(), image=image[..., :3], mode=mode,
            sky=torch.zeros(1, h, w),
        )
        packet["sky"][:, :SKY] = 0.9
        if mode == "multiview":
            seen_w, seen_h = (504, round(504 * h / w / 14) * 14) if network_pixels else (w, h)
            fx, fy = FOCAL * seen_w / w, FOCAL * seen_h / h
            k = torch.tensor([[fx, 0, seen_w / 2], [0, fy, seen_h / 2], [0, 0, 1.0]])
            packet = {{k_: torch.cat([v, v]) if torch.is_tensor(v) else v for k_, v in packet.items()}}
            packet["intrinsics"] = k[None, None].repeat(1, 2, 1, 1)
            packet["extrinsics"] = torch.eye(4)[None, None, :3].repeat(1, 2, 1, 1)
        return io.NodeOutput(packet)


class Sam3(io.ComfyNode):
    """As SAM3 Detect gives it."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestSam3",
            inputs=[
                io.Image.Input("image"), io.String.Input("boxes"),
                io.Boolean.Input("individual_masks", default=True),
            ],
            outputs=[io.Mask.Output(), io.BoundingBox.Output()],
        )

    @classmethod
    def execute(cls, image, boxes, individual_masks):
        h, w = image.shape[1:3]
        found = boxes_of(boxes)
        masks = torch.zeros(len(found), h, w)
        for mask, (x0, y0, x1, y1) in zip(masks, found):
            mask[y0:y1, x0:x1] = 1
        if not individual_masks:
            masks = masks.any(0).float()[None] if found else torch.zeros(1, h, w)
        dicts = [
            {{"x": float(a), "y": float(b), "width": float(c - a), "height": float(d - b),
              "score": round(0.9 - 0.1 * i, 2)}}
            for i, (a, b, c, d) in enumerate(found)
        ]
        return io.NodeOutput(masks, [dicts])


class Bbox(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestBbox", inputs=[io.String.Input("boxes")],
            outputs=[io.Custom("BBOX").Output()],
        )

    @classmethod
    def execute(cls, boxes):
        return io.NodeOutput([(a, b, c - a, d - b) for a, b, c, d in boxes_of(boxes)])


class Segs(io.ComfyNode):
    """As the Impact Pack's detectors give it; every second one without a mask."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestSegs", inputs=[io.Image.Input("image"), io.String.Input("boxes")],
            outputs=[io.Custom("SEGS").Output()],
        )

    @classmethod
    def execute(cls, image, boxes):
        h, w = image.shape[1:3]
        segs = []
        for i, (x0, y0, x1, y1) in enumerate(boxes_of(boxes)):
            region = [max(0, x0 - 6), max(0, y0 - 6), min(w, x1 + 6), min(h, y1 + 6)]
            mask = np.zeros((region[3] - region[1], region[2] - region[0]), np.float32)
            mask[y0 - region[1] : y1 - region[1], x0 - region[0] : x1 - region[0]] = 1
            segs.append(SEG(
                None, torch.from_numpy(mask) if i % 2 else mask, np.array([0.8]), region,
                [x0, y0, x1, y1], f"thing{{i}}",
            ))
        return io.NodeOutput(((h, w), segs))


class Voxels(io.ComfyNode):
    """Bodies of different size, for core's Voxel to Mesh."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestVoxels",
            inputs=[io.Int.Input("count", min=0), io.Int.Input("first", default=0)],
            outputs=[io.Voxel.Output()],
        )

    @classmethod
    def execute(cls, count, first):
        data = torch.zeros(count, 16, 16, 16)
        for i in range(count):
            n = 3 + (first + i) % 5
            data[i, 8 - n : 8 + n, 2:14, 4 : 4 + n] = 1
        return io.NodeOutput(Types.VOXEL(data))


class Trimeshes(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestTrimeshes", inputs=[io.Int.Input("count", min=0)],
            outputs=[io.Custom("TRIMESH").Output(is_output_list=True)],
        )

    @classmethod
    def execute(cls, count):
        made = []
        for i in range(count):
            box = trimesh.creation.box((1, 1 + i, 1))
            box.visual.vertex_colors = [200, 100, 50, 255]
            made.append(trimesh.Scene([box]) if i % 2 else box)
        return io.NodeOutput(made)


class NoMasks(io.ComfyNode):
    """A list without items."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestNoMasks", inputs=[], outputs=[io.Mask.Output(is_output_list=True)]
        )

    @classmethod
    def execute(cls):
        return io.NodeOutput([])


class Keep(io.ComfyNode):
    """Writes down what reached it."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestKeep", is_output_node=True,
            inputs=[io.AnyType.Input("anything"), io.String.Input("under")], outputs=[],
        )

    @classmethod
    def execute(cls, anything, under):
        folder = KEPT / under.removeprefix("to ")
        folder.mkdir(parents=True, exist_ok=True)
        if hasattr(anything, "points"):
            np.savez(
                folder / "geometry.npz", points=anything.points, intrinsics=anything.intrinsics,
                floor=np.zeros(4) if anything.floor is None else anything.floor,
                metric=anything.metric,
            )
        elif hasattr(anything, "photo"):
            facts = [
                dict(id=o.id, label=o.label, score=o.score, bbox=o.bbox, keep=o.keep)
                for o in anything.objects
            ]
            (folder / "objects.json").write_text(json.dumps(facts))
            masks = [o.mask for o in anything.objects]
            shape = anything.photo.rgb.shape[:2]
            np.savez(folder / "masks.npz", masks=np.array(masks).reshape(-1, *shape))
        elif hasattr(anything, "entries"):
            facts = [
                dict(id=e.id, meshes=len(e.candidates), failure=e.failure) for e in anything.entries
            ]
            (folder / "meshes.json").write_text(json.dumps(facts))
            for e in anything.entries:
                for i, mesh in enumerate(e.candidates):
                    (folder / f"{{e.id}}_{{i}}.glb").write_bytes(mesh.glb)
        elif hasattr(anything, "vertices"):
            np.savez(folder / "mesh.npz", vertices=anything.vertices.numpy())
        else:
            (folder / "value.json").write_text(json.dumps(anything))
        return io.NodeOutput()


class Tests(ComfyExtension):
    async def get_node_list(self):
        return [Moge, Da3, Sam3, Bbox, Segs, Voxels, Trimeshes, NoMasks, Keep]


async def comfy_entrypoint():
    return Tests()
'''


class Kept:
    """What :class:`Keep` wrote on a server, by name."""

    def __init__(self, base: Path) -> None:
        self.folder = base / "kept"

    def json(self, name: str, file: str):
        return json.loads((self.folder / name / file).read_text())

    def arrays(self, name: str, file: str) -> dict[str, np.ndarray]:
        with np.load(self.folder / name / file) as archive:
            return dict(archive)

    def glb(self, name: str, object_id: int) -> bytes:
        return (self.folder / name / f"{object_id}_0.glb").read_bytes()
