"""Meshes from TRIMESH: what other packs' generators give."""

from __future__ import annotations

from comfy_api.latest import io

from ..cast_nodes.bridges.came_meshes import CameMeshOptions
from ..cast_nodes.bridges.from_trimesh import mesh_of_trimesh
from .bridging import IDS, flat, joining_inputs, meshes_output, wanted_meshes
from .lists import MISSING, option_widgets
from .sockets import CATEGORY, CastMeshes
from .widgets import on_failure_input

Trimesh = io.Custom("TRIMESH")


class MeshesFromTrimesh(io.ComfyNode):
    """Node CAST Meshes from TRIMESH."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="CASTMeshesFromTrimesh",
            display_name="CAST Meshes from TRIMESH",
            category=CATEGORY,
            description="Takes trimesh meshes or scenes of other packs (GeometryPack,"
            " Hunyuan3DWrapper) as the meshes of the objects they were made for.",
            search_aliases=[
                "geometrypack",
                "hunyuan3dwrapper",
                "gather meshes",
                "trimesh",
                "网格导入",
                "混元3D",
            ],
            has_intermediate_output=True,
            is_input_list=True,
            inputs=[
                Trimesh.Input(
                    "trimesh",
                    tooltip="One mesh or scene for each object.",
                    lazy=True,
                ),
                *joining_inputs("CAST Views to Images"),
                IDS,
                on_failure_input(),
                *option_widgets(CameMeshOptions),
            ],
            outputs=[CastMeshes.Output("meshes", tooltip="Meshes of the objects.")],
        )

    @classmethod
    def check_lazy_status(cls, trimesh=None, order=MISSING, **values) -> list[str]:
        return wanted_meshes(order, trimesh=trimesh)

    @classmethod
    async def execute(
        cls, trimesh=None, objects=None, order=None, ids=("",), on_failure=("continue",), **values
    ) -> io.NodeOutput:
        def items(options: CameMeshOptions):
            parts = [p for t in flat(trimesh) for p in (t if isinstance(t, list) else [t])]
            return (mesh_of_trimesh(p, options, i) for i, p in enumerate(parts))

        return await meshes_output(cls, items, "TRIMESH", objects, order, ids, on_failure, values)
