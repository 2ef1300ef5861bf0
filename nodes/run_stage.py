"""Runs a stage of the engine inside ComfyUI: thread, progress, cancel, store, failures.

The stage works in a thread. This module alone talks to ComfyUI while it does: it polls for an
interrupt (ComfyUI's flag is seen only by the first who asks) and passes it on to every running
stage, and it shows the progress that the threads report.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

import numpy as np
from comfy.model_management import (
    InterruptProcessingException,
    throw_exception_if_processing_interrupted,
)
from comfy_api.latest import ComfyAPI
from comfy_execution.utils import get_executing_context
from server import PromptServer

from ..cast_nodes.backends import Choice
from ..cast_nodes.cancel import CancelToken
from ..cast_nodes.context import Context, Progress, Usage
from ..cast_nodes.errors import Cancelled, ObjectFailure
from ..cast_nodes.local.download import DOWNLOAD
from ..cast_nodes.services.usage import costs_json, spent_line
from ..cast_nodes.store import Store
from ..cast_nodes.types import Objects
from .convert import pil_from_rgb, preview
from .folders import pack_folder, pack_folders
from .model_host import HostedModels
from .readiness import require_whole_graph
from .stage_status import StageStatus

POLL_S = 0.1

Result = TypeVar("Result")

_running: set[CancelToken] = set()


@cache
def shared_store() -> Store:
    """The one store of all nodes, kept over restarts in ComfyUI's user folder."""
    return Store(pack_folder() / "store")


def context_for_checks() -> Context:
    """Enough surroundings to see whether a backend is ready; nothing is run with it."""
    return Context(folders=pack_folders())


@dataclass
class StageLog:
    """What a stage did, for the node's face, the log and the tests.

    Attributes:
        made, reused: labels of what was computed and of what came from the store.
        warnings: sentences for the user.
        spent: what was paid for.
        live: a live picture was shown.
        seconds: how long it took.
    """

    stage: str
    backend: str
    made: list[str] = field(default_factory=list)
    reused: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    spent: list[Usage] = field(default_factory=list)
    live: bool = False
    seconds: float = 0.0

    def add(self, step: Progress) -> None:
        if step.label and step.stage != DOWNLOAD:
            (self.reused if step.reused else self.made).append(step.label)

    def line(self, failures: Sequence[str] = ()) -> str:
        """One line for people."""
        parts = [f"{len(self.made)} made", f"{len(self.reused)} reused"]
        if failures:
            parts.append(f"{len(failures)} failed")
        if self.spent:
            parts.append(spent_line(self.spent))
        return ", ".join(parts)


async def run_stage(
    stage: str,
    function: Callable[[Any, Choice, Context], Any],
    inputs: Any,
    choice: Choice,
    picture: Callable[[Any], Any] | None = None,
    locked: Mapping[int, str] | None = None,
) -> tuple[Any, StageLog]:
    """The stage's result and what was done for it.

    Args:
        picture: makes a small (h, w, 3) uint8 picture of one object's result, shown while the
            others are worked on; None where that would cost more than it shows.
        locked: keys of the results that the user keeps, by object id.

    Raises:
        InterruptProcessingException: the user pressed stop.
        BackendNotReady: something would be paid for, and another node of the graph cannot run.
        CastError: as the stage says.
    """
    if choice.backend.info.price is not None:
        require_whole_graph(context_for_checks())
    loop = asyncio.get_running_loop()
    steps: asyncio.Queue[Progress | str] = asyncio.Queue()
    log = StageLog(stage, choice.backend.info.name)
    token = CancelToken()
    node_id = get_executing_context().node_id
    status = StageStatus(node_id, stage, choice.backend.info.name)
    status.send()

    def report(step: Progress | str) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is gone: nobody is looking any more
            loop.call_soon_threadsafe(steps.put_nowait, step)

    def warn(sentence: str) -> None:
        logging.warning("CAST %s: %s", stage, sentence)
        log.warnings.append(sentence)

    context = Context(
        store=shared_store(),
        cancel=token,
        progress=report,
        warn=warn,
        folders=pack_folders(),
        spent=log.spent.append,
        models=HostedModels(loop, token),
        locked=locked or {},
        begins=report,
    )
    _running.add(token)
    work = asyncio.create_task(asyncio.to_thread(function, inputs, choice, context))
    try:
        done = False
        while not done:
            done = bool((await asyncio.wait({work}, timeout=POLL_S))[0])
            while not steps.empty():
                step = steps.get_nowait()
                if isinstance(step, str):
                    status.begin(step)
                    continue
                status.step(step)
                log.add(step)
                log.live |= await _show(step, node_id, picture)
            _pass_on_interrupt()
        result = work.result()
        log.seconds = status.seconds
        if token.cancelled:
            raise Cancelled("stopped while the last object was finished")
        return result, log
    except Cancelled:
        raise InterruptProcessingException from None
    finally:
        token.cancel()  # also when ComfyUI ends the run because another node failed
        _running.discard(token)


async def stoppable(function: Callable[[CancelToken], Result]) -> Result:
    """The result of work in a thread that asks its token whether the user pressed stop.

    Raises:
        InterruptProcessingException: the user did.
    """
    token = CancelToken()
    _running.add(token)
    work = asyncio.create_task(asyncio.to_thread(function, token))
    try:
        while not (await asyncio.wait({work}, timeout=POLL_S))[0]:
            _pass_on_interrupt()
        return work.result()
    except Cancelled:
        raise InterruptProcessingException from None
    finally:
        token.cancel()
        _running.discard(token)


def _pass_on_interrupt() -> None:
    try:
        throw_exception_if_processing_interrupted()
    except InterruptProcessingException:
        for token in _running:
            token.cancel()


async def _show(step: Progress, node_id: str, picture: Callable[[Any], Any] | None) -> bool:
    """Shows one step; tells whether a live picture was among it."""
    if not step.total:
        return False
    preview_image = None
    if picture is not None and step.result is not None and not step.reused:
        rgb = picture(step.result)
        preview_image = None if rgb is None else pil_from_rgb(rgb)
    await ComfyAPI().execution.set_progress(
        step.done, step.total, node_id=node_id, preview_image=preview_image
    )
    return preview_image is not None


def show_text(text: str, node_id: str | None = None) -> None:
    """Text on the face of the node that is running."""
    PromptServer.instance.send_progress_text(text, node_id or get_executing_context().node_id)


def counted(labels: Iterable[str]) -> str:
    """``3 chair, 1 table``, the most frequent first."""
    return ", ".join(f"{n} {label}" for label, n in Counter(labels).most_common())


def failure_lines(objects: Objects, entries: Iterable[Any]) -> list[str]:
    """``chair 3: why`` of each entry that failed."""
    labels = {o.id: f"{o.label} {o.id}" for o in objects.objects}
    return [
        e.failure if e.failure.startswith(labels.get(e.id, "")) else f"{labels[e.id]}: {e.failure}"
        for e in entries
        if e.failure
    ]


async def present(
    cls: Any,
    log: StageLog,
    picture: np.ndarray,
    summary: str = "",
    failures: Sequence[str] = (),
    notes: Sequence[str] = (),
    on_failure: str = "continue",
) -> dict:
    """What the node shows: its picture, a few words, and the report for scripts and tests.

    Args:
        picture: (h, w, 3) uint8.
        summary: one line; empty counts what was made and reused.

    Raises:
        ObjectFailure: ``on_failure`` is "stop" and an object failed.
    """
    paid = [spent_line(log.spent)] if summary and log.spent else []
    told = summary or log.line(failures)
    text = "\n".join([told, *paid, *failures, *log.warnings])
    logging.info("CAST %s (%s): %s", log.stage, log.backend, text.replace("\n", "; "))
    if log.live:
        # The front end keeps the last live picture in front of the node's own.
        await ComfyAPI().execution.set_progress(
            1, 1, preview_image=pil_from_rgb(picture), ignore_size_limit=True
        )
    if failures and on_failure == "stop":
        raise ObjectFailure(
            f"{len(failures)} of {len(log.made) + len(log.reused)} objects failed, the others are"
            " kept; queue again to redo the failed ones, or set on_failure to continue. "
            + "; ".join(failures)
        )
    report = {
        "stage": log.stage,
        "backend": log.backend,
        "made": log.made,
        "reused": log.reused,
        "failures": list(failures),
        "warnings": log.warnings,
        "notes": list(notes),
        "spent": costs_json((log.stage, u) for u in log.spent),
        "summary": told,
        "cost": spent_line(log.spent),
        "seconds": round(log.seconds, 1),
    }
    return preview(picture, cls) | {"cast_report": [report]}
