"""What the model hub is asked for: a list of files, and a file's bytes from a position on.

The hub's own client (huggingface_hub) is asked; it signs requests, follows redirects and takes up
a connection that breaks. Its many errors become :class:`Refused` here, in our words and without
the addresses, which may be signed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, TypeVar

from ..context import Context
from ..errors import Cancelled, CastError
from ..services.secrets import guard_logs, redact, remember, secret
from .lookup import matching

T = TypeVar("T")

TRIES = 3
WAIT_S = 1.0
_POLL_S = 0.05
_BARS = "huggingface_hub.http_get"


class Refused(Exception):
    """Why the hub gave nothing, for people."""


@dataclass(frozen=True)
class RemoteFile:
    """One file of a repository.

    Attributes:
        name: with its folders, "/" between them.
        size: bytes.
        sha256: of its content, "" where the hub knows none (small text files).
        mark: changes with the content.
    """

    name: str
    size: int
    sha256: str = ""
    mark: str = ""


@dataclass(frozen=True)
class Repository:
    """A repository at one commit, and what to take from it."""

    id: str
    commit: str
    files: tuple[RemoteFile, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


def list_files(
    repository: str,
    revision: str | None,
    needed: Sequence[str],
    optional: Sequence[str],
    context: Context,
) -> Repository:
    """What the hub has of the files that are wanted (see :class:`.weights.Weights`).

    Raises:
        Refused: no such repository or revision, not reachable, or it lacks a needed file.
    """
    from huggingface_hub import HfApi

    api = HfApi(endpoint=endpoint(), token=token() or False)
    info = ask(lambda: api.model_info(repository, revision=revision, files_metadata=True), context)
    known = {file.rfilename: file for file in info.siblings or [] if _safe(file.rfilename)}
    taken: dict[str, None] = {}
    for wanted in needed:
        met = matching(wanted, list(known))
        if not met:
            raise Refused(f"the repository {repository} has no file {wanted}")
        taken.update(dict.fromkeys(met))
    for wanted in optional:
        taken.update(dict.fromkeys(matching(wanted, list(known))))
    return Repository(repository, str(info.sha), tuple(_remote(known[name]) for name in taken))


def _remote(file: Any) -> RemoteFile:
    sha256 = str(file.lfs.sha256) if file.lfs else ""
    return RemoteFile(file.rfilename, int(file.size or 0), sha256, sha256 or str(file.blob_id))


def _safe(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and "\\" not in name


def read_rest(
    found: Repository,
    file: RemoteFile,
    part: Path,
    arrived: Callable[[int], None],
    context: Context,
) -> None:
    """Appends to ``part`` what it still lacks of a file; it may be empty or absent.

    The client reads in a thread of its own, so that a stop need not wait for the next byte.

    Args:
        arrived: told how many bytes ``part`` holds, from that thread.

    Raises:
        Refused: the hub says no, or the connection breaks again and again.
        OSError: ``part`` cannot be written.
        Cancelled: at once.
    """

    def attempt() -> None:
        have = size_of(part)
        if have > file.size:
            part.unlink()
            have = 0
        with part.open("ab") as stream:
            sink = _Sink(stream, arrived)
            _read(found, file, sink, have, context)
        if size_of(part) != file.size:
            raise ConnectionError(f"{size_of(part)} of {file.size} bytes arrived")

    ask(attempt, context)


def _read(found: Repository, file: RemoteFile, sink: _Sink, have: int, context: Context) -> None:
    from huggingface_hub import hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers

    url = hf_hub_url(found.id, file.name, revision=found.commit, endpoint=endpoint())
    failure: list[BaseException] = []

    def work() -> None:
        try:
            http_get(
                url,
                sink,  # type: ignore[arg-type]
                resume_size=have,
                headers=build_hf_headers(token=token() or False),
                expected_size=file.size,
                displayed_filename=file.name,
            )
        except BaseException as error:  # for the thread that waits
            failure.append(error)

    thread = threading.Thread(target=work, name="cast-download", daemon=True)
    with _without_bars():
        thread.start()
        try:
            while thread.is_alive():
                thread.join(_POLL_S)
                context.cancel.check()
        finally:
            sink.close()
    if failure:
        raise failure[0]


class NotWritten(Exception):
    """The disk refused what the hub sent; ``reason`` is the system's."""

    def __init__(self, reason: OSError) -> None:
        super().__init__(str(reason))
        self.reason = reason


class _Sink:
    """The file that the client writes to. Once closed, a client left behind writes nothing."""

    def __init__(self, stream: IO[bytes], arrived: Callable[[int], None]) -> None:
        self._stream = stream
        self._arrived = arrived
        self._lock = threading.Lock()
        self._closed = False

    def write(self, data: bytes) -> int:
        with self._lock:
            if self._closed:
                raise Cancelled("the download was stopped")
            try:
                written = self._stream.write(data)
                self._stream.flush()
            except OSError as error:
                raise NotWritten(error) from None
            self._arrived(self._stream.tell())
            return written

    def tell(self) -> int:
        return self._stream.tell()

    def seek(self, position: int, whence: int = 0) -> int:
        return self._stream.seek(position, whence)

    def truncate(self, size: int | None = None) -> int:
        return self._stream.truncate(size)

    def close(self) -> None:
        with self._lock:
            self._closed = True


def ask(request: Callable[[], T], context: Context) -> T:
    """The hub's answer; what may pass by itself is asked again.

    Raises:
        Refused: for good.
        OSError: the disk's own errors, see :class:`NotWritten`.
    """
    guard_logs()
    for attempt in range(TRIES):
        if attempt:
            context.cancel.wait(WAIT_S * 2 ** (attempt - 1))
        context.cancel.check()
        try:
            return request()
        except (CastError, Refused):
            raise
        except NotWritten as error:
            raise error.reason from None
        except Exception as error:
            if isinstance(error, OSError) and error.filename is not None:
                raise  # of the disk, not of the network
            status = getattr(getattr(error, "response", None), "status_code", None)
            passing = status is None or status >= 500 or status in (408, 429)
            if not passing or attempt == TRIES - 1:
                raise Refused(_said(error, status)) from None
    raise AssertionError("unreachable")


def _said(error: Exception, status: int | None) -> str:
    """One error of the hub's client for people."""
    kind = type(error).__name__
    where = endpoint().partition("://")[2].partition("/")[0].rpartition("@")[2]
    if kind == "RevisionNotFoundError":
        return "the repository has no such revision"
    if kind == "GatedRepoError" or status == 403:
        return (
            f"{where} lets only those in who accepted the licence on the repository's page (403);"
            " do so and set HF_TOKEN"
        )
    if kind == "RepositoryNotFoundError" or status in (401, 404):
        return (
            f"{where} has no such repository, or it is private and HF_TOKEN is missing or wrong"
            f" ({status or 404})"
        )
    if status is not None:
        return f"{where} answered with status {status}"
    return f"{where} cannot be reached or the connection broke ({redact(kind)})"


def endpoint() -> str:
    """The hub's address; ``HF_ENDPOINT`` names a mirror."""
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def token() -> str | None:
    """The user's token: a setting or .env file, else what ``hf auth login`` left behind."""
    from huggingface_hub import get_token

    known = secret("HF_TOKEN")
    value = known.reveal() if known else get_token()
    if value:
        remember(value)
    return value or None


@contextlib.contextmanager
def _without_bars() -> Iterator[None]:
    """The client's own bar is off: the steps are shown where ``context.progress`` shows them."""
    from huggingface_hub.utils import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    if os.environ.get("HF_HUB_DISABLE_PROGRESS_BARS") or are_progress_bars_disabled(_BARS):
        yield
        return
    disable_progress_bars(_BARS)
    try:
        yield
    finally:
        enable_progress_bars(_BARS)


def size_of(path: Path) -> int:
    """Bytes of a file, 0 where there is none."""
    try:
        return path.stat().st_size
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return 0
        raise
