"""One policy for all calls: who is asked, how many at once, what is tried again.

Reads are repeated with exponential backoff and full jitter; whatever may cost money is not
(see :mod:`.tasks` and :mod:`.calls`). Numbers of a :class:`Service` can be changed by settings,
``CAST_REPLICATE_LIMIT=4`` for example; :meth:`Service.now` applies them.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

from ..context import Context
from ..errors import CastError
from .secrets import guard_logs, number, setting
from .troubles import Expired, ServiceFailure, Trouble, classify

T = TypeVar("T")


@dataclass(frozen=True)
class Service:
    """One web service and how it is treated.

    Attributes:
        name: short, lower case; settings are called after it (``CAST_<NAME>_LIMIT``).
        title: for people.
        key_setting: the setting that holds the key; "" when it needs none.
        key_page: where a key comes from.
        tasks_page: where users see what they were charged for.
        default_url, base_url_setting: the address, and the setting that replaces it.
        limit: requests or tasks at once, in this process (``_LIMIT``).
        connect_timeout_s, read_timeout_s: of one request (``_CONNECT_TIMEOUT``, ``_READ_TIMEOUT``).
        task_timeout_s: how long a task is waited for (``_TASK_TIMEOUT``).
        poll_s: between two looks at a task (``_POLL``).
        settle_s: how long a task whose creation was not answered may take to appear in the
            service's own list (``_SETTLE``).
        attempts, backoff_s, backoff_max_s: of reads (``_ATTEMPTS``, ``_BACKOFF``, ``_BACKOFF_MAX``).
        max_download_mb: largest file taken (``_MAX_MB``).
    """

    name: str
    title: str
    key_setting: str = ""
    key_page: str = ""
    tasks_page: str = ""
    default_url: str = ""
    base_url_setting: str = ""
    limit: int = 8
    connect_timeout_s: float = 10.0
    read_timeout_s: float = 60.0
    task_timeout_s: float = 600.0
    poll_s: float = 2.0
    settle_s: float = 20.0
    attempts: int = 8
    backoff_s: float = 0.5
    backoff_max_s: float = 60.0
    max_download_mb: float = 150.0

    def now(self) -> Service:
        """The same with what the settings say at this moment."""
        prefix = f"CAST_{self.name.upper()}_"
        return replace(
            self,
            limit=int(number(prefix + "LIMIT", self.limit, 1)),
            connect_timeout_s=number(prefix + "CONNECT_TIMEOUT", self.connect_timeout_s, 0.01),
            read_timeout_s=number(prefix + "READ_TIMEOUT", self.read_timeout_s, 0.01),
            task_timeout_s=number(prefix + "TASK_TIMEOUT", self.task_timeout_s),
            poll_s=number(prefix + "POLL", self.poll_s, 0.001),
            settle_s=number(prefix + "SETTLE", self.settle_s),
            attempts=int(number(prefix + "ATTEMPTS", self.attempts, 1)),
            backoff_s=number(prefix + "BACKOFF", self.backoff_s),
            backoff_max_s=number(prefix + "BACKOFF_MAX", self.backoff_max_s),
            max_download_mb=number(prefix + "MAX_MB", self.max_download_mb),
        )

    def url(self) -> str:
        """Where it is, without a slash at the end."""
        found = setting(self.base_url_setting) if self.base_url_setting else None
        return (found or self.default_url).rstrip("/")

    def concurrency(self) -> int:
        """For ``BackendInfo.concurrency``."""
        return self.now().limit


def failure(trouble: Trouble, service: Service, what: str = "") -> ServiceFailure:
    """The sentence for the user: what happened and what to do."""
    said, status = trouble.message, f" ({trouble.status})" if trouble.status else ""
    where = service.url()
    address = f" or {service.base_url_setting}" if service.base_url_setting else ""
    sentence = {
        "unsent": f"{service.title} cannot be reached at {where} ({said}); check the connection"
        f"{address}, then run again",
        "lost": f"{service.title} did not answer in time ({said}); run again",
        "busy": f"{service.title} takes no more requests for now{status}: {said}; wait, or lower"
        f" CAST_{service.name.upper()}_LIMIT, then run again",
        "server": f"{service.title} has a fault of its own{status}: {said}; run again later",
        "garbled": f"{service.title} sent an answer that cannot be read ({said}); run again later",
        "key": f"{service.title} does not accept the key{status}: {said}; renew"
        f" {service.key_setting} at {service.key_page}, then run again, what was already paid for"
        " is picked up",
        "money": f"{service.title} wants more credit{status}: {said}; top up your account, then"
        " run again",
        "refused": f"{service.title} does not accept the request{status}: {said}",
        "unknown": f"{service.title}: {said}",
    }[trouble.kind]
    return ServiceFailure(f"{what}: {sentence}" if what else sentence, trouble)


def backoff_s(service: Service, attempt: int, asked_s: float | None = None) -> float:
    """How long to wait before the next try: full jitter (Brooker, 2015), never less than asked.

    Args:
        attempt: 0 after the first failure.
        asked_s: the service's Retry-After.
    """
    drawn = random.uniform(
        0, min(service.backoff_max_s, service.backoff_s * 2.0 ** min(attempt, 30))
    )
    return drawn if asked_s is None else asked_s + drawn


def patient(service: Service, trouble: Trouble, attempt: int, begin: float) -> bool:
    """Whether one more try is due.

    A service that is busy is waited for as long as a task may take, for it says itself when it
    has room again; after any other trouble the number of attempts decides.

    Args:
        attempt: 0 for the first.
        begin: ``time.monotonic()`` of the first.
    """
    asked = trouble.retry_after_s or 0.0
    if trouble.kind == "busy":
        return time.monotonic() - begin + asked < service.task_timeout_s
    return attempt + 1 < service.attempts and asked <= service.task_timeout_s


def retry_read(call: Callable[[], T], service: Service, context: Context, what: str = "") -> T:
    """What ``call`` gives; it costs nothing, so it is repeated while that may help.

    Raises:
        ServiceFailure: it still fails after the service's attempts, or repeating cannot help.
        Cancelled: at once, also in the middle of a wait.
    """
    guard_logs()
    service, begin = service.now(), time.monotonic()
    for attempt in itertools.count():
        context.cancel.check()
        try:
            return call()
        except (CastError, Expired):
            raise
        except Exception as error:
            trouble = classify(error)
        if not trouble.read_again or not patient(service, trouble, attempt, begin):
            raise failure(trouble, service, what)
        context.cancel.wait(backoff_s(service, attempt, trouble.retry_after_s))
    raise AssertionError("unreachable")


class _Slots:
    """A counting semaphore whose limit may change and whose waiters notice a stop."""

    def __init__(self) -> None:
        self._free = threading.Condition()
        self._used = 0

    def take(self, service: Service, context: Context) -> None:
        with self._free:
            while self._used >= service.now().limit:
                context.cancel.check()
                self._free.wait(0.2)
            context.cancel.check()
            self._used += 1

    def give(self) -> None:
        with self._free:
            self._used -= 1
            self._free.notify()


_slots: dict[str, _Slots] = {}
_slots_lock = threading.Lock()


@contextmanager
def slot(service: Service, context: Context) -> Iterator[None]:
    """One of the service's places in this process, held while something is asked of it."""
    guard_logs()
    with _slots_lock:
        slots = _slots.setdefault(service.name, _Slots())
    slots.take(service, context)
    try:
        yield
    finally:
        slots.give()
