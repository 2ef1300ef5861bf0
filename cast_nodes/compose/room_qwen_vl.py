"""Compose ``room_qwen_vl``: the room, with Qwen-VL at DashScope asked who carries what."""

from __future__ import annotations

from dataclasses import dataclass

from ..backends import Backend, BackendInfo, option
from ..context import Context
from ..services.dashscope import DASHSCOPE, NEEDS
from ..services.qwen_vl import MODEL, PRICE, qwen_vision
from ..types import Scene
from . import ComposeInputs
from .second_opinion import LookingRoomOptions, compose_with


@dataclass(frozen=True)
class QwenRoomOptions(LookingRoomOptions):
    model: str = option(MODEL, "name of the model at DashScope")


def run(inputs: ComposeInputs, options: QwenRoomOptions, context: Context) -> Scene:
    """The scene of ``room``, its relations merged with what the model says."""
    return compose_with(inputs, options, qwen_vision(options.model), "qwen_vl", context)


BACKEND = Backend(
    BackendInfo(
        name="room_qwen_vl",
        label="Room, relations also by Qwen-VL (DashScope)",
        kind="service",
        summary="The room; who carries what is found by geometry and asked of a model that looks.",
        needs=NEEDS,
        cost=f"{PRICE.words()}; one request for each sample",
        price=PRICE,
        concurrency=DASHSCOPE.concurrency,
    ),
    QwenRoomOptions,
    run,
)
