"""The seeded rooms: the same again for the same seed, and their truth is consistent."""

import json

import numpy as np
import pytest
import trimesh

pytest.importorskip(
    "embreex", reason="benchmark rooms cast rays with embreex (pip install embreex)"
)

from benchmarks.models import load_models
from benchmarks.rooms import make_room
from benchmarks.truth import write_run_folder
from cast_nodes.frames import pixel_centres, project
from cast_nodes.run_folder import RunFolder

SIZES = {
    "table": (1.2, 0.75, 0.8),
    "cabinet": (0.9, 1.1, 0.4),
    "chair": (0.5, 0.9, 0.5),
    "milk": (0.1, 0.25, 0.1),
    "armchair": (0.8, 0.8, 0.8),
}
WIDTH, HEIGHT = 96, 72


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Boxes of furniture's sizes."""
    folder = tmp_path_factory.mktemp("models")
    entries = []
    for label, size in SIZES.items():
        box = trimesh.creation.box(size)
        box.apply_translation([0, size[1] / 2, 0])
        (folder / f"{label}.glb").write_bytes(trimesh.Scene(box).export(file_type="glb"))
        entries.append({"file": f"{label}.glb", "label": label, "size_m": size})
    (folder / "manifest.json").write_text(json.dumps(entries))
    return load_models(str(folder))


@pytest.fixture(scope="module")
def truth(models):
    return make_room(3, models, WIDTH, HEIGHT)


def test_the_same_seed_gives_the_same_room(models, truth):
    again = make_room(3, models, WIDTH, HEIGHT)
    np.testing.assert_array_equal(again.objects.photo.rgb, truth.objects.photo.rgb)
    np.testing.assert_array_equal(again.geometry.points, truth.geometry.points)
    other = make_room(4, models, WIDTH, HEIGHT)
    assert not np.array_equal(other.objects.photo.rgb, truth.objects.photo.rgb)


def test_there_are_three_to_eight_labelled_objects(truth):
    assert 3 <= len(truth.objects.objects) <= 8
    assert {o.label for o in truth.objects.objects} <= set(SIZES)


def test_visible_masks_are_disjoint_and_within_the_whole_silhouettes(truth):
    masks = np.stack([o.mask for o in truth.objects.objects])
    assert masks.sum(0).max() == 1
    assert not (masks & ~truth.amodal).any()
    for item, whole in zip(truth.objects.objects, truth.amodal, strict=True):
        assert item.occlusion == pytest.approx(1 - item.area_px / whole.sum())
        x0, y0, x1, y1 = (int(v) for v in item.bbox)
        assert item.mask[y0:y1, x0:x1].sum() == item.area_px


def test_every_point_lies_behind_its_pixel(truth):
    points = truth.geometry.points
    assert np.isfinite(points).all()
    np.testing.assert_allclose(
        project(points, truth.geometry.intrinsics), pixel_centres(HEIGHT, WIDTH), atol=1e-3
    )


def test_points_of_an_object_lie_on_its_model_at_its_true_pose(truth):
    for item in truth.objects.objects:
        pose = truth.placements.get(item.id).camera_from_object
        size = np.array(SIZES[item.label])
        own = pose.inverse().apply(truth.geometry.points[item.mask])
        # A box's surface: one coordinate is at its bound, the others are within.
        excess = np.abs(own - [0, size[1] / 2, 0]) - size / 2
        assert excess.max() < 1e-4
        np.testing.assert_allclose(excess.max(1), 0, atol=1e-4)


def test_planes_bound_the_room_and_objects_stand_on_the_floor_or_on_another(truth):
    geometry = truth.geometry
    for plane in (geometry.floor, geometry.ceiling, *geometry.walls):
        assert (geometry.points @ plane[:3] + plane[3]).min() > -1e-4
        assert np.linalg.norm(plane[:3]) == pytest.approx(1)
    np.testing.assert_allclose(geometry.floor[:3], geometry.up, atol=1e-12)
    for item, support in zip(truth.objects.objects, truth.supported_by, strict=True):
        pose = truth.placements.get(item.id).camera_from_object
        foot = pose.apply(np.zeros(3)) @ geometry.floor[:3] + geometry.floor[3]
        if support == "floor":
            assert foot == pytest.approx(0, abs=1e-9)
        elif isinstance(support, int):
            carrier = truth.placements.get(support).camera_from_object
            height = SIZES[truth.objects.by_id(support).label][1] * carrier.scale
            assert foot == pytest.approx(height, abs=1e-6)


def test_it_is_written_as_a_run_folder_that_belongs_to_the_user(truth, tmp_path):
    write_run_folder(truth, tmp_path / "room")
    folder = RunFolder(tmp_path / "room")
    photo = folder.read_photo()
    np.testing.assert_array_equal(photo.rgb, truth.objects.photo.rgb)
    objects = folder.read_objects(photo)
    for item in objects.objects:
        np.testing.assert_array_equal(item.mask, truth.objects.by_id(item.id).mask)
    np.testing.assert_array_equal(folder.read_geometry(photo).points, truth.geometry.points)
    poses = folder.read_placements()
    for p in truth.placements.placements:
        np.testing.assert_allclose(
            poses.get(p.id).camera_from_object.matrix(), p.camera_from_object.matrix()
        )
    assert len(folder.read_meshes(objects).entries) == len(objects.objects)
    assert folder.is_users("objects.json") and folder.is_users("geometry.npz")
    facts = json.loads((tmp_path / "room/truth.json").read_text())
    assert [o["label"] for o in facts["objects"]] == [o.label for o in objects.objects]
