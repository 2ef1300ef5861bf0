"""Geometry from Depth Image: any depth node's grey picture, its meaning stated."""

from __future__ import annotations

from comfy_api.latest import io

from ..cast_nodes.bridges.from_depth_image import DepthImageOptions, geometry_from_depth_image
from .bridging import geometry_output, photo_inputs, photo_size
from .lists import option_widgets, options_of
from .sockets import CATEGORY, CastGeometry


class GeometryFromDepthImage(io.ComfyNode):
    """Node CAST Geometry from Depth Image."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="CASTGeometryFromDepthImage",
            display_name="CAST Geometry from Depth Image",
            category=CATEGORY,
            description="Takes a grey depth picture of any depth node as the photo's geometry. Say"
            " what its values mean and what camera it was taken with; floor and gravity are found.",
            search_aliases=[
                "depth map",
                "disparity",
                "midas",
                "zoe",
                "depth anything",
                "marigold",
                "深度图",
                "视差",
            ],
            has_intermediate_output=True,
            inputs=[
                io.Image.Input("depth", tooltip="One grey picture of the photo's shape, any size."),
                *photo_inputs("the depth picture's size"),
                io.Mask.Input(
                    "mask", optional=True, tooltip="White where the depth counts; black: the sky."
                ),
                io.Load3DCamera.Input(
                    "camera",
                    optional=True,
                    tooltip="A 3D view's camera: angle of view and gravity. Counts before"
                    " intrinsics and fov_deg.",
                ),
                *option_widgets(DepthImageOptions),
            ],
            outputs=[CastGeometry.Output("geometry", tooltip="Camera, points, floor.")],
        )

    @classmethod
    async def execute(
        cls, depth, objects=None, image=None, mask=None, camera=None, **values
    ) -> io.NodeOutput:
        options = options_of(DepthImageOptions, values, "CAST Geometry from Depth Image")
        size = photo_size(objects, image, depth, "depth")
        return await geometry_output(
            cls, lambda: geometry_from_depth_image(depth, *size, options, camera, mask)
        )
