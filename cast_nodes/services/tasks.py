"""Paid tasks that have an id: created once, watched, picked up again, never paid twice.

The order of things makes it safe. A record is on disk before the creation is sent; the id is on
disk as soon as it is known; the result is on disk before it is used. Killed between any two, the
next run finds the record and goes on: with the id it only watches and downloads, without one it
looks the task up in the service's own list where there is such a list, and otherwise says that
it may have been paid for rather than pay again.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..context import Context
from ..errors import Cancelled, CastError, StorageError
from .farewell import finished_first
from .journal import Journal, Record, now
from .policy import Service, backoff_s, failure, patient, retry_read, slot
from .secrets import redact
from .task_api import Finished, Lookup, TaskApi, TaskState
from .troubles import Expired, ServiceFailure, Trouble, classify


def run_task(
    service: Service, request_key: str, api: TaskApi, context: Context, what: str = ""
) -> Finished:
    """Creates the task, or picks it up, and waits until it is done.

    Use :func:`task_result` where there is a file to download: it also keeps that.

    Args:
        request_key: content key of everything the result depends on, the retry counter too.
        what: the object, for messages ("chair 3").

    Raises:
        ServiceFailure: it failed, is unknown, does not end, or may have been paid for already.
        StorageError: no record can be kept, so nothing was sent.
        Cancelled: the run was stopped; the remote task is stopped too where that is possible.
    """
    service = service.now()
    journal = Journal.of(service, request_key, context)
    with journal.locked(context):
        return _run(service, journal, api, context, what)


def task_result(
    service: Service,
    request_key: str,
    api: TaskApi,
    fetch: Callable[[Finished], bytes],
    context: Context,
    what: str = "",
) -> bytes:
    """The bytes that a task comes to: kept ones, or those of a task created or picked up.

    Args:
        fetch: downloads and checks the result; raises :class:`Expired` for an address that is
            no longer good (then it is called again with a fresh one) and CastError for a result
            that is not what it should be (the task is kept: running again only downloads).

    Raises:
        as :func:`run_task`, and what ``fetch`` raises.
    """
    service = service.now()
    journal = Journal.of(service, request_key, context)
    with journal.locked(context):
        kept = journal.result()
        if kept is not None:
            return kept
        finished = _run(service, journal, api, context, what)
        data = _fetch(service, journal, finished, fetch, what)
        try:
            journal.keep(data)
        except StorageError as error:
            context.warn(f"{what}: {error}" if what else str(error))
        return data


def _run(service: Service, journal: Journal, api: TaskApi, context: Context, what: str) -> Finished:
    with slot(service, context):
        record = journal.read()
        if record is not None and not record.id:
            record = _after_no_answer(service, journal, record, api, context, what)
        picked_up = record is not None
        if record is None:
            record = _create(service, journal, api, context, what)
        state = _watch(service, journal, record, api, context, what)
    _count(journal, record, state, api, context)
    if state.status != "done":
        journal.forget()
        word = "was cancelled" if state.status == "cancelled" else "failed"
        said = f": {redact(state.message)}" if state.message else ""
        raise ServiceFailure(
            f"{_at(what)}{service.title} task {record.id} {word}{said}; running again starts a"
            " new one"
        )
    task_id = record.id

    def refresh() -> Any:
        return retry_read(lambda: api.poll(task_id), service, context, what).output

    return Finished(task_id, state.output, state.seconds, state.units, picked_up, refresh)


def _at(what: str) -> str:
    return f"{what}: " if what else ""


def _create(
    service: Service, journal: Journal, api: TaskApi, context: Context, what: str
) -> Record:
    """A new task, its id on disk. Sent again only when it surely was not created."""
    begin = time.monotonic()
    prepared = retry_read(api.prepare, service, context, what)
    for attempt in itertools.count():
        context.cancel.check()
        record = journal.write(Record("sent", "", prepared, now(), what))
        try:
            with finished_first():
                return _with_id(journal, record, api.create(prepared), service, context, what)
        except CastError:
            journal.forget()  # refused on this side: nothing was sent
            raise
        except Exception as error:
            trouble = classify(error)
        if trouble.not_done:
            journal.forget()
            again = trouble.kind in ("unsent", "busy")
        else:
            found = _find(service, record, api, context, what)
            if found.id:
                return _with_id(journal, record, found.id, service, context, what)
            if not found.conclusive:
                raise _perhaps_paid(service, record, what, trouble)
            journal.forget()
            again = trouble.kind != "unknown"
        if not again or not patient(service, trouble, attempt, begin):
            raise failure(trouble, service, what)
        context.cancel.wait(backoff_s(service, attempt, trouble.retry_after_s))
    raise AssertionError("unreachable")


def _with_id(
    journal: Journal, record: Record, task_id: str, service: Service, context: Context, what: str
) -> Record:
    record = Record("running", str(task_id), record.prepared, record.sent_at, what)
    try:
        return journal.write(record)
    except StorageError as error:  # it is paid for: go on, and tell where it is to be found
        context.warn(f"{_at(what)}{service.title} task {task_id} is running, but {error}")
        return record


def _after_no_answer(
    service: Service, journal: Journal, record: Record, api: TaskApi, context: Context, what: str
) -> Record | None:
    """The task of a run that ended before it had an id; None when it was surely not created."""
    found = _find(service, record, api, context, what)
    if found.id:
        return _with_id(journal, record, found.id, service, context, what)
    if found.conclusive:
        journal.forget()
        return None
    raise _perhaps_paid(service, record, what, None)


def _find(service: Service, record: Record, api: TaskApi, context: Context, what: str) -> Lookup:
    """Looks the task up until it is there or would have been there by now."""
    if api.find is None:
        return Lookup()
    find, attempt = api.find, 0
    while True:
        late = now() - record.sent_at >= service.settle_s
        try:
            found = retry_read(
                lambda: find(record.prepared, record.sent_at), service, context, what
            )
        except ServiceFailure:
            return Lookup()
        if found.id or late:
            return found
        context.cancel.wait(min(service.settle_s, service.poll_s * 2**attempt))
        attempt += 1


def _perhaps_paid(
    service: Service, record: Record, what: str, trouble: Trouble | None
) -> ServiceFailure:
    why = f" ({trouble.message})" if trouble is not None else ""
    page = f" Look at {service.tasks_page}." if service.tasks_page else ""
    return ServiceFailure(
        f"{_at(what)}{service.title} did not answer the request for a new task{why}, so it may have"
        f" been paid for.{page} It is not sent again by itself: raise this object's retry to"
        " have a new one made",
        trouble,
    )


def _watch(
    service: Service, journal: Journal, record: Record, api: TaskApi, context: Context, what: str
) -> TaskState:
    """Looks at the task until it ends."""
    begin = now()
    try:
        while True:
            try:
                state = retry_read(lambda: api.poll(record.id), service, context, what)
            except ServiceFailure as error:
                if error.trouble is not None and error.trouble.status in (404, 410):
                    journal.forget()
                    raise ServiceFailure(
                        f"{_at(what)}{service.title} no longer knows task {record.id}; it is"
                        " forgotten, running again starts a new one"
                    ) from None
                raise ServiceFailure(
                    f"{error}. Task {record.id} is kept: running again picks it up", error.trouble
                ) from None
            if state.status != "waiting":
                return state
            if now() - begin >= service.task_timeout_s:
                raise ServiceFailure(
                    f"{_at(what)}{service.title} task {record.id} is not done after"
                    f" {service.task_timeout_s:g} s; running again goes on waiting for it"
                    f" (CAST_{service.name.upper()}_TASK_TIMEOUT waits longer, raising this"
                    " object's retry starts a new one)"
                )
            context.cancel.wait(service.poll_s)
    except Cancelled:
        _stop(journal, record, api)
        raise


def _stop(journal: Journal, record: Record, api: TaskApi) -> None:
    """Stops the remote task; its record stays unless the task is surely gone."""
    if api.cancel is None:
        return
    try:
        with finished_first():
            api.cancel(record.id)
            if api.poll(record.id).status in ("cancelled", "failed"):
                journal.forget()
    except Exception:  # it could not be stopped: the next run picks it up
        return


def _count(
    journal: Journal, record: Record, state: TaskState, api: TaskApi, context: Context
) -> None:
    """Reports what it cost, once, whichever run sees the end of it."""
    if record.state == "done" or api.usage is None:
        return
    usage = api.usage(state)
    if usage is not None:
        context.spent(usage)
    try:
        journal.change(record, state="done")
    except StorageError as error:
        context.warn(str(error))


def _fetch(
    service: Service,
    journal: Journal,
    finished: Finished,
    fetch: Callable[[Finished], bytes],
    what: str,
) -> bytes:
    try:
        return fetch(finished)
    except Expired:
        pass
    finished = replace(finished, output=finished.refresh())
    try:
        return fetch(finished)
    except Expired:
        journal.forget()
    raise ServiceFailure(
        f"{_at(what)}{service.title} has removed the result of task {finished.id}; it is forgotten,"
        " running again starts a new one"
    )
