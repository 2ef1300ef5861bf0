"""Paid requests that are answered at once: sent once, and the answer kept on disk.

There is no task to pick up, so an answer that does not arrive is lost; what can be done is never
to send the same request again without the user's word, and to keep every answer that does arrive
– also when the run was stopped meanwhile.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable
from typing import Any

from ..context import Context, Usage
from ..errors import CastError, StorageError
from .farewell import beside, finished_first
from .journal import Journal, Record, now
from .policy import Service, backoff_s, failure, patient, slot
from .troubles import ServiceFailure, Trouble, classify


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

    def work() -> bytes:
        with journal.locked(context):
            kept = journal.result()
            if kept is not None:
                return kept
            record = journal.read()
            if record is not None:
                raise _perhaps_paid(service, record, what, None)
            with slot(service, context):
                answer = _send(service, journal, call, context, what)
            if usage is not None and (cost := usage(answer)) is not None:
                context.spent(cost)
            return answer

    return beside(work, context)


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
    service: Service, journal: Journal, call: Callable[[], bytes], context: Context, what: str
) -> bytes:
    """Sends the request; sends it again only when it surely was not accepted."""
    begin = time.monotonic()
    for attempt in itertools.count():
        context.cancel.check()
        record = journal.write(Record("sent", "", {}, now(), what))
        try:
            with finished_first():
                data = call()
                _keep(journal, data, context, what)
            return data
        except CastError:
            journal.forget()
            raise
        except Exception as error:
            trouble = classify(error)
        if not trouble.not_done:
            raise _perhaps_paid(service, record, what, trouble)
        journal.forget()
        again = trouble.kind in ("unsent", "busy")
        if not again or not patient(service, trouble, attempt, begin):
            raise failure(trouble, service, what)
        context.cancel.wait(backoff_s(service, attempt, trouble.retry_after_s))
    raise AssertionError("unreachable")


def _keep(journal: Journal, data: bytes, context: Context, what: str) -> None:
    """Keeps the answer; the record goes only when that is done."""
    try:
        journal.keep(data)
    except StorageError as error:
        context.warn(f"{what}: {error}" if what else str(error))
        return
    journal.forget()


def _perhaps_paid(
    service: Service, record: Record, what: str, trouble: Trouble | None
) -> ServiceFailure:
    when = time.strftime(" of %Y-%m-%d %H:%M", time.localtime(record.sent_at))
    why = f" ({trouble.message})" if trouble is not None else ""
    page = f" (look at {service.tasks_page})" if service.tasks_page else ""
    return ServiceFailure(
        (f"{what}: " if what else "")
        + f"the request{when if record.sent_at else ''} to {service.title} was sent and not"
        f" answered{why}, so it may have been paid for{page}; it is not sent again by itself:"
        " raise this object's retry to ask anew",
        trouble,
    )
