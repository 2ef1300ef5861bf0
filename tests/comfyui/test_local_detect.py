"""The local detectors in the real server: real model classes, small and with random weights.

They find nothing that is there; shown is that they run in ComfyUI's own Python, beside whatever
torchvision lies there, and that their objects go on through the graph.
"""

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .prompts import draw_room, node
from .server import PACK, Server

pytest.importorskip("transformers")
sys.path.insert(0, str(PACK / "tests" / "detect"))


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import tiny_detectors

    root = tmp_path_factory.mktemp("tiny")
    tiny_detectors.grounding_dino(root / "grounding_dino")
    tiny_detectors.sam2_video(root / "sam2")
    tiny_detectors.sam(root / "sam")
    tiny_detectors.florence2_that_says(
        root / "florence2", "chair<loc_50><loc_400><loc_270><loc_860>"
    )
    return root


@pytest.fixture
def room(server: Server) -> Iterator[None]:
    draw_room(server.base / "input" / "room.png")
    yield
    server.post("/free", {"unload_models": True, "free_memory": True})


def detected(server: Server, backend: str, **values) -> dict[str, dict]:
    """A graph of a photo, Detect, and what looks at its objects."""
    choice = {f"backend__{name}": value for name, value in values.items()}
    return {
        "photo": node(server, "LoadImage", image="room.png"),
        "detect": node(server, "CASTDetect", image=["photo", 0], backend=backend, **choice),
        "look": node(server, "CASTPreview", anything=["detect", 0]),
    }


def grounded(server: Server, weights: Path, mask_model: str = "sam2", **values) -> dict[str, dict]:
    return detected(
        server, "grounded_sam", labels="chair, coffee table, lamp", max_objects=4,
        box_threshold=0.1, detector_weights=str(weights / "grounding_dino"),
        mask_weights=str(weights / mask_model), **values,
    )  # fmt: skip


@pytest.mark.parametrize("mask_model", ["sam", "sam2"])
def test_grounding_dino_and_sam_run_in_comfyui(server: Server, room, weights, mask_model: str):
    run = server.run(grounded(server, weights, mask_model))
    assert run.status == "success", run.error + server.log_end()
    report = run.report("detect")
    assert len([label for label in report["made"] + report["reused"] if "found" not in label]) == 4
    picture = Image.open(io.BytesIO(server.picture(run, "detect"))).convert("RGB")
    assert np.ptp(np.asarray(picture)) > 50


def test_florence_2_runs_in_comfyui_and_its_answer_is_read(server: Server, room, weights):
    prompt = detected(
        server, "florence2", florence_weights=str(weights / "florence2"), max_new_tokens=32,
        mask_weights=str(weights / "sam2"),
    )  # fmt: skip
    run = server.run(prompt)
    assert run.status == "success", run.error + server.log_end()
    assert [label for label in run.report("detect")["made"] if "found" not in label] == ["chair 0"]


def test_another_threshold_makes_no_mask_anew(server: Server, room, weights):
    server.run(grounded(server, weights))
    prompt = grounded(server, weights)
    prompt["detect"]["inputs"]["backend.box_threshold"] = 0.11
    report = server.run(prompt).report("detect")
    masks = [label for label in report["made"] if "found" not in label]
    assert masks == [] and len(report["reused"]) == 4


def test_weights_that_are_not_there_are_named(server: Server, room, weights):
    run = server.run(grounded(server, weights, "no_such_folder"))
    assert run.status == "error" and "no_such_folder" in run.error
