"""Override View: another picture of one object."""

from __future__ import annotations

from comfy_api.latest import io

from ..cast_nodes.bridges.override import with_view
from ..cast_nodes.bridges.pick import picked
from ..cast_nodes.errors import BadInput
from ..cast_nodes.report.pictures import views_sheet
from .convert import preview
from .lists import covers_from, pictures_from
from .pick_object import object_input
from .sockets import CATEGORY, CastObjects, CastViews


class OverrideView(io.ComfyNode):
    """Node CAST Override View."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="CASTOverrideView",
            display_name="CAST Override View",
            category=CATEGORY,
            description="Puts another picture of one object in the place of its view, such as one"
            " that CAST Pick Object gave and other nodes have painted on or enlarged. The mesh of"
            " this object alone is then made anew.",
            search_aliases=[
                "replace view",
                "edit object image",
                "repaint object",
                "替换视图",
                "重画物体",
            ],
            has_intermediate_output=True,
            inputs=[
                CastObjects.Input("objects", tooltip="From CAST Filter."),
                CastViews.Input("views", tooltip="From CAST Inpaint or CAST Gather Views."),
                io.Image.Input("image", tooltip="It covers what the old view covers, at any size."),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="White: the object. Not connected: the old view's outline.",
                ),
                object_input(),
            ],
            outputs=[CastViews.Output("views", tooltip="All views, this one changed.")],
        )

    @classmethod
    def execute(cls, objects, views, image, mask=None, object="0") -> io.NodeOutput:
        item = picked(objects, object)
        pictures, covers = pictures_from([image]), covers_from([mask])
        if len(pictures) != 1 or len(covers) > 1:
            raise BadInput(
                f"image: one picture and at most one mask are needed, not {len(pictures)} and"
                f" {len(covers)}"
            )
        changed = with_view(views, item, pictures[0], covers[0] if covers else None)
        return io.NodeOutput(changed, ui=preview(views_sheet(changed), cls))
