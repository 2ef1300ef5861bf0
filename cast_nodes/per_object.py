"""The one way in which a stage works on many objects: ask the store, do the rest, go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Generic, TypeVar

from .context import Context, Progress
from .errors import BackendNotReady, BadInput, Cancelled, CastError

Result = TypeVar("Result")


@dataclass(frozen=True)
class Task(Generic[Result]):
    """One object's work.

    Attributes:
        label: for progress and errors ("chair 3").
        key: content key of everything the result depends on.
        compute: makes the result; raises a :class:`CastError` with the reason when it cannot.
        failed: makes the entry that stands for a failure, from the reason.
    """

    label: str
    key: str
    compute: Callable[[], Result]
    failed: Callable[[str], Result]


def run_tasks(stage: str, tasks: Sequence[Task[Result]], context: Context) -> list[Result]:
    """Results in the order of the tasks; a failed object becomes its ``failed`` entry.

    Raises:
        Cancelled: the run was stopped; finished results are in the store.
        BackendNotReady, BadInput: wrong for all objects alike, so they end the stage.
    """
    results: dict[int, Result] = {}
    pending: list[int] = []

    def report(index: int, reused: bool) -> None:
        label, result = tasks[index].label, results[index]
        context.progress(Progress(stage, len(results), len(tasks), label, reused, result))

    for index, task in enumerate(tasks):
        stored = context.store.get(task.key)
        if stored is None:
            pending.append(index)
        else:
            results[index] = stored
            report(index, True)

    def work(index: int) -> Result:
        context.cancel.check()
        task = tasks[index]
        try:
            result = task.compute()
        except (Cancelled, BackendNotReady, BadInput):
            raise
        except CastError as error:
            return task.failed(str(error))
        except Exception as error:  # one object's surprise must not end the others
            return task.failed(f"{task.label}: {type(error).__name__}: {error}")
        context.store.put(task.key, result)
        return result

    if pending:
        with ThreadPoolExecutor(max_workers=max(1, min(context.workers, len(pending)))) as pool:
            running = {pool.submit(work, index): index for index in pending}
            try:
                while running:
                    finished, _ = wait(running, timeout=0.2, return_when=FIRST_COMPLETED)
                    context.cancel.check()
                    for future in finished:
                        index = running.pop(future)
                        results[index] = future.result()
                        report(index, False)
            except BaseException:
                for future in running:
                    future.cancel()
                raise
    return [results[index] for index in range(len(tasks))]
