"""CAST Evaluate on the real server: a scene against the folder that it was saved to."""

import json

import pytest

from .prompts import chain, node
from .server import Server


def judged(server: Server, **inputs) -> dict:
    """The chain up to the scene, saved and judged."""
    made = chain(server)
    made["judge"] = node(server, "CASTEvaluate", scene=["compose", 0], **inputs)
    made["table"] = node(server, "PreviewAny", source=["judge", 0])
    made["numbers"] = node(server, "PreviewAny", source=["judge", 1])
    return made


@pytest.fixture(scope="module")
def saved(server: Server) -> str:
    """The scene's own run folder, which is as near to it as can be."""
    run = server.run(chain(server))
    assert run.status == "success", run.error + server.log_end()
    return str(server.base / "output" / run.outputs["save"]["cast_files"][0]["subfolder"])


def test_a_scene_is_as_near_to_its_own_folder_as_can_be(server: Server, saved: str):
    run = server.run(judged(server, truth=saved, protocol="midi-cast"))
    assert run.status == "success", run.error + server.log_end()
    numbers = json.loads(run.outputs["numbers"]["text"][0])
    assert numbers["counts"]["matched"] == numbers["counts"]["true"] == 3
    assert numbers["means"]["iou_b"]["mean"] == pytest.approx(1, abs=1e-3)
    assert numbers["pictures"]["abs_rel"] < 0.5
    assert "protocol midi-cast" in run.outputs["table"]["text"][0]


def test_a_glb_in_memory_is_a_truth_too(server: Server):
    run = server.run(judged(server, truth_file=["compose", 1], protocol="3d-re-gen"))
    assert run.status == "success", run.error + server.log_end()
    numbers = json.loads(run.outputs["numbers"]["text"][0])
    assert numbers["scene"]["f_score@0.1"] > 0.99


def test_no_truth_is_one_clear_sentence(server: Server):
    run = server.run(judged(server))
    assert run.status != "success"
    assert "give a run folder or a GLB" in run.error
