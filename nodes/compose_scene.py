"""ComposeScene: one GLB with the objects, the room and the photo's camera."""

from __future__ import annotations

from io import BytesIO

from comfy_api.latest import Types, io

from ..cast_nodes.compose import ComposeInputs, compose
from ..cast_nodes.compose.edits import parse_edits
from ..cast_nodes.report.sheets import beside_photo
from .convert import image_from_rgb, load3d_camera
from .prices import PricedSchema
from .run_stage import context_for_checks, present, run_stage
from .scene_files import scene_ui
from .sockets import (
    CATEGORY,
    CastGeometry,
    CastMeshes,
    CastObjects,
    CastPlacements,
    CastScene,
    CastViews,
)  # fmt: skip
from .widgets import backend_input, choice_from, missing_needs


class ComposeScene(io.ComfyNode):
    """Node CAST Compose Scene."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return PricedSchema(
            "compose",
            node_id="CASTComposeScene",
            display_name="CAST Compose Scene",
            category=CATEGORY,
            description="Puts the placed objects, the floor, the walls and the photo's camera into"
            " one scene. Left the photo, right the scene from the same camera.",
            search_aliases=[
                "scene assembly",
                "export glb",
                "photo to 3d scene",
                "room",
                "组合场景",
                "照片转3D",
                "房间",
            ],
            is_output_node=True,
            inputs=[
                CastObjects.Input("objects", tooltip="From CAST Filter."),
                CastGeometry.Input("geometry", tooltip="From CAST Depth."),
                CastViews.Input("views", tooltip="From CAST Inpaint; gives the room its texture."),
                CastMeshes.Input("meshes", tooltip="From CAST Mesh."),
                CastPlacements.Input("placements", tooltip="From CAST Register."),
                io.String.Input(
                    "edits",
                    default="",
                    multiline=True,
                    optional=True,
                    placeholder='{"3": {"on": 1}, "5": {"locked": true}}',
                    tooltip="What you set by hand, as JSON by an object's number: position,"
                    " rotation_deg and scale in the scene's world (such a pose is locked), locked,"
                    " and what it is on, in, against, hanging from or leaning on: another object's"
                    " number, floor, wall, ceiling or null. Empty: nothing.",
                ),
                backend_input("compose"),
            ],
            outputs=[
                CastScene.Output("scene", tooltip="All of it, for CAST Save Scene."),
                io.File3DGLB.Output("glb", tooltip="For Preview 3D, Save GLB and the like."),
                io.Image.Output("render", tooltip="The scene from the photo's camera."),
                io.Load3DCamera.Output("camera", tooltip="The photo's camera, for Preview 3D."),
            ],
        )

    @classmethod
    def validate_inputs(cls, backend=None) -> bool | str:
        return missing_needs("compose", backend, context_for_checks()) or True

    @classmethod
    async def execute(
        cls, objects, geometry, views, meshes, placements, edits="", backend=None
    ) -> io.NodeOutput:
        choice = choice_from("compose", backend)
        edited = parse_edits(edits or "")
        inputs = ComposeInputs(objects, geometry, views, meshes, placements, edited)
        scene, log = await run_stage("compose", compose, inputs, choice)
        placed = sum(p.camera_from_object is not None for p in placements.placements)
        summary = f"{placed} objects in the scene, {len(scene.glb) / 1e6:.1f} MB"
        ui = await present(cls, log, beside_photo(scene), summary, notes=scene.notes)
        ui |= await scene_ui(scene)
        glb = Types.File3D(BytesIO(scene.glb), "glb")
        return io.NodeOutput(scene, glb, image_from_rgb(scene.render), load3d_camera(scene), ui=ui)
