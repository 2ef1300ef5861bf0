"""The content-addressed store: results under the hash of what made them.

Bounded memory in front of a bounded folder. The folder is a convenience, never a duty: a full
or read-only disk costs reuse, not the run. Failures are never stored.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

from .codec import DecodeError, decode, encode
from .files import write_atomically


class Store:
    """Values by content key, in memory and (when ``root`` is given) on disk.

    Safe for threads; several processes may share one root, because files appear whole.

    Args:
        root: folder on disk, made when needed; None keeps everything in memory.
        memory_bytes: bound of the encoded size held in memory.
        disk_bytes: bound of the folder; the least recently used files go first.
    """

    def __init__(
        self, root: Path | None = None, memory_bytes: int = 512 << 20, disk_bytes: int = 4 << 30
    ) -> None:
        self.root = root
        self.memory_bytes = memory_bytes
        self.disk_bytes = disk_bytes
        self.disk_error: str | None = None
        self._memory: OrderedDict[str, bytes] = OrderedDict()
        self._memory_used = 0
        self._written = 0
        self._lock = threading.Lock()

    def get(self, key: str) -> Any | None:
        """The stored value, or None. A damaged file counts as absent and is removed."""
        with self._lock:
            data = self._memory.get(key)
            if data is not None:
                self._memory.move_to_end(key)
        if data is not None:
            return decode(data)
        path = self._path(key)
        if path is None:
            return None
        try:
            data = path.read_bytes()
            value = decode(data)
        except OSError:
            return None
        except DecodeError:
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        self._remember(key, data)
        return value

    def put(self, key: str, value: Any) -> None:
        """Keeps ``value``; a disk that cannot take it is noted in ``disk_error``."""
        data = encode(value)
        self._remember(key, data)
        path = self._path(key)
        if path is None or self.disk_error:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, data)
        except OSError as error:
            self.disk_error = f"results are not kept in {self.root}: {error}"
            return
        with self._lock:
            self._written += len(data)
            due = self._written > self.disk_bytes // 16
            if due:
                self._written = 0
        if due:
            self.trim()

    def trim(self) -> None:
        """Removes the least recently used files until the folder is within its bound."""
        if self.root is None:
            return
        found: list[tuple[float, int, Path]] = []
        for path in self.root.glob("*/*.cast"):
            with contextlib.suppress(OSError):
                stat = path.stat()
                found.append((stat.st_mtime, stat.st_size, path))
        used = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if used <= self.disk_bytes:
                return
            with contextlib.suppress(OSError):
                path.unlink()
            used -= size

    def _path(self, key: str) -> Path | None:
        return None if self.root is None else self.root / key[:2] / f"{key}.cast"

    def _remember(self, key: str, data: bytes) -> None:
        if len(data) > self.memory_bytes:
            return
        with self._lock:
            self._memory_used += len(data) - len(self._memory.pop(key, b""))
            self._memory[key] = data
            while self._memory_used > self.memory_bytes:
                _, old = self._memory.popitem(last=False)
                self._memory_used -= len(old)


class FreshStore(Store):
    """A store that makes everything anew: what earlier runs left is not used, only replaced."""

    def __init__(self, root: Path | None = None, **bounds: int) -> None:
        super().__init__(root, **bounds)
        self._made: set[str] = set()

    def get(self, key: str) -> Any | None:
        return super().get(key) if key in self._made else None

    def put(self, key: str, value: Any) -> None:
        super().put(key, value)
        self._made.add(key)
