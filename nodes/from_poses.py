"""Placements from Poses: JSON text of other systems."""

from __future__ import annotations

from comfy_api.latest import io

from ..cast_nodes.bridges.from_poses import PoseOptions, placements_of
from .bridging import IDS, joining_inputs
from .lists import option_widgets, options_of
from .run_stage import show_text
from .sockets import CATEGORY, CastPlacements


class PlacementsFromPoses(io.ComfyNode):
    """Node CAST Placements from Poses."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="CASTPlacementsFromPoses",
            display_name="CAST Placements from Poses",
            category=CATEGORY,
            description="Reads poses that other systems found (SAM 3D Objects, a 4x4 matrix of any"
            " tracker) for the input 'given' of CAST Register, which refines or keeps them.",
            search_aliases=[
                "sam 3d objects",
                "6d pose",
                "4x4 matrix",
                "quaternion",
                "layout",
                "位姿导入",
                "四元数",
                "矩阵",
            ],
            inputs=[
                io.String.Input(
                    "poses",
                    default="",
                    multiline=True,
                    placeholder='[{"id": 0, "matrix": [[1, 0, 0, 0], …]}]',
                    tooltip="JSON: a list with matrix (4x4), or rotation, translation and scale, of"
                    " each object, and maybe id, candidate and locked.",
                ),
                *joining_inputs(""),
                IDS,
                *option_widgets(PoseOptions),
            ],
            outputs=[
                CastPlacements.Output("placements", tooltip="For the input given of CAST Register.")
            ],
        )

    @classmethod
    def execute(cls, poses="", objects=None, ids="", **values) -> io.NodeOutput:
        options = options_of(PoseOptions, values, "CAST Placements from Poses")
        placements = placements_of(poses, objects, ids, options)
        show_text(f"{len(placements.placements)} poses")
        return io.NodeOutput(placements)
