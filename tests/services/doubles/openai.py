"""Double of a server with the OpenAI chat interface (``POST /v1/chat/completions``).

Written from the public API reference ("Create chat completion", vision inputs). It looks at no
picture: it says what the test tells it to, in turn, the last for ever.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from .server import Answer, Double, Request

Script = str | dict | Callable[[Request], "str | dict"]


class OpenAIDouble(Double):
    """Use ``double.base_url`` as the server's address.

    Attributes:
        script: what the model writes, in turn; a dict is sent as JSON text.
    """

    def __init__(self, *script: Script) -> None:
        super().__init__()
        self.script: list[Script] = list(script) or ["I see nothing."]
        self.route("POST", r"/v1/chat/completions", self.complete)

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    def complete(self, request: Request) -> Answer:
        body = request.json()
        faults = [*_faults(body)]
        if faults:
            return Answer.json(
                {"error": {"message": "; ".join(faults), "type": "invalid_request_error"}}, 400
            )
        with self.lock:
            self.paid.append(body)
            said = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        said = said(request) if callable(said) else said
        text = said if isinstance(said, str) else json.dumps(said)
        return Answer.json(
            {
                "id": f"chatcmpl-{len(self.paid)}",
                "object": "chat.completion",
                "created": 1_700_000_000,
                "model": body["model"],
                "choices": [
                    {
                        "index": 0,
                        "finish_reason": "stop",
                        "message": {"role": "assistant", "content": text},
                    }
                ],
                "usage": {"prompt_tokens": 900, "completion_tokens": 100, "total_tokens": 1000},
            }
        )


def _faults(body: Any) -> list[str]:
    """What the interface would not accept."""
    if not isinstance(body, dict) or not isinstance(body.get("model"), str):
        return ["you must provide a model parameter"]
    found = []
    for message in body.get("messages") or [{}]:
        if message.get("role") not in ("system", "user", "assistant"):
            found.append("a message needs a role")
        for part in message.get("content") or [{}]:
            if part.get("type") == "text" and isinstance(part.get("text"), str):
                continue
            url = (part.get("image_url") or {}).get("url", "")
            if part.get("type") != "image_url" or not url.startswith(("data:image/", "http")):
                found.append(f"unknown content part {sorted(part)}")
    return found
