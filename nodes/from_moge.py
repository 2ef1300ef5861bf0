"""Geometry from MoGe: core's MOGE_GEOMETRY."""

from __future__ import annotations

from comfy_api.latest import io

from ..cast_nodes.bridges.from_moge import MogeOptions, geometry_from_moge
from .bridging import geometry_output, photo_inputs, photo_size
from .lists import option_widgets, options_of
from .sockets import CATEGORY, CastGeometry

MogeGeometry = io.Custom("MOGE_GEOMETRY")


class GeometryFromMoge(io.ComfyNode):
    """Node CAST Geometry from MoGe."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="CASTGeometryFromMoGe",
            display_name="CAST Geometry from MoGe",
            category=CATEGORY,
            description="Takes the points, camera and normals of Run MoGe Inference as the photo's"
            " geometry, and finds the floor and gravity in them.",
            search_aliases=[
                "moge to cast",
                "point map",
                "monocular geometry",
                "点图",
                "单目几何",
            ],
            has_intermediate_output=True,
            inputs=[
                MogeGeometry.Input(
                    "moge_geometry", tooltip="From Run MoGe Inference on the photo; no panorama."
                ),
                *photo_inputs("MoGe's own picture"),
                *option_widgets(MogeOptions),
            ],
            outputs=[CastGeometry.Output("geometry", tooltip="Camera, points, floor.")],
        )

    @classmethod
    async def execute(cls, moge_geometry, objects=None, image=None, **values) -> io.NodeOutput:
        options = options_of(MogeOptions, values, "CAST Geometry from MoGe")
        own = moge_geometry.get("image") if isinstance(moge_geometry, dict) else None
        size = photo_size(objects, image, own, "moge_geometry")
        return await geometry_output(cls, lambda: geometry_from_moge(moge_geometry, *size, options))
