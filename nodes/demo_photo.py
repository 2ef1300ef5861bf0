"""The bundled picture as an IMAGE, so that the shared workflow runs at once."""

from __future__ import annotations

from pathlib import Path

from comfy_api.latest import io

from ..cast_nodes.pictures import load_photo
from .convert import image_from_rgb, preview
from .sockets import CATEGORY

PICTURE = Path(__file__).parent.parent / "docs" / "demo" / "room.jpg"


class DemoPhoto(io.ComfyNode):
    """Node CAST Demo Photo."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="CASTDemoPhoto",
            display_name="CAST Demo Photo",
            category=CATEGORY,
            description="The picture of a room that comes with the pack. Replace it by Load Image"
            " for your own photo.",
            search_aliases=[
                "cast example",
                "sample room",
                "test image",
                "示例图片",
                "测试图",
            ],
            outputs=[io.Image.Output("image", tooltip="The photo.")],
            has_intermediate_output=True,
        )

    @classmethod
    def execute(cls) -> io.NodeOutput:
        photo = load_photo(PICTURE)
        return io.NodeOutput(image_from_rgb(photo.rgb), ui=preview(photo.rgb, cls))
