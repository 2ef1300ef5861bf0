"""Scene benchmark rooms as run folders, and the scores of scenes that lie in them.

A folder holds what ``cast run FOLDER --only compose`` needs, as files of the user's own, and beside
it ``bench.json``, from which the room with its truth is made again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from cast_nodes.errors import BadInput
from cast_nodes.evaluate import read_predicted
from cast_nodes.evaluate.scenes import EvalScene
from cast_nodes.files import write_atomically
from cast_nodes.run_folder import JOURNAL, RunFolder
from cast_nodes.types import Geometry, Placements

from .scene_rooms import Room

TASK = "bench.json"


@dataclass(frozen=True, eq=False)
class Made:
    """A scene that lies in a folder.

    Attributes:
        seed, start: of the task.
        placements, geometry: what it was made from.
        seconds: that ``run.json`` tells; NaN where it does not.
        megabytes: of the GLB.
    """

    folder: Path
    seed: int
    start: str
    placements: Placements
    geometry: Geometry
    seconds: float
    megabytes: float

    def scene(self) -> EvalScene:
        """The scene's objects.

        Raises:
            BadInput: there is none.
        """
        return read_predicted(self.folder)


def write_room(
    room: Room, placements: Placements, geometry: Geometry, path: Path, seed: int, start: str
) -> None:
    """A run folder without a scene; files there are replaced."""
    path.mkdir(parents=True, exist_ok=True)
    folder = RunFolder(path)
    folder.disown()
    for name in ("scene.json", "scene.glb"):
        folder.remove(name)
    folder.write_photo(room.objects.photo)
    folder.write_objects(room.objects)
    folder.write_geometry(geometry)
    folder.write_views(room.views)
    folder.write_meshes(room.meshes, placements)
    folder.write_placements(placements)
    (path / JOURNAL).unlink(missing_ok=True)  # all of it is the user's own: nothing is made anew
    task = {"seed": seed, "start": start}
    write_atomically(path / TASK, json.dumps(task).encode())


def scenes_in(path: Path) -> list[Made]:
    """The tasks below a folder (or the folder itself), by name.

    Raises:
        BadInput: there is none, or one was not run.
    """
    found = sorted(p.parent for p in (*path.glob(TASK), *path.glob(f"*/{TASK}")))
    if not found:
        raise BadInput(f"{path} holds no room with a {TASK}; make some with --write")
    return [_made(p) for p in found]


def _made(path: Path) -> Made:
    folder, task = RunFolder(path), json.loads((path / TASK).read_text(encoding="utf-8"))
    if not folder.has("scene.glb"):
        raise BadInput(f"{path} has no scene; run cast run {path} --only compose")
    seconds = folder.run.get("stages", {}).get("compose", {}).get("seconds", float("nan"))
    return Made(
        path,
        int(task["seed"]),
        str(task["start"]),
        folder.read_placements(),
        folder.read_geometry(folder.read_photo()),
        float(seconds),
        (path / "scene.glb").stat().st_size / 1e6,
    )
