"""What a stage needs from its surroundings: store, cancel, progress, folders."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .cancel import CancelToken
from .local.models import Models, own_models
from .store import Store


@dataclass(frozen=True)
class Progress:
    """One step of a stage.

    Attributes:
        stage: "detect", "depth", …
        done, total: objects (or steps) finished and to do.
        label: what was just finished, for people ("chair 3").
        reused: it came from the store.
        result: what was just finished, for a live picture; None when there is nothing to show.
    """

    stage: str
    done: int
    total: int
    label: str = ""
    reused: bool = False
    result: Any = None


@dataclass(frozen=True)
class Usage:
    """What was spent on one thing at a paid service.

    Attributes:
        service: "Replicate", "Tripo", …
        model: what was asked there ("firtoz/trellis").
        calls: requests or tasks that were paid for.
        units, unit: as the service counts ("credits", "pictures", "tokens"); 0 when unknown.
        seconds: working time that the service reports, or the time waited for it.
        estimate_usd: from list prices; 0 when there is none. The service's bill counts.
        what: the object or purpose, for people ("chair 3").
    """

    service: str
    model: str
    calls: int = 1
    units: float = 0.0
    unit: str = ""
    seconds: float = 0.0
    estimate_usd: float = 0.0
    what: str = ""


@dataclass(frozen=True)
class Folders:
    """Where things lie on this machine.

    Attributes:
        cache: results and other things that can be made again.
        assets: small files of the embedded backends.
        models: folders in which weights of local models are looked up; downloads go to the
            first. Empty means ``cache / "models"``.
    """

    cache: Path
    assets: Path
    models: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        if not self.models:
            object.__setattr__(self, "models", (self.cache / "models",))

    @staticmethod
    def default() -> Folders:
        """The user's cache folder; ``CAST_CACHE``, ``CAST_ASSETS``, ``CAST_MODELS`` move it.

        ``CAST_MODELS`` may name several folders, joined as in PATH.
        """
        from platformdirs import user_cache_path

        cache = Path(os.environ.get("CAST_CACHE") or user_cache_path("cast-nodes", False))
        assets = Path(os.environ.get("CAST_ASSETS") or cache / "assets")
        named = os.environ.get("CAST_MODELS", "").split(os.pathsep)
        return Folders(cache, assets, tuple(Path(n).expanduser() for n in named if n.strip()))


@dataclass(frozen=True)
class Context:
    """Passed to every stage and backend.

    Attributes:
        store: results by content.
        cancel: asked between steps and by workers.
        progress: called from any thread.
        warn: called with one sentence the user should see; it also reaches the report.
        folders: cache and downloaded assets.
        workers: how many objects may be worked on at once.
        seed: all randomness derives from it.
        spent: called from any thread once for everything that was paid for.
        models: the process's models, one copy each (see :mod:`.local.models`).
        locked: keys of the results that the user keeps in this stage, by object id (see
            :mod:`.locks`).
        begins: called from any thread with the name of the object whose work begins.
    """

    store: Store = field(default_factory=Store)
    cancel: CancelToken = field(default_factory=CancelToken)
    progress: Callable[[Progress], None] = lambda step: None
    warn: Callable[[str], None] = lambda sentence: None
    folders: Folders = field(default_factory=Folders.default)
    workers: int = field(default_factory=lambda: max(1, min(8, os.cpu_count() or 1)))
    seed: int = 0
    spent: Callable[[Usage], None] = lambda usage: None
    models: Models = field(default_factory=own_models)
    locked: Mapping[int, str] = field(default_factory=dict)
    begins: Callable[[str], None] = lambda label: None
