"""``cast export``: a run folder's scene for other programs."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from ..errors import BackendNotReady, BadInput, StorageError
from .exports import Wanted
from .folder import write_exports
from .source import scene_from_folder
from .usd_library import require_usd


def add_to(commands: Any) -> ArgumentParser:
    """The parser of ``cast export`` among the others."""
    export = commands.add_parser(
        "export",
        help="USD, one GLB per object, collision meshes, object list",
        description="Without a choice: --usd (where usd-core is installed), --objects, --collision."
        " The object list always comes along.",
    )
    export.add_argument("targets", nargs="+", type=Path, metavar="FOLDER")
    export.add_argument("--usd", action="store_true", help="scene.usdc, its textures beside it")
    export.add_argument("--usdz", action="store_true", help="scene.usdz, all in one file")
    export.add_argument(
        "--objects", action="store_true", help="a GLB per object, posed and canonical, and the room"
    )
    export.add_argument("--collision", action="store_true", help="a convex hull per object")
    export.add_argument(
        "--convex-parts",
        action="store_true",
        help="collision meshes of several convex parts per object (needs CoACD)",
    )
    export.add_argument(
        "--draco", action="store_true", help="scene.draco.glb, compressed (needs DracoPy)"
    )
    export.add_argument(
        "--zup", "--z-up", action="store_true", help="the USD stage is z up (a GLB never is)"
    )
    export.add_argument(
        "-o", "--out", type=Path, help="write there and not into FOLDER (one FOLDER only)"
    )
    export.add_argument("--force", action="store_true", help="replace exports you changed, too")
    export.add_argument("--json", action="store_true", help="one JSON document on stdout")
    return export


def wanted_from(parsed: Namespace) -> Wanted:
    """What the flags ask for; everything that can be made when they name nothing."""
    collision = "parts" if parsed.convex_parts else "hull" if parsed.collision else ""
    up = "z" if parsed.zup else "y"
    named = Wanted(parsed.usd, parsed.usdz, parsed.objects, collision, parsed.draco, up)
    if named != Wanted(up=up):
        return named
    try:
        require_usd()
    except BackendNotReady as error:
        print(f"cast: without scene.usdc: {error}", file=sys.stderr)
        return Wanted(objects=True, collision="hull", up=up)
    return Wanted(usd=True, objects=True, collision="hull", up=up)


def run(parsed: Namespace) -> int:
    """Exports what the command line names; returns the exit status.

    Several folders are done one by one; one that cannot be used is named and the rest goes on.

    Raises:
        BackendNotReady: an optional package that was asked for is missing.
        BadInput: the only folder cannot be used.
        StorageError: a file cannot be written.
    """
    if parsed.out and len(parsed.targets) > 1:
        raise BadInput(f"-o names one folder, and there are {len(parsed.targets)} to export")
    wanted, failures, done = wanted_from(parsed), {}, []
    wanted.require()
    for target in parsed.targets:
        where = parsed.out or target
        if where.exists() and not where.is_dir():
            raise StorageError(f"{where} is a file; -o must name a folder")
        try:
            made = write_exports(scene_from_folder(target), wanted, where, parsed.force)
        except BadInput as error:
            if len(parsed.targets) == 1:
                raise
            failures[str(target)] = str(error)
            continue
        done.append((target, made))
        for note in made.notes:
            print(f"cast: {target}: {note}", file=sys.stderr)
        for path in made.kept:
            print(f"cast: {path} is yours and is kept (--force replaces it)", file=sys.stderr)
    for name, reason in failures.items():
        print(f"cast: {name}: {reason}", file=sys.stderr)
    status = 1 if failures else 0
    if parsed.json:
        exports = [
            {
                "folder": str(target),
                "files": [str(p) for p in made.files],
                "kept": [str(p) for p in made.kept],
                "notes": list(made.notes),
            }
            for target, made in done
        ]
        print(json.dumps({"status": status, "exports": exports, "failures": failures}, indent=1))
    else:
        for _, made in done:
            print("\n".join(str(p) for p in made.files))
    return status
