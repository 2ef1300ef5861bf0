"""What the nodes share that take in what others made: photo, widgets, faces.

They take whole lists (``is_input_list``), for one object's result comes alone or as an item of a
list; every input is a list then, a widget's too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import torch
from comfy_api.latest import io

from ..cast_nodes.backends import Options
from ..cast_nodes.bridges.arrays import array_of
from ..cast_nodes.bridges.came_meshes import Came, CameMeshOptions, meshes_of
from ..cast_nodes.bridges.found import Found, Picture, objects_of
from ..cast_nodes.context import Context
from ..cast_nodes.errors import BadInput
from ..cast_nodes.report.pictures import depth_picture, mask_overlay
from ..cast_nodes.report.sheets import meshes_sheet
from ..cast_nodes.types import Geometry, Objects
from .convert import MAX_SIDE_PX, photo_from_image
from .lists import MISSING, anything_sent, graph_choice, options_of, single, unevaluated
from .run_stage import counted, failure_lines, present, run_stage
from .sockets import CastObjects, CastOrder

Result = TypeVar("Result")


class NoOptions(Options):
    """Nothing to set."""


async def converted(stage: str, make: Callable[[Context], Result]) -> tuple[Result, Any]:
    """What a conversion gives, made in a thread as stages are; and its log."""
    return await run_stage(
        stage, lambda _, choice, context: make(context), None, graph_choice(stage, NoOptions())
    )


def set_values(values: dict[str, Any]) -> dict[str, Any]:
    """Widgets' values of a node that takes lists."""
    return {name: single(value, name) for name, value in values.items()}


def flat(values: Sequence[Any] | None) -> list[Any]:
    """The items of an input that takes lists, without what is not connected."""
    return [] if values is None else [v for v in values if v is not None]


# Objects.


def found_inputs(first: Sequence[io.Input]) -> list[io.Input]:
    """The inputs of a node that makes objects of what was found in an image."""
    return [
        io.Image.Input(
            "image", tooltip="The photo, as the detector saw it: one, not a crop of it."
        ),
        *first,
        io.String.Input(
            "labels",
            default="",
            multiline=True,
            placeholder="chair, table, lamp",
            tooltip="What they are: one name for all, one for each in their order (by comma or"
            " line), or single ones by number (0=chair, 3=table). A list of texts names one each."
            " Empty: as the detector says, else 'object'.",
        ),
        io.Boolean.Input(
            "separate",
            default=True,
            tooltip="On: a pixel of two masks goes to one of them (the smaller, nearer thing, or"
            " along an edge of the photo). Off: masks stay as they are.",
        ),
        io.Int.Input(
            "max_side",
            default=MAX_SIDE_PX,
            min=256,
            max=8192,
            step=64,
            tooltip="A larger photo is reduced to this longest side for all stages [px].",
        ),
    ]


def picture_from(image: Sequence[torch.Tensor], max_side: Sequence[int]) -> Picture:
    """The photo, and the size in which things were found."""
    shown = single(image, "image")
    photo = photo_from_image(shown, single(max_side, "max_side"))
    return Picture(photo, int(shown.shape[1]), int(shown.shape[2]))


async def objects_output(
    cls: Any, picture: Picture, found: Sequence[Found], source: str, separate: Sequence[bool]
) -> io.NodeOutput:
    """The objects, with the picture of their masks."""
    apart = bool(single(separate, "separate"))
    objects, log = await converted(
        "detect", lambda context: objects_of(found, picture, source, context, apart)
    )
    dropped = [f"{o.label} {o.id} dropped: {o.reason}" for o in objects.objects if not o.keep]
    counts = counted(o.label for o in objects.objects)
    summary = "\n".join([f"{len(objects.objects)} found: {counts}", *dropped])
    notes = [*objects.notes, *dropped]
    return io.NodeOutput(
        objects, ui=await present(cls, log, mask_overlay(objects), summary, notes=notes)
    )


# Geometry.


def photo_inputs(where: str) -> list[io.Input]:
    """Where the photo comes from whose geometry is made."""
    return [
        CastObjects.Input(
            "objects",
            optional=True,
            tooltip="From CAST Filter: the photo, at the size that all stages work on. Recommended.",
        ),
        io.Image.Input(
            "image",
            optional=True,
            tooltip=f"The photo, when no objects are connected. Neither: {where}.",
        ),
    ]


def photo_size(
    objects: Objects | None, image: torch.Tensor | None, own: Any, what: str
) -> tuple[int, int]:
    """(height, width) of the photo; ``own`` is the picture that the geometry brings along.

    Raises:
        BadInput: nothing tells, or the picture cannot be a photo.
    """
    if objects is not None:
        return objects.photo.height, objects.photo.width
    if image is None:
        if own is None:
            raise BadInput(f"{what}: it has no picture; connect objects, or the photo to image")
        shape = array_of(own, what).shape
        if len(shape) < 3:
            raise BadInput(f"{what}: its picture has shape {shape}; connect the photo to image")
        image = torch.zeros(1, *shape[-3:-1], 3)
    photo = photo_from_image(image)
    return photo.height, photo.width


async def geometry_output(cls: Any, make: Callable[[], Geometry]) -> io.NodeOutput:
    """The geometry, with the picture of its depth."""
    geometry, log = await converted("depth", lambda _: make())
    unit = "in metres" if geometry.metric else "unit unknown"
    ui = await present(cls, log, depth_picture(geometry), f"measured, {unit}", notes=geometry.notes)
    return io.NodeOutput(geometry, ui=ui)


# Meshes.


def joining_inputs(order: str) -> list[io.Input]:
    """How the items of a list are told which object they are."""
    return [
        CastObjects.Input(
            "objects",
            optional=True,
            tooltip="From CAST Filter: the items are its kept objects in their order, one each."
            " Neither this nor order: they are 0, 1, 2 …",
        ),
        *(
            [CastOrder.Input("order", optional=True, tooltip=f"From {order}, instead of objects.")]
            if order
            else []
        ),
    ]


IDS = io.String.Input(
    "ids",
    default="",
    placeholder="0, 2, 5",
    tooltip="Ids of the objects, one for each item in its order. Empty: the kept objects in their"
    " order. Objects that are not named get nothing.",
)


def wanted_meshes(order: Any, **inputs: Any) -> list[str]:
    """Which lazy inputs to ask for: none when the token says that nothing was sent."""
    return unevaluated(order is MISSING or anything_sent(order), **inputs)


async def meshes_output(
    cls: Any,
    items: Callable[[CameMeshOptions], Iterable[Came]],
    source: str,
    objects: Sequence[Objects] | None,
    order: Sequence[Any] | None,
    ids: Sequence[str],
    on_failure: Sequence[str],
    values: dict[str, Any],
) -> io.NodeOutput:
    """The meshes, with their pictures.

    Raises:
        BadInput: counts do not match, or both objects and order are connected.
    """
    if objects is not None and order is not None:
        raise BadInput("order: connect either it or objects; both tell which object a mesh is")
    if order is not None and single(ids, "ids").strip():
        raise BadInput("ids: leave it empty where order is connected, which tells the objects")
    known = None if objects is None else single(objects, "objects")
    token = None if order is None else single(order, "order")
    options = options_of(CameMeshOptions, set_values(values), cls.__name__)
    named = single(ids, "ids")
    # What goes into the store is as it came; options are applied to what comes out of it.
    at_once = options if token is None else CameMeshOptions()
    sent = token is None or bool(token.sent)
    meshes, log = await converted(
        "mesh",
        lambda context: meshes_of(
            list(items(at_once)) if sent else [],
            source,
            known,
            named,
            token,
            context.store,
            options,
        ),
    )
    log.made = [f"{e.id}" for e in meshes.entries if e.candidates]
    of = known if known is not None else token.objects if token is not None else None
    failures = [e.failure for e in meshes.entries if e.failure]
    if of is not None:
        failures = failure_lines(of, meshes.entries)
    stop = single(on_failure, "on_failure")
    ui = await present(cls, log, meshes_sheet(meshes), "", failures, meshes.notes, stop)
    return io.NodeOutput(meshes, ui=ui)
