"""What was spent, in words."""

import pytest

from cast_nodes.context import Usage
from cast_nodes.services.usage import dollars_text, spent_line


@pytest.mark.parametrize(
    ("usd", "text"), [(0.9, "$0.90"), (12, "$12.00"), (0.01, "$0.01"), (0.004, "$0.004"), (0, "$0.00")]
)  # fmt: skip
def test_less_than_a_cent_is_not_rounded_to_nothing(usd: float, text: str):
    assert dollars_text(usd) == text


def test_one_question_to_a_cheap_model_has_a_price():
    usage = Usage("DashScope", "qwen-vl-max", units=110, unit="tokens", estimate_usd=0.0012)
    assert spent_line([usage]) == "1 paid at DashScope, 110 tokens, about $0.0012"
