"""Override Mesh: another mesh for one object."""

from __future__ import annotations

from dataclasses import replace

from comfy_api.latest import io

from ..cast_nodes.bridges.came_meshes import Came, CameMeshOptions
from ..cast_nodes.bridges.from_file3d import mesh_of_file
from ..cast_nodes.bridges.from_mesh_batch import meshes_of_batch
from ..cast_nodes.bridges.override import with_mesh
from ..cast_nodes.bridges.pick import picked
from ..cast_nodes.errors import BadInput
from ..cast_nodes.report.sheets import meshes_sheet
from .convert import preview
from .lists import option_widgets, options_of
from .pick_object import object_input
from .sockets import CATEGORY, CastMeshes, CastObjects

FILES = (
    io.File3DGLB, io.File3DGLTF, io.File3DOBJ, io.File3DSTL, io.File3DPLY, io.File3DAny,
)  # fmt: skip


class OverrideMesh(io.ComfyNode):
    """Node CAST Override Mesh."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="CASTOverrideMesh",
            display_name="CAST Override Mesh",
            category=CATEGORY,
            description="Gives one object another mesh: a file, or what other nodes have made of"
            " its view. CAST Register then places this object anew, and no other.",
            search_aliases=[
                "replace mesh",
                "swap model",
                "own mesh",
                "替换网格",
                "换模型",
            ],
            has_intermediate_output=True,
            inputs=[
                CastObjects.Input("objects", tooltip="From CAST Filter."),
                CastMeshes.Input("meshes", tooltip="From CAST Mesh."),
                io.MultiType.Input("mesh", [io.Mesh, *FILES], tooltip="A MESH or a 3D file."),
                object_input(),
                io.Boolean.Input(
                    "beside",
                    default=False,
                    tooltip="On: the old meshes stay as well, and CAST Register keeps the one that"
                    " fits best. Off: this one alone.",
                ),
                *option_widgets(CameMeshOptions),
            ],
            outputs=[CastMeshes.Output("meshes", tooltip="All meshes, this one changed.")],
        )

    @classmethod
    def execute(cls, objects, meshes, mesh, object="0", beside=False, **values) -> io.NodeOutput:
        options = options_of(CameMeshOptions, values, "CAST Override Mesh")
        item = picked(objects, object)
        found: list[Came] = (
            meshes_of_batch(mesh, options)
            if hasattr(mesh, "vertices")
            else [mesh_of_file(mesh, options)]
        )
        if len(found) != 1:
            raise BadInput(f"mesh: one is needed, this batch holds {len(found)}")
        if found[0].mesh is None:
            raise BadInput(f"mesh: {found[0].failure}")
        made = replace(found[0].mesh, name=f"{item.label} {item.id}")
        changed = with_mesh(meshes, item, made, beside)
        return io.NodeOutput(changed, ui=preview(meshes_sheet(changed), cls))
