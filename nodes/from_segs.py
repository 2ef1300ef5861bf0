"""Objects from SEGS: what the Impact Pack's detectors found."""

from __future__ import annotations

from comfy_api.latest import io

from ..cast_nodes.bridges.from_boxes import named
from ..cast_nodes.bridges.from_segs import found_in_segs
from .bridging import flat, found_inputs, objects_output, picture_from
from .convert import MAX_SIDE_PX
from .sockets import CATEGORY, CastObjects

Segs = io.Custom("SEGS")


class ObjectsFromSegs(io.ComfyNode):
    """Node CAST Objects from SEGS."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="CASTObjectsFromSEGS",
            display_name="CAST Objects from SEGS",
            category=CATEGORY,
            description="Makes objects of the Impact Pack's SEGS, with their names and confidences."
            " Where a SEG has no mask, one is made inside its box.",
            search_aliases=[
                "impact pack",
                "segs to objects",
                "ultralytics",
                "yolo",
                "分割",
                "检测框",
            ],
            has_intermediate_output=True,
            is_input_list=True,
            inputs=found_inputs([Segs.Input("segs", tooltip="SEGS of the same image.")]),
            outputs=[CastObjects.Output("objects", tooltip="The photo and what is in it.")],
        )

    @classmethod
    async def execute(
        cls, image, segs, labels=("",), separate=(True,), max_side=(MAX_SIDE_PX,)
    ) -> io.NodeOutput:
        picture = picture_from(image, max_side)
        found = [f for value in flat(segs) for f in found_in_segs(value, picture)]
        return await objects_output(cls, picture, named(found, labels), "SEGS", separate)
