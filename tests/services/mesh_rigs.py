"""The mesh services on the bench: a double, the backend that is led to it, and a stage to run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cast_nodes.backends import choose
from cast_nodes.cancel import CancelToken
from cast_nodes.context import Context, Folders, Usage
from cast_nodes.mesh import MeshInputs, make_meshes
from cast_nodes.store import Store
from cast_nodes.types import MeshEntry, Objects, Photo, SceneObject, View, Views

KEYS = {"replicate_trellis": "r8_planted_key_0123456789", "tripo3d": "tsk_planted_key_0123456789"}
KEY_SETTINGS = {"replicate_trellis": "REPLICATE_API_TOKEN", "tripo3d": "TRIPO_API_KEY"}
URL_SETTINGS = {"replicate_trellis": "REPLICATE_BASE_URL", "tripo3d": "TRIPO_BASE_URL"}
NAMES = {"replicate_trellis": "REPLICATE", "tripo3d": "TRIPO"}
CREATION = {"replicate_trellis": "/v1/predictions", "tripo3d": "/image-to-model"}
UPLOAD = {"replicate_trellis": "/v1/files", "tripo3d": "/v3/files"}
TASK = {"replicate_trellis": "/v1/predictions/", "tripo3d": "/v3/tasks/"}


class Waits(CancelToken):
    """A cancel token that notes how long it was asked to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        super().wait(seconds)


def objects_and_views(count: int, retry: int = 0, same: bool = False) -> tuple[Objects, Views]:
    """``count`` chairs of different sizes (or all the same) and their views."""
    objects, views = [], []
    for i in range(count):
        rgba = np.zeros((40, 40, 4), np.uint8)
        rgba[4 : 36 if same else 36 - i % 20, 4 : 36 - (0 if same else i // 20)] = (
            180,
            120,
            60,
            255,
        )
        objects.append(SceneObject(i, "chair", 0.9, (0, 0, 40, 40), retry=retry))
        views.append(View(i, rgba, rgba, (0, 0, 40, 40)))
    photo = Photo(np.zeros((40, 40, 3), np.uint8))
    return Objects(photo, tuple(objects)), Views(tuple(views))


@dataclass
class Rig:
    """One service, its double and the backend.

    Attributes:
        warnings, spent: what the runs told.
    """

    name: str
    double: Any
    cache: Path
    set_setting: Callable[[str, str], None]
    warnings: list[str] = field(default_factory=list)
    spent: list[Usage] = field(default_factory=list)

    @property
    def good(self) -> str:
        return "succeeded" if self.name == "replicate_trellis" else "success"

    def tune(self, what: str, value: float) -> None:
        self.set_setting(f"CAST_{NAMES[self.name]}_{what}", str(value))

    def use_key(self, key: str) -> None:
        self.set_setting(KEY_SETTINGS[self.name], key)

    def run(
        self,
        count: int = 1,
        retry: int = 0,
        same: bool = False,
        cancel: CancelToken | None = None,
        **options: Any,
    ) -> tuple[MeshEntry, ...]:
        """The stage, with an empty store: only the services' own notes are there to help."""
        objects, views = objects_and_views(count, retry, same)
        context = Context(
            store=Store(),
            cancel=cancel or CancelToken(),
            warn=self.warnings.append,
            folders=Folders(self.cache, self.cache / "assets"),
            workers=1,
            spent=self.spent.append,
        )
        choice = choose("mesh", self.name, **options)
        return make_meshes(MeshInputs(objects, views), choice, context).entries

    def mesh(self, **more: Any) -> MeshEntry:
        """One object, which must come to a mesh."""
        (entry,) = self.run(**more)
        assert entry.candidates, entry.failure
        return entry

    def failure(self, **more: Any) -> str:
        """One object, which must fail; the reason."""
        (entry,) = self.run(**more)
        assert entry.failure, "it was expected to fail"
        assert KEYS[self.name] not in entry.failure
        return entry.failure

    @property
    def paid(self) -> int:
        return len(self.double.paid)
