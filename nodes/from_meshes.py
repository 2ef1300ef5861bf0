"""Meshes from MESH: what core's generators decode."""

from __future__ import annotations

from comfy_api.latest import io

from ..cast_nodes.bridges.came_meshes import CameMeshOptions
from ..cast_nodes.bridges.from_mesh_batch import meshes_of_batch
from .bridging import IDS, flat, joining_inputs, meshes_output, wanted_meshes
from .lists import MISSING, option_widgets
from .sockets import CATEGORY, CastMeshes
from .widgets import on_failure_input


class MeshesFromMesh(io.ComfyNode):
    """Node CAST Meshes from MESH."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="CASTMeshesFromMesh",
            display_name="CAST Meshes from MESH",
            category=CATEGORY,
            description="Takes MESHes of ComfyUI's own nodes (Hunyuan3D, Trellis 2, Voxel to Mesh"
            " and the like), a batch or a list, as the meshes of the objects they were made for.",
            search_aliases=[
                "hunyuan3d",
                "trellis",
                "gather meshes",
                "mesh to cast",
                "网格导入",
                "混元3D",
            ],
            has_intermediate_output=True,
            is_input_list=True,
            inputs=[
                io.Mesh.Input(
                    "mesh", lazy=True, tooltip="One item for each object, a batch or a list."
                ),
                *joining_inputs("CAST Views to Images"),
                IDS,
                on_failure_input(),
                *option_widgets(CameMeshOptions),
            ],
            outputs=[CastMeshes.Output("meshes", tooltip="Meshes of the objects.")],
        )

    @classmethod
    def check_lazy_status(cls, mesh=None, order=MISSING, **values) -> list[str]:
        return wanted_meshes(order, mesh=mesh)

    @classmethod
    async def execute(
        cls, mesh=None, objects=None, order=None, ids=("",), on_failure=("continue",), **values
    ) -> io.NodeOutput:
        def items(options: CameMeshOptions):
            number = 0
            for batch in flat(mesh):
                made = meshes_of_batch(batch, options, number)
                number += len(made)
                yield from made

        return await meshes_output(cls, items, "MESH", objects, order, ids, on_failure, values)
