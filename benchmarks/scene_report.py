"""The scene benchmark's figures against their aims, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .scene_backdrop import Backdrop
from .scene_drift import Drifted
from .scene_measures import Fit, Held, Told

RESAMPLES = 1000


@dataclass(frozen=True)
class Times:
    """What making a scene took; NaN where it is not known.

    Attributes:
        seconds: by the clock, without reading the meshes.
        processor: seconds of all processors together: what a machine of its own would need at
            most, also while others use this one.
        settling: of those, until the objects were settled.
        megabytes: of the GLB.
    """

    seconds: float
    processor: float
    settling: float
    megabytes: float


@dataclass(frozen=True)
class Row:
    """One room from one start.

    Attributes:
        before, after: what the poses alone are, and what the scene is.
        told: what the scene tells of the relations.
        drifted: how far a simulation moves the scene's things; None where it was not run.
        times: of the whole of ComposeScene.
    """

    room: str
    start: str
    objects: int
    before: Held
    after: Held
    fit_before: Fit
    fit_after: Fit
    told: Told
    drifted: Drifted | None
    times: Times


Tally = Callable[[Row], tuple[float, float]]
"""Numerator and denominator of a room; a figure is the ratio of their sums over the rooms."""


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    Attributes:
        before: None where there is nothing before.
        aim: the limit, and whether it is the least ("higher") or the most ("lower").
    """

    name: str
    after: Tally
    before: Tally | None = None
    aim: float | None = None
    better: str = "lower"
    form: str = ".3f"


def _mean(values: Mapping[int, float]) -> tuple[float, float]:
    return float(sum(values.values())), float(len(values))


def _drop(row: Row) -> tuple[float, float]:
    lost = [row.fit_before.mask_iou[i] - v for i, v in row.fit_after.mask_iou.items()]
    return float(sum(lost)), float(len(lost))


def _gain(row: Row) -> tuple[float, float]:
    won = [v - row.fit_before.box_iou[i] for i, v in row.fit_after.box_iou.items()]
    return float(sum(won)), float(len(won))


def _calm(row: Row) -> tuple[float, float]:
    return (row.drifted.calm, row.drifted.free) if row.drifted else (0.0, 0.0)


FIGURES = (
    Figure("penetrating pairs a room", lambda r: (len(r.after.penetrating), 1),
           lambda r: (len(r.before.penetrating), 1), 0.0, form=".2f"),
    Figure("… things through walls", lambda r: (len(r.after.behind), 1),
           lambda r: (len(r.before.behind), 1), 0.0, form=".2f"),
    Figure("floating, share of the carried", lambda r: (r.after.floating, len(r.after.gaps)),
           lambda r: (r.before.floating, len(r.before.gaps)), 0.0),
    Figure("contact recall", lambda r: (r.after.touching, len(r.after.contacts)),
           lambda r: (r.before.touching, len(r.before.contacts)), 0.95, "higher"),
    Figure("relation recall", lambda r: (r.told.found, r.told.wanted), None, 0.95, "higher"),
    Figure("false relations, share of the told", lambda r: (len(r.told.false), r.told.told), None,
           0.05),
    Figure("drift at most 2 % of size, share", _calm, None, 0.95, "higher"),
    Figure("silhouette IoU", lambda r: _mean(r.fit_after.mask_iou),
           lambda r: _mean(r.fit_before.mask_iou)),
    Figure("… drop", _drop, None, 0.01, form=".4f"),
    Figure("box IoU", lambda r: _mean(r.fit_after.box_iou), lambda r: _mean(r.fit_before.box_iou)),
    Figure("… rise", _gain, None, 0.0, "higher", form="+.4f"),
    Figure("processor seconds", lambda r: (r.times.processor, 1), form=".2f"),
    Figure("… until settled", lambda r: (r.times.settling, 1), form=".2f"),
)  # fmt: skip
"""What is told of each start."""

SECONDS = {10: 3.0, 50: 20.0}
"""The most that ComposeScene may take, by the number of objects."""
MEGABYTES = 30.0
EXACT_SLACK = 1e-3
"""From true poses boxes can only be lost; so much is none."""


def value(rows: Sequence[Row], tally: Tally) -> float:
    """The ratio of the sums; NaN where there is nothing to count."""
    over, under = np.array([tally(r) for r in rows]).sum(0)
    return float(over / under) if under else float("nan")


def interval(rows: Sequence[Row], tally: Tally) -> tuple[float, float]:
    """95 % percentile interval when whole rooms are drawn again (seeded)."""
    pairs = np.array([tally(r) for r in rows], float)
    draw = np.random.default_rng(0).integers(len(pairs), size=(RESAMPLES, len(pairs)))
    sums = pairs[draw].sum(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = np.nanpercentile(sums[:, 0] / sums[:, 1], [2.5, 97.5])
    return float(low), float(high)


def verdict(found: float, aim: float | None, better: str) -> str:
    """ "met", "missed", or "" where there is no aim or no figure."""
    if aim is None or not np.isfinite(found):
        return ""
    return "met" if (found >= aim if better == "higher" else found <= aim) else "missed"


def _aim(figure: Figure, name: str) -> float | None:
    """From true poses the boxes cannot rise."""
    return -EXACT_SLACK if name == "exact" and figure.name == "… rise" else figure.aim


def table(rows: Sequence[Row]) -> str:
    """A block for each start."""
    lines = []
    for name in dict.fromkeys(r.start for r in rows):
        mine = [r for r in rows if r.start == name]
        objects = sum(r.objects for r in mine)
        lines.append(f"\n{name}: {len(mine)} rooms, {objects} objects")
        lines.append(f"{'':38s}{'before':>9s}{'after':>9s}  {'95 %':16s}{'aim':>8s}")
        for f in FIGURES:
            after = value(mine, f.after)
            if not np.isfinite(after):
                continue
            before = "" if f.before is None else format(value(mine, f.before), f.form)
            low, high = interval(mine, f.after)
            span = f"{low:{f.form}} to {high:{f.form}}"
            aim = _aim(f, name)
            sign = "" if aim is None else f"{'≥' if f.better == 'higher' else '≤'} {aim:g}"
            lines.append(
                f"{f.name:38s}{before:>9s}{format(after, f.form):>9s}  {span:16s}{sign:>8s}"
                f"  {verdict(after, aim, f.better)}".rstrip()
            )
    return "\n".join(lines)


def timings(rows: Sequence[Row]) -> str:
    """Seconds and megabytes by the number of objects; the aim is for processor seconds."""
    lines = [
        "\ntime and size (medians)",
        f"{'objects':>8s}{'s':>9s}{'processor':>11s}{'settling':>10s}{'MB':>8s}",
    ]
    for wanted, most in SECONDS.items():
        mine = [r.times for r in rows if abs(r.objects - wanted) <= 0.2 * wanted]
        if not mine:
            continue
        m = {k: float(np.median([getattr(t, k) for t in mine])) for k in asdict(mine[0])}
        aims = f"s ≤ {most:g}: {verdict(m['processor'], most, 'lower')}"
        if wanted == 50:
            aims += f"; MB ≤ {MEGABYTES:g}: {verdict(m['megabytes'], MEGABYTES, 'lower')}"
        lines.append(
            f"{wanted:8d}{m['seconds']:9.2f}{m['processor']:11.2f}{m['settling']:10.2f}"
            f"{m['megabytes']:8.2f}  {aims}"
        )
    return "\n".join(lines)


def backdrops(found: Mapping[str, Sequence[Backdrop]]) -> str:
    """Means over the rooms of each kind of background."""
    lines = [
        "\nbackground (means)",
        f"{'':10s}{'rooms':>6s}{'depth seen':>12s}{'hidden':>9s}{'covered':>9s}{'hiding':>8s}{'sheets':>8s}"
        f"{'(jumps)':>9s}{'PSNR':>7s}{'hidden':>8s}",
    ]
    for name, rows in found.items():
        m = {k: float(np.nanmean([getattr(r, k) for r in rows])) for k in asdict(rows[0])}
        met = (
            f"sheets 0: {verdict(m['sheets'], 0, 'lower')}; "
            f"PSNR ≥ 30: {verdict(m['psnr'], 30, 'higher')}"
        )
        lines.append(
            f"{name:10s}{len(rows):6d}{m['depth_seen']:12.4f}{m['depth_hidden']:9.4f}"
            f"{m['covered']:9.3f}{m['hiding']:8.4f}{m['sheets']:8.1f}{m['jumps']:9.0f}{m['psnr']:7.1f}"
            f"{m['psnr_hidden']:8.1f}  {met}"
        )
    return "\n".join(lines)


def details(row: Row) -> str:
    """All that is wrong in a room."""
    a = row.after
    lines = [
        f"  {row.room} {row.start}: {row.objects} objects, {row.times.processor:.2f} s, penetrating "
        f"{len(row.before.penetrating)} → {len(a.penetrating)}, floating {row.before.floating} → "
        f"{a.floating}, contacts {row.before.touching} → {a.touching} of {len(a.contacts)}, "
        f"relations {row.told.found} of {row.told.wanted}"
    ]
    lines += [f"    in each other: {x} {y} {s:.3f}" for x, y, s in a.penetrating]
    lines += [f"    through a wall: {x} {s:.3f}" for x, s in a.behind]
    lines += [
        f"    floats: {i} over {c} by {s:.3f} of its height" for i, c, s in a.gaps if s > 0.01
    ]
    lines += [
        f"    apart: {i} {k} {t} by {d:.3f} of its size" for i, k, t, d in a.contacts if d > 0.01
    ]
    lines += [f"    not told: {r}" for r in row.told.missed]
    lines += [f"    false: {r}" for r in row.told.false]
    if row.drifted:
        lines += [f"    drifts: {i} by {s:.3f} of its size" for i, s in row.drifted.far]
    worst = sorted(row.fit_after.mask_iou, key=lambda i: row.fit_after.mask_iou[i])[:3]
    lines += [
        f"    silhouette {i}: {row.fit_before.mask_iou[i]:.3f} → {row.fit_after.mask_iou[i]:.3f}"
        for i in worst
        if row.fit_before.mask_iou[i] - row.fit_after.mask_iou[i] > 0.02
    ]
    return "\n".join(lines)


def as_json(rows: Sequence[Row], times: Sequence[Row], found: Mapping[str, Sequence[Backdrop]]):
    """All figures, JSON-ready; what is not finite is null."""
    starts: dict[str, Any] = {}
    for name in dict.fromkeys(r.start for r in rows):
        mine = [r for r in rows if r.start == name]
        starts[name] = {
            f.name: {
                "before": None if f.before is None else value(mine, f.before),
                "after": value(mine, f.after),
                "interval": interval(mine, f.after),
                "aim": _aim(f, name),
                "verdict": verdict(value(mine, f.after), _aim(f, name), f.better),
            }
            for f in FIGURES
        }
    return _finite(
        {
            "starts": starts,
            "rooms": [asdict(r) for r in rows],
            "times": [{"objects": r.objects, **asdict(r.times)} for r in times],
            "backgrounds": {k: [asdict(b) for b in v] for k, v in found.items()},
        }
    )  # fmt: skip


def _finite(given: Any) -> Any:
    if isinstance(given, Mapping):
        return {str(k): _finite(v) for k, v in given.items()}
    if isinstance(given, (list, tuple)):
        return [_finite(v) for v in given]
    if isinstance(given, np.generic):
        given = given.item()
    if isinstance(given, float):
        return given if np.isfinite(given) else None
    return given
