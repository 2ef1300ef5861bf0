"""FILE_3D and its kinds of ComfyUI core: a model file on disk or in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import BadInput, CastError
from ..mesh_files import MAX_FILE_BYTES, SUFFIXES, Fetch, folder_fetch, glb_of_file, read_file
from ..types import Mesh
from .came_meshes import Came, CameMeshOptions, came


def mesh_of_file(file: Any, options: CameMeshOptions, number: int = 0) -> Came:
    """A File3D as a mesh; one that cannot be read is a failure of its own.

    A GLB keeps its bytes, so all of its materials survive; glTF, OBJ, PLY and STL become one.
    Pictures beside a glTF or OBJ are read when the file lies on disk.

    Raises:
        BadInput: no File3D, or of a kind that is no triangle mesh.
    """
    if not hasattr(file, "get_bytes"):
        raise BadInput(f"file: {type(file).__name__} is no 3D file")
    source = file.get_source() if getattr(file, "is_disk_backed", False) else None
    path = Path(source) if isinstance(source, (str, Path)) else None
    kind = "." + (str(getattr(file, "format", "")) or "glb").lower().lstrip(".")
    if kind not in SUFFIXES:
        raise BadInput(
            f"file: {path.name if path else f'item {number}'} is {kind[1:].upper()}, which is not "
            f"read; use one of {', '.join(s[1:].upper() for s in SUFFIXES)}"
        )
    return came(lambda: _mesh(file, path, kind, options, number))


def _mesh(file: Any, path: Path | None, kind: str, options: CameMeshOptions, number: int) -> Mesh:
    name = path.name if path is not None else f"mesh {number}{kind}"
    fetch: Fetch = _nothing_beside if path is None else folder_fetch(path.parent)
    if path is not None:
        data = read_file(path)
    else:
        data = file.get_bytes()
        if not data:
            raise CastError(f"{name} is empty; its generator made no file")
        if len(data) > MAX_FILE_BYTES:
            raise CastError(
                f"{name} has {len(data) / 2**20:.0f} MB, the limit is {MAX_FILE_BYTES / 2**20:.0f}"
            )
    glb = glb_of_file(data, kind, fetch, name, options.matrix())
    return options.mesh(glb, Path(name).stem, "FILE_3D")


def _nothing_beside(name: str) -> bytes:
    raise CastError(f"{name!r} is not there: the model came without its folder; use a GLB")
