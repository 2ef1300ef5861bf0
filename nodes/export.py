"""Export: the scene for other programs, as files in ComfyUI's output folder."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any, Literal

import folder_paths
from comfy_api.latest import Types, io
from comfy_execution.graph_utils import ExecutionBlocker

from ..cast_nodes.cancel import CancelToken
from ..cast_nodes.export import Wanted, Written, scene_in_memory, write_exports
from ..cast_nodes.run_folder import RunFolder
from .run_stage import show_text, stoppable
from .sockets import CATEGORY, CastScene

COLLISION: dict[str, Literal["", "hull", "parts"]] = {
    "none": "",
    "convex hull": "hull",
    "convex parts": "parts",
}
PACKAGES = {
    "usd": ("pxr", "usd-core"),
    "parts": ("coacd", "coacd"),
    "draco": ("DracoPy", "DracoPy"),
}


class Export(io.ComfyNode):
    """Node CAST Export."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="CASTExport",
            display_name="CAST Export",
            category=CATEGORY,
            description="Writes the scene for Blender, game engines and simulators into a new folder"
            " of ComfyUI's output folder: scene.glb, USD, a GLB per object, collision meshes, and a"
            " list of the objects with their poses and boxes.",
            search_aliases=[
                "usd",
                "usdz",
                "openusd",
                "blender",
                "unreal",
                "isaac",
                "convex hull",
                "导出",
                "碰撞",
            ],
            is_output_node=True,
            inputs=[
                CastScene.Input("scene", tooltip="From CAST Compose Scene."),
                io.String.Input(
                    "filename_prefix",
                    default="CAST/export",
                    tooltip="Folder in ComfyUI's output folder; a number is added.",
                ),
                io.Combo.Input(
                    "usd",
                    options=["none", "usdz", "usdc", "both"],
                    default="none",
                    tooltip="usdz: one file; usdc: scene.usdc and its textures beside it. Needs the"
                    " package usd-core.",
                ),
                io.Combo.Input(
                    "up",
                    options=["y", "z"],
                    default="y",
                    tooltip="Which axis is up in the USD. A GLB is always y up.",
                ),
                io.Boolean.Input(
                    "objects",
                    default=True,
                    tooltip="A GLB per object where it stands, and one in its own frame; and the room.",
                ),
                io.Combo.Input(
                    "collision",
                    options=list(COLLISION),
                    default="convex hull",
                    tooltip="Collision meshes, as GLBs and in the USD. Convex parts follow the shape"
                    " better, take longer, and need the package coacd.",
                ),
                io.Boolean.Input(
                    "draco",
                    default=False,
                    tooltip="The scene as a Draco-compressed GLB, too. Needs the package DracoPy.",
                ),
            ],
            outputs=[
                io.String.Output("folder", tooltip="Where the files are."),
                io.File3DUSDZ.Output("usdz", tooltip="The scene as .usdz, where it was asked for."),
                io.String.Output("object_list", tooltip="Poses, boxes, files and fit as JSON."),
            ],
        )

    @classmethod
    def validate_inputs(cls, usd="none", collision="none", draco=False) -> bool | str:
        asked = {"usd": usd != "none", "parts": collision == "convex parts", "draco": draco}
        for kind, (module, package) in PACKAGES.items():
            if asked[kind] and importlib.util.find_spec(module) is None:
                return f"CAST Export needs a package for this: pip install {package}"
        return True

    @classmethod
    async def execute(
        cls, scene, filename_prefix="CAST/export", usd="none", up="y", objects=True,
        collision="convex hull", draco=False,
    ) -> io.NodeOutput:  # fmt: skip
        wanted = Wanted(
            usd=usd in ("usdc", "both"),
            usdz=usd in ("usdz", "both"),
            objects=objects,
            collision=COLLISION[collision],
            draco=draco,
            up=up,
        )
        root = folder_paths.get_output_directory()
        parent, name, counter, _, _ = folder_paths.get_save_image_path(filename_prefix, root)
        folder = Path(parent) / f"{name}_{counter:05}_"
        made = await stoppable(lambda cancel: _written(scene, wanted, folder, cancel))
        show_text("\n".join([f"{folder}: {len(made.files)} files", *made.notes]))
        packed: Any = ExecutionBlocker(None)
        if wanted.usdz:
            packed = Types.File3D(str(folder / "scene.usdz"), "usdz")
        listed = (folder / "export/object_list.json").read_text(encoding="utf-8")
        return io.NodeOutput(str(folder), packed, listed)


def _written(scene: Any, wanted: Wanted, folder: Path, cancel: CancelToken) -> Written:
    """The scene's GLB and scene.json, and what is wanted beside them."""
    made = write_exports(scene_in_memory(scene), wanted, folder, each=lambda name: cancel.check())
    RunFolder(folder).write_scene_files(scene)
    return made
