"""API prompts made from what the server says about its nodes."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from .server import Server

BOXES = ((20, 110, 80, 200), (120, 90, 200, 190), (240, 130, 300, 215))
"""(left, top, right, bottom) pixels of the three things in the drawn room."""

LABELS = "chair, table, box"


def draw_room(path) -> None:
    """A small picture of a room with three things on the floor, 320 x 240."""
    picture = Image.new("RGB", (320, 240), (205, 200, 190))
    draw = ImageDraw.Draw(picture)
    draw.polygon([(0, 150), (320, 150), (320, 240), (0, 240)], fill=(140, 110, 80))
    draw.line([(0, 150), (320, 150)], fill=(90, 70, 50), width=2)
    for box, colour in zip(BOXES, ((170, 40, 40), (60, 110, 60), (50, 60, 150)), strict=True):
        draw.rectangle((box[0], box[1], box[2] - 1, box[3] - 1), fill=colour)
    noise = np.random.default_rng(0).normal(0, 3, (240, 320, 3))
    pixels = np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(path)


def node(server: Server, class_type: str, **inputs) -> dict:
    """One node of an API prompt: what is not given is at its default.

    A choice of a backend is given as ``backend="name"``; its own values with ``__`` for the dot
    (``backend__boxes=…``).
    """
    info = server.get(f"/object_info/{class_type}")[class_type]["input"]
    values: dict = {}
    given = {name.replace("__", "."): value for name, value in inputs.items()}

    def fill(specs: dict, prefix: str) -> None:
        for name, (kind, options) in _entries(specs):
            full = prefix + name
            if kind == "COMFY_DYNAMICCOMBO_V3":
                keys = {o["key"]: o["inputs"] for o in options["options"]}
                values[full] = given.get(full, next(iter(keys)))
                fill(keys.get(values[full], {}), full + ".")
            elif full in given:
                values[full] = given[full]
            elif "default" in options:
                values[full] = options["default"]

    fill(info, "")
    return {"class_type": class_type, "inputs": values | given}


def _entries(specs: dict):
    for group in ("required", "optional"):
        for name, spec in specs.get(group, {}).items():
            yield name, (spec[0], spec[1] if len(spec) > 1 else {})


def chain(server: Server, **changes: dict) -> dict[str, dict]:
    """All stages over the drawn room, its objects given as masks; nodes are named by stage.

    Args:
        changes: inputs of single nodes (``mesh={"retry": "1"}``).
    """
    draw_room(server.base / "input" / "room.png")
    made: dict[str, dict] = {}

    def add(name: str, class_type: str, **inputs) -> None:
        made[name] = node(server, class_type, **(inputs | changes.get(name, {})))

    boxes = "\n".join(" ".join(map(str, b)) for b in BOXES)
    objects, geometry, views = ["filter", 0], ["depth", 0], ["inpaint", 0]
    meshes, placements = ["mesh", 0], ["register", 0]
    add("photo", "LoadImage", image="room.png")
    add("masks", "TestBoxMasks", image=["photo", 0], boxes=boxes)
    add(
        "detect", "CASTDetect", image=["photo", 0],
        backend="masks", backend__masks=["masks", 0], backend__labels=LABELS,
    )  # fmt: skip
    add("filter", "CASTFilter", objects=["detect", 0])
    add("depth", "CASTDepth", objects=objects)
    add("inpaint", "CASTInpaint", objects=objects)
    add("mesh", "CASTMesh", objects=objects, views=views, backend="inflate")
    add("register", "CASTRegister", objects=objects, geometry=geometry, meshes=meshes)
    add(
        "compose", "CASTComposeScene", objects=objects, geometry=geometry, views=views,
        meshes=meshes, placements=placements,
    )  # fmt: skip
    add("save", "CASTSaveScene", scene=["compose", 0])
    return made


def chain_until(server: Server, stage: str, **changes: dict) -> dict[str, dict]:
    """The first stages alone, with a preview of the last one."""
    made = chain(server, **changes)
    names = list(made)
    first = {name: made[name] for name in names[: names.index(stage) + 1]}
    return first | {"look": node(server, "CASTPreview", anything=[stage, 0])}
