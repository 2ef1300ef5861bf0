"""Mesh backend ``tripo3d``: a textured mesh from Tripo's image-to-model service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..backends import Backend, BackendInfo, Options, Price, option
from ..content import content_key
from ..context import Context, Usage
from ..services.task_api import TaskState
from ..services.tripo import NEEDS, TRIPO, image_to_model_api
from ..types import MeshEntry
from . import MeshItem

PRICE = Price(0.30, "mesh", "docs.tripo3d.ai: 30 credits", "2025")
USD_PER_CREDIT = 0.01


@dataclass(frozen=True)
class TripoOptions(Options):
    """What Tripo is asked for."""

    model_version: Literal["v3.0-20250812", "v2.5-20250123"] = option(
        "v3.0-20250812", "Tripo's model"
    )
    pbr: bool = option(True, "metal and roughness maps, not colour alone")
    face_limit: int = option(0, "at most so many faces; 0 leaves it to Tripo", low=0, high=500000)
    orientation: Literal["default", "align_image"] = option(
        "default", "the front faces as Tripo likes, or is turned to look as in the view"
    )


def run(item: MeshItem, options: TripoOptions, context: Context) -> MeshEntry:
    """One candidate, paid for once."""
    from ..services.meshes import generated, mesh_from_task, view_png

    png = view_png(item)
    asked = {
        "pbr": options.pbr,
        "face_limit": options.face_limit or None,
        "orientation": options.orientation,
        "model_seed": context.seed + item.retry,
    }

    def usage(state: TaskState) -> Usage | None:
        if state.status != "done" and not state.units:
            return None  # credits of failed tasks are given back
        dollars = state.units * USD_PER_CREDIT if state.units else PRICE.usd
        return Usage(
            "Tripo", options.model_version, units=state.units, unit="credits",
            estimate_usd=dollars, what=item.name,
        )  # fmt: skip

    api = image_to_model_api(png, options.model_version, usage, **asked)
    key = content_key("tripo image_to_model", options.model_version, asked, png, item.retry)
    glb = mesh_from_task(TRIPO, key, api, None, item, context)
    aligned = options.orientation == "align_image"
    return MeshEntry(item.id, (generated(item, glb, "tripo3d", aligned),))


BACKEND = Backend(
    BackendInfo(
        "tripo3d",
        "Tripo3D",
        "service",
        "A textured mesh from the view, back and all, by Tripo's image-to-model service.",
        needs=NEEDS,
        cost=PRICE.words(),
        price=PRICE,
        concurrency=TRIPO.concurrency,
    ),
    TripoOptions,
    run,
)
