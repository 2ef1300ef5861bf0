"""Graphs that hand objects out to other nodes, and a node that tells what ran."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from .prompts import node
from .server import Server

PROBE = '''
"""Stands where a sampler would: writes down each picture that it is run with."""
import json
from pathlib import Path

import torch
from comfy_api.latest import ComfyExtension, Types, io

LOG = Path(__file__).parent.parent / "probe.jsonl"


class Probe(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestProbe",
            inputs=[io.Image.Input("image"), io.String.Input("prompt"), io.Int.Input("seed")],
            outputs=[io.Image.Output()],
        )

    @classmethod
    def execute(cls, image, prompt, seed):
        with LOG.open("a") as log:
            print(json.dumps({"size": list(image.shape[1:3]), "prompt": prompt}), file=log)
        return io.NodeOutput(image)


class Extruded(io.ComfyNode):
    """In place of an image-to-3D model: the silhouette as a slab of voxels."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestExtruded",
            inputs=[io.Image.Input("image"), io.Mask.Input("mask")],
            outputs=[io.Voxel.Output()],
        )

    @classmethod
    def execute(cls, image, mask):
        small = torch.nn.functional.interpolate(mask[None], (32, 32), mode="area")[0, 0]
        data = torch.zeros(1, 32, 32, 32)
        data[0, 12:20] = (small > 0.5).flip(0)
        return io.NodeOutput(Types.VOXEL(data))


class Tests(ComfyExtension):
    async def get_node_list(self):
        return [Probe, Extruded]


async def comfy_entrypoint():
    return Tests()
'''

COLOURS = (
    (190, 40, 40), (40, 130, 60), (40, 60, 180), (190, 160, 40), (140, 50, 160), (40, 150, 160),
    (120, 80, 40),
)  # fmt: skip


def things(count: int) -> list[tuple[int, int, int, int]]:
    """Boxes (left, top, right, bottom) px of things of different size, beside each other."""
    return [(12 + 44 * i, 150 - 9 * i, 12 + 44 * i + 24 + 2 * i, 205) for i in range(count)]


def draw_things(path: Path, count: int) -> None:
    """A room, 340 x 240, with things that are told apart by their colours."""
    rgb = np.full((240, 340, 3), (205, 200, 190), float)
    rgb[150:] = (140, 110, 80)
    for (x0, y0, x1, y1), colour in zip(things(count), COLOURS, strict=False):
        rgb[y0:y1, x0:x1] = colour
    rgb += np.random.default_rng(0).normal(0, 3, rgb.shape)
    Image.fromarray(np.clip(rgb, 0, 255).astype(np.uint8)).save(path)


class Graph:
    """An API prompt in the making: nodes by name, links by ``name`` or ``(name, output)``."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.nodes: dict[str, dict] = {}

    def add(self, name: str, class_type: str, **inputs) -> Graph:
        linked = {}
        for key, value in inputs.items():
            if isinstance(value, str) and value in self.nodes and key not in NOT_LINKS:
                value = [value, 0]
            linked[key] = list(value) if isinstance(value, tuple) else value
        self.nodes[name] = node(self.server, class_type, **linked)
        return self

    def look(self, name: str, output: int = 0) -> Graph:
        """A preview of an image output."""
        return self.add(f"look_{name}_{output}", "PreviewImage", images=(name, output))

    def run(self):
        return self.server.run(self.nodes)


NOT_LINKS = (
    "object", "label", "labels", "prompt", "backend", "retry", "mode", "name", "filename_prefix",
)  # fmt: skip


def with_objects(server: Server, count: int) -> Graph:
    """Photo, masks and objects; with 0 the one object that there is was dropped by hand."""
    drawn = max(count, 1)
    name = f"things{drawn}.png"
    draw_things(server.base / "input" / name, drawn)
    boxes = "\n".join(" ".join(map(str, b)) for b in things(drawn))
    labels = ", ".join(f"thing{i}" for i in range(drawn))
    graph = Graph(server)
    graph.add("photo", "LoadImage", image=name)
    graph.add("masks", "TestBoxMasks", image="photo", boxes=boxes)
    graph.add(
        "detect", "CASTDetect", image="photo",
        backend="masks", backend__masks=["masks", 0], backend__labels=labels,
    )  # fmt: skip
    if count:
        return graph.add("objects", "CASTOverrideObject", objects="detect")
    return graph.add("objects", "CASTOverrideObject", objects="detect", object="0", keep="drop")


def finished(graph: Graph, views=("views", 0), meshes=("mesh", 0)) -> Graph:
    """Depth, mesh, placement, scene and folder behind the views."""
    graph.add("depth", "CASTDepth", objects="objects")
    if meshes == ("mesh", 0):
        graph.add("mesh", "CASTMesh", objects="objects", views=views, backend="inflate")
    graph.add("register", "CASTRegister", objects="objects", geometry="depth", meshes=meshes)
    graph.add(
        "compose", "CASTComposeScene", objects="objects", geometry="depth", views=views,
        meshes=meshes, placements="register",
    )  # fmt: skip
    return graph.add("save", "CASTSaveScene", scene="compose")


def saved_folder(server: Server, run) -> Path:
    files = run.outputs["save"]["cast_files"]
    return server.base / "output" / files[0]["subfolder"]


def colour_of_view(folder: Path, object_id: int) -> np.ndarray:
    """Mean colour of the opaque part of a saved view."""
    rgba = np.asarray(Image.open(folder / "objects" / str(object_id) / "view.png"))
    return rgba[rgba[..., 3] > 200][:, :3].mean(0)


class Probe:
    """What the probe wrote since it was last asked."""

    def __init__(self, server: Server) -> None:
        self.path = server.base / "probe.jsonl"
        self.seen = 0

    def new(self) -> list[dict]:
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        fresh, self.seen = lines[self.seen :], len(lines)
        return [json.loads(line) for line in fresh]
