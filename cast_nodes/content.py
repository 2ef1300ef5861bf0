"""Content keys: equal content gives an equal key, in every process and on every machine."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np


def content_key(*parts: Any) -> str:
    """SHA-256 (hex) of numbers, strings, bytes, arrays, mappings, sequences and dataclasses.

    An array counts with its dtype and shape. A dataclass that has a ``key`` of its own counts
    with that; any other counts field by field.

    Raises:
        TypeError: a part of a type that has no stable content.
    """
    digest = hashlib.sha256()
    for part in parts:
        _feed(digest, part)
    return digest.hexdigest()


def _feed(digest: Any, part: Any) -> None:
    if isinstance(part, np.generic):
        part = part.item()
    if part is None or isinstance(part, (bool, int, float, str)):
        digest.update(f"{type(part).__name__}:{json.dumps(part)};".encode())
    elif isinstance(part, bytes):
        digest.update(f"bytes:{len(part)};".encode())
        digest.update(part)
    elif isinstance(part, np.ndarray):
        digest.update(f"array:{part.dtype.str}:{part.shape};".encode())
        digest.update(np.ascontiguousarray(part).data if part.size else b"")
    elif isinstance(part, Mapping):
        digest.update(f"map:{len(part)};".encode())
        for name in sorted(part):
            _feed(digest, name)
            _feed(digest, part[name])
    elif isinstance(part, (tuple, list)):
        digest.update(f"seq:{len(part)};".encode())
        for item in part:
            _feed(digest, item)
    elif dataclasses.is_dataclass(part) and not isinstance(part, type):
        digest.update(f"data:{type(part).__name__};".encode())
        if isinstance(getattr(type(part), "key", None), (property, cached_property)):
            _feed(digest, part.key)  # type: ignore[attr-defined]
        else:
            for item in dataclasses.fields(part):
                _feed(digest, item.name)
                _feed(digest, getattr(part, item.name))
    else:
        raise TypeError(f"{type(part).__name__} has no stable content key")
