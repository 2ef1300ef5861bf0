"""Review Objects: every object's crop, view, mesh and fit in a row, to be judged one by one.

The rows are drawn here and shown by ``frontend/src/strip``. What the user decides there is written
into the nodes that make the results (``retry`` and ``locked`` of Inpaint and Mesh, ``retry`` of
Register, ``edits`` of Compose Scene), for a node cannot act on what comes before it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import folder_paths
from comfy_api.latest import io
from PIL import Image

from ..cast_nodes.cancel import CancelToken
from ..cast_nodes.compose.edits import pose_json
from ..cast_nodes.errors import BadInput
from ..cast_nodes.locks import keep_result
from ..cast_nodes.report.rows import Made, Row, made_in, made_so_far, rows_of
from ..cast_nodes.store import Store
from ..cast_nodes.types import MeshEntry
from .run_stage import shared_store, stoppable
from .sockets import (
    CATEGORY,
    CastGeometry,
    CastMeshes,
    CastObjects,
    CastPlacements,
    CastScene,
    CastViews,
)  # fmt: skip

SUBFOLDER = "cast_rows"


class ReviewObjects(io.ComfyNode):
    """Node CAST Review Objects."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="CASTReviewObjects",
            display_name="CAST Review Objects",
            category=CATEGORY,
            description="Every object in a row: what the photo shows, its view, its mesh, and how"
            " well it fits. Accept it, redo its view, mesh or placement alone, or lock it as it is;"
            " all other objects are reused. Your choices are written into the nodes that made the"
            " object, so connect this one where the scene, or the results so far, come out.",
            search_aliases=[
                "object strip",
                "retry object",
                "redo mesh",
                "lock object",
                "compare objects",
                "检查物体",
                "重做物体",
                "锁定物体",
            ],
            is_output_node=True,
            inputs=[
                CastScene.Input(
                    "scene", optional=True, tooltip="From CAST Compose Scene: all there is to see."
                ),
                CastObjects.Input(
                    "objects",
                    optional=True,
                    tooltip="From CAST Filter, while there is no scene; with it what is made so far.",
                ),
                CastViews.Input("views", optional=True, tooltip="From CAST Inpaint."),
                CastMeshes.Input("meshes", optional=True, tooltip="From CAST Mesh."),
                CastGeometry.Input(
                    "geometry", optional=True, tooltip="From CAST Depth; needed to show the fit."
                ),
                CastPlacements.Input("placements", optional=True, tooltip="From CAST Register."),
            ],
            outputs=[],
        )

    @classmethod
    async def execute(
        cls, scene=None, objects=None, views=None, meshes=None, geometry=None, placements=None
    ) -> io.NodeOutput:
        if scene is not None:
            made = made_in(scene)
        elif objects is not None:
            made = made_so_far(objects, views, meshes, placements, geometry)
        else:
            raise BadInput("scene: connect a scene, or objects and what is made of them so far")
        folder = Path(folder_paths.get_temp_directory()) / SUBFOLDER
        rows = await stoppable(lambda token: _shown(made, folder, shared_store(), token))
        dropped = [
            {"id": o.id, "label": o.label, "reason": o.reason}
            for o in made.objects.objects
            if not o.keep
        ]
        strip = {"photo": made.objects.photo.key[:16], "rows": rows, "dropped": dropped}
        return io.NodeOutput(ui={"cast_strip": [strip]})


def _shown(made: Made, folder: Path, store: Store, token: CancelToken) -> list[dict[str, Any]]:
    """The rows as the front end gets them, their pictures written where there is none yet."""
    folder.mkdir(parents=True, exist_ok=True)
    shown = []
    for row in rows_of(made):
        token.check()
        name = f"{row.key[:32]}.webp"
        if not (folder / name).is_file():
            Image.fromarray(row.picture()).save(folder / name, quality=86)
        shown.append(_row(row, made, name, store))
    return shown


def _row(row: Row, made: Made, picture: str, store: Store) -> dict[str, Any]:
    item, photo = row.item, row.photo
    locks = {}
    if row.view is not None:
        locks["view"] = keep_result(store, photo, item, row.view)
    if row.mesh is not None:
        locks["mesh"] = keep_result(store, photo, item, MeshEntry(item.id, (row.mesh,)))
    pose = None
    if made.world_from_camera is not None and row.posed is not None:
        pose = pose_json(made.world_from_camera @ row.posed[1])
    return {
        "id": item.id,
        "label": item.label,
        "occlusion": round(item.occlusion, 3),
        "made": row.key[:16],
        "picture": {"filename": picture, "subfolder": SUBFOLDER, "type": "temp"},
        "tiles": list(row.tiles),
        "mesh": "" if row.mesh is None else row.mesh.name,
        "candidates": row.candidates,
        "iou": None if row.iou is None else round(row.iou, 3),
        "grade": row.grade,
        "depth_off": None if row.depth_off is None else round(row.depth_off, 3),
        "ambiguous": bool(row.placement and row.placement.ambiguous),
        "failures": dict(row.failures),
        "locks": locks,
        "pose": pose,
    }
