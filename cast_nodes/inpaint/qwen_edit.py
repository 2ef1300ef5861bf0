"""Inpaint backend ``qwen_edit``: Qwen-Image-Edit on DashScope."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..backends import Backend, BackendInfo, Price, option
from ..context import Context
from ..services.calls import paid_json
from ..services.dashscope import (
    DASHSCOPE,
    NEEDS,
    converse,
    picture_address,
    picture_part,
    text_of,
    text_part,
)
from ._service import (
    EditRequest,
    ServiceOptions,
    kept_picture,
    no_picture,
    painter,
    picture_from,
    spent,
)

PRICE = Price(0.045, "picture", "alibabacloud.com/help/model-studio", "2025, unchecked")


@dataclass(frozen=True)
class QwenEditOptions(ServiceOptions):
    """The model and what it shall avoid."""

    model: str = option("qwen-image-edit", "model name at DashScope")
    negative_prompt: str = option(
        "blurry, cropped, duplicate, text, watermark", "what shall not be drawn"
    )


def edit(request: EditRequest, options: QwenEditOptions, context: Context) -> np.ndarray:
    """The edited picture, (h, w, 3) uint8."""
    parameters: dict[str, Any] = {"watermark": False, "seed": request.seed}
    if options.negative_prompt.strip():
        parameters["negative_prompt"] = options.negative_prompt.strip()
    key = request.key("dashscope", options.model, parameters)
    answer = paid_json(
        DASHSCOPE,
        key,
        lambda: converse(
            options.model,
            [picture_part(request.png), text_part(request.prompt)],
            **parameters,
        ),
        context,
        request.what,
        lambda answer: spent(DASHSCOPE, options.model, PRICE.usd, request.what),
    )
    address = picture_address(answer)
    if not address:
        raise no_picture(DASHSCOPE, request.what, text_of(answer) or answer["finish_reason"])
    return picture_from(kept_picture(DASHSCOPE, key, address, context, request.what), request.what)


BACKEND = Backend(
    info=BackendInfo(
        name="qwen_edit",
        label="Qwen-Image-Edit (DashScope)",
        kind="service",
        summary="Completes hidden parts with an image editor at DashScope; can paint the room empty.",
        needs=NEEDS,
        cost=PRICE.words(),
        price=PRICE,
        concurrency=DASHSCOPE.concurrency,
    ),
    options=QwenEditOptions,
    run=painter(edit),
)
