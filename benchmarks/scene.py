"""How well ComposeScene makes a room that holds together: seeded rooms with known truth.

    python -m benchmarks.scene                     # 10 rooms, all starts, four minutes
    python -m benchmarks.scene --quick             # a few rooms, under a minute
    python -m benchmarks.scene --starts perturbed --rooms 4 --seed 30 --verbose --no-times
    python -m benchmarks.scene --set settle=false --starts perturbed
    python -m benchmarks.scene --pictures DIR      # the photo beside the scene before and after

Things stand on the floor, on tables and in stacks, on the inner boards of shelves, lean against
walls, hang from walls and ceiling, touch each other side by side, lie in bowls; every contact is
exact and nothing is inside anything else (``benchmarks/scene_rooms.py``). ComposeScene starts from
the true poses, from poses that are off as Register leaves them (their covariance says so), and from
those that Register finds on a noisy point map (``benchmarks/scene_starts.py``). A table tells each
figure before and after, a 95 % bootstrap interval over rooms, and whether its aim is met. What the
figures are is told in ``scene_measures.py`` and ``scene_backdrop.py``; none of them is taken from
what ComposeScene says of itself, but for the relations, which are what is judged.

Furniture comes from a folder of GLB models (``--meshes``, else ``CAST_BENCH_MESHES``, else
``shared/meshes`` beside the repository), procedural shapes, or both (``--shapes``).

To measure from outside, on the files alone:

    python -m benchmarks.scene --rooms 5 --starts perturbed --write DIR
    cast run DIR/* --only compose
    python -m benchmarks.scene --score DIR
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from cast_nodes.backends import Choice, choose
from cast_nodes.compose import ComposeInputs, compose
from cast_nodes.context import Context, Progress
from cast_nodes.errors import BadInput, CastError
from cast_nodes.evaluate import scene_of
from cast_nodes.evaluate.scenes import EvalScene
from cast_nodes.mesh_data import read_mesh
from cast_nodes.store import Store
from cast_nodes.types import Geometry, Placements, Scene

from .register_stock import Stock, load_stock
from .scene_backdrop import Backdrop, measure_backdrop
from .scene_drift import can_simulate, drifted
from .scene_folders import scenes_in, write_room
from .scene_measures import fit, held, scene_before, told
from .scene_picture import write_comparison
from .scene_report import Row, Times, as_json, backdrops, details, table, timings
from .scene_rooms import FIFTY, PILLARED, TEN, Room, Size, make_room
from .scene_starts import STARTS, start


def composed(
    room: Room, placements: Placements, geometry: Geometry, choice: Choice
) -> tuple[Scene, Times]:
    """The scene and what it took."""
    for entry in room.meshes.entries:
        read_mesh(entry.candidates[0])  # reading files is no part of the time
    settled: list[float] = []
    inputs = ComposeInputs(room.objects, geometry, room.views, room.meshes, placements)
    begin, busy = time.perf_counter(), time.process_time()

    def note(progress: Progress) -> None:
        if "settled" in progress.label and not settled:
            settled.append(time.process_time() - busy)

    scene = compose(inputs, choice, Context(store=Store(), progress=note))
    wall, processor = time.perf_counter() - begin, time.process_time() - busy
    settling = settled[0] if settled else float("nan")
    return scene, Times(wall, processor, settling, len(scene.glb) / 1e6)


def measured(
    room: Room, name: str, seed: int, choice: Choice, options: argparse.Namespace
) -> tuple[Row, Scene, Placements]:
    """One room from one start."""
    placements, geometry = start(room, name, seed)
    scene, times = composed(room, placements, geometry, choice)
    after = scene_of(scene)
    return _row(room, name, placements, geometry, after, times, options), scene, placements


def _row(
    room: Room,
    name: str,
    placements: Placements,
    geometry: Geometry,
    after: EvalScene,
    times: Times,
    options: argparse.Namespace,
) -> Row:
    """All measures of a scene."""
    before = scene_before(room, placements, geometry)
    return Row(
        room.name,
        name,
        len(room.things),
        held(before, room, geometry),
        held(after, room, geometry),
        fit(before, room),
        fit(after, room),
        told(after.relations or (), room),
        drifted(after, room, geometry) if options.drift else None,
        times,
    )


def write(stock: Stock, options: argparse.Namespace) -> None:
    """The rooms as run folders."""
    for seed in range(options.seed, options.seed + options.rooms):
        room = make_room(stock, seed)
        for name in options.starts:
            placements, geometry = start(room, name, seed)
            path = options.write / f"{room.name}_{name}"
            write_room(room, placements, geometry, path, seed, name)
    print(f"cast run {options.write}/* --only compose")


def score(stock: Stock, options: argparse.Namespace) -> list[Row]:
    """The scenes in run folders. Their rooms are made again, from the same stock."""
    rows: list[Row] = []
    last: tuple[int, Room] | None = None
    for made in scenes_in(options.score):
        room = last[1] if last and last[0] == made.seed else make_room(stock, made.seed)
        last = made.seed, room
        times = Times(made.seconds, float("nan"), float("nan"), made.megabytes)
        placements, geometry = made.placements, made.geometry
        row = _row(room, made.start, placements, geometry, made.scene(), times, options)
        rows.append(row)
        if options.verbose:
            print(details(row), flush=True)
    return sorted(rows, key=lambda r: list(STARTS).index(r.start))


def run_rooms(
    stock: Stock, choice: Choice, options: argparse.Namespace
) -> tuple[list[Row], list[Backdrop]]:
    """All rooms from all starts, and the backgrounds of the first of them."""
    rows, found = [], []
    for seed in range(options.seed, options.seed + options.rooms):
        room = make_room(stock, seed)
        for name in options.starts:
            if name == "register" and seed - options.seed >= options.register_rooms:
                continue
            row, scene, placements = measured(room, name, seed, choice, options)
            rows.append(row)
            if options.verbose:
                print(details(row), flush=True)
            if name == "exact" and seed - options.seed < options.background_rooms:
                found.append(measure_backdrop(scene.glb, scene.world_from_camera, room))
            if options.pictures:
                path = options.pictures / f"{room.name}_{name}.png"
                write_comparison(room, placements, scene, path)
        print(f"{seed - options.seed + 1} of {options.rooms} rooms", file=sys.stderr, flush=True)
    return rows, found


def run_times(stock: Stock, choice: Choice, options: argparse.Namespace) -> list[Row]:
    """Rooms of ten and of fifty things, from poses that are off."""
    rows = []
    options = argparse.Namespace(**{**vars(options), "drift": False})
    sizes: list[tuple[Size, int]] = [(TEN, 2), (FIFTY, 1)] if not options.quick else [(TEN, 1)]
    for size, count in sizes:
        for seed in range(options.seed, options.seed + count):
            room = make_room(stock, seed, size)
            row = measured(room, "perturbed", seed, choice, options)[0]
            rows.append(row)
            if options.verbose:
                print(details(row), flush=True)
    return rows


def run_pillared(stock: Stock, choice: Choice, options: argparse.Namespace) -> list[Backdrop]:
    """The backgrounds of rooms with a pillar of which only points are known."""
    out = []
    for seed in range(options.seed, options.seed + options.background_rooms):
        room = make_room(stock, seed, PILLARED)
        placements, geometry = start(room, "exact", seed)
        scene, _ = composed(room, placements, geometry, choice)
        out.append(measure_backdrop(scene.glb, scene.world_from_camera, room))
        if options.verbose:
            print(f"  {room.name} with a pillar: {out[-1]}", flush=True)
        if options.pictures:
            path = options.pictures / f"{room.name}_pillar.png"
            write_comparison(room, placements, scene, path)
    return out


# --- the command ------------------------------------------------------------------------------


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command's options."""
    head, _, rest = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scene",
        description=head,
        epilog=rest,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--rooms", type=int, help="rooms of each start (10)")
    add("--seed", type=int, default=100, help="of the first room")
    add("--starts", "--modes", nargs="+", choices=STARTS, default=None, metavar="START",
        help="; ".join(f"{k}: {v}" for k, v in STARTS.items()))  # fmt: skip
    add("--register-rooms", type=int, default=5, help="rooms of the start by Register")
    add("--background-rooms", type=int, help="rooms of each kind of background (3); 0: none")
    add("--shapes", choices=("procedural", "models", "both"), default="both")
    add("--meshes", help="folder of GLB models, y up, in metres")
    add("--set", nargs="+", default=[], metavar="OPTION=VALUE", help="options of ComposeScene")
    add("--quick", action="store_true", help="2 rooms, one background of each kind, ten objects")
    add("--no-times", dest="times", action="store_false", help="leave out ten and fifty objects")
    add("--no-drift", dest="drift", action="store_false", help="leave out the simulation")
    add("--json", type=Path, metavar="FILE", help="write figures and rows")
    add("--pictures", type=Path, metavar="DIR", help="write the photo beside the scenes")
    add("--verbose", action="store_true", help="all that is wrong in each room")
    add("--write", type=Path, metavar="DIR", help="write the rooms as run folders, run nothing")
    add("--score", type=Path, metavar="DIR", help="score the scenes in such folders")
    options = parser.parse_args(arguments)
    options.rooms = options.rooms or (2 if options.quick else 10)
    quick = ("exact", "perturbed")
    options.starts = options.starts or (quick if options.quick else tuple(STARTS))
    if options.background_rooms is None:
        options.background_rooms = 1 if options.quick else 3
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    options = parse(arguments)
    try:
        return _main(options)
    except CastError as error:
        print(error, file=sys.stderr)
        return 2


def _main(options: argparse.Namespace) -> int:
    stock = load_stock(options.shapes, options.meshes)
    missing = can_simulate() if options.drift else ""
    if missing:
        print(f"no drift: {missing}", file=sys.stderr)
        options.drift = False
    pairs = [p.partition("=") for p in options.set]
    if any(not eq for _, eq, _ in pairs):
        raise BadInput("--set takes OPTION=VALUE, such as settle=false")
    values = {name: value for name, _, value in pairs}
    choice = choose("compose", "room", **values)
    if options.write:
        write(stock, options)
        return 0
    if options.score:
        rows = score(stock, options)
        print(table(rows))
        if options.json:
            _write_json(options, rows, [], {})
        return 0
    begin, busy = time.perf_counter(), time.process_time()
    rows, plain = run_rooms(stock, choice, options)
    print(table(rows), flush=True)
    times = run_times(stock, choice, options) if options.times else []
    if times:
        print(timings(times), flush=True)
    found = {"planes": plain, "pillar": run_pillared(stock, choice, options)}
    found = {name: rows for name, rows in found.items() if rows}
    if found:
        print(backdrops(found), flush=True)
    took = time.perf_counter() - begin, time.process_time() - busy
    print("\n{:.0f} s, {:.0f} processor seconds".format(*took), file=sys.stderr)
    if options.json:
        _write_json(options, rows, times, found)
    return 0


def _write_json(
    options: argparse.Namespace,
    rows: Sequence[Row],
    times: Sequence[Row],
    found: Mapping[str, Sequence[Backdrop]],
) -> None:
    settings = {k: str(v) if isinstance(v, Path) else v for k, v in vars(options).items()}
    machine = {"python": platform.python_version(), "system": platform.platform()}
    document = {"settings": settings, "machine": machine, **as_json(rows, times, found)}
    options.json.write_text(json.dumps(document, indent=1), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
