"""The run folder: one layout for results on disk, resume, hand edits and the command line.

Before a file is written its hash goes into ``.written`` (the format of ``sha256sum``, appended
only, so a run killed at any moment leaves it true). A file whose hash is not there is the
user's own: it is read as given and never overwritten.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import zipfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from .compose.edits import Edits, parse_edits
from .errors import BadInput, StorageError
from .files import write_atomically
from .mesh_files import load_mesh_file
from .pictures import load_mask, load_photo, open_picture, png_bytes
from .records import (
    NO_POSE,
    mask_box,
    object_from_json,
    object_json,
    placement_from_json,
    placements_json,
)
from .types import (
    Geometry,
    Mesh,
    MeshEntry,
    Meshes,
    Objects,
    Photo,
    Placements,
    Scene,
    SceneObject,
    View,
    Views,
)

JOURNAL = ".written"

POSES = "poses.json"
"""Poses that Register is to start from or to keep; only ever written by the user."""

EDITS = "edits.json"
"""What the user set of the scene; read by Compose."""

RESULTS = ("scene.glb", "scene.json", "report.html", "run.json")
"""What remains of a run whose intermediate files are not wanted."""

EXPORTED = ("scene.usdc", "scene.usdz", "textures/*", "export/**/*")
"""What ``cast export`` makes of the scene."""


class RunFolder:
    """One photo's folder.

    Args:
        path: made on the first write.

    Raises:
        BadInput: ``run.json`` is there but cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run: dict[str, Any] = {}
        if (path / "run.json").is_file():
            self.run = self._json("run.json", dict)
        self._written = _read_journal(path / JOURNAL)
        self._users: dict[str, bool] = {}

    # Bytes.

    def has(self, name: str) -> bool:
        return (self.path / name).is_file()

    def is_users(self, name: str) -> bool:
        """There is such a file, and it is not as this program left it."""
        if name not in self._users:
            self._users[name] = self.has(name) and (
                (_sha256((self.path / name).read_bytes()), name) not in self._written
            )
        return self._users[name]

    def write(self, name: str, data: bytes) -> None:
        """Writes a result whole, unless the file is the user's own.

        Raises:
            StorageError: the disk or the folder does not take it.
        """
        if not self.is_users(name):
            self._put(name, data)

    def _put(self, name: str, data: bytes) -> None:
        target = self.path / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            self._note(name, _sha256(data))
            write_atomically(target, data)
        except OSError as error:
            raise StorageError(f"{target} cannot be written: {error.strerror or error}") from None

    def _note(self, name: str, digest: str) -> None:
        if (digest, name) not in self._written:
            with (self.path / JOURNAL).open("a", encoding="utf-8") as journal:
                journal.write(f"{digest}  {name}\n")
            self._written.add((digest, name))

    def remove(self, name: str) -> None:
        """Removes a result of an earlier run that no longer holds; the user's own stays."""
        if self.has(name) and not self.is_users(name):
            (self.path / name).unlink()

    def keep_only(self, names: Collection[str]) -> None:
        """Removes what this program wrote but these files; the user's own stay."""
        for path in sorted(self.path.rglob("*"), reverse=True):
            name = path.relative_to(self.path).as_posix()
            if path.is_dir():
                with contextlib.suppress(OSError):
                    path.rmdir()  # only when it is empty
            elif name not in names and name != JOURNAL:
                self.remove(name)

    def disown(self) -> None:
        """Takes all files for this program's own, so that they may be replaced (``--force``)."""
        for path in self.path.rglob("*"):
            if path.is_file() and path.name != JOURNAL:
                name = path.relative_to(self.path).as_posix()
                self._note(name, _sha256(path.read_bytes()))
                self._users[name] = False
        self.run = {}

    def take_back(self, names: Iterable[str]) -> None:
        """Takes these files for this program's own, so that they may be replaced."""
        for name in names:
            if self.is_users(name):
                self._note(name, _sha256((self.path / name).read_bytes()))
                self._users[name] = False

    def write_run(self, facts: Mapping[str, Any]) -> None:
        """``run.json``: settings, versions, timings, costs; never a key."""
        self.run = dict(facts)
        self._put("run.json", json.dumps(self.run, indent=1, ensure_ascii=False).encode())

    def _json(self, name: str, kind: type) -> Any:
        path = self.path / name
        if not path.is_file():
            raise BadInput(f"{path} is missing; run the stage that makes it first, or put it there")
        try:
            value = json.loads(path.read_text(encoding="utf-8-sig"))
        except UnicodeDecodeError:
            raise BadInput(f"{path} is not UTF-8 text") from None
        except json.JSONDecodeError as error:
            raise BadInput(f"{path} is not valid JSON: {error}") from None
        if not isinstance(value, kind):
            raise BadInput(f"{path} must hold a JSON {'list' if kind is list else 'object'}")
        return value

    def _write_json(self, name: str, value: Any) -> None:
        self.write(name, json.dumps(value, indent=1, ensure_ascii=False).encode())

    # The photo.

    def read_photo(self) -> Photo:
        """``image.png``, named after the folder; the focal length found at import is kept."""
        if not self.has("image.png"):
            raise BadInput(f"{self.path} has no image.png, so it is not a run folder")
        photo = load_photo(self.path / "image.png")
        focal = None if self.is_users("image.png") else self.run.get("focal_px")
        focal = float(focal) if isinstance(focal, (int, float)) else photo.focal_px
        return replace(photo, name=self.path.name, focal_px=focal)

    def write_photo(self, photo: Photo) -> None:
        self.write("image.png", png_bytes(photo.rgb))

    # Objects.

    def write_objects(self, objects: Objects) -> None:
        if not self.is_users("objects.json"):
            self._write_json("objects.json", [object_json(o) for o in objects.objects])
        self._remove_objects_but({str(item.id) for item in objects.objects})
        for item in objects.objects:
            if item.mask is not None:
                self.write(f"objects/{item.id}/mask.png", png_bytes(item.mask))

    def _remove_objects_but(self, ids: set[str]) -> None:
        """Clears what earlier runs left of objects that are no more; the user's files stay."""
        for path in (self.path / "objects").glob("*/**/*"):
            name = path.relative_to(self.path)
            if path.is_file() and name.parts[1] not in ids:
                self.remove(name.as_posix())

    def read_objects(self, photo: Photo) -> Objects:
        """The objects with their masks where there are any.

        Raises:
            BadInput: a missing or broken file; the message names file and field.
        """
        entries = self._json("objects.json", list)
        path = self.path / "objects.json"
        objects, seen = [], set()
        for index, entry in enumerate(entries):
            item = object_from_json(entry, f"{path}, entry {index}")
            if item.id in seen:
                raise BadInput(f"{path}: two objects have the id {item.id}")
            seen.add(item.id)
            objects.append(self._with_mask(item, photo))
        return Objects(photo, tuple(objects), "run folder")

    def _with_mask(self, item: SceneObject, photo: Photo) -> SceneObject:
        name = f"objects/{item.id}/mask.png"
        if not self.has(name):
            return item
        mask = load_mask(self.path / name, photo.height, photo.width)
        sure = None if self.is_users(name) else item.mask_confidence
        return replace(item, mask=mask, bbox=mask_box(mask) or item.bbox, mask_confidence=sure)

    def user_masks(self, objects: Objects) -> Objects:
        """The same objects, with the masks that the user replaced by hand."""
        edited = [o for o in objects.objects if self.is_users(f"objects/{o.id}/mask.png")]
        return objects.replaced(*(self._with_mask(o, objects.photo) for o in edited))

    def filtered_by_hand(self) -> bool:
        """The user's own objects.json says what to keep."""
        if not self.is_users("objects.json"):
            return False
        return any(isinstance(e, dict) and "keep" in e for e in self._json("objects.json", list))

    # Geometry.

    def write_geometry(self, geometry: Geometry) -> None:
        arrays: dict[str, Any] = {
            "points": geometry.points.astype(np.float32),
            "intrinsics": geometry.intrinsics,
            "metric": np.array(geometry.metric),
            "approximate": np.array(geometry.approximate),
            "source": np.array(geometry.source),
            "notes": np.array(geometry.notes, dtype=np.str_),
            "walls": geometry.walls,
        }
        for name in ("normals", "up", "floor", "ceiling"):
            if (value := getattr(geometry, name)) is not None:
                arrays[name] = value
        out = io.BytesIO()
        np.savez_compressed(out, **arrays)
        self.write("geometry.npz", out.getvalue())

    def read_geometry(self, photo: Photo) -> Geometry:
        """``geometry.npz``; ``points`` and ``intrinsics`` are enough.

        Raises:
            BadInput: missing, broken, or of another size than the photo.
        """
        path = self.path / "geometry.npz"
        if not path.is_file():
            raise BadInput(f"{path} is missing; run the depth stage first, or put it there")
        try:
            with np.load(path, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
        except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
            raise BadInput(f"{path} is not a readable .npz: {error}") from None
        for name in ("points", "intrinsics"):
            if name not in arrays:
                raise BadInput(f"{path} has no array {name!r}; it has {sorted(arrays)}")
        points, size = arrays["points"], (photo.height, photo.width, 3)
        if points.shape != size:
            raise BadInput(f"{path}: points have shape {points.shape}, the photo needs {size}")
        if arrays["intrinsics"].shape != (3, 3) or not np.isfinite(arrays["intrinsics"]).all():
            raise BadInput(f"{path}: intrinsics must be a finite 3x3 matrix in pixels")
        shapes = {"up": (3,), "floor": (4,), "ceiling": (4,), "normals": size}
        for name, shape in shapes.items():
            if name in arrays and arrays[name].shape != shape:
                raise BadInput(f"{path}: {name} has shape {arrays[name].shape}, not {shape}")
        points = np.where(np.isfinite(points).all(-1, keepdims=True), points, np.nan)
        return Geometry(
            points=points.astype(np.float32),
            intrinsics=arrays["intrinsics"].astype(np.float64),
            metric=bool(arrays.get("metric", False)),
            source=str(arrays.get("source", "file")),
            approximate=bool(arrays.get("approximate", False)),
            normals=arrays.get("normals"),
            up=arrays.get("up"),
            floor=arrays.get("floor"),
            walls=arrays.get("walls", np.zeros((0, 4))).reshape(-1, 4),
            ceiling=arrays.get("ceiling"),
            notes=tuple(str(n) for n in arrays.get("notes", ())),
        )

    # Views.

    def write_views(self, views: Views) -> None:
        for view in views.views:
            name = f"objects/{view.id}/view.png"
            self.write(name, png_bytes(view.rgba))
            facts = {"box": list(view.box), "failure": view.failure}
            self._write_json(f"objects/{view.id}/view.json", facts)
        if views.background is not None:
            self.write("background.png", png_bytes(views.background))

    def read_views(self, objects: Objects, only_users: bool = False) -> Views:
        """Views of the kept objects as far as there are files, and the clean plate."""
        found = []
        for item in objects.kept:
            name = f"objects/{item.id}/view.png"
            if self.has(name) and (self.is_users(name) or not only_users):
                found.append(self._read_view(item, objects.photo))
        plate = None
        if self.has("background.png") and (self.is_users("background.png") or not only_users):
            plate = self._read_plate(objects.photo)
        return Views(tuple(found), plate, "run folder")

    def _read_view(self, item: SceneObject, photo: Photo) -> View:
        rgba = np.asarray(open_picture(self.path / f"objects/{item.id}/view.png").convert("RGBA"))
        facts: dict[str, Any] = {}
        if self.has(f"objects/{item.id}/view.json"):
            facts = self._json(f"objects/{item.id}/view.json", dict)
        box = facts.get("box") or item.bbox
        box = (float(box[0]), float(box[1]), float(box[2]), float(box[3]))
        crop = _crop(photo.rgb, item.mask, box, rgba.shape[0], rgba.shape[1])
        return View(item.id, rgba, crop, box, str(facts.get("failure", "")))

    def _read_plate(self, photo: Photo) -> np.ndarray:
        path = self.path / "background.png"
        image = open_picture(path).convert("RGB")
        if image.size != (photo.width, photo.height):
            raise BadInput(
                f"{path} is {image.width}x{image.height} pixels, "
                f"its photo is {photo.width}x{photo.height}"
            )
        return np.asarray(image)

    # Meshes. ``mesh.glb`` is the one that is placed; candidates lie beside it.

    def write_meshes(self, meshes: Meshes, placements: Placements | None = None) -> None:
        """All candidates, and as ``mesh.glb`` the chosen one (the first before Register)."""
        for entry in meshes.entries:
            base = f"objects/{entry.id}"
            placement = placements.get(entry.id) if placements else None
            chosen = placement.candidate if placement else 0
            facts = {
                "failure": entry.failure,
                "candidates": [
                    {
                        "name": m.name,
                        "source": m.source,
                        "metric": m.metric,
                        "upright": m.upright,
                        "view_aligned": m.view_aligned,
                        "faces_viewer": m.faces_viewer,
                    }
                    for m in entry.candidates
                ],
            }
            self._write_json(f"{base}/mesh.json", facts)
            if not entry.candidates:
                self.remove(f"{base}/mesh.glb")
            elif self.is_users(f"{base}/mesh.glb"):
                continue
            else:
                # A pose of the user's may be for a candidate that is no more; Compose tells so.
                chosen = chosen if chosen < len(entry.candidates) else 0
                self.write(f"{base}/mesh.glb", entry.candidates[chosen].glb)
            for index, mesh in enumerate(entry.candidates):
                if len(entry.candidates) > 1:
                    self.write(f"{base}/candidates/{index}.glb", mesh.glb)

    def read_meshes(self, objects: Objects, only_users: bool = False) -> Meshes:
        """Meshes of the kept objects; a ``mesh.glb`` of the user's own is the only candidate."""
        entries = []
        for item in objects.kept:
            base = f"objects/{item.id}"
            users = self.is_users(f"{base}/mesh.glb")
            if only_users and not users:
                continue
            facts = self._json(f"{base}/mesh.json", dict) if self.has(f"{base}/mesh.json") else {}
            known = facts.get("candidates", []) if isinstance(facts, dict) else []
            several = [f"{base}/candidates/{i}.glb" for i in range(len(known))]
            if not users and len(known) > 1 and all(self.has(n) for n in several):
                candidates = tuple(
                    self._read_mesh(n, f) for n, f in zip(several, known, strict=True)
                )
            elif self.has(f"{base}/mesh.glb"):
                own = {} if users or not known else known[0]
                candidates = (self._read_mesh(f"{base}/mesh.glb", own),)
            else:
                failure = str(facts.get("failure") or f"{self.path / base}/mesh.glb is missing")
                entries.append(MeshEntry(item.id, (), failure))
                continue
            entries.append(MeshEntry(item.id, candidates))
        return Meshes(tuple(entries), "run folder")

    def _read_mesh(self, name: str, facts: Mapping[str, Any]) -> Mesh:
        mesh = load_mesh_file(self.path / name)
        return replace(
            mesh,
            name=str(facts.get("name", mesh.name)),
            source=str(facts.get("source", "run folder")),
            metric=bool(facts.get("metric", False)),
            upright=bool(facts.get("upright", True)),
            view_aligned=bool(facts.get("view_aligned", False)),
            faces_viewer=bool(facts.get("faces_viewer", False)),
        )

    # Placements.

    def write_placements(self, placements: Placements) -> None:
        self._write_json("placements.json", placements_json(placements))

    def read_placements(self) -> Placements:
        """``placements.json``; id and camera_from_object are enough.

        Raises:
            BadInput: missing or broken; the message names the object.
        """
        return self._placements("placements.json")

    def read_given(self) -> Placements | None:
        """``poses.json``: poses of the user's own for Register; None when there is no such file.

        It is laid out as ``placements.json`` (a copy will do); id and camera_from_object are
        enough, and ``"locked": true`` keeps a pose as it is.

        Raises:
            BadInput: broken, two entries for an object, or one with neither pose nor failure.
        """
        if not self.has(POSES):
            return None
        given, seen = self._placements(POSES), set()
        for placement in given.placements:
            where = f"{self.path / POSES}, object {placement.id}"
            if placement.id in seen:
                raise BadInput(f"{where}: it is there twice; give each object one pose")
            without = placement.camera_from_object is None
            if without and (placement.locked or placement.failure == NO_POSE):
                raise BadInput(f"{where} has no camera_from_object; give it a 4x4 matrix")
            seen.add(placement.id)
        return given

    def _placements(self, name: str) -> Placements:
        path = self.path / name
        entries = self._json(name, dict).get("objects")
        if not isinstance(entries, list):
            raise BadInput(f"{path} must hold a list under 'objects'")
        return Placements(tuple(placement_from_json(e, path) for e in entries), "run folder")

    # The scene.

    def read_edits(self) -> Edits:
        """``edits.json``: what the user set of the scene (:mod:`.compose.edits`); none without it.

        Raises:
            BadInput: broken; the message names the file, the object and the field.
        """
        path = self.path / EDITS
        if not path.is_file():
            return Edits()
        try:
            return parse_edits(path.read_text(encoding="utf-8-sig"), str(path))
        except UnicodeDecodeError:
            raise BadInput(f"{path} is not UTF-8 text") from None

    def write_edits(self, scene: Scene) -> None:
        """``edits.json`` of a scene that was made with edits."""
        if scene.edits:
            self.write(EDITS, scene.edits.encode())
        else:
            self.remove(EDITS)

    def write_scene(self, scene: Scene, report: str) -> None:
        if scene.background_glb:
            self.write("background.glb", scene.background_glb)
        self.write_scene_files(scene)
        self.write("report.html", report.encode())

    def write_scene_files(self, scene: Scene) -> None:
        """``scene.json`` and ``scene.glb`` alone; exports of another scene go, the user's stay."""
        changed = self.has("scene.glb") and (self.path / "scene.glb").read_bytes() != scene.glb
        if changed and not self.is_users("scene.glb"):
            for pattern in EXPORTED:
                for path in self.path.glob(pattern):
                    if path.is_file():
                        self.remove(path.relative_to(self.path).as_posix())
        self._write_json("scene.json", scene.description)
        self.write("scene.glb", scene.glb)


def _read_journal(path: Path) -> set[tuple[str, str]]:
    """(hash, name) of everything ever written here; a torn last line is ignored."""
    if not path.is_file():
        return set()
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return {(line[:64], line[66:]) for line in lines if line[64:66] == "  "}


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _crop(
    rgb: np.ndarray, mask: np.ndarray | None, box: Sequence[float], height: int, width: int
) -> np.ndarray:
    """(height, width, 4) uint8: the photo's part of a view, alpha = visible mask."""
    alpha = np.full(rgb.shape[:2], 255, np.uint8) if mask is None else mask.astype(np.uint8) * 255
    rgba = Image.fromarray(np.dstack([rgb, alpha]))
    whole = (round(box[0]), round(box[1]), round(box[2]), round(box[3]))
    cut = rgba.crop(whole)  # outside the photo: transparent black
    return np.asarray(cut.resize((width, height), Image.Resampling.BILINEAR))
