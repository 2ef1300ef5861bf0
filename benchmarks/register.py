"""How well Register places meshes: seeded rooms with known truth, every backend in one run.

    python -m benchmarks.register                       # hybrid: 10 rooms of each mode
    python -m benchmarks.register --quick               # a few rooms, under a minute
    python -m benchmarks.register --backends hybrid icp differentiable --slow-rooms 1
    python -m benchmarks.register --modes noisy crowded --rooms 20 --seed 500 --verbose
    python -m benchmarks.register --cost                # time and memory against objects and pixels

Rooms are furnished from a folder of GLB models (``--meshes``, else ``CAST_BENCH_MESHES``, else
``shared/meshes`` beside the repository), from procedural shapes, or from both (``--shapes``).
For each mode a table tells, per backend: ADD-S over the object's diameter (median, and the shares
below .02, .05 and .1 with 95 % bootstrap intervals over rooms), rotation error modulo symmetry,
|log s|, box IoU, seconds per object, failures; for all objects, by how much of them is hidden, and
for those that stand on others or hang. ``from truth`` is the noise floor: the refinement of
``hybrid`` started from the true pose. What the measures are is told in
``benchmarks/register_measures.py``; what the rooms are, in ``register_rooms.py``.

Slow backends (``--slow``) take only ``--slow-objects`` objects of ``--slow-rooms`` rooms of the
``--slow-modes``; another table then compares all backends on the objects they have in common.

To measure from outside, on the files alone:

    python -m benchmarks.register --modes noisy --rooms 20 --write DIR
    cast run DIR/* --only register
    python -m benchmarks.register --score DIR
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from cast_nodes.backends import Choice, choose, option_specs
from cast_nodes.context import Context
from cast_nodes.errors import BadInput, CastError, ObjectFailure
from cast_nodes.register import make_problem, register
from cast_nodes.store import Store
from cast_nodes.types import Placement, Placements

from . import register_cost
from .register_folders import rooms_in, score_room, write_room
from .register_measures import measure
from .register_picture import write_overlay
from .register_report import Result, as_json, compared, print_rows, table
from .register_rooms import MODES, Mode, Room, make_room
from .register_stock import Stock, load_stock

FLOOR = "from truth"
QUICK_MODES = ("noisy", "crowded", "warped")
QUICK_ROOMS = 3


# --- running ---------------------------------------------------------------------------------


def ready_backends(
    names: Sequence[str], device: str, values: Mapping[str, str] | None = None
) -> dict[str, Choice]:
    """The backends that can run here; the others are named on stderr.

    Args:
        values: options by name, for each backend that has them.
    """
    out = {}
    for name in names:
        try:
            choice = choose("register", name)
            specs = {s.name for s in option_specs(type(choice.options))}
            wanted = dict(values or {}) | ({"device": device} if device != "cpu" else {})
            choice = choose("register", name, **{k: v for k, v in wanted.items() if k in specs})
            choice.backend.require(Context(store=Store()))
            out[name] = choice
        except CastError as error:
            print(f"skipped: {error}", file=sys.stderr)
    return out


def placed(room: Room, choice: Choice) -> tuple[Placements, float]:
    """What a backend makes of a room with an empty store, and the seconds it took."""
    start = time.perf_counter()
    placements = register(room.inputs, choice, Context(store=Store()))
    return placements, time.perf_counter() - start


def refined_from_truth(room: Room, device: str) -> tuple[Placements, float]:
    """The refinement of ``hybrid`` started from the true poses: what the evidence allows."""
    from cast_nodes.register.carried import rested
    from cast_nodes.register.cascade import refine
    from cast_nodes.register.hybrid import HybridOptions, rest

    inputs, options = room.inputs, HybridOptions(device="cuda" if device == "cuda" else "cpu")
    problems, failed = [], []
    start = time.perf_counter()
    for item in inputs.objects.kept:
        entry = inputs.meshes.get(item.id)
        try:
            problems.append(make_problem(item, inputs.objects, inputs.geometry, entry))
        except ObjectFailure as error:
            failed.append(Placement(item.id, None, failure=str(error)))
    starts, context = [[room.answer.poses[p.id]] for p in problems], Context(store=Store())
    found = {p.id: p for p in refine(problems, starts, options, context)}
    found |= rested(
        {p.id: p for p in problems}, found, lambda new, old: rest(new, old, options, context)
    )
    return Placements((*found.values(), *failed)), time.perf_counter() - start


def run_mode(
    mode: Mode, stock: Stock, choices: Mapping[str, Choice], options: argparse.Namespace
) -> dict[str, Result]:
    """All backends on the rooms of a mode."""
    results = {name: Result() for name in choices}
    if options.floor:
        results[FLOOR] = Result()
    for number in range(options.rooms):
        room = _room(mode, stock, options.seed + number, options)
        for name, result in results.items():
            mine = room
            if name in options.slow:
                if number >= options.slow_rooms or mode.name not in options.slow_modes:
                    continue
                mine = first_objects(room, options.slow_objects)
            if name == FLOOR:
                placements, seconds = refined_from_truth(mine, options.device)
            else:
                placements, seconds = placed(mine, choices[name])
            rows = measure(mine.answer, placements, mine.given)
            result.rows += rows
            result.seconds += seconds
            if options.verbose:
                print_rows(name, rows)
            if options.pictures and name != FLOOR:
                notes = {r.id: f"{r.add_s:.3f}" for r in rows}
                path = options.pictures / f"{room.answer.name}_{name}.png"
                write_overlay(mine.inputs, placements, path, notes)
        print(f"{mode.name}: {number + 1} of {options.rooms} rooms", file=sys.stderr, flush=True)
    return results


def _room(mode: Mode, stock: Stock, seed: int, options: argparse.Namespace) -> Room:
    return make_room(stock, mode, seed, count=options.objects, ground=options.ground)


def first_objects(room: Room, count: int) -> Room:
    """The room with its first objects to be placed; the others are dropped, but hide as before."""
    objects = room.inputs.objects
    surplus = [replace(o, keep=False) for o in objects.kept[count:]]
    poses = {o.id: room.answer.poses[o.id] for o in objects.kept[:count]}
    return Room(
        replace(room.inputs, objects=objects.replaced(*surplus)),
        replace(room.answer, poses=poses),
    )


def warm_up(choices: Mapping[str, Choice], options: argparse.Namespace) -> None:
    """One small room for each quick backend, so that loading libraries is in no figure."""
    room = make_room(load_stock("procedural", None), MODES["clean"], 0, count=1)
    for name, choice in choices.items():
        if name not in options.slow:
            placed(room, choice)


# --- the command -----------------------------------------------------------------------------


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command's options."""
    head, _, rest = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.register",
        description=head,
        epilog=rest,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--modes", "--mode", nargs="+", choices=MODES, metavar="MODE", default=None,
        help="; ".join(f"{m.name}: {m.summary}" for m in MODES.values()).replace("%", "%%"))  # fmt: skip
    add("--rooms", type=int, help="rooms of each mode (10)")
    add("--seed", type=int, default=100, help="of the first room")
    add("--objects", type=int, help="things in a room; otherwise as the mode says")
    add("--shapes", choices=("procedural", "models", "both"), default="both")
    add("--meshes", help="folder of GLB models, y up, in metres")
    add("--ground", choices=("given", "none"), default="given",
        help="none: the geometry holds neither gravity nor floor")  # fmt: skip
    add("--backends", "--backend", nargs="+", default=["hybrid"], metavar="NAME")
    add("--slow", nargs="*", default=["differentiable"], metavar="NAME",
        help="backends that take few rooms")  # fmt: skip
    add("--slow-rooms", type=int, default=1, help="rooms of each mode for those")
    add("--slow-modes", nargs="*", choices=MODES, metavar="MODE", default=QUICK_MODES,
        help=f"modes for those ({', '.join(QUICK_MODES)})")  # fmt: skip
    add("--slow-objects", type=int, default=3, help="objects of each such room")
    add("--device", choices=("cpu", "cuda"), default="cpu", help="for backends that can choose")
    add("--set", nargs="+", default=[], metavar="OPTION=VALUE",
        help="for backends that have the option: --set stretch=0.1")  # fmt: skip
    add("--no-floor", dest="floor", action="store_false", help="leave out the noise floor")
    add("--quick", action="store_true", help=f"{QUICK_ROOMS} rooms of {', '.join(QUICK_MODES)}")
    add("--json", type=Path, metavar="FILE", help="write figures and rows")
    add("--pictures", type=Path, metavar="DIR", help="write overlays")
    add("--verbose", action="store_true", help="a line for each object")
    add("--write", type=Path, metavar="DIR", help="write the rooms as run folders, run nothing")
    add("--score", type=Path, metavar="DIR", help="score the placements in such folders")
    add("--cost", action="store_true", help="time and memory instead of accuracy")
    options = parser.parse_args(arguments)
    options.rooms = options.rooms or (QUICK_ROOMS if options.quick else 10)
    options.modes = options.modes or (QUICK_MODES if options.quick else tuple(MODES))
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    options = parse(arguments)
    try:
        return _main(options)
    except BadInput as error:
        print(error, file=sys.stderr)
        return 2


def _main(options: argparse.Namespace) -> int:
    if options.score:
        results = score(options.score, options.verbose)
        if options.json:
            _write_json(options.json, results, options)
        return 0
    stock = load_stock(options.shapes, options.meshes)
    if options.write:
        for name in options.modes:
            for seed in range(options.seed, options.seed + options.rooms):
                room = _room(MODES[name], stock, seed, options)
                write_room(room, options.write / room.answer.name)
        print(f"cast run {options.write}/* --only register")
        return 0
    values = dict(pair.partition("=")[::2] for pair in options.set)
    choices = ready_backends(options.backends, options.device, values)
    if not choices:
        raise BadInput("none of the backends can run here")
    if options.cost:
        if slow := sorted(set(choices) & set(options.slow)):
            print(f"skipped: {', '.join(slow)}, too slow for fifty objects", file=sys.stderr)
        quick = {name: choice for name, choice in choices.items() if name not in slow}
        return register_cost.report(quick, stock, options.device, options.json)
    warm_up(choices, options)
    all_results = {}
    for name in options.modes:
        mode = MODES[name]
        results = run_mode(mode, stock, choices, options)
        all_results[name] = results
        print(f"\n{name}: {mode.summary}; {options.rooms} rooms")
        print(table(results))
        if text := compared(results):
            print(text)
        sys.stdout.flush()
        if options.json:
            _write_json(options.json, all_results, options)
    return 0


def score(path: Path, verbose: bool) -> dict[str, dict[str, Result]]:
    """Prints and returns the figures of run folders, by mode (the first part of their names)."""
    by_mode: dict[str, Result] = {}
    for folder in rooms_in(path):
        mode = folder.name.rpartition("_")[0] or folder.name
        rows, seconds = score_room(folder)
        by_mode.setdefault(mode, Result()).rows.extend(rows)
        by_mode[mode].seconds += seconds
        if verbose:
            print_rows("placements", rows)
    for mode, result in by_mode.items():
        print(f"\n{mode}: {len({r.room for r in result.rows})} rooms")
        print(table({"placements.json": result}))
    return {mode: {"placements.json": result} for mode, result in by_mode.items()}


def _write_json(path: Path, results: Mapping[str, Mapping[str, Result]], options) -> None:
    settings = {k: str(v) if isinstance(v, Path) else v for k, v in vars(options).items()}
    document = {
        "settings": settings,
        "machine": {"python": platform.python_version(), "system": platform.platform()},
        "modes": {mode: as_json(r) for mode, r in results.items()},
    }
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
