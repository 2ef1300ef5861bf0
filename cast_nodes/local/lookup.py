"""Where a model's files may lie on this machine, and whether all of them are there.

A reference is a path of the user's, or a hub repository ``owner/name[@revision]``. A repository
lies in ``<models>/owner/name`` (``name@revision`` when one was asked for), where ``<models>`` is
any of ``context.folders.models``.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from importlib.util import find_spec
from pathlib import Path

from ..context import Context
from ..errors import BackendNotReady, BadInput

MANIFEST = ".cast.json"
"""Written into a downloaded folder: ``{"revision": sha, "files": {name: bytes}}``."""
UNFINISHED = ".part"
"""Ending of the folder that a download fills before it is renamed."""

_REPOSITORY = re.compile(
    r"(?P<repository>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(@(?P<revision>[\w.-]+(/[\w.-]+)*))?"
)


def find_weights(reference: str, needed_files: Sequence[str], context: Context) -> Path | None:
    """The user's path, or the repository's folder if it lies here whole; None when it does not.

    Raises:
        BadInput: a path that is not there or lacks a file, or neither path nor repository.
    """
    path = users_path(reference)
    if path is not None:
        if path.is_file():
            return path
        lacking = missing_files(path, needed_files)
        if lacking:
            raise BadInput(f"the folder {path} lacks {', '.join(lacking)}")
        return path
    repository_of(reference)
    places = [models / folder_name(reference) for models in context.folders.models]
    known = hub_cache_folder(reference)
    for folder in [*places, *([known] if known else [])]:
        if is_whole(folder, needed_files):
            return folder
    return None


def hub_cache_folder(reference: str) -> Path | None:
    """Where the hub's own client keeps a repository that another program downloaded, or None."""
    repository, revision = repository_of(reference)
    home = Path(os.environ.get("HF_HOME") or "~/.cache/huggingface").expanduser()
    cache = Path(os.environ.get("HF_HUB_CACHE") or home / "hub").expanduser()
    folder = cache / f"models--{repository.replace('/', '--')}"
    try:
        commit = (folder / "refs" / (revision or "main")).read_text(encoding="utf-8").strip()
    except OSError:
        commit = revision or ""
    snapshot = folder / "snapshots" / commit
    return snapshot if commit and snapshot.is_dir() else None


def users_path(reference: str) -> Path | None:
    """The path that a reference is, or None where it is a repository's name.

    What looks like ``owner/name`` is a path only where something lies there.

    Raises:
        BadInput: it can only be a path, and nothing lies there.
    """
    text = reference.strip()
    if not text:
        raise BadInput("weights: give a folder, a file, or a hub repository like owner/name")
    path = Path(text).expanduser()
    if path.exists():
        return path
    if _REPOSITORY.fullmatch(text):
        return None
    raise BadInput(
        f"weights: {text} is neither a folder or file that is there nor a hub repository"
        " (owner/name or owner/name@revision)"
    )


def repository_of(reference: str) -> tuple[str, str | None]:
    """``owner/name`` and the revision, None for the newest."""
    found = _REPOSITORY.fullmatch(reference.strip())
    if not found:
        raise BadInput(f"weights: {reference!r} is no hub repository (owner/name[@revision])")
    return found["repository"], found["revision"]


def folder_name(reference: str) -> Path:
    """Where a repository lies below a models folder."""
    repository, revision = repository_of(reference)
    owner, _, name = repository.partition("/")
    return Path(owner) / (name if revision is None else f"{name}@{revision.replace('/', '--')}")


def is_whole(folder: Path, needed_files: Sequence[str]) -> bool:
    """Whether a folder holds all needed files, and all that its manifest or index lists."""
    if not folder.is_dir() or missing_files(folder, needed_files):
        return False
    try:
        sizes = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        sizes = {}  # put there by hand
    if not all(_size(folder / name) == size for name, size in sizes.items()):
        return False
    return all((folder / shard).is_file() for shard in _shards(folder))


def missing_files(folder: Path, needed_files: Sequence[str]) -> list[str]:
    """The names and patterns that nothing in the folder meets."""
    names = [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()]
    return [wanted for wanted in needed_files if not matching(wanted, names)]


def matching(wanted: str, names: Sequence[str]) -> list[str]:
    """The names that meet a needed file: those of the first alternative that any name meets."""
    for pattern in wanted.split("|"):
        found = [name for name in names if fnmatchcase(name, pattern)]
        if found:
            return found
    return []


def can_download() -> bool:
    """Whether the hub's client is installed and not told to stay offline."""
    offline = any(
        os.environ.get(name, "").strip().upper() in ("1", "ON", "YES", "TRUE")
        for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    )
    return not offline and find_spec("huggingface_hub") is not None


def how_to_place(reference: str, needed_files: Sequence[str], context: Context) -> str:
    """The way out for people without the download: what to put where, and the command."""
    folder = context.folders.models[0] / folder_name(reference)
    names = ", ".join(wanted.split("|")[0] for wanted in needed_files if wanted != "*")
    return f"run cast fetch {reference} with a network, or put {names or 'its files'} into {folder}"


def require_download(reference: str, needed_files: Sequence[str], context: Context) -> None:
    """Raises :class:`BackendNotReady` where nothing may be downloaded."""
    if can_download():
        return
    why = (
        "HF_HUB_OFFLINE is set"
        if find_spec("huggingface_hub")
        else "the package huggingface_hub is missing: pip install huggingface_hub"
    )
    raise BackendNotReady(
        f"the weights {reference} are not there and cannot be downloaded ({why});"
        f" {how_to_place(reference, needed_files, context)}"
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _shards(folder: Path) -> set[str]:
    """The files that a sharded checkpoint's index says it consists of."""
    shards: set[str] = set()
    for index in folder.glob("*.safetensors.index.json"):
        try:
            shards |= set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        except (OSError, ValueError, KeyError, AttributeError):
            continue
    return shards
