"""Renders the demo picture: a living and dining corner of CC0 models, path-traced.

A separate tool, no part of the package: it runs in an environment of its own, because Blender's
``bpy`` is under the GPL.

    python3.11 -m venv blender && blender/bin/pip install "bpy==4.5.*"
    blender/bin/python docs/demo/make_room.py --models MODELS --out DIR

MODELS is a folder of the GLB files named in ``STANDING`` (y up, metres, resting on y = 0). It
writes ``room.png`` and ``layout.json``: the camera and where every model stands.
``python -m benchmarks.demo`` makes ``room.jpg`` and the truth beside it out of the two.

Frames here: the room is y up, floor at y = 0, x right, z towards the photographer, metres; Blender
has z up, so everything passes through ``BLENDER_FROM_ROOM`` on its way in.
"""

import argparse
import json
import math
from pathlib import Path

import bpy
from mathutils import Matrix, Vector

WIDTH, HEIGHT = 1024, 768
VIEW_DEG = 62.0
EYE = (0.42, 1.42, 1.0)
YAW_DEG, PITCH_DEG = 3.5, 11.5
"""The camera looks along -z, turned to its left by the yaw and down by the pitch."""

LEFT, RIGHT, BACK, FRONT, CEILING = -2.55, 2.75, -4.5, 1.5, 2.6
"""The room's inner planes: x, x, z, z, y."""

STANDING = [
    # label, model, (x, z), turn about y in degrees, what carries it
    ("couch", "couch_095", (-0.80, -3.98), 0.0, "floor"),
    ("potted plant", "decorative_plant_113", (-2.16, -4.08), 40.0, "floor"),
    ("table", "table_134", (1.20, -2.92), 9.0, "floor"),
    ("chair", "oak_chair_026", (1.75, -2.14), 198.0, "floor"),
    ("chair", "oak_chair_026", (0.86, -3.66), 6.0, "floor"),
    ("armchair", "winchester_armchair_139", (-1.20, -2.20), 58.0, "floor"),
    ("flower", "orchids_124", (1.30, -2.90), 25.0, "table"),
]

BOXES: list[dict] = []
"""Every box of the room itself, as ``box`` makes them: name, low and high corner."""

BLENDER_FROM_ROOM = Matrix(((1, 0, 0, 0), (0, 0, -1, 0), (0, 1, 0, 0), (0, 0, 0, 1)))


def room_point(x: float, y: float, z: float) -> Vector:
    """A point of the room in Blender's frame."""
    return BLENDER_FROM_ROOM @ Vector((x, y, z))


class Nodes:
    """A material's shader graph, written as nested calls."""

    def __init__(self, name: str) -> None:
        self.material = bpy.data.materials.new(name)
        self.material.use_nodes = True
        self.tree = self.material.node_tree
        self.surface = self.tree.nodes["Principled BSDF"]

    def add(self, kind: str, inputs: dict | None = None, **settings):
        node = self.tree.nodes.new(kind)
        for key, value in settings.items():
            setattr(node, key, value)
        for key, value in (inputs or {}).items():
            self.link(value, node.inputs[key])
        return node

    def link(self, value, socket) -> None:
        if isinstance(value, bpy.types.NodeSocket):
            self.tree.links.new(value, socket)
        else:
            socket.default_value = value

    def set(self, **inputs) -> None:
        for key, value in inputs.items():
            self.link(value, self.surface.inputs[key.replace("_", " ")])

    def ramp(self, factor, *stops):
        node = self.add("ShaderNodeValToRGB", {"Fac": factor})
        ramp = node.color_ramp
        while len(ramp.elements) < len(stops):
            ramp.elements.new(0.5)
        for element, (at, colour) in zip(ramp.elements, stops, strict=True):
            element.position, element.color = at, (*colour, 1)
        return node.outputs["Color"]

    def mix(self, factor, a, b, blend="MIX"):
        node = self.add("ShaderNodeMix", data_type="RGBA", blend_type=blend)
        for index, value in ((0, factor), (6, a), (7, b)):
            self.link(value, node.inputs[index])
        return node.outputs[2]

    def bump(self, height, strength: float, distance: float) -> None:
        node = self.add(
            "ShaderNodeBump", {"Height": height, "Strength": strength, "Distance": distance}
        )
        self.set(Normal=node.outputs["Normal"])


def parquet() -> bpy.types.Material:
    """Light oak planks along z, each of its own tone."""
    n = Nodes("floor")
    place = n.add("ShaderNodeTexCoord").outputs["Object"]
    planks = n.add(
        "ShaderNodeTexBrick",
        {
            "Vector": n.add(
                "ShaderNodeMapping", {"Vector": place, "Rotation": (0, 0, math.pi / 2)}
            ).outputs[0],
            "Color1": (0.36, 0.36, 0.36, 1), "Color2": (0.66, 0.66, 0.66, 1),
            "Mortar": (0.02, 0.02, 0.02, 1), "Scale": 1.0, "Mortar Size": 0.0012,
            "Mortar Smooth": 0.4, "Bias": 0.0, "Brick Width": 1.35, "Row Height": 0.135,
        },
        offset=0.37,
    )  # fmt: skip
    shifted = n.add(
        "ShaderNodeVectorMath",
        {0: place, 1: n.mix(1.0, planks.outputs["Color"], (9.0, 9.0, 9.0, 1), "MULTIPLY")},
        operation="ADD",
    ).outputs[0]
    stretched = n.add("ShaderNodeMapping", {"Vector": shifted, "Scale": (26, 1.6, 1)}).outputs[0]
    grain = n.add(
        "ShaderNodeTexNoise", {"Vector": stretched, "Scale": 1.0, "Detail": 9, "Distortion": 0.7}
    ).outputs["Fac"]
    wood = n.ramp(
        grain, (0.25, (0.30, 0.170, 0.085)), (0.5, (0.44, 0.275, 0.150)), (0.8, (0.53, 0.35, 0.205))
    )
    tone = n.mix(0.55, wood, planks.outputs["Color"], "OVERLAY")
    n.set(Base_Color=n.mix(planks.outputs["Fac"], tone, (0.07, 0.04, 0.02, 1)))
    n.set(Roughness=n.ramp(grain, (0.2, (0.42,) * 3), (0.9, (0.30,) * 3)))
    n.bump(n.mix(planks.outputs["Fac"], grain, (0, 0, 0, 1)), 0.12, 0.01)
    return n.material


def plaster(name: str, colour: tuple[float, float, float]) -> bpy.types.Material:
    """Painted wall with the orange peel of a roller."""
    n = Nodes(name)
    place = n.add("ShaderNodeTexCoord").outputs["Object"]
    fine = n.add("ShaderNodeTexNoise", {"Vector": place, "Scale": 140.0, "Detail": 3}).outputs[0]
    wide = n.add("ShaderNodeTexNoise", {"Vector": place, "Scale": 1.3, "Detail": 3}).outputs[0]
    darker = tuple(0.94 * c for c in colour)
    n.set(Base_Color=n.ramp(wide, (0.35, darker), (0.65, colour)), Roughness=0.85)
    n.bump(fine, 0.12, 0.004)
    return n.material


def plain(name: str, colour, roughness: float = 0.5) -> bpy.types.Material:
    n = Nodes(name)
    n.set(Base_Color=(*colour, 1), Roughness=roughness)
    return n.material


def rug_material() -> bpy.types.Material:
    """Woven wool in two tones with a darker border of stripes."""
    n = Nodes("rug")
    place = n.add("ShaderNodeTexCoord").outputs["Generated"]
    fibre = n.add("ShaderNodeTexNoise", {"Vector": place, "Scale": 320.0, "Detail": 2}).outputs[0]
    rings = n.add(
        "ShaderNodeTexWave", {"Vector": place, "Scale": 3.0, "Distortion": 1.2, "Detail": 3},
        wave_type="BANDS", bands_direction="DIAGONAL",
    ).outputs["Fac"]  # fmt: skip
    base = n.ramp(rings, (0.3, (0.50, 0.49, 0.45)), (0.62, (0.36, 0.40, 0.42)))
    n.set(
        Base_Color=n.mix(0.35, base, n.ramp(fibre, (0.3, (0.2,) * 3), (0.7, (0.8,) * 3)), "OVERLAY")
    )
    n.set(Roughness=0.95)
    n.bump(fibre, 0.6, 0.006)
    return n.material


def painting() -> bpy.types.Material:
    """Soft hills under a pale sky."""
    n = Nodes("painting")
    place = n.add("ShaderNodeTexCoord").outputs["Generated"]
    split = n.add("ShaderNodeSeparateXYZ", {0: place})
    hills = n.add("ShaderNodeTexNoise", {"Vector": place, "Scale": 2.4, "Detail": 4}).outputs[0]
    sway = n.add("ShaderNodeMath", {0: hills, 1: 0.45}, operation="MULTIPLY").outputs[0]
    level = n.add("ShaderNodeMath", {0: split.outputs["Z"], 1: sway}, operation="ADD").outputs[0]
    n.set(
        Base_Color=n.ramp(
            level, (0.30, (0.05, 0.10, 0.13)), (0.48, (0.10, 0.24, 0.25)), (0.56, (0.55, 0.33, 0.16)),
            (0.66, (0.78, 0.62, 0.42)), (0.80, (0.72, 0.77, 0.76)),
        ),
        Roughness=0.7,
    )  # fmt: skip
    return n.material


def box(name: str, low, high, material) -> bpy.types.Object:
    """An axis-aligned box from two corners of the room."""
    BOXES.append({"name": name, "corners": [list(low), list(high)]})
    a, b = room_point(*low), room_point(*high)
    bpy.ops.mesh.primitive_cube_add(size=1, location=(a + b) / 2)
    item = bpy.context.object
    item.name = name
    item.scale = [abs(q - p) for p, q in zip(a, b, strict=True)]
    bpy.ops.object.transform_apply(location=False, rotation=False, scale=True)
    item.data.materials.append(material)
    return item


def build_room() -> None:
    wall = plaster("wall", (0.70, 0.68, 0.62))
    accent = plaster("accent", (0.44, 0.50, 0.47))
    white = plain("white", (0.80, 0.79, 0.76), 0.35)
    t = 0.2  # walls' thickness
    box("floor", (LEFT - t, -t, FRONT + t), (RIGHT + t, 0, BACK - t), parquet())
    box("ceiling", (LEFT - t, CEILING, FRONT + t), (RIGHT + t, CEILING + t, BACK - t), white)
    box("back", (LEFT - t, 0, BACK), (RIGHT + t, CEILING, BACK - t), accent)
    box("front", (LEFT - t, 0, FRONT), (RIGHT + t, CEILING, FRONT + t), wall)
    box("right", (RIGHT, 0, FRONT), (RIGHT + t, CEILING, BACK), wall)

    # The left wall around a window.
    sill, head, w0, w1 = 0.85, 2.25, -3.55, -1.55
    box("left below", (LEFT, 0, FRONT), (LEFT - t, sill, BACK), wall)
    box("left above", (LEFT, head, FRONT), (LEFT - t, CEILING, BACK), wall)
    box("left near", (LEFT, sill, FRONT), (LEFT - t, head, w1), wall)
    box("left far", (LEFT, sill, w0), (LEFT - t, head, BACK), wall)
    box("window board", (LEFT + 0.12, sill - 0.03, w1 + 0.06), (LEFT - t, sill, w0 - 0.06), white)
    middle = (w0 + w1) / 2
    for z in (w0, middle, w1):
        box("post", (LEFT - 0.10, sill, z - 0.035), (LEFT - 0.16, head, z + 0.035), white)
    for y in (sill + 0.035, head - 0.035):
        box("rail", (LEFT - 0.10, y - 0.035, w0), (LEFT - 0.16, y + 0.035, w1), white)

    for name, low, high in (
        ("back", (LEFT, 0, BACK), (RIGHT, 0.09, BACK + 0.015)),
        ("left", (LEFT, 0, FRONT), (LEFT + 0.015, 0.09, BACK)),
        ("right", (RIGHT, 0, FRONT), (RIGHT - 0.015, 0.09, BACK)),
    ):
        box(f"{name} skirting", low, high, white)
    box("rug", (-1.75, 0, -1.0), (0.35, 0.003, -3.2), rug_material())
    frame = plain("frame", (0.03, 0.025, 0.02), 0.4)
    box("picture frame", (-1.27, 1.16, BACK), (-0.71, 1.96, BACK + 0.025), frame)
    box("picture", (-1.23, 1.20, BACK + 0.02), (-0.75, 1.92, BACK + 0.028), painting())


def build_light() -> None:
    world = bpy.data.worlds.new("outside")
    bpy.context.scene.world = world
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs[0].default_value = (0.80, 0.90, 1.0, 1)
    world.node_tree.nodes["Background"].inputs[1].default_value = 3.0

    def area(name, at, towards, size, watts, colour, visible=False):
        data = bpy.data.lights.new(name, "AREA")
        data.shape, data.size, data.size_y = "RECTANGLE", *size
        data.energy, data.color = watts, colour
        item = bpy.data.objects.new(name, data)
        item.location = room_point(*at)
        item.rotation_euler = (
            (room_point(*towards) - item.location).to_track_quat("-Z", "Y").to_euler()
        )
        item.visible_camera = visible
        bpy.context.collection.objects.link(item)

    area("window", (LEFT - 0.35, 1.6, -2.55), (0.6, 0.7, -2.55), (2.2, 1.5), 175, (1.0, 0.97, 0.92))
    # A second window behind the photographer, as rooms have.
    area("behind", (1.0, 1.7, FRONT - 0.05), (0.2, 0.9, -3.0), (2.4, 1.6), 45, (1.0, 0.95, 0.88))


def stand_models(folder: Path) -> list[dict]:
    """Imports the models to their places; returns what layout.json says of them."""
    entries, tops = [], {"floor": 0.0}
    for index, (label, model, (x, z), turn, support) in enumerate(STANDING):
        before = set(bpy.data.objects)
        bpy.ops.import_scene.gltf(filepath=str(folder / f"{model}.glb"))
        new = [o for o in bpy.data.objects if o not in before]
        pose = Matrix.Translation((x, tops[support], z)) @ Matrix.Rotation(
            math.radians(turn), 4, "Y"
        )
        in_blender = BLENDER_FROM_ROOM @ pose @ BLENDER_FROM_ROOM.inverted()
        for item in (o for o in new if o.parent not in new):
            item.matrix_world = in_blender @ item.matrix_world
        bpy.context.view_layer.update()
        corners = [o.matrix_world @ Vector(c) for o in new if o.type == "MESH" for c in o.bound_box]
        tops[label] = max(c.z for c in corners)
        for item in new:
            item.pass_index = index + 1
            for slot in item.material_slots:
                soften(slot.material)
        entries.append(
            {"id": index, "label": label, "model": model, "supported_by": support,
             "room_from_object": [list(row) for row in pose]}
        )  # fmt: skip
    return entries


def soften(material) -> None:
    """The catalogue's materials know no roughness; bare metal and chalk both look wrong."""
    surface = material and material.node_tree and material.node_tree.nodes.get("Principled BSDF")
    if surface:
        surface.inputs["Metallic"].default_value = 0.0
        surface.inputs["Roughness"].default_value = 0.45


def place_camera() -> Matrix:
    """Returns room_from_camera with the camera in OpenCV's convention."""
    data = bpy.data.cameras.new("camera")
    data.sensor_fit, data.angle = "HORIZONTAL", math.radians(VIEW_DEG)
    camera = bpy.data.objects.new("camera", data)
    bpy.context.collection.objects.link(camera)
    bpy.context.scene.camera = camera
    pose = (
        Matrix.Translation(EYE)
        @ Matrix.Rotation(math.radians(YAW_DEG), 4, "Y")
        @ Matrix.Rotation(math.radians(-PITCH_DEG), 4, "X")
    )  # looks along -z with y up, which is Blender's camera too
    camera.matrix_world = BLENDER_FROM_ROOM @ pose
    return pose @ Matrix.Diagonal((1, -1, -1, 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=Path, required=True, help="folder of the GLB models")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--samples", type=int, default=32)
    parser.add_argument("--percent", type=int, default=100, help="size of the picture, for drafts")
    parser.add_argument("--threads", type=int, default=0, help="0 = all")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)

    bpy.ops.wm.read_factory_settings(use_empty=True)
    build_room()
    build_light()
    entries = stand_models(args.models.resolve())
    room_from_camera = place_camera()

    focal = 0.5 * WIDTH / math.tan(math.radians(VIEW_DEG) / 2)
    layout = {
        "width": WIDTH,
        "height": HEIGHT,
        "intrinsics": [[focal, 0, WIDTH / 2], [0, focal, HEIGHT / 2], [0, 0, 1]],
        "room_from_camera": [list(row) for row in room_from_camera],
        "room": {"left": LEFT, "right": RIGHT, "back": BACK, "front": FRONT, "ceiling": CEILING},
        "boxes": BOXES,
        "objects": entries,
    }
    (args.out / "layout.json").write_text(json.dumps(layout, indent=1))

    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples = args.samples
    scene.cycles.use_denoising = True
    scene.cycles.denoiser = "OPENIMAGEDENOISE"
    scene.cycles.max_bounces = 10
    scene.cycles.diffuse_bounces = 6
    scene.cycles.sample_clamp_indirect = 6.0
    scene.cycles.seed = 1
    scene.render.resolution_x, scene.render.resolution_y = WIDTH, HEIGHT
    scene.render.resolution_percentage = args.percent
    scene.view_settings.view_transform = "AgX"
    scene.view_settings.look = "AgX - Medium High Contrast"
    scene.view_settings.exposure = 0.4
    if args.threads:
        scene.render.threads_mode, scene.render.threads = "FIXED", args.threads
    scene.render.image_settings.file_format = "PNG"
    scene.render.filepath = str((args.out / "room.png").resolve())
    bpy.ops.render.render(write_still=True)


if __name__ == "__main__":
    main()
