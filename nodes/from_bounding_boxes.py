"""Objects from Bounding Boxes: core's BOUNDING_BOX, with masks (SAM3) or without (RT-DETR)."""

from __future__ import annotations

from comfy_api.latest import io

from ..cast_nodes.bridges.from_boxes import found_in_bounding_boxes, named, with_masks
from .bridging import flat, found_inputs, objects_output, picture_from
from .convert import MAX_SIDE_PX
from .sockets import CATEGORY, CastObjects

MASKS = io.Mask.Input(
    "masks",
    optional=True,
    tooltip="One mask for each box in the same order, as large as the image; in SAM3 Detect switch"
    " individual_masks on. Not connected: masks are made inside the boxes.",
)


class ObjectsFromBoundingBoxes(io.ComfyNode):
    """Node CAST Objects from Bounding Boxes."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="CASTObjectsFromBoundingBoxes",
            display_name="CAST Objects from Bounding Boxes",
            category=CATEGORY,
            description="Makes objects of ComfyUI's own bounding boxes with their scores and names,"
            " and of the masks that go with them: SAM3 Detect, RT-DETR and the like.",
            search_aliases=[
                "sam3",
                "rt-detr",
                "bbox to objects",
                "detection to objects",
                "边界框",
                "检测框转物体",
            ],
            has_intermediate_output=True,
            is_input_list=True,
            inputs=found_inputs(
                [
                    io.BoundingBox.Input(
                        "bboxes",
                        force_input=True,
                        tooltip="Boxes {x, y, width, height} in pixels of the image, with score and"
                        " label where the detector tells.",
                    ),
                    MASKS,
                ]
            ),
            outputs=[CastObjects.Output("objects", tooltip="The photo and what is in it.")],
        )

    @classmethod
    async def execute(
        cls, image, bboxes, masks=None, labels=("",), separate=(True,), max_side=(MAX_SIDE_PX,)
    ) -> io.NodeOutput:
        picture = picture_from(image, max_side)
        # The items of a list are the boxes of several prompts on the same photo.
        found = [f for value in flat(bboxes) for f in found_in_bounding_boxes(value)]
        if masks is not None:
            found = with_masks(found, flat(masks), picture)
        return await objects_output(cls, picture, named(found, labels), "bounding boxes", separate)
