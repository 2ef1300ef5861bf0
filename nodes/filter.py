"""Filter: which objects go into the scene."""

from __future__ import annotations

from comfy_api.latest import io

from ..cast_nodes.filter import filter_objects
from ..cast_nodes.report.pictures import mask_overlay
from .prices import PricedSchema
from .run_stage import context_for_checks, present, run_stage
from .sockets import CATEGORY, CastObjects
from .widgets import backend_input, choice_from, missing_needs


class Filter(io.ComfyNode):
    """Node CAST Filter."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return PricedSchema(
            "filter",
            node_id="CASTFilter",
            display_name="CAST Filter",
            category=CATEGORY,
            description="Drops what is no object of the scene (walls, floors, duplicates, specks)"
            " and tells how far each object is hidden. Every dropped object keeps its reason.",
            search_aliases=[
                "remove duplicates",
                "occlusion",
                "select objects",
                "去重",
                "遮挡",
                "筛选物体",
            ],
            has_intermediate_output=True,
            inputs=[
                CastObjects.Input("objects", tooltip="From CAST Detect."),
                backend_input("filter"),
            ],
            outputs=[CastObjects.Output("objects", tooltip="The same objects, kept or dropped.")],
        )

    @classmethod
    def validate_inputs(cls, backend=None) -> bool | str:
        return missing_needs("filter", backend, context_for_checks()) or True

    @classmethod
    async def execute(cls, objects, backend=None) -> io.NodeOutput:
        choice = choice_from("filter", backend)
        kept, log = await run_stage("filter", filter_objects, objects, choice)
        dropped = [f"{o.label} {o.id} dropped: {o.reason}" for o in kept.objects if not o.keep]
        summary = "\n".join([f"{len(kept.kept)} kept", *dropped])
        ui = await present(cls, log, mask_overlay(kept), summary, notes=[*kept.notes, *dropped])
        return io.NodeOutput(kept, ui=ui)
