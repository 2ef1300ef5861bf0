"""The weights of a local model: named to people beforehand, looked up, downloaded when missing.

What is missing goes into the first of ``context.folders.models`` (:mod:`.download`); where
things lie, and what a reference may be, is :mod:`.lookup`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..context import Context
from ..errors import BadInput
from .download import download_repository
from .lookup import can_download, find_weights, folder_name, repository_of


@dataclass(frozen=True)
class Weights:
    """The weights that a backend loads, told to people before anything runs.

    Attributes:
        reference: what the backend's option says by default (a hub repository).
        files: names or patterns ("model*.safetensors") that must be there; ``a|b`` is met by
            either, and ``a`` is downloaded when the hub has both.
        gigabytes: size of the download of ``reference``.
        option: name of the option that holds the reference.
        optional_files: taken along where the hub has them.
        licence: of the weights, as published.
    """

    reference: str
    files: tuple[str, ...]
    gigabytes: float
    option: str = "weights"
    optional_files: tuple[str, ...] = ()
    licence: str = ""

    def chosen(self, options: object | None) -> str:
        """The reference in the options, or the default where they are not known."""
        return str(getattr(options, self.option, "") or self.reference)

    def folder(self, options: object | None, context: Context) -> Path:
        """:func:`weights_folder` of what the options say."""
        return weights_folder(self.chosen(options), self.files, context, self.optional_files)

    def available(self, context: Context, options: object | None = None) -> bool:
        """Whether they are there, or can be downloaded when they are needed."""
        found = find_weights(self.chosen(options), self.files, context)
        return found is not None or can_download()

    def state(self, context: Context, options: object | None = None) -> str:
        """For people: ``lies at …`` or ``will be downloaded at first use (1.3 GB)``."""
        reference = self.chosen(options)
        try:
            found = find_weights(reference, self.files, context)
        except BadInput as error:
            return str(error)
        if found is not None:
            return f"{reference} lies at {found}"
        if not can_download():
            return f"{reference} is not there"
        size = f" ({self.gigabytes:g} GB)" if reference == self.reference else ""
        return f"{reference} will be downloaded at first use{size}"


def weights_folder(
    reference: str,
    needed_files: Sequence[str],
    context: Context,
    optional_files: Sequence[str] = (),
) -> Path:
    """The folder that holds the needed files, downloaded where it was not there.

    Args:
        reference: a folder, a file (returned as it is), or ``owner/name[@revision]``.
        needed_files, optional_files: see :class:`Weights`.

    Raises:
        BadInput: a path with nothing in it, or a reference that is neither path nor repository.
        BackendNotReady: it has to be downloaded and cannot be: no network, no such repository,
            no permission. The message names repository, folder and command.
        StorageError: the disk is full or cannot be written.
        Cancelled: the run was stopped; what arrived is kept for the next time.
    """
    found = find_weights(reference, needed_files, context)
    if found is not None:
        return found
    repository, revision = repository_of(reference)
    target = context.folders.models[0] / folder_name(reference)
    return download_repository(repository, revision, target, needed_files, optional_files, context)
