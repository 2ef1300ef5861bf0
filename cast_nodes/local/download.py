"""Fills a folder with a hub repository's files: resumable, checked, whole at the end.

What arrives lies in ``<folder>.part`` until all is there, because recent hub clients throw away
what arrived when a download breaks off, and because a folder half full must never be taken for
the model.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import shutil
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..context import Context, Progress
from ..errors import BackendNotReady, StorageError
from .hub import Refused, RemoteFile, Repository, list_files, read_rest, size_of
from .lookup import MANIFEST, UNFINISHED, how_to_place, is_whole, require_download

DOWNLOAD = "download"
"""The stage of a download's steps in ``context.progress``; they count megabytes."""

_PARTIAL = ".incomplete"
_LOCK = ".lock"
_POLL_S = 0.2
_STEP = 4 << 20


def download_repository(
    repository: str,
    revision: str | None,
    target: Path,
    needed_files: Sequence[str],
    optional_files: Sequence[str],
    context: Context,
) -> Path:
    """Fills ``target`` and returns it. One process downloads, others that ask meanwhile wait.

    Raises:
        BackendNotReady, StorageError, Cancelled: see :func:`.weights.weights_folder`.
    """
    reference = repository if revision is None else f"{repository}@{revision}"
    require_download(reference, needed_files, context)
    unfinished = target.with_name(target.name + UNFINISHED)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _alone(target, context):
            if not is_whole(target, needed_files):
                found = list_files(repository, revision, needed_files, optional_files, context)
                _fill(unfinished, found, context)
                _put_in_place(unfinished, target)
    except Refused as refusal:
        raise BackendNotReady(
            f"the weights {reference} cannot be downloaded: {refusal};"
            f" {how_to_place(reference, needed_files, context)}"
        ) from None
    except OSError as error:
        raise StorageError(
            f"the weights {reference} cannot be written to {target} ({error.strerror or error});"
            " free some space, or set CAST_MODELS to another folder, and run again: what arrived"
            " is kept"
        ) from None
    return target


@contextlib.contextmanager
def _alone(target: Path, context: Context) -> Iterator[None]:
    """Holds the folder's lock between processes and threads."""
    from filelock import FileLock, Timeout

    lock = FileLock(target.with_name(f".{target.name}{_LOCK}"), thread_local=False)
    while True:
        context.cancel.check()
        try:
            lock.acquire(timeout=_POLL_S)
            break
        except Timeout:
            continue
    try:
        yield
    finally:
        lock.release()


def _fill(folder: Path, found: Repository, context: Context) -> None:
    """Downloads what the unfinished folder lacks."""
    _begin(folder, found)
    counter = _Counter(found, context)
    for file in found.files:
        counter.at(file, max(size_of(folder / file.name), size_of(_partial(folder, file))))
    free = shutil.disk_usage(folder).free
    if free < counter.missing:
        need, have = counter.missing / 1e9, free / 1e9
        raise OSError(errno.ENOSPC, f"{need:.2f} GB more are needed, {have:.2f} GB are free")
    for file in found.files:
        if not (folder / file.name).is_file():
            _download(folder, file, found, counter, context)
    counter.tell(found.files[-1])


def _begin(folder: Path, found: Repository) -> None:
    """Makes the folder and throws out what is not of this commit."""
    folder.mkdir(exist_ok=True)
    partial = {_partial(folder, file) for file in found.files}
    finished = {folder / file.name for file in found.files}
    if read_manifest(folder).get("revision") != found.commit:
        finished = set()
    for path in folder.rglob("*"):
        if path.is_file() and path not in partial and path not in finished:
            path.unlink()
    manifest = {
        "repository": found.id,
        "revision": found.commit,
        "files": {file.name: file.size for file in found.files},
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def _partial(folder: Path, file: RemoteFile) -> Path:
    """Where a file arrives; the mark keeps two contents of one name apart."""
    whole = folder / file.name
    return whole.with_name(f"{whole.name}.{file.mark[:12]}{_PARTIAL}")


def _download(
    folder: Path, file: RemoteFile, found: Repository, counter: _Counter, context: Context
) -> None:
    part = _partial(folder, file)
    part.parent.mkdir(parents=True, exist_ok=True)
    continued = size_of(part) > 0
    read_rest(found, file, part, lambda size: counter.at(file, size), context)
    if _is_right(part, file, context):
        part.replace(folder / file.name)
        return
    part.unlink()
    counter.at(file, 0)
    if continued:  # what lay there may have been the damage: once more from the beginning
        _download(folder, file, found, counter, context)
        return
    raise Refused(f"{file.name} came damaged (its SHA-256 is not the hub's) and was not kept")


def _is_right(path: Path, file: RemoteFile, context: Context) -> bool:
    """Whether a file's content is what the hub lists."""
    if not file.sha256:
        return size_of(path) == file.size
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(_STEP):
            context.cancel.check()
            digest.update(piece)
    return digest.hexdigest() == file.sha256


def _put_in_place(unfinished: Path, target: Path) -> None:
    """Renames the folder; where one was there already, its files are replaced one by one."""
    if not target.exists():
        unfinished.rename(target)
        return
    # The manifest goes first: from then on the folder counts as whole only with all its files.
    files = sorted(unfinished.rglob("*"), key=lambda p: p.name != MANIFEST)
    for path in files:
        if path.is_file():
            place = target / path.relative_to(unfinished)
            place.parent.mkdir(parents=True, exist_ok=True)
            path.replace(place)
    shutil.rmtree(unfinished, ignore_errors=True)


def read_manifest(folder: Path) -> dict:
    """What was noted of a download: repository, revision, files with their sizes; {} for none."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return manifest if isinstance(manifest, dict) else {}


class _Counter:
    """Bytes that are there of each file, told as megabytes of the whole."""

    def __init__(self, found: Repository, context: Context) -> None:
        self._sizes = dict.fromkeys((file.name for file in found.files), 0)
        self._found = found
        self._context = context
        self._told = -_STEP
        self._lock = threading.Lock()

    @property
    def bytes(self) -> int:
        return sum(self._sizes.values())

    @property
    def missing(self) -> int:
        return self._found.size - self.bytes

    def at(self, file: RemoteFile, size: int) -> None:
        """So much of the file is there."""
        with self._lock:
            self._sizes[file.name] = min(size, file.size)
            if abs(self.bytes - self._told) < _STEP:
                return
            self._told = self.bytes
        self.tell(file)

    def tell(self, file: RemoteFile) -> None:
        total = max(1, round(self._found.size / 1e6))
        done = min(total, int(self.bytes / 1e6)) if self.missing else total
        label = f"{self._found.id}: {file.name}, MB"
        self._context.progress(Progress(DOWNLOAD, done, total, label))
