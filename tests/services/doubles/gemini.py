"""Double of the Gemini API's ``generateContent`` (https://ai.google.dev/api/generate-content).

``POST /v1beta/models/<model>:generateContent`` with ``contents[].parts[]`` of ``text`` and
``inlineData``; the key comes in the header ``x-goog-api-key``.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .server import Answer, Double, Request


@dataclass(frozen=True)
class Asked:
    """One request: the pictures' bytes, the text, the settings of the generation."""

    model: str
    pictures: list[bytes]
    text: str
    config: dict[str, Any]
    key: str


class GeminiDouble(Double):
    """Gemini on this machine.

    Attributes:
        answer: makes the answer: the bytes of a picture (PNG), text, or an :class:`Answer`.
        asked: all requests that were answered.
    """

    def __init__(self) -> None:
        super().__init__()
        self.answer: Callable[[Asked], bytes | str | Answer] = lambda asked: "ok"
        self.asked: list[Asked] = []
        self.route("POST", r"/v1beta/models/([\w.-]+):generateContent", self._generate)

    def _usual(self, request: Request) -> Answer:
        if self.keys and request.headers.get("x-goog-api-key", "") not in self.keys:
            return problem(
                400, "API key not valid. Please pass a valid API key.", "INVALID_ARGUMENT"
            )
        for method, pattern, handler in self._routes:
            match = pattern.fullmatch(request.path)
            if match and method == request.method:
                return handler(request, *match.groups())
        return problem(404, "Requested entity was not found.", "NOT_FOUND")

    def _generate(self, request: Request, model: str) -> Answer:
        body = request.json()
        parts = [part for content in body["contents"] for part in content["parts"]]
        inline = [p.get("inlineData") or p.get("inline_data") for p in parts]
        asked = Asked(
            model,
            [_decoded(data["data"]) for data in inline if data],
            "\n".join(p["text"] for p in parts if "text" in p),
            body.get("generationConfig") or {},
            request.headers.get("x-goog-api-key", ""),
        )
        with self.lock:
            self.asked.append(asked)
        made = self.answer(asked)
        if isinstance(made, Answer):
            return made
        with self.lock:
            self.paid.append(asked)
        if isinstance(made, str):
            return answered([{"text": made}])
        data = base64.b64encode(made).decode()
        picture = {"inlineData": {"mimeType": "image/png", "data": data}}
        return answered([{"text": "Here it is."}, picture])


def answered(parts: list[dict[str, Any]], reason: str = "STOP") -> Answer:
    """An answer with these parts."""
    candidate = {"content": {"parts": parts, "role": "model"}, "finishReason": reason, "index": 0}
    tokens = {"promptTokenCount": 270, "candidatesTokenCount": 1290, "totalTokenCount": 1560}
    return Answer.json({"candidates": [candidate], "usageMetadata": tokens})


def blocked(reason: str = "PROHIBITED_CONTENT") -> Answer:
    """An answer to a prompt that the service does not accept."""
    return Answer.json(
        {"promptFeedback": {"blockReason": reason}, "usageMetadata": {"totalTokenCount": 270}}
    )


def problem(status: int, message: str, name: str, **headers: str) -> Answer:
    """An error as Google's services write it."""
    error = {"code": status, "message": message, "status": name}
    return Answer.json({"error": error}, status, **headers)


def _decoded(text: str) -> bytes:
    """Base64 of either alphabet, as JSON of protocol buffers may have it."""
    return base64.b64decode(text.translate(str.maketrans("-_", "+/")))
