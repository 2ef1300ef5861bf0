"""Frozen dataclasses to bytes and back, without pickle: a file from elsewhere runs no code.

The container is a zip (uncompressed members, as ``numpy.savez`` makes it): ``tree.json`` holds
the structure, arrays lie beside it as ``.npy`` and byte strings as ``.bin``.
"""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from . import frames, types
from .errors import CastError

KNOWN: dict[str, type] = {
    cls.__name__: cls
    for module in (types, frames)
    for cls in vars(module).values()
    if isinstance(cls, type) and dataclasses.is_dataclass(cls)
}


class DecodeError(CastError):
    """The bytes are not something this version wrote."""


def encode(value: Any) -> bytes:
    """Any value made of the pack's dataclasses, arrays, bytes, numbers, strings, lists, maps."""
    members: dict[str, bytes] = {}

    def walk(item: Any) -> Any:
        if isinstance(item, np.generic):
            item = item.item()
        if item is None or isinstance(item, (bool, int, float, str)):
            return item
        if isinstance(item, np.ndarray):
            if item.dtype.hasobject:
                raise TypeError("arrays of Python objects cannot be stored")
            buffer = io.BytesIO()
            np.save(buffer, item, allow_pickle=False)
            members[name := f"{len(members)}.npy"] = buffer.getvalue()
            return {"$": "array", "at": name}
        if isinstance(item, bytes):
            members[name := f"{len(members)}.bin"] = item
            return {"$": "bytes", "at": name}
        if isinstance(item, tuple):
            return {"$": "tuple", "items": [walk(i) for i in item]}
        if isinstance(item, list):
            return [walk(i) for i in item]
        if isinstance(item, Mapping):
            return {"$": "map", "items": {str(k): walk(v) for k, v in item.items()}}
        if type(item).__name__ in KNOWN:
            fields = {f.name: walk(getattr(item, f.name)) for f in dataclasses.fields(item)}
            return {"$": type(item).__name__, "fields": fields}
        raise TypeError(f"{type(item).__name__} cannot be stored")

    tree = json.dumps(walk(value))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("tree.json", tree)
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def decode(data: bytes) -> Any:
    """The inverse of :func:`encode`.

    Raises:
        DecodeError: truncated, foreign or older content.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _build(json.loads(archive.read("tree.json")), archive)
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, EOFError) as error:
        raise DecodeError(f"stored result cannot be read: {error}") from error


def _build(node: Any, archive: zipfile.ZipFile) -> Any:
    if isinstance(node, list):
        return [_build(i, archive) for i in node]
    if not isinstance(node, dict):
        return node
    kind = node["$"]
    if kind == "array":
        return np.load(io.BytesIO(archive.read(node["at"])), allow_pickle=False)
    if kind == "bytes":
        return archive.read(node["at"])
    if kind == "tuple":
        return tuple(_build(i, archive) for i in node["items"])
    if kind == "map":
        return {k: _build(v, archive) for k, v in node["items"].items()}
    return KNOWN[kind](**{k: _build(v, archive) for k, v in node["fields"].items()})
