"""Inpaint backend ``replicate_kontext``: FLUX.1 Kontext [dev] on Replicate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..backends import Backend, BackendInfo, Price, option
from ..context import Context, Usage
from ..services.download import download
from ..services.replicate import NEEDS, REPLICATE, prediction_api
from ..services.task_api import Finished, TaskState
from ..services.tasks import task_result
from ._service import EditRequest, ServiceOptions, no_picture, painter, picture_from, spent

PRICE = Price(0.025, "picture", "replicate.com", "2025, unchecked")


@dataclass(frozen=True)
class KontextOptions(ServiceOptions):
    """The model and how long it works."""

    model: str = option(
        "black-forest-labs/flux-kontext-dev",
        "model at Replicate: owner/name, or owner/name:version",
    )
    num_inference_steps: int = option(30, "steps of the model", low=4, high=50)
    guidance: float = option(
        2.5, "how closely the prompt is followed", low=0.0, high=10.0, step=0.1
    )


def edit(request: EditRequest, options: KontextOptions, context: Context) -> np.ndarray:
    """The edited picture, (h, w, 3) uint8."""
    inputs: dict[str, Any] = {
        "prompt": request.prompt,
        "num_inference_steps": options.num_inference_steps,
        "guidance": options.guidance,
        "aspect_ratio": "match_input_image",
        "output_format": "png",
        "seed": request.seed,
    }

    def usage(state: TaskState) -> Usage | None:
        # What fails there is not charged for.
        if state.status != "done":
            return None
        return spent(REPLICATE, options.model, PRICE.usd, request.what, state.seconds)

    def fetch(finished: Finished) -> bytes:
        address = first_address(finished.output)
        if not address:
            raise no_picture(REPLICATE, request.what, str(finished.output or ""))
        return download(address, REPLICATE, context, "picture", request.what)

    api = prediction_api(options.model, inputs, {"input_image": request.png}, usage)
    key = request.key("replicate", options.model, inputs)
    data = task_result(REPLICATE, key, api, fetch, context, request.what)
    return picture_from(data, request.what)


def first_address(output: Any) -> str:
    """The address in a model's output: itself, or the first of a list; "" when there is none."""
    if isinstance(output, str):
        return output
    if isinstance(output, Sequence) and output and isinstance(output[0], str):
        return output[0]
    return ""


BACKEND = Backend(
    info=BackendInfo(
        name="replicate_kontext",
        label="FLUX.1 Kontext (Replicate)",
        kind="service",
        summary="Completes hidden parts with an image editor on Replicate; can paint the room empty.",
        weights_licence="FLUX.1 [dev] non-commercial; Replicate's terms allow commercial use of outputs",
        needs=NEEDS,
        cost=PRICE.words(),
        price=PRICE,
        concurrency=REPLICATE.concurrency,
    ),
    options=KontextOptions,
    run=painter(edit),
)
