"""Seeded synthetic rooms with known truth, made from a folder of GLB models.

    python -m benchmarks.rooms --out DIR [--n 4] [--seed 0] [--meshes FOLDER] [--width 640]

Three to eight labelled things stand in a room with procedural surfaces, lit by a window and a
lamp, photographed (noise, vignette, JPEG) from .8–1.9 m. Each is written as a run folder in
which everything is true, with ``truth.json``, ``masks.png`` and amodal masks. The same seed and
models give the same room.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from cast_nodes.frames import Sim3, resize_intrinsics
from cast_nodes.mesh_data import srgb_from_linear
from cast_nodes.raster import rasterize
from cast_nodes.render import Soup, facing_normals, gather_triangles, surface_colour
from cast_nodes.types import Photo

from .furnish import Camera, choose_camera, furnish
from .light import LightTracer, Surroundings, smooth
from .models import Model, load_models
from .shell import Shell, make_shell
from .truth import Seen, Thing, Truth, look, make_truth, write_run_folder

SAMPLES = 2
"""Samples per pixel along each side."""

MIN_OBJECTS = 3
USUAL_OBJECTS = 5
"""The first half of the attempts asks for a number drawn from these two."""

ATTEMPTS = 60


def make_room(seed: int, models: Sequence[Model], width: int = 640, height: int = 480) -> Truth:
    """The room of a seed.

    Raises:
        ValueError: the models give no room with three visible things in ``ATTEMPTS`` attempts.
    """
    for attempt in range(ATTEMPTS):
        rng = np.random.default_rng([seed, attempt])
        shell = make_shell(rng)
        camera = choose_camera(rng, shell.box, width, height)
        standing = furnish(rng, models, shell.box, camera)
        things = [
            Thing(s.model.label, s.model.mesh, s.room_from_object, s.supported_by) for s in standing
        ]
        enough = (
            rng.integers(MIN_OBJECTS, USUAL_OBJECTS + 1) if attempt < ATTEMPTS // 2 else MIN_OBJECTS
        )
        if len(things) < enough:
            continue
        seen = look(things, shell.mesh, camera.intrinsics, camera.room_from_camera, width, height)
        if not _worth_a_photo(seen):
            continue
        photo = take_photo(shell, things, camera, seen, rng, f"room_{seed:04d}")
        return make_truth(
            photo, things, seen, camera.intrinsics, camera.room_from_camera, shell.box
        )
    raise ValueError(
        f"seed {seed}: no room with {MIN_OBJECTS} visible things in {ATTEMPTS} attempts"
    )


def _worth_a_photo(seen: Seen) -> bool:
    """Each thing is mostly in the picture and at least a third of it is visible."""
    visible = np.array([(seen.ids == i).sum() for i in range(len(seen.amodal))])
    whole = seen.amodal.sum((1, 2))
    large = visible >= 0.002 * seen.ids.size
    return bool((visible >= 0.34 * whole).all() and large.all() and (seen.cut < 0.35).all())


def take_photo(
    shell: Shell,
    things: Sequence[Thing],
    camera: Camera,
    seen: Seen,
    rng: np.random.Generator,
    name: str,
) -> Photo:
    """Light, lens and sensor."""
    items: list = [(shell.mesh, Sim3.identity())]
    items += [(t.mesh, t.room_from_object) for t in things]
    soup = gather_triangles(items)  # in the room's frame
    tracer = LightTracer(Surroundings(soup.vertices[soup.faces], _albedo(soup), shell.lights), rng)

    # Indirect light is smooth: once per pixel. Direct light has edges: at every sample.
    eye = camera.room_from_camera
    height, width = camera.height, camera.width
    points, normals, _, _ = _surface(soup, eye, camera.intrinsics, width, height)
    indirect = np.zeros((height, width, 3), np.float32)
    hit = np.isfinite(points[..., 0])
    indirect[hit] = tracer.bounced(points[hit], normals[hit], 8)
    depth = np.where(hit, seen.raster.depth, 1.0)
    indirect = smooth(indirect, normals, depth, seen.ids)

    fine = resize_intrinsics(camera.intrinsics, SAMPLES, SAMPLES)
    points, normals, colour, face = _surface(soup, eye, fine, width * SAMPLES, height * SAMPLES)
    hit = np.isfinite(points[..., 0])
    light = indirect.repeat(SAMPLES, 0).repeat(SAMPLES, 1)
    light[hit] += tracer.direct(points[hit], normals[hit], 4)
    radiance = colour * light / np.pi
    panes = np.append(shell.glowing, np.zeros(len(soup.faces) - len(shell.glowing), bool))
    glow = hit & panes[face]
    radiance[glow] = shell.lights[1].radiance * 0.25
    radiance = radiance.reshape(height, SAMPLES, width, SAMPLES, 3)
    return Photo(develop(radiance.mean((1, 3)), rng), name)


def _albedo(soup: Soup) -> np.ndarray:
    """(m, 3) linear colour at each face's centre; for large textured faces of some of its points."""
    total = np.zeros((len(soup.faces), 3), np.float32)
    weights = np.array([[1, 1, 1], [4, 1, 1], [1, 4, 1], [1, 1, 4]], np.float32)
    for weight in weights / weights.sum(1, keepdims=True):
        bary = np.broadcast_to(weight, (len(soup.faces), 3))
        total += surface_colour(soup, np.arange(len(soup.faces)), bary)[:, :3] / len(weights)
    return total


def _surface(soup: Soup, eye: Sim3, intrinsics: np.ndarray, width: int, height: int):
    """Points and unit normals (room frame), colours, faces at each pixel; NaN where nothing is."""
    raster = rasterize(eye.inverse().apply(soup.vertices), soup.faces, intrinsics, width, height)
    mask, face = raster.mask, raster.face
    bary = raster.bary[mask].astype(np.float32)
    points = np.full((height, width, 3), np.nan, np.float32)
    normals = np.zeros((height, width, 3), np.float32)
    colour = np.zeros((height, width, 3), np.float32)
    corners = soup.faces[face[mask]]
    points[mask] = sum(soup.vertices[corners[:, i]] * bary[:, i : i + 1] for i in range(3))
    colour[mask] = surface_colour(soup, face[mask], bary)[:, :3]
    # Normals are turned towards the origin of their frame, which must be the eye.
    moved = Soup(**{**vars(soup), "vertices": soup.vertices - eye.translation})
    normals[mask] = facing_normals(moved, face[mask], bary)
    return points, normals, colour, face


def develop(radiance: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(H, W, 3) linear light to (H, W, 3) uint8: exposure, colour cast, tone curve, vignette,
    a soft lens, sensor noise, JPEG."""
    from scipy.ndimage import gaussian_filter

    height, width = radiance.shape[:2]
    grey = radiance.mean((0, 1))
    cast = (grey.mean() / np.maximum(grey, 1e-6)) ** rng.uniform(0.4, 0.9)
    linear = radiance * cast / np.maximum(np.percentile(radiance.mean(2), 62), 1e-6)
    linear *= rng.uniform(0.34, 0.52)
    y, x = np.mgrid[0:height, 0:width]
    off = ((x / width - 0.5) ** 2 + (y / height - 0.5) ** 2) / 0.5
    linear = linear * (1 - rng.uniform(0.05, 0.25) * off)[..., None]
    linear = gaussian_filter(linear, (*[rng.uniform(0.35, 0.7) * width / 640] * 2, 0))
    linear = linear + rng.normal(size=linear.shape) * np.sqrt(
        1e-5 + rng.uniform(1, 6) * 1e-4 * np.maximum(linear, 0)
    )
    # A shoulder that bends highlights instead of cutting them (Reinhard's extended curve).
    linear = np.maximum(linear, 0)
    linear = linear * (1 + linear / 2.2**2) / (1 + 0.35 * linear)
    pixels = np.round(255 * srgb_from_linear(np.clip(linear, 0, 1))).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=int(rng.integers(82, 96)))
    return np.asarray(Image.open(out).convert("RGB"))


def main() -> None:
    parser = argparse.ArgumentParser(description="Seeded synthetic rooms with known truth.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--n", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--meshes", help="folder of GLB models with manifest.json")
    parser.add_argument("--width", type=int, default=640)
    args = parser.parse_args()
    models = load_models(args.meshes)
    for seed in range(args.seed, args.seed + args.n):
        start = time.perf_counter()
        truth = make_room(seed, models, args.width, round(args.width * 0.75))
        folder = args.out / truth.objects.photo.name
        write_run_folder(truth, folder)
        labels = ", ".join(o.label for o in truth.objects.objects)
        print(f"{folder}: {labels} ({time.perf_counter() - start:.1f} s)", flush=True)


if __name__ == "__main__":
    main()
