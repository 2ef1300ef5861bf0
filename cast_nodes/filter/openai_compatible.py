"""Filter ``openai_compatible``: a model on any server with the chat interface looks at the objects.

With Ollama or vLLM on one's own machine no picture leaves it and nothing is paid.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..backends import Backend, BackendInfo, Need, option
from ..context import Context
from ..services.openai_chat import KEY_SETTING, OLLAMA, SERVER, URL_SETTING, chat_vision
from ..types import Objects
from .by_looking import LookingOptions, filter_by_looking


@dataclass(frozen=True)
class ServerOptions(LookingOptions):
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


def run(objects: Objects, options: ServerOptions, context: Context) -> Objects:
    """What the model says of each object; the rules where it says nothing.

    Raises:
        BadInput: the address is none.
    """
    vision = chat_vision(options.base_url, options.model, options.max_side)
    return filter_by_looking(objects, options, vision, "openai_compatible", context)


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
