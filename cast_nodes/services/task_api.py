"""How one kind of paid task is driven: what :mod:`.tasks` needs to know of a service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from ..context import Usage

Status = Literal["waiting", "done", "failed", "cancelled"]


@dataclass(frozen=True)
class TaskState:
    """What the service says about a task.

    Attributes:
        output: as the service gives it, when done.
        message: its reason, when failed.
        seconds: working time it reports; 0 when it reports none.
        units: what it charged, in the unit that the service's usage names; 0 when not told.
    """

    status: Status
    output: Any = None
    message: str = ""
    seconds: float = 0.0
    units: float = 0.0


@dataclass(frozen=True)
class Lookup:
    """What the service's own list of tasks says about a creation without an answer.

    Attributes:
        id: the task, when it is there.
        conclusive: a task that is not there was surely not created.
    """

    id: str = ""
    conclusive: bool = False


@dataclass(frozen=True)
class TaskApi:
    """How one kind of task is driven. All functions may raise whatever the SDK raises.

    Attributes:
        create: starts the paid task from what ``prepare`` gave; returns its id. Must not retry.
        poll: how it stands. Costs nothing.
        prepare: what comes before and costs nothing (uploads); JSON-ready, kept on disk.
        cancel: stops the task; None where the service cannot.
        find: looks for the task in the service's list; None where there is no list.
        usage: what a finished or failed task cost; None when it cost nothing.
    """

    create: Callable[[dict[str, Any]], str]
    poll: Callable[[str], TaskState]
    prepare: Callable[[], dict[str, Any]] = dict
    cancel: Callable[[str], Any] | None = None
    find: Callable[[dict[str, Any], float], Lookup] | None = None
    usage: Callable[[TaskState], Usage | None] | None = None


@dataclass(frozen=True)
class Finished:
    """A task that was done.

    Attributes:
        picked_up: an earlier run had created it.
        refresh: asks again, for services whose addresses expire.
    """

    id: str
    output: Any
    seconds: float = 0.0
    units: float = 0.0
    picked_up: bool = False
    refresh: Callable[[], Any] = field(default=lambda: None, repr=False)
