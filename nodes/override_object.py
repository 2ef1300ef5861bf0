"""Override Object: mask, label, retry or fate of one object changed by hand."""

from __future__ import annotations

from comfy_api.latest import io

from ..cast_nodes.bridges.override import KEEP, mask_for, with_object
from ..cast_nodes.bridges.pick import picked
from ..cast_nodes.errors import BadInput
from ..cast_nodes.report.pictures import mask_overlay
from .convert import preview
from .lists import covers_from
from .pick_object import object_input
from .sockets import CATEGORY, CastObjects


class OverrideObject(io.ComfyNode):
    """Node CAST Override Object."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="CASTOverrideObject",
            display_name="CAST Override Object",
            category=CATEGORY,
            description="Changes one object and puts it back: another mask, another name, kept or"
            " dropped, or all of it made anew. The stages behind work on this object again and take"
            " all others from the store.",
            search_aliases=[
                "replace mask",
                "rename object",
                "retry object",
                "drop object",
                "替换遮罩",
                "改名",
                "重做物体",
            ],
            has_intermediate_output=True,
            inputs=[
                CastObjects.Input("objects", tooltip="From CAST Detect or CAST Filter."),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="White: the object's visible pixels, in the whole photo.",
                ),
                object_input(),
                io.String.Input("label", default="", tooltip="What it is; empty leaves its name."),
                io.Combo.Input(
                    "keep",
                    options=list(KEEP),
                    default=KEEP[0],
                    tooltip="Whether it goes into the scene.",
                ),
                io.Int.Input(
                    "retry",
                    default=0,
                    min=0,
                    max=1_000_000,
                    tooltip="Raise it to have view, mesh and placement of this object made anew; 0"
                    " leaves them. (To redo one stage alone, use the retry of that stage's node.)",
                ),
            ],
            outputs=[CastObjects.Output("objects", tooltip="All objects, this one changed.")],
        )

    @classmethod
    def execute(
        cls, objects, mask=None, object="0", label="", keep=KEEP[0], retry=0
    ) -> io.NodeOutput:
        item = picked(objects, object)
        new = None
        if mask is not None:
            masks = covers_from([mask])
            if len(masks) != 1:
                raise BadInput(f"mask: one is needed, this batch holds {len(masks)}")
            new = mask_for(objects.photo, masks[0])
        changed = with_object(objects, item, new, label, keep, retry)
        return io.NodeOutput(changed, ui=preview(mask_overlay(changed), cls))
