"""Mesh backend ``inflate``: any silhouette to a closed, textured solid with a plausible back."""

from __future__ import annotations

from dataclasses import dataclass

from ..backends import Backend, BackendInfo, Options, option
from ..context import Context
from ..mesh_data import make_glb
from ..types import Mesh, MeshEntry
from . import MeshItem


@dataclass(frozen=True)
class InflateOptions(Options):
    """How round, and how fine."""

    thickness: float = option(
        1.0, "Depth of the solid: 1 is as deep as a round limb, less is flatter.",
        low=0.1, high=3.0, step=0.05,
    )  # fmt: skip
    faces: int = option(14000, "About how many faces the mesh has.", low=500, high=60000, step=500)


def inflated_mesh(item: MeshItem, thickness: float, faces: int) -> Mesh:
    """The solid of an object's completed view, facing the photo's camera along +z, 1 high.

    Raises:
        ObjectFailure: the silhouette is too small to have a shape.
    """
    from ._solid import inflated

    data = inflated(item, thickness, faces)
    glb = make_glb(data, f"{item.label} (inflated)")
    return Mesh(glb, f"inflated {item.label}", "inflate", metric=False, view_aligned=True)


def run(item: MeshItem, options: InflateOptions, context: Context) -> MeshEntry:
    """One candidate."""
    return MeshEntry(item.id, (inflated_mesh(item, options.thickness, options.faces),))


BACKEND = Backend(
    BackendInfo(
        "inflate",
        "Inflate the silhouette",
        "embedded",
        "Any silhouette to a closed solid, textured with the photo; its back is a guess.",
    ),
    InflateOptions,
    run,
)
