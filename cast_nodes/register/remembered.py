"""What is derived from one thing and wanted again while that thing lives."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar
from weakref import WeakKeyDictionary

Key = TypeVar("Key")
Value = TypeVar("Value")


def remembered(make: Callable[[Key], Value]) -> Callable[[Key], Value]:
    """``make``, asked once for each key while the key lives; keys are told apart by identity."""
    made: WeakKeyDictionary[Key, Value] = WeakKeyDictionary()

    @wraps(make)
    def look(key: Key) -> Value:
        value = made.get(key)
        if value is None:
            value = made[key] = make(key)
        return value

    return look
