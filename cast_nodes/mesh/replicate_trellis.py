"""Mesh backend ``replicate_trellis``: TRELLIS on Replicate, or on a server of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ..backends import Backend, BackendInfo, Options, Price, option
from ..content import content_key
from ..context import Context, Usage
from ..services.replicate import NEEDS, REPLICATE, prediction_api
from ..services.tasks import TaskState
from ..types import MeshEntry
from . import MeshItem

MODEL = "firtoz/trellis"
VERSION = "e8f6c45206993f297372f5436b90350817bd9b4a0d52d2a76df50c1c8afa2b3c"
PRICE = Price(0.04, "mesh", "replicate.com", "2025-11")


@dataclass(frozen=True)
class TrellisOptions(Options):
    """What TRELLIS is asked for."""

    texture_size: Literal["512", "1024", "2048"] = option("1024", "side of the texture in pixels")
    mesh_simplify: float = option(
        0.9, "share of the faces that is left out", low=0.0, high=0.98, step=0.01
    )
    ss_sampling_steps: int = option(12, "steps for the rough shape", low=1, high=50)
    slat_sampling_steps: int = option(12, "steps for surface and colour", low=1, high=50)


def model_inputs(options: TrellisOptions, seed: int) -> dict[str, Any]:
    """The model's inputs but the pictures."""
    return {
        "texture_size": int(options.texture_size),
        "mesh_simplify": options.mesh_simplify,
        "ss_sampling_steps": options.ss_sampling_steps,
        "slat_sampling_steps": options.slat_sampling_steps,
        "generate_model": True,
        "generate_color": False,
        "generate_normal": False,
        "save_gaussian_ply": False,
        "return_no_background": False,
        "randomize_seed": False,
        "seed": seed,
    }


def run(item: MeshItem, options: TrellisOptions, context: Context) -> MeshEntry:
    """One candidate, paid for once."""
    from ..services.meshes import generated, mesh_from_task, view_png

    png, inputs = view_png(item), model_inputs(options, context.seed + item.retry)

    def usage(state: TaskState) -> Usage:
        return Usage(
            "Replicate", MODEL, seconds=state.seconds, estimate_usd=PRICE.usd, what=item.name
        )

    api = prediction_api(f"{MODEL}:{VERSION}", inputs, {"images": [png]}, usage)
    key = content_key("trellis", VERSION, inputs, png, item.retry)
    glb = mesh_from_task(REPLICATE, key, api, "model_file", item, context)
    return MeshEntry(item.id, (generated(item, glb, "replicate_trellis", False),))


BACKEND = Backend(
    BackendInfo(
        "replicate_trellis",
        "TRELLIS (Replicate)",
        "service",
        "A textured mesh from the view, back and all, by TRELLIS on Replicate.",
        weights_licence="MIT",
        needs=NEEDS,
        cost=PRICE.words(),
        price=PRICE,
        concurrency=REPLICATE.concurrency,
    ),
    TrellisOptions,
    run,
)
