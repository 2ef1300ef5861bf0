"""Renders the training crops into shards.

    python -m training.masks.render --catalogue BlendSwap-CC-0.sh3f --out DIR [--crops 24000]

Each crop shows one thing (or a thing with all that stands on it) in the middle of a window that
is ``MARGIN`` times its box. A shard holds arrays: ``rgb`` (n, S, S, 3) uint8, ``visible`` and
``amodal`` (n, S, S / 8) packed bits, ``box`` (n, 4) float32 px of the visible part, ``share``
(n,) float32 of the whole thing that is seen, ``flags`` (n,) uint16, ``model`` (n,) int32,
``held_out`` (n,) bool. Shards are seeded by their number: a run that was stopped goes on where
it was, and the same command gives the same crops.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from cast_nodes.errors import CastError

from .arrange import Arrangement, arrange
from .looks import Palette, make_look
from .models import LEGGED, PLANTS, THIN, Model, listing, load_models
from .textures import bank
from .trace import Traced, View, developed, heights

SIDE = 192
MARGIN = 1.9
LOOKOUT = 72
"""Side of the quick picture that tells how much of a thing is seen."""

LEAST_SEEN = 0.22
HIDDEN_WISHED = 0.3
"""Share of the crops for which a camera is looked for that sees a thing behind others."""

HIDDEN_TRIES = 6
PER_SCENE = 5
PER_SHARD = 500
TEXTURE_SEED = 2026

FLAGS = ("thin", "legged", "dark", "white", "plant", "tabletop", "group", "small")
"""Bit k of a crop's flags says FLAGS[k]."""


@dataclass(frozen=True, eq=False)
class Shot:
    """One crop; see the module."""

    rgb: np.ndarray
    visible: np.ndarray
    amodal: np.ndarray
    box: np.ndarray
    share: float
    flags: int
    model: int


def choose_view(rng: np.random.Generator, scene: Arrangement, group: Sequence[int]) -> View | None:
    """A camera from which a person might have photographed the group, or None."""
    corners = np.concatenate([scene.things[i].corners for i in group])
    low, high = corners.min(0), corners.max(0)
    middle, radius = (low + high) / 2, 0.5 * float(np.linalg.norm(high - low))
    if radius < 0.22 and scene.scale == 1:  # a small thing in a room: seen from afar
        distance = float(rng.uniform(0.6, 2.6))
    else:
        distance = radius * float(rng.uniform(1.9, 5.5))
    azimuth = np.radians(np.clip(rng.normal(0, 38), -80, 80))
    if scene.scale == 1 and rng.random() < 0.75:
        rise = rng.uniform(0.6, 1.75) - middle[1]
        elevation = np.arcsin(np.clip(rise / distance, -0.15, 0.85))
    else:
        elevation = np.radians(rng.uniform(2, 55))
    eye = middle + distance * np.array(
        [
            np.cos(elevation) * np.sin(azimuth),
            np.sin(elevation),
            np.cos(elevation) * np.cos(azimuth),
        ]
    )
    eye[1] = max(eye[1], 0.03 * scene.scale + 0.01)
    eye[0] = np.clip(eye[0], scene.sides[0] + 0.15, scene.sides[1] - 0.15)
    eye[2] = max(eye[2], -scene.back + 0.3 * scene.scale)
    forward = middle - eye
    if np.linalg.norm(forward) < 1.05 * radius:
        return None
    forward = forward / np.linalg.norm(forward)
    # The photo's own axis points elsewhere: things off its centre are drawn out by perspective.
    off = np.radians(rng.normal(0, [9, 5]))
    right = np.cross(forward, [0, 1, 0])
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    forward = forward + np.tan(off[0]) * right + np.tan(off[1]) * down
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0, 1, 0])
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    roll = np.radians(rng.normal(0, 1.5))
    x = np.cos(roll) * right + np.sin(roll) * down
    return View(eye, np.stack([x, np.cross(forward, x), forward], 1))


def frame(traced: Traced, view: View, group: Sequence[int]) -> tuple[np.ndarray, float] | None:
    """(window (4,) of the camera's plane, share that is seen), or None when too little is."""
    corners = np.concatenate([traced.arrangement.things[i].corners for i in group])
    plane, depth = view.plane(corners)
    if depth.min() < 0.05 * traced.arrangement.scale:
        return None
    low, high = plane.min(0), plane.max(0)
    if (high - low).max() > 2.5:
        return None
    middle, half = (low + high) / 2, 0.52 * float((high - low).max())
    window = np.array([*(middle - half), *(middle + half)])
    seen = np.isin(traced.items(view, window, LOOKOUT), list(group))
    whole = traced.alone(view, window, LOOKOUT, list(group))
    share = np.count_nonzero(seen) / max(np.count_nonzero(whole), 1)
    if np.count_nonzero(seen) < 50 or share < LEAST_SEEN:
        return None
    rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
    cell = 2 * half / LOOKOUT
    a = window[:2] + cell * np.array([columns[0], rows[0]])
    b = window[:2] + cell * np.array([columns[-1] + 1, rows[-1] + 1])
    half = 0.5 * MARGIN * float((b - a).max())
    middle = (a + b) / 2
    return np.array([*(middle - half), *(middle + half)]), float(min(share, 1.0))


def look_at(
    rng: np.random.Generator, traced: Traced, group: list[int]
) -> tuple[View, np.ndarray, float] | None:
    """A camera for a group, its window and the share of the group that it sees; or None.

    For HIDDEN_WISHED of the crops several cameras are tried and the first is taken before which
    others hide 15 % of the group or more; where none does, the first that sees it.
    """
    tries = HIDDEN_TRIES if rng.random() < HIDDEN_WISHED else 1
    first = None
    for _ in range(tries):
        view = choose_view(rng, traced.arrangement, group)
        framed = None if view is None else frame(traced, view, group)
        if view is None or framed is None:
            continue
        found = (view, *framed)
        if tries == 1 or framed[1] < 0.85:
            return found
        first = first or found
    return first


def shoot(
    rng: np.random.Generator, traced: Traced, palette: Palette, group: list[int], number: int
) -> Shot | None:
    """One crop of a group of an arrangement, or None when this camera sees too little."""
    scene = traced.arrangement
    found = look_at(rng, traced, group)
    if found is None:
        return None
    view, window, share = found
    look = make_look(rng, scene, palette, group[0])
    light, who = traced.shoot(view, window, SIDE, look, rng)
    visible = np.isin(who, group)
    if np.count_nonzero(visible) < 60:
        return None
    rgb = developed(light, look.exposure)
    rows, columns = np.flatnonzero(visible.any(1)), np.flatnonzero(visible.any(0))
    box = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float32)
    amodal = traced.alone(view, window, SIDE, group) | visible
    flags = flags_of(scene.things[group[0]].model, scene, group, rgb, visible, box)
    return Shot(rgb, visible, amodal, box, share, flags, number)


def flags_of(model: Model, scene, group, rgb, visible, box) -> int:
    """The crop's bins as bits of FLAGS."""
    grey = rgb.mean(2) / 255
    inside, outside = float(grey[visible].mean()), float(grey[~visible].mean())
    told = {
        "thin": model.name in THIN,
        "legged": model.name in LEGGED,
        "dark": max(inside, outside) < 0.3,
        "white": min(inside, outside) > 0.68,
        "plant": model.name in PLANTS,
        "tabletop": scene.style == "tabletop",
        "group": len(group) > 1,
        "small": model.placement == "small",
    }
    return sum(1 << i for i, name in enumerate(FLAGS) if told[name])


def shots(
    rng: np.random.Generator, models: Sequence[Model], numbers: dict[str, int], palette: Palette
) -> list[Shot]:
    """The crops of one seeded arrangement."""
    scene = arrange(rng, models, heights)
    if not scene.things:
        return []
    traced = Traced(scene, rng)
    weights = np.array(
        [
            {"floor": 1.0, "small": 0.35, "wall": 0.2, "hanging": 0.5}[t.model.placement]
            for t in scene.things
        ]
    )
    count = min(PER_SCENE, len(scene.things) + 1)
    out = []
    for index in rng.choice(len(weights), size=count, p=weights / weights.sum()):
        group = [int(index)]
        if rng.random() < 0.5:
            group = scene.group(int(index))
        for _ in range(3):
            shot = shoot(rng, traced, palette, group, numbers[scene.things[index].model.key])
            if shot is not None:
                out.append(shot)
                break
    return out


def render_shard(
    seed: int, number: int, models: Sequence[Model], palette: Palette, held_out: bool, count: int
) -> dict[str, np.ndarray]:
    """Shard ``number``: ``count`` crops of the models that are (or are not) held out."""
    numbers = {m.key: i for i, m in enumerate(models)}
    usable = [m for m in models if m.held_out == held_out]
    found: list[Shot] = []
    scene = 0
    while len(found) < count:
        rng = np.random.default_rng([seed, number, scene])
        found += shots(rng, usable, numbers, palette)
        scene += 1
    found = found[:count]
    return {
        "rgb": np.stack([s.rgb for s in found]),
        "visible": np.packbits(np.stack([s.visible for s in found]), axis=2),
        "amodal": np.packbits(np.stack([s.amodal for s in found]), axis=2),
        "box": np.stack([s.box for s in found]),
        "share": np.array([s.share for s in found], np.float32),
        "flags": np.array([s.flags for s in found], np.uint16),
        "model": np.array([s.model for s in found], np.int32),
        "held_out": np.full(len(found), held_out),
    }


def readable(models: Sequence[Model]) -> tuple[Model, ...]:
    """The models whose files can be read; loads them all."""
    out = []
    for model in models:
        try:
            if np.isfinite(model.size).all() and model.size.min() > 0:
                out.append(model)
        except CastError as error:
            print(f"left out: {error}", flush=True)
    return tuple(out)


@dataclass(eq=False)
class _Worker:
    """What each process loads once."""

    models: tuple[Model, ...] = ()
    palette: Palette | None = None


_worker = _Worker()


def _prepare(catalogue: Path | None, out: Path) -> None:
    _worker.models = readable(load_models(catalogue))
    _worker.palette = Palette(bank(out / "textures.npz", TEXTURE_SEED))


def _write_shard(path: Path, seed: int, number: int, held_out: bool) -> str:
    """Renders one shard into its file; gives a line for the log."""
    assert _worker.palette is not None
    start = time.perf_counter()
    arrays = render_shard(seed, number, _worker.models, _worker.palette, held_out, PER_SHARD)
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.savez(file, **arrays)
    partial.replace(path)
    seconds = time.perf_counter() - start
    return json.dumps({"shard": path.name, "crops": PER_SHARD, "seconds": round(seconds, 1)})


def main() -> None:
    parser = argparse.ArgumentParser(description="Renders crops for the mask network.")
    parser.add_argument("--catalogue", type=Path, required=True, help="BlendSwap-CC-0.sh3f")
    parser.add_argument(
        "--out",
        type=Path,
        default=os.environ.get("CAST_MASK_DATA"),
        help="folder of the shards (or $CAST_MASK_DATA)",
    )
    parser.add_argument("--crops", type=int, default=24_000)
    parser.add_argument("--held-out", type=int, default=1_000, help="crops for validation")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1, help="processes; the crops are the same")
    args = parser.parse_args()
    if args.out is None:
        parser.error("--out (or $CAST_MASK_DATA) names the folder for the shards")
    args.out.mkdir(parents=True, exist_ok=True)
    _prepare(args.catalogue, args.out)
    (args.out / "models.md").write_text(listing(_worker.models), encoding="utf-8")
    plan = [("val", i, True) for i in range(-(-args.held_out // PER_SHARD))]
    plan += [("train", i, False) for i in range(-(-args.crops // PER_SHARD))]
    jobs = [
        (args.out / f"{name}_{number:04d}.npz", args.seed + (10_000 if held_out else 0), number, held_out)
        for name, number, held_out in plan
    ]  # fmt: skip
    jobs = [job for job in jobs if not job[0].is_file()]
    if args.workers <= 1:
        for job in jobs:
            print(_write_shard(*job), flush=True)
        return
    with ProcessPoolExecutor(
        args.workers, get_context("spawn"), _prepare, (args.catalogue, args.out)
    ) as pool:
        for told in pool.map(_write_shard, *zip(*jobs, strict=True)):
            print(told, flush=True)


if __name__ == "__main__":
    main()
