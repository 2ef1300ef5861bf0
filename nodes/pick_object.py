"""Pick Object: all that is known of one object."""

from __future__ import annotations

import numpy as np
from comfy_api.latest import io
from comfy_execution.graph_utils import ExecutionBlocker

from ..cast_nodes.bridges.pick import alone, chosen_mesh, photo_cut, picked, pose_text
from ..cast_nodes.inpaint import pixels_of
from ..cast_nodes.mesh_data import read_mesh
from .convert import image_from_rgb, preview
from .lists import mask_tensor
from .meshes_out import glb_file, mesh_value
from .run_stage import show_text
from .sockets import CATEGORY, CastMeshes, CastObjects, CastPlacements, CastViews


def object_input() -> io.String.Input:
    """The text that names one object."""
    return io.String.Input(
        "object",
        default="0",
        placeholder="3, lamp, chair 3, chair #2",
        tooltip="Which object: its number in the picture (3), its name where there is one of it"
        " (lamp), both (chair 3), or the second of its kind (chair #2).",
    )


class PickObject(io.ComfyNode):
    """Node CAST Pick Object."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="CASTPickObject",
            display_name="CAST Pick Object",
            category=CATEGORY,
            description="Takes one object out: its crop, mask, view, mesh and pose, as far as the"
            " sockets are connected. Work on it with any nodes and put it back with CAST Override"
            " Object, View, Mesh or Pose. An output whose socket is not connected is an error where"
            " it is used.",
            search_aliases=[
                "select object",
                "get object",
                "one object",
                "object by id",
                "选取物体",
                "单个物体",
            ],
            has_intermediate_output=True,
            inputs=[
                CastObjects.Input("objects", tooltip="From CAST Detect or CAST Filter."),
                CastViews.Input("views", optional=True, tooltip="Gives the view."),
                CastMeshes.Input("meshes", optional=True, tooltip="Gives the mesh."),
                CastPlacements.Input(
                    "placements",
                    optional=True,
                    tooltip="Gives the pose, and which mesh was placed.",
                ),
                object_input(),
            ],
            outputs=[
                CastObjects.Output("objects", tooltip="The same, all others dropped."),
                io.Int.Output("id", tooltip="Its number."),
                io.String.Output("label", tooltip="What it is."),
                io.Image.Output("crop", tooltip="The photo round it."),
                io.Mask.Output("crop_mask", tooltip="White: it, in the crop."),
                io.Mask.Output("mask", tooltip="White: it, in the whole photo."),
                io.Image.Output("view", tooltip="Its completed view, its own colours everywhere."),
                io.Mask.Output("view_mask", tooltip="White: it, in the view."),
                io.Mesh.Output(
                    "mesh", tooltip="The mesh that was placed, else the first; unposed."
                ),
                io.File3DGLB.Output("glb", tooltip="The same with all materials."),
                io.String.Output("pose", tooltip="Camera from object, 4 x 4, as JSON."),
            ],
        )

    @classmethod
    def execute(
        cls, objects, views=None, meshes=None, placements=None, object="0"
    ) -> io.NodeOutput:
        item = picked(objects, object)
        name = f"{item.label} {item.id}"
        whole = pixels_of(item, objects.photo.height, objects.photo.width)
        rows, columns = photo_cut(objects, item)
        crop = np.ascontiguousarray(objects.photo.rgb[rows, columns])
        show_text(name)
        return io.NodeOutput(
            alone(objects, item),
            item.id,
            item.label,
            image_from_rgb(crop),
            mask_tensor(whole[rows, columns]),
            mask_tensor(whole),
            *_view(views, item, name),
            *_mesh(meshes, placements, item, name),
            pose_text(placements.get(item.id) if placements else None)
            or ExecutionBlocker(f"{name} has no pose; connect placements that hold one"),
            ui=preview(crop, cls),
        )


def _view(views, item, name) -> tuple:
    view = views.get(item.id) if views else None
    if view is None or view.failure:
        reason = view.failure if view else f"{name} has no view; connect views that hold one"
        return (ExecutionBlocker(reason),) * 2
    return image_from_rgb(view.rgba[..., :3]), mask_tensor(view.rgba[..., 3] / 255)


def _mesh(meshes, placements, item, name) -> tuple:
    mesh, reason = chosen_mesh(meshes, placements, item) if meshes else (None, "")
    if mesh is None:
        return (ExecutionBlocker(reason or f"{name}: connect meshes to have its mesh"),) * 2
    return mesh_value(read_mesh(mesh)), glb_file(mesh.glb)
