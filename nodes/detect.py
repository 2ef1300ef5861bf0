"""Detect: the objects of the photo with their masks."""

from __future__ import annotations

from comfy_api.latest import io

from ..cast_nodes.detect import DetectInputs, detect
from ..cast_nodes.report.pictures import mask_overlay
from .convert import MAX_SIDE_PX, objects_from_boxes, objects_from_masks, photo_from_image
from .prices import PricedSchema
from .run_stage import context_for_checks, counted, present, run_stage
from .sockets import CATEGORY, CastObjects
from .widgets import backend_input, choice_from, missing_needs

OWN = {
    "masks": [
        io.Mask.Input(
            "masks",
            optional=True,
            tooltip="One mask per object, as large as the image. Not needed when 'path' names"
            " mask files.",
        )
    ],
    "boxes": [
        io.String.Input(
            "boxes",
            default="",
            multiline=True,
            placeholder="chair: 10, 20, 110, 220",
            tooltip="One box a line: what it is: left, top, right, bottom, in pixels of the image.",
        ),
    ],
}
"""What the user gives by hand, by name of the backend that wants it."""

BROUGHT = tuple(item.id for items in OWN.values() for item in items)


class Detect(io.ComfyNode):
    """Node CAST Detect."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return PricedSchema(
            "detect",
            node_id="CASTDetect",
            display_name="CAST Detect",
            category=CATEGORY,
            description="Finds the objects of a photo and cuts each one out with a mask. The"
            " number on an object is the one to use in 'retry' of the nodes that follow.",
            search_aliases=[
                "segment",
                "find objects",
                "instance masks",
                "photo to 3d scene",
                "分割",
                "抠图",
                "找物体",
                "照片转3D",
            ],
            has_intermediate_output=True,
            inputs=[
                io.Image.Input("image", tooltip="One photo."),
                io.Int.Input(
                    "max_side",
                    default=MAX_SIDE_PX,
                    min=256,
                    max=8192,
                    step=64,
                    tooltip="A larger photo is reduced to this longest side for all stages [px].",
                ),
                backend_input("detect", OWN),
            ],
            outputs=[CastObjects.Output("objects", tooltip="The photo and what is in it.")],
        )

    @classmethod
    def validate_inputs(cls, backend=None) -> bool | str:
        return missing_needs("detect", backend, context_for_checks()) or True

    @classmethod
    async def execute(cls, image, max_side=MAX_SIDE_PX, backend=None) -> io.NodeOutput:
        choice = choice_from("detect", backend, BROUGHT)
        photo = photo_from_image(image, max_side)
        given = ()
        if backend.get("masks") is not None:
            given = objects_from_masks(backend["masks"], image, photo)
        elif "boxes" in backend:
            given = objects_from_boxes(backend["boxes"], image, photo)
        objects, log = await run_stage("detect", detect, DetectInputs(photo, given), choice)
        summary = f"{len(objects.objects)} found: {counted(o.label for o in objects.objects)}"
        ui = await present(cls, log, mask_overlay(objects), summary, notes=objects.notes)
        return io.NodeOutput(objects, ui=ui)
