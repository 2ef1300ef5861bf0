"""The user's own models: folders of model files and Sweet Home 3D catalogues."""

from __future__ import annotations

import json
import os
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..content import content_key
from ..errors import BadInput, CastError
from ..mesh_data import make_glb
from ..mesh_files import (
    MAX_FILE_BYTES,
    SUFFIXES,
    Unit,
    check_size,
    inner_path,
    load_mesh_file,
    parse_with_trimesh,
    read_file,
)
from ..types import Mesh

MAX_MODELS = 20_000
MAX_MEMBER_BYTES = 80 << 20
CATALOGUE = "PluginFurnitureCatalog.properties"


@dataclass(frozen=True, eq=False)
class OwnModel:
    """One model that can be loaded when it is wanted.

    Attributes:
        names: what it is called, best first.
        key: changes when its file changes.
        load: gives the mesh; raises :class:`CastError` naming the file.
    """

    names: tuple[str, ...]
    key: str
    load: Callable[[], Mesh]


def split_paths(text: str) -> list[Path]:
    """The paths of an option: separated by the system's path separator, ``~`` expanded."""
    return [Path(p.strip()).expanduser() for p in text.split(os.pathsep) if p.strip()]


def fingerprint(text: str) -> str:
    """Changes when a file below the paths is added, removed or changed; "" for no paths."""
    found = []
    for path in split_paths(text):
        files = _model_files(path) if path.is_dir() else [path]
        for file in files:
            try:
                stat = file.stat()
            except OSError:
                continue
            found.append((str(file), stat.st_size, stat.st_mtime_ns))
    return content_key(found) if found else ""


def own_models(text: str, unit: Unit) -> tuple[OwnModel, ...]:
    """All models below the paths of an option.

    Raises:
        BadInput: a path that does not exist, is of no known kind, or holds no model.
    """
    return _own_models(text, unit, fingerprint(text))


@lru_cache(maxsize=8)
def _own_models(text: str, unit: Unit, state: str) -> tuple[OwnModel, ...]:
    out: list[OwnModel] = []
    for path in split_paths(text):
        if path.is_dir():
            found = _folder(path, unit)
        elif path.suffix.lower() == ".sh3f":
            found = _catalogue(path)
        elif path.suffix.lower() in SUFFIXES and path.is_file():
            found = [_file(path, unit, ())]
        elif path.exists():
            raise BadInput(f"path: {path} is neither a folder, a .sh3f catalogue nor a model file")
        else:
            raise BadInput(
                f"path: {path} does not exist; give the folder or .sh3f file of your models"
            )
        if not found:
            kinds = ", ".join((*SUFFIXES, ".sh3f"))
            raise BadInput(f"path: {path} holds no model ({kinds})")
        out += found
    return tuple(out[:MAX_MODELS])


def _model_files(folder: Path) -> list[Path]:
    """Model files and catalogues in a folder and below, and its manifest; bounded, sorted."""
    kinds = (*SUFFIXES, ".sh3f")
    out: list[Path] = []
    for root, folders, files in os.walk(folder):
        folders.sort()
        out += [
            Path(root) / f
            for f in sorted(files)
            if f.lower().endswith(kinds) or f == "manifest.json"
        ]
        if len(out) > MAX_MODELS:
            break
    return out[:MAX_MODELS]


def label_from_name(stem: str) -> str:
    """ "oak_chair_026" → "oak chair"."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", stem)
    return " ".join(re.findall(r"[A-Za-zÀ-ÿ]+", spaced)).lower() or stem.lower()


def _folder(folder: Path, unit: Unit) -> list[OwnModel]:
    labels = _manifest(folder / "manifest.json")
    out: list[OwnModel] = []
    for path in _model_files(folder):
        if path.suffix.lower() == ".sh3f":
            out += _catalogue(path)
        elif path.name != "manifest.json":
            out.append(_file(path, unit, labels.get(path.relative_to(folder).as_posix(), ())))
    return out


def _manifest(path: Path) -> dict[str, tuple[str, ...]]:
    """File names to labels from a manifest: a list of {"file", "label", "category"}."""
    if not path.is_file():
        return {}
    try:
        entries = json.loads(read_file(path))
        return {
            str(e["file"]): tuple(str(e[k]) for k in ("label", "category") if e.get(k))
            for e in entries
        }
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(
            f'path: {path} cannot be read; it is a list of {{"file": …, "label": …}}'
        ) from error


def _file(path: Path, unit: Unit, labels: tuple[str, ...]) -> OwnModel:
    try:
        stat = path.stat()
        state = (stat.st_size, stat.st_mtime_ns)
    except OSError:
        state = (0, 0)
    names = (*labels[:1], label_from_name(path.stem))
    return OwnModel(names, content_key(str(path), state, unit), lambda: load_mesh_file(path, unit))


# --- Sweet Home 3D ---------------------------------------------------------------------------


def read_properties(text: str) -> dict[str, str]:
    """Java properties: ``key=value``, continued lines, ``\\uXXXX``."""
    text = re.sub(r"\\\r?\n[ \t]*", "", text)
    out = {}
    for line in text.splitlines():
        line = line.strip()
        if not line or line[0] in "#!":
            continue
        match = re.match(r"((?:\\.|[^=:\s\\])+)\s*[=:]?\s*(.*)", line)
        if match:
            key, value = (_unescaped(g) for g in match.groups())
            out[key] = value
    return out


def _unescaped(text: str) -> str:
    text = re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), text)
    return re.sub(r"\\(.)", r"\1", text)


def _catalogue(path: Path) -> list[OwnModel]:
    """The movable things of a ``.sh3f`` file: names, sizes in cm, OBJ models."""
    try:
        with zipfile.ZipFile(path) as archive:
            text = _member(archive, CATALOGUE, path.name)
        stat = path.stat()
    except (OSError, zipfile.BadZipFile, CastError) as error:
        raise BadInput(f"path: {path} is not a Sweet Home 3D catalogue ({error})") from error
    try:
        entries = read_properties(text.decode("utf-8"))
    except UnicodeDecodeError:
        entries = read_properties(text.decode("latin-1"))
    out = []
    numbers = [m[1] for k in entries if (m := re.fullmatch(r"name#(\d+)", k))]
    for number in numbers[:MAX_MODELS]:
        entry = {k.split("#")[0]: v for k, v in entries.items() if k.endswith(f"#{number}")}
        if entry.get("doorOrWindow", "false").lower() == "true" or "model" not in entry:
            continue
        member = inner_path(entry["model"].lstrip("/"))
        if member is None or member.suffix.lower() != ".obj":
            continue
        try:
            size = tuple(float(entry[k]) / 100 for k in ("width", "height", "depth"))
            turn = np.array(
                [float(v) for v in entry.get("modelRotation", "1 0 0 0 1 0 0 0 1").split()]
            )
            turn = turn.reshape(3, 3)
        except (KeyError, ValueError):
            continue
        if not (np.isfinite(size).all() and min(size) > 0 and np.isfinite(turn).all()):
            continue
        file_label = label_from_name(member.stem)
        names = tuple(dict.fromkeys((entry["name"].lower(), file_label)))
        key = content_key(str(path), stat.st_size, stat.st_mtime_ns, number)
        out.append(OwnModel(names, key, _loader(path, str(member), entry["name"], size, turn)))
    return out


def _loader(
    path: Path, member: str, name: str, size: tuple[float, ...], turn: np.ndarray
) -> Callable[[], Mesh]:
    def load() -> Mesh:
        where = f"{path.name}: {member}"
        folder = member.rsplit("/", 1)[0] + "/" if "/" in member else ""
        try:
            with zipfile.ZipFile(path) as archive:

                def fetch(inner: str) -> bytes:
                    safe = inner_path(inner)
                    if safe is None:
                        raise CastError(f"{inner!r} lies outside the model's folder")
                    return _member(archive, folder + str(safe), path.name)

                data = parse_with_trimesh(_member(archive, member, path.name), "obj", fetch, where)
        except (OSError, zipfile.BadZipFile) as error:
            raise CastError(f"{where} cannot be read ({error})") from error
        check_size(data, where)
        matrix = np.eye(4)
        matrix[:3, :3] = turn
        data = data.moved(matrix)
        low, high = data.bounds
        factor = np.asarray(size) / np.maximum(high - low, 1e-9)
        matrix = np.diag([*factor, 1.0])
        matrix[:3, 3] = -factor * [(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2]
        return Mesh(make_glb(data.moved(matrix), name), name, path.name, metric=True)

    return load


def _member(archive: zipfile.ZipFile, name: str, where: str) -> bytes:
    """A member's bytes, never more than it may have, whatever its header says.

    Raises:
        CastError: absent, too large, encrypted or damaged.
    """
    try:
        if archive.getinfo(name).file_size > MAX_MEMBER_BYTES:
            raise CastError(f"{where}: {name} is larger than {MAX_MEMBER_BYTES >> 20} MB")
        with archive.open(name) as file:
            data = file.read(MAX_MEMBER_BYTES + 1)
    except KeyError as error:
        raise CastError(f"{where} holds no {name}") from error
    except (RuntimeError, zipfile.BadZipFile, EOFError, NotImplementedError, OSError) as error:
        raise CastError(f"{where}: {name} cannot be read ({error})") from error
    if len(data) > min(MAX_MEMBER_BYTES, MAX_FILE_BYTES):
        raise CastError(f"{where}: {name} is larger than {MAX_MEMBER_BYTES >> 20} MB")
    return data
