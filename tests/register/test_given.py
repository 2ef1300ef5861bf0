"""Poses from elsewhere come out refined, locked ones come out as they went in."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from cast_nodes.backends import Backend, BackendInfo, Choice, Need, Options, choose
from cast_nodes.cli import main
from cast_nodes.context import Context
from cast_nodes.errors import BackendNotReady, BadInput
from cast_nodes.frames import Sim3
from cast_nodes.pictures import png_bytes
from cast_nodes.register import RegisterInputs, register
from cast_nodes.run_folder import RunFolder
from cast_nodes.types import MeshEntry, Meshes, Placement, Placements

from .conftest import HEIGHT, WIDTH, Room, chair, crate, make_room, mesh_of, upright_pose


def solve(inputs: RegisterInputs, **options) -> list[Placement]:
    return list(register(inputs, choose("register", "hybrid", **options), Context()).placements)


def rough(pose: Sim3) -> Sim3:
    """10 degrees, 10 % of the size and a few centimetres off."""
    axis = np.array([0.6, 0.64, -0.48])
    turn = Rotation.from_rotvec(np.deg2rad(10) * axis).as_matrix()
    return Sim3(turn @ pose.rotation, 1.03 * pose.translation + [0.05, 0, 0], 1.1 * pose.scale)


def turned_round(pose: Sim3) -> Sim3:
    return replace(pose, rotation=pose.rotation @ np.diag([-1.0, 1.0, -1.0]))


def given(inputs: RegisterInputs, *placements: Placement) -> RegisterInputs:
    return replace(inputs, given=Placements(placements, "elsewhere"))


class Noting:
    """A backend that notes what it was given."""

    def __init__(self, takes_given: bool, needs: tuple[Need, ...] = ()) -> None:
        self.seen: list[tuple[int, int]] = []
        self.warnings: list[str] = []
        info = BackendInfo(
            "noting", "Noting", "embedded", "for tests", takes_given=takes_given, needs=needs
        )
        self.choice = Choice(Backend(info, Options, self.run, stage="register"), Options())
        self.context = Context(warn=self.warnings.append)

    def run(self, problems, options, context):
        self.seen += [(p.id, len(p.given)) for p in problems]
        return [Placement(p.id, Sim3.identity()) for p in problems]

    def register(self, inputs: RegisterInputs) -> Placements:
        return register(inputs, self.choice, self.context)


@pytest.fixture(scope="module")
def backward_room() -> Room:
    """A chair seen from behind with nothing around it: few starts find its yaw."""
    room = make_room({0: (chair(), upright_pose(3.6, (0.2, 2.6)))}, noise=0.003)
    mask = room.inputs.objects.by_id(0).mask
    assert mask is not None
    alone = np.where(mask[..., None], room.inputs.geometry.points, np.float32(np.nan))
    return replace(room, inputs=room.with_geometry(up=None, floor=None, points=alone))


class TestHybrid:
    def test_a_rough_pose_comes_out_refined_where_few_starts_would_miss_it(self, backward_room):
        start = rough(backward_room.truth[0])
        assert backward_room.error(0, start) > 0.04
        (found,) = solve(given(backward_room.inputs, Placement(0, start)), hypotheses=8)
        assert backward_room.error(0, found.camera_from_object) < 0.01
        assert not found.locked

    @pytest.mark.parametrize(
        "bad",
        [
            turned_round,
            lambda pose: replace(pose, translation=-pose.translation),
            lambda pose: replace(pose, translation=1e30 * pose.translation),
            lambda pose: replace(pose, scale=1e-300),
            lambda pose: replace(pose, scale=1e30),
        ],
        ids=["turned round", "behind the camera", "far away", "tiny", "huge"],
    )
    def test_a_bad_pose_does_no_harm(self, chair_room, bad):
        inputs = given(chair_room.inputs, Placement(0, bad(chair_room.truth[0])))
        (found,) = solve(inputs)
        assert chair_room.error(0, found.camera_from_object) < 0.01

    def test_a_failed_placement_gives_nothing(self, occluded_room):
        backend = Noting(takes_given=True)
        backend.register(given(occluded_room.inputs, Placement(0, None, failure="no match")))
        assert backend.seen == [(0, 0), (1, 0)]
        assert backend.warnings == []


class TestLocked:
    def test_it_comes_out_as_it_went_in_and_nothing_is_solved(self, occluded_room):
        pose = turned_round(occluded_room.truth[0])
        other = Sim3.identity()
        held = Placement(0, pose, 0, {"score": 7.0}, True, (other,), locked=True)
        backend = Noting(takes_given=True)
        found = backend.register(given(occluded_room.inputs, held)).placements[0]
        assert found.camera_from_object is pose
        assert (found.candidate, found.ambiguous, found.alternatives) == (0, True, (other,))
        assert found.locked
        assert backend.seen == [(1, 0)]

    def test_its_fit_is_measured_in_the_photo(self, chair_room):
        right, wrong = (
            solve(given(chair_room.inputs, Placement(0, pose, locked=True)))[0].fit
            for pose in (chair_room.truth[0], turned_round(chair_room.truth[0]))
        )
        assert right["iou"] > 0.95
        assert right["depth_residual"] < 0.01
        assert wrong["iou"] < right["iou"] - 0.05

    @pytest.mark.parametrize("missing", ["mesh", "mask", "candidate", "sound mesh"])
    def test_it_stays_where_its_fit_cannot_be_measured(self, chair_room, missing):
        candidate = 3 if missing == "candidate" else 0
        held = Placement(0, chair_room.truth[0], candidate, {"iou": 0.5}, locked=True)
        inputs = {
            "mesh": replace(chair_room.inputs, meshes=Meshes((MeshEntry(0, (), "no service"),))),
            "mask": chair_room.with_object(mask=None),
            "candidate": chair_room.inputs,
            "sound mesh": chair_room.with_candidates(replace(mesh_of(chair()), glb=b"nothing")),
        }[missing]
        assert solve(given(inputs, held)) == [held]

    def test_it_stays_with_any_backend_even_one_that_is_not_ready(self, chair_room):
        need = Need("package nowhere", lambda context: False, "pip install nowhere")
        backend = Noting(takes_given=False, needs=(need,))
        held = Placement(0, chair_room.truth[0], locked=True)
        found = backend.register(given(chair_room.inputs, held)).placements[0]
        assert found.camera_from_object is held.camera_from_object
        assert backend.warnings == []
        with pytest.raises(BackendNotReady):
            backend.register(chair_room.inputs)

    def test_without_a_pose_there_is_nothing_to_keep_and_the_user_is_told(self, chair_room):
        backend = Noting(takes_given=True)
        backend.register(given(chair_room.inputs, Placement(0, None, locked=True)))
        assert backend.seen == [(0, 0)]
        assert "thing 0 is locked without a pose" in backend.warnings[0]


class TestStage:
    def test_only_the_object_whose_pose_changed_is_solved_again(self, occluded_room):
        truth = occluded_room.truth
        backend = Noting(takes_given=True)
        first = given(occluded_room.inputs, Placement(0, truth[0]), Placement(1, truth[1]))
        backend.register(first)
        backend.register(first)
        backend.register(
            given(occluded_room.inputs, Placement(0, truth[0]), Placement(1, rough(truth[1])))
        )
        assert backend.seen == [(0, 1), (1, 1), (1, 1)]

    def test_what_else_a_given_placement_says_redoes_nothing(self, chair_room):
        backend, pose = Noting(takes_given=True), chair_room.truth[0]
        backend.register(given(chair_room.inputs, Placement(0, pose)))
        same = Placement(0, pose, 0, {"iou": 0.3}, True, (Sim3.identity(),))
        backend.register(given(chair_room.inputs, same))
        assert len(backend.seen) == 1

    def test_a_backend_that_takes_no_poses_says_so_once_and_solves_as_ever(self, occluded_room):
        backend, truth = Noting(takes_given=False), occluded_room.truth
        backend.register(occluded_room.inputs)
        backend.register(
            given(occluded_room.inputs, Placement(0, truth[0]), Placement(1, truth[1]))
        )
        assert backend.seen == [(0, 0), (1, 0)], "the second time all is reused"
        (warning,) = backend.warnings
        assert "'noting'" in warning and "thing 0, thing 1" in warning and "hybrid" in warning

    def test_poses_of_objects_that_are_dropped_or_unknown_are_ignored(self, occluded_room):
        objects = occluded_room.inputs.objects
        dropped = objects.replaced(replace(objects.by_id(0), keep=False))
        inputs = replace(occluded_room.inputs, objects=dropped)
        poses = (Placement(0, Sim3.identity(), locked=True), Placement(9, Sim3.identity()))
        backend = Noting(takes_given=True)
        found = backend.register(given(inputs, *poses))
        assert [p.id for p in found.placements] == [1]
        assert backend.warnings == []

    def test_a_pose_for_a_mesh_that_is_not_there_is_named_and_ignored(self, chair_room):
        backend = Noting(takes_given=True)
        backend.register(given(chair_room.inputs, Placement(0, chair_room.truth[0], 2)))
        assert backend.seen == [(0, 0)]
        assert "thing 0 is for candidate mesh 2" in backend.warnings[0]

    def test_which_of_the_backends_take_poses(self):
        takes = {
            n: choose("register", n).backend.info.takes_given
            for n in ("hybrid", "icp", "differentiable")
        }
        assert takes == {"hybrid": True, "icp": False, "differentiable": False}


@pytest.fixture
def folder(tmp_path, chair_room, monkeypatch) -> RunFolder:
    """A run folder that lacks nothing but placements."""
    monkeypatch.setenv("CAST_CACHE", str(tmp_path / "cache"))
    made, inputs = RunFolder(tmp_path / "room"), chair_room.inputs
    made.write("image.png", png_bytes(np.full((HEIGHT, WIDTH, 3), 127, np.uint8)))
    made.write_objects(inputs.objects)
    made.write_geometry(inputs.geometry)
    made.write_meshes(inputs.meshes)
    return made


def poses_file(folder: RunFolder, *entries) -> None:
    (folder.path / "poses.json").write_text(json.dumps({"objects": entries}))


def written(folder: RunFolder) -> dict:
    return json.loads((folder.path / "placements.json").read_text())["objects"][0]


class TestRunFolder:
    def test_no_file_is_no_poses(self, folder):
        assert folder.read_given() is None

    def test_what_register_wrote_can_be_given(self, folder, chair_room):
        placements = Placements(
            (
                Placement(0, rough(chair_room.truth[0]), 1, {"iou": 0.5}, locked=True),
                Placement(1, chair_room.truth[0]),
            )
        )
        folder.write_placements(placements)
        text = (folder.path / "placements.json").read_text()
        assert text.count("locked") == 1, "it is only told where it is so"
        (folder.path / "poses.json").write_text(text)
        first, second = folder.read_given().placements
        assert (first.locked, first.candidate, first.fit) == (True, 1, {"iou": 0.5})
        assert not second.locked
        np.testing.assert_allclose(
            first.camera_from_object.matrix(), rough(chair_room.truth[0]).matrix(), atol=1e-12
        )

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"camera_from_object": [[1]]}, "0, camera_from_object: .*4x4"),
            (
                {"camera_from_object": np.diag([0, 0, 0, 1]).tolist()},
                "0, camera_from_object: .*singular",
            ),
            (
                {"camera_from_object": np.full((4, 4), np.nan).tolist()},
                "0, camera_from_object: .*finite",
            ),
            ({"camera_from_object": None}, "0 has no camera_from_object"),
            (
                {"camera_from_object": None, "failure": "no match", "locked": True},
                "0 has no camera_from_object",
            ),
            ({"locked": "yes"}, "0, locked: must be true or false"),
            ({"candidate": -1}, "0, candidate: must be 0 or more"),
            ({"id": "chair"}, "chair, id"),
        ],
    )
    def test_errors_name_file_object_and_field(self, folder, change, words):
        poses_file(folder, {"id": 0, "camera_from_object": np.eye(4).tolist()} | change)
        with pytest.raises(BadInput, match=r"poses\.json, object " + words):
            folder.read_given()

    def test_an_object_that_failed_elsewhere_gives_no_pose(self, folder):
        poses_file(folder, {"id": 0, "camera_from_object": None, "failure": "no match"})
        assert folder.read_given().placements[0].camera_from_object is None

    def test_two_poses_for_one_object_are_refused(self, folder):
        entry = {"id": 0, "camera_from_object": np.eye(4).tolist()}
        poses_file(folder, entry, entry)
        with pytest.raises(BadInput, match="object 0: it is there twice"):
            folder.read_given()


class TestCommandLine:
    def register(self, folder: RunFolder, *more: str) -> int:
        return main(["run", str(folder.path), "--only", "register", *more])

    def test_a_rough_pose_is_refined(self, folder, chair_room):
        start = rough(chair_room.truth[0]).matrix().tolist()
        poses_file(folder, {"id": 0, "camera_from_object": start})
        assert self.register(folder) == 0
        entry = written(folder)
        pose = Sim3.from_matrix(np.array(entry["camera_from_object"]))
        assert chair_room.error(0, pose) < 0.01
        assert "locked" not in entry

    def test_a_locked_pose_is_kept_where_it_is(self, folder, chair_room):
        start = turned_round(chair_room.truth[0]).matrix().tolist()
        poses_file(folder, {"id": 0, "camera_from_object": start, "locked": True})
        assert self.register(folder) == 0
        entry = written(folder)
        assert entry["locked"] is True
        np.testing.assert_allclose(entry["camera_from_object"], start, rtol=1e-15, atol=1e-15)
        assert entry["fit"]["iou"] > 0.3
        poses_file(folder)
        assert self.register(folder) == 0
        assert "locked" not in written(folder), "unlocked, it is placed again"

    def test_a_locked_pose_of_a_mesh_that_is_gone_ends_nothing(self, folder, chair_room):
        start = chair_room.truth[0].matrix().tolist()
        poses_file(folder, {"id": 0, "camera_from_object": start, "locked": True, "candidate": 4})
        assert self.register(folder) == 0
        assert written(folder)["candidate"] == 4

    def test_a_broken_file_is_named(self, folder, capsys):
        poses_file(folder, {"id": 0, "camera_from_object": [[1]]})
        assert self.register(folder) == 2
        assert "poses.json, object 0, camera_from_object" in capsys.readouterr().err


@pytest.mark.parametrize("first", ["crate", "broken"])
def test_a_pose_of_another_candidate_starts_that_one(backward_room, first):
    """The given pose is the second mesh's, whose unit is a hundredth of the first's."""
    small = chair().moved(np.diag([0.01, 0.01, 0.01, 1.0]))
    truth = backward_room.truth[0]
    start = rough(replace(truth, scale=100 * truth.scale))
    other = mesh_of(crate()) if first == "crate" else replace(mesh_of(crate()), glb=b"nothing")
    inputs = replace(
        backward_room.with_candidates(other, mesh_of(small)),
        objects=backward_room.inputs.objects,
        geometry=backward_room.inputs.geometry,
    )
    (found,) = solve(given(inputs, Placement(0, start, 1)), hypotheses=8)
    assert found.candidate == 1
    assert backward_room.error(0, found.camera_from_object, small) < 0.01
