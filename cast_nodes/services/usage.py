"""What was spent, summed for run.json, the report and the node's face."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from ..context import Usage

__all__ = ["Usage", "costs_json", "costs_line", "spent_line"]


_SUMMED = ("calls", "units", "seconds", "estimate_usd")


def costs_json(usages: Iterable[tuple[str, Usage]], before: object = None) -> list[dict[str, Any]]:
    """One JSON-ready row per stage, service, model and unit: the content of run.json "costs".

    Args:
        usages: (stage, usage) in the order in which they came.
        before: rows of earlier runs, which are added to; what is no list of rows counts as none.
    """
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in before if isinstance(before, list) else ():
        try:
            place = tuple(str(row[name]) for name in ("stage", "service", "model", "unit"))
            rows[place] = {**row, **{name: float(row[name]) for name in _SUMMED}}
        except (TypeError, KeyError, ValueError):
            continue
    for stage, usage in usages:
        place = (stage, usage.service, usage.model, usage.unit)
        row = rows.setdefault(
            place,
            {"stage": stage} | {k: v for k, v in asdict(usage).items() if k != "what"}
            | {"calls": 0, "units": 0.0, "seconds": 0.0, "estimate_usd": 0.0},
        )  # fmt: skip
        for name in _SUMMED:
            row[name] += getattr(usage, name)
    for row in rows.values():
        row["calls"] = int(row["calls"])
        row["units"], row["seconds"] = round(row["units"], 4), round(row["seconds"], 2)
        row["estimate_usd"] = round(row["estimate_usd"], 4)
    return list(rows.values())


def spent_line(usages: Iterable[Usage]) -> str:
    """One line for people: ``3 paid at Tripo, about $0.90``; "" when nothing was spent."""
    return costs_line(costs_json(("", usage) for usage in usages))


def costs_line(rows: Iterable[Mapping[str, Any]]) -> str:
    """The same from rows of :func:`costs_json`."""
    parts = []
    for row in rows:
        dollars = f", about {dollars_text(row['estimate_usd'])}" if row["estimate_usd"] else ""
        units = f", {row['units']:g} {row['unit']}" if row["units"] else ""
        parts.append(f"{row['calls']} paid at {row['service']}{units}{dollars}")
    return "; ".join(parts)


def dollars_text(usd: float) -> str:
    """``$0.90``; less than a cent is not rounded to nothing: ``$0.004``."""
    if 0 < usd < 0.01:
        return f"${usd:.4f}".rstrip("0")
    return f"${usd:.2f}"
