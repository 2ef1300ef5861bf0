"""Compose ``room_openai_compatible``: the room, with a model on any chat server asked who carries
what. With Ollama or vLLM on one's own machine no picture leaves it and nothing is paid.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..backends import Backend, BackendInfo, Need, option
from ..context import Context
from ..services.openai_chat import KEY_SETTING, OLLAMA, SERVER, URL_SETTING, chat_vision
from ..types import Scene
from . import ComposeInputs
from .second_opinion import LookingRoomOptions, compose_with


@dataclass(frozen=True)
class ServerRoomOptions(LookingRoomOptions):
    model: str = option("qwen2.5vl:7b", "name of the model on the server")
    base_url: str = option(
        "",
        f"address of the server; empty takes the setting {URL_SETTING}, else {OLLAMA} (Ollama). "
        f"The key {KEY_SETTING} is sent to the address in that setting alone",
    )
    max_side: int = option(
        1024,
        "longer side of the pictures sent; they must fit into the server's context (Ollama: set "
        "OLLAMA_CONTEXT_LENGTH to 8192 or more)",
        low=384,
        high=4096,
        unit="px",
    )


def run(inputs: ComposeInputs, options: ServerRoomOptions, context: Context) -> Scene:
    """The scene of ``room``, its relations merged with what the model says.

    Raises:
        BadInput: the address is none.
    """
    vision = chat_vision(options.base_url, options.model, options.max_side)
    return compose_with(inputs, options, vision, "openai_compatible", context)


BACKEND = Backend(
    BackendInfo(
        name="room_openai_compatible",
        label="Room, relations also by your chat server (Ollama, vLLM, …)",
        kind="local",
        summary="The room; who carries what is found by geometry and asked of a model of your own.",
        needs=(Need.package("openai", "openai"),),
        cost="free on your own server",
        concurrency=SERVER.concurrency,
    ),
    ServerRoomOptions,
    run,
)
