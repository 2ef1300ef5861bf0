"""Gather Room: an image graph's empty room becomes the views' background."""

from __future__ import annotations

from comfy_api.latest import io

from ..cast_nodes.bridges.out_room import PlateOptions, with_room
from .convert import image_from_rgb
from .lists import graph_choice, option_widgets, options_of, pictures_from
from .run_stage import present, run_stage
from .sockets import CATEGORY, CastObjects, CastViews


class GatherRoom(io.ComfyNode):
    """Node CAST Gather Room."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="CASTGatherRoom",
            display_name="CAST Gather Room",
            category=CATEGORY,
            description="Takes the empty room that an image graph has painted (CAST Room to Image)"
            " as the views' background. Only where objects and their shadows were is it taken;"
            " all else stays the photo's.",
            search_aliases=[
                "clean plate",
                "background",
                "empty room",
                "空房间",
                "背景",
            ],
            has_intermediate_output=True,
            inputs=[
                CastObjects.Input("objects", tooltip="From CAST Filter."),
                CastViews.Input("views", tooltip="From CAST Gather Views or CAST Inpaint."),
                io.Image.Input("image", tooltip="The empty room, of any size."),
                *option_widgets(PlateOptions),
            ],
            outputs=[
                CastViews.Output("views", tooltip="The same views with the new background."),
                io.Image.Output("background", tooltip="The room without the objects."),
            ],
        )

    @classmethod
    async def execute(cls, objects, views, image, **values) -> io.NodeOutput:
        options = options_of(PlateOptions, values, "CAST Gather Room")
        made, log = await run_stage(
            "inpaint",
            lambda answers, choice, context: with_room(objects, views, answers, options, context),
            pictures_from([image]),
            graph_choice("inpaint", options),
        )
        plate = objects.photo.rgb if made.background is None else made.background
        ui = await present(cls, log, plate, "background", notes=made.notes)
        return io.NodeOutput(made, image_from_rgb(plate), ui=ui)
