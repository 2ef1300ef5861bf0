"""Geometry from Depth Anything 3: core's DA3_GEOMETRY."""

from __future__ import annotations

from comfy_api.latest import io

from ..cast_nodes.bridges.from_da3 import Da3Options, geometry_from_da3
from .bridging import geometry_output, photo_inputs, photo_size
from .lists import option_widgets, options_of
from .sockets import CATEGORY, CastGeometry

Da3Geometry = io.Custom("DA3_GEOMETRY")


class GeometryFromDa3(io.ComfyNode):
    """Node CAST Geometry from Depth Anything 3."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="CASTGeometryFromDA3",
            display_name="CAST Geometry from Depth Anything 3",
            category=CATEGORY,
            description="Takes the depth of Run Depth Anything 3, and its camera where it found one"
            " (multi-view mode), as the photo's geometry; finds the floor and gravity in it.",
            search_aliases=[
                "da3 to cast",
                "depth anything",
                "metric depth",
                "深度估计",
                "深度转几何",
            ],
            has_intermediate_output=True,
            inputs=[
                Da3Geometry.Input("da3_geometry", tooltip="From Run Depth Anything 3."),
                *photo_inputs("the geometry's own picture"),
                *option_widgets(Da3Options),
            ],
            outputs=[CastGeometry.Output("geometry", tooltip="Camera, points, floor.")],
        )

    @classmethod
    async def execute(cls, da3_geometry, objects=None, image=None, **values) -> io.NodeOutput:
        options = options_of(Da3Options, values, "CAST Geometry from Depth Anything 3")
        own = da3_geometry.get("image") if isinstance(da3_geometry, dict) else None
        size = photo_size(objects, image, own, "da3_geometry")
        return await geometry_output(cls, lambda: geometry_from_da3(da3_geometry, *size, options))
