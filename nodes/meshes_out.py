"""The engine's meshes as ComfyUI's 3D types."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import torch
from comfy_api.latest import Types

from ..cast_nodes.bridges.mesh_arrays import mesh_arrays
from ..cast_nodes.mesh_data import MeshData


def glb_file(glb: bytes) -> Types.File3D:
    """A GLB as FILE_3D_GLB."""
    return Types.File3D(BytesIO(glb), "glb")


def mesh_value(data: MeshData) -> Types.MESH:
    """One mesh as a MESH of one item."""
    made = mesh_arrays(data)

    def batched(values: np.ndarray | None) -> torch.Tensor | None:
        return None if values is None else torch.from_numpy(np.ascontiguousarray(values))[None]

    return Types.MESH(
        batched(made.vertices),
        batched(made.faces),
        uvs=batched(made.uvs),
        vertex_colors=batched(made.colours),
        texture=batched(made.texture),
        normals=batched(made.normals),
    )
