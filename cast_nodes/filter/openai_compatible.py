"""Filter ``openai_compatible``: a model on any server with the chat interface looks at the objects.

With Ollama or vLLM on one's own machine no picture leaves it and nothing is paid.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..backends import Backend, BackendInfo, Need
from ..context import Context
from ..services.openai_chat import SERVER, ChatServer
from ..types import Objects
from .by_looking import LookingOptions, filter_by_looking


@dataclass(frozen=True)
class ServerOptions(ChatServer, LookingOptions):
    pass


def run(objects: Objects, options: ServerOptions, context: Context) -> Objects:
    """What the model says of each object; the rules where it says nothing.

    Raises:
        BadInput: the address is none.
    """
    return filter_by_looking(objects, options, options.vision(), "openai_compatible", context)


BACKEND = Backend(
    BackendInfo(
        name="openai_compatible",
        label="Your chat server (Ollama, vLLM, …)",
        kind="local",
        summary="A model on a server of your own looks at the numbered objects.",
        needs=(Need.package("openai", "openai"),),
        cost="free on your own server",
        concurrency=SERVER.concurrency,
    ),
    ServerOptions,
    run,
)
