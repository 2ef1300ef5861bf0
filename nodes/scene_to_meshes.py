"""Scene to Meshes: the scene's objects one by one, for ComfyUI's 3D nodes."""

from __future__ import annotations

import asyncio

from comfy_api.latest import io
from comfy_execution.graph_utils import ExecutionBlocker

from ..cast_nodes.bridges.out_scene import FRAMES, object_meshes, order_of
from .meshes_out import glb_file, mesh_value
from .sockets import CATEGORY, CastOrder, CastScene


class SceneToMeshes(io.ComfyNode):
    """Node CAST Scene to Meshes."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="CASTSceneToMeshes",
            display_name="CAST Scene to Meshes",
            category=CATEGORY,
            description="The objects of a scene as lists, one item per object: as MESH, as GLB and"
            " by name. What follows runs once per object.",
            search_aliases=[
                "split scene",
                "export objects",
                "mesh list",
                "separate objects",
                "拆分场景",
                "导出物体",
            ],
            inputs=[
                CastScene.Input("scene", tooltip="From CAST Compose Scene."),
                io.Combo.Input(
                    "frame",
                    options=list(FRAMES),
                    default="world",
                    tooltip="world: where the object stands, y up, the floor at y = 0. object: as"
                    " its generator made it, unposed. camera: posed before the photo's camera"
                    " (x right, y down, z forward).",
                ),
            ],
            outputs=[
                io.Mesh.Output(
                    "mesh",
                    is_output_list=True,
                    tooltip="One texture at most; several materials become coloured vertices.",
                ),
                io.File3DGLB.Output("glb", is_output_list=True, tooltip="With all materials."),
                io.String.Output("name", is_output_list=True, tooltip="As in scene.glb."),
                CastOrder.Output("order", tooltip="Which item is which object."),
            ],
        )

    @classmethod
    async def execute(cls, scene, frame="world") -> io.NodeOutput:
        meshes = await asyncio.to_thread(object_meshes, scene, frame)
        order = order_of(scene, meshes)
        if not meshes:  # an empty list breaks what is run per item; nothing then runs
            nothing = ExecutionBlocker(None)
            return io.NodeOutput(nothing, nothing, nothing, order)
        return io.NodeOutput(
            [mesh_value(m.data) for m in meshes],
            [glb_file(m.glb) for m in meshes],
            [m.name for m in meshes],
            order,
        )
