"""Gemini: one request with a picture that is answered with a picture, by the official SDK."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from ..backends import Need
from .key_need import key_need
from .policy import Service
from .secrets import secret, setting
from .troubles import Garbled

GEMINI = Service(
    name="gemini",
    title="Gemini",
    key_setting="GEMINI_API_KEY",
    key_page="https://aistudio.google.com/apikey",
    tasks_page="https://aistudio.google.com/usage",
    default_url="https://generativelanguage.googleapis.com",
    base_url_setting="GOOGLE_GEMINI_BASE_URL",
    limit=4,
    read_timeout_s=300.0,
)

API_VERSION = "v1beta"
OTHER_KEY = "GOOGLE_API_KEY"
_own_key = key_need(GEMINI.key_setting, GEMINI.key_page)
key_need(OTHER_KEY, GEMINI.key_page)  # so that its value is hidden too

NEEDS = (
    Need.package("google.genai", "'cast-scene[services]'"),
    Need(
        f"key {GEMINI.key_setting} (or {OTHER_KEY})",
        lambda context: any(setting(n) is not None for n in (GEMINI.key_setting, OTHER_KEY)),
        _own_key.mend,
    ),
)


def edited(
    model: str,
    png: bytes,
    prompt: str,
    service: Service = GEMINI,
    seed: int | None = None,
) -> dict[str, Any]:
    """Sends the picture and the prompt, once, and gives the answer.

    Returns:
        JSON-ready: ``picture`` (base64, "" when none came), ``text``, ``reason`` (why there is
        none, as the service names it: "IMAGE_SAFETY", "STOP" …), ``usage``.

    Raises:
        Garbled: the answer is of another form.
        whatever the SDK and ``httpx`` raise.
    """
    from google import genai
    from google.genai import types

    service = service.now()
    key = secret(GEMINI.key_setting) or secret(OTHER_KEY)
    client = genai.Client(
        api_key="" if key is None else key.reveal(),
        vertexai=False,
        http_options=types.HttpOptions(
            base_url=service.url(),
            api_version=API_VERSION,  # the SDK leaves it out where an address is given
            timeout=int(service.read_timeout_s * 1000),
            # One attempt: what was sent may be paid for.
            retry_options=types.HttpRetryOptions(attempts=1),
        ),
    )
    answer = client.models.generate_content(
        model=model,
        contents=[types.Part.from_bytes(data=png, mime_type="image/png"), prompt],
        config=types.GenerateContentConfig(response_modalities=["TEXT", "IMAGE"], seed=seed),
    )
    return _read(answer)


def _read(answer: Any) -> dict[str, Any]:
    """The parts of a ``GenerateContentResponse``."""
    feedback = answer.prompt_feedback
    candidates = answer.candidates or []
    if not candidates and feedback is None:
        raise Garbled("an answer without candidates")
    candidate = candidates[0] if candidates else None
    content = candidate.content if candidate is not None else None
    parts = (content.parts if content is not None else None) or []
    picture, text = b"", []
    for part in parts:
        data = part.inline_data
        if data is not None and data.data and (data.mime_type or "").startswith("image/"):
            picture = data.data
        elif part.text and not part.thought:
            text.append(part.text)
    reasons = [feedback.block_reason if feedback is not None else None]
    reasons.append(candidate.finish_reason if candidate is not None else None)
    reason = next((r for r in reasons if r is not None), "")
    usage = answer.usage_metadata
    tokens = usage.total_token_count if usage is not None else 0
    return {
        "picture": base64.b64encode(picture).decode(),
        "text": "\n".join(text),
        "reason": str(getattr(reason, "value", reason)),
        "usage": {"tokens": int(tokens or 0)},
    }


def picture_of(answer: Mapping[str, Any]) -> bytes:
    """The bytes of the picture; empty when none came."""
    return base64.b64decode(answer["picture"])
