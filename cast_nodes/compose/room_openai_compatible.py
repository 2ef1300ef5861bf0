"""Compose ``room_openai_compatible``: the room, with a model on any chat server asked who carries
what. With Ollama or vLLM on one's own machine no picture leaves it and nothing is paid.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..backends import Backend, BackendInfo, Need
from ..context import Context
from ..services.openai_chat import SERVER, ChatServer
from ..types import Scene
from . import ComposeInputs
from .second_opinion import LookingRoomOptions, compose_with


@dataclass(frozen=True)
class ServerRoomOptions(ChatServer, LookingRoomOptions):
    pass


def run(inputs: ComposeInputs, options: ServerRoomOptions, context: Context) -> Scene:
    """The scene of ``room``, its relations merged with what the model says.

    Raises:
        BadInput: the address is none.
    """
    return compose_with(inputs, options, options.vision(), "openai_compatible", context)


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
