"""Benchmark rooms as run folders, and the scores of placements found there.

A folder holds what ``cast run FOLDER --only register`` needs, as files of the user's own, and
beside it ``truth.json`` and ``truth/<id>.glb`` (the true meshes), which no stage reads.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from cast_nodes.errors import BadInput
from cast_nodes.files import write_atomically
from cast_nodes.frames import Sim3
from cast_nodes.run_folder import JOURNAL, RunFolder
from cast_nodes.stretched import posed_mesh
from cast_nodes.types import Mesh, Placement, Placements

from .register_measures import Answer, Row, measure
from .register_rooms import Room


def write_room(room: Room, path: Path) -> None:
    """A run folder without placements; files there are replaced."""
    path.mkdir(parents=True, exist_ok=True)
    folder = RunFolder(path)
    folder.disown()
    folder.remove("placements.json")
    folder.write_photo(room.inputs.objects.photo)
    folder.write_objects(room.inputs.objects)
    folder.write_geometry(room.inputs.geometry)
    folder.write_meshes(room.inputs.meshes)
    _leave_to_the_user(path, room)
    (path / "truth").mkdir(exist_ok=True)
    for i, mesh in room.answer.meshes.items():
        write_atomically(path / f"truth/{i}.glb", mesh.glb)
    write_atomically(path / "truth.json", json.dumps(_facts(room), indent=1).encode())


def _leave_to_the_user(path: Path, room: Room) -> None:
    """Takes the files off the journal, so that no stage makes them anew.

    What the user put there is taken for upright; only of its own meshes the folder remembers
    that they are not, so those stay on the journal.
    """
    lying = {e.id for e in room.inputs.meshes.entries if not e.candidates[0].upright}
    own = tuple(f"objects/{i}/mesh." for i in lying)
    lines = (path / JOURNAL).read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if own and line[66:].startswith(own)]
    (path / JOURNAL).unlink()
    if kept:
        (path / JOURNAL).write_text("".join(kept), encoding="utf-8")


def _facts(room: Room) -> dict:
    answer = room.answer
    return {
        "name": answer.name,
        "up": answer.up.tolist(),
        "objects": [
            {
                "id": i,
                "model": answer.meshes[i].name,
                "visible": round(answer.visible[i], 4),
                "supported_by": answer.supported_by[i],
                "camera_from_object": pose.matrix().tolist(),
            }
            for i, pose in answer.poses.items()
        ],
    }


def read_answer(path: Path) -> Answer:
    """The truth of a folder.

    Raises:
        BadInput: there is none.
    """
    if not (path / "truth.json").is_file():
        raise BadInput(f"{path} has no truth.json; make such folders with --write")
    facts = json.loads((path / "truth.json").read_text(encoding="utf-8"))
    entries = {int(o["id"]): o for o in facts["objects"]}
    meshes = {
        i: Mesh((path / f"truth/{i}.glb").read_bytes(), o["model"]) for i, o in entries.items()
    }
    return Answer(
        facts["name"],
        {i: Sim3.from_matrix(np.array(o["camera_from_object"])) for i, o in entries.items()},
        meshes,
        {i: float(o["visible"]) for i, o in entries.items()},
        {i: o["supported_by"] for i, o in entries.items()},
        np.array(facts["up"]),
    )


def rooms_in(path: Path) -> list[Path]:
    """The room folders below a folder (or the folder itself), by name.

    Raises:
        BadInput: there is none.
    """
    found = sorted(p.parent for p in (*path.glob("truth.json"), *path.glob("*/truth.json")))
    if not found:
        raise BadInput(f"{path} holds no room with a truth.json; make some with --write")
    return found


def score_room(path: Path) -> tuple[list[Row], float]:
    """Rows of the placements that lie in a folder, and the seconds that ``run.json`` tells.

    Without placements all of its objects failed; without a time it is NaN.
    """
    folder, answer = RunFolder(path), read_answer(path)
    given: dict[int, Mesh] = {}

    def mesh_of(placement: Placement) -> Mesh:
        # mesh.glb is the candidate that was placed.
        i = placement.id
        if i not in given:
            given[i] = Mesh((path / f"objects/{i}/mesh.glb").read_bytes(), answer.meshes[i].name)
        return posed_mesh(given[i], placement)

    has = folder.has("placements.json")
    placements = folder.read_placements() if has else Placements(())
    seconds = folder.run.get("stages", {}).get("register", {}).get("seconds", np.nan)
    return measure(answer, placements, mesh_of), float(seconds)
