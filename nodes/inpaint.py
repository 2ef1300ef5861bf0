"""Inpaint: each object's whole view, and the room without them."""

from __future__ import annotations

from comfy_api.latest import io

from ..cast_nodes.inpaint import inpaint
from ..cast_nodes.locks import read_locks
from ..cast_nodes.report.pictures import views_sheet
from .convert import image_from_rgb, rgb_from_rgba
from .prices import PricedSchema
from .run_stage import context_for_checks, failure_lines, present, run_stage
from .sockets import CATEGORY, CastObjects, CastViews
from .widgets import (
    backend_input,
    choice_from,
    locked_input,
    missing_needs,
    on_failure_input,
    retry_input,
    with_retries,
)  # fmt: skip


class Inpaint(io.ComfyNode):
    """Node CAST Inpaint."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return PricedSchema(
            "inpaint",
            node_id="CASTInpaint",
            display_name="CAST Inpaint",
            category=CATEGORY,
            description="Completes each object where others hide it, and paints the room without"
            " any of them.",
            search_aliases=[
                "amodal completion",
                "remove objects",
                "clean plate",
                "occlusion",
                "补全",
                "去除物体",
                "修复",
                "遮挡",
            ],
            has_intermediate_output=True,
            inputs=[
                CastObjects.Input("objects", tooltip="From CAST Filter."),
                retry_input("view"),
                on_failure_input(),
                locked_input("view"),
                backend_input("inpaint"),
            ],
            outputs=[
                CastViews.Output("views", tooltip="One completed view per object."),
                io.Image.Output("background", tooltip="The room without the objects."),
            ],
        )

    @classmethod
    def validate_inputs(cls, backend=None) -> bool | str:
        return missing_needs("inpaint", backend, context_for_checks()) or True

    @classmethod
    async def execute(
        cls, objects, retry="", on_failure="continue", locked="", backend=None
    ) -> io.NodeOutput:
        choice = choice_from("inpaint", backend)
        inputs = with_retries(objects, retry)
        views, log = await run_stage(
            "inpaint", inpaint, inputs, choice, rgb_from_rgba, read_locks(locked)
        )
        failures = failure_lines(objects, views.views)
        sheet = views_sheet(views)
        ui = await present(cls, log, sheet, "", failures, views.notes, on_failure)
        plate = objects.photo.rgb if views.background is None else views.background
        return io.NodeOutput(views, image_from_rgb(plate), ui=ui)
