"""Views from Images: completed pictures of the objects, from anywhere."""

from __future__ import annotations

from comfy_api.latest import io

from ..cast_nodes.bridges.from_views import CameViewOptions, came_pictures, views_of
from ..cast_nodes.report.pictures import views_sheet
from .bridging import IDS, converted, flat, set_values
from .convert import image_from_rgb
from .lists import option_widgets, options_of, single
from .run_stage import failure_lines, present
from .sockets import CATEGORY, CastObjects, CastViews
from .widgets import on_failure_input

UNUSED = ("complete",)


class ViewsFromImages(io.ComfyNode):
    """Node CAST Views from Images."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="CASTViewsFromImages",
            display_name="CAST Views from Images",
            category=CATEGORY,
            description="Takes completed pictures of single objects as their views: each is laid"
            " over what the photo shows of its object and cut out. Answers to CAST Objects to"
            " Images go to CAST Gather Views, which knows where they lie.",
            search_aliases=[
                "images to views",
                "amodal completion",
                "object pictures",
                "rgba",
                "图像转视图",
                "补全图片",
            ],
            has_intermediate_output=True,
            is_input_list=True,
            inputs=[
                io.Image.Input(
                    "images",
                    tooltip="One picture for each object, a batch or a list, of any size. A fourth"
                    " channel counts as its mask.",
                ),
                CastObjects.Input(
                    "objects",
                    tooltip="From CAST Filter: the pictures are its kept objects in their order.",
                ),
                io.Mask.Input(
                    "masks",
                    optional=True,
                    tooltip="White: what of each picture is the object (Load Image gives it the"
                    " other way round). Not connected: it is cut from its plain ground.",
                ),
                IDS,
                on_failure_input(),
                *option_widgets(CameViewOptions, UNUSED),
            ],
            outputs=[
                CastViews.Output("views", tooltip="One completed view per object."),
                io.Image.Output("background", tooltip="The room without the objects."),
            ],
        )

    @classmethod
    async def execute(
        cls, images, objects, masks=None, ids=("",), on_failure=("continue",), **values
    ) -> io.NodeOutput:
        options = options_of(CameViewOptions, set_values(values), "CAST Views from Images")
        known = single(objects, "objects")
        pictures = came_pictures(flat(images), flat(masks))
        named = single(ids, "ids")
        views, log = await converted(
            "inpaint", lambda context: views_of(pictures, known, named, options, context)
        )
        failures = failure_lines(known, views.views)
        stop = single(on_failure, "on_failure")
        ui = await present(cls, log, views_sheet(views), "", failures, views.notes, stop)
        plate = known.photo.rgb if views.background is None else views.background
        return io.NodeOutput(views, image_from_rgb(plate), ui=ui)
