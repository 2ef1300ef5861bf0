"""A folder of GLB models with a ``manifest.json``: what the seeded rooms are furnished from.

The manifest is a list of ``{"file", "label", "size_m": [x, y, z], ...}``; models are y up, in
metres, resting on y = 0, front towards +z.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from cast_nodes.mesh_data import MeshData, read_mesh
from cast_nodes.types import Mesh

BESIDE_THE_REPOSITORY = Path(__file__).resolve().parents[2] / "shared"

PLAIN_LABELS = {
    "oak chair": "chair",
    "corner sofa": "sofa",
    "winchester sofa": "sofa",
    "winchester armchair": "armchair",
    "oak table": "table",
    "table with tablecloth": "table",
    "television cabinet": "cabinet",
    "decorative plant": "potted plant",
    "plant": "potted plant",
    "orchids": "flower",
}
"""Catalogue names to what a person would say."""


@dataclass(frozen=True, eq=False)
class Model:
    """One model.

    Attributes:
        label: as a person would say.
        size: (3,) metres, x y z.
    """

    mesh: Mesh
    label: str
    size: np.ndarray

    @cached_property
    def data(self) -> MeshData:
        return read_mesh(self.mesh)

    @property
    def name(self) -> str:
        return self.mesh.name


def find_folder(given: str | None, name: str, variable: str) -> Path | None:
    """The folder given, else $variable, else ``shared/<name>`` beside the repository, else None."""
    for candidate in (given, os.environ.get(variable)):
        if candidate:
            return Path(candidate)
    beside = BESIDE_THE_REPOSITORY / name
    return beside if beside.is_dir() else None


def load_models(given: str | None = None) -> tuple[Model, ...]:
    """All models of a folder, in the manifest's order.

    Raises:
        SystemExit: no folder, or one without a manifest; says how to name one.
    """
    folder = find_folder(given, "meshes", "CAST_BENCH_MESHES")
    if folder is None or not (folder / "manifest.json").is_file():
        raise SystemExit(
            f"no models in {folder or BESIDE_THE_REPOSITORY / 'meshes'}: give a folder of GLB files "
            "with a manifest.json (--meshes or CAST_BENCH_MESHES)"
        )
    entries = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return tuple(_load(folder, entry) for entry in entries)


def _load(folder: Path, entry: dict) -> Model:
    path = folder / entry["file"]
    mesh = Mesh(path.read_bytes(), path.stem, "benchmark", metric=True)
    label = str(PLAIN_LABELS.get(entry["label"], entry["label"]))
    return Model(mesh, label, np.asarray(entry["size_m"], float))
