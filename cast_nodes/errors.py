"""The errors a user can meet. Each is one sentence that names the thing and the way out."""

from __future__ import annotations


class CastError(Exception):
    """Base of every error that is meant to be read by a user."""


class BadInput(CastError):
    """The user's photo, file, folder or option cannot be used (exit status 2)."""


class BackendNotReady(CastError):
    """A package, key or weight file is missing (exit status 3). The message holds the mend."""


class StorageError(CastError):
    """A result could not be written: disk full, folder not writable (exit status 2)."""


class OutOfMemory(CastError):
    """A model does not fit into the device's memory (exit status 2)."""


class ObjectFailure(CastError):
    """One object could not be processed. The run goes on; the message becomes its reason."""


class Cancelled(CastError):
    """The user stopped the run. What was finished is kept."""
