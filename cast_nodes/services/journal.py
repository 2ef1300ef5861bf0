"""Notes on disk about what was paid for: one record and one result per request.

Below ``<cache>/services/<service>/``, named by the request's content. A record is written before
anything is sent and says how far the request came, so that a run that was stopped or killed is
picked up where it was. No key is ever in it. A lock file makes two processes with the same
request wait for each other instead of paying twice.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ..content import content_key
from ..context import Context
from ..errors import StorageError
from ..files import write_atomically
from .policy import Service

RESULTS_BYTES = 8 << 30
_ROOM = 2048  # a record's file is padded to this, so that a full disk cannot stop its change
_LOCK_POLL_S = 0.1


@dataclass(frozen=True)
class Record:
    """How far one request came.

    Attributes:
        state: "sent" (asked for, no answer yet), "running" (has an id), "done" (counted).
        id: the service's id of the task; "" while it is not known.
        prepared: what the request was made from and can be recognised by (uploaded file, …).
        sent_at: seconds since the epoch, this machine's clock.
        what: for people ("chair 3").
    """

    state: str
    id: str = ""
    prepared: dict[str, Any] = field(default_factory=dict)
    sent_at: float = 0.0
    what: str = ""


@dataclass(frozen=True)
class Journal:
    """The notes about one request.

    Raises (all methods):
        StorageError: the folder cannot be written; the message says where and what to do.
    """

    folder: Path
    key: str

    @staticmethod
    def of(service: Service, request_key: str, context: Context) -> Journal:
        """The notes of ``request_key`` at this service and address."""
        folder = context.folders.cache / "services" / service.name
        return Journal(folder, content_key(service.url(), request_key))

    def read(self) -> Record | None:
        """The record, or None. A damaged one counts as one that was sent and never answered."""
        try:
            text = self._record.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unwritable(error) from None
        try:
            values = json.loads(text)
            known = {k: values[k] for k in Record.__dataclass_fields__ if k in values}
            return Record(**known)
        except (ValueError, TypeError):
            return Record("sent", sent_at=self._record.stat().st_mtime)

    def write(self, record: Record) -> Record:
        """Puts the record on disk, whole, before it returns."""
        data = json.dumps(asdict(record)).encode()
        data += b" " * (_ROOM - len(data))
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                write_atomically(self._record, data)
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT) or not self._record.exists():
                    raise
                with self._record.open("r+b") as file:  # its room is already there
                    file.write(data)
                    file.truncate()
        except OSError as error:
            raise self._unwritable(error) from None
        return record

    def change(self, record: Record, **changes: Any) -> Record:
        """Writes and gives the changed record."""
        return self.write(replace(record, **changes))

    def forget(self) -> None:
        """Removes the record: the next run starts afresh."""
        with contextlib.suppress(OSError):
            self._record.unlink()

    def result(self) -> bytes | None:
        """What the request came to, when it was kept."""
        try:
            data = self._result.read_bytes()
            os.utime(self._result)
        except OSError:
            return None
        return data

    def keep(self, data: bytes) -> None:
        """Keeps the result; the least recently used ones go when there are too many."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_atomically(self._result, data)
        except OSError as error:
            raise self._unwritable(error) from None
        _trim(self.folder)

    @contextlib.contextmanager
    def locked(self, context: Context) -> Iterator[None]:
        """Holds the request for this thread of this process; others wait, or stop when asked to.

        Where the file system knows no locks only this process is kept in order.
        """
        path = self.folder / f"{self.key}.lock"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle = _take(path, context)
        except OSError as error:
            raise self._unwritable(error) from None
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                path.unlink()  # while it is held: see _take
            os.close(handle)

    @property
    def _record(self) -> Path:
        return self.folder / f"{self.key}.json"

    @property
    def _result(self) -> Path:
        return self.folder / f"{self.key}.bin"

    def _unwritable(self, error: OSError) -> StorageError:
        return StorageError(
            f"notes about paid requests cannot be kept in {self.folder}"
            f" ({error.strerror or error}); free some space or set CAST_CACHE to a folder that can"
            " be written, then run again"
        )


def _take(path: Path, context: Context) -> int:
    """An open, locked file at ``path``. Whoever held it before may have removed it meanwhile."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            while not _try_lock(handle):
                context.cancel.wait(_LOCK_POLL_S)
            with contextlib.suppress(OSError):
                if os.path.samestat(os.fstat(handle), path.stat()):
                    return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _try_lock(handle: int) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        # Where there are no locks (some network folders) it counts as taken: better than none.
        return error.errno not in (errno.EAGAIN, errno.EACCES, errno.EDEADLK)
    return True


def _trim(folder: Path, bound: int = RESULTS_BYTES) -> None:
    found = []
    for path in folder.glob("*.bin"):
        with contextlib.suppress(OSError):
            stat = path.stat()
            found.append((stat.st_mtime, stat.st_size, path))
    used = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if used <= bound:
            return
        with contextlib.suppress(OSError):
            path.unlink()
        used -= size


def now() -> float:
    """Seconds since the epoch (one place, so that tests can move it)."""
    return time.time()
