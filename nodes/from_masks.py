"""Objects from Masks: what any segmenter cut out."""

from __future__ import annotations

from comfy_api.latest import io

from ..cast_nodes.bridges.from_masks import found_in_masks
from .bridging import flat, found_inputs, objects_output, picture_from
from .convert import MAX_SIDE_PX
from .lists import single
from .sockets import CATEGORY, CastObjects


class ObjectsFromMasks(io.ComfyNode):
    """Node CAST Objects from Masks."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="CASTObjectsFromMasks",
            display_name="CAST Objects from Masks",
            category=CATEGORY,
            description="Makes objects of the masks that any segmenter gives, one each: a batch, a"
            " list, or a list of batches. No mask at all is an empty room, not an error.",
            search_aliases=[
                "mask to objects",
                "sam",
                "segment anything",
                "instance masks",
                "遮罩转物体",
                "分割",
            ],
            has_intermediate_output=True,
            is_input_list=True,
            inputs=[
                *found_inputs(
                    [
                        io.Mask.Input(
                            "masks",
                            tooltip="White: the object. One mask each, as large as the image.",
                        )
                    ]
                ),
                io.String.Input(
                    "scores",
                    default="",
                    placeholder="0.9, 0.8",
                    tooltip="How sure the segmenter is of each, 0 to 1, in their order. Empty: 1.",
                ),
            ],
            outputs=[CastObjects.Output("objects", tooltip="The photo and what is in it.")],
        )

    @classmethod
    async def execute(
        cls, image, masks, labels=("",), separate=(True,), max_side=(MAX_SIDE_PX,), scores=("",)
    ) -> io.NodeOutput:
        picture = picture_from(image, max_side)
        found = found_in_masks(flat(masks), picture, labels, single(scores, "scores"))
        return await objects_output(cls, picture, found, "masks", separate)
