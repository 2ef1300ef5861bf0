"""Scenes to compare, read from whatever there is: a run folder, a GLB, a scene of the pack.

A run folder tells its objects by the first of these that it has: (truth only) ``truth.json`` as
the benchmarks write it; ``scene.glb`` with ``scene.json``; ``placements.json`` with
``objects/<id>/mesh.glb``. A GLB alone tells names and shapes, and the camera where it is one of
this pack's. All worlds are y up.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import BadInput, CastError
from ..frames import CAMERA_UP, Sim3, world_from_camera
from ..mesh_data import MeshData, read_mesh
from ..mesh_files import load_mesh_file, read_file
from ..planes import Plane
from ..run_folder import RunFolder
from ..stretched import pose_and_stretch
from ..types import Geometry, Objects, Photo, Scene
from .glb_nodes import GlbScene, read_glb_scene
from .scenes import Camera, EvalScene, Item

MODELS = (".glb", ".gltf", ".obj", ".ply", ".stl")


def read_predicted(path: Path) -> EvalScene:
    """The scene at a path: a run folder, its ``scene.json``, or a model file.

    Raises:
        BadInput: nothing there that can be compared; the message names it.
    """
    return _read(path, truth=False)


def read_truth(path: Path) -> EvalScene:
    """As :func:`read_predicted`; a folder's ``truth.json`` comes first.

    Raises:
        BadInput: as there.
    """
    return _read(path, truth=True)


def _read(path: Path, truth: bool) -> EvalScene:
    if not path.exists():
        raise BadInput(f"{path} does not exist; give a run folder or a GLB")
    if path.is_file() and path.suffix.lower() == ".json":
        path = path.parent
    try:
        if path.is_file():
            beside = path.with_name("scene.json")
            if path.name == "scene.glb" and beside.is_file():
                return _run_folder(path.parent, truth=False)
            return _model(path)
        return _run_folder(path, truth)
    except BadInput:
        raise
    except CastError as error:
        raise BadInput(str(error)) from error
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise BadInput(f"{path} holds a damaged JSON or array file ({error!r})") from error


def scene_of(scene: Scene) -> EvalScene:
    """A composed scene that was not written yet.

    Raises:
        BadInput: it holds no object.
    """
    photo = scene.objects.photo
    try:
        made = _from_glb(photo.name, "the scene", scene.glb, dict(scene.description))
    except CastError as error:
        raise BadInput(str(error)) from error
    return _with_photo(made, scene.objects, scene.geometry)


def scene_from_glb(glb: bytes, name: str = "truth") -> EvalScene:
    """The scene that a GLB holds; ``name`` is what messages call it.

    Raises:
        BadInput: it cannot be read or holds no object.
    """
    try:
        return _from_glb(name, name, glb, {})
    except CastError as error:
        raise BadInput(str(error)) from error


# --- a model file -----------------------------------------------------------------------------


def _model(path: Path) -> EvalScene:
    if path.suffix.lower() not in MODELS:
        raise BadInput(f"{path} is neither a folder nor one of {', '.join(MODELS)}")
    if path.suffix.lower() == ".glb":
        return _from_glb(path.stem, str(path), read_file(path), {})
    data = read_mesh(load_mesh_file(path, unit="unknown"))
    item = Item(None, path.stem, "", data, Sim3.identity())
    return EvalScene(path.stem, str(path), (item,), notes=(f"{path.name}: one object",))


# --- a run folder -----------------------------------------------------------------------------


def _run_folder(path: Path, truth: bool) -> EvalScene:
    folder = RunFolder(path)
    if truth and folder.has("truth.json"):
        made = _from_answer(path)
    elif folder.has("scene.json") and folder.has("scene.glb"):
        made = _from_export(path)
    elif folder.has("scene.json"):
        made = _from_poses(path, _json(path / "scene.json"), "scene.json")
    elif folder.has("placements.json"):
        placed = _json(path / "placements.json")
        made = _from_poses(path, placed, "placements.json")
    else:
        names = "truth.json, scene.json" if truth else "scene.json"
        raise BadInput(
            f"{path} has neither {names} nor placements.json; run it (cast run {path}), or give a GLB"
        )
    if not folder.has("image.png"):
        return made
    photo = folder.read_photo()
    objects = folder.read_objects(photo) if folder.has("objects.json") else Objects(photo, ())
    return _with_photo(made, objects, _geometry(folder, photo), answers_beside=_answers(path))


def _answers(path: Path) -> bool:
    """The folder's own files are a task with noise, its truth lies beside them."""
    return (path / "truth").is_dir()


def _geometry(folder: RunFolder, photo: Photo) -> Geometry | None:
    return folder.read_geometry(photo) if folder.has("geometry.npz") else None


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} cannot be read as JSON: {error}") from None
    if not isinstance(value, dict):
        raise BadInput(f"{path} must hold a JSON object")
    return value


def _from_export(path: Path) -> EvalScene:
    """``scene.glb``, which is what was delivered, with what ``scene.json`` says of it."""
    description = _json(path / "scene.json")
    try:
        return _from_glb(path.name, str(path), (path / "scene.glb").read_bytes(), description)
    except CastError as error:
        if not (path / "objects").is_dir():
            raise
        made = _from_poses(path, description, "scene.json")
        note = f"{path.name}: meshes from objects/, as scene.glb cannot be read here ({error})"
        return replace(made, notes=(*made.notes, note))


def _from_glb(name: str, source: str, glb: bytes, description: Mapping[str, Any]) -> EvalScene:
    found = read_glb_scene(glb, source)
    entries = {str(e.get("node")): e for e in description.get("objects", ()) if e.get("node")}
    items = []
    for number, part in enumerate(found.objects):
        entry = entries.get(part.name, {})
        known = {**part.extras, **entry}
        carrier = known.get("supported_by")
        items.append(
            Item(
                int(known["id"]) if isinstance(known.get("id"), (int, float)) else None,
                part.name or str(number),
                str(known.get("label", "")),
                part.data,
                part.scene_from_object,
                supported_by=carrier if isinstance(carrier, (int, str)) else None,
            )
        )
    placed = {item.name for item in items}
    items += _failed(description, placed)
    metric = description.get("metric")
    return EvalScene(
        name,
        source,
        tuple(items),
        camera=_camera(description, found, source),
        metric=metric if isinstance(metric, bool) else None,
        floor=_floor_height(description),
        glb=glb,
        relations=_relations(description),
        planes=_planes(description),
    )


def _failed(description: Mapping[str, Any], placed: set[str]) -> list[Item]:
    return [
        Item(
            int(e["id"]),
            f"{e.get('label', 'object')}_{e['id']}",
            str(e.get("label", "")),
            failure=str(e.get("failure") or "not in the scene"),
        )
        for e in description.get("objects", ())
        if "id" in e and e.get("node") not in placed
    ]


def _camera(description: Mapping[str, Any], found: GlbScene | None, source: str) -> Camera | None:
    if "world_from_camera" in description and "intrinsics" in description:
        try:
            return Camera(
                Sim3.from_matrix(np.asarray(description["world_from_camera"], np.float64)),
                np.asarray(description["intrinsics"], np.float64).reshape(3, 3),
                int(description["width"]),
                int(description["height"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise BadInput(f"{source}: the camera in scene.json is damaged: {error}") from None
    if found is not None and found.camera is not None:
        c = found.camera
        return Camera(c.scene_from_camera, c.intrinsics, c.width, c.height)
    return None


def _floor_height(description: Mapping[str, Any]) -> float | None:
    plane = (description.get("floor") or {}).get("world")
    if not plane or abs(float(plane[1])) < 0.5:
        return None
    return -float(plane[3]) / float(plane[1])


def _planes(description: Mapping[str, Any]) -> tuple[Plane, ...]:
    """Walls and ceiling, as (4,) n.p + d = 0 in the world."""
    found = []
    for entry in description.get("planes", ()):
        plane = np.asarray(entry["world"], np.float64)
        if entry["name"].startswith(("wall", "ceiling")) and np.isfinite(plane).all():
            found.append(Plane(str(entry["name"]), plane[:3], float(plane[3])))
    return tuple(found)


def _relations(description: Mapping[str, Any]) -> tuple[tuple[int, str, int | str], ...] | None:
    if "relations" not in description:
        return None
    return tuple(
        (r["subject"], str(r["type"]), r["object"])
        for r in description["relations"]
        if "subject" in r and "object" in r and "type" in r
    )


def _from_poses(path: Path, description: Mapping[str, Any], name: str) -> EvalScene:
    """Poses in a JSON file, meshes in ``objects/``."""
    world = _world(path, description)
    labels = _labels(path)
    items = []
    for entry in description.get("objects", ()):
        where = f"{path / name}, object {entry.get('id')}"
        if "id" not in entry:
            raise BadInput(f"{path / name}: each object needs an id")
        i = int(entry["id"])
        label = str(entry.get("label") or labels.get(i, ""))
        title = str(entry.get("node") or f"{label or 'object'}_{i}")
        mesh = path / f"objects/{i}/mesh.glb"
        if entry.get("camera_from_object") is None or not mesh.is_file():
            why = str(entry.get("failure") or ("no mesh.glb" if not mesh.is_file() else "no pose"))
            items.append(Item(i, title, label, failure=why))
            continue
        data, pose = _posed(mesh, entry["camera_from_object"], where)
        carrier = entry.get("supported_by")
        items.append(Item(i, title, label, data, world @ pose, supported_by=carrier))
    if not items:
        raise BadInput(f"{path / name} names no objects, so there is nothing to compare")
    metric = description.get("metric")
    return EvalScene(
        path.name,
        str(path),
        tuple(items),
        camera=_camera(description, None, str(path)) or _folder_camera(path, world),
        metric=metric if isinstance(metric, bool) else _folder_metric(path),
        floor=_floor_height(description) if "floor" in description else _folder_floor(path, world),
        relations=_relations(description),
    )


def _from_answer(path: Path) -> EvalScene:
    """``truth.json`` as the benchmarks write it: poses, and true meshes in ``truth/`` or
    ``objects/``."""
    facts = _json(path / "truth.json")
    up = np.asarray(facts.get("up", CAMERA_UP), np.float64)
    floor = facts.get("floor")
    world = world_from_camera(up, None if floor is None else np.asarray(floor, np.float64))
    items = []
    for entry in facts.get("objects", ()):
        where = f"{path / 'truth.json'}, object {entry.get('id')}"
        i = int(entry["id"])
        label = str(entry.get("label") or entry.get("model") or "")
        files = (path / f"truth/{i}.glb", path / f"objects/{i}/mesh.glb")
        mesh = next((f for f in files if f.is_file()), None)
        if mesh is None:
            raise BadInput(f"{where}: there is neither truth/{i}.glb nor objects/{i}/mesh.glb")
        data, pose = _posed(mesh, entry.get("camera_from_object"), where)
        carrier = entry.get("supported_by")
        items.append(Item(i, f"{label or 'object'}_{i}", label, data, world @ pose, "", carrier))
    if not items:
        raise BadInput(f"{path / 'truth.json'} names no objects, so there is nothing to compare")
    metric = facts.get("metric", None if _answers(path) else _folder_metric(path))
    return EvalScene(
        path.name,
        str(path),
        tuple(items),
        camera=_folder_camera(path, world),
        metric=metric if isinstance(metric, bool) else None,
        floor=0.0 if floor is not None else None,
        up_known="up" in facts,
    )


def _posed(path: Path, matrix: Any, where: str) -> tuple[MeshData, Sim3]:
    """A mesh file and the pose of its points; what the matrix stretches is the mesh's."""
    data = read_mesh(load_mesh_file(path, unit="unknown"))
    try:
        pose, stretch = pose_and_stretch(np.asarray(matrix, np.float64))
    except (TypeError, ValueError) as error:
        raise BadInput(f"{where}, camera_from_object: {error}") from None
    return (data if stretch is None else data.moved(np.diag([*stretch, 1.0]))), pose


def _pose(matrix: Any, where: str) -> Sim3:
    try:
        return Sim3.from_matrix(np.asarray(matrix, np.float64))
    except (TypeError, ValueError) as error:
        raise BadInput(f"{where}, camera_from_object: {error}") from None


def _labels(path: Path) -> dict[int, str]:
    if not (path / "objects.json").is_file():
        return {}
    try:
        entries = json.loads((path / "objects.json").read_text(encoding="utf-8-sig"))
        return {int(e["id"]): str(e.get("label", "")) for e in entries}
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path / 'objects.json'} cannot be read: {error}") from None


def _arrays(path: Path) -> dict[str, np.ndarray]:
    file = path / "geometry.npz"
    if not file.is_file():
        return {}
    try:
        with np.load(file, allow_pickle=False) as archive:
            names = ("up", "floor", "intrinsics", "metric")
            found = {n: archive[n] for n in names if n in archive.files}
            if "points" in archive.files:
                found["size"] = np.array(archive["points"].shape[:2])
            return found
    except (OSError, ValueError) as error:
        raise BadInput(f"{file} is not a readable .npz: {error}") from None


def _world(path: Path, description: Mapping[str, Any]) -> Sim3:
    if "world_from_camera" in description:
        return _pose(description["world_from_camera"], f"{path}, world_from_camera")
    known = _arrays(path)
    return world_from_camera(known.get("up", CAMERA_UP), known.get("floor"))


def _folder_camera(path: Path, world: Sim3) -> Camera | None:
    known = _arrays(path)
    if "intrinsics" not in known or "size" not in known:
        return None
    height, width = (int(v) for v in known["size"])
    return Camera(world, known["intrinsics"].astype(np.float64), width, height)


def _folder_metric(path: Path) -> bool | None:
    known = _arrays(path)
    return bool(known["metric"]) if "metric" in known else None


def _folder_floor(path: Path, world: Sim3) -> float | None:
    return 0.0 if "floor" in _arrays(path) else None


# --- what lies beside the scene ---------------------------------------------------------------


def _with_photo(
    scene: EvalScene, objects: Objects, geometry: Geometry | None, answers_beside: bool = False
) -> EvalScene:
    """The scene with photo, masks, and the depth that its folder holds."""
    photo = objects.photo
    masks = {o.id: o.mask for o in objects.objects if o.mask is not None}
    depth = None if geometry is None or answers_beside else geometry.depth
    return replace(scene, photo=photo.rgb, masks=masks, depth=depth)
