"""What was spent, summed for run.json, the report and the node's face."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from ..context import Usage

__all__ = ["Usage", "costs_json", "spent_line"]


def costs_json(usages: Iterable[tuple[str, Usage]]) -> list[dict[str, Any]]:
    """One JSON-ready row per stage, service, model and unit: the content of run.json "costs".

    Args:
        usages: (stage, usage) in the order in which they came.
    """
    rows: dict[tuple[str, str, str, str], dict[str, Any]] = {}
    for stage, usage in usages:
        place = (stage, usage.service, usage.model, usage.unit)
        row = rows.setdefault(
            place,
            {"stage": stage} | {k: v for k, v in asdict(usage).items() if k != "what"}
            | {"calls": 0, "units": 0.0, "seconds": 0.0, "estimate_usd": 0.0},
        )  # fmt: skip
        for name in ("calls", "units", "seconds", "estimate_usd"):
            row[name] += getattr(usage, name)
    for row in rows.values():
        row["units"], row["seconds"] = round(row["units"], 4), round(row["seconds"], 2)
        row["estimate_usd"] = round(row["estimate_usd"], 4)
    return list(rows.values())


def spent_line(usages: Iterable[Usage]) -> str:
    """One line for people: ``3 paid at Tripo, about $0.90``; "" when nothing was spent."""
    parts = []
    for row in costs_json(("", u) for u in usages):
        dollars = f", about ${row['estimate_usd']:.2f}" if row["estimate_usd"] else ""
        units = f", {row['units']:g} {row['unit']}" if row["units"] else ""
        parts.append(f"{row['calls']} paid at {row['service']}{units}{dollars}")
    return "; ".join(parts)
