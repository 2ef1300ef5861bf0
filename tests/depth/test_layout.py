"""The whole of ``layout`` on drawn rooms with known truth, and on input that has nothing to say."""

from dataclasses import replace

import numpy as np
import pytest
from scenes import draw_room

from cast_nodes.backends import choose, get_backend
from cast_nodes.context import Context, Progress
from cast_nodes.depth import DepthInputs, estimate_geometry
from cast_nodes.depth.camera import RoomCamera
from cast_nodes.depth.object_boxes import Box
from cast_nodes.errors import BadInput
from cast_nodes.store import Store
from cast_nodes.types import Objects, Photo, SceneObject

CAMERA = RoomCamera(480, 360, 420.0, *np.radians([14, 0, 18]), 1.5)


def box(x: float, z: float, size: tuple[float, float, float]) -> Box:
    return Box(0, np.array([x, -CAMERA.camera_height, z]), CAMERA.yaw_rad, np.array(size))


BOXES = [
    box(-0.8, 3.2, (0.9, 0.75, 0.6)),
    box(0.7, 3.6, (0.5, 0.87, 0.54)),
    box(0.1, 2.6, (1.0, 0.42, 0.6)),
]
NOISE = np.random.default_rng(1).integers(0, 255, (60, 80, 3)).astype(np.uint8)
LABELS = ("table", "chair", "coffee table")


def objects_of(photo: Photo, masks, labels=LABELS) -> Objects:
    made = []
    for index, (mask, label) in enumerate(zip(masks, labels, strict=True)):
        y, x = np.nonzero(mask)
        bbox = (x.min(), y.min(), x.max() + 1, y.max() + 1) if x.size else (0, 0, 1, 1)
        made.append(SceneObject(index, label, 1.0, tuple(map(float, bbox)), mask))
    return Objects(photo, tuple(made))


@pytest.fixture(scope="module")
def room():
    rgb, depth, masks = draw_room(CAMERA, 4.6, 2.2, BOXES)
    photo = Photo(rgb)
    return photo, depth, objects_of(photo, masks)


def geometry_of(photo, objects=None, **options):
    return estimate_geometry(
        DepthInputs(photo, objects), choose("depth", "layout", **options), Context(store=Store())
    )


@pytest.fixture(scope="module")
def estimate(room):
    photo, _, objects = room
    return geometry_of(photo, objects)


def relative_error(geometry, depth, where=...):
    found = geometry.depth * np.median(depth / geometry.depth)
    return float(np.mean((np.abs(found - depth) / depth)[where]))


def test_layout_is_the_default():
    assert get_backend("depth").info.name == "layout"


def test_depth_of_the_drawn_room_is_about_right(room, estimate):
    _, depth, objects = room
    things = np.logical_or.reduce([o.mask for o in objects.objects])
    assert relative_error(estimate, depth) < 0.07
    assert relative_error(estimate, depth, things) < 0.11


def test_camera_gravity_and_scale_are_about_right(estimate):
    assert np.degrees(np.arccos(estimate.up @ CAMERA.up)) < 2.5
    assert estimate.intrinsics[0, 0] == pytest.approx(420, rel=0.12)
    assert estimate.floor[3] == pytest.approx(1.5, rel=0.15)
    assert estimate.metric and estimate.approximate


def test_the_point_map_is_complete_and_agrees_with_the_camera(room, estimate):
    from cast_nodes.frames import pixel_centres, project

    photo = room[0]
    assert estimate.points.shape == photo.rgb.shape
    assert estimate.points.dtype == np.float32
    assert estimate.valid.all()
    pixels = project(estimate.points, estimate.intrinsics)
    assert np.abs(pixels - pixel_centres(photo.height, photo.width)).max() < 0.02


def test_nothing_is_below_the_floor_or_behind_a_wall(estimate):
    scale = estimate.points[..., 2]
    for plane in [estimate.floor, *estimate.walls]:
        assert (estimate.points @ plane[:3] + plane[3] > -1e-3 * scale).all()
    assert np.allclose(np.linalg.norm(estimate.walls[:, :3], axis=1), 1)
    assert np.allclose(estimate.walls[:, :3] @ estimate.up, 0, atol=1e-9)


def test_things_meet_the_floor_without_a_step(room, estimate):
    _, _, objects = room
    things = np.logical_or.reduce([o.mask for o in objects.objects])
    steps = []
    for item in objects.objects:
        for column in np.flatnonzero(item.mask.any(0))[3:-3]:
            last = int(np.flatnonzero(item.mask[:, column]).max())
            if last + 2 >= things.shape[0] or things[last + 1 : last + 3, column].any():
                continue
            at, below = estimate.depth[last, column], estimate.depth[last + 2, column]
            steps.append(abs(at - below) / below)
    assert len(steps) > 100
    # Upright edges of a silhouette have the wall below them; feet are the rest.
    assert np.quantile(steps, 0.9) < 0.06


def test_without_masks_it_finds_the_ground_by_itself(room):
    photo, depth, _ = room
    geometry = geometry_of(photo)
    assert geometry.valid.all()
    assert relative_error(geometry, depth) < 0.2
    assert any("no masks" in note for note in geometry.notes)


def test_the_users_field_of_view_wins_over_the_files_and_the_files_over_the_guess(room):
    photo, _, objects = room
    given = geometry_of(replace(photo, focal_px=333.0), objects, fov_deg=60.0)
    assert given.intrinsics[0, 0] == pytest.approx(240 / np.tan(np.radians(30)))
    exif = geometry_of(replace(photo, focal_px=333.0), objects)
    assert exif.intrinsics[0, 0] == pytest.approx(333.0)
    assert any("from the file" in note for note in exif.notes)


def test_a_given_camera_height_sets_the_scale(room):
    photo, _, objects = room
    geometry = geometry_of(photo, objects, camera_height_m=3.0)
    assert geometry.floor[3] == pytest.approx(3.0, rel=0.01)


def test_the_same_input_is_not_computed_twice_and_dropped_things_do_not_matter():
    photo = Photo(NOISE)
    mask = np.zeros(NOISE.shape[:2], bool)
    mask[20:50, 30:60] = True
    objects = objects_of(photo, [mask], ["chair"])
    context = Context(store=Store())
    steps: list[Progress] = []
    context = replace(context, progress=steps.append)
    choice = choose("depth", "layout")
    first = estimate_geometry(DepthInputs(photo, objects), choice, context)
    rescored = objects.replaced(replace(objects.objects[0], score=0.2))
    dropped = SceneObject(9, "dog", 0.1, (0, 0, 5, 5), keep=False, reason="small")
    rescored = replace(rescored, objects=(*rescored.objects, dropped))
    again = estimate_geometry(DepthInputs(photo, rescored), choice, context)
    assert again.key == first.key
    assert [s.reused for s in steps] == [False, True]
    relabelled = objects.replaced(replace(objects.objects[0], label="desk"))
    estimate_geometry(DepthInputs(photo, relabelled), choice, context)
    assert not steps[-1].reused


@pytest.mark.parametrize(
    "rgb",
    [
        np.zeros((1, 1, 3), np.uint8),
        np.zeros((1, 300, 3), np.uint8),
        np.zeros((200, 3, 3), np.uint8),
        np.full((7, 9, 3), 128, np.uint8),
        np.zeros((120, 160, 3), np.uint8),
        np.full((120, 160, 3), 255, np.uint8),
        NOISE,
    ],
    ids=["1x1", "1 row", "3 columns", "tiny", "black", "white", "noise"],
)
@pytest.mark.parametrize("covered", ["no masks", "everything"])
def test_pictures_that_say_nothing_still_give_a_finite_geometry(rgb, covered):
    photo = Photo(rgb)
    objects = None
    if covered != "no masks":
        full, empty = np.ones(rgb.shape[:2], bool), np.zeros(rgb.shape[:2], bool)
        objects = objects_of(photo, [full, empty], ["chair", "table"])
    geometry = geometry_of(photo, objects)
    assert geometry.points.shape == rgb.shape
    assert np.isfinite(geometry.points).all() and (geometry.depth > 0).all()
    assert np.isfinite(geometry.intrinsics).all() and geometry.notes
    if rgb.std() == 0:
        assert any("lines" in note for note in geometry.notes)


def test_zero_kept_objects_are_legal():
    photo = Photo(NOISE)
    assert geometry_of(photo, Objects(photo, ())).valid.all()


def test_an_object_with_only_a_box_counts_as_that_box(room):
    photo, _, objects = room
    boxed = Objects(photo, tuple(replace(o, mask=None) for o in objects.objects))
    assert geometry_of(photo, boxed).valid.all()


def test_options_out_of_bounds_are_refused():
    with pytest.raises(BadInput, match="fov_deg"):
        choose("depth", "layout", fov_deg=200.0)
