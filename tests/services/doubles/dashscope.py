"""Double of DashScope's multimodal conversation (Alibaba Cloud Model Studio, API reference).

``POST /api/v1/services/aigc/multimodal-generation/generation`` with ``model``,
``input.messages`` and ``parameters``. What it answers is scripted: :meth:`DashScopeDouble.say`
for chat models, ``answer`` for anything made from the request (an edited picture, say), whose
file then lies at ``/files/…`` and needs no key. Use ``double.api`` as the base address.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .server import Answer, Double, Request

PATH = "/api/v1/services/aigc/multimodal-generation/generation"


@dataclass(frozen=True)
class Conversation:
    """One request, as models see it.

    Attributes:
        pictures: bytes of the pictures that came as data URIs, in order.
        text: all text of the messages.
        number: how many requests were answered before it.
    """

    model: str
    pictures: list[bytes]
    text: str
    parameters: dict[str, Any]
    number: int


Parts = list[dict[str, str]]


class DashScopeDouble(Double):
    """DashScope on this machine.

    Attributes:
        answer: makes the answer of a conversation: text, parts of a message, the bytes of a
            picture (PNG), or an :class:`Answer` as it is. Texts of :meth:`say` go first.
        conversations: all that were answered.
        gone: pictures are no longer at their addresses.
    """

    def __init__(self) -> None:
        super().__init__()
        self.answer: Callable[[Conversation], str | bytes | Parts | Answer] = lambda asked: "ok"
        self.conversations: list[Conversation] = []
        self.gone = False
        self._script: list[str | bytes | Parts | Answer] = []
        self._files: dict[str, bytes] = {}
        self.route("POST", PATH, self._converse)
        self.route("GET", r"/files/(\w+)\.png", self._file)

    @property
    def api(self) -> str:
        """For DASHSCOPE_HTTP_BASE_URL."""
        return f"{self.url}/api/v1"

    def say(self, *answers: str | bytes | Parts | Answer) -> None:
        """The next answers, in order."""
        with self.lock:
            self._script.extend(answers)

    def refuse_key(self) -> Answer:
        return problem(401, "InvalidApiKey", "Invalid API-key provided.")

    def _converse(self, request: Request) -> Answer:
        body = request.json()
        content = [p for m in body["input"]["messages"] for p in _parts(m["content"])]
        asked = Conversation(
            body["model"],
            [_decoded(part["image"]) for part in content if "image" in part],
            "\n".join(part["text"] for part in content if "text" in part),
            body.get("parameters") or {},
            len(self.conversations),
        )
        with self.lock:
            self.conversations.append(asked)
            made = self._script.pop(0) if self._script else None
        made = self.answer(asked) if made is None else made
        if isinstance(made, Answer):
            return made
        with self.lock:
            self.paid.append(asked)
        usage = {"input_tokens": 100, "output_tokens": 10}
        if isinstance(made, bytes):
            name = f"f{len(self.paid)}"
            self._files[name] = made
            made = [{"image": f"{self.url}/files/{name}.png?Expires=1&Signature=abcdefgh"}]
            usage = {"image_count": 1, "width": 0, "height": 0}
        elif isinstance(made, str):
            made = [{"text": made}]
        choice = {"finish_reason": "stop", "message": {"role": "assistant", "content": made}}
        return Answer.json(
            {"output": {"choices": [choice]}, "usage": usage, "request_id": f"r-{asked.number}"}
        )

    def _file(self, request: Request, name: str) -> Answer:
        if self.gone:
            return Answer(403, b"<Error><Code>AccessDenied</Code></Error>", "application/xml")
        return Answer.file(self._files[name], "image/png")


def problem(status: int, code: str, message: str, **headers: str) -> Answer:
    """An error as DashScope writes it."""
    return Answer.json({"code": code, "message": message, "request_id": "r-e"}, status, **headers)


def _parts(content: Any) -> Parts:
    return [{"text": content}] if isinstance(content, str) else content


def _decoded(uri: str) -> bytes:
    head, _, body = uri.partition(",")
    assert head.startswith("data:image/") and head.endswith(";base64"), uri[:60]
    return base64.b64decode(body)
