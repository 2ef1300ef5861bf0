"""Preview: the picture of whatever a stage made."""

from __future__ import annotations

from typing import Any

import numpy as np
from comfy_api.latest import io

from ..cast_nodes.errors import BadInput
from ..cast_nodes.report.pictures import depth_picture, mask_overlay, views_sheet
from ..cast_nodes.report.sheets import beside_photo, meshes_sheet
from ..cast_nodes.types import Geometry, Meshes, Objects, Scene, Views
from .convert import image_from_rgb, preview
from .sockets import CATEGORY, CastGeometry, CastMeshes, CastObjects, CastScene, CastViews

PICTURES = {
    Objects: mask_overlay,
    Geometry: depth_picture,
    Views: views_sheet,
    Meshes: meshes_sheet,
    Scene: beside_photo,
}


class Preview(io.ComfyNode):
    """Node CAST Preview."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="CASTPreview",
            display_name="CAST Preview",
            category=CATEGORY,
            description="Shows what a stage made and gives it as an image. With it you can run the"
            " first stages alone, look, and go on.",
            search_aliases=[
                "show masks",
                "show depth",
                "preview objects",
                "overlay",
                "查看结果",
                "预览遮罩",
            ],
            is_output_node=True,
            inputs=[
                io.MultiType.Input(
                    "anything",
                    [CastObjects, CastGeometry, CastViews, CastMeshes, CastScene],
                    tooltip="Objects, geometry, views, meshes or a scene.",
                )
            ],
            outputs=[io.Image.Output("image", tooltip="The picture.")],
        )

    @classmethod
    def execute(cls, anything) -> io.NodeOutput:
        rgb = picture_of(anything)
        return io.NodeOutput(image_from_rgb(rgb), ui=preview(rgb, cls))


def picture_of(anything: Any) -> np.ndarray:
    """The (h, w, 3) uint8 picture that fits the kind of result.

    Raises:
        BadInput: it is nothing of the pack's.
    """
    for kind, picture in PICTURES.items():
        if isinstance(anything, kind):
            return picture(anything)
    raise BadInput(f"anything: {type(anything).__name__} cannot be shown; connect a CAST stage")
