"""Register: where each mesh stands."""

from __future__ import annotations

from comfy_api.latest import io

from ..cast_nodes.register import RegisterInputs, register
from ..cast_nodes.report.pictures import fit_overlay, posed_by
from .run_stage import context_for_checks, failure_lines, present, run_stage
from .sockets import CATEGORY, CastGeometry, CastMeshes, CastObjects, CastPlacements
from .widgets import (
    backend_input,
    choice_from,
    missing_needs,
    on_failure_input,
    retry_input,
    with_retries,
)  # fmt: skip


class Register(io.ComfyNode):
    """Node CAST Register."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="CASTRegister",
            display_name="CAST Register",
            category=CATEGORY,
            description="Turns, scales and places each mesh so that it covers its object in the"
            " photo, and says how well it fits.",
            search_aliases=[
                "pose estimation",
                "align mesh",
                "placement",
                "6d pose",
                "配准",
                "位姿估计",
                "对齐",
                "摆放",
            ],
            has_intermediate_output=True,
            inputs=[
                CastObjects.Input("objects", tooltip="From CAST Filter."),
                CastGeometry.Input("geometry", tooltip="From CAST Depth."),
                CastMeshes.Input("meshes", tooltip="From CAST Mesh."),
                CastPlacements.Input(
                    "given",
                    optional=True,
                    tooltip="Poses to start from as well, such as another CAST Register's; they"
                    " come out refined. Locked ones stay as they are.",
                ),
                retry_input("placement"),
                on_failure_input(),
                backend_input("register"),
            ],
            outputs=[CastPlacements.Output("placements", tooltip="One pose per object.")],
        )

    @classmethod
    def validate_inputs(cls, backend=None) -> bool | str:
        return missing_needs("register", backend, context_for_checks()) or True

    @classmethod
    async def execute(
        cls, objects, geometry, meshes, given=None, retry="", on_failure="continue", backend=None
    ) -> io.NodeOutput:
        choice = choice_from("register", backend)
        inputs = RegisterInputs(with_retries(objects, retry), geometry, meshes, given)
        placements, log = await run_stage("register", register, inputs, choice)
        failures = failure_lines(objects, placements.placements)
        posed = posed_by(meshes, placements)
        picture = fit_overlay(objects.photo, geometry.intrinsics, posed)
        ui = await present(cls, log, picture, "", failures, placements.notes, on_failure)
        return io.NodeOutput(placements, ui=ui)
