"""Meshes from 3D Files: FILE_3D and its kinds."""

from __future__ import annotations

from comfy_api.latest import io

from ..cast_nodes.bridges.came_meshes import CameMeshOptions
from ..cast_nodes.bridges.from_file3d import mesh_of_file
from .bridging import IDS, flat, joining_inputs, meshes_output, wanted_meshes
from .lists import MISSING, option_widgets
from .sockets import CATEGORY, CastMeshes
from .widgets import on_failure_input


class MeshesFromFiles(io.ComfyNode):
    """Node CAST Meshes from 3D Files."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="CASTMeshesFromFile3D",
            display_name="CAST Meshes from 3D Files",
            category=CATEGORY,
            description="Takes 3D files (Load 3D, Tripo, Meshy, Rodin and other nodes) as the meshes"
            " of the objects they were made for. A GLB keeps its bytes and all its materials.",
            search_aliases=[
                "load glb", "tripo", "meshy", "rodin", "gather meshes", "obj", "ply",
                "加载模型", "三维文件",
            ],
            has_intermediate_output=True,
            is_input_list=True,
            inputs=[
                io.MultiType.Input(
                    "file",
                    [
                        io.File3DGLB, io.File3DGLTF, io.File3DOBJ, io.File3DSTL, io.File3DPLY,
                        io.File3DAny,
                    ],
                    tooltip="One GLB, glTF, OBJ, STL or PLY for each object.",
                    lazy=True,
                ),
                *joining_inputs("CAST Views to Images"),
                IDS,
                on_failure_input(),
                *option_widgets(CameMeshOptions),
            ],
            outputs=[CastMeshes.Output("meshes", tooltip="Meshes of the objects.")],
        )  # fmt: skip

    @classmethod
    def check_lazy_status(cls, file=None, order=MISSING, **values) -> list[str]:
        return wanted_meshes(order, file=file)

    @classmethod
    async def execute(
        cls, file=None, objects=None, order=None, ids=("",), on_failure=("continue",), **values
    ) -> io.NodeOutput:
        def items(options: CameMeshOptions):
            return (mesh_of_file(f, options, i) for i, f in enumerate(flat(file)))

        return await meshes_output(cls, items, "FILE_3D", objects, order, ids, on_failure, values)
