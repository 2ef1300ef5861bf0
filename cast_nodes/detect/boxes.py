"""Detect ``boxes``: the user's own boxes, each made into a mask."""

from __future__ import annotations

from dataclasses import dataclass

from ..backends import Backend, BackendInfo, Options, option
from ..context import Context
from ..errors import BadInput
from ..types import Objects
from . import DetectInputs
from .box_objects import MASKS_HELP, MaskMethod, masks_from_boxes


@dataclass(frozen=True)
class BoxesOptions(Options):
    """How the boxes become masks."""

    mask_method: MaskMethod = option("network", MASKS_HELP)


def run(inputs: DetectInputs, options: BoxesOptions, context: Context) -> Objects:
    """The given objects with masks; a box that cannot be used fails alone.

    Raises:
        BadInput: no boxes were given, or two objects have one id.
    """
    if not inputs.given:
        raise BadInput(
            "Detect 'boxes' needs at least one box: list them in objects.json as "
            '[{"id": 0, "label": "chair", "bbox": [x0, y0, x1, y1]}] or connect boxes to the node'
        )
    ids = [o.id for o in inputs.given]
    twice = sorted({i for i in ids if ids.count(i) > 1})
    if twice:
        raise BadInput(f"object id {twice[0]} is given twice; each object needs an id of its own")
    photo = inputs.photo
    for item in inputs.given:
        if item.mask is not None and item.mask.shape != (photo.height, photo.width):
            height, width = item.mask.shape[:2]
            raise BadInput(
                f"the mask of object {item.id} ({item.label}) is {width}x{height} pixels but the "
                f"photo is {photo.width}x{photo.height}; a mask needs the photo's size"
            )
    return Objects(
        photo, masks_from_boxes(photo.rgb, inputs.given, context, method=options.mask_method)
    )


BACKEND = Backend(
    info=BackendInfo(
        name="boxes",
        label="Your boxes",
        kind="embedded",
        version=4,
        summary="Makes a mask from each box you give.",
    ),
    options=BoxesOptions,
    run=run,
)
