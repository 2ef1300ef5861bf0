"""Whatever comes in, each object gets a sound pose or a reason, and none stops the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from cast_nodes.backends import Backend, BackendInfo, Choice, Options, backends, choose
from cast_nodes.context import Context
from cast_nodes.frames import Sim3, project
from cast_nodes.gltf import join_glb, split_glb
from cast_nodes.mesh_data import MeshData, make_glb, read_glb
from cast_nodes.register import RegisterInputs, make_problem, register
from cast_nodes.types import Mesh, MeshEntry, Meshes, Placement, SceneObject

from .conftest import HEIGHT, INTRINSICS, WIDTH, Room, chair, crate, make_room, upright_pose

QUICK = {"hybrid": {"hypotheses": 16}, "icp": {"starts": 2}, "differentiable": {"steps": 12}}
"""Options that make a backend fast; robustness does not depend on them."""
PACKAGES = {"icp": "open3d", "differentiable": "mitsuba"}


@pytest.fixture(scope="module")
def room() -> Room:
    """A chair (0) and a crate (1) well apart."""
    return make_room(
        {
            0: (chair(), upright_pose(0.7, (-0.45, 2.9))),
            1: (crate(), upright_pose(0.3, (0.75, 3.2))),
        },
        noise=0.002,
    )


def placed(inputs: RegisterInputs, name: str = "hybrid") -> dict[int, Placement]:
    """Registers; every kept object has exactly one entry."""
    choice = choose("register", name, **QUICK.get(name, {}))
    found = register(inputs, choice, Context()).placements
    assert [p.id for p in found] == [o.id for o in inputs.objects.kept]
    for placement in found:
        assert (placement.camera_from_object is None) == bool(placement.failure)
    return {p.id: p for p in found}


def check_sound(placement: Placement, mesh: MeshData, unit: float = 1.0) -> None:
    """A finite pose with a finite fit, the mesh in the picture and of a sane size; no identity."""
    pose = placement.camera_from_object
    assert pose is not None, placement.failure
    assert not np.allclose(pose.matrix(), np.eye(4))
    assert np.isfinite(pose.matrix()).all()
    corners = pose.apply(mesh.vertices)
    assert (corners[:, 2] > 0).any(), "in front of the camera"
    assert 1e-3 < np.ptp(corners, 0).max() / unit < 1e3
    pixels = project(corners, INTRINSICS)
    pixels = pixels[np.isfinite(pixels).all(1)]
    assert (pixels.max(0) > 0).all()
    assert (pixels.min(0) < [WIDTH, HEIGHT]).all()
    assert np.isfinite([placement.fit["iou"], placement.fit["visible"]]).all()
    for other in placement.alternatives:
        assert np.isfinite(other.matrix()).all()


def check_reason(placement: Placement, *words: str) -> None:
    """No pose, and a sentence that names the object and the cause."""
    assert placement.camera_from_object is None
    assert f"thing {placement.id}" in placement.failure
    assert "Error" not in placement.failure, "a reason, not a surprise"
    for word in words:
        assert word in placement.failure


def with_mesh(inputs: RegisterInputs, *candidates: Mesh) -> RegisterInputs:
    entry = inputs.meshes.get(1)
    assert entry is not None
    return replace(inputs, meshes=Meshes((MeshEntry(0, candidates), entry)))


def with_mask(inputs: RegisterInputs, mask: np.ndarray) -> RegisterInputs:
    item = replace(inputs.objects.by_id(0), mask=mask)
    return replace(inputs, objects=inputs.objects.replaced(item))


def alone(inputs: RegisterInputs) -> RegisterInputs:
    """The chair kept, the crate dropped."""
    crate = replace(inputs.objects.by_id(1), keep=False)
    return replace(inputs, objects=inputs.objects.replaced(crate))


def with_points(inputs: RegisterInputs, change: Callable[[np.ndarray], None]) -> RegisterInputs:
    """With a point map that ``change`` has altered in place."""
    points = inputs.geometry.points.copy()
    change(points)
    return replace(inputs, geometry=replace(inputs.geometry, points=points))


# --- meshes ----------------------------------------------------------------------------------


def scaled(data: MeshData, factor: float) -> MeshData:
    return data.moved(np.diag([factor, factor, factor, 1.0]))


def soup(vertices, faces) -> MeshData:
    faces = np.asarray(faces)
    return MeshData(
        np.asarray(vertices, float), faces, np.zeros(len(faces), int), chair().materials
    )


def flat() -> MeshData:
    """A sheet without thickness."""
    return soup([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], [[0, 1, 2], [0, 2, 3]])


def one_face() -> MeshData:
    return soup([[0, 0, 0], [1, 0, 0], [0.3, 1, 0.2]], [[0, 1, 2]])


def with_degenerate_faces() -> MeshData:
    """The chair with needles, points and repeated corners among its faces."""
    body = chair()
    first = body.faces[0]
    bad = [[first[0]] * 3, [first[0], first[1], first[1]], [first[0], first[1], first[0]]]
    return soup(body.vertices, np.concatenate([np.repeat(bad, 20, 0), body.faces]))


def million_faces() -> MeshData:
    """A closed bowl-like sheet of a million triangles."""
    side = 708
    u, v = np.meshgrid(np.linspace(-1, 1, side), np.linspace(-1, 1, side))
    vertices = np.stack([u, 0.5 * (u**2 + 0.5 * v**2 + 0.3 * u * v), v], -1).reshape(-1, 3)
    corner = (np.arange(side - 1)[:, None] * side + np.arange(side - 1)).reshape(-1)
    faces = np.concatenate(
        [
            np.stack([corner, corner + side, corner + 1], 1),
            np.stack([corner + 1, corner + side, corner + side + 1], 1),
        ]
    )
    return soup(vertices, faces)


def open_and_tangled() -> MeshData:
    """The chair with a fin on an edge that already has two faces, and one face missing."""
    body = chair()
    vertices = np.concatenate([body.vertices, [[0.5, 0.7, 0.5]]])
    fin = [[body.faces[3][0], body.faces[3][1], len(vertices) - 1]]
    return soup(vertices, np.concatenate([body.faces[1:], fin]))


def far_off() -> MeshData:
    """The chair fifty times its size away from where its file's origin is."""
    return replace(chair(), vertices=chair().vertices + np.array([50.0, -30.0, 20.0]))


def scene_glb(data: MeshData) -> bytes:
    """The mesh below nested nodes that turn, move and mirror it back and forth."""
    document, binary = split_glb(make_glb(data))
    document["nodes"] = [
        {"children": [1], "scale": [0.01, 0.01, 0.01], "rotation": [0, 0.6, 0, 0.8]},
        {"children": [2], "translation": [3, -2, 7], "scale": [-1, 1, 1]},
        {"mesh": 0, "scale": [-100, 100, 100]},
        {"name": "empty"},
    ]
    document["scenes"] = [{"nodes": [0, 3]}]
    return join_glb(document, binary)


def _without_nodes(glb: bytes) -> tuple[dict, bytes]:
    document, binary = split_glb(glb)
    document["scenes"] = [{"nodes": []}]
    return document, binary


MESHES: dict[str, Callable[[], tuple[bytes, MeshData]]] = {
    "flat": lambda: (make_glb(flat()), flat()),
    "one face": lambda: (make_glb(one_face()), one_face()),
    "degenerate faces": lambda: (_raw_glb(with_degenerate_faces()), chair()),
    "a million faces": lambda: (make_glb(million_faces()), million_faces()),
    "not a manifold": lambda: (make_glb(open_and_tangled()), open_and_tangled()),
    "scene with transforms": lambda: (scene_glb(chair()), chair()),
    "scale 1e-6": lambda: (make_glb(scaled(chair(), 1e-6)), scaled(chair(), 1e-6)),
    "scale 1e6": lambda: (make_glb(scaled(chair(), 1e6)), scaled(chair(), 1e6)),
    "far from its origin": lambda: (make_glb(far_off()), far_off()),
}


def _raw_glb(data: MeshData) -> bytes:
    """As :func:`make_glb`, but with the degenerate faces, which that leaves out."""
    document, binary = split_glb(make_glb(chair()))
    indices = data.faces.astype("<u2").tobytes()
    view = {"buffer": 0, "byteOffset": len(binary), "byteLength": len(indices)}
    document["bufferViews"].append(view)
    accessor = {"bufferView": len(document["bufferViews"]) - 1, "componentType": 5123}
    document["accessors"].append(accessor | {"count": data.faces.size, "type": "SCALAR"})
    primitive = document["meshes"][0]["primitives"][0]
    primitive["indices"] = len(document["accessors"]) - 1
    document["buffers"][0]["byteLength"] = len(binary) + len(indices)
    return join_glb(document, binary + indices)


BROKEN = {
    "no bytes": b"",
    "no glTF": b"glTF but not really",
    "torn": make_glb(chair())[:-200],
    "no faces": join_glb(*_without_nodes(make_glb(chair()))),
}


@pytest.fixture(scope="module")
def odd_meshes(room) -> dict[str, Placement]:
    """The chair of the photo once with each odd mesh and each broken one, and the crate."""
    glbs = {kind: make()[0] for kind, make in MESHES.items()} | BROKEN
    item = room.inputs.objects.by_id(0)
    objects = [replace(item, id=10 + i) for i in range(len(glbs))]
    entries = [
        MeshEntry(o.id, (Mesh(glb, name=kind),))
        for o, (kind, glb) in zip(objects, glbs.items(), strict=True)
    ]
    inputs = replace(
        room.inputs,
        objects=replace(room.inputs.objects, objects=(*objects, room.inputs.objects.by_id(1))),
        meshes=Meshes((*entries, *room.inputs.meshes.entries)),
    )
    found = placed(inputs)
    return dict(zip((*glbs, "crate"), found.values(), strict=True))


@pytest.mark.parametrize("kind", MESHES)
def test_odd_meshes_are_placed(odd_meshes, kind):
    check_sound(odd_meshes[kind], MESHES[kind]()[1])


@pytest.mark.parametrize("kind", ["scale 1e-6", "scale 1e6", "degenerate faces"])
def test_unit_and_useless_faces_of_a_mesh_do_not_matter(room, odd_meshes, kind):
    body = MESHES[kind]()[1]
    assert room.error(0, odd_meshes[kind].camera_from_object, body) < 0.05


def test_the_nodes_of_a_scene_file_count(room, odd_meshes):
    """The pose belongs to the mesh as its file's scene shows it."""
    pose = odd_meshes["scene with transforms"].camera_from_object
    assert pose is not None
    corners = pose.apply(read_glb(scene_glb(chair())).vertices)
    true = room.truth[0].apply(chair().vertices)
    nearest = np.linalg.norm(true[:, None] - corners[None], axis=2).min(1)
    assert nearest.mean() / np.linalg.norm(np.ptp(true, 0)) < 0.05


@pytest.mark.parametrize("kind", BROKEN)
def test_an_unusable_mesh_is_a_reason(odd_meshes, kind):
    check_reason(odd_meshes[kind], "mesh", "no faces" if kind == "no faces" else kind[:0])


def test_the_others_are_placed_among_all_these(odd_meshes):
    check_sound(odd_meshes["crate"], crate())


def test_a_good_candidate_beside_a_broken_one_is_placed(room):
    found = placed(with_mesh(room.inputs, Mesh(b"broken", name="x"), Mesh(make_glb(chair()))))
    check_sound(found[0], chair())
    assert found[0].candidate == 1


# --- masks -----------------------------------------------------------------------------------


def box_mask(rows: slice, columns: slice) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[rows, columns] = True
    return mask


MASKS = {
    "one pixel": box_mask(slice(100, 101), slice(90, 91)),
    "the first pixel": box_mask(slice(0, 1), slice(0, 1)),
    "the last pixel": box_mask(slice(HEIGHT - 1, HEIGHT), slice(WIDTH - 1, WIDTH)),
    "four pixels": box_mask(slice(100, 102), slice(80, 82)),
    "one row": box_mask(slice(100, 101), slice(20, 140)),
    "one column": box_mask(slice(20, 140), slice(100, 101)),
    "the whole photo": box_mask(slice(0, HEIGHT), slice(0, WIDTH)),
    "from top to bottom": box_mask(slice(0, HEIGHT), slice(60, 140)),
    "chequered": np.indices((HEIGHT, WIDTH)).sum(0) % 2 == 0,
    "scattered": np.random.default_rng(0).random((HEIGHT, WIDTH)) < 0.01,
}


@pytest.fixture(scope="module")
def odd_masks(room) -> dict[str, Placement]:
    """All at once in one photo, and the crate."""
    item = room.inputs.objects.by_id(0)
    objects = [replace(item, id=10 + i, mask=mask) for i, mask in enumerate(MASKS.values())]
    entries = [MeshEntry(o.id, (Mesh(make_glb(chair())),)) for o in objects]
    inputs = replace(
        room.inputs,
        objects=replace(room.inputs.objects, objects=(*objects, room.inputs.objects.by_id(1))),
        meshes=Meshes((*entries, *room.inputs.meshes.entries)),
    )
    found = placed(inputs)
    return dict(zip((*MASKS, "crate"), found.values(), strict=True))


@pytest.mark.parametrize("kind", MASKS)
def test_odd_masks_are_placed_or_tell_why(odd_masks, kind):
    if odd_masks[kind].camera_from_object is None:
        check_reason(odd_masks[kind])
    else:
        check_sound(odd_masks[kind], chair())


def test_the_others_have_a_pose_among_all_these_masks(odd_masks):
    assert odd_masks["crate"].camera_from_object is not None


def test_an_empty_mask_is_a_reason(room):
    found = placed(with_mask(room.inputs, np.zeros((HEIGHT, WIDTH), bool)))
    check_reason(found[0], "empty mask")
    check_sound(found[1], crate())


def test_an_object_cut_by_the_photos_border_on_all_sides_is_placed():
    room = make_room({0: (crate(), upright_pose(0.3, (0.0, 1.15), 2.2))})
    mask = room.inputs.objects.by_id(0).mask
    assert mask is not None
    assert mask[:, 0].any()
    assert mask[:, -1].any()
    assert mask[-1].any()
    check_sound(placed(room.inputs)[0], crate())


def test_all_objects_failing_is_a_result_with_reasons(room):
    empty = np.zeros((HEIGHT, WIDTH), bool)
    objects = room.inputs.objects.replaced(
        *(replace(o, mask=empty) for o in room.inputs.objects.objects)
    )
    for placement in placed(replace(room.inputs, objects=objects)).values():
        check_reason(placement, "empty mask")
    broken = Meshes(tuple(MeshEntry(i, (Mesh(b"x", name="b"),)) for i in (0, 1)))
    for placement in placed(replace(room.inputs, meshes=broken)).values():
        check_reason(placement, "mesh")
    for placement in placed(replace(room.inputs, meshes=Meshes(()))).values():
        check_reason(placement, "no mesh")


# --- points ----------------------------------------------------------------------------------


def mask_of(room: Room) -> np.ndarray:
    mask = room.inputs.objects.by_id(0).mask
    assert mask is not None
    return mask


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_a_mask_without_points_is_a_reason(room, value):
    def change(points):
        points[mask_of(room)] = value

    found = placed(with_points(room.inputs, change))
    check_reason(found[0], "no valid point")
    check_sound(found[1], crate())


def test_points_behind_the_camera_are_no_points(room):
    def change(points):
        points[mask_of(room)] *= -1

    found = placed(with_points(room.inputs, change))
    check_reason(found[0], "no valid point")
    check_sound(found[1], crate())


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_no_valid_point_at_all_is_a_reason_for_each(room, value):
    def change(points):
        points[...] = value

    for placement in placed(with_points(room.inputs, change)).values():
        check_reason(placement, "no valid point")


def test_one_valid_point_is_placed_or_tells_why(room):
    def change(points):
        row, column = np.argwhere(mask_of(room))[len(np.argwhere(mask_of(room))) // 2]
        keep = points[row, column].copy()
        points[mask_of(room)] = np.nan
        points[row, column] = keep

    found = placed(with_points(room.inputs, change))
    if found[0].camera_from_object is None:
        check_reason(found[0])
    else:
        check_sound(found[0], chair())
    check_sound(found[1], crate())


def test_scattered_bad_points_do_no_harm(room):
    def change(points):
        rng = np.random.default_rng(0)
        for value in (np.nan, np.inf, -np.inf, -2.0, 0.0, 1e30, 1e-30):
            points[rng.random((HEIGHT, WIDTH)) < 0.02] = value

    found = placed(alone(with_points(room.inputs, change)))
    assert room.error(0, found[0].camera_from_object) < 0.05


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_the_unit_of_the_camera_does_not_matter(room, factor):
    geometry = room.inputs.geometry
    floor = None if geometry.floor is None else geometry.floor * [1, 1, 1, factor]
    geometry = replace(geometry, points=geometry.points * np.float32(factor), floor=floor)
    found = placed(alone(replace(room.inputs, geometry=geometry)))
    check_sound(found[0], chair(), factor)
    pose = found[0].camera_from_object
    assert pose is not None
    shrunk = Sim3(pose.rotation, pose.translation / factor, pose.scale / factor)
    assert room.error(0, shrunk) < 0.05


def test_a_principal_point_off_the_middle(room):
    """The photo cropped: its lower right part, with the camera that belongs to it."""
    top, left = 40, 30
    objects = room.inputs.objects
    cropped = []
    for item in objects.objects:
        assert item.mask is not None
        x0, y0, x1, y1 = item.bbox
        box = (max(0, x0 - left), max(0, y0 - top), x1 - left, y1 - top)
        cropped.append(replace(item, mask=item.mask[top:, left:], bbox=box))
    photo = replace(objects.photo, rgb=objects.photo.rgb[top:, left:])
    geometry = room.inputs.geometry
    k = geometry.intrinsics.copy()
    k[0, 2] -= left
    k[1, 2] -= top
    geometry = replace(geometry, points=geometry.points[top:, left:], intrinsics=k)
    inputs = RegisterInputs(
        replace(objects, photo=photo, objects=tuple(cropped)), geometry, room.inputs.meshes
    )
    found = placed(alone(inputs))
    assert room.error(0, found[0].camera_from_object) < 0.05


@pytest.mark.parametrize("approximate", [False, True])
def test_without_gravity_and_floor_there_is_a_result(room, approximate):
    """As a file with points and intrinsics alone gives it."""
    geometry = replace(room.inputs.geometry, up=None, floor=None, approximate=approximate)
    found = placed(alone(replace(room.inputs, geometry=geometry)))
    assert room.error(0, found[0].camera_from_object) < 0.06


@pytest.mark.parametrize(
    "facts",
    [
        {"up": np.zeros(3)},
        {"up": np.full(3, np.nan), "floor": np.full(4, np.nan)},
        {"floor": np.zeros(4)},
        {"floor": np.array([0.0, 1.0, 0.0, 1.5])},
    ],
    ids=["no length", "NaN", "no plane", "upside down"],
)
def test_senseless_gravity_or_floor_does_no_harm(room, facts):
    geometry = replace(room.inputs.geometry, **facts)
    found = placed(alone(replace(room.inputs, geometry=geometry)))
    check_sound(found[0], chair())


def test_a_photo_of_another_size_than_the_points_is_a_reason(room):
    geometry = replace(room.inputs.geometry, points=room.inputs.geometry.points[:90])
    for placement in placed(replace(room.inputs, geometry=geometry)).values():
        check_reason(placement, "must be the photo's size")


def test_a_surprise_in_cutting_out_one_problem_does_not_stop_the_others(room, monkeypatch):
    import cast_nodes.register as stage

    def failing(item: SceneObject, *rest):
        if item.id == 0:
            raise ZeroDivisionError("surprise")
        return make_problem(item, *rest)

    monkeypatch.setattr(stage, "make_problem", failing)
    found = placed(room.inputs)
    assert "thing 0" in found[0].failure
    assert "surprise" in found[0].failure
    check_sound(found[1], crate())


def test_a_surprise_in_a_backend_is_the_reason_of_what_it_was_asked_for(room):
    def run(problems, options, context):
        raise RuntimeError("surprise")

    info = BackendInfo("failing", "Failing", "embedded", "for tests")
    choice = Choice(Backend(info, Options, run, stage="register"), Options())
    found = register(room.inputs, choice, Context()).placements
    for placement in found:
        assert f"thing {placement.id}" in placement.failure
        assert "surprise" in placement.failure


# --- other backends --------------------------------------------------------------------------

OTHERS = [name for name in backends("register") if name != "hybrid"]
HARD = ("flat", "one face", "degenerate faces", "scale 1e-6")


def ready(name: str) -> None:
    if name in PACKAGES:
        pytest.importorskip(PACKAGES[name])
    missing = backends("register")[name].missing(Context())
    if missing:
        pytest.skip(f"{name} lacks {missing[0].what}")


@pytest.mark.parametrize("kind", HARD)
@pytest.mark.parametrize("name", [n for n in OTHERS if n != "differentiable"])
def test_odd_meshes_with_other_backends(room, name, kind):
    ready(name)
    glb, data = MESHES[kind]()
    found = placed(with_mesh(room.inputs, Mesh(glb, name=kind)), name)
    if found[0].camera_from_object is None:
        check_reason(found[0])
    else:
        check_sound(found[0], data)
    assert found[1].camera_from_object is not None


@pytest.mark.parametrize("name", OTHERS)
def test_one_pixel_and_a_broken_mesh_with_other_backends(room, name):
    ready(name)
    inputs = with_mask(room.inputs, box_mask(slice(100, 101), slice(90, 91)))
    extra = replace(inputs.objects.by_id(1), id=2)
    inputs = replace(
        inputs,
        objects=replace(inputs.objects, objects=(*inputs.objects.objects, extra)),
        meshes=Meshes((*inputs.meshes.entries, MeshEntry(2, (Mesh(b"broken", name="b"),)))),
    )
    found = placed(inputs, name)
    if found[0].camera_from_object is None:
        check_reason(found[0])
    check_reason(found[2], "mesh")


@pytest.mark.parametrize("name", OTHERS)
def test_no_points_with_other_backends(room, name):
    ready(name)

    def change(points):
        points[...] = np.nan

    for placement in placed(with_points(room.inputs, change), name).values():
        check_reason(placement, "no valid point")
