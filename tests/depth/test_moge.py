"""Depth ``moge``: MoGe's real classes with random weights, and with answers that are known."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("moge")
pytest.importorskip("huggingface_hub")

from moge_models import save_checkpoint  # noqa: E402

from cast_nodes.backends import choose, get_backend  # noqa: E402
from cast_nodes.bridges.from_moge import MogeOptions, geometry_from_moge  # noqa: E402
from cast_nodes.cancel import CancelToken  # noqa: E402
from cast_nodes.context import Context, Folders  # noqa: E402
from cast_nodes.depth import DepthInputs, estimate_geometry  # noqa: E402
from cast_nodes.depth._moge_model import checkpoint_in, import_moge, load_moge  # noqa: E402
from cast_nodes.depth.camera import RoomCamera, plane_depth  # noqa: E402
from cast_nodes.depth.moge import WEIGHTS, Moge, infer, known_fov  # noqa: E402
from cast_nodes.errors import BackendNotReady, BadInput, Cancelled  # noqa: E402
from cast_nodes.frames import pixel_centres, project  # noqa: E402
from cast_nodes.local.models import OwnModels  # noqa: E402
from cast_nodes.store import Store  # noqa: E402
from cast_nodes.types import Photo  # noqa: E402

H, W = 96, 128


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One checkpoint of each version: ``<folder>/v1/model.pt`` and ``<folder>/v2/model.pt``."""
    place = tmp_path_factory.mktemp("moge")
    for version in ("v1", "v2"):
        save_checkpoint(place / version / "model.pt", version)
    return place


@pytest.fixture(scope="module")
def models():
    return OwnModels("cpu")


@pytest.fixture
def context(tmp_path, models):
    warned: list[str] = []
    made = Context(
        store=Store(),
        warn=warned.append,
        folders=Folders(tmp_path / "cache", tmp_path),
        models=models,
    )
    object.__setattr__(made, "warned", warned)
    return made


def photo(height: int = H, width: int = W, focal_px: float | None = None) -> Photo:
    rng = np.random.default_rng(7)
    pixels = rng.integers(0, 256, (height, width, 3), np.uint8)
    pixels.setflags(write=False)  # as those of a photo from a file
    return Photo(pixels, focal_px=focal_px)


def run(place: Path, context: Context, picture: Photo | None = None, **options):
    choice = choose("depth", "moge", weights=str(place), **options)
    return estimate_geometry(DepthInputs(picture or photo()), choice, context)


# --- Random weights: the whole way from the checkpoint on ------------------------------------


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_real_model_answers_in_the_photos_size_with_nan_outside_its_mask(
    folder, context, version
):
    geometry = run(folder / version, context, fov_deg=60.0)
    answer = infer(
        load_moge(folder / version / "model.pt"), photo(), Moge(fov_deg=60.0), 60.0, False
    )
    assert answer.mask is not None and 0 < answer.mask.mean() < 1
    assert geometry.points.shape == (H, W, 3) and geometry.points.dtype == np.float32
    np.testing.assert_array_equal(np.isfinite(geometry.points).all(-1), geometry.valid)
    np.testing.assert_array_equal(geometry.valid, answer.mask & (answer.points[..., 2] > 0))
    assert np.isnan(geometry.points[~geometry.valid]).all()
    assert (geometry.depth[geometry.valid] > 0).all()
    assert geometry.source == "moge" and not geometry.approximate


def test_moge_2_is_metric_and_has_normals_moge_1_neither(folder, context):
    second, first = (run(folder / v, context, fov_deg=60.0) for v in ("v2", "v1"))
    assert (second.metric, first.metric) == (True, False)
    assert first.normals is None and second.normals is not None
    length = np.linalg.norm(second.normals, axis=-1)
    np.testing.assert_allclose(length[second.valid], 1, atol=1e-5)
    assert np.isnan(length[~second.valid]).all()


def test_a_moge_2_without_scale_is_not_called_metric(tmp_path, context):
    save_checkpoint(tmp_path / "model.pt", "v2", scale=False, normals=False)
    geometry = run(tmp_path / "model.pt", context, fov_deg=60.0)
    assert not geometry.metric and geometry.normals is None


def test_one_copy_in_memory_serves_all_runs(folder, context):
    context = replace(context, models=OwnModels("cpu"))
    run(folder / "v2", context, fov_deg=60.0)
    (name,) = context.models.names
    with context.models.lend(name, lambda: pytest.fail("loaded twice")) as model:
        assert isinstance(model, import_moge("v2").MoGeModel)
    run(folder / "v2", context, fov_deg=50.0, patches=30)
    assert context.models.names == (name,)


def test_level_and_patches_change_how_finely_it_looks(folder, context):
    low, high = (run(folder / "v2", context, fov_deg=60.0, resolution_level=n) for n in (0, 9))
    same = run(folder / "v2", context, fov_deg=60.0, patches=60)
    assert not np.array_equal(low.points, high.points, equal_nan=True)
    np.testing.assert_array_equal(same.points, high.points)


@pytest.mark.parametrize("size", [(8, 8), (40, 400), (300, 30), (1, 1), (3, 900)])
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_odd_sizes_answer_or_say_why_not(folder, context, version, size):
    try:
        geometry = run(folder / version, context, photo(*size), fov_deg=60.0)
    except BadInput as error:
        assert "MoGe" in str(error)
    else:
        assert geometry.points.shape == (*size, 3)
    assert ("between 1:2 and 2:1" in " ".join(context.warned)) == (max(size) > 2 * min(size))


def test_a_result_is_reused_until_the_weights_file_changes(folder, context, tmp_path):
    place = tmp_path / "model.pt"
    place.write_bytes((folder / "v2" / "model.pt").read_bytes())
    steps = []
    context = replace(context, progress=steps.append)
    for _ in range(2):
        run(place, context, fov_deg=60.0)
    os.utime(place, (1, 1))
    run(place, context, fov_deg=60.0)
    assert [step.reused for step in steps if step.stage == "depth"] == [False, True, False]


def test_a_stop_before_it_begins_loads_nothing(folder, context):
    cancel = CancelToken()
    cancel.cancel()
    context = replace(context, cancel=cancel, models=OwnModels("cpu"))
    with pytest.raises(Cancelled):
        run(folder / "v2", context)
    assert context.models.names == ()


# --- Known answers: the real infer on a made-up raw output -----------------------------------

CAMERA = RoomCamera(W, H, 105.0, np.radians(22), np.radians(2), 0.0, 1.5)
WALL = np.append(-CAMERA.level_axes[2], 3.2)
SKY = np.s_[:12, :]


def room_points() -> np.ndarray:
    """(H, W, 3) of a floor 1.5 m below the camera and a wall 3.2 m ahead."""
    rays = CAMERA.rays(pixel_centres(H, W))
    return rays * np.minimum(plane_depth(rays, CAMERA.floor), plane_depth(rays, WALL))[..., None]


@pytest.fixture
def room(monkeypatch):
    """The networks' raw output is the room's, up to the shift and scale they leave open."""
    points = room_points()
    on_wall = np.abs(points @ WALL[:3] + WALL[3]) < 1e-6
    normal = np.where(on_wall[..., None], WALL[:3], CAMERA.up)
    scale, shift = 2.5, 0.4

    def forward(self, image, num_tokens):
        raw = torch.from_numpy(points / scale - [0, 0, shift]).float()[None]
        mask = torch.ones(1, H, W)
        mask[0][SKY] = 0
        out = {"points": raw.clone(), "mask": mask}
        if hasattr(self, "scale_head"):
            out["metric_scale"] = torch.tensor([scale])
            out["normal"] = torch.from_numpy(normal).float()[None]
        return out

    for version in ("v1", "v2"):
        monkeypatch.setattr(import_moge(version).MoGeModel, "forward", forward)
    return points


def test_a_known_room_comes_out_in_metres_and_in_the_cameras_frame(folder, context, room):
    geometry = run(folder / "v2", context)
    valid = geometry.valid
    assert not valid[SKY].any() and valid.mean() > 0.8
    np.testing.assert_allclose(geometry.intrinsics, CAMERA.intrinsics, rtol=2e-3)
    np.testing.assert_allclose(geometry.points[valid], room[valid], rtol=5e-3, atol=5e-3)
    np.testing.assert_allclose(geometry.floor, CAMERA.floor, atol=0.01)
    assert geometry.up @ CAMERA.up > 0.9999
    assert geometry.normals is not None
    floor = valid & (np.abs(room @ CAMERA.floor[:3] + CAMERA.floor[3]) < 1e-6)
    np.testing.assert_allclose(geometry.normals[floor] @ CAMERA.up, 1, atol=1e-5)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_every_point_lies_on_the_ray_of_its_pixels_centre(folder, context, room, version):
    geometry = run(folder / version, context)
    pixels = project(geometry.points, geometry.intrinsics)
    off = np.abs(pixels - pixel_centres(H, W))[geometry.valid]
    assert off.max() < 1e-3


def test_moge_1_gives_the_room_up_to_one_factor(folder, context, room):
    geometry = run(folder / "v1", context)
    valid = geometry.valid
    factor = np.median(room[valid][:, 2] / geometry.points[valid][:, 2])
    assert factor == pytest.approx(2.5, rel=0.01)
    np.testing.assert_allclose(geometry.points[valid] * factor, room[valid], rtol=0.01, atol=0.01)
    np.testing.assert_allclose(geometry.intrinsics, CAMERA.intrinsics, rtol=2e-3)


def test_a_given_angle_of_view_is_kept_exactly(folder, context, room):
    geometry = run(folder / "v2", context, fov_deg=70.0)
    assert geometry.intrinsics[0, 0] == pytest.approx(0.5 * W / np.tan(np.radians(35)), rel=1e-6)
    assert any("70 degrees across) was given" in note for note in geometry.notes)


def test_the_photos_own_focal_length_is_taken_before_the_models_guess(folder, context, room):
    geometry = run(folder / "v2", context, photo(focal_px=120.0))
    assert geometry.intrinsics[0, 0] == pytest.approx(120.0, rel=1e-6)
    assert known_fov(50.0, photo(focal_px=120.0))[0] == 50.0


def test_without_forced_projection_the_models_own_points_are_kept(folder, context, room):
    geometry = run(folder / "v2", context, force_projection=False)
    np.testing.assert_allclose(
        geometry.points[geometry.valid][:, :2], room[geometry.valid][:, :2], rtol=1e-4, atol=1e-5
    )


def test_our_geometry_is_that_of_the_same_answer_as_a_packet(folder, context, room):
    answer = infer(load_moge(folder / "v2" / "model.pt"), photo(), Moge(), None, False)
    packet = {
        "points": answer.points[None], "intrinsics": answer.intrinsics[None],
        "mask": answer.mask[None], "normal": answer.normal[None],
    }  # fmt: skip
    bridged = geometry_from_moge(packet, H, W, MogeOptions())
    ours = run(folder / "v2", context)
    np.testing.assert_array_equal(ours.points, bridged.points)
    np.testing.assert_array_equal(ours.intrinsics, bridged.intrinsics)
    np.testing.assert_array_equal(ours.normals, bridged.normals)
    np.testing.assert_array_equal(ours.floor, bridged.floor)
    assert ours.metric == bridged.metric


# --- Answers that cannot be used -------------------------------------------------------------


def answering(monkeypatch, points, mask):
    def forward(self, image, num_tokens):
        out = {
            "points": torch.from_numpy(points).float()[None],
            "mask": torch.from_numpy(mask)[None],
        }
        return out | {"metric_scale": torch.ones(1), "normal": torch.ones(1, H, W, 3)}

    monkeypatch.setattr(import_moge("v2").MoGeModel, "forward", forward)


def ones(value: float = 1.0) -> np.ndarray:
    return np.full((H, W), value, np.float32)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_an_error_not_a_geometry(
    folder, context, monkeypatch, value
):
    answering(monkeypatch, np.full((H, W, 3), value), ones())
    with pytest.raises(BadInput, match="not finite"):
        run(folder / "v2", context)


def test_a_photo_masked_as_a_whole_is_an_error(folder, context, monkeypatch):
    answering(monkeypatch, room_points(), ones(0))
    with pytest.raises(BadInput, match="sky"):
        run(folder / "v2", context)


def test_points_without_a_camera_are_an_error_with_the_way_out(folder, context, monkeypatch):
    points = room_points()
    points[..., :2] *= -1  # mirrored: the focal length comes out negative
    answering(monkeypatch, points, ones())
    with pytest.raises(BadInput, match="fov_deg"):
        run(folder / "v2", context)


def test_single_bad_pixels_become_nan_and_the_others_stay(folder, context, monkeypatch):
    points = room_points()
    points[40:50, 40:50] = np.nan
    answering(monkeypatch, points, ones())
    try:
        geometry = run(folder / "v2", context, fov_deg=62.7)
    except BadInput as error:  # the camera could not be fitted through them
        assert "finite" in str(error)
    else:
        assert not geometry.valid[42:48, 42:48].any() and geometry.valid.mean() > 0.9


# --- Weights ---------------------------------------------------------------------------------


def test_the_default_weights_are_told_before_anything_runs(context, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(context.folders.cache))
    backend = get_backend("depth", "moge")
    (need,) = [n for n in backend.info.needs if n.weights is not None]
    assert need.weights is WEIGHTS
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    assert "will be downloaded at first use (1.3 GB)" in WEIGHTS.state(context)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(BackendNotReady, match="cast fetch moge"):
        backend.require(context, Moge())
    backend.require(context, Moge(weights="/some/where/model.pt"))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "cannot be read"),
        (b"<html>not found</html>", "cannot be read"),
        ("cut", "cannot be read"),
        ({"state_dict": {}}, "no MoGe checkpoint"),
        ({"model_config": {"encoder": "dinov2_vits14"}, "model": {}}, "cannot be read"),
    ],
)
def test_what_is_no_checkpoint_is_said(folder, context, tmp_path, content, told):
    place = tmp_path / "model.pt"
    if isinstance(content, dict):
        torch.save(content, place)
    elif content == "cut":
        place.write_bytes((folder / "v2" / "model.pt").read_bytes()[:1_000_000])
    else:
        place.write_bytes(content)
    with pytest.raises(BackendNotReady, match=told) as caught:
        run(place, context)
    assert str(place) in str(caught.value)
    assert context.models.names == () or str(place) not in " ".join(context.models.names)


def test_a_checkpoint_is_found_in_its_folder_or_given_itself(folder):
    assert checkpoint_in(folder / "v1") == checkpoint_in(folder / "v1" / "model.pt")
