"""Objects from BBOX: other packs' boxes of four bare numbers."""

from __future__ import annotations

from typing import get_args

from comfy_api.latest import io

from ..cast_nodes.bridges.from_boxes import Order, found_in_bbox, named, with_masks
from .bridging import flat, found_inputs, objects_output, picture_from
from .convert import MAX_SIDE_PX
from .from_bounding_boxes import MASKS
from .lists import single
from .sockets import CATEGORY, CastObjects

Bbox = io.Custom("BBOX")
ORDERS = get_args(Order)


class ObjectsFromBbox(io.ComfyNode):
    """Node CAST Objects from BBOX."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="CASTObjectsFromBBOX",
            display_name="CAST Objects from BBOX",
            category=CATEGORY,
            description="Makes objects of the boxes that other packs give as four bare numbers"
            " (KJNodes and others), and of the masks that go with them.",
            search_aliases=[
                "kjnodes",
                "bbox to objects",
                "xywh",
                "xyxy",
                "边界框",
                "框转物体",
            ],
            has_intermediate_output=True,
            is_input_list=True,
            inputs=[
                *found_inputs(
                    [
                        Bbox.Input("bbox", tooltip="Boxes in pixels of the image, a list of them."),
                        MASKS,
                    ]
                ),
                io.Combo.Input(
                    "order",
                    options=list(ORDERS),
                    default=ORDERS[0],
                    tooltip="What the four numbers are, which no box tells: KJNodes writes x, y,"
                    " width, height; Florence-2 and many detectors x0, y0, x1, y1.",
                ),
            ],
            outputs=[CastObjects.Output("objects", tooltip="The photo and what is in it.")],
        )

    @classmethod
    async def execute(
        cls,
        image,
        bbox,
        masks=None,
        labels=("",),
        separate=(True,),
        max_side=(MAX_SIDE_PX,),
        order=ORDERS[:1],
    ) -> io.NodeOutput:
        picture = picture_from(image, max_side)
        meaning = single(order, "order")
        found = [f for value in flat(bbox) for f in found_in_bbox(value, meaning)]
        if masks is not None:
            found = with_masks(found, flat(masks), picture)
        return await objects_output(cls, picture, named(found, labels), "bbox", separate)
