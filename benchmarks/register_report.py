"""Tables and JSON of the registration benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from .register_measures import BINS, SHARES, Figures, Row, figures


@dataclass
class Result:
    """What one backend did in one mode."""

    rows: list[Row] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def per_object(self) -> float:
        return self.seconds / max(1, len(self.rows))

    @property
    def objects(self) -> set[tuple[str, int]]:
        """Room and id of each object."""
        return {(r.room, r.id) for r in self.rows}

    def within(self, objects: set[tuple[str, int]]) -> Result:
        """The part of it about some objects; times are as for all of them."""
        rows = [r for r in self.rows if (r.room, r.id) in objects]
        return Result(rows, self.per_object * len(rows))


HEAD = (
    f"{'':31s}ADD-S / diameter{'':50s}{'rotation':>9s}{'|log s|':>8s}{'box IoU':>8s}"
    f"{'s per':>8s}\n"
    f"{'':24s}{'n':>5s}{'median':>8s}"
    + "".join(f"{f'< {t:g}':>8s}{'':12s}" for t in SHARES)
    + f"{'median':>9s}{'median':>8s}{'mean':>8s}{'object':>8s}  failures"
)


def table(results: Mapping[str, Result], groups: bool = True) -> str:
    """Lines for each backend: all objects, then its groups."""
    lines = [HEAD]
    for name, result in results.items():
        if not result.rows:
            continue
        lines.append(_line(name, figures(result.rows), f"{result.per_object:8.2f}"))
        for label, belongs in BINS if groups else ():
            rows = [r for r in result.rows if belongs(r)]
            if rows:
                lines.append(_line(f"  {label}", figures(rows), f"{'':8s}"))
    return "\n".join(lines)


def _line(name: str, f: Figures, seconds: str) -> str:
    shares = "".join(
        f"{f.shares[t]:8.2f} [{f.bounds[t][0]:.2f} {f.bounds[t][1]:.2f}]" for t in SHARES
    )
    return (
        f"{name:24s}{f.objects:5d}{f.add_s:8.4f}{shares}{f.rotation_deg:8.1f}°{f.log_scale:8.3f}"
        f"{f.box_iou:8.2f}{seconds}{f.failures:8d}"
    )


def compared(results: Mapping[str, Result]) -> str:
    """The backends on the objects that all of them took; "" when none took fewer."""
    taken = [result.objects for result in results.values() if result.rows]
    common = set.intersection(*taken) if taken else set()
    if not common or all(objects == common for objects in taken):
        return ""
    title = f"the {len(common)} objects that all of them took"
    return f"{title}\n{table({n: r.within(common) for n, r in results.items()}, False)}"


def print_rows(name: str, rows: Sequence[Row]) -> None:
    """A line for each object."""
    for r in rows:
        flag = "ambiguous " if r.ambiguous else ""
        print(
            f"  {r.room} {r.id:2d} {r.label:26.26s} {name:12.12s} visible {r.visible:.2f} "
            f"{'floor' if r.on_floor else 'on top'} ADD-S {r.add_s:.4f} rotation {r.rotation_deg:5.1f}° "
            f"log s {r.log_scale:.3f} box {r.box_iou:.2f} iou {r.silhouette_iou:.2f} {flag}{r.failure}"
        )


def as_json(results: Mapping[str, Result]) -> dict:
    """Figures and rows, JSON-ready; what is infinite or not measured is null."""

    def entry(result: Result) -> dict:
        groups = {label: [r for r in result.rows if test(r)] for label, test in BINS}
        return {
            "seconds_per_object": result.per_object,
            "all": asdict(figures(result.rows)),
            "groups": {k: asdict(figures(v)) for k, v in groups.items() if v},
            "rows": [asdict(r) for r in result.rows],
        }

    return _finite({name: entry(r) for name, r in results.items() if r.rows})


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _finite(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(v) for v in value]
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return value
