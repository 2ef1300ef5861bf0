"""Save Scene: the run folder with GLB, report and everything in between."""

from __future__ import annotations

import asyncio
from pathlib import Path

import folder_paths
from comfy_api.latest import io

from ..cast_nodes.pipeline import versions
from ..cast_nodes.report import render_report
from ..cast_nodes.run_folder import RunFolder
from ..cast_nodes.types import Scene
from .sockets import CATEGORY, CastScene


class SaveScene(io.ComfyNode):
    """Node CAST Save Scene."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="CASTSaveScene",
            display_name="CAST Save Scene",
            category=CATEGORY,
            description="Writes the scene into a new folder of ComfyUI's output folder: scene.glb,"
            " scene.json, report.html, and each object's mask, view and mesh. The command line"
            " (cast run FOLDER) goes on from such a folder.",
            search_aliases=[
                "export glb",
                "save glb",
                "report",
                "download scene",
                "导出",
                "保存模型",
                "报告",
            ],
            is_output_node=True,
            inputs=[
                CastScene.Input("scene", tooltip="From CAST Compose Scene."),
                io.String.Input(
                    "filename_prefix",
                    default="CAST/scene",
                    tooltip="Folder in ComfyUI's output folder; a number is added.",
                ),
            ],
            outputs=[io.String.Output("folder", tooltip="Where the files are.")],
        )

    @classmethod
    async def execute(cls, scene, filename_prefix="CAST/scene") -> io.NodeOutput:
        root = folder_paths.get_output_directory()
        parent, name, counter, subfolder, _ = folder_paths.get_save_image_path(
            filename_prefix, root
        )
        folder = Path(parent) / f"{name}_{counter:05}_"
        await asyncio.to_thread(write_scene_folder, folder, scene)
        where = {"subfolder": f"{subfolder}/{folder.name}".lstrip("/"), "type": "output"}
        files = [{"filename": n, **where} for n in ("scene.glb", "scene.json", "report.html")]
        return io.NodeOutput(str(folder), ui={"cast_files": files})


def write_scene_folder(path: Path, scene: Scene) -> None:
    """The whole run folder of a scene.

    Raises:
        StorageError: the disk or the folder does not take it.
    """
    folder, photo = RunFolder(path), scene.objects.photo
    folder.write_photo(photo)
    folder.write_objects(scene.objects)
    folder.write_geometry(scene.geometry)
    folder.write_views(scene.views)
    folder.write_meshes(scene.meshes, scene.placements)
    folder.write_placements(scene.placements)
    folder.write_edits(scene)
    facts = {
        "photo": photo.name,
        "photo_key": photo.key,
        "width": photo.width,
        "height": photo.height,
        "versions": versions(),
    }
    folder.write_scene(scene, render_report(scene, facts))
    folder.write_run(facts)
