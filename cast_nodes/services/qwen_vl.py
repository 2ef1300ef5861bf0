"""Qwen-VL at DashScope: a model that looks at pictures and answers in words."""

from __future__ import annotations

from collections.abc import Sequence

from ..backends import Price
from .dashscope import DASHSCOPE, converse, text_of, text_part
from .vision_chat import Reply, Vision, data_uri

MODEL = "qwen-vl-max-latest"

PRICE = Price(
    usd=0.004,
    per="request",
    source="alibabacloud.com/help/model-studio",  # two pictures of 1280 px, 400 words back
    as_of="2025, unchecked",
)


def qwen_vision(model: str = MODEL) -> Vision:
    """The model as :func:`.vision_chat.ask` wants it."""

    def send(text: str, pictures: Sequence[bytes], seed: int, temperature: float) -> Reply:
        parts = [{"image": data_uri(picture)} for picture in pictures]
        answer = converse(model, [*parts, text_part(text)], temperature=temperature, seed=seed)
        usage = answer["usage"]
        tokens = usage.get("total_tokens") or sum(
            usage.get(name, 0) for name in ("input_tokens", "output_tokens")
        )
        return Reply(text_of(answer), tokens)

    return Vision(DASHSCOPE, model, send, usd=PRICE.usd)
