"""Exports on disk, beside the scene they are of or anywhere else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..run_folder import RunFolder
from .exports import FOLDERS, Wanted, make_exports
from .source import ExportScene


@dataclass(frozen=True)
class Written:
    """What an export did: paths written, paths left as the user's own, sentences."""

    files: tuple[Path, ...]
    kept: tuple[Path, ...]
    notes: tuple[str, ...]


def write_exports(
    scene: ExportScene,
    wanted: Wanted,
    target: Path,
    force: bool = False,
    each: Callable[[str], None] = lambda name: None,
) -> Written:
    """Writes what is wanted below ``target`` and clears what an earlier export left there.

    A file that the user changed since is kept, unless ``force`` says otherwise.

    Raises:
        BackendNotReady, CastError: as :func:`~.exports.make_exports`; nothing is written then.
        StorageError: the disk or the folder does not take it.
    """
    made = make_exports(scene, wanted, each)
    folder = RunFolder(target)
    if force:
        folder.take_back(made.files)
    for kind in wanted.kinds:
        for prefix in FOLDERS[kind]:
            for path in (target / prefix).glob("*"):
                name = f"{prefix}{path.name}"
                if name not in made.files and path.is_file():
                    folder.remove(name)
    written, kept = [], []
    for name, content in made.files.items():
        (kept if folder.is_users(name) else written).append(target / name)
        folder.write(name, content)
    return Written(tuple(written), tuple(kept), made.notes)
