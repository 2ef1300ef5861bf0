"""Scene Room: the room without its objects."""

from __future__ import annotations

from comfy_api.latest import io
from comfy_execution.graph_utils import ExecutionBlocker

from ..cast_nodes.bridges.out_scene import room_glbs
from .convert import image_from_rgb
from .meshes_out import glb_file
from .sockets import CATEGORY, CastScene


class SceneRoom(io.ComfyNode):
    """Node CAST Scene Room."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="CASTSceneRoom",
            display_name="CAST Scene Room",
            category=CATEGORY,
            description="The room of a scene without its objects: whole, the floor alone, and the"
            " walls and backdrop without the floor, all in the scene's world frame. What a scene"
            " does not have does not run on.",
            search_aliases=[
                "background",
                "floor",
                "walls",
                "empty room",
                "backdrop",
                "背景",
                "地面",
                "墙面",
                "空房间",
            ],
            inputs=[CastScene.Input("scene", tooltip="From CAST Compose Scene.")],
            outputs=[
                io.File3DGLB.Output("room", tooltip="Floor, walls and backdrop."),
                io.File3DGLB.Output("floor", tooltip="The floor alone."),
                io.File3DGLB.Output("walls", tooltip="The room without its floor."),
                io.Image.Output("clean_plate", tooltip="The photo without its objects."),
            ],
        )

    @classmethod
    def execute(cls, scene) -> io.NodeOutput:
        floor, walls = room_glbs(scene)
        plate = scene.views.background

        def file(glb: bytes):
            return glb_file(glb) if glb else ExecutionBlocker(None)

        return io.NodeOutput(
            file(scene.background_glb),
            file(floor),
            file(walls),
            ExecutionBlocker(None) if plate is None else image_from_rgb(plate),
        )
