"""The one way in which a stage works on many objects: ask the store, do the rest, go on."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from .context import Context, Progress
from .errors import BackendNotReady, BadInput, Cancelled, CastError
from .services.secrets import redact

Result = TypeVar("Result")

GRACE_S = 3.0
"""How long a stopped run waits for services to be told. Threads that are left behind are at rest in
a read; those in the middle of native code would not survive the end of the process."""


@dataclass(frozen=True)
class Task(Generic[Result]):
    """One object's work.

    Attributes:
        label: for progress and errors ("chair 3").
        key: content key of everything the result depends on.
        compute: makes the result; raises a :class:`CastError` with the reason when it cannot.
        failed: makes the entry that stands for a failure, from the reason.
        locked: the result that the user keeps; nothing is made then.
    """

    label: str
    key: str
    compute: Callable[[], Result]
    failed: Callable[[str], Result]
    locked: Result | None = None


def run_tasks(
    stage: str, tasks: Sequence[Task[Result]], context: Context, workers: int | None = None
) -> list[Result]:
    """Results in the order of the tasks; a failed object becomes its ``failed`` entry.

    Args:
        workers: how many at once; None is for work on this machine and takes
            ``context.workers``. Services have a number of their own (``Backend.workers``), for
            waiting needs no processor.

    Raises:
        Cancelled: the run was stopped; finished results are in the store. Work on this machine
            is waited for until it notices the stop; a service that does not answer is left behind.
        BackendNotReady, BadInput: wrong for all objects alike, so they end the stage.
    """
    results: dict[int, Result] = {}
    pending: list[int] = []

    def report(index: int, reused: bool) -> None:
        label, result = tasks[index].label, results[index]
        context.progress(Progress(stage, len(results), len(tasks), label, reused, result))

    for index, task in enumerate(tasks):
        stored = context.store.get(task.key) if task.locked is None else task.locked
        if stored is None:
            pending.append(index)
        else:
            results[index] = stored
            report(index, True)

    def work(index: int) -> Result:
        context.cancel.check()
        task = tasks[index]
        context.begins(task.label)
        try:
            result = task.compute()
        except (Cancelled, BackendNotReady, BadInput):
            raise
        except CastError as error:
            return task.failed(str(error))
        except Exception as error:  # one object's surprise must not end the others
            return task.failed(redact(f"{task.label}: {type(error).__name__}: {error}"))
        context.store.put(task.key, result)
        return result

    grace = None if workers is None else GRACE_S
    crew = _Crew(work, pending, max(1, context.workers if workers is None else workers))
    try:
        while len(results) < len(tasks):
            finished = crew.next(0.2)
            context.cancel.check()
            if finished is not None:
                index, made = finished
                results[index] = made()
                report(index, False)
    except BaseException as error:
        crew.leave(grace if isinstance(error, (Cancelled, KeyboardInterrupt)) else None)
        raise
    return [results[index] for index in range(len(tasks))]


class _Crew:
    """Threads that work through a list. Unlike a pool's, they do not hold up a process that ends."""

    def __init__(self, work: Callable[[int], Any], indices: Sequence[int], size: int) -> None:
        self._work = work
        self._waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._finished: queue.SimpleQueue[tuple[int, Callable[[], Any]]] = queue.SimpleQueue()
        for index in indices:
            self._waiting.put(index)
        self._threads = [
            threading.Thread(target=self._run, name=f"object {n}", daemon=True)
            for n in range(min(size, len(indices)))
        ]
        for thread in self._threads:
            thread.start()

    def _run(self) -> None:
        while True:
            try:
                index = self._waiting.get_nowait()
            except queue.Empty:
                return
            try:
                made = self._work(index)
            except BaseException as error:
                self._finished.put((index, _raiser(error)))
            else:
                self._finished.put((index, lambda made=made: made))

    def next(self, seconds: float) -> tuple[int, Callable[[], Any]] | None:
        """The next finished one: its index, and what gives its result or raises its error."""
        try:
            return self._finished.get(timeout=seconds)
        except queue.Empty:
            return None

    def leave(self, seconds: float | None) -> None:
        """Begins nothing more and waits for what is in work, at most so long."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._waiting.get_nowait()
        end = None if seconds is None else time.monotonic() + seconds
        for thread in self._threads:
            thread.join(None if end is None else max(0.0, end - time.monotonic()))


def _raiser(error: BaseException) -> Callable[[], Any]:
    def throw() -> Any:
        raise error

    return throw
