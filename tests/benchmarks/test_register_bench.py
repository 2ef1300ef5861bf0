"""The registration benchmark: its rooms are true, its measures are right, its files work."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from benchmarks import register as command
from benchmarks import register_measures as measures
from benchmarks.register_cost import photo_size
from benchmarks.register_folders import read_answer, rooms_in, score_room, write_room
from benchmarks.register_measures import Answer, Row, bootstrap, figures, measure
from benchmarks.register_rooms import MODES, make_room
from benchmarks.register_sensor import NOISY, damaged, rough_mask, sensed_depth, stretched
from benchmarks.register_shapes import LARGE, SMALL, armchair, box, joined, lathe, make_shape
from benchmarks.register_stand import Occupancy, turn
from benchmarks.register_stock import Piece, Stock, find_top, load_stock
from cast_nodes.evaluate.boxes import box_iou
from cast_nodes.evaluate.pose import Body
from cast_nodes.frames import Sim3, project
from cast_nodes.mesh_data import make_glb, read_mesh
from cast_nodes.raster import rasterize
from cast_nodes.run_folder import RunFolder
from cast_nodes.types import Mesh, Placement, Placements

WIDTH, HEIGHT = 240, 180
GREY = (128, 128, 128)


@pytest.fixture(scope="module")
def stock():
    return load_stock("procedural", None)


@pytest.fixture(scope="module")
def noisy(stock):
    return make_room(stock, MODES["noisy"], 2, width=WIDTH, height=HEIGHT)


@pytest.fixture(scope="module")
def clean(stock):
    return make_room(stock, MODES["clean"], 2, width=WIDTH, height=HEIGHT)


def mesh_of(*parts, name="thing"):
    return Mesh(make_glb(joined(parts)), name)


def true_placements(room):
    poses = room.answer.poses.items()
    return Placements(tuple(Placement(i, pose) for i, pose in poses))


# --- shapes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("maker", sorted({*LARGE, *SMALL}, key=lambda m: m.__name__))
def test_each_shape_stands_on_the_floor_in_metres(maker):
    for seed in range(3):
        data = make_shape(maker, np.random.default_rng(seed))
        low, high = data.bounds
        assert low[1] == pytest.approx(0, abs=1e-9)
        assert 0.08 < (high - low).max() < 2.4


def test_faces_of_shapes_look_outwards():
    for part, volume in (
        (box((1, 2, 3), (0, 0, 0), GREY), 6.0),
        (lathe([(1, 0), (1, 2)], GREY), 2 * np.pi * np.sinc(2 / 32)),
    ):
        a, b, c = np.moveaxis(joined([part]).triangles, 1, 0)
        assert (a * np.cross(b, c)).sum() / 6 == pytest.approx(volume)


def test_two_shapes_of_a_kind_differ():
    one, other = (make_shape(armchair, np.random.default_rng(s)).bounds for s in (0, 1))
    assert not np.allclose(one, other)


def test_a_piece_is_centred_and_its_longest_side_is_one():
    piece = Piece(joined([box((0.5, 2.0, 1.0), (3, 1, 0), GREY)]), "box")
    low, high = piece.data.bounds
    np.testing.assert_allclose(low, -high, atol=1e-12)
    np.testing.assert_allclose(high - low, [0.25, 1, 0.5])
    assert piece.metres_per_unit == pytest.approx(2.0)


def test_a_model_in_millimetres_is_not_taken_for_metres():
    piece = Piece(joined([box((500, 2000, 1000), (0, 0, 0), GREY)]), "box")
    assert 0.1 < piece.metres_per_unit < 3


def test_the_top_of_a_table_carries_and_the_space_below_it_does_not():
    legs = [box((0.05, 0.7, 0.05), (x, 0, z), GREY) for x in (-0.4, 0.4) for z in (-0.3, 0.3)]
    rim = box((0.2, 0.3, 0.7), (0.4, 0.75, 0), GREY)  # something on its right end
    top = find_top(joined([box((1, 0.05, 0.7), (0, 0.7, 0), GREY), *legs, rim]), 0.025)
    spots, heights = top.spots(0.1, 0.006)
    np.testing.assert_allclose(heights, 0.75, atol=1e-9)
    assert spots[:, 0].max() < 0.22 and len(spots) > 100


# --- rooms -----------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_room(stock, noisy):
    again = make_room(stock, MODES["noisy"], 2, width=WIDTH, height=HEIGHT)
    other = make_room(stock, MODES["noisy"], 3, width=WIDTH, height=HEIGHT)
    np.testing.assert_array_equal(again.inputs.objects.photo.rgb, noisy.inputs.objects.photo.rgb)
    np.testing.assert_array_equal(again.inputs.geometry.points, noisy.inputs.geometry.points)
    assert not np.array_equal(other.inputs.objects.photo.rgb, noisy.inputs.objects.photo.rgb)


def test_masks_and_points_are_what_the_true_poses_show(clean):
    geometry, answer = clean.inputs.geometry, clean.answer
    depth = np.full((HEIGHT, WIDTH), np.inf)
    ids = np.full(depth.shape, -1)
    for i, pose in answer.poses.items():
        data = read_mesh(answer.meshes[i])
        seen = rasterize(pose.apply(data.vertices), data.faces, geometry.intrinsics, WIDTH, HEIGHT)
        nearer = seen.mask & (np.nan_to_num(seen.depth, nan=np.inf) < depth)
        depth[nearer], ids[nearer] = seen.depth[nearer], i
    for item in clean.inputs.objects.kept:
        assert (item.mask & (ids == item.id)).sum() >= 0.99 * item.mask.sum()
        shown = item.mask & (ids == item.id)
        np.testing.assert_allclose(geometry.depth[shown], depth[shown], rtol=1e-4)


def test_true_points_lie_behind_their_pixels_and_not_below_the_floor(clean):
    geometry = clean.inputs.geometry
    pixels = project(geometry.points, geometry.intrinsics)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    np.testing.assert_allclose(pixels[..., 0], columns + 0.5, atol=1e-2)
    np.testing.assert_allclose(pixels[..., 1], rows + 0.5, atol=1e-2)
    assert (geometry.points @ geometry.floor[:3] + geometry.floor[3]).min() > -1e-3


def test_things_stand_on_the_floor_or_exactly_on_another(stock):
    stacked = 0
    for seed in range(6):
        room = make_room(stock, MODES["clean"], seed, width=WIDTH, height=HEIGHT)
        floor, answer = room.inputs.geometry.floor, room.answer
        for i, pose in answer.poses.items():
            height = pose.apply(read_mesh(answer.meshes[i]).vertices) @ floor[:3] + floor[3]
            if answer.supported_by[i] == "floor":
                assert height.min() == pytest.approx(0, abs=1e-6)
            elif (carrier := answer.supported_by[i]) in answer.poses:
                own = answer.poses[carrier].apply(read_mesh(answer.meshes[carrier]).vertices)
                levels = own @ floor[:3] + floor[3]
                assert np.abs(levels - height.min()).min() < 0.01
                stacked += 1
    assert stacked >= 2


def test_what_hangs_is_above_the_floor_and_touches_nothing():
    lamp = Piece(joined([box((0.4, 0.3, 0.4), (0, 0, 0), GREY)]), "lamp_1")
    hung = 0
    for seed in range(12):
        room = make_room(Stock((lamp,), 0.0), MODES["clean"], seed, count=1, width=80, height=60)
        floor = room.inputs.geometry.floor
        for i, pose in room.answer.poses.items():
            assert room.answer.supported_by[i] == "ceiling"
            height = pose.apply(read_mesh(room.answer.meshes[i]).vertices) @ floor[:3] + floor[3]
            assert height.min() > 1
            hung += 1
    assert hung


def test_what_is_taken_is_not_free():
    occupancy = Occupancy()
    grid = np.meshgrid([0.0], np.linspace(0, 1, 30), np.linspace(-2, -1, 30))
    wall = np.stack(grid, -1).reshape(-1, 3)
    occupancy.add(wall)
    assert not occupancy.free(wall + np.array([0.02, 0, 0]))
    assert occupancy.free(wall + np.array([0.3, 0, 0]))


def test_the_inside_of_a_closed_thing_is_taken_and_the_space_below_a_table_is_not():
    crate = Piece(joined([box((1, 1, 1), (0, 0, 0), GREY)]), "crate")
    leg = [box((0.1, 0.9, 0.1), (x, 0, z), GREY) for x in (-0.4, 0.4) for z in (-0.4, 0.4)]
    table = Piece(joined([box((1, 0.1, 1), (0, 0.9, 0), GREY), *leg]), "table")
    middle = np.array([0, 0.5, -3])
    ball = np.random.default_rng(0).normal(size=(500, 3)) * 0.05 + middle
    for piece, free in ((crate, False), (table, True)):
        occupancy = Occupancy()
        occupancy.add(piece.samples + middle)
        assert occupancy.free(ball) == free


def test_every_kept_thing_is_seen_enough_and_the_others_are_dropped(stock):
    room = make_room(stock, MODES["crowded"], 1, width=WIDTH, height=HEIGHT)
    assert len(room.inputs.objects.kept) >= 8
    assert set(room.answer.visible) == {o.id for o in room.inputs.objects.kept}
    assert min(room.answer.visible.values()) >= 0.2
    assert {e.id for e in room.inputs.meshes.entries} == set(room.answer.poses)


def test_frontal_things_face_the_camera(stock):
    room = make_room(stock, MODES["frontal"], 4, width=WIDTH, height=HEIGHT)
    for pose in room.answer.poses.values():
        front = pose.rotation[:, 2] - (pose.rotation[:, 2] @ room.answer.up) * room.answer.up
        towards = -pose.translation + (pose.translation @ room.answer.up) * room.answer.up
        cosine = front @ towards / np.linalg.norm(front) / np.linalg.norm(towards)
        assert cosine > np.cos(np.deg2rad(45))


def test_without_ground_the_geometry_tells_neither_up_nor_floor(stock):
    room = make_room(stock, MODES["noisy"], 2, ground="none", width=WIDTH, height=HEIGHT)
    assert room.inputs.geometry.up is None and room.inputs.geometry.floor is None


def test_noise_is_there_and_bounded(clean, noisy):
    true, found = clean.inputs.geometry, noisy.inputs.geometry
    ratio = found.depth / true.depth
    lost = np.isnan(ratio)
    assert 0.0005 < lost.mean() < 0.05
    ratio = ratio / np.nanmedian(ratio)
    assert 0.008 < np.nanpercentile(np.abs(ratio - 1), 68) < 0.03
    tilt = np.arccos(np.clip(found.up @ true.up, -1, 1))
    assert 0 < tilt < np.deg2rad(4)


def test_the_border_of_a_rough_mask_is_off_by_about_a_pixel():
    y, x = np.mgrid[:480, :640]
    radius = np.hypot(x - 300, y - 200)
    disc = radius < 60
    rough = rough_mask(disc, NOISY, np.random.default_rng(0))
    off = np.abs(radius[rough != disc] - 60)
    assert 20 < len(off) < 0.1 * disc.sum()
    assert off.max() < 4


def test_the_unknown_scale_is_in_points_floor_and_truth_alike(clean, noisy):
    factors = [
        noisy.answer.poses[i].scale / clean.answer.poses[i].scale for i in noisy.answer.poses
    ]
    assert np.ptp(factors) < 1e-12 and abs(np.log(factors[0])) > 0.05
    assert np.nanmedian(noisy.inputs.geometry.depth / clean.inputs.geometry.depth) == (
        pytest.approx(factors[0], rel=0.05)
    )
    ratio = noisy.inputs.geometry.floor[3] / clean.inputs.geometry.floor[3]
    assert ratio == pytest.approx(factors[0], rel=0.05)


def test_an_exact_sensor_changes_nothing():
    depth = np.random.default_rng(0).uniform(1, 5, (30, 40)).astype(np.float32)
    exact = replace(NOISY, warp=0, white=0, bleed_px=0, holes=np.inf, rough_px=0)
    np.testing.assert_allclose(sensed_depth(depth, exact, np.random.default_rng(1)), depth)
    mask = depth > 3
    assert rough_mask(mask, exact, np.random.default_rng(1)) is mask


def test_layout_points_stand_on_their_floor_in_the_given_direction(stock):
    room = make_room(stock, MODES["layout"], 2, width=WIDTH, height=HEIGHT)
    geometry, answer = room.inputs.geometry, room.answer
    assert geometry.approximate
    for i, pose in answer.poses.items():
        if answer.supported_by[i] == "floor":
            piece = read_mesh(answer.meshes[i])
            low, high = piece.bounds
            foot = pose.apply(np.array([(low + high)[0] / 2, low[1], (low + high)[2] / 2]))
            assert foot @ geometry.floor[:3] + geometry.floor[3] == pytest.approx(0, abs=1e-6)


def test_stretched_meshes_are_off_by_up_to_eight_percent_about_their_centre():
    data = joined([box((0.4, 1.0, 0.6), (0.2, 0, 0), GREY)])
    mesh = Mesh(make_glb(data), "box")
    given = read_mesh(stretched(mesh, data, np.random.default_rng(3))).bounds
    ratio = np.ptp(given, axis=0) / np.ptp(data.bounds, axis=0)
    assert (np.abs(ratio - 1) < 0.0801).all() and np.ptp(ratio) > 0.01
    np.testing.assert_allclose(given.mean(0), data.bounds.mean(0), atol=1e-6)


def test_damaged_meshes_keep_their_place_and_lose_some_surface():
    data = make_shape(armchair, np.random.default_rng(0))
    given = read_mesh(damaged(Mesh(make_glb(data), "x"), data, np.random.default_rng(3)))
    extent = np.ptp(data.vertices, axis=0)
    assert np.abs(given.bounds - data.bounds).max() < 0.06 * np.linalg.norm(extent)

    def area(mesh):
        a, b, c = np.moveaxis(mesh.triangles, 1, 0)
        return np.linalg.norm(np.cross(b - a, c - a), axis=1).sum()

    assert 0.5 < area(given) / area(data) < 0.97


def test_lying_meshes_say_that_their_y_axis_is_not_up(stock):
    room = make_room(stock, MODES["lying"], 2, width=WIDTH, height=HEIGHT)
    upright = make_room(stock, MODES["noisy"], 2, width=WIDTH, height=HEIGHT)
    for i, pose in room.answer.poses.items():
        assert not room.answer.meshes[i].upright
        assert abs(pose.rotation[:, 1] @ room.answer.up) < 0.99 or (
            pose.rotation[:, 1] @ room.answer.up < 0
        )
        # It is the same body in the same place.
        a = pose.apply(read_mesh(room.answer.meshes[i]).vertices)
        b = upright.answer.poses[i].apply(read_mesh(upright.answer.meshes[i]).vertices)
        np.testing.assert_allclose(np.sort(a[:, 2]), np.sort(b[:, 2]), rtol=1e-4)


# --- measures --------------------------------------------------------------------------------


def answer_of(mesh, pose=None, name="room"):
    pose = pose or Sim3(turn(0.3), np.array([0.1, 0.2, 3.0]), 1.5)
    return Answer(name, {0: pose}, {0: mesh}, {0: 1.0}, {0: "floor"}, np.array([0, -1.0, 0]))


def row_of(answer, pose, mesh=None, failure=""):
    placement = Placement(0, pose, failure=failure)
    given = mesh or answer.meshes[0]
    return measure(answer, Placements((placement,)), lambda p: given)[0]


@pytest.fixture(scope="module")
def chair():
    legs = [box((0.05, 0.5, 0.05), (x, 0, z), GREY) for x in (-0.2, 0.2) for z in (-0.2, 0.2)]
    return mesh_of(
        box((0.5, 0.05, 0.5), (0, 0.5, 0), GREY),
        box((0.5, 0.5, 0.04), (0, 0.55, -0.23), GREY),
        *legs,
    )


def test_the_true_pose_has_no_error_but_that_of_sampling(chair):
    answer = answer_of(chair)
    row = row_of(answer, answer.poses[0])
    assert row.add_s < 0.005
    assert row.rotation_deg == pytest.approx(0, abs=1e-3)
    assert row.log_scale == pytest.approx(0, abs=1e-9)
    assert row.box_iou == pytest.approx(1)


def test_add_s_of_a_box_moved_along_its_normals_is_known():
    # A thin plate lifted by a tenth of its diagonal: every point is that far off.
    plate = mesh_of(box((0.6, 0.001, 0.8), (0, 0, 0), GREY))
    answer = answer_of(plate, Sim3(np.eye(3), np.array([0, 0, 3.0]), 2.0))
    moved = Sim3(np.eye(3), np.array([0, 0.2, 3.0]), 2.0)
    assert row_of(answer, moved).add_s == pytest.approx(0.1, rel=0.02)


def test_scale_and_box_tell_the_size(chair):
    answer = answer_of(chair)
    pose = answer.poses[0]
    row = row_of(answer, Sim3(pose.rotation, pose.translation, pose.scale * 1.1))
    assert row.log_scale == pytest.approx(np.log(1.1))
    assert 0.6 < row.box_iou < 0.9


def test_rotation_is_told_modulo_the_symmetry_of_the_mesh(chair):
    pose = Sim3(turn(0.3), np.array([0.1, 0.2, 3.0]), 1.5)

    def off(mesh, rotation):
        answer = answer_of(mesh, pose)
        return row_of(answer, Sim3(pose.rotation @ rotation, pose.translation, 1.5)).rotation_deg

    quarter, half = turn(np.pi / 2), turn(np.pi)
    table = mesh_of(box((1, 0.1, 1), (0, 0.5, 0), GREY), box((0.1, 0.5, 0.1), (0, 0, 0), GREY))
    assert off(chair, half) == pytest.approx(180, abs=0.1)
    assert off(table, quarter) == pytest.approx(0, abs=0.1)
    assert off(table, turn(np.deg2rad(30))) == pytest.approx(30, abs=0.1)
    oblong = mesh_of(box((0.5, 1, 0.8), (0, 0, 0), GREY))
    assert off(oblong, half) == pytest.approx(0, abs=0.1)
    assert off(oblong, quarter) == pytest.approx(90, abs=0.1)
    upside_down = Rotation.from_euler("x", 180, degrees=True).as_matrix()
    assert off(oblong, upside_down) == pytest.approx(0, abs=0.1)


def test_a_thing_of_revolution_has_no_yaw_but_a_tilt(chair):
    vase = mesh_of(lathe([(0.1, 0), (0.25, 0.2), (0.05, 0.5)], GREY))
    pose = Sim3(turn(0.3), np.array([0.1, 0.2, 3.0]), 1.5)
    answer = answer_of(vase, pose)
    tilt = Rotation.from_euler("z", 10, degrees=True).as_matrix()
    assert row_of(answer, Sim3(turn(1.7), pose.translation, 1.5)).rotation_deg < 0.01
    turned = Sim3(tilt @ turn(1.7), pose.translation, 1.5)
    assert row_of(answer, turned).rotation_deg == pytest.approx(10, abs=0.01)


def test_a_ball_has_no_rotation():
    angle = np.linspace(-np.pi / 2 + 0.01, np.pi / 2 - 0.01, 24)
    ball = Body(joined([lathe(list(zip(np.cos(angle), np.sin(angle), strict=True)), GREY)]))
    rotation = Rotation.from_euler("xyz", [40, 80, 10], degrees=True).as_matrix()
    assert measures.rotation_error_deg(rotation, np.eye(3), ball.symmetries) == 0


def test_truth_is_the_true_mesh_where_the_given_one_is_off():
    true = mesh_of(box((1, 1, 1), (0, 0, 0), GREY))
    given = mesh_of(box((0.5, 0.5, 0.5), (0, 0, 0), GREY))
    answer = answer_of(true)
    pose = answer.poses[0]
    same = row_of(answer, pose, given)
    assert same.add_s > 0.05 and same.log_scale == pytest.approx(np.log(2))
    doubled = row_of(answer, Sim3(pose.rotation, pose.translation, 2 * pose.scale), given)
    assert doubled.add_s < 0.006 and doubled.box_iou == pytest.approx(1)


def test_box_iou_of_boxes_that_overlap_by_half():
    a = np.array([[0, 0, 0], [2, 1, 1.0]])
    aside = np.array([1.0, 0, 0])
    assert box_iou(a, a + aside) == pytest.approx(1 / 3)
    assert box_iou(a, a + 3 * aside) == 0
    flat = a * [1, 0, 1]
    assert box_iou(flat, flat) == 0


def test_a_failed_or_missing_object_counts_against_every_share(chair):
    answer = answer_of(chair)
    failed = row_of(answer, None, failure="no point")
    missing = measure(answer, Placements(()), lambda p: chair)[0]
    good = row_of(answer, answer.poses[0])
    f = figures([failed, missing, good])
    assert f.failures == 2 and f.objects == 3
    assert f.shares[0.1] == pytest.approx(1 / 3)
    assert np.isinf(f.add_s) and np.isinf(f.rotation_deg)
    assert f.box_iou == pytest.approx(1 / 3)
    assert missing.failure == "no placement"


def test_intervals_hold_the_share_and_shrink_with_rooms():
    rng = np.random.default_rng(0)
    few = bootstrap(rng.random(40) < 0.8, np.repeat(np.arange(8), 5))
    many = bootstrap(rng.random(4000) < 0.8, np.repeat(np.arange(800), 5))
    assert few[0] < 0.8 < few[1] and many[0] < 0.8 < many[1]
    assert many[1] - many[0] < few[1] - few[0]
    assert bootstrap(np.ones(10, bool), np.repeat([0, 1], 5)) == (1.0, 1.0)


def test_the_bins_of_occlusion_hold_each_object_once():
    for visible in np.linspace(0.2, 1, 41):
        row = Row("r", 0, "x", float(visible), True)
        assert sum(belongs(row) for _, belongs in measures.BINS[:3]) == 1


# --- the command and its files ---------------------------------------------------------------


def test_a_written_room_registers_as_it_is_and_scores(noisy, tmp_path):
    path = tmp_path / noisy.answer.name
    write_room(noisy, path)
    folder = RunFolder(path)
    objects = folder.read_objects(folder.read_photo())
    for item in objects.objects:
        given = noisy.inputs.objects.by_id(item.id)
        np.testing.assert_array_equal(item.mask, given.mask)
        assert item.keep == given.keep
    np.testing.assert_array_equal(
        folder.read_geometry(objects.photo).points, noisy.inputs.geometry.points
    )
    assert folder.is_users("geometry.npz") and folder.is_users("objects.json")
    assert not folder.has("placements.json")
    assert rooms_in(tmp_path) == [path]
    rows, seconds = score_room(path)
    assert rows and all(r.failure for r in rows) and np.isnan(seconds)

    folder.write_placements(true_placements(noisy))
    folder.write_run({"stages": {"register": {"seconds": 1.5}}})
    rows, seconds = score_room(path)
    assert seconds == 1.5
    assert {r.id for r in rows} == set(noisy.answer.poses)
    assert all(r.add_s < 0.01 and not r.failure for r in rows)


def test_the_truth_of_a_folder_is_the_room_s(noisy, tmp_path):
    write_room(noisy, tmp_path / "room")
    answer = read_answer(tmp_path / "room")
    for i, pose in noisy.answer.poses.items():
        np.testing.assert_allclose(answer.poses[i].matrix(), pose.matrix())
        assert answer.meshes[i].key == noisy.answer.meshes[i].key
        assert answer.supported_by[i] == noisy.answer.supported_by[i]


def test_a_written_mesh_that_is_not_upright_stays_so(stock, tmp_path):
    room = make_room(stock, MODES["lying"], 2, width=WIDTH, height=HEIGHT)
    write_room(room, tmp_path / "room")
    folder = RunFolder(tmp_path / "room")
    objects = folder.read_objects(folder.read_photo())
    assert not any(e.candidates[0].upright for e in folder.read_meshes(objects).entries)


def test_a_room_without_truth_is_refused_with_the_way_out(tmp_path, capsys):
    assert command.main(["--score", str(tmp_path)]) == 2
    assert "--write" in capsys.readouterr().err


def test_unknown_backends_are_named_and_skipped(capsys):
    found = command.ready_backends(["hybrid", "nonsense"], "cpu")
    assert list(found) == ["hybrid"]
    assert "nonsense" in capsys.readouterr().err


def test_slow_backends_are_compared_on_common_objects():
    rows = [Row(f"room{n}", 0, "x", 1.0, True, 0.01 * n, 1.0, 0.1, 0.8) for n in range(4)]
    results = {"fast": command.Result(rows, 2.0), "slow": command.Result(rows[:1], 60.0)}
    text = command.compared(results)
    assert "the 1 objects" in text and text.count("\n") >= 3
    assert results["fast"].within({("room0", 0)}).seconds == pytest.approx(0.5)
    assert command.compared({"fast": results["fast"]}) == ""


def test_a_part_of_a_room_keeps_what_hides_its_objects(noisy):
    part = command.first_objects(noisy, 2)
    assert len(part.inputs.objects.kept) == len(part.answer.poses) == 2
    assert len(part.inputs.objects.objects) == len(noisy.inputs.objects.objects)
    assert len(measure(part.answer, true_placements(part), part.given)) == 2


def test_json_of_failures_holds_no_infinity():
    rows = [Row("room", 0, "x", 1.0, True, failure="no point")]
    text = json.dumps(command.as_json({"hybrid": command.Result(rows, 1.0)}), allow_nan=False)
    assert json.loads(text)["hybrid"]["all"]["add_s"] is None


def test_photo_sizes_are_as_many_pixels_as_asked():
    for megapixels in (0.3, 1, 4, 12):
        width, height = photo_size(megapixels)
        assert width * height == pytest.approx(megapixels * 1e6, rel=0.05)
        assert width * 3 == height * 4


def test_the_command_runs_a_room_from_end_to_end(tmp_path, capsys):
    arguments = [
        "--modes",
        "clean",
        "--rooms",
        "1",
        "--objects",
        "2",
        "--shapes",
        "procedural",
        "--seed",
        "3",
    ]
    out = tmp_path / "figures.json"
    assert command.main([*arguments, "--json", str(out), "--pictures", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert "hybrid" in text and "from truth" in text
    figures = json.loads(out.read_text())["modes"]["clean"]
    assert figures["from truth"]["all"]["shares"]["0.05"] == 1.0
    assert list(tmp_path.glob("clean_*_hybrid.png"))
