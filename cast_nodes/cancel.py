"""The one event that stops a run."""

from __future__ import annotations

import threading

from .errors import Cancelled


class CancelToken:
    """One event for a whole run. Workers ask; the owner sets it once."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        self._event.set()

    @property
    def cancelled(self) -> bool:
        return self._event.is_set()

    def check(self) -> None:
        """Raises :class:`Cancelled` once the run was stopped. Call it between steps."""
        if self._event.is_set():
            raise Cancelled("stopped by the user; what was finished is kept")

    def wait(self, seconds: float) -> None:
        """Sleeps, but wakes and raises at once when the run is stopped."""
        self._event.wait(seconds)
        self.check()
