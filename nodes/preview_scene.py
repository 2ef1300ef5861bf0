"""Preview Scene: a scene to look around in and to hold against its photo."""

from __future__ import annotations

from comfy_api.latest import io

from .scene_files import scene_ui
from .sockets import CATEGORY, CastScene


class PreviewScene(io.ComfyNode):
    """Node CAST Preview Scene."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="CASTPreviewScene",
            display_name="CAST Preview Scene",
            category=CATEGORY,
            description="Shows a scene in 3D: look around in it, see each object's fit, hold it"
            " against the photo from the photo's own camera.",
            search_aliases=[
                "3d viewer",
                "show scene",
                "preview glb",
                "compare with photo",
                "查看场景",
                "3D预览",
                "对比照片",
            ],
            is_output_node=True,
            inputs=[CastScene.Input("scene", tooltip="From CAST Compose Scene.")],
            outputs=[],
        )

    @classmethod
    async def execute(cls, scene) -> io.NodeOutput:
        return io.NodeOutput(ui=await scene_ui(scene))
