"""Any server that speaks the OpenAI chat interface with pictures: Ollama, vLLM, LM Studio, …

The address is an option and so travels with workflows. The key (``CAST_OPENAI_KEY``) does not:
it is sent to the address in ``CAST_OPENAI_URL`` and nowhere else, so that a workflow from
elsewhere cannot send it to a server of its own choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from ..backends import Options, option
from ..errors import BadInput
from .policy import Service
from .secrets import secret, setting
from .troubles import Garbled
from .vision_chat import Reply, Vision, data_uri

KEY_SETTING, URL_SETTING = "CAST_OPENAI_KEY", "CAST_OPENAI_URL"
OLLAMA = "http://127.0.0.1:11434/v1"

SERVER = Service(
    name="openai",
    title="The chat server",
    key_setting=KEY_SETTING,
    key_page="the server's own page",
    default_url=OLLAMA,
    limit=2,
    read_timeout_s=300.0,
    attempts=3,
)


@dataclass(frozen=True)
class ChatServer(Options):
    """Options of the backends that ask a chat server; they come after a backend's own."""

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

    def vision(self) -> Vision:
        """Raises BadInput where the address is none."""
        return chat_vision(self.base_url, self.model, self.max_side)


def chat_vision(base_url: str, model: str, side_px: int = 1024) -> Vision:
    """The model as :func:`.vision_chat.ask` wants it.

    Requests that carry a key may cost money and are treated so; a server without one is free.

    Args:
        side_px: longer side of the pictures at most. Servers of one's own often hold few tokens
            (Ollama 4096 unless told otherwise), and pictures take most of them.

    Raises:
        BadInput: the address is none.
    """
    url = base_url.strip().rstrip("/") or (setting(URL_SETTING) or OLLAMA).rstrip("/")
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise BadInput(
            f"base_url {base_url!r} is no address; it reads like {OLLAMA} (Ollama on this machine)"
        )
    service = replace(SERVER, default_url=url)

    def send(text: str, pictures: Sequence[bytes], seed: int, temperature: float) -> Reply:
        import openai

        now = service.now()
        key = secret(KEY_SETTING) if key_goes_to(url) else None
        parts: list[dict] = [
            {"type": "image_url", "image_url": {"url": data_uri(picture)}} for picture in pictures
        ]
        parts.append({"type": "text", "text": text})
        # The SDK takes OPENAI_API_KEY when it is given no key: that one is not for this server.
        client = openai.OpenAI(
            api_key="none" if key is None else key.reveal(),
            base_url=url,
            max_retries=0,
            timeout=openai.Timeout(now.read_timeout_s, connect=now.connect_timeout_s),
        )
        with client:
            answer = client.chat.completions.create(
                model=model,
                messages=[{"role": "user", "content": parts}],  # type: ignore[typeddict-item]
                temperature=temperature,
                seed=seed,
            )
        # The SDK does not look whether the answer has the form it promises.
        choices = getattr(answer, "choices", None)
        message = getattr(choices[0], "message", None) if choices else None
        content = getattr(message, "content", None)
        if not isinstance(content, str):
            raise Garbled("an answer without a message")
        tokens = getattr(getattr(answer, "usage", None), "total_tokens", None)
        return Reply(content, tokens if isinstance(tokens, int) else 0)

    paid = key_goes_to(url) and secret(KEY_SETTING) is not None
    return Vision(service, model, send, paid=paid, side_px=side_px)


def key_goes_to(url: str) -> bool:
    """Whether ``CAST_OPENAI_KEY`` may be sent to this address."""
    own = setting(URL_SETTING)
    return own is not None and own.rstrip("/") == url
