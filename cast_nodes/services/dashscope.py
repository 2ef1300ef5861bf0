"""DashScope (Alibaba Cloud Model Studio): one conversation with pictures, by the official SDK.

Both chat models that look at pictures and models that edit them answer there at once
(``MultiModalConversation``): a paid call without a task to pick up.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from ..backends import Need
from .key_need import key_need
from .policy import Service
from .secrets import secret
from .troubles import Garbled, StatusError

DASHSCOPE = Service(
    name="dashscope",
    title="DashScope",
    key_setting="DASHSCOPE_API_KEY",
    key_page="https://modelstudio.console.alibabacloud.com",
    tasks_page="https://usercenter2-intl.aliyun.com/billing",
    default_url="https://dashscope.aliyuncs.com/api/v1",
    base_url_setting="DASHSCOPE_HTTP_BASE_URL",
    limit=4,
    read_timeout_s=300.0,
)

NEEDS = (
    Need.package("dashscope", "'cast-scene[services]'"),
    key_need(DASHSCOPE.key_setting, DASHSCOPE.key_page),
)


def picture_part(png: bytes) -> dict[str, str]:
    """A picture as part of a message."""
    return {"image": "data:image/png;base64," + base64.b64encode(png).decode()}


def text_part(text: str) -> dict[str, str]:
    """Text as part of a message.

    The SDK uploads the file when a text happens to be a file's path; with a space in front it
    is none.
    """
    return {"text": " " + text.lstrip()}


def converse(
    model: str,
    parts: Sequence[Mapping[str, str]],
    service: Service = DASHSCOPE,
    **parameters: Any,
) -> dict[str, Any]:
    """Sends one message, once, and gives the answer.

    Args:
        parts: of :func:`picture_part` and :func:`text_part`.
        service: address and times.
        parameters: of the model (``seed``, ``temperature``, …).

    Returns:
        JSON-ready: ``content`` (list of {"text"} and {"image": address}), ``finish_reason``,
        ``usage`` and ``request_id``.

    Raises:
        StatusError: the service answered with an error.
        Garbled: the answer is of another form.
        whatever ``requests`` raises.
    """
    from dashscope import MultiModalConversation

    service = service.now()
    key = secret(service.key_setting)
    session = _once()
    try:
        answer: Any = MultiModalConversation.call(
            model=model,
            messages=[{"role": "user", "content": [dict(part) for part in parts]}],
            api_key="" if key is None else key.reveal(),
            base_address=service.url(),
            request_timeout=(service.connect_timeout_s, service.read_timeout_s),
            session=session,
            **parameters,
        )
    except (KeyError, TypeError, AttributeError) as error:
        # The SDK takes the answer apart without looking whether it is one.
        raise Garbled(f"an answer of another form ({type(error).__name__}: {error})") from error
    finally:
        session.close()
    status = int(answer.status_code or 0)
    if status != 200:
        headers = getattr(answer, "headers", None) or {}
        after = next((v for k, v in headers.items() if k.lower() == "retry-after"), None)
        said = ": ".join(str(t) for t in (answer.code, answer.message) if t)
        raise StatusError(status, said, after)
    return _read(answer)


def _read(answer: Any) -> dict[str, Any]:
    """What an answer of status 200 holds."""
    try:
        choice = answer.output["choices"][0]
        content = choice["message"]["content"]
    except (KeyError, IndexError, TypeError, AttributeError):
        raise Garbled("an answer without a message") from None
    parts = [{"text": content}] if isinstance(content, str) else content
    if not isinstance(parts, list) or not all(isinstance(p, dict) for p in parts):
        raise Garbled("a message without content")
    return {
        "content": [{str(k): str(v) for k, v in part.items()} for part in parts],
        "finish_reason": str(choice.get("finish_reason") or ""),
        "usage": {k: v for k, v in dict(answer.usage or {}).items() if isinstance(v, int)},
        "request_id": str(answer.request_id or ""),
    }


def text_of(answer: Mapping[str, Any]) -> str:
    """All text of an answer of :func:`converse`."""
    return "\n".join(part["text"] for part in answer["content"] if "text" in part)


def picture_address(answer: Mapping[str, Any]) -> str:
    """Where the picture of an answer lies, good for a day; "" when it holds none."""
    return next((part["image"] for part in answer["content"] if part.get("image")), "")


def _once() -> Any:
    """A session whose requests are sent once.

    The SDK repeats a request after a broken connection by itself; where the connection broke
    after the request had arrived, that would be paid for twice. It looks for the class
    ``ConnectionError`` of ``requests``, so another class is raised in its place.
    """
    import requests

    class NotAnswered(requests.RequestException):
        """Stands for its cause, which tells whether the request was sent."""

    class Once(requests.Session):
        def post(self, *args: Any, **kwargs: Any) -> requests.Response:
            try:
                return super().post(*args, **kwargs)
            except requests.ConnectionError as error:
                raise NotAnswered(str(error)) from error

    return Once()
