"""Filter ``qwen_vl``: Qwen-VL at DashScope looks at the photo and the numbered objects."""

from __future__ import annotations

from dataclasses import dataclass

from ..backends import Backend, BackendInfo, option
from ..context import Context
from ..services.dashscope import DASHSCOPE, NEEDS
from ..services.qwen_vl import MODEL, PRICE, qwen_vision
from ..types import Objects
from .by_looking import LookingOptions, filter_by_looking


@dataclass(frozen=True)
class QwenOptions(LookingOptions):
    model: str = option(MODEL, "name of the model at DashScope")


def run(objects: Objects, options: QwenOptions, context: Context) -> Objects:
    """What the model says of each object; the rules where it says nothing."""
    return filter_by_looking(objects, options, qwen_vision(options.model), "qwen_vl", context)


BACKEND = Backend(
    BackendInfo(
        name="qwen_vl",
        label="Qwen-VL (DashScope)",
        kind="service",
        summary="A model looks at the numbered objects: what to keep, how far it is hidden.",
        needs=NEEDS,
        cost=f"{PRICE.words()}; one request for each sample",
        price=PRICE,
        concurrency=DASHSCOPE.concurrency,
    ),
    QwenOptions,
    run,
)
