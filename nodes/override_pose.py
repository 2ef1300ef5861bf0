"""Override Pose: one object moved, turned, scaled, posed by numbers, or locked."""

from __future__ import annotations

from comfy_api.latest import io

from ..cast_nodes.bridges.override import Edit, centre_of, edited, pose_from_text, with_pose
from ..cast_nodes.bridges.pick import chosen_mesh, picked
from ..cast_nodes.compose.enclosure import world_pose
from ..cast_nodes.errors import BadInput
from ..cast_nodes.report.pictures import fit_overlay, posed_by
from .convert import preview
from .pick_object import object_input
from .sockets import CATEGORY, CastGeometry, CastMeshes, CastObjects, CastPlacements


def _number(name: str, tooltip: str, default: float = 0.0, **bounds) -> io.Float.Input:
    return io.Float.Input(name, default=default, round=1e-4, tooltip=tooltip, **bounds)


class OverridePose(io.ComfyNode):
    """Node CAST Override Pose."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        far = {"min": -1000.0, "max": 1000.0, "step": 0.01}
        angle = {"min": -360.0, "max": 360.0, "step": 1.0}
        return io.Schema(
            node_id="CASTOverridePose",
            display_name="CAST Override Pose",
            category=CATEGORY,
            description="Moves, turns and scales one object about its own middle, or poses it by"
            " numbers, and locks it. Connect the placements to CAST Compose Scene, or to given of"
            " another CAST Register: it keeps locked poses and starts from the others.",
            search_aliases=[
                "move object",
                "rotate object",
                "scale object",
                "lock pose",
                "移动物体",
                "旋转",
                "缩放",
                "锁定位姿",
            ],
            has_intermediate_output=True,
            inputs=[
                CastObjects.Input("objects", tooltip="From CAST Filter."),
                CastGeometry.Input("geometry", tooltip="From CAST Depth: what is up and right."),
                CastMeshes.Input("meshes", tooltip="From CAST Mesh: where its middle is."),
                CastPlacements.Input("placements", tooltip="From CAST Register."),
                object_input(),
                io.Boolean.Input(
                    "lock", default=True, tooltip="A CAST Register given these keeps the pose."
                ),
                _number("right", "Move to the right, in the scene's unit (metres).", **far),
                _number("up", "Move up.", **far),
                _number("closer", "Move towards the photo's camera, on the level.", **far),
                _number("turn", "Turn about the vertical, anticlockwise from above.", **angle),
                _number(
                    "tilt", "Turn about the level right-hand axis, top to the camera.", **angle
                ),
                _number("roll", "Turn about the level viewing axis, anticlockwise.", **angle),
                _number("scale", "Factor of its size.", 1.0, min=0.01, max=100.0, step=0.01),
                io.String.Input(
                    "pose",
                    default="",
                    multiline=True,
                    placeholder="[[1,0,0,0],[0,1,0,0],[0,0,1,2],[0,0,0,1]]",
                    tooltip="Camera from object as JSON, 4 rows of 4 numbers, as CAST Pick Object"
                    " and placements.json have it; the moves above come on top. Empty: the pose"
                    " that is there.",
                ),
            ],
            outputs=[CastPlacements.Output("placements", tooltip="All poses, this one changed.")],
        )

    @classmethod
    def execute(
        cls, objects, geometry, meshes, placements, object="0", lock=True,
        right=0.0, up=0.0, closer=0.0, turn=0.0, tilt=0.0, roll=0.0, scale=1.0, pose="",
    ) -> io.NodeOutput:  # fmt: skip
        item = picked(objects, object)
        old = placements.get(item.id)
        start, stretch = (old.camera_from_object, old.stretch) if old else (None, None)
        if pose.strip():
            start, stretch = pose_from_text(pose)
        edit = Edit((right, up, closer), turn, tilt, roll, scale)
        new = start if pose.strip() else None
        if edit != Edit():
            if start is None:
                raise BadInput(
                    f"pose: {item.label} {item.id} has none that could be moved; write one as JSON"
                )
            mesh, reason = chosen_mesh(meshes, placements, item)
            if mesh is None:
                raise BadInput(f"meshes: {reason}, so it has no middle to move it about")
            middle = centre_of(mesh) * (stretch or 1.0)
            new = edited(start, middle, world_pose(geometry)[0], edit)
        candidate = old.candidate if old else 0
        changed = with_pose(placements, item, new, candidate, lock, stretch)
        picture = fit_overlay(objects.photo, geometry.intrinsics, posed_by(meshes, changed))
        return io.NodeOutput(changed, ui=preview(picture, cls))
