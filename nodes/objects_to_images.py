"""Objects to Images: one picture per object, for any image graph."""

from __future__ import annotations

import asyncio

from comfy_api.latest import io

from ..cast_nodes.bridges.out_crops import CropOptions, crops_of, crops_out
from ..cast_nodes.report.sheets import contact_sheet
from .convert import image_from_rgb, preview
from .lists import decisions, mask_tensor, option_widgets, options_of
from .run_stage import shared_store, show_text
from .sockets import CATEGORY, CastObjects, CastOrder
from .widgets import retry_input, with_retries


class ObjectsToImages(io.ComfyNode):
    """Node CAST Objects to Images."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="CASTObjectsToImages",
            display_name="CAST Objects to Images",
            category=CATEGORY,
            description="One picture per object, to be completed by any image graph: Flux Kontext,"
            " Qwen-Image-Edit, an inpainting model. The graph runs once per object; CAST Gather"
            " Views makes views of its answers. Connect order there.",
            search_aliases=[
                "for each object",
                "crop objects",
                "ksampler per object",
                "amodal",
                "逐个物体",
                "裁剪物体",
                "补全",
            ],
            has_intermediate_output=True,
            inputs=[
                CastObjects.Input("objects", tooltip="From CAST Filter."),
                retry_input("answer"),
                *option_widgets(CropOptions),
            ],
            outputs=[
                io.Image.Output(
                    "image", is_output_list=True, tooltip="What is to be completed, per object."
                ),
                io.Mask.Output(
                    "visible", is_output_list=True, tooltip="White: what is seen of the object."
                ),
                io.Mask.Output(
                    "to_paint",
                    is_output_list=True,
                    tooltip="White: where the object may go on unseen, for inpainting models.",
                ),
                io.String.Output(
                    "prompt", is_output_list=True, tooltip="What is asked for, per object."
                ),
                CastOrder.Output("order", tooltip="For CAST Gather Views: which item is which."),
            ],
        )

    @classmethod
    async def execute(cls, objects, retry="", **values) -> io.NodeOutput:
        options = options_of(CropOptions, values, "CAST Objects to Images")
        objects = with_retries(objects, retry)
        store = shared_store()
        order = await asyncio.to_thread(crops_out, objects, options, store, decisions)
        crops = await asyncio.to_thread(crops_of, order)
        kept = f", {len(order.kept)} kept" if order.kept else ""
        show_text(f"{len(order.sent)} sent{kept}")
        sheet = contact_sheet([c.picture for c in crops])
        return io.NodeOutput(
            [image_from_rgb(c.picture) for c in crops],
            [mask_tensor(c.visible) for c in crops],
            [mask_tensor(c.unknown) for c in crops],
            [c.prompt for c in crops],
            order,
            ui=preview(sheet, cls),
        )
