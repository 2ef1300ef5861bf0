"""Evaluate: how near the scene is to a truth."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, cast

from comfy_api.latest import io

from ..cast_nodes.errors import BadInput
from ..cast_nodes.evaluate import (
    PROTOCOLS,
    By,
    Choices,
    EvalScene,
    Evaluation,
    evaluate,
    protocol,
    read_truth,
    scene_from_glb,
    scene_of,
)
from ..cast_nodes.evaluate.table import table
from .run_stage import show_text
from .sockets import CATEGORY, CastScene


class Evaluate(io.ComfyNode):
    """Node CAST Evaluate."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="CASTEvaluate",
            display_name="CAST Evaluate",
            category=CATEGORY,
            description="Measures the scene against a true one: distances, box and volume overlap,"
            " poses, the render against masks, depth and photo, and whether things hold together.",
            search_aliases=[
                "metrics",
                "chamfer",
                "f-score",
                "iou",
                "benchmark",
                "compare scenes",
                "评测",
                "指标",
                "对比",
            ],
            is_output_node=True,
            inputs=[
                CastScene.Input("scene", tooltip="From CAST Compose Scene."),
                io.String.Input(
                    "truth",
                    default="",
                    placeholder="run folder or .glb",
                    tooltip="A run folder (with masks and depth, which are compared too) or a GLB"
                    " whose top nodes are the objects. Not needed when truth_file is connected.",
                ),
                io.Combo.Input(
                    "protocol",
                    options=list(PROTOCOLS),
                    default="plain",
                    tooltip="plain: in metres, nothing aligned. The others measure as those papers"
                    " do, so that figures can be set beside theirs.",
                ),
                io.Combo.Input(
                    "match",
                    options=["auto", "id", "name", "best"],
                    default="auto",
                    tooltip="Who is who: by id, by name, or the best pairing by place.",
                ),
                io.Boolean.Input(
                    "fit_scale",
                    default=False,
                    tooltip="First scale the scene about the camera to the true distances, for"
                    " scenes in an unknown unit.",
                ),
                io.MultiType.Input(
                    "truth_file",
                    [io.File3DGLB, io.File3DAny],
                    optional=True,
                    tooltip="The true scene as a GLB, in place of the path.",
                ),
                io.Boolean.Input(
                    "simulate",
                    default=True,
                    optional=True,
                    tooltip="Also tell how far things move in a second of MuJoCo, where the package"
                    " mujoco is installed.",
                ),
            ],
            outputs=[
                io.String.Output("table", tooltip="For people."),
                io.String.Output("json", tooltip="Every number, as cast evaluate --json tells it."),
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, truth="", **rest) -> Any:
        """A truth that changed on disk is read again."""
        path = Path(truth)
        files = sorted(path.glob("*")) if path.is_dir() else [path]
        return [(f.name, f.stat().st_mtime_ns) for f in files if truth and f.is_file()]

    @classmethod
    async def execute(
        cls, scene, truth="", protocol="plain", match="auto", fit_scale=False, truth_file=None,
        simulate=True,
    ) -> io.NodeOutput:  # fmt: skip
        settle = "auto" if simulate else "off"
        choices = Choices(match=cast(By, match), fit_scale=fit_scale, simulate=settle)
        found = await asyncio.to_thread(_evaluated, scene, truth, truth_file, protocol, choices)
        text = table(found)
        show_text(text)
        return io.NodeOutput(text, json.dumps(found.as_json(), indent=1))


def _evaluated(scene: Any, path: str, file: Any, name: str, choices: Choices) -> Evaluation:
    """The evaluation of a CAST scene."""
    return evaluate(scene_of(scene), _truth(path, file), protocol(name), choices)


def _truth(path: str, file: Any) -> EvalScene:
    """The truth of the two inputs.

    Raises:
        BadInput: neither is given, or the file is no GLB.
    """
    if file is not None:
        if file.format.lower().lstrip(".") not in ("glb", ""):
            raise BadInput(f"truth_file is a .{file.format}; give a GLB, or the path of the file")
        return scene_from_glb(file.get_data().getvalue(), "truth_file")
    if not path.strip():
        raise BadInput("truth is empty: give a run folder or a GLB, or connect truth_file")
    return read_truth(Path(path.strip()))
