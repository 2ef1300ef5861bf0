"""Detect ``replicate_ram``: RAM names what is there, Grounding DINO finds it, SAM cuts it out.

RAM-Grounded-SAM on Replicate, in the version that the unofficial CAST pins: its masks are grey
and hold each object's number.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..backends import Backend, BackendInfo, Options, Price, option
from ..content import content_key
from ..context import Context, Progress, Usage
from ..pictures import png_bytes
from ..services.replicate import NEEDS, REPLICATE, prediction_api
from ..services.task_api import Finished, TaskState
from ..services.tasks import task_result
from ..services.troubles import ServiceFailure
from ..services.wording import for_photo
from ..types import Objects, Photo
from . import DetectInputs
from .box_objects import masks_from_boxes
from .ram_answer import objects_from_answer, read_list

MODEL = "fishwowater/ram-grounded-sam-maskfixed"
MODEL_VERSION = "ea5ba20f4689f8e44f124214dd2831feaad23d3f92fac380b34669f6bb9eaf18"
PRICE = Price(0.01, "photo", "replicate.com, some 10 GPU seconds", "2025, unchecked")
WHAT = "detection"


@dataclass(frozen=True)
class RamOptions(Options):
    use_sam_hq: bool = option(True, "cut out with SAM-HQ, which keeps thin parts")
    min_score: float = option(0.25, "lowest score of a detection", low=0.0, high=0.95, step=0.05)
    retry: int = option(
        0, "raise it to have the photo recognised anew (it is paid for again)", low=0, high=10_000
    )


def run(inputs: DetectInputs, options: RamOptions, context: Context) -> Objects:
    """What RAM-Grounded-SAM finds in the photo; nothing found is a legal answer.

    Raises:
        ServiceFailure: the service fails; what was paid for is picked up by the next run.
    """
    photo = inputs.photo
    document, picture = _answer(photo, options, context)
    context.cancel.check()
    recognised, odd = read_list(document, photo.width, photo.height)
    recognised = tuple(r for r in recognised if r.score >= options.min_score)
    objects, mended = objects_from_answer(recognised, _opened(picture), photo)
    if any(item.mask is None for item in objects):
        objects = masks_from_boxes(photo.rgb, objects, context)
    context.progress(Progress("detect", 1, 1, f"{len(objects)} objects"))
    return Objects(photo, objects, notes=(*odd, *mended))


def _answer(photo: Photo, options: RamOptions, context: Context) -> tuple[Any, bytes]:
    """The service's list and its mask's file (b"" when it sent none), paid for once."""
    from ..codec import decode, encode

    plain = {"use_sam_hq": options.use_sam_hq, "show_visualisation": True}
    png = png_bytes(photo.rgb)

    def usage(state: TaskState) -> Usage:
        return Usage("Replicate", MODEL, seconds=state.seconds, estimate_usd=PRICE.usd, what=WHAT)

    def fetch(finished: Finished) -> bytes:
        document, mask = _fetched(finished, photo, context)
        return encode({"document": json.dumps(document), "mask": mask})

    api = prediction_api(f"{MODEL}:{MODEL_VERSION}", plain, {"input_image": png}, usage)
    key = content_key("replicate_ram", MODEL_VERSION, plain, photo.rgb, options.retry)
    try:
        kept = decode(task_result(REPLICATE, key, api, fetch, context, WHAT))
    except ServiceFailure as error:
        raise ServiceFailure(for_photo(str(error), "detect.retry"), error.trouble) from None
    return json.loads(kept["document"]), kept["mask"]


def _fetched(finished: Finished, photo: Photo, context: Context) -> tuple[Any, bytes]:
    """Downloads and checks list and mask, wherever the output has them."""
    from ..services.download import checked_picture, download

    output = finished.output if isinstance(finished.output, Mapping) else {}
    document, mask = output.get("json_data"), output.get("masked_img")
    try:
        if isinstance(document, str) and document.lstrip()[:1] not in ("{", "["):
            document = download(document, REPLICATE, context, "json", WHAT)
        if isinstance(document, (str, bytes)):
            document = json.loads(document)
        read_list(document, photo.width, photo.height)
    except ValueError as error:
        raise ServiceFailure(
            f"{WHAT}: Replicate task {finished.id} came back without a list of objects ({error});"
            " raise this object's retry for a new one"
        ) from None
    if not isinstance(mask, str) or not mask:
        return document, b""
    data = download(mask, REPLICATE, context, "picture", WHAT)
    checked_picture(data, WHAT)
    return document, data


def _opened(picture: bytes) -> Any:
    if not picture:
        return None
    from ..services.download import checked_picture

    return checked_picture(picture, WHAT)


BACKEND = Backend(
    info=BackendInfo(
        name="replicate_ram",
        label="RAM-Grounded-SAM (Replicate)",
        kind="service",
        summary="Names, finds and cuts out everything in the photo, by RAM-Grounded-SAM.",
        weights_licence="Apache-2.0",
        needs=NEEDS,
        cost=PRICE.words(),
        price=PRICE,
        concurrency=REPLICATE.concurrency,
    ),
    options=RamOptions,
    run=run,
)
