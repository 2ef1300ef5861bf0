"""Evaluations as text for a terminal, and as rows for several scenes."""

from __future__ import annotations

from collections.abc import Sequence

from . import Evaluation
from .drift import Moved
from .measures import measure_of, text

ROW_MEASURES = (
    "matched", "chamfer_mean", "chamfer_squared_sum", "f_score@0.05", "f_score@0.1", "hausdorff",
    "scene_box_iou", "cd_s", "f_s", "cd_o", "f_o", "iou_b", "shape_f_score@0.01", "voxel_iou",
    "shape_chamfer_squared_sum", "box_iou", "volume_iou", "add_s", "add_s<0.1", "rotation_deg",
    "icp_rotation_deg", "mask_iou", "abs_rel", "psnr", "ssim", "lpips", "penetrating_pairs",
    "floating", "contact_recall", "stay_in_simulation",
)  # fmt: skip
"""What a row of several scenes tells, as far as it was measured, in this order."""

COLUMNS_AT_ONCE = 7
NAME = 22


def table(evaluation: Evaluation) -> str:
    """One scene: the whole, the objects, what was assumed."""
    e = evaluation
    lines = [
        f"{e.predicted} against {e.truth}",
        f"protocol {e.protocol.name}: {e.protocol.title}",
        f"{counts_line(e)}; lengths in {unit_of(e)}",
    ]
    lines += _block("scene", e.scene)
    lines += _objects(e)
    lines += _block("pictures", e.pictures)
    if e.physics is not None:
        lines += _block("physics", e.physics.whole)
        lines += [f"  {line}" for line in physics_lines(e)]
    for o in e.missing:
        lines.append(f"missing: {o.name} ({o.reason})")
    if e.extra:
        lines.append(f"too many: {', '.join(e.extra)}")
    lines += [f"note: {n}" for n in e.notes]
    return "\n".join(lines)


def counts_line(e: Evaluation) -> str:
    """How many objects there are, and how they were matched."""
    missing, how = len(e.missing), {"best": "place"}.get(e.matched_by, e.matched_by)
    return (
        f"{len(e.objects) - missing} of {len(e.objects)} objects matched by {how}, "
        f"{missing} missing, {len(e.extra)} too many"
    )


def unit_of(e: Evaluation) -> str:
    """What lengths are told in."""
    clouds = e.protocol.scene
    normal = e.protocol.frame != "world" or (clouds is not None and clouds.normalise != "none")
    return "normalised units" if normal else "metres" if e.unit == "m" else "the truth's unit"


def physics_lines(e: Evaluation, most: int = 5) -> list[str]:
    """The worst penetrations, gaps and drifts in words."""
    if e.physics is None:
        return []
    deep = [
        f"{' and '.join(p.objects)}: {100 * p.share:.1f} % of the smaller one's size inside"
        for p in e.physics.penetrations[:most]
    ]
    loose = [
        f"{g.object}: a gap of {100 * g.share:.1f} % of its height to what carries it ({g.carrier})"
        for g in e.physics.gaps[:most]
    ]
    return [*deep, *loose, *map(_moved_line, e.physics.moved[:most])]


def _moved_line(moved: Moved) -> str:
    how = "falls" if moved.fell else "moves"
    return (
        f"{moved.object}: {how} in simulation, by {100 * moved.share:.1f} % of its size"
        f" and {moved.rotation_deg:.0f}°"
    )


def _block(title: str, values) -> list[str]:
    if not values:
        return []
    lines = ["", title]
    for name, value in values.items():
        stem, bracket, rest = name.partition(" (")
        lines.append(f"  {measure_of(stem).title + bracket + rest:32s}{text(value):>10s}")
    return lines


def _objects(e: Evaluation) -> list[str]:
    """Blocks of a few columns, a line each object, the means below."""
    lines: list[str] = []
    names = list(e.means)
    for start in range(0, len(names), COLUMNS_AT_ONCE):
        columns = names[start : start + COLUMNS_AT_ONCE]
        titles = [measure_of(c).title for c in columns]
        wide = [max(9, len(t) + 2) for t in titles]
        lines += ["", f"{'objects':{NAME}s}" + _joined(titles, wide)]
        for o in e.objects:
            if o.predicted:
                cells = [text(o.values.get(c)) for c in columns]
            else:
                cells = ["missing" if i == 0 else "" for i in range(len(columns))]
            lines.append(f"  {o.name:{NAME - 2}.{NAME - 3}s}" + _joined(cells, wide))
        lines.append(f"{'mean':{NAME}s}" + _joined([text(e.means[c][0]) for c in columns], wide))
        counted = [str(e.means[c][1]) for c in columns]
        lines.append(f"{'of objects':{NAME}s}" + _joined(counted, wide))
    return lines


def _joined(cells: Sequence[str], wide: Sequence[int]) -> str:
    return "".join(f"{c:>{w}s}" for c, w in zip(cells, wide, strict=True))


def rows(evaluations: Sequence[Evaluation]) -> str:
    """Several scenes: a line each, and the mean of each column over the scenes that have it."""
    heads = [e.headline for e in evaluations]
    names = [n for n in ROW_MEASURES if any(n in h for h in heads)]
    lines = [f"protocol {evaluations[0].protocol.name}: {evaluations[0].protocol.title}"]
    for start in range(0, len(names), COLUMNS_AT_ONCE):
        columns = names[start : start + COLUMNS_AT_ONCE]
        titles = [measure_of(c).title for c in columns]
        wide = [max(9, len(t) + 2) for t in titles]
        lines += ["", f"{'scene':{NAME}s}" + _joined(titles, wide)]
        for e, head in zip(evaluations, heads, strict=True):
            lines.append(
                f"{e.name:{NAME}.{NAME - 1}s}" + _joined([text(head.get(c)) for c in columns], wide)
            )
        means = [text(mean_of(heads, c)) for c in columns]
        lines.append(f"{'mean':{NAME}s}" + _joined(means, wide))
    return "\n".join(lines)


def mean_of(heads: Sequence[dict[str, float]], name: str) -> float | None:
    """Over the scenes that have the measure; an infinite one (PSNR of equal pictures) is left out."""
    known = [h[name] for h in heads if name in h and abs(h[name]) != float("inf")]
    return sum(known) / len(known) if known else None


def mean_rows(evaluations: Sequence[Evaluation]) -> dict[str, float | None]:
    """The mean of every single number over the scenes."""
    heads = [e.headline for e in evaluations]
    return {n: mean_of(heads, n) for n in dict.fromkeys(k for h in heads for k in h)}
