"""Small drawn rooms with known truth, and a context that keeps everything in memory."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from cast_nodes.context import Context, Folders
from cast_nodes.types import Photo

# importlib mode does not put the tests' folder on the path; the tiny models lie in it.
sys.path.insert(0, str(Path(__file__).parent))


@dataclass
class Room:
    """A wall, a floor and things drawn on them."""

    width: int = 160
    height: int = 120
    truth: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(0)
        self.rgb = np.empty((self.height, self.width, 3))
        horizon = round(0.6 * self.height)
        self.rgb[:horizon] = (222, 218, 205)
        self.rgb[horizon:] = (176, 150, 120)
        self.rgb += rng.normal(0, 2.0, self.rgb.shape)

    def add(
        self, name: str, colour: tuple[int, int, int], *boxes: tuple[int, int, int, int]
    ) -> Room:
        """A thing made of rectangles (x0, y0, x1, y1), before all that was drawn earlier."""
        mask = np.zeros((self.height, self.width), bool)
        for x0, y0, x1, y1 in boxes:
            mask[y0:y1, x0:x1] = True
        noise = np.random.default_rng(len(self.truth) + 1).normal(0, 3.0, self.rgb.shape)
        self.rgb[mask] = np.array(colour) + noise[mask]
        for other in self.truth.values():
            other &= ~mask
        self.truth[name] = mask
        return self

    @property
    def photo(self) -> Photo:
        return Photo(np.clip(self.rgb, 0, 255).astype(np.uint8), "room")

    def box(self, name: str) -> tuple[float, float, float, float]:
        rows, columns = np.nonzero(self.truth[name])
        return (
            float(columns.min()),
            float(rows.min()),
            float(columns.max() + 1),
            float(rows.max() + 1),
        )


@pytest.fixture
def table_room() -> Room:
    """A dark table with two legs: wall and floor show between them."""
    return Room().add(
        "table", (70, 40, 25), (40, 50, 110, 60), (44, 60, 52, 100), (98, 60, 106, 100)
    )


@pytest.fixture
def crowded_room() -> Room:
    """A blue cabinet, and before it a red box that hides its lower right corner."""
    room = Room().add("cabinet", (40, 60, 120), (30, 30, 80, 90))
    return room.add("box", (180, 40, 30), (60, 65, 100, 105))


@pytest.fixture
def context(tmp_path: Path) -> Context:
    warned: list[str] = []
    made = Context(folders=Folders(tmp_path / "cache", tmp_path / "assets"), warn=warned.append)
    object.__setattr__(made, "warned", warned)
    return made


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny model with random weights, by its maker in ``tiny_detectors``."""
    pytest.importorskip("transformers")
    import tiny_detectors

    root, made = tmp_path_factory.mktemp("weights"), {}

    def folder(kind: str) -> Path:
        if kind not in made:
            made[kind] = getattr(tiny_detectors, kind)(root / kind)
        return made[kind]

    return folder


def iou(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two masks."""
    return np.count_nonzero(a & b) / max(1, np.count_nonzero(a | b))
