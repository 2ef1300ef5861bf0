"""Depth: the camera and the visible surface."""

from __future__ import annotations

from comfy_api.latest import io

from ..cast_nodes.depth import DepthInputs, estimate_geometry
from ..cast_nodes.errors import BadInput
from ..cast_nodes.report.pictures import depth_picture
from .convert import photo_from_image
from .run_stage import context_for_checks, present, run_stage
from .sockets import CATEGORY, CastGeometry, CastObjects
from .widgets import backend_input, choice_from, missing_needs


class Depth(io.ComfyNode):
    """Node CAST Depth."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="CASTDepth",
            display_name="CAST Depth",
            category=CATEGORY,
            description="Finds the camera, gravity, the floor and the walls, and how far away"
            " every pixel is.",
            search_aliases=[
                "point map",
                "camera calibration",
                "depth estimation",
                "focal length",
                "深度估计",
                "点图",
                "相机标定",
                "焦距",
            ],
            has_intermediate_output=True,
            inputs=[
                CastObjects.Input(
                    "objects",
                    optional=True,
                    tooltip="From CAST Filter: the photo and its objects, which tell where things"
                    " stand and how large they are.",
                ),
                io.Image.Input(
                    "image",
                    optional=True,
                    tooltip="The photo; only needed when no objects are connected.",
                ),
                backend_input("depth"),
            ],
            outputs=[CastGeometry.Output("geometry", tooltip="Camera, points, floor, walls.")],
        )

    @classmethod
    def validate_inputs(cls, backend=None) -> bool | str:
        return missing_needs("depth", backend, context_for_checks()) or True

    @classmethod
    async def execute(cls, objects=None, image=None, backend=None) -> io.NodeOutput:
        choice = choice_from("depth", backend)
        if objects is None and image is None:
            raise BadInput("objects: connect the objects of CAST Filter, or a photo to image")
        photo = photo_from_image(image) if objects is None else objects.photo
        inputs = DepthInputs(photo, objects)
        geometry, log = await run_stage("depth", estimate_geometry, inputs, choice)
        unit = "in metres" if geometry.metric else "unit unknown"
        summary = f"{'approximate' if geometry.approximate else 'measured'}, {unit}"
        ui = await present(cls, log, depth_picture(geometry), summary, notes=geometry.notes)
        return io.NodeOutput(geometry, ui=ui)
