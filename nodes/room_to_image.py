"""Room to Image: the photo, what is to be painted away, and what to ask for."""

from __future__ import annotations

from comfy_api.latest import io

from ..cast_nodes.bridges.out_room import RoomOptions, room_request
from .convert import image_from_rgb, preview
from .lists import mask_tensor, option_widgets, options_of
from .sockets import CATEGORY, CastObjects


class RoomToImage(io.ComfyNode):
    """Node CAST Room to Image."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="CASTRoomToImage",
            display_name="CAST Room to Image",
            category=CATEGORY,
            description="The photo with a mask of all objects and a prompt that asks for the empty"
            " room, for any image graph. CAST Gather Room takes its answer.",
            search_aliases=[
                "clean plate",
                "remove objects",
                "empty room",
                "background",
                "空房间",
                "去除物体",
                "背景",
            ],
            has_intermediate_output=True,
            inputs=[
                CastObjects.Input("objects", tooltip="From CAST Filter."),
                *option_widgets(RoomOptions),
            ],
            outputs=[
                io.Image.Output("image", tooltip="The photo."),
                io.Mask.Output("to_paint", tooltip="White: the objects with a margin."),
                io.String.Output("prompt", tooltip="What is asked for."),
            ],
        )

    @classmethod
    def execute(cls, objects, **values) -> io.NodeOutput:
        request = room_request(objects, options_of(RoomOptions, values, "CAST Room to Image"))
        shown = request.picture.copy()
        shown[request.mask] = shown[request.mask] // 2 + 127
        return io.NodeOutput(
            image_from_rgb(request.picture),
            mask_tensor(request.mask),
            request.prompt,
            ui=preview(shown, cls),
        )
