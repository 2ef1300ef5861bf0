"""The run folder: what is written comes back, the user's own files win, broken files are named."""

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from cast_nodes.errors import BadInput, StorageError
from cast_nodes.frames import Sim3
from cast_nodes.pictures import png_bytes
from cast_nodes.run_folder import RunFolder
from cast_nodes.types import (
    Geometry,
    Mesh,
    MeshEntry,
    Meshes,
    Objects,
    Photo,
    Placement,
    Placements,
    SceneObject,
    View,
    Views,
)

H, W = 40, 60
RGB = np.random.default_rng(0).integers(0, 255, (H, W, 3), dtype=np.uint8)
PHOTO = Photo(RGB, "room", focal_px=55.0)


def mask(x0, y0, x1, y1):
    out = np.zeros((H, W), bool)
    out[y0:y1, x0:x1] = True
    return out


def some_objects():
    return Objects(
        PHOTO,
        (
            SceneObject(0, "chair", 0.9, (5, 5, 20, 30), mask(5, 5, 20, 30), occluded_by=(3,)),
            SceneObject(3, "Tisch 卓", 0.5, (20, 5, 50, 38), mask(20, 5, 50, 38), 0.25),
            SceneObject(4, "lamp", 0.1, (1, 1, 3, 3), None, keep=False, reason="too small"),
        ),
    )


def box_glb(size=1.0):
    return Mesh(trimesh.creation.box((size, size, size)).export(file_type="glb"), "box")


def geometry():
    points = np.random.default_rng(1).normal(size=(H, W, 3)).astype(np.float32)
    points[:3] = np.nan
    return Geometry(
        points,
        np.array([[50.0, 0, 30], [0, 50, 20], [0, 0, 1]]),
        metric=True,
        source="layout",
        approximate=True,
        up=np.array([0, -1.0, 0]),
        floor=np.array([0, -1.0, 0, 1.5]),
        walls=np.array([[0, 0, -1.0, 4]]),
        notes=("the view is a guess",),
    )


@pytest.fixture
def folder(tmp_path):
    made = RunFolder(tmp_path / "room")
    made.write_photo(PHOTO)
    made.write_objects(some_objects())
    made.write_run({"focal_px": PHOTO.focal_px})
    return made


def reopened(folder):
    return RunFolder(folder.path)


class TestRoundTrips:
    def test_the_photo_keeps_its_pixels_name_and_focal_length(self, folder):
        photo = reopened(folder).read_photo()
        assert np.array_equal(photo.rgb, RGB)
        assert (photo.name, photo.focal_px) == ("room", 55.0)
        assert photo.key == PHOTO.key

    def test_objects(self, folder):
        for made, truth in zip(
            reopened(folder).read_objects(PHOTO).objects, some_objects().objects, strict=True
        ):
            assert (made.id, made.label, made.bbox, made.keep, made.reason) == (
                truth.id,
                truth.label,
                truth.bbox,
                truth.keep,
                truth.reason,
            )
            assert made.occluded_by == truth.occluded_by
            assert (made.mask is None) == (truth.mask is None)
            if truth.mask is not None:
                assert np.array_equal(made.mask, truth.mask)

    def test_geometry(self, folder):
        folder.write_geometry(geometry())
        assert reopened(folder).read_geometry(PHOTO).key == geometry().key
        assert reopened(folder).read_geometry(PHOTO).notes == ("the view is a guess",)

    def test_points_and_intrinsics_are_enough(self, folder):
        out = io.BytesIO()
        points = geometry().points.copy()
        points[5] = np.inf
        np.savez(out, points=points, intrinsics=geometry().intrinsics)
        (folder.path / "geometry.npz").write_bytes(out.getvalue())
        read = reopened(folder).read_geometry(PHOTO)
        assert np.isnan(read.points[5]).all()
        assert read.floor is None
        assert not read.metric

    def test_views_and_plate(self, folder):
        rgba = np.random.default_rng(2).integers(0, 255, (30, 20, 4), dtype=np.uint8)
        view = View(0, rgba, rgba, (3.5, 4.0, 23.5, 34.0))
        folder.write_views(Views((view,), RGB))
        read = reopened(folder).read_views(some_objects())
        assert np.array_equal(read.views[0].rgba, rgba)
        assert read.views[0].box == view.box
        assert np.array_equal(read.background, RGB)

    def test_all_candidates_are_kept_and_mesh_glb_is_the_placed_one(self, folder):
        entry = MeshEntry(0, (box_glb(1.0), box_glb(2.0)))
        failed = MeshEntry(3, (), "no silhouette")
        folder.write_meshes(Meshes((entry, failed)))
        assert (folder.path / "objects/0/mesh.glb").read_bytes() == entry.candidates[0].glb
        folder.write_meshes(
            Meshes((entry, failed)), Placements((Placement(0, Sim3.identity(), candidate=1),))
        )
        assert (folder.path / "objects/0/mesh.glb").read_bytes() == entry.candidates[1].glb
        read = reopened(folder).read_meshes(some_objects())
        assert [c.glb for c in read.get(0).candidates] == [c.glb for c in entry.candidates]
        assert read.get(3).failure == "no silhouette"

    def test_placements(self, folder):
        pose = Sim3(np.eye(3), np.array([1.0, 2, 3]), 0.5)
        placed = Placement(0, pose, 1, {"iou": 0.8}, True, (Sim3.identity(),))
        failed = Placement(3, None, failure="no points")
        folder.write_placements(Placements((placed, failed)))
        read = reopened(folder).read_placements()
        assert np.allclose(read.get(0).camera_from_object.matrix(), pose.matrix())
        assert read.get(0).fit == {"iou": 0.8}
        assert read.get(3).failure == "no points"

    def test_the_layout_of_the_design_is_what_lies_on_disk(self, folder):
        folder.write_geometry(geometry())
        folder.write_placements(Placements((Placement(0, Sim3.identity()),)))
        entries = json.loads((folder.path / "objects.json").read_text())
        assert {"id", "label", "score", "bbox", "occlusion", "keep", "reason"} <= set(entries[0])
        data = json.loads((folder.path / "placements.json").read_text())
        assert np.shape(data["objects"][0]["camera_from_object"]) == (4, 4)
        with np.load(folder.path / "geometry.npz") as arrays:
            assert arrays["points"].shape == (H, W, 3)
            assert arrays["points"].dtype == np.float32


class TestTheUsersOwnFiles:
    def test_what_was_written_here_is_ours(self, folder):
        assert not reopened(folder).is_users("objects.json")
        assert not reopened(folder).is_users("objects/0/mask.png")

    def test_an_edited_file_is_the_users_and_is_never_overwritten(self, folder):
        own = png_bytes(mask(6, 6, 10, 10))
        (folder.path / "objects/0/mask.png").write_bytes(own)
        again = reopened(folder)
        assert again.is_users("objects/0/mask.png")
        again.write_objects(some_objects())
        assert (folder.path / "objects/0/mask.png").read_bytes() == own
        edited = again.user_masks(some_objects()).by_id(0)
        assert edited.bbox == (6, 6, 10, 10)

    def test_a_mask_of_the_users_is_doubted_by_nobody(self, folder):
        judged = [replace(o, mask_confidence=0.7) for o in some_objects().objects]
        folder.write_objects(Objects(PHOTO, tuple(judged)))
        (folder.path / "objects/0/mask.png").write_bytes(png_bytes(mask(6, 6, 10, 10)))
        found = reopened(folder).read_objects(PHOTO)
        assert found.by_id(0).mask_confidence is None
        assert found.by_id(3).mask_confidence == 0.7

    def test_a_file_put_there_by_hand_is_the_users(self, folder):
        (folder.path / "geometry.npz").write_bytes(b"x")
        assert reopened(folder).is_users("geometry.npz")

    def test_a_run_killed_between_writing_and_the_end_leaves_no_stranger(self, folder):
        folder.write_geometry(geometry())  # run.json is not written after this
        assert not reopened(folder).is_users("geometry.npz")

    def test_a_torn_last_line_of_the_journal_is_harmless(self, folder):
        with (folder.path / ".written").open("a") as journal:
            journal.write("0123")
        assert not reopened(folder).is_users("objects.json")

    def test_a_mesh_of_the_users_is_the_only_candidate(self, folder):
        folder.write_meshes(Meshes((MeshEntry(0, (box_glb(1.0), box_glb(2.0))),)))
        (folder.path / "objects/0/mesh.glb").write_bytes(box_glb(3.0).glb)
        read = reopened(folder).read_meshes(some_objects(), only_users=True)
        assert [e.id for e in read.entries] == [0]
        assert read.get(0).candidates[0].glb == box_glb(3.0).glb

    def test_force_takes_the_files_back(self, folder):
        (folder.path / "objects.json").write_text("[]")
        again = reopened(folder)
        again.disown()
        again.write_objects(some_objects())
        assert len(json.loads((folder.path / "objects.json").read_text())) == 3

    def test_objects_that_are_no_more_leave_nothing_but_the_users_files(self, folder):
        (folder.path / "objects/3/notes.txt").write_text("mine")
        again = reopened(folder)
        again.write_objects(Objects(PHOTO, some_objects().objects[:1]))
        left = {p.relative_to(folder.path).as_posix() for p in folder.path.glob("objects/*/*")}
        assert left == {"objects/0/mask.png", "objects/3/notes.txt"}

    @pytest.mark.parametrize(("keep", "by_hand"), [(True, True), (None, False)])
    def test_a_keep_in_the_users_objects_replaces_the_filter(self, folder, keep, by_hand):
        entry = {"id": 0, "label": "chair", "bbox": [1, 2, 3, 4]}
        if keep is not None:
            entry["keep"] = keep
        (folder.path / "objects.json").write_text(json.dumps([entry]))
        assert reopened(folder).filtered_by_hand() is by_hand


class TestBrokenFiles:
    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("{", "not valid JSON"),
            ("{}", "must hold a JSON list"),
            ('[{"id": 1}]', "entry 0 has no 'bbox'"),
            ('[{"id": 1, "bbox": [1, 2, 3]}]', "bbox"),
            ('[{"id": 1, "bbox": [1, 2, 3, "x"]}]', "entry 0"),
            ('[{"id": -1, "bbox": [1, 2, 3, 4]}]', "id must be"),
            ('[{"id": 1, "bbox": [1, 2, 3, 4]}, {"id": 1, "bbox": [1, 2, 3, 4]}]', "two objects"),
            ("[3]", "entry 0"),
        ],
    )
    def test_objects(self, folder, text, words):
        (folder.path / "objects.json").write_text(text)
        with pytest.raises(BadInput, match=words) as caught:
            reopened(folder).read_objects(PHOTO)
        assert "objects.json" in str(caught.value)

    @pytest.mark.parametrize(
        ("arrays", "words"),
        [
            ({"points": np.zeros((H, W, 3))}, "no array 'intrinsics'"),
            ({"points": np.zeros((3, 3, 3)), "intrinsics": np.eye(3)}, "shape"),
            ({"points": np.zeros((H, W, 3)), "intrinsics": np.eye(4)}, "3x3"),
            (
                {"points": np.zeros((H, W, 3)), "intrinsics": np.eye(3), "up": np.eye(3)},
                "up has shape",
            ),
        ],
    )
    def test_geometry(self, folder, arrays, words):
        np.savez(folder.path / "geometry.npz", **arrays)
        with pytest.raises(BadInput, match=words):
            reopened(folder).read_geometry(PHOTO)

    def test_a_truncated_geometry(self, folder):
        folder.write_geometry(geometry())
        path = folder.path / "geometry.npz"
        path.write_bytes(path.read_bytes()[:500])
        with pytest.raises(BadInput, match=r"geometry\.npz"):
            reopened(folder).read_geometry(PHOTO)

    def test_a_mask_of_another_size(self, folder):
        Image.new("L", (5, 5)).save(folder.path / "objects/0/mask.png")
        with pytest.raises(BadInput, match="5x5"):
            reopened(folder).read_objects(PHOTO)

    @pytest.mark.parametrize(
        "matrix", [np.diag([1, 1, -1, 1]).tolist(), [[1]], "x", np.zeros((4, 4)).tolist()]
    )
    def test_a_pose_that_is_none(self, folder, matrix):
        data = {"objects": [{"id": 3, "camera_from_object": matrix}]}
        (folder.path / "placements.json").write_text(json.dumps(data))
        with pytest.raises(BadInput, match="object 3"):
            reopened(folder).read_placements()

    def test_missing_files_tell_what_makes_them(self, folder):
        with pytest.raises(BadInput, match="run the depth stage first"):
            folder.read_geometry(PHOTO)
        with pytest.raises(BadInput, match=r"placements\.json is missing"):
            folder.read_placements()
        with pytest.raises(BadInput, match="not a run folder"):
            RunFolder(Path("/nonexistent")).read_photo()

    def test_a_broken_run_json(self, folder):
        (folder.path / "run.json").write_text("{")
        with pytest.raises(BadInput, match=r"run\.json"):
            reopened(folder)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        RunFolder(tmp_path / "file" / "room").write_photo(PHOTO)


def test_a_full_disk_leaves_no_half_file(tmp_path, monkeypatch):
    folder = RunFolder(tmp_path / "room")
    folder.write_photo(PHOTO)
    before = (folder.path / "image.png").read_bytes()

    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(StorageError, match="No space left"):
        folder.write_photo(Photo(RGB[::-1].copy(), "room"))
    assert (folder.path / "image.png").read_bytes() == before
    assert not list(folder.path.glob(".*.part"))
