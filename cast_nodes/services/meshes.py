"""What the mesh services have in common: the picture they get, the mesh that comes back."""

from __future__ import annotations

import numpy as np
from PIL import Image

from ..context import Context
from ..mesh import MeshItem
from ..pictures import png_bytes
from ..types import Mesh
from .download import checked_glb, download
from .policy import Service
from .task_api import Finished, TaskApi
from .tasks import task_result
from .troubles import ServiceFailure

SMALLEST_PX = 512
"""Generators look at pictures of about this size; smaller views are enlarged to it."""


def view_png(item: MeshItem) -> bytes:
    """The completed view as an RGBA PNG with square pixels."""
    height, width = item.rgba.shape[:2]
    across, down = width * item.pixel_aspect, float(height)
    grow = max(1.0, SMALLEST_PX / max(across, down))
    size = max(1, round(across * grow)), max(1, round(down * grow))
    picture = Image.fromarray(np.ascontiguousarray(item.rgba))
    if size != picture.size:
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    return png_bytes(np.asarray(picture))


def mesh_from_task(
    service: Service,
    request_key: str,
    api: TaskApi,
    address: str | None,
    item: MeshItem,
    context: Context,
) -> bytes:
    """The GLB that a task comes to, read by our own reader before it counts.

    Args:
        address: name of the output that holds the mesh's address; None: the output is it.
    """

    def fetch(finished: Finished) -> bytes:
        output = finished.output
        url = output.get(address) if address and isinstance(output, dict) else output
        if not isinstance(url, str) or not url:
            raise ServiceFailure(
                f"{item.name}: {service.title} task {finished.id} came back without a mesh; raise"
                " this object's retry for a new one"
            )
        data = download(url, service, context, "glb", item.name)
        return checked_glb(data, item.name, context.warn)

    return task_result(service, request_key, api, fetch, context, item.name)


def generated(item: MeshItem, glb: bytes, source: str, view_aligned: bool) -> Mesh:
    """The mesh as a candidate: of no known size, standing upright."""
    return Mesh(glb, f"generated {item.label}", source, view_aligned=view_aligned)
