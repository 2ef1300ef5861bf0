"""Work that is paid for and must not be cut off: threads finish it, and a process waits for it.

Threads of a stopped run may be left behind, and they do not keep a process alive. What happens
between paying and noting it is therefore marked, and the process ends only after it, or after a
minute.
"""

from __future__ import annotations

import atexit
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from ..context import Context

T = TypeVar("T")

PATIENCE_S = 60.0

_open: set[object] = set()


@contextmanager
def finished_first() -> Iterator[None]:
    """Marks what the process may not end in the middle of."""
    mark = object()
    _open.add(mark)
    try:
        yield
    finally:
        _open.discard(mark)


def beside(work: Callable[[], T], context: Context) -> T:
    """What ``work`` gives, from a thread of its own that goes on when the run is stopped.

    Raises:
        Cancelled: at once when the run is stopped.
        whatever ``work`` raises.
    """
    done: list[tuple[bool, Any]] = []

    def run() -> None:
        try:
            done.append((True, work()))
        except BaseException as error:
            done.append((False, error))

    thread = threading.Thread(target=run, name="paid request", daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(0.05)
        if thread.is_alive():
            context.cancel.check()
    good, value = done[0]
    if not good:
        raise value
    return value


@atexit.register
def _wait() -> None:
    if not _open:
        return
    print(f"cast: waiting for {len(_open)} answers that may be paid for", file=sys.stderr)
    end = time.monotonic() + PATIENCE_S
    while _open and time.monotonic() < end:
        time.sleep(0.05)
