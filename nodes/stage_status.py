"""What a stage is doing, told to the node's face (``frontend/src/status``) while it runs.

One event, ``cast.status``, whenever an object begins or is finished. What is left at the end is in
the node's report, which ComfyUI also gives to a node that it did not run again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from server import PromptServer

from ..cast_nodes.context import Progress
from ..cast_nodes.local.download import DOWNLOAD

EVENT = "cast.status"


@dataclass
class StageStatus:
    """Where a running stage is.

    Attributes:
        node: as ComfyUI's execution names it ("12", or "12:5" within a subgraph).
        working: names of the objects that are being worked on.
        made, reused: how many were computed, and how many came from the store.
    """

    node: str
    stage: str
    backend: str
    done: int = 0
    total: int = 0
    made: int = 0
    reused: int = 0
    label: str = ""
    working: list[str] = field(default_factory=list)
    download: dict[str, Any] | None = None
    since: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.since

    def begin(self, label: str) -> None:
        """Work on one object begins."""
        self.download = None
        self.working.append(label)
        self.send()

    def step(self, step: Progress) -> None:
        """One object, or one step, is done."""
        if step.stage == DOWNLOAD:
            self.download = {"what": step.label, "done": step.done, "total": step.total}
        else:
            self.download = None
            self.done, self.total, self.label = step.done, step.total, step.label
            if step.label:
                self.reused += step.reused
                self.made += not step.reused
            if step.label in self.working:
                self.working.remove(step.label)
        self.send()

    def send(self) -> None:
        """Tells those who look at this run."""
        server = PromptServer.instance
        names = ("node", "stage", "backend", "done", "total", "made", "reused", "label", "download")
        told = {name: getattr(self, name) for name in names}
        told |= {"working": self.working[:8], "seconds": round(self.seconds, 1)}
        server.send_sync(EVENT, told, server.client_id)
