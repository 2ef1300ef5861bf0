"""Prompts on the real server: the whole chain, what is reused, what is refused."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .prompts import BOXES, chain, chain_until, node
from .server import PromptRefused, Server

STAGES = ("detect", "filter", "depth", "inpaint", "mesh", "register", "compose")
PER_OBJECT = ("inpaint", "mesh", "register")


@pytest.fixture(scope="module")
def first(server: Server):
    """The whole chain, run once."""
    run = server.run(chain(server))
    assert run.status == "success", run.error + server.log_end()
    return run


def test_the_chain_makes_a_scene_of_all_objects(server: Server, first):
    for stage in PER_OBJECT:
        report = first.report(stage)
        assert report["failures"] == []
        assert len(report["made"]) + len(report["reused"]) == len(BOXES)
    files = {f["filename"]: f for f in first.outputs["save"]["cast_files"]}
    folder = server.base / "output" / files["scene.glb"]["subfolder"]
    assert (folder / "scene.glb").read_bytes()[:4] == b"glTF"
    described = json.loads((folder / "scene.json").read_text())
    assert {o["id"] for o in described["objects"]} == {0, 1, 2}
    assert "<html" in (folder / "report.html").read_text()


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_shows_a_picture(server: Server, first, stage: str):
    picture = Image.open(io.BytesIO(server.picture(first, stage))).convert("RGB")
    assert np.ptp(np.asarray(picture)) > 50


@pytest.mark.parametrize("stage", ["detect", "depth", "inpaint", "mesh"])
def test_the_first_stages_run_alone_with_a_preview(server: Server, first, stage: str):
    run = server.run(chain_until(server, stage))
    assert run.status == "success", run.error
    assert server.picture(run, "look")
    for name in set(PER_OBJECT) & set(run.outputs):
        assert run.report(name)["made"] == [] or name in run.cached


def test_a_saved_folder_can_be_run_on_from(server: Server, first):
    from cast_nodes.run_folder import RunFolder

    files = first.outputs["save"]["cast_files"]
    folder = RunFolder(Path(server.base / "output" / files[0]["subfolder"]))
    photo = folder.read_photo()
    objects = folder.read_objects(photo)
    assert [o.label for o in objects.objects] == ["chair", "table", "box"]
    assert len(folder.read_meshes(objects).entries) == len(folder.read_placements().placements) == 3
    assert folder.read_geometry(photo).points.shape == (240, 320, 3)


def test_a_second_run_is_cached_whole(server: Server, first):
    assert server.run(chain(server)).status == "success"
    again = server.run(chain(server))
    assert again.status == "success"
    assert again.cached == set(chain(server))


@pytest.mark.parametrize("stage", PER_OBJECT)
def test_retry_redoes_one_object_only(server: Server, first, stage: str):
    run = server.run(chain(server, **{stage: {"retry": "1:7"}}))
    assert run.status == "success", run.error
    report = run.report(stage)
    assert len(report["made"]) == 1 and report["made"][0].endswith("1")
    assert len(report["reused"]) == len(BOXES) - 1
    assert not {"photo", "masks", "detect", "filter", "depth"} - run.cached


def test_a_changed_mask_redoes_that_object_only(server: Server, first):
    prompt = chain(server)
    left, top, right, bottom = BOXES[2]
    boxes = prompt["masks"]["inputs"]["boxes"].splitlines()
    boxes[2] = f"{left} {top} {right - 6} {bottom}"
    prompt["masks"]["inputs"]["boxes"] = "\n".join(boxes)
    run = server.run(prompt)
    assert run.status == "success", run.error
    for stage in ("inpaint", "mesh"):
        assert [label.split()[-1] for label in run.report(stage)["made"]] == ["2"], stage
        assert len(run.report(stage)["reused"]) == 2


def chain_with_a_speck(server: Server, on_failure: str) -> dict:
    """The chain with a fourth object of one pixel, which cannot become a mesh."""
    prompt = chain(server, filter={"backend__min_area": 0.0}, mesh={"on_failure": on_failure})
    prompt["masks"]["inputs"]["boxes"] += "\n100 100 101 101"
    return prompt


def test_a_failed_object_is_named_and_the_others_make_the_scene(server: Server, first):
    run = server.run(chain_with_a_speck(server, "continue"))
    assert run.status == "success", run.error
    assert len(run.report("mesh")["failures"]) == 1
    assert "3" in run.report("mesh")["failures"][0]
    files = run.outputs["save"]["cast_files"]
    folder = server.base / "output" / files[0]["subfolder"]
    described = json.loads((folder / "scene.json").read_text())
    placed = {o["id"] for o in described["objects"] if o.get("camera_from_object")}
    assert placed == {0, 1, 2}


def test_stopping_at_a_failed_object_keeps_the_others(server: Server, first):
    prompt = chain_with_a_speck(server, "stop")
    assert server.run(prompt).error.startswith("1 of 4 objects failed, the others are kept")
    prompt["mesh"]["inputs"]["on_failure"] = "continue"
    report = server.run(prompt).report("mesh")
    assert len(report["reused"]) == 3 and len(report["failures"]) == 1


def test_a_value_out_of_range_is_refused_with_the_widgets_name(server: Server):
    prompt = chain(server, detect={"max_side": 10})
    with pytest.raises(PromptRefused) as refused:
        server.queue(prompt)
    assert refused.value.details("detect") == ["max_side"]


def test_a_backends_option_out_of_range_is_refused_with_its_name(server: Server):
    prompt = chain(server)
    prompt["filter"]["inputs"]["backend.max_objects"] = -5
    with pytest.raises(PromptRefused) as refused:
        server.queue(prompt)
    assert refused.value.details("filter") == ["backend.max_objects"]


def test_an_unknown_backend_is_an_error_that_names_the_widget(server: Server):
    run = server.run(chain(server, mesh={"backend": "no_such_thing"}))
    assert run.status == "error"
    assert run.error.startswith("backend: ") and "inflate" in run.error


@pytest.mark.parametrize(
    ("retry", "message"),
    [("two", "retry: 'two' cannot be read"), ("9", "retry: there is no object 9")],
)
def test_a_retry_that_makes_no_sense_is_an_error_that_names_the_widget(
    server: Server, retry: str, message: str
):
    run = server.run(chain(server, mesh={"retry": retry}))
    assert run.error.startswith(message)


def test_two_pictures_in_one_batch_are_refused_with_the_way_out(server: Server):
    prompt = chain(server, detect={"image": ["two", 0]})
    prompt["two"] = node(server, "ImageBatch", image1=["photo", 0], image2=["photo", 0])
    run = server.run(prompt)
    assert run.error.startswith("image: one photo is needed, this batch holds 2 pictures")


def test_an_empty_mask_batch_is_refused(server: Server):
    prompt = chain(server, masks={})
    prompt["masks"] = {"class_type": "TestEmptyMasks", "inputs": {}}
    assert server.run(prompt).error.startswith("masks: the batch is empty")


def test_black_masks_are_refused(server: Server):
    prompt = chain(server)
    prompt["masks"] = node(server, "SolidMask", value=0.0, width=320, height=240)
    prompt["detect"]["inputs"]["backend.labels"] = ""
    assert server.run(prompt).error.startswith("masks: every mask is empty")


def test_masks_of_another_size_are_refused(server: Server):
    prompt = chain(server)
    prompt["masks"] = node(server, "SolidMask", value=1.0, width=64, height=48)
    assert "they are 64 x 48, the image is 320 x 240" in server.run(prompt).error


def test_a_name_for_a_mask_that_is_not_there_is_refused(server: Server):
    prompt = chain(server, detect={"backend__labels": "7=chair"})
    assert "labels: there is no mask 7" in server.run(prompt).error


def test_masks_or_a_path_to_them_must_be_given(server: Server):
    prompt = chain(server)
    del prompt["detect"]["inputs"]["backend.masks"]
    assert "connect masks to the node" in server.run(prompt).error


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        ("", "boxes: there are none"),
        ("chair 1 2 3", "boxes: 'chair 1 2 3' cannot be read"),
        ("chair: 400, 10, 500, 60", "boxes: 'chair: 400, 10, 500, 60' lies outside the image"),
    ],
)
def test_boxes_that_make_no_sense_are_refused(server: Server, boxes: str, message: str):
    detect = node(server, "CASTDetect", image=["photo", 0], backend="boxes", backend__boxes=boxes)
    run = server.run(chain_until(server, "detect") | {"detect": detect})
    assert run.error.startswith(message)


def test_a_tiny_picture_is_refused(server: Server):
    prompt = chain_until(server, "detect")
    prompt["photo"] = node(server, "EmptyImage", width=16, height=1, batch_size=1)
    assert "a photo needs at least" in server.run(prompt).error


def test_depth_without_any_input_names_the_socket(server: Server):
    prompt = {
        "depth": node(server, "CASTDepth"),
        "look": node(server, "CASTPreview", anything=["depth", 0]),
    }
    run = server.run(prompt)
    assert run.error.startswith("objects: connect the objects")


def test_the_users_boxes_become_masks(server: Server):
    boxes = "\n".join(f"thing: {', '.join(map(str, b))}" for b in BOXES)
    detect = node(server, "CASTDetect", image=["photo", 0], backend="boxes", backend__boxes=boxes)
    run = server.run(chain_until(server, "detect") | {"detect": detect})
    assert run.status == "success", run.error


def test_a_large_photo_is_reduced_and_its_masks_with_it(server: Server):
    run = server.run(chain_until(server, "filter", detect={"max_side": 256}))
    assert run.status == "success", run.error
    width, height = Image.open(io.BytesIO(server.picture(run, "look"))).size
    assert (width, height) == (256, 192)
