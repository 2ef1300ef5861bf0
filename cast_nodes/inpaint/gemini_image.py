"""Inpaint backend ``gemini_image``: Gemini's image editing (the editor that 3D-RE-GEN used)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..backends import Backend, BackendInfo, Price, option
from ..context import Context
from ..services.calls import paid_json
from ..services.gemini import GEMINI, NEEDS, edited, picture_of
from ._service import (
    EditRequest,
    ServiceOptions,
    no_picture,
    painter,
    picture_from,
    spent,
)

PRICE = Price(0.039, "picture", "ai.google.dev/pricing", "2025, unchecked")


@dataclass(frozen=True)
class GeminiImageOptions(ServiceOptions):
    """The model."""

    mode: Literal["plain", "application_querying"] = option(
        "application_querying",
        "what the service is shown: the cut-out object alone, or a drawn program window with the "
        "whole photo and the object on a card",
    )
    model: str = option("gemini-2.5-flash-image", "model name at the Gemini API")


def edit(request: EditRequest, options: GeminiImageOptions, context: Context) -> np.ndarray:
    """The edited picture, (h, w, 3) uint8."""
    answer = paid_json(
        GEMINI,
        request.key("gemini", options.model),
        lambda: edited(options.model, request.png, request.prompt, seed=request.seed),
        context,
        request.what,
        lambda answer: spent(GEMINI, options.model, PRICE.usd, request.what),
    )
    data = picture_of(answer)
    if not data:
        said = "; ".join(t for t in (answer["reason"], answer["text"]) if t)
        raise no_picture(GEMINI, request.what, said)
    return picture_from(data, request.what)


BACKEND = Backend(
    info=BackendInfo(
        name="gemini_image",
        label="Gemini image editing",
        kind="service",
        summary="Completes hidden parts with Gemini, which sees the whole photo on a drawn window; "
        "can paint the room empty.",
        needs=NEEDS,
        cost=PRICE.words(),
        price=PRICE,
        concurrency=GEMINI.concurrency,
    ),
    options=GeminiImageOptions,
    run=painter(edit),
)
