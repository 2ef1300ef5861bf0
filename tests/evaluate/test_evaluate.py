"""Whole scenes: one world, who is who, what is counted, what is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest

from cast_nodes.errors import BadInput
from cast_nodes.evaluate import (
    PROTOCOLS,
    Choices,
    evaluate,
    protocol,
    read_predicted,
    read_truth,
    scene_from_glb,
)
from cast_nodes.evaluate.matching import match
from cast_nodes.evaluate.measures import MEASURES, mean_over_objects, measure_of
from cast_nodes.evaluate.scenes import Item
from cast_nodes.frames import Sim3
from cast_nodes.report import put_evaluation

from .rooms import (
    INTRINSICS,
    LIGHT,
    WORLD,
    moved_item,
    things,
    true_scene,
    with_items,
    write_export,
    write_folder,
)
from .shapes import box, glb_of, turn

FEW = Choices(points=3000, pictures=False, physics=False)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_the_truth_is_as_near_to_itself_as_samples_can_tell(name):
    scene = true_scene()
    found = evaluate(scene, scene, protocol(name), FEW)
    assert found.matched_by == "id" and not found.missing and not found.extra
    for key, value in {**found.scene, **{k: v for k, (v, _) in found.means.items()}}.items():
        if value is None:
            continue
        if measure_of(key).better == "higher":
            coarse = any(s in key for s in ("@0.01", "voxel", "precision@0.05", "recall@0.05"))
            assert value > (0.05 if coarse else 0.9), key
        elif key != "icp_rotation_deg":
            assert value < 0.1, key
    assert all(n == 3 for _, n in found.means.values())


def test_an_error_of_known_size_is_told_as_such():
    scene = true_scene()
    shifted = moved_item(scene.items[1], turn((0, 1, 0), 0, (0.03, 0, 0)))
    turned_pose = scene.items[2].pose @ turn((0, 1, 0), 25)
    turned = replace(scene.items[2], pose=turned_pose)
    found = evaluate(with_items(scene, scene.items[0], shifted, turned), scene, choices=FEW)
    table, small, chair = (o.values for o in found.objects)
    assert table["box_iou"] == pytest.approx(1)
    assert small["centre_distance"] == pytest.approx(0.03)
    assert small["log_scale"] == pytest.approx(0)
    assert chair["rotation_deg"] == pytest.approx(25)
    assert small["volume_iou"] < table["volume_iou"]


def test_a_missing_object_counts_as_nothing_and_an_extra_one_is_named():
    scene = true_scene()
    lamp = Item(9, "lamp_9", "lamp", box((0.1, 1.5, 0.1)), turn((0, 1, 0), 0, (2, 0.75, -3)))
    failed = Item(1, "box_1", "box", failure="no pose fits")
    found = evaluate(
        with_items(scene, scene.items[0], failed, scene.items[2], lamp), scene, choices=FEW
    )
    assert [(o.name, o.reason) for o in found.missing] == [("box_1", "no pose fits")]
    assert found.extra == ("lamp_9",)
    mean, count = found.means["box_iou"]
    assert (mean, count) == (pytest.approx(2 / 3), 3)
    assert found.means["centre_distance"] == (pytest.approx(0), 2)
    assert found.scene["recall@0.05"] < 1
    assert found.as_json()["counts"]["missing"] == [{"name": "box_1", "reason": "no pose fits"}]


def test_distances_are_means_over_what_is_there_and_shares_over_what_is_true():
    assert mean_over_objects("add_s", [0.1, 0.3, None], 2) == (pytest.approx(0.2), 2)
    assert mean_over_objects("box_iou", [0.5, 1.0], 2) == (pytest.approx(0.375), 4)
    assert mean_over_objects("f_score@0.1", [], 1) == (0, 1)
    assert mean_over_objects("add_s", [], 1) == (None, 0)


def test_every_measure_of_every_protocol_has_a_name():
    for p in PROTOCOLS.values():
        for clouds in (p.scene, p.shape):
            for name in clouds.measures if clouds else ():
                assert measure_of(name).help
        for name in p.layout:
            assert measure_of(name).help
    assert all(m.title for m in MEASURES.values())


def test_names_in_the_report_are_text_and_not_markup():
    scene = true_scene()
    strange = replace(scene.items[0], name="<b>x</b>")
    failed = Item(1, "<i>", "", failure="<script>")
    found = evaluate(
        with_items(scene, strange, failed), with_items(scene, strange, scene.items[1]), LIGHT, FEW
    )
    page = put_evaluation("<main><footer></footer></main>", found)
    assert "&lt;b&gt;x" in page and "&lt;script&gt;" in page
    assert "<b>" not in page and "<script>" not in page
    assert put_evaluation("<p>no page of ours</p>", found) is None


# --- one world ---------------------------------------------------------------------------------


def test_scenes_of_one_photo_are_compared_in_the_photos_camera():
    scene = true_scene()
    elsewhere = scene.moved(turn((0, 1, 0), 130, (5, 0.3, -2)))
    found = evaluate(elsewhere, scene, choices=FEW)
    assert found.means["box_iou"][0] == pytest.approx(1)
    assert found.means["rotation_deg"][0] == pytest.approx(0, abs=1e-4)


def test_a_tilted_world_is_compared_upright_and_told():
    scene = true_scene()
    found = evaluate(scene.moved(turn((1, 0, 0), 7)), scene, LIGHT, FEW)
    assert found.means["box_iou"][0] == pytest.approx(1)
    assert any("7.0° off" in note for note in found.notes)


def test_a_camera_of_another_focal_length_is_told_and_of_another_picture_refused():
    scene = true_scene()
    longer = replace(scene.camera, intrinsics=np.diag([1.1, 1.1, 1]) @ scene.camera.intrinsics)
    found = evaluate(replace(scene, camera=longer), scene, LIGHT, FEW)
    assert any("focal length is +10.0 %" in note for note in found.notes)
    other = replace(scene.camera, width=300, height=100)
    with pytest.raises(BadInput, match="not of one photo"):
        evaluate(replace(scene, camera=other), scene, LIGHT, FEW)


def test_units_that_differ_are_refused_where_lengths_count_and_fitted_where_asked():
    scene = true_scene()
    eye = scene.camera.world_from_camera.translation
    unknown = scene.moved(Sim3(np.eye(3), -1.5 * eye, 2.5))
    unknown = replace(unknown, metric=False, source="predicted")
    with pytest.raises(BadInput, match=r"predicted is in an unknown unit.*--fit-scale"):
        evaluate(unknown, scene, choices=FEW)
    fitted = evaluate(unknown, scene, choices=replace(FEW, fit_scale=True))
    assert fitted.means["box_iou"][0] == pytest.approx(1)
    assert fitted.means["log_scale"][0] == pytest.approx(0, abs=1e-9)
    assert any("scaled by 0.4 about the camera" in note for note in fitted.notes)
    assert evaluate(unknown, scene, protocol("3d-re-gen"), FEW).scene["f_score@0.1"] > 0.99


def test_the_normalising_protocol_forgives_a_move_of_all_and_plain_does_not():
    scene = replace(true_scene(), camera=None)
    away = with_items(scene, *(moved_item(i, turn((0, 1, 0), 5, (0.4, 0, 0))) for i in scene.items))
    away = replace(away, source="away")
    assert evaluate(away, scene, choices=FEW).scene["f_score@0.1"] < 0.7
    assert evaluate(away, scene, protocol("3d-re-gen"), FEW).scene["f_score@0.1"] > 0.99


# --- who is who --------------------------------------------------------------------------------


def test_ids_count_where_they_mean_the_same_things():
    scene = true_scene()
    assert match(scene, scene).by == "id"
    renumbered = tuple(replace(i, id=(i.id + 1) % 3) for i in scene.items)
    found = match(with_items(scene, *renumbered), scene)
    assert found.by == "name"
    assert all(a.name == b.name for a, b in found.pairs)


def test_without_ids_and_names_the_best_pairing_by_place_is_taken():
    scene = true_scene()
    unnamed = tuple(replace(i, id=None, name=f"node {i.id}", label="") for i in scene.items[::-1])
    found = match(with_items(scene, *unnamed), scene)
    assert found.by == "best"
    assert [(a.name, b.name) for a, b in found.pairs] == [
        ("node 0", "table_0"), ("node 1", "box_1"), ("node 2", "chair_2"),
    ]  # fmt: skip


def test_masks_tell_whether_equal_ids_are_equal_things():
    scene = true_scene()
    half = np.zeros((4, 4), bool)
    half[:2] = True
    same = replace(scene, masks={0: half})
    other = replace(scene, masks={0: ~half})
    assert match(same, same).by == "id"
    assert match(other, same).by == "name"


def test_nothing_in_common_is_one_clear_error():
    scene = true_scene()
    far = with_items(scene, *(moved_item(i, turn((0, 1, 0), 0, (50, 0, 0))) for i in scene.items))
    with pytest.raises(BadInput, match="no common objects"):
        match(far, scene, "best")
    strangers = with_items(scene, *(replace(i, id=i.id + 10) for i in scene.items))
    with pytest.raises(BadInput, match="--match best"):
        match(strangers, scene, "id")
    with pytest.raises(BadInput, match="no placed object"):
        evaluate(with_items(scene, Item(0, "a", failure="x")), scene)


# --- what is read ------------------------------------------------------------------------------


def test_a_run_folder_is_read_with_poses_masks_depth_and_carriers(tmp_path):
    truth = read_truth(write_folder(tmp_path / "truth", truth=True))
    found = read_predicted(write_folder(tmp_path / "made", {1: None}))
    assert [i.name for i in truth.items] == ["table_0", "box_1", "chair_2"]
    assert [i.supported_by for i in truth.items] == ["floor", 0, "floor"]
    for item, (_, _, pose, _) in zip(truth.items, things().values(), strict=True):
        assert item.pose.matrix() == pytest.approx(pose.matrix(), abs=1e-6)
    assert [i.failure for i in found.items] == ["", "no pose fits", ""]
    assert found.metric is True and found.floor == 0
    assert set(truth.masks) == {0, 1, 2} and truth.depth.shape == (120, 160)


def test_a_task_with_its_answers_beside_is_prediction_and_truth_in_one_folder(tmp_path):
    both = write_folder(tmp_path / "room", {2: turn((0, 1, 0), 0, (0.1, 0, 0))})
    answers = write_folder(tmp_path / "answers", truth=True)
    (both / "truth.json").write_bytes((answers / "truth.json").read_bytes())
    (both / "truth").mkdir()
    for i in things():
        (both / f"truth/{i}.glb").write_bytes((answers / f"objects/{i}/mesh.glb").read_bytes())
    truth = read_truth(both)
    assert truth.depth is None  # the folder's own geometry is the task's, not the truth's
    found = evaluate(read_predicted(both), truth, choices=FEW)
    apart = [o.values["centre_distance"] for o in found.objects]
    assert apart == pytest.approx([0, 0, 0.1], abs=1e-6)


def test_a_finished_run_is_read_as_it_was_delivered(tmp_path):
    folder = write_export(tmp_path / "room")
    alone = tmp_path / "alone.glb"
    alone.write_bytes((folder / "scene.glb").read_bytes())
    for path in (folder, folder / "scene.glb", folder / "scene.json", alone):
        scene = read_predicted(path)
        assert [(i.id, i.name, i.label) for i in scene.items] == [
            (0, "table_0", "table"), (1, "box_1", "box"), (2, "chair_2", "chair"),
        ]  # fmt: skip
        for item, (_, data, pose, _) in zip(scene.items, things().values(), strict=True):
            assert item.vertices == pytest.approx(pose.apply(data.vertices), abs=1e-5)
        assert scene.camera.world_from_camera.matrix() == pytest.approx(WORLD.matrix(), abs=1e-6)
        assert scene.camera.intrinsics == pytest.approx(INTRINSICS)
        whole = path is not alone
        assert (scene.metric, scene.floor) == ((True, 0) if whole else (None, None))
        assert scene.items[1].supported_by == (0 if whole else None)


def test_a_glb_tells_its_top_nodes_through_wrappers_and_leaves_the_room_out():
    parts = {
        "table": (box(), turn((0, 1, 0), 20, (1, 0, 0), 2.0)),
        "chair": (box(), Sim3.identity()),
        "room/floor": (box((9, 0.1, 9)), Sim3.identity()),
    }
    for wrapper in ("", "everything"):
        scene = scene_from_glb(glb_of(parts, wrapper))
        assert [i.name for i in scene.items] == ["table", "chair"]
        assert scene.items[0].pose.matrix() == pytest.approx(parts["table"][1].matrix(), abs=1e-6)
        assert scene.items[0].vertices.max(0)[1] == pytest.approx(1)


def test_two_objects_of_one_name_are_two_objects():
    parts = {"a": (box(), Sim3.identity()), "b": (box(), turn((0, 1, 0), 0, (3, 0, 0)))}
    scene = scene_from_glb(glb_of(parts))
    twins = replace(scene, items=tuple(replace(i, name="chair") for i in scene.items))
    found = evaluate(twins, twins, LIGHT, replace(FEW, match="best"))
    assert found.means["box_iou"] == (pytest.approx(1), 2)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(None, "does not exist"), (b"", "empty"), (b"no glb", "not a binary glTF")],
)
def test_what_cannot_be_read_is_named(tmp_path, content, complaint):
    path = tmp_path / "scene_x.glb"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInput, match=complaint) as error:
        read_predicted(path)
    assert "scene_x.glb" in str(error.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("placements.json", "{"),
        ("placements.json", '{"objects": [{"id": "x", "camera_from_object": 3}]}'),
        ("placements.json", '{"objects": [{"camera_from_object": null}]}'),
        ("placements.json", '{"objects": []}'),
        ("placements.json", '{"objects": 7}'),
        ("objects.json", "[3]"),
        ("geometry.npz", "none"),
    ],
)
def test_a_damaged_folder_is_bad_input_that_names_it(tmp_path, name, content):
    folder = write_folder(tmp_path / "room")
    (folder / name).write_text(content)
    with pytest.raises(BadInput, match="room"):
        read_predicted(folder)


def test_an_empty_folder_and_a_text_file_say_what_would_do(tmp_path):
    with pytest.raises(BadInput, match="cast run"):
        read_predicted(tmp_path)
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(BadInput, match="neither a folder nor"):
        read_predicted(tmp_path / "a.txt")


def test_a_pose_that_stretches_its_mesh_is_read_as_both(tmp_path):
    folder = write_folder(tmp_path / "run")
    path = folder / "placements.json"
    entries = json.loads(path.read_text())
    matrix = np.array(entries["objects"][0]["camera_from_object"])
    plain = read_predicted(folder).items[0]
    entries["objects"][0]["camera_from_object"] = (matrix @ np.diag([1.5, 1, 1, 1])).tolist()
    path.write_text(json.dumps(entries))
    item = read_predicted(folder).items[0]
    before = plain.pose.inverse().apply(plain.vertices)
    after = plain.pose.inverse().apply(item.vertices)
    np.testing.assert_allclose(after, before * [1.5, 1, 1], atol=1e-5)
