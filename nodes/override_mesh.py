"""Override Mesh: another mesh for one object."""

from __future__ import annotations

from comfy_api.latest import io

from ..cast_nodes.bridges.override import with_mesh
from ..cast_nodes.bridges.pick import picked
from ..cast_nodes.errors import BadInput
from ..cast_nodes.report.sheets import meshes_sheet
from ..cast_nodes.types import Mesh
from .convert import preview
from .pick_object import object_input
from .sockets import CATEGORY, CastMeshes, CastObjects


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
            search_aliases=["replace mesh", "swap model", "own mesh"],
            has_intermediate_output=True,
            inputs=[
                CastObjects.Input("objects", tooltip="From CAST Filter."),
                CastMeshes.Input("meshes", tooltip="From CAST Mesh."),
                io.MultiType.Input(
                    "mesh",
                    [io.File3DGLB, io.File3DAny],
                    tooltip="A GLB, y up. A MESH becomes one with Create 3D File (from Mesh).",
                ),
                object_input(),
                io.Boolean.Input(
                    "beside",
                    default=False,
                    tooltip="On: the old meshes stay as well, and CAST Register keeps the one that"
                    " fits best. Off: this one alone.",
                ),
            ],
            outputs=[CastMeshes.Output("meshes", tooltip="All meshes, this one changed.")],
        )

    @classmethod
    def execute(cls, objects, meshes, mesh, object="0", beside=False) -> io.NodeOutput:
        item = picked(objects, object)
        if mesh.format not in ("glb", ""):
            raise BadInput(f"mesh: a GLB is needed, this is {mesh.format}; convert it first")
        name = f"{item.label} {item.id}"
        made = Mesh(mesh.get_bytes(), name=name, source="override", view_aligned=True)
        changed = with_mesh(meshes, item, made, beside)
        return io.NodeOutput(changed, ui=preview(meshes_sheet(changed), cls))
