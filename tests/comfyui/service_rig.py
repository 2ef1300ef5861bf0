"""A graph of service backends in ComfyUI, and the doubles that it is led to."""

from __future__ import annotations

import sys

from .prompts import node
from .server import PACK, Server

sys.path.insert(0, str(PACK / "tests" / "services"))

from doubles.replicate import ReplicateDouble
from doubles.server import wait_until
from planted import KEYS, PACKAGES, Doubles, draw_corner, places_with

__all__ = [
    "KEYS",
    "PACKAGES",
    "Doubles",
    "ReplicateDouble",
    "places_with",
    "service_chain",
    "wait_until",
]


def service_chain(server: Server, **changes: dict) -> dict[str, dict]:
    """All stages with service backends where there are some; nodes are named by stage."""
    draw_corner(server.base / "input" / "corner.png")
    made: dict[str, dict] = {}

    def add(name: str, class_type: str, **inputs) -> None:
        made[name] = node(server, class_type, **(inputs | changes.get(name, {})))

    objects, geometry, views = ["filter", 0], ["depth", 0], ["inpaint", 0]
    meshes, placements = ["mesh", 0], ["register", 0]
    add("photo", "LoadImage", image="corner.png")
    add("detect", "CASTDetect", image=["photo", 0], backend="replicate_ram")
    add("filter", "CASTFilter", objects=["detect", 0], backend="qwen_vl", backend__samples=1)
    add("depth", "CASTDepth", objects=objects)
    add("inpaint", "CASTInpaint", objects=objects, backend="replicate_kontext")
    add("mesh", "CASTMesh", objects=objects, views=views, backend="tripo3d")
    add("register", "CASTRegister", objects=objects, geometry=geometry, meshes=meshes)
    add(
        "compose", "CASTComposeScene", objects=objects, geometry=geometry, views=views,
        meshes=meshes, placements=placements,
    )  # fmt: skip
    add("save", "CASTSaveScene", scene=["compose", 0])
    add("picture", "SaveImage", images=["compose", 2], filename_prefix="render")
    return made
