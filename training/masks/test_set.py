"""A test set by another renderer: held-out models, path-traced with Mitsuba 3.

    python -m training.masks.test_set --catalogue BlendSwap-CC-0.sh3f --out DIR [--crops 120]

Writes ``test_0000.npz`` as :mod:`.render` writes its shards. Light is real here (window and
lamp as areas, all bounces, glossy plastics); textures come from another seed's bank; truth comes
from the geometry, as in training.
"""

from __future__ import annotations

import argparse
import io
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from cast_nodes.mesh_data import srgb_from_linear

from .arrange import arrange
from .data import tight_box
from .looks import Look, Palette, Surface, make_look
from .models import load_models
from .render import SIDE, Shot, choose_view, flags_of, frame, readable
from .textures import bank
from .trace import Traced, View, developed, heights

SAMPLES = 42
SEED = 77_000


def path_traced(
    traced: Traced, view: View, window: np.ndarray, look: Look, folder: Path, rng
) -> np.ndarray:
    """(SIDE, SIDE, 3) linear light."""
    import mitsuba as mi

    mi.set_variant("scalar_rgb")
    reach = float(np.abs(window).max()) * 1.02
    cell = float(window[2] - window[0]) / SIDE
    film = round(2 * reach / cell)
    offset = np.round((window[:2] + film * cell / 2) / cell).astype(int)
    to_world = np.eye(4)
    to_world[:3, 0], to_world[:3, 1], to_world[:3, 2] = (
        -view.axes[:, 0],
        -view.axes[:, 1],
        view.axes[:, 2],
    )
    to_world[:3, 3] = view.eye
    scale = traced.arrangement.scale
    sun = look.light.sun
    strength = float(rng.uniform(4, 40))
    lamp = 3.0 * scale * sun + np.array([0, 0.2 * scale, 0])
    scene = {
        "type": "scene",
        "integrator": {"type": "path", "max_depth": 6},
        "sensor": {
            "type": "perspective",
            "fov": float(np.degrees(2 * np.arctan(film * cell / 2))),
            "fov_axis": "x",
            "to_world": mi.ScalarTransform4f(to_world.tolist()),
            "near_clip": 0.01 * scale,
            "film": {
                "type": "hdrfilm", "width": film, "height": film, "pixel_format": "rgb",
                "crop_offset_x": int(offset[0]), "crop_offset_y": int(offset[1]),
                "crop_width": SIDE, "crop_height": SIDE,
                "rfilter": {"type": "gaussian"},
            },
            "sampler": {"type": "multijitter", "sample_count": SAMPLES, "seed": int(rng.integers(1 << 30))},
        },
        "sky": {
            "type": "constant",
            "radiance": {"type": "rgb", "value": np.clip(look.light.sky * 0.8, 0.05, 3).tolist()},
        },
        "lamp": {
            "type": "rectangle",
            "to_world": mi.ScalarTransform4f().look_at(
                origin=lamp.tolist(), target=[0.0, 0.3 * scale, 0.0], up=[0.0, 1.0, 0.01]
            ) @ mi.ScalarTransform4f().scale(float(rng.uniform(0.2, 0.9)) * scale),
            "emitter": {
                "type": "area",
                "radiance": {"type": "rgb", "value": (strength * np.array([1, 0.96, 0.9])).tolist()},
            },
        },
    }  # fmt: skip
    code = traced.item.astype(np.int64) * 1024 + traced.material
    for number, value in enumerate(np.unique(code)):
        faces = np.flatnonzero(code == value)
        item, material = int(traced.item[faces[0]]), int(traced.material[faces[0]])
        surface = look.surroundings[-1 - item] if item < 0 else look.things[item, material]
        path = folder / f"{number}.ply"
        own_uv = traced.uv[faces] if surface.own else None
        path.write_bytes(_ply(traced, faces, surface, own_uv))
        scene[f"part{number}"] = {
            "type": "ply",
            "filename": str(path),
            "bsdf": _bsdf(mi, traced, item, material, surface),
        }
    image = np.array(mi.render(mi.load_dict(scene)))
    return np.ascontiguousarray(image[..., :3], np.float32)


def _ply(traced: Traced, faces: np.ndarray, surface: Surface, own_uv: np.ndarray | None) -> bytes:
    """The faces as a binary PLY with a vertex for each corner."""
    corners = traced.triangles[faces].reshape(-1, 3)
    normals = traced.normals[faces].reshape(-1, 3)
    flat = np.repeat(traced.flat[faces], 3, 0).astype(np.float32)
    plain = np.linalg.norm(normals, axis=1, keepdims=True) < 1e-3
    normals = np.where(plain, flat, normals)
    normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    if own_uv is not None:
        uv = own_uv.reshape(-1, 2) * [1, -1] + [0, 1]
    else:
        place = traced.local[faces].reshape(-1, 3)
        axis = np.abs(flat).argmax(1)
        uv = (
            np.stack(
                [
                    np.where(axis == 0, place[:, 2], place[:, 0]),
                    np.where(axis == 1, place[:, 2], place[:, 1]),
                ],
                1,
            )
            / surface.side
        )
    vertex = np.concatenate([corners, normals, uv], 1).astype("<f4")
    face = np.empty(len(faces), [("n", "u1"), ("v", "<i4", 3)])
    face["n"], face["v"] = 3, np.arange(len(vertex)).reshape(-1, 3)
    names = "".join(f"property float {n}\n" for n in ("x", "y", "z", "nx", "ny", "nz", "u", "v"))
    head = (
        f"ply\nformat binary_little_endian 1.0\nelement vertex {len(vertex)}\n{names}"
        f"element face {len(faces)}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    return head.encode() + vertex.tobytes() + face.tobytes()


def _bsdf(mi, traced: Traced, item: int, material: int, surface: Surface) -> dict:
    if surface.own:
        model = traced.arrangement.things[item].model
        kind = model.data.materials[material]
        texture = model.textures[material]
        base = np.clip(np.asarray(kind.base_colour[:3]) * surface.colour, 0, 0.95)
        reflectance = _rgb(base) if texture is None else _bitmap(mi, texture[..., :3])
        opacity = kind.base_colour[3] if kind.alpha_mode == "BLEND" else 1.0
    else:
        opacity = 1.0
        if surface.picture is None:
            reflectance = _rgb(np.clip(surface.colour, 0, 0.95))
        else:
            linear = np.clip(surface.picture[0] * surface.colour, 0, 0.95)
            reflectance = _bitmap(mi, np.round(255 * srgb_from_linear(linear)).astype(np.uint8))
    if surface.gloss > 0.02:
        inner = {"type": "roughplastic", "diffuse_reflectance": reflectance, "alpha": 0.12}
    else:
        inner = {"type": "diffuse", "reflectance": reflectance}
    out = {"type": "twosided", "bsdf": inner}
    if opacity < 0.98:
        out = {"type": "mask", "opacity": float(opacity), "bsdf": out}
    return out


def _rgb(value: np.ndarray) -> dict:
    return {"type": "rgb", "value": [float(v) for v in value]}


def _bitmap(mi, pixels: np.ndarray) -> dict:
    return {"type": "bitmap", "bitmap": mi.Bitmap(np.ascontiguousarray(pixels)), "raw": False}


def _camera(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A mild lens, sensor and JPEG."""
    from scipy.ndimage import gaussian_filter

    soft = gaussian_filter(rgb.astype(np.float32), (*[rng.uniform(0.3, 0.8)] * 2, 0))
    soft = soft + rng.normal(0, rng.uniform(1, 5), soft.shape)
    file = io.BytesIO()
    Image.fromarray(np.clip(soft, 0, 255).astype(np.uint8)).save(
        file, "JPEG", quality=int(rng.integers(72, 95))
    )
    return np.array(Image.open(file))


def main() -> None:
    parser = argparse.ArgumentParser(description="A path-traced test set of held-out models.")
    parser.add_argument("--catalogue", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=os.environ.get("CAST_MASK_DATA"))
    parser.add_argument("--crops", type=int, default=120)
    args = parser.parse_args()
    if args.out is None:
        parser.error("--out (or $CAST_MASK_DATA) names the folder")
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    models = readable(load_models(args.catalogue))
    numbers = {m.key: i for i, m in enumerate(models)}
    usable = [m for m in models if m.held_out]
    palette = Palette(bank(out / "textures_of_test.npz", SEED, 2))
    found: list[Shot] = []
    number, start = 0, time.perf_counter()
    while len(found) < args.crops:
        rng = np.random.default_rng([SEED, number])
        number += 1
        scene = arrange(rng, usable, heights)
        if not scene.things:
            continue
        traced = Traced(scene, rng)
        index = int(rng.integers(len(scene.things)))
        group = scene.group(index) if rng.random() < 0.4 else [index]
        view = choose_view(rng, scene, group)
        framed = None if view is None else frame(traced, view, group)
        if view is None or framed is None:
            continue
        window, share = framed
        look = make_look(rng, scene, palette, group[0])
        visible = np.isin(traced.items(view, window, SIDE), group)
        if np.count_nonzero(visible) < 60:
            continue
        with tempfile.TemporaryDirectory() as folder:
            light = path_traced(traced, view, window, look, Path(folder), rng)
        rgb = _camera(developed(light, max(look.exposure, 0.05)), rng)
        box = tight_box(visible).astype(np.float32)
        amodal = traced.alone(view, window, SIDE, group) | visible
        model = scene.things[index].model
        flags = flags_of(model, scene, group, rgb, visible, box)
        found.append(Shot(rgb, visible, amodal, box, share, flags, numbers[model.key]))
        if len(found) % 10 == 0:
            print(f"{len(found)} crops, {time.perf_counter() - start:.0f} s", flush=True)
    np.savez(
        out / "test_0000.npz",
        rgb=np.stack([s.rgb for s in found]),
        visible=np.packbits(np.stack([s.visible for s in found]), axis=2),
        amodal=np.packbits(np.stack([s.amodal for s in found]), axis=2),
        box=np.stack([s.box for s in found]),
        share=np.array([s.share for s in found], np.float32),
        flags=np.array([s.flags for s in found], np.uint16),
        model=np.array([s.model for s in found], np.int32),
        held_out=np.ones(len(found), bool),
    )


if __name__ == "__main__":
    main()
