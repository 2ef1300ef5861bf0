"""Gather Views: the answers of an image graph to CAST Objects to Images become views."""

from __future__ import annotations

from comfy_api.latest import io

from ..cast_nodes.bridges.out_crops import Answer, GatherOptions, gather_views
from ..cast_nodes.errors import BadInput
from ..cast_nodes.report.pictures import views_sheet
from .convert import image_from_rgb
from .lists import (
    MISSING,
    anything_sent,
    covers_from,
    graph_choice,
    option_widgets,
    options_of,
    pictures_from,
    single,
    unevaluated,
)  # fmt: skip
from .run_stage import failure_lines, present, run_stage
from .sockets import CATEGORY, CastOrder, CastViews
from .widgets import on_failure_input

UNUSED = ("complete",)


class GatherViews(io.ComfyNode):
    """Node CAST Gather Views."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="CASTGatherViews",
            display_name="CAST Gather Views",
            category=CATEGORY,
            description="Makes one view per object of what an image graph has answered to CAST"
            " Objects to Images: brought to size, laid over what the photo shows, cut from its"
            " ground. Objects that were not sent are cut out as they are seen.",
            search_aliases=[
                "collect images",
                "gather list",
                "amodal completion",
                "收集图像",
                "补全",
            ],
            has_intermediate_output=True,
            is_input_list=True,
            inputs=[
                CastOrder.Input("order", tooltip="From CAST Objects to Images."),
                io.Image.Input(
                    "images", lazy=True, tooltip="The completed pictures, of any size, in order."
                ),
                io.Mask.Input(
                    "masks",
                    optional=True,
                    lazy=True,
                    tooltip="White: what of each answer is the object, where the graph cuts it out"
                    " itself. Not connected: it is cut from its plain ground.",
                ),
                on_failure_input(),
                *option_widgets(GatherOptions, UNUSED),
            ],
            outputs=[
                CastViews.Output("views", tooltip="One completed view per object."),
                io.Image.Output("background", tooltip="The room without the objects."),
            ],
        )

    @classmethod
    def check_lazy_status(cls, order, images=None, masks=MISSING, **values) -> list[str]:
        return unevaluated(anything_sent(order), images=images, masks=masks)

    @classmethod
    async def execute(
        cls, order, images=None, masks=None, on_failure=("continue",), **values
    ) -> io.NodeOutput:
        sent = single(order, "order")
        set_ = {name: single(value, name) for name, value in values.items()}
        options = options_of(GatherOptions, set_, "CAST Gather Views")
        answers = answers_from(images, masks) if sent.sent else []
        views, log = await run_stage(
            "inpaint",
            lambda answers, choice, context: gather_views(sent, answers, options, context),
            answers,
            graph_choice("inpaint", options),
        )
        failures = failure_lines(sent.objects, views.views)
        stop = single(on_failure, "on_failure")
        ui = await present(cls, log, views_sheet(views), "", failures, views.notes, stop)
        plate = sent.objects.photo.rgb if views.background is None else views.background
        return io.NodeOutput(views, image_from_rgb(plate), ui=ui)


def answers_from(images, masks) -> list[Answer]:
    """Pictures with their masks.

    Raises:
        BadInput: there are masks, but not as many as pictures.
    """
    pictures, covers = pictures_from(images), covers_from(masks)
    if not covers:
        return [Answer(p) for p in pictures]
    if len(covers) != len(pictures):
        raise BadInput(
            f"masks: there are {len(covers)} for {len(pictures)} images; connect one per image, or"
            " none"
        )
    return [Answer(p, c) for p, c in zip(pictures, covers, strict=True)]
