"""The command line: ``cast run | batch | render | export | evaluate | backends | check | fetch``.

Exit status: 0 done, 1 done with failed objects or photos (named on stderr), 2 bad usage or
input, 3 a backend is not ready, 130 stopped. Progress goes to stderr; with ``--json`` stdout
holds one JSON document and nothing else.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from . import __version__
from .backends import STAGES, Choice, backends, choose, option_specs
from .cancel import CancelToken
from .context import Context, Folders, Progress
from .dry_run import plan_json, plan_lines, plan_runs
from .errors import BackendNotReady, BadInput, Cancelled, CastError
from .export import command as export_command
from .local.models import OwnModels, own_models
from .pictures import load_photo
from .pipeline import Outcome, Settings, run_folder
from .run_folder import RESULTS, RunFolder
from .services.usage import costs_line
from .services.wording import OF_AN_OBJECT
from .store import FreshStore, Store
from .types import Photo

DONE, SOME_FAILED, BAD_INPUT, NOT_READY, STOPPED = 0, 1, 2, 3, 130

PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".heic"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status."""
    parsed = _parser().parse_args(arguments)
    try:
        return parsed.command(parsed)
    except BackendNotReady as error:
        return _fail(error, NOT_READY)
    except Cancelled as error:
        return _fail(error, STOPPED)
    except CastError as error:
        return _fail(error, BAD_INPUT)
    except BrokenPipeError:
        return DONE


def _fail(error: CastError, status: int) -> int:
    print(f"cast: {error}", file=sys.stderr)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cast", description="One photo in, a 3D scene out.")
    parser.add_argument("--version", action="version", version=f"cast {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="photos, or run folders, to scenes")
    run.add_argument("targets", nargs="+", type=Path, metavar="PHOTO|FOLDER")
    run.add_argument(
        "--only", default="", metavar="STAGE[,STAGE]", help="run these stages on run folders alone"
    )
    run.add_argument(
        "--run-id", default="", metavar="NAME", help="results go to OUT/NAME/ (one photo only)"
    )
    _add_run_options(run)
    run.set_defaults(command=_run)

    batch = commands.add_parser("batch", help="many photos; a bad one does not stop the rest")
    batch.add_argument("targets", nargs="+", type=Path, metavar="PHOTO|FOLDER_OF_PHOTOS")
    _add_run_options(batch)
    batch.set_defaults(command=_batch, only="", run_id="")

    render = commands.add_parser(
        "render", help="picture beside the photo, depth, ids, and a turntable"
    )
    render.add_argument("targets", nargs="+", type=Path, metavar="FOLDER")
    render.add_argument("--frames", type=int, default=36, help="pictures of the turntable")
    render.add_argument("--json", action="store_true", help="one JSON document on stdout")
    render.set_defaults(command=_render)

    export_command.add_to(commands).set_defaults(command=export_command.run)

    _add_evaluate(commands)

    listing = commands.add_parser("backends", help="all backends and their options")
    listing.add_argument("--json", action="store_true", help="one JSON document on stdout")
    listing.add_argument("--markdown", action="store_true", help="the tables of the README")
    listing.set_defaults(command=_backends)

    check = commands.add_parser("check", help="what is ready, what is missing, how to mend it")
    check.add_argument("--json", action="store_true", help="one JSON document on stdout")
    check.set_defaults(command=_check)

    fetch = commands.add_parser(
        "fetch",
        help="download what the embedded backends use, or weights of local models (once)",
    )
    fetch.add_argument(
        "names",
        nargs="*",
        metavar="BACKEND|OWNER/NAME",
        help="a local backend, or a model on the hub (owner/name@revision); none: what the"
        " embedded backends use",
    )
    fetch.set_defaults(command=_fetch)
    return parser


def _add_evaluate(commands: Any) -> None:
    evaluate = commands.add_parser("evaluate", help="how near scenes are to the truth")
    evaluate.add_argument(
        "scenes",
        nargs="+",
        type=Path,
        metavar="PREDICTED",
        help="run folders or GLBs; the last one is TRUTH, or a folder of truths of the same names",
    )
    evaluate.add_argument(
        "--protocol",
        default="plain",
        metavar="NAME",
        help="plain (in metres, nothing aligned) | 3d-re-gen | midi-cast | sam3d",
    )
    evaluate.add_argument(
        "--match",
        default="auto",
        choices=("auto", "id", "name", "best"),
        help="who is who: by id, by name, or the best pairing by place",
    )
    evaluate.add_argument(
        "--points", type=int, default=0, help="samples of a surface; 0 is the protocol's number"
    )
    evaluate.add_argument(
        "--fit-scale",
        action="store_true",
        help="first scale the prediction about the camera to the true distances (unknown unit)",
    )
    evaluate.add_argument("--lpips", action="store_true", help="LPIPS too (pip install lpips)")
    evaluate.add_argument(
        "--simulate",
        action=argparse.BooleanOptionalAction,
        help="drift in a second of MuJoCo (pip install mujoco); without a word: where it is there",
    )
    evaluate.add_argument(
        "--no-pictures", action="store_true", help="no mask IoU, depth error, PSNR and SSIM"
    )
    evaluate.add_argument(
        "--no-report", action="store_true", help="leave the predicted folder's report as it is"
    )
    evaluate.add_argument("--json", action="store_true", help="one JSON document on stdout")
    evaluate.set_defaults(command=_evaluate)


def _add_run_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o", "--out", type=Path, default=Path("out"), help="results go to OUT/<photo's stem>/"
    )
    for stage in STAGES:
        known = backends(stage)
        parser.add_argument(
            f"--{stage}",
            default="",
            choices=["", *known],
            metavar="BACKEND",
            help=" | ".join(known),
        )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="STAGE.OPTION=VALUE",
        help="an option of the stage's backend, as listed by: cast backends",
    )
    parser.add_argument(
        "--device",
        default="",
        help="where local models work: auto, cpu, cuda, cuda:1, mps (or set CAST_DEVICE)",
    )
    parser.add_argument("--max-objects", type=int, help="keep at most so many objects")
    parser.add_argument("--max-side", type=int, default=2048, help="reduce larger photos (pixels)")
    parser.add_argument("--seed", type=int, default=0, help="all randomness derives from it")
    parser.add_argument(
        "--dry-run",
        "--validate-only",
        action="store_true",
        help="check photos, settings, keys and packages and tell what it would cost; run nothing",
    )
    parser.add_argument(
        "--no-resume", action="store_true", help="make everything anew but what was paid for"
    )
    parser.add_argument(
        "--no-intermediates",
        action="store_true",
        help="keep scene, report and run.json alone (no --only, no hand edits afterwards)",
    )
    parser.add_argument(
        "--force", action="store_true", help="like --no-resume, and replace your own edits too"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def settings_from(parsed: argparse.Namespace) -> Settings:
    """The choices that the flags make.

    Raises:
        BadInput: an unknown stage or option, or a value that does not fit.
    """
    values: dict[str, dict[str, Any]] = {stage: {} for stage in STAGES}
    for text in parsed.set:
        name, equals, value = text.partition("=")
        stage, dot, option = name.partition(".")
        if not equals or not dot or stage not in values:
            raise BadInput(f"--set {text!r} must read STAGE.OPTION=VALUE, STAGE one of {STAGES}")
        values[stage][option] = value
    if parsed.max_objects is not None:
        values["filter"]["max_objects"] = parsed.max_objects
    choices: dict[str, Choice] = {
        stage: choose(stage, getattr(parsed, stage), **values[stage]) for stage in STAGES
    }
    return Settings(choices, _only(parsed) or STAGES)


def _only(parsed: argparse.Namespace) -> tuple[str, ...]:
    """The stages of ``--only``; none when it was not given."""
    only = tuple(s.strip() for s in parsed.only.split(",") if s.strip())
    for stage in only:
        if stage not in STAGES:
            raise BadInput(f"--only {stage!r} is no stage; the stages are {', '.join(STAGES)}")
    return only


class _Bars:
    """One bar per stage on stderr."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._stage = ""
        self._lock = threading.Lock()

    def __call__(self, step: Progress) -> None:
        with self._lock:
            if self._bar is None or step.stage != self._stage:
                self.close()
                self._stage = step.stage
                self._bar = tqdm(
                    total=step.total or None,
                    desc=f"{step.stage:9}",
                    file=sys.stderr,
                    bar_format="{desc} {bar:20} {n_fmt}/{total_fmt} [{elapsed}] {postfix}",
                )
            bar = self._bar
            bar.total = step.total or None
            bar.n = step.done
            bar.set_postfix_str(step.label + (" (reused)" if step.reused else ""), refresh=True)

    def say(self, sentence: str) -> None:
        tqdm.write(f"cast: {sentence}", file=sys.stderr)

    def close(self) -> None:
        if self._bar is not None:
            if self._bar.total is None:
                self._bar.total = self._bar.n = 1
            self._bar.close()
            self._bar = None


def _context(parsed: argparse.Namespace, bars: _Bars) -> Context:
    cancel = CancelToken()

    def stop(signal_number: int, frame: Any) -> None:
        if cancel.cancelled:
            raise KeyboardInterrupt
        cancel.cancel()

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, stop)
        signal.signal(signal.SIGTERM, stop)
    folders = Folders.default()
    fresh = getattr(parsed, "force", False) or getattr(parsed, "no_resume", False)
    kind = FreshStore if fresh else Store
    return Context(
        store=kind(folders.cache / "store"),
        cancel=cancel,
        progress=bars,
        warn=bars.say,
        folders=folders,
        seed=getattr(parsed, "seed", 0),
        models=OwnModels(device) if (device := getattr(parsed, "device", "")) else own_models(),
    )


def _opened(target: Path, parsed: argparse.Namespace) -> tuple[RunFolder, Photo | None]:
    """The target's run folder, and its photo when the target is one."""
    if target.is_dir():
        if parsed.run_id:
            raise BadInput(f"--run-id names the folder of a photo, and {target} is a folder")
        return RunFolder(target), None
    if parsed.only and "detect" not in _only(parsed):
        raise BadInput(f"--only {parsed.only} works on run folders, and {target} is not one")
    photo = load_photo(target, parsed.max_side)
    name = parsed.run_id or photo.name
    if name in (".", "..") or set(name) & set("/\\\0"):
        raise BadInput(f"--run-id {name!r} is no name for a folder")
    return RunFolder(parsed.out / name), photo


def _run_target(target: Path, parsed: argparse.Namespace, settings: Settings, context: Context):
    folder, photo = _opened(target, parsed)
    if photo is not None and parsed.force:
        folder.disown()
    outcome = run_folder(folder, settings, context, photo)
    if parsed.no_intermediates and "compose" in settings.only:
        folder.keep_only(RESULTS)
    return outcome


def _run(parsed: argparse.Namespace) -> int:
    if parsed.run_id and len(parsed.targets) > 1:
        raise BadInput(f"--run-id names one folder, and there are {len(parsed.targets)} photos")
    settings, bars = settings_from(parsed), _Bars()
    if parsed.dry_run:
        return _dry_run(parsed.targets, parsed, settings)
    context, outcomes = _context(parsed, bars), []
    try:
        for target in parsed.targets:
            outcomes.append(_run_target(target, parsed, settings, context))
    finally:
        bars.close()
    return _finish(outcomes, {}, parsed, "compose" in settings.only)


def _batch(parsed: argparse.Namespace) -> int:
    settings, bars = settings_from(parsed), _Bars()
    photos = _photos(parsed.targets)
    if parsed.dry_run:
        return _dry_run(photos, parsed, settings)
    context = _context(parsed, bars)
    outcomes: list[Outcome] = []
    failures: dict[str, str] = {}
    seen: dict[str, Path] = {}
    for photo in photos:
        try:
            if photo.stem in seen:
                raise BadInput(f"{photo} has the name of {seen[photo.stem]}; rename one of them")
            seen[photo.stem] = photo
            outcomes.append(_run_target(photo, parsed, settings, context))
        except (Cancelled, BackendNotReady):
            bars.close()
            raise
        except CastError as error:
            failures[str(photo)] = str(error)
        except Exception as error:  # one photo's surprise must not stop the rest
            failures[str(photo)] = f"{type(error).__name__}: {error}"
    bars.close()
    return _finish(outcomes, failures, parsed, True)


def _dry_run(targets: Sequence[Path], parsed: argparse.Namespace, settings: Settings) -> int:
    context = Context(folders=Folders.default())
    plans, failures = plan_runs(targets, lambda t: _opened(t, parsed), settings, context)
    for target, reason in failures.items():
        print(f"cast: {target}: {reason}", file=sys.stderr)
    ready = all(plan.ready for plan in plans)
    status = BAD_INPUT if failures else DONE if ready else NOT_READY
    if parsed.json:
        document = {"status": status, **plan_json(plans), "failures": failures}
        print(json.dumps(document, indent=1))
    else:
        for line in plan_lines(plans):
            print(line)
    return status


def _photos(targets: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for target in targets:
        if not target.is_dir():
            found.append(target)
            continue
        inside = sorted(p for p in target.iterdir() if p.suffix.lower() in PICTURES)
        found += [p for p in inside if not p.name.lower().endswith(".masks.png")]
    if not found:
        raise BadInput("there is no picture among " + ", ".join(str(t) for t in targets))
    return found


def _finish(
    outcomes: Sequence[Outcome], failures: dict[str, str], parsed: Any, want_scene: bool
) -> int:
    status = SOME_FAILED if failures else DONE
    for photo, reason in failures.items():
        print(f"cast: {photo}: {reason}", file=sys.stderr)
    for outcome in outcomes:
        for item in outcome.failed:
            print(f"cast: {outcome.photo}: {item.label} {item.id}: {item.reason}", file=sys.stderr)
            status = SOME_FAILED
        if any(OF_AN_OBJECT in item.reason for item in outcome.failed):
            path = Path(outcome.folder) / "objects.json"
            print(f'cast: an object\'s retry is its "retry" in {path}: 1, 2, …', file=sys.stderr)
        if not any(o.status != "dropped" for o in outcome.objects) and want_scene:
            print(
                f"cast: {outcome.photo}: no object was found or kept, the scene is the empty room; "
                "give boxes or masks (--detect boxes | masks)",
                file=sys.stderr,
            )
            status = SOME_FAILED
    if parsed.json:
        runs = [dataclasses.asdict(o) for o in outcomes]
        print(json.dumps({"status": status, "runs": runs, "failures": failures}, indent=1))
        return status
    for outcome in outcomes:
        placed = [o for o in outcome.objects if o.status == "placed"]
        total = sum(outcome.seconds.values())
        print(f"{outcome.folder}: {len(placed)} objects placed in {total:.1f} s")
        for item in placed:
            iou = item.fit.get("iou")
            print(f"  {item.label} {item.id}" + (f"  IoU {iou:.2f}" if iou is not None else ""))
        if outcome.costs:
            print(f"  {costs_line(outcome.costs)}")
        report = Path(outcome.folder) / "report.html"
        if report.is_file():
            print(f"  look: {report}")
    return status


def _render(parsed: argparse.Namespace) -> int:
    from .compose.turntable import render_folder

    made = [str(path) for target in parsed.targets for path in render_folder(target, parsed.frames)]
    print(json.dumps({"files": made}) if parsed.json else "\n".join(made))
    return DONE


def _evaluate(parsed: argparse.Namespace) -> int:
    from .evaluate.command import run

    return run(parsed)


def _backends(parsed: argparse.Namespace) -> int:
    table = [
        {
            "stage": stage,
            "name": name,
            "label": backend.info.label,
            "kind": backend.info.kind,
            "default": backend.default,
            "summary": backend.info.summary,
            "cost": backend.info.cost,
            "weights_licence": backend.info.weights_licence,
            "needs": [need.what for need in backend.info.needs],
            "options": [
                {
                    "name": spec.name,
                    "type": spec.type.__name__,
                    "default": spec.default,
                    "low": spec.low,
                    "high": spec.high,
                    "unit": spec.unit,
                    "choices": list(spec.choices),
                    "help": spec.help,
                }
                for spec in option_specs(backend.options)
            ],
        }
        for stage in STAGES
        for name, backend in backends(stage).items()
    ]
    if parsed.json:
        print(json.dumps(table, indent=1))
    elif parsed.markdown:
        print(markdown_tables(table))
    else:
        for row in table:
            star = "*" if row["default"] else " "
            print(f"{row['stage']:9}{star}{row['name']:18} {row['kind']:9} {row['summary']}")
            for spec in row["options"]:
                print(f"{'':12}{row['stage']}.{spec['name']}={spec['default']}  {spec['help']}")
        print("* default.  Options: --set STAGE.OPTION=VALUE")
    return DONE


def markdown_tables(table: Sequence[dict[str, Any]]) -> str:
    """The README's tables of backends and options, from the registry."""
    lines = ["| stage | backend | kind | what it does |", "| --- | --- | --- | --- |"]
    for row in table:
        name = f"**`{row['name']}`**" if row["default"] else f"`{row['name']}`"
        lines.append(f"| {row['stage']} | {name} | {row['kind']} | {row['summary']} |")
    lines += ["", "| option | default | bounds | meaning |", "| --- | --- | --- | --- |"]
    for row in table:
        for spec in row["options"]:
            ends = ["" if v is None else f"{v:g}" for v in (spec["low"], spec["high"])]
            bounds = " … ".join(ends) if any(ends) else ", ".join(spec["choices"])
            unit = f" {spec['unit']}" if spec["unit"] else ""
            name = f"`{row['stage']}.{spec['name']}` ({row['name']})"
            lines.append(f"| {name} | `{spec['default']}`{unit} | {bounds} | {spec['help']} |")
    return "\n".join(lines)


def _check(parsed: argparse.Namespace) -> int:
    context = Context(folders=Folders.default())
    rows = []
    for stage in STAGES:
        for name, backend in backends(stage).items():
            absent = [n for n in backend.info.needs if not n.present(context)]
            rows.append(
                {
                    "stage": stage,
                    "backend": name,
                    "default": backend.default,
                    "ready": all(n.optional for n in absent),
                    "missing": [
                        {"what": n.what, "mend": n.mend, "optional": n.optional} for n in absent
                    ],
                    "weights": [
                        n.weights.state(context)
                        for n in backend.info.needs
                        if n.weights is not None and n not in absent
                    ],
                }
            )
    ready = all(row["ready"] for row in rows if row["default"])
    if parsed.json:
        print(json.dumps({"ready": ready, "backends": rows}, indent=1))
    else:
        for row in rows:
            word = "ready" if row["ready"] else "NOT READY"
            print(f"{row['stage']:9} {row['backend']:18} {word}")
            for need in row["missing"]:
                hint = " (optional: it runs without, with less)" if need["optional"] else ""
                print(f"{'':29}{need['what']} is missing{hint}: {need['mend']}")
            for state in row["weights"]:
                print(f"{'':29}{state}")
    return DONE if ready else NOT_READY


def _fetch(parsed: argparse.Namespace) -> int:
    from .assets import fetch_all
    from .local.fetch import fetch_weights

    if not parsed.names:
        for line in fetch_all(Folders.default()):
            print(line, file=sys.stderr)
        return DONE
    bars = _Bars()
    context = _context(parsed, bars)
    try:
        lines = [line for name in parsed.names for line in fetch_weights(name, context)]
    finally:
        bars.close()
    for line in lines:
        print(line, file=sys.stderr)
    return DONE
