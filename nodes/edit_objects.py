"""Edit Objects: the object picker. Boxes, points, strokes, names and deletions by hand."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..cast_nodes.detect.edit_objects import edit_objects
from ..cast_nodes.detect.object_edits import read_edits
from ..cast_nodes.errors import BadInput
from ..cast_nodes.report.outlines import outlines
from ..cast_nodes.report.pictures import fitted
from ..cast_nodes.types import Objects, SceneObject
from .bridging import NoOptions
from .convert import MAX_SIDE_PX, photo_from_image
from .lists import graph_choice
from .run_stage import counted, present, run_stage
from .sockets import CATEGORY, CastObjects

SHOWN_PX = 1600
"""Longest side of the photo in the picker."""


class EditObjects(io.ComfyNode):
    """Node CAST Edit Objects."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="CASTEditObjects",
            display_name="CAST Edit Objects",
            category=CATEGORY,
            description="Objects by hand, on the photo: draw boxes, click what belongs to a thing"
            " and what does not, paint, rename, delete. It begins with what was found, or with a"
            " bare photo. Objects that are not touched are taken from the store by all stages"
            " behind.",
            search_aliases=[
                "object picker",
                "draw boxes",
                "segment by click",
                "point prompt",
                "paint mask",
                "delete object",
                "框选物体",
                "点选分割",
                "涂抹遮罩",
                "删除物体",
            ],
            is_output_node=True,  # so that the picker can run it alone
            has_intermediate_output=True,
            inputs=[
                CastObjects.Input(
                    "objects",
                    optional=True,
                    tooltip="From CAST Detect or CAST Filter: what to begin with.",
                ),
                io.Image.Input(
                    "image",
                    optional=True,
                    tooltip="The photo, when no objects are connected: begins with none.",
                ),
                io.Int.Input(
                    "max_side",
                    default=MAX_SIDE_PX,
                    min=256,
                    max=8192,
                    step=64,
                    tooltip="A larger photo is reduced to this longest side for all stages [px];"
                    " objects bring their own.",
                ),
                io.String.Input(
                    "edits",
                    default="",
                    socketless=True,
                    tooltip="What the picker writes: edits by object id, as JSON in pixels of the"
                    " photo.",
                    extra_dict={"hidden": True},
                ),
            ],
            outputs=[CastObjects.Output("objects", tooltip="The objects after the edits.")],
        )

    @classmethod
    def validate_inputs(cls, edits="") -> bool | str:
        try:
            read_edits(edits or "")
        except BadInput as error:
            return str(error)
        return True

    @classmethod
    async def execute(
        cls, objects=None, image=None, max_side=MAX_SIDE_PX, edits=""
    ) -> io.NodeOutput:
        if objects is None:
            if image is None:
                raise BadInput("objects: connect what CAST Detect found, or the photo to image")
            objects = Objects(photo_from_image(image, max_side), (), "by hand")
        wanted = read_edits(edits)
        after, log = await run_stage(
            "detect",
            lambda given, _, context: edit_objects(given, wanted, context),
            objects,
            graph_choice("detect", NoOptions()),
        )
        dropped = [f"{o.label} {o.id} dropped: {o.reason}" for o in after.objects if not o.keep]
        kept = f"{len(after.kept)} kept: {counted(o.label for o in after.kept)}"
        summary = "\n".join([kept if after.kept else "no objects", *dropped])
        picture = fitted(after.photo.rgb, SHOWN_PX)
        shown = await present(cls, log, picture, summary, notes=[*after.notes, *dropped])
        (photo,) = shown.pop("images")  # the picker shows it
        return io.NodeOutput(
            after, ui=shown | {"cast_picker": [_for_picker(objects, after, edits, photo)]}
        )


def _for_picker(before: Objects, after: Objects, text: str, photo: Any) -> dict[str, Any]:
    """What the picker draws, in pixels of the photo; ``edits`` is the text that it shows."""
    found = {o.id for o in before.objects}
    return {
        "size": [after.photo.width, after.photo.height],
        "photo": dict(photo),
        "edits": text,
        "objects": [_entry(o, o.id in found) for o in after.objects],
    }


def _entry(item: SceneObject, found: bool) -> dict[str, Any]:
    return {
        "id": item.id,
        "label": item.label,
        "found": found,
        "keep": item.keep,
        "reason": item.reason,
        "box": [round(v, 1) for v in item.bbox],
        "outlines": [] if item.mask is None else outlines(item.mask),
    }
