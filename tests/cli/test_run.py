"""`cast run`: from a photo or a run folder to a scene; resume, hand edits, exit statuses."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.side_by_side import HEIGHT_PX, sheets
from cast_nodes.cli import main
from cast_nodes.frames import Sim3
from cast_nodes.gltf_check import faults
from cast_nodes.records import mask_box
from cast_nodes.run_folder import RunFolder

ROOT = Path(__file__).parents[2]


def run_json(capsys, *arguments):
    """Exit status, the JSON document on stdout, and stderr."""
    status = main(["run", *map(str, arguments), "--json"])
    captured = capsys.readouterr()
    return status, json.loads(captured.out), captured.err


@pytest.fixture(scope="module")
def finished(tmp_path_factory, picture, entries):
    """One whole run from boxes, made once and only read by the tests."""
    base = tmp_path_factory.mktemp("finished")
    made = base / "room"
    made.mkdir()
    picture.save(made / "image.png")
    (made / "objects.json").write_text(json.dumps(entries))
    environment = {
        **os.environ,
        "CAST_CACHE": str(base / "cache"),
        "CAST_ASSETS": str(base / "none"),
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "cast_nodes", "run", str(made), "--detect", "boxes", "--json"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return made, json.loads(done.stdout), done.stderr, environment


class TestAWholeRun:
    def test_every_file_of_the_design_is_there(self, finished):
        folder = finished[0]
        names = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
        assert {
            "image.png", "objects.json", "geometry.npz", "placements.json", "background.png",
            "scene.json", "scene.glb", "report.html", "run.json", "background.glb",
            "objects/0/mask.png", "objects/0/view.png", "objects/0/mesh.glb",
            "objects/1/mask.png", "objects/1/view.png", "objects/1/mesh.glb",
        } <= names  # fmt: skip

    def test_stdout_is_one_json_document_and_progress_goes_to_stderr(self, finished):
        _, document, stderr, _ = finished
        assert document["status"] == 0
        assert [o["status"] for o in document["runs"][0]["objects"]] == ["placed", "placed"]
        assert "register" in stderr

    def test_the_scene_is_a_valid_glb_with_a_named_node_per_object_and_a_camera(self, finished):
        folder = finished[0]
        assert faults((folder / "scene.glb").read_bytes()) == []
        scene = json.loads((folder / "scene.json").read_text())
        assert [o["id"] for o in scene["objects"]] == [0, 1]
        assert len({o["node"] for o in scene["objects"]}) == 2

    def test_the_objects_stand_where_they_stand_in_the_photo(self, finished):
        """The placed mesh's corners, projected, span the mask's box to within a tenth."""
        from cast_nodes.frames import project
        from cast_nodes.mesh_data import read_mesh

        folder = RunFolder(finished[0])
        photo = folder.read_photo()
        objects, geometry = folder.read_objects(photo), folder.read_geometry(photo)
        meshes, placements = folder.read_meshes(objects), folder.read_placements()
        for item in objects.kept:
            placement, entry = placements.get(item.id), meshes.get(item.id)
            vertices = read_mesh(entry.candidates[placement.candidate]).vertices
            pixels = project(placement.camera_from_object.apply(vertices), geometry.intrinsics)
            found = np.r_[np.nanmin(pixels, 0), np.nanmax(pixels, 0)]
            truth = np.array(mask_box(item.mask))
            size = np.hypot(truth[2] - truth[0], truth[3] - truth[1])
            assert np.abs(found - truth).max() < 0.12 * size, (item.label, found, truth)

    def test_the_objects_stand_on_the_floor(self, finished):
        scene = json.loads((finished[0] / "scene.json").read_text())
        world_from_camera = Sim3.from_matrix(np.array(scene["world_from_camera"]))
        folder = RunFolder(finished[0])
        objects = folder.read_objects(folder.read_photo())
        from cast_nodes.mesh_data import read_mesh

        meshes, placements = folder.read_meshes(objects), folder.read_placements()
        for entry in scene["objects"]:
            pose = world_from_camera @ Sim3.from_matrix(np.array(entry["camera_from_object"]))
            mesh = meshes.get(entry["id"]).candidates[placements.get(entry["id"]).candidate]
            heights = pose.apply(read_mesh(mesh).vertices)[:, 1]
            assert abs(heights.min()) < 0.03 * np.ptp(heights)
            assert entry["supported_by"] == "floor"

    def test_run_json_tells_settings_versions_and_times_but_no_environment(self, finished):
        facts = json.loads((finished[0] / "run.json").read_text())
        assert facts["stages"]["detect"]["backend"] == "boxes"
        assert facts["stages"]["register"]["seconds"] > 0
        assert "numpy" in facts["versions"]
        assert str(Path.home()) not in json.dumps(facts)

    def test_a_second_run_takes_everything_from_the_store(self, finished):
        folder, _, _, environment = finished
        before = {p: p.read_bytes() for p in folder.rglob("*.glb")}
        done = subprocess.run(
            [sys.executable, "-m", "cast_nodes", "run", str(folder), "--detect", "boxes", "--json"],
            capture_output=True, text=True, cwd=ROOT, env=environment, check=True,
        )  # fmt: skip
        reused = json.loads(done.stdout)["runs"][0]["reused"]
        assert reused["mesh"] == reused["register"] == 2
        assert reused["depth"] == 1
        assert {p: p.read_bytes() for p in folder.rglob("*.glb")} == before


class TestOneStageAlone:
    def test_boxes_become_masks(self, folder, capsys):
        status, _, _ = run_json(capsys, folder, "--only", "detect", "--detect", "boxes")
        assert status == 0
        assert (folder / "objects/0/mask.png").is_file()
        assert not (folder / "geometry.npz").exists()
        mask = np.asarray(Image.open(folder / "objects/1/mask.png")) > 127
        truth = np.zeros_like(mask)
        truth[70:190, 190:270] = True
        assert (mask & truth).sum() / (mask | truth).sum() > 0.85

    def test_a_stage_names_the_file_it_lacks(self, folder, capsys):
        assert main(["run", str(folder), "--only", "register"]) == 2
        assert "mask.png" in capsys.readouterr().err

    def test_a_photo_is_no_run_folder(self, tmp_path, picture, capsys):
        picture.save(tmp_path / "p.jpg")
        assert main(["run", str(tmp_path / "p.jpg"), "--only", "register"]) == 2
        assert "run folders" in capsys.readouterr().err


class TestEditsByHand:
    def test_a_replaced_mesh_is_kept_and_only_its_object_is_done_again(self, finished, tmp_path):
        import shutil

        import trimesh

        folder, _, _, environment = finished
        copy = tmp_path / "room"
        shutil.copytree(folder, copy)
        own = trimesh.creation.cylinder(0.3, 0.8).export(file_type="glb")
        (copy / "objects/0/mesh.glb").write_bytes(own)
        done = subprocess.run(
            [sys.executable, "-m", "cast_nodes", "run", str(copy), "--json"],
            capture_output=True, text=True, cwd=ROOT, env=environment, check=True,
        )  # fmt: skip
        run = json.loads(done.stdout)["runs"][0]
        assert (copy / "objects/0/mesh.glb").read_bytes() == own
        assert run["reused"]["register"] == 1
        assert run["reused"]["mesh"] == 1


class TestResume:
    def test_a_run_that_is_killed_goes_on(self, folder, own_cache):
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "cast_nodes", "run", str(folder), "--detect", "boxes"]
        killed = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 120
        while not (folder / "geometry.npz").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        assert not (folder / "scene.glb").exists()
        done = subprocess.run(
            [*command, "--json"], capture_output=True, text=True, cwd=ROOT, env=environment,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["runs"][0]["reused"]["depth"] == 1
        assert (folder / "scene.glb").is_file()

    def test_interrupting_stops_with_its_own_status(self, folder):
        process = subprocess.Popen(
            [sys.executable, "-m", "cast_nodes", "run", str(folder), "--detect", "boxes"],
            cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        deadline = time.monotonic() + 120
        while not (folder / "objects/1/mask.png").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=120)
        assert process.returncode == 130
        assert "stopped" in stderr
        assert "Traceback" not in stderr


class TestAnotherPhotoOfTheSameName:
    def test_is_refused_and_nothing_is_lost(self, tmp_path, picture, capsys):
        (tmp_path / "a").mkdir()
        (tmp_path / "b").mkdir()
        picture.save(tmp_path / "a/room.png")
        picture.rotate(180).save(tmp_path / "b/room.png")
        out = tmp_path / "out"
        # A stop right after detect is enough here.
        main(["run", str(tmp_path / "a/room.png"), "-o", str(out), "--only", "detect"])
        before = (out / "room/image.png").read_bytes()
        capsys.readouterr()
        command = ["run", str(tmp_path / "b/room.png"), "-o", str(out), "--only", "detect"]
        assert main(command) == 2
        assert "another photo" in capsys.readouterr().err
        assert (out / "room/image.png").read_bytes() == before
        main([*command, "--force"])
        assert (out / "room/image.png").read_bytes() != before


def test_runs_of_one_photo_are_laid_beside_each_other_to_be_looked_at(finished, tmp_path):
    """A row for each run; a run that lacks the photo has a grey one."""
    shutil.copytree(finished[0], tmp_path / "before" / "room")
    (path,) = sheets([tmp_path / "before", tmp_path / "after"], tmp_path / "sheets")
    picture = np.asarray(Image.open(path))
    assert path.name == "room.png" and picture.shape[0] == 2 * HEIGHT_PX
    first, second = picture[:HEIGHT_PX], picture[HEIGHT_PX:]
    assert first.std() > 10 and (second[60:] == 128).all()
