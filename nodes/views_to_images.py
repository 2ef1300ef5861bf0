"""Views to Images: one square picture per object, for any graph that makes a mesh of a picture."""

from __future__ import annotations

import asyncio

from comfy_api.latest import io

from ..cast_nodes.bridges.out_views import ViewOptions, pictures_of, views_out
from ..cast_nodes.report.sheets import contact_sheet
from .convert import image_from_rgb, preview
from .lists import decisions, mask_tensor, option_widgets, options_of
from .run_stage import shared_store, show_text
from .sockets import CATEGORY, CastObjects, CastOrder, CastViews
from .widgets import retry_input, with_retries


class ViewsToImages(io.ComfyNode):
    """Node CAST Views to Images."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="CASTViewsToImages",
            display_name="CAST Views to Images",
            category=CATEGORY,
            description="One square picture and mask per object, for graphs that make a mesh of a"
            " picture: Hunyuan3D, Trellis 2, Tripo. The graph runs once per object. Connect order"
            " where its meshes come back.",
            search_aliases=[
                "image to 3d",
                "for each object",
                "hunyuan3d",
                "trellis",
                "tripo",
                "图生3D",
                "逐个物体",
                "混元3D",
            ],
            has_intermediate_output=True,
            inputs=[
                CastObjects.Input("objects", tooltip="From CAST Filter."),
                CastViews.Input("views", tooltip="From CAST Inpaint or CAST Gather Views."),
                retry_input("mesh"),
                *option_widgets(ViewOptions),
            ],
            outputs=[
                io.Image.Output("image", is_output_list=True, tooltip="The object on its ground."),
                io.Mask.Output("mask", is_output_list=True, tooltip="White: the object."),
                CastOrder.Output("order", tooltip="Which item is which object."),
            ],
        )

    @classmethod
    async def execute(cls, objects, views, retry="", **values) -> io.NodeOutput:
        options = options_of(ViewOptions, values, "CAST Views to Images")
        objects = with_retries(objects, retry)
        store = shared_store()
        order = await asyncio.to_thread(views_out, objects, views, options, store, decisions)
        items = await asyncio.to_thread(pictures_of, order, views, options)
        kept = f", {len(order.kept)} kept" if order.kept else ""
        show_text(f"{len(order.sent)} sent{kept}")
        return io.NodeOutput(
            [image_from_rgb(picture) for picture, _ in items],
            [mask_tensor(mask) for _, mask in items],
            order,
            ui=preview(contact_sheet([picture for picture, _ in items]), cls),
        )
