"""Paid requests that are answered at once: sent once, and the answer kept on disk.

There is no task to pick up, so an answer that does not arrive is lost; what can be done is never
to send the same request again without the user's word, and to keep every answer that does arrive
– also when the run was stopped meanwhile.
"""

from __future__ import annotations

import atexit
import json
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from ..context import Context, Usage
from ..errors import CastError, StorageError
from .journal import Journal, Record, now
from .policy import Service, ServiceFailure, backoff_s, classify, failure, slot

FAREWELL_S = 60.0
"""How long the process waits at its end for answers that are paid for."""

_open: set[threading.Thread] = set()


def paid_call(
    service: Service,
    request_key: str,
    call: Callable[[], bytes],
    context: Context,
    what: str = "",
    usage: Callable[[bytes], Usage | None] | None = None,
) -> bytes:
    """The answer of ``call``: kept on disk from an earlier time, or asked for once.

    Args:
        request_key: content key of everything the answer depends on: model, prompt, pictures,
            number of the sample, the retry counter.
        call: sends the request and gives the checked answer. Its SDK must not retry by itself.
            A CastError of its own (an answer that came and is no good) is not kept.
        usage: what the answer cost.

    Raises:
        ServiceFailure: refused, or no answer: then it may have been paid for, and it is sent
            again only when the user raises retry (or when it surely was not sent).
        StorageError: no record can be kept, so nothing was sent.
        Cancelled: the run was stopped; an answer on its way is still kept when it arrives.
    """
    service = service.now()
    journal = Journal.of(service, request_key, context)
    with journal.locked(context):
        kept = journal.result()
        if kept is not None:
            return kept
        record = journal.read()
        if record is not None:
            raise _perhaps_paid(service, record, what, "")
        with slot(service, context):
            return _send(service, journal, call, context, what, usage)


def paid_json(
    service: Service,
    request_key: str,
    call: Callable[[], Any],
    context: Context,
    what: str = "",
    usage: Callable[[Any], Usage | None] | None = None,
) -> Any:
    """:func:`paid_call` for answers that are JSON values."""
    data = paid_call(
        service,
        request_key,
        lambda: json.dumps(call()).encode(),
        context,
        what,
        None if usage is None else lambda data: usage(json.loads(data)),
    )
    return json.loads(data)


def _send(
    service: Service,
    journal: Journal,
    call: Callable[[], bytes],
    context: Context,
    what: str,
    usage: Callable[[bytes], Usage | None] | None,
) -> bytes:
    for attempt in range(service.attempts):
        context.cancel.check()
        journal.write(Record("sent", "", {}, now(), what))
        answer = _Answer(journal, call)
        answer.wait(context)
        if answer.data is not None:
            if usage is not None and (cost := usage(answer.data)) is not None:
                context.spent(cost)
            if answer.not_kept:
                context.warn(answer.not_kept)
            return answer.data
        error = answer.error
        if isinstance(error, CastError):
            journal.forget()
            raise error
        trouble = classify(error or RuntimeError("no answer"))
        if not trouble.not_done:
            raise _perhaps_paid(service, Record("sent"), what, trouble.message)
        journal.forget()
        asked = trouble.retry_after_s or 0
        again = trouble.kind in ("unsent", "busy") and asked <= service.task_timeout_s
        if not again or attempt + 1 == service.attempts:
            raise failure(trouble, service, what)
        context.cancel.wait(backoff_s(service, attempt, trouble.retry_after_s))
    raise AssertionError("unreachable: the last attempt returns or raises")


class _Answer:
    """One request in a thread of its own, which keeps the answer even when nobody waits."""

    def __init__(self, journal: Journal, call: Callable[[], bytes]) -> None:
        self.data: bytes | None = None
        self.error: BaseException | None = None
        self.not_kept = ""
        self._journal, self._call = journal, call
        self._thread = threading.Thread(target=self._work, name="paid request", daemon=True)
        _open.add(self._thread)
        self._thread.start()

    def _work(self) -> None:
        try:
            data = self._call()
            try:
                self._journal.keep(data)
                self._journal.forget()
            except StorageError as error:
                self.not_kept = str(error)
            self.data = data
        except BaseException as error:
            self.error = error
        finally:
            _open.discard(self._thread)

    def wait(self, context: Context) -> None:
        while self._thread.is_alive():
            self._thread.join(0.05)
            if self._thread.is_alive():
                context.cancel.check()


def _perhaps_paid(service: Service, record: Record, what: str, why: str) -> ServiceFailure:
    when = time.strftime(" of %Y-%m-%d %H:%M", time.localtime(record.sent_at))
    page = f" (look at {service.tasks_page})" if service.tasks_page else ""
    return ServiceFailure(
        (f"{what}: " if what else "")
        + f"the request{when if record.sent_at else ''} to {service.title} was sent and never"
        f" answered{f' ({why})' if why else ''}, so it may have been paid for{page}; it is not"
        " sent again by itself: raise this object's retry to ask anew"
    )


@atexit.register
def _wait_for_open() -> None:
    """The process ends after the answers that are on their way, or after a minute."""
    waiting = [t for t in _open if t.is_alive()]
    if not waiting:
        return
    print(f"cast: waiting for {len(waiting)} answers that are paid for", file=sys.stderr)
    end = time.monotonic() + FAREWELL_S
    for thread in waiting:
        thread.join(max(0.0, end - time.monotonic()))
