"""``cast evaluate``: several scenes against the truth, a table each or one for all."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from ..errors import BackendNotReady, BadInput, CastError, StorageError
from . import Choices, Evaluation, evaluate, protocol, read_predicted, read_truth
from .measures import ready
from .protocols import Protocol
from .table import mean_rows, rows, table


def run(parsed: Namespace) -> int:
    """Evaluates what the command line names; returns the exit status.

    Raises:
        BadInput: one scene is given and it, or the truth, cannot be used; or none can.
        BackendNotReady: an optional package is asked for and not there.
    """
    *predicted, truth = parsed.scenes
    if not predicted:
        raise BadInput(f"{truth} alone cannot be compared; give PREDICTED and then TRUTH")
    how = protocol(parsed.protocol)
    if parsed.points < 0:
        raise BadInput(f"--points {parsed.points} must be 0 (the protocol's own) or more")
    choices = Choices(
        match=parsed.match,
        points=parsed.points,
        fit_scale=parsed.fit_scale,
        pictures=not parsed.no_pictures,
        lpips=parsed.lpips,
        simulate="auto" if parsed.simulate is None else "on" if parsed.simulate else "off",
    )
    done, failures = _all(predicted, truth, how, choices)
    if not parsed.no_report:
        for made in done:
            _report(made)
    status = 1 if failures else 0
    if parsed.json:
        document = {
            "status": status,
            "evaluations": [e.as_json() for e in done],
            "mean": ready(mean_rows(done)),
            "failures": failures,
        }
        print(json.dumps(document, indent=1))
    elif len(predicted) == 1:
        print(table(done[0]))
    else:
        print(rows(done))
    return status


def _all(
    predicted: Sequence[Path], truth: Path, how: Protocol, choices: Choices
) -> tuple[list[Evaluation], dict[str, str]]:
    done: list[Evaluation] = []
    failures: dict[str, str] = {}
    for path in predicted:
        try:
            done.append(evaluate(read_predicted(path), read_truth(_own(truth, path)), how, choices))
        except BackendNotReady:
            raise
        except CastError as error:
            if len(predicted) == 1:
                raise
            failures[str(path)] = str(error)
            print(f"cast: {path}: {error}", file=sys.stderr)
    if not done:
        raise BadInput("none of the scenes could be evaluated")
    return done, failures


def _own(truth: Path, predicted: Path) -> Path:
    """The truth of a scene: ``TRUTH/<its name>`` where there is such a folder or model."""
    name = predicted.resolve()
    name = name.parent if name.name in ("scene.glb", "scene.json") else name
    for own in (truth / name.name, truth / f"{name.stem}.glb"):
        if own.exists():
            return own
    return truth


def _report(made: Evaluation) -> None:
    """The section in the scene's own report, where it has one that is not the user's own."""
    from ..report import put_evaluation
    from ..run_folder import RunFolder

    path = Path(made.predicted)
    if not path.is_dir() or not (path / "report.html").is_file():
        return
    folder = RunFolder(path)
    page = (path / "report.html").read_text(encoding="utf-8")
    if folder.is_users("report.html"):
        return
    changed = put_evaluation(page, made)
    if changed is None:
        return
    try:
        folder.write("report.html", changed.encode())
    except StorageError as error:
        print(f"cast: {error}", file=sys.stderr)
