"""Mesh: a textured mesh for each object."""

from __future__ import annotations

from comfy_api.latest import io

from ..cast_nodes.locks import read_locks
from ..cast_nodes.mesh import MeshInputs, make_meshes
from ..cast_nodes.report.sheets import entry_picture, meshes_sheet
from .prices import PricedSchema
from .run_stage import context_for_checks, failure_lines, present, run_stage
from .sockets import CATEGORY, CastMeshes, CastObjects, CastViews
from .widgets import (
    backend_input,
    choice_from,
    locked_input,
    missing_needs,
    on_failure_input,
    retry_input,
    with_retries,
)  # fmt: skip


class MeshObjects(io.ComfyNode):
    """Node CAST Mesh."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return PricedSchema(
            "mesh",
            node_id="CASTMesh",
            display_name="CAST Mesh",
            category=CATEGORY,
            description="Makes or finds a textured mesh for each object. There may be several"
            " candidates for one object; CAST Register keeps the one that fits best.",
            search_aliases=[
                "image to 3d",
                "3d model",
                "mesh generation",
                "model library",
                "图生3D",
                "三维模型",
                "网格生成",
                "模型库",
            ],
            has_intermediate_output=True,
            inputs=[
                CastObjects.Input("objects", tooltip="From CAST Filter."),
                CastViews.Input("views", tooltip="From CAST Inpaint."),
                retry_input("mesh"),
                on_failure_input(),
                locked_input("mesh"),
                backend_input("mesh"),
            ],
            outputs=[CastMeshes.Output("meshes", tooltip="Candidate meshes for each object.")],
        )

    @classmethod
    def validate_inputs(cls, backend=None) -> bool | str:
        return missing_needs("mesh", backend, context_for_checks()) or True

    @classmethod
    async def execute(
        cls, objects, views, retry="", on_failure="continue", locked="", backend=None
    ) -> io.NodeOutput:
        choice = choice_from("mesh", backend)
        inputs = MeshInputs(with_retries(objects, retry), views)
        meshes, log = await run_stage(
            "mesh", make_meshes, inputs, choice, entry_picture, read_locks(locked)
        )
        failures = failure_lines(objects, meshes.entries)
        sheet = meshes_sheet(meshes)
        ui = await present(cls, log, sheet, "", failures, meshes.notes, on_failure)
        return io.NodeOutput(meshes, ui=ui)
