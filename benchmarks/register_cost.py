"""What Register costs: seconds and peak memory against objects and pixels.

Each figure comes from a process of its own that reads a run folder and registers it once; peak
memory is that process's largest resident set, libraries and point map included.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from cast_nodes.backends import Choice, choose
from cast_nodes.context import Context
from cast_nodes.register import RegisterInputs, register
from cast_nodes.run_folder import RunFolder
from cast_nodes.store import Store

from .register_folders import write_room
from .register_rooms import MODES, Room, make_room
from .register_stand import Style
from .register_stock import Stock

OBJECTS = (1, 5, 20, 50)
MEGAPIXELS = (0.3, 1.0, 4.0, 12.0)
FEW = 5
"""Objects in the photos of growing size."""
SEED = 11
LEAST_AREA = 120 / (640 * 480)
"""Share of the photo that must be visible of an object: there are fifty of them."""


def photo_size(megapixels: float) -> tuple[int, int]:
    """(width, height), 4:3, of about that many million pixels."""
    height = round((megapixels * 1e6 * 0.75) ** 0.5 / 12) * 12
    return height * 4 // 3, height


def report(
    choices: Mapping[str, Choice], stock: Stock, device: str, json_file: Path | None = None
) -> int:
    """Prints both tables for each backend; returns the exit status."""
    sizes = [(n, MEGAPIXELS[0]) for n in OBJECTS] + [(FEW, m) for m in MEGAPIXELS[1:]]
    sizes.append((OBJECTS[-1], MEGAPIXELS[-1]))  # the largest of both at once
    entries = []
    with tempfile.TemporaryDirectory() as folder:
        print(f"{'':16s}{'objects':>8s}{'MP':>6s}{'seconds':>9s}{'per object':>12s}{'peak MB':>9s}")
        for count, megapixels in sizes:
            path = Path(folder) / f"{count}_{megapixels}"
            write_cost_room(stock, count, megapixels, path)
            for name in choices:
                entry = measured(path, name, device) | {"megapixels": megapixels}
                entries.append(entry)
                print(_line(entry), flush=True)
    if json_file:
        json_file.write_text(json.dumps({"cost": entries}, indent=1), encoding="utf-8")
    return 0


def _line(entry: Mapping) -> str:
    return (
        f"{entry['backend']:16s}{entry['objects']:8d}{entry['megapixels']:6.1f}"
        f"{entry['seconds']:9.2f}{entry['seconds'] / entry['objects']:12.3f}{entry['peak_mb']:9.0f}"
        + (f"  {entry['failures']} failed" if entry["failures"] else "")
    )


def write_cost_room(stock: Stock, count: int, megapixels: float, path: Path) -> None:
    """A room of exactly ``count`` kept objects, as a run folder."""
    width, height = photo_size(megapixels)
    room = cost_room(stock, count, width, height)
    write_room(room, path)


def cost_room(stock: Stock, count: int, width: int, height: int) -> Room:
    """A noisy room of exactly ``count`` objects: the first seed that has as many or more.

    Raises:
        ValueError: none of the first seeds has.
    """
    style = Style(count=(count, count), small=0.5, least_area=LEAST_AREA)
    mode = replace(MODES["noisy"], style=style)
    for seed in range(SEED, SEED + 12):
        # Some of the things asked for will not fit or not be seen.
        wanted, enough = round(count * 1.4) + 1, round(count * 1.1)
        room = make_room(stock, mode, seed, count=wanted, enough=enough, width=width, height=height)
        kept = room.inputs.objects.kept
        if len(kept) >= count:
            surplus = [replace(o, keep=False) for o in kept[count:]]
            objects = room.inputs.objects.replaced(*surplus)
            return replace(room, inputs=replace(room.inputs, objects=objects))
    raise ValueError(f"no room with {count} objects in sight; ask for fewer")


def measured(path: Path, backend: str, device: str) -> dict:
    """One registration in a process of its own."""
    command = [sys.executable, "-m", __name__, str(path), backend, device]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=Path(__file__).resolve().parents[1]
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed: {done.stderr.strip()[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def one(path: Path, backend: str, device: str) -> dict:
    """Reads a run folder, registers it once, and tells what it cost."""
    choice = choose("register", backend)
    if device != "cpu" and hasattr(choice.options, "device"):
        choice = choose("register", backend, device=device)
    folder = RunFolder(path)
    objects = folder.read_objects(folder.read_photo())
    inputs = RegisterInputs(
        objects, folder.read_geometry(objects.photo), folder.read_meshes(objects)
    )
    before = _peak_mb()
    warm = replace(inputs, objects=replace(objects, objects=_first(objects.objects)))
    register(warm, choice, Context(store=Store()))  # libraries load here
    start = time.perf_counter()
    placements = register(inputs, choice, Context(store=Store()))
    return {
        "backend": backend,
        "objects": len(objects.kept),
        "seconds": time.perf_counter() - start,
        "peak_mb": _peak_mb(),
        "inputs_mb": before,
        "failures": sum(bool(p.failure) for p in placements.placements),
    }


def _first(objects: Iterable) -> tuple:
    return tuple(o for o in objects if o.keep)[:1]


def _peak_mb() -> float:
    """Largest resident set so far; Linux tells kilobytes, macOS bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


if __name__ == "__main__":
    print(json.dumps(one(Path(sys.argv[1]), sys.argv[2], sys.argv[3])))
