"""``cast run --dry-run``: what the runs need and would cost; nothing is written or spent."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .context import Context
from .errors import CastError
from .estimate import StageEstimate, estimate
from .pipeline import Settings
from .run_folder import RunFolder
from .types import Photo


@dataclass(frozen=True)
class Plan:
    """One run to come."""

    target: Path
    folder: Path
    stages: tuple[StageEstimate, ...]

    @property
    def ready(self) -> bool:
        return not any(stage.missing for stage in self.stages)

    @property
    def most_usd(self) -> float:
        return sum(stage.most_usd for stage in self.stages)


def plan_runs(
    targets: Sequence[Path],
    opened: Callable[[Path], tuple[RunFolder, Photo | None]],
    settings: Settings,
    context: Context,
) -> tuple[list[Plan], dict[str, str]]:
    """A plan for each target, and by target why there is none.

    Args:
        opened: a target's run folder, and its photo where the target is one.
    """
    plans: list[Plan] = []
    failures: dict[str, str] = {}
    for target in targets:
        try:
            folder, photo = opened(target)
            photo = photo or folder.read_photo()
            objects = folder.read_objects(photo) if folder.has("objects.json") else None
            stages = estimate(settings.choices, settings.only, context, objects)
        except CastError as error:
            failures[str(target)] = str(error)
        else:
            plans.append(Plan(target, folder.path, stages))
    return plans, failures


def plan_lines(plans: Sequence[Plan]) -> Iterator[str]:
    """The plans for people."""
    for plan in plans:
        yield f"{plan.target} -> {plan.folder}"
        for stage in plan.stages:
            word = "NOT READY" if stage.missing else "ready"
            yield f"  {stage.stage:9} {stage.backend:18} {word:10} {stage.line()}"
            for need in stage.missing:
                yield f"{'':31}{need.what} is missing: {need.mend}"
    total = sum(plan.most_usd for plan in plans)
    if total:
        yield f"at most about ${total:.2f}; what was paid for before is not paid for again"


def plan_json(plans: Sequence[Plan]) -> dict[str, Any]:
    """The plans for programs."""
    return {
        "ready": all(plan.ready for plan in plans),
        "most_usd": round(sum(plan.most_usd for plan in plans), 4),
        "runs": [
            {
                "target": str(plan.target),
                "folder": str(plan.folder),
                "stages": [_stage_json(stage) for stage in plan.stages],
            }
            for plan in plans
        ],
    }


def _stage_json(stage: StageEstimate) -> dict[str, Any]:
    return dataclasses.asdict(dataclasses.replace(stage, missing=())) | {
        "missing": [{"what": n.what, "mend": n.mend} for n in stage.missing],
        "most_usd": round(stage.most_usd, 4),
    }
