"""What a chat model wrote, as data: JSON found in its text, checked, and several answers voted on.

Models that were asked for JSON wrap it in a fence, talk before and after it, think aloud with a
draft in it, or leave a comma too many. All of that is accepted; a wrong content is not.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Sequence
from typing import Any, TypeVar

from ..errors import CastError

T = TypeVar("T")
Vote = TypeVar("Vote", bound=Hashable)

LONGEST = 50_000
"""Characters of an answer that are looked at, from its end: the result comes last."""

EXCERPT = 120

_THOUGHTS = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)

_STRAY_COMMA = re.compile(r",\s*[}\]]")


class UnreadableAnswer(CastError):
    """A model's answer does not hold what was asked for."""


def json_values(text: str) -> list[Any]:
    """The outermost JSON objects and arrays in a text, in order; thoughts in tags do not count.

    A comma before a closing bracket is forgiven. Numbers in brackets in running text ("[1]") are
    JSON too and come back as such: which value is meant is for the caller to check.
    """
    text = _THOUGHTS.sub(" ", text[-LONGEST:])
    found: list[Any] = []
    start = 0
    while (begin := _next_bracket(text, start)) >= 0:
        try:
            value, start, text = _decode(text, begin)
        except (ValueError, RecursionError):
            start = begin + 1
            continue
        found.append(value)
    return found


def read_answer(text: str, check: Callable[[Any], T], what: str) -> T:
    """The last value in a model's text that ``check`` accepts.

    Args:
        text: all that the model wrote.
        check: takes a JSON value, gives what was meant; raises ValueError with the reason when
            the value is not what was asked for.
        what: what was asked for, for the message ("which objects to keep").

    Raises:
        UnreadableAnswer: no value fits; says what was wrong with the last one.
    """
    reasons = {list: "", dict: ""}
    for value in reversed(json_values(text)):
        try:
            return check(value)
        except ValueError as error:
            reasons[type(value)] = reasons[type(value)] or str(error)
    # Brackets in running text are lists: what was wrong with an object says more.
    reason = reasons[dict] or reasons[list] or "it holds no JSON"
    words = " ".join(text.split())
    start = words[:EXCERPT] + ("…" if len(words) > EXCERPT else "")
    raise UnreadableAnswer(
        f"the model's answer does not say {what}: {reason}; it begins {start!r}"
        if words
        else f"the model's answer does not say {what}: it is empty"
    )


def list_under(value: Any, name: str) -> list[Any]:
    """The list in an object's field.

    Raises:
        ValueError: not an object, no such field, or no list in it.
    """
    if not isinstance(value, dict):
        raise ValueError(f"it is no JSON object with {name!r}")
    if name not in value:
        raise ValueError(f"it has no {name!r}")
    if not isinstance(value[name], list):
        raise ValueError(f"its {name!r} is no list")
    return value[name]


def as_number(value: Any) -> int | None:
    """A mark's number however a model writes it (3, "3", "#3", 3.0, "object 3"), or None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e9:
        return int(value)
    if isinstance(value, int):
        return value
    if isinstance(value, str) and (match := re.fullmatch(r"\D{0,12}?(\d{1,9})\D{0,2}", value)):
        return int(match.group(1))
    return None


def shares(samples: Sequence[Collection[Vote]]) -> dict[Vote, float]:
    """By vote, the share of the samples that cast it; a sample votes once for each thing."""
    counts = Counter(vote for sample in samples for vote in set(sample))
    return {vote: count / len(samples) for vote, count in counts.items()}


def majority(samples: Sequence[Collection[Vote]]) -> dict[Vote, float]:
    """Those votes that more than half of the samples cast, with their share."""
    return {vote: share for vote, share in shares(samples).items() if share > 0.5}


def _next_bracket(text: str, start: int) -> int:
    places = [p for p in (text.find("{", start), text.find("[", start)) if p >= 0]
    return min(places, default=-1)


def _decode(text: str, begin: int) -> tuple[Any, int, str]:
    """The value at ``begin``, where it ends, and the text without the commas that were in the way.

    Raises:
        ValueError: there is no JSON value.
    """
    decoder = json.JSONDecoder()
    while True:
        try:
            value, end = decoder.raw_decode(text, begin)
            return value, end, text
        except json.JSONDecodeError as error:
            comma = _stray_comma(text, error.pos, begin)
            if comma < 0:
                raise
            text = text[:comma] + " " + text[comma + 1 :]


def _stray_comma(text: str, position: int, begin: int) -> int:
    """Where the comma stands that made the decoder stop before a closing bracket, or -1.

    Versions of Python point at the comma, or at the bracket after it.
    """
    comma = position
    while comma > begin and (text[comma : comma + 1].isspace() or text[comma : comma + 1] in "}]"):
        comma -= 1
    return comma if _STRAY_COMMA.match(text, comma) else -1
