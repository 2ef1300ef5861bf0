"""Meshes that other nodes made, as CAST_MESHES: the end that all kinds of them share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..backends import Options, option
from ..errors import BadInput, CastError
from ..gltf import under_new_root
from ..mesh_data import MeshData, make_glb
from ..mesh_files import METRES, check_size
from ..store import Store
from ..types import Mesh, MeshEntry, Meshes, Objects
from .handout import HandedOut, take_back
from .joining import joined_ids
from .maps import Maps, with_maps
from .out_crops import CropsOut

Unit = Literal["unknown", "m", "cm", "mm", "inch"]

_UP = {
    "y": np.eye(3),
    "z": np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]], np.float64),
    "-y": np.diag([1.0, -1.0, -1.0]),
}
"""(3, 3) y-up-from-source by the axis that is up in the source; right stays right."""

_FRONT_DEG = {"+z": 0.0, "+x": -90.0, "-z": 180.0, "-x": 90.0}
"""Turn about y that brings a front to +z."""


@dataclass(frozen=True)
class CameMeshOptions(Options):
    """What a mesh does not say of itself."""

    up: Literal["y", "z", "-y"] = option(
        "y",
        "axis that is up in what comes in. y: glTF and core's mesh nodes; z: Blender, CAD, raw "
        "TRELLIS; -y: OpenCV camera frames",
    )
    front: Literal["+z", "-z", "+x", "-x"] = option(
        "+z", "axis to which its front looks once y is up; it is turned to +z"
    )
    unit: Unit = option(
        "unknown", "unit of its lengths; unknown (generators): only its shape counts, not its size"
    )
    from_view: bool = option(
        True, "it was made from the object's view: its front first faces the photo's camera"
    )
    upright: bool = option(True, "it stands as the object does; off: any turn is tried")

    def matrix(self) -> np.ndarray:
        """(4, 4) object frame in metres from what comes in."""
        angle = np.radians(_FRONT_DEG[self.front])
        cos, sin = np.cos(angle), np.sin(angle)
        turn = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
        out = np.eye(4)
        out[:3, :3] = np.round(turn, 12) @ _UP[self.up] * METRES[self.unit]
        return out

    def mesh(self, glb: bytes, name: str, source: str) -> Mesh:
        """A GLB that is in the object frame already."""
        return Mesh(
            glb,
            name=name,
            source=source,
            metric=self.unit != "unknown",
            upright=self.upright,
            view_aligned=self.from_view,
        )


@dataclass(frozen=True, eq=False)
class Came:
    """One item of a list: a mesh, or why there is none."""

    mesh: Mesh | None = None
    failure: str = ""


def came(make: Callable[[], Mesh]) -> Came:
    """A mesh, or the reason why one item cannot be used; the others go on."""
    try:
        return Came(make())
    except BadInput:
        raise
    except CastError as error:
        return Came(None, str(error))


def mesh_of_data(
    data: MeshData, maps: dict[str, Maps], options: CameMeshOptions, name: str, source: str
) -> Mesh:
    """Triangles and materials as they came, with maps by the name of their material.

    Raises:
        CastError: no face, or more than a scene can bear.
    """
    check_size(data, name)
    glb = with_maps(make_glb(data.moved(options.matrix()), name), maps)
    return options.mesh(glb, name, source)


def mesh_of_glb(glb: bytes, options: CameMeshOptions, name: str, source: str) -> Mesh:
    """A GLB, its bytes kept; another frame becomes a node above it."""
    matrix = options.matrix()
    if not np.allclose(matrix, np.eye(4)):
        glb = under_new_root(glb, matrix, name)
    return options.mesh(glb, name, source)


def meshes_of(
    items: Sequence[Came],
    source: str,
    objects: Objects | None = None,
    ids: str = "",
    order: HandedOut | None = None,
    store: Store | None = None,
    framed: CameMeshOptions | None = None,
) -> Meshes:
    """The list's meshes, joined to their objects.

    Args:
        objects: the kept ones in their order are the list's, unless ``ids`` names others.
        ids: see :func:`joined_ids`. An object named twice gets two candidates, one not named none.
        order: the token of CAST Views to Images or CAST Scene to Meshes, instead of the two.
        store: where answers to the token are kept, as they came; needed with it.
        framed: with a token, what to make of answers that were made with default options: kept
            ones then follow when these change.

    Raises:
        BadInput: counts do not match, or an id is of no kept object.
    """
    found: dict[int, list[Came]] = {}
    absent: dict[int, str] = {}
    if order is not None:
        assert store is not None
        if isinstance(order, CropsOut):
            raise BadInput(
                "order: it is of CAST Objects to Images, whose list are pictures to be completed; "
                "connect the one of CAST Views to Images"
            )
        kept = lambda item: item.mesh  # noqa: E731 - failures are not kept
        back = take_back(order, items if order.sent else (), store, "meshes", kept, _kept)
        found = {i: [_framed(item, framed, source)] for i, item in back.items()}
        absent = dict(order.left_out)
        known = [o for o in order.objects.kept if o.id in found or o.id in absent]
    else:
        for object_id, item in zip(
            joined_ids(len(items), objects, ids, "meshes"), items, strict=True
        ):
            found.setdefault(object_id, []).append(item)
        known = objects.kept if objects is not None else ()
    names = {o.id: f"{o.label} {o.id}" for o in known}
    for object_id, name in names.items():
        if object_id not in found:
            absent.setdefault(object_id, f"{name}: no mesh was given; name it in ids, or drop it")
    every = [*names, *(i for i in found if i not in names)]
    entries = [
        _entry(i, found.get(i, []), names.get(i, f"item {i}"), absent.get(i, "")) for i in every
    ]
    return Meshes(tuple(entries), source)


def _kept(stored: Any) -> Came:
    return Came(stored)


def _framed(item: Came, options: CameMeshOptions | None, source: str) -> Came:
    mesh = item.mesh
    if mesh is None or options is None:
        return item
    return came(lambda: mesh_of_glb(mesh.glb, options, mesh.name, source))


def _entry(object_id: int, items: Sequence[Came], name: str, absent: str) -> MeshEntry:
    meshes = tuple(i.mesh for i in items if i.mesh is not None)
    if meshes:
        return MeshEntry(object_id, meshes)
    reason = "; ".join(i.failure for i in items if i.failure) or absent
    return MeshEntry(object_id, (), reason if reason.startswith(name) else f"{name}: {reason}")
