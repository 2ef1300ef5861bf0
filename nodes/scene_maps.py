"""Scene Maps: depth, masks and ids of the scene from the photo's camera."""

from __future__ import annotations

import asyncio

import numpy as np
import torch
from comfy_api.latest import io

from ..cast_nodes.bridges.out_scene import DEPTH_SCALES, depth_values, scene_maps
from .convert import image_from_rgb, preview
from .lists import mask_tensor
from .sockets import CATEGORY, CastScene


class SceneMaps(io.ComfyNode):
    """Node CAST Scene Maps."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="CASTSceneMaps",
            display_name="CAST Scene Maps",
            category=CATEGORY,
            description="What the photo's camera sees of the scene: depth, the objects alone, their"
            " mask, and which is which. For ControlNets, compositing and comparison. (The whole"
            " scene's picture comes from CAST Compose Scene.)",
            search_aliases=[
                "render depth",
                "segmentation map",
                "id map",
                "controlnet depth",
                "渲染深度",
                "分割图",
                "通道图",
            ],
            has_intermediate_output=True,
            inputs=[
                CastScene.Input("scene", tooltip="From CAST Compose Scene."),
                io.Combo.Input(
                    "depth_scale",
                    options=list(DEPTH_SCALES),
                    default="inverse",
                    tooltip="inverse: near is white, as ControlNets want it. linear: far is white."
                    " units: the distance itself, in metres where the scene is metric, unclipped.",
                ),
                io.Boolean.Input(
                    "room", default=True, tooltip="Depth of the room, too; off: objects alone."
                ),
            ],
            outputs=[
                io.Image.Output("depth", tooltip="See depth_scale."),
                io.Image.Output("objects_alone", tooltip="The objects on white."),
                io.Mask.Output("mask", tooltip="White: any object."),
                io.Image.Output("ids", tooltip="Each object in a colour of its own."),
                io.Mask.Output(
                    "masks",
                    tooltip="One mask per object as a batch, what is seen of it; in the order of"
                    " CAST Scene to Meshes. Without objects one black mask.",
                ),
            ],
        )

    @classmethod
    async def execute(cls, scene, depth_scale="inverse", room=True) -> io.NodeOutput:
        maps = await asyncio.to_thread(scene_maps, scene, room)
        depth = depth_values(maps.depth, depth_scale)
        grey = torch.from_numpy(np.repeat(depth[..., None], 3, -1))[None]
        each = torch.from_numpy(maps.masks.astype(np.float32))
        shown = np.hstack(
            [np.rint(255 * (grey[0] / grey.max().clamp(min=1)).numpy()), maps.colours]
        )
        return io.NodeOutput(
            grey,
            image_from_rgb(maps.rgb),
            mask_tensor(maps.mask),
            image_from_rgb(maps.colours),
            each if len(each) else mask_tensor(maps.mask),
            ui=preview(shown.astype(np.uint8), cls),
        )
