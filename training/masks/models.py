"""The models that crops are rendered from, with authors, licences and what may be held out.

Three sources: a Sweet Home 3D catalogue (``.sh3f``) whose licence allows any use, the shapes
that this project builds itself, and seeded variations (:mod:`.growth`). A model is either trained on or held out, never both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from zipfile import ZipFile

import numpy as np
from PIL import Image

from cast_nodes.errors import CastError
from cast_nodes.mesh._builtin import SHAPES, built
from cast_nodes.mesh._own import CATALOGUE, own_models, read_properties
from cast_nodes.mesh_data import MeshData, read_mesh

from .growth import KINDS, grown

HELD_OUT_EVERY = 5
"""Of each placement every fifth model is held out for validation, in the sources' order."""

TEXTURE_PX = 384
MAX_FACES = 130_000

LEFT_OUT = frozenset(
    [
        "shower stall",
        "shower door",
        "spiral staircase",
        "shipping container",
        "fence",
        "pedestrian railing",
        "child hut",
        "child swing",
        "tatami",
        "ruler",
        "curtain",
        "rug",
        "towel",
        "oven",
        "toilets unit",
        "puzzle",
    ]
)
"""Things that are no objects in a room, or lie flat and have no outline worth learning."""

TOYS = frozenset(
    ["truck", "biplane", "fork lift", "motorbike", "seesaw", "deer", "horse", "chicken"]
)
"""Large things that stand in rooms only as toys or figures."""

ON_WALLS = frozenset(
    [
        "radiator",
        "emergency sign",
        "wall light",
        "cuckoo clock",
        "upper cabinet",
        "small upper cabinet",
        "upper corner cabinet",
        "upper shelves cabinet",
        "range hood",
        "towel rack",
        "white board",
        "calendar",
        "shower head and faucet",
        "toilet paper dispenser",
        "urinal",
        "mailbox",
        "picture",
        "mirror",
        "wall shelf",
        "clock",
        "locked locker",
        "extinguisher",
    ]
)
HANGING = frozenset(["ceiling fan", "pendant lamp", "japanese lantern"])

THIN = frozenset(
    [
        "desk lamp",
        "lamp",
        "floor lamp",
        "table lamp",
        "outdoor lamp",
        "umbrella",
        "tennis racket",
        "rigged fan",
        "table fan",
        "electric guitar",
        "scissors",
        "headphones",
        "wall light",
        "folding chair",
    ]
)
LEGGED = frozenset(
    [
        "chair",
        "table",
        "stool",
        "bar stool",
        "desk",
        "bench",
        "armchair",
        "oak chair",
        "oak table",
        "technical table",
        "plastic chair",
        "dining table",
        "coffee table",
        "side table",
        "osaka chair",
        "folding chair",
        "deck chair",
        "relax chair",
        "piano bench",
        "office chair",
        "chair with cushion",
        "rocking horse",
        "shelf",
    ]
)
PLANTS = frozenset(
    [
        "plant",
        "little plant",
        "decorative plant",
        "orchids",
        "cactus",
        "flowers",
        "plant box",
        "flower box",
    ]
)


@dataclass(frozen=True, eq=False)
class Model:
    """One thing to place.

    Attributes:
        key: unique and stable ("BlendSwap-CC-0.sh3f#15", "shape#3").
        name: what it is.
        author, licence: of its geometry and pictures.
        placement: "floor", "small", "wall" or "hanging".
        held_out: for validation and tests only.
        load: its mesh, y up, metres, standing on y = 0, centred in x and z.
    """

    key: str
    name: str
    author: str
    licence: str
    placement: str
    held_out: bool
    load: Callable[[], MeshData]

    @cached_property
    def data(self) -> MeshData:
        """The mesh, centred, on the ground, and small where it shows a toy."""
        data = self.load()
        low, high = data.bounds
        scale = 1.0
        if self.name in TOYS:
            scale = 0.34 / float((high - low).max())
        matrix = np.diag([scale, scale, scale, 1.0])
        matrix[:3, 3] = -scale * np.array([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2])
        return data.moved(matrix)

    @cached_property
    def bounds(self) -> np.ndarray:
        """(2, 3) lowest and highest corner, metres."""
        return self.data.bounds

    @cached_property
    def size(self) -> np.ndarray:
        """(3,) metres."""
        return self.bounds[1] - self.bounds[0]

    @cached_property
    def textures(self) -> tuple[np.ndarray | None, ...]:
        """Each material's (h, w, 4) uint8 picture, reduced to TEXTURE_PX, or None."""
        return tuple(_reduced(m.texture) for m in self.data.materials)


def _reduced(texture: np.ndarray | None) -> np.ndarray | None:
    if texture is None or max(texture.shape[:2]) <= TEXTURE_PX:
        return texture
    scale = TEXTURE_PX / max(texture.shape[:2])
    size = (max(1, round(texture.shape[1] * scale)), max(1, round(texture.shape[0] * scale)))
    return np.asarray(Image.fromarray(texture).resize(size, Image.Resampling.BOX))


def placement_of(name: str, size: Sequence[float]) -> str:
    """Where a thing of this name and size (metres, width height depth) belongs."""
    if name in HANGING:
        return "hanging"
    if name in ON_WALLS:
        return "wall"
    if name in TOYS:
        return "small"
    return "small" if max(size) < 0.62 else "floor"


def load_models(catalogue: Path | None) -> tuple[Model, ...]:
    """All usable models: the catalogue's (if any), the project's own shapes, the seeded ones.

    Raises:
        SystemExit: the catalogue is not there or its entries cannot be told apart.
    """
    found = [*_own_shapes(), *_grown()]
    if catalogue is not None:
        found = [*_from_catalogue(catalogue), *found]
    counts: dict[str, int] = {}
    out = []
    for key, name, author, licence, size, load in found:
        place = placement_of(name, size)
        number = counts[place] = counts.get(place, 0) + 1
        out.append(Model(key, name, author, licence, place, number % HELD_OUT_EVERY == 3, load))
    return tuple(out)


def _from_catalogue(path: Path):
    try:
        with ZipFile(path) as archive:
            entries = read_properties(archive.read(CATALOGUE).decode("utf-8"))
    except (OSError, KeyError, ValueError) as error:
        raise SystemExit(
            f"{path} is not a Sweet Home 3D catalogue ({error}); "
            "Debian's package sweethome3d-furniture holds BlendSwap-CC-0.sh3f"
        ) from None
    models = own_models(str(path), "m")
    numbers = [k.split("#")[1] for k in entries if k.startswith("name#")]
    if len(models) != len(numbers):
        raise SystemExit(f"{path}: {len(models)} models can be read of {len(numbers)} entries")
    for model, number in zip(models, numbers, strict=True):
        name = model.names[0]
        if name in LEFT_OUT:
            continue
        size = [float(entries[f"{k}#{number}"]) / 100 for k in ("width", "height", "depth")]
        author = entries.get(f"creator#{number}", "unknown")
        yield (f"{path.name}#{number}", name, author, "CC0-1.0", size, _loader(model))


def _loader(model) -> Callable[[], MeshData]:
    def load() -> MeshData:
        data = read_mesh(model.load())
        if len(data.faces) > MAX_FACES:
            raise CastError(f"{model.names[0]} has {len(data.faces)} faces")
        return data

    return load


def _own_shapes():
    for index, shape in enumerate(SHAPES):
        name = shape.labels[0]
        if name in LEFT_OUT:
            continue
        size = shape.sizes[0]

        def load(index: int = index, size=size) -> MeshData:
            return built(index, size)

        yield (f"shape#{index} {shape.name}", name, "CAST for ComfyUI", "MIT", size, load)


def _grown():
    for kind, (name, _, count) in enumerate(KINDS):
        for number in range(count):

            def load(kind: int = kind, number: int = number) -> MeshData:
                return grown(kind, number)

            low, high = load().bounds
            key = f"grown#{kind}.{number}"
            yield (key, name, "CAST for ComfyUI", "MIT", (high - low).tolist(), load)


def listing(models: Sequence[Model]) -> str:
    """A Markdown table of every model that has a file or a name, with author, licence and use."""
    models = [m for m in models if not m.key.startswith("grown")]
    rows = ["| model | what | author | licence | used for |", "| --- | --- | --- | --- | --- |"]
    for m in models:
        use = "validation" if m.held_out else "training"
        rows.append(f"| {m.key} | {m.name} | {m.author} | {m.licence} | {use} |")
    return "\n".join(rows) + "\n"
