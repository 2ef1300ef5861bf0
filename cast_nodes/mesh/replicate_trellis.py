"""Mesh backend ``replicate_trellis``: TRELLIS on Replicate, or on a server of one's own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from ..backends import Backend, BackendInfo, Need, Options, Price, option
from ..content import content_key
from ..context import Context, Usage
from ..services.own_server import own_prediction_api, own_server, own_url
from ..services.replicate import NEEDS, REPLICATE, prediction_api
from ..services.task_api import TaskState
from ..types import MeshEntry
from . import MeshItem

MODEL = "firtoz/trellis"
VERSION = "e8f6c45206993f297372f5436b90350817bd9b4a0d52d2a76df50c1c8afa2b3c"
OWN = "TRELLIS_BASE_URL"
PRICE = Price(0.04, "mesh", "replicate.com/pricing: some 30 s of an A100", "2025")
USD_PER_S = 0.0014


@dataclass(frozen=True)
class TrellisOptions(Options):
    """What TRELLIS is asked for."""

    texture_size: Literal["512", "1024", "2048"] = option("1024", "side of the texture in pixels")
    mesh_simplify: float = option(
        0.9, "share of the faces that is left out", low=0.0, high=0.98, step=0.01
    )
    ss_sampling_steps: int = option(12, "steps for the rough shape", low=1, high=50)
    slat_sampling_steps: int = option(12, "steps for surface and colour", low=1, high=50)
    base_url: str = option(
        "", "a server of your own that runs the model (also the setting TRELLIS_BASE_URL)"
    )


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
    """One candidate, paid for once; nothing is paid on a server of one's own."""
    from ..services.meshes import generated, mesh_from_task, view_png

    png, inputs = view_png(item), model_inputs(options, context.seed + item.retry)
    reference, files, own = f"{MODEL}:{VERSION}", {"images": [png]}, own_url(options.base_url, OWN)

    def usage(state: TaskState) -> Usage:
        return Usage(
            "Replicate",
            MODEL,
            seconds=state.seconds,
            estimate_usd=state.seconds * USD_PER_S or PRICE.usd,
            what=item.name,
        )

    if own:
        service = own_server(own, "trellis", "the TRELLIS server")
        api = own_prediction_api(service, reference, inputs, files)
    else:
        service, api = REPLICATE, prediction_api(reference, inputs, files, usage)
    key = content_key("trellis", VERSION, inputs, png, item.retry)
    glb = mesh_from_task(service, key, api, "model_file", item, context)
    return MeshEntry(item.id, (generated(item, glb, "replicate_trellis", False),))


def _needs() -> tuple[Need, ...]:
    """The package, and the key unless the user runs the model himself."""
    package, key = NEEDS
    return package, replace(
        key,
        present=lambda context: key.present(context) or bool(own_url("", OWN)),
        mend=f"{key.mend}, or name a server of your own with base_url or {OWN}",
        unless=lambda options: bool(own_url(options.base_url, OWN)),
    )


BACKEND = Backend(
    BackendInfo(
        "replicate_trellis",
        "TRELLIS (Replicate)",
        "service",
        "A textured mesh from the view, back and all, by TRELLIS on Replicate or a server of yours.",
        weights_licence="MIT",
        needs=_needs(),
        cost=PRICE.words(),
        price=PRICE,
        concurrency=REPLICATE.concurrency,
    ),
    TrellisOptions,
    run,
)
