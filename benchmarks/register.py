"""How well Register places meshes: seeded rooms with known truth, composed from a GLB folder.

    python -m benchmarks.register --meshes FOLDER [--rooms 8] [--objects 6] [--mode noisy]

Modes: ``clean`` (exact point map), ``noisy`` (noise, warp, bleeding edges, holes, unknown
scale), ``warped`` (twice the warp, mesh off by 8 % along each axis) and ``layout`` (each object's
points are the front of its box, standing on a floor that is a little off, as single-view
metrology gives them). ``crowded`` is ``noisy`` with objects pushed together.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import ndimage
from scipy.spatial import KDTree

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cast_nodes.backends import choose
from cast_nodes.context import Context
from cast_nodes.frames import Sim3, intrinsics_from_fov, pixel_centres, world_from_camera
from cast_nodes.mesh_data import make_glb, read_mesh
from cast_nodes.raster import rasterize
from cast_nodes.register import RegisterInputs, register
from cast_nodes.register.problem import distance_to, make_problem
from cast_nodes.render import render
from cast_nodes.store import Store
from cast_nodes.types import Geometry, Mesh, MeshEntry, Meshes, Objects, Photo, SceneObject

WIDTH, HEIGHT = 640, 480
MODES = ("clean", "noisy", "crowded", "warped", "layout")


@dataclass(frozen=True, eq=False)
class Room:
    """A room with truth: inputs of the stage, true poses (camera units of the geometry)."""

    inputs: RegisterInputs
    truth: dict[int, Sim3]
    visible: dict[int, float]
    meshes: dict[int, Mesh]


def load_meshes(folder: Path) -> list[Mesh]:
    """Every GLB of a folder, in order of its name."""
    files = sorted(folder.glob("*.glb"))
    if not files:
        raise SystemExit(f"no .glb in {folder}; give another folder with --meshes")
    return [Mesh(f.read_bytes(), name=f.stem) for f in files]


def make_room(library: list[Mesh], count: int, mode: str, seed: int, picture: bool) -> Room:
    """One seeded room."""
    rng = np.random.default_rng(seed)
    intrinsics = intrinsics_from_fov(WIDTH, HEIGHT, np.deg2rad(rng.uniform(48, 66)))
    pitch, roll = np.deg2rad(rng.uniform(8, 24)), np.deg2rad(rng.uniform(-1, 1))
    height = rng.uniform(1.3, 1.8)
    up = np.array([np.sin(roll), -np.cos(pitch) * np.cos(roll), -np.sin(pitch)])
    up /= np.linalg.norm(up)
    floor = np.array([*up, height])
    meshes = {i: library[j] for i, j in enumerate(rng.choice(len(library), count, replace=False))}
    truth = _stand(meshes, floor, intrinsics, rng, 0.62 if mode == "crowded" else 0.95)
    rays = np.concatenate(
        [
            (pixel_centres(HEIGHT, WIDTH) - intrinsics[:2, 2]) / intrinsics[[0, 1], [0, 1]],
            np.ones((HEIGHT, WIDTH, 1)),
        ],
        2,
    )
    depth, ids, alone = _depths(meshes, truth, rays, floor, intrinsics)
    objects, visible = [], {}
    for i in meshes:
        mask = ids == i
        share = mask.sum() / max(1, alone[i].sum())
        if mask.sum() < 500 or share < 0.25:
            continue
        visible[i] = float(share)
        rows, columns = np.nonzero(mask)
        x0, y0, x1, y1 = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        if mode != "clean":
            mask = _rough(mask, rng)
        objects.append(
            SceneObject(
                i,
                meshes[i].name,
                1.0,
                (float(x0), float(y0), float(x1), float(y1)),
                mask,
                1 - float(share),
            )
        )
    rgb = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    if picture:
        posed = [(meshes[i], truth[i]) for i in meshes]
        rgb = render(posed, intrinsics, WIDTH, HEIGHT, rgb).rgb
    objects = Objects(Photo(rgb, f"room{seed}"), tuple(objects))
    if mode == "layout":
        geometry, factors = _layout_geometry(
            rays, depth, ids, meshes, truth, intrinsics, floor, rng
        )
    else:
        geometry, factor = _measured_geometry(rays, depth, intrinsics, floor, mode, rng)
        factors = dict.fromkeys(meshes, factor)
    truth = {
        i: Sim3(t.rotation, t.translation * factors[i], t.scale * factors[i])
        for i, t in truth.items()
    }
    used = meshes
    if mode == "warped":
        used = {i: _stretched(m, rng) for i, m in meshes.items()}
    entries = Meshes(tuple(MeshEntry(i, (m,)) for i, m in used.items()))
    return Room(RegisterInputs(objects, geometry, entries), truth, visible, meshes)


def _stand(meshes, floor, intrinsics, rng, spacing: float) -> dict[int, Sim3]:
    """Poses on the floor, seen by the camera, not inside each other."""
    up, height = floor[:3], floor[3]
    world = world_from_camera(up, floor)
    placed: list[tuple[np.ndarray, float]] = []
    out = {}
    for i, mesh in meshes.items():
        low, high = (np.asarray(b) for b in read_mesh(mesh).bounds)
        radius = np.linalg.norm((high - low)[[0, 2]]) / 2
        for attempt in range(200):
            far = rng.uniform(1.5, 5.0 + attempt * 0.02)
            side = rng.uniform(-0.5, 0.5) * far * WIDTH / intrinsics[0, 0]
            spot = np.array([side, -far])
            if far - radius < 1.0:
                continue
            if all(np.linalg.norm(spot - s) > spacing * (radius + r) for s, r in placed):
                break
        else:
            spot = np.array([rng.uniform(-3, 3), -8.0 - 2 * i])
        placed.append((spot, radius))
        yaw = rng.uniform(0, 2 * np.pi)
        turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
        foot = np.array([(low + high)[0] / 2, low[1], (low + high)[2] / 2])
        in_world = Sim3(turn, np.array([spot[0], 0, spot[1]]) - turn @ foot)
        out[i] = world.inverse() @ in_world
    assert height > 0
    return out


def _depths(meshes, truth, rays, floor, intrinsics):
    """Depth of the whole room, id of each pixel (-1 room), and each object's own silhouette."""
    with np.errstate(divide="ignore"):
        ground = -floor[3] / (rays @ floor[:3])
    depth = np.where(ground > 0, ground, np.inf)
    # A back wall nine metres away, across the line of sight.
    depth = np.minimum(depth, 9.0)
    ids = np.full(depth.shape, -1)
    alone = {}
    for i, mesh in meshes.items():
        data = read_mesh(mesh)
        seen = rasterize(truth[i].apply(data.vertices), data.faces, intrinsics, WIDTH, HEIGHT)
        alone[i] = seen.mask
        nearer = seen.mask & (np.nan_to_num(seen.depth, nan=np.inf) < depth)
        depth = np.where(nearer, seen.depth, depth)
        ids[nearer] = i
    return depth, ids, alone


def _rough(mask: np.ndarray, rng) -> np.ndarray:
    """A mask whose border is off by about a pixel."""
    noise = ndimage.gaussian_filter(rng.normal(size=mask.shape), 3)
    noise /= noise.std()
    signed = distance_to(~mask) - distance_to(mask)
    rough = signed + noise > 0
    return rough if rough.any() else mask


def _smooth_noise(rng: np.random.Generator, sigma: float) -> np.ndarray:
    """(H, W) noise of wavelength about ``sigma`` px, standard deviation 1."""
    coarse = rng.normal(size=(int(HEIGHT / sigma) + 4, int(WIDTH / sigma) + 4))
    zoomed = np.asarray(ndimage.zoom(coarse, sigma, order=3))[:HEIGHT, :WIDTH]
    return zoomed / zoomed.std()


def _measured_geometry(rays, depth, intrinsics, floor, mode, rng):
    """A point map as networks make them; returns it and the factor of its unknown scale."""
    depth = depth.copy()
    factor = 1.0
    if mode != "clean":
        blurred = ndimage.gaussian_filter(depth, 1.0)  # bleeding edges
        warp = 0.03 if mode == "warped" else 0.015
        depth = blurred * (1 + warp * _smooth_noise(rng, 120.0))
        depth = depth * (1 + 0.004 * rng.normal(size=depth.shape))
        depth[_smooth_noise(rng, 12.0) > 2.5] = np.nan  # holes
        factor = float(np.exp(rng.uniform(-1, 1)))
    points = (rays * depth[..., None] * factor).astype(np.float32)
    plane = np.array([*floor[:3], floor[3] * factor])
    if mode != "clean":
        tilt = floor[:3] + rng.normal(size=3) * np.deg2rad(0.7)
        tilt /= np.linalg.norm(tilt)
        plane = np.array([*tilt, floor[3] * factor * (1 + 0.01 * rng.normal())])
    geometry = Geometry(points, intrinsics, False, mode, up=plane[:3], floor=plane)
    return geometry, factor


def _layout_geometry(rays, depth, ids, meshes, truth, intrinsics, floor, rng):
    """Points on the fronts of the objects' boxes, which stand on a floor that is a little off.

    Returns the geometry and for each object the factor about the camera that puts the true
    pose on that floor: the picture tells no more than that.
    """
    factors = {}
    up = floor[:3] + rng.normal(size=3) * np.deg2rad(1.2)
    up /= np.linalg.norm(up)
    plane = np.array([*up, floor[3] * (1 + 0.03 * rng.normal())])
    out = depth.copy()
    for i, mesh in meshes.items():
        rows, columns = np.nonzero(ids == i)
        if not len(rows):
            continue
        low, high = read_mesh(mesh).bounds
        view = truth[i].inverse()
        origin, direction = view.translation, view.rotate(rays[rows, columns]) * view.scale
        with np.errstate(divide="ignore"):
            a, b = (low - origin) / direction, (high - origin) / direction
        foot = truth[i].apply(np.array([(low + high)[0] / 2, low[1], (low + high)[2] / 2]))
        factors[i] = onto_floor = -plane[3] / (foot @ up)
        out[rows, columns] = np.minimum(a, b).max(1) * onto_floor * (1 + 0.015 * rng.normal())
    points = (rays * out[..., None]).astype(np.float32)
    geometry = Geometry(points, intrinsics, True, "layout", approximate=True, up=up, floor=plane)
    return geometry, {i: factors.get(i, 1.0) for i in meshes}


def _stretched(mesh: Mesh, rng) -> Mesh:
    """The mesh with each axis off by up to 8 %."""
    data = read_mesh(mesh)
    centre = data.bounds.mean(0)
    matrix = np.eye(4)
    matrix[:3, :3] = np.diag(1 + rng.uniform(-0.08, 0.08, 3))
    matrix[:3, 3] = centre - matrix[:3, :3] @ centre
    return replace(mesh, glb=make_glb(data.moved(matrix)))


@dataclass(frozen=True)
class Row:
    """One object's result; lengths over the object's diameter."""

    name: str
    visible: float
    add_s: float
    box_iou: float
    iou: float
    ambiguous: bool
    failure: str = ""


def measure(room: Room, placements, up: np.ndarray) -> list[Row]:
    """Compares poses with the truth."""
    rows = []
    frame = world_from_camera(up, None).rotation
    for placement in placements.placements:
        i = placement.id
        name = room.meshes[i].name
        pose = placement.camera_from_object
        if pose is None:
            rows.append(Row(name, room.visible[i], 9.9, 0, 0, False, placement.failure))
            continue
        data = read_mesh(room.meshes[i])
        entry = room.inputs.meshes.get(i)
        assert entry is not None
        used = read_mesh(entry.candidates[placement.candidate])
        true = room.truth[i].apply(_sampled(data, 40_000, 0))
        found = pose.apply(_sampled(used, 40_000, 1))
        diameter = np.linalg.norm(np.ptp(data.vertices, 0)) * room.truth[i].scale
        add_s = KDTree(found).query(true[:2000])[0].mean() / diameter
        a, b = true @ frame.T, found @ frame.T
        overlap = np.minimum(a.max(0), b.max(0)) - np.maximum(a.min(0), b.min(0))
        both = np.prod(np.maximum(overlap, 0))
        box_iou = both / (np.prod(np.ptp(a, 0)) + np.prod(np.ptp(b, 0)) - both)
        rows.append(
            Row(name, room.visible[i], add_s, box_iou, placement.fit["iou"], placement.ambiguous)
        )
    return rows


def _sampled(data, count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    triangles = data.triangles
    area = np.linalg.norm(
        np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]), axis=1
    )
    pick = triangles[rng.choice(len(area), count, p=area / area.sum())]
    a, b = np.sqrt(rng.random((count, 1))), rng.random((count, 1))
    return (1 - a) * pick[:, 0] + a * (1 - b) * pick[:, 1] + a * b * pick[:, 2]


def summary(rows: list[Row]) -> str:
    """One line of figures."""
    error = np.array([r.add_s for r in rows])
    return (
        f"{len(rows):4d} objects  ADD-S median {np.median(error):.4f}  "
        f"<.02 {np.mean(error < 0.02):.2f}  <.05 {np.mean(error < 0.05):.2f}  "
        f"<.1 {np.mean(error < 0.1):.2f}  box IoU {np.mean([r.box_iou for r in rows]):.2f}  "
        f"silhouette IoU {np.mean([r.iou for r in rows]):.2f}  "
        f"failures {sum(bool(r.failure) for r in rows)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Benchmark of the Register stage.")
    default = Path(__file__).resolve().parents[2] / "shared" / "meshes"
    parser.add_argument("--meshes", type=Path, default=default)
    parser.add_argument("--rooms", type=int, default=8)
    parser.add_argument("--objects", type=int, default=6)
    parser.add_argument("--mode", choices=MODES, nargs="*", default=["noisy"])
    parser.add_argument("--seed", type=int, default=100)
    parser.add_argument("--backend", default="hybrid")
    parser.add_argument("--floor", action="store_true", help="also start from the true pose")
    parser.add_argument("--pictures", type=Path, help="write overlays to this folder")
    parser.add_argument("--distractors", type=int, default=0, help="wrong candidate meshes")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    library = load_meshes(options.meshes)
    for mode in options.mode:
        evaluate(library, mode, options)


def evaluate(library: list[Mesh], mode: str, options) -> None:
    """Runs one mode and prints its figures."""
    choice = choose("register", options.backend)
    rows: list[Row] = []
    floor_rows: list[Row] = []
    seconds, right = 0.0, 0
    for seed in range(options.seed, options.seed + options.rooms):
        count = 10 if mode == "crowded" else options.objects
        room = make_room(library, count, mode, seed, True)
        if options.distractors:
            room = _with_distractors(room, library, options.distractors, seed)
        context = Context(store=Store())
        start = time.perf_counter()
        placements = register(room.inputs, choice, context)
        seconds += time.perf_counter() - start
        up = room.inputs.geometry.up
        assert up is not None
        mine = measure(room, placements, up)
        rows += mine
        for row, placement in zip(mine, placements.placements, strict=True):
            entry = room.inputs.meshes.get(placement.id)
            right += entry.candidates[placement.candidate].name == row.name if entry else 0
            if options.verbose:
                flag = " ambiguous" if row.ambiguous else ""
                print(
                    f"  {seed} {row.name:26s} visible {row.visible:.2f} ADD-S {row.add_s:.3f} "
                    f"box {row.box_iou:.2f} iou {row.iou:.2f}{flag} {row.failure}"
                )
        if options.floor:
            floor_rows += measure(room, refined_from_truth(room, context), up)
        if options.pictures:
            write_overlay(room, placements, options.pictures / f"{mode}_{seed}.png")
    print(f"{mode:8s} {summary(rows)}  {seconds / max(1, len(rows)):.2f} s/object")
    hidden = [r for r in rows if r.visible < 0.65]
    if hidden:
        print(f"{'':8s} {summary(hidden)}  (visible < .65)")
    if floor_rows:
        print(f"{'':8s} {summary(floor_rows)}  (from the true pose)")
    if options.distractors:
        print(f"{'':8s} right mesh chosen {right / max(1, len(rows)):.2f}")


def refined_from_truth(room: Room, context: Context):
    """The same refinement started from the true pose: what the evidence allows at best."""
    from cast_nodes.register.cascade import refine
    from cast_nodes.register.hybrid import HybridOptions
    from cast_nodes.types import Placements

    problems = []
    for item in room.inputs.objects.kept:
        problems.append(
            make_problem(
                item, room.inputs.objects, room.inputs.geometry, room.inputs.meshes.get(item.id)
            )
        )
    starts = [[room.truth[p.id]] for p in problems]
    return Placements(tuple(refine(problems, starts, HybridOptions(), context)))


def _with_distractors(room: Room, library: list[Mesh], count: int, seed: int) -> Room:
    rng = np.random.default_rng(seed + 999)
    entries = []
    for entry in room.inputs.meshes.entries:
        others = [m for m in library if m.name != entry.candidates[0].name]
        wrong = [others[j] for j in rng.choice(len(others), count, replace=False)]
        entries.append(replace(entry, candidates=(*wrong, *entry.candidates)))
    return replace(room, inputs=replace(room.inputs, meshes=Meshes(tuple(entries))))


def write_overlay(room: Room, placements, path: Path) -> None:
    """The photo beside the placed meshes, mask borders in red on both."""
    from PIL import Image

    inputs = room.inputs
    photo = inputs.objects.photo.rgb
    posed = []
    for placement in placements.placements:
        entry = inputs.meshes.get(placement.id)
        if placement.camera_from_object is not None and entry is not None:
            posed.append((entry.candidates[placement.candidate], placement.camera_from_object))
    grey = np.full_like(photo, 128)
    drawn = render(posed, inputs.geometry.intrinsics, WIDTH, HEIGHT, grey).rgb.copy()
    left = photo.copy()
    for item in inputs.objects.objects:
        assert item.mask is not None
        edge = item.mask & (distance_to(~item.mask) < 1.5)
        left[edge] = drawn[edge] = (255, 0, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate([left, drawn], 1)).save(path)


if __name__ == "__main__":
    main()
