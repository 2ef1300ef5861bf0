"""CAST Export on the real server: files in the output folder, a USDZ for other nodes."""

import json
from pathlib import Path

from .prompts import chain, node
from .server import Server


def exporting(server: Server, **inputs) -> dict:
    """The chain up to the scene, exported."""
    made = chain(server)
    made["export"] = node(server, "CASTExport", scene=["compose", 0], **inputs)
    made["folder"] = node(server, "PreviewAny", source=["export", 0])
    made["list"] = node(server, "PreviewAny", source=["export", 2])
    return made


def test_objects_collision_meshes_and_the_list_lie_in_a_folder(server: Server):
    run = server.run(exporting(server))
    assert run.status == "success", run.error + server.log_end()
    folder = Path(run.outputs["folder"]["text"][0])
    assert folder.parent.parent == server.base / "output"
    listed = json.loads(run.outputs["list"]["text"][0])
    assert len(listed["objects"]) == 3
    for entry in listed["objects"]:
        assert set(entry["files"]) == {"posed", "canonical", "collision"}
        assert all((folder / "export" / name).is_file() for name in entry["files"].values())
    assert (folder / "scene.glb").is_file() and not (folder / "scene.usdz").exists()


def test_usd_comes_along_or_its_package_is_told_before_anything_runs(server: Server):
    made = exporting(server, usd="both", up="z")
    answer = server.post("/prompt", {"prompt": made, "client_id": "tests"})
    run = server.wait(answer["prompt_id"])  # the other nodes run in any case
    assert run.status == "success", run.error + server.log_end()
    if answer["node_errors"]:
        assert "pip install usd-core" in json.dumps(answer["node_errors"])
        assert "folder" not in run.outputs
        return
    folder = Path(run.outputs["folder"]["text"][0])
    assert (folder / "scene.usdz").is_file() and (folder / "scene.usdc").is_file()
