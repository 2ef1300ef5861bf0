"""Numbers of a scene in words for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..services.usage import dollars_text
from ..types import Objects, Scene

GOOD_IOU, FAIR_IOU = 0.75, 0.5
GOOD_DEPTH, FAIR_DEPTH = 0.05, 0.12

_FIT_NAMES = {
    "iou": "outline overlap (IoU)",
    "depth_residual": "depth error",
    "visible": "visible share",
    "margin": "lead over runner-up",
}
_SHARES = ("iou", "depth_residual", "visible")


def grade(fit: Mapping[str, float], ambiguous: bool) -> str:
    """ "good", "fair", "poor", or "not measured" when there is no outline overlap.

    Good needs the outline and, where it is known, the depth to fit, and no rival pose.
    """
    iou, depth = _number(fit.get("iou")), _number(fit.get("depth_residual"))
    if iou is None:
        return "not measured"
    if iou < FAIR_IOU or (depth is not None and depth > FAIR_DEPTH):
        return "poor"
    if iou < GOOD_IOU or (depth is not None and depth > GOOD_DEPTH) or ambiguous:
        return "fair"
    return "good"


def depth_off(fit: Mapping[str, float]) -> float | None:
    """How far an object is from the depth that was measured, share of its size, where that lowers
    its grade; else None."""
    off = _number(fit.get("depth_residual"))
    return off if off is not None and off > GOOD_DEPTH else None


def fit_facts(fit: Mapping[str, float]) -> list[tuple[str, str]]:
    """(name, value) of each number, the known ones first."""
    known = [k for k in _FIT_NAMES if k in fit]
    rest = [k for k in fit if k not in _FIT_NAMES]
    found = []
    for name in [*known, *rest]:
        value = _number(fit[name])
        if value is None:
            continue
        text = f"{100 * value:.1f} %" if name in _SHARES else f"{value:.3g}"
        found.append((_FIT_NAMES.get(name, name.replace("_", " ")), text))
    return found


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None


def length(value: Any, metric: bool) -> str:
    """A length with its unit."""
    number = _number(value)
    if number is None:
        return "–"
    if not metric:
        return f"{number:.3g} units"
    return f"{100 * number:.1f} cm" if abs(number) < 1 else f"{number:.2f} m"


def camera_facts(scene: Scene) -> list[tuple[str, str]]:
    """Camera and room."""
    geometry, photo = scene.geometry, scene.objects.photo
    k, pose = geometry.intrinsics, scene.world_from_camera
    view = [
        np.degrees(2 * np.arctan(side / (2 * k[i, i])))
        for i, side in enumerate((photo.width, photo.height))
    ]
    ahead, right = pose.rotation[:, 2], pose.rotation[:, 0]
    pitch = np.degrees(np.arcsin(np.clip(-ahead[1], -1, 1)))
    roll = np.degrees(np.arcsin(np.clip(right[1], -1, 1)))
    off = k[0, 2] - photo.width / 2, k[1, 2] - photo.height / 2
    facts = [
        ("photo", f"{photo.width} × {photo.height} px"),
        ("field of view", f"{view[0]:.1f}° × {view[1]:.1f}°, focal length {k[0, 0]:.0f} px"),
        ("camera looks", f"{abs(pitch):.1f}° {'down' if pitch >= 0 else 'up'}, rolled {roll:.1f}°"),
    ]
    if max(abs(off[0]), abs(off[1])) > 0.5:
        facts.append(("principal point", f"{off[0]:+.1f}, {off[1]:+.1f} px off the middle"))
    if scene.description.get("floor") is not None:
        facts.append(("camera height", length(pose.translation[1], geometry.metric)))
    else:
        facts.append(("floor", "none known"))
    walls = len(geometry.walls)
    known = "guessed from few cues" if geometry.approximate else "measured"
    facts += [
        ("walls, ceiling", f"{walls or 'no'} walls, {'a' if geometry.ceiling is not None else 'no'} ceiling"),
        ("scale", "metres" if geometry.metric else "unknown unit"),
        ("depth", f"{geometry.source or 'given'}, {known}"),
    ]  # fmt: skip
    pieces = [str(p["node"]).removeprefix("room/") for p in scene.description.get("room", ())]
    facts.append(("room in the scene", ", ".join(pieces) or "none"))
    facts.append(("size of scene.glb", f"{len(scene.glb) / 1e6:.1f} MB"))
    return facts


def dropped_facts(objects: Objects) -> list[dict[str, Any]]:
    """Objects that Filter left out, and why."""
    return [
        {"id": o.id, "label": o.label, "score": o.score, "reason": o.reason or "no reason given"}
        for o in objects.objects
        if not o.keep
    ]


def _names(description: Mapping[str, Any]) -> dict[Any, str]:
    return {
        entry["id"]: entry.get("node") or f"{entry['label']} {entry['id']}"
        for entry in description.get("objects", ())
    }


def relation_facts(description: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Relations with node names in place of ids."""
    names = _names(description)
    return [
        {
            "subject": names.get(r["subject"], r["subject"]),
            "type": str(r["type"]).replace("_", " "),
            "object": names.get(r["object"], r["object"]),
            "confidence": r.get("confidence"),
            "source": r.get("source", ""),
        }
        for r in description.get("relations", ())
    ]


def physics_facts(description: Mapping[str, Any]) -> list[str]:
    """One sentence per gap and penetration that is left, and one on how many there were."""
    names, physics = _names(description), description.get("physics", {})
    metric = bool(description.get("metric"))
    told = []
    before = physics.get("before")
    if isinstance(before, Mapping):
        counts = [
            f"{what}: {len(before.get(key, ()))} before, {len(physics.get(key, ()))} now"
            for key, what in (("penetrations", "inside each other"), ("gaps", "not touching"))
        ]
        told.append("; ".join(counts))
    for gap in physics.get("gaps", ()):
        name, to = names.get(gap["id"], gap["id"]), gap["to"]
        if to is None:
            told.append(f"{name}: nothing holds it, so it stays where it was placed")
        else:
            told.append(f"{name}: {length(gap['gap'], metric)} away from {names.get(to, to)}")
    for pair in physics.get("penetrations", ()):
        one, other = (names.get(i, i) for i in pair["objects"])
        told.append(f"{one} and {other}: {length(pair['depth'], metric)} inside each other")
    return told


def move_facts(description: Mapping[str, Any]) -> list[dict[str, str]]:
    """How far physics moved each thing, and how well it covers its mask before and after."""
    names, metric = _names(description), bool(description.get("metric"))
    found = []
    for move in description.get("physics", {}).get("moves", ()):
        before, after = _number(move.get("iou_before")), _number(move.get("iou_after"))
        found.append(
            {
                "name": str(names.get(move["id"], move["id"])),
                "moved": length(move.get("moved") or 0.0, metric),
                "turned": f"{move.get('turned_deg') or 0.0:.1f}°",
                "scaled": f"{move.get('scaled') or 1.0:.3f}",
                "before": "–" if before is None else f"{before:.2f}",
                "after": "–" if after is None else f"{after:.2f}",
            }
        )
    return found


def cost_facts(run: Mapping[str, Any]) -> list[dict[str, str]]:
    """What was spent on the scene in all runs over its folder, by stage and service."""
    rows = run.get("costs")
    found = []
    for row in rows if isinstance(rows, list) else ():
        if not isinstance(row, Mapping):
            continue
        units, seconds = _number(row.get("units")), _number(row.get("seconds"))
        dollars = _number(row.get("estimate_usd"))
        found.append(
            {
                "stage": str(row.get("stage") or "–"),
                "service": f"{row.get('service', '–')} {row.get('model', '')}".strip(),
                "calls": str(row.get("calls", "–")),
                "units": f"{units:g} {row.get('unit', '')}".strip() if units else "–",
                "seconds": f"{seconds:.1f} s" if seconds else "–",
                "dollars": f"about {dollars_text(dollars)}" if dollars else "–",
            }
        )
    return found


def stage_facts(run: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What each stage was run with, in order."""
    stages = run.get("stages")
    if not isinstance(stages, Mapping):
        return []
    found = []
    for name, stage in stages.items():
        if not isinstance(stage, Mapping):
            continue
        options = stage.get("options")
        seconds = _number(stage.get("seconds"))
        found.append(
            {
                "name": name,
                "backend": stage.get("backend", "–"),
                "version": stage.get("version", "–"),
                "options": dict(options) if isinstance(options, Mapping) else {},
                "seconds": "–" if seconds is None else f"{seconds:.1f} s",
                "reused": stage.get("reused") or 0,
                "cost": stage.get("cost", "–"),
            }
        )
    return found
