"""Descent through a renderer: its pose models, its loss, its starts, and what it does without."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cast_nodes.backends import choose, get_backend
from cast_nodes.cancel import CancelToken
from cast_nodes.context import Context
from cast_nodes.errors import BackendNotReady, Cancelled
from cast_nodes.frames import Sim3
from cast_nodes.mesh_data import MeshData
from cast_nodes.raster import rasterize
from cast_nodes.register import Problem, _diff_ready, _diff_solve, make_problem, register
from cast_nodes.register._diff_loss import (
    Body,
    box_loss,
    make_evidence,
    mask_loss,
    point_loss,
    softened,
)
from cast_nodes.register._diff_pose import Pose, free_model, planar_model, stands_on_floor
from cast_nodes.register._diff_render import make_silhouettes, welded
from cast_nodes.register._diff_starts import make_starts
from cast_nodes.register.batch import unit_of
from cast_nodes.register.differentiable import DifferentiableOptions, run
from cast_nodes.register.sampling import make_surface, surface_of

from .conftest import FLOOR, UP, boxes, chair, crate, make_room, mesh_of, upright_pose


def problem_of(inputs, object_id: int = 0) -> Problem:
    item = inputs.objects.by_id(object_id)
    return make_problem(item, inputs.objects, inputs.geometry, inputs.meshes.get(object_id))


def rotation_to(up: np.ndarray, yaw: float = 0.0) -> np.ndarray:
    """An upright object's rotation, turned by ``yaw``."""
    pose = upright_pose(yaw, (0.0, 3.0))
    assert np.allclose(pose.rotation[:, 1], up)
    return pose.rotation


def pose_in_units(pose: Sim3, surface, unit: float) -> Pose:
    """A placement as the losses see it."""
    return Pose(
        torch.tensor(pose.rotation, dtype=torch.float32),
        torch.tensor(pose.apply(surface.centre) / unit, dtype=torch.float32),
        torch.tensor(pose.scale * surface.size / unit, dtype=torch.float32),
    )


# --- pose models -----------------------------------------------------------------------------

CHAIR = make_surface(chair())
small = st.floats(-1.5, 1.5)


@settings(deadline=None, max_examples=30)
@given(along=small, across=small, yaw=small, grow=st.floats(-1, 1))
def test_the_planar_model_never_leaves_the_floor(along, across, yaw, grow):
    surface = CHAIR
    model = planar_model(
        rotation_to(UP, 0.4), np.array([0.3, 0.2, 3.0]), 0.8, FLOOR, surface.vertices
    )
    assert model.freedoms == 4
    pose = model.pose(torch.tensor([along, across, yaw, grow], dtype=torch.float64))
    height = pose.apply(torch.from_numpy(surface.vertices)).numpy() @ UP + FLOOR[3]
    assert abs(height.min()) < 1e-9
    assert pose.rotation.numpy()[:, 1] @ UP == pytest.approx(1)
    assert float(pose.size) == pytest.approx(0.8 * np.exp(grow))


@settings(deadline=None, max_examples=30)
@given(move=st.tuples(small, small, small), yaw=small, grow=st.floats(-1, 1))
def test_the_free_model_moves_and_turns_about_its_axis_only(move, yaw, grow):
    start, centre = rotation_to(UP, -0.7), np.array([0.1, -0.2, 2.5])
    model = free_model(start, centre, 0.5, UP)
    assert model.freedoms == 5
    pose = model.pose(torch.tensor([*move, yaw, grow], dtype=torch.float64))
    np.testing.assert_allclose(pose.translation.numpy(), centre + move, atol=1e-12)
    turn = pose.rotation.numpy() @ start.T
    np.testing.assert_allclose(turn @ UP, UP, atol=1e-12)
    assert np.arccos((np.trace(turn) - 1) / 2) == pytest.approx(abs(yaw), abs=1e-6)


def test_both_models_start_where_they_are_told():
    surface = make_surface(chair())
    rotation, centre = rotation_to(UP, 1.0), np.array([0.2, 0.1, 3.0])
    free = free_model(rotation, centre, 0.7, UP).pose(torch.zeros(5, dtype=torch.float64))
    np.testing.assert_allclose(free.rotation, rotation, atol=1e-12)
    np.testing.assert_allclose(free.translation, centre, atol=1e-12)
    model = planar_model(rotation, centre, 0.7, FLOOR, surface.vertices)
    planar = model.pose(torch.zeros(4, dtype=torch.float64))
    np.testing.assert_allclose(planar.rotation, rotation, atol=1e-12)
    # Straight above or below the centre that was asked for.
    off = planar.translation.numpy() - centre
    np.testing.assert_allclose(off - (off @ UP) * UP, 0, atol=1e-12)


def test_the_masks_contact_with_the_floor_chooses_the_model(chair_room):
    standing = problem_of(chair_room.inputs)
    assert stands_on_floor(standing, unit_of(standing))
    assert make_starts(standing, unit_of(standing), 0, Body(surface_of(standing.candidates[0])))[
        0
    ].model.freedoms == 4  # fmt: skip
    pose = upright_pose(0.7, (0.0, 2.8))
    lifted = replace(pose, translation=pose.translation + 0.7 * UP)
    hanging = problem_of(make_room({0: (chair(), lifted)}).inputs)
    unit = unit_of(hanging)
    assert not stands_on_floor(hanging, unit)
    starts = make_starts(hanging, unit, 0, Body(surface_of(hanging.candidates[0])))
    assert starts[0].model.freedoms == 5


@pytest.mark.parametrize("change", [{"base": float("nan")}, {"floor": None}])
def test_where_contact_cannot_be_told_the_object_is_free(chair_room, change):
    problem = replace(problem_of(chair_room.inputs), **change)
    assert not stands_on_floor(problem, unit_of(problem))


# --- the loss --------------------------------------------------------------------------------


def disc(side: int, radius: float, middle: float) -> torch.Tensor:
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    return ((x - middle) ** 2 + (y - middle) ** 2 < radius**2).float()


def test_a_silhouette_equal_to_the_mask_costs_nothing_and_an_opposite_one_most():
    mask, known = disc(32, 8, 16), torch.ones(32, 32)
    assert float(mask_loss(mask, mask, known)) == pytest.approx(0, abs=1e-6)
    worst = mask_loss(1 - mask, mask, known)
    for other in (torch.zeros(32, 32), torch.full((32, 32), 0.5), disc(32, 8, 20)):
        assert 0 < float(mask_loss(other, mask, known)) < float(worst)


def test_hidden_pixels_do_not_count():
    mask, known = disc(32, 8, 16), torch.ones(32, 32)
    known[:, 20:] = 0
    silhouette = mask.clone()
    silhouette[:, 20:] = 1
    hidden = mask * known
    assert float(mask_loss(silhouette, hidden, known)) == pytest.approx(0, abs=1e-6)
    silhouette.requires_grad_()
    mask_loss(silhouette, 1 - hidden, known).backward()
    assert silhouette.grad is not None
    assert silhouette.grad[:, 20:].abs().max() == 0
    assert silhouette.grad[:, :20].abs().max() > 0


def test_blurred_pictures_see_a_leg_that_is_one_width_off():
    """Sharp ones see no difference between off by two widths and by three."""
    known = torch.ones(48, 48)
    leg = torch.zeros(48, 48)
    leg[:, 20:23] = 1

    def loss(shift: int, width: int) -> float:
        off = softened(leg.roll(shift, 1), known, width)
        return float(mask_loss(off, softened(leg, known, width), known))

    assert loss(6, 1) == pytest.approx(loss(9, 1))
    assert loss(0, 11) < loss(3, 11) < loss(6, 11) < loss(9, 11)
    assert loss(0, 11) == pytest.approx(0, abs=0.02)


def test_blurring_takes_nothing_from_hidden_pixels():
    picture, known = disc(32, 8, 16), torch.ones(32, 32)
    known[:, 20:] = 0
    other = picture.clone()
    other[:, 20:] = 1
    torch.testing.assert_close(softened(picture, known, 7), softened(other, known, 7))
    assert softened(torch.ones(32, 32), known, 7)[:, :20].min() == pytest.approx(1)


def test_points_on_the_mesh_cost_nothing_wherever_the_rest_of_it_is():
    """One-sided: a mesh may have any amount of surface that nobody observed."""
    body = boxes(((0, 0, 0), (1, 1, 1)))
    more = boxes(((0, 0, 0), (1, 1, 1)), ((3, 0, 0), (4, 1, 1)))
    points = np.random.default_rng(0).uniform(0.1, 0.9, (200, 3))
    points[:, 2] = 1.0
    for mesh in (body, more):
        surface = make_surface(mesh)
        pose = Pose(
            torch.eye(3),
            torch.tensor(surface.centre, dtype=torch.float32),
            torch.tensor(surface.size, dtype=torch.float32),
        )
        observed = torch.tensor(points, dtype=torch.float32)
        assert float(point_loss(pose, Body(surface), observed)) < 1e-4
        off = observed + torch.tensor([0, 0, 0.3])
        assert float(point_loss(pose, Body(surface), off)) == pytest.approx(0.26, abs=0.02)


def test_the_point_terms_gradient_is_its_slope():
    surface = make_surface(chair())
    body = Body(surface)
    rng = np.random.default_rng(1)
    points = torch.tensor(
        surface.dense[rng.choice(len(surface.dense), 300)] + 0.05, dtype=torch.float64
    )
    model = free_model(np.eye(3), np.zeros(3), 1.0, np.array([0.0, 1.0, 0.0]))

    def loss(theta: torch.Tensor) -> torch.Tensor:
        return point_loss(model.pose(theta), body, points)

    theta = torch.tensor([0.02, -0.03, 0.01, 0.1, 0.05], dtype=torch.float64, requires_grad=True)
    loss(theta).backward()
    assert theta.grad is not None
    for i in range(5):
        step = torch.zeros(5, dtype=torch.float64)
        step[i] = 1e-3
        with torch.no_grad():
            slope = float(loss(theta + step) - loss(theta - step)) / 2e-3
        assert float(theta.grad[i]) == pytest.approx(slope, abs=0.03)


def test_a_mesh_in_the_room_is_free_and_one_below_the_floor_pays(chair_room):
    problem = problem_of(chair_room.inputs)
    unit = unit_of(problem)
    evidence = make_evidence(problem, unit)
    vertices = chair_room.truth[0].apply(chair().vertices) / unit
    inside = torch.tensor(vertices, dtype=torch.float32)
    assert float(box_loss(inside, evidence)) < 1e-4
    below = torch.tensor(vertices - 0.5 * UP, dtype=torch.float32)
    assert float(box_loss(below, evidence)) > 0.05
    far = torch.tensor(vertices + np.array([0, 0, 9]), dtype=torch.float32)
    assert float(box_loss(far, evidence)) > 1


@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_the_loss_does_not_know_the_unit(chair_room, factor):
    problem = problem_of(chair_room.inputs)
    scaled = problem_of(
        chair_room.with_geometry(
            points=chair_room.inputs.geometry.points * np.float32(factor),
            floor=np.array([*FLOOR[:3], FLOOR[3] * factor]),
        )
    )
    a = make_evidence(problem, unit_of(problem))
    b = make_evidence(scaled, unit_of(scaled))
    torch.testing.assert_close(a.points, b.points, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(a.floor, b.floor, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(a.low, b.low, rtol=1e-4, atol=1e-4)


def test_the_canonical_camera_sees_each_pixel_where_the_crop_does(chair_room):
    problem = problem_of(chair_room.inputs)
    evidence = make_evidence(problem, unit_of(problem))
    point = problem.points[0].astype(np.float64)
    pixel = (problem.intrinsics @ point)[:2] / point[2]
    seen = evidence.canonical.double().numpy() @ point
    np.testing.assert_allclose((seen[:2] / seen[2] + 1) * evidence.side / 2, pixel, atol=1e-3)


# --- starts ----------------------------------------------------------------------------------


@pytest.mark.parametrize("yaw", [-2.4, 0.3, 1.6])
def test_one_of_the_two_best_of_eight_yaws_is_right(yaw):
    room = make_room({0: (chair(), upright_pose(yaw, (-0.3, 2.8)))}, noise=0.003)
    problem = problem_of(room.inputs)
    unit = unit_of(problem)
    surface = surface_of(problem.candidates[0])
    starts = make_starts(problem, unit, 0, Body(surface))
    assert len(starts) == 8
    assert [s.chamfer for s in starts] == sorted(s.chamfer for s in starts)
    errors = []
    for start in starts[:2]:
        rotation, centre, size = (
            part.numpy() for part in start.model.pose(torch.from_numpy(start.theta))
        )
        pose = surface.object_pose(rotation, centre * unit, float(size) * unit)
        errors.append(room.error(0, pose))
    assert min(errors) < 0.1


# --- bodies ----------------------------------------------------------------------------------


def test_welding_closes_split_edges_and_drops_what_has_no_area():
    body = crate()
    split = body.triangles.reshape(-1, 3)
    faces = np.arange(len(split)).reshape(-1, 3)
    surface = make_surface(MeshData(split, faces, np.zeros(len(faces), int), body.materials))
    twice = np.concatenate([surface.faces, surface.faces[:, ::-1], [[0, 0, 1]]])
    vertices, welded_faces = welded(surface.vertices, twice)
    assert (len(vertices), len(welded_faces)) == (8, 12)


# --- descent, with a stand-in for the renderer -----------------------------------------------


class SplatSilhouettes:
    """Stand-in for a renderer: a soft blot at each vertex. Differentiable, and good for nothing
    but to see that descent goes down."""

    def __init__(self, side: int) -> None:
        self._side = side

    def __call__(self, vertices: torch.Tensor, seed: int) -> torch.Tensor:
        pixel = (vertices[:, :2] / vertices[:, 2:] + 1) * self._side / 2
        y, x = torch.meshgrid(torch.arange(self._side), torch.arange(self._side), indexing="ij")
        away = (x.reshape(-1, 1) - pixel[:, 0]) ** 2 + (y.reshape(-1, 1) - pixel[:, 1]) ** 2
        return (1 - (1 - 0.9 * (-away / 18).exp()).prod(1)).view(self._side, self._side)


@pytest.fixture
def splats(monkeypatch):
    """The backend with the stand-in as its renderer."""
    monkeypatch.setattr(_diff_ready, "has_package", lambda name: name == "mitsuba")
    monkeypatch.setattr(_diff_ready, "has_llvm", lambda: True)
    monkeypatch.setattr(
        _diff_solve,
        "make_silhouettes",
        lambda renderer, vertices, faces, side, device: SplatSilhouettes(side),
    )


def solve(inputs, context: Context | None = None, **options):
    choice = choose("register", "differentiable", **options)
    return list(register(inputs, choice, context or Context()).placements)


def test_a_placement_says_how_it_fits_and_how_it_was_found(splats, chair_room):
    (placement,) = solve(chair_room.inputs, steps=3)
    assert placement.camera_from_object is not None
    assert {"iou", "depth_residual", "visible", "score", "loss"} <= placement.fit.keys()
    assert placement.fit["freedoms"] == 4
    assert placement.fit["steps"] == 3
    assert len(placement.alternatives) <= 1
    json_ready = [type(v) for v in placement.fit.values()]
    assert set(json_ready) == {float}


def test_descent_lowers_the_loss(chair_room):
    problem = problem_of(chair_room.inputs)
    unit = unit_of(problem)
    surface = surface_of(problem.candidates[0])
    start = make_starts(problem, unit, 0, Body(surface))[0]
    start = replace(start, theta=start.theta + np.array([0.15, -0.1, 0.2, 0.1]))
    evidence = make_evidence(problem, unit)
    losses = []
    found = _diff_solve.descend(
        start,
        torch.tensor(surface.vertices, dtype=torch.float32),
        SplatSilhouettes(evidence.side),
        Body(surface),
        evidence,
        DifferentiableOptions(steps=30),
        Context(),
        lambda step, loss, picture: losses.append(loss),
    )
    sharp = losses[8:]  # before, blurred pictures are compared
    assert found.loss == min(sharp) < sharp[0]
    assert len(losses) == found.steps <= 30


def test_descent_ends_early_when_nothing_gets_better(chair_room):
    problem = problem_of(chair_room.inputs)
    unit = unit_of(problem)
    surface = surface_of(problem.candidates[0])
    start = make_starts(problem, unit, 0, Body(surface))[0]
    evidence = make_evidence(problem, unit)
    found = _diff_solve.descend(
        start,
        torch.tensor(surface.vertices, dtype=torch.float32),
        SplatSilhouettes(evidence.side),
        Body(surface),
        evidence,
        DifferentiableOptions(steps=200, rate=1e-5),
        Context(),
    )
    assert found.steps < 120


def test_a_stopped_run_stops_between_two_steps(chair_room):
    problem = problem_of(chair_room.inputs)
    unit = unit_of(problem)
    surface = surface_of(problem.candidates[0])
    evidence = make_evidence(problem, unit)
    cancel, seen = CancelToken(), []

    def watch(step, loss, picture):
        seen.append(step)
        if step == 2:
            cancel.cancel()

    with pytest.raises(Cancelled):
        _diff_solve.descend(
            make_starts(problem, unit, 0, Body(surface))[0],
            torch.tensor(surface.vertices, dtype=torch.float32),
            SplatSilhouettes(evidence.side),
            Body(surface),
            evidence,
            DifferentiableOptions(),
            Context(cancel=cancel),
            watch,
        )
    assert seen == [1, 2]


def test_a_picture_that_is_not_a_number_leaves_the_start(splats, chair_room, monkeypatch):
    class Broken(SplatSilhouettes):
        def __call__(self, vertices, seed):
            return super().__call__(vertices, seed) * float("nan")

    monkeypatch.setattr(_diff_solve, "make_silhouettes", lambda r, v, f, side, d: Broken(side))
    (placement,) = solve(chair_room.inputs)
    pose = placement.camera_from_object
    assert pose is not None
    assert np.isfinite(pose.matrix()).all()
    assert "loss" not in placement.fit


def test_one_objects_surprise_ends_no_other(splats, occluded_room, monkeypatch):
    place = _diff_solve.place

    def surprising(problem, *rest):
        if problem.id == 0:
            raise RuntimeError("no probability mass")
        return place(problem, *rest)

    monkeypatch.setattr(_diff_solve, "place", surprising)
    chair_one, crate_one = solve(occluded_room.inputs, steps=1)
    assert "thing 0" in chair_one.failure
    assert chair_one.camera_from_object is None
    assert crate_one.camera_from_object is not None


def test_a_broken_mesh_is_passed_over_and_named_when_it_is_the_only_one(splats, chair_room):
    broken = replace(mesh_of(chair()), glb=b"not a mesh", name="broken")
    (placement,) = solve(chair_room.with_candidates(broken, mesh_of(chair())), steps=1)
    assert placement.candidate == 1
    (alone,) = solve(chair_room.with_candidates(broken), steps=1)
    assert alone.camera_from_object is None
    assert "broken" in alone.failure


def test_without_gravity_people_are_told_what_is_turned_about(splats, chair_room):
    said = []
    known = problem_of(chair_room.inputs)
    problem = replace(known, up=None, floor=None, base=float("nan"))
    (placement,) = run([problem], DifferentiableOptions(steps=1), Context(warn=said.append))
    assert placement.fit["freedoms"] == 5
    assert "gravity" in said[0]


# --- what is missing -------------------------------------------------------------------------


def having(monkeypatch, *packages: str, llvm: bool = True, nvidia: bool = False) -> None:
    monkeypatch.setattr(_diff_ready, "has_package", lambda name: name in packages)
    monkeypatch.setattr(_diff_ready, "has_llvm", lambda: llvm)
    monkeypatch.setattr(_diff_ready, "has_nvidia", lambda: nvidia)


def test_nothing_is_missing_with_one_renderer(monkeypatch):
    backend = get_backend("register", "differentiable")
    for packages, llvm in ((("mitsuba",), True), (("pytorch3d",), False)):
        having(monkeypatch, *packages, llvm=llvm)
        assert backend.missing(Context()) == []


def test_without_a_renderer_the_command_that_brings_one_is_named(monkeypatch, chair_room):
    having(monkeypatch)
    with pytest.raises(BackendNotReady, match="pip install mitsuba"):
        solve(chair_room.inputs)


def test_without_llvm_mitsuba_is_not_even_tried(monkeypatch, chair_room):
    """It would end the process."""
    having(monkeypatch, "mitsuba", llvm=False)
    with pytest.raises(BackendNotReady, match=r"libLLVM.*install") as caught:
        solve(chair_room.inputs)
    assert "mitsuba (or" not in str(caught.value)


def test_auto_takes_what_can_run(monkeypatch):
    having(monkeypatch, "mitsuba", "pytorch3d")
    assert _diff_ready.pick_renderer("auto", "cpu") == "mitsuba"
    having(monkeypatch, "mitsuba", "pytorch3d", llvm=False)
    assert _diff_ready.pick_renderer("auto", "cpu") == "pytorch3d"
    with pytest.raises(BackendNotReady, match="libLLVM"):
        _diff_ready.pick_renderer("mitsuba", "cpu")
    having(monkeypatch, "mitsuba")
    with pytest.raises(BackendNotReady, match=r"pytorch3d is missing.*renderer to mitsuba"):
        _diff_ready.pick_renderer("pytorch3d", "cpu")


def test_a_gpu_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    having(monkeypatch, "mitsuba", "pytorch3d", nvidia=True)
    for renderer in ("auto", "mitsuba", "pytorch3d"):
        with pytest.raises(BackendNotReady, match="set device to cpu"):
            _diff_ready.pick_renderer(renderer, "cuda")


# --- the renderers themselves ----------------------------------------------------------------

SIDE = 64
CANONICAL = np.array([[SIDE / 2, 0, SIDE / 2], [0, SIDE / 2, SIDE / 2], [0, 0, 1]])


@pytest.fixture(params=["mitsuba", "pytorch3d"])
def renderer(request) -> str:
    """Each renderer that is installed here."""
    pytest.importorskip(request.param)
    if request.param == "mitsuba" and not _diff_ready.has_llvm():
        pytest.skip("mitsuba has no libLLVM here")
    return request.param


def in_front(body: MeshData) -> tuple[np.ndarray, np.ndarray]:
    """A welded body, turned, two of its sizes before the canonical camera."""
    surface = make_surface(body)
    vertices, faces = welded(surface.vertices, surface.faces)
    return vertices @ rotation_to(UP, 0.6).T + [0.1, -0.05, 1.2], faces


def test_a_silhouette_is_what_the_rasteriser_sees(renderer):
    vertices, faces = in_front(chair())
    draw = make_silhouettes(renderer, vertices, faces, SIDE, "cpu")
    picture = draw(torch.tensor(vertices, dtype=torch.float32), 0).detach().numpy()
    seen = rasterize(vertices, faces, CANONICAL, SIDE, SIDE).mask
    assert picture.shape == (SIDE, SIDE)
    assert ((picture > 0.5) == seen).mean() > 0.985
    # It reaches 0 and 1: most pixels are not at an edge.
    assert picture.min() < 0.001
    assert picture.max() > 0.999
    assert (np.abs(picture - seen) < 0.01).mean() > 0.8


def finer(body: MeshData, times: int) -> MeshData:
    """The same surface of 4^times as many faces."""
    triangles = body.triangles
    for _ in range(times):
        a, b, c = triangles[:, 0], triangles[:, 1], triangles[:, 2]
        ab, bc, ca = (a + b) / 2, (b + c) / 2, (c + a) / 2
        quarters = [[a, ab, ca], [ab, b, bc], [ca, bc, c], [ab, bc, ca]]
        triangles = np.concatenate([np.stack(q, 1) for q in quarters])
    count = len(triangles)
    faces = np.arange(3 * count).reshape(-1, 3)
    return MeshData(triangles.reshape(-1, 3), faces, np.zeros(count, int), body.materials)


def test_a_fine_mesh_has_the_silhouette_of_a_coarse_one(renderer):
    pictures = []
    for body in (chair(), finer(chair(), 3)):
        vertices, faces = in_front(body)
        draw = make_silhouettes(renderer, vertices, faces, SIDE, "cpu")
        pictures.append(draw(torch.tensor(vertices, dtype=torch.float32), 0).detach())
    assert float((pictures[0] - pictures[1]).abs().max()) < 0.05


def test_the_pictures_gradient_points_downhill(renderer):
    """Against the slope of a loss from pictures of moved bodies, for each way to move."""
    vertices, faces = in_front(chair())
    draw = make_silhouettes(renderer, vertices, faces, SIDE, "cpu")
    base = torch.tensor(vertices, dtype=torch.float32)
    weight = torch.linspace(0, 1, SIDE)[None] + torch.linspace(0, 0.5, SIDE)[:, None]

    def loss(move: torch.Tensor, seed: int) -> torch.Tensor:
        return (draw(base + move, seed) * weight).mean()

    gradients = []
    for seed in range(8):
        move = torch.zeros(3, requires_grad=True)
        loss(move, seed).backward()
        assert move.grad is not None
        gradients.append(move.grad)
    gradient = torch.stack(gradients).mean(0)
    slope = torch.zeros(3)
    with torch.no_grad():
        for axis in range(3):
            step = torch.zeros(3)
            step[axis] = 0.04
            ends = [
                torch.stack([loss(sign * step, seed) for seed in range(4)]).mean()
                for sign in (1, -1)
            ]
            slope[axis] = (ends[0] - ends[1]) / 0.08
    assert float((gradient - slope).norm() / slope.norm()) < 0.2


def test_it_does_not_matter_which_way_faces_are_wound(renderer):
    vertices, faces = in_front(chair())
    gradients = []
    for order in (faces, faces[:, ::-1].copy()):
        draw = make_silhouettes(renderer, vertices, order, SIDE, "cpu")
        moved = torch.tensor(vertices, dtype=torch.float32, requires_grad=True)
        draw(moved, 0)[:, : SIDE // 2].sum().backward()
        assert moved.grad is not None
        gradients.append(moved.grad.sum(0))
    assert float((gradients[0] - gradients[1]).norm() / gradients[0].norm()) < 0.1


def test_a_chair_finds_its_place(renderer, chair_room):
    (placement,) = solve(chair_room.inputs, renderer=renderer, starts=1, steps=60)
    assert chair_room.error(0, placement.camera_from_object) < 0.03
    assert placement.fit["iou"] > 0.92
    pose = placement.camera_from_object
    assert pose is not None
    assert abs((pose.apply(chair().vertices) @ UP + FLOOR[3]).min()) < 1e-3


def test_strange_meshes_give_a_finite_pose_or_a_reason(renderer, chair_room):
    one_face = MeshData(
        chair().vertices[:3], np.array([[0, 1, 2]]), np.zeros(1, int), chair().materials
    )
    flat = chair().moved(np.diag([1, 1, 1e-9, 1]))
    for body in (one_face, flat):
        inputs = chair_room.with_candidates(mesh_of(body))
        (placement,) = solve(inputs, renderer=renderer, starts=1, steps=3)
        pose = placement.camera_from_object
        assert bool(placement.failure) != (pose is not None)
        assert pose is None or np.isfinite(pose.matrix()).all()
