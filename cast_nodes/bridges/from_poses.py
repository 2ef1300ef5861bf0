"""Poses that other systems found, as JSON text, as placements for Register to start from or keep.

An object's entry holds a 4x4 matrix (``camera_from_object``, ``matrix`` or ``pose``) or ``scale``,
``rotation`` (a quaternion or a 3x3 matrix) and ``translation``, and maybe its ``id``, ``candidate``
and ``locked``. Lengths are those of the geometry it goes with.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..backends import Options, option
from ..errors import BadInput
from ..frames import CAMERA_FROM_GLTF_CAMERA, Sim3
from ..stretched import Stretch, pose_and_stretch
from ..types import Objects, Placement, Placements
from .joining import joined_ids

MATRICES = ("camera_from_object", "matrix", "pose")

_CAMERA = {
    "OpenCV": np.eye(3),
    "glTF": CAMERA_FROM_GLTF_CAMERA,
    "PyTorch3D": np.diag([-1.0, -1.0, 1.0]),  # x left, y up, z forward
}
"""(3, 3) our camera frame from the poses'."""

_MESH = {"y": np.eye(3), "z": np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]], np.float64)}
"""(3, 3) the poses' object frame from the mesh's own, which is y up."""


@dataclass(frozen=True)
class PoseOptions(Options):
    """What the numbers mean."""

    convention: Literal["CAST", "SAM 3D Objects", "as set below"] = option(
        "CAST",
        "CAST: our placements.json (OpenCV camera, y-up meshes); SAM 3D Objects: its rotation, "
        "translation and scale for its y-up GLB; as set below: the four that follow",
    )
    camera: Literal["OpenCV", "glTF", "PyTorch3D"] = option(
        "OpenCV",
        "frame that poses lead to. OpenCV: y down, z forward; glTF: y up, z back; PyTorch3D: x left,"
        " y up, z forward",
    )
    mesh_up: Literal["y", "z"] = option(
        "y", "axis that is up in the object frame that poses lead from (the meshes here are y up)"
    )
    quaternion: Literal["wxyz", "xyzw"] = option("wxyz", "order of a quaternion's numbers")
    vectors: Literal["column", "row"] = option(
        "column", "how rotations and matrices are applied: M p, or p M (PyTorch3D)"
    )
    locked: bool = option(False, "CAST Register keeps the poses as they are and only measures them")

    def resolved(self) -> tuple[str, str, str, str]:
        """(camera, mesh_up, quaternion, vectors)."""
        if self.convention == "CAST":
            return "OpenCV", "y", "wxyz", "column"
        if self.convention == "SAM 3D Objects":
            return "PyTorch3D", "z", "wxyz", "row"
        return self.camera, self.mesh_up, self.quaternion, self.vectors


def placements_of(text: str, objects: Objects | None, ids: str, options: PoseOptions) -> Placements:
    """The poses with their objects; an empty text gives none.

    Args:
        ids: see :func:`joined_ids`; not needed where entries bear an id.

    Raises:
        BadInput: no JSON, a pose that is no similarity, or ids that do not match.
    """
    entries = _entries(text)
    own = [e.get("id") for e in entries]
    if entries and not ids.strip() and all(i is not None for i in own):
        ids = ", ".join(str(i) for i in own)
    elif any(i is not None for i in own) and not ids.strip():
        raise BadInput("poses: some entries have an id and some have none; give all of them one")
    numbers = joined_ids(len(entries), objects, ids, "poses")
    twice = sorted({i for i in numbers if numbers.count(i) > 1})
    if twice:
        raise BadInput(f"poses: object {twice[0]} has two of them; give it one")
    made = []
    for object_id, entry in zip(numbers, entries, strict=True):
        where = f"poses: object {object_id}"
        try:
            candidate = int(entry.get("candidate", 0))
            pose, stretch = pose_of(entry, options)
        except (TypeError, ValueError) as error:
            raise BadInput(f"{where}: {error}") from None
        if candidate < 0:
            raise BadInput(f"{where}: its candidate is counted from 0")
        locked = bool(entry.get("locked", options.locked))
        made.append(Placement(object_id, pose, candidate, locked=locked, stretch=stretch))
    return Placements(tuple(made), "poses")


def pose_of(entry: Mapping[str, Any], options: PoseOptions) -> tuple[Sim3, Stretch]:
    """T_camera_from_object of one entry, and the stretch of the mesh where its axes' scales differ.

    Raises:
        ValueError: it shears or mirrors; the message says what is wrong.
    """
    camera, mesh_up, order, vectors = options.resolved()
    given = next((entry[name] for name in MATRICES if entry.get(name) is not None), None)
    if given is not None:
        matrix = np.asarray(given, np.float64)
        if matrix.size != 16:
            raise ValueError(f"its matrix has {matrix.size} numbers, 4x4 are needed")
        matrix = matrix.reshape(4, 4)
        matrix = matrix.T if vectors == "row" else matrix
    else:
        missing = [n for n in ("rotation", "translation") if entry.get(n) is None]
        if missing:
            raise ValueError(f"it has no matrix and no {' and no '.join(missing)}")
        rotation = _rotation(entry["rotation"], order)
        translation = np.asarray(entry["translation"], np.float64).ravel()
        if translation.size != 3:
            raise ValueError(f"its translation has {translation.size} numbers, 3 are needed")
        matrix = np.eye(4)
        matrix[:3, :3] = (rotation.T if vectors == "row" else rotation) * _scale(entry)
        matrix[:3, 3] = translation
    outer, inner = np.eye(4), np.eye(4)
    outer[:3, :3], inner[:3, :3] = _CAMERA[camera], _MESH[mesh_up]
    return pose_and_stretch(outer @ matrix @ inner)


def _entries(text: str) -> list[Mapping[str, Any]]:
    if not text.strip():
        return []
    try:
        document = json.loads(text)
    except ValueError as error:
        raise BadInput(f"poses: the text is no JSON ({error})") from None
    if isinstance(document, Mapping) and "objects" in document:
        document = document["objects"]
    if isinstance(document, Mapping):
        document = [document]
    if not isinstance(document, list) or not all(isinstance(e, Mapping) for e in document):
        raise BadInput(
            'poses: needed is a list of objects, like [{"id": 0, "matrix": [[…], …]}] or '
            '[{"rotation": […], "translation": […], "scale": 1}]'
        )
    return document


def _rotation(value: Any, order: str) -> np.ndarray:
    """(3, 3) from a quaternion or a matrix, nested as tensors print themselves."""
    from scipy.spatial.transform import Rotation

    numbers = np.asarray(value, np.float64)
    if numbers.size == 9:
        return numbers.reshape(3, 3)
    if numbers.size != 4:
        raise ValueError(f"its rotation has {numbers.size} numbers; needed are 4 or 3x3")
    quaternion = numbers.ravel()
    if not np.isfinite(quaternion).all() or np.linalg.norm(quaternion) < 1e-6:
        raise ValueError("its quaternion is zero or not finite")
    return Rotation.from_quat(
        quaternion[[1, 2, 3, 0]] if order == "wxyz" else quaternion
    ).as_matrix()


def _scale(entry: Mapping[str, Any]) -> np.ndarray:
    """(3,) along the axes of the object frame that the pose leads from."""
    value = entry.get("scale", 1)
    numbers = np.asarray(value, np.float64).ravel()
    if numbers.size not in (1, 3) or not (np.isfinite(numbers).all() and numbers.min() > 0):
        raise ValueError(f"its scale {value!r} is not one positive number, or three")
    return np.broadcast_to(numbers, 3)
